/* SPDX-License-Identifier: Apache-2.0 */
/* Canonical definitions of a plan: lifts, and the core functions that steps make. */
#include "base/buf.h"
#include "component/plan_int.h"

/* By the binary's code. */
static const char *const names[] = {
    [0x05] = "task.cancel",
    [0x06] = "subtask.cancel",
    [0x09] = "task.return",
    [0x0c] = "thread.yield",
    [0x0d] = "subtask.drop",
    [0x0e] = "stream.new",
    [0x0f] = "stream.read",
    [0x10] = "stream.write",
    [0x11] = "stream.cancel-read",
    [0x12] = "stream.cancel-write",
    [0x13] = "stream.drop-readable",
    [0x14] = "stream.drop-writable",
    [0x15] = "future.new",
    [0x16] = "future.read",
    [0x17] = "future.write",
    [0x18] = "future.cancel-read",
    [0x19] = "future.cancel-write",
    [0x1a] = "future.drop-readable",
    [0x1b] = "future.drop-writable",
    [0x1c] = "error-context.new",
    [0x1d] = "error-context.debug-message",
    [0x1e] = "error-context.drop",
    [0x1f] = "waitable-set.new",
    [0x20] = "waitable-set.wait",
    [0x21] = "waitable-set.poll",
    [0x22] = "waitable-set.drop",
    [0x23] = "waitable.join",
    [0x26] = "thread.index",
    [0x27] = "thread.new-indirect",
    [0x28] = "thread.resume-later",
    [0x29] = "thread.suspend",
    [0x2a] = "thread.suspend-then-resume",
    [0x2b] = "thread.yield-then-resume",
    [0x2c] = "thread.suspend-then-promote",
    [0x2d] = "thread.yield-then-promote",
    [0x40] = "thread.spawn-ref",
    [0x41] = "thread.spawn-indirect",
    [0x42] = "thread.available-parallelism",
};

enum {
    CANON_CONTEXT_GET = 0x0a,
    CANON_CONTEXT_SET = 0x0b,
    CANON_BACKPRESSURE_INC = 0x24,
    CANON_BACKPRESSURE_DEC = 0x25,
};

/* ---- Options ----------------------------------------------------------------------------- */

static enum stint_status option(struct plan_builder *b, struct plan_env *env, enum comp_sort sort,
                                uint32_t index, struct core_ref *ret_ref)
{
    *ret_ref = (struct core_ref){.source = CORE_NONE};
    if (index == COMP_NO_INDEX)
        return STINT_OK;
    const struct plan_item *item = plan_item_at(env, sort, index);
    if (item == NULL)
        return plan_broken(b);
    *ret_ref = item->core;
    return STINT_OK;
}

static enum stint_status options(struct plan_builder *b, struct plan_env *env,
                                 const struct comp_options *from, struct plan_options *ret_options)
{
    struct plan_options to = {.encoding = from->encoding, .is_async = from->is_async};
    enum stint_status status = option(b, env, SORT_CORE_MEMORY, from->memory, &to.memory);
    if (status == STINT_OK)
        status = option(b, env, SORT_CORE_FUNC, from->realloc, &to.realloc);
    if (status == STINT_OK)
        status = option(b, env, SORT_CORE_FUNC, from->post_return, &to.post_return);
    *ret_options = to;
    return status;
}

/* ---- Lift -------------------------------------------------------------------------------- */

/* The parameters as one tuple: how they lie in memory. */
static enum stint_status params_tuple(struct plan_builder *b, const struct ctype_func *type,
                                      const struct ctype **ret_tuple)
{
    struct ctype draft = {
        .kind = CTYPE_TUPLE, .member_count = type->param_count, .members = type->params};
    return ctype_make(&b->plan->arena, &draft, ret_tuple, b->error);
}

