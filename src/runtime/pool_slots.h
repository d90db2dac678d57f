/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What pools of modules (runtime/pool.h) and of components (component/component_pool.h) have in
 * common: stores that are kept warm, and who has them. A slot is a store; its owner fills it once,
 * what it holds then is kept aside, and giving the slot back restores that.
 */
#ifndef RUNTIME_POOL_SLOTS_H
#define RUNTIME_POOL_SLOTS_H

#include "os/cow.h"
#include "os/lock.h"
#include "runtime/gc.h"
#include "runtime/pool.h"
#include "runtime/runtime_int.h"

enum { POOL_SHARDS_MAX = 16, POOL_SLOTS_MAX = 4000 };

struct slot_memory {
    struct memory *memory;
    uint64_t bytes;
    struct cow_image image; /* of this slot alone, or a copy of the pool's */
    bool is_own, is_mapped;
    uint64_t copied_bytes; /* by the last reset */
    struct cow_known known;
};

/* Elements are copied, or in large tables an image of their own. */
struct slot_table {
    struct table *table;
    uint64_t *elements;
    uint64_t count, capacity;
    struct cow_image image;
    bool is_mapped;
};

struct slot_global {
    struct global *global;
    uint64_t cell[2];
};

/* The segments of an instance. */
struct slot_instance {
    struct stint_instance *instance;
    uint8_t *data_dropped;
    uint64_t **refs; /* of each element segment; NULL where it was dropped */
    uint32_t *counts;
    bool has_segments; /* passive ones, which can be dropped */
};

/* The ends of the store's lists: what is before them was added later. */
struct slot_heads {
    struct stint_instance *instances;
    struct func *host_funcs;
    struct table *tables;
    struct memory *memories;
    struct global *globals;
    struct tag *tags;
    void *user;
    struct arena_mark arena;
};

struct pool_slot {
    struct pool_slots *slots;
    struct stint_store *store;
    void *user; /* the owner's */
    /* The one instance whose memories hold only what segments put there; NULL: all are so. */
    const struct stint_instance *fresh;
    struct pool_slot *next;                  /* of the idle ones of a shard */
    struct pool_slot *all_before, *all_next; /* of all that are ready; under their lock */
    bool is_taken, is_listed;
    uint32_t uses, generation;
    const struct slots_snapshot *snapshot; /* what it begins with; NULL: as it was linked */

    struct arena arena; /* what is kept aside, the owner's part too; not in the store's budget */
    struct slot_heads heads;
    struct slot_memory *memories;
    struct slot_table *tables;
    struct slot_global *globals;
    struct slot_instance *instances;
    uint32_t memory_count, table_count, global_count, instance_count;
    struct gc_snapshot *gc;
};

/*
 * A state that later slots begin with, kept so that other stores can have it: references to functions
 * and tags are numbers in it. Stores that were filled in the same way have the same objects in the same
 * order.
 */
struct slots_snapshot {
    struct stint_engine *engine;
    struct arena arena; /* all but the images and the heap */
    struct snapshot_memory *memories;
    struct snapshot_table *tables;
    uint64_t (*globals)[2];
    struct snapshot_instance *instances;
    uint32_t memory_count, table_count, global_count, instance_count, func_count, tag_count;
    struct gc_snapshot *gc; /* NULL: no heap */
    uint64_t bytes;         /* of the memories */
    void *user;             /* the owner's, in the arena; see pool_slots_ops.capture */
};

/* What the owner of slots does. */
struct pool_slots_ops {
    /* Fills a new slot, whose store is there. On failure the slot is ended. With slot->snapshot all that
     * is in the store of a slot in use has to be there afterwards. */
    enum stint_status (*fill)(void *owner, struct pool_slot *slot, struct stint_error *error);
    /* What the owner has of a slot beside its store, for a snapshot; what cannot be in one is said in
     * `error`. May be NULL. */
    enum stint_status (*capture)(void *owner, const struct pool_slot *slot,
                                 struct slots_snapshot *snapshot, struct stint_error *error);
    /* After a use, before the store is restored. False ends the slot. */
    bool (*reset)(void *owner, struct pool_slot *slot);
    void (*before_end)(void *owner, struct pool_slot *slot); /* may be NULL */
    void (*after_end)(void *owner, struct pool_slot *slot);  /* its store is gone; may be NULL */
};

struct pool_slots_config {
    struct store_limits limits;
    uint32_t slots_max;
    uint32_t slots_warm;
    uint32_t memory_count; /* of each slot: so many get one image for all slots */
    size_t keep_bytes;
    bool without_scan, uses_stay; /* as in pool_config */
};

struct pool_shard {
    struct lock lock;
    struct pool_slot *idle;
    uint32_t idle_count, idle_min; /* the fewest since slots_cool */
    char apart[128];               /* shards of different processors share no cache line */
};

