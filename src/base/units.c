/* SPDX-License-Identifier: Apache-2.0 */
#include "base/units.h"

#include <string.h>

/* Decimal digits at `*at`; false when there are none or the number does not fit. */
static bool read_digits(const char **at, uint64_t *ret_value)
{
    uint64_t value = 0;
    const char *p = *at;
    for (; *p >= '0' && *p <= '9'; p++) {
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value))
            return false;
    }
    if (p == *at)
        return false;
    *at = p;
    *ret_value = value;
    return true;
}

bool parse_count(const char *text, uint64_t *ret_count)
{
    uint64_t value;
    if (!read_digits(&text, &value) || *text != '\0')
        return false;
    *ret_count = value;
    return true;
}

bool parse_size(const char *text, uint64_t *ret_bytes)
{
    static const char letters[] = "KMGT";
    uint64_t value;
    if (!read_digits(&text, &value))
        return false;
    unsigned shift = 0;
    if (*text != '\0') {
        char upper = (char)(*text & ~0x20);
        const char *letter = strchr(letters, upper);
        if (letter != NULL && *letter != '\0') {
            shift = 10 * (unsigned)(letter - letters + 1);
            text++;
            if (*text == 'i')
                text++;
        }
        if (*text == 'B')
            text++;
    }
    if (*text != '\0' || (shift != 0 && value >> (64 - shift) != 0))
        return false;
    *ret_bytes = value << shift;
    return true;
}

bool parse_duration(const char *text, uint64_t *ret_ns)
{
    static const struct {
        char unit[3];
        uint64_t ns;
    } units[] = {
        {"", 1000000000}, {"s", 1000000000},   {"ms", 1000000},
        {"us", 1000},     {"m", 60000000000u}, {"h", 3600000000000u},
    };
    uint64_t whole, fraction = 0, scale = 1;
    if (!read_digits(&text, &whole))
        return false;
    if (*text == '.') {
        const char *digits = ++text;
        for (; *text >= '0' && *text <= '9'; text++) {
            /* Past nine places a digit is below a nanosecond of any unit up to seconds. */
            if (text - digits < 9) {
                fraction = fraction * 10 + (uint64_t)(*text - '0');
                scale *= 10;
            }
        }
        if (text == digits)
            return false;
    }
    for (size_t i = 0; i < COUNT_OF(units); i++) {
        uint64_t unit_ns = units[i].ns, ns;
        if (strcmp(text, units[i].unit) != 0)
            continue;
        uint64_t part_ns = fraction * (unit_ns / scale) + fraction * (unit_ns % scale) / scale;
        if (__builtin_mul_overflow(whole, unit_ns, &ns) || __builtin_add_overflow(ns, part_ns, &ns))
            return false;
        *ret_ns = ns;
        return true;
    }
    return false;
}
