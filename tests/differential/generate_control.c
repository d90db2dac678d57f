/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks, branches, exceptions, statements, bodies. */
#include <string.h>

#include "generate_int.h"

enum { TYPES_OF_BLOCK = 4 };

struct block_type {
    uint8_t params[TYPES_OF_BLOCK], results[TYPES_OF_BLOCK];
    uint32_t param_count, result_count;
};

static struct label *label_at(struct generator *g, uint32_t depth)
{
    return &g->labels[g->depth - 1 - depth];
}

/* ---- Opening and closing ------------------------------------------------------------------------ */

/* Parameters are what lies on the stack anyway; results are random behind a first given one. */
static void choose_type(struct generator *g, uint8_t first, struct block_type *type)
{
    uint32_t free = g->height - g->floor;
    uint32_t params = free > 0 && chance(g, 50) ? 1 + pick(g, free < 3 ? free : 3) : 0;
    memset(type, 0, sizeof(*type));
    type->param_count = params;
    memcpy(type->params, &g->stack[g->height - params], params);
    if (first != T_COUNT)
        type->results[type->result_count++] = first;
    for (uint32_t more = pick(g, 8) / 3; more > 0; more--)
        type->results[type->result_count++] = pick_type(g);
    /* Results that begin like the parameters let values stay where they are. */
    if (first == T_COUNT && params > 0 && chance(g, 40)) {
        memcpy(type->results, type->params, params);
        type->result_count = type->result_count > params ? type->result_count : params;
    }
}

static void put_block_type(struct generator *g, const struct block_type *type)
{
    if (type->param_count == 0 && type->result_count == 0) {
        buf_append_byte(g->code, 0x40);
    } else if (type->param_count == 0 && type->result_count == 1 && chance(g, 80)) {
        put_type(g->code, type->results[0]);
    } else {
        put_s(g, type_index(g, type->params, type->param_count, type->results, type->result_count));
    }
}

static void open_label(struct generator *g, const uint8_t *types, uint32_t count, uint32_t params)
{
    struct label *l = &g->labels[g->depth++];
    *l = (struct label){.type_count = (uint8_t)count,
                        .takes_branches = true,
                        .base = g->height - params,
                        .outer_floor = g->floor};
    if (count > 0)
        memcpy(l->types, types, count);
    g->floor = l->base;
}

/* Leaves exactly these values above the label's base. */
static void fix_stack(struct generator *g, const uint8_t *types, uint32_t count)
{
    const struct label *l = label_at(g, 0);
    uint32_t same = 0, now = g->height - l->base;
    if (l->is_dead && now == 0 && chance(g, 50)) {
        for (uint32_t i = 0; i < count; i++)
            push_type(g, types[i]);
        return;
    }
    while (same < now && same < count && g->stack[l->base + same] == types[same])
        same++;
    while (g->height > l->base + same) {
        int32_t local = find_local(g, g->stack[g->height - 1]);
        if (local >= 0 && chance(g, 60))
            set_local(g, (uint32_t)local);
        else
            put_drop(g);
    }
    for (; same < count; same++)
        make_value(g, types[same], 2);
}

static void close_label(struct generator *g, const struct block_type *type)
{
    fix_stack(g, type->results, type->result_count);
    put_op(g, OP_END);
    g->floor = label_at(g, 0)->outer_floor;
    g->depth--;
}

static void make_statements(struct generator *g, uint32_t count, int depth)
{
    while (count-- > 0 && g->room > 0)
        make_statement(g, depth);
}

/* ---- Loops ------------------------------------------------------------------------------------------ */

/* Counts and says whether to go on: the counter that nothing else writes stays below a few. */
static void make_count(struct generator *g, uint32_t counter, bool negate)
{
    bool is_64 = counter >= COUNTERS;
    uint32_t local = g->counters + counter;
    uint32_t limit = 1 + pick(g, 6);
    bool swapped = chance(g, 30);
    if (swapped) {
        put_op(g, is_64 ? OP_I64_CONST : OP_I32_CONST);
        put_s(g, limit);
    }
    put_op(g, OP_LOCAL_GET);
    put_u(g, local);
    put_op(g, is_64 ? OP_I64_CONST : OP_I32_CONST);
    put_s(g, 1);
    put_op(g, is_64 ? OP_I64_ADD : OP_I32_ADD);
    put_op(g, OP_LOCAL_TEE);
    put_u(g, local);
    if (!swapped) {
        put_op(g, is_64 ? OP_I64_CONST : OP_I32_CONST);
        put_s(g, limit);
    }
    /* counter < limit, or limit > counter, signed or not; the opposite to leave. */
    enum op compare = swapped ? OP_I32_GT_S : OP_I32_LT_S;
    if (negate)
        compare = swapped ? OP_I32_LE_S : OP_I32_GE_S;
    put_op(g, (enum op)(compare + pick(g, 2) + (is_64 ? OP_I64_EQ - OP_I32_EQ : 0)));
    push_type(g, T_I32);
}

