/* SPDX-License-Identifier: Apache-2.0 */
/* The notations of flag arguments: counts, sizes, durations, switched proposals. */
#include <string.h>

#include "cli/flags.h"
#include "wasm/op.h"

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

/* What a proposal is built on: switching it on brings these, switching one off takes it along. */
static const struct {
    uint32_t feature, needs;
} needs[] = {
    {FEATURE_RELAXED_SIMD, FEATURE_SIMD},
    {FEATURE_FUNC_REFS, FEATURE_REF_TYPES},
    {FEATURE_EXCEPTIONS, FEATURE_REF_TYPES | FEATURE_MULTI_VALUE},
    {FEATURE_GC, FEATURE_FUNC_REFS | FEATURE_REF_TYPES | FEATURE_BULK},
    {FEATURE_REF_TYPES, FEATURE_BULK},
};

static void switch_features(struct feature_switches *switches, uint32_t mask, bool on)
{
    for (size_t round = 0; round < COUNT_OF(needs); round++) {
        for (size_t i = 0; i < COUNT_OF(needs); i++) {
            if (on && (mask & needs[i].feature) != 0)
                mask |= needs[i].needs;
            if (!on && (mask & needs[i].needs) != 0)
                mask |= needs[i].feature;
        }
    }
    mask &= ~(uint32_t)FEATURE_MVP;
    switches->on = on ? switches->on | mask : switches->on & ~mask;
    switches->off = on ? switches->off & ~mask : switches->off | mask;
}

static bool word_is(const char *word, size_t bytes, const char *wanted)
{
    return strlen(wanted) == bytes && memcmp(word, wanted, bytes) == 0;
}

/* One switch: [no-]name[=y|n]. */
static bool parse_switch(const char *word, size_t bytes, struct feature_switches *switches)
{
    bool on = true;
    if (bytes > 2 && word[bytes - 2] == '=') {
        if (word[bytes - 1] != 'y' && word[bytes - 1] != 'n')
            return false;
        on = word[bytes - 1] == 'y';
        bytes -= 2;
    } else if (bytes > 3 && memcmp(word, "no-", 3) == 0) {
        on = false;
        word += 3;
        bytes -= 3;
    }
    if (word_is(word, bytes, "help")) {
        switches->is_help = true;
        return true;
    }
    if (word_is(word, bytes, "none"))
        on = !on;
    if (word_is(word, bytes, "all") || word_is(word, bytes, "none")) {
        switch_features(switches, (UINT32_C(1) << FEATURE_BIT_COUNT) - 1, on);
        return true;
    }
    for (unsigned bit = FEATURE_BIT_MVP + 1; bit < FEATURE_BIT_COUNT; bit++) {
        if (word_is(word, bytes, feature_name((enum feature_bit)bit))) {
            switch_features(switches, UINT32_C(1) << bit, on);
            return true;
        }
    }
    return false;
}

bool parse_features(const char *text, struct feature_switches *switches, const char **ret_unknown)
{
    for (;;) {
        size_t bytes = strcspn(text, ",");
        if (!parse_switch(text, bytes, switches)) {
            *ret_unknown = text;
            return false;
        }
        if (text[bytes] == '\0')
            return true;
        text += bytes + 1;
    }
}

uint32_t features_apply(const struct feature_switches *switches)
{
    return ((uint32_t)FEATURES_DEFAULT & ~switches->off) | switches->on;
}
