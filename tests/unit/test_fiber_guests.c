/* SPDX-License-Identifier: Apache-2.0 */
/* Guests on fibers: suspended in host calls, resumed in any order, interpreted and compiled. */
#include <stdlib.h>
#include <unistd.h>

#include "fiber_loop.h"
#include "native_check.h"
#include "runtime/trace.h"
#include "wasi/p1.h"

enum { GUESTS = 24, P1_GUESTS = 300 };

static const char guest_text[] =
    "(module (import \"\" \"park\" (func $park (param i32) (result i32)))"
    "(import \"\" \"back\" (func $back (param i32) (result i32)))"
    "(type $node (struct (field (mut i32)) (field (ref null $node)))) (tag $t (param i32))"
    /* Parks at each of n levels, and adds up what comes back. */
    "(func $walk (export \"walk\") (param i32) (result i32)"
    " (if (result i32) (i32.eqz (local.get 0)) (then (i32.const 0))"
    "  (else (i32.add (call $park (local.get 0)) (call $walk (i32.sub (local.get 0) (i32.const 1)))))))"
    "(func $bottomless (export \"bottomless\") (param i32) (result i32)"
    " (i32.add (i32.const 1) (call $bottomless (local.get 0))))"
    "(func $nest (export \"nest\") (param i32) (result i32)"
    " (i32.add (i32.const 1) (call $back (local.get 0))))"
    "(func $fall (export \"fall\") (param i32) (result i32)"
    " (drop (call $park (local.get 0))) (unreachable))"
    "(func $throw (param i32) (drop (call $park (local.get 0))) (throw $t (local.get 0)))"
    "(func $catch (export \"catch\") (param i32) (result i32)"
    " (block $h (result i32)"
    "  (try_table (catch $t $h) (call $throw (local.get 0))) (unreachable)))"
    /* A list of n objects, made with others doing the same in between. */
    "(func $list (export \"list\") (param i32) (result i32) (local (ref null $node)) (local i32)"
    " (loop $make"
    "  (local.set 1 (struct.new $node (local.get 0) (local.get 1)))"
    "  (drop (call $park (local.get 0)))"
    "  (br_if $make (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))"
    " (loop $add"
    "  (local.set 2 (i32.add (local.get 2) (struct.get $node 0 (local.get 1))))"
    "  (br_if $add (i32.eqz (ref.is_null"
    "   (local.tee 1 (struct.get $node 1 (local.get 1)))))))"
    " (local.get 2))"
    "(func $spin (export \"spin\") (param i32) (result i32)"
    " (loop $l (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))"
    " (i32.const 5)))";
enum { ALL = 0xff }; /* own functions, as bits */

struct guest {
    struct loop_guest base;
    struct stint_store *store;
    struct stint_instance *instance;
    const char *name;
    uint32_t argument;
    uint64_t result;
    enum stint_status status;
    struct stint_error error;
    uint32_t parked;
    bool is_over;
};

struct world {
    struct native_test t; /* its engine and module; its store stays unused */
    struct stint_module *module;
    struct loop loop;
    struct guest *guests;
    size_t count;
};

/* Suspends without a reason that the loop knows of: somebody resumes it. */
static enum stint_status host_park(struct host_call *call, uint64_t *slots)
{
    struct guest *guest = call->store->user;
    guest->parked++;
    if (fiber_current() != NULL) {
        guest->base.is_due = true;
        fiber_suspend();
    }
    slots[0] = (uint32_t)slots[0] * 2;
    return STINT_OK;
}

/* Calls the guest again, until there is no stack left. */
static enum stint_status host_back(struct host_call *call, uint64_t *slots)
{
    struct guest *guest = call->store->user;
    struct func *func = native_test_export(guest->instance, "nest").func;
    guest->parked++;
    return rt_call(call->store, func, slots, call->error);
}

static void run_guest(void *arg)
{
    struct guest *guest = arg;
    uint64_t slots[4] = {guest->argument};
    struct func *func = native_test_export(guest->instance, guest->name).func;
    guest->status = rt_call(guest->store, func, slots, &guest->error);
    guest->result = slots[0];
    guest->is_over = true;
}

