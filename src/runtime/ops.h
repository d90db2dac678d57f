/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operators that are a function call in every engine: tables, bulk memory, collected objects,
 * casts. Each returns STINT_TRAP_NONE or the trap. Addresses and counts are 64 bits wide; 32-bit
 * callers extend with zeros. Operands of GC operators that allocate come by slot address, in
 * frames that are roots, since a collection may move what they refer to.
 */
#ifndef RUNTIME_OPS_H
#define RUNTIME_OPS_H

#include "runtime/gc.h"
#include "runtime/store.h"

/* Memories. memory_grow gives the old size in pages, or UINT64_MAX. */
uint64_t memory_grow(struct memory *memory, uint64_t pages);
enum stint_trap op_memory_fill(struct memory *memory, uint64_t at, uint8_t value, uint64_t bytes);
enum stint_trap op_memory_copy(struct memory *to, uint64_t to_at, struct memory *from,
                               uint64_t from_at, uint64_t bytes);
enum stint_trap op_memory_init(struct stint_instance *instance, uint32_t data,
                               struct memory *memory, uint64_t at, uint32_t from, uint32_t bytes);
void op_data_drop(struct stint_instance *instance, uint32_t data);

/* Tables. table_grow gives the old size, or UINT64_MAX. */
uint64_t table_grow(struct table *table, uint64_t count, uint64_t value);
enum stint_trap op_table_get(struct table *table, uint64_t at, uint64_t *ret_value);
enum stint_trap op_table_set(struct table *table, uint64_t at, uint64_t value);
enum stint_trap op_table_fill(struct table *table, uint64_t at, uint64_t value, uint64_t count);
enum stint_trap op_table_copy(struct table *to, uint64_t to_at, struct table *from,
                              uint64_t from_at, uint64_t count);
enum stint_trap op_table_init(struct stint_instance *instance, uint32_t elem, struct table *table,
                              uint64_t at, uint32_t from, uint32_t count);
void op_elem_drop(struct stint_instance *instance, uint32_t elem);

/* call_indirect: the function at `at`, checked to be of `type` or below it. */
enum stint_trap op_table_func(struct table *table, uint64_t at, const struct type_def *type,
                              struct func **ret_func);

/*
 * Structs and arrays. `values` are slots in declaration order (v128 takes two); the new reference
 * is written to `*ret_ref` as a full slot. `error` gets the detail when the heap is exhausted.
 */
enum stint_trap op_struct_new(struct stint_instance *instance, const struct type_def *type,
                              const uint64_t *values, uint64_t *ret_ref);
enum stint_trap op_struct_new_default(struct stint_instance *instance, const struct type_def *type,
                                      uint64_t *ret_ref);
/* Packed fields: `sign` extends with the sign bit. v128 writes two slots. */
enum stint_trap op_struct_get(struct stint_instance *instance, const struct type_def *type,
                              uint32_t field, bool sign, uint64_t ref, uint64_t *ret_value);
enum stint_trap op_struct_set(struct stint_instance *instance, const struct type_def *type,
                              uint32_t field, uint64_t ref, const uint64_t *value);
enum stint_trap op_array_new(struct stint_instance *instance, const struct type_def *type,
                             const uint64_t *value, uint32_t length, uint64_t *ret_ref);
enum stint_trap op_array_new_default(struct stint_instance *instance, const struct type_def *type,
                                     uint32_t length, uint64_t *ret_ref);
enum stint_trap op_array_new_fixed(struct stint_instance *instance, const struct type_def *type,
                                   const uint64_t *values, uint32_t length, uint64_t *ret_ref);
enum stint_trap op_array_new_data(struct stint_instance *instance, const struct type_def *type,
                                  uint32_t data, uint32_t from, uint32_t length, uint64_t *ret_ref);
enum stint_trap op_array_new_elem(struct stint_instance *instance, const struct type_def *type,
                                  uint32_t elem, uint32_t from, uint32_t length, uint64_t *ret_ref);
enum stint_trap op_array_get(struct stint_instance *instance, const struct type_def *type,
                             bool sign, uint64_t ref, uint32_t at, uint64_t *ret_value);
enum stint_trap op_array_set(struct stint_instance *instance, const struct type_def *type,
                             uint64_t ref, uint32_t at, const uint64_t *value);
enum stint_trap op_array_len(struct stint_instance *instance, uint64_t ref, uint32_t *ret_length);
enum stint_trap op_array_fill(struct stint_instance *instance, const struct type_def *type,
                              uint64_t ref, uint32_t at, const uint64_t *value, uint32_t count);
enum stint_trap op_array_copy(struct stint_instance *instance, const struct type_def *to_type,
                              uint64_t to, uint32_t to_at, const struct type_def *from_type,
                              uint64_t from, uint32_t from_at, uint32_t count);
enum stint_trap op_array_init_data(struct stint_instance *instance, const struct type_def *type,
                                   uint32_t data, uint64_t ref, uint32_t at, uint32_t from,
                                   uint32_t count);
enum stint_trap op_array_init_elem(struct stint_instance *instance, const struct type_def *type,
                                   uint32_t elem, uint64_t ref, uint32_t at, uint32_t from,
                                   uint32_t count);

/* Whether the reference slot `ref` is of reference type `type` (any hierarchy, null included). */
bool op_ref_test(struct stint_store *store, uint64_t ref, valtype type);

#endif
