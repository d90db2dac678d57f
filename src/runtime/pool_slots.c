/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slots and who has them. Idle slots lie on stacks, one a processor, so that a thread finds the slot
 * whose memory is still in that processor's cache; a thread whose own stack is empty takes from the
 * others before a new slot is made.
 */
#include "runtime/pool_slots.h"

#include <assert.h>

#include "os/machine.h"

#define SLOT_MEMORY_ADDRESSES (((uint64_t)8 << 30) + (1 << 20))
#define SLOT_HEAP_ADDRESSES (((uint64_t)4 << 30) + (2 << 20))
/* Stacks of the interpreter and of machine code. */
#define SLOT_STACK_ADDRESSES ((uint64_t)64 << 20)

enum {
    SLOT_OWN_BYTES = 256 << 10, /* what a slot takes beside its memories, roughly */
    /* Uses after which a slot gives back what deep recursion took of its stack. */
    USES_TO_TRIM = 256,
    /* Measured: 8 with one memory, 2 of them the stack of a fiber and its guard; 11 with a collected heap
     * and several modules. */
    SLOT_MAPPINGS = 6,
    SLOT_MEMORY_MAPPINGS = 2,
};

uint32_t slots_fit(uint32_t memory_count, size_t keep_bytes, const struct pool_room *room)
{
    uint64_t addresses = SLOT_STACK_ADDRESSES + SLOT_HEAP_ADDRESSES, resident = SLOT_OWN_BYTES;
    uint64_t keep = keep_bytes < UINT32_MAX ? keep_bytes : UINT32_MAX;
    /* Of 64-bit memories the store's limit decides; most are as small as the others. */
    addresses += memory_count * SLOT_MEMORY_ADDRESSES;
    resident += memory_count * (keep + keep / 4); /* see pool_memory.c: SPARED_PART */
    uint64_t slots = room->memory_bytes / 2 / resident;
    uint64_t by_addresses = room->address_bytes / 2 / addresses;
    uint64_t mappings = SLOT_MAPPINGS + (uint64_t)memory_count * SLOT_MEMORY_MAPPINGS;
    uint64_t by_mappings = room->mappings / 2 / mappings;
    if (slots > by_addresses)
        slots = by_addresses;
    if (slots > by_mappings)
        slots = by_mappings;
    if (slots > POOL_SLOTS_MAX)
        slots = POOL_SLOTS_MAX;
    return slots > 0 ? (uint32_t)slots : 1;
}

enum stint_status slots_no_memory(struct stint_error *error)
{
    return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "no memory for a warm slot");
}

/* ---- All slots, for those who look at them ----------------------------------------------- */

static void list_slot(struct pool_slot *slot)
{
    struct pool_slots *slots = slot->slots;
    lock_take(&slots->all_lock);
    slot->all_next = slots->all;
    if (slots->all != NULL)
        slots->all->all_before = slot;
    slots->all = slot;
    slot->is_listed = true;
    lock_give(&slots->all_lock);
}

static void unlist_slot(struct pool_slot *slot)
{
    struct pool_slots *slots = slot->slots;
    if (!slot->is_listed)
        return;
    lock_take(&slots->all_lock);
    if (slot->all_before != NULL)
        slot->all_before->all_next = slot->all_next;
    else
        slots->all = slot->all_next;
    if (slot->all_next != NULL)
        slot->all_next->all_before = slot->all_before;
    lock_give(&slots->all_lock);
}

/* Guests go on meanwhile: each number is one that was true. */
static uint64_t taken_memory_bytes(struct pool_slots *slots)
{
    uint64_t bytes = 0;
    lock_take(&slots->all_lock);
    for (const struct pool_slot *slot = slots->all; slot != NULL; slot = slot->all_next) {
        if (!__atomic_load_n(&slot->is_taken, __ATOMIC_RELAXED))
            continue;
        for (uint32_t i = 0; i < slot->memory_count; i++)
            bytes += __atomic_load_n(&slot->memories[i].memory->bytes, __ATOMIC_RELAXED);
    }
    lock_give(&slots->all_lock);
    return bytes;
}

