/* SPDX-License-Identifier: Apache-2.0 */
/* What the operators of numbers, memory and vectors share; private to lower_number*.c,
 * lower_memory*.c and lower_vector*.c. */
#ifndef COMPILER_LOWER_OPS_H
#define COMPILER_LOWER_OPS_H

#include "compiler/lower.h"

/* ---- Floats (lower_number_float.c): scalars and vectors of them -------------------------------- */

/*
 * fadd, fsub, fmul, fdiv and fptrunc that always compute: LLVM takes x * 1.0 for x, which leaves a
 * signalling NaN as it is, where wasm wants a quiet one.
 */
LLVMValueRef float_binary(struct lower *l, LLVMOpcode opcode, LLVMValueRef a, LLVMValueRef b);
LLVMValueRef float_demote(struct lower *l, LLVMValueRef x, LLVMTypeRef type);
/* min or max as wasm has it: NaNs win and come out quiet, -0 is below +0. */
LLVMValueRef float_extreme(struct lower *l, LLVMValueRef a, LLVMValueRef b, bool is_max);
/* The operators i32.trunc_f32_s … that trap. */
LLVMValueRef float_truncate(struct lower *l, enum op op, LLVMValueRef x);
/* Integers (or vectors of them) as wide as the lanes of a float type. */
LLVMTypeRef float_bits_type(struct lower *l, LLVMTypeRef type);

/* ---- Memory (lower_memory.c) --------------------------------------------------------------------- */

/* The immediate of loads and stores. */
struct memory_operand {
    uint32_t memory;
    uint64_t offset;
};
struct memory_operand lower_memory_operand(struct lower *l);
/* Reads the operand's immediate, pops the index and checks it as the mode needs: the address of
 * `bytes` bytes in memory that the guest may touch, or that fault. */
struct place {
    LLVMValueRef at;
    enum memory_kind kind;
};
struct place lower_place(struct lower *l, struct memory_operand operand, LLVMValueRef index,
                         uint64_t bytes);
/* memory.copy, memory.fill, memory.init, data.drop (lower_memory_bulk.c). */
bool lower_bulk_op(struct lower *l, enum op op);
/* An index or a size of a memory as i64. */
LLVMValueRef lower_index(struct lower *l, uint32_t memory, LLVMValueRef index);

/* ---- Vectors ---------------------------------------------------------------------------------------- */

enum shape { I8X16, I16X8, I32X4, I64X2, F32X4, F64X2 };
LLVMTypeRef shape_type(const struct unit *u, enum shape shape);
/* The operand stack's top as lanes of this shape; and back. */
LLVMValueRef pop_lanes(struct lower *l, enum shape shape);
void push_lanes(struct lower *l, LLVMValueRef lanes);
LLVMValueRef as_type(struct lower *l, LLVMValueRef value, LLVMTypeRef type); /* bitcast */
/* A vector of the type of `like` with this integer, or number, in all lanes. */
LLVMValueRef lanes_of_int(LLVMTypeRef type, uint64_t value);
LLVMValueRef lanes_of_real(LLVMTypeRef type, double value);
/* All bits set in lanes where the vector of i1 is, as a vector of integers `type`. */
LLVMValueRef lanes_mask(struct lower *l, LLVMValueRef condition, LLVMTypeRef type);
/* A shuffle of two vectors (b may be NULL) with constant lanes first, first + step, … */
LLVMValueRef lanes_pick(struct lower *l, LLVMValueRef a, LLVMValueRef b, unsigned first,
                        unsigned step, unsigned count);

bool lower_vector_lane_op(struct lower *l, enum op op); /* lower_vector_lane.c: with memory or lanes */
bool lower_vector_int_op(struct lower *l, enum op op);  /* lower_vector_int.c: width changes … */
bool lower_vector_float_op(struct lower *l, enum op op); /* lower_vector_float.c: conversions */

#endif
