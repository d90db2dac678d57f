/* SPDX-License-Identifier: Apache-2.0 */
/* Components at run time: calls, malformed memory, imports, handles, memory that runs out. */
#include "check.h"

#include "component/plan_int.h"
#include "component_make.h"
#include "interp/interp.h"

static struct stint_engine *engine;
static struct stint_store *store;
static struct stint_error error;
static struct arena arena;

static void begin(void)
{
    struct engine_config config = engine_config_default();
    struct store_limits limits = store_limits_default();
    error_clear(&error);
    arena_init(&arena, &alloc_root);
    engine = NULL;
    store = NULL;
    CHECK_INT(engine_create(&config, &interp_ops, &engine), STINT_OK);
    CHECK_INT(store_create(engine, &limits, &store), STINT_OK);
}

static void end(void)
{
    store_free(store);
    engine_release(engine);
    arena_free(&arena);
}

static struct plan *plan_of(struct buf *bytes)
{
    struct component_file *file = NULL;
    struct plan *plan = NULL;
    enum stint_status status =
        component_create(engine, bytes->data, bytes->bytes, false, &file, &error);
    if (status == STINT_OK)
        status = plan_create(file, &plan, &error);
    if (status != STINT_OK)
        printf("    %s\n", error.message);
    CHECK_INT(status, STINT_OK);
    component_release(file);
    buf_free(bytes);
    return plan;
}

static struct component_instance *instance_of(struct plan *plan)
{
    struct component_instance *instance = NULL;
    if (plan == NULL)
        return NULL;
    CHECK_INT(component_instantiate(store, plan, NULL, 0, &instance, &error), STINT_OK);
    return instance;
}

static enum stint_status call(struct component_instance *instance, const char *name,
                              const struct cvalue *args, struct cvalue *ret_result)
{
    const struct plan_export *export = plan_find(component_instance_plan(instance), NULL, name);
    error_clear(&error);
    if (export == NULL)
        return STINT_NOT_FOUND;
    return component_call(instance, export, args, &arena, ret_result, &error);
}

static struct cvalue u32(uint32_t value)
{
    return (struct cvalue){.type = ctype_primitive(CTYPE_U32), .u = value};
}

static struct cvalue text(const char *value)
{
    return (struct cvalue){.type = ctype_primitive(CTYPE_STRING),
                           .string = {value, (uint32_t)strlen(value)}};
}

/* ---- A component that gives back what it is told -------------------------------------------- */

static const char echo_text[] =
    "(module (memory (export \"m\") 1) (global $next (mut i32) (i32.const 1024))"
    " (func (export \"realloc\") (param i32 i32 i32 i32) (result i32) (local $p i32)"
    "  (local.set $p (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))"
    "  (global.set $next (i32.add (local.get $p) (local.get 3)))"
    "  (memory.copy (local.get $p) (local.get 0)"
    "   (select (local.get 1) (local.get 3) (i32.lt_u (local.get 1) (local.get 3))))"
    "  (local.get $p))"
    " (func (export \"echo\") (param i32 i32) (result i32)"
    "  (i32.store (i32.const 16) (local.get 0)) (i32.store (i32.const 20) (local.get 1))"
    "  (i32.const 16))"
    " (func (export \"at\") (param i32) (result i32)"
    "  (i32.store (i32.const 16) (i32.const 7)) (i32.store8 (i32.const 20) (i32.const 3))"
    "  (local.get 0))"
    " (func (export \"same\") (param i32) (result i32) (local.get 0))"
    " (func (export \"trap\") unreachable)"
    " (func (export \"done\") (param i32)"
    "  (global.set $next (i32.const 1024))))";

/*
 * Types: 0 string -> string, 1 (u32, u32) -> string, 2 option<u8>, 3 u32 -> option<u8>, 4 u32 -> char,
 * 5 func(), 6 list<u8>, 7 list<u8> -> list<u8>, 8 u32 -> string, 9 (u32, u32) -> list<u8>,
 * 10 list<string>, 11 (u32, u32) -> list<string>, 12 u32 -> bool.
 */
