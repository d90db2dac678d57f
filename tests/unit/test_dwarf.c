/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include "base/buf.h"
#include "wasm/dwarf.h"

enum { CODE_OFFSET = 100 };

static struct alloc alloc;

/* The sections of a module that consists of nothing else. */
struct sections {
    struct buf bytes;
    struct wasm_custom customs[4];
    struct wasm_module module;
};

static void open_sections(struct sections *s)
{
    memset(s, 0, sizeof(*s));
    alloc_init(&alloc, NULL, NULL, SIZE_MAX);
    buf_init(&s->bytes, &alloc, SIZE_MAX);
}

static void add_section(struct sections *s, const char *name, const struct buf *content)
{
    struct wasm_custom *custom = &s->customs[s->module.custom_count++];
    custom->name = (struct wasm_name){name, (uint32_t)strlen(name)};
    custom->offset_bytes = (uint32_t)s->bytes.bytes;
    custom->size_bytes = (uint32_t)content->bytes;
    buf_append(&s->bytes, content->data, content->bytes);
}

static const struct wasm_module *module_of(struct sections *s)
{
    s->module.bytes = s->bytes.data;
    s->module.size_bytes = s->bytes.bytes;
    s->module.customs = s->customs;
    s->module.code_offset_bytes = CODE_OFFSET;
    return &s->module;
}

static void put32(struct buf *buf, uint32_t value)
{
    buf_append(buf, &value, sizeof(value));
}

static void patch32(struct buf *buf, size_t at)
{
    uint32_t value = (uint32_t)(buf->bytes - at - 4);
    memcpy(buf->data + at, &value, sizeof(value));
}

#define PUT(buf, ...)                                                                              \
    buf_append(buf, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))
#define PUT_TEXT(buf, text) buf_append(buf, text, sizeof(text))

/* Begins a unit; the fields up to the standard opcodes. Returns where its header's length is. */
static size_t begin_unit(struct buf *buf, uint8_t version)
{
    put32(buf, 0);
    PUT(buf, version, 0);
    if (version >= 5)
        PUT(buf, 4, 0);
    size_t header = buf->bytes;
    put32(buf, 0);
    PUT(buf, 1);
    if (version >= 4)
        PUT(buf, 1);
    PUT(buf, 1, (uint8_t)-5, 14, 13, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1);
    return header;
}

/* A dead sequence at 0, then lines 11 to 13 of files `first` and `first` + 1 from address 16. */
static void put_program(struct buf *buf, uint8_t first)
{
    PUT(buf, 0, 5, 2, 0, 0, 0, 0); /* address 0: dead */
    PUT(buf, 1, 2, 100, 1);        /* a row, 100 further, a row */
    PUT(buf, 0, 1, 1);             /* end of the sequence */
    PUT(buf, 0, 5, 2, 16, 0, 0, 0);
    PUT(buf, 4, first, 3, 10, 5, 7, 1);       /* file, line 11, column 7, a row */
    PUT(buf, 13 + 5 + 1 + 14 * 4);            /* 4 further, line 12: a row at 20 */
    PUT(buf, 4, first + 1, 3, 1, 9, 2, 0, 1); /* file, line 13, 2 further, a row at 22 */
    PUT(buf, 8, 3, 115, 1);                   /* 17 further, line 0: a row at 39 */
    PUT(buf, 2, 1, 0, 1, 1);                  /* 1 further, the end at 40 */
}

static void make_version_4(struct sections *s)
{
    struct buf line;
    open_sections(s);
    buf_init(&line, &alloc, SIZE_MAX);
    PUT(&line, 4, 0, 0, 0, 9, 9, 9, 9); /* a unit of an unknown version */
    size_t unit = line.bytes, header = begin_unit(&line, 4);
    PUT_TEXT(&line, "src/lib");
    PUT(&line, 0);
    PUT_TEXT(&line, "a.c");
    PUT(&line, 0, 0, 0);
    PUT_TEXT(&line, "b.c");
    PUT(&line, 1, 0, 0, 0);
    patch32(&line, header);
    put_program(&line, 1);
    patch32(&line, unit);
    add_section(s, ".debug_line", &line);
    buf_free(&line);
}

static void make_version_5(struct sections *s)
{
    struct buf line, names;
    open_sections(s);
    buf_init(&line, &alloc, SIZE_MAX);
    buf_init(&names, &alloc, SIZE_MAX);
    PUT_TEXT(&names, "src/lib");
    PUT_TEXT(&names, "b.c");
    add_section(s, ".debug_line_str", &names);
    size_t unit = line.bytes, header = begin_unit(&line, 5);
    PUT(&line, 1, 1, 0x1f, 2); /* directories: a path in .debug_line_str; two of them */
    put32(&line, 8);
    put32(&line, 0);
    PUT(&line, 3, 1, 0x08, 5, 0x1e, 2, 0x0b, 3); /* files: text, checksum, directory; three */
    PUT_TEXT(&line, "/abs/a.c");
    PUT(&line, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 1);
    PUT_TEXT(&line, "b.c");
    PUT(&line, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 1);
    PUT_TEXT(&line, "c\t.c");
    PUT(&line, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 99);
    patch32(&line, header);
    put_program(&line, 0);
    patch32(&line, unit);
    add_section(s, ".debug_line", &line);
    buf_free(&line);
    buf_free(&names);
}

