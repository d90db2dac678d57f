/* SPDX-License-Identifier: Apache-2.0 */
/* From operators to handler families, and from operand places to the handler in a family. */
#include <assert.h>

#include "interp/translate_int.h"

#define LOWER(id, first, shape, result) [OP_##id] = {H_##first, SHAPE_##shape, RESULT_##result, 0}
#define SWAPPED(id, first, shape, result) [OP_##id] = {H_##first, SHAPE_##shape, RESULT_##result, 1}

#define LOWER_INT(T, p, W)                                                                         \
    LOWER(T##_ADD, p##_add_SSS, PAIR##W, INT), LOWER(T##_SUB, p##_sub_SSS, FULL##W, INT),          \
        LOWER(T##_MUL, p##_mul_SSS, PAIR##W, INT), LOWER(T##_AND, p##_and_SSS, PAIR##W, INT),      \
        LOWER(T##_OR, p##_or_SSS, PAIR##W, INT), LOWER(T##_XOR, p##_xor_SSS, PAIR##W, INT),        \
        LOWER(T##_SHL, p##_shl_SSS, FULL##W, INT), LOWER(T##_SHR_S, p##_shr_s_SSS, FULL##W, INT),  \
        LOWER(T##_SHR_U, p##_shr_u_SSS, FULL##W, INT),                                             \
        LOWER(T##_ROTL, p##_rotl_SSS, FULL##W, INT), LOWER(T##_ROTR, p##_rotr_SSS, FULL##W, INT),  \
        LOWER(T##_DIV_S, p##_div_s_SS, DIVIDE, INT), LOWER(T##_DIV_U, p##_div_u_SS, DIVIDE, INT),  \
        LOWER(T##_REM_S, p##_rem_s_SS, DIVIDE, INT), LOWER(T##_REM_U, p##_rem_u_SS, DIVIDE, INT),  \
        LOWER(T##_EQ, p##_eq_SSS, CMP##W, INT), LOWER(T##_NE, p##_ne_SSS, CMP##W, INT),            \
        LOWER(T##_LT_S, p##_lt_s_SSS, CMP##W, INT), LOWER(T##_LT_U, p##_lt_u_SSS, CMP##W, INT),    \
        LOWER(T##_LE_S, p##_le_s_SSS, CMP##W, INT), LOWER(T##_LE_U, p##_le_u_SSS, CMP##W, INT),    \
        SWAPPED(T##_GT_S, p##_lt_s_SSS, CMP##W, INT),                                              \
        SWAPPED(T##_GT_U, p##_lt_u_SSS, CMP##W, INT),                                              \
        SWAPPED(T##_GE_S, p##_le_s_SSS, CMP##W, INT),                                              \
        SWAPPED(T##_GE_U, p##_le_u_SSS, CMP##W, INT), LOWER(T##_CLZ, p##_clz_SS, UNARY##W, INT),   \
        LOWER(T##_CTZ, p##_ctz_SS, UNARY##W, INT),                                                 \
        LOWER(T##_POPCNT, p##_popcnt_SS, UNARY##W, INT),                                           \
        LOWER(T##_EXTEND8_S, p##_extend8_s_SS, UNARY##W, INT),                                     \
        LOWER(T##_EXTEND16_S, p##_extend16_s_SS, UNARY##W, INT)

#define LOWER_FLOAT(T, p)                                                                          \
    LOWER(T##_ADD, p##_add_SSS, FLOAT, T), LOWER(T##_SUB, p##_sub_SSS, FLOAT, T),                  \
        LOWER(T##_MUL, p##_mul_SSS, FLOAT, T), LOWER(T##_DIV, p##_div_SSS, FLOAT, T),              \
        LOWER(T##_EQ, p##_eq_SSS, FCMP, INT), LOWER(T##_NE, p##_ne_SSS, FCMP, INT),                \
        LOWER(T##_LT, p##_lt_SSS, FCMP, INT), LOWER(T##_LE, p##_le_SSS, FCMP, INT),                \
        SWAPPED(T##_GT, p##_lt_SSS, FCMP, INT), SWAPPED(T##_GE, p##_le_SSS, FCMP, INT),            \
        LOWER(T##_ABS, p##_abs_SS, FUNARY, T), LOWER(T##_NEG, p##_neg_SS, FUNARY, T),              \
        LOWER(T##_CEIL, p##_ceil_SS, FUNARY, T), LOWER(T##_FLOOR, p##_floor_SS, FUNARY, T),        \
        LOWER(T##_TRUNC, p##_trunc_SS, FUNARY, T), LOWER(T##_NEAREST, p##_nearest_SS, FUNARY, T),  \
        LOWER(T##_SQRT, p##_sqrt_SS, FUNARY, T), LOWER(T##_MIN, p##_min_SS, FSLOW, T),             \
        LOWER(T##_MAX, p##_max_SS, FSLOW, T), LOWER(T##_COPYSIGN, p##_copysign_SS, FSLOW, T)

const struct lowering lowerings[OP_COUNT] = {
    LOWER_INT(I32, i32, ),
    LOWER_INT(I64, i64, 64),
    LOWER_FLOAT(F32, f32),
    LOWER_FLOAT(F64, f64),
    LOWER(I64_EXTEND32_S, i64_extend32_s_SS, UNARY64, INT),
    LOWER(I64_EXTEND_I32_S, i64_extend32_s_SS, UNARY64, INT),
    LOWER(I64_EXTEND_I32_U, i64_extend_i32_u_SS, UNARY64, INT),
    LOWER(F64_PROMOTE_F32, f64_promote_f32_SS, FUNARY, F64),
    LOWER(F32_DEMOTE_F64, f32_demote_f64_SS, FUNARY, F32),
    LOWER(F64_CONVERT_I32_S, f64_convert_i32_s_SS, CONVERT, F64),
    LOWER(F64_CONVERT_I32_U, f64_convert_i32_u_SS, CONVERT, F64),
    LOWER(F64_CONVERT_I64_S, f64_convert_i64_s_SS, CONVERT, F64),
    LOWER(F64_CONVERT_I64_U, f64_convert_i64_u_SS, CONVERT, F64),
    LOWER(F32_CONVERT_I32_S, f32_convert_i32_s_SS, CONVERT, F32),
    LOWER(F32_CONVERT_I32_U, f32_convert_i32_u_SS, CONVERT, F32),
    LOWER(F32_CONVERT_I64_S, f32_convert_i64_s_SS, CONVERT, F32),
    LOWER(F32_CONVERT_I64_U, f32_convert_i64_u_SS, CONVERT, F32),
    LOWER(I32_TRUNC_F32_S, i32_trunc_f32_s_S, TRUNC, INT),
    LOWER(I32_TRUNC_F32_U, i32_trunc_f32_u_S, TRUNC, INT),
    LOWER(I32_TRUNC_F64_S, i32_trunc_f64_s_S, TRUNC, INT),
    LOWER(I32_TRUNC_F64_U, i32_trunc_f64_u_S, TRUNC, INT),
    LOWER(I64_TRUNC_F32_S, i64_trunc_f32_s_S, TRUNC, INT),
    LOWER(I64_TRUNC_F32_U, i64_trunc_f32_u_S, TRUNC, INT),
    LOWER(I64_TRUNC_F64_S, i64_trunc_f64_s_S, TRUNC, INT),
    LOWER(I64_TRUNC_F64_U, i64_trunc_f64_u_S, TRUNC, INT),
    LOWER(I32_TRUNC_SAT_F32_S, i32_trunc_sat_f32_s_S, TRUNC, INT),
    LOWER(I32_TRUNC_SAT_F32_U, i32_trunc_sat_f32_u_S, TRUNC, INT),
    LOWER(I32_TRUNC_SAT_F64_S, i32_trunc_sat_f64_s_S, TRUNC, INT),
    LOWER(I32_TRUNC_SAT_F64_U, i32_trunc_sat_f64_u_S, TRUNC, INT),
    LOWER(I64_TRUNC_SAT_F32_S, i64_trunc_sat_f32_s_S, TRUNC, INT),
    LOWER(I64_TRUNC_SAT_F32_U, i64_trunc_sat_f32_u_S, TRUNC, INT),
    LOWER(I64_TRUNC_SAT_F64_S, i64_trunc_sat_f64_s_S, TRUNC, INT),
    LOWER(I64_TRUNC_SAT_F64_U, i64_trunc_sat_f64_u_S, TRUNC, INT),
    LOWER(I32_LOAD, load32_u_SS, LOAD, INT),
    LOWER(I32_LOAD8_S, i32_load8_s_SS, LOAD, INT),
    LOWER(I32_LOAD8_U, load8_u_SS, LOAD, INT),
    LOWER(I32_LOAD16_S, i32_load16_s_SS, LOAD, INT),
    LOWER(I32_LOAD16_U, load16_u_SS, LOAD, INT),
    LOWER(I64_LOAD, load64_SS, LOAD, INT),
    LOWER(I64_LOAD8_S, i64_load8_s_SS, LOAD, INT),
    LOWER(I64_LOAD8_U, load8_u_SS, LOAD, INT),
    LOWER(I64_LOAD16_S, i64_load16_s_SS, LOAD, INT),
    LOWER(I64_LOAD16_U, load16_u_SS, LOAD, INT),
    LOWER(I64_LOAD32_S, i64_load32_s_SS, LOAD, INT),
    LOWER(I64_LOAD32_U, load32_u_SS, LOAD, INT),
    LOWER(F64_LOAD, f64_load_SS, FLOAD, F64),
    LOWER(F32_LOAD, f32_load_SS, FLOAD, F32),
    LOWER(I32_STORE, store32_SS, STORE, NONE),
    LOWER(I32_STORE8, store8_SS, STORE, NONE),
    LOWER(I32_STORE16, store16_SS, STORE, NONE),
    LOWER(I64_STORE, store64_SS, STORE, NONE),
    LOWER(I64_STORE8, store8_SS, STORE, NONE),
    LOWER(I64_STORE16, store16_SS, STORE, NONE),
    LOWER(I64_STORE32, store32_SS, STORE, NONE),
    LOWER(F64_STORE, store64_SS, STORE, NONE),
    LOWER(F32_STORE, store32_SS, STORE, NONE),
};

uint16_t pick_far(enum op op)
{
    static const uint16_t handlers[OP_COUNT] = {
#define ROW(id, handler) FAR_ACCESS([OP_##id] = H_far_##handler, )
        ROW(I32_LOAD, load32_u) ROW(I64_LOAD32_U, load32_u) ROW(F32_LOAD, load32_u)
            ROW(I64_LOAD, load64) ROW(F64_LOAD, load64) ROW(I32_LOAD8_U, load8_u)
                ROW(I64_LOAD8_U, load8_u) ROW(I32_LOAD16_U, load16_u) ROW(I64_LOAD16_U, load16_u)
                    ROW(I32_LOAD8_S, i32_load8_s) ROW(I32_LOAD16_S, i32_load16_s)
                        ROW(I64_LOAD8_S, i64_load8_s) ROW(I64_LOAD16_S, i64_load16_s)
                            ROW(I64_LOAD32_S, i64_load32_s) ROW(I32_STORE8, store8)
                                ROW(I64_STORE8, store8) ROW(I32_STORE16, store16)
                                    ROW(I64_STORE16, store16) ROW(I32_STORE, store32)
                                        ROW(I64_STORE32, store32) ROW(F32_STORE, store32)
                                            ROW(I64_STORE, store64) ROW(F64_STORE, store64)
#undef ROW
    };
    return handlers[op];
}

/* Comparisons: value family, its inverse, whether that swaps, the two branch families. */
static const struct comparison {
    uint16_t family, inverse;
    bool inverse_swaps, has_inverse;
    struct branch_family branches;
} comparisons[] = {
#define INT_EQ(p, W, x, y)                                                                         \
    {                                                                                              \
        H_##p##_##x##_SSS, H_##p##_##y##_SSS, false, true,                                         \
        {                                                                                          \
            H_br_##p##_##x##_SSN, H_br_##p##_##y##_SSN, SHAPE_BRANCH##W, false                     \
        }                                                                                          \
    }
#define INT_LT(p, W, x, y)                                                                         \
    {                                                                                              \
        H_##p##_##x##_SSS, H_##p##_##y##_SSS, true, true,                                          \
        {                                                                                          \
            H_br_##p##_##x##_SSN, H_br_##p##_##y##_SSN, SHAPE_BRANCH##W, true                      \
        }                                                                                          \
    }
#define INT_ALL(p, W)                                                                              \
    INT_EQ(p, W, eq, ne), INT_EQ(p, W, ne, eq), INT_LT(p, W, lt_s, le_s),                          \
        INT_LT(p, W, le_s, lt_s), INT_LT(p, W, lt_u, le_u), INT_LT(p, W, le_u, lt_u)
#define FLOAT_ALL(p)                                                                               \
    {H_##p##_eq_SSS,                                                                               \
     H_##p##_ne_SSS,                                                                               \
     false,                                                                                        \
     true,                                                                                         \
     {H_br_##p##_eq_SSN, H_br_##p##_ne_SSN, SHAPE_FBRANCH, false}},                                \
        {H_##p##_ne_SSS,                                                                           \
         H_##p##_eq_SSS,                                                                           \
         false,                                                                                    \
         true,                                                                                     \
         {H_br_##p##_ne_SSN, H_br_##p##_eq_SSN, SHAPE_FBRANCH, false}},                            \
        {H_##p##_lt_SSS,                                                                           \
         0,                                                                                        \
         false,                                                                                    \
         false,                                                                                    \
         {H_br_##p##_lt_SSN, H_br_##p##_nlt_SSN, SHAPE_FBRANCH, false}},                           \
    {                                                                                              \
        H_##p##_le_SSS, 0, false, false,                                                           \
        {                                                                                          \
            H_br_##p##_le_SSN, H_br_##p##_nle_SSN, SHAPE_FBRANCH, false                            \
        }                                                                                          \
    }
    INT_ALL(i32, ),
    INT_ALL(i64, 64),
    FLOAT_ALL(f32),
    FLOAT_ALL(f64),
    {H_i32_and_SSS,
     0,
     false,
     false,
     {H_br_i32_test_nz_SSN, H_br_i32_test_z_SSN, SHAPE_BRANCH, false}},
};

static const struct comparison *find_comparison(uint16_t family)
{
    for (size_t i = 0; i < COUNT_OF(comparisons); i++)
        if (comparisons[i].family == family)
            return &comparisons[i];
    return NULL;
}

bool pick_branches(uint16_t family, struct branch_family *ret_branches)
{
    const struct comparison *found = find_comparison(family);
    if (found == NULL)
        return false;
    *ret_branches = found->branches;
    return true;
}

bool pick_inverse(uint16_t family, uint16_t *ret_family, bool *ret_swaps)
{
    const struct comparison *found = find_comparison(family);
    if (found == NULL || !found->has_inverse)
        return false;
    *ret_family = found->inverse;
    *ret_swaps = found->inverse_swaps;
    return true;
}

enum {
    PLACES = 3 + PIN_COUNT,      /* S C A 0 1 */
    DESTINATIONS = 2 + PIN_COUNT /* S A 0 1 */
};

/* S A 0 1: the order of destinations, and of rows of pairs. */
static uint32_t destination(unsigned place)
{
    static const uint8_t order[] = {
        [PLACE_S] = 0, [PLACE_C] = 99, [PLACE_A] = 1, [PLACE_0] = 2, [PLACE_1] = 3};
    return order[place];
}

/* The order of operand pairs in SHAPE_FULL: rows S A 0 1 over columns S C A 0 1, then C over
 * S A 0 1. */
static uint32_t full_pair(unsigned a, unsigned b)
{
    if (a == PLACE_C) {
        assert(b != PLACE_C);
        return DESTINATIONS * PLACES + destination(b);
    }
    return destination(a) * PLACES + b;
}

/* The order of unordered pairs in SHAPE_PAIR. */
static uint32_t unordered_pair(unsigned a, unsigned b)
{
    static const uint8_t with_pins[5][5] = {
        /*              S   C   A   0   1 */
        [PLACE_S] = {0, 1, 2, 3, 4},   [PLACE_C] = {1, 99, 5, 9, 12},  [PLACE_A] = {2, 5, 6, 7, 8},
        [PLACE_0] = {3, 9, 7, 10, 11}, [PLACE_1] = {4, 12, 8, 11, 13},
    };
    static const uint8_t without_pins[3][3] = {
        [PLACE_S] = {0, 1, 2},
        [PLACE_C] = {1, 99, 3},
        [PLACE_A] = {2, 3, 4},
    };
    return PIN_COUNT > 0 ? with_pins[a][b] : without_pins[a][b];
}

enum {
    FLOAT_PLACES = 1 + HAS_FLOAT_ACC, /* S F */
    MODES = 1 + HAS_METERED_BRANCHES, /* N F */
};

static uint32_t float_place(unsigned place)
{
    return place == PLACE_F ? 1 : 0;
}

/* SS SF FS SK FK KS KF FF; small builds have SS only. */
static uint32_t float_pair(unsigned a, unsigned b)
{
    if (!HAS_FLOAT_ACC)
        return 0;
    if (b == PLACE_K)
        return a == PLACE_F ? 4 : 3;
    if (a == PLACE_K)
        return b == PLACE_F ? 6 : 5;
    if (a == PLACE_F)
        return b == PLACE_F ? 7 : 2;
    return b == PLACE_F ? 1 : 0;
}

static uint32_t move_handler(unsigned from, unsigned to)
{
    static const uint16_t handlers[7][5] = {
        [PLACE_S] = {H_move_SS, 0, 0, PINNED(H_move_S0, H_move_S1)},
        [PLACE_C] = {H_move_CS, 0, 0, PINNED(H_move_C0, H_move_C1)},
        [PLACE_A] = {H_move_AS, 0, 0, PINNED(H_move_A0, H_move_A1)},
        [PLACE_K] = {H_move_KS, 0, 0, PINNED(H_move_K0, H_move_K1)},
        PINNED([PLACE_0] = {H_move_0S, 0, 0, H_move_00, H_move_01},
               [PLACE_1] = {H_move_1S, 0, 0, H_move_10, H_move_11}, )};
    return handlers[from][to];
}

/* The shapes of 64-bit operands: as the others, or over slots and constants alone. */
static uint32_t wide_index(const struct ins *i)
{
    unsigned a = i->pa, b = i->pb, d = i->pd;
    switch ((enum shape)i->shape) {
    case SHAPE_FULL64:
        if (HAS_WIDE_PLACES)
            return full_pair(a, b) * DESTINATIONS + destination(d);
        break;
    case SHAPE_PAIR64:
        if (HAS_WIDE_PLACES)
            return unordered_pair(a, b) * DESTINATIONS + destination(d);
        break;
    case SHAPE_CMP64:
        if (HAS_WIDE_PLACES)
            return full_pair(a, b) * 2 + destination(d);
        break;
    case SHAPE_BRANCH64:
        if (HAS_WIDE_PLACES)
            return full_pair(a, b) * MODES + i->is_metered;
        break;
    default:
        return HAS_WIDE_PLACES ? destination(a) * DESTINATIONS + destination(d) : 0;
    }
    /* SS SC CS */
    return a == PLACE_C ? 2 : b == PLACE_C ? 1 : 0;
}

uint32_t pick_handler(const struct ins *i)
{
    unsigned a = i->pa, b = i->pb, d = i->pd;
    switch ((enum shape)i->shape) {
    case SHAPE_ONE:
    case SHAPE_DATA:
        return i->family;
    case SHAPE_FULL:
        return i->family + full_pair(a, b) * DESTINATIONS + destination(d);
    case SHAPE_PAIR:
        return i->family + unordered_pair(a, b) * DESTINATIONS + destination(d);
    case SHAPE_CMP:
        return i->family + full_pair(a, b) * 2 + destination(d);
    case SHAPE_BRANCH:
        return i->family + full_pair(a, b) * MODES + i->is_metered;
    case SHAPE_UNARY:
        return i->family + destination(a) * DESTINATIONS + destination(d);
    case SHAPE_FULL64:
    case SHAPE_PAIR64:
    case SHAPE_CMP64:
    case SHAPE_BRANCH64:
    case SHAPE_UNARY64:
        return i->family + wide_index(i);
    case SHAPE_LOAD:
        return i->family + a * DESTINATIONS + destination(d);
    case SHAPE_FLOAD:
        return i->family + a * FLOAT_PLACES + float_place(d);
    case SHAPE_STORE:
        return i->family + a * PLACES + b;
    case SHAPE_FSTORE:
        return i->family + a;
    case SHAPE_FLOAT:
        return i->family + float_pair(a, b) * FLOAT_PLACES + float_place(d);
    case SHAPE_FCMP:
        return i->family + (HAS_FLOAT_ACC ? float_pair(a, b) * 2 + destination(d) : 0);
    case SHAPE_FBRANCH:
        return i->family + (float_place(a) * 2 + float_place(b)) * MODES + i->is_metered;
    case SHAPE_FUNARY:
        return i->family + float_place(a) * FLOAT_PLACES + float_place(d);
    case SHAPE_CONVERT:
        return i->family + destination(a) * FLOAT_PLACES + float_place(d);
    case SHAPE_TRUNC:
        return i->family + float_place(a);
    case SHAPE_FSLOW:
        return i->family;
    case SHAPE_DIVIDE:
        return i->family + (b == PLACE_C);
    case SHAPE_SELECT:
        if (!HAS_SELECT_PLACES)
            return i->family;
        /* The condition's place is kept in `chain`, which no select needs otherwise. */
        return i->family +
               (((a == PLACE_C) * 2u + (b == PLACE_C)) * 2 + (i->chain == PLACE_A)) * DESTINATIONS +
               destination(d);
    case SHAPE_MOVE:
        return move_handler(a, d);
    case SHAPE_GET:
        return i->family + destination(d);
    case SHAPE_SET:
        return i->family + b;
    case SHAPE_JUMP:
        return i->family + i->is_metered;
    case SHAPE_TABLE_JUMP:
        return i->family + destination(a);
    }
    return i->family;
}
