/* SPDX-License-Identifier: Apache-2.0 */
#include "wasm/names.h"

#include "wasm_bytes.h"

/* A module with an imported function, two of its own (the first is exported), and a name section. */
static void load(struct bytes_test *t, const char *names, size_t size)
{
    bytes_begin(t);
    bytes_section(t, 1, BYTES("\1\x60\0\0"));
    bytes_section(t, 2, BYTES("\1\3env\3log\0\0"));
    bytes_section(t, 3, BYTES("\2\0\0"));
    bytes_section(t, 7, BYTES("\1\3run\0\1"));
    bytes_section(t, 10, BYTES("\2\2\0\x0b\2\0\x0b"));
    if (names != NULL) {
        struct buf section;
        buf_init(&section, &t->root, SIZE_MAX);
        buf_append(&section, BYTES("\4name"));
        buf_append(&section, names, size);
        bytes_section(t, 0, (const char *)section.data, section.bytes);
        buf_free(&section);
    }
    CHECK(bytes_load(t, FEATURES_DEFAULT) == STINT_OK);
}

static void check_name(const struct bytes_test *t, uint32_t function, const char *wanted)
{
    char text[24];
    CHECK_STR(names_format_function(t->module, function, text, sizeof(text)), wanted);
}

TEST(name_section_wins)
{
    struct bytes_test t;
    load(&t, BYTES("\0\5\4prog\1\x0d\3\0\1a\1\2bb\2\3ccc"));
    check_name(&t, 0, "$a");
    check_name(&t, 1, "$bb");
    check_name(&t, 2, "$ccc");
    check_name(&t, 3, "#3");
    struct wasm_name name = names_module(t.module);
    REQUIRE(name.bytes == 4);
    CHECK_MEM(name.text, "prog", 4);
    bytes_end(&t);
}

TEST(exports_and_imports_name_functions_too)
{
    struct bytes_test t;
    load(&t, NULL, 0);
    check_name(&t, 0, "$log");
    check_name(&t, 1, "$run");
    check_name(&t, 2, "#2");
    CHECK(names_module(t.module).text == NULL);
    bytes_end(&t);
}

TEST(garbage_is_ignored)
{
    static const struct {
        const char *names;
        size_t size;
    } cases[] = {
        {BYTES("")},
        {BYTES("\1")},
        {BYTES("\1\xff")},
        {BYTES("\1\xff\xff\xff\xff\xff\xff")},
        {BYTES("\1\7\xff\xff\xff\xff\x0f\2\x09")},
        {BYTES("\1\4\1\2\x7fx")},
        {BYTES("\0\2\5x")},
        {BYTES("\7\1\0\1\5\1\2\3ab")},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes_test t;
        load(&t, cases[i].names, cases[i].size);
        check_name(&t, 2, "#2");
        CHECK(names_module(t.module).text == NULL);
        bytes_end(&t);
    }
}

TEST(text_is_cut_and_cleaned)
{
    struct bytes_test t;
    char text[6];
    load(&t, BYTES("\1\x0c\1\2\tab\n\xc3\xa4\"efgh"));
    check_name(&t, 2, "$ab???\"efg");
    CHECK_STR(names_format_function(t.module, 2, text, sizeof(text)), "$ab??");
    CHECK_STR(names_format_function(t.module, 2, text, 1), "");
    bytes_end(&t);
}

CHECK_MAIN
