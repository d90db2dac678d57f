/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The heap put aside and brought back, for stores that are used again. Objects go back to the very
 * references they had, so that roots kept elsewhere (globals, tables) stay right.
 */
#include "base/buf.h"
#include "os/pages.h"
#include "runtime/gc_int.h"
#include "runtime/native.h"
#include "runtime/runtime_int.h"

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

/* ---- For other stores -------------------------------------------------------------------- */

/* Maps the word at `at`, and returns what it was. */
static uint64_t map_word(const struct gc_words *words, uint64_t (*of)(void *env, uint64_t word),
                         uint8_t *at)
{
    uint64_t word = gc_load64(at);
    gc_store64(at, of(words->env, word));
    return word;
}

/* Returns the object's size. `is_put`: from words to addresses. */
static uint64_t map_exception(const struct type_registry *types, uint8_t *object,
                              const struct gc_words *words, bool is_put)
{
    uint64_t before = map_word(words, words->tag, object + 8);
    const struct tag *tag =
        (const struct tag *)(uintptr_t)(is_put ? gc_load64(object + 8) : before);
    uint8_t *at = object + GC_PAYLOAD_OFFSET;
    for (uint32_t i = 0; i < tag->type->param_count; i++) {
        valtype type = tag->type->params[i];
        if (vt_is_ref(type) && !type_is_traced(types, type))
            (void)map_word(words, words->func, at);
        at += vt_slots(type) * sizeof(uint64_t);
    }
    return (uint64_t)(at - object);
}

static bool is_func(const struct field_type *field)
{
    return vt_is_ref(field->type) && !field->is_traced;
}

static uint64_t map_object(const struct type_registry *types, uint8_t *object,
                           const struct gc_words *words, bool is_put)
{
    uint32_t kind = gc_load32(object);
    if (kind == GC_KIND_EXN)
        return map_exception(types, object, words, is_put);
    const struct type_def *type = types_get(types, kind);
    for (uint32_t i = 0; type->kind == TYPE_STRUCT && i < type->field_count; i++) {
        if (is_func(&type->fields[i]))
            (void)map_word(words, words->func, object + type->fields[i].offset_bytes);
    }
    if (type->kind != TYPE_STRUCT && is_func(&type->fields[0])) {
        uint8_t *at = object + GC_ARRAY_ELEMENTS_OFFSET;
        for (uint32_t i = gc_load32(object + GC_ARRAY_LENGTH_OFFSET); i > 0; i--, at += 8)
            (void)map_word(words, words->func, at);
    }
    return gc_object_bytes(types, object);
}

/* After a collection objects follow each other without gaps. */
static void map_objects(const struct type_registry *types, uint8_t *at, const uint8_t *end,
                        const struct gc_words *words, bool is_put)
{
    while (at < end)
        at += map_object(types, at, words, is_put);
}

bool gc_is_portable(struct stint_store *store)
{
    struct gc_heap *heap = store->gc;
    if (heap == NULL)
        return true;
    gc_collect(heap);
    const struct gc_state *state = heap->state;
    for (size_t i = 0; i < state->handle_count; i++) {
        if (state->handles[i].is_used)
            return false;
    }
    uint32_t at = state->start + GC_HALF_RESERVED_BYTES;
    while (at < heap->next) {
        if (gc_load32(heap->base + at) == GC_KIND_HOST)
            return false;
        at += (uint32_t)gc_object_bytes(store->engine->types, heap->base + at);
    }
    return state->host_count == 0;
}

bool gc_portable_take(struct stint_store *store, struct alloc *alloc, const struct gc_words *words,
                      struct gc_snapshot **ret_snapshot)
{
    if (!gc_snapshot_take(store, alloc, ret_snapshot))
        return false;
    struct gc_snapshot *snapshot = *ret_snapshot;
    if (snapshot == NULL)
        return true;
    alloc_put(alloc, snapshot->handles, snapshot->handle_count * sizeof(*snapshot->handles));
    snapshot->handles = NULL;
    snapshot->handle_count = snapshot->free_handle = 0;
    map_objects(store->engine->types, snapshot->objects + GC_HALF_RESERVED_BYTES,
                snapshot->objects + (snapshot->next - snapshot->start), words, false);
    return true;
}

bool gc_portable_put(struct stint_store *store, const struct gc_snapshot *snapshot,
                     const struct gc_words *words)
{
    struct stint_error ignored = {0};
    if (snapshot == NULL)
        return true;
    struct gc_heap *heap = gc_heap_of(store, &ignored);
    if (heap == NULL || (heap->state->capacity < snapshot->capacity &&
                         !gc_extend(heap, snapshot->capacity)))
        return false;
    if (!gc_restore(store, snapshot))
        return false;
    map_objects(store->engine->types, heap->base + snapshot->start + GC_HALF_RESERVED_BYTES,
                heap->base + snapshot->next, words, true);
    return true;
}
