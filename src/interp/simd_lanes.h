/* SPDX-License-Identifier: Apache-2.0 */
/* Vector operators that move lanes: splat, extract, replace, shuffle, memory; see simd.h. */
#ifndef INTERP_SIMD_LANES_H
#define INTERP_SIMD_LANES_H

#include <string.h>

#include "interp/simd_int.h"

/* ---- Splat, extract, replace ------------------------------------------------------------- */

static inline v128 simd_I8X16_SPLAT(uint32_t x)
{
    return (v128)((u8x16){0} + (uint8_t)x);
}

static inline v128 simd_I16X8_SPLAT(uint32_t x)
{
    return (v128)((u16x8){0} + (uint16_t)x);
}

static inline v128 simd_I32X4_SPLAT(uint32_t x)
{
    return (v128)(u32x4){x, x, x, x};
}

static inline v128 simd_I64X2_SPLAT(uint64_t x)
{
    return (v128)(u64x2){x, x};
}

static inline v128 simd_F32X4_SPLAT(float x)
{
    return (v128)(f32x4){x, x, x, x};
}

static inline v128 simd_F64X2_SPLAT(double x)
{
    return (v128)(f64x2){x, x};
}

#define SIMD_EXTRACT(id, type, result_t)                                                           \
    static inline result_t simd_##id(v128 va, uint32_t lane)                                       \
    {                                                                                              \
        return (result_t)((type)va)[lane];                                                         \
    }
SIMD_EXTRACT(I8X16_EXTRACT_LANE_S, i8x16, uint32_t)
SIMD_EXTRACT(I8X16_EXTRACT_LANE_U, u8x16, uint32_t)
SIMD_EXTRACT(I16X8_EXTRACT_LANE_S, i16x8, uint32_t)
SIMD_EXTRACT(I16X8_EXTRACT_LANE_U, u16x8, uint32_t)
SIMD_EXTRACT(I32X4_EXTRACT_LANE, u32x4, uint32_t)
SIMD_EXTRACT(I64X2_EXTRACT_LANE, u64x2, uint64_t)
SIMD_EXTRACT(F32X4_EXTRACT_LANE, f32x4, float)
SIMD_EXTRACT(F64X2_EXTRACT_LANE, f64x2, double)

#define SIMD_REPLACE(id, type, element_t, value_t)                                                 \
    static inline v128 simd_##id(v128 va, value_t value, uint32_t lane)                            \
    {                                                                                              \
        type a = (type)va;                                                                         \
        a[lane] = (element_t)value;                                                                \
        return (v128)a;                                                                            \
    }
SIMD_REPLACE(I8X16_REPLACE_LANE, u8x16, uint8_t, uint32_t)
SIMD_REPLACE(I16X8_REPLACE_LANE, u16x8, uint16_t, uint32_t)
SIMD_REPLACE(I32X4_REPLACE_LANE, u32x4, uint32_t, uint32_t)
SIMD_REPLACE(I64X2_REPLACE_LANE, u64x2, uint64_t, uint64_t)
SIMD_REPLACE(F32X4_REPLACE_LANE, f32x4, float, float)
SIMD_REPLACE(F64X2_REPLACE_LANE, f64x2, double, double)

/* ---- Shuffle, swizzle -------------------------------------------------------------------- */

static inline v128 simd_I8X16_SHUFFLE(v128 va, v128 vb, const uint8_t *lanes)
{
    uint8_t from[32], to[16];
    memcpy(from, &va, sizeof(va));
    memcpy(from + 16, &vb, sizeof(vb));
    for (int i = 0; i < 16; i++)
        to[i] = from[lanes[i]];
    v128 r;
    memcpy(&r, to, sizeof(r));
    return r;
}

/* Indices past the vector find the zero behind it. */
static inline v128 simd_I8X16_SWIZZLE(v128 va, v128 vb)
{
    uint8_t from[17], index[16], to[16];
    const v128 clamped = simd_I8X16_MIN_U(vb, simd_I8X16_SPLAT(16));
    memcpy(from, &va, sizeof(va));
    from[16] = 0;
    memcpy(index, &clamped, sizeof(clamped));
    for (int i = 0; i < 16; i++)
        to[i] = from[index[i]];
    v128 r;
    memcpy(&r, to, sizeof(r));
    return r;
}

static inline v128 simd_I8X16_RELAXED_SWIZZLE(v128 va, v128 vb)
{
    return simd_I8X16_SWIZZLE(va, vb);
}

/* ---- Memory ------------------------------------------------------------------------------ */

static inline v128 simd_V128_LOAD(const void *from)
{
    v128 r;
    memcpy(&r, from, sizeof(r));
    return r;
}

static inline void simd_V128_STORE(void *to, v128 va)
{
    memcpy(to, &va, sizeof(va));
}

static inline v128 simd_V128_LOAD32_ZERO(const void *from)
{
    uint32_t x;
    memcpy(&x, from, sizeof(x));
    return (v128)(u32x4){x};
}

static inline v128 simd_V128_LOAD64_ZERO(const void *from)
{
    uint64_t x;
    memcpy(&x, from, sizeof(x));
    return (v128)(u64x2){x};
}

#define SIMD_LOAD_EXTEND(id, extend)                                                               \
    static inline v128 simd_##id(const void *from)                                                 \
    {                                                                                              \
        return extend(simd_V128_LOAD64_ZERO(from));                                                \
    }
SIMD_LOAD_EXTEND(V128_LOAD8X8_S, simd_I16X8_EXTEND_LOW_I8X16_S)
SIMD_LOAD_EXTEND(V128_LOAD8X8_U, simd_I16X8_EXTEND_LOW_I8X16_U)
SIMD_LOAD_EXTEND(V128_LOAD16X4_S, simd_I32X4_EXTEND_LOW_I16X8_S)
SIMD_LOAD_EXTEND(V128_LOAD16X4_U, simd_I32X4_EXTEND_LOW_I16X8_U)
SIMD_LOAD_EXTEND(V128_LOAD32X2_S, simd_I64X2_EXTEND_LOW_I32X4_S)
SIMD_LOAD_EXTEND(V128_LOAD32X2_U, simd_I64X2_EXTEND_LOW_I32X4_U)

/* Splat, load lane and store lane of one width. */
#define SIMD_MEMORY_LANE(bits, SHAPE, type, element_t)                                             \
    static inline v128 simd_V128_LOAD##bits##_SPLAT(const void *from)                              \
    {                                                                                              \
        element_t x;                                                                               \
        memcpy(&x, from, sizeof(x));                                                               \
        return simd_##SHAPE##_SPLAT(x);                                                            \
    }                                                                                              \
    static inline v128 simd_V128_LOAD##bits##_LANE(const void *from, v128 va, uint32_t lane)       \
    {                                                                                              \
        element_t x;                                                                               \
        memcpy(&x, from, sizeof(x));                                                               \
        return simd_##SHAPE##_REPLACE_LANE(va, x, lane);                                           \
    }                                                                                              \
    static inline void simd_V128_STORE##bits##_LANE(void *to, v128 va, uint32_t lane)              \
    {                                                                                              \
        const element_t x = ((type)va)[lane];                                                      \
        memcpy(to, &x, sizeof(x));                                                                 \
    }
SIMD_MEMORY_LANE(8, I8X16, u8x16, uint8_t)
SIMD_MEMORY_LANE(16, I16X8, u16x8, uint16_t)
SIMD_MEMORY_LANE(32, I32X4, u32x4, uint32_t)
SIMD_MEMORY_LANE(64, I64X2, u64x2, uint64_t)

#endif
