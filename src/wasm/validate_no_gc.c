/* SPDX-License-Identifier: Apache-2.0 */
/* In place of validate_gc.c where the build has no garbage collection. */
#include "wasm/validate_int.h"

void validate_gc_op(struct validator *v, enum op op)
{
    validator_fail(v, STINT_UNSUPPORTED, "%s: this build of Stint is without garbage collection",
                   op_infos[op].text);
}

bool validate_gc_is_const(enum op op)
{
    (void)op;
    return false;
}
