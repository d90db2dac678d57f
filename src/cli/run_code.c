/* SPDX-License-Identifier: Apache-2.0 */
/* The machine code that `stint run` starts with: from the cache, or from the file. */
#include <string.h>

#include "aot/load.h"
#include "cli/cmd_run.h"
#include "stint_config.h"

static struct cache *open_cache(const struct engine_config *config)
{
    struct stint_error error = {0};
    if (!config->tier.uses_cache)
        return NULL;
    struct cache *cache = cache_shared(&error);
    /* A home that cannot be written to is common, and no news; a cache in others' hands is. */
    if (cache == NULL && (error.status == STINT_UNSUPPORTED || error.status == STINT_ARGUMENT))
        cli_error("the cache is not used: %s", error.message);
    return cache;
}

/* Without machine code: what stands behind the module is left out all the same, since it may be
 * broken. */
static enum stint_status open_plain(struct run *run, struct stint_error *error)
{
    struct artefact artefact;
    struct stint_error ignored = {0};
    enum stint_status status = module_file_open_any(run->path, &run->file, error);
    if (status != STINT_OK || run->file.is_component)
        return status;
    (void)!artefact_find(run->file.bytes, run->file.size_bytes, &artefact, &ignored);
    run->file.size_bytes = artefact.wasm_bytes;
    return STINT_OK;
}

static enum stint_status open_bytes(struct run *run, struct cache *cache,
                                    const struct file_stat *before,
                                    const struct cache_params *params, struct stint_error *error)
{
    struct file_stat after;
    enum stint_status status = STINT_OK;
    if (run->file.bytes == NULL)
        status = module_file_open_any(run->path, &run->file, error);
    if (status != STINT_OK || run->file.is_component)
        return status;
    /* The same file before and after it was opened by its name again, so that was it. */
    bool is_known = before != NULL && !run->file.is_text && load_identify(run->path, &after) &&
                    load_is_same(before, &after);
    load_bytes(cache, run->file.bytes, run->file.size_bytes, is_known ? before : NULL, params,
               run->loaded);
    if (run->loaded->reason[0] != '\0')
        cli_error("%s: its machine code is not used: %s; %s", run->path, run->loaded->reason,
                  run->loaded->remedy);
    return STINT_OK;
}

/*
 * Most programs end before they get hot, and the cache knows nothing of them: then neither is it
 * opened nor the module hashed, and nothing is made. The tier does so later (tier_source.find). True:
 * the module was opened like this.
 */
static bool open_lazily(struct run *run, const struct engine_config *config,
                        const struct file_stat *file, struct module_known *ret_known)
{
    struct stint_error ignored = {0};
    struct artefact artefact;
    if (config->tier.mode != TIER_JIT || (config->tier.uses_cache && file == NULL) ||
        (config->tier.uses_cache && cache_probe(file, 0, &ignored) != STINT_NOT_FOUND) ||
        module_file_open_any(run->path, &run->file, &ignored) != STINT_OK)
        return false;
    if (run->file.is_component)
        return true;
    if (artefact_find(run->file.bytes, run->file.size_bytes, &artefact, &ignored) != STINT_OK ||
        artefact.image_count != 0)
        return false;
    run->file.size_bytes = artefact.wasm_bytes;
    if (config->tier.uses_cache && !run->file.is_text) {
        run->origin = (struct module_origin){run->path, *file, 0};
        ret_known->origin = &run->origin;
    }
    return true;
}

enum stint_status run_code_open(struct run *run, const struct engine_config *config,
                                struct module_known *ret_known, struct stint_error *error)
{
    const struct cache_params params = {.is_strict = config->tier.is_strict,
                                        .is_metered = config->is_metered,
                                        .features =
                                            config->features & ~(uint32_t)FEATURES_LEFT_OUT};
    struct file_stat stat;
    if (config->tier.mode == TIER_INTERP || !STINT_WITH_NATIVE)
        return open_plain(run, error);
    bool has_stat = config->tier.uses_cache && load_identify(run->path, &stat);
    /* Of a component each core module is looked up on its own (api/component_code.h). */
    if (has_stat)
        run->origin = (struct module_origin){run->path, stat, 0};
    if (open_lazily(run, config, has_stat ? &stat : NULL, ret_known))
        return STINT_OK;
    run->loaded = alloc_get_zeroed(&alloc_root, 1, sizeof(*run->loaded));
    if (run->loaded == NULL)
        return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "out of memory");
    struct cache *cache = open_cache(config);
    if (cache == NULL || !has_stat || run->file.bytes != NULL ||
        load_recalled(cache, &stat, 0, &params, run->loaded) != STINT_OK) {
        const struct file_stat *before = cache != NULL && has_stat ? &stat : NULL;
        enum stint_status status = open_bytes(run, cache, before, &params, error);
        if (status != STINT_OK || run->file.is_component)
            return status;
    }
    /* More may be compiled, also where the cache had nothing. */
    if (has_stat && !run->file.is_text && run->loaded->known.image_count == 0) {
        run->origin = (struct module_origin){run->path, stat, 0};
        run->loaded->known.origin = &run->origin;
    }
    run->file.bytes = run->loaded->wasm;
    run->file.size_bytes = run->loaded->wasm_bytes;
    *ret_known = run->loaded->known;
    return STINT_OK;
}

void run_code_close(struct run *run)
{
    if (run->loaded == NULL)
        return;
    /* With an engine there was a module, to which the images went. */
    if (run->engine != NULL)
        load_images_taken(run->loaded);
    load_clear(run->loaded);
    alloc_put(&alloc_root, run->loaded, sizeof(*run->loaded));
    run->loaded = NULL;
}
