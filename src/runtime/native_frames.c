/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walking the frames of machine code by the tables of its images. The tables come with the code and
 * are trusted like it, but every lookup stays inside of them whatever they hold. No locks and no
 * memory: this runs in signal handlers.
 */
#include <string.h>

#include "aot/image.h"
#include "runtime/native_entry.h"

/* The last row whose first field, a text offset, is at most `offset`; NULL when there is none. */
static const void *find_row(const struct native_code *code, const struct image_array *array,
                            size_t row_bytes, uint32_t offset)
{
    const uint8_t *rows = native_array(code, array);
    size_t low = 0, high = array->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        uint32_t at;
        memcpy(&at, rows + middle * row_bytes, sizeof(at));
        if (at <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low == 0 ? NULL : rows + (low - 1) * row_bytes;
}

static void add_frame(struct native_state *state, const struct native_code *code, uint32_t offset)
{
    const struct image_range *range = find_row(code, &code->header->ranges, sizeof(*range), offset);
    if (range == NULL || offset - range->text_offset >= range->bytes ||
        range->func_index >= code->module->wasm->func_count ||
        range->func_index < code->module->wasm->import_func_count)
        return;
    state->frame_total++;
    if (state->frame_count == NATIVE_FRAMES_KEPT)
        return;
    const struct image_place *place = find_row(code, &code->header->places, sizeof(*place), offset);
    uint32_t own = range->func_index - code->module->wasm->import_func_count;
    uint32_t where = code->module->wasm->bodies[own].offset_bytes;
    if (place != NULL && place->text_offset >= range->text_offset && place->wasm_offset != 0)
        where = place->wasm_offset;
    state->frames[state->frame_count++] =
        (struct native_place){code->module, range->func_index, where};
}

void native_collect_frames(struct native_state *state, uintptr_t pc, uintptr_t sp, uintptr_t link,
                           bool is_return)
{
    uintptr_t low = (uintptr_t)state->stack_low, high = (uintptr_t)state->stack_top;
    while (pc != (uintptr_t)native_call_return) {
        /* The row of a call is that before its return address. */
        uintptr_t at = is_return ? pc - 1 : pc;
        const struct native_code *code = native_code_at(at);
        if (code == NULL)
            return;
        uint32_t offset = (uint32_t)(at - (uintptr_t)code->image->text);
        add_frame(state, code, offset);
        const struct image_frame *row = find_row(code, &code->header->frames, sizeof(*row), offset);
        if (row == NULL || row->cfa_bytes == IMAGE_FRAME_UNKNOWN)
            return;
        uintptr_t caller = sp + row->cfa_bytes;
        if (row->ra_below_bytes != 0) {
            if (caller <= sp || caller > high || sp < low || row->ra_below_bytes > row->cfa_bytes)
                return;
            memcpy(&pc, (const void *)(caller - row->ra_below_bytes), sizeof(pc));
        } else {
            /* Still in the link register: only the innermost frame can be without one. */
            if (link == 0 || caller < sp)
                return;
            pc = link;
        }
        link = 0;
        sp = caller;
        is_return = true;
    }
}

/* An instance of this module: the one that ran, where there are several. */
static struct stint_instance *instance_of(const struct stint_store *store,
                                          const struct stint_module *module)
{
    for (struct stint_instance *i = store->instances; i != NULL; i = i->next) {
        if (i->module == module && i->run != NULL)
            return i;
    }
    return NULL;
}

size_t native_frames(struct stint_store *store, struct frame_info *ret_frames, size_t limit,
                     size_t *ret_total)
{
    struct native_state *state = store->run == NULL ? NULL : store->run->state;
    size_t count = 0;
    *ret_total = 0;
    if (state == NULL)
        return 0;
    for (size_t i = 0; i < state->frame_count && count < limit; i++) {
        const struct native_place *place = &state->frames[i];
        struct stint_instance *instance = instance_of(store, place->module);
        if (instance != NULL)
            ret_frames[count++] =
                (struct frame_info){instance, place->func_index, place->offset_bytes};
    }
    *ret_total = state->frame_total;
    state->frame_count = state->frame_total = 0;
    return count;
}
