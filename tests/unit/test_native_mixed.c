/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interpreted and compiled functions, host functions and modules of different classes call each
 * other in random orders: whatever is compiled, the results, traps, exceptions and the fuel are those
 * of the interpreter alone.
 *
 * All functions take a script: each calls the table's entry that its lowest digit names, with the
 * script turned by one digit of four bits.
 */
#include "native_check.h"
#include "runtime/host_words.h"

enum { CALL, PASS, CATCH, TAIL, THROW, TRAP, HOST, LEAF, ENTRY_COUNT };
enum { SCRIPT_FUEL = 200000, RUNS = 300 };

#define TYPE "(type $f (func (param i64) (result i32)))"
#define TABLE TYPE "(import \"z\" \"t\" (table $t 8 funcref))"
#define NEXT "(i64.rotr (local.get 0) (i64.const 4)) (i32.and (i32.wrap_i64 (local.get 0)) (i32.const 7))"
#define AT(index, func) "(elem (i32.const " #index ") " func ")"

static const char shared_text[] =
    "(module (tag (export \"e\") (param i32)) (table (export \"t\") 8 funcref))";
/* Own functions of each: bits of the masks below. */
static const char plain_text[] =
    "(module " TABLE AT(0, "$call") AT(5, "$trap") AT(7, "$leaf")
    "(func $next (type $f) (call_indirect (type $f) " NEXT "))"
    "(func $call (type $f)"
    " (i32.add (i32.mul (call $next (local.get 0)) (i32.const 3)) (i32.const 1)))"
    "(func $trap (type $f) unreachable)"
    "(func $leaf (type $f) (i32.const 5)))";
static const char exceptions_text[] =
    "(module " TABLE "(import \"z\" \"e\" (tag $e (param i32)))"
    "(import \"z\" \"h\" (func $h (type $f)))"
    AT(1, "$pass") AT(2, "$catch") AT(4, "$throw")
    /* By chance straight to the host. */
    "(func $next (type $f)"
    " (if (result i32) (i32.wrap_i64 (i64.and (local.get 0) (i64.const 0x80000000)))"
    "  (then (call $h (local.get 0)))"
    "  (else (call_indirect (type $f) " NEXT "))))"
    "(func $pass (type $f) (i32.add (call $next (local.get 0)) (i32.const 2)))"
    "(func $catch (type $f)"
    " (block $k (result i32)"
    "  (return (i32.mul (i32.const 5)"
    "   (try_table (result i32) (catch $e $k) (call $next (local.get 0))))))"
    " (i32.add (i32.const 100)))"
    "(func $throw (type $f) (throw $e (i32.and (i32.wrap_i64 (local.get 0)) (i32.const 255)))))";
static const char tails_text[] =
    "(module " TABLE AT(3, "$tail")
    "(func $next (type $f) (return_call_indirect (type $f) " NEXT "))"
    "(func $tail (type $f) (return_call $next (local.get 0))))";

struct mixed {
    struct native_test t;
    struct table *table;
    struct native_test other; /* another store, which calls of the host go through */
    struct func *bounce;
    bool is_through_other;
};

static struct func *table_func(const struct mixed *m, uint64_t script)
{
    return (struct func *)(uintptr_t)m->table->elements[script & 7];
}

static uint64_t turned(uint64_t script)
{
    return script >> 4 | script << 60;
}

static void drop_exception(struct stint_store *store)
{
    if (store->gc != NULL)
        (void)gc_take_exception(store->gc);
}

/* Calls the script's next function; with the uppermost bit set, a failure of it stays here. */
static enum stint_status host_next(struct host_call *call, uint64_t *slots)
{
    struct mixed *m = call->env;
    uint64_t script = slots[0], own[2] = {turned(script)};
    struct stint_error error = {0};
    if (m->is_through_other && (script >> 62 & 1) != 0) {
        own[0] = script;
        enum stint_status status = rt_call(m->other.store, m->bounce, own, &error);
        drop_exception(m->other.store);
        /* An exception of another store is no value here. */
        slots[0] = status == STINT_OK ? own[0] : (uint64_t)status + 1000;
        return STINT_OK;
    }
    enum stint_status status = rt_call(call->store, table_func(m, script), own, &error);
    if (status == STINT_OK) {
        slots[0] = (uint32_t)own[0] * 3 + 6;
    } else if (script >> 63 != 0 && status != STINT_POISONED) {
        if (status == STINT_EXCEPTION)
            drop_exception(call->store);
        slots[0] = (uint64_t)status + 77;
    } else {
        if (status != STINT_EXCEPTION)
            *call->error = error;
        return status;
    }
    return STINT_OK;
}

