/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vector operators (prefix 0xfd). Here: those that LLVM has as one operation on lanes, a row each,
 * and what the other lower_vector_*.c share. Relaxed operators do what the interpreter does
 * (interp/simd.h), on every machine.
 */
#include "compiler/lower_ops.h"

enum vector_how {
    VECTOR_NONE,
    VECTOR_ICMP,    /* code: LLVMIntPredicate */
    VECTOR_FCMP,    /* code: LLVMRealPredicate */
    VECTOR_BINARY,  /* code: LLVMOpcode of integers */
    VECTOR_ANDNOT,
    VECTOR_FLOAT,   /* code: LLVMOpcode of floats */
    VECTOR_SHIFT,   /* code: LLVMOpcode, with a count to be masked */
    VECTOR_CALL_1,  /* name: intrinsic of one operand */
    VECTOR_CALL_2,  /* name: intrinsic of two */
    VECTOR_ABS,
    VECTOR_NEG,
    VECTOR_FNEG,
    VECTOR_NOT,
    VECTOR_EXTREME, /* code: whether it is max */
    VECTOR_PICK,    /* pmin and pmax: code: LLVMRealPredicate of (b, a) that picks b */
    VECTOR_SELECT,  /* by bits of the third operand */
    VECTOR_MADD,    /* code: whether the product is negated */
    VECTOR_ANY_TRUE,
    VECTOR_ALL_TRUE,
    VECTOR_BITMASK,
};

struct vector_row {
    uint8_t how;
    uint8_t shape;
    uint8_t code;
    const char *name;
};

