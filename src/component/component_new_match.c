/* SPDX-License-Identifier: Apache-2.0 */
/* A module's imports and exports in its world: what each is, and whether its core type is right. */
#include <stdio.h>

#include "component/component_new_int.h"

enum { DEPTH_MAX = 100 };

/* ---- Types -------------------------------------------------------------------------------- */

/* A type is needed, and what its name stands for. */
static bool mark(struct component_new *n, const struct wit_type *type)
{
    for (; type != NULL && type->name.text != NULL; type = type->same) {
        struct new_interface *owner = new_owner(n, type);
        if (owner == NULL)
            return false;
        struct new_type *known = owner->types;
        while (known != NULL && !wit_same_name(known->name, type->name))
            known = known->next;
        if (known != NULL)
            continue;
        struct new_type *needed = arena_get_zeroed(&n->arena, 1, sizeof(*needed));
        if (needed == NULL)
            return new_fail_nomem(n);
        needed->name = type->name;
        needed->type = type;
        needed->dtor_slot = COMP_NO_INDEX;
        *owner->types_end = needed;
        owner->types_end = &needed->next;
    }
    return true;
}

static bool ctype_of_def(struct component_new *n, const struct wit_type *type,
                         const struct ctype **ret_type)
{
    const struct comp_type *def = type->def;
    struct ctype draft = {
        .kind = def->value_kind, .member_count = def->label_count, .length = def->length};
    if (def->kind != COMP_TYPE_VALUE)
        return new_fail(n, STINT_INVALID, "a type of the world is none of values");
    if (def->value_kind <= CTYPE_PRIMITIVE_LAST) {
        *ret_type = ctype_primitive(def->value_kind);
        return true;
    }
    if (def->value_kind == CTYPE_OWN || def->value_kind == CTYPE_BORROW) {
        const struct wit_type *resource = wit_type_at(type->scope, def->index);
        if (resource == NULL || !mark(n, resource))
            return new_fail(n, STINT_INVALID, "a handle of the world is of no resource");
    }
    struct ctype_member *members = arena_get_zeroed(&n->arena, def->label_count, sizeof(*members));
    if (members == NULL)
        return new_fail_nomem(n);
    for (uint32_t i = 0; i < def->label_count; i++) {
        members[i].name = def->labels[i].name;
        if (!new_ctype(n, type->scope, def->labels[i].type, &members[i].type))
            return false;
    }
    draft.members = members;
    enum stint_status status = ctype_make(&n->arena, &draft, ret_type, n->error);
    return status == STINT_OK || new_fail(n, status, "a type of the world is too large");
}

static const struct wit_type *origin(const struct wit_type *type)
{
    while (type != NULL && type->same != NULL)
        type = type->same;
    return type;
}

/* Of a type that is no other's name. */
static bool ctype_of(struct component_new *n, const struct wit_type *what,
                     const struct ctype **ret_type)
{
    if (what == NULL || what->def == NULL)
        return new_fail(n, STINT_INVALID, "a type of the world has no definition");
    uint64_t *known = map_find(&n->ctypes, &what->def, sizeof(what->def));
    if (known != NULL) {
        *ret_type = (const struct ctype *)(uintptr_t)*known;
        return true;
    }
    if (n->depth == DEPTH_MAX)
        return new_fail(n, STINT_UNSUPPORTED, "types of the world are nested too deeply");
    n->depth++;
    bool ok = ctype_of_def(n, what, ret_type);
    n->depth--;
    const void *key = arena_copy(&n->arena, &what->def, sizeof(what->def));
    if (ok && (key == NULL ||
               !map_put(&n->ctypes, key, sizeof(what->def), (uint64_t)(uintptr_t)*ret_type)))
        return new_fail_nomem(n);
    return ok;
}

bool new_ctype(struct component_new *n, const struct wit_scope *scope, struct comp_valtype type,
               const struct ctype **ret_type)
{
    *ret_type = NULL;
    if (type.is_index == COMP_NONE)
        return true;
    if (type.is_index == COMP_PRIMITIVE) {
        *ret_type = ctype_primitive((enum ctype_kind)type.value);
        return true;
    }
    const struct wit_type *what = wit_type_at(scope, type.value);
    return mark(n, what) && ctype_of(n, origin(what), ret_type);
}

