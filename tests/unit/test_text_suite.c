/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The modules of the core test suite through the text format and back: each binary is printed,
 * read, and printed again; from then on nothing may change. Those that the text reader wrote
 * itself must be the same from the start.
 */
#include <ftw.h>
#include <stdlib.h>

#include "text_check.h"
#include "wast/script.h"

static size_t read_back, refused;

static bool read_file(const char *path, struct buf *ret_buf)
{
    FILE *file = fopen(path, "rb");
    size_t got = 1;
    if (file == NULL)
        return false;
    buf_clear(ret_buf);
    while (got != 0 && buf_reserve(ret_buf, 65536)) {
        got = fread(ret_buf->data + ret_buf->bytes, 1, 65536, file);
        ret_buf->bytes += got;
    }
    fclose(file);
    return true;
}

static void fail(const char *path, uint32_t line, const char *what, const struct text_test *t)
{
    check_report(false, path, (int)line, what);
    printf("    %u:%u %s\n", t->error.line, t->error.column, t->error.message);
}

/* t->binary goes through the text format. `is_ours`: it must come back unchanged. */
static void round_trip(struct text_test *t, bool is_ours, const char *path, uint32_t line)
{
    struct text_test again;
    text_begin(&again);
    if (text_print_it(t) != STINT_OK) {
        refused++;
        if (is_ours)
            fail(path, line, "is printed", t);
    } else if (text_encode_it(&again, (const char *)t->text.data, true) != STINT_OK) {
        fail(path, line, "its text is read", &again);
    } else {
        read_back++;
        bool same = again.binary.bytes == t->binary.bytes &&
                    memcmp(again.binary.data, t->binary.data, t->binary.bytes) == 0;
        if (is_ours && !same)
            fail(path, line, "comes back the same", t);
        if (text_print_it(&again) != STINT_OK ||
            strcmp((const char *)again.text.data, (const char *)t->text.data) != 0)
            fail(path, line, "prints the same again", t);
    }
    text_end(&again);
}

static int check_binary(const char *path, const struct stat *info, int kind, struct FTW *ftw)
{
    size_t length = strlen(path);
    (void)info;
    (void)ftw;
    if (kind != FTW_F || length < 5 || strcmp(path + length - 5, ".wasm") != 0)
        return 0;
    struct text_test t;
    text_begin(&t);
    if (CHECK(read_file(path, &t.binary)))
        round_trip(&t, false, path, 0);
    text_end(&t);
    return 0;
}

static void check_module(struct text_test *t, const struct script *script,
                         const struct script_command *command, const char *path)
{
    const struct text_options options = {.names = true};
    struct text_module_head head;
    buf_clear(&t->binary);
    error_clear(&t->error);
    if (text_module_head(&script->source, command->module.open, &head, &t->error) == STINT_OK &&
        head.form != MODULE_BINARY &&
        text_encode_form(&t->root, &script->source, &head, &options, &t->binary, &t->error) ==
            STINT_OK)
        round_trip(t, true, path, command->line);
}

static int check_script(const char *path, const struct stat *info, int kind, struct FTW *ftw)
{
    size_t length = strlen(path);
    (void)info;
    (void)ftw;
    if (kind != FTW_F || length < 5 || strcmp(path + length - 5, ".wast") != 0)
        return 0;
    struct text_test t;
    struct buf text;
    struct script script;
    text_begin(&t);
    buf_init(&text, &t.root, SIZE_MAX);
    if (CHECK(read_file(path, &text))) {
        if (script_read_text(&t.root, (const char *)text.data, text.bytes, &script, &t.error) !=
            STINT_OK) {
            fail(path, 0, "is read", &t);
        } else {
            for (uint32_t i = 0; i < script.command_count; i++) {
                const struct script_command *command = &script.commands[i];
                if (command->has_module && !command->module.is_whole)
                    check_module(&t, &script, command, path);
            }
            script_free(&script);
        }
    }
    buf_free(&text);
    text_end(&t);
    return 0;
}

static void walk(const char *folder,
                 int (*visit)(const char *, const struct stat *, int, struct FTW *))
{
    const char *conformance = getenv("STINT_CONFORMANCE");
    char path[4096];
    if (conformance == NULL)
        SKIP("STINT_CONFORMANCE is not set");
    read_back = refused = 0;
    snprintf(path, sizeof(path), "%s/%s", conformance, folder);
    if (nftw(path, visit, 8, FTW_PHYS) != 0)
        SKIP("the folder of the core test suite is missing");
    printf("  %s: %zu modules came back, %zu were refused\n", folder, read_back, refused);
    CHECK(read_back > 2000);
}

TEST(modules_of_scripts)
{
    walk("core-wast", check_script);
}

TEST(binary_modules)
{
    walk("core-json", check_binary);
}

CHECK_MAIN
