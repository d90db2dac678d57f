/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host functions of few numbers, which guests call with words (runtime/store.h), and of a few more,
 * which they do not: each type, interpreted and compiled, and each way that a host function ends.
 */
#include "check.h"

#include "stint.h"

enum { SHAPE_PARAMS_MAX = 5 };

/* i i32, l i64, f f32, d f64. */
static const struct shape {
    const char *params;
    char result; /* or '-' */
} shapes[] = {
    {"", '-'},     {"", 'l'},     {"i", 'i'},    {"l", 'l'},     {"f", 'f'},     {"d", 'd'},
    {"li", 'f'},   {"df", 'i'},   {"iii", 'd'},  {"fdl", 'l'},   {"il", '-'},    {"idlf", 'l'},
    {"ffff", 'f'}, {"dddd", 'd'}, {"llli", 'i'}, {"ilfdi", 'l'}, {"ddddd", '-'},
};
enum { SHAPE_COUNT = sizeof(shapes) / sizeof(shapes[0]) };

static stint_engine *engine;
static stint_linker *linker;
static stint_store *store;
static stint_instance *instance;
static struct stint_error error;
static double seen; /* the sum of the arguments of the last call */

static stint_valtype type_of(char letter)
{
    return letter == 'i'   ? STINT_TYPE_I32
           : letter == 'l' ? STINT_TYPE_I64
           : letter == 'f' ? STINT_TYPE_F32
                           : STINT_TYPE_F64;
}

static const char *name_of(char letter)
{
    return letter == 'i' ? "i32" : letter == 'l' ? "i64" : letter == 'f' ? "f32" : "f64";
}

static stint_value value_of(char letter, double number)
{
    return letter == 'i'   ? stint_i32((int32_t)number)
           : letter == 'l' ? stint_i64((int64_t)number)
           : letter == 'f' ? stint_f32((float)number)
                           : stint_f64(number);
}

static double number_of(const stint_value *value)
{
    switch (value->kind) {
    case STINT_KIND_I32:
        return value->of.i32;
    case STINT_KIND_I64:
        return (double)value->of.i64;
    case STINT_KIND_F32:
        return (double)value->of.f32;
    default:
        return value->of.f64;
    }
}

/* Takes its arguments' sum, and gives it back with the sign turned. */
static enum stint_status sum(stint_call *call, void *env, const stint_value *args,
                             stint_value *ret_results)
{
    const struct shape *shape = env;
    CHECK(stint_call_store(call) == store);
    CHECK(stint_call_instance(call) == instance || instance == NULL);
    seen = 0;
    for (size_t i = 0; shape->params[i] != 0; i++)
        seen = seen * 3 + number_of(&args[i]);
    if (shape->result != '-')
        ret_results[0] = value_of(shape->result, -seen);
    return STINT_OK;
}

/* The same by words; what is beyond 32 bits in an i32 or f32 must not matter. */
static struct stint_word sum_words(stint_call *call, void *env, uint64_t a, uint64_t b, uint64_t c,
                                   uint64_t d)
{
    const struct shape *shape = env;
    const uint64_t words[] = {a, b, c, d};
    stint_value args[SHAPE_PARAMS_MAX], result = {.of.i64 = 0};
    for (size_t i = 0; shape->params[i] != 0; i++) {
        args[i] = value_of(shape->params[i], 0);
        args[i].of.i64 = (int64_t)words[i];
    }
    enum stint_status status = sum(call, env, args, &result);
    uint64_t word = (uint64_t)result.of.i64;
    if (shape->result == 'i' || shape->result == 'f')
        word = (uint32_t)word | UINT64_C(0xabcd) << 40;
    return (struct stint_word){word, status};
}