static struct buf echo_bytes(char encoding)
{
    struct buf out;
    char options[] = {3, encoding, 3, 0, 4, 0};
    make_begin(&out, &alloc_root);
    make_module(&out, echo_text);
    make_core_instance(&out, 0, NULL, 0);
    make_func_type(&out, "\x73", 0x73);
    make_func_type(&out, "\x79\x79", 0x73);
    MAKE_RAW(&out, MAKE_TYPE, "\x6b\x7d");
    make_func_type(&out, "\x79", 2);
    make_func_type(&out, "\x79", 0x74);
    make_func_type(&out, "", 0);
    MAKE_RAW(&out, MAKE_TYPE, "\x70\x7d");
    make_func_type(&out, "\x06", 6);
    make_func_type(&out, "\x79", 0x73);
    make_func_type(&out, "\x79\x79", 6);
    MAKE_RAW(&out, MAKE_TYPE, "\x70\x73");
    make_func_type(&out, "\x79\x79", 10);
    make_func_type(&out, "\x79", 0x7f);
    make_core_alias(&out, CORE_SORT_MEMORY, 0, "m");
    make_core_alias(&out, CORE_SORT_FUNC, 0, "realloc");
    make_core_alias(&out, CORE_SORT_FUNC, 0, "echo");
    make_core_alias(&out, CORE_SORT_FUNC, 0, "at");
    make_core_alias(&out, CORE_SORT_FUNC, 0, "same");
    make_core_alias(&out, CORE_SORT_FUNC, 0, "trap");
    static const struct {
        const char *name;
        uint8_t core, type;
    } lifts[] = {{"echo", 1, 0},      {"raw", 1, 1},       {"option-at", 2, 3},
                 {"char-of", 3, 4},   {"trap", 4, 5},      {"bytes", 1, 7},
                 {"string-at", 2, 8}, {"raw-bytes", 1, 9}, {"raw-strings", 1, 11},
                 {"bool-of", 3, 12}};
    for (uint8_t i = 0; i < sizeof(lifts) / sizeof(lifts[0]); i++)
        make_canon(&out, "\0\0", lifts[i].core, options, sizeof(options), lifts[i].type);
    /* Each export adds a function behind the lifted ones. */
    for (uint8_t i = 0; i < sizeof(lifts) / sizeof(lifts[0]); i++)
        make_export(&out, lifts[i].name, MAKE_SORT_FUNC, i);
    return out;
}

static struct plan *echo_plan(char encoding)
{
    struct buf bytes = echo_bytes(encoding);
    return plan_of(&bytes);
}

static void check_echo(struct component_instance *instance, const char *value)
{
    struct cvalue argument = text(value), result = {0};
    CHECK_INT(call(instance, "echo", &argument, &result), STINT_OK);
    REQUIRE(result.type != NULL);
    CHECK_STR(result.string.text, value);
    CHECK(cvalue_equal(&argument, &result));
}

TEST(strings_come_back_in_every_encoding)
{
    begin();
    for (char encoding = 0; encoding < 3; encoding++) {
        struct plan *plan = echo_plan(encoding);
        struct component_instance *instance = instance_of(plan);
        REQUIRE(instance != NULL);
        check_echo(instance, "");
        check_echo(instance, "plain");
        check_echo(instance, "na\xc3\xafve \xc3\xbf");
        check_echo(instance, "long ascii, then \xe2\x98\x83 and \xf0\x9f\x98\x80");
        check_echo(instance, "\xf0\x9f\x98\x80");
        component_instance_free(instance);
        plan_release(plan);
    }
    end();
}

TEST(bytes_come_back)
{
    begin();
    struct plan *plan = echo_plan(0);
    struct component_instance *instance = instance_of(plan);
    REQUIRE(instance != NULL);
    const struct plan_export *export = plan_find(plan, NULL, "bytes");
    REQUIRE(export != NULL);
    struct cvalue argument = {.type = export->func->params[0].type}, result = {0};
    argument.blob.bytes = (const uint8_t *)"\0\1\2\377";
    argument.blob.size_bytes = 4;
    CHECK_INT(call(instance, "bytes", &argument, &result), STINT_OK);
    CHECK(cvalue_equal(&argument, &result));
    argument.blob.size_bytes = 0;
    CHECK_INT(call(instance, "bytes", &argument, &result), STINT_OK);
    CHECK_INT(result.blob.size_bytes, 0);
    component_instance_free(instance);
    plan_release(plan);
    end();
}

/* ---- What a guest may do wrong --------------------------------------------------------------- */

static void check_trap(struct plan *plan, const char *name, uint32_t a, uint32_t b,
                       const char *message)
{
    struct component_instance *instance = instance_of(plan);
    struct cvalue args[2] = {u32(a), u32(b)}, result = {0};
    REQUIRE(instance != NULL);
    CHECK_INT(call(instance, name, args, &result), STINT_TRAP);
    CHECK_STR(error.message, message);
    CHECK(result.type == NULL);
    /* It is not entered again. */
    CHECK_INT(call(instance, name, args, &result), STINT_TRAP);
    CHECK_STR(error.message, "cannot enter component instance");
    component_instance_free(instance);
}

