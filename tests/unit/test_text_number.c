/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers of the text format: integers, and floats to the last bit. */
#include "base/number.h"
#include "check.h"

static struct alloc root;

static void check_float(const char *text, unsigned bits, uint64_t want, int line)
{
    struct buf scratch;
    uint64_t value = 0;
    alloc_init(&root, NULL, NULL, SIZE_MAX);
    buf_init(&scratch, &root, SIZE_MAX);
    enum number_result result = number_float(text, strlen(text), bits, &scratch, &value);
    if (result != NUMBER_OK || value != want) {
        check_report(false, __FILE__, line, text);
        printf("    result %d, got %#" PRIx64 ", want %#" PRIx64 "\n", result, value, want);
    }
    buf_free(&scratch);
    CHECK_INT(atomic_load(&root.used_bytes), 0);
}

static enum number_result float_result(const char *text, unsigned bits)
{
    struct buf scratch;
    uint64_t value;
    alloc_init(&root, NULL, NULL, SIZE_MAX);
    buf_init(&scratch, &root, SIZE_MAX);
    enum number_result result = number_float(text, strlen(text), bits, &scratch, &value);
    buf_free(&scratch);
    return result;
}

#define CHECK_F32(text, want) check_float(text, 32, want, __LINE__)
#define CHECK_F64(text, want) check_float(text, 64, UINT64_C(want), __LINE__)

TEST(unsigned_numbers)
{
    uint64_t value = 0;
    CHECK_INT(number_unsigned("0", 1, 9, &value), NUMBER_OK);
    CHECK_INT(number_unsigned("1_000", 5, 1000, &value), NUMBER_OK);
    CHECK_INT(value, 1000);
    CHECK_INT(number_unsigned("0xFf", 4, 255, &value), NUMBER_OK);
    CHECK_INT(value, 255);
    CHECK_INT(number_unsigned("256", 3, 255, &value), NUMBER_RANGE);
    CHECK_INT(number_unsigned("18446744073709551615", 20, UINT64_MAX, &value), NUMBER_OK);
    CHECK(value == UINT64_MAX);
    CHECK_INT(number_unsigned("18446744073709551616", 20, UINT64_MAX, &value), NUMBER_RANGE);
    CHECK_INT(number_unsigned("0x1_0000_0000_0000_0000", 23, UINT64_MAX, &value), NUMBER_RANGE);
    static const char *const wrong[] = {"",  "_1", "1_",  "1__0", "0x", "0x_1", "0x1_",
                                        "a", "1a", "0xg", "+1",   "-1", "1.0",  "0X1"};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        if (!CHECK_INT(number_unsigned(wrong[i], strlen(wrong[i]), UINT64_MAX, &value),
                       NUMBER_NONE))
            printf("    %s\n", wrong[i]);
    }
}

TEST(signed_and_unsigned_ranges_meet)
{
    uint64_t value = 0;
    CHECK_INT(number_integer("-128", 4, 8, &value), NUMBER_OK);
    CHECK_INT(value, 0x80);
    CHECK_INT(number_integer("255", 3, 8, &value), NUMBER_OK);
    CHECK_INT(number_integer("-129", 4, 8, &value), NUMBER_RANGE);
    CHECK_INT(number_integer("256", 3, 8, &value), NUMBER_RANGE);
    CHECK_INT(number_integer("-0x80000000", 11, 32, &value), NUMBER_OK);
    CHECK_INT(value, 0x80000000);
    CHECK_INT(number_integer("-0x80000001", 11, 32, &value), NUMBER_RANGE);
    CHECK_INT(number_integer("+4294967295", 11, 32, &value), NUMBER_OK);
    CHECK_INT(number_integer("4294967296", 10, 32, &value), NUMBER_RANGE);
    CHECK_INT(number_integer("-9223372036854775808", 20, 64, &value), NUMBER_OK);
    CHECK(value == UINT64_C(1) << 63);
    CHECK_INT(number_integer("-9223372036854775809", 20, 64, &value), NUMBER_RANGE);
    CHECK_INT(number_integer("--1", 3, 64, &value), NUMBER_NONE);
    CHECK_INT(number_integer("-", 1, 64, &value), NUMBER_NONE);
}

TEST(decimal_floats_round_to_nearest_even)
{
    CHECK_F64("0", 0x0);
    CHECK_F64("-0", 0x8000000000000000);
    CHECK_F64("1", 0x3ff0000000000000);
    CHECK_F64("0.1", 0x3fb999999999999a);
    CHECK_F64("12.5e3", 0x40c86a0000000000);
    CHECK_F64("1_2.5_0e0_3", 0x40c86a0000000000);
    CHECK_F64("1.", 0x3ff0000000000000);
    CHECK_F64("9007199254740993", 0x4340000000000000); /* a tie, to even */
    CHECK_F64("9007199254740995", 0x4340000000000002);
    CHECK_F64("9007199254740993.0000000000000000000000000000001", 0x4340000000000001);
    CHECK_F64("4.9406564584124654e-324", 0x1);
    CHECK_F64("2.4703282292062327e-324", 0x0);
    CHECK_F64("2.4703282292062328e-324", 0x1);
    CHECK_F64("1.7976931348623157e308", 0x7fefffffffffffff);
    CHECK_F64("1e-400", 0x0);
    CHECK_F64("1e-99999999999999999999", 0x0);
    CHECK_F64("0e99999999999999999999", 0x0);
    CHECK_F32("16777217", 0x4b800000);
    CHECK_F32("16777219", 0x4b800002);
    CHECK_F32("3.4028234663852886e38", 0x7f7fffff);
    CHECK_F32("1.4e-45", 0x1);
    /* Rounding to 64 bits on the way to 32 would give another result. */
    CHECK_F32("8388609.499999999999999999999", 0x4b000001);
    CHECK_F32("1.00000017881393432617187499", 0x3f800001);
    CHECK_F32("1.00000017881393432617187500", 0x3f800002);
    CHECK_F32("1.00000017881393432617187501", 0x3f800002);
}

