/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots of warm slots: later uses begin with one use's end, and share nothing else. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "pool_check.h"
#include "runtime/gc.h"
#include "wasm/limits.h"

/* `warm` changes one of everything; what the others say depends on it. */
static const char changing[] =
    "(module"
    " (type $f (func (result i32)))"
    " (type $box (struct (field (mut i32)) (field (mut funcref)) (field (mut eqref))))"
    " (type $funcs (array (mut funcref)))"
    " (memory $a (export \"a\") 2 40) (memory $b (export \"b\") i64 1 9)"
    " (data (memory $a) (i32.const 100000) \"linked\") (data $passive \"passive\")"
    " (table $t (export \"t\") 4 50 funcref) (table $r 2 30 eqref)"
    " (table $big 5000 9000 funcref)"
    " (elem $held func $one $two) (elem $more func $two)"
    " (global $i (export \"i\") (mut i32) (i32.const 1))"
    " (global $starts (export \"starts\") (mut i32) (i32.const 0))"
    " (global $v (mut v128) (v128.const i64x2 0 0))"
    " (global $fn (mut funcref) (ref.null func))"
    " (global $x (mut (ref null $box)) (ref.null $box))"
    " (global $list (mut (ref null $funcs)) (ref.null $funcs))"
    " (global $e (mut exnref) (ref.null exn))"
    " (tag $tag (param i32 funcref))"
    " (func $one (type $f) (i32.const 1)) (func $two (type $f) (i32.const 2))"
    " (func $start (global.set $starts (i32.add (global.get $starts) (i32.const 1))))"
    " (start $start)"
    " (func (export \"_initialize\") (call $start))"
    " (func (export \"warm\") (param i32)"
    "   (drop (memory.grow $a (i32.const 3)))"
    "   (i32.store $a (i32.const 300000) (i32.const 777))"
    "   (memory.fill $a (i32.const 100000) (i32.const 0) (i32.const 6))"
    "   (drop (memory.grow $b (i64.const 2))) (i64.store $b (i64.const 140000) (i64.const 888))"
    "   (drop (table.grow $t (ref.null func) (i32.const 20)))"
    "   (table.set $t (i32.const 20) (ref.func $two))"
    "   (drop (table.grow $big (ref.func $one) (i32.const 1000)))"
    "   (table.set $r (i32.const 1) (struct.new $box (i32.const 4) (ref.null func) (ref.null eq)))"
    "   (data.drop $passive) (elem.drop $more)"
    "   (global.set $i (i32.const 7)) (global.set $v (v128.const i64x2 3 4))"
    "   (global.set $fn (ref.func $two))"
    "   (global.set $x (struct.new $box (i32.const 5) (ref.func $two) (ref.i31 (i32.const 9))))"
    "   (global.set $list (array.new_fixed $funcs 2 (ref.func $one) (ref.func $two)))"
    "   (global.set $e (block $h (result exnref)"
    "     (try_table (catch_all_ref $h) (throw $tag (i32.const 30) (ref.func $two)))"
    "     (unreachable))))"
    " (func $go (param funcref) (result i32) (call_ref $f (ref.cast (ref $f) (local.get 0))))"
    " (func (export \"sum\") (result i32) (local funcref)"
    "   (i32.load $a (i32.const 300000)) (i32.load $a (i32.const 100000)) (i32.add)"
    "   (i32.wrap_i64 (i64.load $b (i64.const 140000))) (i32.add)"
    "   (call_indirect $t (type $f) (i32.const 20)) (i32.add)"
    "   (call_indirect $big (type $f) (i32.const 5500)) (i32.add)"
    "   (struct.get $box 0 (ref.cast (ref $box) (table.get $r (i32.const 1)))) (i32.add)"
    "   (global.get $i) (i32.add) (call $go (global.get $fn)) (i32.add)"
    "   (i32.wrap_i64 (i64x2.extract_lane 1 (global.get $v))) (i32.add)"
    "   (struct.get $box 0 (global.get $x)) (i32.add)"
    "   (call $go (struct.get $box 1 (global.get $x))) (i32.add)"
    "   (call $go (array.get $funcs (global.get $list) (i32.const 1))) (i32.add)"
    "   (i31.get_u (ref.cast (ref i31) (struct.get $box 2 (global.get $x)))) (i32.add)"
    "   (block $c (result i32 funcref)"
    "     (try_table (catch $tag $c) (throw_ref (global.get $e))) (unreachable))"
    "   (local.set 0) (i32.add) (call $go (local.get 0)) (i32.add))"
    " (func (export \"init\") (table.init $t $more (i32.const 0) (i32.const 0) (i32.const 1)))"
    " (func (export \"load\") (memory.init $a $passive (i32.const 0) (i32.const 0) (i32.const 1)))"
    " (func (export \"spoil\") (param i32)"
    "   (i32.store $a (i32.const 300000) (local.get 0)) (i64.store $b (i64.const 140000) (i64.const 5))"
    "   (drop (memory.grow $a (i32.const 2))) (i32.store $a (i32.const 330000) (local.get 0))"
    "   (table.fill $t (i32.const 0) (ref.func $one) (i32.const 24))"
    "   (drop (table.grow $t (ref.func $one) (i32.const 9)))"
    "   (table.fill $big (i32.const 0) (ref.func $two) (i32.const 6000))"
    "   (table.set $r (i32.const 1) (ref.i31 (i32.const 3)))"
    "   (elem.drop $held) (global.set $i (local.get 0)) (global.set $fn (ref.func $one))"
    "   (struct.set $box 0 (global.get $x) (local.get 0))"
    "   (array.set $funcs (global.get $list) (i32.const 1) (ref.func $one))"
    "   (global.set $e (ref.null exn)) (global.set $v (v128.const i64x2 0 0)))"
    ")";