/* A loop that leaves at its top once it has run often enough, so that anyone may branch to it. */
static void make_guard(struct generator *g, uint32_t counter)
{
    make_count(g, counter, true);
    put_op(g, OP_IF);
    buf_append_byte(g->code, 0x40);
    pop_types(g, 1);
    open_label(g, NULL, 0, 0);
    want(g, g->self->results, g->self->result_count, 1);
    put_op(g, OP_RETURN);
    g->height = label_at(g, 0)->base;
    label_at(g, 0)->is_dead = true;
    put_op(g, OP_END);
    g->floor = label_at(g, 0)->outer_floor;
    g->depth--;
}

/* The end of a loop that decides itself: plain, or with a second condition. */
static void make_latch(struct generator *g, uint32_t counter, const struct block_type *type)
{
    fix_stack(g, type->params, type->param_count);
    if (chance(g, 60)) {
        make_count(g, counter, false);
        put_op(g, OP_BR_IF);
        put_u(g, 0);
        pop_types(g, 1);
        return;
    }
    if (type->param_count > 0)
        for (uint32_t i = 0; i < type->param_count; i++)
            put_drop(g);
    make_count(g, counter, false);
    put_op(g, OP_IF);
    buf_append_byte(g->code, 0x40);
    pop_types(g, 1);
    open_label(g, NULL, 0, 0);
    for (uint32_t i = 0; i < type->param_count; i++)
        make_value(g, type->params[i], 1);
    make_condition(g, 2);
    put_op(g, OP_BR_IF);
    put_u(g, 1);
    pop_types(g, 1);
    close_label(g, &(struct block_type){0});
}

static void make_loop(struct generator *g, const struct block_type *type, int depth)
{
    uint32_t counter = g->counters_used++;
    /* Counters of both types in turn. */
    counter = counter % 2 == 0 ? counter / 2 : COUNTERS + counter / 2;
    bool guarded = chance(g, 40);
    put_op(g, OP_LOOP);
    put_block_type(g, type);
    open_label(g, type->params, type->param_count, type->param_count);
    label_at(g, 0)->takes_branches = guarded;
    if (guarded)
        make_guard(g, counter);
    make_statements(g, 1 + pick(g, 4), depth - 1);
    if (!guarded)
        make_latch(g, counter, type);
    make_statements(g, pick(g, 2), depth - 1);
    close_label(g, type);
}

/* ---- Counted loops ----------------------------------------------------------------------------------- */

/* How such a loop counts, and how often it passes where that is a constant. */
struct counted {
    uint32_t counter, bound; /* locals of its own */
    int32_t step, start, passes;
    bool is_local;   /* the bound is the local */
    bool is_dynamic; /* how often is in the local `bound` at first */
    bool to_zero;    /* no bound is named */
};

static void put_i32(struct generator *g, int32_t value)
{
    put_op(g, OP_I32_CONST);
    put_s(g, value);
}

static void put_local(struct generator *g, enum op op, uint32_t local)
{
    put_op(g, op);
    put_u(g, local);
}

static void choose_count(struct generator *g, struct counted *ret_count)
{
    static const int8_t steps[] = {1, 1, 1, -1, -1, 2, 3, 4, -8, 24, -5, 127};
    static const uint16_t most[] = {4, 20, 20, 60, 60, 700, 4000};
    uint32_t locals = g->counters + 2 * COUNTERS + 2 * g->counted_used++;
    *ret_count = (struct counted){.counter = locals,
                                  .bound = locals + 1,
                                  .step = steps[pick(g, COUNT_OF(steps))],
                                  .passes = 1 + (int32_t)pick(g, most[pick(g, COUNT_OF(most))]),
                                  .start = (int32_t)pick(g, 4000) - 2000,
                                  .is_local = chance(g, 50),
                                  .is_dynamic = chance(g, 50),
                                  .to_zero = chance(g, 30)};
    /* Past the last number, too. */
    if (chance(g, 15))
        ret_count->start = (int32_t)(0x80000000u - pick(g, 200));
    if (ret_count->to_zero)
        ret_count->start = -ret_count->passes * ret_count->step;
}

