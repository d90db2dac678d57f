/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vector operators. See dispatch.h, and simd_lists.h for which operator is of which kind; the
 * handler of operator ID is simd_ID. All operands are in slots (vectors in two), all results go to
 * slots, scalar ones to the accumulators as well:
 *
 *   V_V, VV_V, VVV_V     a; a, b; a, b, d: vectors           c: vector
 *   VI_V                 a: vector, b: count; simd_ID_C has the count itself in b
 *   V_I, EXTRACT         a: vector, b: lane                  c: number
 *   SPLAT                a: number                           c: vector
 *   REPLACE              a: vector, b: number, d: lane       c: vector
 *   SHUFFLE              a, b: vectors                       c: vector; second cell: 16 lanes, as
 *                                                            const_V has its bits
 *   LOAD, STORE          a: index, b: vector, d: offset      c: vector
 *   …_LANE               the same; second cell: c: lane
 *
 * Those of memory are for memory 0. far_simd_ID is any memory and any address width, two cells as
 * in ops_memory.h; c of the second cell is the lane again.
 */
#include "interp/simd_lists.h"

#define VECTOR(f) simd_V128_LOAD(SLOT_AT(ip->f))
#define SET_VECTOR(value)                                                                          \
    do {                                                                                           \
        const v128 vector_ = (value);                                                              \
        simd_V128_STORE(SLOT_AT(ip->c), vector_);                                                  \
    } while (0)

/* ---- Vectors ------------------------------------------------------------------------------- */

#define ROW_SIMD_V_V(id)                                                                           \
    OP(simd_##id, {                                                                                \
        SET_VECTOR(simd_##id(VECTOR(a)));                                                          \
        NEXT;                                                                                      \
    })
#define ROW_SIMD_VV_V(id)                                                                          \
    OP(simd_##id, {                                                                                \
        SET_VECTOR(simd_##id(VECTOR(a), VECTOR(b)));                                               \
        NEXT;                                                                                      \
    })
#define ROW_SIMD_VVV_V(id)                                                                         \
    OP(simd_##id, {                                                                                \
        SET_VECTOR(simd_##id(VECTOR(a), VECTOR(b), VECTOR(d)));                                    \
        NEXT;                                                                                      \
    })
#define ROW_SIMD_VI_V(id)                                                                          \
    OP(simd_##id, {                                                                                \
        SET_VECTOR(simd_##id(VECTOR(a), I32_S(b)));                                                \
        NEXT;                                                                                      \
    })                                                                                             \
    OP(simd_##id##_C, {                                                                            \
        SET_VECTOR(simd_##id(VECTOR(a), I32_C(b)));                                                \
        NEXT;                                                                                      \
    })
#define ROW_SIMD_V_I(id)                                                                           \
    OP(simd_##id, {                                                                                \
        SET_S(simd_##id(VECTOR(a)));                                                               \
        NEXT;                                                                                      \
    })
SIMD_LIST_V_V(ROW_SIMD_V_V)
SIMD_LIST_VV_V(ROW_SIMD_VV_V)
SIMD_LIST_VVV_V(ROW_SIMD_VVV_V)
SIMD_LIST_VI_V(ROW_SIMD_VI_V)
SIMD_LIST_V_I(ROW_SIMD_V_I)

/* ---- Lanes --------------------------------------------------------------------------------- */

/* By type of the number: how it is read, and written. */
#define ROW_SIMD_SPLAT(id, number)                                                                 \
    OP(simd_##id, {                                                                                \
        SET_VECTOR(simd_##id(number(a)));                                                          \
        NEXT;                                                                                      \
    })
#define ROW_SIMD_EXTRACT(id, set)                                                                  \
    OP(simd_##id, {                                                                                \
        set(simd_##id(VECTOR(a), (uint32_t)ip->b));                                                \
        NEXT;                                                                                      \
    })
#define ROW_SIMD_REPLACE(id, number)                                                               \
    OP(simd_##id, {                                                                                \
        SET_VECTOR(simd_##id(VECTOR(a), number(b), (uint32_t)ip->d));                              \
        NEXT;                                                                                      \
    })
