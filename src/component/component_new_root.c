/* SPDX-License-Identifier: Apache-2.0 */
/* The new component itself, section by section. */
#include <stdio.h>

#include "component/component_new_int.h"

enum {
    SORT_CODE_CORE = 0x00,
    SORT_CODE_FUNC = 0x01,
    SORT_CODE_TYPE = 0x03,
    SORT_CODE_INSTANCE = 0x05,
    CORE_FUNC = 0x00,
    CORE_TABLE = 0x01,
    CORE_MEMORY = 0x02,
    CORE_INSTANCE = 0x12,
    TARGET_EXPORT = 0x00,
    TARGET_CORE_EXPORT = 0x01,
    INSTANTIATE = 0x00,
    INLINE_EXPORTS = 0x01,
    CODE_RESOURCE = 0x3f,
    OPTION_UTF8 = 0x00,
    OPTION_MEMORY = 0x03,
    OPTION_REALLOC = 0x04,
    OPTION_POST_RETURN = 0x05,
};

bool new_put_section(struct component_new *n, struct buf *out, uint8_t id, struct buf *content)
{
    (void)buf_append_byte(out, id);
    (void)buf_append_uleb(out, content->bytes);
    (void)buf_append(out, content->data, content->bytes);
    bool ok = !content->failed && !out->failed;
    buf_clear(content);
    return ok || new_fail_nomem(n);
}

void new_put_name(struct buf *out, const char *text, size_t bytes)
{
    (void)buf_append_uleb(out, bytes);
    (void)buf_append(out, text, bytes);
}

/* A section of one definition, which is in `one` and emptied. */
static void put_one(struct component_new *n, struct buf *out, uint8_t id, struct buf *one)
{
    static const uint8_t count = 1;
    (void)buf_insert(one, 0, &count, 1);
    (void)new_put_section(n, out, id, one);
}

/* ---- Aliases ------------------------------------------------------------------------------ */

static uint32_t alias_core(struct component_new *n, uint8_t sort, uint32_t instance,
                           const char *name, size_t name_bytes)
{
    struct buf one;
    buf_init(&one, n->alloc, SIZE_MAX);
    (void)buf_append_byte(&one, SORT_CODE_CORE);
    (void)buf_append_byte(&one, sort);
    (void)buf_append_byte(&one, TARGET_CORE_EXPORT);
    (void)buf_append_uleb(&one, instance);
    new_put_name(&one, name, name_bytes);
    put_one(n, n->out, SECTION_COMP_ALIAS, &one);
    buf_free(&one);
    return sort == CORE_FUNC    ? n->core_funcs++
           : sort == CORE_TABLE ? n->core_tables++
                                : n->core_memories++;
}

static uint32_t alias_slot(struct component_new *n, uint32_t slot)
{
    char name[12];
    int bytes = snprintf(name, sizeof(name), "%u", (unsigned)slot);
    return alias_core(n, CORE_FUNC, n->shim_instance, name, (size_t)bytes);
}

/* The function of an imported interface among the component's functions. */
static uint32_t imported_func(struct component_new *n, struct new_interface *interface,
                              struct new_func *func)
{
    if (func->index != COMP_NO_INDEX)
        return func->index;
    struct buf one;
    buf_init(&one, n->alloc, SIZE_MAX);
    (void)buf_append_byte(&one, SORT_CODE_FUNC);
    (void)buf_append_byte(&one, TARGET_EXPORT);
    (void)buf_append_uleb(&one, interface->instance);
    new_put_name(&one, func->name.text, func->name.bytes);
    put_one(n, n->out, SECTION_COMP_ALIAS, &one);
    buf_free(&one);
    func->index = n->funcs++;
    return func->index;
}

/* ---- Canonical definitions ---------------------------------------------------------------- */

static void put_options(struct component_new *n, const struct new_func *func, uint32_t post,
                        struct buf *out)
{
    bool has_encoding = func->needs_memory && n->encoding != ENCODING_UTF8;
    (void)buf_append_uleb(out, (uint64_t)has_encoding + func->needs_memory + func->needs_realloc +
                                   (post != COMP_NO_INDEX));
    if (has_encoding)
        (void)buf_append_byte(out, (uint8_t)(OPTION_UTF8 + n->encoding));
    if (func->needs_memory) {
        (void)buf_append_byte(out, OPTION_MEMORY);
        (void)buf_append_uleb(out, n->memory_index);
    }
    if (func->needs_realloc) {
        (void)buf_append_byte(out, OPTION_REALLOC);
        (void)buf_append_uleb(out, n->realloc_index);
    }
    if (post != COMP_NO_INDEX) {
        (void)buf_append_byte(out, OPTION_POST_RETURN);
        (void)buf_append_uleb(out, post);
    }
}

