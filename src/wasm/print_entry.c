/* SPDX-License-Identifier: Apache-2.0 */
/* The entries of sections, each as a field of the text format. */
#include <inttypes.h>

#include "wasm/print_int.h"

/* By enum extern_kind. */
static const struct {
    const char *keyword;
    enum print_space space;
} externs[] = {
    [EXTERN_FUNC] = {"func", PRINT_FUNC},       [EXTERN_TABLE] = {"table", PRINT_TABLE},
    [EXTERN_MEMORY] = {"memory", PRINT_MEMORY}, [EXTERN_GLOBAL] = {"global", PRINT_GLOBAL},
    [EXTERN_TAG] = {"tag", PRINT_TAG},
};

/* ---- Imports, exports, simple definitions ------------------------------------------------ */

static void print_tag_type(struct printer *p)
{
    if (read_byte(&p->r) != 0)
        reader_fail(&p->r, STINT_MALFORMED, p->r.at - 1, "malformed tag attribute");
    uint32_t type = read_u32(&p->r);
    if (!reader_failed(&p->r))
        print_typeuse(p, type);
}

void print_import(struct printer *p)
{
    struct reader *r = &p->r;
    struct wasm_name module = read_name(r, "module's name");
    struct wasm_name field = read_name(r, "import's name");
    uint8_t kind = read_byte(r);
    if (kind >= COUNT_OF(externs)) {
        reader_fail(r, STINT_MALFORMED, r->at - 1, "unknown kind of an import");
        return;
    }
    if (reader_failed(r))
        return;
    out_text(p, "(import ");
    out_name(p, module);
    out_text(p, " ");
    out_name(p, field);
    out_format(p, " (%s", externs[kind].keyword);
    uint32_t index = p->next[externs[kind].space]++;
    out_binder(p, externs[kind].space, index);
    switch ((enum extern_kind)kind) {
    case EXTERN_FUNC:
        print_func_signature(p, read_u32(r), index);
        break;
    case EXTERN_TABLE:
        out_text(p, " ");
        print_tabletype(p);
        break;
    case EXTERN_MEMORY:
        out_text(p, " ");
        print_limits(p);
        break;
    case EXTERN_GLOBAL:
        out_text(p, " ");
        print_mutable(p);
        break;
    case EXTERN_TAG:
        print_tag_type(p);
        break;
    }
    out_text(p, "))");
}

void print_export(struct printer *p)
{
    struct reader *r = &p->r;
    struct wasm_name name = read_name(r, "export's name");
    uint8_t kind = read_byte(r);
    uint32_t index = read_u32(r);
    if (!reader_failed(r) && kind >= COUNT_OF(externs))
        reader_fail(r, STINT_MALFORMED, r->at - 1, "unknown kind of an export");
    if (reader_failed(r))
        return;
    out_text(p, "(export ");
    out_name(p, name);
    out_format(p, " (%s ", externs[kind].keyword);
    out_index(p, externs[kind].space, index);
    out_text(p, "))");
}

void print_table(struct printer *p, uint32_t index)
{
    struct reader *r = &p->r;
    bool has_init = r->at < r->end && *r->at == 0x40;
    if (has_init) {
        r->at++;
        if (read_byte(r) != 0)
            reader_fail(r, STINT_MALFORMED, r->at - 1, "malformed table");
    }
    out_text(p, "(table");
    out_binder(p, PRINT_TABLE, index);
    out_text(p, " ");
    print_tabletype(p);
    if (has_init)
        print_expression(p, NULL);
    out_text(p, ")");
}

void print_memory(struct printer *p, uint32_t index)
{
    out_text(p, "(memory");
    out_binder(p, PRINT_MEMORY, index);
    out_text(p, " ");
    print_limits(p);
    out_text(p, ")");
}

void print_global(struct printer *p, uint32_t index)
{
    out_text(p, "(global");
    out_binder(p, PRINT_GLOBAL, index);
    out_text(p, " ");
    print_mutable(p);
    print_expression(p, NULL);
    out_text(p, ")");
}

void print_tag(struct printer *p, uint32_t index)
{
    out_text(p, "(tag");
    out_binder(p, PRINT_TAG, index);
    print_tag_type(p);
    out_text(p, ")");
}

/* ---- Segments ---------------------------------------------------------------------------- */

static void print_reftype(struct printer *p)
{
    struct reader *r = &p->r;
    if (r->at < r->end && *r->at > VT_V128 - 1 && *r->at <= VT_I32)
        reader_fail(r, STINT_MALFORMED, NULL, "elements of a type that is no reference");
    print_valtype(p);
}

/* The elements of a segment: indices, or expressions. */
static void print_elements(struct printer *p, bool are_expressions)
{
    struct reader *r = &p->r;
    uint32_t count = read_count(r, UINT32_MAX, 1, "elements");
    for (uint32_t i = 0; i < count && !reader_failed(r); i++) {
        out_room(p);
        if (are_expressions) {
            print_expression(p, "item");
        } else {
            out_text(p, " ");
            out_index(p, PRINT_FUNC, read_u32(r));
        }
    }
}

void print_elem(struct printer *p, uint32_t index)
{
    struct reader *r = &p->r;
    uint32_t flags = read_u32(r);
    bool is_active = (flags & 1) == 0, is_explicit = (flags & 2) != 0;
    bool are_expressions = (flags & 4) != 0;
    if (flags > 7)
        reader_fail(r, STINT_MALFORMED, NULL, "unknown flags of an element segment");
    out_text(p, "(elem");
    out_binder(p, PRINT_ELEM, index);
    uint32_t table = is_active && is_explicit ? read_u32(r) : 0;
    if (table != 0) {
        out_text(p, " (table ");
        out_index(p, PRINT_TABLE, table);
        out_text(p, ")");
    }
    if (is_active)
        print_expression(p, "offset");
    else if (is_explicit)
        out_text(p, " declare");
    out_text(p, " ");
    bool has_kind = !is_active || is_explicit;
    if (are_expressions && has_kind)
        print_reftype(p);
    else if (are_expressions)
        out_text(p, "funcref");
    else if (has_kind && read_byte(r) != 0)
        reader_fail(r, STINT_MALFORMED, r->at - 1, "unknown kind of elements");
    else
        out_text(p, "func");
    print_elements(p, are_expressions);
    out_text(p, ")");
}

void print_data(struct printer *p, uint32_t index, uint32_t bytes_max)
{
    struct reader *r = &p->r;
    uint32_t flags = read_u32(r);
    if (flags > 2)
        reader_fail(r, STINT_MALFORMED, NULL, "unknown flags of a data segment");
    out_text(p, "(data");
    out_binder(p, PRINT_DATA, index);
    uint32_t memory = flags == 2 ? read_u32(r) : 0;
    if (memory != 0) {
        out_text(p, " (memory ");
        out_index(p, PRINT_MEMORY, memory);
        out_text(p, ")");
    }
    if (flags != 1)
        print_expression(p, "offset");
    uint32_t size = read_count(r, UINT32_MAX, 1, "bytes of data");
    const uint8_t *bytes = read_bytes(r, size);
    out_text(p, " ");
    if (bytes != NULL)
        out_string(p, bytes, size < bytes_max ? size : bytes_max);
    if (size > bytes_max)
        out_format(p, " … %u bytes", size);
    out_text(p, ")");
}
