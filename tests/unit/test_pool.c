/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Warm slots: whatever a guest did to its store, the next one finds what a fresh instance has.
 */
#include <pthread.h>
#include <string.h>

#include "os/pages.h"
#include "pool_check.h"
#include "runtime/gc.h"
#include "runtime/ops.h"
#include "wasm/limits.h"

/* ---- Everything at once ------------------------------------------------------------------ */

/* Has one of everything; `scribble` spoils all of it. */
static const char everything[] =
    "(module"
    " (type $box (struct (field (mut i32))))"
    " (memory $a (export \"a\") 3 20) (memory $b (export \"b\") i64 1 9)"
    " (memory $c (export \"c\") 0 5)"
    " (data (memory $a) (i32.const 5) \"first\") (data (memory $a) (i32.const 70000) \"second\")"
    " (data (memory $b) (i64.const 65530) \"third\")"
    " (data $kept \"passive\")"
    " (table $t (export \"t\") 6 50 funcref) (table $r (export \"r\") 2 30 anyref)"
    " (table $big (export \"big\") 5000 9000 funcref)"
    " (elem (table $t) (i32.const 1) func $one $two)"
    " (elem (table $big) (i32.const 4000) func $one $two)"
    " (elem $held func $two $one $two)"
    " (elem $boxes (ref null $box) (struct.new $box (i32.const 8)) (ref.null $box))"
    " (global $i (export \"i\") (mut i32) (i32.const 41))"
    " (global $v (export \"v\") (mut v128) (v128.const i64x2 -1 9))"
    " (global $x (export \"x\") (mut (ref null $box)) (struct.new $box (i32.const 77)))"
    " (global $fixed (export \"fixed\") (ref $box) (struct.new $box (i32.const 78)))"
    " (tag $e (param i32))"
    " (func $one (result i32) (i32.const 1)) (func $two (result i32) (i32.const 2))"
    " (func $allocate (param i32) (loop"
    "   (drop (struct.new $box (i32.const 1)))"
    "   (local.set 0 (i32.sub (local.get 0) (i32.const 1))) (br_if 0 (local.get 0))))"
    " (func (export \"scribble\") (param i32)"
    "   (memory.fill $a (i32.const 0) (i32.const 171) (i32.const 196608))"
    "   (drop (memory.grow $a (i32.const 4)))"
    "   (memory.fill $a (i32.const 196608) (i32.const 172) (i32.const 262144))"
    "   (memory.fill $b (i64.const 0) (i32.const 173) (i64.const 65536))"
    "   (drop (memory.grow $b (i64.const 2)))"
    "   (i64.store $b (i64.const 131072) (i64.const -1))"
    "   (drop (memory.grow $c (i32.const 1)))"
    "   (i32.store $c (i32.const 9) (i32.const -1))"
    "   (memory.init $a $kept (i32.const 0) (i32.const 0) (i32.const 7))"
    "   (data.drop $kept)"
    "   (table.fill $t (i32.const 0) (ref.func $two) (i32.const 6))"
    "   (drop (table.grow $t (ref.func $one) (i32.const 20)))"
    "   (drop (table.grow $r (ref.i31 (i32.const 5)) (i32.const 7)))"
    "   (table.fill $r (i32.const 0) (struct.new $box (i32.const 6)) (i32.const 9))"
    "   (table.fill $big (i32.const 0) (ref.func $one) (i32.const 5000))"
    "   (if (local.get 0) (then (drop (table.grow $big (ref.func $two) (i32.const 3000)))))"
    "   (table.init $t $held (i32.const 0) (i32.const 0) (i32.const 3))"
    "   (elem.drop $held)"
    "   (table.init $r $boxes (i32.const 0) (i32.const 0) (i32.const 1))"
    "   (struct.set $box 0 (ref.cast (ref $box) (table.get $r (i32.const 0))) (i32.const 3))"
    "   (struct.set $box 0 (global.get $fixed) (i32.const 4))"
    "   (global.set $i (i32.const -5)) (global.set $v (v128.const i64x2 3 4))"
    "   (call $allocate (i32.const 20000))"
    "   (global.set $x (struct.new $box (i32.const 2)))"
    "   (elem.drop $boxes))"
    " (func (export \"trap\") (unreachable))"
    " (func (export \"throw\") (throw $e (i32.const 4)))"
    " (func (export \"x_value\") (result i32) (struct.get $box 0 (global.get $x)))"
    " (func (export \"fixed_value\") (result i32) (struct.get $box 0 (global.get $fixed)))"
    " (func (export \"box_value\") (result i32)"
    "   (table.init $r $boxes (i32.const 0) (i32.const 0) (i32.const 1))"
    "   (struct.get $box 0 (ref.cast (ref $box) (table.get $r (i32.const 0)))))"
    " (func (export \"held_value\") (result i32)"
    "   (table.init $t $held (i32.const 0) (i32.const 0) (i32.const 1))"
    "   (call_indirect $t (result i32) (i32.const 0)))"
    " (func (export \"passive_value\") (result i32)"
    "   (memory.init $a $kept (i32.const 0) (i32.const 0) (i32.const 7))"
    "   (i32.load $a (i32.const 0)))"
    " (func (export \"spin\") (loop (br 0))))";