static uint32_t put_lower(struct component_new *n, struct new_interface *interface,
                          struct new_func *func)
{
    struct buf one;
    uint32_t index = imported_func(n, interface, func);
    buf_init(&one, n->alloc, SIZE_MAX);
    (void)buf_append_byte(&one, CANON_LOWER);
    (void)buf_append_byte(&one, 0);
    (void)buf_append_uleb(&one, index);
    put_options(n, func, COMP_NO_INDEX, &one);
    put_one(n, n->out, SECTION_COMP_CANON, &one);
    buf_free(&one);
    return n->core_funcs++;
}

static uint32_t put_resource(struct component_new *n, const struct new_import *import)
{
    static const uint8_t ops[] = {[NEW_RESOURCE_DROP] = CANON_RESOURCE_DROP,
                                  [NEW_RESOURCE_NEW] = CANON_RESOURCE_NEW,
                                  [NEW_RESOURCE_REP] = CANON_RESOURCE_REP};
    struct buf one;
    uint32_t type = new_named(n, &n->root, import->resource);
    buf_init(&one, n->alloc, SIZE_MAX);
    (void)buf_append_byte(&one, ops[import->kind]);
    (void)buf_append_uleb(&one, type);
    put_one(n, n->out, SECTION_COMP_CANON, &one);
    buf_free(&one);
    return n->core_funcs++;
}

/* ---- Core instances ----------------------------------------------------------------------- */

static void put_instantiate_shim(struct component_new *n)
{
    struct buf one;
    buf_init(&one, n->alloc, SIZE_MAX);
    (void)buf_append_byte(&one, INSTANTIATE);
    (void)buf_append_uleb(&one, n->core_modules - 1);
    (void)buf_append_byte(&one, 0);
    put_one(n, n->out, SECTION_COMP_CORE_INSTANCE, &one);
    buf_free(&one);
    n->shim_instance = n->core_instances++;
}

/* The component's own resource types: destructors are the module's, which is not there yet. */
static void put_resource_types(struct component_new *n)
{
    for (size_t i = 0; i < n->interface_count; i++) {
        struct new_interface *interface = n->interfaces[i];
        for (struct new_type *type = interface->types; interface->is_export && type != NULL;
             type = type->next) {
            if (type->type->same != NULL || type->type->def != NULL)
                continue;
            uint32_t dtor = type->dtor_slot != COMP_NO_INDEX ? alias_slot(n, type->dtor_slot) : 0;
            struct buf one;
            buf_init(&one, n->alloc, SIZE_MAX);
            (void)buf_append_byte(&one, CODE_RESOURCE);
            (void)buf_append_byte(&one, VT_I32);
            (void)buf_append_byte(&one, type->dtor_slot != COMP_NO_INDEX);
            if (type->dtor_slot != COMP_NO_INDEX)
                (void)buf_append_uleb(&one, dtor);
            put_one(n, n->out, SECTION_COMP_TYPE, &one);
            buf_free(&one);
            new_know(n, &n->root, type->type, n->root.types++);
        }
    }
}

static void put_core_export(struct buf *out, struct wasm_name name, uint8_t sort, uint32_t index)
{
    new_put_name(out, name.text, name.bytes);
    (void)buf_append_byte(out, sort);
    (void)buf_append_uleb(out, index);
}

/* The instance that the module's imports of one name come from. */
static void put_argument(struct component_new *n, uint32_t first)
{
    struct buf exports, one;
    uint32_t count = 0;
    buf_init(&exports, n->alloc, SIZE_MAX);
    buf_init(&one, n->alloc, SIZE_MAX);
    for (uint32_t i = first; i < n->core->import_count; i++) {
        const struct new_import *import = &n->imports[i];
        if (import->is_repeated ||
            !wit_same_name(import->core->module, n->imports[first].core->module))
            continue;
        put_core_export(&exports, import->core->field, CORE_FUNC, import->core_func);
        count++;
    }
    (void)buf_append_byte(&one, INLINE_EXPORTS);
    (void)buf_append_uleb(&one, count);
    (void)buf_append(&one, exports.data, exports.bytes);
    if (exports.failed)
        (void)new_fail_nomem(n);
    put_one(n, n->out, SECTION_COMP_CORE_INSTANCE, &one);
    buf_free(&exports);
    buf_free(&one);
    n->core_instances++;
}

