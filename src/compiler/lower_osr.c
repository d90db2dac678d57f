/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OSR entries: the whole function once more, as void(ptr context, ptr slots), but entered at the head
 * of one loop. What comes before the loop is lowered like any code, in blocks that nothing goes to
 * (unless through a loop further out), so that types and operands are what they are there. Operands
 * below the blocks around the loop live in allocas, which both ways fill.
 */
#include <stdio.h>

#include "base/buf.h"
#include "compiler/lower_int.h"

static uint32_t local_slots(const struct lower *l)
{
    uint32_t slots = 0;
    for (uint32_t i = 0; i < l->local_count; i++)
        slots += vt_slots(l->locals[i].type);
    return slots;
}

/* ---- Operands --------------------------------------------------------------------------------- */

/* Where an operand of its type waits at this height. NULL, and the unit has failed, without memory. */
LLVMValueRef osr_home(struct lower *l, uint32_t height)
{
    struct osr *osr = l->state->osr;
    struct unit *u = l->unit;
    LLVMTypeRef type = lower_type(u, l->stack[height].type);
    for (uint32_t i = 0; i < osr->home_count; i++)
        if (osr->homes[i].height == height && osr->homes[i].type == type)
            return osr->homes[i].place;
    LLVMValueRef place = lower_entry_alloca(l, type, "");
    if (!vec_reserve(u->arena->alloc, &osr->homes, &osr->home_capacity, osr->home_count + 1u,
                     sizeof(*osr->homes))) {
        u->failed = true;
        return place;
    }
    osr->homes[osr->home_count++] = (struct osr_home){height, type, place};
    return place;
}

void osr_home_operands(struct lower *l)
{
    if (l->state->osr->is_entered)
        return;
    for (uint32_t i = 0; i < l->height; i++) {
        struct value *value = &l->stack[i];
        if (value->v == NULL || LLVMIsConstant(value->v))
            continue;
        LLVMBuildStore(l->unit->builder, value->v, osr_home(l, i));
        value->v = NULL;
    }
}

/* Puts an operand of the interpreter's frame where it waits. */
static void fill_operand(struct lower *l, uint32_t height, LLVMValueRef v)
{
    if (l->state->may_collect && lower_is_gc_ref(l->unit, l->stack[height].type))
        store_as(l, v, shadow_operand(l, height), 8, MEMORY_SHADOW);
    else
        LLVMBuildStore(l->unit->builder, v, osr_home(l, height));
}

void osr_meet_loop(struct lower *l, const struct control *c, const LLVMValueRef *params)
{
    struct osr *osr = l->state->osr;
    LLVMBasicBlockRef here = lower_here(l);
    uint32_t slots = local_slots(l), slot = slots > 0 ? slots : 1; /* a frame is never empty */
    lower_continue_at(l, osr->start);
    for (uint32_t i = 0; i < l->height; i++) {
        const struct value *value = &l->stack[i];
        LLVMValueRef v = slot_load(l, osr->slots, slot, value->type);
        slot += vt_slots(value->type);
        if (i >= c->height && params[i - c->height] != NULL)
            LLVMBuildStore(l->unit->builder, v, params[i - c->height]);
        else if (i >= c->height || value->v == NULL)
            fill_operand(l, i, v);
    }
    lower_goto(l, c->outer);
    osr->is_entered = true;
    lower_continue_at(l, here);
}

/* ---- The function ----------------------------------------------------------------------------- */

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
    alloc_put(u->arena->alloc, osr.homes, osr.home_capacity * sizeof(*osr.homes));
    if (osr.is_entered) {
        lower_finish(l);
        return !u->failed;
    }
    /* No such loop, or none that can be reached. */
    lower_continue_at(l, osr.start);
    LLVMBuildUnreachable(u->builder);
    lower_finish(l);
    LLVMDeleteFunction(fn);
    return false;
}