TEST(hexadecimal_floats_are_exact)
{
    CHECK_F64("0x1p0", 0x3ff0000000000000);
    CHECK_F64("0x1.8p1", 0x4008000000000000);
    CHECK_F64("0xA.p0", 0x4024000000000000);
    CHECK_F64("0x0.0000000000001p-1022", 0x1);
    CHECK_F64("0x1p-1074", 0x1);
    CHECK_F64("0x1p-1075", 0x0);
    CHECK_F64("0x1.8p-1075", 0x1);
    CHECK_F64("0x1.fffffffffffffp1023", 0x7fefffffffffffff);
    CHECK_F64("0x1.00000000000008p0", 0x3ff0000000000000);
    CHECK_F64("0x1.000000000000080000000001p0", 0x3ff0000000000001);
    CHECK_F32("0x1.000001p0", 0x3f800000);
    CHECK_F32("0x1.00000100000001p0", 0x3f800001);
    CHECK_F32("0x1p-149", 0x1);
    CHECK_F32("-0x1.fffffep127", 0xff7fffff);
    CHECK_F32("0x1", 0x3f800000);
}

TEST(special_floats)
{
    CHECK_F32("inf", 0x7f800000);
    CHECK_F32("-inf", 0xff800000);
    CHECK_F32("nan", 0x7fc00000);
    CHECK_F32("-nan:0x1", 0xff800001);
    CHECK_F32("nan:0x7f_ffff", 0x7fffffff);
    CHECK_F64("+nan:0xf_ffff_ffff_ffff", 0x7fffffffffffffff);
    CHECK_INT(float_result("nan:0x0", 32), NUMBER_RANGE);
    CHECK_INT(float_result("nan:0x80_0000", 32), NUMBER_RANGE);
    CHECK_INT(float_result("nan:1", 32), NUMBER_NONE);
    CHECK_INT(float_result("nan:", 32), NUMBER_NONE);
    CHECK_INT(float_result("infinity", 32), NUMBER_NONE);
}

TEST(what_is_no_float)
{
    static const char *const wrong[] = {"",     ".",     ".5",   "1e",    "1e+",  "1.e+_1", "1__0",
                                        "1_.0", "1._0",  "1.0_", "0x",    "0x.1", "0x1.p",  "0x1e_",
                                        "1p3",  "1e1.5", "0x1p", "0x1pa", "+-1",  "1f",     "1e1_"};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        if (!CHECK_INT(float_result(wrong[i], 64), NUMBER_NONE))
            printf("    %s\n", wrong[i]);
    }
    CHECK_INT(float_result("1e309", 64), NUMBER_RANGE);
    CHECK_INT(float_result("0x1p1024", 64), NUMBER_RANGE);
    CHECK_INT(float_result("3.4028236e38", 32), NUMBER_RANGE);
    CHECK_INT(float_result("1e99999999999999999999", 32), NUMBER_RANGE);
}

TEST(printed_floats_read_back)
{
    static const uint64_t patterns[] = {
        0,          1,          0x7fffff,   0x800000,   0x3f800000, 0x7f7fffff, 0x7f800000,
        0x7fc00000, 0x7f800001, 0x80000000, 0xff800000, 0xffffffff, 0x42280000, 0x00400000,
    };
    struct buf text, scratch;
    alloc_init(&root, NULL, NULL, SIZE_MAX);
    buf_init(&text, &root, SIZE_MAX);
    buf_init(&scratch, &root, SIZE_MAX);
    uint64_t random = 88172645463325252u;
    for (size_t i = 0; i < 4000; i++) {
        unsigned bits = i % 2 == 0 ? 32 : 64;
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        uint64_t want = i / 2 < COUNT_OF(patterns) ? patterns[i / 2] : random, value;
        if (bits == 32)
            want &= UINT32_MAX;
        else if (i / 2 < COUNT_OF(patterns))
            want = (want & 0xff800000) << 32 | (want & 0x7fffff);
        buf_clear(&text);
        CHECK(number_append_float(&text, want, bits));
        CHECK(number_float((const char *)text.data, text.bytes, bits, &scratch, &value) ==
              NUMBER_OK);
        if (!CHECK(value == want))
            printf("    %#" PRIx64 " %.*s\n", want, (int)text.bytes, text.data);
    }
    buf_free(&text);
    buf_free(&scratch);
}

TEST(running_out_of_memory_is_said)
{
    struct buf scratch;
    uint64_t value;
    alloc_init(&root, NULL, NULL, 0);
    buf_init(&scratch, &root, SIZE_MAX);
    CHECK_INT(number_float("1.5", 3, 64, &scratch, &value), NUMBER_MEMORY);
    buf_free(&scratch);
}

CHECK_MAIN
