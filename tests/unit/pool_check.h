/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of pools: an engine with the interpreter, a module from text, and its pool. */
#ifndef POOL_CHECK_H
#define POOL_CHECK_H

#include <string.h>

#include "base/buf.h"
#include "check.h"
#include "interp/interp.h"
#include "runtime/pool.h"
#include "wasm/text.h"

struct world {
    struct stint_engine *engine;
    struct stint_module *module;
    struct stint_pool *pool;
    struct pool_config config;
    struct stint_error error;
    struct alloc alloc; /* of the text parser, away from the engine's count */
};

static inline bool open_engine(struct world *w, const char *text)
{
    struct engine_config config = engine_config_default();
    struct text_options options = {0};
    struct buf binary;
    memset(w, 0, sizeof(*w));
    config.is_metered = true;
    w->config = pool_config_default();
    w->config.slots_max = 4;
    alloc_init(&w->alloc, NULL, NULL, SIZE_MAX);
    if (!CHECK(engine_create(&config, &interp_ops, &w->engine) == STINT_OK))
        return false;
    buf_init(&binary, &w->alloc, SIZE_MAX);
    bool fine = CHECK(text_to_binary(&w->alloc, text, strlen(text), &options, &binary, &w->error) ==
                      STINT_OK) &&
                CHECK(rt_module_create(w->engine, binary.data, binary.bytes, false, &w->module,
                                       &w->error) == STINT_OK);
    CHECK_STR(w->error.message, "");
    buf_free(&binary);
    return fine;
}

static inline bool open_pool(struct world *w)
{
    bool fine = CHECK(pool_create(w->module, &w->config, &w->pool, &w->error) == STINT_OK);
    CHECK_STR(w->error.message, "");
    return fine;
}

static inline void close_world(struct world *w)
{
    pool_free(w->pool);
    rt_module_release(w->module);
    CHECK_INT(atomic_load(&w->engine->references), 1);
    engine_release(w->engine);
}

static inline struct stint_instance *take(struct world *w)
{
    struct stint_instance *instance = NULL;
    error_clear(&w->error);
    CHECK(pool_take(w->pool, &instance, &w->error) == STINT_OK);
    CHECK_STR(w->error.message, "");
    return instance;
}

/* Calls an export with one i32 or reference; the result's slot goes to `ret_slot`. */
static inline enum stint_status call(struct world *w, struct stint_instance *instance,
                                     const char *name, uint64_t argument, uint64_t *ret_slot)
{
    struct extern_value value;
    uint64_t slots[4] = {argument};
    error_clear(&w->error);
    if (!CHECK(instance_export(instance, name, strlen(name), &value)))
        return STINT_NOT_FOUND;
    enum stint_status status = rt_call(instance->store, value.func, slots, &w->error);
    *ret_slot = slots[0];
    return status;
}

static inline uint64_t get(struct world *w, struct stint_instance *instance, const char *name)
{
    uint64_t slot = 0;
    CHECK(call(w, instance, name, 0, &slot) == STINT_OK);
    CHECK_STR(w->error.message, "");
    return slot;
}

#endif