/* In the other store: back to the first one. */
static enum stint_status host_back(struct host_call *call, uint64_t *slots)
{
    struct mixed *m = call->env;
    uint64_t script = slots[0], own[2] = {turned(script)};
    struct stint_error error = {0};
    enum stint_status status = rt_call(m->t.store, table_func(m, script), own, &error);
    if (status == STINT_EXCEPTION)
        drop_exception(m->t.store);
    else if (status != STINT_OK)
        *call->error = error;
    slots[0] = status == STINT_EXCEPTION ? 555 : (uint32_t)own[0];
    return status == STINT_EXCEPTION ? STINT_OK : status;
}

/* The second way of both. */
static struct host_result host_words(struct stint_instance *caller, struct func *func, uint64_t a,
                                     uint64_t b, uint64_t c, uint64_t d)
{
    struct host_call call = host_words_begin(caller, func);
    uint64_t slots[TYPE_WORDS_MAX] = {a, b, c, d};
    enum stint_status status = func->host(&call, slots);
    return host_words_end(caller, status, slots[0]);
}

static struct func *host_func(struct mixed *m, struct native_test *t, host_fn fn, bool has_words)
{
    const valtype param = VT_I64, result = VT_I32;
    struct func *func = NULL;
    uint32_t type;
    CHECK(types_add_func(t->engine->types, &param, 1, &result, 1, &type) == STINT_OK);
    CHECK(rt_func_create(t->store, type, fn, m, NULL, &func) == STINT_OK);
    rt_func_set_words(func, has_words ? host_words : NULL);
    return func;
}

static const char *const texts[] = {plain_text, exceptions_text, tails_text};
static const uint32_t all_funcs[] = {15, 15, 3};

static bool open_other(struct mixed *m, const struct engine_config *config, bool is_compiled)
{
    if (!native_test_open(&m->other, config))
        return false;
    struct stint_module *module = native_test_module(
        &m->other, "(module " TYPE "(import \"\" \"h\" (func $h (type $f)))"
                   "(func (export \"bounce\") (type $f)"
                   " (i32.add (call $h (local.get 0)) (i32.const 9))))");
    struct extern_value back = {.kind = EXTERN_FUNC};
    back.func = host_func(m, &m->other, host_back, is_compiled);
    if (module == NULL || (is_compiled && !native_test_compile(module, 1)))
        return false;
    struct stint_instance *instance = native_test_instance(&m->other, module, &back);
    m->bounce = native_test_export(instance, "bounce").func;
    return CHECK(m->bounce != NULL);
}

static bool open_mixed(struct mixed *m, const struct engine_config *config,
                       const uint32_t masks[3])
{
    bool is_compiled = (masks[0] | masks[1] | masks[2]) != 0;
    memset(m, 0, sizeof(*m));
    if (!native_test_open(&m->t, config) ||
        !open_other(m, config, is_compiled))
        return false;
    struct stint_module *shared = native_test_module(&m->t, shared_text);
    struct stint_instance *instance = native_test_instance(&m->t, shared, NULL);
    struct func *host = host_func(m, &m->t, host_next, is_compiled);
    if (!CHECK(instance != NULL))
        return false;
    struct extern_value imports[] = {native_test_export(instance, "t"),
                                     native_test_export(instance, "e"),
                                     {.kind = EXTERN_FUNC, .func = host}};
    m->table = imports[0].table;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct stint_module *module = native_test_module(&m->t, texts[i]);
        if (!CHECK(module != NULL) || !native_test_compile(module, masks[i]) ||
            !CHECK(native_test_instance(&m->t, module, imports) != NULL))
            return false;
    }
    m->table->elements[HOST] = (uintptr_t)host;
    return true;
}

