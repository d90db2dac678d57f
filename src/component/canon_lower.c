/* SPDX-License-Identifier: Apache-2.0 */
/* Values of the host into a guest (CanonicalABI.md: Storing, Flat Lowering). */
#include <string.h>

#include "component/canon_value.h"

static enum stint_status lower_own(const struct canon_values *v, const struct ctype *type,
                                   const struct cvalue *value, uint32_t *ret_index)
{
    const struct resource_type *resource = v->resources[type->resource];
    bool is_own = type->kind == CTYPE_OWN;
    if (!is_own && resource->owner != NULL && resource->owner == v->guest->part) {
        *ret_index = value->handle.rep;
        return STINT_OK;
    }
    return handle_add(v->guest->handles, resource, value->handle.rep, is_own ? NULL : v->scope,
                      ret_index, v->error);
}

static enum stint_status lower_string(const struct canon_values *v, const struct cvalue *value,
                                      uint32_t ret_pair[2])
{
    struct canon_string string = {.bytes = (const uint8_t *)value->string.text,
                                  .code_units = value->string.bytes,
                                  .form = FORM_UTF8};
    return canon_string_store(v->guest, &string, &canon_words_host, &ret_pair[0], &ret_pair[1],
                              v->error);
}

static enum stint_status lower_pairs(const struct canon_values *v, const struct ctype *type,
                                     const struct cvalue *value, uint8_t *to)
{
    struct canon_pair layout = canon_pair_of(type);
    enum stint_status status = STINT_OK;
    for (uint32_t i = 0; i < value->list.count && status == STINT_OK; i++) {
        const struct cvalue *pair = value->list.items[i].list.items;
        status = canon_lower_memory(v, type->members[0].type, &pair[0], to);
        if (status == STINT_OK)
            status = canon_lower_memory(v, type->members[1].type, &pair[1],
                                        to + layout.value_offset_bytes);
        to += layout.size_bytes;
    }
    return status;
}

static enum stint_status lower_items(const struct canon_values *v, const struct ctype *element,
                                     const struct cvalue *value, uint8_t *to)
{
    enum stint_status status = STINT_OK;
    for (uint32_t i = 0; i < value->list.count && status == STINT_OK; i++)
        status = canon_lower_memory(v, element, &value->list.items[i],
                                    to + (size_t)i * element->size_bytes);
    return status;
}

/* A list or map; it was checked that the size is no more than CANON_BYTES_MAX. */
static enum stint_status lower_list(const struct canon_values *v, const struct ctype *type,
                                    const struct cvalue *value, uint32_t ret_pair[2])
{
    bool is_map = type->kind == CTYPE_MAP, is_blob = canon_is_blob(type);
    const struct ctype *element = type->members[0].type;
    uint32_t size = is_map ? canon_pair_of(type).size_bytes : element->size_bytes;
    uint32_t align = is_map ? canon_pair_of(type).align_bytes : element->align_bytes;
    uint32_t count = is_blob ? value->blob.size_bytes : value->list.count;
    enum stint_status status = canon_realloc(v->guest, 0, 0, align, count * size, &canon_words_host,
                                             canon_words_host.result_list, &ret_pair[0], v->error);
    if (status != STINT_OK)
        return status;
    ret_pair[1] = count;
    uint8_t *to = v->guest->memory->base + ret_pair[0];
    if (is_map)
        return lower_pairs(v, type, value, to);
    if (!is_blob)
        return lower_items(v, element, value, to);
    if (count != 0)
        memcpy(to, value->blob.bytes, count);
    return STINT_OK;
}

/* What takes one word: numbers as they lie in memory, low bytes first. */
static uint64_t word_of(const struct ctype *type, const struct cvalue *value)
{
    switch (type->kind) {
    case CTYPE_BOOL:
        return value->boolean;
    case CTYPE_F32:
        return value->f32_bits;
    case CTYPE_F64:
        return value->f64_bits;
    case CTYPE_FLAGS: {
        uint32_t mask = type->member_count >= 32 ? 0xffffffffu : (1u << type->member_count) - 1;
        return value->flags.words[0] & mask;
    }
    case CTYPE_U8:
        return (uint8_t)value->u;
    case CTYPE_U16:
        return (uint16_t)value->u;
    case CTYPE_S8:
        return (uint32_t)(int8_t)value->s;
    case CTYPE_S16:
        return (uint32_t)(int16_t)value->s;
    case CTYPE_S64:
    case CTYPE_U64:
        return value->u;
    default: /* s32, u32, char */
        return (uint32_t)value->u;
    }
}

