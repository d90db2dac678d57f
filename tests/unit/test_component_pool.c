/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Warm slots of components: whatever a guest did to any of its instances, the next one behaves as a new
 * one does.
 */
#include <pthread.h>

#include "check.h"

#include "component/component_pool.h"
#include "component/plan_int.h"
#include "component_make.h"
#include "interp/interp.h"

/* ---- A component of two core instances --------------------------------------------------- */

/* Owns memory, table and global; its start function counts at 100, and keeps what is at 300. */
static const char base_text[] =
    "(module (memory (export \"m\") 1 9) (table (export \"t\") 4 40 funcref)"
    " (global (export \"g\") (mut i32) (i32.const 5)) (data (i32.const 5) \"first\")"
    " (func $one) (elem (i32.const 1) func $one)"
    " (func $start (i32.store (i32.const 100) (i32.add (i32.load (i32.const 100)) (i32.const 1)))"
    "  (i32.store (i32.const 104) (i32.load8_u (i32.const 300)))"
    "  (i32.store (i32.const 108) (table.size 0)) %s)"
    " (start $start))";

/* Uses them, and the host's resources. */
static const char user_text[] =
    "(module (import \"e\" \"make\" (func $make (result i32)))"
    " (import \"b\" \"m\" (memory 1 9)) (import \"b\" \"t\" (table 4 40 funcref))"
    " (import \"b\" \"g\" (global $g (mut i32)))"
    " (global $own (mut i32) (i32.const 7)) (data $held \"passive\") (elem $f func $two) (func $two)"
    " %s"
    " (func $start (i32.store (i32.const 112) (i32.add (i32.load (i32.const 112)) (i32.const 1))))"
    " (start $start)"
    " (func (export \"state\") (result i32) (local $at i32) (local $sum i32)"
    "  (memory.init $held (i32.const 60000) (i32.const 0) (i32.const 7))"
    "  (table.init $f (i32.const 3) (i32.const 0) (i32.const 1))"
    "  (drop (memory.grow (i32.const %d)))"
    "  (loop (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 31))"
    "    (i32.load (local.get $at))))"
    "   (br_if 0 (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 4)))"
    "    (i32.mul (memory.size) (i32.const 65536)))))"
    "  (local.set $sum (i32.add (local.get $sum) (i32.mul (table.size) (i32.const 1009))))"
    "  (local.set $sum (i32.add (local.get $sum) (i32.mul (global.get $g) (i32.const 2003))))"
    "  (local.set $sum (i32.add (local.get $sum) (i32.mul (global.get $own) (i32.const 4001))))"
    "  (local.set $sum (i32.add (local.get $sum) (ref.is_null (table.get (i32.const 0)))))"
    "  (i32.add (local.get $sum) (i32.mul (call $make) (i32.const 8009))))"
    " (func (export \"scribble\") (drop (call $make)) (drop (call $make))"
    "  (drop (memory.grow (i32.const 6)))"
    "  (memory.fill (i32.const 0) (i32.const 171) (i32.const 458752))"
    "  (table.fill (i32.const 0) (ref.func $two) (i32.const 4))"
    "  (drop (table.grow (ref.func $two) (i32.const 30)))"
    "  (global.set $g (i32.const 99)) (global.set $own (i32.const 98))"
    "  (data.drop $held) (elem.drop $f) (drop (call $make)))"
    " (func (export \"trap\") (drop (memory.grow (i32.const 1)))"
    "  (i32.store (i32.const 65536) (call $make)) unreachable))";

enum {
    FUNC_NONE = 2,
    FUNC_U32 = 3,
    /* By "state": what a slot keeps of memory that was added, and of what it does not keep. */
    GROWN_PAGES = 6,
};