/* The function behind a funcref: its index, so that slots compare. */
static uint64_t func_number(uint64_t slot)
{
    const struct func *func = (const struct func *)(uintptr_t)slot;
    return func == NULL ? UINT64_MAX : func->index;
}

static void check_same_tables(const struct stint_instance *used, const struct stint_instance *fresh)
{
    const struct wasm_module *module = fresh->module->wasm;
    for (uint32_t i = 0; i < module->table_count; i++) {
        const struct table *a = used->tables[i], *b = fresh->tables[i];
        CHECK_INT(a->count, b->count);
        CHECK_INT(a->capacity, b->capacity);
        CHECK_INT(a->count_max, b->count_max);
        for (uint64_t k = 0; k < a->count && k < b->count; k++) {
            bool same = a->is_traced ? a->elements[k] == b->elements[k]
                                     : func_number(a->elements[k]) == func_number(b->elements[k]);
            if (!CHECK(same))
                break;
        }
    }
    for (uint32_t i = 0; i < module->elem_count; i++) {
        CHECK_INT(used->elems[i].count, fresh->elems[i].count);
        CHECK_INT(used->elems[i].refs == NULL, fresh->elems[i].refs == NULL);
    }
}

static void check_same(const struct stint_instance *used, const struct stint_instance *fresh)
{
    const struct wasm_module *module = fresh->module->wasm;
    for (uint32_t i = 0; i < module->memory_count; i++) {
        const struct memory *a = used->memories[i], *b = fresh->memories[i];
        CHECK_INT(a->bytes, b->bytes);
        CHECK_INT(a->bytes_max, b->bytes_max);
        if (a->bytes == b->bytes && a->bytes != 0)
            CHECK_MEM(a->base, b->base, a->bytes);
    }
    check_same_tables(used, fresh);
    for (uint32_t i = 0; i < module->global_count; i++) {
        CHECK_INT(used->globals[i]->cell[0], fresh->globals[i]->cell[0]);
        CHECK_INT(used->globals[i]->cell[1], fresh->globals[i]->cell[1]);
    }
    if (module->data_count != 0)
        CHECK_MEM(used->data_dropped, fresh->data_dropped, module->data_count);
    const struct stint_store *a = used->store, *b = fresh->store;
    CHECK_INT(rt_fuel_used(a), rt_fuel_used(b));
    CHECK_INT(a->call_count, b->call_count);
    CHECK_INT(a->deadline_ns, b->deadline_ns);
    CHECK_INT(a->has_fuel, b->has_fuel);
    CHECK(a->host_funcs == NULL && a->user == NULL);
    if (a->exec != NULL)
        CHECK_INT(a->engine->ops->backtrace(a->exec, NULL, 0), 0);
    if (b->gc != NULL) {
        CHECK_INT(a->gc->next, b->gc->next);
        uint64_t counts[4];
        gc_counts(a->gc, &counts[0], &counts[1]);
        gc_counts(b->gc, &counts[2], &counts[3]);
        CHECK_INT(counts[0], counts[2]);
        CHECK_INT(counts[1], counts[3]);
        CHECK_INT(gc_take_exception(a->gc), 0);
    }
}

