/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for unwind_exceptions.c in builds without exceptions: nothing can throw. */
#include "interp/exec_int.h"

bool interp_throw(struct exec *ctx, uint32_t tag, const uint64_t *payload)
{
    (void)tag;
    (void)payload;
    ctx->trap = STINT_TRAP_HEAP_EXHAUSTED;
    return false;
}

bool interp_unwind(struct exec *ctx)
{
    ctx->status = STINT_EXCEPTION;
    return false;
}
