/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for operators whose file is not written yet. */
#include "compiler/lower_int.h"

#define WEAK __attribute__((weak))

WEAK bool lower_number_op(struct lower *l, enum op op)
{
    return false;
}
WEAK bool lower_memory_op(struct lower *l, enum op op)
{
    return false;
}
WEAK bool lower_vector_op(struct lower *l, enum op op)
{
    return false;
}
WEAK bool lower_table_op(struct lower *l, enum op op)
{
    return false;
}
WEAK bool lower_object_op(struct lower *l, enum op op)
{
    return false;
}
WEAK LLVMValueRef lower_ref_test(struct lower *l, struct value ref, heaptype heap,
                                 uint32_t module_type, bool null_passes)
{
    return LLVMConstNull(l->unit->i1);
}