static void close_mixed(struct mixed *m)
{
    native_test_close(&m->t);
    native_test_close(&m->other);
}

struct outcome {
    enum stint_status status;
    enum stint_trap trap;
    uint32_t value;
    uint64_t fuel;
};

static struct outcome run_script(struct mixed *m, uint64_t script, uint64_t fuel)
{
    uint64_t slots[2] = {turned(script)};
    struct outcome outcome = {.trap = STINT_TRAP_NONE};
    error_clear(&m->t.error);
    rt_fuel_set(m->t.store, fuel);
    rt_fuel_set(m->other.store, fuel);
    uint64_t before = rt_fuel_used(m->t.store);
    outcome.status = rt_call(m->t.store, table_func(m, script), slots, &m->t.error);
    outcome.fuel = rt_fuel_used(m->t.store) - before;
    if (outcome.status == STINT_OK)
        outcome.value = (uint32_t)slots[0];
    else if (outcome.status == STINT_TRAP)
        outcome.trap = m->t.error.trap;
    else if (outcome.status == STINT_EXCEPTION)
        outcome.value = gc_take_exception(m->t.store->gc) != GC_NULL;
    return outcome;
}

static uint64_t next_random(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = (*state ^ *state >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* Half of them end early, the others go deep before they meet one of THROW, TRAP and LEAF. */
static uint64_t random_script(uint64_t *state)
{
    uint64_t script = next_random(state), mix = next_random(state);
    static const uint8_t goes_on[] = {CALL, PASS, CATCH, TAIL, HOST, CATCH, HOST, PASS};
    if ((mix & 1) == 0)
        return script;
    for (unsigned i = 0; i < 15; i++) {
        unsigned digit = script >> (4 * i) & 7;
        if (i < (mix >> 8) % 16)
            script = (script & ~((uint64_t)7 << (4 * i))) | (uint64_t)goes_on[digit] << (4 * i);
    }
    return script;
}

/* Scripts that do not end do so at a limit, and that is elsewhere in machine code. */
static bool has_end(uint64_t script)
{
    for (unsigned i = 0; i < 16; i++) {
        unsigned digit = script >> (4 * i) & 7;
        if (digit == THROW || digit == TRAP || digit == LEAF)
            return true;
    }
    return false;
}

static void compare_all(const struct engine_config *config, const uint32_t masks[3],
                        bool is_through_other, uint64_t seed)
{
    static const uint32_t none[3];
    struct mixed want, got;
    uint64_t state = seed;
    bool ok = open_mixed(&want, config, none) && open_mixed(&got, config, masks);
    want.is_through_other = got.is_through_other = is_through_other;
    for (unsigned i = 0; ok && i < RUNS; i++) {
        uint64_t script = random_script(&state);
        if (!has_end(script))
            continue;
        struct outcome a = run_script(&want, script, SCRIPT_FUEL);
        struct outcome b = run_script(&got, script, SCRIPT_FUEL);
        ok = CHECK_INT(b.status, a.status) && CHECK_INT(b.trap, a.trap) &&
             CHECK_INT(b.value, a.value) && CHECK_INT(b.fuel, a.fuel);
        if (!ok)
            printf("    script %016" PRIx64 ", compiled %x %x %x: %s\n", script, masks[0],
                   masks[1], masks[2], got.t.error.message);
    }
    close_mixed(&want);
    close_mixed(&got);
}

TEST(modules_of_all_classes_in_each_combination)
{
    NEED_COMPILER();
    struct engine_config config = native_test_config(true);
    for (uint32_t which = 1; which < 8; which++) {
        uint32_t masks[3];
        for (unsigned i = 0; i < 3; i++)
            masks[i] = (which >> i & 1) != 0 ? all_funcs[i] : 0;
        compare_all(&config, masks, false, which);
    }
}

TEST(parts_of_modules)
{
    NEED_COMPILER();
    struct engine_config config = native_test_config(false);
    uint64_t state = 5;
    for (unsigned i = 0; i < 12; i++) {
        uint32_t masks[3];
        for (unsigned k = 0; k < 3; k++)
            masks[k] = (uint32_t)next_random(&state) & all_funcs[k];
        config.tier.opt_level = (uint8_t)(i % 3);
        compare_all(&config, masks, false, 100 + i);
    }
}

TEST(every_allocation_collects)
{
    NEED_COMPILER();
    struct engine_config config = native_test_config(true);
    config.gc_stress = true;
    compare_all(&config, all_funcs, false, 7);
    compare_all(&config, (const uint32_t[]){1, 2, 1}, false, 8);
}

TEST(two_stores_call_each_other)
{
    NEED_COMPILER();
    struct engine_config config = native_test_config(true);
    compare_all(&config, all_funcs, true, 9);
    compare_all(&config, (const uint32_t[]){2, 5, 2}, true, 10);
}

/* A script of these digits, over and over. */
static uint64_t endless(unsigned a, unsigned b, unsigned c, unsigned d)
{
    return UINT64_C(0x1000100010001) * (a | b << 4 | c << 8 | (uint64_t)d << 12);
}

static void check_endless(struct mixed *m)
{
    static const uint8_t digits[][4] = {
        {CALL, CALL, CALL, CALL}, {PASS, CATCH, PASS, CATCH}, {CALL, PASS, TAIL, CATCH},
        {TAIL, CALL, TAIL, TAIL}, {CALL, HOST, CALL, HOST},   {HOST, HOST, HOST, HOST},
        {TAIL, HOST, TAIL, PASS}, {CATCH, HOST, TAIL, CALL},
    };
    for (size_t i = 0; i < COUNT_OF(digits); i++) {
        uint64_t script = endless(digits[i][0], digits[i][1], digits[i][2], digits[i][3]);
        struct outcome outcome = run_script(m, script, UINT64_MAX);
        /* What comes through the other store stays in the host function that went there. */
        bool is_kept = m->is_through_other && outcome.status == STINT_OK;
        if (!CHECK(is_kept || outcome.trap == STINT_TRAP_STACK_OVERFLOW))
            printf("    script %016" PRIx64 ": %s\n", script, m->t.error.message);
        /* With failures that stay in host functions: each level goes on after the one above. */
        script |= UINT64_C(0x8000000000000000);
        outcome = run_script(m, script, SCRIPT_FUEL * 10);
        CHECK(outcome.status == STINT_OK || outcome.status == STINT_TRAP ||
              outcome.status == STINT_FUEL);
        /* The store works as before. */
        outcome = run_script(m, CATCH | CALL << 4 | TAIL << 8 | HOST << 12 | THROW << 16, 10000);
        CHECK_INT(outcome.status, STINT_OK);
        outcome = run_script(m, CALL | LEAF << 4, 10000);
        CHECK_INT(outcome.status, STINT_OK);
        CHECK_INT(outcome.value, 16);
    }
}

TEST(endless_recursion_through_all_engines_ends_in_a_trap)
{
    static const uint32_t masks[][3] = {{15, 15, 3}, {1, 1, 1}, {2, 4, 2}, {0, 15, 0}, {15, 0, 3}};
    NEED_COMPILER();
    for (int is_strict = 0; is_strict < 2; is_strict++) {
        struct engine_config config = native_test_config(is_strict != 0);
        for (size_t i = 0; i < COUNT_OF(masks); i++) {
            struct mixed m;
            if (open_mixed(&m, &config, masks[i])) {
                check_endless(&m);
                m.is_through_other = true;
                check_endless(&m);
            }
            close_mixed(&m);
        }
    }
}

TEST(endless_tail_calls_end_with_the_fuel)
{
    static const uint32_t masks[][3] = {{0, 0, 3}, {0, 0, 1}, {0, 0, 2}};
    NEED_COMPILER();
    struct engine_config config = native_test_config(true);
    for (size_t i = 0; i < COUNT_OF(masks); i++) {
        struct mixed m;
        if (open_mixed(&m, &config, masks[i])) {
            struct outcome outcome = run_script(&m, endless(TAIL, TAIL, TAIL, TAIL), 1000000);
            CHECK_INT(outcome.status, STINT_FUEL);
        }
        close_mixed(&m);
    }
}

CHECK_MAIN
