/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of collected objects share: where objects are and what they are. */
#ifndef COMPILER_LOWER_OBJECT_H
#define COMPILER_LOWER_OBJECT_H

#include "compiler/lower.h"

/* Layout of objects (runtime/gc.h). */
enum { OBJECT_TYPE = 0, OBJECT_HEADER_BYTES = 8, ARRAY_LENGTH = 8, ARRAY_ELEMENTS = 16 };

/* struct gc_heap, and its base; loaded once, at entry. The module has struct or array types. */
LLVMValueRef object_heap(struct lower *l);
LLVMValueRef object_base(struct lower *l);
/* The address of an object. */
LLVMValueRef object_address(struct lower *l, LLVMValueRef ref);
/* A load of what never changes, where the builder stands. */
LLVMValueRef object_load_fixed(struct lower *l, LLVMTypeRef type, LLVMValueRef at, unsigned align);
/* The runtime's id of a type of the module. */
LLVMValueRef object_type_id(struct lower *l, uint32_t module_type);
/* Pops so many; they stay where they were, behind the stack's new end, until the next push. */
const struct value *object_pop_many(struct lower *l, uint32_t count);
/* Traps when the reference is null, unless its type says that it is not. */
void object_trap_null(struct lower *l, struct value ref, enum stint_trap trap);

bool lower_struct_op(struct lower *l, enum op op); /* lower_struct.c */
bool lower_array_op(struct lower *l, enum op op);  /* lower_array.c */
/* Fields and elements (lower_struct.c): pushes what is stored at an address, or stores a value. */
void field_push(struct lower *l, const struct field_type *field, LLVMValueRef at, bool sign);
void field_put(struct lower *l, const struct field_type *field, LLVMValueRef at, LLVMValueRef v);

#endif