static bool begin(enum stint_tier tier, bool has_fuel)
{
    stint_config *config = stint_config_new();
    memset(&error, 0, sizeof(error));
    engine = NULL;
    linker = NULL;
    store = NULL;
    instance = NULL;
    enum stint_status status = stint_config_set_tier(config, tier);
    stint_config_set_opt_level(config, 1);
    stint_config_set_cache(config, false);
    if (has_fuel)
        stint_config_set_metering(config, true);
    if (status == STINT_OK)
        status = stint_engine_new(config, &engine, &error);
    stint_config_free(config);
    return status == STINT_OK && stint_linker_new(engine, &linker, &error) == STINT_OK &&
           stint_store_new(engine, NULL, &store, &error) == STINT_OK;
}

static void end(void)
{
    stint_store_free(store);
    stint_linker_free(linker);
    stint_engine_release(engine);
}

static bool open(const char *text)
{
    stint_module *module;
    if (stint_module_new_from_text(engine, text, strlen(text), &module, &error) != STINT_OK)
        return false;
    enum stint_status status = stint_linker_instantiate(linker, store, module, &instance, &error);
    stint_module_release(module);
    return status == STINT_OK;
}

static bool define(const char *name, const struct shape *shape, stint_host_fn fn,
                   stint_word_fn word_fn)
{
    stint_valtype params[SHAPE_PARAMS_MAX], result = type_of(shape->result);
    struct stint_func_type type = {params, strlen(shape->params), &result, shape->result != '-'};
    for (size_t i = 0; i < type.param_count; i++)
        params[i] = type_of(shape->params[i]);
    if (word_fn != NULL && type.param_count < SHAPE_PARAMS_MAX)
        return stint_linker_define_word_func(linker, "h", name, &type, word_fn,
                                             (void *)(uintptr_t)shape, NULL, &error) == STINT_OK;
    return stint_linker_define_func(linker, "h", name, &type, fn, (void *)(uintptr_t)shape, NULL,
                                    &error) == STINT_OK;
}

/* A module of functions f0, f1, … that hand their arguments on to h.f0, h.f1, … */
static void write_text(char *text, size_t size)
{
    size_t at = (size_t)snprintf(text, size, "(module");
    for (size_t pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < SHAPE_COUNT; i++) {
            const struct shape *shape = &shapes[i];
            at += (size_t)snprintf(text + at, size - at,
                                   pass == 0 ? " (import \"h\" \"f%zu\" (func $h%zu (param"
                                             : " (func (export \"f%zu\") (param",
                                   i, i);
            for (const char *p = shape->params; *p != 0; p++)
                at += (size_t)snprintf(text + at, size - at, " %s", name_of(*p));
            at += (size_t)snprintf(text + at, size - at, ")");
            if (shape->result != '-')
                at +=
                    (size_t)snprintf(text + at, size - at, " (result %s)", name_of(shape->result));
            if (pass == 0) {
                at += (size_t)snprintf(text + at, size - at, "))");
                continue;
            }
            for (size_t p = 0; shape->params[p] != 0; p++)
                at += (size_t)snprintf(text + at, size - at, " (local.get %zu)", p);
            at += (size_t)snprintf(text + at, size - at, " (call $h%zu))", i);
        }
    }
    snprintf(text + at, size - at, ")");
}

static void check_shape(size_t i)
{
    const struct shape *shape = &shapes[i];
    static const double numbers[SHAPE_PARAMS_MAX] = {-5, 1 << 20, 77, -3, 4095};
    stint_value args[SHAPE_PARAMS_MAX], result = stint_i32(0);
    size_t count = strlen(shape->params);
    double want = 0;
    char name[16];
    snprintf(name, sizeof(name), "f%zu", i);
    for (size_t p = 0; p < count; p++) {
        args[p] = value_of(shape->params[p], numbers[p]);
        want = want * 3 + numbers[p];
    }
    seen = -1;
    CHECK(stint_func_call(store, stint_instance_func(instance, name), args, count, &result,
                          shape->result != '-', &error) == STINT_OK);
    CHECK(seen == want);
    if (shape->result == '-')
        return;
    CHECK(number_of(&result) == -want);
}

