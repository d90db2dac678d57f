/* SPDX-License-Identifier: Apache-2.0 */
#include "component/cvalue.h"

#include <string.h>

#include "base/utf8.h"
#include "component/canon_code.h"
#include "component/canon_value.h"

/* ---- Comparing --------------------------------------------------------------------------- */

static bool list_equal(const struct cvalue *a, const struct cvalue *b)
{
    if (a->list.count != b->list.count)
        return false;
    for (uint32_t i = 0; i < a->list.count; i++) {
        if (!cvalue_equal(&a->list.items[i], &b->list.items[i]))
            return false;
    }
    return true;
}

static bool variant_equal(const struct cvalue *a, const struct cvalue *b)
{
    if (a->variant.index != b->variant.index)
        return false;
    if (a->variant.payload == NULL || b->variant.payload == NULL)
        return a->variant.payload == b->variant.payload;
    return cvalue_equal(a->variant.payload, b->variant.payload);
}

static bool is_nan_32(uint32_t bits)
{
    return (bits & 0x7fffffff) > 0x7f800000;
}
static bool is_nan_64(uint64_t bits)
{
    return (bits & INT64_MAX) > 0x7ff0000000000000;
}

bool cvalue_equal(const struct cvalue *a, const struct cvalue *b)
{
    if (a->type->kind != b->type->kind)
        return false;
    switch (a->type->kind) {
    case CTYPE_BOOL:
        return a->boolean == b->boolean;
    case CTYPE_F32:
        return a->f32_bits == b->f32_bits || (is_nan_32(a->f32_bits) && is_nan_32(b->f32_bits));
    case CTYPE_F64:
        return a->f64_bits == b->f64_bits || (is_nan_64(a->f64_bits) && is_nan_64(b->f64_bits));
    case CTYPE_STRING:
        return a->string.bytes == b->string.bytes &&
               (a->string.bytes == 0 ||
                memcmp(a->string.text, b->string.text, a->string.bytes) == 0);
    case CTYPE_LIST:
        if (canon_is_blob(a->type) != canon_is_blob(b->type))
            return false;
        if (!canon_is_blob(a->type))
            return list_equal(a, b);
        return a->blob.size_bytes == b->blob.size_bytes &&
               (a->blob.size_bytes == 0 ||
                memcmp(a->blob.bytes, b->blob.bytes, a->blob.size_bytes) == 0);
    case CTYPE_RECORD:
    case CTYPE_TUPLE:
    case CTYPE_LIST_FIXED:
    case CTYPE_MAP:
        return list_equal(a, b);
    case CTYPE_VARIANT:
    case CTYPE_ENUM:
    case CTYPE_OPTION:
    case CTYPE_RESULT:
        return variant_equal(a, b);
    case CTYPE_FLAGS:
        return a->flags.word_count == b->flags.word_count &&
               memcmp(a->flags.words, b->flags.words, 4 * (size_t)a->flags.word_count) == 0;
    case CTYPE_OWN:
    case CTYPE_BORROW:
        return a->handle.type == b->handle.type && a->handle.rep == b->handle.rep;
    default:
        return a->u == b->u;
    }
}

/* ---- Checking what the host gives ---------------------------------------------------------- */

static enum stint_status wrong(const struct ctype *type, const char *what,
                               struct stint_error *error)
{
    char text[120];
    return error_set(error, STINT_ARGUMENT, STINT_NO_OFFSET, "value of type %s: %s",
                     ctype_format(type, text, sizeof(text)), what);
}

static enum stint_status check_items(const struct ctype *type, const struct cvalue *value,
                                     const struct resource_type *const *resources,
                                     struct stint_error *error)
{
    bool is_list = type->kind == CTYPE_LIST || type->kind == CTYPE_LIST_FIXED;
    uint64_t wanted = type->kind == CTYPE_LIST         ? value->list.count
                      : type->kind == CTYPE_LIST_FIXED ? type->length
                                                       : type->member_count;
    uint64_t bytes =
        type->kind == CTYPE_LIST ? (uint64_t)wanted * type->members[0].type->size_bytes : 0;
    if (value->list.count != wanted)
        return wrong(type, "has another number of items", error);
    if (bytes > CANON_BYTES_MAX)
        return wrong(type, "is too long", error);
    for (uint32_t i = 0; i < value->list.count; i++) {
        enum stint_status status = canon_value_check(type->members[is_list ? 0 : i].type,
                                                     &value->list.items[i], resources, error);
        if (status != STINT_OK)
            return status;
    }
    return STINT_OK;
}

