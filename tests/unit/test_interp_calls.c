/* SPDX-License-Identifier: Apache-2.0 */
/* Calls between guest, host and other instances: who catches what, through tail calls as well. */
#include <string.h>

#include "check.h"
#include "interp/interp.h"
#include "runtime/store.h"
#include "wasm/text.h"

struct calls_test {
    struct stint_engine *engine;
    struct stint_store *store;
    struct stint_module *modules[8];
    size_t module_count;
    struct func *throwing;  /* what host_throw calls */
    struct func *callee;    /* what host_call calls */
    enum stint_status seen; /* what host_call got */
};

/* Ends with the exception that the guest function throws. */
static enum stint_status host_throw(struct host_call *call, uint64_t *slots)
{
    struct calls_test *t = call->env;
    uint64_t own[2] = {0};
    return rt_call(call->store, t->throwing, own, call->error);
}

/* Calls a guest function, whose failure stays here. */
static enum stint_status host_call(struct host_call *call, uint64_t *slots)
{
    struct calls_test *t = call->env;
    struct stint_error error = {0};
    uint64_t own[2] = {0};
    t->seen = rt_call(call->store, t->callee, own, &error);
    slots[0] = 99;
    return STINT_OK;
}

/* An instance of this text, whose imports are these functions in order. */
static struct stint_instance *instantiate(struct calls_test *t, const char *text,
                                          struct func *const *imports, uint32_t import_count)
{
    struct stint_error error = {0};
    struct stint_instance *instance = NULL;
    struct stint_module *module = NULL;
    struct extern_value values[2];
    struct buf binary;
    buf_init(&binary, &t->engine->alloc, SIZE_MAX);
    CHECK(text_to_binary(&t->engine->alloc, text, strlen(text), &(struct text_options){0}, &binary,
                         &error) == STINT_OK);
    CHECK(rt_module_create(t->engine, binary.data, binary.bytes, false, &module, &error) ==
          STINT_OK);
    buf_free(&binary);
    CHECK_STR(error.message, "");
    if (module == NULL)
        return NULL;
    t->modules[t->module_count++] = module;
    for (uint32_t i = 0; i < import_count; i++)
        values[i] = (struct extern_value){.kind = EXTERN_FUNC, .func = imports[i]};
    CHECK(instance_create(t->store, module, values, &instance, &error) == STINT_OK);
    CHECK_STR(error.message, "");
    return instance;
}

static struct func *export_of(struct stint_instance *instance, const char *name)
{
    struct extern_value value = {0};
    if (instance != NULL)
        CHECK(instance_export(instance, name, strlen(name), &value));
    return value.func;
}

static struct func *host_func(struct calls_test *t, host_fn fn, valtype result)
{
    struct func *func = NULL;
    uint32_t type;
    CHECK(types_add_func(t->engine->types, NULL, 0, &result, result != VT_BOT, &type) == STINT_OK);
    CHECK(rt_func_create(t->store, type, fn, t, NULL, &func) == STINT_OK);
    return func;
}

/* A store; a function in it that throws; a guest function that tail-calls a host that throws. */
static struct func *begin(struct calls_test *t)
{
    struct engine_config config = engine_config_default();
    struct store_limits limits = store_limits_default();
    memset(t, 0, sizeof(*t));
    CHECK(engine_create(&config, &interp_ops, &t->engine) == STINT_OK);
    CHECK(store_create(t->engine, &limits, &t->store) == STINT_OK);
    t->throwing = export_of(
        instantiate(t, "(module (tag $e) (func (export \"f\") (throw $e)))", NULL, 0), "f");
    struct func *imports[] = {host_func(t, host_throw, VT_BOT)};
    return export_of(instantiate(t,
                                 "(module (import \"h\" \"throw\" (func $t))"
                                 " (func (export \"f\") (return_call $t)))",
                                 imports, 1),
                     "f");
}

static void finish(struct calls_test *t)
{
    store_free(t->store);
    for (size_t i = 0; i < t->module_count; i++)
        rt_module_release(t->modules[i]);
    engine_release(t->engine);
}

/* 2 when its own handler catches what the import throws, else what the import returns. */
#define CATCHER(result, value)                                                                     \
    "(module (import \"\" \"f\" (func $f " result "))"                                             \
    " (func (export \"f\") (result i32)"                                                           \
    "  (block (try_table (catch_all 0) (return (call $f) " value "))) (i32.const 2)))"

TEST(exception_of_a_tail_called_host_function_reaches_the_other_instance)
{
    struct calls_test t;
    struct stint_error error = {0};
    uint64_t slots[2] = {0};
    struct func *tail = begin(&t);
    struct func *run = export_of(instantiate(&t, CATCHER("", "(i32.const 1)"), &tail, 1), "f");
    CHECK_INT(rt_call(t.store, run, slots, &error), STINT_OK);
    CHECK_INT((uint32_t)slots[0], 2);
    finish(&t);
}

TEST(exception_of_a_tail_called_host_function_stops_at_the_host)
{
    struct calls_test t;
    struct stint_error error = {0};
    uint64_t slots[2] = {0};
    t.callee = NULL;
    struct func *tail = begin(&t);
    t.callee = tail;
    struct func *host = host_func(&t, host_call, VT_I32);
    struct func *run = export_of(instantiate(&t, CATCHER("(result i32)", ""), &host, 1), "f");
    CHECK_INT(rt_call(t.store, run, slots, &error), STINT_OK);
    CHECK_INT(t.seen, STINT_EXCEPTION);
    CHECK_INT((uint32_t)slots[0], 99);
    finish(&t);
}

TEST(exception_of_a_tail_called_host_function_ends_the_call)
{
    struct calls_test t;
    struct stint_error error = {0};
    uint64_t slots[2] = {0};
    struct func *tail = begin(&t);
    CHECK_INT(rt_call(t.store, tail, slots, &error), STINT_EXCEPTION);
    CHECK_INT(rt_call(t.store, tail, slots, &error), STINT_EXCEPTION);
    finish(&t);
}

CHECK_MAIN
