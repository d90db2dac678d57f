/* SPDX-License-Identifier: Apache-2.0 */
/* Compositions: what is shared, what is apart, what does not fit, and memory that runs out. */
#include <string.h>

#include "check.h"
#include "component/compose.h"
#include "component/plan.h"
#include "component/text_component.h"
#include "interp/interp.h"

enum { PARTS_MAX = 4 };

static struct stint_engine *engine;
static struct stint_error error;
static struct arena arena;
static struct compose_part parts[PARTS_MAX];
static struct compose_link links[PARTS_MAX];
static struct composition whole;
static struct compose_notes notes;

static void begin(void)
{
    struct engine_config config = engine_config_default();
    error = (struct stint_error){0};
    whole = (struct composition){.parts = parts, .links = links};
    memset(parts, 0, sizeof(parts));
    memset(links, 0, sizeof(links));
    CHECK_INT(engine_create(&config, &interp_ops, &engine), STINT_OK);
    arena_init(&arena, &engine->alloc);
}

static void end(void)
{
    for (uint32_t i = 0; i < whole.part_count; i++)
        component_release(parts[i].file);
    arena_free(&arena);
    engine_release(engine);
}

static struct component_file *file_of(const char *text)
{
    const struct text_options options = {0};
    struct component_file *file = NULL;
    struct stint_error why = {0};
    struct buf binary;
    buf_init(&binary, &alloc_root, SIZE_MAX);
    if (text_to_any_binary(&alloc_root, text, strlen(text), &options, &binary, &why) != STINT_OK ||
        component_create(engine, binary.data, binary.bytes, false, &file, &why) != STINT_OK)
        printf("    %s\n", why.message);
    buf_free(&binary);
    return file;
}

/* A part from its text; the first is the main one. Others meet what `name` says. */
static void add(const char *title, const char *text, const char *name)
{
    uint32_t part = whole.part_count++;
    parts[part] = (struct compose_part){.file = file_of(text), .title = title};
    CHECK(parts[part].file != NULL);
    if (part > 0)
        links[whole.link_count++] = (struct compose_link){.name = name, .part = part};
}

/* Composes what was added, in memory and as a binary, and makes a plan of both. */
static enum stint_status compose(uint32_t *ret_imports)
{
    struct component_file *file;
    struct plan *plan;
    struct buf out;
    error_clear(&error);
    buf_init(&out, &engine->alloc, SIZE_MAX);
    enum stint_status status = component_composed_create(&whole, &arena, &file, &notes, &error);
    if (status == STINT_OK) {
        status = plan_create(file, &plan, &error);
        if (status == STINT_OK) {
            (void)plan_imports(plan, ret_imports);
            plan_release(plan);
        }
        component_release(file);
    }
    if (status == STINT_OK)
        status = component_compose(&whole, &arena, &out, &notes, &error);
    if (status == STINT_OK) {
        status = component_create(engine, out.data, out.bytes, false, &file, &error);
        if (status == STINT_OK)
            component_release(file);
    }
    buf_free(&out);
    return status;
}

static void check_fails(enum stint_status wanted, const char *message)
{
    uint32_t imports;
    CHECK_INT(compose(&imports), wanted);
    if (!CHECK(strstr(error.message, message) != NULL))
        printf("    %s\n", error.message);
}

/* An interface of the host with a resource, one that uses it, and types of all kinds. */
#define HOST(version, more_io, more_files)                                                          \
    "(import \"h:io/streams@" version "\" (instance $io"                                            \
    "  (export \"stream\" (type $stream (sub resource)))" more_io "))"                              \
    "(alias export $io \"stream\" (type $s))"                                                       \
    "(import \"h:io/files@" version "\" (instance $files"                                           \
    "  (alias outer 1 $s (type $s1)) (export \"stream\" (type $s2 (eq $s1)))" more_files "))"
#define READ                                                                                       \
    "(export \"[method]stream.read\" (func (param \"self\" (borrow $stream)) (result (list u8))))"
#define WRITE                                                                                      \
    "(type $w (func (param \"self\" (borrow $stream)) (param \"b\" (list u8))))"                    \
    "(export \"[method]stream.write\" (func (type $w)))"
#define OPEN                                                                                       \
    "(type $kind (record (field \"a\" u8) (field \"b\" (option string))))"                          \
    "(export \"kind\" (type $k (eq $kind)))"                                                        \
    "(type $v (variant (case \"x\" $k) (case \"y\")))  (export \"choice\" (type $v1 (eq $v)))"        \
    "(type $f (flags \"p\" \"q\")) (export \"rights\" (type $f1 (eq $f)))"                            \
    "(type $e (enum \"m\" \"n\")) (export \"colour\" (type $e1 (eq $e)))"                             \
    "(export \"open\" (func (param \"n\" (tuple $v1 $f1 $e1)) (result (result (own $s2) (error $k)))))"
#define SINK(type) "(func (param \"s\" (own " type ")))"

/* What it takes from another part; a stream of the host's goes there. */
#define MAIN(version)                                                                              \
    "(component $main " HOST(version, READ, OPEN)                                                  \
    "  (import \"d:p/sink@1.0.0\" (instance $sink (alias outer 1 $s (type $s3))"                    \
    "    (export \"stream\" (type $s4 (eq $s3))) (export \"put\" " SINK("$s4") "))))"
