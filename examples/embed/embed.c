/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stint inside a C program: a module checks sensor readings that the host puts into its memory, and
 * calls back for each one that is too high. Then two guests that go wrong, and how the host sees it.
 *
 *     cc embed.c $(pkg-config --cflags --libs stint) -o embed
 */
#include <stint.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char guest[] =
    "(module\n"
    "  (import \"host\" \"alert\" (func $alert (param i32 f64)))\n"
    "  (memory (export \"memory\") 1)\n"
    "  ;; The average of `count` readings at `at`; alert() for each above `limit`.\n"
    "  (func (export \"check\") (param $at i32) (param $count i32) (param $limit f64) (result f64)\n"
    "    (local $i i32) (local $reading f64) (local $sum f64)\n"
    "    (loop $next\n"
    "      (local.set $reading\n"
    "        (f64.load (i32.add (local.get $at) (i32.shl (local.get $i) (i32.const 3)))))\n"
    "      (local.set $sum (f64.add (local.get $sum) (local.get $reading)))\n"
    "      (if (f64.gt (local.get $reading) (local.get $limit))\n"
    "        (then (call $alert (local.get $i) (local.get $reading))))\n"
    "      (local.set $i (i32.add (local.get $i) (i32.const 1)))\n"
    "      (br_if $next (i32.lt_u (local.get $i) (local.get $count))))\n"
    "    (f64.div (local.get $sum) (f64.convert_i32_u (local.get $count))))\n"
    "  (func (export \"spin\") (loop $forever (br $forever))))\n";

/* Ends the program with what the error says. */
static void expect(enum stint_status status, const struct stint_error *error)
{
    if (status == STINT_OK)
        return;
    fprintf(stderr, "%s: %s\n", stint_status_text(status), error->message);
    exit(1);
}

/* host.alert: `env` is what stint_linker_define_func was given. */
static enum stint_status alert(stint_call *call, void *env, const stint_value *args,
                               stint_value *ret_results)
{
    int *alerts = env;
    (void)call;
    (void)ret_results;
    printf("reading %d is too high: %.1f\n", (int)args[0].of.i32, args[1].of.f64);
    ++*alerts;
    return STINT_OK;
}

static enum stint_status check(stint_store *store, stint_instance *instance, int32_t at,
                               int32_t count, double *ret_average, struct stint_error *error)
{
    stint_value args[] = {stint_i32(at), stint_i32(count), stint_f64(30.0)};
    stint_value result;
    stint_func *func = stint_instance_func(instance, "check");
    enum stint_status status = stint_func_call(store, func, args, 3, &result, 1, error);
    if (status == STINT_OK)
        *ret_average = result.of.f64;
    return status;
}

int main(void)
{
    struct stint_error error = {0};
    int alerts = 0;

    /* An engine whose guests can be stopped. */
    stint_config *config = stint_config_new();
    stint_engine *engine;
    stint_config_set_metering(config, true);
    expect(stint_engine_new(config, &engine, &error), &error);
    stint_config_free(config);

    /* What guests may import, and the guest. */
    stint_linker *linker;
    stint_module *module;
    const stint_valtype params[] = {STINT_TYPE_I32, STINT_TYPE_F64};
    const struct stint_func_type alert_type = {params, 2, NULL, 0};
    expect(stint_linker_new(engine, &linker, &error), &error);
    expect(stint_linker_define_func(linker, "host", "alert", &alert_type, alert, &alerts, NULL,
                                    &error),
           &error);
    expect(stint_module_new_from_text(engine, guest, strlen(guest), &module, &error), &error);

    stint_store *store;
    stint_instance *instance;
    expect(stint_store_new(engine, NULL, &store, &error), &error);
    stint_store_set_fuel(store, UINT64_MAX);
    expect(stint_linker_instantiate(linker, store, module, &instance, &error), &error);

    /* Readings go into the guest's memory: little-endian, as this machine has them anyway. */
    const double readings[] = {24.5, 26.0, 31.5, 27.0};
    stint_memory *memory = stint_instance_memory(instance, "memory");
    if (!stint_memory_write(memory, 1024, readings, sizeof(readings)))
        return 1;
    double average = 0;
    expect(check(store, instance, 1024, 4, &average, &error), &error);
    printf("average %.2f, alerts %d\n", average, alerts);

    /* A guest that reads past its memory ends in a trap; the store goes on. */
    enum stint_status status = check(store, instance, 65528, 4, &average, &error);
    if (status == STINT_TRAP)
        printf("trap: %s\n", stint_trap_text(error.trap));

    /* A guest that does not end uses up its fuel. */
    memset(&error, 0, sizeof(error));
    stint_store_set_fuel(store, 100000);
    status =
        stint_func_call(store, stint_instance_func(instance, "spin"), NULL, 0, NULL, 0, &error);
    printf("spin: %s\n", stint_status_text(status));

    stint_store_free(store);
    stint_module_release(module);
    stint_linker_free(linker);
    stint_engine_release(engine);
    return 0;
}
