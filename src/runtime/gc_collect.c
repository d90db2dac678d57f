/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A collection: Cheney's copying algorithm. Objects that roots reach are copied to the other half;
 * each leaves its new place in its collector's word. The copies are then scanned in order, and what
 * they refer to is copied behind them, until the scan has caught up.
 */
#include <assert.h>

#include "runtime/constexpr.h"
#include "runtime/gc_int.h"
#include "runtime/native.h"
#include "runtime/runtime_int.h"

enum { POISON = 0xdb }; /* what stress leaves in the old half: refs into it are odd, ids wild */

struct collection {
    struct gc_heap *heap;
    const struct type_registry *types;
    uint32_t from, from_end; /* objects of the old half */
    uint32_t next;           /* where the next copy goes */
};

uint64_t gc_object_bytes(const struct type_registry *types, const uint8_t *object)
{
    uint32_t kind = gc_load32(object);
    if (kind == GC_KIND_HOST)
        return GC_HOST_BYTES;
    if (kind == GC_KIND_EXN) {
        const struct tag *tag = (const struct tag *)(uintptr_t)gc_load64(object + 8);
        return GC_PAYLOAD_OFFSET + (uint64_t)tag->type->param_slots * sizeof(uint64_t);
    }
    const struct type_def *type = types_get(types, kind);
    if (type->kind == TYPE_STRUCT)
        return type->object_bytes;
    return gc_array_bytes(type, gc_load32(object + GC_ARRAY_LENGTH_OFFSET));
}

/* Where the object is after the collection; copies it if that was not done yet. */
static gc_ref forward(struct collection *c, gc_ref ref)
{
    if (ref == GC_NULL || gc_is_i31(ref))
        return ref;
    assert(ref >= c->from && ref < c->from_end);
    uint8_t *object = c->heap->base + ref;
    gc_ref moved = gc_load32(object + 4);
    if (moved != GC_NULL)
        return moved;
    uint64_t bytes = gc_object_bytes(c->types, object);
    moved = c->next;
    memcpy(c->heap->base + moved, object, (size_t)bytes);
    c->next += (uint32_t)bytes;
    gc_store32(object + 4, moved);
    return moved;
}

static void forward_field(struct collection *c, uint8_t *at)
{
    gc_store32(at, forward(c, gc_load32(at)));
}

/* What engines and the runtime call with the address of each root. */
static void visit_slot(void *context, uint64_t *slot)
{
    *slot = forward(context, (gc_ref)*slot);
}

static void visit_slots(struct collection *c, uint64_t *slots, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        visit_slot(c, &slots[i]);
}

/* ---- The inside of objects --------------------------------------------------------------- */

static void scan_exception(struct collection *c, uint8_t *object)
{
    const struct tag *tag = (const struct tag *)(uintptr_t)gc_load64(object + 8);
    uint8_t *at = object + GC_PAYLOAD_OFFSET;
    for (uint32_t i = 0; i < tag->type->param_count; i++) {
        valtype type = tag->type->params[i];
        if (type_is_traced(c->types, type))
            forward_field(c, at);
        at += vt_slots(type) * sizeof(uint64_t);
    }
}

static void scan_object(struct collection *c, uint8_t *object)
{
    uint32_t kind = gc_load32(object);
    if (kind == GC_KIND_HOST)
        return;
    if (kind == GC_KIND_EXN) {
        scan_exception(c, object);
        return;
    }
    const struct type_def *type = types_get(c->types, kind);
    if (type->kind == TYPE_STRUCT) {
        for (uint32_t i = 0; i < type->field_count; i++) {
            if (type->fields[i].is_traced)
                forward_field(c, object + type->fields[i].offset_bytes);
        }
    } else if (type->fields[0].is_traced) {
        uint8_t *at = object + GC_ARRAY_ELEMENTS_OFFSET;
        for (uint32_t i = gc_load32(object + GC_ARRAY_LENGTH_OFFSET); i > 0; i--, at += 4)
            forward_field(c, at);
    }
}

/* ---- Roots ------------------------------------------------------------------------------- */

static void visit_instances(struct collection *c, struct stint_store *store)
{
    for (struct stint_instance *i = store->instances; i != NULL; i = i->next) {
        const struct wasm_module *module = i->module->wasm;
        for (uint32_t k = 0; i->elems != NULL && k < module->elem_count; k++) {
            if (i->elems[k].refs != NULL && type_is_traced(c->types, module->elems[k].type))
                visit_slots(c, i->elems[k].refs, i->elems[k].count);
        }
    }
}

static void visit_roots(struct collection *c, struct stint_store *store)
{
    struct gc_state *state = c->heap->state;
    if (store->exec != NULL)
        store->engine->ops->visit_roots(store->exec, visit_slot, c);
    if (STINT_WITH_NATIVE)
        native_visit_roots(store, visit_slot, c);
    for (struct global *global = store->globals; global != NULL; global = global->next) {
        if (global->is_traced)
            visit_slot(c, &global->cell[0]);
    }
    for (struct table *table = store->tables; table != NULL; table = table->next) {
        if (table->is_traced)
            visit_slots(c, table->elements, table->count);
    }
    visit_instances(c, store);
    const struct const_roots *stack = store->const_roots;
    for (size_t i = 0; stack != NULL && i < stack->height; i++) {
        if (stack->traced[i])
            visit_slot(c, &stack->slots[i]);
    }
    for (size_t i = 0; i < state->handle_count; i++)
        state->handles[i].ref = forward(c, state->handles[i].ref);
    state->exception = forward(c, state->exception);
}

/* Host references that were not copied are dead: their owners are told. */
static void sweep_hosts(struct collection *c)
{
    struct gc_state *state = c->heap->state;
    size_t kept = 0;
    for (size_t i = 0; i < state->host_count; i++) {
        const uint8_t *object = c->heap->base + state->hosts[i];
        gc_ref moved = gc_load32(object + 4);
        if (moved != GC_NULL)
            state->hosts[kept++] = moved;
        else
            gc_finalize(object);
    }
    state->host_count = kept;
}

void gc_collect(struct gc_heap *heap)
{
    struct gc_state *state = heap->state;
    uint32_t to = state->start == 0 ? state->half_bytes : 0;
    struct collection c = {
        .heap = heap,
        .types = heap->store->engine->types,
        .from = state->start + GC_HALF_RESERVED_BYTES,
        .from_end = heap->next,
        .next = to + GC_HALF_RESERVED_BYTES,
    };
    uint32_t scan = c.next;
    visit_roots(&c, heap->store);
    while (scan < c.next) {
        uint8_t *object = heap->base + scan;
        scan_object(&c, object);
        scan += (uint32_t)gc_object_bytes(c.types, object);
    }
    sweep_hosts(&c);
    if (heap->is_stress)
        memset(heap->base + c.from, POISON, c.from_end - c.from);
    state->start = to;
    heap->next = c.next;
    heap->end = heap->is_stress ? c.next : gc_limit(heap);
    state->collections++;
    state->live_bytes = c.next - to - GC_HALF_RESERVED_BYTES;
}
