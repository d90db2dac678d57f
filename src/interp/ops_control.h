/* SPDX-License-Identifier: Apache-2.0 */
/* Branches, calls, returns, and the ways out of the interpreter. See dispatch.h. */

/* ---- Ways out ------------------------------------------------------------------------------ */

/* ctx->trap, or where that is NONE ctx->status, says why. */
OP(trap, {
    LEAVE;
    LEAVE_RUN(ctx->trap != STINT_TRAP_NONE ? STINT_TRAP : ctx->status);
})
OP(trap_memory, { TRAP(MEMORY_BOUNDS); })
/* Below the outermost frame: the call from the host is done. */
OP(halt, {
    LEAVE;
    LEAVE_RUN(STINT_OK);
})
/* The end of a call into another instance: sp is not a frame but the instance to go back to. */
OP(restore_instance, {
    interp_enter_instance(ctx, (struct stint_instance *)sp);
    rs--;
    ip = rs->ip;
    sp = rs->sp;
    RELOAD_MEMORY;
    RELOAD_PINS(ip->a);
    NEXT;
})
/* The slice is used up; ip already stands where to go on. */
OP(fuel_slice, {
    LEAVE;
    if (!interp_fuel_slice(ctx)) {
        ctx->trap = STINT_TRAP_NONE;
        JUMP(trap);
    }
    if (STINT_WITH_NATIVE && ctx->is_sampled)
        ip = interp_look_around(ctx);
    GO;
})
/* Fuel of a loop's first pass. */
OP(fuel, {
    ctx->fuel -= ip->d;
    ip++;
    if (UNLIKELY(ctx->fuel < 0))
        JUMP(fuel_slice);
    GO;
})
OP(unreachable, { TRAP(UNREACHABLE); })
OP(nop, { NEXT; })

/* ---- Branches ------------------------------------------------------------------------------ */

OP(br_N, {
    ip = (const struct cell *)((const uint8_t *)ip + ip->c);
    GO;
})
OP(br_F, { BRANCH_F; })
/* br_table: b cells follow besides the default's; each is a br_N or br_F. */
#define ROW_BR_TABLE(p)                                                                            \
    OP(br_table_##p, {                                                                             \
        uint32_t index = I32_##p(a);                                                               \
        uint32_t count = (uint32_t)ip->b;                                                          \
        ip += 1 + (index < count ? index : count);                                                 \
        ctx->fuel -= ip->d;                                                                        \
        ip = (const struct cell *)((const uint8_t *)ip + ip->c);                                   \
        if (UNLIKELY(ctx->fuel < 0))                                                               \
            JUMP(fuel_slice);                                                                      \
        GO;                                                                                        \
    })
ROW_BR_TABLE(S)
ROW_BR_TABLE(A)
PINNED(ROW_BR_TABLE(0))
PINNED(ROW_BR_TABLE(1))

/* ---- Calls --------------------------------------------------------------------------------- */

/*
 * Enters `func_` with its frame at byte offset `staged`. `ip` is the call's last cell. Functions
 * that are not translated have a frame that never fits, which leads to the slow path.
 */
#define ENTER(func_, staged)                                                                       \
    do {                                                                                           \
        const struct interp_func *enter_ = (func_);                                                \
        uint64_t *frame_ = SLOT_AT(staged);                                                        \
        if (UNLIKELY((uint8_t *)frame_ + FRAME_BYTES(enter_) > ctx->stack_limit)) {                \
            ctx->sp = frame_;                                                                      \
            ctx->entering = enter_;                                                                \
            JUMP(enter_slow);                                                                      \
        }                                                                                          \
        rs->ip = ip;                                                                               \
        rs->sp = sp;                                                                               \
        rs++;                                                                                      \
        sp = frame_;                                                                               \
        START(enter_);                                                                             \
    } while (0)
