/* SPDX-License-Identifier: Apache-2.0 */
/* What the runtime's files share among themselves. */
#ifndef RUNTIME_RUNTIME_INT_H
#define RUNTIME_RUNTIME_INT_H

#include "runtime/block.h"
#include "runtime/store.h"

/* Whether `count` things from `at` on lie within `size`. */
static inline bool range_fits(uint64_t size, uint64_t at, uint64_t count)
{
    return at <= size && count <= size - at;
}

/* Whether values of this type are gc_refs, which the collector has to see. */
bool type_is_traced(const struct type_registry *types, valtype type);

/* The store's execution state, made now if there is none; NULL when memory is out. */
MUST_CHECK struct exec *store_exec(struct stint_store *store);

/* Takes the pages from `bytes` on away again, which is what they were before they were added. False
 * when the system refuses; the memory is then only fit to be freed. `keeps_zeros`: they are all zero
 * already, and are to stay where they are until they are added again. */
MUST_CHECK bool memory_shrink(struct memory *memory, uint64_t bytes, bool keeps_zeros);

/* Free what is not in the store's arena. */
void memory_end(struct memory *memory);
void table_end(struct table *table);
void instance_end(struct stint_instance *instance);

/* Prepares `count` globals that lie in an array and adds them to the store; the cells are zero. */
void globals_add(struct stint_store *store, struct global *globals, uint32_t count);

#endif
