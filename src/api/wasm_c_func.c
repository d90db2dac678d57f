/* SPDX-License-Identifier: Apache-2.0 */
/* Functions of the standard C API, in both directions. */
#include <stdio.h>
#include <string.h>

#include "api/wasm_c_int.h"

/* Calls with at most this many arguments and results use the stack only. */
enum { VALUES_INLINE = 16 };

/* What a host function calls. */
struct callback {
    wasm_store_t *store;        /* no handle: functions live no longer than it */
    wasm_func_callback_t plain; /* or NULL: */
    wasm_func_callback_with_env_t with_env;
    void *env;
    void (*env_free)(void *);
};

static void callback_free(void *env)
{
    struct callback *callback = env;
    if (callback->env_free != NULL)
        callback->env_free(callback->env);
    alloc_put(&alloc_root, callback, sizeof(*callback));
}

/* Runs the user's function on converted arguments; the results are converted back. */
static enum stint_status run_callback(stint_call *call, const struct callback *callback,
                                      const wasm_val_vec_t *args, wasm_val_vec_t *results,
                                      stint_value *ret_results)
{
    const struct type_def *type = call_of(call)->type;
    wasm_trap_t *trap = callback->plain != NULL ? callback->plain(args, results)
                                                : callback->with_env(callback->env, args, results);
    if (trap != NULL) {
        char text[STINT_ERROR_MESSAGE_BYTES];
        snprintf(text, sizeof(text), "%s", ref_of(trap)->of.trap->message);
        trap_keep(trap);
        return stint_call_trap(call, text);
    }
    for (size_t i = 0; i < results->size; i++) {
        if (!val_to_stint(callback->store, type->results[i], &results->data[i], &ret_results[i]))
            return stint_call_trap(call, "the host function's result is of another type");
    }
    return STINT_OK;
}

static enum stint_status convert_and_run(stint_call *call, const struct callback *callback,
                                         wasm_val_t *vals, const stint_value *args,
                                         stint_value *ret_results)
{
    const struct type_def *type = call_of(call)->type;
    wasm_val_vec_t arg_vec = {0, vals};
    wasm_val_vec_t result_vec = {type->result_count, vals + type->param_count};
    enum stint_status status = STINT_OK;
    for (; arg_vec.size < type->param_count && status == STINT_OK; arg_vec.size++) {
        /* The handles in `args` are lent: what is wrapped has to be another one. */
        stint_value value = args[arg_vec.size];
        if (wasm_valkind_is_ref(
                valkind_of(call_of(call)->store->engine->types, type->params[arg_vec.size])) &&
            value.kind != STINT_KIND_FUNC)
            status = stint_ref_copy(call_of(call)->store, value.of.ref, &value.of.ref, NULL);
        if (status != STINT_OK || !val_from_stint(callback->store, &value, &vals[arg_vec.size])) {
            status = stint_call_trap(call, "an argument has a type that this API has not");
            break;
        }
    }
    for (uint32_t i = 0; i < type->result_count; i++)
        result_vec.data[i].kind = valkind_of(call_of(call)->store->engine->types, type->results[i]);
    if (status == STINT_OK)
        status = run_callback(call, callback, &arg_vec, &result_vec, ret_results);
    for (size_t i = 0; i < arg_vec.size; i++)
        wasm_val_delete(&arg_vec.data[i]);
    for (size_t i = 0; i < result_vec.size; i++)
        wasm_val_delete(&result_vec.data[i]);
    return status;
}

static enum stint_status call_callback(stint_call *call, void *env, const stint_value *args,
                                       stint_value *ret_results)
{
    const struct callback *callback = env;
    const struct type_def *type = call_of(call)->type;
    size_t count = (size_t)type->param_count + type->result_count;
    wasm_val_t inline_vals[VALUES_INLINE];
    wasm_val_t *vals = inline_vals;
    if (count > VALUES_INLINE)
        vals = alloc_get(&alloc_root, count * sizeof(*vals));
    if (vals == NULL)
        return STINT_NOMEM;
    memset(vals, 0, count * sizeof(*vals));
    enum stint_status status = convert_and_run(call, callback, vals, args, ret_results);
    if (vals != inline_vals)
        alloc_put(&alloc_root, vals, count * sizeof(*vals));
    return status;
}

/* The runtime's types of a vector; NULL when memory is out. */
static stint_valtype *valtypes_of(struct arena *arena, const wasm_valtype_vec_t *types)
{
    stint_valtype *out = arena_get_zeroed(arena, types->size, sizeof(*out));
    for (size_t i = 0; out != NULL && i < types->size; i++)
        out[i] = types->data[i]->type;
    return out;
}

