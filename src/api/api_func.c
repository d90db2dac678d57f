/* SPDX-License-Identifier: Apache-2.0 */
/* Functions: calls into the guest, and host functions with tagged values. */
#include <stdio.h>
#include <string.h>

#include "api/host_def.h"

/* Calls with at most this many values or slots use the stack only. */
enum { VALUES_INLINE = 16 };

static bool are_plain(const stint_valtype *types, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (types[i] > VT_I32 || types[i] < VT_F64)
            return false;
    }
    return true;
}

enum stint_status host_def_create(stint_engine *engine, const struct stint_func_type *type,
                                  stint_host_fn fn, void *env, struct host_def **ret_def,
                                  struct stint_error *error)
{
    uint32_t type_id;
    enum stint_status status =
        types_add_func(engine->types, type->params, (uint32_t)type->param_count, type->results,
                       (uint32_t)type->result_count, &type_id);
    if (status != STINT_OK)
        return error_set(error, status, STINT_NO_OFFSET, "no room for the function's type");
    struct host_def *def = alloc_get_zeroed(&engine->alloc, 1, sizeof(*def));
    if (def == NULL)
        return api_no_memory(error);
    atomic_init(&def->references, 1);
    def->engine = engine; /* whoever holds a reference keeps the engine alive */
    def->type_id = type_id;
    def->is_plain = type->param_count + type->result_count <= VALUES_INLINE &&
                    are_plain(type->params, type->param_count) &&
                    are_plain(type->results, type->result_count);
    if (def->is_plain) {
        for (size_t i = 0; i < type->param_count && i < TYPE_WORDS_MAX; i++)
            def->param_kinds[i] = (uint8_t)plain_kind(type->params[i]);
        def->result_kind = type->result_count > 0 ? (uint8_t)plain_kind(type->results[0]) : 0;
    }
    def->fn = fn;
    def->env = env;
    *ret_def = def;
    return STINT_OK;
}

enum stint_status host_def_create_words(stint_engine *engine, const struct stint_func_type *type,
                                        stint_word_fn fn, void *env, struct host_def **ret_def,
                                        struct stint_error *error)
{
    if (type->param_count > TYPE_WORDS_MAX || type->result_count > 1 ||
        !are_plain(type->params, type->param_count) ||
        !are_plain(type->results, type->result_count))
        return error_set(error, STINT_ARGUMENT, STINT_NO_OFFSET,
                         "only functions of at most %d numbers and one result take words",
                         TYPE_WORDS_MAX);
    enum stint_status status = host_def_create(engine, type, NULL, env, ret_def, error);
    if (status == STINT_OK)
        (*ret_def)->word_fn = fn;
    return status;
}

void host_def_own_env(struct host_def *def, void (*env_free)(void *env))
{
    def->env_free = env_free;
}

void host_def_release(struct host_def *def)
{
    if (def == NULL || atomic_fetch_sub_explicit(&def->references, 1, memory_order_acq_rel) != 1)
        return;
    if (def->env_free != NULL)
        def->env_free(def->env);
    alloc_put(&def->engine->alloc, def, sizeof(*def));
}

static void release_env(void *env)
{
    host_def_release(env);
}

/* Whether an exception is on its way; it stays there. */
static bool has_exception(stint_store *store)
{
    if (store->gc == NULL)
        return false;
    gc_ref exception = gc_take_exception(store->gc);
    gc_set_exception(store->gc, exception);
    return exception != GC_NULL;
}

/* A status of the embedder's function that says less than the guest's caller needs to know. */
enum stint_status host_def_explain(struct host_call *call, enum stint_status status)
{
    struct stint_error *error = call->error;
    bool is_odd = (unsigned)status >= STINT_STATUS_COUNT ||
                  (status == STINT_EXCEPTION && !has_exception(call->store));
    if (is_odd || (status == STINT_TRAP && error->status == STINT_OK))
        return error_set_trap(error, STINT_TRAP_HOST);
    if (status == STINT_EXCEPTION || status == STINT_TRAP || status == STINT_EXIT)
        return status;
    return error_set(error, status, STINT_NO_OFFSET, "host function failed: %s",
                     status_text(status));
}

static enum stint_status read_values(stint_store *store, const valtype *types, size_t count,
                                     const uint64_t *slots, stint_value *ret_values,
                                     struct stint_error *error)
{
    for (size_t i = 0; i < count; i++) {
        enum stint_status status = api_value_read(store, types[i], slots, &ret_values[i], error);
        if (status != STINT_OK) {
            api_values_release(store, ret_values, i);
            return status;
        }
        slots += vt_slots(types[i]);
    }
    return STINT_OK;
}

