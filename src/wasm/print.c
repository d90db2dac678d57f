/* SPDX-License-Identifier: Apache-2.0 */
/* The dump of a binary, section by section, each line with its offset. */
#include "wasm/print.h"

#include <stdio.h>
#include <string.h>

#include "wasm/print_int.h"

enum {
    DATA_BYTES_SHOWN = 64,
    CODE_BYTES_SHOWN = 8, /* of an instruction */
    CODE_COLUMN = 3 * CODE_BYTES_SHOWN,
    CODE_DEPTH_MAX = 20, /* deeper blocks are not indented further */
};

static unsigned long long offset_of(const struct printer *p, const uint8_t *at)
{
    return (unsigned long long)(at - p->stub.bytes);
}

/* A new line for what stands at `at`: "  0x0000001c  ". By hand, for there are many of them. */
static void begin_line(struct printer *p, const uint8_t *at)
{
    static const char hex[] = "0123456789abcdef";
    char text[] = "  0x00000000  ";
    unsigned long long offset = offset_of(p, at);
    for (int i = 11; i > 3; i--, offset >>= 4)
        text[i] = hex[offset & 15];
    out_line(p, 0);
    out_text(p, text);
}

/* ---- Code -------------------------------------------------------------------------------- */

/* A column for the bytes of an instruction, blank yet, and the indentation of its text. Returns
 * where the column is in p->out. */
static size_t begin_column(struct printer *p, uint32_t depth)
{
    static const char blanks[CODE_COLUMN + 1] = "                        ";
    size_t start = p->out.bytes;
    buf_append(&p->out, blanks, CODE_COLUMN);
    out_text(p, "| ");
    for (uint32_t left = depth < CODE_DEPTH_MAX ? depth : CODE_DEPTH_MAX; left > 0; left--)
        out_text(p, "  ");
    return start;
}

/* Fills it with the bytes from `at` to where the reader stands. */
static void fill_column(struct printer *p, size_t start, const uint8_t *at)
{
    static const char hex[] = "0123456789abcdef";
    size_t shown = (size_t)(p->r.at - at);
    bool is_cut = shown > CODE_BYTES_SHOWN;
    if (p->out.failed)
        return;
    if (is_cut)
        shown = CODE_BYTES_SHOWN - 1;
    char *column = (char *)p->out.data + start;
    for (size_t i = 0; i < shown; i++) {
        column[3 * i] = hex[at[i] >> 4];
        column[3 * i + 1] = hex[at[i] & 15];
    }
    if (is_cut)
        memcpy(column + 3 * shown, "..", 2);
}

static void print_code(struct printer *p, uint32_t function)
{
    struct reader *r = &p->r;
    uint32_t depth = 0;
    while (r->at < r->end && !reader_failed(r)) {
        const uint8_t *at = r->at;
        bool outdents = *at == op_infos[OP_END].code || *at == op_infos[OP_ELSE].code;
        depth -= outdents && depth > 0;
        begin_line(p, at);
        size_t column = begin_column(p, depth);
        enum op op = print_instruction(p, function);
        if (op == OP_INVALID)
            return;
        fill_column(p, column, at);
        depth += op == OP_ELSE || op_infos[op].immediate == IMM_BLOCK ||
                 op_infos[op].immediate == IMM_TRY_TABLE;
    }
}

static void print_body(struct printer *p, bool disassemble)
{
    struct reader *r = &p->r;
    const uint8_t *section_end = r->end;
    uint32_t function = p->next[PRINT_FUNC]++;
    uint32_t bytes = read_count(r, UINT32_MAX, 1, "bytes of code");
    if (reader_failed(r))
        return;
    r->end = r->at + bytes;
    out_text(p, "func");
    out_binder(p, PRINT_FUNC, function);
    uint32_t params = 0;
    if (function < p->counts[PRINT_FUNC])
        params = print_func_signature(p, p->func_types[function], function);
    out_format(p, " %u bytes", bytes);
    if (disassemble) {
        print_locals(p, function, params);
        print_code(p, function);
    }
    if (!reader_failed(r))
        r->at = r->end;
    r->end = section_end;
}

/* ---- Sections ---------------------------------------------------------------------------- */

static void print_function(struct printer *p)
{
    uint32_t type = read_u32(&p->r), function = p->next[PRINT_FUNC]++;
    out_text(p, "func");
    out_binder(p, PRINT_FUNC, function);
    if (!reader_failed(&p->r))
        print_typeuse(p, type);
}

