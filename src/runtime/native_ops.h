/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The helpers of native_ops.c and native_objects_gc.c; what they do, and the order of operands, is
 * in native_helpers.def. All expect instance->run.
 */
#ifndef RUNTIME_NATIVE_OPS_H
#define RUNTIME_NATIVE_OPS_H

#include "runtime/native.h"

uint64_t native_memory_grow(struct stint_instance *context, uint32_t memory, uint64_t pages);
enum native_result native_memory_fill(struct stint_instance *context, uint32_t memory, uint64_t at,
                                      uint32_t value, uint64_t bytes);
enum native_result native_memory_copy(struct stint_instance *context, uint32_t to, uint32_t from,
                                      uint64_t to_at, uint64_t from_at, uint64_t bytes);
enum native_result native_memory_init(struct stint_instance *context, uint32_t data,
                                      uint32_t memory, uint64_t at, uint32_t from, uint32_t bytes);
void native_data_drop(struct stint_instance *context, uint32_t data);
uint64_t native_table_grow(struct stint_instance *context, uint32_t table, uint64_t count,
                           uint64_t value);
enum native_result native_table_fill(struct stint_instance *context, uint32_t table, uint64_t at,
                                     uint64_t value, uint64_t count);
enum native_result native_table_copy(struct stint_instance *context, uint32_t to, uint32_t from,
                                     uint64_t to_at, uint64_t from_at, uint64_t count);
enum native_result native_table_init(struct stint_instance *context, uint32_t elem, uint32_t table,
                                     uint64_t at, uint32_t from, uint32_t count);
void native_elem_drop(struct stint_instance *context, uint32_t elem);

enum native_result native_throw(struct stint_instance *context, uint32_t tag, uint64_t *slots);
enum native_result native_throw_ref(struct stint_instance *context, uint32_t exception);
uint32_t native_catch_tag(struct stint_instance *context, uint32_t tag, uint64_t *slots);
uint32_t native_catch_take(struct stint_instance *context);

enum native_result native_struct_new(struct stint_instance *context, uint32_t type,
                                     uint64_t *slots);
enum native_result native_struct_new_default(struct stint_instance *context, uint32_t type,
                                             uint64_t *slots);
enum native_result native_array_new(struct stint_instance *context, uint32_t type, uint32_t length,
                                    uint64_t *slots);
enum native_result native_array_new_default(struct stint_instance *context, uint32_t type,
                                            uint32_t length, uint64_t *slots);
enum native_result native_array_new_fixed(struct stint_instance *context, uint32_t type,
                                          uint32_t length, uint64_t *slots);
enum native_result native_array_new_data(struct stint_instance *context, uint32_t type,
                                         uint32_t data, uint32_t from, uint32_t length,
                                         uint64_t *slots);
enum native_result native_array_new_elem(struct stint_instance *context, uint32_t type,
                                         uint32_t elem, uint32_t from, uint32_t length,
                                         uint64_t *slots);
enum native_result native_array_fill(struct stint_instance *context, uint32_t type, uint32_t array,
                                     uint32_t at, uint64_t *slots, uint32_t count);
enum native_result native_array_copy(struct stint_instance *context, uint32_t to_type,
                                     uint32_t from_type, uint32_t to, uint32_t to_at, uint32_t from,
                                     uint32_t from_at, uint32_t count);
enum native_result native_array_init_data(struct stint_instance *context, uint32_t type,
                                          uint32_t data, uint32_t array, uint32_t at, uint32_t from,
                                          uint32_t count);
enum native_result native_array_init_elem(struct stint_instance *context, uint32_t type,
                                          uint32_t elem, uint32_t array, uint32_t at, uint32_t from,
                                          uint32_t count);
uint32_t native_ref_test(struct stint_instance *context, uint64_t ref, uint32_t heap,
                         uint32_t is_nullable);

#endif