static bool make_guest(struct world *w, struct guest *guest)
{
    const valtype i32 = VT_I32;
    struct store_limits limits = store_limits_default();
    struct extern_value imports[2] = {{.kind = EXTERN_FUNC}, {.kind = EXTERN_FUNC}};
    uint32_t type;
    limits.stack_bytes_max = 1 << 20;
    limits.gc_heap_bytes_max = 1 << 20;
    guest->base.waiter = loop_waiter;
    if (!CHECK(store_create(w->t.engine, &limits, &guest->store) == STINT_OK))
        return false;
    guest->store->user = guest;
    guest->store->waiter = &guest->base.waiter;
    CHECK(types_add_func(w->t.engine->types, &i32, 1, &i32, 1, &type) == STINT_OK);
    CHECK(rt_func_create(guest->store, type, host_park, NULL, NULL, &imports[0].func) == STINT_OK);
    CHECK(rt_func_create(guest->store, type, host_back, NULL, NULL, &imports[1].func) == STINT_OK);
    return CHECK(instance_create(guest->store, w->module, imports, &guest->instance,
                                 &guest->error) == STINT_OK);
}

static bool open_world(struct world *w, size_t count, uint32_t compiled)
{
    struct engine_config config = native_test_config(true);
    struct fiber_config fibers = fiber_config_default();
    memset(w, 0, sizeof(*w));
    config.gc_stress = true;
    if (!native_test_open(&w->t, &config))
        return false;
    w->module = native_test_module(&w->t, guest_text);
    w->guests = calloc(count, sizeof(*w->guests));
    if (!CHECK_STR(w->t.error.message, "") || w->guests == NULL ||
        !native_test_compile(w->module, compiled) ||
        !CHECK(fiber_pool_create(&fibers, &w->loop.pool) == STINT_OK))
        return false;
    w->count = count;
    for (size_t i = 0; i < count; i++) {
        if (!make_guest(w, &w->guests[i]))
            return false;
    }
    return true;
}

static void close_world(struct world *w)
{
    for (size_t i = 0; i < w->count; i++) {
        CHECK(w->guests[i].base.fiber == NULL);
        store_free(w->guests[i].store);
    }
    fiber_pool_free(w->loop.pool);
    native_test_close(&w->t);
    free(w->guests);
}

static void begin(struct world *w, size_t i, const char *name, uint32_t argument)
{
    w->guests[i].name = name;
    w->guests[i].argument = argument;
    loop_add(&w->loop, &w->guests[i].base, run_guest, &w->guests[i]);
}

/* Resumes whoever chance picks, until all are over. */
static void shuffle(struct world *w)
{
    uint32_t random = 7;
    size_t alive = 0;
    for (size_t i = 0; i < w->count; i++)
        alive += w->guests[i].base.fiber != NULL;
    while (alive > 0) {
        random = random * 1664525 + 1013904223;
        struct loop_guest *guest = &w->guests[(random >> 8) % w->count].base;
        if (guest->fiber == NULL)
            continue;
        loop_resume(guest);
        alive -= guest->fiber == NULL;
    }
}

/* Each of the exports in turn, with what it has to come to. */
static void check_guest(const struct guest *guest, size_t i)
{
    struct frame_info frames[4];
    switch (i % 4) {
    case 0:
        CHECK_INT(guest->status, STINT_OK);
        CHECK_INT(guest->result, guest->argument * (guest->argument + 1));
        break;
    case 1:
        CHECK_INT(guest->status, STINT_OK);
        CHECK_INT(guest->result, guest->argument * (guest->argument + 1) / 2);
        break;
    case 2:
        CHECK_INT(guest->status, STINT_TRAP);
        CHECK_INT(guest->error.trap, STINT_TRAP_UNREACHABLE);
        CHECK_INT(rt_backtrace(guest->store, frames, COUNT_OF(frames)), 1);
        CHECK(frames[0].instance == guest->instance && frames[0].func_index == 2 + 3);
        break;
    default:
        CHECK_INT(guest->status, STINT_OK);
        CHECK_INT(guest->result, guest->argument);
    }
}

