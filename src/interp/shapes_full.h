/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shapes of handler families: over which operand places a family extends, and in which order,
 * last letter fastest; translate_pick.c computes with the same orders. This file has two pinned
 * locals, places 0 and 1; shapes_small.h has none, which takes a quarter of the code.
 */
#ifndef INTERP_SHAPES_H
#define INTERP_SHAPES_H

#define PIN_COUNT 2
/* What exists only with pinned locals. */
#define PINNED(...) __VA_ARGS__
/* Float accumulators, place F, and what exists only with them. */
#define HAS_FLOAT_ACC 1
#define FLOAT_ACC(...) __VA_ARGS__
/* Whether backward branches that charge fuel have handlers of their own. */
#define HAS_METERED_BRANCHES 1
/* Accesses to other memories than the first, or with 64-bit indices; call_ref. */
#define FAR_ACCESS(...) __VA_ARGS__

/* Two operands and a destination: M(family, a, b, destination, expression). */
#define EACH_D(M, fam, a, b, e)                                                                    \
    M(fam, a, b, S, e) M(fam, a, b, A, e) M(fam, a, b, 0, e) M(fam, a, b, 1, e)
#define EACH_B(M, fam, a, e)                                                                       \
    EACH_D(M, fam, a, S, e)                                                                        \
    EACH_D(M, fam, a, C, e)                                                                        \
    EACH_D(M, fam, a, A, e) EACH_D(M, fam, a, 0, e) EACH_D(M, fam, a, 1, e)
/* Every ordered pair of S C A 0 1, but no two constants. */
#define SHAPE_FULL(M, fam, e)                                                                      \
    EACH_B(M, fam, S, e)                                                                           \
    EACH_B(M, fam, A, e)                                                                           \
    EACH_B(M, fam, 0, e)                                                                           \
    EACH_B(M, fam, 1, e)                                                                           \
    EACH_D(M, fam, C, S, e)                                                                        \
    EACH_D(M, fam, C, A, e) EACH_D(M, fam, C, 0, e) EACH_D(M, fam, C, 1, e)
/* Unordered pairs, for commutative operators. */
#define SHAPE_PAIR(M, fam, e)                                                                      \
    EACH_D(M, fam, S, S, e)                                                                        \
    EACH_D(M, fam, S, C, e)                                                                        \
    EACH_D(M, fam, S, A, e)                                                                        \
    EACH_D(M, fam, S, 0, e)                                                                        \
    EACH_D(M, fam, S, 1, e)                                                                        \
    EACH_D(M, fam, A, C, e)                                                                        \
    EACH_D(M, fam, A, A, e)                                                                        \
    EACH_D(M, fam, A, 0, e)                                                                        \
    EACH_D(M, fam, A, 1, e)                                                                        \
    EACH_D(M, fam, 0, C, e)                                                                        \
    EACH_D(M, fam, 0, 0, e)                                                                        \
    EACH_D(M, fam, 0, 1, e) EACH_D(M, fam, 1, C, e) EACH_D(M, fam, 1, 1, e)

/* Comparisons that give a value: destinations S and A. */
#define CMP_D(M, fam, a, b, e) M(fam, a, b, S, e) M(fam, a, b, A, e)
#define CMP_B(M, fam, a, e)                                                                        \
    CMP_D(M, fam, a, S, e)                                                                         \
    CMP_D(M, fam, a, C, e) CMP_D(M, fam, a, A, e) CMP_D(M, fam, a, 0, e) CMP_D(M, fam, a, 1, e)
#define CMP_FULL(M, fam, e)                                                                        \
    CMP_B(M, fam, S, e)                                                                            \
    CMP_B(M, fam, A, e)                                                                            \
    CMP_B(M, fam, 0, e)                                                                            \
    CMP_B(M, fam, 1, e)                                                                            \
    CMP_D(M, fam, C, S, e)                                                                         \
    CMP_D(M, fam, C, A, e) CMP_D(M, fam, C, 0, e) CMP_D(M, fam, C, 1, e)

