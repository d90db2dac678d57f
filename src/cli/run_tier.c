/* SPDX-License-Identifier: Apache-2.0 */
/* The tiers of `stint run`. */
#include <stdlib.h>
#include <string.h>

#include "cli/cmd_run.h"
#include "cli/tier_flags.h"
#include "stint_config.h"

void run_set_tier(const struct run *run, struct engine_config *config)
{
    const struct run_options *options = run->options;
    const char *no_cache = getenv("STINT_NO_CACHE");
    const struct tier_flags flags = {
        .mode = options->tier != NULL ? options->tier : STINT_TIER_DEFAULT,
        .is_strict = options->strict_traps,
        .has_no_cache = options->no_cache || (no_cache != NULL && strcmp(no_cache, "1") == 0),
        .has_debug_info = options->debug,
        .has_perf_map = options->perf,
        .opt_level = options->opt_level,
        .samples = options->tier_samples,
        .seed = options->tier_seed,
    };
    tier_flags_apply(&flags, config);
    config->tier.is_looked_up = false; /* run_code.c does */
}
