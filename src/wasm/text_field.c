/* SPDX-License-Identifier: Apache-2.0 */
/* Imports, exports and definitions (core specification 6.6), each into its section. */
#include "wasm/limits.h"
#include "wasm/text_int.h"

/* By enum extern_kind, whose values are those of the binary. */
static const struct {
    const char *keyword;
    enum text_space space;
} externs[] = {
    [EXTERN_FUNC] = {"func", SPACE_FUNC},       [EXTERN_TABLE] = {"table", SPACE_TABLE},
    [EXTERN_MEMORY] = {"memory", SPACE_MEMORY}, [EXTERN_GLOBAL] = {"global", SPACE_GLOBAL},
    [EXTERN_TAG] = {"tag", SPACE_TAG},
};

/* ---- Imports and exports ----------------------------------------------------------------- */

/* "(func" and its like; the kind goes to `ret_kind`. */
static bool read_extern(struct text_parser *p, enum extern_kind *ret_kind)
{
    for (size_t i = 0; i < COUNT_OF(externs); i++) {
        if (text_accept_form(p, externs[i].keyword)) {
            *ret_kind = (enum extern_kind)i;
            return true;
        }
    }
    return text_expected(p, "(func …), (table …), (memory …), (global …) or (tag …)");
}

static bool tag_type(struct text_parser *p, struct buf *buf)
{
    uint32_t type;
    if (!text_typeuse(p, PARAM_IDS_IGNORED, &type))
        return false;
    buf_append_byte(buf, 0); /* attribute: exception */
    buf_append_uleb(buf, type);
    return true;
}

/* Limits and element type, which the binary has the other way around. */
static bool table_type(struct text_parser *p, struct buf *buf)
{
    text_valtype type;
    buf_clear(&p->list);
    if (!text_limits(p, &p->list) || !text_reftype(p, &type))
        return false;
    text_append_valtype(buf, type);
    buf_append(buf, p->list.data, p->list.bytes);
    return true;
}

/* What an import of this kind says of its type, appended to `section` behind the kind. */
static bool extern_type(struct text_parser *p, enum extern_kind kind, struct buf *section)
{
    uint32_t type;
    buf_append_byte(section, (uint8_t)kind);
    switch (kind) {
    case EXTERN_FUNC:
        if (!text_typeuse(p, PARAM_IDS_IGNORED, &type))
            return false;
        buf_append_uleb(section, type);
        return true;
    case EXTERN_TABLE:
        return table_type(p, section);
    case EXTERN_MEMORY:
        return text_limits(p, section);
    case EXTERN_GLOBAL:
        return text_global_type(p, section);
    case EXTERN_TAG:
        return tag_type(p, section);
    }
    return true;
}

static bool import_type(struct text_parser *p, enum extern_kind kind)
{
    p->counts[SECTION_IMPORT]++;
    return extern_type(p, kind, &p->sections[SECTION_IMPORT]);
}

bool text_extern_type(struct text_parser *p, struct buf *buf)
{
    enum extern_kind kind = EXTERN_FUNC;
    if (!read_extern(p, &kind))
        return false;
    text_skip_id(p);
    return extern_type(p, kind, buf) && text_expect_close(p);
}

bool text_bind_import(struct text_parser *p)
{
    enum extern_kind kind = EXTERN_FUNC;
    for (int names = 0; names < 2; names++, p->at++) {
        if (!text_at(p, TOKEN_STRING))
            return text_expected(p, "a string: module and name of the import");
    }
    return read_extern(p, &kind) && text_bind(p, externs[kind].space);
}

bool text_field_import(struct text_parser *p)
{
    enum extern_kind kind = EXTERN_FUNC;
    struct buf *section = &p->sections[SECTION_IMPORT];
    if (!text_name(p, section) || !text_name(p, section) || !read_extern(p, &kind))
        return false;
    p->next[externs[kind].space]++;
    text_skip_id(p);
    return import_type(p, kind) && text_expect_close(p);
}