static enum stint_status lift(struct plan_builder *b, struct plan_env *env,
                              const struct comp_canon *canon)
{
    const struct plan_item *core = plan_item_at(env, SORT_CORE_FUNC, canon->func);
    const struct plan_item *type = plan_item_at(env, SORT_TYPE, canon->type);
    if (core == NULL || type == NULL || type->type.kind != PLAN_TYPE_FUNC)
        return plan_broken(b);
    struct plan_lift made = {.type = type->type.func, .core = core->core, .part = env->part};
    struct plan_item item = {
        .function = {.type = made.type, .number = (uint32_t)b->plan->lifts.count}};
    ctype_flatten(made.type, false, &made.flat);
    enum stint_status status = options(b, env, &canon->options, &made.options);
    if (status == STINT_OK && made.flat.params_in_memory)
        status = params_tuple(b, made.type, &made.params);
    if (status == STINT_OK)
        status = PLAN_ADD(b, lifts, made);
    return status == STINT_OK ? plan_item_add(b, env, SORT_FUNC, item) : status;
}

enum stint_status plan_lift_use(struct plan_builder *b, uint32_t number)
{
    struct plan_lift *made = &b->plan->lifts.items[number];
    if (made->is_made)
        return STINT_OK;
    made->is_made = true;
    return PLAN_ADD(b, steps, (struct plan_step){STEP_LIFT, number});
}

/* ---- Lower ------------------------------------------------------------------------------- */

static enum stint_status core_type(struct plan_builder *b, const struct ctype_flat *flat,
                                   uint32_t *ret_type_id)
{
    valtype params[FLAT_PARAMS_MAX + 1], results[1];
    for (uint32_t i = 0; i < flat->param_count; i++)
        params[i] = flat->params[i];
    results[0] = flat->results[0];
    enum stint_status status = types_add_func(b->plan->engine->types, params, flat->param_count,
                                              results, flat->result_count, ret_type_id);
    return status == STINT_NOMEM ? plan_no_memory(b) : status;
}

static uint32_t depth_of(const struct plan *plan, uint32_t part)
{
    uint32_t depth = 0;
    for (; part != PLAN_NONE; part = plan->parents.items[part])
        depth++;
    return depth;
}

/* The innermost part that is, or is around, both; PLAN_NONE: there is none. */
static uint32_t common_part(const struct plan *plan, uint32_t a, uint32_t b)
{
    uint32_t depth_a = depth_of(plan, a), depth_b = depth_of(plan, b);
    for (; depth_a > depth_b; depth_a--)
        a = plan->parents.items[a];
    for (; depth_b > depth_a; depth_b--)
        b = plan->parents.items[b];
    while (a != b) {
        a = plan->parents.items[a];
        b = plan->parents.items[b];
    }
    return a;
}

/* The programs of a call from one component instance to another. */
static enum stint_status fuse(struct plan_builder *b, struct plan_trampoline *t)
{
    struct plan_lift *callee = &b->plan->lifts.items[t->number];
    const struct ctype_func *type = callee->type;
    struct ctype_member result = {.type = type->result};
    enum stint_status status;
    t->common = common_part(b->plan, t->part, callee->part);
    t->is_recursive = t->common == t->part || t->common == callee->part;
    t->params_body = t->result_body = CANON_PLAIN;
    if (callee->flat.params_in_memory)
        status = canon_compile_memory(&b->compiler, callee->params, &t->params_body, b->error);
    else
        status = canon_compile_flat(&b->compiler, type->params, type->param_count, &t->params_body,
                                    b->error);
    if (status == STINT_OK && callee->flat.result_in_memory)
        status = canon_compile_memory(&b->compiler, type->result, &t->result_body, b->error);
    else if (status == STINT_OK && type->result != NULL)
        status = canon_compile_flat(&b->compiler, &result, 1, &t->result_body, b->error);
    return status == STINT_OK ? plan_lift_use(b, t->number) : status;
}

static bool has_async_type(const struct ctype_func *type)
{
    bool has = type->is_async || (type->result != NULL && type->result->has_async);
    for (uint32_t i = 0; i < type->param_count; i++)
        has |= type->params[i].type->has_async;
    return has;
}

