/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What calls of components cost: component_calls [CALLS].
 *
 * One line a figure, "KIND TIER VALUE UNIT": "host" (a component calls the host, an s32 each way, less
 * the loop), "guest" (the host calls a component, the same), "fused" (a component calls another, the
 * same), "list in" and "list out" (1 MiB of bytes from and to the host), "list fused" (between
 * components), "memcpy" of the same size.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../tests/unit/component_make.h"
#include "api/compile.h"
#include "component/plan.h"
#include "interp/interp.h"

enum { CALLS = 2000000, LIST_BYTES = 1 << 20, LISTS = 2000 };

/* The maker: add, take a list, give the list. */
static const char callee_text[] =
    "(module (memory (export \"m\") 40)"
    " (func (export \"realloc\") (param i32 i32 i32 i32) (result i32) (i32.const 65536))"
    " (func (export \"add\") (param i32) (result i32) (i32.add (local.get 0) (i32.const 3)))"
    " (func (export \"take\") (param i32 i32) (result i32) (local.get 1))"
    " (func (export \"give\") (param i32) (result i32)"
    "  (i32.store (i32.const 16) (i32.const 65536)) (i32.store (i32.const 20) (local.get 0))"
    "  (i32.const 16)))";

/* The caller: in loops. */
static const char caller_text[] =
    "(module (import \"e\" \"add\" (func $add (param i32) (result i32)))"
    " (import \"e\" \"take\" (func $take (param i32 i32) (result i32)))"
    " (memory (import \"m\" \"m\") 40)"
    " (func (export \"calls\") (param $n i32) (result i32) (local $x i32)"
    "  (loop (local.set $x (call $add (local.get $x)))"
    "   (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))"
    "  (local.get $x))"
    " (func (export \"lists\") (param $n i32) (result i32) (local $x i32)"
    "  (loop (local.set $x (call $take (i32.const 65536) (i32.const 1048576)))"
    "   (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))"
    "  (local.get $x)))";

static const char loop_text[] =
    "(module (func (export \"loop\") (param $n i32) (result i32) (local $x i32)"
    "  (loop (local.set $x (i32.add (local.get $x) (i32.const 3)))"
    "   (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))"
    "  (local.get $x)))";

static const char memory_text[] = "(module (memory (export \"m\") 40))";

/* ---- The components ------------------------------------------------------------------------ */

/* Types 0: func(a: s32) -> s32, 1: list<u8>, 2: func(a: list<u8>) -> u32, 3: func(a: s32) -> list<u8>. */
static void make_types(struct buf *out)
{
    make_func_type(out, "\x7a", 0x7a);
    MAKE_RAW(out, MAKE_TYPE, "\x70\x7d");
    make_func_type(out, "\x01", 0x79);
    make_func_type(out, "\x7a", 0x01);
}

static void make_callee(struct buf *out, struct alloc *alloc)
{
    make_begin(out, alloc);
    make_module(out, callee_text);
    make_core_instance(out, 0, NULL, 0);
    make_types(out);
    make_core_alias(out, CORE_SORT_MEMORY, 0, "m");
    make_core_alias(out, CORE_SORT_FUNC, 0, "realloc");
    make_core_alias(out, CORE_SORT_FUNC, 0, "add");
    make_core_alias(out, CORE_SORT_FUNC, 0, "take");
    make_core_alias(out, CORE_SORT_FUNC, 0, "give");
    MAKE_LIFT(out, 1, "\x00", 0);
    MAKE_LIFT(out, 2, "\x02\x03\x00\x04\x00", 2);
    MAKE_LIFT(out, 3, "\x01\x03\x00", 3);
    make_export(out, "add", MAKE_SORT_FUNC, 0);
    make_export(out, "take", MAKE_SORT_FUNC, 1);
    make_export(out, "give", MAKE_SORT_FUNC, 2);
}

