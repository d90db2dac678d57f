/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks, loops, branches, returns. lower_int.h draws the shape of loops. */
#include "base/buf.h"
#include "base/leb128.h"
#include "compiler/lower_int.h"

struct control *control_at(struct lower *l, uint32_t depth)
{
    return &l->controls[l->depth - 1 - depth];
}

static bool is_function(const struct lower *l, const struct control *c)
{
    return c == l->controls;
}

static const valtype *control_results(const struct control *c)
{
    return c->has_single ? &c->single : c->results;
}

static uint32_t label_arity(const struct control *c)
{
    return c->op == OP_LOOP ? c->param_count : c->result_count;
}


/* ---- Values ----------------------------------------------------------------------------------- */

/* An operand, where it stands. */
static LLVMValueRef value_at(struct lower *l, uint32_t height)
{
    LLVMValueRef v = l->stack[height].v;
    return v != NULL ? v : operand_load(l, height);
}

/* Whether operands of this type wait in the shadow frame across blocks. */
static bool is_spilled(const struct lower *l, valtype type)
{
    return l->state->may_collect && lower_is_gc_ref(l->unit, type);
}

/* A phi of a label, parameter place of a loop, or parameter of an `if`, by lower_state.phis. */
static LLVMValueRef *label_values(struct lower *l, const struct control *c)
{
    return &l->state->phis[c->phi_first];
}

static bool reserve_label(struct lower *l, struct control *c, uint32_t count)
{
    struct lower_state *s = l->state;
    if (!vec_reserve(l->unit->arena->alloc, &s->phis, &s->phi_capacity,
                     (size_t)s->phi_count + count, sizeof(*s->phis))) {
        l->unit->failed = true;
        return false;
    }
    c->phi_first = s->phi_count;
    for (uint32_t i = 0; i < count; i++)
        s->phis[s->phi_count++] = NULL;
    return true;
}

/* ---- The control stack ------------------------------------------------------------------------ */

static void read_block_type(struct lower *l, struct control *c)
{
    uint8_t byte = *l->at;
    if (byte == 0x40) {
        l->at++;
        return;
    }
    if (byte > 0x40 && byte < 0x80) {
        c->single = lower_valtype(l);
        c->has_single = true;
        c->result_count = 1;
        return;
    }
    const struct type_def *type = l->unit->wasm->types[leb_next_signed(&l->at)];
    c->params = type->params;
    c->param_count = type->param_count;
    c->results = type->results;
    c->result_count = type->result_count;
}

static struct control *new_control(struct lower *l, enum op op)
{
    struct lower_state *s = l->state;
    if (!vec_reserve(l->unit->arena->alloc, &l->controls, &s->control_capacity, l->depth + 1u,
                     sizeof(*l->controls))) {
        l->unit->failed = true;
        return NULL;
    }
    struct control *c = &l->controls[l->depth++];
    *c = (struct control){.op = (uint16_t)op, .offset_bytes = l->offset_bytes};
    return c;
}

void control_push_function(struct lower *l)
{
    struct control *c = new_control(l, OP_BLOCK);
    if (c == NULL)
        return;
    c->results = l->type->results;
    c->result_count = l->type->result_count;
}

/* A block with its type read; its parameters stay on the operand stack. */
struct control *control_push(struct lower *l, enum op op)
{
    spill_operands(l);
    if (l->state->osr != NULL)
        osr_home_operands(l);
    struct control *c = new_control(l, op);
    if (c == NULL)
        return NULL;
    read_block_type(l, c);
    c->height = l->height - c->param_count;
    c->phi_first = l->state->phi_count;
    uint32_t count = c->param_count > c->result_count ? c->param_count : c->result_count;
    return reserve_label(l, c, op == OP_IF ? c->param_count + c->result_count : count) ? c : NULL;
}

/* ---- Labels ----------------------------------------------------------------------------------- */

/* The label of a block that is no loop: the join behind it, with its phis. */
static LLVMBasicBlockRef join_of(struct lower *l, struct control *c)
{
    if (c->label != NULL)
        return c->label;
    c->label = lower_block(l, "");
    LLVMBasicBlockRef here = lower_here(l);
    lower_continue_at(l, c->label);
    for (uint32_t i = 0; i < c->result_count; i++)
        label_values(l, c)[i] =
            LLVMBuildPhi(l->unit->builder, lower_type(l->unit, control_results(c)[i]), "");
    lower_continue_at(l, here);
    return c->label;
}

