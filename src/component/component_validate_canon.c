/* SPDX-License-Identifier: Apache-2.0 */
/* Canonical definitions (CanonicalABI.md: Canonical Definitions, the validation of each). */
#include "component/component_validate_int.h"

enum {
    FLAT_ASYNC_PARAMS_MAX = 4, /* CanonicalABI.md: MAX_FLAT_ASYNC_PARAMS */
    SLOT_COUNT = 2,            /* of context.get and .set */
};

/* A core signature. */
struct signature {
    uint32_t param_count, result_count;
    valtype params[FLAT_PARAMS_MAX + 1];
    valtype results[1];
};

static const struct signature none = {0};
static const struct signature from_i32 = {.param_count = 1, .params = {VT_I32}};
static const struct signature to_i32 = {.result_count = 1, .results = {VT_I32}};
static const struct signature to_i64 = {.result_count = 1, .results = {VT_I64}};
static const struct signature i32_to_i32 = {1, 1, {VT_I32}, {VT_I32}};
static const struct signature i32_i32 = {2, 0, {VT_I32, VT_I32}, {0}};
static const struct signature i32_i32_to_i32 = {2, 1, {VT_I32, VT_I32}, {VT_I32}};
static const struct signature i32_i32_i32_to_i32 = {3, 1, {VT_I32, VT_I32, VT_I32}, {VT_I32}};

static bool is_signature(const struct type_def *type, const struct signature *wanted)
{
    bool ok =
        type->param_count == wanted->param_count && type->result_count == wanted->result_count;
    for (uint32_t i = 0; ok && i < wanted->param_count; i++)
        ok = type->params[i] == wanted->params[i];
    for (uint32_t i = 0; ok && i < wanted->result_count; i++)
        ok = type->results[i] == wanted->results[i];
    return ok;
}

/* A new core function of this signature. */
static bool add_core_func(struct comp_validator *v, const struct signature *signature)
{
    uint32_t id;
    struct comp_core_extern item = {.kind = EXTERN_FUNC};
    enum stint_status status =
        types_add_func(v->file->engine->types, signature->params, signature->param_count,
                       signature->results, signature->result_count, &id);
    if (status != STINT_OK)
        return comp_fail(v, status, "%s", status_text(status));
    item.func = types_get(v->registry, id);
    return scope_add(v, SORT_CORE_FUNC, &item);
}

static const struct type_def *core_func_at(struct comp_validator *v, uint32_t index)
{
    const struct comp_core_extern *item = scope_at(v, v->scope, SORT_CORE_FUNC, index);
    return item != NULL ? item->func : NULL;
}

/* ---- Options ----------------------------------------------------------------------------- */

static bool need(struct comp_validator *v, bool is_needed, uint32_t option, const char *what)
{
    return !is_needed || option != COMP_NO_INDEX ||
           comp_invalid(v, "canonical option '%s' is required", what);
}

static bool need_memory(struct comp_validator *v, const struct comp_options *options,
                        bool is_needed)
{
    return need(v, is_needed, options->memory, "memory");
}

static bool need_realloc(struct comp_validator *v, const struct comp_options *options,
                         bool is_needed)
{
    return need_memory(v, options, is_needed) && need(v, is_needed, options->realloc, "realloc");
}

/* A plain memory with 32-bit addresses. */
static bool check_memory(struct comp_validator *v, uint32_t index)
{
    const struct comp_core_extern *memory = scope_at(v, v->scope, SORT_CORE_MEMORY, index);
    if (memory == NULL)
        return false;
    return (!memory->memory.limits.is_64 && !memory->memory.limits.is_shared) ||
           comp_invalid(v, "core memory %u is shared or has 64-bit addresses", index);
}

static bool check_realloc(struct comp_validator *v, const struct comp_options *options)
{
    static const struct signature wanted = {4, 1, {VT_I32, VT_I32, VT_I32, VT_I32}, {VT_I32}};
    if (options->memory == COMP_NO_INDEX)
        return comp_invalid(v, "canonical option 'realloc' requires 'memory' as well");
    const struct type_def *type = core_func_at(v, options->realloc);
    if (type == NULL)
        return false;
    return is_signature(type, &wanted) ||
           comp_invalid(v, "canonical option 'realloc' is a function of the wrong type");
}

