/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the scalar operators compute (core specification 3.0, 4.3), where C alone does not say it.
 *
 * Functions bear the operator's text name: i32.trunc_f32_s is num_i32_trunc_f32_s. Integers are
 * unsigned words whatever the operator's view of them. Operators that may trap return the trap and
 * leave `*ret_value` alone then. Rounding is to nearest, ties to even: nothing may call fesetround.
 *
 * NaNs. What arithmetic makes of a NaN is the machine's choice within the specification, except
 * that min and max give the positive canonical NaN everywhere. abs, neg and copysign touch nothing
 * but the sign. The code relies on -fno-math-errno (sqrt is an instruction) and on a baseline
 * without x87.
 */
#ifndef INTERP_NUMERIC_H
#define INTERP_NUMERIC_H

#include <string.h>

#include "base/status.h"

/* ---- Bits -------------------------------------------------------------------------------- */

static inline uint32_t num_f32_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof(bits));
    return bits;
}

static inline uint64_t num_f64_bits(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof(bits));
    return bits;
}

static inline float num_f32_from_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof(x));
    return x;
}

static inline double num_f64_from_bits(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof(x));
    return x;
}

/* ---- Integers ---------------------------------------------------------------------------- */

static inline uint32_t num_i32_clz(uint32_t x)
{
    return x != 0 ? (uint32_t)__builtin_clz(x) : 32;
}

static inline uint64_t num_i64_clz(uint64_t x)
{
    return x != 0 ? (uint64_t)__builtin_clzll(x) : 64;
}

static inline uint32_t num_i32_ctz(uint32_t x)
{
    return x != 0 ? (uint32_t)__builtin_ctz(x) : 32;
}

static inline uint64_t num_i64_ctz(uint64_t x)
{
    return x != 0 ? (uint64_t)__builtin_ctzll(x) : 64;
}

/* Spelled out, since gcc's builtin is a call of libgcc; compilers know the idiom where the machine
 * has an instruction for it. */
static inline uint32_t num_i32_popcnt(uint32_t x)
{
    x -= x >> 1 & 0x55555555;
    x = (x & 0x33333333) + (x >> 2 & 0x33333333);
    x = (x + (x >> 4)) & 0x0f0f0f0f;
    return x * 0x01010101 >> 24;
}

static inline uint64_t num_i64_popcnt(uint64_t x)
{
    x -= x >> 1 & 0x5555555555555555;
    x = (x & 0x3333333333333333) + (x >> 2 & 0x3333333333333333);
    x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0f;
    return x * 0x0101010101010101 >> 56;
}

static inline uint32_t num_i32_shl(uint32_t x, uint32_t count)
{
    return x << (count & 31);
}

static inline uint32_t num_i32_shr_s(uint32_t x, uint32_t count)
{
    return (uint32_t)((int32_t)x >> (count & 31));
}

static inline uint32_t num_i32_shr_u(uint32_t x, uint32_t count)
{
    return x >> (count & 31);
}

static inline uint32_t num_i32_rotl(uint32_t x, uint32_t count)
{
    return x << (count & 31) | x >> (-count & 31);
}

static inline uint32_t num_i32_rotr(uint32_t x, uint32_t count)
{
    return x >> (count & 31) | x << (-count & 31);
}

static inline uint64_t num_i64_shl(uint64_t x, uint64_t count)
{
    return x << (count & 63);
}

static inline uint64_t num_i64_shr_s(uint64_t x, uint64_t count)
{
    return (uint64_t)((int64_t)x >> (count & 63));
}

static inline uint64_t num_i64_shr_u(uint64_t x, uint64_t count)
{
    return x >> (count & 63);
}

static inline uint64_t num_i64_rotl(uint64_t x, uint64_t count)
{
    return x << (count & 63) | x >> (-count & 63);
}

static inline uint64_t num_i64_rotr(uint64_t x, uint64_t count)
{
    return x >> (count & 63) | x << (-count & 63);
}

static inline uint32_t num_i32_extend8_s(uint32_t x)
{
    return (uint32_t)(int8_t)x;
}

static inline uint32_t num_i32_extend16_s(uint32_t x)
{
    return (uint32_t)(int16_t)x;
}

