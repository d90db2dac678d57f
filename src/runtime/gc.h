/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The collected heap of a store: structs, arrays, exceptions and host references.
 *
 * A gc_ref is 32 bits: 0 is null; odd values are i31 (value << 1 | 1, 31 bits); even ones are the
 * byte offset of an object from the heap's base, a multiple of 8 and at least 8. A corrupt
 * reference therefore stays inside the reserved region. externref, anyref and exnref share this
 * form, so that any.convert_extern and extern.convert_any do nothing.
 *
 * Semi-space copying: an allocation may move every object. Roots are the engine's frames
 * (engine_ops.visit_roots), globals, tables, element segments, the pending exception and the
 * handles of gc_root_push. Nothing else may hold a gc_ref across an allocation.
 *
 * Objects:  0  u32 type id (canonical), or GC_KIND_…
 *           4  u32 the collector's word
 *   struct  8  fields at their offset_bytes (wasm/types.h)
 *   array   8  u32 length, 16 elements
 *   host    8  64-bit host pointer, 16 finalizer
 *   exn     8  pointer to struct tag, 16 slots of the payload (tag's param_slots)
 */
#ifndef RUNTIME_GC_H
#define RUNTIME_GC_H

#include "runtime/store.h"

typedef uint32_t gc_ref;

enum {
    GC_NULL = 0,
    GC_KIND_HOST = 0xfffffffe, /* in place of a type id */
    GC_KIND_EXN = 0xfffffffd,
};

enum { GC_ARRAY_LENGTH_OFFSET = 8, GC_ARRAY_ELEMENTS_OFFSET = 16, GC_PAYLOAD_OFFSET = 16 };

/*
 * Machine code may allocate inline: where end - next >= bytes (a multiple of 8), the object is at
 * `next`, which advances; the memory is not zero. Under stress `end` is always `next`.
 */
struct gc_heap {
    uint8_t *base;      /* of the reserved region; object address = base + ref */
    uint32_t next, end; /* bump allocation in the active half: offsets from base */
    bool is_stress;
    struct stint_store *store;
    struct gc_state *state; /* private to gc.c */
};

/* The store's heap, made when first needed; NULL and `error` when memory is out. */
MUST_CHECK struct gc_heap *gc_heap_of(struct stint_store *store, struct stint_error *error);
void gc_heap_free(struct gc_heap *heap); /* accepts NULL; runs all finalizers */

static inline uint8_t *gc_address(const struct gc_heap *heap, gc_ref ref)
{
    return heap->base + ref;
}
static inline bool gc_is_i31(gc_ref ref)
{
    return (ref & 1) != 0;
}
static inline gc_ref gc_make_i31(uint32_t value)
{
    return value << 1 | 1;
}

/*
 * Zeroed objects, or GC_NULL with `error` holding STINT_TRAP_HEAP_EXHAUSTED. May collect: every
 * gc_ref not reachable from a root is stale afterwards.
 */
MUST_CHECK gc_ref gc_new_struct(struct gc_heap *heap, const struct type_def *type,
                                struct stint_error *error);
MUST_CHECK gc_ref gc_new_array(struct gc_heap *heap, const struct type_def *type, uint32_t length,
                               struct stint_error *error);
/* The finalizer (may be NULL) runs once, when the object is found dead or the heap goes; it must
 * not touch the store. It does not run when this fails. */
MUST_CHECK gc_ref gc_new_host(struct gc_heap *heap, void *pointer, void (*finalizer)(void *),
                              struct stint_error *error);
/* An exception of `tag`; the payload is zero and to be filled by the caller. */
MUST_CHECK gc_ref gc_new_exception(struct gc_heap *heap, struct tag *tag,
                                   struct stint_error *error);

/* The host pointer of a reference made by gc_new_host; false for anything else. */
bool gc_host_pointer(const struct gc_heap *heap, gc_ref ref, void **ret_pointer);
/* The tag and the payload slots of an exception (not null). */
struct tag *gc_exception_tag(const struct gc_heap *heap, gc_ref exception);
uint64_t *gc_exception_payload(const struct gc_heap *heap, gc_ref exception);

/* Whether a non-null reference of the any, extern or exn hierarchy is of `heap_type`. */
bool gc_ref_is(const struct gc_heap *heap, gc_ref ref, heaptype heap_type);

/* A full collection. */
void gc_collect(struct gc_heap *heap);

/* Roots for the host: a handle stays valid, and its object alive, until it is popped. */
MUST_CHECK bool gc_root_push(struct gc_heap *heap, gc_ref ref, uint32_t *ret_handle);
gc_ref gc_root_get(const struct gc_heap *heap, uint32_t handle);
void gc_root_pop(struct gc_heap *heap, uint32_t handle);

/* The exception with which the last call ended in STINT_EXCEPTION; a root until taken. */
void gc_set_exception(struct gc_heap *heap, gc_ref exception);
gc_ref gc_take_exception(struct gc_heap *heap);

/*
 * The heap as it is between calls, to be put back later. NULL where there is no heap, or nothing in
 * it, which gc_restore brings back too. Host references of a snapshot stay alive until it is freed.
 * The copy is drawn from `alloc`; false when memory is out.
 */
struct gc_snapshot;
MUST_CHECK bool gc_snapshot_take(struct stint_store *store, struct alloc *alloc,
                                 struct gc_snapshot **ret_snapshot);
/* Every object, handle and exception since then is gone, and finalizers of host references have
 * run. False when memory is out. */
MUST_CHECK bool gc_restore(struct stint_store *store, const struct gc_snapshot *snapshot);
void gc_snapshot_free(struct gc_snapshot *snapshot); /* accepts NULL */

/*
 * The same for another store of the same engine and limits: `func` and `tag` say which word stands in the
 * snapshot for a function's or tag's address (an object holds those of its own store), and the other way
 * round. A heap that has references of the host, or is used by it, is not portable; asking collects,
 * and comes right before taking.
 */
struct gc_words {
    void *env;
    uint64_t (*func)(void *env, uint64_t word);
    uint64_t (*tag)(void *env, uint64_t word);
};
MUST_CHECK bool gc_is_portable(struct stint_store *store);
/* NULL where there is no heap. False when memory is out. */
MUST_CHECK bool gc_portable_take(struct stint_store *store, struct alloc *alloc,
                                 const struct gc_words *words, struct gc_snapshot **ret_snapshot);
/* Into a store that nothing has run in; accepts NULL. False when memory is out. */
MUST_CHECK bool gc_portable_put(struct stint_store *store, const struct gc_snapshot *snapshot,
                                const struct gc_words *words);

/* Number of collections, and bytes alive after the last one. */
void gc_counts(const struct gc_heap *heap, uint64_t *ret_collections, uint64_t *ret_live_bytes);

#endif
