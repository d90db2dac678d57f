/* SPDX-License-Identifier: Apache-2.0 */
/* Conversions between vectors of floats and of integers. */
#include "compiler/lower_ops.h"

/* The first two lanes of a vector of four. */
static LLVMValueRef low_half(struct lower *l, LLVMValueRef lanes)
{
    return lanes_pick(l, lanes, NULL, 0, 1, 2);
}

/* Two lanes, and two of zero above them. */
static LLVMValueRef with_zeros(struct lower *l, LLVMValueRef low)
{
    return lanes_pick(l, low, LLVMConstNull(LLVMTypeOf(low)), 0, 1, 4);
}

/* x where the condition holds in its lane, else +0. */
static LLVMValueRef keep_where(struct lower *l, LLVMRealPredicate predicate, LLVMValueRef x,
                               LLVMValueRef y)
{
    LLVMBuilderRef b = l->unit->builder;
    LLVMValueRef condition = LLVMBuildFCmp(b, predicate, x, y, "");
    return LLVMBuildSelect(b, condition, x, LLVMConstNull(LLVMTypeOf(x)), "");
}

/* The smaller of x and the limit; x is not a NaN. */
static LLVMValueRef at_most(struct lower *l, LLVMValueRef x, double limit)
{
    LLVMBuilderRef b = l->unit->builder;
    LLVMValueRef most = lanes_of_real(LLVMTypeOf(x), limit);
    return LLVMBuildSelect(b, LLVMBuildFCmp(b, LLVMRealOLT, x, most, ""), x, most, "");
}

static LLVMValueRef mask_where(struct lower *l, LLVMValueRef x, double limit)
{
    LLVMTypeRef type = LLVMTypeOf(x);
    LLVMValueRef reaches = LLVMBuildFCmp(l->unit->builder, LLVMRealOGE, x,
                                         lanes_of_real(type, limit), "");
    return lanes_mask(l, reaches, float_bits_type(l, type));
}

/* cvttps2dq gives INT32_MIN for what does not fit: right below the range, one off above it. */
static LLVMValueRef saturate_f32_s(struct lower *l, LLVMValueRef x)
{
    LLVMValueRef number = keep_where(l, LLVMRealORD, x, x);
    LLVMValueRef value = intrinsic(l, "llvm.x86.sse2.cvttps2dq", NULL, 0, &number, 1);
    return LLVMBuildXor(l->unit->builder, value, mask_where(l, x, 0x1p31), "");
}

/* The same, less 2^31 from 2^31 on. */
static LLVMValueRef saturate_f32_u(struct lower *l, LLVMValueRef x)
{
    const struct unit *u = l->unit;
    LLVMBuilderRef b = u->builder;
    LLVMValueRef zero = LLVMConstNull(u->v4f32);
    LLVMValueRef number = keep_where(l, LLVMRealOGT, x, zero);
    LLVMValueRef big = mask_where(l, number, 0x1p31);
    LLVMValueRef half = as_type(l, lanes_of_real(u->v4f32, 0x1p31), u->v4i32);
    half = as_type(l, LLVMBuildAnd(b, half, big, ""), u->v4f32);
    LLVMValueRef rest = LLVMBuildFSub(b, number, half, "");
    LLVMValueRef value = intrinsic(l, "llvm.x86.sse2.cvttps2dq", NULL, 0, &rest, 1);
    LLVMValueRef top = LLVMBuildAnd(b, big, lanes_of_int(u->v4i32, 0x80000000), "");
    value = LLVMBuildXor(b, value, top, "");
    return LLVMBuildOr(b, value, mask_where(l, number, 0x1p32), "");
}

/* The largest value is a number of this type, INT32_MIN comes by itself; lanes 2 and 3 are 0. */
static LLVMValueRef saturate_f64_s(struct lower *l, LLVMValueRef x)
{
    LLVMValueRef number = at_most(l, keep_where(l, LLVMRealORD, x, x), 0x1p31 - 1);
    return intrinsic(l, "llvm.x86.sse2.cvttpd2dq", NULL, 0, &number, 1);
}

