/* SPDX-License-Identifier: Apache-2.0 */
/* Core modules and core instances. */
#include "component/component_validate_int.h"

/* ---- Types of modules -------------------------------------------------------------------- */

static bool index_module(struct comp_validator *v, struct vmodule *module)
{
    uint32_t same_import, same_export;
    if (!comp_spend(v, (uint64_t)module->import_count + module->export_count))
        return false;
    if (!name_index_build(&v->arena, &module->import_names->module, &module->import_names->field,
                          sizeof(*module->import_names), module->import_count,
                          &module->import_index, &same_import) ||
        !name_index_build(&v->arena, module->export_names, NULL, sizeof(*module->export_names),
                          module->export_count, &module->export_index, &same_export))
        return comp_nomem(v);
    if (same_import != INDEX_NONE) {
        const struct comp_core_import *names = &module->import_names[same_import];
        return comp_invalid(v, "duplicate import name '%.*s:%.*s' of a core module",
                            NAME_SHOWN(names->module), NAME_SHOWN(names->field));
    }
    if (same_export != INDEX_NONE)
        return comp_invalid(v, "export name '%.*s' of a core module is already defined",
                            NAME_SHOWN(module->export_names[same_export]));
    return true;
}

const struct vmodule *comp_module_type(struct comp_validator *v, const struct comp_core_type *type)
{
    struct vmodule *module = comp_get(v, 1, sizeof(*module));
    if (module == NULL)
        return NULL;
    module->import_count = type->import_count;
    module->export_count = type->export_count;
    module->import_names = type->import_names;
    module->imports = type->imports;
    module->export_names = type->export_names;
    module->exports = type->exports;
    return index_module(v, module) ? module : NULL;
}

static struct comp_core_extern item_type(const struct wasm_module *wasm, uint8_t kind,
                                         uint32_t index)
{
    struct comp_core_extern type = {.kind = kind};
    switch ((enum extern_kind)kind) {
    case EXTERN_FUNC:
        type.func = module_func_type(wasm, index);
        break;
    case EXTERN_TABLE:
        type.table = wasm->tables[index].type;
        break;
    case EXTERN_MEMORY:
        type.memory = wasm->memories[index];
        break;
    case EXTERN_GLOBAL:
        type.global = wasm->globals[index].type;
        break;
    case EXTERN_TAG:
        type.func = wasm->tag_types[index];
        break;
    }
    return type;
}

bool comp_define_module(struct comp_validator *v, const struct stint_module *module)
{
    const struct wasm_module *wasm = module->wasm;
    struct vmodule *type = comp_get(v, 1, sizeof(*type));
    struct comp_core_import *import_names = comp_get(v, wasm->import_count, sizeof(*import_names));
    struct comp_core_extern *imports = comp_get(v, wasm->import_count, sizeof(*imports));
    struct wasm_name *export_names = comp_get(v, wasm->export_count, sizeof(*export_names));
    struct comp_core_extern *exports = comp_get(v, wasm->export_count, sizeof(*exports));
    if (v->status != STINT_OK)
        return false;
    for (uint32_t i = 0; i < wasm->import_count; i++) {
        const struct wasm_import *import = &wasm->imports[i];
        import_names[i] = (struct comp_core_import){import->module, import->field};
        imports[i] = item_type(wasm, import->kind, import->index);
    }
    for (uint32_t i = 0; i < wasm->export_count; i++) {
        export_names[i] = wasm->exports[i].name;
        exports[i] = item_type(wasm, wasm->exports[i].kind, wasm->exports[i].index);
    }
    *type = (struct vmodule){.import_count = wasm->import_count,
                             .export_count = wasm->export_count,
                             .import_names = import_names,
                             .imports = imports,
                             .export_names = export_names,
                             .exports = exports};
    return index_module(v, type) && scope_add(v, SORT_CORE_MODULE, &type);
}

/* ---- Core instances ---------------------------------------------------------------------- */

static bool add_core_instance(struct comp_validator *v, const struct comp_core_extern *exports,
                              const struct name_index *index)
{
    struct vcore_instance *instance = comp_get(v, 1, sizeof(*instance));
    if (instance == NULL)
        return false;
    *instance = (struct vcore_instance){.exports = exports, .index = *index};
    return scope_add(v, SORT_CORE_INSTANCE, &instance);
}

