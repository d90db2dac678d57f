/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operators of wasm/op.def with prefix 0xfd by what their functions in simd.h look like. Each is
 * in exactly one list; the unit test of simd.h compares them with op.def.
 */
#ifndef INTERP_SIMD_LISTS_H
#define INTERP_SIMD_LISTS_H

/* v128 to v128. */
#define SIMD_LIST_V_V(X)                                                                           \
    X(V128_NOT) X(F32X4_DEMOTE_F64X2_ZERO) X(F64X2_PROMOTE_LOW_F32X4) X(I8X16_ABS) X(I8X16_NEG)    \
    X(I8X16_POPCNT) X(F32X4_CEIL) X(F32X4_FLOOR) X(F32X4_TRUNC) X(F32X4_NEAREST) X(F64X2_CEIL)     \
    X(F64X2_FLOOR) X(F64X2_TRUNC) X(I16X8_EXTADD_PAIRWISE_I8X16_S)                                 \
    X(I16X8_EXTADD_PAIRWISE_I8X16_U) X(I32X4_EXTADD_PAIRWISE_I16X8_S)                              \
    X(I32X4_EXTADD_PAIRWISE_I16X8_U) X(I16X8_ABS) X(I16X8_NEG) X(I16X8_EXTEND_LOW_I8X16_S)         \
    X(I16X8_EXTEND_HIGH_I8X16_S) X(I16X8_EXTEND_LOW_I8X16_U) X(I16X8_EXTEND_HIGH_I8X16_U)          \
    X(F64X2_NEAREST) X(I32X4_ABS) X(I32X4_NEG) X(I32X4_EXTEND_LOW_I16X8_S)                         \
    X(I32X4_EXTEND_HIGH_I16X8_S) X(I32X4_EXTEND_LOW_I16X8_U) X(I32X4_EXTEND_HIGH_I16X8_U)          \
    X(I64X2_ABS) X(I64X2_NEG) X(I64X2_EXTEND_LOW_I32X4_S) X(I64X2_EXTEND_HIGH_I32X4_S)             \
    X(I64X2_EXTEND_LOW_I32X4_U) X(I64X2_EXTEND_HIGH_I32X4_U) X(F32X4_ABS) X(F32X4_NEG)             \
    X(F32X4_SQRT) X(F64X2_ABS) X(F64X2_NEG) X(F64X2_SQRT) X(I32X4_TRUNC_SAT_F32X4_S)               \
    X(I32X4_TRUNC_SAT_F32X4_U) X(F32X4_CONVERT_I32X4_S) X(F32X4_CONVERT_I32X4_U)                   \
    X(I32X4_TRUNC_SAT_F64X2_S_ZERO) X(I32X4_TRUNC_SAT_F64X2_U_ZERO) X(F64X2_CONVERT_LOW_I32X4_S)   \
    X(F64X2_CONVERT_LOW_I32X4_U) X(I32X4_RELAXED_TRUNC_F32X4_S) X(I32X4_RELAXED_TRUNC_F32X4_U)     \
    X(I32X4_RELAXED_TRUNC_F64X2_S_ZERO) X(I32X4_RELAXED_TRUNC_F64X2_U_ZERO)

