/* SPDX-License-Identifier: Apache-2.0 */
#include "component/canon.h"

#include "component/part.h"
#include "runtime/gc.h"

const struct canon_words canon_words_host = {
    .unaligned = "unaligned pointer",
    .string_bounds = "string pointer/length out of bounds of memory",
    .list_bounds = "list pointer/length out of bounds of memory",
    .result_unaligned = "realloc return: result not aligned",
    .result_string = "realloc return: beyond end of memory",
    .result_list = "realloc return: beyond end of memory",
};

const struct canon_words canon_words_guest = {
    .unaligned = "unaligned pointer",
    .string_bounds = "string content out-of-bounds",
    .list_bounds = "list content out-of-bounds",
    .result_unaligned = "unaligned pointer",
    .result_string = "string content out-of-bounds",
    .result_list = "list content out-of-bounds",
};

enum stint_status canon_trap(struct stint_error *error, const char *message)
{
    if (error != NULL && error->status == STINT_OK)
        error->trap = STINT_TRAP_HOST;
    return error_set(error, STINT_TRAP, STINT_NO_OFFSET, "%s", message);
}

enum stint_status canon_call_core(struct stint_store *store, struct func *func, uint64_t *slots,
                                  struct stint_error *error)
{
    enum stint_status status = rt_call(store, func, slots, error);
    if (LIKELY(status != STINT_EXCEPTION))
        return status;
    if (store->gc != NULL)
        (void)gc_take_exception(store->gc);
    error_clear(error);
    return canon_trap(error, "uncaught exception");
}

enum stint_status canon_realloc(const struct host_guest *guest, uint32_t old, uint32_t old_bytes,
                                uint32_t align, uint32_t bytes, const struct canon_words *words,
                                const char *bounds, uint32_t *ret_pointer,
                                struct stint_error *error)
{
    struct component_part *part = guest->part;
    uint64_t slots[4] = {old, old_bytes, align, bytes};
    if (guest->realloc == NULL || guest->memory == NULL)
        return canon_trap(error, "the guest has no realloc");
    enum stint_status status;
    if (part == NULL) {
        status = canon_call_core(guest->store, guest->realloc, slots, error);
    } else {
        /* It is a call of its own, so it has its own context slots. */
        uint64_t context[CONTEXT_SLOTS] = {part->context[0], part->context[1]};
        part->context[0] = part->context[1] = 0;
        part->may_leave = false;
        status = canon_call_core(guest->store, guest->realloc, slots, error);
        part->may_leave = true;
        part->context[0] = context[0];
        part->context[1] = context[1];
    }
    if (status != STINT_OK)
        return status;
    uint32_t pointer = (uint32_t)slots[0];
    if ((pointer & (align - 1)) != 0)
        return canon_trap(error, words->result_unaligned);
    if (!canon_in_bounds(guest->memory, pointer, bytes))
        return canon_trap(error, bounds);
    *ret_pointer = pointer;
    return STINT_OK;
}
