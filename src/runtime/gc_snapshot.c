/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The heap put aside and brought back, for stores that are used again. Objects go back to the very
 * references they had, so that roots kept elsewhere (globals, tables) stay right.
 */
#include "base/buf.h"
#include "os/pages.h"
#include "runtime/gc_int.h"
#include "runtime/native.h"

enum {
    /* So much of each half stays committed, where no budget counts it. */
    KEEP_BYTES = 1 << 20,
};

struct gc_snapshot {
    struct alloc *alloc;
    uint32_t start, next, capacity;
    uint8_t *objects; /* from `start` to `next` */
    gc_ref *hosts;
    uint32_t *pins; /* handles of the hosts, which keep them alive */
    size_t host_count;
    struct gc_handle *handles;
    size_t handle_count;
    uint32_t free_handle;
    uint64_t collections, live_bytes;
};

void gc_snapshot_free(struct gc_snapshot *snapshot)
{
    if (snapshot == NULL)
        return;
    struct alloc *alloc = snapshot->alloc;
    alloc_put(alloc, snapshot->objects, snapshot->next - snapshot->start);
    alloc_put(alloc, snapshot->hosts, snapshot->host_count * sizeof(*snapshot->hosts));
    alloc_put(alloc, snapshot->pins, snapshot->host_count * sizeof(*snapshot->pins));
    alloc_put(alloc, snapshot->handles, snapshot->handle_count * sizeof(*snapshot->handles));
    alloc_put(alloc, snapshot, sizeof(*snapshot));
}

/* ---- Taking ------------------------------------------------------------------------------ */

/* False when memory is out; nothing to copy gives NULL, which is fine. */
static bool copy_of(struct alloc *alloc, const void *data, size_t bytes, void **ret_copy)
{
    void *copy = alloc_get(alloc, bytes);
    if (bytes != 0) {
        if (copy == NULL)
            return false;
        memcpy(copy, data, bytes);
    }
    *ret_copy = copy;
    return true;
}

static bool pin_hosts(struct gc_heap *heap, struct gc_snapshot *snapshot)
{
    struct gc_state *state = heap->state;
    size_t count = state->host_count;
    void *hosts = NULL;
    snapshot->pins = alloc_get_zeroed(snapshot->alloc, count, sizeof(*snapshot->pins));
    if (!copy_of(snapshot->alloc, state->hosts, count * sizeof(gc_ref), &hosts)) {
        alloc_put(snapshot->alloc, snapshot->pins, count * sizeof(*snapshot->pins));
        snapshot->pins = NULL;
        return false;
    }
    snapshot->hosts = hosts;
    snapshot->host_count = count;
    if (count != 0 && snapshot->pins == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!gc_root_push(heap, state->hosts[i], &snapshot->pins[i]))
            return false;
    }
    return true;
}

bool gc_snapshot_take(struct stint_store *store, struct alloc *alloc,
                      struct gc_snapshot **ret_snapshot)
{
    struct gc_heap *heap = store->gc;
    if (heap == NULL) {
        *ret_snapshot = NULL;
        return true;
    }
    struct gc_state *state = heap->state;
    struct gc_snapshot *snapshot = alloc_get_zeroed(alloc, 1, sizeof(*snapshot));
    if (snapshot == NULL)
        return false;
    snapshot->alloc = alloc;
    snapshot->start = snapshot->next = state->start;
    bool complete = pin_hosts(heap, snapshot);
    void *objects = NULL, *handles = NULL;
    if (complete) {
        complete = copy_of(alloc, heap->base + state->start, heap->next - state->start, &objects);
        snapshot->objects = objects;
        snapshot->next = complete ? heap->next : state->start;
    }
    if (complete) {
        size_t count = state->handle_count;
        complete = copy_of(alloc, state->handles, count * sizeof(*state->handles), &handles);
        snapshot->handles = handles;
        snapshot->handle_count = complete ? count : 0;
    }
    if (!complete) {
        gc_snapshot_free(snapshot);
        return false;
    }
    snapshot->capacity = state->capacity;
    snapshot->free_handle = state->free_handle;
    snapshot->collections = state->collections;
    snapshot->live_bytes = state->live_bytes;
    *ret_snapshot = snapshot;
    return true;
}

/* ---- Restoring --------------------------------------------------------------------------- */

/* Tells the owners of host references that came later; those of the snapshot live on. */
static void finalize_later_hosts(struct gc_heap *heap, const struct gc_snapshot *snapshot)
{
    struct gc_state *state = heap->state;
    for (size_t i = 0; i < state->host_count; i++) {
        bool is_kept = false;
        for (size_t k = 0; k < snapshot->host_count && !is_kept; k++)
            is_kept = gc_root_get(heap, snapshot->pins[k]) == state->hosts[i];
        if (!is_kept)
            gc_finalize(heap->base + state->hosts[i]);
    }
    state->host_count = 0;
}

/* Gives back what the halves have grown by, but for what may stay. */
static bool shrink(struct gc_heap *heap, uint32_t capacity)
{
    struct gc_state *state = heap->state;
    bool is_counted = heap->store->limits.budget_bytes != SIZE_MAX;
    if (state->capacity <= capacity || (!is_counted && state->capacity <= KEEP_BYTES))
        return true;
    size_t less = state->capacity - capacity;
    uint8_t *at = heap->base + capacity;
    if (!pages_revoke(at, less) || !pages_revoke(at + state->half_bytes, less))
        return false;
    alloc_discharge(&heap->store->alloc, 2 * less);
    state->capacity = capacity;
    return true;
}

/* A store that had no heap. An empty one does as well, unless it takes from a budget. */
static void drop_heap(struct stint_store *store)
{
    gc_heap_free(store->gc);
    store->gc = NULL;
    if (store->run != NULL)
        store->run->gc = NULL;
}

bool gc_restore(struct stint_store *store, const struct gc_snapshot *snapshot)
{
    static const struct gc_snapshot empty = {.next = GC_HALF_RESERVED_BYTES};
    struct gc_heap *heap = store->gc;
    if (heap == NULL)
        return true;
    if (snapshot == NULL && store->limits.budget_bytes != SIZE_MAX) {
        drop_heap(store);
        return true;
    }
    struct gc_state *state = heap->state;
    uint32_t capacity = snapshot != NULL ? snapshot->capacity : KEEP_BYTES;
    if (snapshot == NULL)
        snapshot = &empty;
    finalize_later_hosts(heap, snapshot);
    if (!shrink(heap, capacity))
        return false;
    if (snapshot->objects != NULL)
        memcpy(heap->base + snapshot->start, snapshot->objects, snapshot->next - snapshot->start);
    state->start = snapshot->start;
    heap->next = snapshot->next;
    heap->end = heap->is_stress ? heap->next : gc_limit(heap);
    state->exception = GC_NULL;
    /* These arrays never get smaller than they were. */
    if (snapshot->host_count != 0)
        memcpy(state->hosts, snapshot->hosts, snapshot->host_count * sizeof(gc_ref));
    state->host_count = snapshot->host_count;
    if (snapshot->handle_count != 0)
        memcpy(state->handles, snapshot->handles,
               snapshot->handle_count * sizeof(*snapshot->handles));
    state->handle_count = snapshot->handle_count;
    state->free_handle = snapshot->free_handle;
    state->collections = snapshot->collections;
    state->live_bytes = snapshot->live_bytes;
    return true;
}