/* The callee's own part: its locals, its pinned locals, its fuel. */
#define START(func_)                                                                               \
    do {                                                                                           \
        uint32_t k_ = (func_)->zero_from, zero_to_ = (func_)->zero_to;                             \
        for (; k_ < zero_to_; k_++) {                                                              \
            sp[k_] = 0;                                                                            \
            KEEP_LOOP(k_);                                                                             \
        }                                                                                          \
        RELOAD_PINS((func_)->pins);                                                                \
        ip = FUNC_START(func_);                                                                    \
        ctx->fuel -= (func_)->fuel;                                                                \
        if (UNLIKELY(ctx->fuel < 0))                                                               \
            JUMP(fuel_slice);                                                                      \
        GO;                                                                                        \
    } while (0)

/* Translates ctx->entering, or the stack is full. ip is still the call's last cell. */
OP(enter_slow, {
    uint64_t *frame = ctx->sp;
    ctx->ip = ip;
    ctx->rs = rs;
    if (!IS_TRANSLATED(ctx->entering) &&
        !interp_translate(ctx, ctx->code, (struct interp_func *)ctx->entering)) {
        ctx->trap = STINT_TRAP_NONE;
        ctx->sp = sp;
        JUMP(trap);
    }
    if ((uint8_t *)frame + FRAME_BYTES(ctx->entering) > ctx->stack_limit)
        TRAP(STACK_OVERFLOW);
    rs->ip = ip;
    rs->sp = sp;
    rs++;
    sp = frame;
    START(ctx->entering);
})
/* A function of the same instance: pointer is the function, a the caller's pins, c its frame. */
OP(call, { ENTER((const struct interp_func *)ip->pointer, ip->c); })

/*
 * Any function, in ctx->callee, with its frame at ctx->sp: a host function, or one of another
 * instance. ip is the call's last cell.
 */
OP(call_far, {
    struct func *callee = ctx->callee;
    uint64_t *frame = ctx->sp;
    if (callee->host != NULL) {
        LEAVE;
        struct host_result result = interp_call_host(ctx, callee, frame);
        if (UNLIKELY(result.status != STINT_OK)) {
            ctx->trap = STINT_TRAP_NONE;
            ctx->status = (enum stint_status)result.status;
            if (result.status == STINT_EXCEPTION)
                JUMP(unwind);
            JUMP(trap);
        }
        acc = result.word;
        RELOAD_MEMORY;
        NEXT;
    }
    if (UNLIKELY(rs + 2 >= ctx->record_limit))
        TRAP(STACK_OVERFLOW);
    rs->ip = ip;
    rs->sp = sp;
    rs++;
    rs->ip = interp_restore_cells;
    rs->sp = (uint64_t *)ctx->instance;
    rs++;
    sp = frame;
    interp_enter_instance(ctx, callee->instance);
    RELOAD_MEMORY;
    ctx->entering = callee->code;
    JUMP(start_far);
})
/* Starts ctx->entering with its records already pushed and sp already its frame. */
OP(start_far, {
    LEAVE;
    if (!IS_TRANSLATED(ctx->entering) &&
        !interp_translate(ctx, ctx->code, (struct interp_func *)ctx->entering)) {
        ctx->trap = STINT_TRAP_NONE;
        JUMP(trap);
    }
    if (UNLIKELY((uint8_t *)sp + FRAME_BYTES(ctx->entering) > ctx->stack_limit))
        TRAP(STACK_OVERFLOW);
    START(ctx->entering);
})
/* An imported function: b is its index, a the caller's pins, c the frame. */
OP(call_import, {
    ctx->callee = ctx->instance->import_funcs[ip->b];
    ctx->sp = SLOT_AT(ip->c);
    JUMP(call_far);
})
/* Goes on with ctx->callee, near or far. */
#define CALL_ANY(staged)                                                                           \
    do {                                                                                           \
        struct func *any_ = ctx->callee;                                                           \
        if (LIKELY(any_->instance == ctx->instance))                                               \
            ENTER((const struct interp_func *)any_->code, staged);                                 \
        ctx->sp = SLOT_AT(staged);                                                                 \
        JUMP(call_far);                                                                            \
    } while (0)
