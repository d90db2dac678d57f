/* SPDX-License-Identifier: Apache-2.0 */
/* Core types, module types and core instances (Binary.md: Type Definitions, Instance Definitions). */
#include <string.h>

#include "base/buf.h"
#include "component/component_decode_int.h"
#include "wasm/limits.h"

enum { CODE_MODULE_TYPE = 0x50, CODE_SUB_PREFIX = 0x00 };

/*
 * A module type has its place in the index space, but no other type may name it. Where one does, the
 * reader finds this id, which no registry gives out, and the group is refused before it is registered.
 */
enum { MODULE_TYPE_ID = HEAP_MEMBER - 1 };
static const struct type_def module_type_place = {.id = MODULE_TYPE_ID, .kind = UINT8_MAX};

/* ---- Scopes ------------------------------------------------------------------------------ */

void core_scope_open(struct comp_decoder *d, struct core_scope *scope)
{
    struct component_file *file = d->file;
    *scope = (struct core_scope){.outer = d->scope};
    scope->module.alloc = file->alloc;
    scope->module.types_registry = file->engine->types;
    scope->module.bytes = file->bytes;
    scope->module.size_bytes = file->size_bytes;
    scope->module.features = file->engine->config.features;
    d->scope = scope;
    d->r.module = &scope->module;
}

void core_scope_close(struct comp_decoder *d, struct core_scope *scope)
{
    alloc_put(d->file->alloc, scope->module.types, scope->type_capacity * sizeof(void *));
    alloc_put(d->file->alloc, scope->items, scope->item_capacity * sizeof(void *));
    d->scope = scope->outer;
    /* The root's scope ends with the reader; messages still count from the file's beginning. */
    if (scope->outer != NULL)
        d->r.module = &scope->outer->module;
}

static void scope_add(struct comp_decoder *d, const struct comp_core_type *type)
{
    struct core_scope *scope = d->scope;
    size_t count = (size_t)scope->module.type_count + 1;
    if (reader_failed(&d->r))
        return;
    if (count > LIMIT_COMP_ITEMS) {
        reader_fail(&d->r, STINT_LIMIT, NULL, "too many core types: the limit is %d",
                    LIMIT_COMP_ITEMS);
        return;
    }
    if (!vec_reserve(d->file->alloc, &scope->module.types, &scope->type_capacity, count,
                     sizeof(void *)) ||
        !vec_reserve(d->file->alloc, &scope->items, &scope->item_capacity, count, sizeof(void *))) {
        reader_fail_nomem(&d->r);
        return;
    }
    scope->module.types[count - 1] = type->is_module ? &module_type_place : type->type;
    scope->items[count - 1] = type;
    scope->module.type_count++;
}

/* The type `index` of the scope `outer_count` levels out; NULL and a failed reader without one. */
static const struct comp_core_type *scope_find(struct comp_decoder *d, uint32_t outer_count,
                                               uint32_t index, const uint8_t *at)
{
    const struct core_scope *scope = d->scope;
    for (uint32_t i = 0; i < outer_count && scope != NULL; i++)
        scope = scope->outer;
    if (scope == NULL)
        reader_fail(&d->r, STINT_INVALID, at, "invalid outer alias count of %u", outer_count);
    else if (index >= scope->module.type_count)
        reader_fail(&d->r, STINT_INVALID, at,
                    "unknown core type %u: type index out of bounds, there are %u so far", index,
                    scope->module.type_count);
    return reader_failed(&d->r) ? NULL : scope->items[index];
}

void comp_alias_core_type(struct comp_decoder *d, uint32_t outer_count, uint32_t index,
                          const uint8_t *at)
{
    const struct comp_core_type *type = scope_find(d, outer_count, index, at);
    if (type != NULL)
        scope_add(d, type);
}

/* ---- Groups of core types ---------------------------------------------------------------- */