/* "file:line:column" of an address in the code section. */
static const char *line_at(struct sections *s, uint32_t address)
{
    static char text[DWARF_FILE_BYTES + 30];
    uint32_t offset = address + CODE_OFFSET;
    struct dwarf_line line;
    dwarf_find_lines(module_of(s), &offset, 1, &line);
    snprintf(text, sizeof(text), "%s:%u:%u", line.file, line.line, line.column);
    return text;
}

TEST(rows_hold_up_to_the_next)
{
    struct sections s;
    make_version_4(&s);
    CHECK(dwarf_is_present(module_of(&s)));
    CHECK_STR(line_at(&s, 0), ":0:0");
    CHECK_STR(line_at(&s, 15), ":0:0");
    CHECK_STR(line_at(&s, 16), "a.c:11:7");
    CHECK_STR(line_at(&s, 19), "a.c:11:7");
    CHECK_STR(line_at(&s, 20), "a.c:12:7");
    CHECK_STR(line_at(&s, 22), "src/lib/b.c:13:7");
    CHECK_STR(line_at(&s, 38), "src/lib/b.c:13:7");
    CHECK_STR(line_at(&s, 39), ":0:0");
    CHECK_STR(line_at(&s, 40), ":0:0");
    CHECK_STR(line_at(&s, 1000000), ":0:0");
    CHECK_STR(line_at(&s, (uint32_t)-50), ":0:0");
    buf_free(&s.bytes);
}

TEST(version_5_has_its_own_tables)
{
    struct sections s;
    make_version_5(&s);
    CHECK_STR(line_at(&s, 16), "/abs/a.c:11:7");
    CHECK_STR(line_at(&s, 22), "src/lib/b.c:13:7");
    buf_free(&s.bytes);
}

TEST(many_offsets_are_found_at_once)
{
    struct sections s;
    const uint32_t offsets[] = {CODE_OFFSET + 22, 3, CODE_OFFSET + 16, CODE_OFFSET + 22};
    struct dwarf_line lines[4];
    make_version_4(&s);
    dwarf_find_lines(module_of(&s), offsets, 4, lines);
    CHECK_INT(lines[0].line, 13);
    CHECK_INT(lines[1].line, 0);
    CHECK_INT(lines[2].line, 11);
    CHECK_STR(lines[2].file, "a.c");
    CHECK_INT(lines[3].line, 13);
    buf_free(&s.bytes);
}

TEST(a_module_without_tables_has_no_lines)
{
    struct sections s;
    open_sections(&s);
    CHECK(!dwarf_is_present(module_of(&s)));
    CHECK_STR(line_at(&s, 16), ":0:0");
}

/* Whatever is in the sections, reading them ends and stays within. */
static void check_damaged(void (*make)(struct sections *s))
{
    uint32_t random = 12345;
    struct sections s;
    make(&s);
    size_t size = s.bytes.bytes;
    uint8_t *good = alloc_get(&alloc, size);
    REQUIRE(good != NULL);
    memcpy(good, s.bytes.data, size);
    for (uint32_t round = 0; round < 20000; round++) {
        memcpy(s.bytes.data, good, size);
        for (uint32_t i = 0; i <= round % 3; i++) {
            random = random * 1664525 + 1013904223;
            uint8_t *at = &s.bytes.data[(random >> 8) % size];
            *at = random >> 28 == 0 ? 0xff : (uint8_t)(random >> 20);
        }
        (void)line_at(&s, 22);
    }
    memcpy(s.bytes.data, good, size);
    struct wasm_custom *last = &s.customs[s.module.custom_count - 1];
    for (; last->size_bytes > 0; last->size_bytes--)
        (void)line_at(&s, 22);
    alloc_put(&alloc, good, size);
    buf_free(&s.bytes);
}

TEST(damaged_tables_are_survived)
{
    check_damaged(make_version_4);
    check_damaged(make_version_5);
}

TEST(long_paths_lose_their_front)
{
    struct sections s;
    struct buf line;
    char folder[300], text[32];
    open_sections(&s);
    buf_init(&line, &alloc, SIZE_MAX);
    memset(folder, 'x', sizeof(folder));
    size_t unit = line.bytes, header = begin_unit(&line, 4);
    buf_append(&line, folder, sizeof(folder));
    PUT(&line, 0, 0);
    PUT_TEXT(&line, "a.c");
    PUT(&line, 1, 0, 0, 0);
    patch32(&line, header);
    put_program(&line, 1);
    patch32(&line, unit);
    add_section(&s, ".debug_line", &line);
    buf_free(&line);
    const char *got = line_at(&s, 16);
    CHECK_INT(strlen(got), DWARF_FILE_BYTES - 1 + 5);
    snprintf(text, sizeof(text), "%s", got + strlen(got) - 10);
    CHECK_STR(text, "x/a.c:11:7");
    buf_free(&s.bytes);
}

CHECK_MAIN
