/* SPDX-License-Identifier: Apache-2.0 */
/* Element and data segments and code (core specification 3.0, 5.5). */
#include "wasm/decode_int.h"

/* Element segments: bits of the leading u32. */
enum {
    ELEM_NOT_ACTIVE = 1,
    ELEM_EXPLICIT = 2, /* active: a table index follows; else: declared, not passive */
    ELEM_EXPRS = 4,
};

static void read_elem_table(struct decoder *d, struct wasm_elem *elem, uint32_t flags)
{
    struct reader *r = &d->v.r;
    const uint8_t *at = r->at;
    if ((flags & ELEM_EXPLICIT) != 0)
        elem->table = read_u32(r);
    if (reader_failed(r) ||
        !decode_check_index(d, elem->table, d->module->table_count, "table", at))
        return;
    const struct table_type *table = &d->module->tables[elem->table].type;
    validate_const(&d->v, address_type(&table->limits), &elem->offset);
}

/* The segment's type; only segments that are not the plain active ones spell it. */
static void read_elem_type(struct decoder *d, struct wasm_elem *elem, uint32_t flags)
{
    struct reader *r = &d->v.r;
    bool is_spelt = (flags & (ELEM_NOT_ACTIVE | ELEM_EXPLICIT)) != 0;
    elem->type = (flags & ELEM_EXPRS) != 0 ? VT_FUNCREF : VT_MAKE_REF(HEAP_FUNC);
    if (!is_spelt)
        return;
    if ((flags & ELEM_EXPRS) != 0) {
        elem->type = read_reftype(r);
        return;
    }
    const uint8_t *at = r->at;
    uint8_t kind = read_byte(r);
    if (kind != 0)
        reader_fail(r, STINT_MALFORMED, at, "malformed elements segment kind 0x%02x", kind);
}

/* Passes over `count` numbers, which are known to be there. */
static void skip_numbers(struct reader *r, uint32_t count)
{
    enum { BLOCK_BYTES = 64 };
    const uint8_t *at = r->at;
    /* None is shorter than a byte: a block holds no more of them than are left. */
    for (; count >= BLOCK_BYTES && (size_t)(r->end - at) >= BLOCK_BYTES; at += BLOCK_BYTES) {
        uint8_t ends = 0;
        for (unsigned i = 0; i < BLOCK_BYTES; i++)
            ends += at[i] < 0x80;
        count -= ends;
    }
    for (; count > 0 && at < r->end; at++)
        count -= *at < 0x80;
    r->at = at;
}

/* Whether the segment's functions are known; it has them then. */
static bool take_known_functions(struct decoder *d, struct wasm_elem *elem, uint32_t count)
{
    struct module_tables *known = &d->known;
    if (STINT_DEVICE || count == 0 || count > known->elem_function_count)
        return false;
    elem->functions = known->elem_functions;
    elem->count = count;
    known->elem_functions += count;
    known->elem_function_count -= count;
    skip_numbers(&d->v.r, count);
    return true;
}

static void read_elem_functions(struct decoder *d, struct wasm_elem *elem)
{
    struct reader *r = &d->v.r;
    uint32_t count = read_count(r, LIMIT_ELEM_ITEMS, 1, "elements of a segment");
    if (!reader_failed(r) && take_known_functions(d, elem, count))
        return;
    uint32_t *functions = decode_array(d, count, sizeof(*functions));
    if (functions == NULL)
        return;
    for (uint32_t i = 0; i < count && !reader_failed(r); i++) {
        const uint8_t *at = r->at;
        functions[i] = read_u32(r);
        if (!reader_failed(r) &&
            decode_check_index(d, functions[i], d->module->func_count, "function", at))
            validator_declare_function(&d->v, functions[i]);
    }
    elem->count = count;
    elem->functions = count != 0 ? functions : NULL;
}

static void read_elem_exprs(struct decoder *d, struct wasm_elem *elem)
{
    struct reader *r = &d->v.r;
    uint32_t count = read_count(r, LIMIT_ELEM_ITEMS, 2, "elements of a segment");
    struct const_expr *exprs = decode_array(d, count, sizeof(*exprs));
    if (exprs == NULL)
        return;
    for (uint32_t i = 0; i < count && !reader_failed(r); i++)
        validate_const(&d->v, elem->type, &exprs[i]);
    elem->count = count;
    elem->exprs = count != 0 ? exprs : NULL;
}

