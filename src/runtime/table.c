/* SPDX-License-Identifier: Apache-2.0 */
/* Tables and the operators on them. */
#include <string.h>

#include "runtime/ops.h"
#include "runtime/runtime_int.h"

static void fill(struct table *table, uint64_t at, uint64_t value, uint64_t count)
{
    for (uint64_t end = at + count; at < end; at++)
        table->elements[at] = value;
}

enum stint_status rt_table_create(struct stint_store *store, const struct table_type *type,
                                  uint64_t init, struct table **ret_table,
                                  struct stint_error *error)
{
    uint64_t count = type->limits.min, limit = store->limits.table_elements_max;
    uint64_t max = type->limits.has_max ? type->limits.max : UINT64_MAX;
    if (max < count)
        return error_set(error, STINT_ARGUMENT, STINT_NO_OFFSET,
                         "a table's maximum must not be below its %llu elements",
                         (unsigned long long)count);
    if (count > limit)
        return error_set(error, STINT_LIMIT, STINT_NO_OFFSET,
                         "a table of %llu elements is over the limit of %llu",
                         (unsigned long long)count, (unsigned long long)limit);
    if (limit > SIZE_MAX / sizeof(uint64_t))
        limit = SIZE_MAX / sizeof(uint64_t);
    struct table *table = arena_get_zeroed(&store->arena, 1, sizeof(*table));
    if (table != NULL && count != 0 && count <= limit)
        table->elements = block_get(&store->alloc, (size_t)count * sizeof(uint64_t));
    if (table == NULL || (count != 0 && table->elements == NULL))
        return error_set(error, STINT_NOMEM, STINT_NO_OFFSET,
                         "no memory for a table of %llu elements", (unsigned long long)count);
    /* Null is zero, as is what was never written: a large table stays untouched. */
    if (init != 0)
        fill(table, 0, init, count);
    table->count = table->capacity = count;
    table->count_max = max < limit ? max : limit;
    table->type = *type;
    table->is_traced = type_is_traced(store->engine->types, type->element);
    table->store = store;
    table->next = store->tables;
    store->tables = table;
    *ret_table = table;
    return STINT_OK;
}

void table_end(struct table *table)
{
    block_put(&table->store->alloc, table->elements, (size_t)table->capacity * sizeof(uint64_t));
}

/* Room for at least `count` elements, at most count_max; twice as many as now where that helps. */
static bool reserve(struct table *table, uint64_t count)
{
    if (count <= table->capacity)
        return true;
    uint64_t capacity =
        table->capacity > table->count_max / 2 ? table->count_max : table->capacity * 2;
    for (;;) {
        if (capacity < count)
            capacity = count;
        uint64_t *elements = block_get(&table->store->alloc, (size_t)capacity * sizeof(uint64_t));
        if (elements != NULL) {
            if (table->count != 0)
                memcpy(elements, table->elements, (size_t)table->count * sizeof(uint64_t));
            table_end(table);
            table->elements = elements;
            table->capacity = capacity;
            return true;
        }
        if (capacity == count)
            return false;
        capacity = count; /* The reserve was too much to ask. */
    }
}

uint64_t table_grow(struct table *table, uint64_t count, uint64_t value)
{
    uint64_t old = table->count;
    if (count > table->count_max - old || !reserve(table, old + count))
        return UINT64_MAX;
    if (value != 0)
        fill(table, old, value, count);
    table->count = old + count;
    return old;
}

enum stint_trap op_table_get(struct table *table, uint64_t at, uint64_t *ret_value)
{
    if (at >= table->count)
        return STINT_TRAP_TABLE_BOUNDS;
    *ret_value = table->elements[at];
    return STINT_TRAP_NONE;
}

enum stint_trap op_table_set(struct table *table, uint64_t at, uint64_t value)
{
    if (at >= table->count)
        return STINT_TRAP_TABLE_BOUNDS;
    table->elements[at] = value;
    return STINT_TRAP_NONE;
}

enum stint_trap op_table_fill(struct table *table, uint64_t at, uint64_t value, uint64_t count)
{
    if (!range_fits(table->count, at, count))
        return STINT_TRAP_TABLE_BOUNDS;
    fill(table, at, value, count);
    return STINT_TRAP_NONE;
}

enum stint_trap op_table_copy(struct table *to, uint64_t to_at, struct table *from,
                              uint64_t from_at, uint64_t count)
{
    if (!range_fits(to->count, to_at, count) || !range_fits(from->count, from_at, count))
        return STINT_TRAP_TABLE_BOUNDS;
    if (count != 0)
        memmove(to->elements + to_at, from->elements + from_at, (size_t)count * sizeof(uint64_t));
    return STINT_TRAP_NONE;
}

enum stint_trap op_table_init(struct stint_instance *instance, uint32_t elem, struct table *table,
                              uint64_t at, uint32_t from, uint32_t count)
{
    const struct elem_instance *segment = &instance->elems[elem];
    if (!range_fits(segment->count, from, count) || !range_fits(table->count, at, count))
        return STINT_TRAP_TABLE_BOUNDS;
    if (count != 0)
        memcpy(table->elements + at, segment->refs + from, count * sizeof(uint64_t));
    return STINT_TRAP_NONE;
}

void op_elem_drop(struct stint_instance *instance, uint32_t elem)
{
    struct elem_instance *segment = &instance->elems[elem];
    block_put(&instance->store->alloc, segment->refs, segment->count * sizeof(uint64_t));
    segment->refs = NULL;
    segment->count = 0;
}

enum stint_trap op_table_func(struct table *table, uint64_t at, const struct type_def *type,
                              struct func **ret_func)
{
    if (at >= table->count)
        return STINT_TRAP_INDIRECT_BOUNDS;
    struct func *func = (struct func *)(uintptr_t)table->elements[at];
    if (func == NULL)
        return STINT_TRAP_INDIRECT_NULL;
    if (func->type != type &&
        !types_id_matches(table->store->engine->types, func->type->id, type->id))
        return STINT_TRAP_INDIRECT_TYPE;
    *ret_func = func;
    return STINT_TRAP_NONE;
}