static bool names_module_type(const struct type_draft *draft)
{
    bool found = draft->super == MODULE_TYPE_ID;
    for (uint32_t i = 0; i < draft->param_count; i++)
        found |= vt_is_ref(draft->params[i]) && vt_heap(draft->params[i]) == MODULE_TYPE_ID;
    for (uint32_t i = 0; i < draft->result_count; i++)
        found |= vt_is_ref(draft->results[i]) && vt_heap(draft->results[i]) == MODULE_TYPE_ID;
    for (uint32_t i = 0; i < draft->field_count; i++)
        found |=
            vt_is_ref(draft->fields[i].type) && vt_heap(draft->fields[i].type) == MODULE_TYPE_ID;
    return found;
}

/* Reads a group and puts its types into the scope; definitions of them into `list` where given. */
static void decode_group(struct comp_decoder *d, struct def_list *list)
{
    struct reader *r = &d->r;
    const uint8_t *at = r->at;
    struct comp_def def = comp_begin_def(d, DEF_CORE_TYPE, SORT_CORE_TYPE);
    struct arena scratch;
    struct type_draft *drafts = NULL;
    uint32_t first = 0;
    arena_init(&scratch, d->file->alloc);
    uint32_t count =
        read_type_group(r, LIMIT_COMP_ITEMS - d->scope->module.type_count, &scratch, &drafts);
    for (uint32_t i = 0; i < count && !reader_failed(r); i++) {
        if (names_module_type(&drafts[i]))
            reader_fail(r, STINT_INVALID, at, "a core type names a module type");
    }
    if (!reader_failed(r)) {
        struct stint_error error = {0};
        enum stint_status status =
            types_add_group(d->file->engine->types, drafts, count, &first, &error);
        if (status != STINT_OK)
            reader_fail(r, status, at, "%s (core type %u and on)", error.message,
                        d->scope->module.type_count);
    }
    arena_free(&scratch);
    for (uint32_t i = 0; i < count && !reader_failed(r); i++) {
        struct comp_core_type *type = comp_array(d, 1, sizeof(*type));
        if (type == NULL)
            return;
        type->type = types_get(d->file->engine->types, first + i);
        scope_add(d, type);
        def.core_type = type;
        if (list != NULL)
            comp_add_def(d, list, &def);
    }
}

/* ---- Module types ------------------------------------------------------------------------ */

/* A module type while it is read. */
struct module_draft {
    struct comp_core_import *import_names;
    struct comp_core_extern *imports;
    struct wasm_name *export_names;
    struct comp_core_extern *exports;
    size_t import_name_capacity, import_capacity, export_name_capacity, export_capacity;
    uint32_t import_count, export_count;
};

static const struct type_def *read_func_type(struct comp_decoder *d)
{
    const uint8_t *at = d->r.at;
    uint32_t index = read_u32(&d->r);
    const struct comp_core_type *type = reader_failed(&d->r) ? NULL : scope_find(d, 0, index, at);
    if (type == NULL)
        return NULL;
    if (type->is_module || type->type->kind != TYPE_FUNC)
        reader_fail(&d->r, STINT_INVALID, at, "core type %u is not a function type", index);
    return type->type;
}

static struct comp_core_extern read_extern(struct comp_decoder *d)
{
    struct reader *r = &d->r;
    const uint8_t *at = r->at;
    uint8_t kind = read_byte(r);
    struct comp_core_extern type = {.kind = kind};
    switch (kind) {
    case EXTERN_FUNC:
        type.func = read_func_type(d);
        break;
    case EXTERN_TABLE:
        type.table = read_table_type(r);
        break;
    case EXTERN_MEMORY:
        type.memory = read_memory_type(r);
        break;
    case EXTERN_GLOBAL:
        type.global = read_global_type(r);
        break;
    case EXTERN_TAG:
        if (!reader_need_feature(r, FEATURE_EXCEPTIONS, at, "a tag"))
            break;
        at = r->at;
        if (read_byte(r) != 0)
            reader_fail(r, STINT_MALFORMED, at, "malformed tag attribute");
        at = r->at;
        type.func = read_func_type(d);
        if (type.func != NULL && type.func->result_count != 0)
            reader_fail(r, STINT_INVALID, at, "non-empty tag result type: a tag has no results");
        break;
    default:
        comp_fail_byte(d, at, kind, "kind of a core import or export");
    }
    return type;
}

