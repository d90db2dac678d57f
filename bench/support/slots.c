/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Warm slots: how long taking an instance, calling an empty export and giving it back take, and the
 * same with a guest that writes to some pages. For an embedder's view, through stint.h:
 *
 *   slots [CYCLES]
 *
 * One line a case: its name (with "-aot" where the guest is machine code), median and 99th percentile
 * in microseconds, and the kernel's part in it: "scan" or "drop".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "stint.h"

enum { CYCLES = 20000, WARM = 500 };

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void fail(const char *what, const struct stint_error *error)
{
    fprintf(stderr, "slots: %s: %s\n", what, error->message);
    exit(1);
}

/* A module whose data fills `pages` pages of 64 KiB but for the last bytes, with "touch n": a write
 * to every 32nd page of 4 KiB, n times. */
static char *make_text(unsigned pages)
{
    static const char head[] = "(module (memory (export \"memory\") %u)\n"
                               "(func (export \"empty\"))\n"
                               "(func (export \"touch\") (param i32)\n"
                               "  (loop (if (local.get 0) (then\n"
                               "    (local.set 0 (i32.sub (local.get 0) (i32.const 1)))\n"
                               "    (i32.store (i32.mul (local.get 0) (i32.const 131072))"
                               " (i32.const 7))\n"
                               "    (br 1)))))\n"
                               "(data (i32.const 0) \"";
    size_t bytes = (size_t)pages * 65536 - 64;
    char *text = malloc(sizeof(head) + bytes + 64);
    if (text == NULL)
        exit(1);
    int used = sprintf(text, head, pages);
    memset(text + used, 'x', bytes);
    strcpy(text + used + bytes, "\"))");
    return text;
}

static void measure(stint_engine *engine, const char *suffix, unsigned pages, int touched,
                    bool without_scan, unsigned cycles)
{
    struct stint_error error = {0};
    struct stint_pool_options options;
    stint_module *module;
    stint_pool *pool;
    char *text = make_text(pages);
    double *took = calloc(cycles, sizeof(*took));
    if (took == NULL)
        exit(1);
    stint_pool_options_init(&options);
    options.without_scan = without_scan;
    if (stint_module_new_from_text(engine, text, strlen(text), &module, &error) != STINT_OK)
        fail("module", &error);
    if (stint_pool_new(module, &options, &pool, &error) != STINT_OK)
        fail("pool", &error);
    for (unsigned i = 0; i < cycles + WARM; i++) {
        stint_store *store;
        stint_instance *instance;
        uint64_t words[1] = {(uint64_t)touched};
        double start = now_us();
        if (stint_pool_take(pool, &store, &instance, &error) != STINT_OK)
            fail("take", &error);
        stint_func *func = stint_instance_func(instance, touched > 0 ? "touch" : "empty");
        if (stint_func_call_unchecked(store, func, words, &error) != STINT_OK)
            fail("call", &error);
        stint_pool_give(pool, instance);
        if (i >= WARM)
            took[i - WARM] = now_us() - start;
    }
    struct stint_pool_stats stats;
    stint_pool_stats(pool, &stats);
    qsort(took, cycles, sizeof(*took), compare);
    printf("%uK/%d%s %.2f %.2f %s\n", pages * 64, touched, suffix, took[cycles / 2],
           took[cycles - 1 - cycles / 100], stats.scans ? "scan" : "drop");
    stint_pool_free(pool);
    stint_module_release(module);
    free(took);
    free(text);
}

/* False in builds that run no machine code. */
static bool make_engine(enum stint_tier tier, stint_engine **ret_engine)
{
    struct stint_error error = {0};
    stint_config *config = stint_config_new();
    if (config == NULL)
        exit(1);
    bool is_there = stint_config_set_tier(config, tier) == STINT_OK;
    if (is_there && stint_engine_new(config, ret_engine, &error) != STINT_OK)
        fail("engine", &error);
    stint_config_free(config);
    return is_there;
}

static void measure_all(stint_engine *engine, const char *suffix, bool without_scan,
                        unsigned cycles)
{
    measure(engine, suffix, 1, 0, without_scan, cycles);
    measure(engine, suffix, 16, 0, without_scan, cycles);
    measure(engine, suffix, 16, 8, without_scan, cycles);
}

int main(int argc, char **argv)
{
    stint_engine *engine;
    unsigned cycles = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : CYCLES;
    if (cycles < 100)
        cycles = 100;
    if (!make_engine(STINT_TIER_INTERP, &engine))
        return 1;
    measure_all(engine, "", false, cycles);
    measure_all(engine, "", true, cycles);
    stint_engine_release(engine);
    if (make_engine(STINT_TIER_AOT, &engine)) {
        measure_all(engine, "-aot", false, cycles);
        stint_engine_release(engine);
    }
    return 0;
}
