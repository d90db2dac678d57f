/* SPDX-License-Identifier: Apache-2.0 */
/* What is compiled before a module runs. */
#include <string.h>

#include "os/clock.h"
#include "runtime/native.h"
#include "runtime/tier_int.h"

struct tier_config tier_config_default(void)
{
    return (struct tier_config){.mode = TIER_INTERP, .opt_level = 2, .uses_cache = true};
}

struct tier *tier_of(struct stint_module *module)
{
    if (module->tier == NULL) {
        struct tier *tier = alloc_get_zeroed(&module->engine->alloc, 1, sizeof(*tier));
        if (tier == NULL)
            return NULL;
        lock_init(&tier->lock);
        condition_init(&tier->changed);
        module->tier = tier;
    }
    return module->tier;
}

/* Finds the module's image in the cache and gives it to it. */
static bool take_cached(struct stint_module *module)
{
    const struct tier_config *config = &module->engine->config.tier;
    struct native_image *image;
    if (!config->uses_cache || config->source->find(module, &image) != STINT_OK)
        return false;
    return true;
}

static enum stint_status compile_all(struct stint_module *module, struct stint_error *error)
{
    const struct tier_config *config = &module->engine->config.tier;
    struct tier *tier = tier_of(module);
    if (tier == NULL)
        return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "no memory to compile the module");
    if (take_cached(module)) {
        tier->stats.cached++;
        return STINT_OK;
    }
    struct native_image *image;
    struct tier_request request = {.is_kept = config->uses_cache};
    uint64_t start_ns = clock_now_ns(OS_CLOCK_MONOTONIC);
    enum stint_status status = config->source->compile(module, &request, &image, error);
    tier->stats.compile_ns += clock_now_ns(OS_CLOCK_MONOTONIC) - start_ns;
    if (status != STINT_OK)
        return status;
    tier->stats.images++;
    tier->stats.functions += module->wasm->func_count - module->wasm->import_func_count;
    return STINT_OK;
}

enum stint_status tier_module_begin(struct stint_module *module, struct stint_error *error)
{
    const struct tier_config *config = &module->engine->config.tier;
    if (config->mode == TIER_INTERP || module->wasm->func_count == module->wasm->import_func_count)
        return STINT_OK;
    if (config->source == NULL)
        return config->mode == TIER_JIT
                   ? STINT_OK
                   : error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                               "this build has no compiler for machine code");
    return config->mode == TIER_AOT ? compile_all(module, error) : STINT_OK;
}

void tier_module_end(struct stint_module *module)
{
    struct tier *tier = module->tier;
    if (tier == NULL)
        return;
    condition_free(&tier->changed);
    lock_free(&tier->lock);
    alloc_put(&module->engine->alloc, tier, sizeof(*tier));
    module->tier = NULL;
}

void tier_module_stats(const struct stint_module *module, struct tier_stats *ret_stats)
{
    memset(ret_stats, 0, sizeof(*ret_stats));
    if (module->tier != NULL)
        *ret_stats = module->tier->stats;
}
