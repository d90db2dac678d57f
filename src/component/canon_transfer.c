/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/buf.h"
#include "component/canon_code.h"

static uint32_t load_32(const uint8_t *from)
{
    uint32_t value;
    memcpy(&value, from, sizeof(value));
    return value;
}

static void store_32(uint8_t *to, uint32_t value)
{
    memcpy(to, &value, sizeof(value));
}

static uint32_t load_sized(const uint8_t *from, uint8_t bytes)
{
    uint32_t value = 0;
    memcpy(&value, from, bytes);
    return value;
}

/* ---- Handles ----------------------------------------------------------------------------- */

static enum stint_status lend(struct canon_loans *loans, uint32_t index, struct stint_error *error)
{
    if (loans->count < COUNT_OF(loans->few)) {
        loans->few[loans->count++] = index;
        return STINT_OK;
    }
    size_t beyond = loans->count - COUNT_OF(loans->few);
    if (!vec_reserve(loans->alloc, &loans->more, &loans->capacity, beyond + 1, sizeof(uint32_t)))
        return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "no memory for borrowed handles");
    loans->more[beyond] = index;
    loans->count++;
    return STINT_OK;
}

void canon_loans_end(struct canon_loans *loans, struct handle_table *handles)
{
    for (uint32_t i = 0; i < loans->count; i++) {
        uint32_t few = COUNT_OF(loans->few);
        handles->items[i < few ? loans->few[i] : loans->more[i - few]].lent--;
    }
    alloc_put(loans->alloc, loans->more, loans->capacity * sizeof(uint32_t));
    loans->more = NULL;
    loans->capacity = loans->count = 0;
}

static enum stint_status move_own(const struct canon_transfer *t, uint32_t resource, uint32_t from,
                                  uint32_t *ret_to)
{
    uint32_t rep;
    const struct resource_type *type = t->resources[resource];
    enum stint_status status = handle_take(t->from->handles, type, from, &rep, t->error);
    if (status == STINT_OK)
        status = handle_add(t->to->handles, type, rep, NULL, ret_to, t->error);
    return status;
}

static enum stint_status move_borrow(const struct canon_transfer *t, uint32_t resource,
                                     uint32_t from, uint32_t *ret_to)
{
    struct handle *handle;
    const struct resource_type *type = t->resources[resource];
    enum stint_status status = handle_get(t->from->handles, type, from, &handle, t->error);
    if (status == STINT_OK)
        status = lend(t->loans, from, t->error);
    if (status != STINT_OK)
        return status;
    handle->lent++;
    *ret_to = handle->rep;
    if (type->owner != NULL && type->owner == t->to->part)
        return STINT_OK;
    return handle_add(t->to->handles, type, handle->rep, t->scope, ret_to, t->error);
}

/* ---- Strings and lists --------------------------------------------------------------------- */

static enum stint_status move_string(const struct canon_transfer *t, uint32_t pointer,
                                     uint32_t units, uint32_t ret_pair[2])
{
    struct canon_string string;
    enum stint_status status =
        canon_string_find(t->from, pointer, units, &canon_words_guest, &string, t->error);
    if (status == STINT_OK)
        status = canon_string_check(&string, t->error);
    if (status == STINT_OK)
        status = canon_string_store(t->to, &string, &canon_words_guest, &ret_pair[0], &ret_pair[1],
                                    t->error);
    return status;
}

static enum stint_status move_list(const struct canon_transfer *t, const struct canon_op *op,
                                   uint32_t pointer, uint32_t count, uint32_t ret_pair[2])
{
    const struct canon_words *words = &canon_words_guest;
    uint64_t bytes = (uint64_t)count * op->size;
    uint32_t target = 0;
    if (bytes > CANON_BYTES_MAX)
        return canon_trap(t->error, words->list_bounds);
    if ((pointer & (op->align - 1u)) != 0)
        return canon_trap(t->error, words->unaligned);
    if (!canon_in_bounds(t->from->memory, pointer, bytes))
        return canon_trap(t->error, words->list_bounds);
    enum stint_status status = canon_realloc(t->to, 0, 0, op->align, (uint32_t)bytes, words,
                                             words->result_list, &target, t->error);
    if (status != STINT_OK)
        return status;
    const uint8_t *from = t->from->memory->base + pointer;
    uint8_t *to = t->to->memory->base + target;
    if (op->body == CANON_PLAIN) {
        if (bytes != 0)
            memcpy(to, from, bytes);
    } else {
        for (uint32_t i = 0; i < count && status == STINT_OK; i++) {
            status = canon_transfer_memory(t, op->body, from, to);
            from += op->size;
            to += op->size;
        }
    }
    ret_pair[0] = target;
    ret_pair[1] = count;
    return status;
}

static enum stint_status bad_discriminant(const struct canon_transfer *t)
{
    return canon_trap(t->error, "invalid variant discriminant");
}

static enum stint_status bad_char(const struct canon_transfer *t)
{
    return canon_trap(t->error, "invalid `char` bit pattern");
}

/* ---- In memory --------------------------------------------------------------------------- */

static enum stint_status memory_variant(const struct canon_transfer *t, const struct canon_op *op,
                                        const uint8_t *from, uint8_t *to)
{
    uint32_t index = load_sized(from, op->align);
    if (index >= op->size)
        return bad_discriminant(t);
    memcpy(to, from, op->align);
    const struct canon_case *chosen = &t->code->cases[op->body + index];
    if (chosen->body == CANON_NOTHING)
        return STINT_OK;
    if (chosen->body != CANON_PLAIN)
        return canon_transfer_memory(t, chosen->body, from + op->extra, to + op->extra);
    memcpy(to + op->extra, from + op->extra, chosen->slots);
    return STINT_OK;
}