#define SINK_INSTANCE                                                                              \
    "(func $put (param \"s\" (own $s)) (canon lift (core func $i \"put\")))"                        \
    "(component $c (import \"stream\" (type $x (sub resource)))"                                    \
    "  (import \"f\" (func $f (param \"s\" (own $x))))"                                             \
    "  (export $y \"stream\" (type $x)) (export \"put\" (func $f) (func (param \"s\" (own $y)))))"  \
    "(instance $o (instantiate $c (with \"stream\" (type $s)) (with \"f\" (func $put))))"            \
    "(export \"d:p/sink@1.0.0\" (instance $o)"
#define DEP(version)                                                                               \
    "(component $dep " HOST(version, WRITE, "(export \"close\" (func (param \"s\" (own $s2))))")    \
    "  (core module $m (func (export \"put\") (param i32)))"                                       \
    "  (core instance $i (instantiate $m)) " SINK_INSTANCE "))"

TEST(host_resources_are_the_same_for_all_parts)
{
    uint32_t imports;
    begin();
    add("main", MAIN("0.2.0"), NULL);
    add("dep", DEP("0.2.0"), "d:p/sink");
    CHECK_INT(compose(&imports), STINT_OK);
    CHECK_STR(error.message, "");
    /* The resource, read and write; open and close. */
    CHECK_INT(imports, 5);
    CHECK_INT(notes.met_count, 1);
    CHECK_INT(notes.apart_count, 0);
    end();
}

TEST(versions_become_one_where_resources_go_across)
{
    uint32_t imports;
    begin();
    add("main", MAIN("0.2.0"), NULL);
    add("dep", DEP("0.2.6"), "d:p");
    CHECK_INT(compose(&imports), STINT_OK);
    CHECK_STR(error.message, "");
    CHECK_INT(imports, 5);
    end();
    begin();
    add("main", MAIN("0.2.0"), NULL);
    add("dep", DEP("0.3.0"), NULL);
    check_fails(STINT_INVALID, "'d:p/sink@1.0.0' of dep does not fit what main imports: type mismatch in "
                               "instance export 'stream': resource types are not the same");
    end();
}

/* A component that exports `log` of "d:p/log". */
#define LOG(more)                                                                                  \
    "(component " more "(core module $m (func (export \"f\"))) (core instance $i (instantiate $m))"  \
    " (func $f (canon lift (core func $i \"f\"))) (instance $o (export \"log\" (func $f)))"         \
    " (export \"d:p/log\" (instance $o)))"
#define WANTS_LOG "(import \"d:p/log\" (instance (export \"log\" (func))))"

static bool denies_stores(void *env, struct wasm_name interface)
{
    (void)env;
    return interface.bytes == 9 && memcmp(interface.text, "h:kv/open", 9) == 0;
}

TEST(what_is_denied_is_apart_with_what_builds_upon_it)
{
    static const char *const wanted[] = {"h:kv/open", "h:kv/batch"};
    uint32_t imports;
    begin();
    add("main", "(component " WANTS_LOG
                "(import \"h:kv/open\" (instance (export \"s\" (type (sub resource)))"
                "  (export \"open\" (func)))) (import \"denied-x0\" (func)))",
        NULL);
    add("dep", LOG("(import \"h:kv/open\" (instance $kv (export \"s\" (type (sub resource)))"
                   "  (export \"close\" (func))))"
                   "(alias export $kv \"s\" (type $s))"
                   "(import \"h:kv/batch\" (instance (alias outer 1 $s (type $t))"
                   "  (export \"s\" (type (eq $t))) (export \"all\" (func))))"
                   "(import \"h:kv/clock\" (instance (export \"now\" (func))))"),
        "d:p/log");
    parts[1].denies = denies_stores;
    CHECK_INT(compose(&imports), STINT_OK);
    CHECK_STR(error.message, "");
    CHECK_INT(imports, 3 + 2 + 1 + 1);
    REQUIRE(notes.apart_count == 2);
    for (uint32_t i = 0; i < 2; i++) {
        const struct compose_apart *apart = &notes.apart[i];
        CHECK(apart->interface.bytes == strlen(wanted[i]) &&
              memcmp(apart->interface.text, wanted[i], apart->interface.bytes) == 0);
        CHECK(apart->is_denied == (i == 0));
        /* The main part's own "denied-x0" is another one. */
        CHECK(apart->name.bytes == (i == 0 ? 9u : 8u) && apart->name.text[apart->name.bytes - 1] != '0');
    }
    end();
}

TEST(parts_in_a_chain)
{
    uint32_t imports;
    begin();
    add("main", "(component (import \"d:p/top\" (instance (export \"log\" (func)))))", NULL);
    add("log", LOG(""), "d:p/log");
    add("top", "(component (import \"d:p/log\" (instance $l (export \"log\" (func))))"
               " (export \"d:p/top\" (instance $l)))",
        NULL);
    check_fails(STINT_NOT_FOUND, "main imports no 'd:p/log'; it imports d:p/top");
    whole.is_chained = true;
    CHECK_INT(compose(&imports), STINT_OK);
    CHECK_INT(imports, 0);
    CHECK_INT(notes.met_count, 2);
    end();
}