static enum stint_status check_map(const struct ctype *type, const struct cvalue *value,
                                   const struct resource_type *const *resources,
                                   struct stint_error *error)
{
    if ((uint64_t)value->list.count * canon_pair_of(type).size_bytes > CANON_BYTES_MAX)
        return wrong(type, "is too long", error);
    for (uint32_t i = 0; i < value->list.count; i++) {
        const struct cvalue *pair = &value->list.items[i];
        if (pair->type == NULL || pair->type->kind != CTYPE_TUPLE || pair->list.count != 2)
            return wrong(type, "is not made of pairs", error);
        for (uint32_t j = 0; j < 2; j++) {
            enum stint_status status =
                canon_value_check(type->members[j].type, &pair->list.items[j], resources, error);
            if (status != STINT_OK)
                return status;
        }
    }
    return STINT_OK;
}

static enum stint_status check_case(const struct ctype *type, const struct cvalue *value,
                                    const struct resource_type *const *resources,
                                    struct stint_error *error)
{
    if (value->variant.index >= canon_case_count(type))
        return wrong(type, "has no such case", error);
    const struct ctype *payload = canon_payload(type, value->variant.index);
    if ((payload == NULL) != (value->variant.payload == NULL))
        return wrong(type, payload == NULL ? "the case has no payload" : "the case has a payload",
                     error);
    return payload == NULL ? STINT_OK
                           : canon_value_check(payload, value->variant.payload, resources, error);
}

enum stint_status canon_value_check(const struct ctype *type, const struct cvalue *value,
                                    const struct resource_type *const *resources,
                                    struct stint_error *error)
{
    if (value->type == NULL || value->type->kind != type->kind)
        return wrong(type, "is of another type", error);
    switch (type->kind) {
    case CTYPE_CHAR:
        if (value->u > UINT32_MAX || !canon_is_char((uint32_t)value->u))
            return wrong(type, "is not a Unicode scalar value", error);
        return STINT_OK;
    case CTYPE_STRING:
        if (value->string.bytes > CANON_BYTES_MAX)
            return wrong(type, "is too long", error);
        return utf8_is_valid((const uint8_t *)value->string.text, value->string.bytes)
                   ? STINT_OK
                   : wrong(type, "is not UTF-8", error);
    case CTYPE_LIST:
        if (canon_is_blob(type) != canon_is_blob(value->type))
            return wrong(type, "is of another type", error);
        if (canon_is_blob(type))
            return value->blob.size_bytes > CANON_BYTES_MAX ? wrong(type, "is too long", error)
                                                            : STINT_OK;
        return check_items(type, value, resources, error);
    case CTYPE_RECORD:
    case CTYPE_TUPLE:
    case CTYPE_LIST_FIXED:
        return check_items(type, value, resources, error);
    case CTYPE_MAP:
        return check_map(type, value, resources, error);
    case CTYPE_VARIANT:
    case CTYPE_ENUM:
    case CTYPE_OPTION:
    case CTYPE_RESULT:
        return check_case(type, value, resources, error);
    case CTYPE_FLAGS:
        return value->flags.word_count == 1 ? STINT_OK
                                            : wrong(type, "has more than 32 flags", error);
    case CTYPE_OWN:
    case CTYPE_BORROW:
        return value->handle.type == resources[type->resource]
                   ? STINT_OK
                   : wrong(type, "the handle is of another resource type", error);
    case CTYPE_STREAM:
    case CTYPE_FUTURE:
    case CTYPE_ERROR_CONTEXT:
        return error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                         "streams, futures and error contexts are not supported");
    default:
        return STINT_OK;
    }
}
