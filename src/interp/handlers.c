/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The handlers: functions that tail-call each other, with the state of execution in their
 * arguments. See dispatch.h for how they are written.
 */
#include "interp/dispatch.h"
#include "interp/dispatch_tail.h"
#include "interp/handler_ids.h"
#include "runtime/ops.h"

typedef HANDLER_CALL enum stint_status (*handler_fn)(ARGUMENTS);

/* Out of line: what many handlers jump to is there once. */
#define OP(name, ...)                                                                              \
    static HANDLER_CALL __attribute__((noinline)) enum stint_status handle_##name(ARGUMENTS);
#include "interp/ops_all.h"
#undef OP

#define OP(name, ...) static HANDLER_CALL enum stint_status handle_##name(ARGUMENTS) __VA_ARGS__
#include "interp/ops_all.h"
#undef OP

static const void *const handlers[HANDLER_COUNT] = {
#define OP(name, ...) (const void *)handle_##name,
#include "interp/ops_all.h"
#undef OP
};

const void *const *interp_handlers(void)
{
    return handlers;
}

enum stint_status interp_run(struct exec *ctx, const struct cell *ip, uint64_t *sp,
                             struct record *rs)
{
    const struct memory *memory = ctx->instance != NULL ? ctx->instance->memory0 : NULL;
    uint8_t *mem = memory != NULL ? memory->base : NULL;
    uint64_t mem_bytes = memory != NULL ? memory->bytes : 0;
    return ((handler_fn)ip->handler)(ctx, ip, sp, mem, 0, rs, mem_bytes, 0, 0, 0, 0);
}
