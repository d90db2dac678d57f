/* SPDX-License-Identifier: Apache-2.0 */
/* Values of a guest for the host (CanonicalABI.md: Loading, Flat Lifting). */
#include <string.h>

#include "component/canon_code.h"
#include "component/canon_value.h"

static enum stint_status no_memory(const struct canon_values *v)
{
    return error_set(v->error, STINT_NOMEM, STINT_NO_OFFSET, "no memory for a guest's value");
}

/* Counts what a value costs, before it is made. */
static enum stint_status spend(struct canon_values *v, uint64_t bytes)
{
    if (bytes > v->bytes_left)
        return canon_trap(v->error, "value is larger than a host takes");
    v->bytes_left -= bytes;
    return STINT_OK;
}

static enum stint_status make_items(struct canon_values *v, uint32_t count,
                                    struct cvalue **ret_items)
{
    enum stint_status status = spend(v, (uint64_t)count * sizeof(struct cvalue));
    if (status != STINT_OK)
        return status;
    struct cvalue *items = arena_get_zeroed(v->arena, count, sizeof(*items));
    if (items == NULL)
        return no_memory(v);
    *ret_items = items;
    return STINT_OK;
}

static enum stint_status lift_string(struct canon_values *v, uint32_t pointer, uint32_t units,
                                     struct cvalue *value)
{
    struct canon_string string;
    enum stint_status status =
        canon_string_find(v->guest, pointer, units, &canon_words_host, &string, v->error);
    if (status == STINT_OK)
        status = spend(v, string.code_units);
    if (status == STINT_OK)
        status = canon_string_check(&string, v->error);
    if (status == STINT_OK)
        status = canon_string_utf8(&string, v->arena, &value->string, v->error);
    return status;
}

static enum stint_status lift_items(struct canon_values *v, const struct ctype *element,
                                    uint32_t count, const uint8_t *from, struct cvalue *value)
{
    struct cvalue *items;
    enum stint_status status = make_items(v, count, &items);
    for (uint32_t i = 0; i < count && status == STINT_OK; i++)
        status = canon_lift_memory(v, element, from + (size_t)i * element->size_bytes, &items[i]);
    if (status == STINT_OK) {
        value->list.count = count;
        value->list.items = items;
    }
    return status;
}

static enum stint_status lift_pairs(struct canon_values *v, const struct ctype *type,
                                    uint32_t count, const uint8_t *from, struct cvalue *value)
{
    const struct ctype *tuple;
    struct canon_pair layout = canon_pair_of(type);
    struct ctype draft = {.kind = CTYPE_TUPLE, .member_count = 2, .members = type->members};
    struct cvalue *items;
    enum stint_status status = ctype_make(v->arena, &draft, &tuple, v->error);
    if (status == STINT_OK)
        status = make_items(v, count, &items);
    for (uint32_t i = 0; i < count && status == STINT_OK; i++) {
        items[i].type = tuple;
        items[i].list.count = 2;
        status = make_items(v, 2, &items[i].list.items);
        for (uint32_t j = 0; j < 2 && status == STINT_OK; j++)
            status = canon_lift_memory(v, type->members[j].type,
                                       from + (j == 0 ? 0 : layout.value_offset_bytes),
                                       &items[i].list.items[j]);
        from += layout.size_bytes;
    }
    if (status == STINT_OK) {
        value->list.count = count;
        value->list.items = items;
    }
    return status;
}

