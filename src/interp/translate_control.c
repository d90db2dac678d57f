/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks, branches, calls, exceptions. */
#include <string.h>

#include "base/leb128.h"
#include "interp/translate_int.h"

static struct control *control_at(struct translator *t, uint32_t depth)
{
    return &t->controls[t->depth - 1 - depth];
}

static struct control *push_control(struct translator *t, enum op op)
{
    static _Thread_local struct control nowhere;
    if (!vec_reserve(t->alloc, &t->controls, &t->control_capacity, t->depth + 1,
                     sizeof(*t->controls))) {
        t->failed = true;
        return &nowhere;
    }
    struct control *c = &t->controls[t->depth++];
    int32_t loop = t->depth > 1 ? c[-1].loop : 0;
    memset(c, 0, sizeof(*c));
    c->op = (uint16_t)op;
    c->label = c->waiting = c->waiting_catch = c->else_branch = -1;
    c->loop = loop;
    return c;
}

/* The number of values a branch to this block carries. */
static uint32_t label_arity(const struct control *c)
{
    return c->op == OP_LOOP ? c->param_count : c->result_count;
}

static const valtype *results_of(const struct control *c)
{
    return c->has_single ? &c->single : c->results;
}

/* Makes an instruction branch to a block. */
static void aim(struct translator *t, struct ins *i, struct control *c)
{
    if (c->op == OP_LOOP) {
        bool charges = t->is_metered && HAS_METERED_BRANCHES;
        i->target = c->label;
        i->is_metered = charges;
        i->loop = charges ? c->loop : -1;
    } else {
        i->chain = c->waiting;
        c->waiting = t->failed ? -1 : (int32_t)(i - t->ins);
    }
}

/* The next instruction is where a chain of branches has been waiting for. */
static void land(struct translator *t, int32_t chain)
{
    while (chain >= 0) {
        struct ins *i = &t->ins[chain];
        chain = i->chain;
        i->chain = -1;
        i->target = t->n;
    }
}

/* Whether the top `count` entries are in the slots from `base` on already. */
static bool are_in_place(const struct translator *t, uint32_t count, uint32_t base)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct entry *e = &t->stack[t->height - count + i];
        if (e->kind != ENTRY_TEMP || e->home != base)
            return false;
        base += vt_slots(e->type);
    }
    return true;
}

/*
 * Moves the top `count` entries to the slots from `base` on, as a branch or the end of a block
 * wants them. Destinations are at or below the entries' own slots, so going up never overwrites
 * a source. The entries themselves stay as they are.
 */
static void move_values(struct translator *t, uint32_t count, uint32_t base)
{
    for (uint32_t i = 0; i < count; i++) {
        struct entry e = t->stack[t->height - count + i];
        if (e.kind != ENTRY_TEMP || e.home != base)
            tr_move_to(t, &e, base, -1);
        base += vt_slots(e.type);
    }
}

/* The operand stack at a join: what is below the block, then these values in their slots.
 * `c` is a copy, or its arrays do not move: pushing does not touch the controls. */
static void reset_stack(struct translator *t, const struct control *c, const valtype *types,
                        uint32_t count)
{
    t->height = c->height;
    for (uint32_t i = 0; i < count; i++)
        tr_push_temp(t, types[i], -1);
}

/* ---- Conditions -------------------------------------------------------------------------------- */

/* A condition that waits to become a branch: a comparison taken back, or a plain value. */
struct condition {
    bool is_fused;
    struct ins compare;
    struct branch_family branches;
    struct entry value;
};

/* Pops the condition; a comparison that was just emitted is taken back. */
static struct condition take_condition(struct translator *t)
{
    struct condition k = {.value = tr_pop(t)};
    if (k.value.kind == ENTRY_TEMP && k.value.def >= 0 && k.value.def == t->n - 1) {
        struct ins *i = &t->ins[t->n - 1];
        bool constant = i->pa == PLACE_K || i->pb == PLACE_K;
        if (i->region == t->region && i->pd == PLACE_S && i->c == slot_offset(k.value.home) &&
            !constant && pick_branches(i->family, &k.branches)) {
            k.is_fused = true;
            k.compare = *i;
            t->n--;
            /* Moves that come first keep the accumulators; the comparison's own result is gone. */
            if (t->acc_owner == t->n)
                t->acc_owner = -1;
        }
    }
    return k;
}