static wasm_func_t *func_new(wasm_store_t *store, const wasm_functype_t *type,
                             const struct callback *what)
{
    struct stint_extern external;
    struct arena arena;
    arena_init(&arena, &alloc_root);
    memset(&external, 0, sizeof(external));
    external.kind = STINT_EXTERN_FUNC;
    struct callback *callback = alloc_get(&alloc_root, sizeof(*callback));
    const struct stint_func_type own_type = {valtypes_of(&arena, &type->params), type->params.size,
                                             valtypes_of(&arena, &type->results),
                                             type->results.size};
    enum stint_status status = STINT_NOMEM;
    if (callback != NULL && own_type.params != NULL && own_type.results != NULL) {
        *callback = *what;
        status = stint_func_new(store->store, &own_type, call_callback, callback, callback_free,
                                &external.of.func, NULL);
    }
    arena_free(&arena);
    if (status != STINT_OK) {
        alloc_put(&alloc_root, callback, sizeof(*callback));
        return NULL;
    }
    return (wasm_func_t *)ref_wrap(store, &external);
}

wasm_func_t *wasm_func_new(wasm_store_t *store, const wasm_functype_t *type,
                           wasm_func_callback_t plain)
{
    const struct callback callback = {.store = store, .plain = plain};
    return func_new(store, type, &callback);
}

wasm_func_t *wasm_func_new_with_env(wasm_store_t *store, const wasm_functype_t *type,
                                    wasm_func_callback_with_env_t with_env, void *env,
                                    void (*finalizer)(void *))
{
    const struct callback callback = {
        .store = store, .with_env = with_env, .env = env, .env_free = finalizer};
    return func_new(store, type, &callback);
}

size_t wasm_func_param_arity(const wasm_func_t *func)
{
    return stint_func_type_of(ref_of(func)->of.external.of.func).param_count;
}

size_t wasm_func_result_arity(const wasm_func_t *func)
{
    return stint_func_type_of(ref_of(func)->of.external.of.func).result_count;
}

static wasm_trap_t *argument_trap(wasm_store_t *store, const char *message)
{
    struct stint_error error = {0};
    enum stint_status status = error_set(&error, STINT_ARGUMENT, STINT_NO_OFFSET, "%s", message);
    return trap_from(store, status, &error);
}

/* The call, with room for the values: arguments first, then results. */
static wasm_trap_t *call_with(const struct wasm_ref_t *ref, const struct stint_func_type *type,
                              const wasm_val_vec_t *args, wasm_val_vec_t *results,
                              stint_value *values)
{
    wasm_store_t *store = ref->store;
    stint_value *outs = values + type->param_count;
    struct stint_error error = {0};
    size_t ready = 0;
    while (ready < type->param_count &&
           val_to_stint(store, type->params[ready], &args->data[ready], &values[ready]))
        ready++;
    enum stint_status status = error_set(&error, STINT_ARGUMENT, STINT_NO_OFFSET,
                                         "argument %zu is of another type", ready + 1);
    if (ready == type->param_count) {
        error_clear(&error);
        status = stint_func_call(store->store, ref->of.external.of.func, values, ready, outs,
                                 type->result_count, &error);
    }
    api_values_release(store->store, values, ready);
    if (status != STINT_OK)
        return trap_from(store, status, &error);
    bool ok = true;
    for (size_t i = 0; i < type->result_count; i++)
        ok = val_from_stint(store, &outs[i], &results->data[i]) && ok;
    return ok ? NULL : argument_trap(store, "a result has a type that this API has not");
}

wasm_trap_t *wasm_func_call(const wasm_func_t *func, const wasm_val_vec_t *args,
                            wasm_val_vec_t *results)
{
    const struct wasm_ref_t *ref = ref_of(func);
    const struct stint_func_type type = stint_func_type_of(ref->of.external.of.func);
    size_t arg_count = args != NULL ? args->size : 0;
    size_t result_count = results != NULL ? results->size : 0;
    if (arg_count != type.param_count || result_count < type.result_count)
        return argument_trap(ref->store, "wrong number of arguments or results");
    size_t count = type.param_count + type.result_count;
    stint_value inline_values[VALUES_INLINE];
    stint_value *values = inline_values;
    if (count > VALUES_INLINE)
        values = alloc_get(&alloc_root, count * sizeof(*values));
    if (values == NULL)
        return argument_trap(ref->store, "out of memory");
    wasm_trap_t *trap = call_with(ref, &type, args, results, values);
    if (values != inline_values)
        alloc_put(&alloc_root, values, count * sizeof(*values));
    return trap;
}
