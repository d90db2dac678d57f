/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions: constants, variables, operators of op.def, memory accesses, calls. */
#include <string.h>

#include "generate_int.h"

void push_type(struct generator *g, uint8_t type)
{
    if (g->height < STACK_MAX)
        g->stack[g->height++] = type;
    else
        g->failed = true;
}

void pop_types(struct generator *g, uint32_t count)
{
    if (count > g->height)
        g->failed = true;
    else
        g->height -= count;
}

void put_drop(struct generator *g)
{
    put_op(g, OP_DROP);
    pop_types(g, 1);
}

/* ---- Constants and variables ------------------------------------------------------------------ */

void make_i32(struct generator *g, int32_t value)
{
    put_op(g, OP_I32_CONST);
    put_s(g, value);
    push_type(g, T_I32);
}

static uint64_t interesting(struct generator *g)
{
    static const uint64_t values[] = {0,
                                      1,
                                      2,
                                      3,
                                      7,
                                      8,
                                      31,
                                      32,
                                      63,
                                      64,
                                      255,
                                      0xffff,
                                      0x7fffffff,
                                      0x80000000,
                                      0xffffffff,
                                      0x100000000,
                                      0x7fffffffffffffff,
                                      0x8000000000000000,
                                      UINT64_MAX,
                                      UINT64_MAX - 1,
                                      0xffffffff80000000,
                                      0xffffffff7fffffff,
                                      0x123456789abcdef0};
    return chance(g, 70) ? values[pick(g, COUNT_OF(values))] : pick_bits(g);
}

static uint64_t interesting_double(struct generator *g)
{
    static const double values[] = {
        0.0,          -0.0,          1.0,          -1.0,  0.5,    1.5,
        2.5,          -2.5,          3.0,          1e10,  -1e10,  2147483647.0,
        2147483648.0, -2147483649.0, 4294967296.0, 1e300, 1e-310, 9223372036854775808.0,
        16777217.0};
    uint64_t bits;
    if (chance(g, 8))
        return 0x7ff0000000000000 | (uint64_t)pick(g, 2) << 63;
    if (chance(g, 6))
        return 0x7ff8000000000000;
    if (chance(g, 20))
        return pick_bits(g);
    memcpy(&bits, &values[pick(g, COUNT_OF(values))], sizeof(bits));
    return bits;
}

static uint32_t interesting_float(struct generator *g)
{
    static const float values[] = {0.0f,          -0.0f,  1.0f,        -1.0f,  0.5f,
                                   1.5f,          -2.5f,  3.0f,        1e10f,  -1e20f,
                                   2147483648.0f, 1e-40f, 16777216.0f, 3.4e38f};
    uint32_t bits;
    if (chance(g, 8))
        return 0x7f800000 | pick(g, 2) << 31;
    if (chance(g, 6))
        return 0x7fc00000;
    if (chance(g, 20))
        return (uint32_t)pick_bits(g);
    memcpy(&bits, &values[pick(g, COUNT_OF(values))], sizeof(bits));
    return bits;
}

void make_const(struct generator *g, uint8_t type)
{
    uint64_t bits;
    uint32_t word;
    switch (type) {
    case T_I32:
        make_i32(g, (int32_t)(uint32_t)interesting(g));
        return;
    case T_I64:
        put_op(g, OP_I64_CONST);
        put_s(g, (int64_t)interesting(g));
        break;
    case T_F32:
        put_op(g, OP_F32_CONST);
        word = interesting_float(g);
        buf_append(g->code, &word, 4);
        break;
    case T_F64:
        put_op(g, OP_F64_CONST);
        bits = interesting_double(g);
        buf_append(g->code, &bits, 8);
        break;
    default:
        put_op(g, OP_V128_CONST);
        for (int i = 0; i < 2; i++) {
            bits = chance(g, 50) ? interesting(g) : pick_bits(g);
            buf_append(g->code, &bits, 8);
        }
        break;
    }
    push_type(g, type);
}

int32_t find_local(struct generator *g, uint8_t type)
{
    /* From a random one on; two are named more often, which pins them. */
    uint32_t n = g->local_count, first = n > 0 ? pick(g, n) : 0;
    if (n > 0 && chance(g, 40))
        first = g->hot[pick(g, 2)];
    for (uint32_t i = 0; i < n; i++)
        if (g->locals[(first + i) % n] == type)
            return (int32_t)((first + i) % n);
    return -1;
}

