/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vector types for simd_*.h, and how the functions there are written: GCC vector extensions, in the
 * subset that clang and gcc share.
 *
 * Some bodies are spelled the long way so that clang sees the one instruction behind them (a
 * widening, clamping and narrowing addition is paddsb). Arithmetic that may wrap is done on the
 * unsigned types. Types of 8 and 32 bytes stay inside functions: how they are passed depends
 * on flags.
 */
#ifndef INTERP_SIMD_TYPES_H
#define INTERP_SIMD_TYPES_H

#include <stdint.h>

/* A value of type v128; lane 0 lies in the lowest byte. */
typedef uint8_t v128 __attribute__((vector_size(16)));

typedef int8_t i8x16 __attribute__((vector_size(16)));
typedef uint8_t u8x16 __attribute__((vector_size(16)));
typedef int16_t i16x8 __attribute__((vector_size(16)));
typedef uint16_t u16x8 __attribute__((vector_size(16)));
typedef int32_t i32x4 __attribute__((vector_size(16)));
typedef uint32_t u32x4 __attribute__((vector_size(16)));
typedef int64_t i64x2 __attribute__((vector_size(16)));
typedef uint64_t u64x2 __attribute__((vector_size(16)));
typedef float f32x4 __attribute__((vector_size(16)));
typedef double f64x2 __attribute__((vector_size(16)));

typedef int16_t i16x4 __attribute__((vector_size(8)));
typedef uint16_t u16x4 __attribute__((vector_size(8)));
typedef int32_t i32x2 __attribute__((vector_size(8)));
typedef int16_t i16x16 __attribute__((vector_size(32)));
typedef uint16_t u16x16 __attribute__((vector_size(32)));
typedef int32_t i32x8 __attribute__((vector_size(32)));
typedef uint32_t u32x8 __attribute__((vector_size(32)));

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "lanes lie in memory as Wasm orders them");

/* simd_<id>, an operator of that signature; its operands appear in `result` as a, b, c, seen as
 * vectors of `type`, and as va, vb, vc. */
#define SIMD_V_V(id, type, result)                                                                 \
    static inline v128 simd_##id(v128 va)                                                          \
    {                                                                                              \
        const type a = (type)va;                                                                   \
        return (v128)(result);                                                                     \
    }
#define SIMD_VV_V(id, type, result)                                                                \
    static inline v128 simd_##id(v128 va, v128 vb)                                                 \
    {                                                                                              \
        const type a = (type)va, b = (type)vb;                                                     \
        return (v128)(result);                                                                     \
    }
#define SIMD_VVV_V(id, type, result)                                                               \
    static inline v128 simd_##id(v128 va, v128 vb, v128 vc)                                        \
    {                                                                                              \
        const type a = (type)va, b = (type)vb, c = (type)vc;                                       \
        return (v128)(result);                                                                     \
    }

/* Lanes of `yes` where `mask` is all ones, of `no` where it is zero; all of one integer type, so
 * that minima and the like are recognised. */
#define SIMD_SELECT(mask, yes, no) (((yes) & (mask)) | ((no) & ~(mask)))

#endif