static bool is_first_of_module(const struct component_new *n, uint32_t number)
{
    for (uint32_t i = 0; i < number; i++) {
        if (wit_same_name(n->imports[i].core->module, n->imports[number].core->module))
            return false;
    }
    return true;
}

static void put_main(struct component_new *n)
{
    struct buf args, one;
    uint32_t count = 0;
    buf_init(&args, n->alloc, SIZE_MAX);
    buf_init(&one, n->alloc, SIZE_MAX);
    for (uint32_t i = 0; i < n->core->import_count; i++) {
        struct new_import *import = &n->imports[i];
        if (import->slot != COMP_NO_INDEX)
            import->core_func = alias_slot(n, import->slot);
        else if (import->kind == NEW_LOWER)
            import->core_func = put_lower(n, import->interface, import->func);
        else
            import->core_func = put_resource(n, import);
    }
    for (uint32_t i = 0; i < n->core->import_count; i++) {
        if (!is_first_of_module(n, i))
            continue;
        put_core_export(&args, n->core->imports[i].module, CORE_INSTANCE, n->core_instances);
        put_argument(n, i);
        count++;
    }
    (void)buf_append_byte(&one, INSTANTIATE);
    (void)buf_append_uleb(&one, 0);
    (void)buf_append_uleb(&one, count);
    (void)buf_append(&one, args.data, args.bytes);
    if (args.failed)
        (void)new_fail_nomem(n);
    put_one(n, n->out, SECTION_COMP_CORE_INSTANCE, &one);
    buf_free(&args);
    buf_free(&one);
    n->main_instance = n->core_instances++;
    if (n->memory != NULL)
        n->memory_index = alias_core(n, CORE_MEMORY, n->main_instance, "memory", 6);
    if (n->realloc != NULL)
        n->realloc_index = alias_core(n, CORE_FUNC, n->main_instance, "cabi_realloc", 12);
}

static uint32_t alias_main(struct component_new *n, const struct wasm_export *export)
{
    return alias_core(n, CORE_FUNC, n->main_instance, export->name.text, export->name.bytes);
}

/* What the shim's functions call: those lowered functions, and destructors. */
static void put_slots(struct component_new *n, struct buf *exports)
{
    char text[12];
    struct wasm_name name = {text, 0};
    for (uint32_t i = 0; i < n->core->import_count; i++) {
        const struct new_import *import = &n->imports[i];
        if (import->slot == COMP_NO_INDEX)
            continue;
        name.bytes = (uint32_t)snprintf(text, sizeof(text), "%u", (unsigned)import->slot);
        put_core_export(exports, name, CORE_FUNC, put_lower(n, import->interface, import->func));
    }
    for (size_t i = 0; i < n->interface_count; i++) {
        for (struct new_type *type = n->interfaces[i]->types; type != NULL; type = type->next) {
            if (type->dtor_slot == COMP_NO_INDEX)
                continue;
            name.bytes = (uint32_t)snprintf(text, sizeof(text), "%u", (unsigned)type->dtor_slot);
            put_core_export(exports, name, CORE_FUNC, alias_main(n, type->dtor));
        }
    }
}

