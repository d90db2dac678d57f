/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for constexpr_gc.c. */
#include "runtime/constexpr.h"

enum stint_status const_eval_gc(struct const_roots *stack, enum op op, const uint8_t **at)
{
    return error_set(stack->error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                     "this build is without garbage collection");
}
