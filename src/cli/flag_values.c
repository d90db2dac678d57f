/* SPDX-License-Identifier: Apache-2.0 */
/* The notations of flag arguments: switched proposals; base/units.h has the others. */
#include <string.h>

#include "cli/flags.h"
#include "wasm/op.h"

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