static void make_user_instance(struct buf *out)
{
    struct buf body = make_one(out);
    buf_append(&body, (uint8_t[]){0x00, 1, 2}, 3);
    make_name(&body, "e");
    buf_append(&body, (uint8_t[]){0x12, 0}, 2);
    make_name(&body, "b");
    buf_append(&body, (uint8_t[]){0x12, 1}, 2);
    make_end(out, MAKE_CORE_INSTANCE, &body);
}

/* `starting`: at the end of the first start function; `segments`: of the second module. */
static struct buf pair_bytes(const char *starting, const char *segments)
{
    static const char *const names[] = {"make"};
    static const char *const exports[] = {"state", "scribble", "trap"};
    char base[sizeof(base_text) + 200], user[sizeof(user_text) + 200];
    struct buf out;
    snprintf(base, sizeof(base), base_text, starting);
    snprintf(user, sizeof(user), user_text, segments, GROWN_PAGES);
    make_begin(&out, &alloc_root);
    MAKE_RAW(&out, MAKE_IMPORT, "\x00\x01r\x03\x01");
    MAKE_RAW(&out, MAKE_TYPE, "\x69\x00");
    make_func_type(&out, "", 0);
    make_func_type(&out, "", 0x79);
    make_func_type(&out, "", 1);
    make_import_func(&out, "make-r", 4);
    MAKE_LOWER(&out, 0, "\x00");
    make_core_exports(&out, names, 0, 1);
    make_module(&out, base);
    make_module(&out, user);
    make_core_instance(&out, 0, NULL, 0);
    make_user_instance(&out);
    for (uint8_t i = 0; i < COUNT_OF(exports); i++) {
        make_core_alias(&out, CORE_SORT_FUNC, 2, exports[i]);
        make_canon(&out, "\x00\x00", i + 1, "\x00", 1, i == 0 ? FUNC_U32 : FUNC_NONE);
        make_export(&out, exports[i], MAKE_SORT_FUNC, (uint8_t)(2 * i + 1));
    }
    return out;
}

/* ---- Its host ---------------------------------------------------------------------------- */

/* Counts in all slots together. */
struct world {
    struct stint_engine *engine;
    struct plan *plan;
    struct component_pool *pool;
    struct component_pool_config config;
    struct stint_error error;
    atomic_int made, dropped, slots, resets;
    bool exits, reset_fails, refuses;
};

struct slot_host {
    struct world *world;
    struct resource_type type;
};

static enum stint_status make_r(struct host_component_call *call, uint64_t *slots)
{
    struct slot_host *host = call->env;
    uint32_t index = 0;
    if (host->world->exits) {
        call->error->exit_code = 3;
        return error_set(call->error, STINT_EXIT, STINT_NO_OFFSET, "exit");
    }
    enum stint_status status =
        handle_add(call->guest->handles, &host->type, 100, NULL, &index, call->error);
    if (status == STINT_OK)
        atomic_fetch_add(&host->world->made, 1);
    slots[0] = index;
    return status;
}

static enum stint_status drop_r(void *env, uint32_t rep, struct stint_error *error)
{
    struct slot_host *host = env;
    (void)error;
    CHECK_INT(rep, 100);
    atomic_fetch_add(&host->world->dropped, 1);
    return STINT_OK;
}

static enum stint_status resolve(void *context, struct wasm_name interface, struct wasm_name name,
                                 struct host_item *ret_item, struct stint_error *error)
{
    struct slot_host *host = context;
    (void)interface;
    (void)error;
    if (name.bytes == 1)
        *ret_item = (struct host_item){.resource = &host->type};
    else
        *ret_item = (struct host_item){.function = make_r, .signature = ":i", .env = host};
    return STINT_OK;
}

static enum stint_status make_slot(void *env, struct stint_store *store,
                                   struct component_pool_host *ret_host, struct stint_error *error)
{
    struct world *w = env;
    struct slot_host *host = alloc_get_zeroed(&w->engine->alloc, 1, sizeof(*host));
    CHECK(store != NULL);
    if (host == NULL)
        return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "no memory for the host");
    host->world = w;
    host->type = (struct resource_type){.name = "r", .drop = drop_r, .env = host};
    *ret_host = (struct component_pool_host){
        .env = host, .resolvers = {{.resolve = resolve, .context = host}}, .resolver_count = 1};
    atomic_fetch_add(&w->slots, 1);
    return STINT_OK;
}