/* Functions 0 (add) and 1 (take) are imported. */
static void make_caller(struct buf *out, struct alloc *alloc)
{
    static const char *const names[] = {"add", "take"};
    make_begin(out, alloc);
    make_types(out);
    make_import_func(out, "add", 0);
    make_import_func(out, "take", 2);
    make_module(out, memory_text);
    make_module(out, caller_text);
    make_core_instance(out, 0, NULL, 0);
    make_core_alias(out, CORE_SORT_MEMORY, 0, "m");
    MAKE_LOWER(out, 0, "\x00");
    MAKE_LOWER(out, 1, "\x01\x03\x00");
    make_core_exports(out, names, 0, 2);
    MAKE_RAW(out, MAKE_CORE_INSTANCE,
             "\x00\x01\x02\x01"
             "e"
             "\x12\x01\x01"
             "m"
             "\x12\x00");
    make_core_alias(out, CORE_SORT_FUNC, 2, "calls");
    make_core_alias(out, CORE_SORT_FUNC, 2, "lists");
    MAKE_LIFT(out, 2, "\x00", 0);
    MAKE_LIFT(out, 3, "\x00", 0);
    make_export(out, "calls", MAKE_SORT_FUNC, 2);
    make_export(out, "lists", MAKE_SORT_FUNC, 3);
    make_module(out, loop_text);
    make_core_instance(out, 2, NULL, 0);
    make_core_alias(out, CORE_SORT_FUNC, 3, "loop");
    MAKE_LIFT(out, 4, "\x00", 0);
    make_export(out, "loop", MAKE_SORT_FUNC, 6);
}

/* ---- The host ------------------------------------------------------------------------------ */

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void check(enum stint_status status, const struct stint_error *error)
{
    if (status == STINT_OK)
        return;
    fprintf(stderr, "component_calls: %s\n", error->message);
    exit(1);
}

static enum stint_status host_add(struct host_component_call *call, uint64_t *slots)
{
    (void)call;
    slots[0] = (uint32_t)slots[0] + 3;
    return STINT_OK;
}

static enum stint_status host_take(struct host_component_call *call, uint64_t *slots)
{
    (void)call;
    slots[0] = slots[1];
    return STINT_OK;
}

static enum stint_status resolve(void *context, struct wasm_name interface, struct wasm_name name,
                                 struct host_item *ret_item, struct stint_error *error)
{
    bool is_add = name.bytes == 3;
    (void)context;
    (void)interface;
    (void)error;
    *ret_item = (struct host_item){.function = is_add ? host_add : host_take,
                                   .signature = is_add ? "i:i" : "ii:i"};
    return STINT_OK;
}

static struct cvalue number(const struct plan_export *export, int32_t value)
{
    return (struct cvalue){.type = export->func->params[0].type, .s = value};
}

/* Of one call of a function from s32 to s32. */
static double time_once(struct component_instance *instance, const char *name, int32_t argument,
                        int32_t want)
{
    struct stint_error error = {0};
    struct arena arena;
    struct cvalue result;
    const struct plan_export *export = plan_find(component_instance_plan(instance), NULL, name);
    struct cvalue value = number(export, argument);
    arena_init(&arena, &alloc_root);
    double start = now_ns();
    check(component_call(instance, export, &value, &arena, &result, &error), &error);
    double took = now_ns() - start;
    arena_free(&arena);
    if (result.s != want) {
        fprintf(stderr, "component_calls: %s gives %lld\n", name, (long long)result.s);
        exit(1);
    }
    return took;
}

static void time_guest(struct component_instance *instance, const char *tier, unsigned calls)
{
    struct stint_error error = {0};
    struct arena arena;
    struct cvalue result;
    const struct plan_export *export = plan_find(component_instance_plan(instance), NULL, "add");
    struct cvalue value = number(export, 5);
    arena_init(&arena, &alloc_root);
    double start = now_ns();
    for (unsigned i = 0; i < calls; i++)
        check(component_call(instance, export, &value, &arena, &result, &error), &error);
    printf("guest %s %.2f ns\n", tier, (now_ns() - start) / calls);
    arena_free(&arena);
}