static bool check_options(struct comp_validator *v, const struct comp_options *options)
{
    if (options->memory != COMP_NO_INDEX && !check_memory(v, options->memory))
        return false;
    if (options->callback != COMP_NO_INDEX && !options->is_async)
        return comp_invalid(v, "canonical option 'callback' requires 'async'");
    if (options->post_return != COMP_NO_INDEX && options->is_async)
        return comp_invalid(v, "canonical option 'post-return' cannot be given with 'async'");
    return options->realloc == COMP_NO_INDEX || check_realloc(v, options);
}

/* Options of whatever is called by the guest. */
static bool check_lower_options(struct comp_validator *v, const struct comp_options *options)
{
    if (!check_options(v, options))
        return false;
    if (options->post_return != COMP_NO_INDEX)
        return comp_invalid(v, "canonical option 'post-return' cannot be specified for lowerings");
    return options->callback == COMP_NO_INDEX ||
           comp_invalid(v, "canonical option 'callback' cannot be specified for lowerings");
}

static bool check_sync(struct comp_validator *v, const struct comp_options *options,
                       const char *what)
{
    return !options->is_async ||
           comp_invalid(v, "canonical option 'async' cannot be given to %s", what);
}

/* ---- Signatures of lifted and lowered functions ------------------------------------------ */

static void push(struct signature *signature, valtype type)
{
    signature->params[signature->param_count++] = type;
}

/* The parameters, flat where they are at most `max`; true where they go through memory instead. */
static bool flatten_params(const struct ctype_func *func, uint32_t max, struct signature *signature)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < func->param_count && count <= max; i++)
        count += func->params[i].type->flat_count;
    if (count > max) {
        push(signature, VT_I32);
        return true;
    }
    for (uint32_t i = 0; i < func->param_count; i++) {
        const struct ctype *type = func->params[i].type;
        for (uint32_t k = 0; k < type->flat_count; k++)
            push(signature, type->flat[k]);
    }
    return false;
}

static bool params_have_pointers(const struct ctype_func *func)
{
    for (uint32_t i = 0; i < func->param_count; i++) {
        if (func->params[i].type->has_pointers)
            return true;
    }
    return false;
}

/* CanonicalABI.md: flatten_functype for 'lower', and what it makes needed. */
static bool flatten_lower(struct comp_validator *v, const struct ctype_func *func,
                          const struct comp_options *options, struct signature *signature)
{
    uint32_t max = options->is_async ? FLAT_ASYNC_PARAMS_MAX : FLAT_PARAMS_MAX;
    const struct ctype *result = func->result;
    bool in_memory = flatten_params(func, max, signature);
    if (!need_memory(v, options, in_memory || params_have_pointers(func)) ||
        !need_realloc(v, options, result != NULL && result->has_pointers))
        return false;
    bool by_pointer =
        result != NULL && (options->is_async || result->flat_count > FLAT_RESULTS_MAX);
    if (by_pointer) {
        push(signature, VT_I32);
    } else if (result != NULL && result->flat_count == 1) {
        signature->results[0] = result->flat[0];
        signature->result_count = 1;
    }
    if (options->is_async) {
        signature->results[0] = VT_I32;
        signature->result_count = 1;
    }
    return need_memory(v, options, by_pointer);
}

/* The same for 'lift'. */
static bool flatten_lift(struct comp_validator *v, const struct ctype_func *func,
                         const struct comp_options *options, struct signature *signature)
{
    const struct ctype *result = func->result;
    bool in_memory = flatten_params(func, FLAT_PARAMS_MAX, signature);
    if (!need_realloc(v, options, in_memory || params_have_pointers(func)))
        return false;
    if (options->is_async) {
        /* The result is given to task.return. */
        signature->results[0] = VT_I32;
        signature->result_count = options->callback != COMP_NO_INDEX ? 1 : 0;
        return need_memory(v, options,
                           result != NULL &&
                               (result->has_pointers || result->flat_count > FLAT_PARAMS_MAX));
    }
    if (result == NULL || result->flat_count == 0)
        return true;
    signature->result_count = 1;
    signature->results[0] = result->flat_count > FLAT_RESULTS_MAX ? VT_I32 : result->flat[0];
    return need_memory(v, options, result->flat_count > FLAT_RESULTS_MAX);
}

/* ---- Lifting and lowering ---------------------------------------------------------------- */

static bool check_asyncness(struct comp_validator *v, const struct comp_options *options,
                            const struct vfunc *func)
{
    return !options->is_async || func->is_async ||
           comp_invalid(v, "the 'async' canonical option requires an async function type");
}