void get_local(struct generator *g, uint32_t local)
{
    put_op(g, OP_LOCAL_GET);
    put_u(g, local);
    push_type(g, g->locals[local]);
}

void set_local(struct generator *g, uint32_t local)
{
    put_op(g, OP_LOCAL_SET);
    put_u(g, local);
    pop_types(g, 1);
}

static bool make_global(struct generator *g, uint8_t type)
{
    uint32_t first = pick(g, g->global_count);
    for (uint32_t i = 0; i < g->global_count; i++) {
        uint32_t global = (first + i) % g->global_count;
        if (g->globals[global] == type && global != GLOBAL_BUDGET) {
            put_op(g, OP_GLOBAL_GET);
            put_u(g, global);
            push_type(g, type);
            return true;
        }
    }
    return false;
}

void make_leaf(struct generator *g, uint8_t type)
{
    int32_t local = chance(g, 65) ? find_local(g, type) : -1;
    if (local >= 0) {
        get_local(g, (uint32_t)local);
        return;
    }
    if (chance(g, 20) && make_global(g, type))
        return;
    if (type <= T_V128)
        make_const(g, type);
    else
        make_reference(g, type, 0);
}

void want(struct generator *g, const uint8_t *types, uint32_t count, int depth)
{
    uint32_t best = 0;
    for (uint32_t k = 1; k <= count && k <= g->height - g->floor; k++)
        if (memcmp(&g->stack[g->height - k], types, k) == 0 && chance(g, 70))
            best = k;
    for (uint32_t k = best; k < count; k++) {
        make_value(g, types[k], depth - 1);
        /* What lies lazily below must survive what happens now. */
        if (k + 1 < count && depth > 0 && chance(g, 12))
            make_neutral_statement(g, depth - 2);
    }
}

void canonicalise(struct generator *g, uint8_t type)
{
    uint32_t scratch = g->scratch + (type == T_F32 ? 0 : type == T_F64 ? 1 : 2);
    uint64_t nan = type == T_F32 ? 0x7fc00000 : 0x7ff8000000000000;
    put_op(g, OP_LOCAL_TEE);
    put_u(g, scratch);
    put_op(g, type == T_F32 ? OP_F32_CONST : OP_F64_CONST);
    buf_append(g->code, &nan, type == T_F32 ? 4 : 8);
    for (int i = 0; i < 2; i++) {
        put_op(g, OP_LOCAL_GET);
        put_u(g, scratch);
    }
    put_op(g, type == T_F32 ? OP_F32_EQ : OP_F64_EQ);
    put_op(g, OP_SELECT);
}

static void canonicalise_vector(struct generator *g, bool is_double)
{
    put_op(g, OP_LOCAL_TEE);
    put_u(g, g->scratch + 2);
    put_op(g, OP_V128_CONST);
    for (int i = 0; i < 2; i++) {
        uint64_t nan = is_double ? 0x7ff8000000000000 : 0x7fc000007fc00000;
        buf_append(g->code, &nan, 8);
    }
    for (int i = 0; i < 2; i++) {
        put_op(g, OP_LOCAL_GET);
        put_u(g, g->scratch + 2);
    }
    put_op(g, is_double ? OP_F64X2_EQ : OP_F32X4_EQ);
    put_op(g, OP_V128_BITSELECT);
}

/* ---- Memory ------------------------------------------------------------------------------------ */

static void mask_index(struct generator *g, bool is_64)
{
    put_op(g, is_64 ? OP_I64_CONST : OP_I32_CONST);
    put_s(g, chance(g, 97) ? 0x7ff8 : 0xffff);
    put_op(g, is_64 ? OP_I64_AND : OP_I32_AND);
}