static void append_export(struct text_parser *p, enum extern_kind kind, uint32_t index)
{
    struct buf *section = &p->sections[SECTION_EXPORT];
    buf_append_byte(section, (uint8_t)kind);
    buf_append_uleb(section, index);
    p->counts[SECTION_EXPORT]++;
}

bool text_field_export(struct text_parser *p)
{
    enum extern_kind kind = EXTERN_FUNC;
    uint32_t index;
    if (!text_name(p, &p->sections[SECTION_EXPORT]) || !read_extern(p, &kind) ||
        !text_index(p, externs[kind].space, &index) || !text_expect_close(p))
        return false;
    append_export(p, kind, index);
    return true;
}

bool text_field_start(struct text_parser *p)
{
    uint32_t index;
    if (p->counts[SECTION_START] != 0)
        return text_fail_at(p, p->at - 1, "multiple start sections");
    if (!text_index(p, SPACE_FUNC, &index))
        return false;
    buf_append_uleb(&p->sections[SECTION_START], index);
    p->counts[SECTION_START] = 1;
    return true;
}

/*
 * The start of every definition: its identifier, (export "…")*, then (import "…" "…"), whose type
 * is then read as well. The definition takes the next index of its space.
 */
static bool begin_definition(struct text_parser *p, enum extern_kind kind, uint32_t *ret_index,
                             bool *ret_is_import)
{
    uint32_t index = p->next[externs[kind].space]++;
    *ret_index = index;
    text_skip_id(p);
    while (text_accept_form(p, "export")) {
        if (!text_name(p, &p->sections[SECTION_EXPORT]) || !text_expect_close(p))
            return false;
        append_export(p, kind, index);
    }
    *ret_is_import = text_accept_form(p, "import");
    if (!*ret_is_import)
        return true;
    struct buf *section = &p->sections[SECTION_IMPORT];
    return text_name(p, section) && text_name(p, section) && text_expect_close(p) &&
           import_type(p, kind);
}

/* ---- Functions --------------------------------------------------------------------------- */

/* Ends a run of `count` locals of one type. */
static void append_run(struct text_parser *p, text_valtype type, uint32_t count)
{
    buf_append_uleb(&p->list, count);
    text_append_valtype(&p->list, type);
}

/* (local …)*, as runs of equal types at the start of p->body. */
static bool read_locals(struct text_parser *p)
{
    text_valtype type, run_type = 0;
    uint32_t run = 0, runs = 0;
    buf_clear(&p->list);
    while (text_accept_form(p, "local")) {
        bool has_id = text_at_id(p);
        while (has_id || !text_at(p, TOKEN_CLOSE)) {
            uint32_t id = has_id ? p->at++ : TOKEN_NONE;
            if (!text_bind_local(p, id) || !text_valtype_read(p, &type))
                return false;
            if (run != 0 && type != run_type) {
                append_run(p, run_type, run);
                runs++;
                run = 0;
            }
            run_type = type;
            run++;
            if (has_id)
                break;
        }
        if (!text_expect_close(p))
            return false;
    }
    if (run != 0)
        append_run(p, run_type, run);
    buf_append_uleb(&p->body, runs + (run != 0));
    buf_append(&p->body, p->list.data, p->list.bytes);
    return !p->list.failed || text_nomem(p);
}

static bool read_body(struct text_parser *p)
{
    struct buf *section = &p->sections[SECTION_CODE];
    if (!read_locals(p) || !text_expression(p, &p->body))
        return false;
    buf_append_uleb(section, p->body.bytes);
    buf_append(section, p->body.data, p->body.bytes);
    p->counts[SECTION_CODE]++;
    text_end_hints(p);
    return !section->failed || text_nomem(p);
}