#define ROW_SIMD_SPLAT_I32(id) ROW_SIMD_SPLAT(id, I32_S)
#define ROW_SIMD_SPLAT_I64(id) ROW_SIMD_SPLAT(id, I64_S)
#define ROW_SIMD_SPLAT_F32(id) ROW_SIMD_SPLAT(id, F32_S)
#define ROW_SIMD_SPLAT_F64(id) ROW_SIMD_SPLAT(id, F64_S)
#define ROW_SIMD_EXTRACT_INT(id) ROW_SIMD_EXTRACT(id, SET_S)
#define ROW_SIMD_EXTRACT_F32(id) ROW_SIMD_EXTRACT(id, SET_F32_S)
#define ROW_SIMD_EXTRACT_F64(id) ROW_SIMD_EXTRACT(id, SET_F64_S)
#define ROW_SIMD_REPLACE_I32(id) ROW_SIMD_REPLACE(id, I32_S)
#define ROW_SIMD_REPLACE_I64(id) ROW_SIMD_REPLACE(id, I64_S)
#define ROW_SIMD_REPLACE_F32(id) ROW_SIMD_REPLACE(id, F32_S)
#define ROW_SIMD_REPLACE_F64(id) ROW_SIMD_REPLACE(id, F64_S)
SIMD_LIST_SPLAT_I32(ROW_SIMD_SPLAT_I32)
SIMD_LIST_SPLAT_I64(ROW_SIMD_SPLAT_I64)
SIMD_LIST_SPLAT_F32(ROW_SIMD_SPLAT_F32)
SIMD_LIST_SPLAT_F64(ROW_SIMD_SPLAT_F64)
SIMD_LIST_EXTRACT_I32(ROW_SIMD_EXTRACT_INT)
SIMD_LIST_EXTRACT_I64(ROW_SIMD_EXTRACT_INT)
SIMD_LIST_EXTRACT_F32(ROW_SIMD_EXTRACT_F32)
SIMD_LIST_EXTRACT_F64(ROW_SIMD_EXTRACT_F64)
SIMD_LIST_REPLACE_I32(ROW_SIMD_REPLACE_I32)
SIMD_LIST_REPLACE_I64(ROW_SIMD_REPLACE_I64)
SIMD_LIST_REPLACE_F32(ROW_SIMD_REPLACE_F32)
SIMD_LIST_REPLACE_F64(ROW_SIMD_REPLACE_F64)

OP(simd_I8X16_SHUFFLE, {
    const uint64_t lanes[2] = {(uint64_t)(uint32_t)ip[1].a | (uint64_t)(uint32_t)ip[1].c << 32,
                               ip[1].k};
    SET_VECTOR(simd_I8X16_SHUFFLE(VECTOR(a), VECTOR(b), (const uint8_t *)lanes));
    ip += 2;
    GO;
})

/* ---- Memory -------------------------------------------------------------------------------- */

#define ROW_SIMD_LOAD(id, bytes)                                                                   \
    OP(simd_##id, {                                                                                \
        ADDRESS(I32_S(a), bytes)                                                                   \
        SET_VECTOR(simd_##id(mem + ea));                                                           \
        NEXT;                                                                                      \
    })                                                                                             \
    OP(far_simd_##id, {                                                                            \
        FAR_ADDRESS(bytes)                                                                         \
        SET_VECTOR(simd_##id(at));                                                                 \
        FAR_NEXT;                                                                                  \
    })
#define ROW_SIMD_STORE(id, bytes)                                                                  \
    OP(simd_##id, {                                                                                \
        ADDRESS(I32_S(a), bytes)                                                                   \
        simd_##id(mem + ea, VECTOR(b));                                                            \
        NEXT;                                                                                      \
    })                                                                                             \
    OP(far_simd_##id, {                                                                            \
        FAR_ADDRESS(bytes)                                                                         \
        simd_##id(at, VECTOR(b));                                                                  \
        FAR_NEXT;                                                                                  \
    })
#define ROW_SIMD_LOAD_LANE(id, bytes)                                                              \
    OP(simd_##id, {                                                                                \
        ADDRESS(I32_S(a), bytes)                                                                   \
        SET_VECTOR(simd_##id(mem + ea, VECTOR(b), (uint32_t)ip[1].c));                             \
        FAR_NEXT;                                                                                  \
    })                                                                                             \
    OP(far_simd_##id, {                                                                            \
        FAR_ADDRESS(bytes)                                                                         \
        SET_VECTOR(simd_##id(at, VECTOR(b), (uint32_t)ip[1].c));                                   \
        FAR_NEXT;                                                                                  \
    })
#define ROW_SIMD_STORE_LANE(id, bytes)                                                             \
    OP(simd_##id, {                                                                                \
        ADDRESS(I32_S(a), bytes)                                                                   \
        simd_##id(mem + ea, VECTOR(b), (uint32_t)ip[1].c);                                         \
        FAR_NEXT;                                                                                  \
    })                                                                                             \
    OP(far_simd_##id, {                                                                            \
        FAR_ADDRESS(bytes)                                                                         \
        simd_##id(at, VECTOR(b), (uint32_t)ip[1].c);                                               \
        FAR_NEXT;                                                                                  \
    })
SIMD_LIST_LOAD(ROW_SIMD_LOAD)
SIMD_LIST_STORE(ROW_SIMD_STORE)
SIMD_LIST_LOAD_LANE(ROW_SIMD_LOAD_LANE)
SIMD_LIST_STORE_LANE(ROW_SIMD_STORE_LANE)