/* Emits the branch that is taken when the condition is true, or false with `negate`. */
static struct ins *emit_condition(struct translator *t, struct condition *k, bool negate)
{
    if (!k->is_fused) {
        uint8_t place;
        int32_t field = tr_use_int(t, &k->value, true, &place);
        if (place == PLACE_C) {
            /* A constant condition: compare a slot-free constant with itself through a slot. */
            struct entry e = k->value;
            field = tr_use_slot(t, &e);
            place = PLACE_S;
        }
        struct ins *i =
            tr_emit(t, negate ? H_br_i32_eq_SSN : H_br_i32_ne_SSN, SHAPE_BRANCH, RESULT_NONE);
        i->pa = place;
        i->a = field;
        i->pb = PLACE_C;
        i->b = 0;
        return i;
    }
    const struct ins *compare = &k->compare;
    struct ins *i = tr_emit(t, negate ? k->branches.when_false : k->branches.when_true,
                            (enum shape)k->branches.shape, RESULT_NONE);
    bool swap = negate && k->branches.not_swaps;
    i->pa = swap ? compare->pb : compare->pa;
    i->a = swap ? compare->b : compare->a;
    i->pb = swap ? compare->pa : compare->pb;
    i->b = swap ? compare->a : compare->b;
    return i;
}

/* ---- Structure ----------------------------------------------------------------------------------- */

void tr_begin_function(struct translator *t, const struct type_def *type)
{
    struct control *c = push_control(t, OP_BLOCK);
    c->base = t->local_slots;
    c->results = type->results;
    c->result_count = type->result_count;
    c->loop = 0;
    tr_use_slots(t, t->local_slots + type->result_slots);
}

/* Base slot and height of a block whose parameters are on the stack. */
static void place_block(struct translator *t, struct control *c)
{
    c->height = t->height - c->param_count;
    c->base = c->param_count > 0 ? t->stack[c->height].home : tr_top_slot(t);
    uint32_t end = c->base;
    for (uint32_t i = 0; i < c->result_count; i++)
        end += vt_slots(results_of(c)[i]);
    tr_use_slots(t, end);
}

static void begin_loop(struct translator *t, struct control *c)
{
    if (!vec_reserve(t->alloc, &t->fuel, &t->fuel_capacity, t->loop_count + 1, sizeof(*t->fuel))) {
        t->failed = true;
        return;
    }
    t->fuel[t->loop_count] = 0;
    c->loop = (int32_t)t->loop_count++;
    if (t->is_metered) {
        struct ins *i = tr_emit(t, H_fuel, SHAPE_ONE, RESULT_NONE);
        i->loop = c->loop;
    }
    /* Branches charge themselves, or go through the cell that does. */
    c->label = t->is_metered && !HAS_METERED_BRANCHES ? t->n - 1 : t->n;
}

void tr_block(struct translator *t, enum op op)
{
    tr_settle_all(t);
    struct control *c = push_control(t, op);
    tr_block_type(t, c);
    place_block(t, c);
    if (op == OP_LOOP)
        begin_loop(t, c);
    tr_new_region(t);
}

void tr_if(struct translator *t)
{
    struct condition k = take_condition(t);
    tr_settle_all(t);
    struct ins *i = emit_condition(t, &k, true);
    int32_t branch = t->failed ? -1 : (int32_t)(i - t->ins);
    struct control *c = push_control(t, OP_IF);
    tr_block_type(t, c);
    place_block(t, c);
    c->else_branch = branch;
    tr_new_region(t);
}

/* The part of `else` that comes whether or not its end is reached. */
static void begin_else(struct translator *t)
{
    struct control *c = control_at(t, 0);
    if (c->else_branch >= 0)
        t->ins[c->else_branch].target = t->n;
    c->else_branch = -1;
    c->op = OP_ELSE;
    reset_stack(t, c, c->params, c->param_count);
    tr_new_region(t);
}

void tr_else(struct translator *t)
{
    struct control *c = control_at(t, 0);
    move_values(t, c->result_count, c->base);
    aim(t, tr_emit(t, H_br_N, SHAPE_JUMP, RESULT_NONE), c);
    begin_else(t);
}

static void land_catches(struct translator *t, int32_t chain)
{
    while (chain >= 0) {
        t->catches[chain].clause.target = (uint32_t)t->n;
        chain = t->catches[chain].chain;
    }
}

static void close_try(struct translator *t, const struct control *c)
{
    for (uint32_t i = c->first_catch; i < c->catch_end; i++)
        t->catches[i].clause.to = (uint32_t)t->n;
    t->try_depth--;
}

static void emit_return(struct translator *t, uint32_t count);