/* What only running shows. Spoils the instance. */
static void check_runs(struct world *w, struct stint_instance *instance)
{
    CHECK_INT(get(w, instance, "x_value"), 77);
    CHECK_INT(get(w, instance, "fixed_value"), 78);
    CHECK_INT(get(w, instance, "box_value"), 8);
    CHECK_INT(get(w, instance, "held_value"), 2);
    CHECK_INT(get(w, instance, "passive_value"), 0x73736170);
}

static void spoil(struct world *w, struct stint_instance *instance, unsigned how)
{
    uint64_t slot;
    rt_fuel_set(instance->store, 10000000);
    CHECK(call(w, instance, "scribble", how & 1, &slot) == STINT_OK);
    CHECK_STR(w->error.message, "");
    if (how & 2)
        CHECK(call(w, instance, "trap", 0, &slot) == STINT_TRAP);
    if (how & 4)
        CHECK(call(w, instance, "throw", 0, &slot) == STINT_EXCEPTION);
    if (how & 8)
        CHECK(call(w, instance, "spin", 0, &slot) == STINT_FUEL);
    rt_timeout_set(instance->store, 1);
    if (how & 16)
        rt_interrupt(instance->store);
}

static void compare_with_fresh(const struct pool_config *changes)
{
    struct world w;
    struct stint_store *store = NULL;
    struct stint_instance *fresh = NULL;
    REQUIRE(open_engine(&w, everything));
    w.config.without_scan = changes->without_scan;
    w.config.keep_bytes = changes->keep_bytes;
    w.config.limits = changes->limits;
    REQUIRE(open_pool(&w));
    REQUIRE(store_create(w.engine, &w.config.limits, &store) == STINT_OK);
    REQUIRE(instance_create(store, w.module, NULL, &fresh, &w.error) == STINT_OK);
    size_t used_bytes = 0;
    for (unsigned how = 0; how < 80; how++) {
        struct stint_instance *instance = take(&w);
        REQUIRE(instance != NULL);
        check_same(instance, fresh);
        if (how == 1)
            used_bytes = atomic_load(&instance->store->alloc.used_bytes);
        if (how > 1 && changes->limits.budget_bytes != SIZE_MAX)
            CHECK_INT(atomic_load(&instance->store->alloc.used_bytes), used_bytes);
        if (how % 7 == 6)
            check_runs(&w, instance);
        spoil(&w, instance, how);
        pool_give(w.pool, instance);
    }
    struct pool_stats stats;
    pool_stats(w.pool, &stats);
    CHECK_INT(stats.failures, 0);
    CHECK_INT(stats.slots, 1);
    store_free(store);
    close_world(&w);
}

TEST(a_used_slot_is_like_a_fresh_instance)
{
    struct pool_config config = pool_config_default();
    compare_with_fresh(&config);
}

TEST(so_it_is_without_the_kernels_help)
{
    struct pool_config config = pool_config_default();
    config.without_scan = true;
    compare_with_fresh(&config);
}

TEST(so_it_is_when_little_or_nothing_may_be_kept)
{
    struct pool_config config = pool_config_default();
    config.keep_bytes = 5 * pages_size();
    compare_with_fresh(&config);
    config.keep_bytes = 0;
    compare_with_fresh(&config);
}

TEST(so_it_is_under_a_budget)
{
    struct pool_config config = pool_config_default();
    config.limits.budget_bytes = 8 << 20;
    compare_with_fresh(&config);
}

/* ---- Linking ----------------------------------------------------------------------------- */

struct linked {
    struct world w;
    uint32_t links, resets, ended, finalized;
    bool link_fails, reset_fails, moves;
};

static void count_end(void *env)
{
    ((struct linked *)env)->ended++;
}

static void count_finalized(void *env)
{
    ((struct linked *)env)->finalized++;
}