void make_address(struct generator *g, uint32_t memory, int depth)
{
    bool is_64 = g->memory_is_64[memory];
    uint8_t type = is_64 ? T_I64 : T_I32;
    uint32_t way = pick(g, 100);
    int32_t local = find_local(g, type);
    if (way < 30 || depth <= 0) {
        bool at_end = way < 3 && chance(g, 15);
        int64_t at = at_end ? PAGE_BYTES - 8 - (int64_t)pick(g, 16) : (int64_t)pick(g, 60000);
        put_op(g, is_64 ? OP_I64_CONST : OP_I32_CONST);
        put_s(g, at);
        push_type(g, type);
    } else if (way < 33 && local >= 0 && chance(g, 15)) {
        get_local(g, (uint32_t)local);
    } else if (way < 55 && local >= 0) {
        get_local(g, (uint32_t)local);
        mask_index(g, is_64);
        uint32_t keep = pick(g, 3);
        if (keep < 2) {
            put_op(g, keep == 0 ? OP_LOCAL_TEE : OP_LOCAL_SET);
            put_u(g, (uint32_t)local);
        }
        if (keep == 1) {
            /* An index that is read where it lies. */
            put_op(g, OP_LOCAL_GET);
            put_u(g, (uint32_t)local);
        }
    } else if (way < 65) {
        /* A small load gives an index that is in the accumulator and needs no mask. */
        make_address(g, memory, depth - 1);
        put_op(g, is_64 ? OP_I64_LOAD16_U : OP_I32_LOAD16_U);
        put_memarg(g, memory, 1);
    } else {
        make_value(g, type, depth - 1);
        mask_index(g, is_64);
    }
}

void put_memarg(struct generator *g, uint32_t memory, uint32_t log2_bytes)
{
    uint32_t way = pick(g, 4000);
    uint64_t offset = 0;
    if (way < 1600)
        offset = pick(g, 256);
    else if (way < 1603)
        offset = PAGE_BYTES - pick(g, 20);
    else if (way < 1604)
        offset = g->memory_is_64[memory] ? interesting(g) : 0xffffffff - pick(g, 8);
    put_u(g, pick(g, log2_bytes + 1) | (memory != 0 ? 64 : 0));
    if (memory != 0)
        put_u(g, memory);
    put_u(g, offset);
}

static uint32_t pick_memory(struct generator *g)
{
    return chance(g, 75) ? 0 : pick(g, g->memory_count);
}

/* ---- Operators of op.def ------------------------------------------------------------------------ */

static uint8_t type_of_letter(char letter)
{
    switch (letter) {
    case 'i':
        return T_I32;
    case 'l':
        return T_I64;
    case 'f':
        return T_F32;
    case 'd':
        return T_F64;
    default:
        return T_V128;
    }
}

static bool is_usable(const struct generator *g, enum op op)
{
    const struct op_info *info = &op_infos[op];
    if (info->signature[0] == '*' || op == OP_MEMORY_GROW || op == OP_MEMORY_FILL ||
        op == OP_MEMORY_SIZE || op == OP_DATA_DROP || op == OP_ELEM_DROP || op == OP_NOP)
        return false;
    if (info->immediate >= IMM_I32 && info->immediate <= IMM_V128)
        return false;
    if (info->feature == FEATURE_SIMD)
        return has(g, GENERATE_SIMD);
    return info->feature != FEATURE_RELAXED_SIMD || has(g, GENERATE_RELAXED);
}

/* An operator with this result letter (0: none), the first one from a random place on. */
static enum op find_op(struct generator *g, char letter)
{
    uint32_t first = pick(g, OP_COUNT);
    for (uint32_t i = 0; i < OP_COUNT; i++) {
        enum op op = (enum op)((first + i) % OP_COUNT);
        if (is_usable(g, op) && strchr(op_infos[op].signature, ':')[1] == letter)
            return op;
    }
    return OP_INVALID;
}

/* The float on the stack, as bits that are the same everywhere; perhaps in an accumulator. */
static void make_stable(struct generator *g, uint8_t type)
{
    static const uint16_t ops[] = {OP_F32_ABS, OP_F32_NEG, OP_F64_ABS, OP_F64_NEG};
    canonicalise(g, type);
    if (chance(g, 50))
        put_op(g, (enum op)ops[(type == T_F64 ? 2 : 0) + pick(g, 2)]);
}

static void make_access(struct generator *g, enum op op, int depth)
{
    const struct op_info *info = &op_infos[op];
    uint32_t memory = pick_memory(g);
    make_address(g, memory, depth);
    uint32_t operands = 1;
    for (const char *s = info->signature + 1; *s != ':'; s++, operands++) {
        uint8_t type = type_of_letter(*s);
        make_value(g, type, depth - 1);
        if (type == T_F32 || type == T_F64)
            make_stable(g, type);
    }
    put_op(g, op);
    put_memarg(g, memory, info->arg);
    if (info->immediate == IMM_MEMARG_LANE)
        buf_append_byte(g->code, (uint8_t)pick(g, 16u >> info->arg));
    pop_types(g, operands);
}