static void decode_module_import(struct comp_decoder *d, struct module_draft *draft)
{
    struct alloc *alloc = d->file->alloc;
    struct comp_core_import names;
    names.module = read_name(&d->r, "module of an import");
    names.field = read_name(&d->r, "name of an import");
    struct comp_core_extern type = read_extern(d);
    size_t count = (size_t)draft->import_count + 1;
    if (reader_failed(&d->r))
        return;
    if (!vec_reserve(alloc, &draft->import_names, &draft->import_name_capacity, count,
                     sizeof(names)) ||
        !vec_reserve(alloc, &draft->imports, &draft->import_capacity, count, sizeof(type))) {
        reader_fail_nomem(&d->r);
        return;
    }
    draft->import_names[draft->import_count] = names;
    draft->imports[draft->import_count++] = type;
}

static void decode_module_export(struct comp_decoder *d, struct module_draft *draft)
{
    struct alloc *alloc = d->file->alloc;
    struct wasm_name name = read_name(&d->r, "name of an export");
    struct comp_core_extern type = read_extern(d);
    size_t count = (size_t)draft->export_count + 1;
    if (reader_failed(&d->r))
        return;
    if (!vec_reserve(alloc, &draft->export_names, &draft->export_name_capacity, count,
                     sizeof(name)) ||
        !vec_reserve(alloc, &draft->exports, &draft->export_capacity, count, sizeof(type))) {
        reader_fail_nomem(&d->r);
        return;
    }
    draft->export_names[draft->export_count] = name;
    draft->exports[draft->export_count++] = type;
}

/* (alias outer count index (type)); outer scopes beyond the module type's own are component ones. */
static void decode_module_alias(struct comp_decoder *d)
{
    struct reader *r = &d->r;
    const uint8_t *at = r->at;
    uint8_t sort = read_byte(r);
    if (sort != 0x10)
        comp_fail_byte(d, at, sort, "sort of an alias in a module type");
    at = r->at;
    uint8_t target = read_byte(r);
    if (target != 0x01)
        comp_fail_byte(d, at, target, "target of an alias in a module type");
    at = r->at;
    uint32_t outer_count = read_u32(r);
    uint32_t index = read_u32(r);
    if (reader_failed(r))
        return;
    const struct comp_core_type *type = scope_find(d, outer_count, index, at);
    if (type != NULL && type->is_module)
        reader_fail(r, STINT_INVALID, at, "a module type cannot be aliased into a module type");
    else if (type != NULL)
        scope_add(d, type);
}

static void decode_module_decl(struct comp_decoder *d, struct module_draft *draft)
{
    struct reader *r = &d->r;
    const uint8_t *at = r->at;
    uint8_t code = read_byte(r);
    switch (code) {
    case 0x00:
        decode_module_import(d, draft);
        break;
    case 0x01:
        if (r->at < r->end && *r->at == CODE_MODULE_TYPE)
            reader_fail(r, STINT_INVALID, NULL, "a module type inside a module type");
        else if (r->at + 1 < r->end && *r->at == CODE_SUB_PREFIX && r->at[1] == CODE_MODULE_TYPE)
            r->at++;
        decode_group(d, NULL);
        break;
    case 0x02:
        decode_module_alias(d);
        break;
    case 0x03:
        decode_module_export(d, draft);
        break;
    default:
        comp_fail_byte(d, at, code, "declaration in a module type");
    }
}

static void *keep(struct comp_decoder *d, const void *items, size_t count, size_t each_bytes)
{
    void *copy = comp_array(d, count, each_bytes);
    if (copy != NULL && count != 0)
        memcpy(copy, items, count * each_bytes);
    return copy;
}

