/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The look ahead of the printers. Readers here have no error to fill: what cannot be read is left
 * out, and the printing that follows says what is wrong with it.
 */
#include <string.h>

#include "wasm/print_int.h"

enum { HEADER_BYTES = 8, EXTERN_KINDS = 5 };

/* By enum extern_kind. */
static const enum print_space extern_spaces[EXTERN_KINDS] = {PRINT_FUNC, PRINT_TABLE, PRINT_MEMORY,
                                                             PRINT_GLOBAL, PRINT_TAG};

static struct reader open_reader(struct printer *p, const uint8_t *at, const uint8_t *end)
{
    struct reader r;
    reader_init(&r, &p->stub, at, end, NULL);
    return r;
}

/* ---- Stepping over ----------------------------------------------------------------------- */

/* A heap type: a signed number. */
static void skip_heaptype(struct reader *r)
{
    int64_t heap;
    if (leb_read_s33(&r->at, r->end, &heap) != LEB_OK)
        reader_fail(r, STINT_MALFORMED, NULL, "malformed heap type");
}

void skip_valtype(struct reader *r)
{
    uint8_t kind = read_byte(r);
    if (kind == VT_REF || kind == VT_REF_NULL)
        skip_heaptype(r);
}

void skip_limits(struct reader *r)
{
    uint8_t flags = read_byte(r);
    read_u64(r);
    if ((flags & 1) != 0)
        read_u64(r);
}

/* ---- Types ------------------------------------------------------------------------------- */

/* A list of types, `each` as many value types as that has (fields have a byte behind each). */
static void skip_valtypes(struct reader *r, bool are_fields)
{
    uint32_t count = read_count(r, UINT32_MAX, 1, "types");
    for (uint32_t i = 0; i < count && !reader_failed(r); i++) {
        skip_valtype(r);
        if (are_fields)
            read_byte(r);
    }
}

static void scan_subtype(struct printer *p, struct reader *r)
{
    uint8_t form = read_byte(r);
    if (form == 0x50 || form == 0x4f) {
        uint32_t supers = read_count(r, UINT32_MAX, 1, "supertypes");
        for (uint32_t i = 0; i < supers; i++)
            read_u32(r);
        form = read_byte(r);
    }
    if (reader_failed(r))
        return;
    uint32_t index = p->counts[PRINT_TYPE];
    const uint8_t *at = r->at;
    switch (form) {
    case 0x60:
        skip_valtypes(r, false);
        skip_valtypes(r, false);
        break;
    case 0x5f:
        skip_valtypes(r, true);
        break;
    case 0x5e:
        skip_valtype(r);
        read_byte(r);
        break;
    default:
        reader_fail(r, STINT_MALFORMED, NULL, "unknown form of a type");
    }
    if (reader_failed(r))
        return;
    if (!vec_reserve(p->alloc, &p->types, &p->type_capacity, (size_t)index + 1,
                     sizeof(*p->types))) {
        reader_fail_nomem(&p->r);
        reader_fail_nomem(r);
        return;
    }
    p->types[index] = (struct print_type){form, at, r->at};
    p->counts[PRINT_TYPE]++;
}

static void scan_types(struct printer *p, struct reader *r)
{
    uint32_t count = read_count(r, UINT32_MAX, 1, "types");
    for (uint32_t i = 0; i < count && !reader_failed(r); i++) {
        uint32_t members = 1;
        if (r->at < r->end && *r->at == 0x4e) {
            r->at++;
            members = read_count(r, UINT32_MAX, 1, "types");
        }
        for (uint32_t k = 0; k < members && !reader_failed(r); k++)
            scan_subtype(p, r);
    }
}

/* ---- Imports, functions and counts ------------------------------------------------------- */

static void add_function(struct printer *p, struct reader *r, uint32_t type)
{
    uint32_t index = p->counts[PRINT_FUNC];
    if (reader_failed(r))
        return;
    if (!vec_reserve(p->alloc, &p->func_types, &p->func_type_capacity, (size_t)index + 1,
                     sizeof(*p->func_types))) {
        reader_fail_nomem(&p->r);
        reader_fail_nomem(r);
        return;
    }
    p->func_types[index] = type;
    p->counts[PRINT_FUNC]++;
}