static enum stint_status reset_slot(void *env, void *slot_env)
{
    struct world *w = env;
    CHECK(slot_env != NULL);
    atomic_fetch_add(&w->resets, 1);
    return w->reset_fails ? STINT_IO : STINT_OK;
}

static enum stint_status keep_r(void *env, void *slot_env, const struct resource_type *type,
                                uint32_t rep, uint32_t *ret_word, struct stint_error *error)
{
    const struct world *w = env;
    struct slot_host *host = slot_env;
    CHECK(type == &host->type);
    CHECK_INT(rep, 100);
    if (w->refuses)
        return error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET, "not this one");
    *ret_word = 77;
    return STINT_OK;
}

static enum stint_status reopen_r(void *env, void *slot_env, const struct resource_type *type,
                                  uint32_t word, uint32_t *ret_rep, struct stint_error *error)
{
    struct world *w = env;
    struct slot_host *host = slot_env;
    (void)error;
    CHECK(type == &host->type);
    CHECK_INT(word, 77);
    atomic_fetch_add(&w->made, 1);
    *ret_rep = 100;
    return STINT_OK;
}

static void end_slot(void *env, void *slot_env)
{
    struct world *w = env;
    atomic_fetch_sub(&w->slots, 1);
    alloc_put(&w->engine->alloc, slot_env, sizeof(struct slot_host));
}

static bool open_plan(struct world *w, struct buf bytes)
{
    struct engine_config config = engine_config_default();
    struct component_file *file = NULL;
    memset(w, 0, sizeof(*w));
    config.is_metered = true;
    if (!CHECK_INT(engine_create(&config, &interp_ops, &w->engine), STINT_OK))
        return false;
    enum stint_status status =
        component_create(w->engine, bytes.data, bytes.bytes, false, &file, &w->error);
    if (status == STINT_OK)
        status = plan_create(file, &w->plan, &w->error);
    CHECK_STR(w->error.message, "");
    component_release(file);
    buf_free(&bytes);
    w->config = component_pool_config_default();
    w->config.make = make_slot;
    w->config.reset = reset_slot;
    w->config.end = end_slot;
    w->config.env = w;
    w->config.slots_max = 4;
    return CHECK_INT(status, STINT_OK);
}

static bool open_world(struct world *w, const char *starting, const char *segments)
{
    bool fine =
        open_plan(w, pair_bytes(starting, segments)) &&
        CHECK_INT(component_pool_create(w->plan, &w->config, &w->pool, &w->error), STINT_OK);
    CHECK_STR(w->error.message, "");
    return fine;
}

static void close_world(struct world *w)
{
    component_pool_free(w->pool);
    plan_release(w->plan);
    CHECK_INT(w->slots, 0);
    CHECK_INT(w->made, w->dropped);
    CHECK_INT(atomic_load(&w->engine->references), 1);
    engine_release(w->engine);
}

static struct component_instance *take(struct world *w)
{
    struct component_instance *instance = NULL;
    struct stint_error error = {0};
    CHECK_INT(component_pool_take(w->pool, &instance, &error), STINT_OK);
    CHECK_STR(error.message, "");
    return instance;
}

static enum stint_status call(struct component_instance *instance, const char *name,
                              uint32_t *ret_value, struct stint_error *error)
{
    struct cvalue result = {0};
    struct arena arena;
    const struct plan_export *export = plan_find(component_instance_plan(instance), NULL, name);
    if (!CHECK(export != NULL))
        return STINT_NOT_FOUND;
    arena_init(&arena, &alloc_root);
    enum stint_status status = component_call(instance, export, NULL, &arena, &result, error);
    arena_free(&arena);
    if (ret_value != NULL)
        *ret_value = (uint32_t)result.u;
    return status;
}

