/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests of the runtime alone: an engine that calls host functions and runs nothing else, and
 * modules from text.
 */
#ifndef RUNTIME_STUB_H
#define RUNTIME_STUB_H

#include "base/buf.h"
#include "check.h"
#include "runtime/gc.h"
#include "runtime/ops.h"
#include "runtime/store.h"
#include "wasm/text.h"

struct module_code {
    struct alloc *alloc;
};

struct exec {
    struct stint_store *store;
    uint64_t *roots; /* slots that the stub's visit_roots shows to the collector */
    size_t root_count;
    uint64_t pending;
};

static inline enum stint_status stub_attach(struct stint_module *module,
                                            struct module_code **ret_code,
                                            struct stint_error *error)
{
    struct alloc *alloc = &module->engine->alloc;
    struct module_code *code = alloc_get_zeroed(alloc, 1, sizeof(*code));
    if (code == NULL)
        return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "stub");
    code->alloc = alloc;
    *ret_code = code;
    return STINT_OK;
}

static inline void stub_detach(struct module_code *code)
{
    alloc_put(code->alloc, code, sizeof(*code));
}

static inline const void *stub_entry(struct module_code *code, uint32_t own_index)
{
    return (const char *)code + own_index;
}

static inline enum stint_status stub_exec_create(struct stint_store *store, struct exec **ret_exec)
{
    struct exec *exec = alloc_get_zeroed(&store->alloc, 1, sizeof(*exec));
    if (exec == NULL)
        return STINT_NOMEM;
    exec->store = store;
    *ret_exec = exec;
    return STINT_OK;
}

static inline void stub_exec_free(struct exec *exec)
{
    alloc_put(&exec->store->alloc, exec, sizeof(*exec));
}

static inline enum stint_status stub_call(struct exec *exec, struct func *func, uint64_t *slots,
                                          struct stint_error *error)
{
    struct host_call call = {
        .store = exec->store, .env = func->host_env, .type = func->type, .error = error};
    if (func->host == NULL)
        return error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET, "stub");
    return func->host(&call, slots);
}

static inline void stub_visit(struct exec *exec, void (*visit)(void *context, uint64_t *slot),
                              void *context)
{
    for (size_t i = 0; i < exec->root_count; i++)
        visit(context, &exec->roots[i]);
}

static inline size_t stub_backtrace(struct exec *exec, struct frame_info *ret_frames, size_t limit)
{
    return 0;
}

static inline uint64_t stub_pending(const struct exec *exec)
{
    return exec->pending;
}

static inline void stub_reset(struct exec *exec, bool trim)
{
    exec->pending = 0;
}

static const struct engine_ops stub_ops = {
    .name = "stub",
    .module_attach = stub_attach,
    .module_detach = stub_detach,
    .func_entry = stub_entry,
    .exec_create = stub_exec_create,
    .exec_free = stub_exec_free,
    .call = stub_call,
    .visit_roots = stub_visit,
    .backtrace = stub_backtrace,
    .exec_reset = stub_reset,
    .fuel_pending = stub_pending,
};

/* ---- A store to test in ------------------------------------------------------------------ */

struct world {
    struct stint_engine *engine;
    struct stint_store *store;
    struct stint_error error;
};

static inline bool world_open(struct world *w, const struct engine_config *config,
                              const struct store_limits *limits)
{
    struct engine_config config_default = engine_config_default();
    struct store_limits limits_default = store_limits_default();
    memset(w, 0, sizeof(*w));
    return engine_create(config != NULL ? config : &config_default, &stub_ops, &w->engine) ==
               STINT_OK &&
           store_create(w->engine, limits != NULL ? limits : &limits_default, &w->store) ==
               STINT_OK;
}

/* Ends store and engine; the engine must own nothing any more. */
static inline void world_close(struct world *w)
{
    if (w->store != NULL) {
        store_free(w->store);
        /* The type registry is what remains. */
        CHECK_INT(atomic_load(&w->engine->references), 1);
    }
    engine_release(w->engine);
}

/* A module of `text`, or NULL. The text itself has to be right. */
static inline struct stint_module *world_module(struct world *w, const char *text)
{
    struct alloc alloc;
    struct buf binary;
    struct text_options options = {0};
    struct stint_error error = {0};
    struct stint_module *module = NULL;
    alloc_init(&alloc, NULL, NULL, SIZE_MAX);
    buf_init(&binary, &alloc, SIZE_MAX);
    if (!CHECK(text_to_binary(&alloc, text, strlen(text), &options, &binary, &error) == STINT_OK))
        printf("    %s\n", error.message);
    else if (rt_module_create(w->engine, binary.data, binary.bytes, false, &module, &w->error) !=
             STINT_OK)
        module = NULL;
    buf_free(&binary);
    return module;
}

/* Instantiates; the status goes back, the error to w->error. */
static inline enum stint_status world_instantiate(struct world *w, const char *text,
                                                  const struct extern_value *imports,
                                                  struct stint_instance **ret_instance)
{
    error_clear(&w->error);
    struct stint_module *module = world_module(w, text);
    if (module == NULL)
        return w->error.status;
    enum stint_status status = instance_create(w->store, module, imports, ret_instance, &w->error);
    rt_module_release(module);
    return status;
}

/* The export of this name; kind EXTERN_MISSING when there is none. */
static inline struct extern_value world_export(struct stint_instance *instance, const char *name)
{
    struct extern_value value = {.kind = EXTERN_MISSING};
    (void)instance_export(instance, name, strlen(name), &value);
    return value;
}

#endif