/* Operands that trap are rare; those of which engines may see the bits are canonical. */
static void make_operands(struct generator *g, enum op op, int depth)
{
    const char *letters = op_infos[op].signature;
    uint8_t types[4];
    uint32_t count = 0;
    for (; letters[count] != ':'; count++)
        types[count] = type_of_letter(letters[count]);
    bool is_trunc = op >= OP_I32_TRUNC_F32_S && op <= OP_I64_TRUNC_F64_U && letters[0] != 'i' &&
                    letters[0] != 'l';
    if (is_trunc && chance(g, 85)) {
        make_value(g, T_I32, depth - 1);
        make_i32(g, 0xffff);
        put_op(g, OP_I32_AND);
        put_op(g, types[0] == T_F32 ? OP_F32_CONVERT_I32_U : OP_F64_CONVERT_I32_U);
        pop_types(g, 2);
        push_type(g, types[0]);
        return;
    }
    want(g, types, count, depth);
    bool is_div =
        (op >= OP_I32_DIV_S && op <= OP_I32_REM_U) || (op >= OP_I64_DIV_S && op <= OP_I64_REM_U);
    if (is_div && chance(g, 85)) {
        put_op(g, types[1] == T_I32 ? OP_I32_CONST : OP_I64_CONST);
        put_s(g, chance(g, 50) ? 1 : 3);
        put_op(g, types[1] == T_I32 ? OP_I32_OR : OP_I64_OR);
    }
    uint8_t last = types[count - 1];
    if ((op >= OP_I32_REINTERPRET_F32 && op <= OP_I64_REINTERPRET_F64) || op == OP_F32_COPYSIGN ||
        op == OP_F64_COPYSIGN ||
        ((last == T_F32 || last == T_F64) && op_infos[op].feature == FEATURE_SIMD))
        canonicalise(g, last);
}

static void make_plain(struct generator *g, enum op op, int depth)
{
    const struct op_info *info = &op_infos[op];
    const char *colon = strchr(info->signature, ':');
    if (info->immediate == IMM_MEMARG || info->immediate == IMM_MEMARG_LANE) {
        make_access(g, op, depth);
    } else {
        make_operands(g, op, depth);
        put_op(g, op);
        if (info->immediate == IMM_LANE)
            buf_append_byte(g->code, (uint8_t)pick(g, info->arg));
        for (int i = 0; info->immediate == IMM_SHUFFLE && i < 16; i++)
            buf_append_byte(g->code, (uint8_t)pick(g, 32));
        pop_types(g, (uint32_t)(colon - info->signature));
    }
    if (colon[1] == '\0')
        return;
    push_type(g, type_of_letter(colon[1]));
    if (colon[1] == 'v' && info->text[0] == 'f')
        canonicalise_vector(g, info->text[1] == '6');
}

void make_store(struct generator *g, int depth)
{
    make_plain(g, find_op(g, '\0'), depth);
}

/* ---- Calls ---------------------------------------------------------------------------------------- */

/* Where in table 0 a function of this type was at first; -1. */
static int32_t find_element(struct generator *g, uint32_t type)
{
    uint32_t first = pick(g, TABLE_ELEMENTS);
    for (uint32_t i = 0; i < TABLE_ELEMENTS; i++) {
        uint32_t at = (first + i) % TABLE_ELEMENTS;
        if (g->func_types[g->table_funcs[at]] == type)
            return (int32_t)at;
    }
    return -1;
}

