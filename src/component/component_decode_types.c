/* SPDX-License-Identifier: Apache-2.0 */
/* Component types (Binary.md: Type Definitions). */
#include "component/component_decode_int.h"

enum {
    CODE_RESOURCE = 0x3f,
    CODE_FUNC = 0x40,
    CODE_COMPONENT = 0x41,
    CODE_INSTANCE = 0x42,
    CODE_FUNC_ASYNC = 0x43,
    CODE_MAP = 0x63,
    CODE_ERROR_CONTEXT = 0x64,
    CODE_FUTURE = 0x65,
    CODE_STREAM = 0x66,
    CODE_LIST_FIXED = 0x67,
    CODE_BORROW = 0x68,
    CODE_OWN = 0x69,
    CODE_RESULT = 0x6a,
    CODE_OPTION = 0x6b,
    CODE_ENUM = 0x6d,
    CODE_FLAGS = 0x6e,
    CODE_TUPLE = 0x6f,
    CODE_LIST = 0x70,
    CODE_VARIANT = 0x71,
    CODE_RECORD = 0x72,
    CODE_STRING = 0x73,
    CODE_BOOL = 0x7f,
};

/* ---- Value types ------------------------------------------------------------------------- */

/* The primitive type of this code; false where there is none. */
static bool primitive(uint8_t code, uint32_t *ret_kind)
{
    static const uint8_t kinds[] = {CTYPE_STRING, CTYPE_CHAR, CTYPE_F64, CTYPE_F32, CTYPE_U64,
                                    CTYPE_S64,    CTYPE_U32,  CTYPE_S32, CTYPE_U16, CTYPE_S16,
                                    CTYPE_U8,     CTYPE_S8,   CTYPE_BOOL};
    if (code >= CODE_STRING && code <= CODE_BOOL)
        *ret_kind = kinds[code - CODE_STRING];
    else if (code == CODE_ERROR_CONTEXT)
        *ret_kind = CTYPE_ERROR_CONTEXT;
    else
        return false;
    return true;
}

struct comp_valtype comp_read_valtype(struct comp_decoder *d)
{
    struct reader *r = &d->r;
    const uint8_t *at = r->at;
    struct comp_valtype type = {.is_index = COMP_PRIMITIVE};
    /* A negative number of one byte is a primitive type, what is not negative an index. */
    if (at < r->end && (*at & 0xc0) == 0x40) {
        if (!primitive(*at, &type.value))
            comp_fail_byte(d, at, *at, "value type");
        else
            r->at++;
        return type;
    }
    int64_t index = 0;
    enum leb_result result = leb_read_s33(&r->at, r->end, &index);
    if (result == LEB_TRUNCATED)
        reader_fail(r, STINT_MALFORMED, at, "unexpected end of section");
    else if (result != LEB_OK || index < 0)
        reader_fail(r, STINT_MALFORMED, at, "malformed value type");
    type.is_index = COMP_INDEX;
    type.value = (uint32_t)index;
    return type;
}

struct comp_valtype comp_read_optional(struct comp_decoder *d)
{
    if (comp_read_flag(d, "whether a type follows"))
        return comp_read_valtype(d);
    return (struct comp_valtype){.is_index = COMP_NONE};
}

struct comp_valtype comp_read_result_list(struct comp_decoder *d)
{
    struct reader *r = &d->r;
    const uint8_t *at = r->at;
    uint8_t code = read_byte(r);
    if (code == 0x00)
        return comp_read_valtype(d);
    if (code != 0x01)
        comp_fail_byte(d, at, code, "results of a function");
    at = r->at;
    uint8_t count = read_byte(r);
    if (count != 0)
        comp_fail_byte(d, at, count, "number of named results");
    return (struct comp_valtype){.is_index = COMP_NONE};
}

/* What the items of a list of labels are made of. */
enum label_form { LABEL_TYPE, LABEL_CASE, LABEL_ONLY, TYPE_ONLY };