static void put_fixup(struct component_new *n)
{
    struct buf exports, one;
    buf_init(&exports, n->alloc, SIZE_MAX);
    buf_init(&one, n->alloc, SIZE_MAX);
    put_slots(n, &exports);
    if (n->shim_count > 0)
        put_core_export(&exports, (struct wasm_name){"t", 1}, CORE_TABLE,
                        alias_core(n, CORE_TABLE, n->shim_instance, "t", 1));
    if (n->initialize != NULL)
        put_core_export(&exports, (struct wasm_name){"i", 1}, CORE_FUNC,
                        alias_main(n, n->initialize));
    (void)buf_append_byte(&one, INLINE_EXPORTS);
    (void)buf_append_uleb(&one,
                          (uint64_t)n->shim_count + (n->shim_count > 0) + (n->initialize != NULL));
    (void)buf_append(&one, exports.data, exports.bytes);
    if (exports.failed)
        (void)new_fail_nomem(n);
    put_one(n, n->out, SECTION_COMP_CORE_INSTANCE, &one);
    (void)buf_append_byte(&one, INSTANTIATE);
    (void)buf_append_uleb(&one, n->core_modules - 1);
    (void)buf_append_uleb(&one, 1);
    put_core_export(&one, (struct wasm_name){"", 0}, CORE_INSTANCE, n->core_instances++);
    put_one(n, n->out, SECTION_COMP_CORE_INSTANCE, &one);
    n->core_instances++;
    buf_free(&exports);
    buf_free(&one);
}

/* ---- Exports ------------------------------------------------------------------------------ */

static uint32_t put_lift(struct component_new *n, const struct new_func *func)
{
    struct buf one;
    uint32_t type = new_func_type(n, &n->root, func->func);
    uint32_t core = alias_main(n, func->core);
    uint32_t post = func->post != NULL ? alias_main(n, func->post) : COMP_NO_INDEX;
    buf_init(&one, n->alloc, SIZE_MAX);
    (void)buf_append_byte(&one, CANON_LIFT);
    (void)buf_append_byte(&one, 0);
    (void)buf_append_uleb(&one, core);
    put_options(n, func, post, &one);
    (void)buf_append_uleb(&one, type);
    put_one(n, n->out, SECTION_COMP_CANON, &one);
    buf_free(&one);
    return n->funcs++;
}

static void put_export(struct component_new *n, struct buf *out, struct wasm_name name,
                       uint8_t sort, uint32_t index, uint32_t type)
{
    struct buf one;
    buf_init(&one, n->alloc, SIZE_MAX);
    (void)buf_append_byte(&one, 0x00);
    new_put_name(&one, name.text, name.bytes);
    (void)buf_append_byte(&one, sort);
    (void)buf_append_uleb(&one, index);
    (void)buf_append_byte(&one, type != COMP_NO_INDEX);
    if (type != COMP_NO_INDEX) {
        (void)buf_append_byte(&one, sort);
        (void)buf_append_uleb(&one, type);
    }
    put_one(n, out, SECTION_COMP_EXPORT, &one);
    buf_free(&one);
}

/* "import-func-NAME" of the wrapper is the lifted function. Its brackets are no part of a name. */
static void put_wrapped_import(struct component_new *n, struct new_space *imports,
                               const struct new_func *func, uint32_t number)
{
    struct buf one;
    char name[32];
    int bytes = snprintf(name, sizeof(name), "import-func-x%u", (unsigned)number);
    uint32_t type = new_func_type(n, imports, func->func);
    buf_init(&one, n->alloc, SIZE_MAX);
    (void)buf_append_byte(&one, 0x00);
    new_put_name(&one, name, (size_t)bytes);
    (void)buf_append_byte(&one, SORT_CODE_FUNC);
    (void)buf_append_uleb(&one, type);
    put_one(n, imports->out, SECTION_COMP_IMPORT, &one);
    buf_free(&one);
    new_put_name(imports->args, name, (size_t)bytes);
    (void)buf_append_byte(imports->args, SORT_CODE_FUNC);
    (void)buf_append_uleb(imports->args, func->index);
    imports->arg_count++;
}

static void put_wrapper(struct component_new *n, struct new_interface *interface, struct buf *args,
                        uint32_t *ret_arg_count)
{
    static const uint8_t magic[] = {0, 'a', 's', 'm', 0x0d, 0, 1, 0};
    struct buf out;
    uint32_t number = 0;
    buf_init(&out, n->alloc, SIZE_MAX);
    (void)buf_append(&out, magic, sizeof(magic));
    struct new_space imports = {
        .place = PLACE_WRAP_IMPORTS, .interface = interface, .out = &out, .args = args};
    for (struct new_func *func = interface->funcs; func != NULL; func = func->next)
        put_wrapped_import(n, &imports, func, number++);
    struct new_space exports = {.place = PLACE_WRAP_EXPORTS,
                                .interface = interface,
                                .out = &out,
                                .types = imports.types,
                                .imports = &imports};
    for (struct new_type *type = interface->types; type != NULL; type = type->next)
        (void)new_named(n, &exports, type->type);
    number = 0;
    for (struct new_func *func = interface->funcs; func != NULL; func = func->next)
        put_export(n, &out, func->name, SORT_CODE_FUNC, number++,
                   new_func_type(n, &exports, func->func));
    *ret_arg_count = imports.arg_count;
    new_space_free(n, &imports);
    new_space_free(n, &exports);
    (void)new_put_section(n, n->out, SECTION_COMP_COMPONENT, &out);
    buf_free(&out);
    n->components++;
}

