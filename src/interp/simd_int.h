/* SPDX-License-Identifier: Apache-2.0 */
/* Vector operators on integer lanes and on bits; see simd.h. */
#ifndef INTERP_SIMD_INT_H
#define INTERP_SIMD_INT_H

#include "interp/simd_types.h"

/* ---- Bits -------------------------------------------------------------------------------- */

SIMD_V_V(V128_NOT, u64x2, ~a)
SIMD_VV_V(V128_AND, u64x2, a & b)
SIMD_VV_V(V128_ANDNOT, u64x2, a & ~b)
SIMD_VV_V(V128_OR, u64x2, a | b)
SIMD_VV_V(V128_XOR, u64x2, a ^ b)
SIMD_VVV_V(V128_BITSELECT, u64x2, SIMD_SELECT(c, a, b))
SIMD_VVV_V(I8X16_RELAXED_LANESELECT, u64x2, SIMD_SELECT(c, a, b))
SIMD_VVV_V(I16X8_RELAXED_LANESELECT, u64x2, SIMD_SELECT(c, a, b))
SIMD_VVV_V(I32X4_RELAXED_LANESELECT, u64x2, SIMD_SELECT(c, a, b))
SIMD_VVV_V(I64X2_RELAXED_LANESELECT, u64x2, SIMD_SELECT(c, a, b))

static inline uint32_t simd_V128_ANY_TRUE(v128 va)
{
    const u64x2 a = (u64x2)va;
    return (a[0] | a[1]) != 0;
}

/* ---- All shapes -------------------------------------------------------------------------- */

#define SIMD_SHIFT(id, type, bits, operator)                                                       \
    static inline v128 simd_##id(v128 va, uint32_t count)                                          \
    {                                                                                              \
        return (v128)((type)va operator(count & ((bits) - 1)));                                    \
    }