static void check_shapes(enum stint_tier tier, bool has_fuel, stint_word_fn word_fn)
{
    static char text[8192];
    write_text(text, sizeof(text));
    bool ok = begin(tier, has_fuel);
    for (size_t i = 0; ok && i < SHAPE_COUNT; i++) {
        char name[16];
        snprintf(name, sizeof(name), "f%zu", i);
        ok = define(name, &shapes[i], sum, word_fn);
    }
    ok = ok && open(text);
    for (size_t i = 0; ok && i < SHAPE_COUNT; i++)
        check_shape(i);
    static char reason[256];
    snprintf(reason, sizeof(reason), "%s", error.message);
    end();
    if (!ok && tier == STINT_TIER_INTERP)
        CHECK_STR(reason, "");
    else if (!ok)
        SKIP(reason);
}

TEST(each_type_is_handed_on_by_the_interpreter)
{
    check_shapes(STINT_TIER_INTERP, false, NULL);
    check_shapes(STINT_TIER_INTERP, true, NULL);
    check_shapes(STINT_TIER_INTERP, false, sum_words);
}

TEST(each_type_is_handed_on_by_machine_code)
{
    check_shapes(STINT_TIER_AOT, false, NULL);
}

TEST(each_type_is_handed_on_by_machine_code_as_words)
{
    check_shapes(STINT_TIER_AOT, false, sum_words);
}

static struct stint_word fail(stint_call *call, void *env, uint64_t a, uint64_t b, uint64_t c,
                              uint64_t d)
{
    (void)env;
    (void)b;
    (void)c;
    (void)d;
    return (struct stint_word){7, (uint32_t)a == 0 ? stint_call_trap(call, "no more")
                                                   : STINT_EXCEPTION};
}

TEST(functions_of_words_fail_too)
{
    static const stint_valtype types[] = {STINT_TYPE_I32, STINT_TYPE_V128};
    static const struct stint_func_type vector = {types, 2, NULL, 0}, two = {NULL, 0, types, 2};
    REQUIRE(begin(STINT_TIER_INTERP, false));
    CHECK(stint_linker_define_word_func(linker, "h", "g", &vector, fail, NULL, NULL, &error) ==
          STINT_ARGUMENT);
    CHECK_STR(error.message, "only functions of at most 4 numbers and one result take words");
    CHECK(stint_linker_define_word_func(linker, "h", "g", &two, fail, NULL, NULL, NULL) ==
          STINT_ARGUMENT);
    memset(&error, 0, sizeof(error));
    REQUIRE(define("f", &(struct shape){"i", 'i'}, NULL, fail));
    REQUIRE(open("(module (import \"h\" \"f\" (func $h (param i32) (result i32)))"
                 " (export \"h\" (func $h))"
                 " (func (export \"f\") (param i32) (result i32) (call $h (local.get 0))))"));
    for (int i = 0; i < 4; i++) {
        stint_value arg = stint_i32(i & 1), result = stint_i32(5);
        memset(&error, 0, sizeof(error));
        CHECK(stint_func_call(store, stint_instance_func(instance, i < 2 ? "f" : "h"), &arg, 1,
                              &result, 1, &error) == STINT_TRAP);
        CHECK_STR(error.message, (i & 1) == 0 ? "no more" : "host function failed");
        CHECK_INT(result.of.i32, 5);
    }
    end();
}

/* ---- Ends ------------------------------------------------------------------------------- */

static const struct shape one = {"i", 'i'};

static enum stint_status misbehave(stint_call *call, void *env, const stint_value *args,
                                   stint_value *ret_results)
{
    stint_value arg = stint_i32(100), result;
    (void)env;
    switch (args[0].of.i32) {
    case 0:
        return stint_call_trap(call, "the sensor is on fire");
    case 1:
        return stint_call_exit(call, 42);
    case 2:
        ret_results[0] = stint_f32(1);
        return STINT_OK;
    case 3:
        return STINT_IO;
    case 4:
        return STINT_EXCEPTION; /* there is none */
    case 5:                     /* a failure that is dealt with here */
        CHECK(stint_func_call(store, stint_instance_func(instance, "trap"), &arg, 1, &result, 1,
                              NULL) == STINT_TRAP);
        ret_results[0] = stint_i32(55);
        return STINT_OK;
    case 6: /* the guest's failure, handed on */
        return stint_func_call(store, stint_instance_func(instance, "trap"), &arg, 1, &result, 1,
                               NULL);
    default:
        ret_results[0] = stint_i32(args[0].of.i32 + 1);
        return STINT_OK;
    }
}