static void check_any_order(uint32_t compiled)
{
    static const char *const names[] = {"walk", "list", "fall", "catch"};
    struct world w;
    REQUIRE(open_world(&w, GUESTS, compiled));
    for (size_t i = 0; i < w.count; i++)
        begin(&w, i, names[i % 4], 3 + (uint32_t)i);
    for (size_t i = 0; i < w.count; i++)
        CHECK(w.guests[i].base.fiber != NULL && w.guests[i].parked == 1);
    shuffle(&w);
    for (size_t i = 0; i < w.count; i++)
        check_guest(&w.guests[i], i);
    close_world(&w);
}

TEST(interpreted_guests_in_any_order)
{
    check_any_order(0);
}

TEST(compiled_guests_in_any_order)
{
    NEED_COMPILER();
    check_any_order(ALL);
}

TEST(half_compiled_guests_in_any_order)
{
    NEED_COMPILER();
    check_any_order(0xaa);
}

/* Recursion of a guest ends as on any stack, while others stand in theirs. */
static void check_overflow(uint32_t compiled)
{
    static const char *const names[] = {"bottomless", "nest", "walk"};
    struct world w;
    REQUIRE(open_world(&w, 6, compiled));
    for (size_t i = 0; i < w.count; i++)
        begin(&w, i, names[2 - i % 3], 5);
    shuffle(&w);
    for (size_t i = 0; i < w.count; i++) {
        struct guest *guest = &w.guests[i];
        if (i % 3 == 0) {
            CHECK_INT(guest->status, STINT_OK);
            CHECK_INT(guest->result, 30);
            continue;
        }
        CHECK_INT(guest->status, STINT_TRAP);
        CHECK_INT(guest->error.trap, STINT_TRAP_STACK_OVERFLOW);
        if (i % 3 == 1)
            CHECK(guest->parked > 3);
        /* And again on the thread's own stack, with the same store. */
        guest->error = (struct stint_error){0};
        guest->store->waiter = NULL;
        run_guest(guest);
        CHECK_INT(guest->error.trap, STINT_TRAP_STACK_OVERFLOW);
    }
    close_world(&w);
}

TEST(interpreted_recursion_overflows)
{
    check_overflow(0);
}

TEST(compiled_recursion_overflows)
{
    NEED_COMPILER();
    check_overflow(ALL);
}

TEST(half_compiled_recursion_overflows)
{
    NEED_COMPILER();
    check_overflow(0x55);
}

TEST(guests_that_compute_take_turns)
{
    struct world w;
    REQUIRE(open_world(&w, 3, 0));
    for (size_t i = 0; i < 2; i++)
        begin(&w, i, "spin", 1000000);
    begin(&w, 2, "spin", 100);
    CHECK(w.guests[2].is_over && !w.guests[0].is_over && !w.guests[1].is_over);
    while (loop_turn(&w.loop))
        CHECK(w.guests[0].is_over == w.guests[1].is_over);
    for (size_t i = 0; i < w.count; i++) {
        CHECK_INT(w.guests[i].status, STINT_OK);
        CHECK_INT(w.guests[i].result, 5);
    }
    CHECK(w.guests[0].base.yields >= 5);
    CHECK_INT(w.guests[0].base.yields, w.guests[1].base.yields);
    CHECK_INT(w.guests[2].base.yields, 0);
    close_world(&w);
}