TEST(malformed_memory_traps)
{
    static const char outside[] = "string pointer/length out of bounds of memory";
    static const char list_outside[] = "list pointer/length out of bounds of memory";
    begin();
    struct plan *utf8 = echo_plan(0), *utf16 = echo_plan(1), *latin1 = echo_plan(2);
    REQUIRE(utf8 != NULL && utf16 != NULL && latin1 != NULL);
    check_trap(utf8, "raw", 65536, 1, outside);
    check_trap(utf8, "raw", 65530, 7, outside);
    check_trap(utf8, "raw", 0xffffffff, 0xffffffff, outside);
    check_trap(utf8, "raw", 0, 1 << 28, outside);
    check_trap(utf16, "raw", 1, 0, "unaligned pointer");
    check_trap(utf16, "raw", 65534, 2, outside);
    check_trap(utf16, "raw", 0, 0x80000000, outside);
    check_trap(latin1, "raw", 3, 1, "unaligned pointer");
    check_trap(latin1, "raw", 65534, 0x80000002, outside);
    check_trap(utf8, "raw-bytes", 65536, 1, list_outside);
    check_trap(utf8, "raw-strings", 2, 1, "unaligned pointer");
    check_trap(utf8, "raw-strings", 0, 0x20000000, list_outside);
    check_trap(utf8, "raw-strings", 65532, 1, list_outside);
    check_trap(utf8, "string-at", 65532, 0, "pointer out of bounds of memory");
    check_trap(utf8, "string-at", 0xfffffffc, 0, "pointer out of bounds of memory");
    check_trap(utf8, "string-at", 18, 0, "unaligned pointer");
    check_trap(utf8, "option-at", 20, 0, "invalid variant discriminant");
    check_trap(utf8, "option-at", 65535, 0, "pointer out of bounds of memory");
    check_trap(utf8, "char-of", 0xd800, 0, "invalid `char` bit pattern");
    check_trap(utf8, "char-of", 0x110000, 0, "invalid `char` bit pattern");
    check_trap(utf8, "trap", 0, 0, "unreachable");
    plan_release(utf8);
    plan_release(utf16);
    plan_release(latin1);
    end();
}

TEST(scalars_are_taken_as_the_specification_says)
{
    begin();
    struct plan *plan = echo_plan(0);
    struct component_instance *instance = instance_of(plan);
    struct cvalue argument = u32(256), result = {0};
    REQUIRE(instance != NULL);
    CHECK_INT(call(instance, "bool-of", &argument, &result), STINT_OK);
    CHECK(result.boolean);
    argument = u32(0x1f600);
    CHECK_INT(call(instance, "char-of", &argument, &result), STINT_OK);
    CHECK_INT(result.u, 0x1f600);
    /* Byte 3 at 20 is no case; byte 0 at 24 is `none`. */
    argument = u32(24);
    CHECK_INT(call(instance, "option-at", &argument, &result), STINT_OK);
    CHECK_INT(result.variant.index, 0);
    CHECK(result.variant.payload == NULL);
    component_instance_free(instance);
    plan_release(plan);
    end();
}

TEST(wrong_arguments_are_the_hosts_fault)
{
    begin();
    struct plan *plan = echo_plan(0);
    struct component_instance *instance = instance_of(plan);
    REQUIRE(instance != NULL);
    struct cvalue argument = u32(1), result = {0};
    CHECK_INT(call(instance, "echo", &argument, &result), STINT_ARGUMENT);
    argument = text("\xff");
    CHECK_INT(call(instance, "echo", &argument, &result), STINT_ARGUMENT);
    CHECK_STR(error.message, "value of type string: is not UTF-8");
    argument.string = (struct wasm_name){"", CTYPE_SIZE_MAX + 1};
    CHECK_INT(call(instance, "echo", &argument, &result), STINT_ARGUMENT);
    /* The guest did not run, so it still can. */
    check_echo(instance, "still here");
    component_instance_free(instance);
    plan_release(plan);
    end();
}

/* ---- Imports ----------------------------------------------------------------------------- */

enum { NO_OFFER, OFFER_WRONG_TYPE, OFFER_ALL };

struct offer {
    int kind;
    const struct resource_type *resource;
    int made, dropped;
};