/* Makes objects of the host in the guest's store, as a careless host function may. */
static enum stint_status host_mess(struct host_call *call, uint64_t *slots)
{
    struct linked *l = call->env;
    struct stint_store *store = call->store;
    struct func *func;
    struct global *global;
    struct table *table;
    struct memory *memory;
    uint64_t cell[2] = {1, 2};
    uint32_t handle;
    struct gc_heap *heap = gc_heap_of(store, call->error);
    CHECK(rt_func_create(store, call->type->id, host_mess, l, count_end, &func) == STINT_OK);
    CHECK(rt_global_create(store, &(struct global_type){VT_I64, true}, cell, &global) == STINT_OK);
    CHECK(rt_table_create(store, &(struct table_type){VT_FUNCREF, {.min = 9000}}, 0, &table,
                          call->error) == STINT_OK);
    CHECK(rt_memory_create(store, &(struct memory_type){{.min = 1}}, &memory, call->error) ==
          STINT_OK);
    gc_ref ref = gc_new_host(heap, l, count_finalized, call->error);
    CHECK(gc_root_push(heap, ref, &handle));
    store->user = l;
    slots[0] = ref;
    return STINT_OK;
}

/* Imports: a function, a memory, a global that moves a segment, a host reference. */
static enum stint_status link_imports(void *env, struct stint_store *store,
                                      struct extern_value *ret_imports, struct stint_error *error)
{
    struct linked *l = env;
    struct func *func;
    struct memory *memory;
    struct global *place, *holder;
    uint32_t type;
    valtype result = VT_EXTERNREF;
    uint64_t at[2] = {l->moves ? 100 * l->links : 100}, cell[2] = {0};
    l->links++;
    if (l->link_fails)
        return error_set(error, STINT_UNLINKABLE, STINT_NO_OFFSET, "not today");
    struct gc_heap *heap = gc_heap_of(store, error);
    if (heap == NULL)
        return STINT_NOMEM;
    cell[0] = gc_new_host(heap, l, count_finalized, error);
    if (cell[0] == 0 ||
        types_add_func(store->engine->types, NULL, 0, &result, 1, &type) != STINT_OK ||
        rt_func_create(store, type, host_mess, l, NULL, &func) != STINT_OK ||
        rt_memory_create(store, &(struct memory_type){{.min = 2}}, &memory, error) != STINT_OK ||
        rt_global_create(store, &(struct global_type){VT_I32, false}, at, &place) != STINT_OK ||
        rt_global_create(store, &(struct global_type){VT_EXTERNREF, true}, cell, &holder) !=
            STINT_OK)
        return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "no memory to link");
    ret_imports[0] = (struct extern_value){.kind = EXTERN_FUNC, .func = func};
    ret_imports[1] = (struct extern_value){.kind = EXTERN_MEMORY, .memory = memory};
    ret_imports[2] = (struct extern_value){.kind = EXTERN_GLOBAL, .global = place};
    ret_imports[3] = (struct extern_value){.kind = EXTERN_GLOBAL, .global = holder};
    return STINT_OK;
}

static enum stint_status count_reset(void *env, struct stint_store *store)
{
    struct linked *l = env;
    l->resets++;
    return l->reset_fails ? STINT_IO : STINT_OK;
}

static const char importing[] =
    "(module (import \"h\" \"f\" (func $f (result externref)))"
    " (import \"h\" \"m\" (memory $m 1)) (import \"h\" \"at\" (global $at i32))"
    " (import \"h\" \"x\" (global $x (mut externref)))"
    " (data (global.get $at) \"here\")"
    " (func (export \"mess\") (global.set $x (ref.null extern)) (drop (call $f))"
    "   (memory.fill (i32.const 0) (i32.const 1) (i32.const 131072))"
    "   (drop (memory.grow (i32.const 3)))))";

static bool open_linked(struct linked *l)
{
    memset(l, 0, sizeof(*l));
    if (!open_engine(&l->w, importing))
        return false;
    l->w.config.link = link_imports;
    l->w.config.reset = count_reset;
    l->w.config.env = l;
    return true;
}