TEST(fuel_and_interruption_between_slices)
{
    struct world w;
    REQUIRE(open_world(&w, 3, 0));
    rt_fuel_set(w.guests[1].store, 500000);
    for (size_t i = 0; i < 3; i++)
        begin(&w, i, "spin", i == 2 ? 200000 : 0);
    CHECK(rt_fuel_used(w.guests[0].store) >= 200000);
    rt_interrupt(w.guests[0].store);
    while (loop_turn(&w.loop))
        ;
    CHECK_INT(w.guests[0].status, STINT_INTERRUPTED);
    CHECK_INT(w.guests[1].status, STINT_FUEL);
    CHECK_INT(rt_fuel_used(w.guests[1].store), 500000);
    CHECK_INT(w.guests[2].status, STINT_OK);
    close_world(&w);
}

/* ---- Waiting in preview 1 --------------------------------------------------------------------------- */

static const char wait_text[] =
    "(module (import \"wasi_snapshot_preview1\" \"poll_oneoff\""
    " (func $poll (param i32 i32 i32 i32) (result i32)))"
    "(import \"wasi_snapshot_preview1\" \"fd_read\""
    " (func $read (param i32 i32 i32 i32) (result i32)))"
    "(memory 1)"
    "(data (i32.const 0x10) \"\\01\")"                              /* clock: monotonic */
    "(data (i32.const 0x100) \"\\00\\02\\00\\00\\08\\00\\00\\00\")" /* one span: 8 bytes at 0x200 */
    /* Sleeps that many milliseconds; the errno. */
    "(func (export \"sleep\") (param i32) (result i32)"
    " (i64.store (i32.const 0x18) (i64.mul (i64.extend_i32_u (local.get 0)) (i64.const 1000000)))"
    " (call $poll (i32.const 0) (i32.const 0x80) (i32.const 1) (i32.const 0xf0)))"
    /* Reads a byte of standard input. */
    "(func (export \"read\") (param i32) (result i32)"
    " (if (call $read (i32.const 0) (i32.const 0x100) (i32.const 1) (i32.const 0xf0))"
    "  (then (unreachable)))"
    " (i32.load8_u (i32.const 0x200))))";

struct p1_guest {
    struct guest g;
    struct wasi_p1 *wasi;
    struct alloc alloc;
    int pipe[2];
};

struct p1_world {
    struct native_test t;
    struct stint_module *module;
    struct loop loop;
    struct p1_guest *guests;
    size_t count;
};

static bool make_p1_guest(struct p1_world *w, struct p1_guest *guest)
{
    struct store_limits limits = store_limits_default();
    struct wasi_p1_config config = wasi_p1_config_default();
    struct extern_value imports[2] = {{.kind = EXTERN_FUNC}, {.kind = EXTERN_FUNC}};
    const struct wasm_module *wasm = w->module->wasm;
    struct stint_error *error = &guest->g.error;
    limits.stack_bytes_max = 64 << 10;
    guest->g.base.waiter = loop_waiter;
    if (!CHECK(pipe(guest->pipe) == 0))
        return false;
    config.stdin_fd = guest->pipe[0];
    alloc_init(&guest->alloc, NULL, NULL, SIZE_MAX);
    if (!CHECK(store_create(w->t.engine, &limits, &guest->g.store) == STINT_OK) ||
        !CHECK(wasi_p1_create(&guest->alloc, &config, &guest->wasi, error) == STINT_OK))
        return false;
    guest->g.store->user = guest;
    guest->g.store->waiter = &guest->g.base.waiter;
    static const char *const names[2] = {"poll_oneoff", "fd_read"};
    static const char module[] = "wasi_snapshot_preview1";
    for (uint32_t i = 0; i < 2; i++)
        CHECK(wasi_p1_import(guest->wasi, guest->g.store, module, strlen(module), names[i],
                             strlen(names[i]), wasm->types[wasm->func_types[i]], &imports[i].func,
                             error) == STINT_OK);
    return CHECK(instance_create(guest->g.store, w->module, imports, &guest->g.instance, error) ==
                 STINT_OK);
}