#define SIMD_INT(SHAPE, u, i, bits)                                                                \
    SIMD_VV_V(SHAPE##_ADD, u, a + b)                                                               \
    SIMD_VV_V(SHAPE##_SUB, u, a - b)                                                               \
    SIMD_V_V(SHAPE##_NEG, u, -a)                                                                   \
    SIMD_V_V(SHAPE##_ABS, u, (a ^ (u)((i)a < 0)) - (u)((i)a < 0))                                  \
    SIMD_VV_V(SHAPE##_EQ, i, a == b)                                                               \
    SIMD_VV_V(SHAPE##_NE, i, a != b)                                                               \
    SIMD_VV_V(SHAPE##_LT_S, i, a < b)                                                              \
    SIMD_VV_V(SHAPE##_GT_S, i, a > b)                                                              \
    SIMD_VV_V(SHAPE##_LE_S, i, a <= b)                                                             \
    SIMD_VV_V(SHAPE##_GE_S, i, a >= b)                                                             \
    SIMD_SHIFT(SHAPE##_SHL, u, bits, <<)                                                           \
    SIMD_SHIFT(SHAPE##_SHR_S, i, bits, >>)                                                         \
    SIMD_SHIFT(SHAPE##_SHR_U, u, bits, >>)                                                         \
    static inline uint32_t simd_##SHAPE##_ALL_TRUE(v128 va)                                        \
    {                                                                                              \
        return simd_V128_ANY_TRUE((v128)((u)va == 0)) ^ 1;                                         \
    }

SIMD_INT(I8X16, u8x16, i8x16, 8)
SIMD_INT(I16X8, u16x8, i16x8, 16)
SIMD_INT(I32X4, u32x4, i32x4, 32)
SIMD_INT(I64X2, u64x2, i64x2, 64)

/*
 * Bit masks: a multiplication moves the sign bits of eight (four) lanes side by side to the top;
 * no two of its partial products meet, so that nothing carries.
 */
static inline uint32_t simd_I8X16_BITMASK(v128 va)
{
    const u64x2 signs = (u64x2)(va & 0x80);
    return (uint32_t)(signs[0] * 0x0002040810204081 >> 56 |
                      (signs[1] * 0x0002040810204081 >> 56) << 8);
}

static inline uint32_t simd_I16X8_BITMASK(v128 va)
{
    const u64x2 signs = (u64x2)((u16x8)va & 0x8000);
    return (uint32_t)(signs[0] * 0x0000200040008001 >> 60 |
                      (signs[1] * 0x0000200040008001 >> 60) << 4);
}

static inline uint32_t simd_I32X4_BITMASK(v128 va)
{
    const u64x2 a = (u64x2)va;
    return (uint32_t)((a[0] >> 31 & 1) | (a[0] >> 62 & 2) | (a[1] >> 29 & 4) | (a[1] >> 60 & 8));
}

static inline uint32_t simd_I64X2_BITMASK(v128 va)
{
    const u64x2 a = (u64x2)va;
    return (uint32_t)(a[0] >> 63 | a[1] >> 63 << 1);
}

/* ---- Lanes of up to 32 bits -------------------------------------------------------------- */

#define SIMD_INT_ORDER(SHAPE, u, i)                                                                \
    SIMD_VV_V(SHAPE##_LT_U, u, a < b)                                                              \
    SIMD_VV_V(SHAPE##_GT_U, u, a > b)                                                              \
    SIMD_VV_V(SHAPE##_LE_U, u, a <= b)                                                             \
    SIMD_VV_V(SHAPE##_GE_U, u, a >= b)                                                             \
    SIMD_VV_V(SHAPE##_MIN_S, i, SIMD_SELECT(a < b, a, b))                                          \
    SIMD_VV_V(SHAPE##_MIN_U, u, SIMD_SELECT((u)(a < b), a, b))                                     \
    SIMD_VV_V(SHAPE##_MAX_S, i, SIMD_SELECT(a > b, a, b))                                          \
    SIMD_VV_V(SHAPE##_MAX_U, u, SIMD_SELECT((u)(a > b), a, b))

SIMD_INT_ORDER(I8X16, u8x16, i8x16)
SIMD_INT_ORDER(I16X8, u16x8, i16x8)
SIMD_INT_ORDER(I32X4, u32x4, i32x4)

/* ---- Saturation, lanes of 8 and 16 bits -------------------------------------------------- */

/* `result` is computed on `wide`, clamped and narrowed to `narrow`. */
#define SIMD_CLAMPED(id, wide, smallest, largest, narrow, first, second, result)                   \
    static inline v128 simd_##id(v128 va, v128 vb)                                                 \
    {                                                                                              \
        const wide a = first, b = second;                                                          \
        wide r = (result);                                                                         \
        const wide below = r < (smallest);                                                         \
        r = (r & ~below) | (below & (smallest));                                                   \
        const wide above = r > (largest);                                                          \
        r = (r & ~above) | (above & (largest));                                                    \
        return (v128)__builtin_convertvector(r, narrow);                                           \
    }

#define SIMD_INT_SATURATE(SHAPE, u, i, wide, smallest, largest)                                    \
    SIMD_CLAMPED(SHAPE##_ADD_SAT_S, wide, smallest, largest, i,                                    \
                 __builtin_convertvector((i)va, wide), __builtin_convertvector((i)vb, wide),       \
                 a + b)                                                                            \
    SIMD_CLAMPED(SHAPE##_SUB_SAT_S, wide, smallest, largest, i,                                    \
                 __builtin_convertvector((i)va, wide), __builtin_convertvector((i)vb, wide),       \
                 a - b)                                                                            \
    SIMD_VV_V(SHAPE##_ADD_SAT_U, u, (a + b) | (u)(a + b < a))                                      \
    SIMD_VV_V(SHAPE##_SUB_SAT_U, u, (a - b) & (u)(a > b))                                          \
    SIMD_VV_V(SHAPE##_AVGR_U, u, (a | b) - ((a ^ b) >> 1))

SIMD_INT_SATURATE(I8X16, u8x16, i8x16, i16x16, INT8_MIN, INT8_MAX)
SIMD_INT_SATURATE(I16X8, u16x8, i16x8, i32x8, INT16_MIN, INT16_MAX)

/* Both operands behind each other are `r`. */
#define SIMD_BOTH_16 __builtin_shufflevector((i16x8)va, (i16x8)vb, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9,    \
                                             10, 11, 12, 13, 14, 15)
#define SIMD_BOTH_32 __builtin_shufflevector((i32x4)va, (i32x4)vb, 0, 1, 2, 3, 4, 5, 6, 7)

#define SIMD_NARROW(id, wide, both, smallest, largest, narrow)                                     \
    static inline v128 simd_##id(v128 va, v128 vb)                                                 \
    {                                                                                              \
        wide r = both;                                                                             \
        const wide below = r < (smallest);                                                         \
        r = (r & ~below) | (below & (smallest));                                                   \
        const wide above = r > (largest);                                                          \
        r = (r & ~above) | (above & (largest));                                                    \
        return (v128)__builtin_convertvector(r, narrow);                                           \
    }

SIMD_NARROW(I8X16_NARROW_I16X8_S, i16x16, SIMD_BOTH_16, INT8_MIN, INT8_MAX, i8x16)
SIMD_NARROW(I8X16_NARROW_I16X8_U, i16x16, SIMD_BOTH_16, 0, UINT8_MAX, u8x16)
SIMD_NARROW(I16X8_NARROW_I32X4_S, i32x8, SIMD_BOTH_32, INT16_MIN, INT16_MAX, i16x8)
SIMD_NARROW(I16X8_NARROW_I32X4_U, i32x8, SIMD_BOTH_32, 0, UINT16_MAX, u16x8)

/* (a * b + 0x4000) >> 15 leaves 16 bits only for -32768 * -32768, which narrows to -32768. */
static inline v128 simd_I16X8_Q15MULR_SAT_S(v128 va, v128 vb)
{
    const i32x8 product = __builtin_convertvector((i16x8)va, i32x8) *
                          __builtin_convertvector((i16x8)vb, i32x8);
    const i16x8 r = __builtin_convertvector((product + 0x4000) >> 15, i16x8);
    return (v128)(r ^ (r == INT16_MIN));
}

static inline v128 simd_I16X8_RELAXED_Q15MULR_S(v128 va, v128 vb)
{
    return simd_I16X8_Q15MULR_SAT_S(va, vb);
}

/* ---- Products, population count ---------------------------------------------------------- */

SIMD_VV_V(I16X8_MUL, u16x8, a * b)
SIMD_VV_V(I32X4_MUL, u32x4, a * b)
SIMD_VV_V(I64X2_MUL, u64x2, a * b)

static inline v128 simd_I8X16_POPCNT(v128 va)
{
    u8x16 x = va;
    x -= x >> 1 & 0x55;
    x = (x & 0x33) + (x >> 2 & 0x33);
    return (x + (x >> 4)) & 0x0f;
}

/* pmaddwd. */
static inline v128 simd_I32X4_DOT_I16X8_S(v128 va, v128 vb)
{
    const u32x8 product = (u32x8)(__builtin_convertvector((i16x8)va, i32x8) *
                                  __builtin_convertvector((i16x8)vb, i32x8));
    return (v128)(__builtin_shufflevector(product, product, 0, 2, 4, 6) +
                  __builtin_shufflevector(product, product, 1, 3, 5, 7));
}

/* ---- Extension --------------------------------------------------------------------------- */

/* The low (high) lanes of `a` and `b`, alternating. */
static inline v128 simd_interleave_low_8(v128 a, v128 b)
{
    return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

static inline v128 simd_interleave_high_8(v128 a, v128 b)
{
    return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15,
                                   31);
}

static inline v128 simd_interleave_low_16(v128 a, v128 b)
{
    return (v128)__builtin_shufflevector((u16x8)a, (u16x8)b, 0, 8, 1, 9, 2, 10, 3, 11);
}

static inline v128 simd_interleave_high_16(v128 a, v128 b)
{
    return (v128)__builtin_shufflevector((u16x8)a, (u16x8)b, 4, 12, 5, 13, 6, 14, 7, 15);
}

static inline v128 simd_interleave_low_32(v128 a, v128 b)
{
    return (v128)__builtin_shufflevector((u32x4)a, (u32x4)b, 0, 4, 1, 5);
}

static inline v128 simd_interleave_high_32(v128 a, v128 b)
{
    return (v128)__builtin_shufflevector((u32x4)a, (u32x4)b, 2, 6, 3, 7);
}

/* Lanes are extended by interleaving them with their upper halves: signs or zeros. */
#define SIMD_INT_EXTEND(WIDE, NARROW, u, i, bits)                                                  \
    SIMD_V_V(WIDE##_EXTEND_LOW_##NARROW##_S, i, simd_interleave_low_##bits(va, (v128)(a < 0)))     \
    SIMD_V_V(WIDE##_EXTEND_HIGH_##NARROW##_S, i, simd_interleave_high_##bits(va, (v128)(a < 0)))   \
    SIMD_V_V(WIDE##_EXTEND_LOW_##NARROW##_U, u, simd_interleave_low_##bits(va, (v128)(a ^ a)))     \
    SIMD_V_V(WIDE##_EXTEND_HIGH_##NARROW##_U, u, simd_interleave_high_##bits(va, (v128)(a ^ a)))

SIMD_INT_EXTEND(I16X8, I8X16, u8x16, i8x16, 8)
SIMD_INT_EXTEND(I32X4, I16X8, u16x8, i16x8, 16)
SIMD_INT_EXTEND(I64X2, I32X4, u32x4, i32x4, 32)

#define SIMD_INT_EXTMUL(WIDE, WHICH, wide)                                                         \
    static inline v128 simd_##WIDE##_EXTMUL_##WHICH(v128 va, v128 vb)                              \
    {                                                                                              \
        return (v128)((wide)simd_##WIDE##_EXTEND_##WHICH(va) *                                     \
                      (wide)simd_##WIDE##_EXTEND_##WHICH(vb));                                     \
    }

SIMD_INT_EXTMUL(I16X8, LOW_I8X16_S, u16x8)
SIMD_INT_EXTMUL(I16X8, HIGH_I8X16_S, u16x8)
SIMD_INT_EXTMUL(I16X8, LOW_I8X16_U, u16x8)
SIMD_INT_EXTMUL(I16X8, HIGH_I8X16_U, u16x8)
SIMD_INT_EXTMUL(I64X2, LOW_I32X4_S, u64x2)
SIMD_INT_EXTMUL(I64X2, HIGH_I32X4_S, u64x2)
SIMD_INT_EXTMUL(I64X2, LOW_I32X4_U, u64x2)
SIMD_INT_EXTMUL(I64X2, HIGH_I32X4_U, u64x2)

/* In this form 16-bit multiplications do it; SSE2 has none of four times 32 bits. */
#define SIMD_INT_EXTMUL_16(WHICH, type, half, wide, ...)                                           \
    static inline v128 simd_I32X4_EXTMUL_##WHICH(v128 va, v128 vb)                                 \
    {                                                                                              \
        const half a = __builtin_shufflevector((type)va, (type)va, __VA_ARGS__);                   \
        const half b = __builtin_shufflevector((type)vb, (type)vb, __VA_ARGS__);                   \
        return (v128)(__builtin_convertvector(a, wide) * __builtin_convertvector(b, wide));        \
    }

SIMD_INT_EXTMUL_16(LOW_I16X8_S, i16x8, i16x4, i32x4, 0, 1, 2, 3)
SIMD_INT_EXTMUL_16(HIGH_I16X8_S, i16x8, i16x4, i32x4, 4, 5, 6, 7)
SIMD_INT_EXTMUL_16(LOW_I16X8_U, u16x8, u16x4, u32x4, 0, 1, 2, 3)
SIMD_INT_EXTMUL_16(HIGH_I16X8_U, u16x8, u16x4, u32x4, 4, 5, 6, 7)

SIMD_V_V(I16X8_EXTADD_PAIRWISE_I8X16_S, u16x8, ((i16x8)(a << 8) >> 8) + ((i16x8)a >> 8))
SIMD_V_V(I16X8_EXTADD_PAIRWISE_I8X16_U, u16x8, (a & 0xff) + (a >> 8))
SIMD_V_V(I32X4_EXTADD_PAIRWISE_I16X8_S, u32x4, ((i32x4)(a << 16) >> 16) + ((i32x4)a >> 16))
SIMD_V_V(I32X4_EXTADD_PAIRWISE_I16X8_U, u32x4, (a & 0xffff) + (a >> 16))

/* Signed times signed; the sum of two products wraps. */
static inline v128 simd_I16X8_RELAXED_DOT_I8X16_I7X16_S(v128 va, v128 vb)
{
    const u16x16 product = (u16x16)(__builtin_convertvector((i8x16)va, i16x16) *
                                    __builtin_convertvector((i8x16)vb, i16x16));
    return (v128)(__builtin_shufflevector(product, product, 0, 2, 4, 6, 8, 10, 12, 14) +
                  __builtin_shufflevector(product, product, 1, 3, 5, 7, 9, 11, 13, 15));
}

static inline v128 simd_I32X4_RELAXED_DOT_I8X16_I7X16_ADD_S(v128 va, v128 vb, v128 vc)
{
    const v128 dot = simd_I16X8_RELAXED_DOT_I8X16_I7X16_S(va, vb);
    return simd_I32X4_ADD(simd_I32X4_EXTADD_PAIRWISE_I16X8_S(dot), vc);
}

#endif