/* Sets counter and bound. A dynamic number of passes is at least 1 and at most 64. */
static void make_start(struct generator *g, const struct counted *count)
{
    int32_t any = find_local(g, T_I32);
    int32_t end = (int32_t)((uint32_t)count->start + (uint32_t)(count->passes * count->step));
    if (count->is_dynamic && any >= 0) {
        put_local(g, OP_LOCAL_GET, (uint32_t)any);
        put_i32(g, 63);
        put_op(g, OP_I32_AND);
        put_i32(g, 1);
        put_op(g, OP_I32_ADD);
        put_i32(g, count->step);
        put_op(g, OP_I32_MUL);
        put_local(g, OP_LOCAL_SET, count->bound);
        /* Either the start or the end is known. */
        if (count->is_local && !count->to_zero) {
            put_local(g, OP_LOCAL_GET, count->bound);
            put_i32(g, count->start);
            put_local(g, OP_LOCAL_TEE, count->counter);
            put_op(g, OP_I32_ADD);
            put_local(g, OP_LOCAL_SET, count->bound);
            return;
        }
        put_i32(g, count->to_zero ? 0 : end);
        put_local(g, OP_LOCAL_GET, count->bound);
        put_op(g, OP_I32_SUB);
        put_local(g, OP_LOCAL_SET, count->counter);
    } else {
        put_i32(g, count->start);
        put_local(g, OP_LOCAL_SET, count->counter);
    }
    put_i32(g, end);
    put_local(g, OP_LOCAL_SET, count->bound);
}

/* What a compiler takes for a pass that neither calls nor traps, most of the time. */
static void make_pass(struct generator *g, const struct counted *count, int depth)
{
    static const uint16_t ops[] = {OP_I32_ADD, OP_I32_MUL, OP_I32_XOR, OP_I32_ROTL, OP_I32_SUB};
    int32_t any = find_local(g, T_I32);
    uint32_t way = pick(g, 20);
    if (way == 0) {
        make_neutral_statement(g, depth);
    } else if (way < 4) {
        make_witness(g, -1);
    } else if (way < 8 && !g->memory_is_64[0]) {
        /* An element of an array. */
        put_local(g, OP_LOCAL_GET, count->counter);
        put_i32(g, 0x1ffc);
        put_op(g, OP_I32_AND);
        put_local(g, OP_LOCAL_GET, any >= 0 && way < 6 ? (uint32_t)any : count->counter);
        put_op(g, way == 7 ? OP_I32_STORE8 : OP_I32_STORE);
        put_u(g, 0);
        put_u(g, pick(g, 0x8000));
    } else if (way < 10 && any >= 0) {
        put_local(g, OP_LOCAL_GET, (uint32_t)any);
        put_i32(g, (int32_t)pick(g, 4));
        put_op(g, OP_I32_AND);
        put_op(g, OP_IF);
        buf_append_byte(g->code, 0x40);
        open_label(g, NULL, 0, 0);
        make_witness(g, any);
        close_label(g, &(struct block_type){0});
    } else if (any >= 0) {
        put_local(g, OP_LOCAL_GET, (uint32_t)any);
        put_local(g, OP_LOCAL_GET, count->counter);
        put_op(g, (enum op)ops[pick(g, COUNT_OF(ops))]);
        put_local(g, OP_LOCAL_SET, (uint32_t)any);
    }
}

static void make_last(struct generator *g, const struct counted *count)
{
    bool swapped = chance(g, 30);
    for (uint32_t i = 0; i < 2; i++) {
        if (i == (swapped ? 1 : 0)) {
            put_local(g, OP_LOCAL_GET, count->counter);
            put_i32(g, count->step);
            put_op(g, OP_I32_ADD);
            put_local(g, OP_LOCAL_TEE, count->counter);
        } else if (!count->to_zero && count->is_local) {
            put_local(g, OP_LOCAL_GET, count->bound);
        } else if (!count->to_zero) {
            put_i32(g, (int32_t)((uint32_t)count->start + (uint32_t)(count->passes * count->step)));
        }
    }
    if (!count->to_zero)
        put_op(g, OP_I32_NE);
    put_op(g, OP_BR_IF);
    put_u(g, 0);
}

