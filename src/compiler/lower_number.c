/* SPDX-License-Identifier: Apache-2.0 */
/* The operators under "Numbers" of wasm/op.def, and the saturating conversions: a row each. */
#include "compiler/lower_ops.h"

enum number_how {
    NUMBER_NONE, /* not an operator of this file */
    NUMBER_EQZ,
    NUMBER_ICMP,    /* code: LLVMIntPredicate */
    NUMBER_FCMP,    /* code: LLVMRealPredicate */
    NUMBER_BINARY,  /* code: LLVMOpcode of integers */
    NUMBER_SHIFT,   /* the same, with a count to be masked */
    NUMBER_FUNNEL,  /* name: intrinsic of x, x, count */
    NUMBER_DIVIDE,  /* code: LLVMOpcode */
    NUMBER_COUNT,   /* name: intrinsic of x and whether 0 is poison */
    NUMBER_CALL,    /* name: intrinsic of one or two operands */
    NUMBER_FNEG,
    NUMBER_FLOAT,   /* code: LLVMOpcode of floats */
    NUMBER_EXTREME, /* code: whether it is max */
    NUMBER_CAST,    /* code: LLVMOpcode */
    NUMBER_DEMOTE,
    NUMBER_EXTEND,   /* code: bits whose sign is extended */
    NUMBER_TRUNCATE, /* traps */
    NUMBER_SATURATE, /* name: intrinsic over result and operand */
};

struct number_row {
    uint8_t how;
    uint8_t code;
    const char *name;
};

