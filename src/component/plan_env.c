/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goes through the definitions of a component and of all that it instantiates, with an environment for
 * each instance: what its indices refer to. What is not known before it runs becomes a step.
 */
#include <string.h>

#include "base/buf.h"
#include "component/plan_int.h"

enum stint_status plan_no_memory(struct plan_builder *b)
{
    return error_set(b->error, STINT_NOMEM, STINT_NO_OFFSET, "no memory for a component");
}

enum stint_status plan_broken(struct plan_builder *b)
{
    return error_set(b->error, STINT_INVALID, STINT_NO_OFFSET, "the component is not valid");
}

bool plan_name_equal(struct wasm_name a, struct wasm_name b)
{
    return a.bytes == b.bytes && memcmp(a.text, b.text, a.bytes) == 0;
}

/* ---- Index spaces ------------------------------------------------------------------------- */

enum stint_status plan_env_make(struct plan_builder *b, const struct comp_defs *defs,
                                struct plan_env *outer, struct plan_env **ret_env)
{
    struct plan_env *env = arena_get_zeroed(&b->work, 1, sizeof(*env));
    uint32_t exports = 0;
    if (env == NULL)
        return plan_no_memory(b);
    env->outer = outer;
    if (outer != NULL) {
        env->file = outer->file;
        env->part = outer->part;
    }
    for (uint32_t i = 0; i < defs->count; i++) {
        const struct comp_def *def = &defs->items[i];
        if (def->sort >= SORT_COUNT)
            return plan_broken(b);
        env->capacities[def->sort] += def->kind == DEF_START ? def->result_count : 1;
        exports += def->kind == DEF_EXPORT || def->kind == DEF_EXPORT_DECL;
    }
    for (int sort = 0; sort < SORT_COUNT; sort++) {
        env->spaces[sort] = arena_get(&b->work, env->capacities[sort] * sizeof(struct plan_item));
        if (env->spaces[sort] == NULL)
            return plan_no_memory(b);
    }
    env->exports.items = arena_get(&b->work, exports * sizeof(struct plan_named));
    if (env->exports.items == NULL)
        return plan_no_memory(b);
    *ret_env = env;
    return STINT_OK;
}

struct plan_item *plan_item_at(struct plan_env *env, enum comp_sort sort, uint32_t index)
{
    return index < env->counts[sort] ? &env->spaces[sort][index] : NULL;
}

enum stint_status plan_item_add(struct plan_builder *b, struct plan_env *env, enum comp_sort sort,
                                struct plan_item item)
{
    if (sort >= SORT_COUNT || env->counts[sort] >= env->capacities[sort])
        return plan_broken(b);
    env->spaces[sort][env->counts[sort]++] = item;
    return STINT_OK;
}

enum stint_status plan_find_item(struct plan_builder *b, const struct plan_instance *instance,
                                 struct wasm_name name, enum comp_sort sort,
                                 struct plan_item *ret_item)
{
    for (uint32_t i = 0; i < instance->count; i++) {
        if (++b->searched > PLAN_SEARCH_MAX)
            return error_set(b->error, STINT_LIMIT, STINT_NO_OFFSET,
                             "the component looks up too many names");
        if (instance->items[i].sort == sort && plan_name_equal(instance->items[i].name, name)) {
            *ret_item = instance->items[i].item;
            return STINT_OK;
        }
    }
    return plan_broken(b);
}

/* ---- Aliases ----------------------------------------------------------------------------- */

enum stint_status plan_alias_outer(struct plan_builder *b, struct plan_env *env,
                                   const struct comp_def *def)
{
    struct plan_env *from = env;
    for (uint32_t i = 0; i < def->outer_count && from != NULL; i++)
        from = from->outer;
    if (def->sort == SORT_CORE_TYPE)
        return plan_item_add(b, env, SORT_CORE_TYPE, (struct plan_item){0});
    const struct plan_item *item =
        from == NULL ? NULL : plan_item_at(from, (enum comp_sort)def->sort, def->index);
    if (item == NULL)
        return plan_broken(b);
    return plan_item_add(b, env, (enum comp_sort)def->sort, *item);
}

enum stint_status plan_alias_export(struct plan_builder *b, struct plan_env *env,
                                    const struct comp_def *def)
{
    struct plan_item item;
    const struct plan_item *instance = plan_item_at(env, SORT_INSTANCE, def->index);
    if (instance == NULL)
        return plan_broken(b);
    enum stint_status status =
        plan_find_item(b, instance->instance, def->name, (enum comp_sort)def->sort, &item);
    return status == STINT_OK ? plan_item_add(b, env, (enum comp_sort)def->sort, item) : status;
}

