/* SPDX-License-Identifier: Apache-2.0 */
/* Vector semantics: each operator against a reference that goes lane by lane, over edge and random
 * lanes. simd_lists.h names the operators, so that one without a reference does not compile. */
#include "check.h"

#include "interp/numeric.h"
#include "interp/simd.h"
#include "interp/simd_lists.h"
#include "wasm/op.h"

enum { ROUNDS = 3000 };

union lanes {
    v128 v;
    int8_t i8[16];
    uint8_t u8[16];
    int16_t i16[8];
    uint16_t u16[8];
    int32_t i32[4];
    uint32_t u32[4];
    int64_t i64[2];
    uint64_t u64[2];
    float f32[4];
    double f64[2];
};

/* How results are compared: bit by bit, or as floats, whose NaNs need only be quiet. */
enum kind {
    KIND_i,
    KIND_f32,
    KIND_f64,
    KIND_i8 = KIND_i,
    KIND_u8 = KIND_i,
    KIND_i16 = KIND_i,
    KIND_u16 = KIND_i,
    KIND_i32 = KIND_i,
    KIND_u32 = KIND_i,
    KIND_i64 = KIND_i,
    KIND_u64 = KIND_i,
};

static uint64_t random_state = 0x243f6a8885a308d3;

static uint64_t random_u64(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static const uint32_t edges_f32[] = {
    0,          0x3f000000, 0x3effffff, 0x3f800000, 0x3fc00000, 0x40200000, 0x3fffffff, 0x4a800001,
    0x4b000000, 0x4affffff, 0x4effffff, 0x4f000000, 0x4f7fffff, 0x4f800000, 0x7f7fffff, 0x7f800000,
    0x00000001, 0x007fffff, 0x7fc00000, 0x7f800001, 0x7fa00001, 0x7fffffff,
};

static const uint64_t edges_f64[] = {
    0,                  0x3fe0000000000000, 0x3fdfffffffffffff, 0x3ff0000000000000,
    0x3ff8000000000000, 0x4004000000000000, 0x4330000000000000, 0x432fffffffffffff,
    0x4330000000000001, 0x41dfffffffc00000, 0x41dfffffffe00000, 0x41e0000000000000,
    0x41e0000000200000, 0x41efffffffe00000, 0x41effffffff00000, 0x41f0000000000000,
    0x7fefffffffffffff, 0x7ff0000000000000, 0x0000000000000001, 0x36a0000000000000,
    0x7ff8000000000000, 0x7ff0000000000001, 0x7ff4000000000000, 0x7fffffffffffffff,
    0x47efffffe0000000, 0x47effffff0000000,
};

/* A vector: random bits, or lanes of one width taken from what is difficult. */
static v128 random_v128(void)
{
    union lanes r;
    static const int16_t edges[] = {0, 1, -1, 2, 127, 128, -128, -129, 255, 256, 15, 16, 0x7fff,
                                    -0x8000, -0x7fff, 0x7ffe, 0x4000, -0x4000, 0x80, 0x7f80};
    for (int i = 0; i < 2; i++)
        r.u64[i] = random_u64();
    switch (random_u64() % 6) {
    case 0:
        for (int i = 0; i < 8; i++)
            r.i16[i] = edges[random_u64() % COUNT_OF(edges)];
        break;
    case 1:
        for (int i = 0; i < 4; i++)
            r.i32[i] = (int32_t)((uint32_t)edges[random_u64() % COUNT_OF(edges)] << (i & 1 ? 0 : 16));
        break;
    case 2:
        for (int i = 0; i < 4; i++)
            r.u32[i] = edges_f32[random_u64() % COUNT_OF(edges_f32)] ^ (uint32_t)random_u64() << 31;
        break;
    case 3:
        for (int i = 0; i < 2; i++)
            r.u64[i] = edges_f64[random_u64() % COUNT_OF(edges_f64)] ^ random_u64() << 63;
        break;
    case 4: /* floats of everyday size */
        for (int i = 0; i < 4; i++)
            r.u32[i] = (r.u32[i] & 0x807fffff) | (uint32_t)(120 + random_u64() % 40) << 23;
        break;
    }
    return r.v;
}

static bool same(enum kind kind, const union lanes *got, const union lanes *want)
{
    bool ok = true;
    for (int i = 0; i < 4 && kind == KIND_f32; i++) {
        bool nan = want->f32[i] != want->f32[i];
        ok &= nan ? (got->u32[i] & 0x7fc00000) == 0x7fc00000 : got->u32[i] == want->u32[i];
    }
    for (int i = 0; i < 2 && kind == KIND_f64; i++) {
        bool nan = want->f64[i] != want->f64[i];
        ok &= nan ? got->u64[i] << 1 >= 0xfff0000000000000 : got->u64[i] == want->u64[i];
    }
    return kind == KIND_i ? memcmp(got, want, sizeof(*got)) == 0 : ok;
}

/* ---- References -------------------------------------------------------------------------- */

/*
 * REF(id, in, out, count, result): ref_<id> gives lane i of `out` the result, from lanes x, y, z
 * (lane i of the operands, seen as `in`), i, a, b and c.
 */
#define REF(id, in, out, count, result)                                                            \
    enum { KIND_##id = KIND_##out };                                                               \
    static void ref_##id(const union lanes *a, const union lanes *b, const union lanes *c,         \
                         union lanes *ret)                                                         \
    {                                                                                              \
        memset(ret, 0, sizeof(*ret));                                                              \
        for (int i = 0; i < (count); i++) {                                                        \
            const __typeof__(a->in[0]) x = a->in[i], y = b->in[i], z = c->in[i];                   \
            (void)x, (void)y, (void)z;                                                             \
            ret->out[i] = (result);                                                                \
        }                                                                                          \
    }

static int64_t clamp(int64_t x, int64_t smallest, int64_t largest)
{
    return x < smallest ? smallest : x > largest ? largest : x;
}

#define REF_COMPARE(SHAPE, s, u, n)                                                                \
    REF(SHAPE##_EQ, s, s, n, -(x == y))                                                            \
    REF(SHAPE##_NE, s, s, n, -(x != y))                                                            \
    REF(SHAPE##_LT_S, s, s, n, -(x < y))                                                           \
    REF(SHAPE##_GT_S, s, s, n, -(x > y))                                                           \
    REF(SHAPE##_LE_S, s, s, n, -(x <= y))                                                          \
    REF(SHAPE##_GE_S, s, s, n, -(x >= y))                                                          \
    REF(SHAPE##_ADD, u, u, n, (uint64_t)x + y)                                                     \
    REF(SHAPE##_SUB, u, u, n, (uint64_t)x - y)                                                     \
    REF(SHAPE##_NEG, u, u, n, -(uint64_t)x)                                                        \
    REF(SHAPE##_ABS, s, u, n, x < 0 ? -(uint64_t)x : (uint64_t)x)
REF_COMPARE(I8X16, i8, u8, 16)
REF_COMPARE(I16X8, i16, u16, 8)
REF_COMPARE(I32X4, i32, u32, 4)
REF_COMPARE(I64X2, i64, u64, 2)

#define REF_ORDER(SHAPE, s, u, n)                                                                  \
    REF(SHAPE##_LT_U, u, s, n, -(x < y))                                                           \
    REF(SHAPE##_GT_U, u, s, n, -(x > y))                                                           \
    REF(SHAPE##_LE_U, u, s, n, -(x <= y))                                                          \
    REF(SHAPE##_GE_U, u, s, n, -(x >= y))                                                          \
    REF(SHAPE##_MIN_S, s, s, n, x < y ? x : y)                                                     \
    REF(SHAPE##_MIN_U, u, u, n, x < y ? x : y)                                                     \
    REF(SHAPE##_MAX_S, s, s, n, x > y ? x : y)                                                     \
    REF(SHAPE##_MAX_U, u, u, n, x > y ? x : y)
REF_ORDER(I8X16, i8, u8, 16)
REF_ORDER(I16X8, i16, u16, 8)
REF_ORDER(I32X4, i32, u32, 4)

#define REF_SATURATE(SHAPE, s, u, n, smin, smax, umax)                                             \
    REF(SHAPE##_ADD_SAT_S, s, s, n, clamp((int64_t)x + y, smin, smax))                             \
    REF(SHAPE##_SUB_SAT_S, s, s, n, clamp((int64_t)x - y, smin, smax))                             \
    REF(SHAPE##_ADD_SAT_U, u, u, n, clamp((int64_t)x + y, 0, umax))                                \
    REF(SHAPE##_SUB_SAT_U, u, u, n, clamp((int64_t)x - y, 0, umax))                                \
    REF(SHAPE##_AVGR_U, u, u, n, (x + y + 1) / 2)
REF_SATURATE(I8X16, i8, u8, 16, INT8_MIN, INT8_MAX, UINT8_MAX)
REF_SATURATE(I16X8, i16, u16, 8, INT16_MIN, INT16_MAX, UINT16_MAX)
REF(I8X16_NARROW_I16X8_S, i8, i8, 16, clamp((i < 8 ? a : b)->i16[i % 8], INT8_MIN, INT8_MAX))
REF(I8X16_NARROW_I16X8_U, i8, u8, 16, clamp((i < 8 ? a : b)->i16[i % 8], 0, UINT8_MAX))
REF(I16X8_NARROW_I32X4_S, i16, i16, 8, clamp((i < 4 ? a : b)->i32[i % 4], INT16_MIN, INT16_MAX))
REF(I16X8_NARROW_I32X4_U, i16, u16, 8, clamp((i < 4 ? a : b)->i32[i % 4], 0, UINT16_MAX))
REF(I16X8_Q15MULR_SAT_S, i16, i16, 8, clamp((x * y + 0x4000) >> 15, INT16_MIN, INT16_MAX))
#define ref_I16X8_RELAXED_Q15MULR_S ref_I16X8_Q15MULR_SAT_S
#define KIND_I16X8_RELAXED_Q15MULR_S KIND_i

REF(I16X8_MUL, i16, i16, 8, x * y)
REF(I32X4_MUL, u32, u32, 4, x * y)
REF(I64X2_MUL, u64, u64, 2, x * y)
REF(I8X16_POPCNT, u8, u8, 16, __builtin_popcount(x))
REF(I32X4_DOT_I16X8_S, i32, u32, 4,
    (uint32_t)(a->i16[2 * i] * b->i16[2 * i]) + (uint32_t)(a->i16[2 * i + 1] * b->i16[2 * i + 1]))
REF(I16X8_RELAXED_DOT_I8X16_I7X16_S, i16, i16, 8,
    a->i8[2 * i] * b->i8[2 * i] + a->i8[2 * i + 1] * b->i8[2 * i + 1])
REF(I32X4_RELAXED_DOT_I8X16_I7X16_ADD_S, u32, u32, 4,
    z + (uint32_t)((int16_t)(a->i8[4 * i] * b->i8[4 * i] + a->i8[4 * i + 1] * b->i8[4 * i + 1]) +
                   (int16_t)(a->i8[4 * i + 2] * b->i8[4 * i + 2] +
                             a->i8[4 * i + 3] * b->i8[4 * i + 3])))

#define REF_EXTEND(WIDE, NARROW, n, ws, wu, s, u)                                                  \
    REF(WIDE##_EXTEND_LOW_##NARROW##_S, s, ws, n, a->s[i])                                         \
    REF(WIDE##_EXTEND_HIGH_##NARROW##_S, s, ws, n, a->s[(n) + i])                                  \
    REF(WIDE##_EXTEND_LOW_##NARROW##_U, u, wu, n, a->u[i])                                         \
    REF(WIDE##_EXTEND_HIGH_##NARROW##_U, u, wu, n, a->u[(n) + i])                                  \
    REF(WIDE##_EXTMUL_LOW_##NARROW##_S, s, ws, n, (int64_t)a->s[i] * b->s[i])                      \
    REF(WIDE##_EXTMUL_HIGH_##NARROW##_S, s, ws, n, (int64_t)a->s[(n) + i] * b->s[(n) + i])         \
    REF(WIDE##_EXTMUL_LOW_##NARROW##_U, u, wu, n, (uint64_t)a->u[i] * b->u[i])                     \
    REF(WIDE##_EXTMUL_HIGH_##NARROW##_U, u, wu, n, (uint64_t)a->u[(n) + i] * b->u[(n) + i])
REF_EXTEND(I16X8, I8X16, 8, i16, u16, i8, u8)
REF_EXTEND(I32X4, I16X8, 4, i32, u32, i16, u16)
REF_EXTEND(I64X2, I32X4, 2, i64, u64, i32, u32)
REF(I16X8_EXTADD_PAIRWISE_I8X16_S, i16, i16, 8, a->i8[2 * i] + a->i8[2 * i + 1])
REF(I16X8_EXTADD_PAIRWISE_I8X16_U, i16, i16, 8, a->u8[2 * i] + a->u8[2 * i + 1])
REF(I32X4_EXTADD_PAIRWISE_I16X8_S, i32, i32, 4, a->i16[2 * i] + a->i16[2 * i + 1])
REF(I32X4_EXTADD_PAIRWISE_I16X8_U, i32, i32, 4, a->u16[2 * i] + a->u16[2 * i + 1])

REF(V128_NOT, u8, u8, 16, ~x)
REF(V128_AND, u8, u8, 16, x & y)
REF(V128_ANDNOT, u8, u8, 16, x & ~y)
REF(V128_OR, u8, u8, 16, x | y)
REF(V128_XOR, u8, u8, 16, x ^ y)
REF(V128_BITSELECT, u8, u8, 16, (x & z) | (y & ~z))
REF(I8X16_RELAXED_LANESELECT, u8, u8, 16, (x & z) | (y & ~z))
REF(I16X8_RELAXED_LANESELECT, u8, u8, 16, (x & z) | (y & ~z))
REF(I32X4_RELAXED_LANESELECT, u8, u8, 16, (x & z) | (y & ~z))
REF(I64X2_RELAXED_LANESELECT, u8, u8, 16, (x & z) | (y & ~z))
REF(I8X16_SWIZZLE, u8, u8, 16, y < 16 ? a->u8[y] : 0)
REF(I8X16_RELAXED_SWIZZLE, u8, u8, 16, y < 16 ? a->u8[y] : 0)

/* The scalars have a test of their own. */
#define REF_FLOAT(SHAPE, f, s, u, n, num, top)                                                     \
    REF(SHAPE##_EQ, f, s, n, -(x == y))                                                            \
    REF(SHAPE##_NE, f, s, n, -(x != y))                                                            \
    REF(SHAPE##_LT, f, s, n, -(x < y))                                                             \
    REF(SHAPE##_GT, f, s, n, -(x > y))                                                             \
    REF(SHAPE##_LE, f, s, n, -(x <= y))                                                            \
    REF(SHAPE##_GE, f, s, n, -(x >= y))                                                            \
    REF(SHAPE##_ABS, u, u, n, x & ~(top))                                                          \
    REF(SHAPE##_NEG, u, u, n, x ^ (top))                                                           \
    REF(SHAPE##_SQRT, f, f, n, num##_sqrt(x))                                                      \
    REF(SHAPE##_CEIL, f, f, n, num##_ceil(x))                                                      \
    REF(SHAPE##_FLOOR, f, f, n, num##_floor(x))                                                    \
    REF(SHAPE##_TRUNC, f, f, n, num##_trunc(x))                                                    \
    REF(SHAPE##_NEAREST, f, f, n, num##_nearest(x))                                                \
    REF(SHAPE##_ADD, f, f, n, x + y)                                                               \
    REF(SHAPE##_SUB, f, f, n, x - y)                                                               \
    REF(SHAPE##_MUL, f, f, n, x *y)                                                                \
    REF(SHAPE##_DIV, f, f, n, x / y)                                                               \
    REF(SHAPE##_MIN, f, f, n, num##_min(x, y))                                                     \
    REF(SHAPE##_MAX, f, f, n, num##_max(x, y))                                                     \
    REF(SHAPE##_RELAXED_MIN, f, f, n, num##_min(x, y))                                             \
    REF(SHAPE##_RELAXED_MAX, f, f, n, num##_max(x, y))                                             \
    REF(SHAPE##_PMIN, f, u, n, b->f[i] < a->f[i] ? b->u[i] : a->u[i])                              \
    REF(SHAPE##_PMAX, f, u, n, a->f[i] < b->f[i] ? b->u[i] : a->u[i])
REF_FLOAT(F32X4, f32, i32, u32, 4, num_f32, 1u << 31)
REF_FLOAT(F64X2, f64, i64, u64, 2, num_f64, 1ull << 63)

/* Volatile keeps the product apart from the sum. */
static double product_f64(double x, double y)
{
    volatile double product = x * y;
    return product;
}

static float product_f32(float x, float y)
{
    volatile float product = x * y;
    return product;
}
REF(F32X4_RELAXED_MADD, f32, f32, 4, product_f32(x, y) + z)
REF(F32X4_RELAXED_NMADD, f32, f32, 4, -product_f32(x, y) + z)
REF(F64X2_RELAXED_MADD, f64, f64, 2, product_f64(x, y) + z)
REF(F64X2_RELAXED_NMADD, f64, f64, 2, -product_f64(x, y) + z)

#define REF_TRUNC(which)                                                                           \
    REF(I32X4_##which##_F32X4_S, f32, u32, 4, num_i32_trunc_sat_f32_s(x))                          \
    REF(I32X4_##which##_F32X4_U, f32, u32, 4, num_i32_trunc_sat_f32_u(x))                          \
    REF(I32X4_##which##_F64X2_S_ZERO, f64, u32, 2, num_i32_trunc_sat_f64_s(x))                     \
    REF(I32X4_##which##_F64X2_U_ZERO, f64, u32, 2, num_i32_trunc_sat_f64_u(x))
REF_TRUNC(TRUNC_SAT)
REF_TRUNC(RELAXED_TRUNC)
REF(F32X4_CONVERT_I32X4_S, u32, f32, 4, num_f32_convert_i32_s(x))
REF(F32X4_CONVERT_I32X4_U, u32, f32, 4, num_f32_convert_i32_u(x))
REF(F64X2_CONVERT_LOW_I32X4_S, u32, f64, 2, num_f64_convert_i32_s(x))
REF(F64X2_CONVERT_LOW_I32X4_U, u32, f64, 2, num_f64_convert_i32_u(x))
REF(F32X4_DEMOTE_F64X2_ZERO, f64, f32, 2, num_f32_demote_f64(x))
REF(F64X2_PROMOTE_LOW_F32X4, f32, f64, 2, num_f64_promote_f32(x))

/* ---- Operators on vectors ---------------------------------------------------------------- */

struct vector_op {
    const char *name;
    enum kind kind;
    v128 (*v_v)(v128);
    v128 (*vv_v)(v128, v128);
    v128 (*vvv_v)(v128, v128, v128);
    void (*ref)(const union lanes *, const union lanes *, const union lanes *, union lanes *);
};

static const struct vector_op vector_ops[] = {
#define X(id) {#id, (enum kind)KIND_##id, .v_v = simd_##id, .ref = ref_##id},
    SIMD_LIST_V_V(X)
#undef X
#define X(id) {#id, (enum kind)KIND_##id, .vv_v = simd_##id, .ref = ref_##id},
    SIMD_LIST_VV_V(X)
#undef X
#define X(id) {#id, (enum kind)KIND_##id, .vvv_v = simd_##id, .ref = ref_##id},
    SIMD_LIST_VVV_V(X)
#undef X
};

static void check_vector_op(const struct vector_op *op)
{
    for (int round = 0; round < ROUNDS; round++) {
        union lanes a = {random_v128()}, b = {random_v128()}, c = {random_v128()}, got, want;
        if (round % 8 == 0)
            b = a;
        if (op->v_v)
            got.v = op->v_v(a.v);
        else
            got.v = op->vv_v ? op->vv_v(a.v, b.v) : op->vvv_v(a.v, b.v, c.v);
        op->ref(&a, &b, &c, &want);
        if (CHECK(same(op->kind, &got, &want)))
            continue;
        const union lanes *shown[] = {&a, &b, &c, &got, &want};
        for (unsigned i = 0; i < COUNT_OF(shown); i++)
            printf("    %s %c %08x %08x %08x %08x\n", op->name, "abcgw"[i], shown[i]->u32[0],
                   shown[i]->u32[1], shown[i]->u32[2], shown[i]->u32[3]);
        return;
    }
}

TEST(vectors_to_vector)
{
    for (unsigned i = 0; i < COUNT_OF(vector_ops); i++)
        check_vector_op(&vector_ops[i]);
}

/* Products of two numbers that a fused operation would round once. */
TEST(madd_rounds_twice)
{
    union lanes a = {simd_F32X4_SPLAT(0x1.000004p+0f)}, b = {simd_F32X4_SPLAT(0x1.0002p+0f)};
    union lanes c = {simd_F32X4_SPLAT(-0x1.000204p+0f)}, r;
    r.v = simd_F32X4_RELAXED_MADD(a.v, b.v, c.v);
    CHECK(r.f32[0] == 0);
    r.v = simd_F32X4_RELAXED_NMADD(simd_F32X4_NEG(a.v), b.v, c.v);
    CHECK(r.f32[3] == 0);
    a.v = simd_F64X2_SPLAT(0x1.00000004p+0);
    b.v = simd_F64X2_SPLAT(0x1.000002p+0);
    c.v = simd_F64X2_SPLAT(-0x1.00000204p+0);
    r.v = simd_F64X2_RELAXED_MADD(a.v, b.v, c.v);
    CHECK(r.f64[0] == 0);
    r.v = simd_F64X2_RELAXED_NMADD(simd_F64X2_NEG(a.v), b.v, c.v);
    CHECK(r.f64[1] == 0);
}

TEST(shifts)
{
    for (int round = 0; round < ROUNDS; round++) {
        union lanes a = {random_v128()}, got, want;
        uint32_t count = (uint32_t)random_u64() >> (round & 1 ? 26 : 0);
#define CHECK_SHIFT(SHAPE, s, u, n)                                                                \
    do {                                                                                           \
        uint32_t by = count % (128 / (n));                                                         \
        got.v = simd_##SHAPE##_SHL(a.v, count);                                                    \
        for (int i = 0; i < (n); i++)                                                              \
            want.u[i] = (__typeof__(want.u[0]))((uint64_t)a.u[i] << by);                           \
        REQUIRE(same(KIND_i, &got, &want));                                                        \
        got.v = simd_##SHAPE##_SHR_U(a.v, count);                                                  \
        for (int i = 0; i < (n); i++)                                                              \
            want.u[i] = (__typeof__(want.u[0]))(a.u[i] >> by);                                     \
        REQUIRE(same(KIND_i, &got, &want));                                                        \
        got.v = simd_##SHAPE##_SHR_S(a.v, count);                                                  \
        for (int i = 0; i < (n); i++)                                                              \
            want.s[i] = (__typeof__(want.s[0]))(a.s[i] >> by);                                     \
        REQUIRE(same(KIND_i, &got, &want));                                                        \
    } while (0)
        CHECK_SHIFT(I8X16, i8, u8, 16);
        CHECK_SHIFT(I16X8, i16, u16, 8);
        CHECK_SHIFT(I32X4, i32, u32, 4);
        CHECK_SHIFT(I64X2, i64, u64, 2);
    }
}

/* Lanes that are zero now and then, signs of every combination. */
TEST(vector_to_i32)
{
    for (int round = 0; round < 2 * ROUNDS; round++) {
        union lanes a = {random_v128()};
        if (round & 1)
            a.v &= simd_I8X16_SPLAT((uint32_t)(1 << (round / 2 % 8)));
        if (round % 5 == 0)
            a.u32[random_u64() % 4] = 0;
        if (round % 16 == 0)
            memset(&a, 0, sizeof(a));
        if (round % 16 == 8) { /* one bit in all */
            memset(&a, 0, sizeof(a));
            a.u8[random_u64() % 16] = (uint8_t)(1 << random_u64() % 8);
        }
        bool any = false;
        for (int i = 0; i < 16; i++)
            any |= a.u8[i] != 0;
        REQUIRE(simd_V128_ANY_TRUE(a.v) == any);
#define CHECK_LANES(SHAPE, s, n)                                                                   \
    do {                                                                                           \
        bool all = true;                                                                           \
        uint32_t mask = 0;                                                                         \
        for (int i = 0; i < (n); i++) {                                                            \
            all &= a.s[i] != 0;                                                                    \
            mask |= (uint32_t)(a.s[i] < 0) << i;                                                   \
        }                                                                                          \
        REQUIRE(simd_##SHAPE##_ALL_TRUE(a.v) == all);                                              \
        REQUIRE(simd_##SHAPE##_BITMASK(a.v) == mask);                                              \
    } while (0)
        CHECK_LANES(I8X16, i8, 16);
        CHECK_LANES(I16X8, i16, 8);
        CHECK_LANES(I32X4, i32, 4);
        CHECK_LANES(I64X2, i64, 2);
    }
}

/* ---- Lanes and memory -------------------------------------------------------------------- */

/* Bits of lanes in and out, so that NaNs count too. */
TEST(splat_extract_replace)
{
    for (int round = 0; round < ROUNDS; round++) {
        union lanes a = {random_v128()}, b = {random_v128()}, got, want;
        uint64_t x;
#define CHECK_LANE(SHAPE, field, n)                                                                \
    do {                                                                                           \
        uint32_t lane = (uint32_t)(random_u64() % (n));                                            \
        got.v = simd_##SHAPE##_SPLAT(b.field[0]);                                                  \
        for (int i = 0; i < (n); i++)                                                              \
            memcpy(&want.field[i], &b.field[0], sizeof(b.field[0]));                               \
        REQUIRE(same(KIND_i, &got, &want));                                                        \
        got.v = simd_##SHAPE##_REPLACE_LANE(a.v, b.field[0], lane);                                \
        want = a;                                                                                  \
        memcpy(&want.field[lane], &b.field[0], sizeof(b.field[0]));                                \
        REQUIRE(same(KIND_i, &got, &want));                                                        \
    } while (0)
#define CHECK_EXTRACT(id, field, n)                                                                \
    do {                                                                                           \
        uint32_t lane = (uint32_t)(random_u64() % (n));                                            \
        __typeof__(simd_##id(a.v, lane)) out = simd_##id(a.v, lane);                               \
        __typeof__(out) in = (__typeof__(out))a.field[lane];                                       \
        REQUIRE(memcmp(&out, &in, sizeof(out)) == 0);                                              \
    } while (0)
        CHECK_LANE(I8X16, u8, 16);
        CHECK_LANE(I16X8, u16, 8);
        CHECK_LANE(I32X4, u32, 4);
        CHECK_LANE(I64X2, u64, 2);
        CHECK_LANE(F32X4, f32, 4);
        CHECK_LANE(F64X2, f64, 2);
        CHECK_EXTRACT(I8X16_EXTRACT_LANE_S, i8, 16);
        CHECK_EXTRACT(I8X16_EXTRACT_LANE_U, u8, 16);
        CHECK_EXTRACT(I16X8_EXTRACT_LANE_S, i16, 8);
        CHECK_EXTRACT(I16X8_EXTRACT_LANE_U, u16, 8);
        CHECK_EXTRACT(I32X4_EXTRACT_LANE, u32, 4);
        CHECK_EXTRACT(I64X2_EXTRACT_LANE, u64, 2);
        CHECK_EXTRACT(F32X4_EXTRACT_LANE, f32, 4);
        CHECK_EXTRACT(F64X2_EXTRACT_LANE, f64, 2);
        /* Only the low bits of an i32 count. */
        x = random_u64();
        got.v = simd_I8X16_SPLAT((uint32_t)x);
        REQUIRE(got.u8[5] == (uint8_t)x);
        got.v = simd_I16X8_REPLACE_LANE(got.v, (uint32_t)x, 7);
        REQUIRE(got.u16[7] == (uint16_t)x);
    }
}

TEST(shuffle)
{
    for (int round = 0; round < ROUNDS; round++) {
        union lanes a = {random_v128()}, b = {random_v128()}, got, want;
        uint8_t lanes[16];
        for (int i = 0; i < 16; i++) {
            lanes[i] = random_u64() % 32;
            want.u8[i] = lanes[i] < 16 ? a.u8[lanes[i]] : b.u8[lanes[i] - 16];
        }
        got.v = simd_I8X16_SHUFFLE(a.v, b.v, lanes);
        REQUIRE(same(KIND_i, &got, &want));
    }
}

static v128 splat_bytes(const uint8_t *from, unsigned bytes, unsigned lanes)
{
    union lanes r;
    for (unsigned i = 0; i < lanes; i++)
        memcpy(r.u8 + i * bytes, from, bytes);
    return r.v;
}

/* Accesses at any alignment touch their bytes only: buffers are exactly as long. */
TEST(memory)
{
    for (int round = 0; round < ROUNDS; round++) {
        uint8_t buffer[32], before[32];
        union lanes a = {random_v128()}, got, want, in;
        for (int i = 0; i < 32; i++)
            buffer[i] = before[i] = (uint8_t)random_u64();
        uint8_t *at = buffer + round % 16;
        memcpy(&in, at, sizeof(in));
#define CHECK_LOAD(id, expected)                                                                   \
    got.v = simd_##id(at);                                                                         \
    want.v = (expected);                                                                           \
    REQUIRE(same(KIND_i, &got, &want))
        CHECK_LOAD(V128_LOAD, in.v);
        CHECK_LOAD(V128_LOAD8_SPLAT, splat_bytes(at, 1, 16));
        CHECK_LOAD(V128_LOAD16_SPLAT, splat_bytes(at, 2, 8));
        CHECK_LOAD(V128_LOAD32_SPLAT, splat_bytes(at, 4, 4));
        CHECK_LOAD(V128_LOAD64_SPLAT, splat_bytes(at, 8, 2));
        CHECK_LOAD(V128_LOAD32_ZERO, (v128)((u32x4){in.u32[0]}));
        CHECK_LOAD(V128_LOAD64_ZERO, (v128)((u64x2){in.u64[0]}));
        CHECK_LOAD(V128_LOAD8X8_S, simd_I16X8_EXTEND_LOW_I8X16_S(in.v));
        CHECK_LOAD(V128_LOAD8X8_U, simd_I16X8_EXTEND_LOW_I8X16_U(in.v));
        CHECK_LOAD(V128_LOAD16X4_S, simd_I32X4_EXTEND_LOW_I16X8_S(in.v));
        CHECK_LOAD(V128_LOAD16X4_U, simd_I32X4_EXTEND_LOW_I16X8_U(in.v));
        CHECK_LOAD(V128_LOAD32X2_S, simd_I64X2_EXTEND_LOW_I32X4_S(in.v));
        CHECK_LOAD(V128_LOAD32X2_U, simd_I64X2_EXTEND_LOW_I32X4_U(in.v));
        uint32_t lane = (uint32_t)(random_u64() % 16);
#define X(id, bytes)                                                                               \
    do {                                                                                           \
        got.v = simd_##id(at, a.v, lane % (16 / (bytes)));                                         \
        want = a;                                                                                  \
        memcpy(want.u8 + lane % (16 / (bytes)) * (bytes), at, bytes);                              \
        REQUIRE(same(KIND_i, &got, &want));                                                        \
    } while (0);
        SIMD_LIST_LOAD_LANE(X)
#undef X
#define X(id, bytes)                                                                               \
    do {                                                                                           \
        memcpy(buffer, before, sizeof(buffer));                                                    \
        simd_##id(at, a.v, lane % (16 / (bytes)));                                                 \
        REQUIRE(memcmp(at, a.u8 + lane % (16 / (bytes)) * (bytes), bytes) == 0);                   \
        memcpy(at, before + (at - buffer), bytes);                                                 \
        REQUIRE(memcmp(buffer, before, sizeof(buffer)) == 0);                                      \
    } while (0);
        SIMD_LIST_STORE_LANE(X)
#undef X
        simd_V128_STORE(at, a.v);
        REQUIRE(memcmp(at, &a, 16) == 0);
        memcpy(at, before + (at - buffer), 16);
        REQUIRE(memcmp(buffer, before, sizeof(buffer)) == 0);
    }
}

/* ---- Lists ------------------------------------------------------------------------------- */

struct listed {
    enum op op;
    const char *signature;
    enum op_immediate immediate;
    uint8_t bytes; /* of memory operators */
};

static const struct listed listed[] = {
#define ROW(id, signature, immediate, bytes) {OP_##id, signature, immediate, bytes},
#define X(id) ROW(id, "v:v", IMM_NONE, 0)
    SIMD_LIST_V_V(X)
#undef X
#define X(id) ROW(id, "vv:v", IMM_NONE, 0)
    SIMD_LIST_VV_V(X)
#undef X
#define X(id) ROW(id, "vvv:v", IMM_NONE, 0)
    SIMD_LIST_VVV_V(X)
#undef X
#define X(id) ROW(id, "vi:v", IMM_NONE, 0)
    SIMD_LIST_VI_V(X)
#undef X
#define X(id) ROW(id, "v:i", IMM_NONE, 0)
    SIMD_LIST_V_I(X)
#undef X
#define LANE_LISTS(TYPE)                                                                           \
    SIMD_LIST_SPLAT_##TYPE(SPLAT_##TYPE) SIMD_LIST_EXTRACT_##TYPE(EXTRACT_##TYPE)                  \
        SIMD_LIST_REPLACE_##TYPE(REPLACE_##TYPE)
#define SPLAT_I32(id) ROW(id, "i:v", IMM_NONE, 0)
#define SPLAT_I64(id) ROW(id, "l:v", IMM_NONE, 0)
#define SPLAT_F32(id) ROW(id, "f:v", IMM_NONE, 0)
#define SPLAT_F64(id) ROW(id, "d:v", IMM_NONE, 0)
#define EXTRACT_I32(id) ROW(id, "v:i", IMM_LANE, 0)
#define EXTRACT_I64(id) ROW(id, "v:l", IMM_LANE, 0)
#define EXTRACT_F32(id) ROW(id, "v:f", IMM_LANE, 0)
#define EXTRACT_F64(id) ROW(id, "v:d", IMM_LANE, 0)
#define REPLACE_I32(id) ROW(id, "vi:v", IMM_LANE, 0)
#define REPLACE_I64(id) ROW(id, "vl:v", IMM_LANE, 0)
#define REPLACE_F32(id) ROW(id, "vf:v", IMM_LANE, 0)
#define REPLACE_F64(id) ROW(id, "vd:v", IMM_LANE, 0)
    LANE_LISTS(I32) LANE_LISTS(I64) LANE_LISTS(F32) LANE_LISTS(F64)
#define X(id) ROW(id, "vv:v", IMM_SHUFFLE, 0)
    SIMD_LIST_SHUFFLE(X)
#undef X
#define X(id) ROW(id, ":v", IMM_V128, 0)
    SIMD_LIST_CONST(X)
#undef X
#define X(id, bytes) ROW(id, "a:v", IMM_MEMARG, bytes)
    SIMD_LIST_LOAD(X)
#undef X
#define X(id, bytes) ROW(id, "av:", IMM_MEMARG, bytes)
    SIMD_LIST_STORE(X)
#undef X
#define X(id, bytes) ROW(id, "av:v", IMM_MEMARG_LANE, bytes)
    SIMD_LIST_LOAD_LANE(X)
#undef X
#define X(id, bytes) ROW(id, "av:", IMM_MEMARG_LANE, bytes)
    SIMD_LIST_STORE_LANE(X)
#undef X
};

TEST(lists_are_the_operators)
{
    unsigned count[OP_COUNT] = {0};
    for (unsigned i = 0; i < COUNT_OF(listed); i++) {
        const struct op_info *info = &op_infos[listed[i].op];
        count[listed[i].op]++;
        CHECK_STR(listed[i].signature, info->signature);
        CHECK_INT(listed[i].immediate, info->immediate);
        if (listed[i].bytes != 0)
            CHECK_INT(listed[i].bytes, 1 << info->arg);
    }
    for (unsigned op = 0; op < OP_COUNT; op++) {
        if (!CHECK(count[op] == (op_infos[op].prefix == 0xfd)))
            printf("    %s is in %u lists\n", op_infos[op].text, count[op]);
    }
}

CHECK_MAIN