static void scan_import(struct printer *p, struct reader *r)
{
    read_name(r, "module name");
    read_name(r, "field name");
    uint8_t kind = read_byte(r);
    switch (kind) {
    case EXTERN_FUNC:
        add_function(p, r, read_u32(r));
        break;
    case EXTERN_TABLE:
        skip_valtype(r);
        skip_limits(r);
        break;
    case EXTERN_MEMORY:
        skip_limits(r);
        break;
    case EXTERN_GLOBAL:
        skip_valtype(r);
        read_byte(r);
        break;
    case EXTERN_TAG:
        read_byte(r);
        read_u32(r);
        break;
    default:
        reader_fail(r, STINT_MALFORMED, NULL, "unknown kind of an import");
    }
    if (reader_failed(r))
        return;
    if (kind != EXTERN_FUNC)
        p->counts[extern_spaces[kind]]++;
    p->imports[extern_spaces[kind]]++;
}

static void scan_imports(struct printer *p, struct reader *r)
{
    uint32_t count = read_count(r, UINT32_MAX, 1, "imports");
    for (uint32_t i = 0; i < count && !reader_failed(r); i++)
        scan_import(p, r);
}

static void scan_functions(struct printer *p, struct reader *r)
{
    uint32_t count = read_count(r, UINT32_MAX, 1, "functions");
    for (uint32_t i = 0; i < count && !reader_failed(r); i++)
        add_function(p, r, read_u32(r));
}

static void scan_section(struct printer *p, const struct print_section *section)
{
    struct reader r = open_reader(p, section->at, section->end);
    switch (section->id) {
    case SECTION_ID_TYPE:
        scan_types(p, &r);
        break;
    case SECTION_ID_IMPORT:
        scan_imports(p, &r);
        break;
    case SECTION_ID_FUNC:
        scan_functions(p, &r);
        break;
    case SECTION_ID_TABLE:
        p->counts[PRINT_TABLE] += read_count(&r, UINT32_MAX, 1, "");
        break;
    case SECTION_ID_MEMORY:
        p->counts[PRINT_MEMORY] += read_count(&r, UINT32_MAX, 1, "");
        break;
    case SECTION_ID_GLOBAL:
        p->counts[PRINT_GLOBAL] += read_count(&r, UINT32_MAX, 1, "");
        break;
    case SECTION_ID_TAG:
        p->counts[PRINT_TAG] += read_count(&r, UINT32_MAX, 1, "");
        break;
    case SECTION_ID_ELEM:
        p->counts[PRINT_ELEM] += read_count(&r, UINT32_MAX, 1, "");
        break;
    case SECTION_ID_DATA:
        p->counts[PRINT_DATA] += read_count(&r, UINT32_MAX, 1, "");
        break;
    default:
        break;
    }
}

/* ---- Sections ---------------------------------------------------------------------------- */

static bool list_section(struct printer *p, struct reader *r)
{
    struct print_section section = {.id = read_byte(r)};
    uint32_t bytes = read_u32(r);
    section.at = r->at;
    if (read_bytes(r, bytes) == NULL || reader_failed(r))
        return false;
    section.end = r->at;
    if (section.id == SECTION_ID_CUSTOM) {
        struct reader content = open_reader(p, section.at, section.end);
        section.name = read_name(&content, "");
        section.at = content.at;
    }
    if (!vec_reserve(p->alloc, &p->sections, &p->section_capacity, p->section_count + 1,
                     sizeof(*p->sections))) {
        reader_fail_nomem(&p->r);
        return false;
    }
    p->sections[p->section_count++] = section;
    return true;
}

static bool is_named(const struct print_section *section, const char *name)
{
    return section->id == SECTION_ID_CUSTOM && section->name.bytes == strlen(name) &&
           memcmp(section->name.text, name, section->name.bytes) == 0;
}

void print_scan(struct printer *p)
{
    const uint8_t *end = p->stub.bytes + p->stub.size_bytes;
    struct reader r = open_reader(p, p->stub.bytes, end);
    if (read_bytes(&r, HEADER_BYTES) == NULL)
        return;
    while (r.at < end && list_section(p, &r))
        ;
    for (size_t i = 0; i < p->section_count; i++)
        scan_section(p, &p->sections[i]);
    /* Names need the sizes of all index spaces. */
    for (size_t i = 0; i < p->section_count; i++) {
        if (is_named(&p->sections[i], "name"))
            print_scan_names(p, &p->sections[i]);
        else if (is_named(&p->sections[i], "metadata.code.branch_hint"))
            print_scan_hints(p, &p->sections[i]);
    }
}