/* ---- Making and ending slots ------------------------------------------------------------- */

static void slot_end(struct pool_slot *slot)
{
    struct pool_slots *slots = slot->slots;
    unlist_slot(slot);
    if (slots->ops->before_end != NULL)
        slots->ops->before_end(slots->owner, slot);
    store_free(slot->store);
    slot_forget(slot);
    if (slots->ops->after_end != NULL)
        slots->ops->after_end(slots->owner, slot);
    arena_free(&slot->arena);
    alloc_put(&slots->engine->alloc, slot, sizeof(*slot));
    atomic_fetch_sub_explicit(&slots->slots, 1, memory_order_relaxed);
}

static enum stint_status slot_fill(struct pool_slot *slot, struct stint_error *error)
{
    struct pool_slots *slots = slot->slots;
    enum stint_status status = store_create(slots->engine, &slots->config.limits, &slot->store);
    if (status != STINT_OK)
        return slots_no_memory(error);
    slot->store->slot = slot;
    status = slots->ops->fill(slots->owner, slot, error);
    if (status == STINT_OK && slot->snapshot != NULL)
        status = snapshot_apply(slot, error);
    if (status == STINT_OK && !slot_keep(slot))
        status = slots_no_memory(error);
    return status;
}

/* The number of slots was raised before, by whoever calls this. `snapshot`: NULL for the pool's. */
static enum stint_status slot_make(struct pool_slots *slots, const struct slots_snapshot *snapshot,
                                   struct pool_slot **ret_slot, struct stint_error *error)
{
    struct alloc *alloc = &slots->engine->alloc;
    struct pool_slot *slot = alloc_get_zeroed(alloc, 1, sizeof(*slot));
    if (slot == NULL) {
        atomic_fetch_sub_explicit(&slots->slots, 1, memory_order_relaxed);
        return slots_no_memory(error);
    }
    slot->slots = slots;
    /* In this order: whatever is of the newest generation has the snapshot. */
    slot->generation = atomic_load(&slots->generation);
    slot->snapshot = snapshot != NULL ? snapshot : atomic_load(&slots->snapshot);
    arena_init(&slot->arena, alloc);
    enum stint_status status = slot_fill(slot, error);
    if (status != STINT_OK) {
        slot_end(slot);
        return status;
    }
    list_slot(slot);
    *ret_slot = slot;
    return STINT_OK;
}

/* ---- Idle slots -------------------------------------------------------------------------- */

static struct pool_slot *shard_pop(struct pool_shard *shard)
{
    /* A look without the lock spares most of the visits to other processors' stacks. */
    if (__atomic_load_n(&shard->idle, __ATOMIC_RELAXED) == NULL)
        return NULL;
    lock_take(&shard->lock);
    struct pool_slot *slot = shard->idle;
    if (slot != NULL) {
        __atomic_store_n(&shard->idle, slot->next, __ATOMIC_RELAXED);
        if (--shard->idle_count < shard->idle_min)
            shard->idle_min = shard->idle_count;
    }
    lock_give(&shard->lock);
    return slot;
}

static void shard_push(struct pool_shard *shard, struct pool_slot *slot)
{
    lock_take(&shard->lock);
    slot->next = shard->idle;
    __atomic_store_n(&shard->idle, slot, __ATOMIC_RELAXED);
    shard->idle_count++;
    lock_give(&shard->lock);
}

static uint32_t shard_here(const struct pool_slots *slots)
{
    return slots->shard_count == 1 ? 0 : machine_cpu_current() % slots->shard_count;
}

static struct pool_slot *find_idle(struct pool_slots *slots)
{
    uint32_t here = shard_here(slots);
    struct pool_slot *slot = NULL;
    for (uint32_t i = 0; i < slots->shard_count && slot == NULL; i++)
        slot = shard_pop(&slots->shards[(here + i) % slots->shard_count]);
    return slot;
}

