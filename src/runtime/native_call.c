/* SPDX-License-Identifier: Apache-2.0 */
/* Helpers of machine code for calls, tail calls and fuel (runtime/native_helpers.def). */
#include <string.h>

#include "runtime/gc.h"
#include "runtime/host_words.h"
#include "runtime/native_entry.h"
#include "runtime/ops.h"

/* What a callee's failure is for the code that called. */
static enum native_result failed(struct stint_instance *context, enum stint_status status)
{
    if (status == STINT_OK) /* of a host function that took a fatal trap of its own guest lightly */
        status = STINT_POISONED;
    if (status == STINT_EXCEPTION && context->store->gc != NULL) {
        uint32_t exception = gc_take_exception(context->store->gc);
        /* Someone may catch it: it is no failure yet. */
        error_clear(context->store->call_error);
        return native_raise(context, exception);
    }
    return native_fail(context, status, NULL);
}

/* ---- Calls ----------------------------------------------------------------------------------------- */

static enum native_result call_host(struct stint_instance *context, struct func *func,
                                    uint64_t *slots)
{
    struct stint_store *store = context->store;
    struct host_call call = {.store = store,
                             .caller = context,
                             .env = func->host_env,
                             .type = func->type,
                             .error = store->call_error};
    enum stint_status status = func->host(&call, slots);
    if (UNLIKELY(status != STINT_OK || store->is_poisoned))
        return failed(context, status);
    store->is_failing = false;
    return NATIVE_OK;
}

/* Machine code of another class, or of an instance that direct calls do not reach. */
static enum native_result call_code(struct stint_instance *context, struct func *func,
                                    uint64_t *slots)
{
    struct native_run *run = context->run;
    enum stint_status status = native_enter_func(func, slots, context->store->call_error);
    if (LIKELY(status == STINT_OK))
        return run->pending == NATIVE_PENDING_TAIL ? native_finish_tail(context, slots) : NATIVE_OK;
    if (status == STINT_EXCEPTION)
        return native_raise(context, run->exception);
    return native_fail(context, status, NULL);
}

enum native_result native_call_func(struct stint_instance *context, struct func *func,
                                    uint64_t *slots)
{
    if (func->host != NULL)
        return call_host(context, func, slots);
    if (native_refresh(func))
        return call_code(context, func, slots);
    struct stint_store *store = context->store;
    enum stint_status status =
        store->engine->ops->call(store->exec, func, slots, store->call_error);
    return LIKELY(status == STINT_OK) ? NATIVE_OK : failed(context, status);
}

struct host_result host_words_troubled(struct stint_store *store, uint64_t status, uint64_t word)
{
    if (status == STINT_OK) {
        store->is_failing = false;
        /* What a host function makes of a fatal trap of its guest's own is not up to it. */
        if (store->is_poisoned)
            status = STINT_POISONED;
    }
    return (struct host_result){word, status};
}

/* A status of native_call_words: this and the enum native_result of a failure that is dealt with. */
enum { WORDS_DEALT_WITH = 1 << 16 };

struct host_result native_call_words(struct stint_instance *context, struct func *func, uint64_t a,
                                     uint64_t b, uint64_t c, uint64_t d)
{
    uint64_t slots[TYPE_WORDS_MAX] = {a, b, c, d};
    enum native_result result = native_call_func(context, func, slots);
    return (struct host_result){
        slots[0], result == NATIVE_OK ? STINT_OK : WORDS_DEALT_WITH + (uint64_t)result};
}

enum native_result native_words_failed(struct stint_instance *context, uint64_t status)
{
    if (status >= WORDS_DEALT_WITH)
        return (enum native_result)(status - WORDS_DEALT_WITH);
    return failed(context, (enum stint_status)status);
}

enum native_result native_call_index(struct stint_instance *context, uint32_t index,
                                     uint64_t *slots)
{
    return native_call_func(context, instance_func(context, index), slots);
}

enum native_result native_interpret(struct stint_instance *context, uint32_t index,
                                    uint64_t *slots)
{
    struct stint_store *store = context->store;
    enum stint_status status = store->engine->ops->interpret(
        store->exec, instance_func(context, index), slots, store->call_error);
    return status == STINT_OK ? NATIVE_OK : failed(context, status);
}

enum native_result native_call_table(struct stint_instance *context, uint32_t table, uint64_t at,
                                     uint32_t type, uint64_t *slots)
{
    struct func *func = NULL;
    enum stint_trap trap = op_table_func(context->tables[table], at, context->types[type], &func);
    if (trap != STINT_TRAP_NONE)
        return native_trap(context, trap);
    return native_call_func(context, func, slots);
}

struct func *native_ref_func(struct stint_instance *context, uint32_t index)
{
    return instance_func(context, index);
}

/* ---- Tail calls ------------------------------------------------------------------------------------- */

enum native_result native_finish_tail(struct stint_instance *context, uint64_t *slots)
{
    struct stint_store *store = context->store;
    enum stint_status status =
        store->engine->ops->call_tail(store->exec, slots, store->call_error);
    return LIKELY(status == STINT_OK) ? NATIVE_OK : failed(context, status);
}

enum native_result native_tail_func(struct stint_instance *context, struct func *func,
                                    const uint64_t *slots)
{
    struct native_run *run = context->run;
    run->tail_callee = func;
    run->pending = NATIVE_PENDING_TAIL;
    if (func->type->param_slots > 0)
        memcpy(run->values, slots, func->type->param_slots * sizeof(*slots));
    return NATIVE_PENDING;
}

enum native_result native_tail_index(struct stint_instance *context, uint32_t index,
                                     const uint64_t *slots)
{
    return native_tail_func(context, instance_func(context, index), slots);
}

enum native_result native_tail_table(struct stint_instance *context, uint32_t table, uint64_t at,
                                     uint32_t type, const uint64_t *slots)
{
    struct func *func = NULL;
    enum stint_trap trap = op_table_func(context->tables[table], at, context->types[type], &func);
    if (trap != STINT_TRAP_NONE)
        return native_trap(context, trap);
    return native_tail_func(context, func, slots);
}

/* ---- Fuel ------------------------------------------------------------------------------------------- */

enum native_result native_fuel_slice(struct stint_instance *context)
{
    struct native_run *run = context->run;
    int64_t slice = 0;
    uint64_t overdraft = run->fuel < 0 ? -(uint64_t)run->fuel : 0;
    enum stint_status status =
        rt_fuel_next_slice(context->store, overdraft, &slice, context->store->call_error);
    run->fuel = slice;
    tier_native_slice(context->module);
    return LIKELY(status == STINT_OK) ? NATIVE_OK : native_fail(context, status, NULL);
}