/* `end`; the block's results, when it is reached, are in place already. */
static bool finish_block(struct translator *t, bool is_reached)
{
    struct control c = *control_at(t, 0);
    if (c.op == OP_TRY_TABLE)
        close_try(t, &c);
    if (t->depth == 1) {
        bool has_branches = c.waiting >= 0 || c.waiting_catch >= 0;
        if (has_branches) {
            if (is_reached)
                move_values(t, c.result_count, c.base);
            land(t, c.waiting);
            land_catches(t, c.waiting_catch);
            reset_stack(t, &c, results_of(&c), c.result_count);
            tr_new_region(t);
        }
        if (has_branches || is_reached)
            emit_return(t, c.result_count);
        t->depth--;
        return false;
    }
    if (is_reached)
        move_values(t, c.result_count, c.base);
    if (c.else_branch >= 0)
        t->ins[c.else_branch].target = t->n;
    land(t, c.waiting);
    land_catches(t, c.waiting_catch);
    t->depth--;
    reset_stack(t, &c, results_of(&c), c.result_count);
    tr_new_region(t);
    return true;
}

bool tr_end(struct translator *t)
{
    return finish_block(t, true);
}

/*
 * Operators that cannot be reached are read over, up to the `else` or `end` of the block they are
 * in. Their fuel counts like any other's: the cost of a body is a matter of its text alone.
 */
void tr_skip_dead(struct translator *t)
{
    uint32_t nested = 0, dead_loops = 0;
    uint64_t loop_bits = 0; /* for the innermost 64 nested blocks: is it a loop? */
    while (!t->failed && t->at < t->end) {
        t->op_offset = (uint32_t)(t->at - t->module->bytes);
        enum op op = body_op(&t->at);
        if (nested == 0 && op == OP_ELSE) {
            begin_else(t);
            return;
        }
        if (nested == 0 && op == OP_END) {
            struct control *c = control_at(t, 0);
            /* A block that is not reached at its end and by no branch leaves dead code behind. */
            bool joins = c->waiting >= 0 || c->waiting_catch >= 0 || c->else_branch >= 0;
            bool goes_on = finish_block(t, false);
            if (!goes_on)
                return;
            if (joins)
                return;
            continue;
        }
        if (dead_loops == 0)
            t->fuel[control_at(t, 0)->loop] += op_fuel(op);
        body_skip_immediates(&t->at, op);
        if (op == OP_BLOCK || op == OP_LOOP || op == OP_IF || op == OP_TRY_TABLE) {
            nested++;
            loop_bits = loop_bits << 1 | (op == OP_LOOP);
            dead_loops += op == OP_LOOP;
        } else if (op == OP_END) {
            nested--;
            dead_loops -= (uint32_t)(loop_bits & 1);
            loop_bits >>= 1;
        }
    }
}

/* ---- Branches --------------------------------------------------------------------------------------- */

static void emit_branch(struct translator *t, uint32_t depth)
{
    struct control *c = control_at(t, depth);
    uint32_t count = label_arity(c);
    move_values(t, count, c->base);
    struct ins *i = tr_emit(t, H_br_N, SHAPE_JUMP, RESULT_NONE);
    aim(t, i, control_at(t, depth));
}

void tr_br(struct translator *t)
{
    uint32_t depth = (uint32_t)leb_next_unsigned(&t->at);
    if (depth + 1 == t->depth) {
        emit_return(t, control_at(t, depth)->result_count);
        return;
    }
    emit_branch(t, depth);
}

/* A conditional branch whose values may need moves, which then happen only when it is taken. */
static void branch_if(struct translator *t, struct condition *k, bool negate, uint32_t depth)
{
    struct control *c = control_at(t, depth);
    uint32_t count = label_arity(c);
    if (are_in_place(t, count, c->base)) {
        aim(t, emit_condition(t, k, negate), c);
    } else {
        struct ins *skip = emit_condition(t, k, !negate);
        int32_t at = t->failed ? 0 : (int32_t)(skip - t->ins);
        t->region++;
        emit_branch(t, depth);
        if (t->failed)
            return;
        t->ins[at].target = t->n;
    }
    t->region++;
}

void tr_br_if(struct translator *t)
{
    uint32_t depth = (uint32_t)leb_next_unsigned(&t->at);
    struct condition k = take_condition(t);
    branch_if(t, &k, false, depth);
}