static void make_counted(struct generator *g, int depth)
{
    struct counted count;
    choose_count(g, &count);
    make_start(g, &count);
    put_op(g, OP_LOOP);
    buf_append_byte(g->code, 0x40);
    open_label(g, NULL, 0, 0);
    label_at(g, 0)->takes_branches = false;
    for (uint32_t i = pick(g, 5); i > 0; i--)
        make_pass(g, &count, depth - 1);
    make_last(g, &count);
    close_label(g, &(struct block_type){0});
}

/* ---- Exceptions -------------------------------------------------------------------------------------- */

/* A label of the try_table's own surroundings that takes this payload; -1. */
static int32_t find_label(struct generator *g, const uint8_t *types, uint32_t count)
{
    uint32_t first = pick(g, g->depth);
    for (uint32_t i = 0; i < g->depth; i++) {
        uint32_t depth = (first + i) % g->depth;
        const struct label *l = label_at(g, depth);
        if (l->takes_branches && l->type_count == count && memcmp(l->types, types, count) == 0)
            return (int32_t)depth;
    }
    return -1;
}

static uint32_t payload_of(struct generator *g, uint32_t kind, uint32_t tag, uint8_t *types)
{
    uint32_t count = 0;
    if (kind < 2) {
        count = g->tags[tag].param_count;
        memcpy(types, g->tags[tag].params, count);
    }
    if ((kind & 1) != 0)
        types[count++] = T_EXN;
    return count;
}

static void make_throw(struct generator *g, int32_t tag, int depth)
{
    int32_t exn = find_local(g, T_EXN);
    if (tag < 0 && exn >= 0 && chance(g, 25)) {
        get_local(g, (uint32_t)exn);
        put_op(g, OP_THROW_REF);
        return;
    }
    uint32_t thrown = tag >= 0 ? (uint32_t)tag : pick(g, g->tag_count);
    want(g, g->tags[thrown].params, g->tags[thrown].param_count, depth);
    put_op(g, OP_THROW);
    put_u(g, thrown);
}

/* Throws where a condition holds. */
static void make_sometimes(struct generator *g, int32_t tag, int depth)
{
    make_condition(g, depth);
    put_op(g, OP_IF);
    buf_append_byte(g->code, 0x40);
    pop_types(g, 1);
    open_label(g, NULL, 0, 0);
    make_statements(g, pick(g, 2), depth - 1);
    make_throw(g, tag, depth);
    g->height = label_at(g, 0)->base;
    label_at(g, 0)->is_dead = true;
    close_label(g, &(struct block_type){0});
}

/* try_table in a block that catches; the block's results are the payload. */
static void make_try(struct generator *g, int depth)
{
    struct block_type around = {0}, inner;
    uint32_t kind = pick(g, 4), tag = pick(g, g->tag_count);
    around.result_count = payload_of(g, kind, tag, around.results);
    put_op(g, OP_BLOCK);
    put_block_type(g, &around);
    open_label(g, around.results, around.result_count, 0);
    make_statements(g, pick(g, 2), depth - 1);
    choose_type(g, T_COUNT, &inner);
    uint32_t more = 0, kinds[2], tags[2];
    int32_t targets[2];
    while (more < pick(g, 3)) {
        uint8_t types[SIGNATURE_MAX];
        kinds[more] = pick(g, 4);
        tags[more] = pick(g, g->tag_count);
        uint32_t count = payload_of(g, kinds[more], tags[more], types);
        targets[more] = find_label(g, types, count);
        if (targets[more] < 0)
            break;
        more++;
    }
    put_op(g, OP_TRY_TABLE);
    put_block_type(g, &inner);
    put_u(g, more + 1);
    for (uint32_t i = 0; i <= more; i++) {
        uint32_t k = i < more ? kinds[i] : kind;
        buf_append_byte(g->code, (uint8_t)k);
        if (k < 2)
            put_u(g, i < more ? tags[i] : tag);
        put_u(g, i < more ? (uint32_t)targets[i] : 0);
    }
    open_label(g, inner.results, inner.result_count, inner.param_count);
    make_statements(g, 1 + pick(g, 3), depth - 1);
    int32_t late = find_local(g, (uint8_t)pick(g, 4));
    if (late >= 0 && chance(g, 60)) {
        /* A value is there, a call throws: the local must still be the old one. */
        make_value(g, g->locals[late], 3);
        uint32_t before = g->height, floor = g->floor;
        g->floor = before;
        (void)make_call(g, 1);
        while (g->height > before)
            put_drop(g);
        g->floor = floor;
        set_local(g, (uint32_t)late);
    }
    if (chance(g, 60))
        make_sometimes(g, chance(g, 60) && kind < 2 ? (int32_t)tag : -1, depth - 1);
    make_statements(g, pick(g, 3), depth - 1);
    close_label(g, &inner);
    close_label(g, &around);
    /* What was caught, and what the body left in locals, counts. */
    for (uint32_t i = 0; i < around.result_count; i++) {
        int32_t local = find_local(g, g->stack[g->height - 1]);
        if (local >= 0)
            set_local(g, (uint32_t)local);
        else
            put_drop(g);
    }
    for (uint32_t i = 0; i < 3; i++)
        make_witness(g, -1);
    if (late >= 0)
        make_witness(g, late);
}

