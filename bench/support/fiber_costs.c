/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What fibers cost: lines of name, value, unit.
 *
 *   switch    from a fiber to its thread or back, in CPU time
 *   start     a fiber's start and end, on a stack that is kept
 *   fiber     resident memory of a fiber that is suspended
 *   guest     the same with a guest, interpreted, that waits in a host function: its store as well
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "interp/interp.h"
#include "os/fiber.h"
#include "runtime/store.h"
#include "wasm/text.h"

enum { SWITCHES = 10000000, STARTS = 2000000, FIBERS = 10000, GUESTS = 1000 };

static struct fiber *fibers[FIBERS];

static void check(bool is_fine, const char *what)
{
    if (is_fine)
        return;
    fprintf(stderr, "fiber_costs: %s\n", what);
    exit(1);
}

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double resident_bytes(void)
{
    unsigned long all = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    check(file != NULL && fscanf(file, "%lu %lu", &all, &resident) == 2, "no /proc/self/statm");
    fclose(file);
    return (double)resident * 4096;
}

static void run_ping(void *arg)
{
    volatile bool *is_over = arg;
    while (!*is_over)
        fiber_suspend();
}

static void run_nothing(void *arg)
{
    (void)arg;
}

static void measure_switches(struct fiber_pool *pool)
{
    bool is_over = false;
    struct fiber *fiber;
    check(fiber_start(pool, run_ping, &is_over, &fiber) == STINT_OK, "no fiber");
    double start_ns = now_ns();
    for (int i = 0; i < SWITCHES / 2; i++)
        (void)fiber_resume(fiber);
    printf("switch %.2f ns\n", (now_ns() - start_ns) / SWITCHES);
    is_over = true;
    (void)fiber_resume(fiber);

    start_ns = now_ns();
    for (int i = 0; i < STARTS; i++)
        check(fiber_start(pool, run_nothing, NULL, &fiber) == STINT_OK, "no fiber");
    printf("start %.2f ns\n", (now_ns() - start_ns) / STARTS);
}

static void measure_fibers(struct fiber_pool *pool)
{
    bool is_over = false;
    double before = resident_bytes();
    for (int i = 0; i < FIBERS; i++)
        check(fiber_start(pool, run_ping, &is_over, &fibers[i]) == STINT_OK, "no fiber");
    printf("fiber %.2f KiB\n", (resident_bytes() - before) / FIBERS / 1024);
    is_over = true;
    for (int i = 0; i < FIBERS; i++)
        (void)fiber_resume(fibers[i]);
}

/* ---- Guests ---------------------------------------------------------------------------------------- */

static const char text[] = "(module (import \"\" \"wait\" (func $wait)) (memory 1)"
                           " (func (export \"run\") (i32.store (i32.const 0) (i32.const 1))"
                           "  (call $wait)))";

static enum stint_status host_wait_here(struct host_call *call, uint64_t *slots)
{
    (void)call;
    (void)slots;
    fiber_suspend();
    return STINT_OK;
}

static void run_guest(void *arg)
{
    struct stint_instance *instance = arg;
    struct extern_value export;
    uint64_t slots[1];
    check(instance_export(instance, "run", 3, &export) &&
              rt_call(instance->store, export.func, slots, NULL) == STINT_OK,
          "the guest failed");
}

static struct stint_instance *make_guest(struct stint_engine *engine, struct stint_module *module)
{
    struct store_limits limits = store_limits_default();
    struct stint_store *store = NULL;
    struct stint_instance *instance = NULL;
    struct extern_value import = {.kind = EXTERN_FUNC};
    check(store_create(engine, &limits, &store) == STINT_OK &&
              rt_func_create(store, module->wasm->types[module->wasm->func_types[0]]->id,
                             host_wait_here, NULL, NULL, &import.func) == STINT_OK &&
              instance_create(store, module, &import, &instance, NULL) == STINT_OK,
          "no guest");
    return instance;
}

static void measure_guests(struct fiber_pool *pool)
{
    static struct stint_instance *guests[GUESTS];
    struct engine_config config = engine_config_default();
    struct text_options options = {0};
    struct stint_engine *engine;
    struct stint_module *module;
    struct buf binary;
    config.is_metered = true;
    buf_init(&binary, &alloc_root, SIZE_MAX);
    check(text_to_binary(&alloc_root, text, strlen(text), &options, &binary, NULL) == STINT_OK &&
              engine_create(&config, &interp_ops, &engine) == STINT_OK &&
              rt_module_create(engine, binary.data, binary.bytes, false, &module, NULL) == STINT_OK,
          "no module");
    double before = resident_bytes();
    for (int i = 0; i < GUESTS; i++) {
        guests[i] = make_guest(engine, module);
        check(fiber_start(pool, run_guest, guests[i], &fibers[i]) == STINT_OK, "no fiber");
    }
    printf("guest %.2f KiB\n", (resident_bytes() - before) / GUESTS / 1024);
    for (int i = 0; i < GUESTS; i++) {
        (void)fiber_resume(fibers[i]);
        store_free(guests[i]->store);
    }
    rt_module_release(module);
    engine_release(engine);
    buf_free(&binary);
}

int main(void)
{
    struct fiber_config config = fiber_config_default();
    struct fiber_pool *pool;
    config.stacks_keep = 1;
    check(fiber_pool_create(&config, &pool) == STINT_OK, "no fibers here");
    measure_switches(pool);
    measure_fibers(pool);
    measure_guests(pool);
    fiber_pool_free(pool);
    return 0;
}