/* Compare and branch: N plain, F metered. */
#define BR_D(M, fam, a, b, e) M(fam, a, b, N, e) M(fam, a, b, F, e)
#define BR_B(M, fam, a, e)                                                                         \
    BR_D(M, fam, a, S, e)                                                                          \
    BR_D(M, fam, a, C, e) BR_D(M, fam, a, A, e) BR_D(M, fam, a, 0, e) BR_D(M, fam, a, 1, e)
#define BR_FULL(M, fam, e)                                                                         \
    BR_B(M, fam, S, e)                                                                             \
    BR_B(M, fam, A, e)                                                                             \
    BR_B(M, fam, 0, e)                                                                             \
    BR_B(M, fam, 1, e)                                                                             \
    BR_D(M, fam, C, S, e) BR_D(M, fam, C, A, e) BR_D(M, fam, C, 0, e) BR_D(M, fam, C, 1, e)

/* One operand, all destinations: M(family, a, destination, expression). */
#define UNARY_D(M, fam, a, e) M(fam, a, S, e) M(fam, a, A, e) M(fam, a, 0, e) M(fam, a, 1, e)
#define SHAPE_UNARY(M, fam, e)                                                                     \
    UNARY_D(M, fam, S, e) UNARY_D(M, fam, A, e) UNARY_D(M, fam, 0, e) UNARY_D(M, fam, 1, e)

/* The same for i64, which small builds keep to slots. */
#define HAS_WIDE_PLACES 1
#define FULL_I64 SHAPE_FULL
#define PAIR_I64 SHAPE_PAIR
#define CMP_I64 CMP_FULL
#define BR_I64 BR_FULL
#define UNARY_I64 SHAPE_UNARY

/* Loads: M(family, a, destination, bytes, value); of floats FLOAD_D(family, a, …). */
#define LOAD_D(M, fam, a, n, e)                                                                    \
    M(fam, a, S, n, e) M(fam, a, A, n, e) M(fam, a, 0, n, e) M(fam, a, 1, n, e)
#define SHAPE_LOAD(M, fam, n, e)                                                                   \
    LOAD_D(M, fam, S, n, e)                                                                        \
    LOAD_D(M, fam, C, n, e)                                                                        \
    LOAD_D(M, fam, A, n, e) LOAD_D(M, fam, 0, n, e) LOAD_D(M, fam, 1, n, e)
#define SHAPE_FLOAD(fam, ds, df, n, e)                                                             \
    FLOAD_D(fam, S, ds, df, n, e)                                                                  \
    FLOAD_D(fam, C, ds, df, n, e)                                                                  \
    FLOAD_D(fam, A, ds, df, n, e) FLOAD_D(fam, 0, ds, df, n, e) FLOAD_D(fam, 1, ds, df, n, e)

/* Stores. */
#define STORE_B(fam, a, n, type, put)                                                              \
    ROW_STORE(fam, a, S, n, type, put)                                                             \
    ROW_STORE(fam, a, C, n, type, put)                                                             \
    ROW_STORE(fam, a, A, n, type, put)                                                             \
    ROW_STORE(fam, a, 0, n, type, put) ROW_STORE(fam, a, 1, n, type, put)
#define SHAPE_STORE(fam, n, type, put)                                                             \
    STORE_B(fam, S, n, type, put)                                                                  \
    STORE_B(fam, C, n, type, put)                                                                  \
    STORE_B(fam, A, n, type, put) STORE_B(fam, 0, n, type, put) STORE_B(fam, 1, n, type, put)
#define SHAPE_FSTORE(fam, n, value, put)                                                           \
    ROW_FSTORE(fam, S, n, value, put)                                                              \
    ROW_FSTORE(fam, C, n, value, put)                                                              \
    ROW_FSTORE(fam, A, n, value, put)                                                              \
    ROW_FSTORE(fam, 0, n, value, put) ROW_FSTORE(fam, 1, n, value, put)