/* Counts one more slot, where there may be one. */
static bool reserve_slot(struct pool_slots *slots)
{
    unsigned now = atomic_load_explicit(&slots->slots, memory_order_relaxed);
    while (now < slots->config.slots_max) {
        if (atomic_compare_exchange_weak(&slots->slots, &now, now + 1))
            return true;
    }
    return false;
}

/* ---- All of them ------------------------------------------------------------------------- */

static enum stint_status make_warm(struct pool_slots *slots, struct stint_error *error)
{
    uint32_t count = slots->config.slots_warm > 0 ? slots->config.slots_warm : 1;
    for (uint32_t i = 0; i < count && reserve_slot(slots); i++) {
        struct pool_slot *slot;
        enum stint_status status = slot_make(slots, NULL, &slot, error);
        if (status != STINT_OK)
            return status;
        shard_push(&slots->shards[i % slots->shard_count], slot);
    }
    return STINT_OK;
}

enum stint_status slots_begin(struct pool_slots *slots, struct stint_engine *engine,
                              const struct pool_slots_config *config,
                              const struct pool_slots_ops *ops, void *owner,
                              struct stint_error *error)
{
    slots->engine = engine;
    slots->ops = ops;
    slots->owner = owner;
    slots->config = *config;
    const struct pool_room room = {machine_memory_bytes(), machine_address_bytes(),
                                   machine_mappings_max()};
    if (config->slots_max == 0)
        slots->config.slots_max = slots_fit(config->memory_count, config->keep_bytes, &room);
    uint32_t cpus = machine_cpu_count();
    slots->shard_count = cpus < POOL_SHARDS_MAX ? cpus : POOL_SHARDS_MAX;
    for (uint32_t i = 0; i < slots->shard_count; i++)
        lock_init(&slots->shards[i].lock);
    lock_init(&slots->lock);
    lock_init(&slots->all_lock);
    /* Memories that linking puts beside the owner's get images of their slot. */
    slots->images = alloc_get_zeroed(&engine->alloc, config->memory_count, sizeof(*slots->images));
    if (slots->images == NULL && config->memory_count != 0)
        return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "no memory for a pool");
    slots->image_count = config->memory_count;
    return make_warm(slots, error);
}

/* No slot has them any more. */
static void free_images(struct pool_slots *slots)
{
    for (uint32_t i = 0; i < slots->images_made; i++)
        slot_image_free(&slots->engine->alloc, &slots->images[i]);
    slots->images_made = 0;
}

void slots_end(struct pool_slots *slots)
{
    if (slots->engine == NULL)
        return;
    struct alloc *alloc = &slots->engine->alloc;
    slots_trim(slots, 0);
    assert(atomic_load(&slots->slots) == 0);
    free_images(slots);
    snapshot_free(atomic_load(&slots->snapshot));
    alloc_put(alloc, slots->images, slots->image_count * sizeof(*slots->images));
    for (uint32_t i = 0; i < slots->shard_count; i++)
        lock_free(&slots->shards[i].lock);
    lock_free(&slots->lock);
    lock_free(&slots->all_lock);
}

/* ---- Taking and giving ------------------------------------------------------------------- */

/* Puts the slot's state back; false when it was ended instead. */
static bool reset(struct pool_slot *slot)
{
    struct pool_slots *slots = slot->slots;
    struct cow_work work = {0};
    bool trim = ++slot->uses % USES_TO_TRIM == 0;
    bool fine = slots->ops->reset(slots->owner, slot) && slot_restore(slot, trim, &work);
    __atomic_store_n(&slot->is_taken, false, __ATOMIC_RELAXED);
    if (work.copied_bytes != 0)
        atomic_fetch_add_explicit(&slots->copied_bytes, work.copied_bytes, memory_order_relaxed);
    if (work.questions != 0)
        atomic_fetch_add_explicit(&slots->questions, work.questions, memory_order_relaxed);
    if (work.dropped != 0)
        atomic_fetch_add_explicit(&slots->dropped, work.dropped, memory_order_relaxed);
    if (!fine) {
        atomic_fetch_add_explicit(&slots->failures, 1, memory_order_relaxed);
        slot_end(slot);
    }
    return fine;
}

