/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handlers as functions that tail-call each other: for clang, with the state of execution in
 * registers (preserve_none) and a jump, never a call, from one to the next (musttail).
 */
#include "interp/dispatch.h"
#include "interp/handler_ids.h"
#include "runtime/ops.h"

#define HANDLER_CALL __attribute__((preserve_none))
#define ARGUMENTS                                                                                  \
    struct exec *ctx, const struct cell *ip, uint64_t *sp, uint8_t *mem, uint64_t mem_bytes,       \
        uint64_t acc, struct record *rs, uint64_t l0, uint64_t l1, double facc, float sacc
#define PASS ctx, ip, sp, mem, mem_bytes, acc, rs, l0, l1, facc, sacc

typedef HANDLER_CALL enum stint_status (*handler_fn)(ARGUMENTS);

#define GO __attribute__((musttail)) return ((handler_fn)ip->handler)(PASS)
#define JUMP(name) __attribute__((musttail)) return handle_##name(PASS)
#define LEAVE_RUN(status_) return (status_)
/* Keeps short loops from becoming calls of memset and memcpy. */
#define KEEP_LOOP __asm__ volatile("" ::: "memory")

#define OP(name, ...) static HANDLER_CALL enum stint_status handle_##name(ARGUMENTS);
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
    return ((handler_fn)ip->handler)(ctx, ip, sp, mem, mem_bytes, 0, rs, 0, 0, 0, 0);
}