static enum stint_status find_core(struct plan_builder *b,
                                   const struct plan_core_instance *instance, struct wasm_name name,
                                   enum extern_kind kind, struct core_ref *ret_ref)
{
    if (instance->module != NULL) {
        const struct wasm_export *export =
            module_find_export(instance->module->wasm, name.text, name.bytes);
        if (export == NULL || export->kind != kind)
            return plan_broken(b);
        *ret_ref = (struct core_ref){CORE_EXPORT, (uint8_t)kind, instance->number, export->index};
        return STINT_OK;
    }
    for (uint32_t i = 0; i < instance->count; i++) {
        if (++b->searched > PLAN_SEARCH_MAX)
            return error_set(b->error, STINT_LIMIT, STINT_NO_OFFSET,
                             "the component looks up too many names");
        if (plan_name_equal(instance->names[i].name, name) && instance->items[i].kind == kind) {
            *ret_ref = instance->items[i];
            return STINT_OK;
        }
    }
    return plan_broken(b);
}

/* The sorts of what core instances export have the same order as the kinds of externs. */
_Static_assert((int)SORT_CORE_FUNC == (int)EXTERN_FUNC &&
                   (int)SORT_CORE_TABLE == (int)EXTERN_TABLE &&
                   (int)SORT_CORE_MEMORY == (int)EXTERN_MEMORY &&
                   (int)SORT_CORE_GLOBAL == (int)EXTERN_GLOBAL &&
                   (int)SORT_CORE_TAG == (int)EXTERN_TAG,
               "a core sort is a kind of extern");

static enum stint_status alias_core_export(struct plan_builder *b, struct plan_env *env,
                                           const struct comp_def *def)
{
    struct plan_item item = {0};
    const struct plan_item *instance = plan_item_at(env, SORT_CORE_INSTANCE, def->index);
    if (instance == NULL || def->sort > SORT_CORE_TAG)
        return plan_broken(b);
    enum stint_status status =
        find_core(b, &instance->core_instance, def->name, (enum extern_kind)def->sort, &item.core);
    return status == STINT_OK ? plan_item_add(b, env, (enum comp_sort)def->sort, item) : status;
}

/* ---- Core instances ------------------------------------------------------------------------ */

static enum stint_status core_exports(struct plan_builder *b, struct plan_env *env,
                                      const struct comp_def *def)
{
    struct core_ref *items = arena_get(&b->work, def->arg_count * sizeof(*items));
    if (items == NULL)
        return plan_no_memory(b);
    for (uint32_t i = 0; i < def->arg_count; i++) {
        const struct plan_item *item =
            def->args[i].what.sort > SORT_CORE_TAG
                ? NULL
                : plan_item_at(env, (enum comp_sort)def->args[i].what.sort,
                               def->args[i].what.index);
        if (item == NULL)
            return plan_broken(b);
        items[i] = item->core;
    }
    struct plan_item instance = {
        .core_instance = {.count = def->arg_count, .names = def->args, .items = items}};
    return plan_item_add(b, env, SORT_CORE_INSTANCE, instance);
}

/* A trampoline of an unsupported built-in has the type that whoever imports it gives it. */
static void adopt_type(struct plan_builder *b, const struct core_ref *ref,
                       const struct wasm_module *module, const struct wasm_import *import)
{
    if (ref->source != CORE_TRAMPOLINE)
        return;
    struct plan_trampoline *trampoline = &b->plan->trampolines.items[ref->number];
    if (trampoline->type_id == TYPE_ID_NONE && import->kind == EXTERN_FUNC)
        trampoline->type_id = module_func_type(module, import->index)->id;
}

static enum stint_status core_imports(struct plan_builder *b, struct plan_env *env,
                                      const struct comp_def *def, const struct wasm_module *module,
                                      struct core_ref *imports)
{
    for (uint32_t i = 0; i < module->import_count; i++) {
        const struct wasm_import *import = &module->imports[i];
        const struct plan_item *from = NULL;
        for (uint32_t j = 0; j < def->arg_count && from == NULL; j++) {
            if (plan_name_equal(def->args[j].name, import->module))
                from = plan_item_at(env, SORT_CORE_INSTANCE, def->args[j].what.index);
            b->searched++;
        }
        if (from == NULL)
            return plan_broken(b);
        enum stint_status status = find_core(b, &from->core_instance, import->field,
                                             (enum extern_kind)import->kind, &imports[i]);
        if (status != STINT_OK)
            return status;
        adopt_type(b, &imports[i], module, import);
    }
    return STINT_OK;
}