TEST(objects_of_the_host_go_with_the_use_that_made_them)
{
    struct linked l;
    uint64_t slot;
    REQUIRE(open_linked(&l));
    REQUIRE(open_pool(&l.w));
    size_t used = 0;
    for (uint32_t i = 0; i < 5; i++) {
        struct stint_instance *instance = take(&l.w);
        REQUIRE(instance != NULL);
        struct stint_store *store = instance->store;
        void *pointer = NULL;
        CHECK(gc_host_pointer(store->gc, (gc_ref)instance->globals[1]->cell[0], &pointer));
        CHECK(pointer == &l);
        CHECK(store->user == NULL);
        CHECK_INT(instance->memories[0]->bytes, 2 * WASM_PAGE_BYTES);
        CHECK_MEM(instance->memories[0]->base + 99, "\0here", 6);
        CHECK(call(&l.w, instance, "mess", 0, &slot) == STINT_OK);
        gc_collect(store->gc);
        CHECK_INT(l.finalized, i);
        pool_give(l.w.pool, instance);
        CHECK_INT(l.ended, i + 1);
        CHECK_INT(l.finalized, i + 1);
        CHECK_INT(l.resets, i + 1);
        if (i == 1)
            used = atomic_load(&l.w.engine->alloc.used_bytes);
        if (i > 1)
            CHECK_INT(atomic_load(&l.w.engine->alloc.used_bytes), used);
    }
    CHECK_INT(l.links, 1);
    close_world(&l.w);
    CHECK_INT(l.finalized, 6);
}

TEST(slots_may_be_linked_differently)
{
    struct linked l;
    REQUIRE(open_linked(&l));
    l.moves = true;
    REQUIRE(open_pool(&l.w));
    struct stint_instance *instances[4];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 4; i++)
            instances[i] = take(&l.w);
        for (int i = 0; i < 4; i++) {
            uint64_t slot, at = instances[i]->globals[0]->cell[0];
            CHECK_MEM(instances[i]->memories[0]->base + at, "here", 5);
            CHECK(call(&l.w, instances[i], "mess", 0, &slot) == STINT_OK);
        }
        for (int i = 0; i < 4; i++)
            pool_give(l.w.pool, instances[i]);
    }
    close_world(&l.w);
}

TEST(failures_of_the_hosts_part)
{
    struct linked l;
    struct stint_instance *instance = NULL;
    struct pool_stats stats;
    REQUIRE(open_linked(&l));
    l.link_fails = true;
    CHECK(pool_create(l.w.module, &l.w.config, &l.w.pool, &l.w.error) == STINT_UNLINKABLE);
    CHECK_STR(l.w.error.message, "not today");
    error_clear(&l.w.error);
    l.link_fails = false;
    REQUIRE(open_pool(&l.w));
    instance = take(&l.w);
    l.reset_fails = true;
    pool_give(l.w.pool, instance);
    pool_stats(l.w.pool, &stats);
    CHECK_INT(stats.failures, 1);
    CHECK_INT(stats.slots, 0);
    /* A new one takes its place. */
    l.reset_fails = false;
    pool_give(l.w.pool, take(&l.w));
    pool_stats(l.w.pool, &stats);
    CHECK_INT(stats.slots, 1);
    CHECK_INT(stats.idle, 1);
    close_world(&l.w);
}

TEST(missing_imports_and_traps_in_segments_are_told_at_once)
{
    struct world w;
    REQUIRE(open_engine(&w, importing));
    CHECK(pool_create(w.module, &w.config, &w.pool, &w.error) == STINT_UNLINKABLE);
    close_world(&w);
    REQUIRE(open_engine(&w, "(module (memory 1) (data (i32.const 65535) \"ab\"))"));
    CHECK(pool_create(w.module, &w.config, &w.pool, &w.error) == STINT_TRAP);
    CHECK_INT(w.error.trap, STINT_TRAP_MEMORY_BOUNDS);
    close_world(&w);
}

/* ---- Starting ---------------------------------------------------------------------------- */

TEST(start_and_initialize_run_at_every_take)
{
    struct world w;
    REQUIRE(open_engine(&w, "(module (global $n (mut i32) (i32.const 5))"
                            " (func $s (global.set $n (i32.add (global.get $n) (i32.const 1))))"
                            " (start $s)"
                            " (func (export \"_initialize\")"
                            "   (global.set $n (i32.mul (global.get $n) (i32.const 10))))"
                            " (func (export \"n\") (result i32) (global.get $n)))"));
    REQUIRE(open_pool(&w));
    for (int i = 0; i < 3; i++) {
        struct stint_instance *instance = take(&w);
        CHECK_INT(get(&w, instance, "n"), 60);
        pool_give(w.pool, instance);
    }
    pool_free(w.pool);
    w.pool = NULL;
    w.config.skip_initialize = true;
    REQUIRE(open_pool(&w));
    struct stint_instance *instance = take(&w);
    CHECK_INT(get(&w, instance, "n"), 6);
    pool_give(w.pool, instance);
    close_world(&w);
}

