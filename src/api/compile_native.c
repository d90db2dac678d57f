/* SPDX-License-Identifier: Apache-2.0 */
/* Images from the plug-in and the cache, for runtime/tier.h. */
#include "api/compile.h"

#include <string.h>

#include "aot/cache.h"
#include "aot/image_map.h"
#include "aot/load.h"
#include "api/code_names.h"
#include "base/sha256.h"
#include "compiler/compiler.h"
#include "os/cpu.h"
#include "os/lock.h"
#include "os/plugin.h"
#include "runtime/native.h"

#define PLUGIN_NAME "libstint-compiler.so"

static struct lock plugin_lock = LOCK_INIT;
static const struct compiler_api *plugin; /* once it is loaded; under the lock */

static enum stint_status load_plugin(const struct compiler_api **ret_api, struct stint_error *error)
{
    const void *table;
    enum stint_status status =
        plugin_table(PLUGIN_NAME, COMPILER_SYMBOL, COMPILER_API_VERSION, &table, error);
    if (status != STINT_OK)
        return status;
    const struct compiler_api *api = table;
    if (api->abi_version != NATIVE_ABI_VERSION)
        return error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                         PLUGIN_NAME " is of another version of Stint");
    *ret_api = api;
    return STINT_OK;
}

enum stint_status compile_plugin(const struct compiler_api **ret_api, struct stint_error *error)
{
    enum stint_status status = STINT_OK;
    lock_take(&plugin_lock);
    if (plugin == NULL)
        status = load_plugin(&plugin, error);
    if (status == STINT_OK)
        *ret_api = plugin;
    lock_give(&plugin_lock);
    return status;
}

/* ---- The cache ------------------------------------------------------------------------------------ */

static struct cache_params params_of(const struct stint_module *module)
{
    const struct engine_config *config = &module->engine->config;
    return (struct cache_params){.is_strict = config->tier.is_strict,
                                 .is_metered = config->is_metered,
                                 .features = config->features};
}

static void digest_of(const struct stint_module *module, uint8_t ret_digest[IMAGE_DIGEST_BYTES])
{
    const struct wasm_module *wasm = module->wasm;
    if (module->has_sha256) {
        memcpy(ret_digest, module->wasm_sha256, IMAGE_DIGEST_BYTES);
        return;
    }
    cpu_use_sha256();
    sha256_of(wasm->bytes, wasm->size_bytes, ret_digest);
}

static void keep(struct stint_module *module, const struct compiler_result *result)
{
    const struct wasm_module *wasm = module->wasm;
    const struct cache_params params = params_of(module);
    uint8_t digest[IMAGE_DIGEST_BYTES];
    struct cache *cache = cache_shared(NULL);
    if (cache == NULL)
        return;
    digest_of(module, digest);
    /* Without room on the disk the next run compiles again. */
    enum stint_status status = cache_store(cache, wasm->bytes, wasm->size_bytes, digest, &params,
                                           result->image, result->image_bytes, NULL);
    if (status == STINT_OK && module->origin != NULL)
        load_remember(cache, module->origin, digest, wasm->size_bytes);
}

static enum stint_status find(struct stint_module *module)
{
    const struct cache_params params = params_of(module);
    uint8_t digest[IMAGE_DIGEST_BYTES];
    struct cache_found found;
    struct cache *cache = cache_shared(NULL);
    bool is_added = false;
    memset(&found, 0, sizeof(found));
    if (cache == NULL)
        return STINT_NOT_FOUND;
    digest_of(module, digest);
    if (cache_find(cache, digest, &params, false, &found, NULL) != STINT_OK)
        return STINT_NOT_FOUND;
    uint32_t count = found.image_count;
    found.image_count = 0; /* they are the module's from here on, also where it takes none */
    for (uint32_t i = 0; i < count; i++) {
        if (native_add_image(module, found.images[i], NULL) == STINT_OK)
            is_added = true;
    }
    cache_found_clear(&found);
    if (is_added && module->origin != NULL)
        load_remember(cache, module->origin, digest, module->wasm->size_bytes);
    return is_added ? STINT_OK : STINT_NOT_FOUND;
}

/* ---- Compiling --------------------------------------------------------------------------------------- */

static enum stint_status status_of(enum compiler_status status, const char *message,
                                   struct stint_error *error)
{
    switch (status) {
    case COMPILER_OK:
        return STINT_OK;
    case COMPILER_NOMEM:
        return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "no memory to compile the module");
    case COMPILER_STOPPED:
        return error_set(error, STINT_INTERRUPTED, STINT_NO_OFFSET, "the compilation was stopped");
    case COMPILER_FAILED:
        break;
    }
    return error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET, "the compiler failed: %s", message);
}

static enum stint_status compile(struct stint_module *module, const struct tier_request *request,
                                 struct stint_error *error)
{
    const struct engine_config *config = &module->engine->config;
    const struct compiler_api *api;
    enum stint_status status = compile_plugin(&api, error);
    if (status != STINT_OK)
        return status;
    _Static_assert(sizeof(struct tier_loop) == sizeof(struct compiler_osr), "the same pair");
    const struct compiler_options options = {
        .target = COMPILER_NATIVE,
        .opt_level = request->is_quick && config->tier.opt_level > 1 ? 1 : config->tier.opt_level,
        .strict = config->tier.is_strict,
        .metered = config->is_metered,
        .debug_info = config->tier.has_debug_info,
        .features = config->features,
        .jobs = request->jobs,
        .functions = request->functions,
        .function_count = request->function_count,
        .osrs = (const struct compiler_osr *)request->loops,
        .osr_count = request->loop_count,
        .progress = request->progress,
        .progress_context = request->progress_context,
    };
    struct compiler_result result;
    char message[STINT_ERROR_MESSAGE_BYTES] = "";
    memset(&result, 0, sizeof(result));
    const struct wasm_module *wasm = module->wasm;
    status = status_of(
        api->compile(wasm->bytes, wasm->size_bytes, &options, &result, message, sizeof(message)),
        message, error);
    if (status != STINT_OK)
        return status;
    struct native_image *image;
    status = image_map_memory(result.image, result.image_bytes, native_imports, &image, error);
    if (status == STINT_OK)
        status = native_add_image(module, image, error);
    if (status == STINT_OK && request->is_kept)
        keep(module, &result);
    api->result_clear(&result);
    return status;
}

static void prepare(void)
{
    const struct compiler_api *api;
    (void)!compile_plugin(&api, NULL);
}

const struct tier_source *compile_source(void)
{
    static const struct tier_source source = {.find = find,
                                             .prepare = prepare,
                                             .compile = compile,
                                             .announce = code_names_announce,
                                             .forget = code_names_forget};
    return &source;
}
