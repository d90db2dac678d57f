/* SPDX-License-Identifier: Apache-2.0 */
/* Floating point, and conversions. See dispatch.h. */

#define CTYPE_F64 double
#define CTYPE_F32 float
/* With a constant on either side the other operand is in a; else they are in a and b. */
#define FX_S_S a
#define FY_S_S b
#define FX_S_F a
#define FY_S_F b
#define FX_F_S a
#define FY_F_S b
#define FX_S_K a
#define FY_S_K b
#define FX_F_K a
#define FY_F_K b
#define FX_K_S b
#define FY_K_S a
#define FX_K_F b
#define FY_K_F a
#define FX_F_F a
#define FY_F_F b
#define FLOAT_X(T, a, b) T##_##a(FX_##a##_##b)
#define FLOAT_Y(T, a, b) T##_##b(FY_##a##_##b)
#define ROW_FLOAT(fam, T, p, q, r, e)                                                              \
    OP(fam##_##p##q##r, {                                                                          \
        CTYPE_##T x = FLOAT_X(T, p, q), y = FLOAT_Y(T, p, q);                                      \
        SET_##T##_##r(e);                                                                          \
        NEXT;                                                                                      \
    })
#define FLOAT_FAMILIES(prefix, T)                                                                  \
    SHAPE_FLOAT(ROW_FLOAT, prefix##_add, T, x + y)                                                 \
    SHAPE_FLOAT(ROW_FLOAT, prefix##_sub, T, x - y)                                                 \
    SHAPE_FLOAT(ROW_FLOAT, prefix##_mul, T, x * y) SHAPE_FLOAT(ROW_FLOAT, prefix##_div, T, x / y)
FLOAT_FAMILIES(f64, F64)
FLOAT_FAMILIES(f32, F32)

/* Comparisons: destinations S and A of the integer kind. */
#define ROW_FCMP(fam, T, p, q, r, e)                                                               \
    OP(fam##_##p##q##r, {                                                                          \
        CTYPE_##T x = FLOAT_X(T, p, q), y = FLOAT_Y(T, p, q);                                      \
        SET_##r((e) ? 1u : 0u);                                                                    \
        NEXT;                                                                                      \
    })
#define FCMP_FAMILIES(prefix, T)                                                                   \
    SHAPE_FCMP(ROW_FCMP, prefix##_eq, T, x == y)                                                   \
    SHAPE_FCMP(ROW_FCMP, prefix##_ne, T, x != y)                                                   \
    SHAPE_FCMP(ROW_FCMP, prefix##_lt, T, x < y) SHAPE_FCMP(ROW_FCMP, prefix##_le, T, x <= y)
FCMP_FAMILIES(f64, F64)
FCMP_FAMILIES(f32, F32)

/*
 * Compare and branch: operands S and F only; N plain, F metered (d is the fuel). The n… families
 * branch when the comparison is false, which for NaN is not the opposite comparison.
 */
#define ROW_FBR(fam, T, p, q, m, e)                                                                \
    OP(br_##fam##_##p##q##m, {                                                                     \
        CTYPE_##T x = T##_##p(a), y = T##_##q(b);                                                  \
        if (e)                                                                                     \
            BRANCH_##m;                                                                            \
        NEXT;                                                                                      \
    })
#define FBR_FAMILIES(prefix, T)                                                                    \
    SHAPE_FBR(ROW_FBR, prefix##_eq, T, x == y)                                                     \
    SHAPE_FBR(ROW_FBR, prefix##_ne, T, x != y)                                                     \
    SHAPE_FBR(ROW_FBR, prefix##_lt, T, x < y)                                                      \
    SHAPE_FBR(ROW_FBR, prefix##_le, T, x <= y)                                                     \
    SHAPE_FBR(ROW_FBR, prefix##_nlt, T, !(x < y)) SHAPE_FBR(ROW_FBR, prefix##_nle, T, !(x <= y))
FBR_FAMILIES(f64, F64)
FBR_FAMILIES(f32, F32)

/* One operand. M(family, from type, to type, a, destination, expression). */
#define ROW_FUNARY(fam, T, U, p, r, e)                                                             \
    OP(fam##_##p##r, {                                                                             \
        CTYPE_##T x = T##_##p(a);                                                                  \
        SET_##U##_##r(e);                                                                          \
        NEXT;                                                                                      \
    })
SHAPE_FUNARY(f64_abs, F64, F64, num_f64_abs(x))
SHAPE_FUNARY(f64_neg, F64, F64, num_f64_neg(x))
SHAPE_FUNARY(f64_sqrt, F64, F64, num_f64_sqrt(x))
SHAPE_FUNARY(f64_ceil, F64, F64, num_f64_ceil(x))
SHAPE_FUNARY(f64_floor, F64, F64, num_f64_floor(x))
SHAPE_FUNARY(f64_trunc, F64, F64, num_f64_trunc(x))
SHAPE_FUNARY(f64_nearest, F64, F64, num_f64_nearest(x))
SHAPE_FUNARY(f32_abs, F32, F32, num_f32_abs(x))
SHAPE_FUNARY(f32_neg, F32, F32, num_f32_neg(x))
SHAPE_FUNARY(f32_sqrt, F32, F32, num_f32_sqrt(x))
SHAPE_FUNARY(f32_ceil, F32, F32, num_f32_ceil(x))
SHAPE_FUNARY(f32_floor, F32, F32, num_f32_floor(x))
SHAPE_FUNARY(f32_trunc, F32, F32, num_f32_trunc(x))
SHAPE_FUNARY(f32_nearest, F32, F32, num_f32_nearest(x))
SHAPE_FUNARY(f64_promote_f32, F32, F64, num_f64_promote_f32(x))
SHAPE_FUNARY(f32_demote_f64, F64, F32, num_f32_demote_f64(x))

/* min, max, copysign: slots only. */
#define ROW_FSLOW(fam, T, e)                                                                       \
    OP(fam##_SS, {                                                                                 \
        CTYPE_##T x = T##_S(a), y = T##_S(b);                                                      \
        SET_##T##_S(e);                                                                            \
        NEXT;                                                                                      \
    })
ROW_FSLOW(f64_min, F64, num_f64_min(x, y))
ROW_FSLOW(f64_max, F64, num_f64_max(x, y))
ROW_FSLOW(f64_copysign, F64, num_f64_copysign(x, y))
ROW_FSLOW(f32_min, F32, num_f32_min(x, y))
ROW_FSLOW(f32_max, F32, num_f32_max(x, y))
ROW_FSLOW(f32_copysign, F32, num_f32_copysign(x, y))

/* Integer to float: a is S, A, 0 or 1. */
#define ROW_CONVERT(fam, I, T, p, r, e)                                                            \
    OP(fam##_##p##r, {                                                                             \
        uint64_t x = I##_##p(a);                                                                   \
        SET_##T##_##r(e);                                                                          \
        NEXT;                                                                                      \
    })
SHAPE_CONVERT(f64_convert_i32_s, I32, F64, (double)(int32_t)x)
SHAPE_CONVERT(f64_convert_i32_u, I32, F64, (double)(uint32_t)x)
SHAPE_CONVERT(f64_convert_i64_s, I64, F64, (double)(int64_t)x)
SHAPE_CONVERT(f64_convert_i64_u, I64, F64, (double)x)
SHAPE_CONVERT(f32_convert_i32_s, I32, F32, (float)(int32_t)x)
SHAPE_CONVERT(f32_convert_i32_u, I32, F32, (float)(uint32_t)x)
SHAPE_CONVERT(f32_convert_i64_s, I64, F32, (float)(int64_t)x)
SHAPE_CONVERT(f32_convert_i64_u, I64, F32, (float)x)

/* Float to integer: a is S or F, the destination S. */
#define ROW_TRUNC(fam, T, p, R, call)                                                              \
    OP(fam##_##p, {                                                                                \
        R result;                                                                                  \
        TRAP_IF(call(T##_##p(a), &result));                                                        \
        SET_S(result);                                                                             \
        NEXT;                                                                                      \
    })
#define SHAPE_TRUNC(fam, T, R)                                                                     \
    ROW_TRUNC(fam, T, S, R, num_##fam) FLOAT_ACC(ROW_TRUNC(fam, T, F, R, num_##fam))
SHAPE_TRUNC(i32_trunc_f32_s, F32, uint32_t)
SHAPE_TRUNC(i32_trunc_f32_u, F32, uint32_t)
SHAPE_TRUNC(i32_trunc_f64_s, F64, uint32_t)
SHAPE_TRUNC(i32_trunc_f64_u, F64, uint32_t)
SHAPE_TRUNC(i64_trunc_f32_s, F32, uint64_t)
SHAPE_TRUNC(i64_trunc_f32_u, F32, uint64_t)
SHAPE_TRUNC(i64_trunc_f64_s, F64, uint64_t)
SHAPE_TRUNC(i64_trunc_f64_u, F64, uint64_t)
#define ROW_SAT(fam, T, p)                                                                         \
    OP(fam##_##p, {                                                                                \
        SET_S(num_##fam(T##_##p(a)));                                                              \
        NEXT;                                                                                      \
    })
#define SHAPE_SAT(fam, T) ROW_SAT(fam, T, S) FLOAT_ACC(ROW_SAT(fam, T, F))
SHAPE_SAT(i32_trunc_sat_f32_s, F32)
SHAPE_SAT(i32_trunc_sat_f32_u, F32)
SHAPE_SAT(i32_trunc_sat_f64_s, F64)
SHAPE_SAT(i32_trunc_sat_f64_u, F64)
SHAPE_SAT(i64_trunc_sat_f32_s, F32)
SHAPE_SAT(i64_trunc_sat_f32_u, F32)
SHAPE_SAT(i64_trunc_sat_f64_s, F64)
SHAPE_SAT(i64_trunc_sat_f64_u, F64)
