/* SPDX-License-Identifier: Apache-2.0 */
/* What native.c and the files of machine code's helpers (native_*.c) share. */
#ifndef RUNTIME_NATIVE_INT_H
#define RUNTIME_NATIVE_INT_H

#include "runtime/native.h"

/*
 * For helpers that fail: leaves the reason for the end of the innermost entry and gives NATIVE_EXIT.
 * The context is the instance whose code called.
 */
enum native_result native_trap(struct stint_instance *context, enum stint_trap trap);
/* The same for other ends; `error` says more and may be NULL. */
enum native_result native_fail(struct stint_instance *context, enum stint_status status,
                               const struct stint_error *error);

/*
 * Sets run->types, and makes the collected heap of an instance whose module has struct or array
 * types, since the code of such modules reads run->gc at entry: to be called when instance->run is
 * set. False when memory is out; the instance has to interpret then.
 */
MUST_CHECK bool native_prepare_objects(struct stint_instance *instance);

/* Sets run->exception: NATIVE_PENDING where the code that called looks at run->pending, else
 * NATIVE_EXIT, which takes the exception to the end of the innermost entry. */
enum native_result native_raise(struct stint_instance *context, uint32_t exception);

/* The helpers themselves, native_<ID> of native_helpers.def: what is taken and given is said there.
 * those of calls and fuel are here. */
enum native_result native_fuel_slice(struct stint_instance *context);
enum native_result native_call_func(struct stint_instance *context, struct func *func,
                                    uint64_t *slots);
/* What the import call_words does where there is no second way. */
struct host_result native_call_words(struct stint_instance *context, struct func *func, uint64_t a,
                                     uint64_t b, uint64_t c, uint64_t d);
enum native_result native_words_failed(struct stint_instance *context, uint64_t status);
enum native_result native_call_index(struct stint_instance *context, uint32_t index,
                                     uint64_t *slots);
enum native_result native_interpret(struct stint_instance *context, uint32_t index,
                                    uint64_t *slots);
enum native_result native_call_table(struct stint_instance *context, uint32_t table, uint64_t at,
                                     uint32_t type, uint64_t *slots);
enum native_result native_finish_tail(struct stint_instance *context, uint64_t *slots);
enum native_result native_tail_func(struct stint_instance *context, struct func *func,
                                    const uint64_t *slots);
enum native_result native_tail_index(struct stint_instance *context, uint32_t index,
                                     const uint64_t *slots);
enum native_result native_tail_table(struct stint_instance *context, uint32_t table, uint64_t at,
                                     uint32_t type, const uint64_t *slots);
struct func *native_ref_func(struct stint_instance *context, uint32_t index);

#endif
