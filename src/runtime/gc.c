/* SPDX-License-Identifier: Apache-2.0 */
/* The heap's allocation, handles and questions about references. */
#include "runtime/gc.h"

#include <assert.h>

#include "base/buf.h"
#include "os/pages.h"
#include "runtime/gc_int.h"
#include "runtime/native.h"

enum {
    CAPACITY_FIRST_BYTES = 64 << 10,
    GROW_BYTES_MIN = 64 << 10,
};

/* References have 32 bits; the last page stays out so that no offset overflows. */
#define HALF_MAX_BYTES (((uint64_t)2 << 30) - (64 << 10))
#define HALF_MAX_SMALL_MACHINE_BYTES ((uint64_t)64 << 20)
/* Every reference, and the fields behind it, lie within this. */
#define REGION_BYTES (((uint64_t)4 << 30) + (1 << 20))

/* ---- The heap's life --------------------------------------------------------------------- */

/* Address space: all that a reference can reach where possible, else what the halves need. */
static bool reserve(struct gc_heap *heap, uint64_t half)
{
    struct gc_state *state = heap->state;
    size_t page = pages_size();
    if (sizeof(size_t) >= 8) {
        state->reserved_bytes = (size_t)REGION_BYTES;
        heap->base = pages_reserve(state->reserved_bytes);
    }
    while (heap->base == NULL && half >= page) {
        state->reserved_bytes = (size_t)half * 2;
        heap->base = pages_reserve(state->reserved_bytes);
        if (heap->base == NULL)
            half = (half / 2) & ~(uint64_t)(page - 1);
    }
    state->half_bytes = (uint32_t)half;
    return heap->base != NULL;
}

bool gc_extend(struct gc_heap *heap, uint64_t capacity)
{
    struct gc_state *state = heap->state;
    size_t more = (size_t)(capacity - state->capacity);
    struct alloc *alloc = &heap->store->alloc;
    if (!alloc_charge(alloc, 2 * more))
        return false;
    uint8_t *at = heap->base + state->capacity;
    if (!pages_commit(at, more) || !pages_commit(at + state->half_bytes, more)) {
        alloc_discharge(alloc, 2 * more);
        return false;
    }
    state->capacity = (uint32_t)capacity;
    return true;
}

static struct gc_heap *create(struct stint_store *store)
{
    struct alloc *alloc = &store->alloc;
    struct gc_heap *heap = alloc_get_zeroed(alloc, 1, sizeof(*heap));
    if (heap == NULL)
        return NULL;
    heap->store = store;
    heap->is_stress = store->engine->config.gc_stress;
    heap->state = alloc_get_zeroed(alloc, 1, sizeof(*heap->state));
    size_t page = pages_size();
    uint64_t half = store->limits.gc_heap_bytes_max / 2;
    uint64_t half_max = sizeof(size_t) >= 8 ? HALF_MAX_BYTES : HALF_MAX_SMALL_MACHINE_BYTES;
    half = (half < half_max ? half : half_max) & ~(uint64_t)(page - 1);
    uint64_t first = half < CAPACITY_FIRST_BYTES ? half : CAPACITY_FIRST_BYTES;
    if (heap->state == NULL || half == 0 || !reserve(heap, half) || !gc_extend(heap, first)) {
        gc_heap_free(heap);
        return NULL;
    }
    heap->next = GC_HALF_RESERVED_BYTES;
    heap->end = heap->is_stress ? heap->next : gc_limit(heap);
    return heap;
}

struct gc_heap *gc_heap_of(struct stint_store *store, struct stint_error *error)
{
    if (store->gc == NULL) {
        store->gc = create(store);
        if (store->run != NULL)
            store->run->gc = store->gc;
    }
    if (store->gc == NULL)
        (void)error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "no memory for the collected heap");
    return store->gc;
}

void gc_heap_free(struct gc_heap *heap)
{
    if (heap == NULL)
        return;
    struct alloc *alloc = &heap->store->alloc;
    struct gc_state *state = heap->state;
    if (state != NULL) {
        for (size_t i = 0; i < state->host_count; i++)
            gc_finalize(heap->base + state->hosts[i]);
        alloc_put(alloc, state->hosts, state->host_capacity * sizeof(*state->hosts));
        alloc_put(alloc, state->handles, state->handle_capacity * sizeof(*state->handles));
        pages_release(heap->base, heap->base == NULL ? 0 : state->reserved_bytes);
        alloc_discharge(alloc, 2 * (size_t)state->capacity);
        alloc_put(alloc, state, sizeof(*state));
    }
    alloc_put(alloc, heap, sizeof(*heap));
}

