/* SPDX-License-Identifier: Apache-2.0 */
#include "base/number.h"

#include <stdlib.h>
#include <string.h>

/* Exponents are cut off here: far beyond what any count of digits could bring back into range. */
#define EXPONENT_MAX INT64_C(1000000000000)

static int digit_value(char c, unsigned base)
{
    int value = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : -1;
    return value < (int)base ? value : -1;
}

static bool has_prefix(const char *text, size_t bytes, const char *prefix)
{
    size_t length = strlen(prefix);
    return bytes >= length && memcmp(text, prefix, length) == 0;
}

/* Takes a sign off the front. */
static bool take_sign(const char **text, size_t *bytes, bool *ret_has_sign)
{
    bool minus = *bytes != 0 && **text == '-';
    *ret_has_sign = minus || (*bytes != 0 && **text == '+');
    *text += *ret_has_sign;
    *bytes -= *ret_has_sign;
    return minus;
}

enum number_result number_unsigned(const char *text, size_t bytes, uint64_t max,
                                   uint64_t *ret_value)
{
    unsigned base = has_prefix(text, bytes, "0x") ? 16 : 10;
    const char *end = text + bytes;
    uint64_t value = 0;
    bool fits = true, digit_before = false;
    if (base == 16)
        text += 2;
    for (; text < end; text++) {
        if (*text == '_' && digit_before) {
            digit_before = false;
            continue;
        }
        int digit = digit_value(*text, base);
        if (digit < 0)
            return NUMBER_NONE;
        digit_before = true;
        fits = fits && !__builtin_mul_overflow(value, (uint64_t)base, &value) &&
               !__builtin_add_overflow(value, (uint64_t)digit, &value);
    }
    if (!digit_before)
        return NUMBER_NONE;
    if (!fits || value > max)
        return NUMBER_RANGE;
    *ret_value = value;
    return NUMBER_OK;
}

enum number_result number_integer(const char *text, size_t bytes, unsigned bits,
                                  uint64_t *ret_value)
{
    bool has_sign;
    bool minus = take_sign(&text, &bytes, &has_sign);
    uint64_t mask = UINT64_MAX >> (64 - bits), value;
    enum number_result result =
        number_unsigned(text, bytes, minus ? (mask >> 1) + 1 : mask, &value);
    if (result == NUMBER_OK)
        *ret_value = (minus ? -value : value) & mask;
    return result;
}

/*
 * Copies the digits of `*at` to `buf` without underscores, and without the zeros that lead the
 * number, which starts at `start` in `buf`. Returns whether there was a digit and each underscore
 * stood between two.
 */
static bool copy_digits(const char **at, const char *end, unsigned base, struct buf *buf,
                        size_t start, int64_t *ret_digits)
{
    bool digit_before = false;
    int64_t digits = 0;
    for (; *at < end; ++*at) {
        if (**at == '_' && digit_before) {
            digit_before = false;
            continue;
        }
        if (digit_value(**at, base) < 0)
            break;
        digit_before = true;
        digits++;
        if (**at != '0' || buf->bytes > start)
            buf_append_byte(buf, (uint8_t)**at);
    }
    *ret_digits = digits;
    return digit_before;
}

/* A decimal exponent with its sign. */
static bool read_exponent(const char **at, const char *end, int64_t *ret_exponent)
{
    size_t left = (size_t)(end - *at);
    bool has_sign, digit_before = false;
    bool minus = take_sign(at, &left, &has_sign);
    int64_t exponent = 0;
    for (; *at < end; ++*at) {
        if (**at == '_' && digit_before) {
            digit_before = false;
            continue;
        }
        int digit = digit_value(**at, 10);
        if (digit < 0)
            return false;
        digit_before = true;
        exponent = exponent * 10 + digit;
        if (exponent > EXPONENT_MAX)
            exponent = EXPONENT_MAX;
    }
    *ret_exponent = minus ? -exponent : exponent;
    return digit_before;
}

/*
 * Rewrites the number as digits and an exponent without a point, which is the one character of
 * strtod's grammar that depends on the locale: 12.5e3 becomes 125e2.
 */
static enum number_result rewrite(const char *text, size_t bytes, struct buf *scratch)
{
    bool is_hex = has_prefix(text, bytes, "0x");
    unsigned base = is_hex ? 16 : 10;
    const char *at = text + (is_hex ? 2 : 0), *end = text + bytes;
    int64_t digits, fraction_digits = 0, exponent = 0;
    buf_clear(scratch);
    if (is_hex)
        buf_append_string(scratch, "0x");
    size_t start = scratch->bytes;
    if (!copy_digits(&at, end, base, scratch, start, &digits))
        return NUMBER_NONE;
    if (at < end && *at == '.') {
        at++;
        if (!copy_digits(&at, end, base, scratch, start, &fraction_digits) && fraction_digits != 0)
            return NUMBER_NONE;
        if (fraction_digits == 0 && at < end && *at == '_')
            return NUMBER_NONE;
    }
    if (at < end) {
        char mark = *at++ | 0x20;
        if (mark != (is_hex ? 'p' : 'e') || !read_exponent(&at, end, &exponent))
            return NUMBER_NONE;
    }
    exponent -= is_hex ? fraction_digits * 4 : fraction_digits;
    if (scratch->bytes == start)
        buf_append_byte(scratch, '0');
    buf_append_format(scratch, "%c%lld", is_hex ? 'p' : 'e', (long long)exponent);
    buf_append_byte(scratch, 0);
    return scratch->failed ? NUMBER_MEMORY : NUMBER_OK;
}

