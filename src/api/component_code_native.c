/* SPDX-License-Identifier: Apache-2.0 */
#include "api/component_code.h"

#include <string.h>

#include "aot/load.h"
#include "runtime/native.h"

/* One component, while it is made. */
struct making {
    const uint8_t *bytes;
    struct artefact artefact;
    const struct module_origin *origin; /* NULL: none */
    struct component_refusal *refusal;
};

/* What a core module was made from: kept as long as it. */
struct source {
    struct loaded loaded;
    struct module_origin origin;
};

static void free_source(struct stint_engine *engine, void *context)
{
    struct source *source = context;
    load_clear(&source->loaded);
    alloc_put(&engine->alloc, source, sizeof(*source));
}

static struct cache_params params_of(const struct engine_config *config)
{
    return (struct cache_params){.is_strict = config->tier.is_strict,
                                 .is_metered = config->is_metered,
                                 .features =
                                     config->features & ~(uint32_t)FEATURES_LEFT_OUT};
}

/*
 * Whether the module is made without a look at the cache, and without its digest: nothing is known of
 * it, and what gets hot later is looked up then (runtime/tier.h).
 */
static bool is_lazy(const struct making *making, const struct engine_config *config,
                    const struct module_origin *origin)
{
    struct stint_error ignored = {0};
    if (config->tier.mode != TIER_JIT || making->artefact.image_count != 0)
        return false;
    if (!config->tier.uses_cache)
        return true;
    return origin != NULL &&
           cache_probe(&origin->file, origin->part, &ignored) == STINT_NOT_FOUND;
}

static void find_code(struct making *making, const struct engine_config *config,
                      const uint8_t *wasm, size_t wasm_bytes, const struct module_origin *origin,
                      struct loaded *ret_loaded)
{
    const struct cache_params params = params_of(config);
    struct cache *cache = config->tier.uses_cache ? cache_shared(NULL) : NULL;
    if (cache != NULL && origin != NULL &&
        load_recalled(cache, &origin->file, origin->part, &params, ret_loaded) == STINT_OK) {
        if (ret_loaded->wasm_bytes == wasm_bytes)
            return;
        load_clear(ret_loaded);
    }
    load_part(cache, making->bytes, &making->artefact, wasm, wasm_bytes, origin, &params,
              ret_loaded);
    if (ret_loaded->reason[0] != '\0' && making->refusal->reason[0] == '\0') {
        memcpy(making->refusal->reason, ret_loaded->reason, sizeof(ret_loaded->reason));
        making->refusal->remedy = ret_loaded->remedy;
    }
}

static enum stint_status create(struct stint_engine *engine, struct source *source,
                                struct stint_module **ret_module, struct stint_error *error)
{
    struct loaded *loaded = &source->loaded;
    struct module_known known = loaded->known;
    struct native_image *images[COUNT_OF(loaded->found.images)];
    /* The module owns both from here on; a failure frees the source and the images. */
    if (known.image_count != 0)
        memcpy(images, known.images, known.image_count * sizeof(images[0]));
    known.images = images;
    known.source = source;
    known.source_free = free_source;
    known.origin = source->origin.path != NULL ? &source->origin : NULL;
    load_images_taken(loaded);
    return rt_module_create_known(engine, loaded->wasm, loaded->wasm_bytes, &known, ret_module,
                                  error);
}

static enum stint_status make(void *context, struct stint_engine *engine, const uint8_t *wasm,
                              size_t wasm_bytes, uint32_t offset_bytes,
                              struct stint_module **ret_module, struct stint_error *error)
{
    struct making *making = context;
    const struct engine_config *config = &engine->config;
    const struct module_origin *origin = NULL;
    struct source *source = alloc_get_zeroed(&engine->alloc, 1, sizeof(*source));
    if (source == NULL)
        return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "no memory for a core module");
    if (making->origin != NULL) {
        source->origin = *making->origin;
        source->origin.part = offset_bytes;
        origin = &source->origin;
    }
    if (is_lazy(making, config, origin)) {
        source->loaded.wasm = wasm;
        source->loaded.wasm_bytes = wasm_bytes;
    } else {
        find_code(making, config, wasm, wasm_bytes, origin, &source->loaded);
    }
    return create(engine, source, ret_module, error);
}

enum stint_status component_code_create(struct stint_engine *engine, const uint8_t *bytes,
                                        size_t size_bytes, bool lend,
                                        const struct module_origin *origin,
                                        struct component_file **ret_file,
                                        struct component_refusal *ret_refusal,
                                        struct stint_error *error)
{
    struct making making = {.bytes = bytes, .refusal = ret_refusal};
    const struct component_maker maker = {make, &making};
    struct stint_error unusable = {0};
    struct file_stat now;
    ret_refusal->reason[0] = '\0';
    if (engine->config.tier.mode == TIER_INTERP)
        return component_create(engine, bytes, size_bytes, lend, ret_file, error);
    /* The same file before and after it was opened, so that was it. */
    if (origin != NULL && load_identify(origin->path, &now) && load_is_same(&origin->file, &now))
        making.origin = origin;
    if (artefact_find(bytes, size_bytes, &making.artefact, &unusable) != STINT_OK) {
        memcpy(ret_refusal->reason, unusable.message, sizeof(unusable.message));
        ret_refusal->remedy = "'stint compile' makes it anew";
    }
    return component_create_made(engine, bytes, size_bytes, lend, &maker, ret_file, error);
}
