/* SPDX-License-Identifier: Apache-2.0 */
/* Integer arithmetic, comparison, compare-and-branch, moves, select. See dispatch.h. */

#define ROW_I32(fam, p, q, r, e)                                                                   \
    OP(fam##_##p##q##r, {                                                                          \
        uint32_t x = I32_##p(a), y = I32_##q(b);                                                   \
        SET_##r((uint32_t)(e));                                                                    \
        NEXT;                                                                                      \
    })
#define ROW_I64(fam, p, q, r, e)                                                                   \
    OP(fam##_##p##q##r, {                                                                          \
        uint64_t x = I64_##p(a), y = I64_##q(b);                                                   \
        SET_##r((uint64_t)(e));                                                                    \
        NEXT;                                                                                      \
    })

SHAPE_PAIR(ROW_I32, i32_add, x + y)
SHAPE_PAIR(ROW_I32, i32_mul, x * y)
SHAPE_PAIR(ROW_I32, i32_and, x & y)
SHAPE_PAIR(ROW_I32, i32_or, x | y)
SHAPE_PAIR(ROW_I32, i32_xor, x ^ y)
SHAPE_FULL(ROW_I32, i32_sub, x - y)
SHAPE_FULL(ROW_I32, i32_shl, x << (y & 31))
SHAPE_FULL(ROW_I32, i32_shr_s, (int32_t)x >> (y & 31))
SHAPE_FULL(ROW_I32, i32_shr_u, x >> (y & 31))
SHAPE_FULL(ROW_I32, i32_rotl, x << (y & 31) | x >> (-y & 31))
SHAPE_FULL(ROW_I32, i32_rotr, x >> (y & 31) | x << (-y & 31))

PAIR_I64(ROW_I64, i64_add, x + y)
PAIR_I64(ROW_I64, i64_mul, x * y)
PAIR_I64(ROW_I64, i64_and, x & y)
PAIR_I64(ROW_I64, i64_or, x | y)
PAIR_I64(ROW_I64, i64_xor, x ^ y)
FULL_I64(ROW_I64, i64_sub, x - y)
FULL_I64(ROW_I64, i64_shl, x << (y & 63))
FULL_I64(ROW_I64, i64_shr_s, (int64_t)x >> (y & 63))
FULL_I64(ROW_I64, i64_shr_u, x >> (y & 63))
FULL_I64(ROW_I64, i64_rotl, x << (y & 63) | x >> (-y & 63))
FULL_I64(ROW_I64, i64_rotr, x >> (y & 63) | x << (-y & 63))

/* Comparisons that give a value. */
CMP_FULL(ROW_I32, i32_eq, x == y)
CMP_FULL(ROW_I32, i32_ne, x != y)
CMP_FULL(ROW_I32, i32_lt_s, (int32_t)x < (int32_t)y)
CMP_FULL(ROW_I32, i32_lt_u, x < y)
CMP_FULL(ROW_I32, i32_le_s, (int32_t)x <= (int32_t)y)
CMP_FULL(ROW_I32, i32_le_u, x <= y)
CMP_I64(ROW_I64, i64_eq, x == y)
CMP_I64(ROW_I64, i64_ne, x != y)
CMP_I64(ROW_I64, i64_lt_s, (int64_t)x < (int64_t)y)
CMP_I64(ROW_I64, i64_lt_u, x < y)
CMP_I64(ROW_I64, i64_le_s, (int64_t)x <= (int64_t)y)
CMP_I64(ROW_I64, i64_le_u, x <= y)

/*
 * Compare and branch. Each comes twice: N plain, and F for a metered backward branch, which
 * charges d operators when it is taken.
 */
#define BRANCH_N                                                                                   \
    do {                                                                                           \
        ip = (const struct cell *)((const uint8_t *)ip + ip->c);                                   \
        GO;                                                                                        \
    } while (0)
#define BRANCH_F                                                                                   \
    do {                                                                                           \
        ctx->fuel -= ip->d;                                                                        \
        ip = (const struct cell *)((const uint8_t *)ip + ip->c);                                   \
        if (UNLIKELY(ctx->fuel < 0))                                                               \
            JUMP(fuel_slice);                                                                      \
        GO;                                                                                        \
    } while (0)
#define ROW_BR_I32(fam, p, q, m, e)                                                                \
    OP(br_##fam##_##p##q##m, {                                                                     \
        uint32_t x = I32_##p(a), y = I32_##q(b);                                                   \
        if (e)                                                                                     \
            BRANCH_##m;                                                                            \
        NEXT;                                                                                      \
    })
#define ROW_BR_I64(fam, p, q, m, e)                                                                \
    OP(br_##fam##_##p##q##m, {                                                                     \
        uint64_t x = I64_##p(a), y = I64_##q(b);                                                   \
        if (e)                                                                                     \
            BRANCH_##m;                                                                            \
        NEXT;                                                                                      \
    })