static enum stint_status lower(struct plan_builder *b, struct plan_env *env,
                               const struct comp_canon *canon, struct plan_trampoline *t)
{
    const struct plan_item *item = plan_item_at(env, SORT_FUNC, canon->func);
    if (item == NULL)
        return plan_broken(b);
    t->kind = item->function.is_host ? TRAMPOLINE_HOST : TRAMPOLINE_FUSED;
    t->number = item->function.number;
    t->type = item->function.type;
    enum stint_status status = options(b, env, &canon->options, &t->options);
    bool is_async = t->options.is_async || (!item->function.is_host && has_async_type(t->type)) ||
                    (!item->function.is_host && b->plan->lifts.items[t->number].options.is_async);
    if (status != STINT_OK)
        return status;
    if (is_async) {
        t->kind = TRAMPOLINE_UNSUPPORTED;
        t->what = "asynchronous call";
        return STINT_OK;
    }
    ctype_flatten(t->type, true, &t->flat);
    status = core_type(b, &t->flat, &t->type_id);
    if (status == STINT_OK && t->kind == TRAMPOLINE_FUSED)
        status = fuse(b, t);
    return status;
}

/* ---- Built-ins --------------------------------------------------------------------------- */

static enum stint_status resource_built_in(struct plan_builder *b, struct plan_env *env,
                                           const struct comp_canon *canon,
                                           struct plan_trampoline *t)
{
    struct ctype_flat flat = {.param_count = 1, .params = {VT_I32}, .results = {VT_I32}};
    const struct plan_item *item = plan_item_at(env, SORT_TYPE, canon->type);
    if (item == NULL || item->type.kind != PLAN_TYPE_RESOURCE)
        return plan_broken(b);
    t->number = item->type.resource;
    t->kind = canon->op == CANON_RESOURCE_NEW    ? TRAMPOLINE_RESOURCE_NEW
              : canon->op == CANON_RESOURCE_DROP ? TRAMPOLINE_RESOURCE_DROP
                                                 : TRAMPOLINE_RESOURCE_REP;
    flat.result_count = t->kind != TRAMPOLINE_RESOURCE_DROP;
    return core_type(b, &flat, &t->type_id);
}

static enum stint_status small_built_in(struct plan_builder *b, const struct comp_canon *canon,
                                        struct plan_trampoline *t)
{
    struct ctype_flat flat = {0};
    bool is_get = canon->op == CANON_CONTEXT_GET, is_set = canon->op == CANON_CONTEXT_SET;
    t->number = canon->index;
    flat.param_count = is_set;
    flat.result_count = is_get;
    flat.params[0] = flat.results[0] = (uint8_t)canon->core_type;
    t->kind = is_get                                ? TRAMPOLINE_CONTEXT_GET
              : is_set                              ? TRAMPOLINE_CONTEXT_SET
              : canon->op == CANON_BACKPRESSURE_INC ? TRAMPOLINE_BACKPRESSURE_INC
                                                    : TRAMPOLINE_BACKPRESSURE_DEC;
    return core_type(b, &flat, &t->type_id);
}

enum stint_status plan_canon_define(struct plan_builder *b, struct plan_env *env,
                                    const struct comp_canon *canon)
{
    struct plan_trampoline t = {.part = env->part, .type_id = TYPE_ID_NONE};
    struct plan_step step = {STEP_TRAMPOLINE, (uint32_t)b->plan->trampolines.count};
    enum stint_status status = STINT_OK;
    switch (canon->op) {
    case CANON_LIFT:
        return lift(b, env, canon);
    case CANON_LOWER:
        status = lower(b, env, canon, &t);
        break;
    case CANON_RESOURCE_NEW:
    case CANON_RESOURCE_DROP:
    case CANON_RESOURCE_REP:
        status = resource_built_in(b, env, canon, &t);
        break;
    case CANON_CONTEXT_GET:
    case CANON_CONTEXT_SET:
    case CANON_BACKPRESSURE_INC:
    case CANON_BACKPRESSURE_DEC:
        status = small_built_in(b, canon, &t);
        break;
    default:
        t.kind = TRAMPOLINE_UNSUPPORTED;
        t.what = canon->op < COUNT_OF(names) ? names[canon->op] : NULL;
    }
    struct plan_item item = {.core = {CORE_TRAMPOLINE, EXTERN_FUNC, step.number, 0}};
    if (status == STINT_OK)
        status = PLAN_ADD(b, trampolines, t);
    if (status == STINT_OK)
        status = PLAN_ADD(b, steps, step);
    return status == STINT_OK ? plan_item_add(b, env, SORT_CORE_FUNC, item) : status;
}