enum { SUM = 777 + 888 + 2 + 1 + 4 + 7 + 2 + 4 + 5 + 2 + 2 + 9 + 30 + 2 };

static void warm(struct world *w, pool_check check, void *env, enum stint_status wanted)
{
    uint64_t slot;
    struct stint_instance *instance = take(w);
    REQUIRE(instance != NULL);
    CHECK(call(w, instance, "warm", 0, &slot) == STINT_OK);
    CHECK_STR(w->error.message, "");
    rt_timeout_set(instance->store, 1);
    rt_interrupt(instance->store);
    CHECK(pool_snapshot(w->pool, instance, check, env, &w->error) == wanted);
}

static uint64_t starts_of(struct stint_instance *instance)
{
    struct extern_value value = {0};
    CHECK(instance_export(instance, "starts", 6, &value));
    return value.global->cell[0];
}

static void check_warm(struct world *w, struct stint_instance *instance)
{
    uint64_t slot;
    CHECK_INT(instance->memories[0]->bytes, 5 * WASM_PAGE_BYTES);
    CHECK_INT(instance->memories[1]->bytes, 3 * WASM_PAGE_BYTES);
    CHECK_INT(starts_of(instance), 2);
    CHECK_INT(get(w, instance, "sum"), SUM);
    CHECK(call(w, instance, "init", 0, &slot) == STINT_TRAP);
    CHECK(call(w, instance, "load", 0, &slot) == STINT_TRAP);
    CHECK_INT(instance->store->deadline_ns, 0);
}

static void begin_with_it(const struct pool_config *changes)
{
    struct world w;
    REQUIRE(open_engine(&w, changing));
    w.config.without_scan = changes->without_scan;
    w.config.keep_bytes = changes->keep_bytes;
    w.config.slots_warm = changes->slots_warm;
    REQUIRE(open_pool(&w));
    warm(&w, NULL, NULL, STINT_OK);
    CHECK_STR(w.error.message, "");
    for (unsigned round = 0; round < 40; round++) {
        uint64_t slot;
        struct stint_instance *left = take(&w), *right = take(&w);
        REQUIRE(left != NULL && right != NULL);
        CHECK(pool_store_has_snapshot(left->store));
        check_warm(&w, left);
        CHECK(call(&w, left, "spoil", round, &slot) == STINT_OK);
        CHECK_STR(w.error.message, "");
        check_warm(&w, right);
        gc_collect(right->store->gc);
        CHECK_INT(get(&w, right, "sum"), SUM);
        pool_give(w.pool, left);
        pool_give(w.pool, right);
        if (round % 9 == 8)
            pool_renew(w.pool);
    }
    struct pool_stats stats;
    pool_stats(w.pool, &stats);
    CHECK_INT(stats.failures, 0);
    CHECK(stats.has_snapshot);
    CHECK_INT(stats.snapshot_bytes, 8 * WASM_PAGE_BYTES);
    close_world(&w);
}

TEST(later_uses_begin_with_the_end_of_one)
{
    struct pool_config config = pool_config_default();
    begin_with_it(&config);
    config.slots_warm = 3;
    begin_with_it(&config);
}