/* Two v128 to v128. */
#define SIMD_LIST_VV_V(X)                                                                          \
    X(I8X16_SWIZZLE) X(I8X16_EQ) X(I8X16_NE) X(I8X16_LT_S) X(I8X16_LT_U) X(I8X16_GT_S)             \
    X(I8X16_GT_U) X(I8X16_LE_S) X(I8X16_LE_U) X(I8X16_GE_S) X(I8X16_GE_U) X(I16X8_EQ)              \
    X(I16X8_NE) X(I16X8_LT_S) X(I16X8_LT_U) X(I16X8_GT_S) X(I16X8_GT_U) X(I16X8_LE_S)              \
    X(I16X8_LE_U) X(I16X8_GE_S) X(I16X8_GE_U) X(I32X4_EQ) X(I32X4_NE) X(I32X4_LT_S)                \
    X(I32X4_LT_U) X(I32X4_GT_S) X(I32X4_GT_U) X(I32X4_LE_S) X(I32X4_LE_U) X(I32X4_GE_S)            \
    X(I32X4_GE_U) X(F32X4_EQ) X(F32X4_NE) X(F32X4_LT) X(F32X4_GT) X(F32X4_LE) X(F32X4_GE)          \
    X(F64X2_EQ) X(F64X2_NE) X(F64X2_LT) X(F64X2_GT) X(F64X2_LE) X(F64X2_GE) X(V128_AND)            \
    X(V128_ANDNOT) X(V128_OR) X(V128_XOR) X(I8X16_NARROW_I16X8_S) X(I8X16_NARROW_I16X8_U)          \
    X(I8X16_ADD) X(I8X16_ADD_SAT_S) X(I8X16_ADD_SAT_U) X(I8X16_SUB) X(I8X16_SUB_SAT_S)             \
    X(I8X16_SUB_SAT_U) X(I8X16_MIN_S) X(I8X16_MIN_U) X(I8X16_MAX_S) X(I8X16_MAX_U)                 \
    X(I8X16_AVGR_U) X(I16X8_Q15MULR_SAT_S) X(I16X8_NARROW_I32X4_S) X(I16X8_NARROW_I32X4_U)         \
    X(I16X8_ADD) X(I16X8_ADD_SAT_S) X(I16X8_ADD_SAT_U) X(I16X8_SUB) X(I16X8_SUB_SAT_S)             \
    X(I16X8_SUB_SAT_U) X(I16X8_MUL) X(I16X8_MIN_S) X(I16X8_MIN_U) X(I16X8_MAX_S) X(I16X8_MAX_U)    \
    X(I16X8_AVGR_U) X(I16X8_EXTMUL_LOW_I8X16_S) X(I16X8_EXTMUL_HIGH_I8X16_S)                       \
    X(I16X8_EXTMUL_LOW_I8X16_U) X(I16X8_EXTMUL_HIGH_I8X16_U) X(I32X4_ADD) X(I32X4_SUB)             \
    X(I32X4_MUL) X(I32X4_MIN_S) X(I32X4_MIN_U) X(I32X4_MAX_S) X(I32X4_MAX_U)                       \
    X(I32X4_DOT_I16X8_S) X(I32X4_EXTMUL_LOW_I16X8_S) X(I32X4_EXTMUL_HIGH_I16X8_S)                  \
    X(I32X4_EXTMUL_LOW_I16X8_U) X(I32X4_EXTMUL_HIGH_I16X8_U) X(I64X2_ADD) X(I64X2_SUB)             \
    X(I64X2_MUL) X(I64X2_EQ) X(I64X2_NE) X(I64X2_LT_S) X(I64X2_GT_S) X(I64X2_LE_S) X(I64X2_GE_S)   \
    X(I64X2_EXTMUL_LOW_I32X4_S) X(I64X2_EXTMUL_HIGH_I32X4_S) X(I64X2_EXTMUL_LOW_I32X4_U)           \
    X(I64X2_EXTMUL_HIGH_I32X4_U) X(F32X4_ADD) X(F32X4_SUB) X(F32X4_MUL) X(F32X4_DIV)               \
    X(F32X4_MIN) X(F32X4_MAX) X(F32X4_PMIN) X(F32X4_PMAX) X(F64X2_ADD) X(F64X2_SUB) X(F64X2_MUL)   \
    X(F64X2_DIV) X(F64X2_MIN) X(F64X2_MAX) X(F64X2_PMIN) X(F64X2_PMAX) X(I8X16_RELAXED_SWIZZLE)    \
    X(F32X4_RELAXED_MIN) X(F32X4_RELAXED_MAX) X(F64X2_RELAXED_MIN) X(F64X2_RELAXED_MAX)            \
    X(I16X8_RELAXED_Q15MULR_S) X(I16X8_RELAXED_DOT_I8X16_I7X16_S)

/* Three v128 to v128. */
#define SIMD_LIST_VVV_V(X)                                                                         \
    X(V128_BITSELECT) X(F32X4_RELAXED_MADD) X(F32X4_RELAXED_NMADD) X(F64X2_RELAXED_MADD)           \
    X(F64X2_RELAXED_NMADD) X(I8X16_RELAXED_LANESELECT) X(I16X8_RELAXED_LANESELECT)                 \
    X(I32X4_RELAXED_LANESELECT) X(I64X2_RELAXED_LANESELECT)                                        \
    X(I32X4_RELAXED_DOT_I8X16_I7X16_ADD_S)