static enum stint_status core_instantiate(struct plan_builder *b, struct plan_env *env,
                                          const struct comp_def *def)
{
    const struct plan_item *of = plan_item_at(env, SORT_CORE_MODULE, def->index);
    if (of == NULL)
        return plan_broken(b);
    struct stint_module *module = of->module;
    struct core_ref *imports =
        arena_get(&b->plan->arena, module->wasm->import_count * sizeof(*imports));
    if (imports == NULL)
        return plan_no_memory(b);
    struct plan_step step = {STEP_CORE, (uint32_t)b->plan->cores.count};
    struct plan_core core = {.module = module, .part = env->part, .imports = imports};
    enum stint_status status = core_imports(b, env, def, module->wasm, imports);
    if (status == STINT_OK)
        status = PLAN_ADD(b, cores, core);
    if (status == STINT_OK)
        status = PLAN_ADD(b, steps, step);
    struct plan_item item = {.core_instance = {.module = module, .number = step.number}};
    return status == STINT_OK ? plan_item_add(b, env, SORT_CORE_INSTANCE, item) : status;
}

/* ---- Instances --------------------------------------------------------------------------- */

/* Arguments of an instantiation, or the exports of an inline instance. */
static enum stint_status gather(struct plan_builder *b, struct plan_env *env,
                                const struct comp_def *def, struct plan_instance **ret_instance)
{
    struct plan_instance *instance = arena_get(&b->work, sizeof(*instance));
    struct plan_named *items = arena_get(&b->work, def->arg_count * sizeof(*items));
    if (instance == NULL || items == NULL)
        return plan_no_memory(b);
    for (uint32_t i = 0; i < def->arg_count; i++) {
        const struct comp_arg *arg = &def->args[i];
        const struct plan_item *item =
            arg->what.sort >= SORT_COUNT
                ? NULL
                : plan_item_at(env, (enum comp_sort)arg->what.sort, arg->what.index);
        if (item == NULL)
            return plan_broken(b);
        items[i] = (struct plan_named){.name = arg->name, .sort = arg->what.sort, .item = *item};
    }
    *instance = (struct plan_instance){.count = def->arg_count, .items = items};
    *ret_instance = instance;
    return STINT_OK;
}

static enum stint_status instantiate(struct plan_builder *b, struct plan_env *env,
                                     const struct comp_def *def)
{
    struct plan_instance *args;
    struct plan_env *made;
    struct plan_item item = {0};
    const struct plan_item *of = plan_item_at(env, SORT_COMPONENT, def->index);
    if (of == NULL)
        return plan_broken(b);
    enum stint_status status = gather(b, env, def, &args);
    if (status == STINT_OK)
        status =
            plan_instantiate(b, of->component.component, of->component.env, args, env->part, &made);
    if (status != STINT_OK)
        return status;
    item.instance = &made->exports;
    return plan_item_add(b, env, SORT_INSTANCE, item);
}

/* ---- Imports and exports ------------------------------------------------------------------- */

/* Whether a provider has this instance or function; `ret_item` is that. */
static enum stint_status provided(struct plan_builder *b, const struct comp_def *def,
                                  bool *ret_found, struct plan_item *ret_item)
{
    uint32_t limit = b->provider_limit;
    *ret_found = false;
    for (uint32_t i = 0; i < limit; i++) {
        struct plan_provider *provider = &b->providers[i];
        bool is_named = provider->name.text != NULL;
        if (is_named && !plan_name_matches(provider->name, def->name))
            continue;
        if (provider->exports == NULL) {
            struct plan_env *env;
            b->provider_limit = i;
            enum stint_status status =
                plan_instantiate(b, provider->file->root, NULL, NULL, PLAN_NONE, &env);
            b->provider_limit = limit;
            if (status != STINT_OK)
                return status;
            provider->exports = &env->exports;
        }
        for (uint32_t j = 0; j < provider->exports->count && !*ret_found; j++) {
            const struct plan_named *named = &provider->exports->items[j];
            *ret_found = named->sort == def->sort && plan_name_matches(def->name, named->name);
            if (*ret_found)
                *ret_item = named->item;
        }
        if (*ret_found)
            return STINT_OK;
        if (is_named)
            return error_set(b->error, STINT_UNLINKABLE, STINT_NO_OFFSET,
                             "the component given for \"%.*s\" does not export it",
                             (int)def->name.bytes, def->name.text);
    }
    return STINT_OK;
}

