/* SPDX-License-Identifier: Apache-2.0 */
/* Types, printed from their binary form. */
#include <inttypes.h>

#include "wasm/heaptypes.h"
#include "wasm/limits.h"
#include "wasm/print_int.h"

static const struct {
    uint8_t code;
    const char *name;
} plain_types[] = {{VT_I32, "i32"},   {VT_I64, "i64"}, {VT_F32, "f32"}, {VT_F64, "f64"},
                   {VT_V128, "v128"}, {VT_I8, "i8"},   {VT_I16, "i16"}};

static const struct {
    uint8_t code;
    const char *heap, *shorthand;
} heaptypes[] = {
#define X(name, code, heap, shorthand) {code, heap, shorthand},
    HEAPTYPE_MAP(X)
#undef X
};

void print_heaptype(struct printer *p)
{
    struct reader *r = &p->r;
    const uint8_t *at = r->at;
    int64_t heap;
    if (leb_read_s33(&r->at, r->end, &heap) != LEB_OK) {
        reader_fail(r, STINT_MALFORMED, at, "malformed heap type");
        return;
    }
    if (heap >= 0) {
        out_index(p, PRINT_TYPE, (uint32_t)heap);
        return;
    }
    for (size_t i = 0; i < COUNT_OF(heaptypes); i++) {
        if (heap == (int64_t)heaptypes[i].code - 0x80) {
            out_text(p, heaptypes[i].heap);
            return;
        }
    }
    reader_fail(r, STINT_MALFORMED, at, "unknown heap type %" PRId64, heap);
}

void print_valtype(struct printer *p)
{
    struct reader *r = &p->r;
    const uint8_t *at = r->at;
    uint8_t code = read_byte(r);
    if (reader_failed(r))
        return;
    if (code == VT_REF || code == VT_REF_NULL) {
        out_text(p, code == VT_REF ? "(ref " : "(ref null ");
        print_heaptype(p);
        out_text(p, ")");
        return;
    }
    for (size_t i = 0; i < COUNT_OF(plain_types); i++) {
        if (code == plain_types[i].code) {
            out_text(p, plain_types[i].name);
            return;
        }
    }
    for (size_t i = 0; i < COUNT_OF(heaptypes); i++) {
        if (code == heaptypes[i].code) {
            out_text(p, heaptypes[i].shorthand);
            return;
        }
    }
    reader_fail(r, STINT_MALFORMED, at, "unknown value type 0x%02x", code);
}

/* The text puts in front what stands behind the type. */
void print_mutable(struct printer *p)
{
    size_t start = p->out.bytes;
    print_valtype(p);
    uint8_t mutability = read_byte(&p->r);
    if (mutability > 1)
        reader_fail(&p->r, STINT_MALFORMED, p->r.at - 1, "malformed mutability %u", mutability);
    if (mutability == 0)
        return;
    buf_insert(&p->out, start, "(mut ", 5);
    out_text(p, ")");
}

void print_limits(struct printer *p)
{
    struct reader *r = &p->r;
    uint8_t flags = read_byte(r);
    if ((flags & ~5u) != 0)
        reader_fail(r, STINT_MALFORMED, r->at - 1, "unknown flags of limits 0x%02x", flags);
    out_format(p, "%s%" PRIu64, (flags & 4) != 0 ? "i64 " : "", read_u64(r));
    if ((flags & 1) != 0)
        out_format(p, " %" PRIu64, read_u64(r));
}

void print_tabletype(struct printer *p)
{
    /* The text has the limits first. */
    const uint8_t *type = p->r.at;
    skip_valtype(&p->r);
    print_limits(p);
    const uint8_t *behind = p->r.at;
    if (reader_failed(&p->r))
        return;
    p->r.at = type;
    out_text(p, " ");
    print_valtype(p);
    if (!reader_failed(&p->r))
        p->r.at = behind;
}

/* ---- Function types ---------------------------------------------------------------------- */

void group_next(struct printer *p, struct print_group *group, const struct print_name *name)
{
    bool is_alone = name != NULL && name->name.text != NULL;
    if (group->is_open && (is_alone || group->is_alone))
        group_end(p, group);
    if (!group->is_open)
        out_format(p, " (%s", group->keyword);
    group->is_open = true;
    group->is_alone = is_alone;
    out_room(p);
    out_text(p, " ");
    out_subname_binder(p, name);
}

void group_end(struct printer *p, struct print_group *group)
{
    if (group->is_open)
        out_text(p, ")");
    group->is_open = false;
}

/* A list of types; `names` may be NULL. */
static void print_list(struct printer *p, const char *keyword, const struct print_subnames *names,
                       uint32_t outer)
{
    struct reader *r = &p->r;
    struct print_group group = {.keyword = keyword};
    uint32_t count = read_count(r, UINT32_MAX, 1, "types");
    for (uint32_t i = 0; i < count && !reader_failed(r); i++) {
        group_next(p, &group, names == NULL ? NULL : find_subname(names, outer, i));
        print_valtype(p);
    }
    group_end(p, &group);
}

static void print_functype(struct printer *p)
{
    print_list(p, "param", NULL, 0);
    print_list(p, "result", NULL, 0);
}

