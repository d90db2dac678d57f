/* SPDX-License-Identifier: Apache-2.0 */
/* Floats where LLVM's own operations are not wasm's: signalling NaNs, min and max, truncation. */
#include "compiler/lower_int.h"
#include "compiler/lower_ops.h"

/* ---- Signalling NaNs -------------------------------------------------------------------------- */

/* A value LLVM does not look through. Costs no instruction. */
static LLVMValueRef fence(struct lower *l, LLVMValueRef x)
{
    LLVMTypeRef type = LLVMTypeOf(x);
    return intrinsic(l, "llvm.arithmetic.fence", &type, 1, &x, 1);
}

/* Whether LLVM may leave out an operation with this operand: some lane is 0, 1 or -1. */
static bool is_neutral(LLVMValueRef x)
{
    LLVMBool loses;
    if (LLVMIsAConstantFP(x) != NULL) {
        double value = LLVMConstRealGetDouble(x, &loses);
        return value == 0 || value == 1 || value == -1;
    }
    if (LLVMIsAConstantDataVector(x) == NULL)
        return LLVMIsAConstantAggregateZero(x) != NULL;
    for (unsigned lane = 0; lane < LLVMGetVectorSize(LLVMTypeOf(x)); lane++)
        if (is_neutral(LLVMGetAggregateElement(x, lane)))
            return true;
    return false;
}

LLVMValueRef float_binary(struct lower *l, LLVMOpcode opcode, LLVMValueRef a, LLVMValueRef b)
{
    if (is_neutral(a))
        a = fence(l, a);
    if (is_neutral(b))
        b = fence(l, b);
    return LLVMBuildBinOp(l->unit->builder, opcode, a, b, "");
}

LLVMValueRef float_demote(struct lower *l, LLVMValueRef x, LLVMTypeRef type)
{
    if (LLVMIsAFPExtInst(x) != NULL)
        x = fence(l, x);
    return LLVMBuildFPTrunc(l->unit->builder, x, type, "");
}

/* ---- Minimum and maximum ---------------------------------------------------------------------- */

LLVMTypeRef float_bits_type(struct lower *l, LLVMTypeRef type)
{
    const struct unit *u = l->unit;
    if (LLVMGetTypeKind(type) == LLVMVectorTypeKind)
        return LLVMGetVectorSize(type) == 4 ? u->v4i32 : u->v2i64;
    return type == u->f32 ? u->i32 : u->i64;
}

/*
 * x86 has instructions that give the second operand when the two are equal or a NaN is there.
 * Taking them in both orders and joining the bits orders zeros; the sum is a quiet NaN where one is
 * wanted. (llvm.minimum becomes branches for scalars there, and lets signalling NaNs through.)
 */
LLVMValueRef float_extreme(struct lower *l, LLVMValueRef a, LLVMValueRef b, bool is_max)
{
    LLVMBuilderRef builder = l->unit->builder;
    LLVMTypeRef type = LLVMTypeOf(a), bits = float_bits_type(l, type);
    if (l->unit->is_aarch64) {
        LLVMValueRef args[2] = {a, b};
        return intrinsic(l, is_max ? "llvm.maximum" : "llvm.minimum", &type, 1, args, 2);
    }
    LLVMRealPredicate before = is_max ? LLVMRealOGT : LLVMRealOLT;
    LLVMValueRef a_first = LLVMBuildFCmp(builder, before, a, b, "");
    LLVMValueRef b_first = LLVMBuildFCmp(builder, before, b, a, "");
    LLVMValueRef one = LLVMBuildSelect(builder, a_first, a, b, "");
    LLVMValueRef other = LLVMBuildSelect(builder, b_first, b, a, "");
    LLVMValueRef joined = LLVMBuildBinOp(builder, is_max ? LLVMAnd : LLVMOr,
                                         LLVMBuildBitCast(builder, one, bits, ""),
                                         LLVMBuildBitCast(builder, other, bits, ""), "");
    LLVMValueRef has_nan = LLVMBuildFCmp(builder, LLVMRealUNO, a, b, "");
    return LLVMBuildSelect(builder, has_nan, float_binary(l, LLVMFAdd, a, b),
                           LLVMBuildBitCast(builder, joined, type, ""), "");
}

/* ---- Truncation that traps -------------------------------------------------------------------- */

struct truncation {
    bool is_signed, is_i64, is_f64;
    bool reaches; /* `least` itself fits */
    double least, past;
};