static void print_entry(struct printer *p, uint8_t id)
{
    switch (id) {
    case SECTION_ID_TYPE:
        print_rectype(p, &p->next[PRINT_TYPE], 8);
        break;
    case SECTION_ID_IMPORT:
        print_import(p);
        break;
    case SECTION_ID_FUNC:
        print_function(p);
        break;
    case SECTION_ID_TABLE:
        print_table(p, p->next[PRINT_TABLE]++);
        break;
    case SECTION_ID_MEMORY:
        print_memory(p, p->next[PRINT_MEMORY]++);
        break;
    case SECTION_ID_TAG:
        print_tag(p, p->next[PRINT_TAG]++);
        break;
    case SECTION_ID_GLOBAL:
        print_global(p, p->next[PRINT_GLOBAL]++);
        break;
    case SECTION_ID_EXPORT:
        print_export(p);
        break;
    case SECTION_ID_ELEM:
        print_elem(p, p->next[PRINT_ELEM]++);
        break;
    case SECTION_ID_CODE:
        print_body(p, p->options->disassembly);
        break;
    default:
        print_data(p, p->next[PRINT_DATA]++, DATA_BYTES_SHOWN);
        break;
    }
}

static bool has_entries(uint8_t id)
{
    return id != SECTION_ID_CUSTOM && id != SECTION_ID_START && id != SECTION_ID_DATA_COUNT;
}

/* "type      0x0000000a      28 bytes  3 entries" */
static void print_head(struct printer *p, const struct print_section *section)
{
    struct reader peek = p->r;
    peek.error = NULL;
    out_format(p, "%-9s 0x%08llx %9zu bytes", print_section_name(section->id),
               offset_of(p, p->r.at), (size_t)(p->r.end - p->r.at));
    if (section->id == SECTION_ID_CUSTOM) {
        out_text(p, "  ");
        out_name(p, section->name);
    } else if (has_entries(section->id)) {
        uint32_t count = read_u32(&peek);
        out_format(p, "  %u %s", count, count == 1 ? "entry" : "entries");
    }
}

static void print_content(struct printer *p, const struct print_section *section)
{
    struct reader *r = &p->r;
    if (section->id == SECTION_ID_CUSTOM) {
        r->at = r->end;
        return;
    }
    if (!has_entries(section->id)) {
        begin_line(p, r->at);
        uint32_t number = read_u32(r);
        if (section->id == SECTION_ID_START) {
            out_text(p, "start ");
            out_index(p, PRINT_FUNC, number);
        } else {
            out_format(p, "%u data segments", number);
        }
        return;
    }
    if (section->id == SECTION_ID_FUNC || section->id == SECTION_ID_CODE)
        p->next[PRINT_FUNC] = p->imports[PRINT_FUNC];
    uint32_t count = read_count(r, UINT32_MAX, 1, "entries");
    for (uint32_t i = 0; i < count && !reader_failed(r); i++) {
        begin_line(p, r->at);
        print_entry(p, section->id);
    }
}

static void print_all(struct printer *p)
{
    out_format(p, "WebAssembly module, version 1, %zu bytes", p->stub.size_bytes);
    for (size_t i = 0; print_open_section(p, i); i++) {
        const struct print_section *section = &p->sections[i];
        if (!p->options->headers)
            out_line(p, 0);
        out_line(p, 0);
        print_head(p, section);
        if (p->options->headers)
            p->r.at = p->r.end;
        else
            print_content(p, section);
        print_close_section(p);
    }
}

enum stint_status print_sections(struct alloc *alloc, const uint8_t *bytes, size_t size_bytes,
                                 const struct print_options *options, const struct print_sink *sink,
                                 struct stint_error *error)
{
    struct printer p;
    struct stint_error detail = {0};
    if (!printer_init(&p, alloc, bytes, size_bytes, sink, &detail))
        return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "out of memory");
    p.options = options;
    print_scan(&p);
    if (print_open_module(&p))
        print_all(&p);
    if (detail.status == STINT_MALFORMED) {
        out_line(&p, 0);
        out_format(&p, "malformed at 0x%08llx: ", (unsigned long long)detail.offset_bytes);
        out_text(&p, detail.message);
    }
    out_text(&p, "\n");
    enum stint_status status = printer_finish(&p);
    if (status != STINT_OK)
        error_set(error, status, detail.offset_bytes, "%s", detail.message);
    return status;
}