static enum stint_status lift_list(struct canon_values *v, const struct ctype *type,
                                   uint32_t pointer, uint32_t count, struct cvalue *value)
{
    bool is_map = type->kind == CTYPE_MAP;
    const struct ctype *element = type->members[0].type;
    uint32_t size = is_map ? canon_pair_of(type).size_bytes : element->size_bytes;
    uint32_t align = is_map ? canon_pair_of(type).align_bytes : element->align_bytes;
    uint64_t bytes = (uint64_t)count * size;
    const struct canon_words *words = &canon_words_host;
    if (v->guest->memory == NULL)
        return canon_trap(v->error, "the guest has no memory");
    if (bytes > CANON_BYTES_MAX)
        return canon_trap(v->error, words->list_bounds);
    if ((pointer & (align - 1)) != 0)
        return canon_trap(v->error, words->unaligned);
    if (!canon_in_bounds(v->guest->memory, pointer, bytes))
        return canon_trap(v->error, words->list_bounds);
    const uint8_t *from = v->guest->memory->base + pointer;
    if (is_map)
        return lift_pairs(v, type, count, from, value);
    if (!canon_is_blob(type))
        return lift_items(v, element, count, from, value);
    enum stint_status status = spend(v, count);
    if (status != STINT_OK)
        return status;
    uint8_t *copy = arena_get(v->arena, count);
    if (copy == NULL)
        return no_memory(v);
    if (count != 0)
        memcpy(copy, from, count);
    value->blob.bytes = copy;
    value->blob.size_bytes = count;
    return STINT_OK;
}

static enum stint_status lift_own(struct canon_values *v, const struct ctype *type, uint32_t index,
                                  struct cvalue *value)
{
    const struct resource_type *resource = v->resources[type->resource];
    value->handle.type = resource;
    return handle_take(v->guest->handles, resource, index, &value->handle.rep, v->error);
}

/* What takes one word, from its low bits. */
static enum stint_status lift_word(struct canon_values *v, const struct ctype *type, uint64_t word,
                                   struct cvalue *value)
{
    switch (type->kind) {
    case CTYPE_BOOL:
        value->boolean = (uint32_t)word != 0;
        return STINT_OK;
    case CTYPE_S8:
        value->s = (int8_t)word;
        return STINT_OK;
    case CTYPE_U8:
        value->u = (uint8_t)word;
        return STINT_OK;
    case CTYPE_S16:
        value->s = (int16_t)word;
        return STINT_OK;
    case CTYPE_U16:
        value->u = (uint16_t)word;
        return STINT_OK;
    case CTYPE_S32:
        value->s = (int32_t)word;
        return STINT_OK;
    case CTYPE_U32:
        value->u = (uint32_t)word;
        return STINT_OK;
    case CTYPE_F32:
        value->f32_bits = (uint32_t)word;
        return STINT_OK;
    case CTYPE_F64:
        value->f64_bits = word;
        return STINT_OK;
    case CTYPE_CHAR:
        value->u = (uint32_t)word;
        return canon_is_char((uint32_t)word) ? STINT_OK
                                             : canon_trap(v->error, "invalid `char` bit pattern");
    case CTYPE_FLAGS: {
        uint32_t mask = type->member_count >= 32 ? 0xffffffffu : (1u << type->member_count) - 1;
        value->flags.words = arena_get(v->arena, sizeof(uint32_t));
        if (value->flags.words == NULL)
            return no_memory(v);
        value->flags.words[0] = (uint32_t)word & mask;
        value->flags.word_count = 1;
        return STINT_OK;
    }
    case CTYPE_OWN:
        return lift_own(v, type, (uint32_t)word, value);
    case CTYPE_S64:
    case CTYPE_U64:
        value->u = word;
        return STINT_OK;
    default:
        return error_set(v->error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                         "streams, futures and error contexts are not supported");
    }
}

/* The case of a variant; what it holds is yet to be lifted into the payload. */
static enum stint_status begin_case(struct canon_values *v, const struct ctype *type,
                                    uint32_t index, struct cvalue *value)
{
    if (index >= canon_case_count(type))
        return canon_trap(v->error, "invalid variant discriminant");
    value->variant.index = index;
    value->variant.payload = NULL;
    return canon_payload(type, index) == NULL ? STINT_OK
                                              : make_items(v, 1, &value->variant.payload);
}

/* ---- In memory --------------------------------------------------------------------------- */