OP(call_any, {
    int32_t staged = ctx->staged;
    CALL_ANY(staged);
})
/*
 * call_indirect, two cells: a the index, d the table, c the frame, b not zero for 64-bit indices;
 * second cell: a the caller's pins, pointer the type.
 */
#define ROW_CALL_INDIRECT(p)                                                                       \
    OP(call_indirect_##p, {                                                                        \
        struct table *table = ctx->instance->tables[ip->d];                                        \
        uint64_t index = I32_##p(a);                                                               \
        if (UNLIKELY(index >= table->count))                                                       \
            TRAP(INDIRECT_BOUNDS);                                                                 \
        struct func *callee = (struct func *)(uintptr_t)table->elements[index];                    \
        int32_t staged = ip->c;                                                                    \
        if (UNLIKELY(callee == NULL || callee->type != ip[1].pointer))                             \
            JUMP(call_indirect_slow);                                                              \
        ctx->callee = callee;                                                                      \
        ip++;                                                                                      \
        CALL_ANY(staged);                                                                          \
    })
ROW_CALL_INDIRECT(S)
ROW_CALL_INDIRECT(A)
PINNED(ROW_CALL_INDIRECT(0))
PINNED(ROW_CALL_INDIRECT(1))
/* A null, or a type that is not the very one: the index is in its slot here (see translator). */
OP(call_indirect_slow, {
    TRAP_IF(op_table_func(ctx->instance->tables[ip->d],
                          ip->b == 64 ? S64(ip->a) : S32(ip->a), ip[1].pointer, &ctx->callee));
    ctx->staged = ip->c;
    ip++;
    JUMP(call_any);
})
/* call_ref: a the reference's slot, c the frame; the second cell's a the caller's pins. */
FAR_ACCESS(OP(call_ref, {
    struct func *callee = (struct func *)(uintptr_t)S64(ip->a);
    int32_t staged = ip->c;
    if (UNLIKELY(callee == NULL))
        TRAP(NULL_FUNCTION);
    ctx->callee = callee;
    ip++;
    CALL_ANY(staged);
}))

/* ---- Tail calls ---------------------------------------------------------------------------- */

/*
 * The arguments are staged like those of a call and moved down to sp: c is the frame they were
 * staged at, d the number of slots.
 */
#define MOVE_DOWN(staged, count)                                                                   \
    do {                                                                                           \
        const uint64_t *from_ = SLOT_AT(staged);                                                   \
        for (int32_t k_ = 0; k_ < (count); k_++) {                                                 \
            sp[k_] = from_[k_];                                                                    \
            KEEP_LOOP(k_);                                                                             \
        }                                                                                          \
    } while (0)
/* Leaves this frame for ctx->callee, whose arguments are at sp already. */
OP(tail_any, {
    struct func *callee = ctx->callee;
    if (callee->host != NULL) {
        LEAVE;
        struct host_result result = interp_call_host(ctx, callee, sp);
        if (UNLIKELY(result.status != STINT_OK)) {
            ctx->trap = STINT_TRAP_NONE;
            ctx->status = (enum stint_status)result.status;
            if (result.status == STINT_EXCEPTION) {
                /* This frame is gone: handlers are looked for from the top record on, which may
                 * be the host's or one that restores an instance. This ip is in no function. */
                ip = interp_restore_cells;
                JUMP(unwind);
            }
            JUMP(trap);
        }
        RELOAD_MEMORY;
        acc = result.word;
        JUMP(return_0);
    }
    if (callee->instance != ctx->instance) {
        /* One restoring record is enough, however often the instance changes. */
        if (rs[-1].ip != interp_restore_cells) {
            if (UNLIKELY(rs + 2 >= ctx->record_limit))
                TRAP(STACK_OVERFLOW);
            rs->ip = interp_restore_cells;
            rs->sp = (uint64_t *)ctx->instance;
            rs++;
        }
        interp_enter_instance(ctx, callee->instance);
        RELOAD_MEMORY;
    }
    ctx->entering = callee->code;
    JUMP(start_far);
})
/* pointer the function, c the staged frame, a the number of slots. */
OP(return_call, {
    const struct interp_func *callee = ip->pointer;
    MOVE_DOWN(ip->c, ip->a);
    if (UNLIKELY((uint8_t *)sp + FRAME_BYTES(callee) > ctx->stack_limit)) {
        ctx->entering = callee;
        JUMP(start_far);
    }
    START(callee);
})
OP(return_call_import, {
    ctx->callee = ctx->instance->import_funcs[ip->b];
    MOVE_DOWN(ip->c, ip->a);
    JUMP(tail_any);
})
/* As call_indirect with the index in its slot; the second cell's a is the number of slots. */
OP(return_call_indirect, {
    TRAP_IF(op_table_func(ctx->instance->tables[ip->d],
                          ip->b == 64 ? S64(ip->a) : S32(ip->a), ip[1].pointer, &ctx->callee));
    MOVE_DOWN(ip->c, ip[1].a);
    JUMP(tail_any);
})
FAR_ACCESS(OP(return_call_ref, {
    struct func *callee = (struct func *)(uintptr_t)S64(ip->a);
    if (UNLIKELY(callee == NULL))
        TRAP(NULL_FUNCTION);
    ctx->callee = callee;
    MOVE_DOWN(ip->c, ip->d);
    JUMP(tail_any);
}))

