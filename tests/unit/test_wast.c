/* SPDX-License-Identifier: Apache-2.0 */
/* Test scripts: that they are read, and that what fails is reported. */
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "interp/interp.h"
#include "runtime/store.h"
#include "wast/script.h"
#include "wast/wast.h"

static struct alloc root;

TEST(commands_of_each_kind)
{
    static const char text[] =
        "(module $a (func (export \"f\")))\n"
        "(module definition $d)\n"
        "(module instance $i $d)\n"
        "(register \"r\" $a)\n"
        "(invoke $a \"f\" (i32.const -1) (ref.extern 7) (ref.null func))\n"
        "(assert_return (get \"g\") (either (f32.const nan:canonical) (f32.const 1)))\n"
        "(assert_return (invoke \"v\") (v128.const f64x2 nan:arithmetic 0) (ref.struct))\n"
        "(assert_trap (invoke \"f\") \"unreachable\")\n"
        "(assert_trap (module) \"unreachable\")\n"
        "(assert_malformed (module quote \"(\") \"x\")\n"
        "(assert_exception (invoke \"f\"))\n";
    static const uint8_t kinds[] = {SCRIPT_MODULE,    SCRIPT_MODULE,   SCRIPT_INSTANCE,
                                    SCRIPT_REGISTER,  SCRIPT_ACTION,   ASSERT_RETURN,
                                    ASSERT_RETURN,    ASSERT_TRAP,     ASSERT_TRAP,
                                    ASSERT_MALFORMED, ASSERT_EXCEPTION};
    struct script script;
    struct stint_error error = {0};
    alloc_init(&root, NULL, NULL, SIZE_MAX);
    REQUIRE(script_read_text(&root, text, sizeof(text) - 1, &script, &error) == STINT_OK);
    CHECK_INT(script.command_count, COUNT_OF(kinds));
    for (uint32_t i = 0; i < script.command_count && i < COUNT_OF(kinds); i++) {
        CHECK_INT(script.commands[i].kind, kinds[i]);
        CHECK_INT(script.commands[i].line, i + 1);
    }
    const struct script_action *action = &script.commands[4].action;
    CHECK_INT(action->arg_count, 3);
    CHECK_INT(action->args[0].bits[0], 0xffffffff);
    CHECK_INT(action->args[1].type, VALUE_REF_HOST);
    CHECK_INT(action->args[1].bits[0], 7);
    CHECK_INT(action->args[2].type, VALUE_REF_NULL);
    CHECK_INT(script.commands[5].results[0].option_count, 2);
    CHECK_INT(script.commands[5].results[0].options[0].nan[0], NAN_CANONICAL);
    CHECK_INT(script.commands[6].results[0].options[0].nan[0], NAN_ARITHMETIC);
    CHECK_INT(script.commands[6].results[1].options[0].type, VALUE_REF_STRUCT);
    CHECK(!script.commands[7].has_module);
    CHECK(script.commands[8].has_module);
    script_free(&script);
    CHECK_INT(atomic_load(&root.used_bytes), 0);
}

TEST(what_is_no_script)
{
    static const char *const wrong[] = {
        "(assert_return)",
        "(invoke)",
        "(invoke \"f\" (i32.const))",
        "(nothing)",
        "x",
        "(register $a)",
        "(invoke \"f\" (i32.add))",
        "(module) (func)",
        "(assert_trap (invoke \"f\"))",
        "(invoke \"f\" (f32.const 1e99))",
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct script script;
        struct stint_error error = {0};
        alloc_init(&root, NULL, NULL, SIZE_MAX);
        if (!CHECK_INT(script_read_text(&root, wrong[i], strlen(wrong[i]), &script, &error),
                       STINT_SYNTAX))
            printf("    %s\n", wrong[i]);
        CHECK(error.line == 1);
        CHECK_INT(atomic_load(&root.used_bytes), 0);
    }
}