static inline uint64_t num_i64_extend8_s(uint64_t x)
{
    return (uint64_t)(int8_t)x;
}

static inline uint64_t num_i64_extend16_s(uint64_t x)
{
    return (uint64_t)(int16_t)x;
}

static inline uint64_t num_i64_extend32_s(uint64_t x)
{
    return (uint64_t)(int32_t)x;
}

static inline uint64_t num_i64_extend_i32_s(uint32_t x)
{
    return (uint64_t)(int32_t)x;
}

/*
 * div_s, div_u, rem_s and rem_u of one width. Divisors 0 and -1 are the only ones that need care;
 * one comparison finds both. A remainder by -1 is 0, though the division may overflow.
 */
#define NUM_DIVISION(prefix, unsigned_t, signed_t, smallest)                                       \
    MUST_CHECK static inline enum stint_trap prefix##_div_s(unsigned_t x, unsigned_t y,            \
                                                            unsigned_t *ret_value)                 \
    {                                                                                              \
        if (UNLIKELY(y + 1 <= 1)) {                                                                \
            if (y == 0)                                                                            \
                return STINT_TRAP_DIVIDE_BY_ZERO;                                                  \
            if (x == (unsigned_t)(smallest))                                                       \
                return STINT_TRAP_INTEGER_OVERFLOW;                                                \
        }                                                                                          \
        *ret_value = (unsigned_t)((signed_t)x / (signed_t)y);                                      \
        return STINT_TRAP_NONE;                                                                    \
    }                                                                                              \
    MUST_CHECK static inline enum stint_trap prefix##_div_u(unsigned_t x, unsigned_t y,            \
                                                            unsigned_t *ret_value)                 \
    {                                                                                              \
        if (UNLIKELY(y == 0))                                                                      \
            return STINT_TRAP_DIVIDE_BY_ZERO;                                                      \
        *ret_value = x / y;                                                                        \
        return STINT_TRAP_NONE;                                                                    \
    }                                                                                              \
    MUST_CHECK static inline enum stint_trap prefix##_rem_s(unsigned_t x, unsigned_t y,            \
                                                            unsigned_t *ret_value)                 \
    {                                                                                              \
        if (UNLIKELY(y + 1 <= 1)) {                                                                \
            if (y == 0)                                                                            \
                return STINT_TRAP_DIVIDE_BY_ZERO;                                                  \
            *ret_value = 0;                                                                        \
            return STINT_TRAP_NONE;                                                                \
        }                                                                                          \
        *ret_value = (unsigned_t)((signed_t)x % (signed_t)y);                                      \
        return STINT_TRAP_NONE;                                                                    \
    }                                                                                              \
    MUST_CHECK static inline enum stint_trap prefix##_rem_u(unsigned_t x, unsigned_t y,            \
                                                            unsigned_t *ret_value)                 \
    {                                                                                              \
        if (UNLIKELY(y == 0))                                                                      \
            return STINT_TRAP_DIVIDE_BY_ZERO;                                                      \
        *ret_value = x % y;                                                                        \
        return STINT_TRAP_NONE;                                                                    \
    }

NUM_DIVISION(num_i32, uint32_t, int32_t, INT32_MIN)
NUM_DIVISION(num_i64, uint64_t, int64_t, INT64_MIN)

/* ---- Floats ------------------------------------------------------------------------------ */

/* These four are operations on bits in both compilers (ISO C, F.3): payloads stay as they are. */
static inline float num_f32_abs(float x)
{
    return __builtin_fabsf(x);
}

static inline float num_f32_neg(float x)
{
    return -x;
}

static inline float num_f32_copysign(float x, float sign)
{
    return __builtin_copysignf(x, sign);
}

static inline float num_f32_sqrt(float x)
{
    return __builtin_sqrtf(x);
}

static inline double num_f64_abs(double x)
{
    return __builtin_fabs(x);
}

static inline double num_f64_neg(double x)
{
    return -x;
}

static inline double num_f64_copysign(double x, double sign)
{
    return __builtin_copysign(x, sign);
}

static inline double num_f64_sqrt(double x)
{
    return __builtin_sqrt(x);
}