static struct comp_core_type *decode_module_type(struct comp_decoder *d)
{
    struct module_draft draft = {0};
    struct alloc *alloc = d->file->alloc;
    struct core_scope scope;
    struct comp_core_type *type = comp_array(d, 1, sizeof(*type));
    if (type == NULL)
        return NULL;
    core_scope_open(d, &scope);
    uint32_t count = read_count(&d->r, LIMIT_COMP_MODULE_DECLS, 2, "declarations in a module type");
    for (uint32_t i = 0; i < count && !reader_failed(&d->r); i++)
        decode_module_decl(d, &draft);
    core_scope_close(d, &scope);
    if (!reader_failed(&d->r)) {
        type->is_module = true;
        type->import_count = draft.import_count;
        type->export_count = draft.export_count;
        type->import_names =
            keep(d, draft.import_names, draft.import_count, sizeof(*draft.import_names));
        type->imports = keep(d, draft.imports, draft.import_count, sizeof(*draft.imports));
        type->export_names =
            keep(d, draft.export_names, draft.export_count, sizeof(*draft.export_names));
        type->exports = keep(d, draft.exports, draft.export_count, sizeof(*draft.exports));
    }
    alloc_put(alloc, draft.import_names, draft.import_name_capacity * sizeof(*draft.import_names));
    alloc_put(alloc, draft.imports, draft.import_capacity * sizeof(*draft.imports));
    alloc_put(alloc, draft.export_names, draft.export_name_capacity * sizeof(*draft.export_names));
    alloc_put(alloc, draft.exports, draft.export_capacity * sizeof(*draft.exports));
    return type;
}

void comp_decode_core_type(struct comp_decoder *d, struct def_list *list)
{
    struct reader *r = &d->r;
    if (r->at < r->end && *r->at == CODE_MODULE_TYPE) {
        struct comp_def def = comp_begin_def(d, DEF_CORE_TYPE, SORT_CORE_TYPE);
        r->at++;
        def.core_type = decode_module_type(d);
        if (!reader_failed(r))
            scope_add(d, def.core_type);
        comp_add_def(d, list, &def);
        return;
    }
    if (r->at + 1 < r->end && *r->at == CODE_SUB_PREFIX && r->at[1] == CODE_MODULE_TYPE)
        r->at++;
    decode_group(d, list);
}

/* ---- Core instances ---------------------------------------------------------------------- */

static void read_core_args(struct comp_decoder *d, struct comp_def *def, bool is_instantiate)
{
    static const uint8_t sorts[] = {SORT_CORE_FUNC, SORT_CORE_TABLE, SORT_CORE_MEMORY,
                                    SORT_CORE_GLOBAL, SORT_CORE_TAG};
    struct reader *r = &d->r;
    uint32_t count = read_count(r, LIMIT_COMP_ARGS, 3, "arguments or exports of a core instance");
    struct comp_arg *args = comp_array(d, count, sizeof(*args));
    if (args == NULL)
        return;
    for (uint32_t i = 0; i < count && !reader_failed(r); i++) {
        args[i].name = read_name(r, "name of a core instance's argument or export");
        const uint8_t *at = r->at;
        uint8_t sort = read_byte(r);
        if (is_instantiate ? sort != 0x12 : sort >= sizeof(sorts))
            comp_fail_byte(d, at, sort, "sort of a core instance's argument or export");
        else
            args[i].what.sort = is_instantiate ? SORT_CORE_INSTANCE : sorts[sort];
        args[i].what.index = read_u32(r);
    }
    def->arg_count = count;
    def->args = args;
}

void comp_decode_core_instance(struct comp_decoder *d, struct def_list *list)
{
    struct comp_def def = comp_begin_def(d, DEF_CORE_INSTANTIATE, SORT_CORE_INSTANCE);
    const uint8_t *at = d->r.at;
    uint8_t code = read_byte(&d->r);
    if (code > 1)
        comp_fail_byte(d, at, code, "core instance");
    if (code == 0)
        def.index = read_u32(&d->r);
    else
        def.kind = DEF_CORE_EXPORTS;
    read_core_args(d, &def, code == 0);
    comp_add_def(d, list, &def);
}