static uint32_t state_of(struct component_instance *instance)
{
    struct stint_error error = {0};
    uint32_t state = 0;
    CHECK_INT(call(instance, "state", &state, &error), STINT_OK);
    CHECK_STR(error.message, "");
    return state;
}

/* What an instance says that no pool made, when it is asked for the last time. */
static uint32_t state_of_new(struct world *w, int times)
{
    struct store_limits limits = store_limits_default();
    struct stint_store *store = NULL;
    struct component_instance *instance = NULL;
    struct slot_host host = {.world = w};
    host.type = (struct resource_type){.name = "r", .drop = drop_r, .env = &host};
    struct host_resolver resolver = {.resolve = resolve, .context = &host};
    CHECK_INT(store_create(w->engine, &limits, &store), STINT_OK);
    CHECK_INT(component_instantiate(store, w->plan, &resolver, 1, &instance, &w->error), STINT_OK);
    uint32_t state = 0;
    for (int i = 0; i < times && instance != NULL; i++)
        state = state_of(instance);
    component_instance_free(instance);
    store_free(store);
    return state;
}

/* ---- Tests ------------------------------------------------------------------------------- */

/* One take that is spoiled in this way. */
static void spoil(struct world *w, int way)
{
    struct stint_error error = {0};
    struct component_instance *instance = take(w);
    if (instance == NULL)
        return;
    struct stint_store *store = component_instance_store(instance);
    CHECK(((struct slot_host *)component_instance_slot_env(instance))->world == w);
    switch (way) {
    case 0:
        CHECK_INT(call(instance, "scribble", NULL, &error), STINT_OK);
        break;
    case 1:
        CHECK_INT(call(instance, "trap", NULL, &error), STINT_TRAP);
        error_clear(&error);
        CHECK_INT(call(instance, "state", NULL, &error), STINT_TRAP);
        CHECK_STR(error.message, "cannot enter component instance");
        break;
    case 2:
        w->exits = true;
        CHECK_INT(call(instance, "scribble", NULL, &error), STINT_EXIT);
        w->exits = false;
        break;
    case 3:
        rt_fuel_set(store, 500);
        CHECK(call(instance, "state", NULL, &error) != STINT_OK);
        break;
    case 4:
        rt_interrupt(store);
        CHECK(call(instance, "state", NULL, &error) != STINT_OK);
        break;
    default:
        for (int i = 0; i < 80; i++) /* more handles than a table keeps its array for */
            (void)state_of(instance);
        break;
    }
    component_pool_give(w->pool, instance);
}

static void check_fresh(struct world *w, uint32_t wanted)
{
    struct component_instance *instance = take(w);
    if (instance != NULL) {
        CHECK_INT(state_of(instance), wanted);
        component_pool_give(w->pool, instance);
    }
}

static void check_ways(const char *segments)
{
    struct world w;
    if (!open_world(&w, "", segments))
        return;
    uint32_t wanted = state_of_new(&w, 1);
    check_fresh(&w, wanted);
    for (int round = 0; round < 2; round++) {
        for (int way = 0; way < 6; way++) {
            spoil(&w, way);
            check_fresh(&w, wanted);
        }
    }
    struct pool_stats stats;
    component_pool_stats(w.pool, &stats);
    CHECK_INT(stats.slots, 1);
    CHECK_INT(stats.failures, 0);
    CHECK_INT(w.resets, (int)stats.takes);
    close_world(&w);
}

TEST(what_a_guest_did_is_undone)
{
    check_ways("");
}

/* The first start function must not see what later segments write: done in order, at every take. */
TEST(steps_after_a_start_function_keep_their_order)
{
    check_ways("(data (i32.const 300) \"late\") (elem (i32.const 2) func $two)");
}

