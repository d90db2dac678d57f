/* SPDX-License-Identifier: Apache-2.0 */
#include "api/module_code.h"

#include <string.h>

#include "aot/load.h"
#include "runtime/native.h"
#include "stint.h"

/* What a module was made from: kept as long as it. */
struct source {
    struct loaded loaded;
    uint8_t *copy; /* of bytes that were not lent, where the cache has none */
    size_t copy_bytes;
};

static void free_source(struct stint_engine *engine, void *context)
{
    struct source *source = context;
    load_clear(&source->loaded);
    alloc_put(&engine->alloc, source->copy, source->copy_bytes);
    alloc_put(&engine->alloc, source, sizeof(*source));
}

/* Bytes that are neither lent nor the cache's become the source's own. */
static bool own_bytes(struct stint_engine *engine, struct source *source)
{
    struct loaded *loaded = &source->loaded;
    source->copy = alloc_get(&engine->alloc, loaded->wasm_bytes);
    if (source->copy == NULL)
        return false;
    source->copy_bytes = loaded->wasm_bytes;
    memcpy(source->copy, loaded->wasm, loaded->wasm_bytes);
    loaded->wasm = source->copy;
    return true;
}

static enum stint_status create_loaded(struct stint_engine *engine, struct source *source,
                                       struct stint_module **ret_module, struct stint_error *error)
{
    struct loaded *loaded = &source->loaded;
    struct module_known known = loaded->known;
    struct native_image *images[COUNT_OF(loaded->found.images)];
    _Static_assert(sizeof(images) == sizeof(loaded->found.images), "as many images");
    /* The module owns both from here on; a failure frees the source and the images. */
    if (known.image_count != 0)
        memcpy(images, known.images, known.image_count * sizeof(images[0]));
    known.images = images;
    known.source = source;
    known.source_free = free_source;
    load_images_taken(loaded);
    return rt_module_create_known(engine, loaded->wasm, loaded->wasm_bytes, &known, ret_module,
                                  error);
}

enum stint_status module_code_create(struct stint_engine *engine, const uint8_t *bytes,
                                     size_t size_bytes, bool lend, struct stint_module **ret_module,
                                     struct stint_error *error)
{
    const struct engine_config *config = &engine->config;
    const struct cache_params params = {.is_strict = config->tier.is_strict,
                                        .is_metered = config->is_metered,
                                        .features =
                                            config->features & ~(uint32_t)FEATURES_LEFT_OUT};
    if (config->tier.mode == TIER_INTERP || size_bytes == 0)
        return rt_module_create(engine, bytes, size_bytes, lend, ret_module, error);
    struct source *source = alloc_get_zeroed(&engine->alloc, 1, sizeof(*source));
    if (source == NULL)
        return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "no memory for a module");
    struct cache *cache = config->tier.uses_cache ? cache_shared(NULL) : NULL;
    load_bytes(cache, bytes, size_bytes, NULL, &params, &source->loaded);
    if (!source->loaded.known.is_valid && !lend && !own_bytes(engine, source)) {
        free_source(engine, source);
        return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "no memory for a module of %zu bytes",
                         size_bytes);
    }
    return create_loaded(engine, source, ret_module, error);
}

uint32_t stint_module_compiled_count(const stint_module *module)
{
    const struct wasm_module *wasm = module->wasm;
    struct native_code_ref ignored;
    uint32_t count = 0;
    for (uint32_t i = 0; i < wasm->func_count - wasm->import_func_count; i++)
        count += native_find(module, i, &ignored);
    return count;
}

const char *stint_module_code_refused(const stint_module *module)
{
    const struct source *source = module->source;
    return source != NULL && source->loaded.reason[0] != '\0' ? source->loaded.reason : NULL;
}