/* ---- Branches ------------------------------------------------------------------------------------------ */

/* A label that anyone may branch to; there always is the function's own. */
static uint32_t pick_label(struct generator *g)
{
    uint32_t depth = chance(g, 60) ? pick(g, g->depth < 3 ? g->depth : 3) : pick(g, g->depth);
    while (!label_at(g, depth)->takes_branches)
        depth++;
    return depth;
}

static void make_br_table(struct generator *g, int depth)
{
    uint32_t fallback = pick_label(g), count = pick(g, 5), labels[5];
    const struct label *l = label_at(g, fallback);
    want(g, l->types, l->type_count, depth);
    int32_t local = find_local(g, T_I32);
    if (local >= 0 && chance(g, 50)) {
        get_local(g, (uint32_t)local);
        make_i32(g, 3);
        put_op(g, OP_I32_AND);
        pop_types(g, 1);
    } else {
        make_value(g, T_I32, depth - 1);
    }
    for (uint32_t i = 0; i < count; i++) {
        int32_t other = find_label(g, l->types, l->type_count);
        labels[i] = other >= 0 ? (uint32_t)other : fallback;
    }
    put_op(g, OP_BR_TABLE);
    put_u(g, count);
    for (uint32_t i = 0; i < count; i++)
        put_u(g, labels[i]);
    put_u(g, fallback);
}

/* Something that does not come back, then perhaps code that is not reached. */
static void make_transfer(struct generator *g, int depth)
{
    uint32_t way = pick(g, 100);
    const struct label *l;
    if (way < 35) {
        uint32_t to = pick_label(g);
        l = label_at(g, to);
        want(g, l->types, l->type_count, depth);
        put_op(g, OP_BR);
        put_u(g, to);
    } else if (way < 55) {
        make_br_table(g, depth);
    } else if (way < 72 && has(g, GENERATE_EXCEPTIONS)) {
        make_throw(g, -1, depth);
    } else if (way < 82 && has(g, GENERATE_TAIL_CALLS) && make_tail_call(g, depth)) {
        /* The call is the transfer. */
    } else if (way < 83) {
        put_op(g, OP_UNREACHABLE);
    } else {
        want(g, g->self->results, g->self->result_count, depth);
        put_op(g, OP_RETURN);
    }
    g->height = label_at(g, 0)->base;
    label_at(g, 0)->is_dead = true;
    /* Operands of any type, which only the validator sees. */
    if (chance(g, 20)) {
        put_op(g, OP_I32_ADD);
        put_op(g, OP_DROP);
    }
    if (chance(g, 10)) {
        put_op(g, OP_SELECT);
        put_op(g, OP_DROP);
    }
}

static void make_br_if(struct generator *g, int depth)
{
    uint32_t to = pick_label(g);
    const struct label *l = label_at(g, to);
    want(g, l->types, l->type_count, depth);
    make_condition(g, depth);
    put_op(g, OP_BR_IF);
    put_u(g, to);
    pop_types(g, 1);
}