static bool check_post_return(struct comp_validator *v, const struct comp_options *options,
                              const struct type_def *core)
{
    struct signature wanted = {.param_count = core->result_count};
    if (options->post_return == COMP_NO_INDEX)
        return true;
    const struct type_def *type = core_func_at(v, options->post_return);
    if (type == NULL)
        return false;
    if (core->result_count == 1)
        wanted.params[0] = core->results[0];
    return (core->result_count <= 1 && is_signature(type, &wanted)) ||
           comp_invalid(v, "canonical option 'post-return' is a function of the wrong type");
}

static bool check_callback(struct comp_validator *v, const struct comp_options *options)
{
    if (options->callback == COMP_NO_INDEX)
        return true;
    const struct type_def *type = core_func_at(v, options->callback);
    if (type == NULL)
        return false;
    return is_signature(type, &i32_i32_i32_to_i32) ||
           comp_invalid(v, "canonical option 'callback' is a function of the wrong type");
}

static bool lift(struct comp_validator *v, const struct comp_canon *canon)
{
    struct vtype type;
    struct signature signature = {0};
    if (!comp_type_of_kind(v, canon->type, VTYPE_FUNC, &type))
        return false;
    const struct type_def *core = core_func_at(v, canon->func);
    if (core == NULL || !check_options(v, &canon->options) ||
        !check_post_return(v, &canon->options, core) || !check_callback(v, &canon->options) ||
        !check_asyncness(v, &canon->options, type.func) ||
        !flatten_lift(v, &type.func->shape, &canon->options, &signature))
        return false;
    if (!is_signature(core, &signature))
        return comp_invalid(v,
                            "core function %u does not have the type that the function type "
                            "is lowered to",
                            canon->func);
    return scope_add(v, SORT_FUNC, &type);
}

static bool lower(struct comp_validator *v, const struct comp_canon *canon)
{
    struct signature signature = {0};
    const struct vtype *func = scope_at(v, v->scope, SORT_FUNC, canon->func);
    return func != NULL && check_lower_options(v, &canon->options) &&
           check_asyncness(v, &canon->options, func->func) &&
           flatten_lower(v, &func->func->shape, &canon->options, &signature) &&
           add_core_func(v, &signature);
}

/* ---- Resources --------------------------------------------------------------------------- */

static bool resource_builtin(struct comp_validator *v, const struct comp_canon *canon)
{
    struct vtype type;
    if (!comp_type_of_kind(v, canon->type, VTYPE_RESOURCE, &type))
        return false;
    if (canon->op == CANON_RESOURCE_DROP)
        return add_core_func(v, &from_i32);
    const uint64_t *place = number_map_find(&v->scope->defined_map, type.id);
    if (place == NULL ||
        SPACE_AT(&v->scope->defined, struct defined_resource, *place).rep == VT_BOT)
        return comp_invalid(v, "type %u is not a local resource", canon->type);
    return add_core_func(v, &i32_to_i32);
}

/* ---- Asynchronous built-ins -------------------------------------------------------------- */

static bool task_return(struct comp_validator *v, const struct comp_canon *canon)
{
    struct vval result;
    struct signature signature = {0};
    const struct comp_options *options = &canon->options;
    if (!comp_resolve_value(v, &canon->result, &result) || !check_lower_options(v, options) ||
        !check_sync(v, options, "task.return"))
        return false;
    if (options->realloc != COMP_NO_INDEX)
        return comp_invalid(v, "canonical option 'realloc' cannot be given to task.return");
    const struct ctype_member param = {.type = vval_shape(&result)};
    const struct ctype_func func = {.param_count = param.type != NULL ? 1 : 0, .params = &param};
    return flatten_lower(v, &func, options, &signature) && add_core_func(v, &signature);
}

static bool context_slot(struct comp_validator *v, const struct comp_canon *canon)
{
    struct signature signature = {0};
    if (canon->core_type != VT_I32)
        return comp_invalid(v, "context.get and context.set are of type i32");
    if (canon->index >= SLOT_COUNT)
        return comp_invalid(v, "there are %d context slots, not %u", SLOT_COUNT, canon->index);
    if (canon->op == 0x0a) {
        signature.result_count = 1;
        signature.results[0] = canon->core_type;
    } else {
        push(&signature, canon->core_type);
    }
    return add_core_func(v, &signature);
}