TEST(start_functions_run_at_every_take)
{
    struct world w;
    struct component_instance *instance = NULL;
    REQUIRE(open_world(&w, "unreachable", ""));
    for (int i = 0; i < 3; i++) {
        error_clear(&w.error);
        CHECK_INT(component_pool_take(w.pool, &instance, &w.error), STINT_TRAP);
        CHECK(instance == NULL);
    }
    struct pool_stats stats;
    component_pool_stats(w.pool, &stats);
    CHECK_INT(stats.slots, 1);
    CHECK_INT(stats.idle, 1);
    close_world(&w);

    REQUIRE(open_plan(&w, pair_bytes("(loop (br 0))", "")));
    w.config.start_fuel = 100000;
    CHECK_INT(component_pool_create(w.plan, &w.config, &w.pool, &w.error), STINT_OK);
    REQUIRE(w.pool != NULL);
    CHECK(component_pool_take(w.pool, &instance, &w.error) != STINT_OK);
    CHECK(instance == NULL);
    close_world(&w);
}

/* ---- Snapshots --------------------------------------------------------------------------- */

static enum stint_status check_second(void *env, struct component_instance *instance,
                                      struct stint_error *error)
{
    const uint32_t *wanted = env;
    return state_of(instance) == *wanted
               ? STINT_OK
               : error_set(error, STINT_INVALID, STINT_NO_OFFSET, "another state");
}

static void check_snapshot(const char *segments)
{
    struct world w;
    REQUIRE(open_plan(&w, pair_bytes("", segments)));
    w.config.keep = keep_r;
    w.config.reopen = reopen_r;
    REQUIRE(component_pool_create(w.plan, &w.config, &w.pool, &w.error) == STINT_OK);
    uint32_t first = state_of_new(&w, 1), second = state_of_new(&w, 2), wrong = 0;
    CHECK(first != second);
    for (int i = 0; i < 2; i++) { /* the host refuses, then the check */
        struct component_instance *instance = take(&w);
        REQUIRE(instance != NULL);
        CHECK_INT(state_of(instance), first);
        w.refuses = i == 0;
        error_clear(&w.error);
        CHECK(component_pool_snapshot(w.pool, instance, check_second, &wrong, &w.error) ==
              (i == 0 ? STINT_UNSUPPORTED : STINT_INVALID));
        CHECK_STR(w.error.message, i == 0 ? "not this one" : "another state");
        check_fresh(&w, first);
    }
    struct component_instance *instance = take(&w);
    REQUIRE(instance != NULL);
    CHECK_INT(state_of(instance), first);
    error_clear(&w.error);
    CHECK_INT(component_pool_snapshot(w.pool, instance, check_second, &second, &w.error), STINT_OK);
    CHECK_STR(w.error.message, "");
    for (int round = 0; round < 3; round++) {
        for (int way = 0; way < 6; way++) {
            spoil(&w, way);
            check_fresh(&w, second);
        }
        component_pool_renew(w.pool);
    }
    close_world(&w);
}

TEST(later_uses_begin_with_a_snapshot_and_have_its_handles)
{
    check_snapshot("");
    check_snapshot("(data (i32.const 300) \"late\") (elem (i32.const 2) func $two)");
}

TEST(a_handle_that_no_host_keeps_is_refused)
{
    struct world w;
    REQUIRE(open_world(&w, "", ""));
    struct component_instance *instance = take(&w);
    REQUIRE(instance != NULL);
    (void)state_of(instance);
    CHECK_INT(component_pool_snapshot(w.pool, instance, NULL, NULL, &w.error), STINT_UNSUPPORTED);
    CHECK_STR(w.error.message, "a r is open");
    error_clear(&w.error);
    check_fresh(&w, state_of_new(&w, 1));
    close_world(&w);
}

/* ---- Ends, and the others ---------------------------------------------------------------- */