BR_FULL(ROW_BR_I32, i32_eq, x == y)
BR_FULL(ROW_BR_I32, i32_ne, x != y)
BR_FULL(ROW_BR_I32, i32_lt_s, (int32_t)x < (int32_t)y)
BR_FULL(ROW_BR_I32, i32_lt_u, x < y)
BR_FULL(ROW_BR_I32, i32_le_s, (int32_t)x <= (int32_t)y)
BR_FULL(ROW_BR_I32, i32_le_u, x <= y)
BR_I64(ROW_BR_I64, i64_eq, x == y)
BR_I64(ROW_BR_I64, i64_ne, x != y)
BR_I64(ROW_BR_I64, i64_lt_s, (int64_t)x < (int64_t)y)
BR_I64(ROW_BR_I64, i64_lt_u, x < y)
BR_I64(ROW_BR_I64, i64_le_s, (int64_t)x <= (int64_t)y)
BR_I64(ROW_BR_I64, i64_le_u, x <= y)
/* Bit tests: (x & y) compared with zero. */
BR_FULL(ROW_BR_I32, i32_test_z, (x & y) == 0)
BR_FULL(ROW_BR_I32, i32_test_nz, (x & y) != 0)

/* One operand, four destinations: M(family, a, destination, expression). */
#define ROW_UN_I32(fam, p, r, e)                                                                   \
    OP(fam##_##p##r, {                                                                             \
        uint32_t x = I32_##p(a);                                                                   \
        SET_##r(e);                                                                                \
        NEXT;                                                                                      \
    })
#define ROW_UN_I64(fam, p, r, e)                                                                   \
    OP(fam##_##p##r, {                                                                             \
        uint64_t x = I64_##p(a);                                                                   \
        SET_##r(e);                                                                                \
        NEXT;                                                                                      \
    })
SHAPE_UNARY(ROW_UN_I32, i32_clz, num_i32_clz(x))
SHAPE_UNARY(ROW_UN_I32, i32_ctz, num_i32_ctz(x))
SHAPE_UNARY(ROW_UN_I32, i32_popcnt, num_i32_popcnt(x))
SHAPE_UNARY(ROW_UN_I32, i32_extend8_s, (uint32_t)(int8_t)x)
SHAPE_UNARY(ROW_UN_I32, i32_extend16_s, (uint32_t)(int16_t)x)
UNARY_I64(ROW_UN_I64, i64_clz, num_i64_clz(x))
UNARY_I64(ROW_UN_I64, i64_ctz, num_i64_ctz(x))
UNARY_I64(ROW_UN_I64, i64_popcnt, num_i64_popcnt(x))
UNARY_I64(ROW_UN_I64, i64_extend8_s, (uint64_t)(int8_t)x)
UNARY_I64(ROW_UN_I64, i64_extend16_s, (uint64_t)(int16_t)x)
UNARY_I64(ROW_UN_I64, i64_extend32_s, (uint64_t)(int32_t)x)
UNARY_I64(ROW_UN_I32, i64_extend_i32_u, (uint64_t)x)

/* Moves keep the accumulators, so that they can be put between a producer and its user. */
OP(move_SS, {
    S64(ip->c) = S64(ip->a);
    NEXT;
})
OP(move_CS, {
    S64(ip->c) = (uint64_t)(int64_t)ip->a;
    NEXT;
})
OP(move_AS, {
    S64(ip->c) = acc;
    NEXT;
})
PINNED(OP(move_0S, {
    S64(ip->c) = l0;
    NEXT;
}))
PINNED(OP(move_1S, {
    S64(ip->c) = l1;
    NEXT;
}))
PINNED(OP(move_S0, {
    S64(ip->c) = l0 = S64(ip->a);
    NEXT;
}))
PINNED(OP(move_C0, {
    S64(ip->c) = l0 = (uint64_t)(int64_t)ip->a;
    NEXT;
}))
PINNED(OP(move_A0, {
    S64(ip->c) = l0 = acc;
    NEXT;
}))
PINNED(OP(move_00, { NEXT; }))
PINNED(OP(move_10, {
    S64(ip->c) = l0 = l1;
    NEXT;
}))
PINNED(OP(move_S1, {
    S64(ip->c) = l1 = S64(ip->a);
    NEXT;
}))
PINNED(OP(move_C1, {
    S64(ip->c) = l1 = (uint64_t)(int64_t)ip->a;
    NEXT;
}))
PINNED(OP(move_A1, {
    S64(ip->c) = l1 = acc;
    NEXT;
}))
PINNED(OP(move_01, {
    S64(ip->c) = l1 = l0;
    NEXT;
}))
PINNED(OP(move_11, { NEXT; }))
OP(move_KS, {
    S64(ip->c) = ip->k;
    NEXT;
})
PINNED(OP(move_K0, {
    S64(ip->c) = l0 = ip->k;
    NEXT;
}))
PINNED(OP(move_K1, {
    S64(ip->c) = l1 = ip->k;
    NEXT;
}))
/* A vector's two slots. */
OP(move_V, {
    uint64_t low = S64(ip->a);
    uint64_t high = S64(ip->a + 8);
    S64(ip->c) = low;
    S64(ip->c + 8) = high;
    NEXT;
})
/* A vector constant: the bits are in the next cell's a, c and k. */
OP(const_V, {
    S64(ip->c) = (uint64_t)(uint32_t)ip[1].a | (uint64_t)(uint32_t)ip[1].c << 32;
    S64(ip->c + 8) = ip[1].k;
    ip += 2;
    GO;
})

