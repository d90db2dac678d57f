/* SPDX-License-Identifier: Apache-2.0 */
/* Exceptions: making them, and finding who catches them. */
#include <string.h>

#include "interp/exec_int.h"
#include "runtime/gc.h"

bool interp_throw(struct exec *ctx, uint32_t tag_index, const uint64_t *payload)
{
    struct tag *tag = ctx->instance->tags[tag_index];
    struct gc_heap *heap = gc_heap_of(ctx->store, ctx->store->call_error);
    gc_ref exception = heap != NULL ? gc_new_exception(heap, tag, ctx->store->call_error) : GC_NULL;
    if (exception == GC_NULL) {
        ctx->trap = STINT_TRAP_HEAP_EXHAUSTED;
        return false;
    }
    /* The payload is still in its slots, which are roots: read only now. */
    if (tag->type->param_slots > 0)
        memcpy(gc_exception_payload(heap, exception), payload,
               tag->type->param_slots * sizeof(*payload));
    ctx->pending_exception = exception;
    return true;
}

static const struct catch_clause *find_clause(const struct interp_func *func, uint32_t cell,
                                              const struct stint_instance *instance,
                                              const struct tag *tag)
{
    const struct func_extra *extra = func->extra;
    for (uint32_t i = 0; i < extra->catch_count; i++) {
        const struct catch_clause *clause = &extra->catches[i];
        if (cell >= clause->from && cell < clause->to &&
            (clause->tag == CATCH_ALL || instance->tags[clause->tag] == tag))
            return clause;
    }
    return NULL;
}

/* Puts what the clause asks for into the catching frame. */
static void deliver(struct exec *ctx, const struct catch_clause *clause, const struct tag *tag,
                    uint64_t *sp)
{
    uint64_t *to = sp + clause->slot;
    if (clause->tag != CATCH_ALL && tag->type->param_slots > 0) {
        memcpy(to, gc_exception_payload(ctx->store->gc, ctx->pending_exception),
               tag->type->param_slots * sizeof(*to));
        to += tag->type->param_slots;
    }
    if (clause->wants_exnref)
        *to = ctx->pending_exception;
}

bool interp_unwind(struct exec *ctx)
{
    const struct tag *tag = gc_exception_tag(ctx->store->gc, ctx->pending_exception);
    struct frame_walk walk;
    walk_begin(&walk, ctx);
    for (bool more = true; more; more = walk_next(&walk, true)) {
        uint32_t own_index;
        const struct interp_func *func = interp_find(walk.instance->code, walk.ip, &own_index);
        if (func == NULL || func->extra->catch_count == 0)
            continue;
        const struct catch_clause *clause =
            find_clause(func, (uint32_t)(walk.ip - FUNC_CELLS(func)), walk.instance, tag);
        if (clause == NULL)
            continue;
        deliver(ctx, clause, tag, walk.sp);
        ctx->pending_exception = GC_NULL;
        ctx->ip = FUNC_CELLS(func) + clause->target;
        ctx->sp = walk.sp;
        ctx->rs = (struct record *)(uintptr_t)walk.rs;
        ctx->unwound_pins = func->pins;
        interp_enter_instance(ctx, walk.instance);
        return true;
    }
    ctx->status = STINT_EXCEPTION;
    return false;
}
