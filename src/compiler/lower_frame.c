/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames on the guest's own stack. Toolchains keep its pointer in a global, and functions that need
 * memory begin with
 *
 *   global.get S   i32.const BYTES   i32.sub
 *
 * Addresses in such a frame are sums of 32 bits, which may wrap; so LLVM can neither fold them into
 * addresses of 64 bits nor see that loops go through an array, unless it knows where the frame is. So
 * fast code compares, and where a frame does not lie whole in the lower 2 GiB the runtime interprets
 * this call, which has done nothing yet but charge: "wild.<func_index>". That is a stack that has run
 * over, or one that no toolchain makes.
 */
#include <stdio.h>

#include "base/leb128.h"
#include "compiler/lower_int.h"

/* Largest frame; where frames begin at most, so that all of them ends below 2 GiB. */
enum { FRAME_BYTES_MAX = 1 << 20, FRAME_AT_MAX = 0x7fefffff };

/* An own global that may be the stack's pointer: one that does not start beyond where frames may be. */
static bool may_be_stack(const struct wasm_module *m, uint32_t index)
{
    const struct wasm_global *global = &m->globals[index];
    return index >= m->import_global_count && global->type.type == VT_I32 &&
           global->type.is_mutable && global->init.kind == CONST_BITS &&
           (uint32_t)global->init.bits[0] <= (uint32_t)FRAME_AT_MAX;
}

/* Reads the three operators, if they stand at l->at. */
static bool read_frame(struct lower *l, uint32_t *ret_global, uint32_t *ret_bytes)
{
    const uint8_t *at = l->at;
    if (body_op(&at) != OP_GLOBAL_GET)
        return false;
    uint32_t global = (uint32_t)leb_next_unsigned(&at);
    if (!may_be_stack(l->unit->wasm, global) || body_op(&at) != OP_I32_CONST)
        return false;
    int64_t bytes = leb_next_signed(&at);
    if (bytes <= 0 || bytes > FRAME_BYTES_MAX || body_op(&at) != OP_I32_SUB)
        return false;
    l->at = at;
    *ret_global = global;
    *ret_bytes = (uint32_t)bytes;
    return true;
}

/* Leaves by the thunk, with the parameters and what fuel is left. */
static void leave_wild(struct lower *l)
{
    struct unit *u = l->unit;
    uint32_t count = l->type->param_count;
    LLVMValueRef args[LOWER_VALUES_MAX];
    LLVMGetParams(l->fn, args);
    if (l->fuel != NULL)
        args[count + 1] = LLVMBuildLoad2(u->builder, u->i64, l->fuel, "");
    LLVMValueRef call =
        LLVMBuildCall2(u->builder, unit_func_type(u, l->type_index), wild_function(l), args,
                       count + 1 + (l->fuel != NULL), "");
    unit_mark_call(u, call, count, unit_convention(u));
    LLVMSetTailCallKind(call, LLVMTailCallKindMustTail);
    if (LLVMGetTypeKind(LLVMTypeOf(call)) == LLVMVoidTypeKind)
        LLVMBuildRetVoid(u->builder);
    else
        LLVMBuildRet(u->builder, call);
    lower_add_leave(l, call);
}

/* The same value, of which LLVM knows nothing but its range: derived from the global it would be one
 * sum with what is added to it, and that may wrap. */
static LLVMValueRef known_frame(struct lower *l, LLVMValueRef frame)
{
    struct unit *u = l->unit;
    LLVMTypeRef type = LLVMFunctionType(u->i32, &u->i32, 1, false);
    LLVMValueRef nothing =
        LLVMGetInlineAsm(type, "", 0, "=r,0", 4, false, false, LLVMInlineAsmDialectATT, false);
    LLVMMetadataRef range[2] = {LLVMValueAsMetadata(const_i32(u, 0)),
                                LLVMValueAsMetadata(const_i32(u, (uint32_t)FRAME_AT_MAX + 1))};
    LLVMMetadataRef node = LLVMMDNodeInContext2(u->context, range, 2);
    frame = LLVMBuildCall2(u->builder, type, nothing, &frame, 1, "");
    LLVMAddCallSiteAttribute(frame, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, u->nounwind);
    LLVMSetMetadata(frame, u->md_range, LLVMMetadataAsValue(u->context, node));
    return frame;
}

void lower_frame(struct lower *l)
{
    struct unit *u = l->unit;
    uint32_t global, bytes;
    if (u->options->strict || u->options->opt_level < 2 || u->options->for_size ||
        !read_frame(l, &global, &bytes))
        return;
    LLVMValueRef top = load_as(l, u->i32, global_cell(l, global), 8, MEMORY_GLOBALS);
    LLVMValueRef frame = LLVMBuildSub(u->builder, top, const_i32(u, bytes), "");
    LLVMValueRef is_wild =
        LLVMBuildICmp(u->builder, LLVMIntUGT, frame, const_i32(u, (uint32_t)FRAME_AT_MAX), "");
    LLVMBasicBlockRef wild = lower_block(l, "wild"), goes_on = lower_block(l, "");
    lower_branch(l, is_wild, wild, goes_on, u->cold_branch);
    lower_continue_at(l, wild);
    leave_wild(l);
    lower_continue_at(l, goes_on);
    lower_push(l, known_frame(l, frame), VT_I32);
}
