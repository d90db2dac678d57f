/* SPDX-License-Identifier: Apache-2.0 */
/* The type section (core specification 3.0, 5.3 and 5.5): recursion groups of sub types. */
#include "wasm/decode_int.h"

enum {
    CODE_FUNC = 0x60,
    CODE_STRUCT = 0x5f,
    CODE_ARRAY = 0x5e,
    CODE_SUB = 0x50,
    CODE_SUB_FINAL = 0x4f,
    CODE_REC = 0x4e,
};

/* Room for one group's drafts; NULL, and a failed reader, when memory is out. */
static void *scratch_array(struct reader *r, struct arena *scratch, size_t count, size_t each_bytes)
{
    void *array = arena_get_zeroed(scratch, count, each_bytes);
    if (array == NULL)
        reader_fail_nomem(r);
    return array;
}

static const valtype *read_value_types(struct reader *r, struct arena *scratch, uint32_t limit,
                                       const char *what, uint32_t *ret_count)
{
    uint32_t count = read_count(r, limit, 1, what);
    valtype *types = scratch_array(r, scratch, count, sizeof(*types));
    if (types == NULL)
        return NULL;
    for (uint32_t i = 0; i < count && !reader_failed(r); i++)
        types[i] = read_valtype(r);
    *ret_count = count;
    return types;
}

static void read_func(struct reader *r, struct arena *scratch, struct type_draft *draft)
{
    const uint8_t *at;
    draft->kind = TYPE_FUNC;
    draft->params = read_value_types(r, scratch, LIMIT_PARAMS, "parameters", &draft->param_count);
    at = r->at;
    draft->results = read_value_types(r, scratch, LIMIT_RESULTS, "results", &draft->result_count);
    if (draft->result_count > 1)
        reader_need_feature(r, FEATURE_MULTI_VALUE, at, "a function with several results");
}

static void read_fields(struct reader *r, struct arena *scratch, uint32_t count,
                        struct type_draft *draft)
{
    struct field_type *fields = scratch_array(r, scratch, count, sizeof(*fields));
    if (fields == NULL)
        return;
    for (uint32_t i = 0; i < count && !reader_failed(r); i++) {
        fields[i].type = read_storage_type(r);
        fields[i].is_mutable = read_mutability(r);
    }
    draft->field_count = count;
    draft->fields = fields;
}

static void read_composite(struct reader *r, struct arena *scratch, struct type_draft *draft)
{
    const uint8_t *at = r->at;
    uint8_t code = read_byte(r);
    switch (code) {
    case CODE_FUNC:
        read_func(r, scratch, draft);
        break;
    case CODE_STRUCT:
        draft->kind = TYPE_STRUCT;
        if (reader_need_feature(r, FEATURE_GC, at, "a struct type"))
            read_fields(r, scratch, read_count(r, LIMIT_STRUCT_FIELDS, 2, "fields"), draft);
        break;
    case CODE_ARRAY:
        draft->kind = TYPE_ARRAY;
        if (reader_need_feature(r, FEATURE_GC, at, "an array type"))
            read_fields(r, scratch, 1, draft);
        break;
    default:
        /* These codes are negative numbers of one byte. */
        if (code >= 0x80)
            reader_fail(r, STINT_MALFORMED, at, "integer representation too long");
        reader_fail(r, STINT_MALFORMED, at,
                    "malformed definition type 0x%02x: func, struct or array was expected", code);
    }
}

static void read_sub_type(struct reader *r, struct arena *scratch, struct type_draft *draft)
{
    const uint8_t *at = r->at;
    *draft = (struct type_draft){.is_final = true, .super = HEAP_BOT};
    if (at < r->end && (*at == CODE_SUB || *at == CODE_SUB_FINAL)) {
        if (!reader_need_feature(r, FEATURE_GC, at, "a sub type"))
            return;
        r->at++;
        draft->is_final = *at == CODE_SUB_FINAL;
        uint32_t supers = read_u32(r);
        if (supers > 1)
            reader_fail(r, STINT_INVALID, at,
                        "sub type with %u super types: at most one is allowed", supers);
        const uint8_t *super_at = r->at;
        if (supers == 1)
            draft->super = resolve_type(r, read_u32(r), super_at);
    }
    read_composite(r, scratch, draft);
}

uint32_t read_type_group(struct reader *r, uint32_t room, struct arena *scratch,
                         struct type_draft **ret_drafts)
{
    const uint8_t *at = r->at;
    uint32_t count = 1;
    if (at < r->end && *at == CODE_REC && reader_need_feature(r, FEATURE_GC, at, "a rec group")) {
        r->at++;
        count = read_count(r, LIMIT_REC_GROUP_TYPES, 2, "types in a group");
    }
    if (count > room) {
        reader_fail(r, STINT_LIMIT, at, "too many types: the limit is %d", LIMIT_TYPES);
        return 0;
    }
    struct type_draft *drafts = scratch_array(r, scratch, count, sizeof(*drafts));
    if (drafts == NULL)
        return 0;
    /* Before GC, a type could not name itself. */
    r->group_count = (r->module->features & FEATURE_GC) != 0 ? count : 0;
    for (uint32_t i = 0; i < count && !reader_failed(r); i++)
        read_sub_type(r, scratch, &drafts[i]);
    r->group_count = 0;
    *ret_drafts = drafts;
    return count;
}

/* Reads and registers the group at hand, and appends its types to the module's. */
static void read_group(struct decoder *d, struct arena *scratch)
{
    struct reader *r = &d->v.r;
    struct wasm_module *module = d->module;
    const uint8_t *at = r->at;
    struct type_draft *drafts = NULL;
    uint32_t count = read_type_group(r, LIMIT_TYPES - module->type_count, scratch, &drafts);
    if (reader_failed(r) || !decode_grow(d, &module->types, &d->type_capacity, module->type_count,
                                         module->type_count + count, sizeof(*module->types)))
        return;
    struct stint_error error = {0};
    uint32_t first = 0;
    enum stint_status status =
        types_add_group(module->types_registry, drafts, count, &first, &error);
    if (status != STINT_OK) {
        reader_fail(r, status, at, "%s (type index %u and on)", error.message, module->type_count);
        return;
    }
    for (uint32_t i = 0; i < count; i++)
        module->types[module->type_count++] = types_get(module->types_registry, first + i);
}

void decode_types(struct decoder *d)
{
    struct reader *r = &d->v.r;
    uint32_t groups = read_count(r, LIMIT_TYPES, 1, "types");
    for (uint32_t i = 0; i < groups && !reader_failed(r); i++) {
        struct arena scratch;
        arena_init(&scratch, d->module->alloc);
        read_group(d, &scratch);
        arena_free(&scratch);
    }
}
