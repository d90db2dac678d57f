/* SPDX-License-Identifier: Apache-2.0 */
/* `stint wast`: runs the specification's test scripts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/features_list.h"
#include "cli/tier_flags.h"
#include "interp/interp.h"
#include "runtime/store.h"
#include "wast/wast.h"

struct wast_cli_options {
#define FLAG(kind, field, ...) flag_##kind field;
#include "cli/wast_flags.def"
#undef FLAG
};

static const struct flag wast_flags[] = {
#define FLAG(kind, field, ...) FLAG_ROW(struct wast_cli_options, kind, field, __VA_ARGS__)
#include "cli/wast_flags.def"
#undef FLAG
};

static int run_scripts(const char *const *paths, size_t count,
                       const struct wast_cli_options *options)
{
    const char *stress = getenv("STINT_GC_STRESS");
    struct engine_config config = engine_config_default();
    struct stint_engine *engine;
    config.features = features_apply(&options->features);
    config.is_metered = options->metered;
    config.gc_stress = options->gc_stress || (stress != NULL && strcmp(stress, "1") == 0);
    const struct tier_flags tier = {.mode = options->tier != NULL ? options->tier : "interp",
                                    .is_strict = options->strict_traps,
                                    .has_no_cache = true,
                                    .opt_level = options->opt_level,
                                    .samples = options->tier_samples,
                                    .seed = options->tier_seed};
    tier_flags_apply(&tier, &config);
    if (engine_create(&config, &interp_ops, &engine) != STINT_OK) {
        cli_error("out of memory");
        return CLI_EXIT_FAILED;
    }
    const struct wast_options wast = {
        .out = stdout, .verbose = options->verbose, .prints = options->print};
    struct wast_counts counts = {0};
    wast_run_files(engine, paths, count, &wast, &counts);
    engine_release(engine);
    return counts.failed == 0 ? CLI_EXIT_OK : CLI_EXIT_FAILED;
}

static int cmd_wast(const struct verb *verb, int argc, char **argv)
{
    struct wast_cli_options options;
    int operands, code;
    memset(&options, 0, sizeof(options));
    if (!cli_read_flags(verb, argc, argv, &options, &operands, &code))
        return code;
    if (options.features.is_help) {
        features_list(&options.features);
        return CLI_EXIT_OK;
    }
    if (operands == argc) {
        cli_error("which scripts are to be run? Give one FILE or more");
        return cli_try_help(verb);
    }
    return run_scripts((const char *const *)argv + operands, (size_t)(argc - operands), &options);
}

const struct verb verb_wast = {
    .name = "wast",
    .synopsis = "[options] FILE...",
    .summary = "Run the specification's test scripts",
    .description = "Runs scripts (.wast), or their JSON form (.json) with the modules beside it. "
                   "A failing command is reported with its file and line; the last line has the "
                   "counts. The exit code is 0 if nothing failed.",
    .examples = "stint wast core/*.wast",
    .flags = wast_flags,
    .flag_count = COUNT_OF(wast_flags),
    .complete = COMPLETE_FILE,
    .run = cmd_wast,
};
