/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The linear memories of warm slots: the pool's image of what a memory holds after instantiation,
 * mapped copy-on-write into every slot. A slot whose memory came out differently, since an imported
 * global moved a segment, gets an image of its own.
 */
#include <string.h>

#include "runtime/constexpr.h"
#include "runtime/pool_slots.h"
#include "wasm/limits.h"

enum {
    /* A guest that once wrote much leaves pages that every reset copies from then on: when there are
     * many, they are dropped now and then, to see which of them are still in use. */
    MANY_BYTES = 256 << 10,
    USES_TO_DROP = 32,
    /* Of keep_bytes, what a memory that shrinks may keep beyond its first size. */
    SPARED_PART = 4,
};

/* ---- What a memory holds ----------------------------------------------------------------- */

/* Raises `ret_end` to where the instance's active segments reach into memory `index`. */
static bool segments_end(struct stint_instance *instance, uint32_t index, uint64_t *ret_end)
{
    const struct wasm_module *module = instance->module->wasm;
    bool is_64 = module->memories[index].limits.is_64;
    for (uint32_t i = 0; i < module->data_count; i++) {
        const struct wasm_data *data = &module->datas[i];
        uint64_t value[2];
        if (data->mode != SEGMENT_ACTIVE || data->memory != index)
            continue;
        if (const_eval(instance, &data->offset, value, NULL) != STINT_OK)
            return false;
        uint64_t at = is_64 ? value[0] : (uint32_t)value[0];
        if (at + data->size_bytes > *ret_end)
            *ret_end = at + data->size_bytes;
    }
    return true;
}

uint64_t slot_content_bytes(const struct memory *memory, uint64_t bytes)
{
    while (bytes >= sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, memory->base + bytes - sizeof(word), sizeof(word));
        if (word != 0)
            break;
        bytes -= sizeof(word);
    }
    while (bytes > 0 && memory->base[bytes - 1] == 0)
        bytes--;
    return bytes;
}

/* The instance that has this memory of its own, or NULL: a host made it. */
static const struct stint_instance *owner_of(const struct pool_slot *slot,
                                             const struct memory *memory)
{
    for (const struct stint_instance *i = slot->store->instances; i != NULL; i = i->next) {
        const struct wasm_module *module = i->module->wasm;
        for (uint32_t k = module->import_memory_count; k < module->memory_count; k++) {
            if (i->memories[k] == memory)
                return i;
        }
    }
    return NULL;
}

bool slot_segments_end(const struct pool_slot *slot, const struct memory *memory, uint64_t *ret_end)
{
    uint64_t end = 0;
    for (struct stint_instance *i = slot->store->instances; i != NULL; i = i->next) {
        for (uint32_t k = 0; k < i->module->wasm->memory_count; k++) {
            if (i->memories[k] == memory && !segments_end(i, k, &end))
                return false;
        }
    }
    *ret_end = end;
    return true;
}

/* How much of the memory's start is not known to be zero. */
static bool content_end(const struct pool_slot *slot, const struct memory *memory,
                        uint64_t *ret_end)
{
    const struct stint_instance *owner = owner_of(slot, memory);
    uint64_t end;
    if (owner == NULL || (slot->fresh != NULL && owner != slot->fresh))
        end = memory->bytes;
    else if (!slot_segments_end(slot, memory, &end))
        return false;
    *ret_end = slot_content_bytes(memory, end);
    return true;
}

/* ---- Images ------------------------------------------------------------------------------ */

bool slot_image_create(struct alloc *alloc, const struct memory *memory, uint64_t bytes,
                       struct cow_image *ret_image)
{
    struct cow_image image;
    if (bytes > SIZE_MAX || !cow_image_create(memory->base, (size_t)bytes, &image))
        return false;
    if (!alloc_charge(alloc, image.bytes)) {
        cow_image_free(&image);
        return false;
    }
    *ret_image = image;
    return true;
}

void slot_image_free(struct alloc *alloc, struct cow_image *image)
{
    alloc_discharge(alloc, image->bytes);
    cow_image_free(image);
}

/* Whether the image is of what the memory holds: `bytes`, then zeros. */
static bool image_matches(const struct cow_image *image, const struct memory *memory,
                          uint64_t bytes)
{
    if (bytes > image->bytes || image->bytes > memory->bytes)
        return false;
    return image->bytes == 0 || memcmp(image->data, memory->base, image->bytes) == 0;
}