#define INT_ROWS(I)                                                                                \
    [OP_##I##_EQZ] = {NUMBER_EQZ, 0, NULL}, [OP_##I##_EQ] = {NUMBER_ICMP, LLVMIntEQ, NULL},        \
    [OP_##I##_NE] = {NUMBER_ICMP, LLVMIntNE, NULL},                                                \
    [OP_##I##_LT_S] = {NUMBER_ICMP, LLVMIntSLT, NULL},                                             \
    [OP_##I##_LT_U] = {NUMBER_ICMP, LLVMIntULT, NULL},                                             \
    [OP_##I##_GT_S] = {NUMBER_ICMP, LLVMIntSGT, NULL},                                             \
    [OP_##I##_GT_U] = {NUMBER_ICMP, LLVMIntUGT, NULL},                                             \
    [OP_##I##_LE_S] = {NUMBER_ICMP, LLVMIntSLE, NULL},                                             \
    [OP_##I##_LE_U] = {NUMBER_ICMP, LLVMIntULE, NULL},                                             \
    [OP_##I##_GE_S] = {NUMBER_ICMP, LLVMIntSGE, NULL},                                             \
    [OP_##I##_GE_U] = {NUMBER_ICMP, LLVMIntUGE, NULL},                                             \
    [OP_##I##_CLZ] = {NUMBER_COUNT, 0, "llvm.ctlz"},                                               \
    [OP_##I##_CTZ] = {NUMBER_COUNT, 0, "llvm.cttz"},                                               \
    [OP_##I##_POPCNT] = {NUMBER_CALL, 0, "llvm.ctpop"},                                            \
    [OP_##I##_ADD] = {NUMBER_BINARY, LLVMAdd, NULL},                                               \
    [OP_##I##_SUB] = {NUMBER_BINARY, LLVMSub, NULL},                                               \
    [OP_##I##_MUL] = {NUMBER_BINARY, LLVMMul, NULL},                                               \
    [OP_##I##_DIV_S] = {NUMBER_DIVIDE, LLVMSDiv, NULL},                                            \
    [OP_##I##_DIV_U] = {NUMBER_DIVIDE, LLVMUDiv, NULL},                                            \
    [OP_##I##_REM_S] = {NUMBER_DIVIDE, LLVMSRem, NULL},                                            \
    [OP_##I##_REM_U] = {NUMBER_DIVIDE, LLVMURem, NULL},                                            \
    [OP_##I##_AND] = {NUMBER_BINARY, LLVMAnd, NULL},                                               \
    [OP_##I##_OR] = {NUMBER_BINARY, LLVMOr, NULL},                                                 \
    [OP_##I##_XOR] = {NUMBER_BINARY, LLVMXor, NULL},                                               \
    [OP_##I##_SHL] = {NUMBER_SHIFT, LLVMShl, NULL},                                                \
    [OP_##I##_SHR_S] = {NUMBER_SHIFT, LLVMAShr, NULL},                                             \
    [OP_##I##_SHR_U] = {NUMBER_SHIFT, LLVMLShr, NULL},                                             \
    [OP_##I##_ROTL] = {NUMBER_FUNNEL, 0, "llvm.fshl"},                                             \
    [OP_##I##_ROTR] = {NUMBER_FUNNEL, 0, "llvm.fshr"},                                             \
    [OP_##I##_EXTEND8_S] = {NUMBER_EXTEND, 8, NULL},                                               \
    [OP_##I##_EXTEND16_S] = {NUMBER_EXTEND, 16, NULL},                                             \
    [OP_##I##_TRUNC_F32_S] = {NUMBER_TRUNCATE, 0, NULL},                                           \
    [OP_##I##_TRUNC_F32_U] = {NUMBER_TRUNCATE, 0, NULL},                                           \
    [OP_##I##_TRUNC_F64_S] = {NUMBER_TRUNCATE, 0, NULL},                                           \
    [OP_##I##_TRUNC_F64_U] = {NUMBER_TRUNCATE, 0, NULL},                                           \
    [OP_##I##_TRUNC_SAT_F32_S] = {NUMBER_SATURATE, 0, "llvm.fptosi.sat"},                          \
    [OP_##I##_TRUNC_SAT_F32_U] = {NUMBER_SATURATE, 0, "llvm.fptoui.sat"},                          \
    [OP_##I##_TRUNC_SAT_F64_S] = {NUMBER_SATURATE, 0, "llvm.fptosi.sat"},                          \
    [OP_##I##_TRUNC_SAT_F64_U] = {NUMBER_SATURATE, 0, "llvm.fptoui.sat"}

#define FLOAT_ROWS(F)                                                                              \
    [OP_##F##_EQ] = {NUMBER_FCMP, LLVMRealOEQ, NULL},                                              \
    [OP_##F##_NE] = {NUMBER_FCMP, LLVMRealUNE, NULL},                                              \
    [OP_##F##_LT] = {NUMBER_FCMP, LLVMRealOLT, NULL},                                              \
    [OP_##F##_GT] = {NUMBER_FCMP, LLVMRealOGT, NULL},                                              \
    [OP_##F##_LE] = {NUMBER_FCMP, LLVMRealOLE, NULL},                                              \
    [OP_##F##_GE] = {NUMBER_FCMP, LLVMRealOGE, NULL},                                              \
    [OP_##F##_ABS] = {NUMBER_CALL, 0, "llvm.fabs"}, [OP_##F##_NEG] = {NUMBER_FNEG, 0, NULL},       \
    [OP_##F##_CEIL] = {NUMBER_CALL, 0, "llvm.ceil"},                                               \
    [OP_##F##_FLOOR] = {NUMBER_CALL, 0, "llvm.floor"},                                             \
    [OP_##F##_TRUNC] = {NUMBER_CALL, 0, "llvm.trunc"},                                             \
    [OP_##F##_NEAREST] = {NUMBER_CALL, 0, "llvm.roundeven"},                                       \
    [OP_##F##_SQRT] = {NUMBER_CALL, 0, "llvm.sqrt"},                                               \
    [OP_##F##_ADD] = {NUMBER_FLOAT, LLVMFAdd, NULL},                                               \
    [OP_##F##_SUB] = {NUMBER_FLOAT, LLVMFSub, NULL},                                               \
    [OP_##F##_MUL] = {NUMBER_FLOAT, LLVMFMul, NULL},                                               \
    [OP_##F##_DIV] = {NUMBER_FLOAT, LLVMFDiv, NULL},                                               \
    [OP_##F##_MIN] = {NUMBER_EXTREME, 0, NULL}, [OP_##F##_MAX] = {NUMBER_EXTREME, 1, NULL},        \
    [OP_##F##_COPYSIGN] = {NUMBER_CALL, 0, "llvm.copysign"},                                       \
    [OP_##F##_CONVERT_I32_S] = {NUMBER_CAST, LLVMSIToFP, NULL},                                    \
    [OP_##F##_CONVERT_I32_U] = {NUMBER_CAST, LLVMUIToFP, NULL},                                    \
    [OP_##F##_CONVERT_I64_S] = {NUMBER_CAST, LLVMSIToFP, NULL},                                    \
    [OP_##F##_CONVERT_I64_U] = {NUMBER_CAST, LLVMUIToFP, NULL}

static const struct number_row rows[OP_COUNT] = {
    INT_ROWS(I32),
    INT_ROWS(I64),
    FLOAT_ROWS(F32),
    FLOAT_ROWS(F64),
    [OP_I64_EXTEND32_S] = {NUMBER_EXTEND, 32, NULL},
    [OP_I32_WRAP_I64] = {NUMBER_CAST, LLVMTrunc, NULL},
    [OP_I64_EXTEND_I32_S] = {NUMBER_CAST, LLVMSExt, NULL},
    [OP_I64_EXTEND_I32_U] = {NUMBER_CAST, LLVMZExt, NULL},
    [OP_F64_PROMOTE_F32] = {NUMBER_CAST, LLVMFPExt, NULL},
    [OP_F32_DEMOTE_F64] = {NUMBER_DEMOTE, 0, NULL},
    [OP_I32_REINTERPRET_F32] = {NUMBER_CAST, LLVMBitCast, NULL},
    [OP_I64_REINTERPRET_F64] = {NUMBER_CAST, LLVMBitCast, NULL},
    [OP_F32_REINTERPRET_I32] = {NUMBER_CAST, LLVMBitCast, NULL},
    [OP_F64_REINTERPRET_I64] = {NUMBER_CAST, LLVMBitCast, NULL},
};

/* A letter of op.def's signatures. */
static valtype type_of_letter(char letter)
{
    switch (letter) {
    case 'i':
        return VT_I32;
    case 'l':
        return VT_I64;
    case 'f':
        return VT_F32;
    default:
        return VT_F64;
    }
}

/*
 * Division. LLVM leaves a division by 0 and the one that overflows undefined; a remainder by -1 is
 * 0, for which the divisor 1 does as well as a test of both operands.
 */
static LLVMValueRef divide(struct lower *l, LLVMOpcode opcode, LLVMValueRef x, LLVMValueRef y)
{
    LLVMBuilderRef b = l->unit->builder;
    LLVMTypeRef type = LLVMTypeOf(y);
    LLVMValueRef zero = LLVMConstNull(type), minus_1 = LLVMConstAllOnes(type);
    trap_if(l, LLVMBuildICmp(b, LLVMIntEQ, y, zero, ""), STINT_TRAP_DIVIDE_BY_ZERO);
    if (opcode == LLVMSDiv || opcode == LLVMSRem) {
        LLVMValueRef is_minus_1 = LLVMBuildICmp(b, LLVMIntEQ, y, minus_1, "");
        if (opcode == LLVMSRem) {
            y = LLVMBuildSelect(b, is_minus_1, LLVMConstInt(type, 1, 0), y, "");
        } else {
            uint64_t smallest = (uint64_t)1 << (LLVMGetIntTypeWidth(type) - 1);
            LLVMValueRef is_smallest =
                LLVMBuildICmp(b, LLVMIntEQ, x, LLVMConstInt(type, smallest, 0), "");
            trap_if(l, LLVMBuildAnd(b, is_minus_1, is_smallest, ""), STINT_TRAP_INTEGER_OVERFLOW);
        }
    }
    return LLVMBuildBinOp(b, opcode, x, y, "");
}

static LLVMValueRef shift(struct lower *l, LLVMOpcode opcode, LLVMValueRef x, LLVMValueRef count)
{
    LLVMTypeRef type = LLVMTypeOf(x);
    LLVMValueRef mask = LLVMConstInt(type, LLVMGetIntTypeWidth(type) - 1, 0);
    count = LLVMBuildAnd(l->unit->builder, count, mask, "");
    return LLVMBuildBinOp(l->unit->builder, opcode, x, count, "");
}

static LLVMValueRef extend_part(struct lower *l, unsigned bits, LLVMValueRef x)
{
    LLVMBuilderRef b = l->unit->builder;
    LLVMTypeRef part = LLVMIntTypeInContext(l->unit->context, bits);
    return LLVMBuildSExt(b, LLVMBuildTrunc(b, x, part, ""), LLVMTypeOf(x), "");
}

/* Operators of one operand. */
static LLVMValueRef unary(struct lower *l, enum op op, LLVMValueRef x, LLVMTypeRef result)
{
    const struct number_row *row = &rows[op];
    LLVMBuilderRef b = l->unit->builder;
    LLVMTypeRef types[2] = {LLVMTypeOf(x), NULL};
    LLVMValueRef args[2] = {x, LLVMConstInt(l->unit->i1, 0, 0)};
    switch (row->how) {
    case NUMBER_EQZ:
        return LLVMBuildICmp(b, LLVMIntEQ, x, LLVMConstNull(types[0]), "");
    case NUMBER_COUNT:
        return intrinsic(l, row->name, types, 1, args, 2);
    case NUMBER_CALL:
        return intrinsic(l, row->name, types, 1, args, 1);
    case NUMBER_FNEG:
        return LLVMBuildFNeg(b, x, "");
    case NUMBER_CAST:
        return LLVMBuildCast(b, (LLVMOpcode)row->code, x, result, "");
    case NUMBER_DEMOTE:
        return float_demote(l, x, result);
    case NUMBER_EXTEND:
        return extend_part(l, row->code, x);
    case NUMBER_TRUNCATE:
        return float_truncate(l, op, x);
    default: /* NUMBER_SATURATE */
        types[0] = result;
        types[1] = LLVMTypeOf(x);
        return intrinsic(l, row->name, types, 2, args, 1);
    }
}

/* Operators of two operands. */
static LLVMValueRef binary(struct lower *l, const struct number_row *row, LLVMValueRef x,
                           LLVMValueRef y)
{
    LLVMBuilderRef b = l->unit->builder;
    LLVMTypeRef type = LLVMTypeOf(x);
    LLVMValueRef args[3] = {x, y, y};
    switch (row->how) {
    case NUMBER_ICMP:
        return LLVMBuildICmp(b, (LLVMIntPredicate)row->code, x, y, "");
    case NUMBER_FCMP:
        return LLVMBuildFCmp(b, (LLVMRealPredicate)row->code, x, y, "");
    case NUMBER_BINARY:
        return LLVMBuildBinOp(b, (LLVMOpcode)row->code, x, y, "");
    case NUMBER_SHIFT:
        return shift(l, (LLVMOpcode)row->code, x, y);
    case NUMBER_FUNNEL:
        args[1] = x;
        return intrinsic(l, row->name, &type, 1, args, 3);
    case NUMBER_DIVIDE:
        return divide(l, (LLVMOpcode)row->code, x, y);
    case NUMBER_FLOAT:
        return float_binary(l, (LLVMOpcode)row->code, x, y);
    case NUMBER_EXTREME:
        return float_extreme(l, x, y, row->code != 0);
    default: /* NUMBER_CALL */
        return intrinsic(l, row->name, &type, 1, args, 2);
    }
}

bool lower_number_op(struct lower *l, enum op op)
{
    const struct number_row *row = &rows[op];
    if (row->how == NUMBER_NONE)
        return false;
    const char *signature = op_infos[op].signature;
    bool is_binary = signature[1] != ':';
    valtype result = type_of_letter(signature[is_binary ? 3 : 2]);
    LLVMValueRef last = lower_pop_v(l);
    LLVMValueRef value = is_binary ? binary(l, row, lower_pop_v(l), last)
                                   : unary(l, op, last, lower_type(l->unit, result));
    if (LLVMTypeOf(value) == l->unit->i1)
        value = LLVMBuildZExt(l->unit->builder, value, l->unit->i32, "");
    lower_push(l, value, result);
    return true;
}