/* ---- In memory --------------------------------------------------------------------------- */

static enum stint_status lower_case(const struct canon_values *v, const struct ctype *type,
                                    const struct cvalue *value, uint8_t *to)
{
    uint32_t index = value->variant.index;
    const struct ctype *payload = canon_payload(type, index);
    memcpy(to, &index, type->discriminant_bytes);
    if (payload == NULL)
        return STINT_OK;
    return canon_lower_memory(v, payload, value->variant.payload, to + type->payload_offset_bytes);
}

enum stint_status canon_lower_memory(const struct canon_values *v, const struct ctype *type,
                                     const struct cvalue *value, uint8_t *to)
{
    uint32_t pair[2] = {0, 0};
    enum stint_status status = STINT_OK;
    switch (type->kind) {
    case CTYPE_STRING:
    case CTYPE_LIST:
    case CTYPE_MAP:
        status = type->kind == CTYPE_STRING ? lower_string(v, value, pair)
                                            : lower_list(v, type, value, pair);
        if (status == STINT_OK)
            memcpy(to, pair, sizeof(pair));
        return status;
    case CTYPE_OWN:
    case CTYPE_BORROW:
        status = lower_own(v, type, value, &pair[0]);
        if (status == STINT_OK)
            memcpy(to, &pair[0], sizeof(pair[0]));
        return status;
    case CTYPE_RECORD:
    case CTYPE_TUPLE:
        for (uint32_t i = 0; i < type->member_count && status == STINT_OK; i++)
            status = canon_lower_memory(v, type->members[i].type, &value->list.items[i],
                                        to + type->members[i].offset_bytes);
        return status;
    case CTYPE_LIST_FIXED:
        return lower_items(v, type->members[0].type, value, to);
    case CTYPE_VARIANT:
    case CTYPE_ENUM:
    case CTYPE_OPTION:
    case CTYPE_RESULT:
        return lower_case(v, type, value, to);
    default: {
        uint64_t word = word_of(type, value);
        memcpy(to, &word, type->size_bytes);
        return STINT_OK;
    }
    }
}

/* ---- Flat -------------------------------------------------------------------------------- */

static enum stint_status flat_case(const struct canon_values *v, const struct ctype *type,
                                   const struct cvalue *value, uint64_t *slots)
{
    const struct ctype *payload = canon_payload(type, value->variant.index);
    enum stint_status status = STINT_OK;
    uint32_t used = 1;
    slots[0] = value->variant.index;
    if (payload != NULL) {
        status = canon_lower_flat(v, payload, value->variant.payload, slots + 1);
        used += payload->flat_count;
    }
    for (; used < type->flat_count; used++)
        slots[used] = 0;
    return status;
}

enum stint_status canon_lower_flat(const struct canon_values *v, const struct ctype *type,
                                   const struct cvalue *value, uint64_t *slots)
{
    uint32_t pair[2] = {0, 0};
    enum stint_status status = STINT_OK;
    switch (type->kind) {
    case CTYPE_STRING:
    case CTYPE_LIST:
    case CTYPE_MAP:
        status = type->kind == CTYPE_STRING ? lower_string(v, value, pair)
                                            : lower_list(v, type, value, pair);
        slots[0] = pair[0];
        slots[1] = pair[1];
        return status;
    case CTYPE_OWN:
    case CTYPE_BORROW:
        status = lower_own(v, type, value, &pair[0]);
        slots[0] = pair[0];
        return status;
    case CTYPE_RECORD:
    case CTYPE_TUPLE:
    case CTYPE_LIST_FIXED:
        for (uint32_t i = 0; i < value->list.count && status == STINT_OK; i++) {
            const struct ctype *part = type->members[type->kind == CTYPE_LIST_FIXED ? 0 : i].type;
            status = canon_lower_flat(v, part, &value->list.items[i], slots);
            slots += part->flat_count;
        }
        return status;
    case CTYPE_VARIANT:
    case CTYPE_ENUM:
    case CTYPE_OPTION:
    case CTYPE_RESULT:
        return flat_case(v, type, value, slots);
    default:
        slots[0] = word_of(type, value);
        return STINT_OK;
    }
}