static void export_interface(struct component_new *n, struct new_interface *interface)
{
    if (interface->is_begun || n->status != STINT_OK)
        return;
    interface->is_begun = true;
    /* Those first whose types this one passes on. */
    for (struct new_type *type = interface->types; type != NULL; type = type->next) {
        struct new_interface *owner =
            type->type->same != NULL ? new_owner(n, type->type->same) : NULL;
        if (owner != NULL && owner->is_export && owner->name.bytes > 0)
            export_interface(n, owner);
    }
    for (struct new_func *func = interface->funcs; func != NULL; func = func->next)
        func->index = put_lift(n, func);
    struct buf args, one;
    uint32_t arg_count = 0;
    buf_init(&args, n->alloc, SIZE_MAX);
    buf_init(&one, n->alloc, SIZE_MAX);
    put_wrapper(n, interface, &args, &arg_count);
    (void)buf_append_byte(&one, INSTANTIATE);
    (void)buf_append_uleb(&one, n->components - 1);
    (void)buf_append_uleb(&one, arg_count);
    (void)buf_append(&one, args.data, args.bytes);
    if (args.failed)
        (void)new_fail_nomem(n);
    put_one(n, n->out, SECTION_COMP_INSTANCE, &one);
    put_export(n, n->out, interface->name, SORT_CODE_INSTANCE, n->instances++, COMP_NO_INDEX);
    interface->instance = n->instances++;
    new_forget(&n->root, interface);
    buf_free(&args);
    buf_free(&one);
}

/* ---- All of it ---------------------------------------------------------------------------- */

static void import_func(struct component_new *n, struct new_func *func)
{
    struct buf one;
    uint32_t type = new_func_type(n, &n->root, func->func);
    buf_init(&one, n->alloc, SIZE_MAX);
    (void)buf_append_byte(&one, 0x00);
    new_put_name(&one, func->name.text, func->name.bytes);
    (void)buf_append_byte(&one, SORT_CODE_FUNC);
    (void)buf_append_uleb(&one, type);
    put_one(n, n->out, SECTION_COMP_IMPORT, &one);
    buf_free(&one);
    func->index = n->funcs++;
}

static void put_imports(struct component_new *n)
{
    for (size_t i = 0; i < n->interface_count; i++) {
        struct new_interface *interface = n->interfaces[i];
        bool is_used = interface->types != NULL || interface->funcs != NULL;
        if (interface->is_export || !is_used)
            continue;
        if (interface->name.bytes > 0 && !interface->is_begun)
            (void)new_import_interface(n, interface);
        for (struct new_func *func = interface->funcs; interface->name.bytes == 0 && func != NULL;
             func = func->next)
            import_func(n, func);
    }
}

bool new_put_component(struct component_new *n)
{
    static const uint8_t magic[] = {0, 'a', 's', 'm', 0x0d, 0, 1, 0};
    (void)buf_append(n->out, magic, sizeof(magic));
    put_imports(n);
    (void)new_put_module(n);
    if (n->shim_count > 0 && new_put_shim(n))
        put_instantiate_shim(n);
    put_resource_types(n);
    put_main(n);
    if ((n->shim_count > 0 || n->initialize != NULL) && new_put_fixup(n))
        put_fixup(n);
    for (size_t i = 0; i < n->interface_count && n->status == STINT_OK; i++) {
        struct new_interface *interface = n->interfaces[i];
        if (interface->is_export && interface->name.bytes > 0)
            export_interface(n, interface);
        for (struct new_func *func = interface->funcs;
             interface->is_export && interface->name.bytes == 0 && func != NULL;
             func = func->next) {
            put_export(n, n->out, func->name, SORT_CODE_FUNC, put_lift(n, func), COMP_NO_INDEX);
            n->funcs++;
        }
    }
    return n->status == STINT_OK;
}