/* select: a where the condition d is not zero, else b. M(a, b, condition, destination). */
#define ROW_SELECT(p, q, k, dst)                                                                   \
    OP(select_##p##q##k##dst, {                                                                    \
        uint64_t x = I64_##p(a), y = I64_##q(b);                                                   \
        SET_##dst(I32_##k(d) != 0 ? x : y);                                                        \
        NEXT;                                                                                      \
    })
ROWS_SELECT
OP(select_V, {
    int32_t from = S32(ip->d) != 0 ? ip->a : ip->b;
    uint64_t low = S64(from);
    uint64_t high = S64(from + 8);
    S64(ip->c) = low;
    S64(ip->c + 8) = high;
    NEXT;
})

/* Division: operands S or constant, result S. */
#define ROW_DIV32(fam, q, check, e)                                                                \
    OP(fam##_S##q, {                                                                               \
        uint32_t x = S32(ip->a), y = I32_##q(b);                                                   \
        if (UNLIKELY(y == 0))                                                                      \
            TRAP(DIVIDE_BY_ZERO);                                                                  \
        check SET_S((uint32_t)(e));                                                                \
        NEXT;                                                                                      \
    })
#define ROW_DIV64(fam, q, check, e)                                                                \
    OP(fam##_S##q, {                                                                               \
        uint64_t x = S64(ip->a), y = I64_##q(b);                                                   \
        if (UNLIKELY(y == 0))                                                                      \
            TRAP(DIVIDE_BY_ZERO);                                                                  \
        check SET_S((uint64_t)(e));                                                                \
        NEXT;                                                                                      \
    })
#define OVERFLOW32                                                                                 \
    if (UNLIKELY(y == UINT32_MAX && x == 0x80000000u))                                             \
        TRAP(INTEGER_OVERFLOW);
#define OVERFLOW64                                                                                 \
    if (UNLIKELY(y == UINT64_MAX && x == UINT64_C(1) << 63))                                       \
        TRAP(INTEGER_OVERFLOW);
#define NO_CHECK
#define DIVISIONS(M, fam, check, e) M(fam, S, check, e) M(fam, C, check, e)
DIVISIONS(ROW_DIV32, i32_div_s, OVERFLOW32, (int32_t)x / (int32_t)y)
DIVISIONS(ROW_DIV32, i32_div_u, NO_CHECK, x / y)
DIVISIONS(ROW_DIV32, i32_rem_s, NO_CHECK, y == UINT32_MAX ? 0 : (int32_t)x % (int32_t)y)
DIVISIONS(ROW_DIV32, i32_rem_u, NO_CHECK, x % y)
DIVISIONS(ROW_DIV64, i64_div_s, OVERFLOW64, (int64_t)x / (int64_t)y)
DIVISIONS(ROW_DIV64, i64_div_u, NO_CHECK, x / y)
DIVISIONS(ROW_DIV64, i64_rem_s, NO_CHECK, y == UINT64_MAX ? 0 : (int64_t)x % (int64_t)y)
DIVISIONS(ROW_DIV64, i64_rem_u, NO_CHECK, x % y)

/* Globals: a is the index. */
#define ROW_GLOBAL_GET(r)                                                                          \
    OP(global_get_##r, {                                                                           \
        SET_##r(ctx->globals[ip->a]->cell[0]);                                                     \
        NEXT;                                                                                      \
    })
ROW_GLOBAL_GET(S)
ROW_GLOBAL_GET(A)
PINNED(ROW_GLOBAL_GET(0))
PINNED(ROW_GLOBAL_GET(1))
#define ROW_GLOBAL_SET(q)                                                                          \
    OP(global_set_##q, {                                                                           \
        ctx->globals[ip->a]->cell[0] = I64_##q(b);                                                 \
        NEXT;                                                                                      \
    })
ROW_GLOBAL_SET(S)
ROW_GLOBAL_SET(C)
ROW_GLOBAL_SET(A)
PINNED(ROW_GLOBAL_SET(0))
PINNED(ROW_GLOBAL_SET(1))
OP(global_get_V, {
    const uint64_t *cell = ctx->globals[ip->a]->cell;
    S64(ip->c) = cell[0];
    S64(ip->c + 8) = cell[1];
    NEXT;
})
OP(global_set_V, {
    uint64_t *cell = ctx->globals[ip->a]->cell;
    cell[0] = S64(ip->b);
    cell[1] = S64(ip->b + 8);
    NEXT;
})