TEST(what_does_not_fit)
{
    begin();
    add("main", "(component " WANTS_LOG ")", NULL);
    add("dep", "(component)", "d:p/log");
    check_fails(STINT_UNLINKABLE, "dep does not export 'd:p/log', which main imports; it exports nothing");
    end();
    begin();
    add("main", "(component (import \"d:p/log\" (func)))", NULL);
    add("dep", LOG(""), "d:p/log");
    check_fails(STINT_INVALID, "'d:p/log' of dep is of another sort than the import 'd:p/log' of main");
    end();
    begin();
    add("main", "(component (import \"d:p/log\" (instance (export \"log\" (func (param \"a\" u8))))))",
        NULL);
    add("dep", LOG(""), "d:p/log");
    links[0].where = "spin.toml:7: ";
    check_fails(STINT_INVALID, "spin.toml:7: 'd:p/log' of dep does not fit what main imports: type mismatch "
                               "in instance export 'log': expected 1 parameters, found 0");
    end();
    begin();
    add("main", "(component " WANTS_LOG " (import \"m\" (core module)))", NULL);
    add("dep", LOG(""), "d:p/log");
    check_fails(STINT_UNSUPPORTED, "main imports 'm', a core module, which no host gives");
    end();
    begin();
    add("main", "(component " WANTS_LOG " (import \"h:a/b\" (func)))", NULL);
    add("dep", LOG("(import \"h:a/b\" (instance))"), "d:p/log");
    check_fails(STINT_INVALID, "main and dep both import 'h:a/b', as different sorts of things");
    end();
    begin();
    add("main", "(component " WANTS_LOG " (import \"h:a/b\" (instance (export \"f\" (func)))))", NULL);
    add("dep", LOG("(import \"h:a/b\" (instance (export \"f\" (func (param \"a\" u8)))))"), "d:p/log");
    check_fails(STINT_INVALID, "main and its dependencies do not fit together: type mismatch for import "
                               "'h:a/b'");
    end();
}

/* One part's interface `a` has the resource that `b` uses; in the other it is the other way round. */
TEST(imports_that_need_each_other)
{
#define PAIR(first, second)                                                                        \
    "(import \"" first "\" (instance $i (export \"r\" (type (sub resource)))))"                     \
    "(alias export $i \"r\" (type $r))"                                                             \
    "(import \"" second "\" (instance (alias outer 1 $r (type $t)) (export \"r\" (type (eq $t)))))"
    begin();
    add("main", "(component " WANTS_LOG PAIR("h:x/a", "h:x/b") ")", NULL);
    add("dep", LOG(PAIR("h:x/b", "h:x/a")), "d:p/log");
    check_fails(STINT_UNSUPPORTED, "in a circle");
    end();
}

TEST(memory_runs_out_at_every_allocation)
{
    bool is_done = false;
    uint32_t n = 1, imports;
    begin();
    add("main", MAIN("0.2.0"), NULL);
    add("dep", DEP("0.2.6"), "d:p/sink");
    for (; n < 5000 && !is_done; n++) {
        atomic_store(&engine->alloc.fail_at, atomic_load(&engine->alloc.calls) + n);
        enum stint_status status = compose(&imports);
        is_done = atomic_load(&engine->alloc.calls) < atomic_load(&engine->alloc.fail_at);
        atomic_store(&engine->alloc.fail_at, 0);
        if (!CHECK_INT(status, is_done ? STINT_OK : STINT_NOMEM))
            break;
    }
    CHECK(is_done && n > 100);
    end();
}

/* What is valid all the same composes, or says why not; nothing else happens. */
TEST(any_byte_of_a_part_may_be_another)
{
    const struct text_options options = {0};
    struct buf binary;
    uint32_t imports, composed = 0;
    begin();
    add("main", MAIN("0.2.0"), NULL);
    add("dep", DEP("0.2.6"), "d:p/sink");
    buf_init(&binary, &alloc_root, SIZE_MAX);
    REQUIRE(text_to_any_binary(&alloc_root, DEP("0.2.6"), strlen(DEP("0.2.6")), &options, &binary,
                               &error) == STINT_OK);
    for (size_t at = 8; at < binary.bytes; at++) {
        for (unsigned bit = 0; bit < 8; bit += 3) {
            struct component_file *good = parts[1].file;
            struct stint_error why = {0};
            binary.data[at] ^= (uint8_t)(1u << bit);
            if (component_create(engine, binary.data, binary.bytes, false, &parts[1].file, &why) ==
                STINT_OK) {
                enum stint_status status = compose(&imports);
                CHECK(status == STINT_OK || error.message[0] != '\0');
                composed += status == STINT_OK;
                component_release(parts[1].file);
            }
            parts[1].file = good;
            binary.data[at] ^= (uint8_t)(1u << bit);
        }
    }
    CHECK(composed > 0);
    buf_free(&binary);
    end();
}

CHECK_MAIN