/* The pool's image for a slot's memory of this number; made by the first slot. */
static bool find_image(struct pool_slots *slots, uint32_t number, struct slot_memory *kept,
                       uint64_t bytes)
{
    bool made = true;
    lock_take(&slots->lock);
    if (number < slots->image_count && number == slots->images_made) {
        made =
            slot_image_create(&slots->engine->alloc, kept->memory, bytes, &slots->images[number]);
        slots->images_made += made;
    }
    bool shared =
        number < slots->images_made && image_matches(&slots->images[number], kept->memory, bytes);
    if (shared)
        kept->image = slots->images[number];
    lock_give(&slots->lock);
    if (made && !shared) {
        made = slot_image_create(&slots->engine->alloc, kept->memory, bytes, &kept->image);
        kept->is_own = made;
    }
    return made;
}

static bool keep_memory(struct pool_slot *slot, uint32_t number, struct memory *memory)
{
    struct slot_memory *kept = &slot->memories[number];
    uint64_t end;
    kept->memory = memory;
    kept->bytes = memory->bytes;
    if (slot->snapshot != NULL)
        kept->image = *snapshot_image(slot->snapshot, number);
    else if (!content_end(slot, memory, &end) || !find_image(slot->slots, number, kept, end))
        return false;
    cow_prepare(memory->base, memory->reserved_bytes);
    kept->is_mapped = cow_map(&kept->image, memory->base);
    if (slot->snapshot != NULL && !kept->is_mapped)
        cow_copy(&kept->image, memory->base, (size_t)memory->bytes);
    if (kept->is_own)
        cow_image_seal(&kept->image);
    return true;
}

bool slot_keep_memories(struct pool_slot *slot)
{
    uint32_t count = 0;
    for (struct memory *m = slot->store->memories; m != NULL; m = m->next)
        count++;
    slot->memories = arena_get_zeroed(&slot->arena, count, sizeof(*slot->memories));
    if (slot->memories == NULL)
        return false;
    for (struct memory *m = slot->store->memories; m != NULL; m = m->next) {
        if (!keep_memory(slot, slot->memory_count++, m))
            return false;
    }
    return true;
}

void slot_forget_memories(struct pool_slot *slot)
{
    for (uint32_t i = 0; i < slot->memory_count; i++) {
        if (slot->memories[i].is_own)
            slot_image_free(&slot->slots->engine->alloc, &slot->memories[i].image);
    }
}

/* Takes away what the use has added. The first pages of it stay, unreachable and zero again: most guests
 * grow by as much each time, and faulting the pages in is what costs. */
static bool shrink(struct slot_memory *kept, size_t spared_bytes)
{
    struct memory *memory = kept->memory;
    uint64_t spared_end = kept->bytes + spared_bytes;
    if (memory->bytes > spared_end && !memory_shrink(memory, spared_end, false))
        return false;
    return memory->bytes == kept->bytes || memory_shrink(memory, kept->bytes, true);
}

bool slot_restore_memories(struct pool_slot *slot, struct cow_work *work)
{
    const struct pool_slots_config *config = &slot->slots->config;
    size_t spared_bytes = (config->keep_bytes / SPARED_PART) & ~(size_t)(WASM_PAGE_BYTES - 1);
    for (uint32_t i = 0; i < slot->memory_count; i++) {
        struct slot_memory *kept = &slot->memories[i];
        struct memory *memory = kept->memory;
        uint64_t end = kept->bytes + spared_bytes;
        if (end > memory->reserved_bytes)
            end = memory->reserved_bytes;
        struct cow_policy policy = {.is_mapped = kept->is_mapped,
                                    .without_scan = config->without_scan,
                                    .keep_bytes = config->keep_bytes,
                                    .known = config->uses_stay ? &kept->known : NULL,
                                    .region_bytes = (size_t)end};
        if (kept->copied_bytes > MANY_BYTES && slot->uses % USES_TO_DROP == 0)
            policy.keep_bytes = 0;
        uint64_t before = work->copied_bytes;
        cow_restore(&kept->image, memory->base, (size_t)(memory->bytes < end ? memory->bytes : end),
                    &policy, work);
        kept->copied_bytes = work->copied_bytes - before;
        if (!shrink(kept, spared_bytes))
            return false;
    }
    return true;
}