static enum stint_status memory_pair(const struct canon_transfer *t, const struct canon_op *op,
                                     const uint8_t *from, uint8_t *to)
{
    uint32_t pair[2] = {0, 0}, pointer = load_32(from), count = load_32(from + 4);
    enum stint_status status = op->code == MEMORY_STRING ? move_string(t, pointer, count, pair)
                                                         : move_list(t, op, pointer, count, pair);
    if (status == STINT_OK)
        memcpy(to, pair, sizeof(pair));
    return status;
}

static enum stint_status memory_repeat(const struct canon_transfer *t, const struct canon_op *op,
                                       const uint8_t *from, uint8_t *to)
{
    enum stint_status status = STINT_OK;
    for (uint32_t i = 0; i < op->extra && status == STINT_OK; i++)
        status = canon_transfer_memory(t, op->body, from + (size_t)i * op->size,
                                       to + (size_t)i * op->size);
    return status;
}

enum stint_status canon_transfer_memory(const struct canon_transfer *t, uint32_t body,
                                        const uint8_t *from_base, uint8_t *to_base)
{
    enum stint_status status = STINT_OK;
    for (const struct canon_op *op = t->code->ops + body; status == STINT_OK; op++) {
        const uint8_t *from = from_base + op->at;
        uint8_t *to = to_base + op->at;
        uint32_t value;
        switch (op->code) {
        case CANON_END:
            return STINT_OK;
        case MEMORY_COPY:
            memcpy(to, from, op->size);
            break;
        case MEMORY_BOOL:
            *to = *from != 0;
            break;
        case MEMORY_CHAR:
            value = load_32(from);
            if (!canon_is_char(value))
                return bad_char(t);
            store_32(to, value);
            break;
        case MEMORY_FLAGS:
            value = load_sized(from, op->align) & op->size;
            memcpy(to, &value, op->align);
            break;
        case MEMORY_ENUM:
            if (load_sized(from, op->align) >= op->size)
                return bad_discriminant(t);
            memcpy(to, from, op->align);
            break;
        case MEMORY_OWN:
        case MEMORY_BORROW:
            status = op->code == MEMORY_OWN ? move_own(t, op->size, load_32(from), &value)
                                            : move_borrow(t, op->size, load_32(from), &value);
            if (status == STINT_OK)
                store_32(to, value);
            break;
        case MEMORY_VARIANT:
            status = memory_variant(t, op, from, to);
            break;
        case MEMORY_REPEAT:
            status = memory_repeat(t, op, from, to);
            break;
        default: /* MEMORY_STRING, MEMORY_LIST */
            status = memory_pair(t, op, from, to);
        }
    }
    return status;
}

/* ---- Flat -------------------------------------------------------------------------------- */

static enum stint_status flat_variant(const struct canon_transfer *t, const struct canon_op *op,
                                      const uint64_t *from, uint64_t *to)
{
    uint32_t index = (uint32_t)from[0];
    enum stint_status status = STINT_OK;
    if (index >= op->size)
        return bad_discriminant(t);
    const struct canon_case *chosen = &t->code->cases[op->body + index];
    to[0] = index;
    if (chosen->body != CANON_NOTHING)
        status = canon_transfer_flat(t, chosen->body, from + 1, to + 1);
    for (uint32_t i = chosen->slots; i < op->extra; i++)
        to[1 + i] = 0;
    return status;
}

static enum stint_status flat_pair(const struct canon_transfer *t, const struct canon_op *op,
                                   const uint64_t *from, uint64_t *to)
{
    uint32_t pair[2] = {0, 0}, pointer = (uint32_t)from[0], count = (uint32_t)from[1];
    enum stint_status status = op->code == FLAT_STRING ? move_string(t, pointer, count, pair)
                                                       : move_list(t, op, pointer, count, pair);
    to[0] = pair[0];
    to[1] = pair[1];
    return status;
}

enum stint_status canon_transfer_flat(const struct canon_transfer *t, uint32_t body,
                                      const uint64_t *from_base, uint64_t *to_base)
{
    enum stint_status status = STINT_OK;
    for (const struct canon_op *op = t->code->ops + body; status == STINT_OK; op++) {
        const uint64_t *from = from_base + op->at;
        uint64_t *to = to_base + op->at;
        uint32_t value = 0;
        switch (op->code) {
        case CANON_END:
            return STINT_OK;
        case FLAT_64:
            *to = *from;
            break;
        case FLAT_32:
            *to = (uint32_t)*from;
            break;
        case FLAT_U8:
            *to = (uint8_t)*from;
            break;
        case FLAT_U16:
            *to = (uint16_t)*from;
            break;
        case FLAT_S8:
            *to = (uint32_t)(int8_t)*from;
            break;
        case FLAT_S16:
            *to = (uint32_t)(int16_t)*from;
            break;
        case FLAT_BOOL:
            *to = (uint32_t)*from != 0;
            break;
        case FLAT_CHAR:
            if (!canon_is_char((uint32_t)*from))
                return bad_char(t);
            *to = (uint32_t)*from;
            break;
        case FLAT_FLAGS:
            *to = (uint32_t)*from & op->size;
            break;
        case FLAT_ENUM:
            if ((uint32_t)*from >= op->size)
                return bad_discriminant(t);
            *to = (uint32_t)*from;
            break;
        case FLAT_OWN:
        case FLAT_BORROW:
            status = op->code == FLAT_OWN ? move_own(t, op->size, (uint32_t)*from, &value)
                                          : move_borrow(t, op->size, (uint32_t)*from, &value);
            *to = value;
            break;
        case FLAT_VARIANT:
            status = flat_variant(t, op, from, to);
            break;
        default: /* FLAT_STRING, FLAT_LIST */
            status = flat_pair(t, op, from, to);
        }
    }
    return status;
}