/* ---- Returns ------------------------------------------------------------------------------- */

#define LEAVE_FRAME                                                                                \
    do {                                                                                           \
        rs--;                                                                                      \
        ip = rs->ip;                                                                               \
        sp = rs->sp;                                                                               \
        RELOAD_PINS(ip->a);                                                                        \
        NEXT;                                                                                      \
    } while (0)
OP(return_0, { LEAVE_FRAME; })
#define ROW_RETURN(p)                                                                              \
    OP(return_##p, {                                                                               \
        acc = I64_##p(a);                                                                          \
        sp[0] = acc;                                                                               \
        LEAVE_FRAME;                                                                               \
    })
ROW_RETURN(S)
ROW_RETURN(C)
ROW_RETURN(A)
PINNED(OP(return_P0, {
    acc = l0;
    sp[0] = acc;
    LEAVE_FRAME;
}))
PINNED(OP(return_P1, {
    acc = l1;
    sp[0] = acc;
    LEAVE_FRAME;
}))
OP(return_K, {
    acc = ip->k;
    sp[0] = acc;
    LEAVE_FRAME;
})
FLOAT_ACC(OP(return_F64, {
    sp[0] = num_f64_bits(facc);
    LEAVE_FRAME;
}))
FLOAT_ACC(OP(return_F32, {
    sp[0] = num_f32_bits(sacc);
    LEAVE_FRAME;
}))
/* b slots, from a on. */
OP(return_many, {
    MOVE_DOWN(ip->a, ip->b);
    LEAVE_FRAME;
})

/* ---- Exceptions ---------------------------------------------------------------------------- */

/* Finds the handler of ctx->pending_exception for the cell at ip. */
OP(unwind, {
    LEAVE;
    JUMP(unwind_from_record);
})
OP(unwind_from_record, {
    if (!interp_unwind(ctx)) {
        ip = ctx->ip;
        sp = ctx->sp;
        rs = ctx->rs;
        LEAVE_RUN(STINT_EXCEPTION);
    }
    ip = ctx->ip;
    sp = ctx->sp;
    rs = ctx->rs;
    RELOAD_MEMORY;
    RELOAD_PINS(ctx->unwound_pins);
    GO;
})
/* throw: a the slot of the payload, b the tag. */
OP(throw, {
    LEAVE;
    if (!interp_throw(ctx, (uint32_t)ip->b, SLOT_AT(ip->a)))
        JUMP(trap);
    JUMP(unwind_from_record);
})
OP(throw_ref, {
    if (UNLIKELY(S32(ip->a) == 0))
        TRAP(NULL_EXCEPTION);
    ctx->pending_exception = S32(ip->a);
    JUMP(unwind);
})