struct pool_slots {
    struct stint_engine *engine;
    const struct pool_slots_ops *ops;
    void *owner;
    struct pool_slots_config config;
    uint32_t shard_count;
    struct pool_shard shards[POOL_SHARDS_MAX];
    atomic_uint slots;
    atomic_uint generation; /* of those that are made now */
    atomic_ullong takes, cold_takes, failures, copied_bytes, dropped, questions;

    struct lock all_lock;
    struct pool_slot *all;

    struct lock lock;         /* of the images */
    struct cow_image *images; /* of the memories of a slot, in order */
    uint32_t image_count, images_made;
    _Atomic(struct slots_snapshot *) snapshot; /* what new slots begin with; NULL: as linked */
};

/* ---- pool_slots.c ------------------------------------------------------------------------ */

/* Makes the first slots, so `owner` has to be ready. After a failure slots_end is to be called. */
MUST_CHECK enum stint_status slots_begin(struct pool_slots *slots, struct stint_engine *engine,
                                         const struct pool_slots_config *config,
                                         const struct pool_slots_ops *ops, void *owner,
                                         struct stint_error *error);
/* All have been given back. Accepts a zeroed one. */
void slots_end(struct pool_slots *slots);
MUST_CHECK enum stint_status slots_take(struct pool_slots *slots, struct pool_slot **ret_slot,
                                        struct stint_error *error);
void slots_give(struct pool_slot *slot);
void slots_trim(struct pool_slots *slots, uint32_t keep);
/* Ends half of the idle slots, rounded up, that nobody has asked for since the last call, but those that
 * were to be warm from the beginning; how many. */
uint32_t slots_cool(struct pool_slots *slots);
/* All slots that there are end: idle ones now, taken ones once they are given back. */
void slots_renew(struct pool_slots *slots);
void slots_stats(struct pool_slots *slots, struct pool_stats *ret_stats);
/*
 * Ends a taken slot, in whose store nothing runs, and makes what it was the beginning of all slots that
 * are made from now on; those that there are end as slots_renew says. Once for each pool. `check` (may be
 * NULL) gets the first such slot before. On failure, with the reason in `error`, everything is as it was,
 * but for the slot.
 */
typedef enum stint_status (*slots_check)(void *env, struct pool_slot *slot,
                                         struct stint_error *error);
MUST_CHECK enum stint_status slots_snapshot(struct pool_slot *slot, slots_check check, void *env,
                                            struct stint_error *error);
/* How many slots with so many memories fit a machine. */
uint32_t slots_fit(uint32_t memory_count, size_t keep_bytes, const struct pool_room *room);
/* STINT_NOMEM. */
enum stint_status slots_no_memory(struct stint_error *error);

/* ---- pool_state.c ------------------------------------------------------------------------ */

/* Keeps the state of a slot's store. On failure the slot is to be ended. */
MUST_CHECK bool slot_keep(struct pool_slot *slot);
/* Puts it back. False: the slot is to be ended. */
MUST_CHECK bool slot_restore(struct pool_slot *slot, bool trim, struct cow_work *work);
/* Frees what slot_keep made; the store is there still. */
void slot_forget(struct pool_slot *slot);

/* ---- pool_memory.c ----------------------------------------------------------------------- */

MUST_CHECK bool slot_keep_memories(struct pool_slot *slot);
MUST_CHECK bool slot_restore_memories(struct pool_slot *slot, struct cow_work *work);
void slot_forget_memories(struct pool_slot *slot);
/* An image of the first bytes of a memory, which the budget is charged for; false when that is used up. */
MUST_CHECK bool slot_image_create(struct alloc *alloc, const struct memory *memory, uint64_t bytes,
                                  struct cow_image *ret_image);
void slot_image_free(struct alloc *alloc, struct cow_image *image);
/* A bound of what linking has put into a memory, from its start. False: not known. */
MUST_CHECK bool slot_segments_end(const struct pool_slot *slot, const struct memory *memory,
                                  uint64_t *ret_end);
/* How long the memory is without the zeros at its end, of the first `bytes`. */
uint64_t slot_content_bytes(const struct memory *memory, uint64_t bytes);

/* ---- pool_snapshot.c --------------------------------------------------------------------- */

/* Of a slot's store, between calls. */
MUST_CHECK enum stint_status snapshot_create(const struct pool_slot *slot,
                                             struct slots_snapshot **ret_snapshot,
                                             struct stint_error *error);
void snapshot_free(struct slots_snapshot *snapshot); /* accepts NULL */
/* Puts slot->snapshot into the slot's store, which has been filled, memories' contents aside. */
MUST_CHECK enum stint_status snapshot_apply(struct pool_slot *slot, struct stint_error *error);
/* The image of the memory of this number. */
const struct cow_image *snapshot_image(const struct slots_snapshot *snapshot, uint32_t number);

#endif
