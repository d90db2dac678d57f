/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a call between host and guest costs an embedder, through stint.h:
 *
 *   entry [CALLS]
 *
 * One line a figure: "host" (a host function called in a loop by the guest, less the loop), "words"
 * (the same by words) or "guest" (an empty function of the guest called by the host), the engine,
 * nanoseconds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "stint.h"

enum { CALLS = 2000000 };

static const char text[] = "(module (import \"h\" \"add\" (func $add (param i32) (result i32)))"
                           " (func (export \"empty\"))"
                           " (func (export \"calls\") (param $n i32) (result i32) (local $x i32)"
                           "  (loop (local.set $x (call $add (local.get $x)))"
                           "   (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))"
                           "  (local.get $x))"
                           " (func (export \"loop\") (param $n i32) (result i32) (local $x i32)"
                           "  (loop (local.set $x (i32.add (local.get $x) (i32.const 3)))"
                           "   (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))"
                           "  (local.get $x)))";

/* CPU time: calls do not wait, and the machine may be busy. */
static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static enum stint_status add(stint_call *call, void *env, const stint_value *args,
                             stint_value *ret_results)
{
    (void)call;
    (void)env;
    ret_results[0] = stint_i32(args[0].of.i32 + 3);
    return STINT_OK;
}

static struct stint_word add_words(stint_call *call, void *env, uint64_t a, uint64_t b, uint64_t c,
                                   uint64_t d)
{
    (void)call;
    (void)env;
    (void)b;
    (void)c;
    (void)d;
    return (struct stint_word){(uint32_t)a + 3, STINT_OK};
}

static void check(enum stint_status status, const struct stint_error *error)
{
    if (status == STINT_OK)
        return;
    fprintf(stderr, "entry: %s\n", error->message);
    exit(1);
}

/* Of one call of the export, with `argument` and its result in the same word. */
static double time_once(stint_store *store, stint_func *func, uint64_t argument, uint64_t want)
{
    struct stint_error error = {0};
    uint64_t words[1] = {argument};
    double start = now_ns();
    check(stint_func_call_unchecked(store, func, words, &error), &error);
    double took = now_ns() - start;
    if (words[0] != want) {
        fprintf(stderr, "entry: a wrong result\n");
        exit(1);
    }
    return took;
}

static void define(stint_linker *linker, bool by_words)
{
    static const stint_valtype i32 = STINT_TYPE_I32;
    const struct stint_func_type type = {&i32, 1, &i32, 1};
    struct stint_error error = {0};
    check(by_words ? stint_linker_define_word_func(linker, "h", "add", &type, add_words, NULL, NULL,
                                                   &error)
                   : stint_linker_define_func(linker, "h", "add", &type, add, NULL, NULL, &error),
          &error);
}

static void measure(stint_engine *engine, const char *name, bool by_words, unsigned calls)
{
    struct stint_error error = {0};
    stint_module *module;
    stint_linker *linker;
    stint_store *store;
    stint_instance *instance;
    check(stint_module_new_from_text(engine, text, strlen(text), &module, &error), &error);
    check(stint_linker_new(engine, &linker, &error), &error);
    define(linker, by_words);
    check(stint_store_new(engine, NULL, &store, &error), &error);
    check(stint_linker_instantiate(linker, store, module, &instance, &error), &error);
    stint_func *host = stint_instance_func(instance, "calls");
    stint_func *loop = stint_instance_func(instance, "loop");
    stint_func *empty = stint_instance_func(instance, "empty");
    uint32_t want = calls * 3;
    time_once(store, host, calls / 8, calls / 8 * 3);
    double with = time_once(store, host, calls, want);
    double without = time_once(store, loop, calls, want);
    printf("%s %s %.2f\n", by_words ? "words" : "host", name, (with - without) / calls);
    double start = now_ns();
    for (unsigned i = 0; i < calls && !by_words; i++)
        check(stint_func_call_unchecked(store, empty, NULL, &error), &error);
    if (!by_words)
        printf("guest %s %.2f\n", name, (now_ns() - start) / calls);
    stint_store_free(store);
    stint_linker_free(linker);
    stint_module_release(module);
}

/* In one tier; builds without machine code leave the compiled ones out. */
static void measure_tier(const char *name, enum stint_tier tier, unsigned calls)
{
    struct stint_error error = {0};
    stint_engine *engine;
    stint_config *config = stint_config_new();
    if (config == NULL)
        exit(1);
    if (stint_config_set_tier(config, tier) == STINT_OK) {
        check(stint_engine_new(config, &engine, &error), &error);
        measure(engine, name, false, calls);
        measure(engine, name, true, calls);
        stint_engine_release(engine);
    }
    stint_config_free(config);
}

int main(int argc, char **argv)
{
    unsigned calls = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : CALLS;
    if (calls < 8)
        calls = 8;
    calls &= ~7u;
    measure_tier("interp", STINT_TIER_INTERP, calls);
    measure_tier("aot", STINT_TIER_AOT, calls);
    return 0;
}
