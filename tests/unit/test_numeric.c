/* SPDX-License-Identifier: Apache-2.0 */
/* Scalar semantics against references that work on the bits, over edge and random operands. */
#include "check.h"

#include "interp/numeric.h"

enum { RANDOM_COUNT = 100000 };

static uint64_t random_state = 0x9e3779b97f4a7c15;

static uint64_t random_u64(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static const uint64_t edge_u64[] = {
    0,          1,          2,          3,          0x7f,       0x80,       0xff,
    0x7fff,     0x8000,     0xffff,     0x7ffffffe, 0x7fffffff, 0x80000000, 0x80000001,
    0xfffffffe, 0xffffffff, 1ull << 32, 1ull << 53, (1ull << 53) + 1,
    INT64_MAX,  1ull << 63, (1ull << 63) + 1,       UINT64_MAX - 1,         UINT64_MAX,
};
enum { EDGES = COUNT_OF(edge_u64) };

/* The i-th operand of a test: edges, then random numbers of all magnitudes. */
static uint64_t operand(unsigned i)
{
    if (i < EDGES)
        return edge_u64[i];
    uint64_t x = random_u64();
    return x >> (random_u64() & 63);
}

static const double edge_f64[] = {
    0.0,
    0.25,
    0.5,
    0x1.fffffffffffffp-2,
    0x1.0000000000001p-1,
    0x1.fffffffffffffp-1,
    0.75,
    1.0,
    0x1.0000000000001p0,
    1.5,
    2.5,
    3.5,
    0x1p22 + 0.5,
    0x1p23 - 0.5,
    0x1p23,
    0x1p23 + 1,
    0x1p24,
    2147483520.0,
    2147483646.5,
    2147483647.0,
    2147483647.5,
    0x1p31,
    0x1p31 + 0.5,
    2147483649.0,
    4294967040.0,
    4294967295.0,
    4294967295.5,
    0x1p32,
    0x1p51 + 0.5,
    0x1p52 - 0.5,
    0x1p52,
    0x1p52 + 1,
    0x1p53,
    0x1.fffffep62,
    0x1.fffffffffffffp62,
    0x1p63,
    0x1.0000000000001p63,
    0x1.fffffep63,
    0x1.fffffffffffffp63,
    0x1p64,
    0x1p127,
    0x1.fffffep127,
    0x1.ffffffp127,
    0x1.fffffefffffffp127,
    0x1p128,
    0x1p1023,
    0x1.fffffffffffffp1023,
    0x1p-126,
    0x1p-149,
    0x1.8p-149,
    0x1p-150,
    0x1.0000000000001p-150,
    0x1p-1022,
    0x1p-1074,
    __builtin_inf(),
};
enum { EDGES_F64 = 2 * COUNT_OF(edge_f64) };

static const uint64_t nans_f64[] = {
    0x7ff8000000000000, 0xfff8000000000000, 0x7ff0000000000001,
    0xfff0000000000001, 0x7ff4000020000000, 0x7fffffffffffffff,
};

/* The bits of the i-th f64 operand: edges of both signs, NaNs, random magnitudes. */
static uint64_t operand_f64(unsigned i)
{
    if (i < EDGES_F64)
        return num_f64_bits(edge_f64[i / 2]) ^ (uint64_t)(i & 1) << 63;
    i -= EDGES_F64;
    if (i < COUNT_OF(nans_f64))
        return nans_f64[i];
    uint64_t bits = random_u64();
    if (i & 1) /* exponents near those that matter */
        bits = (bits & 0x800fffffffffffff) | (uint64_t)(1023 - 3 + random_u64() % 70) << 52;
    if (i & 2) /* few fraction bits: ties */
        bits &= 0xfffffff800000000;
    return bits;
}

static const uint32_t nans_f32[] = {
    0x7fc00000, 0xffc00000, 0x7f800001, 0xff800001, 0x7fa00000, 0x7fffffff,
};

static uint32_t operand_f32(unsigned i)
{
    if (i < EDGES_F64)
        return num_f32_bits((float)edge_f64[i / 2]) ^ (uint32_t)(i & 1) << 31;
    i -= EDGES_F64;
    if (i < COUNT_OF(nans_f32))
        return nans_f32[i];
    uint32_t bits = (uint32_t)random_u64();
    if (i & 1)
        bits = (bits & 0x807fffff) | (uint32_t)(127 - 3 + random_u64() % 70) << 23;
    if (i & 2)
        bits &= 0xffff8000;
    return bits;
}

/* The value of finite bits, times 2^-exponent, as sign, integer and exponent. */
struct parts {
    bool is_negative, is_nan, is_infinite;
    uint64_t mantissa;
    int exponent;
};

static struct parts parts_of(uint64_t bits, int fraction_bits, int exponent_bits)
{
    uint64_t fraction = bits & ((1ull << fraction_bits) - 1);
    int most = (1 << exponent_bits) - 1;
    int biased = (int)(bits >> fraction_bits) & most;
    int bias = most >> 1;
    return (struct parts){
        .is_negative = bits >> (fraction_bits + exponent_bits) & 1,
        .is_nan = biased == most && fraction != 0,
        .is_infinite = biased == most && fraction == 0,
        .mantissa = biased != 0 ? fraction | 1ull << fraction_bits : fraction,
        .exponent = (biased != 0 ? biased : 1) - bias - fraction_bits,
    };
}

static struct parts parts_f32(uint32_t bits)
{
    return parts_of(bits, 23, 8);
}

static struct parts parts_f64(uint64_t bits)
{
    return parts_of(bits, 52, 11);
}

/* NaN of the machine's choice but quiet, or exactly these bits. */
static bool same_f32(float got, uint32_t want)
{
    uint32_t bits = num_f32_bits(got);
    if (parts_f32(want).is_nan)
        return (bits & 0x7fc00000) == 0x7fc00000;
    return bits == want;
}

static bool same_f64(double got, uint64_t want)
{
    uint64_t bits = num_f64_bits(got);
    if (parts_f64(want).is_nan)
        return (bits & 0x7ff8000000000000) == 0x7ff8000000000000;
    return bits == want;
}

/* ---- Integers ---------------------------------------------------------------------------- */

static uint64_t ref_popcnt(uint64_t x)
{
    uint64_t n = 0;
    for (; x != 0; x >>= 1)
        n += x & 1;
    return n;
}

static uint64_t ref_clz(uint64_t x, unsigned bits)
{
    uint64_t n = 0;
    while (n < bits && !(x >> (bits - 1 - n) & 1))
        n++;
    return n;
}

static uint64_t ref_ctz(uint64_t x, unsigned bits)
{
    uint64_t n = 0;
    while (n < bits && !(x >> n & 1))
        n++;
    return n;
}

TEST(integers_unary)
{
    for (unsigned i = 0; i < RANDOM_COUNT; i++) {
        uint64_t x = operand(i);
        uint32_t w = (uint32_t)x;
        REQUIRE(num_i32_popcnt(w) == ref_popcnt(w));
        REQUIRE(num_i64_popcnt(x) == ref_popcnt(x));
        REQUIRE(num_i32_clz(w) == ref_clz(w, 32));
        REQUIRE(num_i64_clz(x) == ref_clz(x, 64));
        REQUIRE(num_i32_ctz(w) == ref_ctz(w, 32));
        REQUIRE(num_i64_ctz(x) == ref_ctz(x, 64));
        REQUIRE(num_i32_extend8_s(w) == ((w & 0xff) ^ 0x80) - 0x80);
        REQUIRE(num_i32_extend16_s(w) == ((w & 0xffff) ^ 0x8000) - 0x8000);
        REQUIRE(num_i64_extend8_s(x) == ((x & 0xff) ^ 0x80) - 0x80);
        REQUIRE(num_i64_extend16_s(x) == ((x & 0xffff) ^ 0x8000) - 0x8000);
        REQUIRE(num_i64_extend32_s(x) == ((x & 0xffffffff) ^ 0x80000000) - 0x80000000);
        REQUIRE(num_i64_extend_i32_s(w) == num_i64_extend32_s(x));
    }
}

TEST(integers_shift_and_rotate)
{
    for (unsigned i = 0; i < RANDOM_COUNT; i++) {
        uint64_t x = operand(i % EDGES), count = operand(i / EDGES);
        uint32_t w = (uint32_t)x, n = count & 31, m = count & 63;
        uint64_t twice = (uint64_t)w << 32 | w;
        uint64_t ones = w >> 31 ? 0xffffffff00000000 : 0;
        REQUIRE(num_i32_shl(w, (uint32_t)count) == (uint32_t)((uint64_t)w << n));
        REQUIRE(num_i32_shr_u(w, (uint32_t)count) == w >> n);
        REQUIRE(num_i32_shr_s(w, (uint32_t)count) == (uint32_t)((ones | w) >> n));
        REQUIRE(num_i32_rotl(w, (uint32_t)count) == (uint32_t)(twice << n >> 32));
        REQUIRE(num_i32_rotr(w, (uint32_t)count) == (uint32_t)(twice >> n));
        unsigned __int128 both = (unsigned __int128)x << 64 | x;
        unsigned __int128 wide = x >> 63 ? ~(unsigned __int128)0 << 64 | x : x;
        REQUIRE(num_i64_shl(x, count) == (uint64_t)((unsigned __int128)x << m));
        REQUIRE(num_i64_shr_u(x, count) == x >> m);
        REQUIRE(num_i64_shr_s(x, count) == (uint64_t)(wide >> m));
        REQUIRE(num_i64_rotl(x, count) == (uint64_t)(both << m >> 64));
        REQUIRE(num_i64_rotr(x, count) == (uint64_t)(both >> m));
    }
}

enum { UNTOUCHED = 0x5ca1ab1e };

static void check_division_32(uint32_t x, uint32_t y)
{
    int64_t sx = (int32_t)x, sy = (int32_t)y;
    uint32_t r[4] = {UNTOUCHED, UNTOUCHED, UNTOUCHED, UNTOUCHED};
    enum stint_trap trap[4] = {num_i32_div_s(x, y, &r[0]), num_i32_div_u(x, y, &r[1]),
                               num_i32_rem_s(x, y, &r[2]), num_i32_rem_u(x, y, &r[3])};
    for (int i = 0; i < 4; i++) {
        enum stint_trap want = STINT_TRAP_NONE;
        if (y == 0)
            want = STINT_TRAP_DIVIDE_BY_ZERO;
        else if (i == 0 && sx == INT32_MIN && sy == -1)
            want = STINT_TRAP_INTEGER_OVERFLOW;
        CHECK_INT(trap[i], want);
        if (want != STINT_TRAP_NONE)
            CHECK_INT(r[i], UNTOUCHED);
        else if (i < 2)
            CHECK_INT(r[i], i == 0 ? (uint32_t)(sx / sy) : x / y);
        else
            CHECK_INT(r[i], i == 2 ? (uint32_t)(sx % sy) : x % y);
    }
}

static void check_division_64(uint64_t x, uint64_t y)
{
    __int128 sx = (int64_t)x, sy = (int64_t)y;
    uint64_t r[4] = {UNTOUCHED, UNTOUCHED, UNTOUCHED, UNTOUCHED};
    enum stint_trap trap[4] = {num_i64_div_s(x, y, &r[0]), num_i64_div_u(x, y, &r[1]),
                               num_i64_rem_s(x, y, &r[2]), num_i64_rem_u(x, y, &r[3])};
    for (int i = 0; i < 4; i++) {
        enum stint_trap want = STINT_TRAP_NONE;
        if (y == 0)
            want = STINT_TRAP_DIVIDE_BY_ZERO;
        else if (i == 0 && sx == INT64_MIN && sy == -1)
            want = STINT_TRAP_INTEGER_OVERFLOW;
        CHECK_INT(trap[i], want);
        if (want != STINT_TRAP_NONE)
            CHECK_INT(r[i], UNTOUCHED);
        else if (i < 2)
            CHECK_INT(r[i], i == 0 ? (uint64_t)(sx / sy) : x / y);
        else
            CHECK_INT(r[i], i == 2 ? (uint64_t)(sx % sy) : x % y);
    }
}

TEST(integers_divide)
{
    for (unsigned i = 0; i < EDGES; i++) {
        for (unsigned j = 0; j < EDGES; j++) {
            check_division_32((uint32_t)edge_u64[i], (uint32_t)edge_u64[j]);
            check_division_64(edge_u64[i], edge_u64[j]);
        }
    }
    for (unsigned i = 0; i < RANDOM_COUNT && check_failures == 0; i++) {
        uint64_t x = operand(EDGES + i), y = operand(EDGES + i);
        check_division_32((uint32_t)x, (uint32_t)y);
        check_division_64(x, y);
    }
}

/* ---- Floats ------------------------------------------------------------------------------ */

TEST(sign_operators_keep_payloads)
{
    for (unsigned i = 0; i < RANDOM_COUNT; i++) {
        uint32_t x = operand_f32(i), y = operand_f32(i % 100);
        float f = num_f32_from_bits(x), g = num_f32_from_bits(y);
        REQUIRE(num_f32_bits(num_f32_abs(f)) == (x & 0x7fffffff));
        REQUIRE(num_f32_bits(num_f32_neg(f)) == (x ^ 0x80000000));
        REQUIRE(num_f32_bits(num_f32_copysign(f, g)) == ((x & 0x7fffffff) | (y & 0x80000000)));
        uint64_t z = operand_f64(i), w = operand_f64(i % 100), top = 1ull << 63;
        double d = num_f64_from_bits(z), e = num_f64_from_bits(w);
        REQUIRE(num_f64_bits(num_f64_abs(d)) == (z & ~top));
        REQUIRE(num_f64_bits(num_f64_neg(d)) == (z ^ top));
        REQUIRE(num_f64_bits(num_f64_copysign(d, e)) == ((z & ~top) | (w & top)));
    }
}

enum rounding { NEAREST, TRUNC, FLOOR, CEIL };

/* The mantissa, rounded to a multiple of one; `is_one` when it rounded up from below one. */
static uint64_t round_parts(struct parts p, enum rounding way, bool *ret_is_one)
{
    int drop = -p.exponent; /* fraction bits in the mantissa */
    *ret_is_one = false;
    if (p.is_nan || p.is_infinite || drop <= 0)
        return p.mantissa;
    bool up = (way == CEIL && !p.is_negative) || (way == FLOOR && p.is_negative);
    if (drop > 53) {
        *ret_is_one = up && p.mantissa != 0;
        return 0;
    }
    uint64_t one = 1ull << drop, rest = p.mantissa & (one - 1), whole = p.mantissa - rest;
    if (way == NEAREST)
        up = rest > one / 2 || (rest == one / 2 && (whole & one) != 0);
    if (rest != 0 && up)
        whole += one;
    *ret_is_one = whole == one;
    return whole;
}

static uint32_t ref_round_f32(uint32_t bits, enum rounding way)
{
    struct parts p = parts_f32(bits);
    bool is_one;
    uint64_t mantissa = round_parts(p, way, &is_one);
    if (mantissa == p.mantissa)
        return bits;
    uint32_t sign = bits & 0x80000000;
    if (is_one)
        return sign | 0x3f800000;
    if (mantissa == 0)
        return sign;
    /* A carry out of the fraction is a carry into the exponent: the format is made so. */
    return bits + (uint32_t)(mantissa - p.mantissa);
}

static uint64_t ref_round_f64(uint64_t bits, enum rounding way)
{
    struct parts p = parts_f64(bits);
    bool is_one;
    uint64_t mantissa = round_parts(p, way, &is_one);
    if (mantissa == p.mantissa)
        return bits;
    uint64_t sign = bits & 1ull << 63;
    if (is_one)
        return sign | 0x3ff0000000000000;
    if (mantissa == 0)
        return sign;
    return bits + (mantissa - p.mantissa);
}

TEST(rounding)
{
    for (unsigned i = 0; i < 4 * RANDOM_COUNT; i++) {
        uint32_t x = operand_f32(i);
        float f = num_f32_from_bits(x);
        REQUIRE(same_f32(num_f32_nearest(f), ref_round_f32(x, NEAREST)));
        REQUIRE(same_f32(num_f32_trunc(f), ref_round_f32(x, TRUNC)));
        REQUIRE(same_f32(num_f32_floor(f), ref_round_f32(x, FLOOR)));
        REQUIRE(same_f32(num_f32_ceil(f), ref_round_f32(x, CEIL)));
        uint64_t y = operand_f64(i);
        double d = num_f64_from_bits(y);
        REQUIRE(same_f64(num_f64_nearest(d), ref_round_f64(y, NEAREST)));
        REQUIRE(same_f64(num_f64_trunc(d), ref_round_f64(y, TRUNC)));
        REQUIRE(same_f64(num_f64_floor(d), ref_round_f64(y, FLOOR)));
        REQUIRE(same_f64(num_f64_ceil(d), ref_round_f64(y, CEIL)));
    }
}

/* Squares are exact; between them the root lies between the roots. */
TEST(square_roots)
{
    for (unsigned i = 0; i < RANDOM_COUNT; i++) {
        uint32_t n = (uint32_t)random_u64() & 0xffffff;
        REQUIRE(num_f64_sqrt((double)n * n) == n);
        n &= 0xfff;
        REQUIRE(num_f32_sqrt((float)(n * n)) == (float)n);
    }
    CHECK(num_f64_bits(num_f64_sqrt(2.0)) == 0x3ff6a09e667f3bcd);
    CHECK(num_f32_bits(num_f32_sqrt(2.0f)) == 0x3fb504f3);
    CHECK(num_f64_bits(num_f64_sqrt(-0.0)) == 1ull << 63);
    CHECK(same_f64(num_f64_sqrt(-1.0), nans_f64[0]));
    CHECK(same_f32(num_f32_sqrt(-1.0f), nans_f32[0]));
    for (unsigned i = 0; i < COUNT_OF(nans_f64); i++)
        CHECK(same_f64(num_f64_sqrt(num_f64_from_bits(nans_f64[i])), nans_f64[i]));
}

/* An integer that orders floats as minimum and maximum do: -0 below +0. */
static int64_t rank(uint64_t bits, unsigned top)
{
    int64_t magnitude = (int64_t)(bits & ((1ull << top) - 1));
    return bits >> top & 1 ? -magnitude - 1 : magnitude;
}

TEST(minimum_and_maximum)
{
    enum { SPECIAL = 130 };
    for (unsigned i = 0; i < RANDOM_COUNT; i++) {
        uint32_t x = operand_f32(i % SPECIAL), y = operand_f32(i / SPECIAL);
        float f = num_f32_from_bits(x), g = num_f32_from_bits(y);
        bool less = rank(x, 31) < rank(y, 31);
        if (parts_f32(x).is_nan || parts_f32(y).is_nan) {
            REQUIRE(num_f32_bits(num_f32_min(f, g)) == 0x7fc00000);
            REQUIRE(num_f32_bits(num_f32_max(f, g)) == 0x7fc00000);
        } else {
            REQUIRE(num_f32_bits(num_f32_min(f, g)) == (less ? x : y));
            REQUIRE(num_f32_bits(num_f32_max(f, g)) == (less ? y : x));
        }
        uint64_t z = operand_f64(i % SPECIAL), w = operand_f64(i / SPECIAL);
        double d = num_f64_from_bits(z), e = num_f64_from_bits(w);
        less = rank(z, 63) < rank(w, 63);
        if (parts_f64(z).is_nan || parts_f64(w).is_nan) {
            REQUIRE(num_f64_bits(num_f64_min(d, e)) == 0x7ff8000000000000);
            REQUIRE(num_f64_bits(num_f64_max(d, e)) == 0x7ff8000000000000);
        } else {
            REQUIRE(num_f64_bits(num_f64_min(d, e)) == (less ? z : w));
            REQUIRE(num_f64_bits(num_f64_max(d, e)) == (less ? w : z));
        }
    }
}

/* ---- Conversions ------------------------------------------------------------------------- */

/* The value without its fraction; false: beyond every 64-bit integer, or a NaN. */
static bool ref_integer(struct parts p, __int128 *ret_value)
{
    if (p.is_nan || p.is_infinite || p.exponent > 12 + 29)
        return false;
    __int128 value = p.exponent >= 0  ? (__int128)p.mantissa << p.exponent
                     : p.exponent < -60 ? 0
                                        : p.mantissa >> -p.exponent;
    *ret_value = p.is_negative ? -value : value;
    return true;
}

static void check_trunc(struct parts p, __int128 smallest, __int128 largest, enum stint_trap trap,
                        uint64_t got, uint64_t got_saturated)
{
    __int128 value = 0;
    bool fits = ref_integer(p, &value) && value >= smallest && value <= largest;
    uint64_t mask = largest > UINT32_MAX ? UINT64_MAX : UINT32_MAX;
    if (fits) {
        CHECK_INT(trap, STINT_TRAP_NONE);
        CHECK_INT(got, (uint64_t)value & mask);
        CHECK_INT(got_saturated, (uint64_t)value & mask);
        return;
    }
    CHECK_INT(trap, p.is_nan ? STINT_TRAP_BAD_CONVERSION : STINT_TRAP_INTEGER_OVERFLOW);
    CHECK_INT(got, UNTOUCHED);
    CHECK_INT(got_saturated, p.is_nan ? 0 : (uint64_t)(p.is_negative ? smallest : largest) & mask);
}

TEST(float_to_integer)
{
    for (unsigned i = 0; i < 2 * RANDOM_COUNT && check_failures == 0; i++) {
        uint32_t x = operand_f32(i);
        uint64_t y = operand_f64(i);
        float f32 = num_f32_from_bits(x);
        double f64 = num_f64_from_bits(y);
        struct parts p32 = parts_f32(x), p64 = parts_f64(y);
        uint32_t i32;
        uint64_t i64;
        enum stint_trap trap;
#define CHECK_TRUNC(integer, from, parts, suffix, smallest, largest)                               \
    integer = UNTOUCHED;                                                                           \
    trap = num_##integer##_trunc_##from##_##suffix(from, &integer);                                \
    check_trunc(parts, smallest, largest, trap, integer,                                           \
                num_##integer##_trunc_sat_##from##_##suffix(from))
        CHECK_TRUNC(i32, f32, p32, s, INT32_MIN, INT32_MAX);
        CHECK_TRUNC(i32, f32, p32, u, 0, UINT32_MAX);
        CHECK_TRUNC(i32, f64, p64, s, INT32_MIN, INT32_MAX);
        CHECK_TRUNC(i32, f64, p64, u, 0, UINT32_MAX);
        CHECK_TRUNC(i64, f32, p32, s, INT64_MIN, INT64_MAX);
        CHECK_TRUNC(i64, f32, p32, u, 0, UINT64_MAX);
        CHECK_TRUNC(i64, f64, p64, s, INT64_MIN, INT64_MAX);
        CHECK_TRUNC(i64, f64, p64, u, 0, UINT64_MAX);
#undef CHECK_TRUNC
    }
}

/* The bits of the float nearest to an integer: shifts, and rounds half to even by hand. */
static uint64_t ref_convert(uint64_t magnitude, bool is_negative, int fraction_bits,
                            int exponent_bits)
{
    uint64_t sign = (uint64_t)is_negative << (fraction_bits + exponent_bits);
    if (magnitude == 0)
        return 0;
    int width = 64 - (int)ref_clz(magnitude, 64), drop = width - 1 - fraction_bits;
    uint64_t bias = (1ull << (exponent_bits - 1)) - 1;
    uint64_t exponent = (bias + (uint64_t)width - 2) << fraction_bits; /* the leading one adds 1 */
    if (drop <= 0)
        return sign | (exponent + (magnitude << -drop));
    uint64_t rest = magnitude & ((1ull << drop) - 1), half = 1ull << (drop - 1);
    uint64_t kept = magnitude >> drop;
    if (rest > half || (rest == half && (kept & 1)))
        kept++;
    return sign | (exponent + kept);
}

TEST(integer_to_float)
{
    for (unsigned i = 0; i < 2 * RANDOM_COUNT; i++) {
        uint64_t x = operand(i);
        if (i > EDGES && (i & 3) == 0) /* ties and neighbours of ties */
            x = (x << 40 | 1ull << 39) + random_u64() % 3 - 1;
        uint32_t w = (uint32_t)x;
        bool neg64 = x >> 63, neg32 = w >> 31;
        uint64_t abs64 = neg64 ? -x : x;
        uint32_t abs32 = neg32 ? -w : w;
        REQUIRE(num_f32_bits(num_f32_convert_i32_s(w)) == ref_convert(abs32, neg32, 23, 8));
        REQUIRE(num_f32_bits(num_f32_convert_i32_u(w)) == ref_convert(w, false, 23, 8));
        REQUIRE(num_f32_bits(num_f32_convert_i64_s(x)) == ref_convert(abs64, neg64, 23, 8));
        REQUIRE(num_f32_bits(num_f32_convert_i64_u(x)) == ref_convert(x, false, 23, 8));
        REQUIRE(num_f64_bits(num_f64_convert_i32_s(w)) == ref_convert(abs32, neg32, 52, 11));
        REQUIRE(num_f64_bits(num_f64_convert_i32_u(w)) == ref_convert(w, false, 52, 11));
        REQUIRE(num_f64_bits(num_f64_convert_i64_s(x)) == ref_convert(abs64, neg64, 52, 11));
        REQUIRE(num_f64_bits(num_f64_convert_i64_u(x)) == ref_convert(x, false, 52, 11));
    }
}

/* f64 to f32 on the bits: rounds half to even, into subnormals and infinity as they come. */
static uint32_t ref_demote(uint64_t bits)
{
    struct parts p = parts_f64(bits);
    uint32_t sign = p.is_negative ? 0x80000000 : 0;
    if (p.is_nan)
        return 0x7fc00000;
    if (p.is_infinite)
        return sign | 0x7f800000;
    if (p.mantissa == 0)
        return sign;
    int width = 64 - (int)ref_clz(p.mantissa, 64);
    int exponent = p.exponent + width - 24; /* of the last bit of a normal result */
    if (exponent < -149)
        exponent = -149;
    int drop = exponent - p.exponent;
    if (drop > 60)
        return sign;
    uint64_t kept = drop > 0 ? p.mantissa >> drop : p.mantissa << -drop;
    if (drop > 0) {
        uint64_t rest = p.mantissa & ((1ull << drop) - 1), half = 1ull << (drop - 1);
        if (rest > half || (rest == half && (kept & 1)))
            kept++;
    }
    uint64_t r = kept + ((uint64_t)(exponent + 149) << 23);
    return sign | (r >= 0x7f800000 ? 0x7f800000 : (uint32_t)r);
}

TEST(demote_and_promote)
{
    for (unsigned i = 0; i < 4 * RANDOM_COUNT; i++) {
        uint64_t x = operand_f64(i);
        if (i > EDGES_F64 + 10 && (i & 4)) /* exponents that f32 has, ties */
            x = (x & 0x800fffffe0000000) | (uint64_t)(1023 - 151 + random_u64() % 281) << 52 |
                (random_u64() & 1) << 28 | (random_u64() & 7) / 7;
        REQUIRE(same_f32(num_f32_demote_f64(num_f64_from_bits(x)), ref_demote(x)));
        uint32_t y = operand_f32(i);
        double wide = num_f64_promote_f32(num_f32_from_bits(y));
        if (parts_f32(y).is_nan)
            REQUIRE(same_f64(wide, nans_f64[0]));
        else
            REQUIRE(ref_demote(num_f64_bits(wide)) == y && (num_f64_bits(wide) & 0x1fffffff) == 0);
    }
}

CHECK_MAIN