static enum stint_status write_values(stint_store *store, const valtype *types, size_t count,
                                      const stint_value *values, const char *what, uint64_t *slots,
                                      struct stint_error *error)
{
    for (size_t i = 0; i < count; i++) {
        char name[32];
        snprintf(name, sizeof(name), "%s %zu", what, i + 1);
        enum stint_status status = api_value_write(store, types[i], &values[i], name, slots, error);
        if (status != STINT_OK)
            return status;
        slots += vt_slots(types[i]);
    }
    return STINT_OK;
}

/* The guest must not see a value of another type; what was recorded says which one. */
static enum stint_status trap_results(struct host_call *call)
{
    call->error->status = STINT_TRAP;
    call->error->trap = STINT_TRAP_HOST;
    return STINT_TRAP;
}

enum stint_status host_def_wrong_results(struct host_call *call, const stint_value *results)
{
    uint64_t slots[VALUES_INLINE];
    return write_values(call->store, call->type->results, call->type->result_count, results,
                        "the host function's result", slots, call->error) != STINT_OK
               ? trap_results(call)
               : STINT_OK;
}

/* Runs the embedder's function on values that are there already. */
static enum stint_status call_def(struct host_call *call, stint_value *args, stint_value *results,
                                  uint64_t *slots)
{
    struct host_def *def = call->env;
    const struct type_def *type = call->type;
    stint_store *store = call->store;
    for (uint32_t i = 0; i < type->result_count; i++)
        results[i].kind = api_kind(store->engine->types, type->results[i]);
    enum stint_status status =
        read_values(store, type->params, type->param_count, slots, args, call->error);
    if (status != STINT_OK)
        return status;
    status = def->fn((stint_call *)call, def->env, args, results);
    if (status != STINT_OK) {
        status = host_def_explain(call, status);
    } else if (write_values(store, type->results, type->result_count, results,
                            "the host function's result", slots, call->error) != STINT_OK) {
        status = trap_results(call);
    }
    api_values_release(store, args, type->param_count);
    api_values_release(store, results, type->result_count);
    return status;
}

/* The same for numbers only: nothing to allocate, to look up or to release. */
static enum stint_status plain_adapter(struct host_call *call, uint64_t *slots)
{
    struct host_def *def = call->env;
    const struct type_def *type = call->type;
    stint_value args[VALUES_INLINE], results[VALUES_INLINE];
    for (uint32_t i = 0; i < type->param_count; i++) {
        args[i].kind = plain_kind(type->params[i]);
        memcpy(&args[i].of, &slots[i], sizeof(slots[i]));
    }
    for (uint32_t i = 0; i < type->result_count; i++) {
        results[i].kind = plain_kind(type->results[i]);
        results[i].of.i64 = 0;
    }
    enum stint_status status = def->fn((stint_call *)call, def->env, args, results);
    if (status != STINT_OK)
        return host_def_explain(call, status);
    for (uint32_t i = 0; i < type->result_count; i++) {
        if (results[i].kind != plain_kind(type->results[i]))
            return host_def_wrong_results(call, results);
        /* As wide as it was written: a wider load would wait for the store. */
        if (type->results[i] == VT_I32 || type->results[i] == VT_F32)
            slots[i] = (uint32_t)results[i].of.i32;
        else
            slots[i] = (uint64_t)results[i].of.i64;
    }
    return STINT_OK;
}

/* Nothing at all to do, but there may be fewer slots than words. */
static enum stint_status word_adapter(struct host_call *call, uint64_t *slots)
{
    struct host_def *def = call->env;
    uint64_t words[TYPE_WORDS_MAX] = {0};
    for (uint32_t i = 0; i < call->type->param_count; i++)
        words[i] = slots[i];
    struct stint_word result =
        def->word_fn((stint_call *)call, def->env, words[0], words[1], words[2], words[3]);
    if (result.status != STINT_OK)
        return host_def_explain(call, result.status);
    if (call->type->result_count > 0)
        slots[0] = result.word;
    return STINT_OK;
}

static enum stint_status host_adapter(struct host_call *call, uint64_t *slots)
{
    stint_value inline_values[VALUES_INLINE];
    struct alloc *alloc = &call->store->alloc;
    size_t count = (size_t)call->type->param_count + call->type->result_count;
    stint_value *values = inline_values;
    if (count > VALUES_INLINE)
        values = alloc_get(alloc, count * sizeof(*values));
    if (values == NULL)
        return api_no_memory(call->error);
    memset(values, 0, count * sizeof(*values));
    enum stint_status status = call_def(call, values, values + call->type->param_count, slots);
    if (values != inline_values)
        alloc_put(alloc, values, count * sizeof(*values));
    return status;
}

