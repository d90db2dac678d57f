/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exceptions. Whatever raised one has set run->pending; code then goes to the dispatch block of the
 * innermost try_table around it, which looks for a clause, or leaves the function.
 */
#include "base/buf.h"
#include "compiler/lower_int.h"

/* Where exceptions go that nothing here catches: one block a function. */
static LLVMBasicBlockRef unwind_block(struct lower *l)
{
    struct lower_state *s = l->state;
    if (s->unwind != NULL)
        return s->unwind;
    s->unwind = lower_block(l, "unwind");
    LLVMBasicBlockRef here = lower_here(l);
    lower_continue_at(l, s->unwind);
    lower_leave_pending(l);
    lower_continue_at(l, here);
    return s->unwind;
}

LLVMBasicBlockRef exception_target(struct lower *l)
{
    for (uint32_t i = l->state->is_leaving ? 0 : l->depth; i > 0; i--) {
        struct control *c = &l->controls[i - 1];
        if (c->op != OP_TRY_TABLE || c->catch_count == 0)
            continue;
        if (c->dispatch == NULL)
            c->dispatch = lower_block(l, "dispatch");
        return c->dispatch;
    }
    return unwind_block(l);
}

/* ---- try_table -------------------------------------------------------------------------------- */

static void read_catches(struct lower *l, struct control *c)
{
    struct lower_state *s = l->state;
    uint32_t count = lower_u32(l);
    if (!vec_reserve(l->unit->arena->alloc, &s->catches, &s->catch_capacity,
                     (size_t)s->catch_count + count, sizeof(*s->catches))) {
        l->unit->failed = true;
        return;
    }
    c->catch_first = s->catch_count;
    c->catch_count = count;
    for (uint32_t i = 0; i < count; i++) {
        struct catch_row *row = &s->catches[s->catch_count++];
        row->kind = *lower_bytes(l, 1);
        row->tag = row->kind < CATCH_EVERY ? lower_u32(l) : 0;
        /* The block's own label does not count here. */
        row->control = l->depth - 2 - lower_u32(l);
    }
}

/* Takes the branch of one clause: payload and exnref go to its label. */
static void take_clause(struct lower *l, const struct catch_row *row, LLVMValueRef slots)
{
    LLVMValueRef values[LOWER_VALUES_MAX];
    uint32_t n = 0;
    if (row->kind < CATCH_EVERY) {
        const struct type_def *type = l->unit->wasm->tag_types[row->tag];
        for (uint32_t slot = 0; n < type->param_count; n++) {
            values[n] = slot_load(l, slots, slot, type->params[n]);
            slot += vt_slots(type->params[n]);
        }
    }
    LLVMValueRef exception = call_helper(l, NATIVE_IMPORT_catch_take, EFFECT_NONE, NULL, 0);
    if (row->kind == CATCH_TAG_REF || row->kind == CATCH_EVERY_REF)
        values[n++] = exception;
    branch_to_values(l, &l->controls[row->control], values);
}

static void emit_clause(struct lower *l, const struct catch_row *row)
{
    struct unit *u = l->unit;
    if (row->kind >= CATCH_EVERY) {
        take_clause(l, row, NULL);
        return;
    }
    uint32_t count = u->wasm->tag_types[row->tag]->param_slots;
    LLVMValueRef slots = helper_slots(l, count > 0 ? count : 1);
    LLVMValueRef args[2] = {const_i32(u, row->tag), slots};
    LLVMValueRef matches = call_helper(l, NATIVE_IMPORT_catch_tag, EFFECT_NONE, args, 2);
    LLVMBasicBlockRef caught = lower_block(l, "caught"), next = lower_block(l, "");
    matches = LLVMBuildICmp(u->builder, LLVMIntNE, matches, const_i32(u, 0), "");
    lower_branch(l, matches, caught, next, NULL);
    lower_continue_at(l, caught);
    take_clause(l, row, slots);
    lower_continue_at(l, next);
}

void end_try(struct lower *l, const struct control *c)
{
    struct lower_state *s = l->state;
    const struct control ended = *c;
    s->catch_count = ended.catch_first;
    if (ended.dispatch == NULL)
        return;
    LLVMBasicBlockRef here = lower_here(l);
    lower_continue_at(l, ended.dispatch);
    lower_set_place(l, ended.offset_bytes);
    bool catches_all = false;
    for (uint32_t i = 0; i < ended.catch_count && !catches_all; i++) {
        const struct catch_row *row = &s->catches[ended.catch_first + i];
        emit_clause(l, row);
        catches_all = row->kind >= CATCH_EVERY;
    }
    if (!catches_all)
        lower_goto(l, exception_target(l));
    lower_continue_at(l, here);
}

/* ---- Raising ---------------------------------------------------------------------------------- */

static void throw_op(struct lower *l)
{
    uint32_t tag = lower_u32(l);
    const struct type_def *type = l->unit->wasm->tag_types[tag];
    LLVMValueRef slots = helper_slots(l, type->param_slots > 0 ? type->param_slots : 1);
    uint32_t slot = type->param_slots;
    for (uint32_t i = type->param_count; i > 0; i--) {
        slot -= vt_slots(type->params[i - 1]);
        slot_store(l, slots, slot, lower_pop(l));
    }
    LLVMValueRef args[2] = {const_i32(l->unit, tag), slots};
    (void)call_helper(l, NATIVE_IMPORT_throw, EFFECT_FUEL, args, 2);
    LLVMBuildUnreachable(l->unit->builder);
    l->is_dead = true;
}

static void throw_ref_op(struct lower *l)
{
    LLVMValueRef exception = lower_pop_v(l);
    trap_if(l, LLVMBuildIsNull(l->unit->builder, exception, ""), STINT_TRAP_NULL_EXCEPTION);
    (void)call_helper(l, NATIVE_IMPORT_throw_ref, EFFECT_FUEL, &exception, 1);
    LLVMBuildUnreachable(l->unit->builder);
    l->is_dead = true;
}

bool lower_exception_op(struct lower *l, enum op op)
{
    struct control *c;
    switch (op) {
    case OP_TRY_TABLE:
        c = control_push(l, op);
        if (c != NULL)
            read_catches(l, c);
        return true;
    case OP_THROW:
        throw_op(l);
        return true;
    case OP_THROW_REF:
        throw_ref_op(l);
        return true;
    default:
        return false;
    }
}