/* v128 and shift count to v128. */
#define SIMD_LIST_VI_V(X)                                                                          \
    X(I8X16_SHL) X(I8X16_SHR_S) X(I8X16_SHR_U) X(I16X8_SHL) X(I16X8_SHR_S) X(I16X8_SHR_U)          \
    X(I32X4_SHL) X(I32X4_SHR_S) X(I32X4_SHR_U) X(I64X2_SHL) X(I64X2_SHR_S) X(I64X2_SHR_U)

/* v128 to i32. */
#define SIMD_LIST_V_I(X)                                                                           \
    X(V128_ANY_TRUE) X(I8X16_ALL_TRUE) X(I8X16_BITMASK) X(I16X8_ALL_TRUE) X(I16X8_BITMASK)         \
    X(I32X4_ALL_TRUE) X(I32X4_BITMASK) X(I64X2_ALL_TRUE) X(I64X2_BITMASK)

/* One value to all lanes, by type of the value. */
#define SIMD_LIST_SPLAT_I32(X)                                                                     \
    X(I8X16_SPLAT) X(I16X8_SPLAT) X(I32X4_SPLAT)
#define SIMD_LIST_SPLAT_I64(X) X(I64X2_SPLAT)

#define SIMD_LIST_SPLAT_F32(X) X(F32X4_SPLAT)

#define SIMD_LIST_SPLAT_F64(X) X(F64X2_SPLAT)

/* A lane, immediate, out of a v128, by type of the result. */
#define SIMD_LIST_EXTRACT_I32(X)                                                                   \
    X(I8X16_EXTRACT_LANE_S) X(I8X16_EXTRACT_LANE_U) X(I16X8_EXTRACT_LANE_S)                        \
    X(I16X8_EXTRACT_LANE_U) X(I32X4_EXTRACT_LANE)

#define SIMD_LIST_EXTRACT_I64(X) X(I64X2_EXTRACT_LANE)

#define SIMD_LIST_EXTRACT_F32(X) X(F32X4_EXTRACT_LANE)

#define SIMD_LIST_EXTRACT_F64(X) X(F64X2_EXTRACT_LANE)

/* A lane, immediate, of a v128 replaced, by type of the value. */
#define SIMD_LIST_REPLACE_I32(X)                                                                   \
    X(I8X16_REPLACE_LANE) X(I16X8_REPLACE_LANE) X(I32X4_REPLACE_LANE)

#define SIMD_LIST_REPLACE_I64(X) X(I64X2_REPLACE_LANE)

#define SIMD_LIST_REPLACE_F32(X) X(F32X4_REPLACE_LANE)

#define SIMD_LIST_REPLACE_F64(X) X(F64X2_REPLACE_LANE)

/* The two with 16 immediate bytes. */
#define SIMD_LIST_SHUFFLE(X) X(I8X16_SHUFFLE)

#define SIMD_LIST_CONST(X) X(V128_CONST)

/* Memory, with the bytes accessed. */
#define SIMD_LIST_LOAD(X)                                                                          \
    X(V128_LOAD, 16) X(V128_LOAD8X8_S, 8) X(V128_LOAD8X8_U, 8) X(V128_LOAD16X4_S, 8)               \
    X(V128_LOAD16X4_U, 8) X(V128_LOAD32X2_S, 8) X(V128_LOAD32X2_U, 8) X(V128_LOAD8_SPLAT, 1)       \
    X(V128_LOAD16_SPLAT, 2) X(V128_LOAD32_SPLAT, 4) X(V128_LOAD64_SPLAT, 8)                        \
    X(V128_LOAD32_ZERO, 4) X(V128_LOAD64_ZERO, 8)

#define SIMD_LIST_STORE(X) X(V128_STORE, 16)

/* Memory, with the bytes accessed; a lane of the v128 operand is loaded or stored. */
#define SIMD_LIST_LOAD_LANE(X)                                                                     \
    X(V128_LOAD8_LANE, 1) X(V128_LOAD16_LANE, 2) X(V128_LOAD32_LANE, 4) X(V128_LOAD64_LANE, 8)

#define SIMD_LIST_STORE_LANE(X)                                                                    \
    X(V128_STORE8_LANE, 1) X(V128_STORE16_LANE, 2) X(V128_STORE32_LANE, 4)                         \
    X(V128_STORE64_LANE, 8)

#endif