/* Runs a script from a file; what it prints goes to `report`. */
static struct wast_counts run(const char *text, const char *suffix, char *report, size_t size)
{
    char path[64] = "/tmp/stint-wast-XXXXXX.wast";
    struct engine_config config = engine_config_default();
    struct stint_engine *engine;
    struct wast_counts counts = {0};
    snprintf(path, sizeof(path), "/tmp/stint-wast-XXXXXX%s", suffix);
    int fd = mkstemps(path, (int)strlen(suffix));
    FILE *out = tmpfile();
    if (!CHECK(fd >= 0 && out != NULL))
        return counts;
    CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
    if (CHECK(engine_create(&config, &interp_ops, &engine) == STINT_OK)) {
        const struct wast_options options = {.out = out};
        const char *paths[] = {path};
        wast_run_files(engine, paths, 1, &options, &counts);
        engine_release(engine);
    }
    unlink(path);
    rewind(out);
    report[fread(report, 1, size - 1, out)] = 0;
    fclose(out);
    return counts;
}

TEST(good_scripts_pass)
{
    char report[4000];
    struct wast_counts counts =
        run("(module (import \"spectest\" \"global_i32\" (global $g i32))\n"
            " (func (export \"f\") (result i32) (global.get $g))\n"
            " (func (export \"t\") (unreachable)))\n"
            "(assert_return (invoke \"f\") (i32.const 666))\n"
            "(assert_trap (invoke \"t\") \"unreachable\")\n"
            "(assert_invalid (module (func (drop))) \"type mismatch\")\n"
            "(assert_malformed (module quote \"(func\") \"unexpected\")\n"
            "(assert_unlinkable (module (import \"a\" \"b\" (func))) \"unknown import\")\n",
            ".wast", report, sizeof(report));
    CHECK_INT(counts.passed, 6);
    CHECK_STR(report, "6 passed, 0 failed, 0 skipped\n");
}

TEST(failures_name_the_line_and_both_sides)
{
    static const char *const wanted[] = {
        ".wast:4: result 0: i32 2 was expected, this came instead: i32 1\n",
        ".wast:5: the trap \"integer overflow\" was expected, this came instead: success\n",
        ".wast:6: success was expected, this came instead: not found: there is no export \"h\"\n",
        ".wast:7: an invalid module was expected, this came instead: success\n",
        ".wast:8: a malformed module was expected, this came instead: success\n",
        ".wast:9: a module was expected, this came instead: syntax error: unknown operator oops\n",
        ".wast:10: there is no instance to use here\n",
        ".wast:11: success was expected, this came instead: wrong argument: 1 arguments for a function that takes 0",
        "2 passed, 8 failed, 0 skipped\n",
    };
    char report[8000];
    struct wast_counts counts = run("(module $m\n"
                                    " (func (export \"f\") (result i32) (i32.const 1)))\n"
                                    "(assert_return (invoke \"f\") (i32.const 1))\n"
                                    "(assert_return (invoke \"f\") (i32.const 2))\n"
                                    "(assert_trap (invoke \"f\") \"integer overflow\")\n"
                                    "(invoke \"h\")\n"
                                    "(assert_invalid (module) \"x\")\n"
                                    "(assert_malformed (module quote \"\") \"x\")\n"
                                    "(module (func (oops)))\n"
                                    "(invoke \"f\")\n"
                                    "(invoke $m \"f\" (i32.const 1))\n",
                                    ".wast", report, sizeof(report));
    CHECK_INT(counts.failed, 8);
    for (size_t i = 0; i < COUNT_OF(wanted); i++) {
        if (!CHECK(strstr(report, wanted[i]) != NULL))
            printf("    wanted %s    got\n%s", wanted[i], report);
    }
}

TEST(unreadable_files_are_failures)
{
    char report[1000];
    struct wast_counts counts = run("(module", ".wast", report, sizeof(report));
    CHECK_INT(counts.failed, 1);
    CHECK(strstr(report, ".wast:1:1: ") != NULL);
    counts =
        run("{\"commands\": [{\"type\": \"odd\", \"line\": 3}]}", ".json", report, sizeof(report));
    CHECK_INT(counts.failed, 1);
    CHECK(strstr(report, ".json:3:1: a command of an unknown type") != NULL);
    counts = run("{\"commands\": [{\"type\": \"module\", \"line\": 3, \"filename\": \"none\"}]}",
                 ".json", report, sizeof(report));
    CHECK_INT(counts.failed, 1);
    CHECK(strstr(report, ".json:3: a module was expected") != NULL);
}

CHECK_MAIN