/*
 * Minimum and maximum. islessgreater is one comparison and one branch; what is left are equal
 * operands, which differ at most in the sign of zero, and NaNs.
 */
static inline float num_f32_min(float x, float y)
{
    if (LIKELY(__builtin_islessgreater(x, y)))
        return x < y ? x : y;
    if (x == y)
        return num_f32_from_bits(num_f32_bits(x) | num_f32_bits(y));
    return num_f32_from_bits(0x7fc00000);
}

static inline float num_f32_max(float x, float y)
{
    if (LIKELY(__builtin_islessgreater(x, y)))
        return x > y ? x : y;
    if (x == y)
        return num_f32_from_bits(num_f32_bits(x) & num_f32_bits(y));
    return num_f32_from_bits(0x7fc00000);
}

static inline double num_f64_min(double x, double y)
{
    if (LIKELY(__builtin_islessgreater(x, y)))
        return x < y ? x : y;
    if (x == y)
        return num_f64_from_bits(num_f64_bits(x) | num_f64_bits(y));
    return num_f64_from_bits(0x7ff8000000000000);
}

static inline double num_f64_max(double x, double y)
{
    if (LIKELY(__builtin_islessgreater(x, y)))
        return x > y ? x : y;
    if (x == y)
        return num_f64_from_bits(num_f64_bits(x) & num_f64_bits(y));
    return num_f64_from_bits(0x7ff8000000000000);
}

/* Whether a macro of the compiler is defined as 1, as a constant expression: an undefined one stays
 * its own name. Both sides of such a choice are compiled on every machine. */
#define NUM_IS_ONE_TEXT(text) (sizeof(#text) == sizeof("1"))
#define NUM_IS_ONE(macro) NUM_IS_ONE_TEXT(macro)

/* Where rounding is one instruction the compiler knows best; elsewhere its builtins are slow calls
 * of libm, which Stint does not link. */
enum { NUM_ROUNDS_IN_HARDWARE = NUM_IS_ONE(__SSE4_1__) || NUM_IS_ONE(__aarch64__) };

/*
 * Rounding to integral values without an instruction for it. Adding and subtracting 2^23 (2^52)
 * rounds smaller magnitudes to nearest; larger ones are integral, and for them the sum is made with
 * 0, so that NaNs still pass an addition and come out quiet. The directed forms then correct by one
 * where that went past the argument, and give the sign back to zeros.
 */
#define NUM_ROUNDING(prefix, float_t, suffix, magic)                                               \
    static inline float_t prefix##_round_magnitude(float_t x)                                      \
    {                                                                                              \
        float_t magnitude = __builtin_fabs##suffix(x);                                             \
        float_t big = magnitude < (magic) ? (magic) : 0;                                           \
        return magnitude + big - big;                                                              \
    }                                                                                              \
    static inline float_t prefix##_nearest(float_t x)                                              \
    {                                                                                              \
        if (NUM_ROUNDS_IN_HARDWARE)                                                                \
            return __builtin_rint##suffix(x);                                                      \
        return __builtin_copysign##suffix(prefix##_round_magnitude(x), x);                         \
    }                                                                                              \
    static inline float_t prefix##_trunc(float_t x)                                                \
    {                                                                                              \
        if (NUM_ROUNDS_IN_HARDWARE)                                                                \
            return __builtin_trunc##suffix(x);                                                     \
        float_t rounded = prefix##_round_magnitude(x);                                             \
        rounded -= rounded > __builtin_fabs##suffix(x) ? (float_t)1 : (float_t)0;                  \
        return __builtin_copysign##suffix(rounded, x);                                             \
    }                                                                                              \
    static inline float_t prefix##_floor(float_t x)                                                \
    {                                                                                              \
        if (NUM_ROUNDS_IN_HARDWARE)                                                                \
            return __builtin_floor##suffix(x);                                                     \
        float_t rounded = __builtin_copysign##suffix(prefix##_round_magnitude(x), x);              \
        rounded -= rounded > x ? (float_t)1 : (float_t)0;                                          \
        return __builtin_copysign##suffix(rounded, x);                                             \
    }                                                                                              \
    static inline float_t prefix##_ceil(float_t x)                                                 \
    {                                                                                              \
        if (NUM_ROUNDS_IN_HARDWARE)                                                                \
            return __builtin_ceil##suffix(x);                                                      \
        float_t rounded = __builtin_copysign##suffix(prefix##_round_magnitude(x), x);              \
        rounded += rounded < x ? (float_t)1 : (float_t)0;                                          \
        return __builtin_copysign##suffix(rounded, x);                                             \
    }