/* select: values S or C, the condition S or A, all destinations. */
#define HAS_SELECT_PLACES 1
#define SELECT_D(a, b, k)                                                                          \
    ROW_SELECT(a, b, k, S)                                                                         \
    ROW_SELECT(a, b, k, A) ROW_SELECT(a, b, k, 0) ROW_SELECT(a, b, k, 1)
#define SELECT_K(a, b) SELECT_D(a, b, S) SELECT_D(a, b, A)
#define ROWS_SELECT SELECT_K(S, S) SELECT_K(S, C) SELECT_K(C, S) SELECT_K(C, C)

/* Integer to float. */
#define SHAPE_CONVERT(fam, I, T, e)                                                                \
    ROW_CONVERT(fam, I, T, S, S, e)                                                                \
    ROW_CONVERT(fam, I, T, S, F, e)                                                                \
    ROW_CONVERT(fam, I, T, A, S, e)                                                                \
    ROW_CONVERT(fam, I, T, A, F, e)                                                                \
    ROW_CONVERT(fam, I, T, 0, S, e)                                                                \
    ROW_CONVERT(fam, I, T, 0, F, e) ROW_CONVERT(fam, I, T, 1, S, e) ROW_CONVERT(fam, I, T, 1, F, e)

/*
 * Floats. Pairs of operands: S slot, F accumulator, K constant in k (then a holds the other
 * operand): M(family, type, a, b, destination, expression), destinations S and F.
 */
#define HAS_FLOAT_CONST 1
#define FPAIR_D(M, fam, T, a, b, e) M(fam, T, a, b, S, e) M(fam, T, a, b, F, e)
#define SHAPE_FLOAT(M, fam, T, e)                                                                  \
    FPAIR_D(M, fam, T, S, S, e)                                                                    \
    FPAIR_D(M, fam, T, S, F, e)                                                                    \
    FPAIR_D(M, fam, T, F, S, e)                                                                    \
    FPAIR_D(M, fam, T, S, K, e)                                                                    \
    FPAIR_D(M, fam, T, F, K, e)                                                                    \
    FPAIR_D(M, fam, T, K, S, e)                                                                    \
    FPAIR_D(M, fam, T, K, F, e) FPAIR_D(M, fam, T, F, F, e)
/* Comparisons: destinations S and A of the integer kind. */
#define FCMP_D(M, fam, T, a, b, e) M(fam, T, a, b, S, e) M(fam, T, a, b, A, e)
#define SHAPE_FCMP(M, fam, T, e)                                                                   \
    FCMP_D(M, fam, T, S, S, e)                                                                     \
    FCMP_D(M, fam, T, S, F, e)                                                                     \
    FCMP_D(M, fam, T, F, S, e)                                                                     \
    FCMP_D(M, fam, T, S, K, e)                                                                     \
    FCMP_D(M, fam, T, F, K, e)                                                                     \
    FCMP_D(M, fam, T, K, S, e)                                                                     \
    FCMP_D(M, fam, T, K, F, e) FCMP_D(M, fam, T, F, F, e)
/* Compare and branch: S and F only; N plain, F metered. */
#define FBR_D(M, fam, T, a, b, e) M(fam, T, a, b, N, e) M(fam, T, a, b, F, e)
#define SHAPE_FBR(M, fam, T, e)                                                                    \
    FBR_D(M, fam, T, S, S, e)                                                                      \
    FBR_D(M, fam, T, S, F, e) FBR_D(M, fam, T, F, S, e) FBR_D(M, fam, T, F, F, e)
/* One operand: ROW_FUNARY(family, from type, to type, a, destination, expression). */
#define SHAPE_FUNARY(fam, T, U, e)                                                                 \
    ROW_FUNARY(fam, T, U, S, S, e)                                                                 \
    ROW_FUNARY(fam, T, U, S, F, e)                                                                 \
    ROW_FUNARY(fam, T, U, F, S, e) ROW_FUNARY(fam, T, U, F, F, e)

#endif