/* A type that an exported interface has, whether a function uses it or not. */
static bool need_type(struct component_new *n, const struct wit_type *type)
{
    const struct wit_type *what = origin(type);
    const struct ctype *ctype;
    return mark(n, type) && (what == NULL || what->def == NULL || ctype_of(n, what, &ctype));
}

static bool shape(struct component_new *n, struct new_func *func, bool is_lower)
{
    const struct comp_type *def = func->func.def;
    struct ctype_func *type = arena_get_zeroed(&n->arena, 1, sizeof(*type));
    if (def == NULL)
        return new_fail(n, STINT_INVALID, "function %.*s of the world has no type",
                        NAME_ARGS(func->name));
    if (def->is_async)
        return new_fail(n, STINT_UNSUPPORTED,
                        "%.*s is async: components with asynchronous "
                        "functions cannot be made yet",
                        NAME_ARGS(func->name));
    struct ctype_member *params = arena_get_zeroed(&n->arena, def->label_count, sizeof(*params));
    if (type == NULL || params == NULL)
        return new_fail_nomem(n);
    bool has_pointers = false, result_pointers = false;
    for (uint32_t i = 0; i < def->label_count; i++) {
        if (!new_ctype(n, func->func.scope, def->labels[i].type, &params[i].type))
            return false;
        has_pointers |= params[i].type->has_pointers;
    }
    if (!new_ctype(n, func->func.scope, def->result, &type->result))
        return false;
    result_pointers = type->result != NULL && type->result->has_pointers;
    type->params = params;
    type->param_count = def->label_count;
    func->type = type;
    ctype_flatten(type, is_lower, &func->flat);
    func->needs_realloc = is_lower ? result_pointers : has_pointers || func->flat.params_in_memory;
    func->needs_memory = has_pointers || result_pointers || func->flat.params_in_memory ||
                         func->flat.result_in_memory;
    return true;
}

static struct new_func *add_func(struct component_new *n, struct new_interface *interface,
                                 struct wasm_name name, struct wit_func type)
{
    for (struct new_func *func = interface->funcs; func != NULL; func = func->next) {
        if (wit_same_name(func->name, name))
            return func;
    }
    struct new_func *func = arena_get_zeroed(&n->arena, 1, sizeof(*func));
    if (func == NULL) {
        (void)new_fail_nomem(n);
        return NULL;
    }
    func->name = name;
    func->func = type;
    func->index = COMP_NO_INDEX;
    if (!shape(n, func, !interface->is_export))
        return NULL;
    *interface->funcs_end = func;
    interface->funcs_end = &func->next;
    return func;
}

/* ---- Core types --------------------------------------------------------------------------- */

static void put_signature(char *text, size_t size, const valtype *types, size_t count)
{
    size_t used = 0;
    char one[24];
    text[0] = '\0';
    for (size_t i = 0; i < count && used + sizeof(one) + 2 < size; i++) {
        int bytes = snprintf(text + used, size - used, "%s%s", i > 0 ? " " : "",
                             valtype_format(types[i], one, sizeof(one)));
        used += bytes > 0 ? (size_t)bytes : 0;
    }
}

/* Whether a core function has these parameters and results; else says so, of "import x of y". */
static bool check_type(struct component_new *n, const struct type_def *type, const char *what,
                       struct wasm_name name, const valtype *params, size_t param_count,
                       const valtype *results, size_t result_count)
{
    bool same = type->kind == TYPE_FUNC && type->param_count == param_count &&
                type->result_count == result_count;
    for (size_t i = 0; same && i < param_count; i++)
        same = type->params[i] == params[i];
    for (size_t i = 0; same && i < result_count; i++)
        same = type->results[i] == results[i];
    if (same)
        return true;
    char is[4][64];
    put_signature(is[0], sizeof(is[0]), type->params, type->param_count);
    put_signature(is[1], sizeof(is[1]), type->results, type->result_count);
    put_signature(is[2], sizeof(is[2]), params, param_count);
    put_signature(is[3], sizeof(is[3]), results, result_count);
    return new_fail(n, STINT_INVALID,
                    "the module's %s \"%.*s\" is (%s) -> (%s): the world makes it (%s) -> (%s)",
                    what, (int)(name.bytes < 60 ? name.bytes : 60), name.text, is[0], is[1], is[2],
                    is[3]);
}