bool text_field_func(struct text_parser *p)
{
    bool is_import;
    uint32_t index;
    uint32_t type;
    if (!begin_definition(p, EXTERN_FUNC, &index, &is_import) || is_import)
        return p->status == STINT_OK;
    p->function = index;
    p->function_serial++;
    p->local_count = 0;
    buf_clear(&p->body);
    if (!text_typeuse(p, PARAM_IDS_BOUND, &type))
        return false;
    buf_append_uleb(&p->sections[SECTION_FUNC], type);
    p->counts[SECTION_FUNC]++;
    bool ok = read_body(p);
    p->function = UINT32_MAX;
    return ok;
}

/* ---- Tables, memories, globals, tags ----------------------------------------------------- */

/* Limits of exactly `count`. */
static void append_exact_limits(struct buf *buf, bool is_64, uint64_t count)
{
    buf_append_byte(buf, is_64 ? 5 : 1);
    buf_append_uleb(buf, count);
    buf_append_uleb(buf, count);
}

/* An address type in front of an inline segment. */
static bool accept_address_type(struct text_parser *p)
{
    bool is_64 = text_accept_keyword(p, "i64");
    if (!is_64)
        text_accept_keyword(p, "i32");
    return is_64;
}

/* reftype (elem …): the table is as large as the segment. */
static bool table_of_elem(struct text_parser *p, uint32_t index)
{
    struct buf *section = &p->sections[SECTION_TABLE];
    text_valtype type;
    uint32_t count;
    bool is_64 = accept_address_type(p);
    if (!text_reftype(p, &type) || !text_expect_form(p, "elem") ||
        !text_inline_elem(p, index, is_64, type, &count))
        return false;
    text_append_valtype(section, type);
    append_exact_limits(section, is_64, count);
    return true;
}

bool text_field_table(struct text_parser *p)
{
    bool is_import;
    uint32_t index;
    struct buf *section = &p->sections[SECTION_TABLE];
    if (!begin_definition(p, EXTERN_TABLE, &index, &is_import) || is_import)
        return p->status == STINT_OK;
    p->counts[SECTION_TABLE]++;
    uint32_t start = p->at;
    accept_address_type(p);
    bool has_limits = text_at_digit(p);
    p->at = start;
    if (!has_limits)
        return table_of_elem(p, index);
    buf_clear(&p->body);
    if (!table_type(p, &p->body))
        return false;
    bool has_init = !text_at(p, TOKEN_CLOSE);
    if (has_init) {
        buf_append(section, "\x40\0", 2);
        if (!text_expression(p, &p->body))
            return false;
    }
    buf_append(section, p->body.data, p->body.bytes);
    return true;
}

bool text_field_memory(struct text_parser *p)
{
    bool is_import;
    uint32_t index;
    struct buf *section = &p->sections[SECTION_MEMORY];
    if (!begin_definition(p, EXTERN_MEMORY, &index, &is_import) || is_import)
        return p->status == STINT_OK;
    p->counts[SECTION_MEMORY]++;
    uint32_t start = p->at;
    bool is_64 = accept_address_type(p);
    if (!text_accept_form(p, "data")) {
        p->at = start;
        return text_limits(p, section);
    }
    uint64_t bytes;
    if (!text_inline_data(p, index, is_64, &bytes))
        return false;
    append_exact_limits(section, is_64, (bytes + WASM_PAGE_BYTES - 1) / WASM_PAGE_BYTES);
    return true;
}

bool text_field_global(struct text_parser *p)
{
    bool is_import;
    uint32_t index;
    struct buf *section = &p->sections[SECTION_GLOBAL];
    if (!begin_definition(p, EXTERN_GLOBAL, &index, &is_import) || is_import)
        return p->status == STINT_OK;
    p->counts[SECTION_GLOBAL]++;
    return text_global_type(p, section) && text_expression(p, section);
}

bool text_field_tag(struct text_parser *p)
{
    bool is_import;
    uint32_t index;
    if (!begin_definition(p, EXTERN_TAG, &index, &is_import) || is_import)
        return p->status == STINT_OK;
    p->counts[SECTION_TAG]++;
    return tag_type(p, &p->sections[SECTION_TAG]);
}