TEST(so_they_do_without_the_kernels_help_and_when_nothing_is_kept)
{
    struct pool_config config = pool_config_default();
    config.without_scan = true;
    begin_with_it(&config);
    config.without_scan = false;
    config.keep_bytes = 0;
    begin_with_it(&config);
}

/* What one use writes, wherever that is, no other one finds. */
TEST(a_random_number_is_not_found_again)
{
    enum { ROUNDS = 300, WRITES = 40 };
    struct world w;
    REQUIRE(open_engine(&w, changing));
    REQUIRE(open_pool(&w));
    warm(&w, NULL, NULL, STINT_OK);
    struct stint_instance *instance = take(&w);
    REQUIRE(instance != NULL);
    const size_t bytes = 5 * WASM_PAGE_BYTES;
    uint8_t *first = alloc_get(&w.alloc, bytes);
    REQUIRE(first != NULL);
    memcpy(first, instance->memories[0]->base, bytes);
    pool_give(w.pool, instance);
    srand(38);
    for (unsigned round = 0; round < ROUNDS; round++) {
        instance = take(&w);
        REQUIRE(instance != NULL);
        struct memory *memory = instance->memories[0];
        CHECK_INT(memory->bytes, bytes);
        CHECK_MEM(memory->base, first, bytes);
        CHECK_INT(get(&w, instance, "sum"), SUM);
        uint64_t slot;
        if (round % 3 == 0)
            CHECK(call(&w, instance, "spoil", (uint32_t)rand(), &slot) == STINT_OK);
        unsigned writes = (unsigned)rand() % WRITES;
        for (unsigned i = 0; i < writes; i++) {
            uint64_t number = (uint64_t)rand() << 32 | (uint64_t)rand();
            memcpy(memory->base + (size_t)rand() % (memory->bytes - 8), &number, 8);
        }
        if (round % 5 == 0)
            memset(memory->base, 0xa5, memory->bytes);
        pool_give(w.pool, instance);
    }
    alloc_put(&w.alloc, first, bytes);
    close_world(&w);
}

/* ---- What is not kept -------------------------------------------------------------------- */

static enum stint_status refuse(void *env, struct stint_instance *instance,
                                struct stint_error *error)
{
    struct world *w = env;
    CHECK(pool_store_has_snapshot(instance->store));
    CHECK_INT(get(w, instance, "sum"), SUM);
    return error_set(error, STINT_INVALID, STINT_NO_OFFSET, "not like this");
}

static void check_cold(struct world *w)
{
    struct stint_instance *instance = take(w);
    REQUIRE(instance != NULL);
    CHECK(!pool_store_has_snapshot(instance->store));
    CHECK_INT(starts_of(instance), 2);
    CHECK_INT(instance->memories[0]->bytes, 2 * WASM_PAGE_BYTES);
    pool_give(w->pool, instance);
}

TEST(a_pool_whose_snapshot_is_not_taken_is_as_it_was)
{
    struct world w;
    REQUIRE(open_engine(&w, changing));
    REQUIRE(open_pool(&w));
    for (int i = 0; i < 3; i++) {
        warm(&w, refuse, &w, STINT_INVALID);
        CHECK_STR(w.error.message, "not like this");
        check_cold(&w);
    }
    /* One that refers to something of the host's. */
    struct stint_instance *instance = take(&w);
    REQUIRE(instance != NULL);
    struct gc_heap *heap = gc_heap_of(instance->store, &w.error);
    REQUIRE(heap != NULL);
    uint32_t handle;
    gc_ref host = gc_new_host(heap, &w, NULL, &w.error);
    REQUIRE(host != GC_NULL && gc_root_push(heap, host, &handle));
    CHECK(pool_snapshot(w.pool, instance, NULL, NULL, &w.error) == STINT_UNSUPPORTED);
    CHECK_STR(w.error.message, "its collected heap refers to objects of the host");
    check_cold(&w);
    error_clear(&w.error);
    warm(&w, NULL, NULL, STINT_OK);
    warm(&w, NULL, NULL, STINT_ARGUMENT);
    CHECK_STR(w.error.message, "there is a snapshot already");
    instance = take(&w);
    REQUIRE(instance != NULL);
    check_warm(&w, instance);
    pool_give(w.pool, instance);
    close_world(&w);
}

static enum stint_status host_function(struct host_call *call, uint64_t *slots)
{
    (void)call;
    (void)slots;
    return STINT_OK;
}