/* The low half of the sum with 2^52 is the integer. */
static LLVMValueRef saturate_f64_u(struct lower *l, LLVMValueRef x)
{
    const struct unit *u = l->unit;
    LLVMTypeRef type = u->v2f64;
    LLVMValueRef number = keep_where(l, LLVMRealOGT, x, LLVMConstNull(type));
    number = at_most(l, number, 0x1p32 - 1);
    number = intrinsic(l, "llvm.trunc", &type, 1, &number, 1);
    number = LLVMBuildFAdd(u->builder, number, lanes_of_real(type, 0x1p52), "");
    LLVMValueRef halves = as_type(l, number, u->v4i32);
    LLVMValueRef lanes[4] = {const_i32(u, 0), const_i32(u, 2), const_i32(u, 4), const_i32(u, 4)};
    return LLVMBuildShuffleVector(u->builder, halves, LLVMConstNull(u->v4i32),
                                  LLVMConstVector(lanes, 4), "");
}

static LLVMValueRef saturate(struct lower *l, LLVMValueRef x, bool is_signed)
{
    const struct unit *u = l->unit;
    bool is_f64 = LLVMTypeOf(x) == u->v2f64;
    if (u->is_aarch64) {
        LLVMTypeRef types[2] = {is_f64 ? LLVMVectorType(u->i32, 2) : u->v4i32, LLVMTypeOf(x)};
        LLVMValueRef value = intrinsic(
            l, is_signed ? "llvm.fptosi.sat" : "llvm.fptoui.sat", types, 2, &x, 1);
        return is_f64 ? with_zeros(l, value) : value;
    }
    if (is_f64)
        return is_signed ? saturate_f64_s(l, x) : saturate_f64_u(l, x);
    return is_signed ? saturate_f32_s(l, x) : saturate_f32_u(l, x);
}

bool lower_vector_float_op(struct lower *l, enum op op)
{
    const struct unit *u = l->unit;
    LLVMBuilderRef b = u->builder;
    LLVMTypeRef v2f32 = LLVMVectorType(u->f32, 2);
    switch (op) {
    case OP_I32X4_TRUNC_SAT_F32X4_S:
    case OP_I32X4_RELAXED_TRUNC_F32X4_S:
        push_lanes(l, saturate(l, pop_lanes(l, F32X4), true));
        return true;
    case OP_I32X4_TRUNC_SAT_F32X4_U:
    case OP_I32X4_RELAXED_TRUNC_F32X4_U:
        push_lanes(l, saturate(l, pop_lanes(l, F32X4), false));
        return true;
    case OP_I32X4_TRUNC_SAT_F64X2_S_ZERO:
    case OP_I32X4_RELAXED_TRUNC_F64X2_S_ZERO:
        push_lanes(l, saturate(l, pop_lanes(l, F64X2), true));
        return true;
    case OP_I32X4_TRUNC_SAT_F64X2_U_ZERO:
    case OP_I32X4_RELAXED_TRUNC_F64X2_U_ZERO:
        push_lanes(l, saturate(l, pop_lanes(l, F64X2), false));
        return true;
    case OP_F32X4_CONVERT_I32X4_S:
        push_lanes(l, LLVMBuildSIToFP(b, pop_lanes(l, I32X4), u->v4f32, ""));
        return true;
    case OP_F32X4_CONVERT_I32X4_U:
        push_lanes(l, LLVMBuildUIToFP(b, pop_lanes(l, I32X4), u->v4f32, ""));
        return true;
    case OP_F64X2_CONVERT_LOW_I32X4_S:
        push_lanes(l, LLVMBuildSIToFP(b, low_half(l, pop_lanes(l, I32X4)), u->v2f64, ""));
        return true;
    case OP_F64X2_CONVERT_LOW_I32X4_U:
        push_lanes(l, LLVMBuildUIToFP(b, low_half(l, pop_lanes(l, I32X4)), u->v2f64, ""));
        return true;
    case OP_F64X2_PROMOTE_LOW_F32X4:
        push_lanes(l, LLVMBuildFPExt(b, low_half(l, pop_lanes(l, F32X4)), u->v2f64, ""));
        return true;
    case OP_F32X4_DEMOTE_F64X2_ZERO:
        push_lanes(l, with_zeros(l, float_demote(l, pop_lanes(l, F64X2), v2f32)));
        return true;
    default:
        return false;
    }
}