/* Pushes what `op` calls through, and gives its immediates. False: a direct call after all. */
static bool make_callee(struct generator *g, uint32_t func, uint32_t way, bool is_tail, int depth)
{
    uint32_t type = g->func_types[func];
    if (way == 1) {
        int32_t at = find_element(g, type), local = find_local(g, T_I32);
        if (at < 0)
            return false;
        if (chance(g, 30)) {
            /* Not a constant, and in the accumulator. */
            make_i32(g, 1 << at);
            put_op(g, OP_I32_CTZ);
        } else {
            make_i32(g, chance(g, 4) ? (int32_t)pick(g, TABLE_ELEMENTS + 2) : at);
        }
        if (local >= 0 && chance(g, 30)) {
            put_op(g, OP_LOCAL_TEE);
            put_u(g, (uint32_t)local);
        }
        put_op(g, is_tail ? OP_RETURN_CALL_INDIRECT : OP_CALL_INDIRECT);
        put_u(g, type);
        put_u(g, 0);
        pop_types(g, 1);
        return true;
    }
    if (way == 3 && type == TYPE_SIG && has(g, GENERATE_REFS)) {
        put_op(g, g->table_is_64 ? OP_I64_CONST : OP_I32_CONST);
        put_s(g, pick(g, TABLE_ELEMENTS));
        put_op(g, is_tail ? OP_RETURN_CALL_INDIRECT : OP_CALL_INDIRECT);
        put_u(g, type);
        put_u(g, 1);
        return true;
    }
    if (way == 2 && has(g, GENERATE_REFS)) {
        int32_t local = type == TYPE_SIG ? find_local(g, T_SIG) : -1;
        if (local >= 0 && chance(g, 50)) {
            make_value(g, T_SIG, depth - 1);
        } else {
            put_op(g, OP_REF_FUNC);
            put_u(g, func);
            push_type(g, T_SIG);
        }
        put_op(g, is_tail ? OP_RETURN_CALL_REF : OP_CALL_REF);
        put_u(g, type);
        pop_types(g, 1);
        return true;
    }
    return false;
}

static void call_function(struct generator *g, uint32_t func, bool is_tail, int depth)
{
    const struct signature *type = &g->types[g->func_types[func]];
    want(g, type->params, type->param_count, depth);
    if (!make_callee(g, func, pick(g, 4), is_tail, depth)) {
        put_op(g, is_tail ? OP_RETURN_CALL : OP_CALL);
        put_u(g, func);
    }
    pop_types(g, type->param_count);
    if (!is_tail)
        for (uint32_t i = 0; i < type->result_count; i++)
            push_type(g, type->results[i]);
}

bool make_call(struct generator *g, int depth)
{
    if (g->room <= 0)
        return false;
    uint32_t func = pick(g, g->func_count);
    if (func < g->self_index && g->self_index + 1 < g->func_count && chance(g, 60))
        func = g->self_index + 1 + pick(g, g->func_count - g->self_index - 1);
    if (func == FUNC_BACK && chance(g, 70))
        func = FUNC_MIX;
    g->room -= 6;
    call_function(g, func, false, depth);
    return true;
}

/* A function whose results are ours, called in our place; -1: there is none. */
bool make_tail_call(struct generator *g, int depth)
{
    uint32_t first = pick(g, g->func_count);
    for (uint32_t i = 0; i < g->func_count; i++) {
        uint32_t func = (first + i) % g->func_count;
        const struct signature *type = &g->types[g->func_types[func]];
        if (type->result_count == g->self->result_count &&
            memcmp(type->results, g->self->results, type->result_count) == 0) {
            call_function(g, func, true, depth);
            return true;
        }
    }
    return false;
}

/* ---- Values --------------------------------------------------------------------------------------- */

static void make_select(struct generator *g, uint8_t type, int depth)
{
    const uint8_t types[] = {type, type};
    want(g, types, 2, depth);
    make_condition(g, depth - 1);
    if (type > T_V128) {
        put_op(g, OP_SELECT_T);
        put_u(g, 1);
        put_type(g->code, type);
    } else {
        put_op(g, OP_SELECT);
    }
    pop_types(g, 3);
    push_type(g, type);
}

void make_condition(struct generator *g, int depth)
{
    static const uint16_t compares[] = {OP_I32_EQ, OP_I64_EQ, OP_F32_EQ, OP_F64_EQ};
    static const uint8_t counts[] = {10, 10, 6, 6};
    uint32_t kind = pick(g, 6), floor = g->floor;
    g->floor = g->height;
    if (kind < 4 && depth > 0) {
        static const uint8_t types[] = {T_I32, T_I64, T_F32, T_F64};
        const uint8_t both[] = {types[kind], types[kind]};
        want(g, both, 2, depth);
        put_op(g, (enum op)(compares[kind] + pick(g, counts[kind])));
        pop_types(g, 2);
        push_type(g, T_I32);
    } else if (kind == 4 || depth <= 0) {
        make_leaf(g, T_I32);
    } else {
        make_value(g, T_I32, depth - 1);
    }
    for (uint32_t way = pick(g, 10); way < 3; way++)
        put_op(g, OP_I32_EQZ);
    g->floor = floor;
}