bool open_func_type(struct printer *p, uint32_t type, struct reader *ret_r)
{
    if (type >= p->counts[PRINT_TYPE] || p->types[type].form != 0x60)
        return false;
    reader_init(ret_r, &p->stub, p->types[type].at, p->types[type].end, p->r.error);
    return true;
}

/* A type use shows short types only: each use of a long one would repeat it. */
enum { INLINE_TYPE_BYTES_MAX = 64 };

/* Prints a function type from its definition, with p->r turned there for a while. */
static void print_signature_of(struct printer *p, uint32_t type, const struct print_subnames *names,
                               uint32_t outer)
{
    struct reader saved = p->r, there;
    if (reader_failed(&p->r) || !open_func_type(p, type, &there))
        return;
    p->r = there;
    print_list(p, "param", names, outer);
    print_list(p, "result", NULL, 0);
    if (!reader_failed(&p->r))
        p->r = saved;
}

static bool is_short_type(const struct printer *p, uint32_t type)
{
    return type < p->counts[PRINT_TYPE] &&
           p->types[type].end - p->types[type].at <= INLINE_TYPE_BYTES_MAX;
}

static void print_type_index(struct printer *p, uint32_t type)
{
    out_text(p, " (type ");
    out_index(p, PRINT_TYPE, type);
    out_text(p, ")");
}

void print_typeuse(struct printer *p, uint32_t type)
{
    print_type_index(p, type);
    if (is_short_type(p, type))
        print_signature_of(p, type, NULL, 0);
}

uint32_t print_func_signature(struct printer *p, uint32_t type, uint32_t function)
{
    struct reader there;
    print_type_index(p, type);
    if (!open_func_type(p, type, &there))
        return 0;
    uint32_t count = read_u32(&there);
    bool has_names = false;
    for (uint32_t i = 0; i < count && i <= LIMIT_PARAMS && !has_names; i++)
        has_names = find_subname(&p->local_names, function, i) != NULL;
    if (is_short_type(p, type) || (has_names && count <= LIMIT_PARAMS))
        print_signature_of(p, type, &p->local_names, function);
    return count;
}

void print_blocktype(struct printer *p)
{
    struct reader *r = &p->r;
    const uint8_t *at = r->at;
    int64_t type;
    if (leb_read_s33(&r->at, r->end, &type) != LEB_OK) {
        reader_fail(r, STINT_MALFORMED, at, "malformed block type");
        return;
    }
    if (type >= 0) {
        print_typeuse(p, (uint32_t)type);
        return;
    }
    if (type == -0x40)
        return;
    r->at = at;
    out_text(p, " (result ");
    print_valtype(p);
    out_text(p, ")");
}

/* ---- Definitions ------------------------------------------------------------------------- */

static void print_struct(struct printer *p, uint32_t index)
{
    struct reader *r = &p->r;
    uint32_t count = read_count(r, UINT32_MAX, 2, "fields");
    for (uint32_t i = 0; i < count && !reader_failed(r); i++) {
        out_text(p, " (field ");
        const struct print_name *name = find_subname(&p->field_names, index, i);
        if (name != NULL && name->is_id)
            out_subname_binder(p, name);
        print_mutable(p);
        out_text(p, ")");
    }
}

static void print_composite(struct printer *p, uint8_t form, const uint8_t *at, uint32_t index)
{
    switch (form) {
    case 0x60:
        out_text(p, "(func");
        print_functype(p);
        break;
    case 0x5f:
        out_text(p, "(struct");
        print_struct(p, index);
        break;
    case 0x5e:
        out_text(p, "(array ");
        print_mutable(p);
        break;
    default:
        reader_fail(&p->r, STINT_MALFORMED, at, "unknown form of a type 0x%02x", form);
    }
    out_text(p, ")");
}

static void print_subtype(struct printer *p, uint32_t index)
{
    struct reader *r = &p->r;
    const uint8_t *at = r->at;
    uint8_t form = read_byte(r);
    out_text(p, "(type");
    out_binder(p, PRINT_TYPE, index);
    out_text(p, " ");
    bool is_sub = form == 0x50 || form == 0x4f;
    if (is_sub) {
        out_text(p, form == 0x4f ? "(sub final " : "(sub ");
        uint32_t supers = read_count(r, UINT32_MAX, 1, "supertypes");
        for (uint32_t i = 0; i < supers && !reader_failed(r); i++) {
            out_index(p, PRINT_TYPE, read_u32(r));
            out_text(p, " ");
        }
        at = r->at;
        form = read_byte(r);
    }
    if (!reader_failed(r))
        print_composite(p, form, at, index);
    out_text(p, is_sub ? "))" : ")");
}

void print_rectype(struct printer *p, uint32_t *index, uint32_t depth)
{
    struct reader *r = &p->r;
    if (r->at >= r->end || *r->at != 0x4e) {
        print_subtype(p, (*index)++);
        return;
    }
    r->at++;
    uint32_t count = read_count(r, UINT32_MAX, 1, "types");
    out_text(p, "(rec");
    for (uint32_t i = 0; i < count && !reader_failed(r); i++) {
        out_line(p, depth + 1);
        print_subtype(p, (*index)++);
    }
    out_text(p, ")");
}