#define BITS_ROWS(S)                                                                               \
    [OP_##S##_ADD] = {VECTOR_BINARY, S, LLVMAdd, NULL},                                            \
    [OP_##S##_SUB] = {VECTOR_BINARY, S, LLVMSub, NULL},                                            \
    [OP_##S##_NEG] = {VECTOR_NEG, S, 0, NULL}, [OP_##S##_ABS] = {VECTOR_ABS, S, 0, NULL},          \
    [OP_##S##_EQ] = {VECTOR_ICMP, S, LLVMIntEQ, NULL},                                             \
    [OP_##S##_NE] = {VECTOR_ICMP, S, LLVMIntNE, NULL},                                             \
    [OP_##S##_LT_S] = {VECTOR_ICMP, S, LLVMIntSLT, NULL},                                          \
    [OP_##S##_GT_S] = {VECTOR_ICMP, S, LLVMIntSGT, NULL},                                          \
    [OP_##S##_LE_S] = {VECTOR_ICMP, S, LLVMIntSLE, NULL},                                          \
    [OP_##S##_GE_S] = {VECTOR_ICMP, S, LLVMIntSGE, NULL},                                          \
    [OP_##S##_SHL] = {VECTOR_SHIFT, S, LLVMShl, NULL},                                             \
    [OP_##S##_SHR_S] = {VECTOR_SHIFT, S, LLVMAShr, NULL},                                          \
    [OP_##S##_SHR_U] = {VECTOR_SHIFT, S, LLVMLShr, NULL},                                          \
    [OP_##S##_ALL_TRUE] = {VECTOR_ALL_TRUE, S, 0, NULL},                                           \
    [OP_##S##_BITMASK] = {VECTOR_BITMASK, S, 0, NULL},                                             \
    [OP_##S##_RELAXED_LANESELECT] = {VECTOR_SELECT, S, 0, NULL}

/* Lanes of up to 32 bits. */
#define ORDER_ROWS(S)                                                                              \
    [OP_##S##_LT_U] = {VECTOR_ICMP, S, LLVMIntULT, NULL},                                          \
    [OP_##S##_GT_U] = {VECTOR_ICMP, S, LLVMIntUGT, NULL},                                          \
    [OP_##S##_LE_U] = {VECTOR_ICMP, S, LLVMIntULE, NULL},                                          \
    [OP_##S##_GE_U] = {VECTOR_ICMP, S, LLVMIntUGE, NULL},                                          \
    [OP_##S##_MIN_S] = {VECTOR_CALL_2, S, 0, "llvm.smin"},                                         \
    [OP_##S##_MIN_U] = {VECTOR_CALL_2, S, 0, "llvm.umin"},                                         \
    [OP_##S##_MAX_S] = {VECTOR_CALL_2, S, 0, "llvm.smax"},                                         \
    [OP_##S##_MAX_U] = {VECTOR_CALL_2, S, 0, "llvm.umax"}

/* Lanes of 8 and 16 bits. */
#define SATURATE_ROWS(S)                                                                           \
    [OP_##S##_ADD_SAT_S] = {VECTOR_CALL_2, S, 0, "llvm.sadd.sat"},                                 \
    [OP_##S##_ADD_SAT_U] = {VECTOR_CALL_2, S, 0, "llvm.uadd.sat"},                                 \
    [OP_##S##_SUB_SAT_S] = {VECTOR_CALL_2, S, 0, "llvm.ssub.sat"},                                 \
    [OP_##S##_SUB_SAT_U] = {VECTOR_CALL_2, S, 0, "llvm.usub.sat"}

#define FLOAT_ROWS(S)                                                                              \
    [OP_##S##_EQ] = {VECTOR_FCMP, S, LLVMRealOEQ, NULL},                                           \
    [OP_##S##_NE] = {VECTOR_FCMP, S, LLVMRealUNE, NULL},                                           \
    [OP_##S##_LT] = {VECTOR_FCMP, S, LLVMRealOLT, NULL},                                           \
    [OP_##S##_GT] = {VECTOR_FCMP, S, LLVMRealOGT, NULL},                                           \
    [OP_##S##_LE] = {VECTOR_FCMP, S, LLVMRealOLE, NULL},                                           \
    [OP_##S##_GE] = {VECTOR_FCMP, S, LLVMRealOGE, NULL},                                           \
    [OP_##S##_ADD] = {VECTOR_FLOAT, S, LLVMFAdd, NULL},                                            \
    [OP_##S##_SUB] = {VECTOR_FLOAT, S, LLVMFSub, NULL},                                            \
    [OP_##S##_MUL] = {VECTOR_FLOAT, S, LLVMFMul, NULL},                                            \
    [OP_##S##_DIV] = {VECTOR_FLOAT, S, LLVMFDiv, NULL},                                            \
    [OP_##S##_ABS] = {VECTOR_CALL_1, S, 0, "llvm.fabs"},                                           \
    [OP_##S##_NEG] = {VECTOR_FNEG, S, 0, NULL},                                                    \
    [OP_##S##_SQRT] = {VECTOR_CALL_1, S, 0, "llvm.sqrt"},                                          \
    [OP_##S##_CEIL] = {VECTOR_CALL_1, S, 0, "llvm.ceil"},                                          \
    [OP_##S##_FLOOR] = {VECTOR_CALL_1, S, 0, "llvm.floor"},                                        \
    [OP_##S##_TRUNC] = {VECTOR_CALL_1, S, 0, "llvm.trunc"},                                        \
    [OP_##S##_NEAREST] = {VECTOR_CALL_1, S, 0, "llvm.roundeven"},                                  \
    [OP_##S##_MIN] = {VECTOR_EXTREME, S, 0, NULL}, [OP_##S##_MAX] = {VECTOR_EXTREME, S, 1, NULL},  \
    [OP_##S##_RELAXED_MIN] = {VECTOR_EXTREME, S, 0, NULL},                                         \
    [OP_##S##_RELAXED_MAX] = {VECTOR_EXTREME, S, 1, NULL},                                         \
    [OP_##S##_PMIN] = {VECTOR_PICK, S, LLVMRealOLT, NULL},                                         \
    [OP_##S##_PMAX] = {VECTOR_PICK, S, LLVMRealOGT, NULL},                                         \
    [OP_##S##_RELAXED_MADD] = {VECTOR_MADD, S, 0, NULL},                                           \
    [OP_##S##_RELAXED_NMADD] = {VECTOR_MADD, S, 1, NULL}

static const struct vector_row rows[OP_COUNT] = {
    BITS_ROWS(I8X16),
    BITS_ROWS(I16X8),
    BITS_ROWS(I32X4),
    BITS_ROWS(I64X2),
    ORDER_ROWS(I8X16),
    ORDER_ROWS(I16X8),
    ORDER_ROWS(I32X4),
    SATURATE_ROWS(I8X16),
    SATURATE_ROWS(I16X8),
    FLOAT_ROWS(F32X4),
    FLOAT_ROWS(F64X2),
    [OP_I16X8_MUL] = {VECTOR_BINARY, I16X8, LLVMMul, NULL},
    [OP_I32X4_MUL] = {VECTOR_BINARY, I32X4, LLVMMul, NULL},
    [OP_I64X2_MUL] = {VECTOR_BINARY, I64X2, LLVMMul, NULL},
    [OP_I8X16_POPCNT] = {VECTOR_CALL_1, I8X16, 0, "llvm.ctpop"},
    [OP_V128_NOT] = {VECTOR_NOT, I64X2, 0, NULL},
    [OP_V128_AND] = {VECTOR_BINARY, I64X2, LLVMAnd, NULL},
    [OP_V128_ANDNOT] = {VECTOR_ANDNOT, I64X2, 0, NULL},
    [OP_V128_OR] = {VECTOR_BINARY, I64X2, LLVMOr, NULL},
    [OP_V128_XOR] = {VECTOR_BINARY, I64X2, LLVMXor, NULL},
    [OP_V128_BITSELECT] = {VECTOR_SELECT, I64X2, 0, NULL},
    [OP_V128_ANY_TRUE] = {VECTOR_ANY_TRUE, I64X2, 0, NULL},
};

/* ---- Shared ------------------------------------------------------------------------------------- */

LLVMTypeRef shape_type(const struct unit *u, enum shape shape)
{
    const LLVMTypeRef types[] = {[I8X16] = u->v16i8, [I16X8] = u->v8i16, [I32X4] = u->v4i32,
                                 [I64X2] = u->v2i64, [F32X4] = u->v4f32, [F64X2] = u->v2f64};
    return types[shape];
}

/* The bytes of a constant as lanes of another type: LLVM folds this later only, and float_binary has
 * to know what a constant is. */
static LLVMValueRef constant_as(LLVMValueRef constant, LLVMTypeRef type)
{
    LLVMTypeRef lane_type = LLVMGetElementType(type);
    LLVMContextRef context = LLVMGetTypeContext(type);
    unsigned count = LLVMGetVectorSize(type), bytes = 16 / count;
    LLVMValueRef lanes[16];
    for (unsigned lane = 0; lane < count; lane++) {
        uint64_t bits = 0;
        for (unsigned i = bytes; i-- > 0;)
            bits = bits << 8 | LLVMConstIntGetZExtValue(
                                   LLVMGetAggregateElement(constant, lane * bytes + i));
        lanes[lane] = LLVMConstBitCast(
            LLVMConstInt(LLVMIntTypeInContext(context, bytes * 8), bits, 0), lane_type);
    }
    return LLVMConstVector(lanes, count);
}

LLVMValueRef as_type(struct lower *l, LLVMValueRef value, LLVMTypeRef type)
{
    if (LLVMIsAConstantDataVector(value) != NULL && LLVMTypeOf(value) == l->unit->v16i8 &&
        LLVMGetTypeKind(type) == LLVMVectorTypeKind)
        return constant_as(value, type);
    return LLVMBuildBitCast(l->unit->builder, value, type, "");
}

LLVMValueRef pop_lanes(struct lower *l, enum shape shape)
{
    return as_type(l, lower_pop_v(l), shape_type(l->unit, shape));
}

void push_lanes(struct lower *l, LLVMValueRef lanes)
{
    lower_push(l, as_type(l, lanes, l->unit->v128), VT_V128);
}

/* A constant in all lanes of a type of at most 16. */
static LLVMValueRef constant_lanes(LLVMTypeRef type, LLVMValueRef lane)
{
    LLVMValueRef lanes[16];
    for (unsigned i = 0; i < LLVMGetVectorSize(type); i++)
        lanes[i] = lane;
    return LLVMConstVector(lanes, LLVMGetVectorSize(type));
}

LLVMValueRef lanes_of_int(LLVMTypeRef type, uint64_t value)
{
    return constant_lanes(type, LLVMConstInt(LLVMGetElementType(type), value, 0));
}

LLVMValueRef lanes_of_real(LLVMTypeRef type, double value)
{
    return constant_lanes(type, LLVMConstReal(LLVMGetElementType(type), value));
}

LLVMValueRef lanes_mask(struct lower *l, LLVMValueRef condition, LLVMTypeRef type)
{
    return LLVMBuildSExt(l->unit->builder, condition, type, "");
}

LLVMValueRef lanes_pick(struct lower *l, LLVMValueRef a, LLVMValueRef b, unsigned first,
                        unsigned step, unsigned count)
{
    LLVMValueRef lanes[16];
    for (unsigned i = 0; i < count; i++)
        lanes[i] = const_i32(l->unit, first + i * step);
    if (b == NULL)
        b = LLVMGetPoison(LLVMTypeOf(a));
    return LLVMBuildShuffleVector(l->unit->builder, a, b, LLVMConstVector(lanes, count), "");
}

/* ---- Rows --------------------------------------------------------------------------------------- */

/* A count in all lanes, below their width. */
static LLVMValueRef shift_count(struct lower *l, LLVMValueRef count, LLVMTypeRef type)
{
    LLVMBuilderRef b = l->unit->builder;
    LLVMTypeRef lane = LLVMGetElementType(type);
    unsigned bits = LLVMGetIntTypeWidth(lane);
    count = LLVMBuildAnd(b, count, const_i32(l->unit, bits - 1), "");
    count = bits > 32 ? LLVMBuildZExt(b, count, lane, "") : LLVMBuildTrunc(b, count, lane, "");
    LLVMValueRef lanes = LLVMGetPoison(type);
    lanes = LLVMBuildInsertElement(b, lanes, count, const_i32(l->unit, 0), "");
    return lanes_pick(l, lanes, NULL, 0, 0, LLVMGetVectorSize(type));
}

/* The vector of i1 as an integer, a bit a lane. */
static LLVMValueRef bits_of(struct lower *l, LLVMValueRef condition)
{
    unsigned count = LLVMGetVectorSize(LLVMTypeOf(condition));
    return as_type(l, condition, LLVMIntTypeInContext(l->unit->context, count));
}

/* Operators that give an i32. */
static void lower_test(struct lower *l, const struct vector_row *row)
{
    LLVMBuilderRef b = l->unit->builder;
    LLVMValueRef a = pop_lanes(l, row->shape), result;
    LLVMValueRef zero = LLVMConstNull(LLVMTypeOf(a));
    if (row->how == VECTOR_ANY_TRUE) {
        result = as_type(l, a, l->unit->i128);
        result = LLVMBuildICmp(b, LLVMIntNE, result, LLVMConstNull(l->unit->i128), "");
    } else if (row->how == VECTOR_ALL_TRUE) {
        result = bits_of(l, LLVMBuildICmp(b, LLVMIntEQ, a, zero, ""));
        result = LLVMBuildICmp(b, LLVMIntEQ, result, LLVMConstNull(LLVMTypeOf(result)), "");
    } else {
        result = bits_of(l, LLVMBuildICmp(b, LLVMIntSLT, a, zero, ""));
    }
    lower_push(l, LLVMBuildZExt(b, result, l->unit->i32, ""), VT_I32);
}

static LLVMValueRef unary(struct lower *l, const struct vector_row *row, LLVMValueRef a)
{
    LLVMBuilderRef b = l->unit->builder;
    LLVMTypeRef type = LLVMTypeOf(a);
    LLVMValueRef args[2] = {a, LLVMConstInt(l->unit->i1, 0, 0)};
    switch (row->how) {
    case VECTOR_ABS:
        return intrinsic(l, "llvm.abs", &type, 1, args, 2);
    case VECTOR_NEG:
        return LLVMBuildNeg(b, a, "");
    case VECTOR_FNEG:
        return LLVMBuildFNeg(b, a, "");
    case VECTOR_NOT:
        return LLVMBuildNot(b, a, "");
    default: /* VECTOR_CALL_1 */
        return intrinsic(l, row->name, &type, 1, args, 1);
    }
}

/* (a & mask) | (b & ~mask). */
static LLVMValueRef select_bits(struct lower *l, LLVMValueRef a, LLVMValueRef b, LLVMValueRef mask)
{
    LLVMBuilderRef builder = l->unit->builder;
    LLVMValueRef yes = LLVMBuildAnd(builder, a, mask, "");
    LLVMValueRef no = LLVMBuildAnd(builder, b, LLVMBuildNot(builder, mask, ""), "");
    return LLVMBuildOr(builder, yes, no, "");
}

static LLVMValueRef ternary(struct lower *l, const struct vector_row *row, LLVMValueRef a,
                            LLVMValueRef b, LLVMValueRef c)
{
    if (row->how == VECTOR_SELECT)
        return select_bits(l, a, b, c);
    LLVMValueRef product = float_binary(l, LLVMFMul, a, b);
    return row->code ? float_binary(l, LLVMFSub, c, product)
                     : float_binary(l, LLVMFAdd, product, c);
}

static LLVMValueRef binary(struct lower *l, const struct vector_row *row, LLVMValueRef a,
                           LLVMValueRef b)
{
    LLVMBuilderRef builder = l->unit->builder;
    LLVMTypeRef type = LLVMTypeOf(a);
    LLVMValueRef args[2] = {a, b}, condition;
    switch (row->how) {
    case VECTOR_ICMP:
        return lanes_mask(l, LLVMBuildICmp(builder, (LLVMIntPredicate)row->code, a, b, ""), type);
    case VECTOR_FCMP:
        condition = LLVMBuildFCmp(builder, (LLVMRealPredicate)row->code, a, b, "");
        return lanes_mask(l, condition, float_bits_type(l, type));
    case VECTOR_ANDNOT:
        return LLVMBuildAnd(builder, a, LLVMBuildNot(builder, b, ""), "");
    case VECTOR_FLOAT:
        return float_binary(l, (LLVMOpcode)row->code, a, b);
    case VECTOR_CALL_2:
        return intrinsic(l, row->name, &type, 1, args, 2);
    case VECTOR_EXTREME:
        return float_extreme(l, a, b, row->code != 0);
    case VECTOR_PICK:
        condition = LLVMBuildFCmp(builder, (LLVMRealPredicate)row->code, b, a, "");
        return LLVMBuildSelect(builder, condition, b, a, "");
    default: /* VECTOR_BINARY, VECTOR_SHIFT */
        return LLVMBuildBinOp(builder, (LLVMOpcode)row->code, a, b, "");
    }
}

bool lower_vector_op(struct lower *l, enum op op)
{
    const struct vector_row *row = &rows[op];
    LLVMValueRef a, b, c;
    switch (row->how) {
    case VECTOR_NONE:
        return lower_vector_lane_op(l, op) || lower_vector_int_op(l, op) ||
               lower_vector_float_op(l, op);
    case VECTOR_ANY_TRUE:
    case VECTOR_ALL_TRUE:
    case VECTOR_BITMASK:
        lower_test(l, row);
        return true;
    case VECTOR_CALL_1:
    case VECTOR_ABS:
    case VECTOR_NEG:
    case VECTOR_FNEG:
    case VECTOR_NOT:
        push_lanes(l, unary(l, row, pop_lanes(l, row->shape)));
        return true;
    case VECTOR_SELECT:
    case VECTOR_MADD:
        c = pop_lanes(l, row->shape);
        b = pop_lanes(l, row->shape);
        a = pop_lanes(l, row->shape);
        push_lanes(l, ternary(l, row, a, b, c));
        return true;
    default:
        b = row->how == VECTOR_SHIFT
                ? shift_count(l, lower_pop_v(l), shape_type(l->unit, row->shape))
                : pop_lanes(l, row->shape);
        a = pop_lanes(l, row->shape);
        push_lanes(l, binary(l, row, a, b));
        return true;
    }
}