enum stint_status host_def_add(struct host_def *def, stint_store *store, struct func **ret_func,
                               struct stint_error *error)
{
    host_fn way = def->word_fn != NULL ? word_adapter
                  : def->is_plain      ? plain_adapter
                                       : host_adapter;
    enum stint_status status = rt_func_create(store, def->type_id, way, def, release_env, ret_func);
    if (status != STINT_OK)
        return api_no_memory(error);
    if (def->is_plain)
        rt_func_set_words(*ret_func, host_def_words(def, (*ret_func)->type));
    atomic_fetch_add_explicit(&def->references, 1, memory_order_relaxed);
    return STINT_OK;
}

enum stint_status stint_func_new(stint_store *store, const struct stint_func_type *type,
                                 stint_host_fn fn, void *env, void (*env_free)(void *env),
                                 stint_func **ret_func, struct stint_error *error)
{
    struct host_def *def;
    struct func *func;
    enum stint_status status = host_def_create(store->engine, type, fn, env, &def, error);
    if (status != STINT_OK)
        return status;
    status = host_def_add(def, store, &func, error);
    if (status == STINT_OK) {
        host_def_own_env(def, env_free);
        *ret_func = func_handle(func);
    }
    host_def_release(def);
    return status;
}

struct stint_func_type stint_func_type_of(stint_func *func)
{
    return api_func_type(func_of(func)->type);
}

/* The call proper, with room for the slots. */
static enum stint_status call_with(stint_store *store, struct func *func, const stint_value *args,
                                   stint_value *ret_results, uint64_t *slots,
                                   struct stint_error *error)
{
    const struct type_def *type = func->type;
    enum stint_status status =
        write_values(store, type->params, type->param_count, args, "argument", slots, error);
    if (status == STINT_OK)
        status = rt_call(store, func, slots, error);
    if (status == STINT_OK)
        status = read_values(store, type->results, type->result_count, slots, ret_results, error);
    return status;
}

enum stint_status stint_func_call(stint_store *store, stint_func *handle, const stint_value *args,
                                  size_t arg_count, stint_value *ret_results, size_t result_count,
                                  struct stint_error *error)
{
    uint64_t inline_slots[VALUES_INLINE];
    struct func *func = func_of(handle);
    const struct type_def *type = func->type;
    struct stint_error own_error = {0};
    if (error == NULL)
        error = &own_error;
    if (arg_count != type->param_count || result_count != type->result_count)
        return error_set(error, STINT_ARGUMENT, STINT_NO_OFFSET,
                         "the function takes %u arguments and gives %u results, not %zu and %zu",
                         type->param_count, type->result_count, arg_count, result_count);
    size_t count = type->param_slots > type->result_slots ? type->param_slots : type->result_slots;
    uint64_t *slots = inline_slots;
    if (count > VALUES_INLINE)
        slots = alloc_get(&store->alloc, count * sizeof(*slots));
    if (slots == NULL)
        return api_no_memory(error);
    enum stint_status status = call_with(store, func, args, ret_results, slots, error);
    if (slots != inline_slots)
        alloc_put(&store->alloc, slots, count * sizeof(*slots));
    return status;
}

enum stint_status stint_func_call_unchecked(stint_store *store, stint_func *func, uint64_t *words,
                                            struct stint_error *error)
{
    return rt_call(store, func_of(func), words, error);
}

stint_store *stint_call_store(stint_call *call)
{
    return call_of(call)->store;
}

stint_instance *stint_call_instance(stint_call *call)
{
    return call_of(call)->caller;
}

stint_memory *stint_call_memory(stint_call *call)
{
    struct stint_instance *caller = call_of(call)->caller;
    return caller != NULL ? memory_handle(caller->memory0) : NULL;
}

enum stint_status stint_call_trap(stint_call *call, const char *message)
{
    struct stint_error *error = call_of(call)->error;
    error_set(error, STINT_TRAP, STINT_NO_OFFSET, "%s", message);
    error->trap = STINT_TRAP_HOST;
    return STINT_TRAP;
}

enum stint_status stint_call_exit(stint_call *call, uint32_t exit_code)
{
    struct stint_error *error = call_of(call)->error;
    error_set(error, STINT_EXIT, STINT_NO_OFFSET, "the guest exited with %u", exit_code);
    error->exit_code = exit_code;
    return STINT_EXIT;
}

enum stint_status stint_call_throw(stint_call *call, stint_ref exception)
{
    struct host_call *host_call = call_of(call);
    gc_ref ref = api_ref_get(host_call->store, exception);
    if (ref == GC_NULL || !gc_ref_is(host_call->store->gc, ref, HEAP_EXN))
        return error_set_trap(host_call->error, STINT_TRAP_NULL_EXCEPTION);
    gc_set_exception(host_call->store->gc, ref);
    return STINT_EXCEPTION;
}