static void check_ends(enum stint_tier tier)
{
    static const struct {
        enum stint_status status;
        int value;
        const char *message;
    } wanted[] = {
        {STINT_TRAP, 0, "the sensor is on fire"},
        {STINT_EXIT, 0, "the guest exited with 42"},
        {STINT_TRAP, 0, "the host function's result 1 is of kind f32, not i32"},
        {STINT_IO, 0, "host function failed: input or output failed"},
        {STINT_TRAP, 0, "host function failed"},
        {STINT_OK, 56, ""},
        {STINT_TRAP, 0, "host function failed"},
        {STINT_OK, 9, ""},
    };
    bool ok = begin(tier, false) && define("f", &one, misbehave, NULL) &&
              open("(module (import \"h\" \"f\" (func $h (param i32) (result i32)))"
                   " (func (export \"trap\") (param i32) (result i32) unreachable)"
                   " (func (export \"f\") (param i32) (result i32)"
                   "  (i32.add (call $h (local.get 0)) (i32.const 1))))");
    for (int i = 0; ok && i < (int)(sizeof(wanted) / sizeof(wanted[0])); i++) {
        stint_value arg = stint_i32(i), result = stint_i32(0);
        memset(&error, 0, sizeof(error));
        CHECK(stint_func_call(store, stint_instance_func(instance, "f"), &arg, 1, &result, 1,
                              &error) == wanted[i].status);
        CHECK_STR(error.message, wanted[i].message);
        CHECK_INT(result.of.i32, wanted[i].value);
    }
    static char reason[256];
    snprintf(reason, sizeof(reason), "%s", error.message);
    end();
    if (!ok && tier == STINT_TIER_INTERP)
        CHECK_STR(reason, "");
    else if (!ok)
        SKIP(reason);
}

TEST(interpreted_guests_meet_each_end)
{
    check_ends(STINT_TIER_INTERP);
}

TEST(compiled_guests_meet_each_end)
{
    check_ends(STINT_TIER_AOT);
}

/* Two ways up and down until the stack is full; then the store is used on. */
static enum stint_status again(stint_call *call, void *env, const stint_value *args,
                               stint_value *ret_results)
{
    (void)env;
    return stint_func_call(stint_call_store(call), stint_instance_func(instance, "f"), args, 1,
                           ret_results, 1, NULL);
}

static void check_recursion(enum stint_tier tier)
{
    bool ok = begin(tier, false) && define("f", &one, again, NULL) &&
              open("(module (import \"h\" \"f\" (func $h (param i32) (result i32)))"
                   " (func (export \"f\") (param i32) (result i32)"
                   "  (if (i32.eqz (local.get 0)) (then (return (i32.const 7))))"
                   "  (i32.add (call $h (i32.sub (local.get 0) (i32.const 1))) (i32.const 1))))");
    for (int i = 0; ok && i < 3; i++) {
        stint_value arg = stint_i32(i == 1 ? 10000000 : 20), result = stint_i32(0);
        enum stint_status status =
            stint_func_call(store, stint_instance_func(instance, "f"), &arg, 1, &result, 1, &error);
        CHECK(status == (i == 1 ? STINT_TRAP : STINT_OK));
        CHECK_INT(result.of.i32, i == 1 ? 0 : 27);
    }
    static char reason[256];
    snprintf(reason, sizeof(reason), "%s", error.message);
    end();
    if (!ok && tier != STINT_TIER_INTERP)
        SKIP(reason);
}

TEST(host_and_guest_call_each_other_until_the_stack_is_full)
{
    check_recursion(STINT_TIER_INTERP);
    check_recursion(STINT_TIER_AOT);
}

CHECK_MAIN