static LLVMBasicBlockRef latch_of(struct lower *l, struct control *c)
{
    if (c->label == NULL)
        c->label = lower_block(l, "latch");
    return c->label;
}

void branch_to_values(struct lower *l, struct control *c, const LLVMValueRef *values)
{
    if (is_function(l, c)) {
        return_values(l, values);
        return;
    }
    if (c->op == OP_LOOP) {
        for (uint32_t i = 0; i < c->param_count; i++) {
            if (is_spilled(l, c->params[i]))
                store_as(l, values[i], shadow_operand(l, c->height + i), 8, MEMORY_SHADOW);
            else
                LLVMBuildStore(l->unit->builder, values[i], label_values(l, c)[i]);
        }
        lower_goto(l, latch_of(l, c));
        return;
    }
    LLVMBasicBlockRef join = join_of(l, c), here = lower_here(l);
    for (uint32_t i = 0; i < c->result_count; i++)
        LLVMAddIncoming(label_values(l, c)[i], (LLVMValueRef *)&values[i], &here, 1);
    lower_goto(l, join);
}

void branch_to(struct lower *l, struct control *c)
{
    LLVMValueRef values[LOWER_VALUES_MAX];
    uint32_t count = label_arity(c);
    for (uint32_t i = 0; i < count; i++)
        values[i] = value_at(l, l->height - count + i);
    branch_to_values(l, c, values);
}

/* Where a branch without values to move may go directly; NULL: it needs a block of its own. */
static LLVMBasicBlockRef plain_label(struct lower *l, struct control *c)
{
    if (is_function(l, c) || label_arity(c) > 0)
        return NULL;
    return c->op == OP_LOOP ? latch_of(l, c) : join_of(l, c);
}

static void branch_if(struct lower *l, LLVMValueRef condition, struct control *c)
{
    LLVMBasicBlockRef goes_on = lower_block(l, ""), to = plain_label(l, c);
    if (to != NULL) {
        lower_branch(l, condition, to, goes_on, NULL);
    } else {
        LLVMBasicBlockRef taken = lower_block(l, "");
        lower_branch(l, condition, taken, goes_on, NULL);
        lower_continue_at(l, taken);
        branch_to(l, c);
    }
    lower_continue_at(l, goes_on);
}

/* ---- Blocks ----------------------------------------------------------------------------------- */

static LLVMValueRef is_true(struct lower *l, LLVMValueRef v)
{
    return LLVMBuildICmp(l->unit->builder, LLVMIntNE, v, const_i32(l->unit, 0), "");
}

/* Parameters of a loop: their places, filled for the first pass. */
static void place_loop_params(struct lower *l, struct control *c)
{
    for (uint32_t i = 0; i < c->param_count; i++) {
        if (is_spilled(l, c->params[i])) {
            LLVMValueRef constant = l->stack[c->height + i].v;
            if (constant != NULL)
                store_as(l, constant, shadow_operand(l, c->height + i), 8, MEMORY_SHADOW);
            continue;
        }
        LLVMValueRef v = value_at(l, c->height + i);
        LLVMValueRef place =
            lower_entry_alloca(l, lower_type(l->unit, c->params[i]), "");
        label_values(l, c)[i] = place;
        LLVMBuildStore(l->unit->builder, v, place);
    }
}

static void take_loop_params(struct lower *l, struct control *c)
{
    for (uint32_t i = 0; i < c->param_count; i++) {
        struct value *value = &l->stack[c->height + i];
        value->type = c->params[i];
        value->v = NULL;
        if (!is_spilled(l, value->type))
            value->v = LLVMBuildLoad2(l->unit->builder, lower_type(l->unit, value->type),
                                      label_values(l, c)[i], "");
    }
}