void tr_br_table(struct translator *t)
{
    uint32_t count = (uint32_t)leb_next_unsigned(&t->at);
    struct entry index = tr_pop(t);
    uint8_t place = PLACE_S;
    int32_t field;
    if (index.kind == ENTRY_CONST)
        field = tr_use_slot(t, &index);
    else
        field = tr_use_int(t, &index, false, &place);
    /* Labels that need moves go through a landing pad behind the table. */
    struct ins *i = tr_emit(t, H_br_table_S, SHAPE_TABLE_JUMP, RESULT_NONE);
    i->pa = place;
    i->a = field;
    i->b = (int32_t)count;
    int32_t first = t->n;
    const uint8_t *labels = t->at;
    for (uint32_t k = 0; k <= count; k++) {
        uint32_t depth = (uint32_t)leb_next_unsigned(&t->at);
        struct control *c = control_at(t, depth);
        struct ins *jump = tr_emit(t, H_br_N, SHAPE_JUMP, RESULT_NONE);
        if (are_in_place(t, label_arity(c), c->base))
            aim(t, jump, c);
    }
    for (uint32_t k = 0; k <= count && !t->failed; k++) {
        uint32_t depth = (uint32_t)leb_next_unsigned(&labels);
        struct control *c = control_at(t, depth);
        if (are_in_place(t, label_arity(c), c->base))
            continue;
        t->ins[first + (int32_t)k].target = t->n;
        t->region++;
        emit_branch(t, depth);
    }
}

/* Returns the top `count` entries. */
static void emit_return(struct translator *t, uint32_t count)
{
    if (count == 0) {
        tr_emit(t, H_return_0, SHAPE_ONE, RESULT_NONE);
        return;
    }
    struct entry *top = &t->stack[t->height - 1];
    if (count > 1 || top->type == VT_V128) {
        tr_settle_top(t, count);
        const struct entry *first = &t->stack[t->height - count];
        uint32_t slots = tr_top_slot(t) - first->home;
        struct ins *i = tr_emit(t, H_return_many, SHAPE_ONE, RESULT_NONE);
        i->a = slot_offset(first->home);
        i->b = (int32_t)slots;
        return;
    }
    struct entry e = *top;
    uint8_t place = PLACE_S;
    int32_t field = 0;
    unsigned handler = H_return_S;
    if (e.kind == ENTRY_CONST && !tr_const_fits(&e)) {
        tr_emit(t, H_return_K, SHAPE_ONE, RESULT_NONE)->k = e.bits;
        return;
    }
    if ((e.type == VT_F64 || e.type == VT_F32) && e.kind != ENTRY_CONST) {
        field = tr_use_float(t, &e, &place);
        FLOAT_ACC(if (place == PLACE_F) handler = e.type == VT_F64 ? H_return_F64 : H_return_F32;)
    } else {
        static const uint16_t handlers[] = {
            [PLACE_S] = H_return_S,
            [PLACE_C] = H_return_C,
            [PLACE_A] = H_return_A,
            PINNED([PLACE_0] = H_return_P0, [PLACE_1] = H_return_P1, )};
        field = tr_use_int(t, &e, true, &place);
        handler = handlers[place];
    }
    tr_emit(t, handler, SHAPE_ONE, RESULT_NONE)->a = field;
}

void tr_return(struct translator *t)
{
    emit_return(t, t->controls[0].result_count);
}

/* ---- Null and casts ------------------------------------------------------------------------------------ */

/* A condition that is true when the reference in `e`, which is in a slot, is null. */
static struct condition null_condition(struct translator *t, struct entry *e)
{
    struct condition k = {.is_fused = true};
    k.branches = (struct branch_family){H_br_i64_eq_SSN, H_br_i64_ne_SSN, SHAPE_BRANCH64, false};
    k.compare.pa = PLACE_S;
    k.compare.a = tr_use_slot(t, e);
    k.compare.pb = PLACE_C;
    return k;
}

void tr_br_on_null(struct translator *t, bool branch_if_null)
{
    uint32_t depth = (uint32_t)leb_next_unsigned(&t->at);
    tr_settle_top(t, 1);
    struct entry *top = &t->stack[t->height - 1];
    top->def = -1;
    struct entry e = *top;
    if (branch_if_null) {
        tr_pop(t);
        struct condition k = null_condition(t, &e);
        branch_if(t, &k, false, depth);
        tr_push_temp(t, vt_non_null(e.type), -1);
    } else {
        /* The reference is the last of the values that the branch carries. */
        top->type = vt_non_null(e.type);
        struct condition k = null_condition(t, &e);
        branch_if(t, &k, true, depth);
        tr_pop(t);
    }
}