/* Of the values above `before` only the lowest stays; false when it is not of this type. */
static bool keep_one(struct generator *g, uint32_t before, uint8_t type)
{
    while (g->height > before + 1 || (g->height > before && g->stack[before] != type)) {
        int32_t local = find_local(g, g->stack[g->height - 1]);
        if (local >= 0 && chance(g, 70))
            set_local(g, (uint32_t)local);
        else
            put_drop(g);
    }
    return g->height > before;
}

static bool make_grown_value(struct generator *g, uint8_t type, int depth)
{
    static const char letters[] = "ilfdv";
    uint32_t way = pick(g, 100);
    if (type <= T_V128 && way < 58) {
        enum op op = find_op(g, letters[type]);
        if (op == OP_INVALID)
            return false;
        make_plain(g, op, depth);
        return true;
    }
    if (way < 66) {
        make_select(g, type, depth);
        return true;
    }
    if (way < 74) {
        int32_t local = find_local(g, type);
        if (local < 0)
            return false;
        make_value(g, type, depth - 1);
        put_op(g, OP_LOCAL_TEE);
        put_u(g, (uint32_t)local);
        return true;
    }
    if (way < 82) {
        uint32_t before = g->height;
        return make_block(g, type, depth) && keep_one(g, before, type);
    }
    if (way < 86) {
        uint32_t before = g->height;
        return make_call(g, depth) && keep_one(g, before, type);
    }
    return way < 92 && make_from_reference(g, type, depth);
}

void make_value(struct generator *g, uint8_t type, int depth)
{
    uint32_t floor = g->floor;
    g->floor = g->height;
    if (depth <= 0 || g->room-- <= 0 || g->height + 30 > STACK_MAX || chance(g, 25) ||
        !make_grown_value(g, type, depth)) {
        if (type > T_V128 && depth > 0 && g->room > 0)
            make_reference(g, type, depth);
        else
            make_leaf(g, type);
    }
    g->floor = floor;
}

void make_witness(struct generator *g, int32_t which)
{
    static const uint16_t stores[] = {OP_I32_STORE, OP_I64_STORE, OP_F32_STORE, OP_F64_STORE};
    uint32_t local = which >= 0 ? (uint32_t)which : pick(g, g->local_count);
    uint8_t type = g->locals[local];
    if (type > T_V128)
        return;
    put_op(g, g->memory_is_64[0] ? OP_I64_CONST : OP_I32_CONST);
    put_s(g, pick(g, 8000) * 8);
    put_op(g, OP_LOCAL_GET);
    put_u(g, local);
    if (type == T_F32 || type == T_F64)
        canonicalise(g, type);
    put_op(g, type == T_V128 ? OP_V128_STORE : (enum op)stores[type]);
    put_u(g, 0);
    put_u(g, 0);
}

/* x = y op z, of integers that are often in registers. */
void make_update(struct generator *g, int depth)
{
    bool is_64 = chance(g, 50);
    uint8_t type = is_64 ? T_I64 : T_I32;
    int32_t x = find_local(g, type), y = find_local(g, type);
    enum op op = (enum op)((is_64 ? OP_I64_ADD : OP_I32_ADD) + pick(g, 15));
    if (x < 0)
        return;
    if (chance(g, 20))
        make_value(g, type, depth - 1);
    else if (chance(g, 15))
        make_const(g, type);
    else
        get_local(g, (uint32_t)(chance(g, 50) ? x : y));
    uint32_t way = pick(g, 10);
    bool is_div =
        op >= (is_64 ? OP_I64_DIV_S : OP_I32_DIV_S) && op <= (is_64 ? OP_I64_REM_U : OP_I32_REM_U);
    if (is_div || way < 3) {
        put_op(g, is_64 ? OP_I64_CONST : OP_I32_CONST);
        put_s(g, 1 + pick(g, 200));
        push_type(g, type);
    } else if (way < 5) {
        make_value(g, type, depth - 1);
    } else {
        get_local(g, (uint32_t)(way < 7 ? x : find_local(g, type)));
    }
    put_op(g, op);
    pop_types(g, 1);
    if (chance(g, 85))
        set_local(g, (uint32_t)x);
}

void make_operator(struct generator *g, int depth)
{
    static const char letters[] = "ilfdv";
    enum op op = find_op(g, letters[pick(g, has(g, GENERATE_SIMD) ? 5 : 4)]);
    if (op != OP_INVALID)
        make_plain(g, op, depth);
}