static bool check_flat(struct component_new *n, const struct type_def *type, const char *what,
                       struct wasm_name name, const struct ctype_flat *flat)
{
    valtype params[FLAT_PARAMS_MAX + 1], results[1];
    for (size_t i = 0; i < flat->param_count; i++)
        params[i] = flat->params[i];
    for (size_t i = 0; i < flat->result_count; i++)
        results[i] = flat->results[i];
    return check_type(n, type, what, name, params, flat->param_count, results, flat->result_count);
}

/* ---- Imports ------------------------------------------------------------------------------ */

static bool begins(struct wasm_name name, const char *with, struct wasm_name *ret_rest)
{
    size_t bytes = strlen(with);
    if (name.bytes < bytes || memcmp(name.text, with, bytes) != 0)
        return false;
    *ret_rest = (struct wasm_name){name.text + bytes, name.bytes - (uint32_t)bytes};
    return true;
}

/* The interface of that name; the last one is the world itself. */
static struct new_interface *find_interface(const struct component_new *n, struct wasm_name name,
                                            bool is_export)
{
    for (size_t i = 0; i < n->interface_count; i++) {
        if (n->interfaces[i]->is_export == is_export && wit_same_name(n->interfaces[i]->name, name))
            return n->interfaces[i];
    }
    return NULL;
}

/* An item of an interface, in whichever of the sections' worlds it stands. */
static const struct wit_item *find_item(const struct component_new *n,
                                        const struct new_interface *interface, unsigned sort,
                                        struct wasm_name name)
{
    const struct wit_interface *world = &n->wit.world;
    bool is_world = interface->name.bytes == 0;
    for (size_t i = 0; i < world->count; i++) {
        const struct wit_item *item = &world->items[i];
        if (item->is_export != interface->is_export)
            continue;
        if (is_world && item->sort == sort && wit_same_name(item->name, name))
            return item;
        if (is_world || item->sort != SORT_INSTANCE || item->entity.interface == NULL ||
            !wit_same_name(item->name, interface->name))
            continue;
        const struct wit_interface *inside = item->entity.interface;
        for (size_t k = 0; k < inside->count; k++) {
            if (inside->items[k].sort == sort && wit_same_name(inside->items[k].name, name))
                return &inside->items[k];
        }
    }
    return NULL;
}

static bool match_resource(struct component_new *n, struct new_import *import,
                           struct wasm_name name)
{
    static const valtype i32[] = {VT_I32};
    const struct wit_item *item = find_item(n, import->interface, SORT_TYPE, name);
    import->resource = item != NULL ? item->entity.type : NULL;
    if (import->resource == NULL || origin(import->resource)->def != NULL)
        return new_fail(n, STINT_INVALID,
                        "the module imports \"%.*s\" of %.*s: the world has no such resource",
                        NAME_ARGS(import->core->field), NAME_ARGS(import->core->module));
    return mark(n, import->resource) &&
           check_type(n, import->type, "import", import->core->field, i32, 1, i32,
                      import->kind == NEW_RESOURCE_DROP ? 0 : 1);
}

static uint32_t add_shim(struct component_new *n, const struct type_def *type)
{
    n->shim_types[n->shim_count] = type;
    return n->shim_count++;
}

static bool match_func(struct component_new *n, struct new_import *import)
{
    const struct wit_item *item = find_item(n, import->interface, SORT_FUNC, import->core->field);
    if (item == NULL)
        return new_fail(n, STINT_INVALID,
                        "the module imports \"%.*s\" of %.*s: the world has no such function",
                        NAME_ARGS(import->core->field), NAME_ARGS(import->core->module));
    import->func = add_func(n, import->interface, item->name, item->entity.func);
    if (import->func == NULL ||
        !check_flat(n, import->type, "import", import->core->field, &import->func->flat))
        return false;
    if (import->func->needs_memory)
        import->slot = add_shim(n, import->type);
    return true;
}

