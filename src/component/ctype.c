/* SPDX-License-Identifier: Apache-2.0 */
/* The canonical ABI's shapes: CanonicalABI.md, "Alignment", "Element Size", "Flattening". */
#include "component/ctype.h"

#include <assert.h>
#include <string.h>

enum { MEMBERS_MAX = 1 << 20, FLAGS_MAX = 32 }; /* that one type may have */

/* ---- Primitives -------------------------------------------------------------------------- */

static const struct ctype primitives[CTYPE_PRIMITIVE_LAST + 1] = {
#define X(name, bytes, core)                                                                       \
    [CTYPE_##name] = {.kind = CTYPE_##name,                                                        \
                      .align_bytes = (bytes),                                                      \
                      .size_bytes = (bytes),                                                       \
                      .flat_count = 1,                                                             \
                      .flat = {(core)},                                                            \
                      .depth = 1}
    X(BOOL, 1, VT_I32),
    X(S8, 1, VT_I32),
    X(U8, 1, VT_I32),
    X(S16, 2, VT_I32),
    X(U16, 2, VT_I32),
    X(S32, 4, VT_I32),
    X(U32, 4, VT_I32),
    X(S64, 8, VT_I64),
    X(U64, 8, VT_I64),
    X(F32, 4, VT_F32),
    X(F64, 8, VT_F64),
    X(CHAR, 4, VT_I32),
#undef X
    [CTYPE_STRING] = {.kind = CTYPE_STRING,
                      .align_bytes = 4,
                      .size_bytes = 8,
                      .flat_count = 2,
                      .flat = {VT_I32, VT_I32},
                      .has_pointers = true,
                      .depth = 1},
    [CTYPE_ERROR_CONTEXT] = {.kind = CTYPE_ERROR_CONTEXT,
                             .align_bytes = 4,
                             .size_bytes = 4,
                             .flat_count = 1,
                             .flat = {VT_I32},
                             .has_async = true,
                             .depth = 1},
};

const struct ctype *ctype_primitive(enum ctype_kind kind)
{
    assert(kind <= CTYPE_PRIMITIVE_LAST);
    return &primitives[kind];
}

/* ---- Making ------------------------------------------------------------------------------ */

static uint64_t align_up(uint64_t value, uint32_t align)
{
    return (value + align - 1) & ~(uint64_t)(align - 1);
}

static enum stint_status size_error(struct stint_error *error)
{
    return error_set(error, STINT_INVALID, STINT_NO_OFFSET, "type exceeds maximum byte size of %u",
                     (unsigned)CTYPE_SIZE_MAX);
}

/* What a type takes over from a part of it. */
static void inherit(struct ctype *type, const struct ctype *part)
{
    type->has_pointers |= part->has_pointers;
    type->has_handles |= part->has_handles;
    type->has_borrow |= part->has_borrow;
    type->has_async |= part->has_async;
    if (part->depth >= type->depth)
        type->depth = part->depth + 1;
}

static void flat_append(struct ctype *type, const struct ctype *part)
{
    if (type->flat_count + part->flat_count > FLAT_PARAMS_MAX) {
        type->flat_count = FLAT_TOO_MANY;
        return;
    }
    memcpy(type->flat + type->flat_count, part->flat, part->flat_count);
    type->flat_count += part->flat_count;
}

static enum stint_status shape_record(struct ctype *type, struct ctype_member *members,
                                      struct stint_error *error)
{
    uint64_t size = 0;
    type->align_bytes = 1;
    for (uint32_t i = 0; i < type->member_count; i++) {
        const struct ctype *part = members[i].type;
        inherit(type, part);
        flat_append(type, part);
        if (part->align_bytes > type->align_bytes)
            type->align_bytes = part->align_bytes;
        size = align_up(size, part->align_bytes);
        members[i].offset_bytes = (uint32_t)size;
        size += part->size_bytes;
        if (size > CTYPE_SIZE_MAX)
            return size_error(error);
    }
    size = align_up(size, type->align_bytes);
    if (size > CTYPE_SIZE_MAX)
        return size_error(error);
    type->size_bytes = (uint32_t)size;
    return STINT_OK;
}

/* CanonicalABI.md: join. */
static uint8_t join(uint8_t a, uint8_t b)
{
    if (a == b)
        return a;
    bool is_32 = (a == VT_I32 || a == VT_F32) && (b == VT_I32 || b == VT_F32);
    return is_32 ? VT_I32 : VT_I64;
}