static enum stint_status make_r(struct host_component_call *call_of, uint64_t *slots)
{
    struct offer *offer = call_of->env;
    uint32_t index = 0;
    enum stint_status status =
        handle_add(call_of->guest->handles, offer->resource, (uint32_t)(100 + offer->made++), NULL,
                   &index, call_of->error);
    slots[0] = index;
    return status;
}

static enum stint_status drop_r(void *env, uint32_t rep, struct stint_error *ret_error)
{
    struct offer *offer = env;
    (void)ret_error;
    CHECK(rep >= 100);
    offer->dropped++;
    return STINT_OK;
}

static enum stint_status resolve(void *context, struct wasm_name interface, struct wasm_name name,
                                 struct host_item *ret_item, struct stint_error *ret_error)
{
    struct offer *offer = context;
    (void)interface;
    (void)ret_error;
    if (offer->kind == NO_OFFER)
        return STINT_NOT_FOUND;
    if (name.bytes == 1)
        *ret_item = (struct host_item){.resource = offer->resource};
    else
        *ret_item = (struct host_item){
            .function = make_r, .signature = offer->kind == OFFER_ALL ? ":i" : "i:i", .env = offer};
    return STINT_OK;
}

static void suggest(void *context, struct wasm_name interface, struct wasm_name name,
                    char *ret_text, size_t size)
{
    (void)context;
    (void)interface;
    snprintf(ret_text, size, name.bytes == 1 ? "" : "make-s");
}

/* Imports a resource r and make-r: func() -> own<r>; exports keep: func(), give: func() -> own<r>. */
static struct plan *importer_plan(void)
{
    static const char *const names[] = {"make"};
    struct buf out;
    make_begin(&out, &alloc_root);
    MAKE_RAW(&out, MAKE_IMPORT, "\x00\x01r\x03\x01");
    MAKE_RAW(&out, MAKE_TYPE, "\x69\x00");
    make_func_type(&out, "", 1);
    make_func_type(&out, "", 0);
    make_import_func(&out, "make-r", 2);
    MAKE_LOWER(&out, 0, "\x00");
    make_core_exports(&out, names, 0, 1);
    make_module(&out, "(module (import \"e\" \"make\" (func $make (result i32)))"
                      " (func (export \"keep\") (drop (call $make)))"
                      " (func (export \"give\") (result i32) (call $make))"
                      " (func (export \"bad\") (result i32) (i32.const 9)))");
    make_core_instance(&out, 0, "e", 0);
    make_core_alias(&out, CORE_SORT_FUNC, 1, "keep");
    make_core_alias(&out, CORE_SORT_FUNC, 1, "give");
    make_core_alias(&out, CORE_SORT_FUNC, 1, "bad");
    MAKE_LIFT(&out, 1, "\x00", 3);
    MAKE_LIFT(&out, 2, "\x00", 2);
    MAKE_LIFT(&out, 3, "\x00", 2);
    make_export(&out, "keep", MAKE_SORT_FUNC, 1);
    make_export(&out, "give", MAKE_SORT_FUNC, 2);
    make_export(&out, "bad", MAKE_SORT_FUNC, 3);
    return plan_of(&out);
}

TEST(missing_imports_are_listed)
{
    begin();
    struct offer offer = {.kind = NO_OFFER};
    struct host_resolver resolver = {.resolve = resolve, .context = &offer};
    struct component_instance *instance = NULL;
    struct plan *plan = importer_plan();
    REQUIRE(plan != NULL);
    CHECK_INT(component_instantiate(store, plan, NULL, 0, &instance, &error), STINT_UNLINKABLE);
    CHECK_STR(error.message, "2 imports are not met: r, make-r");
    error_clear(&error);
    resolver.suggest = suggest;
    CHECK_INT(component_instantiate(store, plan, &resolver, 1, &instance, &error),
              STINT_UNLINKABLE);
    CHECK_STR(error.message, "2 imports are not met: r, make-r (nearest: make-s)");
    error_clear(&error);
    struct resource_type type = {.name = "r"};
    offer.kind = OFFER_WRONG_TYPE;
    offer.resource = &type;
    CHECK_INT(component_instantiate(store, plan, &resolver, 1, &instance, &error),
              STINT_UNLINKABLE);
    CHECK_STR(error.message, "1 import is not met: make-r (its type is :i, the host's is i:i)");
    CHECK(instance == NULL);
    struct buf lines;
    buf_init(&lines, &alloc_root, SIZE_MAX);
    CHECK_INT(plan_missing(plan, NULL, 0, &lines), STINT_OK);
    buf_append_byte(&lines, 0);
    CHECK_STR((const char *)lines.data, "r\nmake-r\n");
    buf_free(&lines);
    plan_release(plan);
    end();
}

