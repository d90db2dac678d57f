/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stands in for machine code's helpers on collected objects in builds without those. No module that
 * validates there has an operator that calls one; only funcrefs can be tested.
 */
#include "runtime/native_int.h"
#include "runtime/native_ops.h"

bool native_prepare_objects(struct stint_instance *instance)
{
    return true;
}

uint32_t native_ref_test(struct stint_instance *context, uint64_t ref, uint32_t heap,
                         uint32_t is_nullable)
{
    return ref == 0 ? is_nullable : heap == HEAP_FUNC;
}

uint32_t native_catch_tag(struct stint_instance *context, uint32_t tag, uint64_t *slots)
{
    return 0;
}

uint32_t native_catch_take(struct stint_instance *context)
{
    return 0;
}

#define REFUSED(name, ...)                                                                         \
    enum native_result native_##name(struct stint_instance *context, __VA_ARGS__)                  \
    {                                                                                              \
        return native_trap(context, STINT_TRAP_HEAP_EXHAUSTED);                                    \
    }
REFUSED(throw, uint32_t tag, uint64_t *slots)
REFUSED(throw_ref, uint32_t exception)
REFUSED(struct_new, uint32_t type, uint64_t *slots)
REFUSED(struct_new_default, uint32_t type, uint64_t *slots)
REFUSED(array_new, uint32_t type, uint32_t length, uint64_t *slots)
REFUSED(array_new_default, uint32_t type, uint32_t length, uint64_t *slots)
REFUSED(array_new_fixed, uint32_t type, uint32_t length, uint64_t *slots)
REFUSED(array_new_data, uint32_t type, uint32_t data, uint32_t from, uint32_t length,
        uint64_t *slots)
REFUSED(array_new_elem, uint32_t type, uint32_t elem, uint32_t from, uint32_t length,
        uint64_t *slots)
REFUSED(array_fill, uint32_t type, uint32_t array, uint32_t at, uint64_t *slots, uint32_t count)
REFUSED(array_copy, uint32_t to_type, uint32_t from_type, uint32_t to, uint32_t to_at,
        uint32_t from, uint32_t from_at, uint32_t count)
REFUSED(array_init_data, uint32_t type, uint32_t data, uint32_t array, uint32_t at, uint32_t from,
        uint32_t count)
REFUSED(array_init_elem, uint32_t type, uint32_t elem, uint32_t array, uint32_t at, uint32_t from,
        uint32_t count)