/* The payloads of a variant share their flat values, behind the discriminant. */
static void flat_overlay(struct ctype *type, const struct ctype *payload)
{
    if (payload->flat_count + 1 > FLAT_PARAMS_MAX || type->flat_count == FLAT_TOO_MANY) {
        type->flat_count = FLAT_TOO_MANY;
        return;
    }
    for (uint32_t i = 0; i < payload->flat_count; i++) {
        uint8_t *at = &type->flat[i + 1];
        if (i + 1u < type->flat_count)
            *at = join(*at, payload->flat[i]);
        else
            *at = payload->flat[i];
    }
    if (payload->flat_count + 1u > type->flat_count)
        type->flat_count = payload->flat_count + 1;
}

static enum stint_status shape_variant(struct ctype *type, const struct ctype_member *members,
                                       struct stint_error *error)
{
    uint32_t align = 1;
    uint64_t payload = 0;
    type->discriminant_bytes = type->member_count <= 0x100     ? 1
                               : type->member_count <= 0x10000 ? 2
                                                               : 4;
    type->flat_count = 1;
    type->flat[0] = VT_I32;
    for (uint32_t i = 0; i < type->member_count; i++) {
        const struct ctype *part = members[i].type;
        if (part == NULL)
            continue;
        inherit(type, part);
        flat_overlay(type, part);
        if (part->align_bytes > align)
            align = part->align_bytes;
        if (part->size_bytes > payload)
            payload = part->size_bytes;
    }
    type->payload_offset_bytes = (uint32_t)align_up(type->discriminant_bytes, align);
    type->align_bytes =
        (uint8_t)(align > type->discriminant_bytes ? align : type->discriminant_bytes);
    uint64_t size = align_up(type->payload_offset_bytes + payload, type->align_bytes);
    if (size > CTYPE_SIZE_MAX)
        return size_error(error);
    type->size_bytes = (uint32_t)size;
    return STINT_OK;
}

static enum stint_status shape_list_fixed(struct ctype *type, struct stint_error *error)
{
    const struct ctype *element = type->members[0].type;
    uint64_t size = (uint64_t)type->length * element->size_bytes;
    if (size > CTYPE_SIZE_MAX)
        return size_error(error);
    type->size_bytes = (uint32_t)size;
    type->align_bytes = element->align_bytes;
    for (uint32_t i = 0; i < type->length && type->flat_count != FLAT_TOO_MANY; i++)
        flat_append(type, element);
    return STINT_OK;
}

/* Lists and maps as a pointer and a length; handles as an index. */
static void shape_words(struct ctype *type, uint8_t words)
{
    type->align_bytes = 4;
    type->size_bytes = 4u * words;
    type->flat_count = words;
    type->flat[0] = type->flat[1] = VT_I32;
}

static enum stint_status shape(struct ctype *type, struct ctype_member *members,
                               struct stint_error *error)
{
    switch (type->kind) {
    case CTYPE_RECORD:
    case CTYPE_TUPLE:
        return shape_record(type, members, error);
    case CTYPE_VARIANT:
    case CTYPE_ENUM:
    case CTYPE_RESULT:
        return shape_variant(type, members, error);
    case CTYPE_OPTION: {
        const struct ctype *some = members[0].type;
        struct ctype_member cases[2] = {{.type = NULL}, {.type = some}};
        struct ctype draft = *type;
        draft.member_count = 2;
        enum stint_status status = shape_variant(&draft, cases, error);
        draft.member_count = 1;
        *type = draft;
        return status;
    }
    case CTYPE_LIST:
    case CTYPE_MAP:
        shape_words(type, 2);
        for (uint32_t i = 0; i < type->member_count; i++)
            inherit(type, members[i].type);
        type->has_pointers = true;
        return STINT_OK;
    case CTYPE_LIST_FIXED:
        inherit(type, members[0].type);
        return shape_list_fixed(type, error);
    case CTYPE_FLAGS:
        type->size_bytes = type->member_count <= 8 ? 1 : type->member_count <= 16 ? 2 : 4;
        type->align_bytes = (uint8_t)type->size_bytes;
        type->flat_count = 1;
        type->flat[0] = VT_I32;
        return STINT_OK;
    default: /* handles of all kinds */
        for (uint32_t i = 0; i < type->member_count; i++) {
            if (members[i].type != NULL)
                inherit(type, members[i].type);
        }
        /* What goes through a stream is not in the value itself. */
        type->has_pointers = false;
        shape_words(type, 1);
        type->has_handles |= type->kind == CTYPE_OWN || type->kind == CTYPE_BORROW;
        type->has_borrow |= type->kind == CTYPE_BORROW;
        type->has_async |= type->kind == CTYPE_STREAM || type->kind == CTYPE_FUTURE;
        return STINT_OK;
    }
}