void tr_br_on_cast(struct translator *t, bool fail)
{
    uint8_t flags = *t->at++;
    uint32_t depth = (uint32_t)leb_next_unsigned(&t->at);
    heaptype from = tr_heaptype(t), to = tr_heaptype(t);
    valtype target = (flags & 2) != 0 ? VT_MAKE_REF_NULL(to) : VT_MAKE_REF(to);
    valtype source = (flags & 1) != 0 ? VT_MAKE_REF_NULL(from) : VT_MAKE_REF(from);
    /* Where the cast does not succeed: null is excluded when the target takes it. */
    valtype other = (flags & 2) != 0 ? vt_non_null(source) : source;
    tr_settle_top(t, 1);
    struct entry *top = &t->stack[t->height - 1];
    top->def = -1;
    uint32_t result = tr_top_slot(t);
    tr_use_slots(t, result + 1);
    tr_ref_test(t, top->home, target, result);
    struct condition k = {.is_fused = true};
    k.branches = (struct branch_family){H_br_i32_ne_SSN, H_br_i32_eq_SSN, SHAPE_BRANCH, false};
    k.compare.pa = PLACE_S;
    k.compare.a = slot_offset(result);
    k.compare.pb = PLACE_C;
    top->type = fail ? other : target;
    branch_if(t, &k, fail, depth);
    t->stack[t->height - 1].type = fail ? target : other;
}

/* ---- Exceptions -------------------------------------------------------------------------------------------- */

/* One clause of the try_table whose clauses begin at `first`. */
static void read_catch(struct translator *t, uint32_t first)
{
    uint8_t kind = *t->at++;
    uint32_t tag = CATCH_ALL;
    if (kind < CATCH_EVERY)
        tag = (uint32_t)leb_next_unsigned(&t->at);
    uint32_t depth = (uint32_t)leb_next_unsigned(&t->at);
    /* The block type has been read, but its own label does not count here. */
    struct control *c = control_at(t, depth + 1);
    if (!vec_reserve(t->alloc, &t->catches, &t->catch_capacity, t->catch_count + 1,
                     sizeof(*t->catches))) {
        t->failed = true;
        return;
    }
    struct catch_draft *draft = &t->catches[t->catch_count];
    draft->clause = (struct catch_clause){
        .from = (uint32_t)t->n,
        .tag = tag,
        .slot = c->base,
        .wants_exnref = kind == CATCH_TAG_REF || kind == CATCH_EVERY_REF,
    };
    draft->chain = -1;
    draft->group = first;
    if (c->op == OP_LOOP) {
        /* Metered loops charge at the cell before their label. */
        bool skip_back = t->is_metered && HAS_METERED_BRANCHES;
        draft->clause.target = (uint32_t)(skip_back ? c->label - 1 : c->label);
    } else {
        draft->chain = c->waiting_catch;
        c->waiting_catch = (int32_t)t->catch_count;
    }
    t->catch_count++;
}

void tr_try_table(struct translator *t)
{
    tr_settle_all(t);
    struct control *c = push_control(t, OP_TRY_TABLE);
    tr_block_type(t, c);
    place_block(t, c);
    tr_new_region(t);
    uint32_t count = (uint32_t)leb_next_unsigned(&t->at);
    uint32_t first = t->catch_count;
    for (uint32_t i = 0; i < count; i++)
        read_catch(t, first);
    if (t->failed)
        return;
    c = control_at(t, 0);
    c->first_catch = first;
    c->catch_end = t->catch_count;
    t->try_depth++;
}

/* ---- Calls --------------------------------------------------------------------------------------------------- */

/* The arguments settle in their slots and are popped; gives the callee's frame as a slot. */
static uint32_t stage(struct translator *t, const struct type_def *type)
{
    tr_settle_top(t, type->param_count);
    uint32_t frame =
        type->param_count > 0 ? t->stack[t->height - type->param_count].home : tr_top_slot(t);
    uint32_t slots =
        type->param_slots > type->result_slots ? type->param_slots : type->result_slots;
    tr_use_slots(t, frame + slots);
    t->height -= type->param_count;
    return frame;
}

/* After a call: its results are in the callee's frame, the accumulators are not ours any more. */
static void take_results(struct translator *t, const struct type_def *type, int32_t call,
                         bool sets_acc)
{
    t->acc_owner = t->facc_owner = t->sacc_owner = -1;
    tr_note_roots(t, t->n - 1);
    for (uint32_t i = 0; i < type->result_count; i++)
        tr_push_temp(t, type->results[i], -1);
    if (sets_acc && type->result_count == 1 &&
        (type->results[0] == VT_I32 || type->results[0] == VT_I64) && !t->failed) {
        t->stack[t->height - 1].def = call;
        t->ins[call].result = RESULT_ACC;
        t->acc_owner = call;
    }
}

