/* SPDX-License-Identifier: Apache-2.0 */
/* Integer vector operators whose lanes change width on the way: extend, extmul, extadd, narrow,
 * averages, dot and Q15 products. */
#include "compiler/lower_ops.h"

enum width_how {
    WIDTH_NONE,
    WIDTH_EXTEND, /* shape: of the result, as below; low or high half; signed */
    WIDTH_EXTMUL,
    WIDTH_EXTADD,
    WIDTH_NARROW,
    WIDTH_AVERAGE,
    WIDTH_DOT,         /* i32x4.dot_i16x8_s */
    WIDTH_DOT_BYTES,   /* i16x8.relaxed_dot_i8x16_i7x16_s */
    WIDTH_DOT_BYTES_2, /* i32x4.relaxed_dot_i8x16_i7x16_add_s */
    WIDTH_Q15,
};

struct width_row {
    uint8_t how, shape;
    bool is_high, is_signed;
};

#define EXTEND_ROWS(W, N)                                                                          \
    [OP_##W##_EXTEND_LOW_##N##_S] = {WIDTH_EXTEND, W, false, true},                                \
    [OP_##W##_EXTEND_LOW_##N##_U] = {WIDTH_EXTEND, W, false, false},                               \
    [OP_##W##_EXTEND_HIGH_##N##_S] = {WIDTH_EXTEND, W, true, true},                                \
    [OP_##W##_EXTEND_HIGH_##N##_U] = {WIDTH_EXTEND, W, true, false},                               \
    [OP_##W##_EXTMUL_LOW_##N##_S] = {WIDTH_EXTMUL, W, false, true},                                \
    [OP_##W##_EXTMUL_LOW_##N##_U] = {WIDTH_EXTMUL, W, false, false},                               \
    [OP_##W##_EXTMUL_HIGH_##N##_S] = {WIDTH_EXTMUL, W, true, true},                                \
    [OP_##W##_EXTMUL_HIGH_##N##_U] = {WIDTH_EXTMUL, W, true, false}
#define EXTADD_ROWS(W, N)                                                                          \
    [OP_##W##_EXTADD_PAIRWISE_##N##_S] = {WIDTH_EXTADD, W, false, true},                           \
    [OP_##W##_EXTADD_PAIRWISE_##N##_U] = {WIDTH_EXTADD, W, false, false}
#define NARROW_ROWS(N, W)                                                                          \
    [OP_##N##_NARROW_##W##_S] = {WIDTH_NARROW, N, false, true},                                    \
    [OP_##N##_NARROW_##W##_U] = {WIDTH_NARROW, N, false, false}

static const struct width_row rows[OP_COUNT] = {
    EXTEND_ROWS(I16X8, I8X16),
    EXTEND_ROWS(I32X4, I16X8),
    EXTEND_ROWS(I64X2, I32X4),
    EXTADD_ROWS(I16X8, I8X16),
    EXTADD_ROWS(I32X4, I16X8),
    NARROW_ROWS(I8X16, I16X8),
    NARROW_ROWS(I16X8, I32X4),
    [OP_I8X16_AVGR_U] = {WIDTH_AVERAGE, I8X16, false, false},
    [OP_I16X8_AVGR_U] = {WIDTH_AVERAGE, I16X8, false, false},
    [OP_I32X4_DOT_I16X8_S] = {WIDTH_DOT, I32X4, false, true},
    [OP_I16X8_RELAXED_DOT_I8X16_I7X16_S] = {WIDTH_DOT_BYTES, I16X8, false, true},
    [OP_I32X4_RELAXED_DOT_I8X16_I7X16_ADD_S] = {WIDTH_DOT_BYTES_2, I32X4, false, true},
    [OP_I16X8_Q15MULR_SAT_S] = {WIDTH_Q15, I16X8, false, true},
    [OP_I16X8_RELAXED_Q15MULR_S] = {WIDTH_Q15, I16X8, false, true},
};

static enum shape wider(enum shape shape)
{
    return shape == I8X16 ? I16X8 : shape == I16X8 ? I32X4 : I64X2;
}

static enum shape narrower(enum shape shape)
{
    return shape == I64X2 ? I32X4 : shape == I32X4 ? I16X8 : I8X16;
}

/* The same number of lanes, twice as wide. */
static LLVMTypeRef widened(const struct unit *u, LLVMTypeRef type)
{
    unsigned bits = LLVMGetIntTypeWidth(LLVMGetElementType(type));
    return LLVMVectorType(LLVMIntTypeInContext(u->context, bits * 2), LLVMGetVectorSize(type));
}

static LLVMValueRef widen(struct lower *l, LLVMValueRef lanes, bool is_signed)
{
    LLVMTypeRef type = widened(l->unit, LLVMTypeOf(lanes));
    return is_signed ? LLVMBuildSExt(l->unit->builder, lanes, type, "")
                     : LLVMBuildZExt(l->unit->builder, lanes, type, "");
}

/* One half of a vector, its lanes widened. */
static LLVMValueRef extend(struct lower *l, const struct width_row *row, LLVMValueRef lanes)
{
    unsigned count = LLVMGetVectorSize(LLVMTypeOf(lanes)) / 2;
    return widen(l, lanes_pick(l, lanes, NULL, row->is_high ? count : 0, 1, count),
                 row->is_signed);
}

/* The sum of neighbours: lane 0 + lane 1, lane 2 + lane 3, … */
static LLVMValueRef add_pairs(struct lower *l, LLVMValueRef lanes)
{
    unsigned count = LLVMGetVectorSize(LLVMTypeOf(lanes)) / 2;
    return LLVMBuildAdd(l->unit->builder, lanes_pick(l, lanes, NULL, 0, 2, count),
                        lanes_pick(l, lanes, NULL, 1, 2, count), "");
}

/* pmaddubsw and pmaddwd multiply by 1 and add pairs; there is none for unsigned 16-bit lanes. */
static LLVMValueRef extadd(struct lower *l, const struct width_row *row, LLVMValueRef a)
{
    const struct unit *u = l->unit;
    LLVMTypeRef type = LLVMTypeOf(a), wide = shape_type(u, row->shape);
    LLVMTypeRef types[2] = {wide, type};
    LLVMValueRef args[2] = {a, lanes_of_int(type, 1)};
    if (u->is_aarch64)
        return intrinsic(l, row->is_signed ? "llvm.aarch64.neon.saddlp" : "llvm.aarch64.neon.uaddlp",
                         types, 2, args, 1);
    if (row->shape == I16X8) {
        /* The first operand is the unsigned one. */
        if (row->is_signed) {
            args[0] = args[1];
            args[1] = a;
        }
        return intrinsic(l, "llvm.x86.ssse3.pmadd.ub.sw.128", NULL, 0, args, 2);
    }
    if (row->is_signed)
        return intrinsic(l, "llvm.x86.sse2.pmadd.wd", NULL, 0, args, 2);
    LLVMValueRef pairs = as_type(l, a, wide);
    LLVMValueRef low = LLVMBuildAnd(u->builder, pairs, lanes_of_int(wide, 0xffff), "");
    LLVMValueRef high = LLVMBuildLShr(u->builder, pairs, lanes_of_int(wide, 16), "");
    return LLVMBuildAdd(u->builder, low, high, "");
}

/* Products of neighbours added up; wraps where -32768 meets itself twice. */
static LLVMValueRef dot(struct lower *l, LLVMValueRef a, LLVMValueRef b)
{
    LLVMValueRef products = LLVMBuildMul(l->unit->builder, widen(l, a, true), widen(l, b, true), "");
    return add_pairs(l, products);
}

/* Both operands behind each other, clamped to what the narrow lanes hold. */
static LLVMValueRef narrow(struct lower *l, const struct width_row *row, LLVMValueRef a,
                           LLVMValueRef b)
{
    LLVMTypeRef type = shape_type(l->unit, row->shape);
    unsigned count = LLVMGetVectorSize(type);
    unsigned bits = LLVMGetIntTypeWidth(LLVMGetElementType(type));
    int64_t most = ((int64_t)1 << (row->is_signed ? bits - 1 : bits)) - 1;
    int64_t least = row->is_signed ? -most - 1 : 0;
    LLVMValueRef both = lanes_pick(l, a, b, 0, 1, count);
    LLVMTypeRef wide = LLVMTypeOf(both);
    LLVMValueRef args[2] = {both, lanes_of_int(wide, (uint64_t)least)};
    args[0] = intrinsic(l, "llvm.smax", &wide, 1, args, 2);
    args[1] = lanes_of_int(wide, (uint64_t)most);
    both = intrinsic(l, "llvm.smin", &wide, 1, args, 2);
    return LLVMBuildTrunc(l->unit->builder, both, type, "");
}

static LLVMValueRef average(struct lower *l, LLVMValueRef a, LLVMValueRef b)
{
    LLVMBuilderRef builder = l->unit->builder;
    LLVMTypeRef type = LLVMTypeOf(a), wide = widened(l->unit, type);
    LLVMValueRef one = lanes_of_int(wide, 1);
    LLVMValueRef sum = LLVMBuildAdd(builder, widen(l, a, false), widen(l, b, false), "");
    sum = LLVMBuildLShr(builder, LLVMBuildAdd(builder, sum, one, ""), one, "");
    return LLVMBuildTrunc(builder, sum, type, "");
}

/* pmulhrsw wraps where sqrdmulh saturates: for -32768 times itself, and gives -32768 only then. */
static LLVMValueRef q15_product(struct lower *l, LLVMValueRef a, LLVMValueRef b)
{
    LLVMBuilderRef builder = l->unit->builder;
    LLVMTypeRef type = LLVMTypeOf(a);
    LLVMValueRef args[2] = {a, b};
    if (l->unit->is_aarch64)
        return intrinsic(l, "llvm.aarch64.neon.sqrdmulh", &type, 1, args, 2);
    LLVMValueRef product = intrinsic(l, "llvm.x86.ssse3.pmul.hr.sw.128", NULL, 0, args, 2);
    LLVMValueRef wrapped =
        LLVMBuildICmp(builder, LLVMIntEQ, product, lanes_of_int(type, 0x8000), "");
    return LLVMBuildXor(builder, product, lanes_mask(l, wrapped, type), "");
}

static LLVMValueRef binary(struct lower *l, const struct width_row *row, LLVMValueRef a,
                           LLVMValueRef b)
{
    switch (row->how) {
    case WIDTH_EXTMUL:
        return LLVMBuildMul(l->unit->builder, extend(l, row, a), extend(l, row, b), "");
    case WIDTH_NARROW:
        return narrow(l, row, a, b);
    case WIDTH_AVERAGE:
        return average(l, a, b);
    case WIDTH_Q15:
        return q15_product(l, a, b);
    default: /* WIDTH_DOT… */
        return dot(l, a, b);
    }
}

bool lower_vector_int_op(struct lower *l, enum op op)
{
    static const struct width_row pairs_row = {WIDTH_EXTADD, I32X4, false, true};
    const struct width_row *row = &rows[op];
    LLVMValueRef a, b, c;
    enum shape operand = narrower((enum shape)row->shape);
    switch (row->how) {
    case WIDTH_NONE:
        return false;
    case WIDTH_EXTEND:
        push_lanes(l, extend(l, row, pop_lanes(l, operand)));
        return true;
    case WIDTH_EXTADD:
        push_lanes(l, extadd(l, row, pop_lanes(l, operand)));
        return true;
    case WIDTH_DOT_BYTES_2:
        c = pop_lanes(l, I32X4);
        b = pop_lanes(l, I8X16);
        a = pop_lanes(l, I8X16);
        a = extadd(l, &pairs_row, dot(l, a, b));
        push_lanes(l, LLVMBuildAdd(l->unit->builder, a, c, ""));
        return true;
    case WIDTH_NARROW:
        operand = wider((enum shape)row->shape);
        break;
    case WIDTH_AVERAGE:
    case WIDTH_Q15:
        operand = (enum shape)row->shape;
        break;
    default: /* WIDTH_EXTMUL, WIDTH_DOT… */
        break;
    }
    b = pop_lanes(l, operand);
    a = pop_lanes(l, operand);
    push_lanes(l, binary(l, row, a, b));
    return true;
}