enum stint_status slots_take(struct pool_slots *slots, struct pool_slot **ret_slot,
                             struct stint_error *error)
{
    struct pool_slot *slot = find_idle(slots);
    if (slot == NULL) {
        if (!reserve_slot(slots))
            return error_set(error, STINT_LIMIT, STINT_NO_OFFSET, "all %u slots are taken",
                             slots->config.slots_max);
        enum stint_status status = slot_make(slots, NULL, &slot, error);
        if (status != STINT_OK)
            return status;
        atomic_fetch_add_explicit(&slots->cold_takes, 1, memory_order_relaxed);
    }
    __atomic_store_n(&slot->is_taken, true, __ATOMIC_RELAXED);
    atomic_fetch_add_explicit(&slots->takes, 1, memory_order_relaxed);
    *ret_slot = slot;
    return STINT_OK;
}

void slots_give(struct pool_slot *slot)
{
    struct pool_slots *slots = slot->slots;
    assert(slot->is_taken);
    if (!reset(slot))
        return;
    if (slot->generation == atomic_load_explicit(&slots->generation, memory_order_relaxed))
        shard_push(&slots->shards[shard_here(slots)], slot);
    else
        slot_end(slot);
}

void slots_renew(struct pool_slots *slots)
{
    struct pool_slot *slot, *kept = NULL;
    unsigned now = atomic_fetch_add(&slots->generation, 1) + 1;
    while ((slot = find_idle(slots)) != NULL) {
        if (slot->generation != now) {
            slot_end(slot);
        } else {
            slot->next = kept;
            kept = slot;
        }
    }
    for (struct pool_slot *next; kept != NULL; kept = next) {
        next = kept->next;
        shard_push(&slots->shards[shard_here(slots)], kept);
    }
}

/* A slot that shows that the snapshot is of use; it is idle afterwards. */
static enum stint_status try_snapshot(struct pool_slots *slots,
                                      const struct slots_snapshot *snapshot, slots_check check,
                                      void *env, struct pool_slot **ret_slot,
                                      struct stint_error *error)
{
    struct pool_slot *slot;
    atomic_fetch_add(&slots->slots, 1); /* there was room for the slot that it was taken of */
    enum stint_status status = slot_make(slots, snapshot, &slot, error);
    if (status != STINT_OK)
        return status;
    slot->is_taken = true;
    status = check != NULL ? check(env, slot, error) : STINT_OK;
    if (status != STINT_OK)
        slot_end(slot);
    else if (!reset(slot))
        status = slots_no_memory(error);
    if (status == STINT_OK)
        *ret_slot = slot;
    return status;
}

enum stint_status slots_snapshot(struct pool_slot *slot, slots_check check, void *env,
                                 struct stint_error *error)
{
    struct pool_slots *slots = slot->slots;
    struct slots_snapshot *snapshot = NULL;
    struct pool_slot *first;
    assert(slot->is_taken);
    enum stint_status status =
        atomic_load(&slots->snapshot) == NULL
            ? snapshot_create(slot, &snapshot, error)
            : error_set(error, STINT_ARGUMENT, STINT_NO_OFFSET, "there is a snapshot already");
    if (status == STINT_OK && slots->ops->capture != NULL)
        status = slots->ops->capture(slots->owner, slot, snapshot, error);
    slot_end(slot);
    if (status == STINT_OK)
        status = try_snapshot(slots, snapshot, check, env, &first, error);
    if (status != STINT_OK) {
        snapshot_free(snapshot);
        return status;
    }
    /* Whoever counts a slot after this sees it, and makes no use of the images before. */
    atomic_store(&slots->snapshot, snapshot);
    slots_renew(slots);
    if (atomic_load(&slots->slots) == 1)
        free_images(slots);
    first->generation = atomic_load(&slots->generation);
    shard_push(&slots->shards[shard_here(slots)], first);
    for (uint32_t i = 1; i < slots->config.slots_warm && reserve_slot(slots); i++) {
        struct stint_error ignored = {0};
        if (slot_make(slots, NULL, &first, &ignored) != STINT_OK)
            break;
        shard_push(&slots->shards[i % slots->shard_count], first);
    }
    return STINT_OK;
}