TEST(a_start_function_that_fails_is_told_and_leaves_nothing)
{
    struct world w;
    struct stint_instance *instance = NULL;
    REQUIRE(open_engine(&w, "(module (memory 1) (start $s)"
                            " (func $s (if (i32.load (i32.const 0)) (then (loop (br 0))))"
                            "   (i32.store (i32.const 0) (i32.const 1)) (unreachable)))"));
    w.config.start_fuel = 1000000;
    w.config.slots_max = 1;
    REQUIRE(open_pool(&w));
    for (int i = 0; i < 3; i++) {
        error_clear(&w.error);
        CHECK(pool_take(w.pool, &instance, &w.error) == STINT_TRAP);
        CHECK_INT(w.error.trap, STINT_TRAP_UNREACHABLE);
    }
    close_world(&w);
    REQUIRE(open_engine(&w, "(module (start $s) (func $s (loop (br 0))))"));
    w.config.start_fuel = 1000;
    REQUIRE(open_pool(&w));
    CHECK(pool_take(w.pool, &instance, &w.error) == STINT_FUEL);
    close_world(&w);
}

/* ---- Limits ------------------------------------------------------------------------------ */

TEST(no_more_slots_than_allowed)
{
    struct world w;
    struct stint_instance *instances[3] = {NULL};
    struct pool_stats stats;
    REQUIRE(open_engine(&w, "(module (memory 1))"));
    w.config.slots_max = 2;
    w.config.slots_warm = 9;
    REQUIRE(open_pool(&w));
    pool_stats(w.pool, &stats);
    CHECK_INT(stats.slots, 2);
    CHECK_INT(stats.idle, 2);
    instances[0] = take(&w);
    instances[1] = take(&w);
    CHECK(pool_take(w.pool, &instances[2], &w.error) == STINT_LIMIT);
    CHECK_STR(w.error.message, "all 2 slots are taken");
    pool_give(w.pool, instances[0]);
    /* The slot used last is the first to go out again. */
    CHECK(take(&w) == instances[0]);
    pool_give(w.pool, instances[0]);
    pool_give(w.pool, instances[1]);
    pool_trim(w.pool, 1);
    pool_stats(w.pool, &stats);
    CHECK_INT(stats.slots, 1);
    CHECK_INT(stats.idle, 1);
    CHECK_INT(stats.cold_takes, 0);
    /* Only what waits for a slot to be made begins cold, and that stays counted. */
    instances[0] = take(&w);
    instances[1] = take(&w);
    pool_give(w.pool, instances[0]);
    pool_give(w.pool, instances[1]);
    pool_trim(w.pool, 0);
    pool_stats(w.pool, &stats);
    CHECK_INT(stats.slots, 0);
    CHECK_INT(stats.cold_takes, 1);
    CHECK_INT(stats.takes, 5);
    close_world(&w);
}

TEST(memory_of_taken_slots_is_known)
{
    struct world w;
    struct pool_stats stats;
    REQUIRE(open_engine(&w, "(module (memory 2) (memory 1 9)"
                            " (func (export \"go\") (drop (memory.grow 1 (i32.const 3)))))"));
    w.config.slots_warm = 2;
    REQUIRE(open_pool(&w));
    pool_stats(w.pool, &stats);
    CHECK_INT(stats.memory_bytes, 0);
    struct stint_instance *first = take(&w), *second = take(&w);
    pool_stats(w.pool, &stats);
    CHECK_INT(stats.memory_bytes, 6 << 16);
    CHECK(memory_grow(second->memories[1], 3) == 1);
    pool_stats(w.pool, &stats);
    CHECK_INT(stats.memory_bytes, 9 << 16);
    pool_give(w.pool, first);
    pool_stats(w.pool, &stats);
    CHECK_INT(stats.memory_bytes, 6 << 16);
    pool_give(w.pool, second);
    pool_trim(w.pool, 1);
    pool_stats(w.pool, &stats);
    CHECK_INT(stats.memory_bytes, 0);
    /* What it has grown by is gone for the next. */
    first = take(&w);
    pool_stats(w.pool, &stats);
    CHECK_INT(stats.memory_bytes, 3 << 16);
    pool_give(w.pool, first);
    close_world(&w);
}

