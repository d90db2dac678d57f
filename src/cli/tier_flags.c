/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/tier_flags.h"

#include <string.h>

#include "api/compile.h"

static enum tier_mode mode_of(const char *name)
{
    if (strcmp(name, "aot") == 0)
        return TIER_AOT;
    return strcmp(name, "jit") == 0 ? TIER_JIT : TIER_INTERP;
}

void tier_flags_apply(const struct tier_flags *flags, struct engine_config *config)
{
    struct tier_config *tier = &config->tier;
    tier->mode = (uint8_t)mode_of(flags->mode);
    tier->source = compile_source();
    tier->is_strict = flags->is_strict;
    tier->uses_cache = !flags->has_no_cache;
    tier->has_debug_info = flags->has_debug_info;
    tier->has_perf_map = flags->has_perf_map;
    if (flags->opt_level.is_given)
        tier->opt_level = flags->opt_level.value < 3 ? (uint8_t)flags->opt_level.value : 3;
    if (flags->samples.is_given) {
        tier->hot_samples = flags->samples.value < UINT32_MAX ? (uint32_t)flags->samples.value : 0;
        tier->is_synchronous = tier->hot_samples == 1;
    }
    if (flags->seed.is_given) {
        tier->seed = flags->seed.value + 1;
        tier->is_synchronous = true;
    }
    if (tier->mode != TIER_INTERP)
        config->is_metered = true;
}
