/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handlers as labels of one function with computed goto: for compilers without musttail (gcc 12).
 */
#include "interp/dispatch.h"
#include "interp/handler_ids.h"
#include "runtime/ops.h"

#define GO goto *ip->handler
#define JUMP(name) goto handle_##name
#define LEAVE_RUN(status_) return (status_)
/* Keeps short loops from becoming calls of memset and memcpy. */
#define KEEP_LOOP __asm__ volatile("" ::: "memory")

static const void *const *handlers;

/* Runs; with ctx NULL it only publishes the addresses of its labels. */
static enum stint_status run(struct exec *ctx, const struct cell *ip, uint64_t *sp, uint8_t *mem,
                             uint64_t mem_bytes, struct record *rs)
{
    static const void *const labels[HANDLER_COUNT] = {
#define OP(name, ...) &&handle_##name,
#include "interp/ops_all.h"
#undef OP
    };
    uint64_t acc = 0, l0 = 0, l1 = 0;
    double facc = 0;
    float sacc = 0;

    if (ctx == NULL) {
        handlers = labels;
        return STINT_OK;
    }
    GO;
#define OP(name, ...) handle_##name : __VA_ARGS__
#include "interp/ops_all.h"
#undef OP
}

const void *const *interp_handlers(void)
{
    if (handlers == NULL)
        (void)run(NULL, NULL, NULL, NULL, 0, NULL);
    return handlers;
}

enum stint_status interp_run(struct exec *ctx, const struct cell *ip, uint64_t *sp,
                             struct record *rs)
{
    const struct memory *memory = ctx->instance != NULL ? ctx->instance->memory0 : NULL;
    uint8_t *mem = memory != NULL ? memory->base : NULL;
    uint64_t mem_bytes = memory != NULL ? memory->bytes : 0;
    return run(ctx, ip, sp, mem, mem_bytes, rs);
}
