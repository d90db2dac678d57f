/* SPDX-License-Identifier: Apache-2.0 */
/* From flags about tiers to the engine's configuration. */
#ifndef CLI_TIER_FLAGS_H
#define CLI_TIER_FLAGS_H

#include "cli/flags.h"
#include "runtime/store.h"

struct tier_flags {
    const char *mode; /* interp, jit or aot */
    bool is_strict, has_no_cache, has_debug_info, has_perf_map;
    flag_COUNT opt_level, samples, seed;
};

/* Fills config->tier, and sets what it needs (is_metered). */
void tier_flags_apply(const struct tier_flags *flags, struct engine_config *config);

#endif