static void make_if(struct generator *g, const struct block_type *type, int depth)
{
    make_condition(g, depth);
    put_op(g, OP_IF);
    put_block_type(g, type);
    pop_types(g, 1);
    open_label(g, type->results, type->result_count, type->param_count);
    make_statements(g, 1 + pick(g, 3), depth - 1);
    bool same = type->param_count == type->result_count &&
                memcmp(type->params, type->results, type->param_count) == 0;
    if (!same || chance(g, 50)) {
        struct label *l = label_at(g, 0);
        fix_stack(g, type->results, type->result_count);
        put_op(g, OP_ELSE);
        l->is_dead = false;
        g->height = l->base;
        for (uint32_t i = 0; i < type->param_count; i++)
            push_type(g, type->params[i]);
        make_statements(g, pick(g, 3), depth - 1);
    }
    close_label(g, type);
}

bool make_block(struct generator *g, uint8_t type, int depth)
{
    struct block_type t;
    if (g->depth + 4 > LABELS_MAX || g->room <= 0 || depth <= 0)
        return false;
    g->room -= 3;
    uint32_t way = pick(g, 100);
    if (way < 15 && has(g, GENERATE_EXCEPTIONS) && type == T_COUNT) {
        make_try(g, depth);
        return true;
    }
    choose_type(g, type, &t);
    if (way < 40 && g->counters_used < 2 * COUNTERS) {
        make_loop(g, &t, depth);
    } else if (way < 75) {
        make_if(g, &t, depth);
    } else {
        put_op(g, OP_BLOCK);
        put_block_type(g, &t);
        open_label(g, t.results, t.result_count, t.param_count);
        make_statements(g, 1 + pick(g, 4), depth - 1);
        close_label(g, &t);
    }
    return true;
}

/* ---- Statements ---------------------------------------------------------------------------------------- */

static void make_assignment(struct generator *g, int depth)
{
    uint32_t local = pick(g, g->local_count), other;
    if (chance(g, 40))
        local = pick(g, local + 1);
    uint8_t type = g->locals[local];
    uint32_t way = pick(g, 10);
    if (way < 4) {
        want(g, &type, 1, depth);
        set_local(g, local);
    } else if (way < 6) {
        /* What produces the value is not what comes before the assignment. */
        make_value(g, type, depth);
        make_neutral_statement(g, depth - 1);
        set_local(g, local);
    } else if (way < 7) {
        /* The stack keeps the old value, under the new one's feet. */
        get_local(g, local);
        make_value(g, type, depth);
        set_local(g, local);
    } else {
        /* A swap, or a rotation with itself. */
        int32_t found = find_local(g, type);
        other = found >= 0 ? (uint32_t)found : local;
        get_local(g, local);
        get_local(g, other);
        set_local(g, local);
        set_local(g, other);
    }
}

static void make_global_set(struct generator *g, int depth)
{
    uint32_t global = 1 + pick(g, g->global_count - 1);
    if (g->global_is_const[global])
        return;
    want(g, &g->globals[global], 1, depth);
    put_op(g, OP_GLOBAL_SET);
    put_u(g, global);
    pop_types(g, 1);
}

static void make_drop_segment(struct generator *g)
{
    bool data = chance(g, 50);
    put_op(g, data ? OP_DATA_DROP : OP_ELEM_DROP);
    put_u(g, data ? 1 : 0);
}

static void make_bulk(struct generator *g, int depth)
{
    uint32_t memory = pick(g, g->memory_count), other = pick(g, g->memory_count);
    bool is_64 = g->memory_is_64[memory];
    uint32_t way = pick(g, 10);
    if (chance(g, 3)) {
        make_drop_segment(g);
        return;
    }
    if (way < 1) {
        put_op(g, is_64 ? OP_I64_CONST : OP_I32_CONST);
        put_s(g, pick(g, 3));
        put_op(g, OP_MEMORY_GROW);
        put_u(g, memory);
        push_type(g, is_64 ? T_I64 : T_I32);
        return;
    }
    if (way < 2) {
        put_op(g, OP_MEMORY_SIZE);
        put_u(g, memory);
        push_type(g, is_64 ? T_I64 : T_I32);
        return;
    }
    make_address(g, memory, depth - 1);
    bool length_64 = is_64;
    if (way < 5) {
        make_value(g, T_I32, depth - 1);
    } else if (way < 8) {
        make_address(g, other, depth - 1);
        length_64 = is_64 && g->memory_is_64[other];
    } else {
        make_i32(g, (int32_t)pick(g, 10));
        length_64 = false;
    }
    put_op(g, length_64 ? OP_I64_CONST : OP_I32_CONST);
    put_s(g, pick(g, way < 8 ? 300 : 24));
    put_op(g, way < 5 ? OP_MEMORY_FILL : way < 8 ? OP_MEMORY_COPY : OP_MEMORY_INIT);
    if (way >= 8)
        put_u(g, 1);
    put_u(g, memory);
    if (way >= 5 && way < 8)
        put_u(g, other);
    pop_types(g, 2);
}