/* A pool of as many idle slots as there may be, which were all needed lately. */
static bool open_after_burst(struct world *w, uint32_t slots, uint32_t warm)
{
    struct stint_instance *instances[9] = {NULL};
    if (!CHECK(slots <= COUNT_OF(instances)) || !CHECK(open_engine(w, "(module (memory 1))")))
        return false;
    w->config.slots_max = slots;
    w->config.slots_warm = warm;
    if (!CHECK(open_pool(w)))
        return false;
    for (uint32_t i = 0; i < slots; i++)
        instances[i] = take(w);
    CHECK_INT(pool_cool(w->pool), 0);
    for (uint32_t i = 0; i < slots; i++)
        pool_give(w->pool, instances[i]);
    return CHECK(pool_cool(w->pool) == 0);
}

TEST(cooling_ends_half_of_what_nobody_has_needed)
{
    static const uint32_t left[] = {9, 5, 3, 2, 1, 1};
    struct world w;
    struct pool_stats stats;
    REQUIRE(open_after_burst(&w, left[0], 0));
    for (size_t i = 1; i < COUNT_OF(left); i++) {
        CHECK_INT(pool_cool(w.pool), left[i - 1] - left[i]);
        pool_stats(w.pool, &stats);
        CHECK_INT(stats.slots, left[i]);
        CHECK_INT(stats.idle, left[i]);
    }
    close_world(&w);
}

TEST(cooling_leaves_what_was_to_be_warm)
{
    static const uint32_t ended[] = {2, 1, 0};
    struct world w;
    REQUIRE(open_after_burst(&w, 6, 3));
    for (size_t i = 0; i < COUNT_OF(ended); i++)
        CHECK_INT(pool_cool(w.pool), ended[i]);
    close_world(&w);
}

TEST(renewing_ends_idle_slots_now_and_taken_ones_later)
{
    struct world w;
    struct pool_stats stats;
    REQUIRE(open_engine(&w, "(module (memory 1))"));
    w.config.slots_warm = 3;
    REQUIRE(open_pool(&w));
    struct stint_instance *old = take(&w);
    pool_renew(w.pool);
    pool_stats(w.pool, &stats);
    CHECK_INT(stats.slots, 1);
    CHECK_INT(stats.idle, 0);
    struct stint_instance *younger = take(&w);
    pool_give(w.pool, old);
    pool_give(w.pool, younger);
    pool_stats(w.pool, &stats);
    CHECK_INT(stats.slots, 1);
    CHECK_INT(stats.idle, 1);
    CHECK(take(&w) == younger);
    pool_give(w.pool, younger);
    pool_renew(w.pool);
    pool_renew(w.pool);
    pool_stats(w.pool, &stats);
    CHECK_INT(stats.slots, 0);
    close_world(&w);
}

static uint32_t size_for(const struct world *w, uint64_t memory_bytes, uint64_t address_bytes,
                         uint64_t mappings)
{
    const struct pool_room room = {memory_bytes, address_bytes, mappings};
    return pool_size(w->module->wasm, &w->config, &room);
}

TEST(the_machine_decides_how_many)
{
    struct world w;
    REQUIRE(open_engine(&w, "(module (memory 1))"));
    uint64_t mib = 1 << 20, gib = 1 << 30, many = UINT64_MAX;
    /* A board with 512 MB and 39-bit addresses, then one with 32-bit ones, then servers. */
    uint32_t board = size_for(&w, 512 * mib, 512 * gib, many);
    CHECK(board >= 8 && board <= 64);
    CHECK_INT(size_for(&w, 512 * mib, 3 * gib, many), 1);
    CHECK_INT(size_for(&w, 64 * gib, (uint64_t)1 << 47, many), 4000);
    CHECK_INT(size_for(&w, 64 * gib, (uint64_t)1 << 47, 65530), 4000);
    CHECK_INT(size_for(&w, 64 * gib, (uint64_t)1 << 47, 16000), 1000);
    CHECK_INT(size_for(&w, 0, 0, 0), 1);
    w.config.keep_bytes = SIZE_MAX;
    CHECK_INT(size_for(&w, mib, gib, many), 1);
    close_world(&w);
    struct pool_config config = pool_config_default();
    REQUIRE(open_engine(&w, "(module (memory 1))"));
    w.config = config;
    REQUIRE(open_pool(&w));
    pool_give(w.pool, take(&w));
    close_world(&w);
}