static void read_labels(struct comp_decoder *d, struct comp_type *type, enum label_form form,
                        uint32_t limit, const char *what)
{
    struct reader *r = &d->r;
    uint32_t count = read_count(r, limit, 1, what);
    struct comp_label *labels = comp_array(d, count, sizeof(*labels));
    if (labels == NULL)
        return;
    for (uint32_t i = 0; i < count && !reader_failed(r); i++) {
        labels[i].type = (struct comp_valtype){.is_index = COMP_NONE};
        if (form != TYPE_ONLY)
            labels[i].name = read_name(r, "label");
        if (form == LABEL_TYPE || form == TYPE_ONLY)
            labels[i].type = comp_read_valtype(d);
        if (form != LABEL_CASE)
            continue;
        labels[i].type = comp_read_optional(d);
        const uint8_t *at = r->at;
        uint8_t zero = read_byte(r);
        if (zero != 0)
            comp_fail_byte(d, at, zero, "end of a case, which is 0");
    }
    type->label_count = count;
    type->labels = labels;
}

/* One or two types without labels. */
static void read_elements(struct comp_decoder *d, struct comp_type *type, uint32_t count,
                          bool is_optional)
{
    struct comp_label *labels = comp_array(d, count, sizeof(*labels));
    if (labels == NULL)
        return;
    for (uint32_t i = 0; i < count; i++)
        labels[i].type = is_optional ? comp_read_optional(d) : comp_read_valtype(d);
    type->label_count = count;
    type->labels = labels;
}

static void read_value_type(struct comp_decoder *d, uint8_t code, const uint8_t *at,
                            struct comp_type *type)
{
    static const struct {
        uint8_t code, kind, count;
        bool is_optional;
    } simple[] = {
        {CODE_LIST, CTYPE_LIST, 1, false},     {CODE_LIST_FIXED, CTYPE_LIST_FIXED, 1, false},
        {CODE_OPTION, CTYPE_OPTION, 1, false}, {CODE_RESULT, CTYPE_RESULT, 2, true},
        {CODE_STREAM, CTYPE_STREAM, 1, true},  {CODE_FUTURE, CTYPE_FUTURE, 1, true},
        {CODE_MAP, CTYPE_MAP, 2, false},
    };
    static const struct {
        uint8_t code, kind, form;
        uint32_t limit;
        const char *what;
    } lists[] = {
        {CODE_RECORD, CTYPE_RECORD, LABEL_TYPE, LIMIT_COMP_FIELDS, "fields of a record"},
        {CODE_VARIANT, CTYPE_VARIANT, LABEL_CASE, LIMIT_COMP_FIELDS, "cases of a variant"},
        {CODE_TUPLE, CTYPE_TUPLE, TYPE_ONLY, LIMIT_COMP_FIELDS, "elements of a tuple"},
        {CODE_FLAGS, CTYPE_FLAGS, LABEL_ONLY, LIMIT_COMP_FLAGS, "flags"},
        {CODE_ENUM, CTYPE_ENUM, LABEL_ONLY, LIMIT_COMP_FIELDS, "cases of an enum"},
    };
    type->kind = COMP_TYPE_VALUE;
    for (size_t i = 0; i < COUNT_OF(simple); i++) {
        if (simple[i].code != code)
            continue;
        type->value_kind = simple[i].kind;
        read_elements(d, type, simple[i].count, simple[i].is_optional);
        if (code == CODE_LIST_FIXED)
            type->length = read_u32(&d->r);
        return;
    }
    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        if (lists[i].code != code)
            continue;
        type->value_kind = lists[i].kind;
        read_labels(d, type, (enum label_form)lists[i].form, lists[i].limit, lists[i].what);
        return;
    }
    uint32_t kind = 0;
    if (code == CODE_OWN || code == CODE_BORROW) {
        type->value_kind = code == CODE_OWN ? CTYPE_OWN : CTYPE_BORROW;
        type->index = read_u32(&d->r);
    } else if (primitive(code, &kind)) {
        struct comp_label *label = comp_array(d, 1, sizeof(*label));
        if (label == NULL)
            return;
        label->type = (struct comp_valtype){.is_index = COMP_PRIMITIVE, .value = kind};
        type->value_kind = (uint8_t)kind;
        type->label_count = 1;
        type->labels = label;
    } else {
        comp_fail_byte(d, at, code, "type");
    }
}