TEST(functions_that_later_stores_do_not_have_are_refused)
{
    struct world w;
    REQUIRE(open_engine(&w, changing));
    REQUIRE(open_pool(&w));
    struct stint_instance *instance = take(&w);
    REQUIRE(instance != NULL);
    struct func *func;
    uint32_t type = instance_func(instance, 0)->type->id;
    REQUIRE(rt_func_create(instance->store, type, host_function, NULL, NULL, &func) == STINT_OK);
    instance->tables[0]->elements[0] = (uintptr_t)func;
    CHECK(pool_snapshot(w.pool, instance, NULL, NULL, &w.error) == STINT_UNSUPPORTED);
    CHECK_STR(w.error.message, "its host adds to it while it runs");
    check_cold(&w);
    close_world(&w);
}

TEST(memory_runs_out_at_each_allocation)
{
    size_t failures = 0;
    for (size_t n = 1; n < 400; n++) {
        struct world w;
        uint64_t slot;
        REQUIRE(open_engine(&w, changing));
        REQUIRE(open_pool(&w));
        struct stint_instance *instance = take(&w);
        REQUIRE(instance != NULL && call(&w, instance, "warm", 0, &slot) == STINT_OK);
        atomic_store(&w.engine->alloc.fail_at, atomic_load(&w.engine->alloc.calls) + n);
        enum stint_status status = pool_snapshot(w.pool, instance, NULL, NULL, &w.error);
        bool done = atomic_load(&w.engine->alloc.calls) < atomic_load(&w.engine->alloc.fail_at);
        atomic_store(&w.engine->alloc.fail_at, 0);
        if (status == STINT_OK) {
            instance = take(&w);
            REQUIRE(instance != NULL);
            check_warm(&w, instance);
            pool_give(w.pool, instance);
        } else {
            CHECK(status == STINT_NOMEM);
            check_cold(&w);
            failures++;
        }
        close_world(&w);
        if (done) {
            CHECK(status == STINT_OK && failures > 10);
            return;
        }
    }
    CHECK(!"an end was reached");
}

/* ---- Threads ----------------------------------------------------------------------------- */

struct worker {
    pthread_t thread;
    struct world *w;
    uint32_t wrong;
};

/* The snapshot comes while they take and give. */
static void *work(void *context)
{
    struct worker *worker = context;
    for (int i = 0; i < 2000; i++) {
        struct stint_instance *instance = NULL;
        struct stint_error error = {0};
        struct extern_value value;
        uint64_t slots[1] = {0};
        if (pool_take(worker->w->pool, &instance, &error) != STINT_OK)
            continue;
        bool is_warm = pool_store_has_snapshot(instance->store);
        bool fine = instance_export(instance, "next", 4, &value) &&
                    rt_call(instance->store, value.func, slots, &error) == STINT_OK &&
                    slots[0] == (is_warm ? 60 : 7);
        worker->wrong += !fine;
        pool_give(worker->w->pool, instance);
    }
    return NULL;
}

TEST(a_snapshot_is_taken_while_others_run)
{
    struct world w;
    struct worker workers[4];
    uint64_t slot;
    memset(workers, 0, sizeof(workers));
    REQUIRE(open_engine(&w, "(module (memory 1) (global $g (mut i32) (i32.const 6))"
                            " (func (export \"warm\") (param i32) (global.set $g (i32.const 9))"
                            "  (drop (memory.grow (i32.const 1)))"
                            "  (i32.store (i32.const 70000) (i32.const 50)))"
                            " (func (export \"next\") (result i32)"
                            "  (global.set $g (i32.add (global.get $g) (i32.const 1)))"
                            "  (if (result i32) (i32.eq (memory.size) (i32.const 2))"
                            "   (then (i32.load (i32.const 70000))) (else (i32.const 0)))"
                            "  (i32.store (i32.const 8) (i32.const 3))"
                            "  (i32.add (global.get $g))))"));
    w.config.slots_max = 6;
    REQUIRE(open_pool(&w));
    struct stint_instance *instance = take(&w);
    REQUIRE(instance != NULL);
    for (int i = 0; i < 4; i++) {
        workers[i].w = &w;
        REQUIRE(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
    }
    CHECK(call(&w, instance, "warm", 0, &slot) == STINT_OK);
    CHECK(pool_snapshot(w.pool, instance, NULL, NULL, &w.error) == STINT_OK);
    for (int i = 0; i < 4; i++) {
        pthread_join(workers[i].thread, NULL);
        CHECK_INT(workers[i].wrong, 0);
    }
    instance = take(&w);
    REQUIRE(instance != NULL);
    CHECK(pool_store_has_snapshot(instance->store));
    pool_give(w.pool, instance);
    close_world(&w);
}

CHECK_MAIN