/* stream.… and future.…: codes 0x0e to 0x14 and 0x15 to 0x1b, in the same order. */
static bool stream_builtin(struct comp_validator *v, const struct comp_canon *canon)
{
    static const struct signature *const signatures[] = {
        &to_i64, NULL, NULL, &i32_to_i32, &i32_to_i32, &from_i32, &from_i32};
    struct vtype type;
    bool is_stream = canon->op < 0x15;
    uint8_t which = (uint8_t)(canon->op - (is_stream ? 0x0e : 0x15));
    if (!comp_type_of_kind(v, canon->type, VTYPE_VALUE, &type))
        return false;
    if (type.def->kind != (is_stream ? CTYPE_STREAM : CTYPE_FUTURE))
        return comp_invalid(v, "type %u is not a %s type", canon->type,
                            is_stream ? "stream" : "future");
    if (signatures[which] != NULL)
        return add_core_func(v, signatures[which]);
    const struct ctype *element = vval_shape(&type.def->members[0].type);
    bool is_read = which == 1;
    return check_lower_options(v, &canon->options) &&
           need_memory(v, &canon->options, element != NULL) &&
           need_realloc(v, &canon->options, is_read && element != NULL && element->has_pointers) &&
           add_core_func(v, is_stream ? &i32_i32_i32_to_i32 : &i32_i32_to_i32);
}

static bool error_context(struct comp_validator *v, const struct comp_canon *canon)
{
    const struct comp_options *options = &canon->options;
    if (canon->op == 0x1e)
        return add_core_func(v, &from_i32);
    bool is_new = canon->op == 0x1c;
    return check_lower_options(v, options) && check_sync(v, options, "error-context.…") &&
           need_memory(v, options, true) && need_realloc(v, options, !is_new) &&
           add_core_func(v, is_new ? &i32_i32_to_i32 : &i32_i32);
}

static bool thread_new(struct comp_validator *v, const struct comp_canon *canon)
{
    const struct core_type_item *item = scope_at(v, v->scope, SORT_CORE_TYPE, canon->type);
    if (item == NULL)
        return false;
    if (item->module != NULL || item->type->type->kind != TYPE_FUNC ||
        !is_signature(item->type->type, &from_i32))
        return comp_invalid(v, "core type %u is not that of a function that takes an i32",
                            canon->type);
    const struct comp_core_extern *table = scope_at(v, v->scope, SORT_CORE_TABLE, canon->index);
    if (table == NULL)
        return false;
    if (table->table.element != VT_FUNCREF || table->table.limits.is_64)
        return comp_invalid(v, "core table %u is not a 32-bit table of funcref", canon->index);
    return add_core_func(v, &i32_i32_to_i32);
}

bool comp_canon(struct comp_validator *v, const struct comp_canon *canon)
{
    /* Built-ins whose signature is all that there is to them. */
    static const struct signature *const plain[] = {
        [0x05] = &none,           [0x06] = &i32_to_i32, [0x0c] = &to_i32,
        [0x0d] = &from_i32,       [0x1f] = &to_i32,     [0x20] = &i32_i32_to_i32,
        [0x21] = &i32_i32_to_i32, [0x22] = &from_i32,   [0x23] = &i32_i32,
        [0x24] = &none,           [0x25] = &none,       [0x26] = &to_i32,
        [0x28] = &from_i32,       [0x29] = &to_i32,     [0x2a] = &i32_to_i32,
        [0x2b] = &i32_to_i32,     [0x2c] = &i32_to_i32, [0x2d] = &i32_to_i32,
    };
    if (canon->op < COUNT_OF(plain) && plain[canon->op] != NULL) {
        bool has_memory = canon->op == 0x20 || canon->op == 0x21;
        return (!has_memory || check_memory(v, canon->index)) && add_core_func(v, plain[canon->op]);
    }
    switch (canon->op) {
    case CANON_LIFT:
        return lift(v, canon);
    case CANON_LOWER:
        return lower(v, canon);
    case CANON_RESOURCE_NEW:
    case CANON_RESOURCE_DROP:
    case CANON_RESOURCE_REP:
        return resource_builtin(v, canon);
    case 0x09:
        return task_return(v, canon);
    case 0x0a:
    case 0x0b:
        return context_slot(v, canon);
    case 0x1c:
    case 0x1d:
    case 0x1e:
        return error_context(v, canon);
    case 0x27:
        return thread_new(v, canon);
    default:
        break;
    }
    if (canon->op >= 0x0e && canon->op <= 0x1b)
        return stream_builtin(v, canon);
    return comp_fail(v, STINT_UNSUPPORTED, "threads that share everything are not supported");
}
