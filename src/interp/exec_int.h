/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by exec.c, unwind_exceptions.c and interp.c. */
#ifndef INTERP_EXEC_INT_H
#define INTERP_EXEC_INT_H

#include "interp/cell.h"
#include "runtime/native.h"

/* What a call to or from the host puts aside. */
struct exec_state {
    struct stint_instance *instance;
    const struct cell *ip;
    uint64_t *sp;
    struct record *rs;
    uint64_t *frame_base;
    bool is_running;
};

static inline struct exec_state save_state(const struct exec *ctx)
{
    return (struct exec_state){ctx->instance, ctx->ip,         ctx->sp,
                               ctx->rs,       ctx->frame_base, ctx->is_running};
}

static inline void restore_state(struct exec *ctx, const struct exec_state *saved)
{
    if (saved->instance != NULL)
        interp_enter_instance(ctx, saved->instance);
    ctx->instance = saved->instance;
    ctx->ip = saved->ip;
    ctx->sp = saved->sp;
    ctx->rs = saved->rs;
    ctx->frame_base = saved->frame_base;
    ctx->is_running = saved->is_running;
}

/* A walk over frames, innermost first. */
struct frame_walk {
    const struct exec *ctx;
    struct stint_instance *instance;
    const struct cell *ip; /* the frame's current cell; of callers the last cell of their call */
    uint64_t *sp;
    const struct record *rs;
    bool is_valid; /* there is a frame at all */
};

void walk_begin(struct frame_walk *walk, const struct exec *ctx);
/* The caller's frame; false at the end. With `stop_at_host` the end is the call from the host. */
bool walk_next(struct frame_walk *walk, bool stop_at_host);

/* Slots that a call of this type takes and gives back in. */
static inline uint32_t exec_slot_count(const struct type_def *type)
{
    return type->param_slots > type->result_slots ? type->param_slots : type->result_slots;
}

/* The frames of a failure come next: those of the last one are forgotten, unless it is passing on. */
static inline void exec_begin_failure(struct exec *ctx)
{
    if (!ctx->store->is_failing)
        ctx->trap_frame_count = ctx->trap_frame_total = 0;
    ctx->store->is_failing = true;
}

/* Keeps the frames of machine code that has failed (exec_native.c). */
void exec_keep_native_frames(struct exec *ctx);

/* Parts of exec_call: a host function that the host calls, cells, machine code. */
enum stint_status exec_call_host(struct exec *ctx, struct func *func, uint64_t *slots,
                                 struct stint_error *error);
enum stint_status exec_call_cells(struct exec *ctx, struct func *func, uint64_t *slots,
                                  struct stint_error *error);
enum stint_status exec_call_code(struct exec *ctx, struct func *func, uint64_t *slots,
                                 struct stint_error *error);

/* The operations of engine.h. */
enum stint_status exec_create(struct stint_store *store, struct exec **ret_exec);
void exec_free(struct exec *ctx);
void exec_visit_roots(struct exec *ctx, void (*visit)(void *context, uint64_t *slot),
                      void *context);
size_t exec_backtrace(struct exec *ctx, struct frame_info *ret_frames, size_t limit);
void exec_reset(struct exec *ctx, bool trim);
uint64_t exec_fuel_pending(const struct exec *ctx);
enum stint_status exec_call(struct exec *ctx, struct func *func, uint64_t *slots,
                            struct stint_error *error);
enum stint_status exec_interpret(struct exec *ctx, struct func *func, uint64_t *slots,
                                 struct stint_error *error);
enum stint_status exec_call_tail(struct exec *ctx, uint64_t *slots, struct stint_error *error);

#endif