/* "\"fd_write\" of wasi_snapshot_preview1": a line of the details. */
static bool no_interface(struct component_new *n, const struct wasm_import *import)
{
    (void)buf_append_format(n->details, "\"%.*s\" of %.*s\n", NAME_ARGS(import->field),
                            NAME_ARGS(import->module));
    return true;
}

static bool match_import(struct component_new *n, uint32_t number)
{
    const struct wasm_import *core = &n->core->imports[number];
    struct new_import *import = &n->imports[number];
    struct wasm_name module = core->module, resource;
    import->core = core;
    import->slot = COMP_NO_INDEX;
    if (core->kind != EXTERN_FUNC)
        return new_fail(n, STINT_INVALID,
                        "the module imports \"%.*s\" of %.*s: a component can "
                        "give it functions only",
                        NAME_ARGS(core->field), NAME_ARGS(core->module));
    import->type = module_func_type(n->core, core->index);
    bool is_export = begins(core->module, "[export]", &module);
    if (!is_export && module.bytes == 5 && memcmp(module.text, "$root", 5) == 0)
        module.bytes = 0;
    import->interface = find_interface(n, module, is_export);
    if (import->interface == NULL)
        return no_interface(n, core);
    for (uint32_t i = 0; i < number && !import->is_repeated; i++) {
        import->is_repeated = wit_same_name(n->imports[i].core->module, core->module) &&
                              wit_same_name(n->imports[i].core->field, core->field);
    }
    import->kind = NEW_RESOURCE_DROP;
    if (begins(core->field, "[resource-drop]", &resource))
        return match_resource(n, import, resource);
    import->kind = NEW_RESOURCE_NEW;
    if (is_export && begins(core->field, "[resource-new]", &resource))
        return match_resource(n, import, resource);
    import->kind = NEW_RESOURCE_REP;
    if (is_export && begins(core->field, "[resource-rep]", &resource))
        return match_resource(n, import, resource);
    import->kind = NEW_LOWER;
    return match_func(n, import);
}

/* ---- Exports ------------------------------------------------------------------------------ */

/* The core export "prefix" "interface" "middle" "name", or NULL. */
static const struct wasm_export *find_core(struct component_new *n, const char *prefix,
                                           const struct new_interface *interface,
                                           const char *middle, struct wasm_name name)
{
    struct buf text;
    buf_init(&text, n->alloc, SIZE_MAX);
    (void)buf_append_string(&text, prefix);
    if (interface->name.bytes > 0) {
        (void)buf_append(&text, interface->name.text, interface->name.bytes);
        (void)buf_append_string(&text, "#");
    }
    (void)buf_append_string(&text, middle);
    (void)buf_append(&text, name.text, name.bytes);
    const struct wasm_export *found = NULL;
    if (text.failed)
        (void)new_fail_nomem(n);
    else
        found = module_find_export(n->core, (const char *)text.data, text.bytes);
    buf_free(&text);
    return found != NULL && found->kind == EXTERN_FUNC ? found : NULL;
}

static bool export_func(struct component_new *n, struct new_interface *interface,
                        const struct wit_item *item)
{
    struct new_func *func = add_func(n, interface, item->name, item->entity.func);
    if (func == NULL || func->core != NULL)
        return func != NULL;
    func->core = find_core(n, "", interface, "", item->name);
    func->post = find_core(n, "cabi_post_", interface, "", item->name);
    if (func->core == NULL)
        return new_fail(n, STINT_INVALID,
                        "the world exports %.*s%s%.*s: the module has no export of that name",
                        NAME_ARGS(interface->name), interface->name.bytes > 0 ? "#" : "",
                        NAME_ARGS(item->name));
    if (!check_flat(n, module_func_type(n->core, func->core->index), "export", func->core->name,
                    &func->flat))
        return false;
    if (func->post == NULL)
        return true;
    valtype results[1] = {func->flat.results[0]};
    return check_type(n, module_func_type(n->core, func->post->index), "export", func->post->name,
                      results, func->flat.result_count, NULL, 0);
}