/* inf, nan and nan:0x…, without a sign. */
static enum number_result special_float(const char *text, size_t bytes, unsigned bits,
                                        uint64_t *ret_bits)
{
    unsigned fraction_bits = bits == 32 ? 23 : 52;
    uint64_t fraction = UINT64_C(1) << fraction_bits;
    uint64_t infinity = ((UINT64_C(1) << (bits - fraction_bits - 1)) - 1) << fraction_bits;
    uint64_t payload = fraction >> 1;
    if (bytes == 3 && has_prefix(text, bytes, "inf")) {
        payload = 0;
    } else if (bytes >= 4 && has_prefix(text, bytes, "nan:")) {
        if (!has_prefix(text + 4, bytes - 4, "0x"))
            return NUMBER_NONE;
        enum number_result result = number_unsigned(text + 4, bytes - 4, fraction - 1, &payload);
        if (result != NUMBER_OK)
            return result;
        if (payload == 0)
            return NUMBER_RANGE;
    } else if (bytes != 3 || !has_prefix(text, bytes, "nan")) {
        return NUMBER_NONE;
    }
    *ret_bits = infinity | payload;
    return NUMBER_OK;
}

/* strtof and strtod round correctly, also to subnormals; overflow gives infinity. */
static enum number_result finite_float(unsigned bits, const struct buf *scratch, uint64_t *ret_bits)
{
    const char *digits = (const char *)scratch->data;
    if (bits == 32) {
        float value = strtof(digits, NULL);
        uint32_t word;
        memcpy(&word, &value, sizeof(word));
        if (word == 0x7f800000)
            return NUMBER_RANGE;
        *ret_bits = word;
    } else {
        double value = strtod(digits, NULL);
        uint64_t word;
        memcpy(&word, &value, sizeof(word));
        if (word == UINT64_C(0x7ff0000000000000))
            return NUMBER_RANGE;
        *ret_bits = word;
    }
    return NUMBER_OK;
}

enum number_result number_float(const char *text, size_t bytes, unsigned bits, struct buf *scratch,
                                uint64_t *ret_bits)
{
    bool has_sign;
    uint64_t value;
    bool minus = take_sign(&text, &bytes, &has_sign);
    enum number_result result = special_float(text, bytes, bits, &value);
    if (result == NUMBER_NONE) {
        result = rewrite(text, bytes, scratch);
        if (result == NUMBER_OK)
            result = finite_float(bits, scratch, &value);
    }
    if (result == NUMBER_OK)
        *ret_bits = value | (minus ? UINT64_C(1) << (bits - 1) : 0);
    return result;
}

bool number_append_float(struct buf *buf, uint64_t value, unsigned bits)
{
    unsigned fraction_bits = bits == 32 ? 23 : 52;
    int exponent_max = bits == 32 ? 0xff : 0x7ff;
    uint64_t fraction = value & ((UINT64_C(1) << fraction_bits) - 1);
    int exponent = (int)(value >> fraction_bits) & exponent_max;
    if ((value >> (bits - 1) & 1) != 0)
        buf_append_byte(buf, '-');
    if (exponent == exponent_max) {
        if (fraction == 0)
            return buf_append_string(buf, "inf");
        if (fraction == UINT64_C(1) << (fraction_bits - 1))
            return buf_append_string(buf, "nan");
        return buf_append_format(buf, "nan:0x%llx", (unsigned long long)fraction);
    }
    if (exponent == 0 && fraction == 0)
        return buf_append_string(buf, "0x0p+0");
    int power = (exponent == 0 ? 1 : exponent) - exponent_max / 2;
    /* The point falls between hexadecimal digits: 23 bits of fraction are printed as 24. */
    unsigned shift = bits == 32 ? 1 : 0;
    fraction <<= shift;
    int digits = (int)((fraction_bits + shift) / 4);
    while (fraction != 0 && (fraction & 0xf) == 0) {
        fraction >>= 4;
        digits--;
    }
    buf_append_format(buf, "0x%d", exponent == 0 ? 0 : 1);
    if (fraction != 0)
        buf_append_format(buf, ".%0*llx", digits, (unsigned long long)fraction);
    return buf_append_format(buf, "p%+d", power);
}
