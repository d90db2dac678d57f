/* SPDX-License-Identifier: Apache-2.0 */
/* Pools for embedders: linking through a linker, and WASI for each slot. */
#include <string.h>

#include "api/api_int.h"
#include "runtime/pool.h"

/* What the pool's callbacks know. */
struct pool_host {
    stint_module *module; /* the pool's */
    const stint_linker *linker;
    const stint_wasi_config *wasi;
    enum stint_status (*reset)(void *env, stint_store *store);
    void *env;
};

static void free_host(void *env)
{
    struct pool_host *host = env;
    stint_module *module = host->module;
    alloc_put(&module->engine->alloc, host, sizeof(*host));
    rt_module_release(module);
}

static enum stint_status link_slot(void *env, struct stint_store *store,
                                   struct extern_value *ret_imports, struct stint_error *error)
{
    const struct pool_host *host = env;
    enum stint_status status = STINT_OK;
    if (host->wasi != NULL)
        status = stint_store_set_wasi(store, host->wasi, error);
    if (status == STINT_OK && host->wasi != NULL)
        status = api_wasi_keep(store, error);
    if (status == STINT_OK && host->linker != NULL)
        status = api_linker_resolve(host->linker, store, host->module, ret_imports, error);
    return status;
}

static enum stint_status reset_slot(void *env, struct stint_store *store)
{
    const struct pool_host *host = env;
    enum stint_status status = STINT_OK;
    if (host->reset != NULL)
        status = host->reset(host->env, store);
    if (status == STINT_OK && host->wasi != NULL)
        status = api_wasi_restart(store, host->wasi);
    return status;
}

void stint_pool_options_init(struct stint_pool_options *ret_options)
{
    struct pool_config config = pool_config_default();
    memset(ret_options, 0, sizeof(*ret_options));
    ret_options->start_fuel = config.start_fuel;
    ret_options->keep_bytes = config.keep_bytes;
}

enum stint_status stint_pool_new(stint_module *module, const struct stint_pool_options *options,
                                 stint_pool **ret_pool, struct stint_error *error)
{
    struct stint_pool_options defaults;
    struct pool_config config = pool_config_default();
    stint_pool_options_init(&defaults);
    if (options == NULL)
        options = &defaults;
    struct pool_host *host = alloc_get_zeroed(&module->engine->alloc, 1, sizeof(*host));
    if (host == NULL)
        return api_no_memory(error);
    *host = (struct pool_host){.module = rt_module_retain(module),
                               .linker = options->linker,
                               .wasi = options->wasi,
                               .reset = options->reset,
                               .env = options->env};
    config.link = link_slot;
    config.reset = host->reset != NULL || host->wasi != NULL ? reset_slot : NULL;
    config.env = host;
    config.env_free = free_host;
    config.limits = api_store_limits(options->limits);
    config.start_fuel = options->start_fuel;
    config.start_timeout_ns = options->start_timeout_ns;
    config.slots_max = options->slots_max;
    config.slots_warm = options->slots_warm;
    config.keep_bytes = options->keep_bytes;
    config.skip_initialize = options->skip_initialize;
    config.without_scan = options->without_scan;
    enum stint_status status = pool_create(module, &config, ret_pool, error);
    if (status != STINT_OK)
        free_host(host);
    return status;
}

void stint_pool_free(stint_pool *pool)
{
    pool_free(pool);
}

enum stint_status stint_pool_take(stint_pool *pool, stint_store **ret_store,
                                  stint_instance **ret_instance, struct stint_error *error)
{
    stint_instance *instance;
    enum stint_status status = pool_take(pool, &instance, error);
    if (status != STINT_OK)
        return status;
    *ret_store = instance->store;
    *ret_instance = instance;
    return STINT_OK;
}

void stint_pool_give(stint_pool *pool, stint_instance *instance)
{
    pool_give(pool, instance);
}

void stint_pool_trim(stint_pool *pool, uint32_t keep)
{
    pool_trim(pool, keep);
}

void stint_pool_stats(stint_pool *pool, struct stint_pool_stats *ret_stats)
{
    struct pool_stats now;
    pool_stats(pool, &now);
    *ret_stats = (struct stint_pool_stats){.slots_max = now.slots_max,
                                           .slots = now.slots,
                                           .idle = now.idle,
                                           .scans = now.scans,
                                           .takes = now.takes,
                                           .failures = now.failures,
                                           .copied_bytes = now.copied_bytes,
                                           .dropped = now.dropped};
}