TEST(memory_runs_out_at_each_allocation)
{
    size_t failures = 0;
    for (size_t n = 1; n < 400; n++) {
        struct world w;
        struct stint_instance *instance = NULL;
        uint64_t slot;
        REQUIRE(open_engine(&w, everything));
        size_t before = atomic_load(&w.engine->alloc.used_bytes);
        atomic_store(&w.engine->alloc.fail_at, atomic_load(&w.engine->alloc.calls) + n);
        enum stint_status status = pool_create(w.module, &w.config, &w.pool, &w.error);
        if (status == STINT_OK) {
            status = pool_take(w.pool, &instance, &w.error);
            if (status == STINT_OK) {
                /* Failing, or growing less than asked for, is up to the guest. */
                (void)call(&w, instance, "scribble", 1, &slot);
                pool_give(w.pool, instance);
                instance = NULL;
            }
        }
        bool done = atomic_load(&w.engine->alloc.calls) < atomic_load(&w.engine->alloc.fail_at);
        atomic_store(&w.engine->alloc.fail_at, 0);
        if (w.pool != NULL) {
            instance = take(&w);
            REQUIRE(instance != NULL);
            check_runs(&w, instance);
            pool_give(w.pool, instance);
        } else {
            CHECK(status == STINT_NOMEM || status == STINT_TRAP);
            CHECK_INT(atomic_load(&w.engine->alloc.used_bytes), before);
            failures++;
        }
        close_world(&w);
        if (done) {
            CHECK(failures > 10);
            return;
        }
    }
    CHECK(!"an end was reached");
}

/* ---- Threads ----------------------------------------------------------------------------- */

struct worker {
    pthread_t thread;
    struct world *w;
    uint32_t takes, refusals, wrong;
};

static void *work(void *context)
{
    struct worker *worker = context;
    struct extern_value value;
    for (int i = 0; i < 500; i++) {
        struct stint_instance *instance = NULL;
        struct stint_error error = {0};
        uint64_t slots[1] = {0};
        if (pool_take(worker->w->pool, &instance, &error) != STINT_OK) {
            worker->refusals++;
            continue;
        }
        worker->takes++;
        bool fine = instance_export(instance, "next", 4, &value) &&
                    rt_call(instance->store, value.func, slots, &error) == STINT_OK &&
                    slots[0] == 7;
        worker->wrong += !fine;
        instance->memories[0]->base[i * 64] = 1;
        pool_give(worker->w->pool, instance);
    }
    return NULL;
}

TEST(threads_share_a_pool)
{
    struct world w;
    struct worker workers[4];
    uint32_t takes = 0;
    memset(workers, 0, sizeof(workers));
    REQUIRE(open_engine(&w, "(module (memory 1) (global $g (mut i32) (i32.const 6))"
                            " (func (export \"next\") (result i32)"
                            "  (global.set $g (i32.add (global.get $g) (i32.const 1)))"
                            "  (i32.add (i32.load (i32.const 64)) (global.get $g))))"));
    w.config.slots_max = 3;
    REQUIRE(open_pool(&w));
    for (int i = 0; i < 4; i++) {
        workers[i].w = &w;
        REQUIRE(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(workers[i].thread, NULL);
        CHECK_INT(workers[i].wrong, 0);
        takes += workers[i].takes;
    }
    struct pool_stats stats;
    pool_stats(w.pool, &stats);
    CHECK_INT(stats.takes, takes);
    CHECK_INT(stats.idle, stats.slots);
    CHECK(stats.slots <= 3);
    close_world(&w);
}

CHECK_MAIN