static enum stint_status import(struct plan_builder *b, struct plan_env *env,
                                const struct comp_def *def)
{
    struct plan_item item;
    enum stint_status status;
    bool found = false;
    if (env->args != NULL) {
        status = plan_find_item(b, env->args, def->name, (enum comp_sort)def->sort, &item);
    } else {
        status = def->sort == SORT_TYPE ? STINT_OK : provided(b, def, &found, &item);
        if (status == STINT_OK && !found)
            status = plan_import_make(b, env, def, &item);
    }
    return status == STINT_OK ? plan_item_add(b, env, (enum comp_sort)def->sort, item) : status;
}

static enum stint_status export(struct plan_builder *b, struct plan_env *env,
                                const struct comp_def *def) {
    const struct plan_item *item = plan_item_at(env, (enum comp_sort)def->sort, def->index);
    if (item == NULL) return plan_broken(b);
    env->exports.items[env->exports.count++] = (struct plan_named){.name = def->name,
                                                                   .sort = def->sort,
                                                                   .item = *item};
    return plan_item_add(b, env, (enum comp_sort)def->sort, *item);
}

/* ---- Definitions ------------------------------------------------------------------------- */

static enum stint_status define(struct plan_builder *b, struct plan_env *env,
                                const struct comp_def *def)
{
    struct plan_item item = {0};
    struct plan_instance *instance;
    enum stint_status status;
    switch (def->kind) {
    case DEF_CORE_MODULE:
        if (def->module >= env->file->module_count)
            return plan_broken(b);
        item.module = env->file->modules[def->module];
        return plan_item_add(b, env, SORT_CORE_MODULE, item);
    case DEF_CORE_INSTANTIATE:
        return core_instantiate(b, env, def);
    case DEF_CORE_EXPORTS:
        return core_exports(b, env, def);
    case DEF_CORE_TYPE:
        return plan_item_add(b, env, SORT_CORE_TYPE, item);
    case DEF_COMPONENT:
        item.component.component = def->component;
        item.component.env = env;
        return plan_item_add(b, env, SORT_COMPONENT, item);
    case DEF_INSTANTIATE:
        return instantiate(b, env, def);
    case DEF_EXPORTS:
        status = gather(b, env, def, &instance);
        item.instance = instance;
        return status == STINT_OK ? plan_item_add(b, env, SORT_INSTANCE, item) : status;
    case DEF_ALIAS_EXPORT:
        return plan_alias_export(b, env, def);
    case DEF_ALIAS_CORE_EXPORT:
        return alias_core_export(b, env, def);
    case DEF_ALIAS_OUTER:
        return plan_alias_outer(b, env, def);
    case DEF_TYPE:
        return plan_type_define(b, env, def->type);
    case DEF_CANON:
        return plan_canon_define(b, env, def->canon);
    case DEF_IMPORT:
        return import(b, env, def);
    case DEF_EXPORT:
        return export(b, env, def);
    default:
        return error_set(b->error, STINT_UNSUPPORTED, def->offset_bytes,
                         "values and start functions of components are not supported");
    }
}

enum stint_status plan_instantiate(struct plan_builder *b, const struct component *component,
                                   struct plan_env *outer, const struct plan_instance *args,
                                   uint32_t parent_part, struct plan_env **ret_env)
{
    struct plan_env *env;
    uint32_t part = (uint32_t)b->plan->parents.count;
    if (b->depth >= PLAN_DEPTH_MAX || part >= PLAN_PARTS_MAX)
        return error_set(b->error, STINT_LIMIT, component->offset_bytes,
                         "the component instantiates others more than %u deep, or %u in all",
                         (unsigned)PLAN_DEPTH_MAX, (unsigned)PLAN_PARTS_MAX);
    enum stint_status status = plan_env_make(b, &component->defs, outer, &env);
    if (status == STINT_OK)
        status = PLAN_ADD(b, parents, parent_part);
    if (status != STINT_OK)
        return status;
    env->file = component->file;
    env->part = part;
    env->args = args;
    b->depth++;
    for (uint32_t i = 0; i < component->defs.count && status == STINT_OK; i++) {
        if (++b->defs > PLAN_DEFS_MAX)
            status = error_set(b->error, STINT_LIMIT, STINT_NO_OFFSET,
                               "the component expands to more than %u definitions",
                               (unsigned)PLAN_DEFS_MAX);
        else
            status = define(b, env, &component->defs.items[i]);
    }
    b->depth--;
    if (status == STINT_OK)
        *ret_env = env;
    return status;
}
