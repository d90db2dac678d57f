/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shapes of handler families for small builds: no pinned locals, no float accumulators, and
 * metered loops charge in a cell of their own. See shapes_full.h.
 */
#ifndef INTERP_SHAPES_H
#define INTERP_SHAPES_H

#define PIN_COUNT 0
#define PINNED(...)
#define HAS_FLOAT_ACC 0
#define FLOAT_ACC(...)
#define HAS_METERED_BRANCHES 0
#define FAR_ACCESS(...)

#define EACH_D(M, fam, a, b, e) M(fam, a, b, S, e) M(fam, a, b, A, e)
#define EACH_B(M, fam, a, e) EACH_D(M, fam, a, S, e) EACH_D(M, fam, a, C, e) EACH_D(M, fam, a, A, e)
#define SHAPE_FULL(M, fam, e)                                                                      \
    EACH_B(M, fam, S, e) EACH_B(M, fam, A, e) EACH_D(M, fam, C, S, e) EACH_D(M, fam, C, A, e)
#define SHAPE_PAIR(M, fam, e)                                                                      \
    EACH_D(M, fam, S, S, e)                                                                        \
    EACH_D(M, fam, S, C, e)                                                                        \
    EACH_D(M, fam, S, A, e) EACH_D(M, fam, A, C, e) EACH_D(M, fam, A, A, e)

#define CMP_FULL(M, fam, e) SHAPE_FULL(M, fam, e)

#define BR_D(M, fam, a, b, e) M(fam, a, b, N, e)
#define BR_B(M, fam, a, e) BR_D(M, fam, a, S, e) BR_D(M, fam, a, C, e) BR_D(M, fam, a, A, e)
#define BR_FULL(M, fam, e)                                                                         \
    BR_B(M, fam, S, e) BR_B(M, fam, A, e) BR_D(M, fam, C, S, e) BR_D(M, fam, C, A, e)

#define UNARY_D(M, fam, a, e) M(fam, a, S, e) M(fam, a, A, e)
#define SHAPE_UNARY(M, fam, e) UNARY_D(M, fam, S, e) UNARY_D(M, fam, A, e)

#define HAS_WIDE_PLACES 0
#define FULL_I64(M, fam, e) M(fam, S, S, S, e) M(fam, S, C, S, e) M(fam, C, S, S, e)
#define PAIR_I64(M, fam, e) M(fam, S, S, S, e) M(fam, S, C, S, e)
#define CMP_I64(M, fam, e) FULL_I64(M, fam, e)
#define BR_I64(M, fam, e) M(fam, S, S, N, e) M(fam, S, C, N, e) M(fam, C, S, N, e)
#define UNARY_I64(M, fam, e) M(fam, S, S, e)

#define LOAD_D(M, fam, a, n, e) M(fam, a, S, n, e) M(fam, a, A, n, e)
#define SHAPE_LOAD(M, fam, n, e)                                                                   \
    LOAD_D(M, fam, S, n, e) LOAD_D(M, fam, C, n, e) LOAD_D(M, fam, A, n, e)
#define SHAPE_FLOAD(fam, ds, df, n, e)                                                             \
    FLOAD_D(fam, S, ds, df, n, e) FLOAD_D(fam, C, ds, df, n, e) FLOAD_D(fam, A, ds, df, n, e)

#define STORE_B(fam, a, n, type, put)                                                              \
    ROW_STORE(fam, a, S, n, type, put)                                                             \
    ROW_STORE(fam, a, C, n, type, put) ROW_STORE(fam, a, A, n, type, put)
#define SHAPE_STORE(fam, n, type, put)                                                             \
    STORE_B(fam, S, n, type, put) STORE_B(fam, C, n, type, put) STORE_B(fam, A, n, type, put)
#define SHAPE_FSTORE(fam, n, value, put)

#define HAS_SELECT_PLACES 0
#define SELECT_D(a, b, k) ROW_SELECT(a, b, k, S)
#define ROWS_SELECT SELECT_D(S, S, S)

#define SHAPE_CONVERT(fam, I, T, e) ROW_CONVERT(fam, I, T, S, S, e) ROW_CONVERT(fam, I, T, A, S, e)

#define HAS_FLOAT_CONST 0
#define SHAPE_FLOAT(M, fam, T, e) M(fam, T, S, S, S, e)
#define SHAPE_FCMP(M, fam, T, e) M(fam, T, S, S, S, e)
#define SHAPE_FBR(M, fam, T, e) M(fam, T, S, S, N, e)
#define SHAPE_FUNARY(fam, T, U, e) ROW_FUNARY(fam, T, U, S, S, e)

#endif
