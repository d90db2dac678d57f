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
WEAK bool lower_variable_op(struct lower *l, enum op op)
{
    return false;
}
WEAK bool lower_control_op(struct lower *l, enum op op)
{
    return false;
}
WEAK bool lower_exception_op(struct lower *l, enum op op)
{
    return false;
}
WEAK LLVMValueRef lower_ref_test(struct lower *l, struct value ref, heaptype heap,
                                 uint32_t module_type, bool null_passes)
{
    return LLVMConstNull(l->unit->i1);
}
WEAK bool lower_osr(struct unit *u, uint32_t own_index, uint32_t loop_offset)
{
    return false;
}
WEAK bool lower_entry(struct unit *u, uint32_t type_index)
{
    return false;
}
WEAK LLVMValueRef call_slice(struct lower *l, LLVMValueRef left)
{
    return left;
}
WEAK LLVMBasicBlockRef exception_target(struct lower *l)
{
    return lower_block(l, "");
}
WEAK void control_push_function(struct lower *l)
{
    l->depth = 0;
}