/* How many members a type of this kind has at least and at most. */
static void member_range(enum ctype_kind kind, uint32_t *ret_min, uint32_t *ret_max)
{
    switch (kind) {
    case CTYPE_RECORD:
    case CTYPE_TUPLE:
    case CTYPE_VARIANT:
    case CTYPE_ENUM:
        *ret_min = 1;
        *ret_max = MEMBERS_MAX;
        return;
    case CTYPE_FLAGS:
        *ret_min = 1;
        *ret_max = FLAGS_MAX;
        return;
    case CTYPE_RESULT:
    case CTYPE_MAP:
        *ret_min = *ret_max = 2;
        return;
    case CTYPE_LIST:
    case CTYPE_LIST_FIXED:
    case CTYPE_OPTION:
        *ret_min = *ret_max = 1;
        return;
    case CTYPE_STREAM:
    case CTYPE_FUTURE:
        *ret_min = 0;
        *ret_max = 1;
        return;
    default:
        *ret_min = *ret_max = 0;
    }
}

enum stint_status ctype_make(struct arena *arena, const struct ctype *draft,
                             const struct ctype **ret_type, struct stint_error *error)
{
    uint32_t min, max;
    if (draft->kind <= CTYPE_PRIMITIVE_LAST) {
        *ret_type = &primitives[draft->kind];
        return STINT_OK;
    }
    member_range(draft->kind, &min, &max);
    if (draft->member_count < min || draft->member_count > max ||
        (draft->kind == CTYPE_LIST_FIXED && draft->length == 0))
        return error_set(error, STINT_INVALID, STINT_NO_OFFSET,
                         "type has %u parts, allowed are %u to %u", draft->member_count, min, max);
    struct ctype *type = arena_get_zeroed(arena, 1, sizeof(*type));
    struct ctype_member *members =
        arena_get_zeroed(arena, draft->member_count, sizeof(struct ctype_member));
    if (type == NULL || members == NULL)
        return STINT_NOMEM;
    if (draft->member_count != 0)
        memcpy(members, draft->members, draft->member_count * sizeof(*members));
    type->kind = draft->kind;
    type->depth = 1;
    type->member_count = draft->member_count;
    type->members = members;
    type->length = draft->length;
    type->resource = draft->resource;
    enum stint_status status = shape(type, members, error);
    if (status != STINT_OK)
        return status;
    if (type->depth > CTYPE_DEPTH_MAX)
        return error_set(error, STINT_INVALID, STINT_NO_OFFSET,
                         "type is nested deeper than %u levels", (unsigned)CTYPE_DEPTH_MAX);
    *ret_type = type;
    return STINT_OK;
}

/* ---- Core signatures --------------------------------------------------------------------- */

void ctype_flatten(const struct ctype_func *func, bool is_lower, struct ctype_flat *ret_flat)
{
    struct ctype_flat flat = {0};
    for (uint32_t i = 0; i < func->param_count && !flat.params_in_memory; i++) {
        const struct ctype *type = func->params[i].type;
        if (flat.param_count + type->flat_count > FLAT_PARAMS_MAX) {
            flat.params_in_memory = true;
            flat.param_count = 1;
            flat.params[0] = VT_I32;
        } else {
            memcpy(flat.params + flat.param_count, type->flat, type->flat_count);
            flat.param_count += type->flat_count;
        }
    }
    if (func->result != NULL && func->result->flat_count > FLAT_RESULTS_MAX) {
        flat.result_in_memory = true;
        if (is_lower)
            flat.params[flat.param_count++] = VT_I32;
    }
    if (func->result != NULL && !(flat.result_in_memory && is_lower)) {
        flat.result_count = 1;
        flat.results[0] = flat.result_in_memory ? VT_I32 : func->result->flat[0];
    }
    *ret_flat = flat;
}
