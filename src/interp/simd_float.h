/* SPDX-License-Identifier: Apache-2.0 */
/* Vector operators on float lanes; see simd.h. NaNs as in numeric.h. */
#ifndef INTERP_SIMD_FLOAT_H
#define INTERP_SIMD_FLOAT_H

#include "interp/numeric.h"
#include "interp/simd_types.h"

/* ---- Both shapes ------------------------------------------------------------------------- */

/* One lane after the other, where the compiler makes one instruction of it. */
#define SIMD_LANEWISE(id, f, lanes, scalar)                                                        \
    static inline v128 simd_##id(v128 va)                                                          \
    {                                                                                              \
        f a = (f)va;                                                                               \
        for (int lane = 0; lane < (lanes); lane++)                                                 \
            a[lane] = scalar(a[lane]);                                                             \
        return (v128)a;                                                                            \
    }

/*
 * Minimum and maximum. Taking the operands in both orders and joining the results gives zeros the
 * right sign; NaNs are put in last. minps and maxps do the selections.
 */
#define SIMD_FLOAT_EXTREME(id, f, i, before, join, canonical_nan)                                  \
    static inline v128 simd_##id(v128 va, v128 vb)                                                 \
    {                                                                                              \
        const f a = (f)va, b = (f)vb;                                                              \
        const i nan = (a != a) | (b != b);                                                         \
        const i r = SIMD_SELECT((i)(a before b), (i)a, (i)b)                                       \
            join SIMD_SELECT((i)(b before a), (i)b, (i)a);                                         \
        return (v128)((r & ~nan) | (nan & (canonical_nan)));                                       \
    }

