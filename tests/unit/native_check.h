/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of machine code: modules from text, some functions of which are compiled. */
#ifndef NATIVE_CHECK_H
#define NATIVE_CHECK_H

#include "api/compile.h"
#include "base/buf.h"
#include "check.h"
#include "interp/interp.h"
#include "runtime/gc.h"
#include "runtime/native.h"
#include "wasm/text.h"

enum { NATIVE_TEST_MODULES = 8, NATIVE_TEST_FUNCS = 8 };

struct native_test {
    struct stint_engine *engine;
    struct stint_store *store;
    struct stint_module *modules[NATIVE_TEST_MODULES];
    size_t module_count;
    struct stint_error error;
};

static inline struct engine_config native_test_config(bool is_strict)
{
    struct engine_config config = engine_config_default();
    config.is_metered = true;
    config.tier.is_strict = is_strict;
    config.tier.opt_level = 1;
    return config;
}

/* An engine that interprets what native_test_compile does not compile, and a store. */
static inline bool native_test_open(struct native_test *t, const struct engine_config *config)
{
    struct store_limits limits = store_limits_default();
    memset(t, 0, sizeof(*t));
    limits.stack_bytes_max = 1 << 20;
    return CHECK(engine_create(config, &interp_ops, &t->engine) == STINT_OK) &&
           CHECK(store_create(t->engine, &limits, &t->store) == STINT_OK);
}

static inline void native_test_close(struct native_test *t)
{
    store_free(t->store);
    for (size_t i = 0; i < t->module_count; i++)
        rt_module_release(t->modules[i]);
    engine_release(t->engine);
}

static inline struct stint_module *native_test_module(struct native_test *t, const char *text)
{
    struct stint_module *module = NULL;
    struct text_options options = {0};
    struct alloc alloc;
    struct buf binary;
    error_clear(&t->error);
    alloc_init(&alloc, NULL, NULL, SIZE_MAX);
    buf_init(&binary, &alloc, SIZE_MAX);
    CHECK(text_to_binary(&alloc, text, strlen(text), &options, &binary, &t->error) == STINT_OK);
    CHECK_STR(t->error.message, "");
    if (rt_module_create(t->engine, binary.data, binary.bytes, false, &module, &t->error) !=
        STINT_OK)
        module = NULL;
    buf_free(&binary);
    if (module != NULL)
        t->modules[t->module_count++] = module;
    return module;
}

/* Compiles the own functions whose bits are set in `mask`. */
static inline bool native_test_compile(struct stint_module *module, uint32_t mask)
{
    uint32_t functions[NATIVE_TEST_FUNCS], count = 0;
    const struct wasm_module *wasm = module->wasm;
    struct stint_error error = {0};
    for (uint32_t i = 0; i < wasm->func_count - wasm->import_func_count; i++) {
        if ((mask >> i & 1) != 0 && count < NATIVE_TEST_FUNCS)
            functions[count++] = i;
    }
    if (count == 0)
        return true;
    const struct tier_request request = {
        .functions = functions, .function_count = count, .jobs = 1};
    CHECK(compile_source()->compile(module, &request, &error) == STINT_OK);
    return CHECK_STR(error.message, "");
}

static inline struct stint_instance *native_test_instance(struct native_test *t,
                                                          struct stint_module *module,
                                                          const struct extern_value *imports)
{
    struct stint_instance *instance = NULL;
    if (module == NULL)
        return NULL;
    error_clear(&t->error);
    if (instance_create(t->store, module, imports, &instance, &t->error) != STINT_OK)
        return NULL;
    return instance;
}

static inline struct extern_value native_test_export(struct stint_instance *instance,
                                                     const char *name)
{
    struct extern_value value = {.kind = EXTERN_MISSING};
    if (instance != NULL)
        CHECK(instance_export(instance, name, strlen(name), &value));
    return value;
}

/* Calls an export with one i32; the status, and the first slot of what came back. */
static inline enum stint_status native_test_call(struct native_test *t,
                                                 struct stint_instance *instance, const char *name,
                                                 uint32_t argument, uint64_t *ret_slot)
{
    uint64_t slots[4] = {argument};
    struct func *func = native_test_export(instance, name).func;
    error_clear(&t->error);
    enum stint_status status =
        func == NULL ? STINT_NOT_FOUND : rt_call(t->store, func, slots, &t->error);
    if (ret_slot != NULL)
        *ret_slot = slots[0];
    return status;
}

/* Whether there is a compiler here: builds without LLVM skip these tests. */
static inline bool native_test_can_compile(void)
{
    const struct compiler_api *api;
    return compile_source() != NULL && compile_plugin(&api, NULL) == STINT_OK;
}

#define NEED_COMPILER()                                                                            \
    do {                                                                                           \
        if (!native_test_can_compile())                                                            \
            SKIP("the compiler plug-in is not built here");                                        \
    } while (0)

#endif
