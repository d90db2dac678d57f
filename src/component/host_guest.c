/* SPDX-License-Identifier: Apache-2.0 */
/* What host functions do to the memory of the guest that calls them. */
#include "component/host.h"

#include "component/canon.h"

uint8_t *host_at(struct host_component_call *call, uint32_t pointer, uint64_t bytes, uint32_t align)
{
    const struct memory *memory = call->guest->memory;
    const char *message = NULL;
    if (memory == NULL)
        message = "the guest has no memory";
    else if ((pointer & (align - 1)) != 0)
        message = "unaligned pointer";
    else if (!canon_in_bounds(memory, pointer, bytes))
        message = "pointer out of bounds of memory";
    if (message == NULL)
        return memory->base + pointer;
    (void)canon_trap(call->error, message);
    return NULL;
}

enum stint_status host_realloc(struct host_component_call *call, uint32_t bytes, uint32_t align,
                               uint32_t *ret_pointer)
{
    return canon_realloc(call->guest, 0, 0, align, bytes, &canon_words_host,
                         canon_words_host.result_list, ret_pointer, call->error);
}

enum stint_status host_get_string(struct host_component_call *call, struct arena *arena,
                                  uint32_t pointer, uint32_t code_units,
                                  struct wasm_name *ret_string)
{
    struct canon_string string;
    enum stint_status status = canon_string_find(call->guest, pointer, code_units,
                                                 &canon_words_host, &string, call->error);
    if (status == STINT_OK)
        status = canon_string_check(&string, call->error);
    if (status == STINT_OK)
        status = canon_string_utf8(&string, arena, ret_string, call->error);
    return status;
}

enum stint_status host_put_string(struct host_component_call *call, const char *text, size_t bytes,
                                  uint32_t *ret_pointer, uint32_t *ret_code_units)
{
    if (bytes > CANON_BYTES_MAX)
        return canon_trap(call->error, "string is too long");
    struct canon_string string = {
        .bytes = (const uint8_t *)text, .code_units = (uint32_t)bytes, .form = FORM_UTF8};
    enum stint_status status = canon_string_check(&string, call->error);
    if (status == STINT_OK)
        status = canon_string_store(call->guest, &string, &canon_words_host, ret_pointer,
                                    ret_code_units, call->error);
    return status;
}