/* As NUM_ROUNDING in numeric.h: the ways are the same, in masks. */
#define SIMD_FLOAT_ROUND(SHAPE, f, i, lanes, scalar, sign, magic)                                  \
    SIMD_LANEWISE(SHAPE##_nearest_by_lane, f, lanes, scalar##_nearest)                             \
    SIMD_LANEWISE(SHAPE##_trunc_by_lane, f, lanes, scalar##_trunc)                                 \
    SIMD_LANEWISE(SHAPE##_floor_by_lane, f, lanes, scalar##_floor)                                 \
    SIMD_LANEWISE(SHAPE##_ceil_by_lane, f, lanes, scalar##_ceil)                                   \
    static inline v128 simd_##SHAPE##_round_magnitude(v128 va)                                     \
    {                                                                                              \
        const f magnitude = (f)((i)va & ~(sign));                                                  \
        const f number = (f){0} + (magic);                                                         \
        const f big = (f)((i)number & (i)(magnitude < number));                                    \
        return (v128)(magnitude + big - big);                                                      \
    }                                                                                              \
    static inline v128 simd_##SHAPE##_NEAREST(v128 va)                                             \
    {                                                                                              \
        if (NUM_ROUNDS_IN_HARDWARE)                                                                \
            return simd_##SHAPE##_nearest_by_lane(va);                                             \
        return (v128)((i)simd_##SHAPE##_round_magnitude(va) | ((i)va & (sign)));                   \
    }                                                                                              \
    static inline v128 simd_##SHAPE##_TRUNC(v128 va)                                               \
    {                                                                                              \
        if (NUM_ROUNDS_IN_HARDWARE)                                                                \
            return simd_##SHAPE##_trunc_by_lane(va);                                               \
        const f rounded = (f)simd_##SHAPE##_round_magnitude(va);                                   \
        const i past = rounded > (f)((i)va & ~(sign));                                             \
        return (v128)((i)(rounded - (f)((i)((f){0} + 1) & past)) | ((i)va & (sign)));              \
    }                                                                                              \
    static inline v128 simd_##SHAPE##_FLOOR(v128 va)                                               \
    {                                                                                              \
        if (NUM_ROUNDS_IN_HARDWARE)                                                                \
            return simd_##SHAPE##_floor_by_lane(va);                                               \
        const f rounded = (f)((i)simd_##SHAPE##_round_magnitude(va) | ((i)va & (sign)));           \
        const i past = rounded > (f)va;                                                            \
        return (v128)((i)(rounded - (f)((i)((f){0} + 1) & past)) | ((i)va & (sign)));              \
    }                                                                                              \
    static inline v128 simd_##SHAPE##_CEIL(v128 va)                                                \
    {                                                                                              \
        if (NUM_ROUNDS_IN_HARDWARE)                                                                \
            return simd_##SHAPE##_ceil_by_lane(va);                                                \
        const f rounded = (f)((i)simd_##SHAPE##_round_magnitude(va) | ((i)va & (sign)));           \
        const i past = rounded < (f)va;                                                            \
        /* A zero from above -1 keeps its sign: it is cleared before it is set. */                 \
        const i r = (i)(rounded + (f)((i)((f){0} + 1) & past));                                    \
        return (v128)((r & ~(sign)) | ((i)va & (sign)));                                           \
    }

#define SIMD_FLOAT(SHAPE, f, i, lanes, scalar, sign, canonical_nan, magic)                         \
    SIMD_VV_V(SHAPE##_EQ, f, a == b)                                                               \
    SIMD_VV_V(SHAPE##_NE, f, a != b)                                                               \
    SIMD_VV_V(SHAPE##_LT, f, a < b)                                                                \
    SIMD_VV_V(SHAPE##_GT, f, a > b)                                                                \
    SIMD_VV_V(SHAPE##_LE, f, a <= b)                                                               \
    SIMD_VV_V(SHAPE##_GE, f, a >= b)                                                               \
    SIMD_V_V(SHAPE##_ABS, i, a & ~(sign))                                                          \
    SIMD_V_V(SHAPE##_NEG, i, a ^ (sign))                                                           \
    SIMD_LANEWISE(SHAPE##_SQRT, f, lanes, scalar##_sqrt)                                           \
    SIMD_VV_V(SHAPE##_ADD, f, a + b)                                                               \
    SIMD_VV_V(SHAPE##_SUB, f, a - b)                                                               \
    SIMD_VV_V(SHAPE##_MUL, f, a * b)                                                               \
    SIMD_VV_V(SHAPE##_DIV, f, a / b)                                                               \
    SIMD_VV_V(SHAPE##_PMIN, f, SIMD_SELECT((i)(b < a), (i)b, (i)a))                                \
    SIMD_VV_V(SHAPE##_PMAX, f, SIMD_SELECT((i)(a < b), (i)b, (i)a))                                \
    SIMD_FLOAT_EXTREME(SHAPE##_MIN, f, i, <, |, canonical_nan)                                     \
    SIMD_FLOAT_EXTREME(SHAPE##_MAX, f, i, >, &, canonical_nan)                                     \
    SIMD_FLOAT_EXTREME(SHAPE##_RELAXED_MIN, f, i, <, |, canonical_nan)                             \
    SIMD_FLOAT_EXTREME(SHAPE##_RELAXED_MAX, f, i, >, &, canonical_nan)                             \
    SIMD_FLOAT_ROUND(SHAPE, f, i, lanes, scalar, sign, magic)                                      \
    /* Rounded twice on every machine: the build says -ffp-contract=off. */                        \
    SIMD_VVV_V(SHAPE##_RELAXED_MADD, f, a * b + c)                                                 \
    SIMD_VVV_V(SHAPE##_RELAXED_NMADD, f, c - a * b)

SIMD_FLOAT(F32X4, f32x4, i32x4, 4, num_f32, INT32_MIN, 0x7fc00000, 0x1p23f)
SIMD_FLOAT(F64X2, f64x2, i64x2, 2, num_f64, INT64_MIN, 0x7ff8000000000000, 0x1p52)

/* ---- Conversions ------------------------------------------------------------------------- */

/* Lanes that do not fit are replaced before the conversion, which is undefined for them. */
static inline v128 simd_I32X4_TRUNC_SAT_F32X4_S(v128 va)
{
    const f32x4 a = (f32x4)va;
    const i32x4 above = a >= 0x1p31f, below = a < -0x1p31f;
    const i32x4 fits = (a == a) & ~above & ~below;
    const i32x4 r = __builtin_convertvector((f32x4)((i32x4)a & fits), i32x4);
    return (v128)(r | (above & INT32_MAX) | (below & INT32_MIN));
}

/* Values from 2^31 are converted less 2^31. */
static inline v128 simd_I32X4_TRUNC_SAT_F32X4_U(v128 va)
{
    const f32x4 a = (f32x4)va;
    const i32x4 above = a >= 0x1p32f;
    const i32x4 fits = (a > 0.0f) & ~above;
    const f32x4 in = (f32x4)((i32x4)a & fits);
    const i32x4 big = in >= 0x1p31f;
    const f32x4 half = (f32x4){0} + 0x1p31f;
    const i32x4 r = __builtin_convertvector(in - (f32x4)((i32x4)half & big), i32x4);
    return (v128)((r ^ (big & INT32_MIN)) | above);
}

/* All limits are numbers of this type, so that clamping does it: minpd, maxpd. */
static inline v128 simd_I32X4_TRUNC_SAT_F64X2_S_ZERO(v128 va)
{
    const f64x2 a = (f64x2)va, least = (f64x2){0} - 0x1p31, most = (f64x2){0} + 0x1p31 - 1;
    f64x2 in = (f64x2)SIMD_SELECT((i64x2)(a < most), (i64x2)a, (i64x2)most);
    in = (f64x2)SIMD_SELECT((i64x2)(in > least), (i64x2)in, (i64x2)least);
    in = (f64x2)((i64x2)in & (i64x2)(a == a));
    const i32x2 r = __builtin_convertvector(in, i32x2);
    return (v128)__builtin_shufflevector(r, (i32x2){0}, 0, 1, 2, 3);
}

static inline v128 simd_I32X4_TRUNC_SAT_F64X2_U_ZERO(v128 va)
{
    const f64x2 a = (f64x2)va, most = (f64x2){0} + 0x1p32 - 1, half = (f64x2){0} + 0x1p31;
    /* NaNs first: clang makes one fmaxnm of the other step, which lets signalling ones through. */
    f64x2 in = (f64x2)((i64x2)a & (i64x2)(a == a));
    in = (f64x2)((i64x2)in & (i64x2)(in > 0.0));
    in = (f64x2)SIMD_SELECT((i64x2)(in < most), (i64x2)in, (i64x2)most);
    const i64x2 big = in >= half;
    const i32x2 r = __builtin_convertvector(in - (f64x2)((i64x2)half & big), i32x2);
    const i32x4 top = __builtin_shufflevector((i32x4)big, (i32x4){0}, 0, 2, 4, 5) & INT32_MIN;
    return (v128)(__builtin_shufflevector(r, (i32x2){0}, 0, 1, 2, 3) ^ top);
}

SIMD_V_V(I32X4_RELAXED_TRUNC_F32X4_S, v128, simd_I32X4_TRUNC_SAT_F32X4_S(a))
SIMD_V_V(I32X4_RELAXED_TRUNC_F32X4_U, v128, simd_I32X4_TRUNC_SAT_F32X4_U(a))
SIMD_V_V(I32X4_RELAXED_TRUNC_F64X2_S_ZERO, v128, simd_I32X4_TRUNC_SAT_F64X2_S_ZERO(a))
SIMD_V_V(I32X4_RELAXED_TRUNC_F64X2_U_ZERO, v128, simd_I32X4_TRUNC_SAT_F64X2_U_ZERO(a))

SIMD_V_V(F32X4_CONVERT_I32X4_S, i32x4, __builtin_convertvector(a, f32x4))
SIMD_V_V(F32X4_CONVERT_I32X4_U, u32x4, __builtin_convertvector(a, f32x4))
SIMD_V_V(F64X2_CONVERT_LOW_I32X4_S, i32x4, ((f64x2){a[0], a[1]}))
SIMD_V_V(F64X2_CONVERT_LOW_I32X4_U, u32x4, ((f64x2){a[0], a[1]}))
SIMD_V_V(F64X2_PROMOTE_LOW_F32X4, f32x4, ((f64x2){(double)a[0], (double)a[1]}))
SIMD_V_V(F32X4_DEMOTE_F64X2_ZERO, f64x2, ((f32x4){(float)a[0], (float)a[1]}))

#endif