static void call_direct(struct translator *t, uint32_t function)
{
    const struct wasm_module *m = t->module;
    const struct type_def *type = module_func_type(m, function);
    uint32_t frame = stage(t, type);
    bool is_import = function < m->import_func_count;
    struct ins *i = tr_emit(t, is_import ? H_call_import : H_call, SHAPE_ONE, RESULT_NONE);
    i->a = t->call_pins;
    i->c = slot_offset(frame);
    if (is_import)
        i->b = (int32_t)function;
    else
        i->pointer = &t->code->funcs[function - m->import_func_count];
    take_results(t, type, t->n - 1, true);
}

static void tail_call_direct(struct translator *t, uint32_t function)
{
    const struct wasm_module *m = t->module;
    const struct type_def *type = module_func_type(m, function);
    uint32_t frame = stage(t, type);
    bool is_import = function < m->import_func_count;
    struct ins *i =
        tr_emit(t, is_import ? H_return_call_import : H_return_call, SHAPE_ONE, RESULT_NONE);
    i->a = (int32_t)type->param_slots;
    i->c = slot_offset(frame);
    if (is_import)
        i->b = (int32_t)function;
    else
        i->pointer = &t->code->funcs[function - m->import_func_count];
}

static void call_through_table(struct translator *t, bool is_tail)
{
    const struct wasm_module *m = t->module;
    const struct type_def *type = m->types[leb_next_unsigned(&t->at)];
    uint32_t table = (uint32_t)leb_next_unsigned(&t->at);
    bool is_64 = m->tables[table].type.limits.is_64;
    tr_settle_top(t, 1);
    /* The index keeps its slot, which the slow path reads; it sits above the arguments. */
    struct entry index = tr_pop(t);
    uint32_t frame = stage(t, type);
    uint8_t place = PLACE_S;
    if (!is_64 && !is_tail && index.def >= 0 && index.def == t->acc_owner)
        place = PLACE_A;
    tr_use_slots(t, index.home + 1);
    struct ins *i = tr_emit(t, is_tail ? H_return_call_indirect : H_call_indirect_S,
                            is_tail ? SHAPE_ONE : SHAPE_TABLE_JUMP, RESULT_NONE);
    if (is_64 && !is_tail) {
        i->family = H_call_indirect_slow;
        i->shape = SHAPE_ONE;
    }
    i->pa = place;
    i->a = slot_offset(index.home);
    i->b = is_64 ? 64 : 0;
    i->c = slot_offset(frame);
    i->d = (int32_t)table;
    struct ins *second = tr_emit_data(t);
    second->a = is_tail ? (int32_t)type->param_slots : t->call_pins;
    second->pointer = type;
    if (!is_tail)
        take_results(t, type, t->n - 1, false);
}

static void call_reference(struct translator *t, bool is_tail)
{
    const struct type_def *type = t->module->types[leb_next_unsigned(&t->at)];
    tr_settle_top(t, 1);
    struct entry callee = tr_pop(t);
    uint32_t frame = stage(t, type);
    tr_use_slots(t, callee.home + 1);
    unsigned handler = H_unreachable;
    FAR_ACCESS(handler = is_tail ? H_return_call_ref : H_call_ref;)
    struct ins *i = tr_emit(t, handler, SHAPE_ONE, RESULT_NONE);
    i->a = slot_offset(callee.home);
    i->c = slot_offset(frame);
    i->d = (int32_t)type->param_slots;
    tr_emit_data(t)->a = t->call_pins;
    if (!is_tail)
        take_results(t, type, t->n - 1, false);
}

void tr_call(struct translator *t, enum op op)
{
    switch (op) {
    case OP_CALL:
        call_direct(t, (uint32_t)leb_next_unsigned(&t->at));
        break;
    case OP_RETURN_CALL:
        tail_call_direct(t, (uint32_t)leb_next_unsigned(&t->at));
        break;
    case OP_CALL_INDIRECT:
        call_through_table(t, false);
        break;
    case OP_RETURN_CALL_INDIRECT:
        call_through_table(t, true);
        break;
    case OP_CALL_REF:
        call_reference(t, false);
        break;
    default:
        call_reference(t, true);
        break;
    }
}