/* ---- Component and instance types -------------------------------------------------------- */

static void decode_decl(struct comp_decoder *d, struct def_list *list, bool is_component)
{
    struct reader *r = &d->r;
    const uint8_t *at = r->at;
    uint8_t code = read_byte(r);
    switch (code) {
    case 0x00:
        comp_decode_core_type(d, list);
        return;
    case 0x01:
        comp_decode_type(d, list);
        return;
    case 0x02:
        comp_decode_alias(d, list);
        return;
    case 0x03:
        if (is_component) {
            comp_decode_import(d, list);
            return;
        }
        break;
    case 0x04:
        comp_decode_export_decl(d, list);
        return;
    default:
        break;
    }
    comp_fail_byte(d, at, code, "declaration in a component or instance type");
}

static void decode_decls(struct comp_decoder *d, struct comp_type *type)
{
    struct def_list list = {0};
    struct core_scope scope;
    if (!comp_enter(d))
        return;
    core_scope_open(d, &scope);
    uint32_t count =
        read_count(&d->r, LIMIT_COMP_DECLS, 2, "declarations in a component or instance type");
    for (uint32_t i = 0; i < count && !reader_failed(&d->r); i++)
        decode_decl(d, &list, type->kind == COMP_TYPE_COMPONENT);
    core_scope_close(d, &scope);
    comp_finish_defs(d, &list, &type->decls);
    d->depth--;
}

/* ---- Types ------------------------------------------------------------------------------- */

static void decode_resource(struct comp_decoder *d, struct comp_type *type)
{
    type->kind = COMP_TYPE_RESOURCE;
    type->rep = read_valtype(&d->r);
    type->has_dtor = comp_read_flag(d, "whether a destructor follows");
    if (type->has_dtor)
        type->dtor = read_u32(&d->r);
}

void comp_decode_type(struct comp_decoder *d, struct def_list *list)
{
    struct comp_def def = comp_begin_def(d, DEF_TYPE, SORT_TYPE);
    const uint8_t *at = d->r.at;
    struct comp_type *type = comp_array(d, 1, sizeof(*type));
    if (type == NULL)
        return;
    uint8_t code = read_byte(&d->r);
    type->result = (struct comp_valtype){.is_index = COMP_NONE};
    switch (code) {
    case CODE_FUNC:
    case CODE_FUNC_ASYNC:
        type->kind = COMP_TYPE_FUNC;
        type->is_async = code == CODE_FUNC_ASYNC;
        read_labels(d, type, LABEL_TYPE, LIMIT_COMP_PARAMS, "parameters");
        type->result = comp_read_result_list(d);
        break;
    case CODE_COMPONENT:
    case CODE_INSTANCE:
        type->kind = code == CODE_COMPONENT ? COMP_TYPE_COMPONENT : COMP_TYPE_INSTANCE;
        decode_decls(d, type);
        break;
    case CODE_RESOURCE:
        decode_resource(d, type);
        break;
    default:
        read_value_type(d, code, at, type);
    }
    def.type = type;
    comp_add_def(d, list, &def);
}

/* ---- Types of imports and exports -------------------------------------------------------- */

static void read_bound(struct comp_decoder *d, struct comp_extern_type *type)
{
    const uint8_t *at = d->r.at;
    uint8_t bound = read_byte(&d->r);
    if (bound > 1)
        comp_fail_byte(d, at, bound, "bound of a type or value");
    type->bound = bound == 0 ? BOUND_EQ : BOUND_SUB_RESOURCE;
    if (bound == 0)
        type->index = read_u32(&d->r);
    else if (type->sort == SORT_VALUE)
        type->value_type = comp_read_valtype(d);
}

struct comp_extern_type comp_read_extern_type(struct comp_decoder *d)
{
    struct comp_extern_type type = {.sort = (uint8_t)comp_read_sort(d), .bound = BOUND_EQ};
    type.value_type.is_index = COMP_NONE;
    if (type.sort == SORT_TYPE || type.sort == SORT_VALUE)
        read_bound(d, &type);
    else
        type.index = read_u32(&d->r);
    return type;
}