TEST(handles_pass_and_go)
{
    begin();
    struct offer offer = {.kind = OFFER_ALL};
    struct resource_type type = {.name = "r", .drop = drop_r, .env = &offer};
    struct host_resolver resolver = {.resolve = resolve, .context = &offer};
    struct component_instance *instance = NULL;
    struct cvalue result = {0};
    struct plan *plan = importer_plan();
    REQUIRE(plan != NULL);
    offer.resource = &type;
    CHECK_INT(component_instantiate(store, plan, &resolver, 1, &instance, &error), STINT_OK);
    REQUIRE(instance != NULL);
    CHECK_INT(call(instance, "keep", NULL, NULL), STINT_OK);
    CHECK_INT(call(instance, "give", NULL, &result), STINT_OK);
    CHECK(result.handle.type == &type);
    CHECK_INT(result.handle.rep, 101);
    CHECK_INT(component_drop(instance, result.handle.type, result.handle.rep, &error), STINT_OK);
    CHECK_INT(offer.dropped, 1);
    CHECK_INT(call(instance, "bad", NULL, &result), STINT_TRAP);
    CHECK_STR(error.message, "unknown handle index 9");
    component_instance_free(instance);
    CHECK_INT(offer.dropped, 2);
    plan_release(plan);
    end();
}

/* ---- Composition ------------------------------------------------------------------------- */

/* Imports and exports echo: func(string) -> string. */
static struct buf wrapper_bytes(const char *options, size_t option_bytes)
{
    static const char *const names[] = {"echo"};
    struct buf out;
    make_begin(&out, &alloc_root);
    make_func_type(&out, "\x73", 0x73);
    make_import_func(&out, "echo", 0);
    make_module(&out, "(module (memory (export \"m\") 1)"
                      " (global $next (mut i32) (i32.const 1024))"
                      " (func (export \"realloc\") (param i32 i32 i32 i32) (result i32)"
                      "  (global.set $next (i32.add (global.get $next) (i32.const 4096)))"
                      "  (memory.copy (global.get $next) (local.get 0) (select (local.get 1)"
                      "   (local.get 3) (i32.lt_u (local.get 1) (local.get 3))))"
                      "  (global.get $next)))");
    make_core_instance(&out, 0, NULL, 0);
    make_core_alias(&out, CORE_SORT_MEMORY, 0, "m");
    make_core_alias(&out, CORE_SORT_FUNC, 0, "realloc");
    make_canon(&out, "\x01\x00", 0, options, option_bytes, -1);
    make_core_exports(&out, names, 1, 1);
    make_module(&out, "(module (import \"e\" \"echo\" (func $echo (param i32 i32 i32)))"
                      " (func (export \"echo\") (param i32 i32) (result i32)"
                      "  (call $echo (local.get 0) (local.get 1) (i32.const 64))"
                      "  (i32.const 64)))");
    make_core_instance(&out, 1, "e", 1);
    make_core_alias(&out, CORE_SORT_FUNC, 2, "echo");
    make_canon(&out, "\x00\x00", 2, options, option_bytes, 0);
    make_export(&out, "echo", MAKE_SORT_FUNC, 1);
    return out;
}

TEST(components_meet_each_others_imports)
{
    begin();
    for (char from = 0; from < 3; from++) {
        for (char to = 0; to < 3; to++) {
            const char options[] = {3, from, 3, 0, 4, 0};
            struct buf outer = wrapper_bytes(options, sizeof(options)), inner = echo_bytes(to);
            struct component_file *wrapper = NULL, *echo = NULL;
            struct plan *plan = NULL;
            CHECK_INT(component_create(engine, outer.data, outer.bytes, false, &wrapper, &error),
                      STINT_OK);
            CHECK_INT(component_create(engine, inner.data, inner.bytes, false, &echo, &error),
                      STINT_OK);
            REQUIRE(wrapper != NULL && echo != NULL);
            struct plan_with with = {.name = "echo", .file = echo};
            CHECK_INT(plan_compose(wrapper, &with, 1, &plan, &error), STINT_OK);
            struct component_instance *instance = instance_of(plan);
            REQUIRE(instance != NULL);
            check_echo(instance, "");
            check_echo(instance, "plain");
            check_echo(instance, "\xc3\xbf and then \xe2\x98\x83, \xf0\x9f\x98\x80");
            check_echo(instance, "na\xc3\xafve");
            component_instance_free(instance);
            plan_release(plan);
            component_release(wrapper);
            component_release(echo);
            buf_free(&outer);
            buf_free(&inner);
        }
    }
    end();
}