/* What is given for one import of a module; NULL after failing. */
static const struct comp_core_extern *find_argument(struct comp_validator *v,
                                                    const struct comp_def *def,
                                                    const struct name_index *args,
                                                    const struct comp_core_import *names)
{
    uint32_t arg = name_index_find(args, names->module, NULL);
    if (arg == INDEX_NONE) {
        comp_invalid(v, "missing module instantiation argument named '%.*s'",
                     NAME_SHOWN(names->module));
        return NULL;
    }
    const struct vcore_instance *const *instance =
        scope_at(v, v->scope, SORT_CORE_INSTANCE, def->args[arg].what.index);
    if (instance == NULL)
        return NULL;
    uint32_t item = name_index_find(&(*instance)->index, names->field, NULL);
    if (item == INDEX_NONE) {
        comp_invalid(v, "module instantiation argument '%.*s' does not export an item named '%.*s'",
                     NAME_SHOWN(names->module), NAME_SHOWN(names->field));
        return NULL;
    }
    return &(*instance)->exports[item];
}

bool comp_core_instantiate(struct comp_validator *v, const struct comp_def *def)
{
    struct vmodule **place = scope_at(v, v->scope, SORT_CORE_MODULE, def->index);
    struct name_index args;
    uint32_t same;
    if (place == NULL || !comp_spend(v, def->arg_count))
        return false;
    const struct vmodule *module = *place;
    for (uint32_t i = 0; i < def->arg_count; i++) {
        if (scope_at(v, v->scope, SORT_CORE_INSTANCE, def->args[i].what.index) == NULL)
            return false;
    }
    if (!name_index_build(&v->arena, &def->args->name, NULL, sizeof(*def->args), def->arg_count,
                          &args, &same))
        return comp_nomem(v);
    if (same != INDEX_NONE)
        return comp_invalid(v, "duplicate module instantiation argument named '%.*s'",
                            NAME_SHOWN(def->args[same].name));
    for (uint32_t i = 0; i < module->import_count; i++) {
        const struct comp_core_extern *given =
            find_argument(v, def, &args, &module->import_names[i]);
        if (given == NULL)
            return false;
        if (!comp_core_matches(v, given, &module->imports[i]))
            return comp_fail_in(v, "type mismatch for core import", module->import_names[i].field);
    }
    return add_core_instance(v, module->exports, &module->export_index);
}

bool comp_core_exports(struct comp_validator *v, const struct comp_def *def)
{
    struct name_index index;
    uint32_t same;
    struct comp_core_extern *exports = comp_get(v, def->arg_count, sizeof(*exports));
    if (exports == NULL || !comp_spend(v, def->arg_count))
        return false;
    for (uint32_t i = 0; i < def->arg_count; i++) {
        const struct comp_core_extern *item =
            scope_at(v, v->scope, (enum comp_sort)def->args[i].what.sort, def->args[i].what.index);
        if (item == NULL)
            return false;
        exports[i] = *item;
    }
    if (!name_index_build(&v->arena, &def->args->name, NULL, sizeof(*def->args), def->arg_count,
                          &index, &same))
        return comp_nomem(v);
    if (same != INDEX_NONE)
        return comp_invalid(v, "duplicate instantiation export name '%.*s'",
                            NAME_SHOWN(def->args[same].name));
    return add_core_instance(v, exports, &index);
}

bool comp_alias_core_export(struct comp_validator *v, const struct comp_def *def)
{
    static const char *const words[] = {"function", "table", "memory", "global", "tag"};
    const struct vcore_instance *const *instance =
        scope_at(v, v->scope, SORT_CORE_INSTANCE, def->index);
    if (instance == NULL)
        return false;
    uint32_t item = name_index_find(&(*instance)->index, def->name, NULL);
    if (item == INDEX_NONE)
        return comp_invalid(v, "core instance %u has no export named '%.*s'", def->index,
                            NAME_SHOWN(def->name));
    const struct comp_core_extern *type = &(*instance)->exports[item];
    /* Sorts and kinds of core items stand in the same order. */
    if (type->kind != def->sort)
        return comp_invalid(v, "export '%.*s' of core instance %u is not a %s",
                            NAME_SHOWN(def->name), def->index, words[def->sort]);
    return scope_add(v, (enum comp_sort)def->sort, type);
}

_Static_assert(SORT_CORE_FUNC == (int)EXTERN_FUNC && SORT_CORE_TAG == (int)EXTERN_TAG,
               "sorts of core items are their kinds");