void make_neutral_statement(struct generator *g, int depth)
{
    uint32_t before = g->height, floor = g->floor;
    g->floor = g->height;
    /* Calls and allocations are what loses registers and moves objects. */
    if (chance(g, 35))
        (void)make_call(g, 1);
    else if (has(g, GENERATE_GC) && chance(g, 30))
        make_value(g, chance(g, 50) ? T_STRUCT : T_REFS, 1);
    else
        make_statement(g, depth);
    while (g->height > before)
        put_drop(g);
    g->floor = floor;
}

void make_statement(struct generator *g, int depth)
{
    uint32_t way = pick(g, 100);
    bool owns_stack = g->floor == label_at(g, 0)->base;
    if (g->height + 40 > STACK_MAX || g->height - g->floor > 12) {
        if (g->height > g->floor)
            put_drop(g);
        return;
    }
    g->room--;
    if (has(g, GENERATE_COUNTED) && g->counted_used < COUNTED && g->depth + 4 <= LABELS_MAX &&
        chance(g, 5))
        make_counted(g, depth);
    else if (way < 14)
        make_update(g, depth);
    else if (way < 26 || depth <= 0)
        make_assignment(g, depth);
    else if (way < 31)
        make_store(g, depth);
    else if (way < 34)
        make_global_set(g, depth);
    else if (way < 38)
        make_witness(g, -1);
    else if (way < 52)
        make_operator(g, depth);
    else if (way < 58)
        make_value(g, pick_type(g), depth);
    else if (way < 64)
        (void)make_call(g, depth);
    else if (way < 78)
        (void)make_block(g, T_COUNT, depth);
    else if (way < 84)
        make_br_if(g, depth);
    else if (way < 87 && owns_stack && g->depth > 1)
        make_transfer(g, depth);
    else if (way < 90)
        make_bulk(g, depth);
    else if (way < 95)
        make_table_statement(g, depth);
    else
        make_object_statement(g, depth);
}

/* ---- Bodies ---------------------------------------------------------------------------------------------- */

/* Ends at once when the budget of calls is used up. */
static void make_prologue(struct generator *g)
{
    put_op(g, OP_GLOBAL_GET);
    put_u(g, GLOBAL_BUDGET);
    put_op(g, OP_I32_CONST);
    put_s(g, 0);
    put_op(g, OP_I32_LE_S);
    put_op(g, OP_IF);
    buf_append_byte(g->code, 0x40);
    open_label(g, NULL, 0, 0);
    for (uint32_t i = 0; i < g->self->result_count; i++)
        make_leaf(g, g->self->results[i]);
    put_op(g, OP_RETURN);
    put_op(g, OP_END);
    g->height = 0;
    g->floor = 0;
    g->depth--;
    put_op(g, OP_GLOBAL_GET);
    put_u(g, GLOBAL_BUDGET);
    put_op(g, OP_I32_CONST);
    put_s(g, 1);
    put_op(g, OP_I32_SUB);
    put_op(g, OP_GLOBAL_SET);
    put_u(g, GLOBAL_BUDGET);
}

void make_body(struct generator *g)
{
    struct block_type whole = {0};
    g->height = g->floor = g->depth = g->counters_used = g->counted_used = 0;
    whole.result_count = g->self->result_count;
    memcpy(whole.results, g->self->results, whole.result_count);
    open_label(g, whole.results, whole.result_count, 0);
    make_prologue(g);
    g->room = 20 + (int32_t)pick(g, 8) * (int32_t)pick(g, 60);
    while (g->room > 0 && !g->failed)
        make_statement(g, 5);
    for (uint32_t i = 0; i < 4; i++)
        make_witness(g, -1);
    if (has(g, GENERATE_TAIL_CALLS) && chance(g, 20) && make_tail_call(g, 2)) {
        g->height = 0;
        label_at(g, 0)->is_dead = true;
    }
    close_label(g, &whole);
}