/* ---- Allocation -------------------------------------------------------------------------- */

static bool fits(const struct gc_heap *heap, uint64_t bytes)
{
    return bytes <= gc_limit(heap) - heap->next;
}

/*
 * After a collection: grows the halves where less than two thirds are free, so that the work of a
 * collection is paid by at least twice as much allocation.
 */
static void grow(struct gc_heap *heap, uint64_t bytes)
{
    struct gc_state *state = heap->state;
    uint64_t used = heap->next - state->start, least = used + bytes;
    uint64_t wanted = 3 * used + bytes;
    if (wanted <= state->capacity)
        return;
    if (wanted < 2 * (uint64_t)state->capacity)
        wanted = 2 * (uint64_t)state->capacity;
    for (int attempt = 0; attempt < 2; attempt++) {
        uint64_t page = pages_size();
        wanted = (wanted + page - 1) & ~(page - 1);
        if (wanted > state->half_bytes)
            wanted = state->half_bytes;
        if (wanted <= state->capacity || gc_extend(heap, wanted))
            return;
        wanted = least; /* Memory is short: content with what this object takes. */
    }
}

/* Room for an object that the bump path had none for. */
static bool make_room(struct gc_heap *heap, uint64_t bytes, struct stint_error *error)
{
    bool possible = bytes <= heap->state->half_bytes - GC_HALF_RESERVED_BYTES;
    if (possible && (heap->is_stress || !fits(heap, bytes))) {
        gc_collect(heap);
        grow(heap, bytes);
    }
    if (possible && fits(heap, bytes))
        return true;
    (void)error_set_trap(error, STINT_TRAP_HEAP_EXHAUSTED);
    return false;
}

/* A zeroed object with its first word set, or GC_NULL. */
static gc_ref allocate(struct gc_heap *heap, uint64_t bytes, uint32_t kind,
                       struct stint_error *error)
{
    if (UNLIKELY(bytes > heap->end - heap->next) && !make_room(heap, bytes, error))
        return GC_NULL;
    gc_ref ref = heap->next;
    uint8_t *object = heap->base + ref;
    heap->next += (uint32_t)bytes;
    heap->end = heap->is_stress ? heap->next : gc_limit(heap);
    memset(object, 0, (size_t)bytes);
    gc_store32(object, kind);
    return ref;
}

gc_ref gc_new_struct(struct gc_heap *heap, const struct type_def *type, struct stint_error *error)
{
    return allocate(heap, type->object_bytes, type->id, error);
}

gc_ref gc_new_array(struct gc_heap *heap, const struct type_def *type, uint32_t length,
                    struct stint_error *error)
{
    gc_ref ref = allocate(heap, gc_array_bytes(type, length), type->id, error);
    if (ref != GC_NULL)
        gc_store32(heap->base + ref + GC_ARRAY_LENGTH_OFFSET, length);
    return ref;
}

gc_ref gc_new_host(struct gc_heap *heap, void *pointer, void (*finalizer)(void *),
                   struct stint_error *error)
{
    struct gc_state *state = heap->state;
    if (finalizer != NULL && !vec_reserve(&heap->store->alloc, &state->hosts, &state->host_capacity,
                                          state->host_count + 1, sizeof(*state->hosts))) {
        (void)error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "no memory for a host reference");
        return GC_NULL;
    }
    gc_ref ref = allocate(heap, GC_HOST_BYTES, GC_KIND_HOST, error);
    if (ref == GC_NULL)
        return GC_NULL;
    gc_store64(heap->base + ref + 8, (uintptr_t)pointer);
    gc_store64(heap->base + ref + 16, (uintptr_t)finalizer);
    if (finalizer != NULL)
        state->hosts[state->host_count++] = ref;
    return ref;
}

gc_ref gc_new_exception(struct gc_heap *heap, struct tag *tag, struct stint_error *error)
{
    uint64_t bytes = GC_PAYLOAD_OFFSET + (uint64_t)tag->type->param_slots * sizeof(uint64_t);
    gc_ref ref = allocate(heap, bytes, GC_KIND_EXN, error);
    if (ref != GC_NULL)
        gc_store64(heap->base + ref + 8, (uintptr_t)tag);
    return ref;
}

