/* SPDX-License-Identifier: Apache-2.0 */
/* Lifetimes of engines and modules. */
#include "runtime/engine.h"

#include <string.h>

#include "os/clock.h"
#include "runtime/native.h"
#include "runtime/store.h"

struct engine_config engine_config_default(void)
{
    return (struct engine_config){
        .features = FEATURES_DEFAULT, .budget_bytes = SIZE_MAX, .tier = tier_config_default()};
}

/*
 * An engine holds the allocator that everything else draws from, so its own block comes from a
 * passing root.
 */
static void engine_free(struct stint_engine *engine)
{
    struct alloc root;
    types_free(engine->types);
    alloc_init(&root, engine->config.alloc_resize, engine->config.alloc_context, SIZE_MAX);
    alloc_put(&root, engine, sizeof(*engine));
}

enum stint_status engine_create(const struct engine_config *config, const struct engine_ops *ops,
                                struct stint_engine **ret_engine)
{
    struct alloc root;
    alloc_init(&root, config->alloc_resize, config->alloc_context, SIZE_MAX);
    struct stint_engine *engine = alloc_get_zeroed(&root, 1, sizeof(*engine));
    if (engine == NULL)
        return STINT_NOMEM;
    atomic_init(&engine->references, 1);
    alloc_init(&engine->alloc, config->alloc_resize, config->alloc_context, config->budget_bytes);
    engine->config = *config;
    engine->config.features &= ~(uint32_t)FEATURES_LEFT_OUT;
    engine->ops = ops;
    enum stint_status status = types_create(&engine->alloc, &engine->types);
    if (status != STINT_OK) {
        engine_free(engine);
        return status;
    }
    *ret_engine = engine;
    return STINT_OK;
}

struct stint_engine *engine_retain(struct stint_engine *engine)
{
    atomic_fetch_add_explicit(&engine->references, 1, memory_order_relaxed);
    return engine;
}

void engine_release(struct stint_engine *engine)
{
    /* Release and acquire: what other threads did with the engine comes before its end. */
    if (engine != NULL &&
        atomic_fetch_sub_explicit(&engine->references, 1, memory_order_acq_rel) == 1)
        engine_free(engine);
}

/* Accepts a module that rt_module_create left half built. */
static void destroy_module(struct stint_module *module)
{
    struct stint_engine *engine = module->engine;
    tier_module_end(module);
    if (STINT_WITH_NATIVE)
        native_detach(module);
    if (module->code != NULL)
        engine->ops->module_detach(module->code);
    if (module->wasm != NULL)
        module_free(module->wasm);
    alloc_put(&engine->alloc, module->owned_bytes, module->owned_size_bytes);
    if (!STINT_DEVICE && module->source != NULL)
        module->source_free(engine, module->source);
    alloc_put(&engine->alloc, module, sizeof(*module));
    engine_release(engine);
}

/* The first look at a clock faults in pages that a short program needs for nothing else. */
static uint64_t now_if_timed(const struct stint_engine *engine)
{
    return engine->config.is_timed ? clock_now_ns(OS_CLOCK_MONOTONIC) : 0;
}

static enum stint_status decode(struct stint_module *module, const uint8_t *bytes,
                                size_t size_bytes, const struct module_known *known,
                                struct stint_error *error)
{
    struct stint_engine *engine = module->engine;
    uint64_t start_ns = now_if_timed(engine);
    enum stint_status status = module_decode_known(
        &engine->alloc, engine->types, bytes, size_bytes, engine->config.features,
        STINT_DEVICE ? NULL : &known->tables, &module->wasm, error);
    uint64_t decoded_ns = now_if_timed(engine);
    module->decode_ns = decoded_ns - start_ns;
    if (status == STINT_OK && (STINT_DEVICE || !known->is_valid))
        status = module_validate(module->wasm, error);
    module->validate_ns = now_if_timed(engine) - decoded_ns;
    return status;
}

/* Gives the module its images; those that are left after a failure are released. */
static enum stint_status add_images(struct stint_module *module, const struct module_known *known,
                                    enum stint_status status, struct stint_error *error)
{
    for (uint32_t i = 0; STINT_WITH_NATIVE && i < known->image_count; i++) {
        if (status == STINT_OK)
            status = native_add_image(module, known->images[i], error);
        else if (known->images[i]->release != NULL)
            known->images[i]->release(known->images[i]);
    }
    return status;
}

static enum stint_status load_module(struct stint_module *module, const uint8_t *bytes,
                                     size_t size_bytes, bool lend,
                                     const struct module_known *known, struct stint_error *error)
{
    struct stint_engine *engine = module->engine;
    if (!lend && size_bytes != 0) {
        module->owned_bytes = alloc_get(&engine->alloc, size_bytes);
        if (module->owned_bytes == NULL)
            return error_set(error, STINT_NOMEM, STINT_NO_OFFSET,
                             "no memory for a module of %zu bytes", size_bytes);
        module->owned_size_bytes = size_bytes;
        memcpy(module->owned_bytes, bytes, size_bytes);
        bytes = module->owned_bytes;
    }
    if (!STINT_DEVICE && known->wasm_sha256 != NULL) {
        memcpy(module->wasm_sha256, known->wasm_sha256, sizeof(module->wasm_sha256));
        module->has_sha256 = true;
    }
    enum stint_status status = decode(module, bytes, size_bytes, known, error);
    if (status == STINT_OK)
        status = engine->ops->module_attach(module, &module->code, error);
    status = add_images(module, known, status, error);
    if (status == STINT_OK)
        status = tier_module_begin(module, error);
    return status;
}

static enum stint_status create_module(struct stint_engine *engine, const uint8_t *bytes,
                                       size_t size_bytes, bool lend,
                                       const struct module_known *known,
                                       struct stint_module **ret_module, struct stint_error *error)
{
    struct stint_module *module = alloc_get_zeroed(&engine->alloc, 1, sizeof(*module));
    if (module == NULL) {
        enum stint_status status =
            error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "no memory for a module");
        status = add_images(NULL, known, status, error);
        if (!STINT_DEVICE && known->source != NULL)
            known->source_free(engine, known->source);
        return status;
    }
    atomic_init(&module->references, 1);
    module->engine = engine_retain(engine);
    if (!STINT_DEVICE) {
        module->source = known->source;
        module->source_free = known->source_free;
        module->origin = known->origin;
    }
    enum stint_status status = load_module(module, bytes, size_bytes, lend, known, error);
    if (status != STINT_OK) {
        destroy_module(module);
        return status;
    }
    *ret_module = module;
    return STINT_OK;
}

enum stint_status rt_module_create(struct stint_engine *engine, const uint8_t *bytes,
                                   size_t size_bytes, bool lend, struct stint_module **ret_module,
                                   struct stint_error *error)
{
    static const struct module_known nothing;
    return create_module(engine, bytes, size_bytes, lend, &nothing, ret_module, error);
}

enum stint_status rt_module_create_known(struct stint_engine *engine, const uint8_t *bytes,
                                         size_t size_bytes, const struct module_known *known,
                                         struct stint_module **ret_module,
                                         struct stint_error *error)
{
    return create_module(engine, bytes, size_bytes, true, known, ret_module, error);
}

struct stint_module *rt_module_retain(struct stint_module *module)
{
    atomic_fetch_add_explicit(&module->references, 1, memory_order_relaxed);
    return module;
}

void rt_module_release(struct stint_module *module)
{
    if (module != NULL &&
        atomic_fetch_sub_explicit(&module->references, 1, memory_order_acq_rel) == 1)
        destroy_module(module);
}
