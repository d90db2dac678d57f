/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls of machine code that do not come from cells (machine_native.c has those): from the host, and
 * tail calls out of machine code. Fuel is in one place at a time: ctx->fuel while cells run, run->fuel
 * while ctx->is_native.
 */
#include <string.h>

#include "interp/exec_int.h"
#include "runtime/gc.h"

void exec_keep_native_frames(struct exec *ctx)
{
    struct frame_info frames[TRAP_FRAMES_KEPT];
    size_t total;
    size_t count = native_frames(ctx->store, frames, COUNT_OF(frames), &total);
    exec_begin_failure(ctx);
    for (size_t i = 0; i < count && ctx->trap_frame_count < TRAP_FRAMES_KEPT; i++) {
        const struct frame_info *frame = &frames[i];
        uint32_t own_index = frame->func_index - frame->instance->module->wasm->import_func_count;
        ctx->trap_frames[ctx->trap_frame_count++] =
            (struct trap_frame){frame->instance, own_index, frame->offset_bytes | CELL_IS_OFFSET};
    }
    ctx->trap_frame_total += total;
}

/* The arguments of a tail call out of machine code, to `slots`; false when there is no room. */
static bool take_tail_arguments(struct exec *ctx, const struct func *callee, uint64_t *slots)
{
    const struct native_run *run = ctx->store->run;
    if ((uint8_t *)(slots + exec_slot_count(callee->type)) > ctx->stack_limit)
        return false;
    if (callee->type->param_slots > 0)
        memcpy(slots, run->values, callee->type->param_slots * sizeof(*slots));
    return true;
}

/* Leaves an exception of machine code where callers of exec_call look for it. */
static void report_exception(struct exec *ctx, struct stint_error *error)
{
    struct native_run *run = ctx->store->run;
    gc_set_exception(ctx->store->gc, run->exception);
    run->exception = GC_NULL;
    error_set(error, STINT_EXCEPTION, STINT_NO_OFFSET, "uncaught exception");
}

enum stint_status exec_interpret(struct exec *ctx, struct func *func, uint64_t *slots,
                                 struct stint_error *error)
{
    if (!native_has_headroom(ctx->store))
        return error_set_trap(error, STINT_TRAP_STACK_OVERFLOW);
    ctx->native_depth++;
    ctx->interpreted = func;
    enum stint_status status = exec_call_cells(ctx, func, slots, error);
    ctx->interpreted = NULL;
    ctx->native_depth--;
    return status;
}

enum stint_status exec_call_tail(struct exec *ctx, uint64_t *slots, struct stint_error *error)
{
    struct native_run *run = ctx->store->run;
    uint64_t *frame = ctx->frame_base;
    enum stint_status status;
    struct func *callee;
    do {
        callee = run->tail_callee;
        run->pending = NATIVE_PENDING_NONE;
        if (!take_tail_arguments(ctx, callee, frame)) {
            status = error_set_trap(error, STINT_TRAP_STACK_OVERFLOW);
            break;
        }
        ctx->frame_base = frame + exec_slot_count(callee->type);
        if (callee->host != NULL)
            status = exec_call_host(ctx, callee, frame, error);
        else if (native_refresh(callee))
            status = native_enter_func(callee, frame, error);
        else
            status = exec_call_cells(ctx, callee, frame, error);
    } while (status == STINT_OK && run->pending == NATIVE_PENDING_TAIL);
    ctx->frame_base = frame;
    if (status == STINT_EXCEPTION && run->exception != GC_NULL)
        report_exception(ctx, error);
    if (status == STINT_OK && callee->type->result_slots > 0)
        memcpy(slots, frame, callee->type->result_slots * sizeof(*slots));
    return status;
}

enum stint_status exec_call_code(struct exec *ctx, struct func *func, uint64_t *slots,
                                 struct stint_error *error)
{
    struct native_run *run = ctx->store->run;
    bool was_native = ctx->is_native;
    if (!was_native)
        run->fuel = ctx->fuel;
    ctx->is_native = true;
    enum stint_status status = native_enter_func(func, slots, error);
    if (status == STINT_OK && UNLIKELY(run->pending == NATIVE_PENDING_TAIL))
        status = exec_call_tail(ctx, slots, error);
    else if (UNLIKELY(status == STINT_EXCEPTION))
        report_exception(ctx, error);
    if (UNLIKELY(status != STINT_OK && status != STINT_EXCEPTION))
        exec_keep_native_frames(ctx);
    ctx->is_native = was_native;
    if (!was_native)
        ctx->fuel = run->fuel;
    return status;
}
