/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OSR entries: the whole function once more, as void(ptr context, ptr slots), but entered at the head
 * of one loop. What comes before the loop is lowered like any code, in blocks that nothing goes to
 * (unless through a loop further out), so that types and operands are what they are there; at the
 * loop, operands come from the interpreter's frame or from that code.
 */
#include <stdio.h>

#include "compiler/lower_int.h"

static uint32_t local_slots(const struct lower *l)
{
    uint32_t slots = 0;
    for (uint32_t i = 0; i < l->local_count; i++)
        slots += vt_slots(l->locals[i].type);
    return slots;
}

/* Builds where the entry's code stands. */
static void at_start(struct lower *l)
{
    lower_continue_at(l, l->state->osr->start);
}

void osr_meet_loop(struct lower *l, const struct control *c, const LLVMValueRef *params)
{
    LLVMBasicBlockRef before = lower_here(l), meet = lower_block(l, "meet");
    lower_goto(l, meet);
    struct osr *osr = l->state->osr;
    struct unit *u = l->unit;
    uint32_t slots = local_slots(l), slot = slots > 0 ? slots : 1; /* a frame is never empty */
    for (uint32_t i = 0; i < l->height; i++) {
        struct value *value = &l->stack[i];
        at_start(l);
        LLVMValueRef v = slot_load(l, osr->slots, slot, value->type);
        slot += vt_slots(value->type);
        if (value->v == NULL || (i >= c->height && params[i - c->height] == NULL)) {
            store_as(l, v, shadow_operand(l, i), 8, MEMORY_SHADOW);
        } else if (i >= c->height) {
            LLVMBuildStore(u->builder, v, params[i - c->height]);
        } else if (!LLVMIsConstant(value->v)) {
            lower_continue_at(l, meet);
            LLVMValueRef phi = LLVMBuildPhi(u->builder, LLVMTypeOf(v), "");
            LLVMValueRef values[] = {value->v, v};
            LLVMBasicBlockRef from[] = {before, osr->start};
            LLVMAddIncoming(phi, values, from, 2);
            value->v = phi;
        }
    }
    at_start(l);
    lower_goto(l, meet);
    osr->is_entered = true;
    lower_continue_at(l, meet);
}

/* Locals and fuel, from the interpreter's frame. */
static void load_frame(struct lower *l)
{
    struct osr *osr = l->state->osr;
    uint32_t slot = 0;
    for (uint32_t i = 0; i < l->local_count; i++) {
        const struct local *local = &l->locals[i];
        local_store(l, local, slot_load(l, osr->slots, slot, local->type));
        slot += vt_slots(local->type);
    }
    fuel_reload(l);
}

static LLVMValueRef osr_function(struct unit *u, uint32_t own_index, uint32_t loop_offset)
{
    LLVMTypeRef params[] = {u->ptr, u->ptr};
    char name[48];
    snprintf(name, sizeof(name), "osr.%u.%u", own_index, loop_offset);
    LLVMValueRef fn =
        LLVMAddFunction(u->module, name, LLVMFunctionType(u->void_type, params, 2, false));
    LLVMSetVisibility(fn, LLVMHiddenVisibility);
    unit_begin_function(u, fn, name, u->wasm->bodies[own_index].offset_bytes);
    unit_mark_context(u, fn, 0, false);
    return fn;
}

bool lower_osr(struct unit *u, uint32_t own_index, uint32_t loop_offset)
{
    LLVMValueRef fn = osr_function(u, own_index, loop_offset);
    struct lower *l =
        lower_begin(u, fn, LLVMGetParam(fn, 0), u->wasm->bodies[own_index].offset_bytes);
    struct osr osr = {.loop_offset = loop_offset, .slots = LLVMGetParam(fn, 1)};
    if (l == NULL)
        return false;
    l->state->osr = &osr;
    if (!lower_prepare(l, own_index))
        return false;
    load_frame(l);
    osr.start = lower_here(l);
    lower_continue_at(l, lower_block(l, "before"));
    lower_body(l);
    if (!osr.is_entered) {
        /* No such loop, or none that can be reached. */
        at_start(l);
        LLVMBuildUnreachable(u->builder);
        lower_finish(l);
        LLVMDeleteFunction(fn);
        return false;
    }
    lower_finish(l);
    return !u->failed;
}