static void begin_metered(struct lower *l, struct control *c)
{
    struct lower_state *s = l->state;
    place_loop_params(l, c);
    fuel_charge(l, s->loops[c->loop].fuel, NULL);
    c->outer = lower_block(l, "outer");
    c->header = lower_block(l, "loop");
    if (s->osr != NULL && s->osr->loop_offset == c->offset_bytes)
        osr_meet_loop(l, c, &s->phis[c->phi_first]);
    lower_goto(l, c->outer);
    lower_continue_at(l, c->outer);
    /* Generates nothing, but keeps the block apart: LLVM would merge it with the header late, then
     * lead both back edges through a block with a jump of its own. Measured where functions are
     * called by pointer; other loops were a little faster merged. */
    if (l->fuel != NULL && s->loops[c->loop].calls_indirectly)
        (void)intrinsic(l, "llvm.sideeffect", NULL, 0, NULL, 0);
    lower_goto(l, c->header);
    lower_continue_at(l, c->header);
    take_loop_params(l, c);
}

static void begin_loop(struct lower *l)
{
    struct control *c = control_push(l, OP_LOOP);
    if (c == NULL)
        return;
    c->loop = l->state->loop_next++;
    if (!counted_begin(l, c))
        begin_metered(l, c);
}

static void begin_if(struct lower *l)
{
    LLVMValueRef condition = is_true(l, lower_pop_v(l));
    struct control *c = control_push(l, OP_IF);
    if (c == NULL)
        return;
    for (uint32_t i = 0; i < c->param_count; i++)
        label_values(l, c)[c->result_count + i] = l->stack[c->height + i].v;
    LLVMBasicBlockRef then = lower_block(l, "");
    c->else_block = lower_block(l, "");
    lower_branch(l, condition, then, c->else_block, NULL);
    lower_continue_at(l, then);
}

/* Goes on in the other arm of an `if`, with its parameters. */
static void enter_else(struct lower *l, struct control *c)
{
    lower_continue_at(l, c->else_block);
    c->else_block = NULL;
    c->op = OP_ELSE;
    l->height = c->height;
    for (uint32_t i = 0; i < c->param_count; i++)
        lower_push(l, label_values(l, c)[c->result_count + i], c->params[i]);
    l->is_dead = false;
}

static void else_op(struct lower *l)
{
    struct control *c = control_at(l, 0);
    if (!l->is_dead)
        branch_to(l, c);
    enter_else(l, c);
}

static void end_loop(struct lower *l, const struct control *c)
{
    if (c->label == NULL)
        return;
    LLVMValueRef latch = NULL;
    LLVMBasicBlockRef here = lower_here(l);
    lower_continue_at(l, c->label);
    lower_set_place(l, c->offset_bytes);
    fuel_charge(l, l->state->loops[c->loop].fuel, c->outer);
    lower_goto(l, c->header);
    latch = LLVMGetLastInstruction(lower_here(l));
    lower_continue_at(l, here);
    if (c->done != NULL)
        counted_join(l, c, latch);
}

static void end_op(struct lower *l)
{
    struct control *c = control_at(l, 0);
    if (c->op == OP_LOOP && counted_end(l, c)) {
        begin_metered(l, c);
        return;
    }
    if (c->else_block != NULL) {
        if (!l->is_dead)
            branch_to(l, c);
        enter_else(l, c);
    }
    if (is_function(l, c)) {
        if (!l->is_dead)
            branch_to(l, c);
        l->is_dead = true;
        l->depth--;
        return;
    }
    if (c->op == OP_LOOP) {
        end_loop(l, c);
    } else if (c->label != NULL) {
        if (!l->is_dead)
            branch_to(l, c);
        lower_continue_at(l, c->label);
        l->height = c->height;
        for (uint32_t i = 0; i < c->result_count; i++)
            lower_push(l, label_values(l, c)[i], control_results(c)[i]);
        l->is_dead = false;
    }
    l->state->phi_count = c->phi_first;
    l->depth--;
    if (c->op == OP_TRY_TABLE)
        end_try(l, c);
}

/* ---- Branches --------------------------------------------------------------------------------- */

static void br_op(struct lower *l)
{
    branch_to(l, control_at(l, lower_u32(l)));
    l->is_dead = true;
}

static void br_if_op(struct lower *l)
{
    struct control *c = control_at(l, lower_u32(l));
    LLVMValueRef condition = is_true(l, lower_pop_v(l));
    if (!counted_branch(l, c, condition))
        branch_if(l, condition, c);
}