static bool open_p1_world(struct p1_world *w, size_t count)
{
    struct engine_config config = native_test_config(true);
    struct fiber_config fibers = fiber_config_default();
    memset(w, 0, sizeof(*w));
    if (!native_test_open(&w->t, &config))
        return false;
    w->module = native_test_module(&w->t, wait_text);
    w->guests = calloc(count, sizeof(*w->guests));
    if (!CHECK_STR(w->t.error.message, "") || w->guests == NULL ||
        !CHECK(fiber_pool_create(&fibers, &w->loop.pool) == STINT_OK))
        return false;
    for (; w->count < count; w->count++) {
        if (!make_p1_guest(w, &w->guests[w->count]))
            return false;
    }
    return true;
}

static void close_p1_world(struct p1_world *w)
{
    for (size_t i = 0; i < w->count; i++) {
        struct p1_guest *guest = &w->guests[i];
        CHECK(guest->g.base.fiber == NULL);
        store_free(guest->g.store);
        wasi_p1_free(guest->wasi);
        close(guest->pipe[0]);
        close(guest->pipe[1]);
    }
    fiber_pool_free(w->loop.pool);
    native_test_close(&w->t);
    free(w->guests);
}

static void begin_p1(struct p1_world *w, size_t i, const char *name, uint32_t argument)
{
    struct guest *guest = &w->guests[i].g;
    guest->name = name;
    guest->argument = argument;
    loop_add(&w->loop, &guest->base, run_guest, guest);
}

/* Half of them sleep, half read from pipes that are written to from the last to the first. */
TEST(hundreds_wait_in_one_thread)
{
    struct p1_world w;
    REQUIRE(open_p1_world(&w, P1_GUESTS));
    for (size_t i = 0; i < w.count; i++)
        begin_p1(&w, i, i % 2 == 0 ? "sleep" : "read", 20);
    for (size_t i = 0; i < w.count; i++)
        CHECK(!w.guests[i].g.is_over && w.guests[i].g.base.waits == 1);
    for (size_t i = w.count - 1; i < w.count; i -= 2) {
        CHECK(!w.guests[i].g.is_over);
        CHECK(write(w.guests[i].pipe[1], "abc", 3) == 3);
        while (!w.guests[i].g.is_over && loop_turn(&w.loop))
            ;
    }
    while (loop_turn(&w.loop))
        ;
    CHECK_INT(w.loop.waiting_most, w.count);
    for (size_t i = 0; i < w.count; i++) {
        const struct guest *guest = &w.guests[i].g;
        CHECK_INT(guest->status, STINT_OK);
        CHECK_INT(guest->result, i % 2 == 0 ? 0 : 'a');
        CHECK(guest->base.waits <= 3); /* no slices */
    }
    close_p1_world(&w);
}

TEST(what_is_ready_is_not_waited_for)
{
    struct p1_world w;
    REQUIRE(open_p1_world(&w, 1));
    CHECK(write(w.guests[0].pipe[1], "x", 1) == 1);
    begin_p1(&w, 0, "read", 0);
    CHECK(w.guests[0].g.is_over);
    CHECK_INT(w.guests[0].g.result, 'x');
    CHECK_INT(w.guests[0].g.base.waits, 0);
    close_p1_world(&w);
}

TEST(deadlines_and_interruptions_end_waits)
{
    struct p1_world w;
    REQUIRE(open_p1_world(&w, 3));
    rt_timeout_set(w.guests[0].g.store, 5000000);
    begin_p1(&w, 0, "read", 0);
    begin_p1(&w, 1, "read", 0);
    begin_p1(&w, 2, "sleep", 30);
    CHECK_INT(w.guests[0].g.base.waits, 1);
    /* Who interrupts a guest wakes it too. */
    rt_interrupt(w.guests[1].g.store);
    w.guests[1].g.base.is_due = true;
    while (loop_turn(&w.loop))
        ;
    CHECK_INT(w.guests[0].g.status, STINT_TIMEOUT);
    CHECK_INT(w.guests[1].g.status, STINT_INTERRUPTED);
    CHECK_INT(w.guests[1].g.base.waits, 1);
    CHECK_INT(w.guests[2].g.status, STINT_OK);
    close_p1_world(&w);
}

CHECK_MAIN