/* Lists to and from the host. */
static void time_lists(struct component_instance *instance, const char *tier)
{
    static uint8_t bytes[LIST_BYTES], copy[LIST_BYTES];
    struct stint_error error = {0};
    struct arena arena;
    struct cvalue result;
    const struct plan *plan = component_instance_plan(instance);
    const struct plan_export *take = plan_find(plan, NULL, "take");
    const struct plan_export *give = plan_find(plan, NULL, "give");
    struct cvalue list = {.type = take->func->params[0].type};
    struct cvalue count = number(give, LIST_BYTES);
    list.blob.bytes = bytes;
    list.blob.size_bytes = LIST_BYTES;
    arena_init(&arena, &alloc_root);
    double start = now_ns();
    for (int i = 0; i < LISTS; i++)
        check(component_call(instance, take, &list, &arena, &result, &error), &error);
    printf("list-in %s %.2f us\n", tier, (now_ns() - start) / LISTS / 1e3);
    struct arena_mark mark;
    check(component_call(instance, take, &list, &arena, &result, &error), &error);
    uint8_t *warm = arena_get(&arena, LIST_BYTES);
    if (warm == NULL)
        exit(1);
    mark = arena_mark(&arena);
    start = now_ns();
    for (int i = 0; i < LISTS; i++) {
        check(component_call(instance, give, &count, &arena, &result, &error), &error);
        arena_rewind(&arena, mark);
    }
    printf("list-out %s %.2f us\n", tier, (now_ns() - start) / LISTS / 1e3);
    start = now_ns();
    for (int i = 0; i < LISTS; i++) {
        bytes[i] = (uint8_t)i;
        memcpy(copy, bytes, LIST_BYTES);
        __asm__ volatile("" : : "r"(copy) : "memory");
    }
    printf("memcpy %s %.2f us\n", tier, (now_ns() - start) / LISTS / 1e3);
    arena_free(&arena);
}

/* ---- Tiers ------------------------------------------------------------------------------- */

static struct component_file *load(struct stint_engine *engine, const struct buf *bytes)
{
    struct stint_error error = {0};
    struct component_file *file;
    check(component_create(engine, bytes->data, bytes->bytes, false, &file, &error), &error);
    return file;
}

static struct component_instance *instantiate(struct stint_store *store, struct plan *plan)
{
    struct stint_error error = {0};
    struct component_instance *instance;
    struct host_resolver resolver = {.resolve = resolve};
    check(component_instantiate(store, plan, &resolver, 1, &instance, &error), &error);
    plan_release(plan);
    return instance;
}

static void measure(struct stint_engine *engine, const char *tier, unsigned calls)
{
    struct stint_error error = {0};
    struct stint_store *store;
    struct buf caller_bytes, callee_bytes;
    struct plan *plan;
    make_caller(&caller_bytes, &alloc_root);
    make_callee(&callee_bytes, &alloc_root);
    struct component_file *caller = load(engine, &caller_bytes);
    struct component_file *callee = load(engine, &callee_bytes);
    struct store_limits limits = store_limits_default();
    check(store_create(engine, &limits, &store), &error);

    check(plan_create(caller, &plan, &error), &error);
    struct component_instance *alone = instantiate(store, plan);
    check(plan_create(callee, &plan, &error), &error);
    struct component_instance *maker = instantiate(store, plan);
    struct plan_with with = {.file = callee};
    check(plan_compose(caller, &with, 1, &plan, &error), &error);
    struct component_instance *both = instantiate(store, plan);

    int32_t count = (int32_t)calls;
    time_once(alone, "calls", count / 8, count / 8 * 3);
    double loop = time_once(alone, "loop", count, count * 3);
    printf("host %s %.2f ns\n", tier, (time_once(alone, "calls", count, count * 3) - loop) / calls);
    time_guest(maker, tier, calls);
    time_once(both, "calls", count / 8, count / 8 * 3);
    printf("fused %s %.2f ns\n", tier, (time_once(both, "calls", count, count * 3) - loop) / calls);
    time_lists(maker, tier);
    printf("list-fused %s %.2f us\n", tier,
           time_once(both, "lists", LISTS, LIST_BYTES) / LISTS / 1e3);

    component_instance_free(both);
    component_instance_free(maker);
    component_instance_free(alone);
    store_free(store);
    component_release(caller);
    component_release(callee);
    buf_free(&caller_bytes);
    buf_free(&callee_bytes);
}

int main(int argc, char **argv)
{
    unsigned calls = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : CALLS;
    static const struct {
        const char *name;
        uint8_t mode;
    } tiers[] = {{"interp", TIER_INTERP}, {"aot", TIER_AOT}};
    calls = (calls < 8 ? 8 : calls) & ~7u;
    for (size_t i = 0; i < COUNT_OF(tiers); i++) {
        struct stint_engine *engine;
        struct engine_config config = engine_config_default();
        config.tier.mode = tiers[i].mode;
        config.is_metered = tiers[i].mode != TIER_INTERP;
        config.tier.source = compile_source();
        if (engine_create(&config, &interp_ops, &engine) != STINT_OK)
            return 1;
        measure(engine, tiers[i].name, calls);
        engine_release(engine);
    }
    return 0;
}