/* The block through which this br_table goes to a label: its own where values have to move. */
static LLVMBasicBlockRef table_target(struct lower *l, struct control *c, uint32_t table)
{
    LLVMBasicBlockRef to = plain_label(l, c);
    if (to != NULL)
        return to;
    if (c->table != table) {
        c->table = table;
        c->table_edge = lower_block(l, "");
        LLVMBasicBlockRef here = lower_here(l);
        lower_continue_at(l, c->table_edge);
        branch_to(l, c);
        lower_continue_at(l, here);
    }
    return c->table_edge;
}

static void br_table_op(struct lower *l)
{
    LLVMValueRef index = lower_pop_v(l);
    uint32_t count = lower_u32(l), table = l->offset_bytes;
    const uint8_t *labels = l->at, *last = labels;
    for (uint32_t i = 0; i < count; i++)
        (void)leb_next_unsigned(&last);
    l->at = last;
    LLVMBasicBlockRef other = table_target(l, control_at(l, lower_u32(l)), table);
    LLVMValueRef choose = LLVMBuildSwitch(l->unit->builder, index, other, count);
    /* Targets are made with the builder elsewhere; the switch stays the end of this block. */
    for (uint32_t i = 0; i < count; i++) {
        uint32_t depth = (uint32_t)leb_next_unsigned(&labels);
        LLVMBasicBlockRef to = table_target(l, control_at(l, depth), table);
        if (to != other)
            LLVMAddCase(choose, const_i32(l->unit, i), to);
    }
    l->is_dead = true;
}

static void return_op(struct lower *l)
{
    branch_to(l, l->controls);
    l->is_dead = true;
}

static void br_on_null_op(struct lower *l)
{
    struct control *c = control_at(l, lower_u32(l));
    struct value ref = lower_pop(l);
    branch_if(l, LLVMBuildIsNull(l->unit->builder, ref.v, ""), c);
    lower_push(l, ref.v, vt_non_null(ref.type));
}

static void br_on_non_null_op(struct lower *l)
{
    struct control *c = control_at(l, lower_u32(l));
    struct value ref = lower_pop(l);
    lower_push(l, ref.v, vt_non_null(ref.type));
    branch_if(l, LLVMBuildIsNotNull(l->unit->builder, ref.v, ""), c);
    l->height--;
}

static void br_on_cast_op(struct lower *l, bool fails)
{
    uint8_t flags = *l->at++;
    struct control *c = control_at(l, lower_u32(l));
    uint32_t ignored, module_type;
    heaptype from = lower_heap_index(l, &ignored);
    heaptype to = lower_heap_index(l, &module_type);
    bool null_passes = (flags & 2) != 0;
    valtype target = null_passes ? VT_MAKE_REF_NULL(to) : VT_MAKE_REF(to);
    valtype source = (flags & 1) != 0 ? VT_MAKE_REF_NULL(from) : VT_MAKE_REF(from);
    valtype other = null_passes ? vt_non_null(source) : source;
    struct value ref = lower_pop(l);
    LLVMValueRef is_one = lower_ref_test(l, ref, to, module_type, null_passes);
    if (fails)
        is_one = LLVMBuildNot(l->unit->builder, is_one, "");
    lower_push(l, ref.v, fails ? other : target);
    branch_if(l, is_one, c);
    l->stack[l->height - 1].type = fails ? target : other;
}

bool lower_control_op(struct lower *l, enum op op)
{
    switch (op) {
    case OP_NOP:
        return true;
    case OP_UNREACHABLE:
        trap_now(l, STINT_TRAP_UNREACHABLE);
        return true;
    case OP_BLOCK:
        (void)control_push(l, op);
        return true;
    case OP_LOOP:
        begin_loop(l);
        return true;
    case OP_IF:
        begin_if(l);
        return true;
    case OP_ELSE:
        else_op(l);
        return true;
    case OP_END:
        end_op(l);
        return true;
    case OP_BR:
        br_op(l);
        return true;
    case OP_BR_IF:
        br_if_op(l);
        return true;
    case OP_BR_TABLE:
        br_table_op(l);
        return true;
    case OP_RETURN:
        return_op(l);
        return true;
    case OP_BR_ON_NULL:
        br_on_null_op(l);
        return true;
    case OP_BR_ON_NON_NULL:
        br_on_non_null_op(l);
        return true;
    case OP_BR_ON_CAST:
    case OP_BR_ON_CAST_FAIL:
        br_on_cast_op(l, op == OP_BR_ON_CAST_FAIL);
        return true;
    default:
        return lower_call_op(l, op);
    }
}
