/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for the collected heap in builds without it: no object exists, only null. */
#include "runtime/gc.h"

static void refuse(struct stint_error *error)
{
    (void)error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                    "this build is without garbage collection");
}

struct gc_heap *gc_heap_of(struct stint_store *store, struct stint_error *error)
{
    refuse(error);
    return NULL;
}

void gc_heap_free(struct gc_heap *heap) {}

gc_ref gc_new_host(struct gc_heap *heap, void *pointer, void (*finalizer)(void *),
                   struct stint_error *error)
{
    refuse(error);
    return GC_NULL;
}

bool gc_host_pointer(const struct gc_heap *heap, gc_ref ref, void **ret_pointer)
{
    return false;
}

bool gc_ref_is(const struct gc_heap *heap, gc_ref ref, heaptype heap_type)
{
    return false;
}

void gc_collect(struct gc_heap *heap) {}

bool gc_root_push(struct gc_heap *heap, gc_ref ref, uint32_t *ret_handle)
{
    return false;
}

gc_ref gc_root_get(const struct gc_heap *heap, uint32_t handle)
{
    return GC_NULL;
}

void gc_root_pop(struct gc_heap *heap, uint32_t handle) {}

void gc_set_exception(struct gc_heap *heap, gc_ref exception) {}

gc_ref gc_take_exception(struct gc_heap *heap)
{
    return GC_NULL;
}

bool gc_snapshot_take(struct stint_store *store, struct alloc *alloc,
                      struct gc_snapshot **ret_snapshot)
{
    *ret_snapshot = NULL;
    return true;
}

bool gc_restore(struct stint_store *store, const struct gc_snapshot *snapshot)
{
    return true;
}

void gc_snapshot_free(struct gc_snapshot *snapshot) {}

bool gc_is_portable(struct stint_store *store)
{
    return true;
}

bool gc_portable_take(struct stint_store *store, struct alloc *alloc, const struct gc_words *words,
                      struct gc_snapshot **ret_snapshot)
{
    *ret_snapshot = NULL;
    return true;
}

bool gc_portable_put(struct stint_store *store, const struct gc_snapshot *snapshot,
                     const struct gc_words *words)
{
    return true;
}

void gc_counts(const struct gc_heap *heap, uint64_t *ret_collections, uint64_t *ret_live_bytes)
{
    *ret_collections = *ret_live_bytes = 0;
}