bool pool_store_has_snapshot(const struct stint_store *store)
{
    return store->slot != NULL && store->slot->snapshot != NULL;
}

void slots_trim(struct pool_slots *slots, uint32_t keep)
{
    struct pool_stats now;
    slots_stats(slots, &now);
    for (uint32_t idle = now.idle; idle > keep; idle--) {
        struct pool_slot *slot = find_idle(slots);
        if (slot == NULL)
            return;
        slot_end(slot);
    }
}

/* What slots_cool has left to keep, and whether the half of all that it ends is one more here. */
struct cooling {
    uint32_t keep, odd;
};

/* Takes those off the stack that were pushed first, which are the coldest, and begins to count anew. */
static struct pool_slot *shard_cut(struct pool_shard *shard, struct cooling *cooling)
{
    struct pool_slot *cut = NULL;
    lock_take(&shard->lock);
    uint32_t unused = shard->idle_min, kept = unused < cooling->keep ? unused : cooling->keep;
    uint32_t doubled = unused - kept + cooling->odd, ends = doubled / 2;
    cooling->keep -= kept;
    cooling->odd = doubled % 2;
    shard->idle_count -= ends;
    shard->idle_min = shard->idle_count;
    if (ends > 0) {
        struct pool_slot **end = &shard->idle;
        for (uint32_t i = 0; i < shard->idle_count; i++)
            end = &(*end)->next;
        cut = *end;
        __atomic_store_n(end, NULL, __ATOMIC_RELAXED);
    }
    lock_give(&shard->lock);
    return cut;
}

uint32_t slots_cool(struct pool_slots *slots)
{
    uint32_t count = 0, warm = slots->config.slots_warm;
    struct cooling cooling = {.keep = warm > 0 ? warm : 1, .odd = 1};
    for (uint32_t i = 0; i < slots->shard_count; i++) {
        struct pool_slot *slot = shard_cut(&slots->shards[i], &cooling);
        for (struct pool_slot *next; slot != NULL; slot = next, count++) {
            next = slot->next;
            slot_end(slot);
        }
    }
    return count;
}

void slots_stats(struct pool_slots *slots, struct pool_stats *ret_stats)
{
    const struct slots_snapshot *snapshot = atomic_load(&slots->snapshot);
    uint32_t idle = 0;
    for (uint32_t i = 0; i < slots->shard_count; i++) {
        lock_take(&slots->shards[i].lock);
        idle += slots->shards[i].idle_count;
        lock_give(&slots->shards[i].lock);
    }
    *ret_stats = (struct pool_stats){
        .slots_max = slots->config.slots_max,
        .slots = atomic_load_explicit(&slots->slots, memory_order_relaxed),
        .idle = idle,
        .memory_bytes = taken_memory_bytes(slots),
        .takes = atomic_load_explicit(&slots->takes, memory_order_relaxed),
        .cold_takes = atomic_load_explicit(&slots->cold_takes, memory_order_relaxed),
        .failures = atomic_load_explicit(&slots->failures, memory_order_relaxed),
        .copied_bytes = atomic_load_explicit(&slots->copied_bytes, memory_order_relaxed),
        .dropped = atomic_load_explicit(&slots->dropped, memory_order_relaxed),
        .questions = atomic_load_explicit(&slots->questions, memory_order_relaxed),
        .scans = !slots->config.without_scan && cow_can_scan(),
        .has_snapshot = snapshot != NULL,
        .snapshot_bytes = snapshot != NULL ? snapshot->bytes : 0,
    };
}