static bool export_resource(struct component_new *n, struct new_interface *interface,
                            struct new_type *type)
{
    static const valtype i32[] = {VT_I32};
    const struct wasm_export *dtor = find_core(n, "", interface, "[dtor]", type->name);
    if (dtor == NULL)
        return n->status == STINT_OK;
    const struct type_def *core_type = module_func_type(n->core, dtor->index);
    if (!check_type(n, core_type, "export", dtor->name, i32, 1, NULL, 0))
        return false;
    type->dtor = dtor;
    type->dtor_slot = add_shim(n, core_type);
    return true;
}

static bool match_exports(struct component_new *n, struct new_interface *interface)
{
    const struct wit_interface *world = &n->wit.world;
    for (size_t i = 0; i < world->count; i++) {
        const struct wit_item *item = &world->items[i];
        const struct wit_interface *inside = item->entity.interface;
        if (!item->is_export)
            continue;
        if (interface->name.bytes == 0 && item->sort == SORT_FUNC &&
            !export_func(n, interface, item))
            return false;
        if (item->sort != SORT_INSTANCE || inside == NULL ||
            !wit_same_name(item->name, interface->name))
            continue;
        for (size_t k = 0; k < inside->count; k++) {
            const struct wit_item *one = &inside->items[k];
            if (one->sort == SORT_TYPE && !need_type(n, one->entity.type))
                return false;
            if (one->sort == SORT_FUNC && !export_func(n, interface, one))
                return false;
        }
    }
    for (struct new_type *type = interface->types; type != NULL; type = type->next) {
        if (interface->name.bytes > 0 && type->type->same == NULL && type->type->def == NULL &&
            !export_resource(n, interface, type))
            return false;
    }
    return true;
}

static const struct wasm_export *find_plain(const struct component_new *n, const char *name,
                                            unsigned kind)
{
    const struct wasm_export *found = module_find_export(n->core, name, strlen(name));
    return found != NULL && found->kind == kind ? found : NULL;
}

/* What the module must export beside the world's functions. */
static bool match_canonical(struct component_new *n)
{
    static const valtype i32[] = {VT_I32, VT_I32, VT_I32, VT_I32};
    bool needs_memory = false, needs_realloc = false;
    n->memory = find_plain(n, "memory", EXTERN_MEMORY);
    n->realloc = find_plain(n, "cabi_realloc", EXTERN_FUNC);
    n->initialize = find_plain(n, "_initialize", EXTERN_FUNC);
    for (size_t i = 0; i < n->interface_count; i++) {
        for (struct new_func *f = n->interfaces[i]->funcs; f != NULL; f = f->next) {
            needs_memory |= f->needs_memory;
            needs_realloc |= f->needs_realloc;
        }
    }
    if (needs_memory && n->memory == NULL)
        return new_fail(n, STINT_INVALID,
                        "the module exports no \"memory\": the world's "
                        "functions pass values through it");
    if (needs_realloc && n->realloc == NULL)
        return new_fail(n, STINT_INVALID,
                        "the module exports no \"cabi_realloc\": the world's "
                        "functions give it strings or lists, which need room in its memory");
    if (n->realloc != NULL && !check_type(n, module_func_type(n->core, n->realloc->index), "export",
                                          n->realloc->name, i32, 4, i32, 1))
        return false;
    return n->initialize == NULL || check_type(n, module_func_type(n->core, n->initialize->index),
                                               "export", n->initialize->name, NULL, 0, NULL, 0);
}

bool new_match(struct component_new *n)
{
    size_t room = (size_t)n->core->import_count + n->core->export_count;
    n->imports = arena_get_zeroed(&n->arena, n->core->import_count, sizeof(*n->imports));
    n->shim_types = arena_get_zeroed(&n->arena, room, sizeof(*n->shim_types));
    if (n->imports == NULL || n->shim_types == NULL)
        return new_fail_nomem(n);
    for (uint32_t i = 0; i < n->core->import_count; i++) {
        if (!match_import(n, i))
            return false;
    }
    if (n->details->bytes > 0)
        return new_fail(n, STINT_UNLINKABLE,
                        "the module imports functions of interfaces that its world does not have");
    for (size_t i = 0; i < n->interface_count; i++) {
        if (n->interfaces[i]->is_export && !match_exports(n, n->interfaces[i]))
            return false;
    }
    return match_canonical(n);
}
