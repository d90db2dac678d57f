/* SPDX-License-Identifier: Apache-2.0 */
/* Functions with machine code, and the ways back from there (machine_native.c). See dispatch.h. */

/* The only cell of a function that has machine code; its frame is set up, its fuel charged. */
OP(call_native, {
    LEAVE;
    ip = interp_call_native(ctx);
    GO;
})
/* Machine code has run to the end of this frame's function; the results are at sp. */
OP(native_done, {
    RELOAD_MEMORY;
    acc = sp[0];
    JUMP(return_0);
})
/* It has left by a tail call of ctx->callee; the arguments are at sp. */
OP(native_tail, {
    RELOAD_MEMORY;
    JUMP(tail_any);
})
/* It has ended with ctx->status. Its frame is gone: this ip is in no function. */
OP(native_failed, {
    ctx->trap = STINT_TRAP_NONE;
    ip = interp_restore_cells;
    if (ctx->status == STINT_EXCEPTION)
        JUMP(unwind);
    JUMP(trap);
})