static enum stint_status lift_case(struct canon_values *v, const struct ctype *type,
                                   const uint8_t *from, struct cvalue *value)
{
    uint32_t index = 0;
    memcpy(&index, from, type->discriminant_bytes);
    enum stint_status status = begin_case(v, type, index, value);
    if (status != STINT_OK || value->variant.payload == NULL)
        return status;
    return canon_lift_memory(v, canon_payload(type, index), from + type->payload_offset_bytes,
                             value->variant.payload);
}

enum stint_status canon_lift_memory(struct canon_values *v, const struct ctype *type,
                                    const uint8_t *from, struct cvalue *value)
{
    uint32_t pair[2];
    uint64_t word = 0;
    enum stint_status status;
    struct cvalue *items;
    value->type = type;
    switch (type->kind) {
    case CTYPE_STRING:
        memcpy(pair, from, sizeof(pair));
        return lift_string(v, pair[0], pair[1], value);
    case CTYPE_LIST:
    case CTYPE_MAP:
        memcpy(pair, from, sizeof(pair));
        return lift_list(v, type, pair[0], pair[1], value);
    case CTYPE_LIST_FIXED:
        return lift_items(v, type->members[0].type, type->length, from, value);
    case CTYPE_RECORD:
    case CTYPE_TUPLE:
        status = make_items(v, type->member_count, &items);
        for (uint32_t i = 0; i < type->member_count && status == STINT_OK; i++)
            status = canon_lift_memory(v, type->members[i].type,
                                       from + type->members[i].offset_bytes, &items[i]);
        if (status == STINT_OK) {
            value->list.items = items;
            value->list.count = type->member_count;
        }
        return status;
    case CTYPE_VARIANT:
    case CTYPE_ENUM:
    case CTYPE_OPTION:
    case CTYPE_RESULT:
        return lift_case(v, type, from, value);
    default:
        memcpy(&word, from, type->size_bytes);
        return lift_word(v, type, word, value);
    }
}

/* ---- Flat -------------------------------------------------------------------------------- */

static enum stint_status flat_items(struct canon_values *v, const struct ctype *type,
                                    const uint64_t *slots, struct cvalue *value)
{
    bool is_list = type->kind == CTYPE_LIST_FIXED;
    uint32_t count = is_list ? type->length : type->member_count;
    struct cvalue *items;
    enum stint_status status = make_items(v, count, &items);
    for (uint32_t i = 0; i < count && status == STINT_OK; i++) {
        const struct ctype *part = type->members[is_list ? 0 : i].type;
        status = canon_lift_flat(v, part, slots, &items[i]);
        slots += part->flat_count;
    }
    if (status == STINT_OK) {
        value->list.items = items;
        value->list.count = count;
    }
    return status;
}

enum stint_status canon_lift_flat(struct canon_values *v, const struct ctype *type,
                                  const uint64_t *slots, struct cvalue *value)
{
    enum stint_status status;
    value->type = type;
    switch (type->kind) {
    case CTYPE_STRING:
        return lift_string(v, (uint32_t)slots[0], (uint32_t)slots[1], value);
    case CTYPE_LIST:
    case CTYPE_MAP:
        return lift_list(v, type, (uint32_t)slots[0], (uint32_t)slots[1], value);
    case CTYPE_RECORD:
    case CTYPE_TUPLE:
    case CTYPE_LIST_FIXED:
        return flat_items(v, type, slots, value);
    case CTYPE_VARIANT:
    case CTYPE_ENUM:
    case CTYPE_OPTION:
    case CTYPE_RESULT:
        status = begin_case(v, type, (uint32_t)slots[0], value);
        if (status != STINT_OK || value->variant.payload == NULL)
            return status;
        return canon_lift_flat(v, canon_payload(type, value->variant.index), slots + 1,
                               value->variant.payload);
    default:
        return lift_word(v, type, slots[0], value);
    }
}
