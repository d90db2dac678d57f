/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files pool*.c: a slot, and what is kept aside of its state. */
#ifndef RUNTIME_POOL_INT_H
#define RUNTIME_POOL_INT_H

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
    struct stint_pool *pool;
    struct stint_store *store;
    struct stint_instance *instance;
    struct pool_slot *next; /* of the idle ones of a shard */
    bool is_taken;
    uint32_t uses;

    struct arena arena; /* what is kept aside; not in the store's budget */
    struct slot_heads heads;
    struct slot_memory *memories;
    struct slot_table *tables;
    struct slot_global *globals;
    struct slot_instance *instances;
    uint32_t memory_count, table_count, global_count, instance_count;
    struct gc_snapshot *gc;
};

struct pool_shard {
    struct lock lock;
    struct pool_slot *idle;
    uint32_t idle_count;
    char apart[128]; /* shards of different processors share no cache line */
};

struct stint_pool {
    struct stint_module *module;
    struct pool_config config;
    uint32_t initialize; /* index of the function `_initialize`, or UINT32_MAX */
    uint32_t shard_count;
    struct pool_shard shards[POOL_SHARDS_MAX];
    atomic_uint slots;
    atomic_ullong takes, failures, copied_bytes, dropped;

    struct lock lock;         /* of the images */
    struct cow_image *images; /* of the memories of a slot, in order */
    uint32_t image_count, images_made;
};

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

#endif