static void read_elem(struct decoder *d, struct wasm_elem *elem)
{
    struct reader *r = &d->v.r;
    const uint8_t *at = r->at;
    uint32_t flags = read_u32(r);
    if (flags > 7) {
        reader_fail(r, STINT_MALFORMED, at, "malformed elements segment kind %u", flags);
        return;
    }
    if (flags != 0 && (d->module->features & FEATURE_REF_TYPES) == 0 &&
        !reader_need_feature(r, FEATURE_BULK, at, "this kind of element segment"))
        return;
    if ((flags & ELEM_NOT_ACTIVE) != 0)
        elem->mode = (flags & ELEM_EXPLICIT) != 0 ? SEGMENT_DECLARED : SEGMENT_PASSIVE;
    else
        read_elem_table(d, elem, flags);
    read_elem_type(d, elem, flags);
    if (reader_failed(r))
        return;
    if (elem->mode == SEGMENT_ACTIVE &&
        !types_matches(d->v.types, elem->type, d->module->tables[elem->table].type.element)) {
        validator_fail_types(&d->v, at, d->module->tables[elem->table].type.element, elem->type,
                             "the table of the element segment holds");
        return;
    }
    if ((flags & ELEM_EXPRS) != 0)
        read_elem_exprs(d, elem);
    else
        read_elem_functions(d, elem);
}

void decode_elems(struct decoder *d)
{
    struct wasm_module *module = d->module;
    uint32_t count = read_count(&d->v.r, LIMIT_ELEM_SEGMENTS, 2, "element segments");
    module->elems = decode_array(d, count, sizeof(*module->elems));
    for (uint32_t i = 0; i < count && !reader_failed(&d->v.r); i++)
        read_elem(d, &module->elems[module->elem_count++]);
}

void decode_data_count(struct decoder *d)
{
    d->data_count_promised = read_u32(&d->v.r);
    d->module->has_data_count = true;
}

/* Data segments. */

static void read_data_memory(struct decoder *d, struct wasm_data *data, bool is_explicit)
{
    struct reader *r = &d->v.r;
    const uint8_t *at = r->at;
    if (is_explicit)
        data->memory = read_u32(r);
    if (reader_failed(r) ||
        !decode_check_index(d, data->memory, d->module->memory_count, "memory", at))
        return;
    validate_const(&d->v, address_type(&d->module->memories[data->memory].limits), &data->offset);
}

static void read_data(struct decoder *d, struct wasm_data *data)
{
    struct reader *r = &d->v.r;
    const uint8_t *at = r->at;
    uint32_t flags = read_u32(r);
    if (flags > 2) {
        reader_fail(r, STINT_MALFORMED, at, "malformed data segment kind %u", flags);
        return;
    }
    if (flags == 1) {
        if (!reader_need_feature(r, FEATURE_BULK, at, "a passive data segment"))
            return;
        data->mode = SEGMENT_PASSIVE;
    } else {
        read_data_memory(d, data, flags == 2);
    }
    uint32_t bytes = read_u32(r);
    data->bytes = read_bytes(r, bytes);
    data->size_bytes = bytes;
}

void decode_datas(struct decoder *d)
{
    struct wasm_module *module = d->module;
    const uint8_t *at = d->v.r.at;
    uint32_t count = read_count(&d->v.r, LIMIT_DATA_SEGMENTS, 2, "data segments");
    if (module->has_data_count && count != d->data_count_promised) {
        reader_fail(&d->v.r, STINT_MALFORMED, at,
                    "data count and data section have inconsistent lengths: %u and %u",
                    d->data_count_promised, count);
        return;
    }
    module->datas = decode_array(d, count, sizeof(*module->datas));
    for (uint32_t i = 0; i < count && !reader_failed(&d->v.r); i++)
        read_data(d, &module->datas[module->data_count++]);
}

/* Function bodies: only where they lie. */
void decode_code(struct decoder *d)
{
    struct reader *r = &d->v.r;
    struct wasm_module *module = d->module;
    module->code_offset_bytes = (uint32_t)(r->at - module->bytes);
    d->body_count = read_count(r, LIMIT_FUNCTIONS, 1, "function bodies");
    if (!STINT_DEVICE && d->body_count != 0 && d->known.body_count == d->body_count) {
        module->bodies = d->known.bodies;
        r->at = r->end;
        return;
    }
    struct wasm_body *bodies = decode_array(d, d->body_count, sizeof(*bodies));
    module->bodies = bodies;
    for (uint32_t i = 0; i < d->body_count && !reader_failed(r); i++) {
        const uint8_t *at = r->at;
        uint32_t bytes = read_u32(r);
        r->function = module->import_func_count + i;
        if (bytes > LIMIT_FUNCTION_BYTES && bytes <= (size_t)(r->end - r->at))
            reader_fail(r, STINT_LIMIT, at, "the body is too large: %u bytes, the limit is %d",
                        bytes, LIMIT_FUNCTION_BYTES);
        bodies[i] = (struct wasm_body){(uint32_t)(r->at - module->bytes), bytes};
        if (read_bytes(r, bytes) == NULL)
            break;
    }
    r->function = READER_NO_FUNCTION;
}