NUM_ROUNDING(num_f32, float, f, 0x1p23f)
NUM_ROUNDING(num_f64, double, , 0x1p52)

/* ---- Conversions ------------------------------------------------------------------------- */

/*
 * Float to integer, one row each: integer type, float type, name, C types (float, result, the
 * integer meant), the range of `x` whose truncation fits, the values that saturation gives. Makes
 * num_<integer>_trunc_<name>, which traps, and num_<integer>_trunc_sat_<name>.
 */
#define NUM_TRUNCATIONS(X)                                                                         \
    X(i32, f32_s, float, uint32_t, int32_t, x >= -0x1p31f && x < 0x1p31f, INT32_MIN, INT32_MAX)    \
    X(i32, f32_u, float, uint32_t, uint32_t, x > -1.0f && x < 0x1p32f, 0, UINT32_MAX)              \
    X(i32, f64_s, double, uint32_t, int32_t, x > -2147483649.0 && x < 0x1p31, INT32_MIN,           \
      INT32_MAX)                                                                                   \
    X(i32, f64_u, double, uint32_t, uint32_t, x > -1.0 && x < 0x1p32, 0, UINT32_MAX)               \
    X(i64, f32_s, float, uint64_t, int64_t, x >= -0x1p63f && x < 0x1p63f, INT64_MIN, INT64_MAX)    \
    X(i64, f32_u, float, uint64_t, uint64_t, x > -1.0f && x < 0x1p64f, 0, UINT64_MAX)              \
    X(i64, f64_s, double, uint64_t, int64_t, x >= -0x1p63 && x < 0x1p63, INT64_MIN, INT64_MAX)     \
    X(i64, f64_u, double, uint64_t, uint64_t, x > -1.0 && x < 0x1p64, 0, UINT64_MAX)

#define X(integer, name, float_t, result_t, integer_t, fits, smallest, largest)                    \
    MUST_CHECK static inline enum stint_trap num_##integer##_trunc_##name(float_t x,               \
                                                                          result_t *ret_value)     \
    {                                                                                              \
        if (UNLIKELY(!(fits)))                                                                     \
            return x != x ? STINT_TRAP_BAD_CONVERSION : STINT_TRAP_INTEGER_OVERFLOW;               \
        *ret_value = (result_t)(integer_t)x;                                                       \
        return STINT_TRAP_NONE;                                                                    \
    }                                                                                              \
    static inline result_t num_##integer##_trunc_sat_##name(float_t x)                             \
    {                                                                                              \
        if (LIKELY(fits))                                                                          \
            return (result_t)(integer_t)x;                                                         \
        if (x != x)                                                                                \
            return 0;                                                                              \
        return (result_t)(x < 0 ? (smallest) : (largest));                                         \
    }
NUM_TRUNCATIONS(X)
#undef X

static inline float num_f32_convert_i32_s(uint32_t x)
{
    return (float)(int32_t)x;
}

static inline float num_f32_convert_i32_u(uint32_t x)
{
    return (float)x;
}

static inline float num_f32_convert_i64_s(uint64_t x)
{
    return (float)(int64_t)x;
}

static inline float num_f32_convert_i64_u(uint64_t x)
{
    return (float)x;
}

static inline double num_f64_convert_i32_s(uint32_t x)
{
    return (double)(int32_t)x;
}

static inline double num_f64_convert_i32_u(uint32_t x)
{
    return (double)x;
}

static inline double num_f64_convert_i64_s(uint64_t x)
{
    return (double)(int64_t)x;
}

static inline double num_f64_convert_i64_u(uint64_t x)
{
    return (double)x;
}

static inline float num_f32_demote_f64(double x)
{
    return (float)x;
}

static inline double num_f64_promote_f32(float x)
{
    return (double)x;
}

#endif