/* ---- Questions --------------------------------------------------------------------------- */

static uint32_t kind_of(const struct gc_heap *heap, gc_ref ref)
{
    return gc_load32(heap->base + ref);
}

bool gc_host_pointer(const struct gc_heap *heap, gc_ref ref, void **ret_pointer)
{
    if (ref == GC_NULL || gc_is_i31(ref) || kind_of(heap, ref) != GC_KIND_HOST)
        return false;
    *ret_pointer = (void *)(uintptr_t)gc_load64(heap->base + ref + 8);
    return true;
}

struct tag *gc_exception_tag(const struct gc_heap *heap, gc_ref exception)
{
    assert(kind_of(heap, exception) == GC_KIND_EXN);
    return (struct tag *)(uintptr_t)gc_load64(heap->base + exception + 8);
}

uint64_t *gc_exception_payload(const struct gc_heap *heap, gc_ref exception)
{
    assert(kind_of(heap, exception) == GC_KIND_EXN);
    return (uint64_t *)(void *)(heap->base + exception + GC_PAYLOAD_OFFSET);
}

/* Of an object with a defined type. */
static bool object_is(const struct gc_heap *heap, uint32_t id, heaptype heap_type)
{
    const struct type_registry *types = heap->store->engine->types;
    switch (heap_type) {
    case HEAP_ANY:
    case HEAP_EQ:
    case HEAP_EXTERN:
        return true;
    case HEAP_STRUCT:
        return types_get(types, id)->kind == TYPE_STRUCT;
    case HEAP_ARRAY:
        return types_get(types, id)->kind == TYPE_ARRAY;
    default:
        return !heap_is_abstract(heap_type) && types_id_matches(types, id, heap_type);
    }
}

bool gc_ref_is(const struct gc_heap *heap, gc_ref ref, heaptype heap_type)
{
    if (gc_is_i31(ref))
        return heap_type == HEAP_ANY || heap_type == HEAP_EQ || heap_type == HEAP_I31 ||
               heap_type == HEAP_EXTERN;
    uint32_t kind = kind_of(heap, ref);
    if (kind == GC_KIND_HOST)
        return heap_type == HEAP_ANY || heap_type == HEAP_EXTERN;
    if (kind == GC_KIND_EXN)
        return heap_type == HEAP_EXN;
    return object_is(heap, kind, heap_type);
}

/* ---- Roots of the host ------------------------------------------------------------------- */

bool gc_root_push(struct gc_heap *heap, gc_ref ref, uint32_t *ret_handle)
{
    struct gc_state *state = heap->state;
    uint32_t handle;
    if (state->free_handle != 0) {
        handle = state->free_handle - 1;
        state->free_handle = state->handles[handle].next_free;
    } else {
        if (state->handle_count >= UINT32_MAX - 1 ||
            !vec_reserve(&heap->store->alloc, &state->handles, &state->handle_capacity,
                         state->handle_count + 1, sizeof(*state->handles)))
            return false;
        handle = (uint32_t)state->handle_count++;
    }
    state->handles[handle] = (struct gc_handle){.ref = ref, .is_used = true};
    *ret_handle = handle;
    return true;
}

gc_ref gc_root_get(const struct gc_heap *heap, uint32_t handle)
{
    assert(handle < heap->state->handle_count && heap->state->handles[handle].is_used);
    return heap->state->handles[handle].ref;
}

void gc_root_pop(struct gc_heap *heap, uint32_t handle)
{
    struct gc_state *state = heap->state;
    assert(handle < state->handle_count && state->handles[handle].is_used);
    state->handles[handle] = (struct gc_handle){.next_free = state->free_handle};
    state->free_handle = handle + 1;
}

void gc_set_exception(struct gc_heap *heap, gc_ref exception)
{
    heap->state->exception = exception;
}

gc_ref gc_take_exception(struct gc_heap *heap)
{
    gc_ref exception = heap->state->exception;
    heap->state->exception = GC_NULL;
    return exception;
}

void gc_counts(const struct gc_heap *heap, uint64_t *ret_collections, uint64_t *ret_live_bytes)
{
    *ret_collections = heap->state->collections;
    *ret_live_bytes = heap->state->live_bytes;
}
