/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration and engines. */
#include <string.h>

#include "api/api_int.h"
#include "api/compile.h"
#include "interp/interp.h"
#include "stint_config.h"

struct stint_config {
    struct engine_config config;
};

const char *stint_version(void)
{
    return STINT_VERSION;
}

const char *stint_status_text(enum stint_status status)
{
    return status_text(status);
}

const char *stint_trap_text(enum stint_trap trap)
{
    return trap_text(trap);
}

enum stint_status api_no_memory(struct stint_error *error)
{
    return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "out of memory");
}

stint_config *stint_config_new(void)
{
    stint_config *config = alloc_get(&alloc_root, sizeof(*config));
    if (config != NULL)
        config->config = engine_config_default();
    return config;
}

void stint_config_free(stint_config *config)
{
    alloc_put(&alloc_root, config, sizeof(*config));
}

enum stint_status stint_config_set_feature(stint_config *config, const char *name, bool on)
{
    for (unsigned bit = FEATURE_BIT_MVP + 1; bit < FEATURE_BIT_COUNT; bit++) {
        uint32_t mask = UINT32_C(1) << bit;
        if (strcmp(feature_name((enum feature_bit)bit), name) != 0)
            continue;
        config->config.features =
            on ? config->config.features | mask : config->config.features & ~mask;
        return STINT_OK;
    }
    return STINT_NOT_FOUND;
}

void stint_config_set_metering(stint_config *config, bool on)
{
    config->config.is_metered = on;
}

void stint_config_set_budget_bytes(stint_config *config, size_t bytes)
{
    config->config.budget_bytes = bytes;
}

void stint_config_set_allocator(stint_config *config, stint_alloc_fn resize, void *context)
{
    config->config.alloc_resize = resize;
    config->config.alloc_context = context;
}

void stint_config_set_gc_stress(stint_config *config, bool on)
{
    config->config.gc_stress = on;
}

enum stint_status stint_config_set_tier(stint_config *config, enum stint_tier tier)
{
    _Static_assert((int)STINT_TIER_INTERP == TIER_INTERP && (int)STINT_TIER_JIT == TIER_JIT &&
                       (int)STINT_TIER_AOT == TIER_AOT,
                   "a public tier is the internal mode");
    if ((unsigned)tier > STINT_TIER_AOT)
        return STINT_ARGUMENT;
    if (tier != STINT_TIER_INTERP && !STINT_WITH_NATIVE)
        return STINT_UNSUPPORTED;
    config->config.tier.mode = (uint8_t)tier;
    config->config.tier.source = compile_source();
    return STINT_OK;
}

void stint_config_set_strict_traps(stint_config *config, bool on)
{
    config->config.tier.is_strict = on;
}

void stint_config_set_opt_level(stint_config *config, unsigned level)
{
    config->config.tier.opt_level = level < 3 ? (uint8_t)level : 3;
}

void stint_config_set_cache(stint_config *config, bool on)
{
    config->config.tier.uses_cache = on;
}

enum stint_status stint_engine_new(const stint_config *config, stint_engine **ret_engine,
                                   struct stint_error *error)
{
    struct engine_config chosen = config != NULL ? config->config : engine_config_default();
    if (chosen.tier.mode != TIER_INTERP)
        chosen.is_metered = true;
    enum stint_status status = engine_create(&chosen, &interp_ops, ret_engine);
    return status == STINT_NOMEM ? api_no_memory(error) : status;
}

stint_engine *stint_engine_retain(stint_engine *engine)
{
    return engine_retain(engine);
}

void stint_engine_release(stint_engine *engine)
{
    engine_release(engine);
}

void stint_engine_memory(const stint_engine *engine, size_t *ret_used_bytes, size_t *ret_peak_bytes)
{
    if (ret_used_bytes != NULL)
        *ret_used_bytes = atomic_load_explicit(&engine->alloc.used_bytes, memory_order_relaxed);
    if (ret_peak_bytes != NULL)
        *ret_peak_bytes = atomic_load_explicit(&engine->alloc.peak_bytes, memory_order_relaxed);
}
