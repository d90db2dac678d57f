/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text as a value of a type, which the first byte chooses: a value, or an error that says where.
 * What was read is printed, and the print is read as the same value. Values take no more memory than
 * their text and type give reason to.
 */
#include <stdlib.h>
#include <string.h>

#include "component/wave.h"

enum { TYPES_MAX = 32, TEXT_BYTES_MAX = 1 << 16 };

static struct arena type_arena;
static const struct ctype *types[TYPES_MAX];
static uint32_t type_count;

static const struct ctype *make(enum ctype_kind kind, const struct ctype_member *members,
                                uint32_t count)
{
    const struct ctype *type;
    struct stint_error error = {0};
    struct ctype draft = {.kind = kind, .members = members, .member_count = count, .length = 3};
    if (type_count == TYPES_MAX || ctype_make(&type_arena, &draft, &type, &error) != STINT_OK)
        abort();
    types[type_count++] = type;
    return type;
}

static const struct ctype *of(enum ctype_kind kind, const struct ctype *element)
{
    struct ctype_member member = {.type = element};
    return make(kind, &member, 1);
}

/* `labels`: one character a member, words of the language by their first one. */
static void name_members(struct ctype_member *members, const char *labels)
{
    static const char *const words[] = {"none", "some", "ok", "err", "true", "inf", "a-b"};
    for (size_t i = 0; labels[i] != '\0'; i++) {
        members[i].name = (struct wasm_name){labels + i, 1};
        for (size_t k = 0; k < COUNT_OF(words); k++) {
            if (words[k][0] == labels[i])
                members[i].name = (struct wasm_name){words[k], (uint32_t)strlen(words[k])};
        }
    }
}

static void make_types(void)
{
    const struct ctype *string = ctype_primitive(CTYPE_STRING);
    const struct ctype *u8 = ctype_primitive(CTYPE_U8), *f64 = ctype_primitive(CTYPE_F64);
    arena_init(&type_arena, &alloc_root);
    for (int kind = CTYPE_BOOL; kind <= CTYPE_STRING; kind++)
        types[type_count++] = ctype_primitive((enum ctype_kind)kind);
    const struct ctype *bytes = of(CTYPE_LIST, u8), *strings = of(CTYPE_LIST, string);
    struct ctype_member pair[2] = {{.type = string}, {.type = of(CTYPE_LIST, bytes)}};
    const struct ctype *tuple = make(CTYPE_TUPLE, pair, 2);
    const struct ctype *maybe = of(CTYPE_OPTION, of(CTYPE_OPTION, f64));
    struct ctype_member either[2] = {{.type = maybe}, {.type = strings}};
    const struct ctype *result = make(CTYPE_RESULT, either, 2);
    struct ctype_member labels[5] = {{.type = NULL}};
    name_members(labels, "nsoxa");
    const struct ctype *flags = make(CTYPE_FLAGS, labels, 5);
    const struct ctype *choice = make(CTYPE_ENUM, labels, 5);
    struct ctype_member cases[4] = {
        {.type = result}, {.type = flags}, {.type = NULL}, {.type = u8}};
    name_members(cases, "etyi");
    const struct ctype *variant = make(CTYPE_VARIANT, cases, 4);
    struct ctype_member fields[5] = {{.type = variant},
                                     {.type = maybe},
                                     {.type = choice},
                                     {.type = tuple},
                                     {.type = of(CTYPE_OPTION, choice)}};
    name_members(fields, "noabz");
    const struct ctype *record = make(CTYPE_RECORD, fields, 5);
    (void)of(CTYPE_LIST, of(CTYPE_LIST_FIXED, record));
}

/* STINT_OK, or STINT_ARGUMENT with a message. */
static bool read_value(struct arena *arena, const struct ctype *type, const char *text,
                       size_t bytes, struct cvalue *ret_value)
{
    struct stint_error error = {0};
    enum stint_status status = wave_parse(arena, type, text, bytes, ret_value, &error);
    if (status != STINT_OK && (status != STINT_ARGUMENT || error.message[0] == '\0'))
        abort();
    return status == STINT_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct alloc root;
    struct arena arena;
    struct buf out;
    struct cvalue value, again;
    if (type_count == 0)
        make_types();
    if (size == 0 || size > TEXT_BYTES_MAX)
        return 0;
    const struct ctype *type = types[data[0] % type_count];
    const char *text = (const char *)data + 1;
    struct ctype_member params[2] = {{.type = type}, {.type = type}};
    struct ctype_func func = {.params = params, .param_count = 2};
    struct cvalue *args;
    struct stint_error error = {0};
    /* A list's items take 48 bytes each, and twice that while it grows. */
    alloc_init(&root, NULL, NULL, (size_t)(64 << 10) + size * 512);
    arena_init(&arena, &root);
    if (read_value(&arena, type, text, size - 1, &value)) {
        buf_init(&out, &alloc_root, SIZE_MAX);
        wave_print(&value, &out);
        arena.alloc = &alloc_root;
        if (out.failed || !read_value(&arena, type, (const char *)out.data, out.bytes, &again) ||
            !cvalue_equal(&value, &again))
            abort();
        buf_free(&out);
    }
    arena_free(&arena);
    arena_init(&arena, &alloc_root);
    if (wave_parse_args(&arena, &func, text, size - 1, &args, &error) != STINT_OK &&
        error.message[0] == '\0')
        abort();
    arena_free(&arena);
    return 0;
}