TEST(slots_end)
{
    struct world w;
    struct component_instance *taken[5] = {NULL};
    REQUIRE(open_world(&w, "", ""));
    for (int i = 0; i < 4; i++)
        taken[i] = take(&w);
    CHECK_INT(atomic_load(&w.slots), 4);
    CHECK_INT(component_pool_take(w.pool, &taken[4], &w.error), STINT_LIMIT);
    CHECK_STR(w.error.message, "all 4 slots are taken");
    w.reset_fails = true;
    component_pool_give(w.pool, taken[0]);
    w.reset_fails = false;
    CHECK_INT(atomic_load(&w.slots), 3);
    for (int i = 1; i < 4; i++)
        component_pool_give(w.pool, taken[i]);
    component_pool_trim(w.pool, 1);
    CHECK_INT(atomic_load(&w.slots), 1);
    struct pool_stats stats;
    component_pool_stats(w.pool, &stats);
    CHECK_INT(stats.failures, 1);
    CHECK_INT(stats.idle, 1);
    close_world(&w);
}

static void *run_cycles(void *context)
{
    struct world *w = context;
    struct stint_error error = {0};
    for (int i = 0; i < 40; i++) {
        struct component_instance *instance = take(w);
        if (instance == NULL)
            break;
        (void)call(instance, i % 3 == 0 ? "trap" : "scribble", NULL, &error);
        error_clear(&error);
        component_pool_give(w->pool, instance);
    }
    return NULL;
}

TEST(threads_share_a_pool)
{
    struct world w;
    pthread_t threads[4];
    REQUIRE(open_world(&w, "", ""));
    for (int i = 0; i < 4; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, run_cycles, &w), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    uint32_t wanted = state_of_new(&w, 1);
    check_fresh(&w, wanted);
    CHECK(w.slots <= 4);
    close_world(&w);
}

static enum stint_status one_cycle(struct world *w)
{
    struct component_instance *instance = NULL;
    struct stint_error error = {0};
    enum stint_status status = component_pool_create(w->plan, &w->config, &w->pool, &error);
    if (status == STINT_OK)
        status = component_pool_take(w->pool, &instance, &error);
    if (status == STINT_OK) {
        status = call(instance, "scribble", NULL, &error);
        component_pool_give(w->pool, instance);
    }
    component_pool_free(w->pool);
    w->pool = NULL;
    return status;
}

TEST(memory_runs_out_at_every_allocation)
{
    static const char *const segments[] = {"", "(data (i32.const 300) \"late\")"};
    for (size_t i = 0; i < COUNT_OF(segments); i++) {
        struct world w;
        REQUIRE(open_plan(&w, pair_bytes("", segments[i])));
        struct alloc *alloc = &w.engine->alloc;
        bool is_done = false;
        uint32_t n = 1;
        for (; n < 3000 && !is_done; n++) {
            atomic_store(&alloc->fail_at, atomic_load(&alloc->calls) + n);
            enum stint_status status = one_cycle(&w);
            is_done = atomic_load(&alloc->calls) < atomic_load(&alloc->fail_at);
            atomic_store(&alloc->fail_at, 0);
            if (is_done)
                CHECK_INT(status, STINT_OK);
            else if (status != STINT_OK && status != STINT_NOMEM)
                CHECK_INT(status, STINT_NOMEM);
            CHECK_INT(atomic_load(&w.slots), 0);
        }
        CHECK(is_done);
        CHECK(n > 15);
        close_world(&w);
    }
}

TEST(budgets_of_slots_hold)
{
    struct world w;
    REQUIRE(open_plan(&w, pair_bytes("", "")));
    w.config.limits.budget_bytes = 60000;
    CHECK_INT(component_pool_create(w.plan, &w.config, &w.pool, &w.error), STINT_NOMEM);
    CHECK(w.pool == NULL);
    CHECK_INT(atomic_load(&w.slots), 0);
    close_world(&w);
}

CHECK_MAIN