static bool matches(const char *wanted, const char *given)
{
    return plan_name_matches((struct wasm_name){wanted, (uint32_t)strlen(wanted)},
                             (struct wasm_name){given, (uint32_t)strlen(given)});
}

TEST(versions_match_as_semver_says)
{
    CHECK(matches("wasi:cli/run@0.2.0", "wasi:cli/run@0.2.6"));
    CHECK(matches("wasi:cli/run@0.2.6", "wasi:cli/run@0.2.0"));
    CHECK(matches("wasi:cli/run", "wasi:cli/run@0.2.6"));
    CHECK(matches("a:b/c@1.2.3", "a:b/c@1.9.0"));
    CHECK(!matches("wasi:cli/run@0.2.0", "wasi:cli/run@0.3.0"));
    CHECK(!matches("wasi:cli/run@0.2.0", "wasi:cli/stdin@0.2.0"));
    CHECK(!matches("a:b/c@0.0.1", "a:b/c@0.0.2"));
    CHECK(!matches("a:b/c@1.0.0", "a:b/c@2.0.0"));
    CHECK(!matches("a:b/c@1.0.0", "a:b/c"));
    CHECK(!matches("a:b/c@0.2.0-rc-2023-10-18", "a:b/c@0.2.0"));
    CHECK(matches("a:b/c@0.2.0-rc-2023-10-18", "a:b/c@0.2.0-rc-2023-10-18"));
    CHECK(matches("a:b/c@0.2.0+x", "a:b/c@0.2.1"));
    CHECK(!matches("a:b/c@0.2", "a:b/c@0.2.1"));
    CHECK(!matches("a:b/c@99999999999999999999.0.0", "a:b/c@1.0.0"));
}

/* ---- Memory runs out --------------------------------------------------------------------- */

static enum stint_status everything(const struct buf *outer, const struct buf *inner)
{
    struct component_file *wrapper = NULL, *echo = NULL;
    struct plan *plan = NULL;
    struct component_instance *instance = NULL;
    struct store_limits limits = store_limits_default();
    struct cvalue argument = text("na\xc3\xafve \xe2\x98\x83"), result = {0};
    error_clear(&error);
    store = NULL;
    enum stint_status status = store_create(engine, &limits, &store);
    if (status == STINT_OK)
        status = component_create(engine, outer->data, outer->bytes, false, &wrapper, &error);
    if (status == STINT_OK)
        status = component_create(engine, inner->data, inner->bytes, false, &echo, &error);
    struct plan_with with = {.file = echo};
    if (status == STINT_OK)
        status = plan_compose(wrapper, &with, 1, &plan, &error);
    if (status == STINT_OK)
        status = component_instantiate(store, plan, NULL, 0, &instance, &error);
    if (status == STINT_OK)
        status = call(instance, "echo", &argument, &result);
    if (status == STINT_OK)
        CHECK(cvalue_equal(&argument, &result));
    component_instance_free(instance);
    plan_release(plan);
    component_release(wrapper);
    component_release(echo);
    store_free(store);
    return status;
}

TEST(memory_runs_out_at_every_allocation)
{
    const char options[] = {3, 1, 3, 0, 4, 0};
    begin();
    store_free(store);
    struct buf outer = wrapper_bytes(options, sizeof(options)), inner = echo_bytes(0);
    bool is_done = false;
    uint32_t n = 1;
    for (; n < 3000 && !is_done; n++) {
        atomic_store(&engine->alloc.fail_at, atomic_load(&engine->alloc.calls) + n);
        enum stint_status status = everything(&outer, &inner);
        is_done = atomic_load(&engine->alloc.calls) < atomic_load(&engine->alloc.fail_at);
        atomic_store(&engine->alloc.fail_at, 0);
        if (is_done)
            CHECK_INT(status, STINT_OK);
        else if (status != STINT_OK && status != STINT_NOMEM)
            CHECK_INT(status, STINT_NOMEM);
    }
    CHECK(is_done && n > 30);
    buf_free(&outer);
    buf_free(&inner);
    engine_release(engine);
    arena_free(&arena);
}

CHECK_MAIN