static struct truncation truncation_of(enum op op)
{
    switch (op) {
    case OP_I32_TRUNC_F32_S:
        return (struct truncation){true, false, false, true, -0x1p31, 0x1p31};
    case OP_I32_TRUNC_F32_U:
        return (struct truncation){false, false, false, false, -1, 0x1p32};
    case OP_I32_TRUNC_F64_S:
        return (struct truncation){true, false, true, false, -2147483649.0, 0x1p31};
    case OP_I32_TRUNC_F64_U:
        return (struct truncation){false, false, true, false, -1, 0x1p32};
    case OP_I64_TRUNC_F32_S:
        return (struct truncation){true, true, false, true, -0x1p63, 0x1p63};
    case OP_I64_TRUNC_F32_U:
        return (struct truncation){false, true, false, false, -1, 0x1p64};
    case OP_I64_TRUNC_F64_S:
        return (struct truncation){true, true, true, true, -0x1p63, 0x1p63};
    default: /* OP_I64_TRUNC_F64_U */
        return (struct truncation){false, true, true, false, -1, 0x1p64};
    }
}

static LLVMValueRef in_range(struct lower *l, const struct truncation *t, LLVMValueRef x)
{
    LLVMBuilderRef b = l->unit->builder;
    LLVMTypeRef type = LLVMTypeOf(x);
    LLVMValueRef above = LLVMBuildFCmp(b, t->reaches ? LLVMRealOGE : LLVMRealOGT, x,
                                       LLVMConstReal(type, t->least), "");
    LLVMValueRef below = LLVMBuildFCmp(b, LLVMRealOLT, x, LLVMConstReal(type, t->past), "");
    return LLVMBuildAnd(b, above, below, "");
}

/* cvttsd2si and cvttss2si: INT64_MIN for what does not fit. */
static LLVMValueRef convert_x86(struct lower *l, const struct truncation *t, LLVMValueRef x)
{
    const struct unit *u = l->unit;
    LLVMValueRef lanes = LLVMBuildInsertElement(
        u->builder, LLVMGetPoison(t->is_f64 ? u->v2f64 : u->v4f32), x, const_i32(u, 0), "");
    const char *name = t->is_f64 ? "llvm.x86.sse2.cvttsd2si64" : "llvm.x86.sse.cvttss2si64";
    return intrinsic(l, name, NULL, 0, &lanes, 1);
}

/* Whether the result of convert_x86 is right beyond doubt. */
static LLVMValueRef fits_x86(struct lower *l, const struct truncation *t, LLVMValueRef wide)
{
    const struct unit *u = l->unit;
    LLVMBuilderRef b = u->builder;
    if (t->is_i64)
        return LLVMBuildICmp(b, LLVMIntNE, wide, const_i64(u, (uint64_t)1 << 63), "");
    LLVMValueRef low = LLVMBuildTrunc(b, wide, u->i32, "");
    LLVMValueRef again = t->is_signed ? LLVMBuildSExt(b, low, u->i64, "")
                                      : LLVMBuildZExt(b, low, u->i64, "");
    return LLVMBuildICmp(b, LLVMIntEQ, again, wide, "");
}

/*
 * A test, and on its cold side what is wrong with the operand. On x86 the instruction itself
 * converts with a test of the integer, but for u64; elsewhere the range is checked first.
 */
LLVMValueRef float_truncate(struct lower *l, enum op op, LLVMValueRef x)
{
    const struct unit *u = l->unit;
    LLVMBuilderRef b = u->builder;
    const struct truncation t = truncation_of(op);
    LLVMTypeRef result = t.is_i64 ? u->i64 : u->i32;
    bool by_x86 = !u->is_aarch64 && !(t.is_i64 && !t.is_signed);
    LLVMValueRef wide = by_x86 ? convert_x86(l, &t, x) : NULL;
    LLVMValueRef fits = by_x86 ? fits_x86(l, &t, wide) : in_range(l, &t, x);
    LLVMBasicBlockRef next = lower_block(l, ""), cold = lower_block(l, "unfit");
    lower_branch(l, fits, next, cold, u->hot_branch);
    lower_continue_at(l, cold);
    trap_if(l, LLVMBuildFCmp(b, LLVMRealUNO, x, x, ""), STINT_TRAP_BAD_CONVERSION);
    if (by_x86 && t.is_i64) {
        /* INT64_MIN may be the true result. */
        trap_if(l, LLVMBuildNot(b, in_range(l, &t, x), ""), STINT_TRAP_INTEGER_OVERFLOW);
        lower_goto(l, next);
    } else {
        trap_now(l, STINT_TRAP_INTEGER_OVERFLOW);
        l->is_dead = false;
    }
    lower_continue_at(l, next);
    if (by_x86)
        return t.is_i64 ? wide : LLVMBuildTrunc(b, wide, result, "");
    return t.is_signed ? LLVMBuildFPToSI(b, x, result, "") : LLVMBuildFPToUI(b, x, result, "");
}
