/* SPDX-License-Identifier: Apache-2.0 */
/* Vector operators with memory or lanes: loads, stores, constants, splat, extract, replace, shuffle,
 * swizzle. */
#include "compiler/lower_ops.h"

enum lane_how {
    LANE_NONE,
    LANE_SPLAT,
    LANE_EXTRACT,   /* code: the sign is extended */
    LANE_REPLACE,
    LANE_LOAD,         /* the whole vector */
    LANE_LOAD_EXTEND,  /* shape: of the result; code: signed */
    LANE_LOAD_SPLAT,   /* shape: of the result, here and below */
    LANE_LOAD_ZERO,    /* lane 0 */
    LANE_LOAD_LANE,
    LANE_STORE,
    LANE_STORE_LANE,
    LANE_CONST,
    LANE_SHUFFLE,
    LANE_SWIZZLE,
};

struct lane_row {
    uint8_t how, shape, code;
};

#define LANE_ROWS(S) [OP_##S##_SPLAT] = {LANE_SPLAT, S, 0}, [OP_##S##_REPLACE_LANE] = {LANE_REPLACE, S, 0}
#define MEMORY_ROWS(bits, S)                                                                       \
    [OP_V128_LOAD##bits##_SPLAT] = {LANE_LOAD_SPLAT, S, 0},                                        \
    [OP_V128_LOAD##bits##_LANE] = {LANE_LOAD_LANE, S, 0},                                          \
    [OP_V128_STORE##bits##_LANE] = {LANE_STORE_LANE, S, 0}

static const struct lane_row rows[OP_COUNT] = {
    LANE_ROWS(I8X16),
    LANE_ROWS(I16X8),
    LANE_ROWS(I32X4),
    LANE_ROWS(I64X2),
    LANE_ROWS(F32X4),
    LANE_ROWS(F64X2),
    [OP_I8X16_EXTRACT_LANE_S] = {LANE_EXTRACT, I8X16, 1},
    [OP_I8X16_EXTRACT_LANE_U] = {LANE_EXTRACT, I8X16, 0},
    [OP_I16X8_EXTRACT_LANE_S] = {LANE_EXTRACT, I16X8, 1},
    [OP_I16X8_EXTRACT_LANE_U] = {LANE_EXTRACT, I16X8, 0},
    [OP_I32X4_EXTRACT_LANE] = {LANE_EXTRACT, I32X4, 0},
    [OP_I64X2_EXTRACT_LANE] = {LANE_EXTRACT, I64X2, 0},
    [OP_F32X4_EXTRACT_LANE] = {LANE_EXTRACT, F32X4, 0},
    [OP_F64X2_EXTRACT_LANE] = {LANE_EXTRACT, F64X2, 0},
    MEMORY_ROWS(8, I8X16),
    MEMORY_ROWS(16, I16X8),
    MEMORY_ROWS(32, I32X4),
    MEMORY_ROWS(64, I64X2),
    [OP_V128_LOAD] = {LANE_LOAD, I8X16, 0},
    [OP_V128_LOAD8X8_S] = {LANE_LOAD_EXTEND, I16X8, 1},
    [OP_V128_LOAD8X8_U] = {LANE_LOAD_EXTEND, I16X8, 0},
    [OP_V128_LOAD16X4_S] = {LANE_LOAD_EXTEND, I32X4, 1},
    [OP_V128_LOAD16X4_U] = {LANE_LOAD_EXTEND, I32X4, 0},
    [OP_V128_LOAD32X2_S] = {LANE_LOAD_EXTEND, I64X2, 1},
    [OP_V128_LOAD32X2_U] = {LANE_LOAD_EXTEND, I64X2, 0},
    [OP_V128_LOAD32_ZERO] = {LANE_LOAD_ZERO, I32X4, 0},
    [OP_V128_LOAD64_ZERO] = {LANE_LOAD_ZERO, I64X2, 0},
    [OP_V128_STORE] = {LANE_STORE, I8X16, 0},
    [OP_V128_CONST] = {LANE_CONST, I8X16, 0},
    [OP_I8X16_SHUFFLE] = {LANE_SHUFFLE, I8X16, 0},
    [OP_I8X16_SWIZZLE] = {LANE_SWIZZLE, I8X16, 0},
    [OP_I8X16_RELAXED_SWIZZLE] = {LANE_SWIZZLE, I8X16, 0},
};

/* ---- Lanes --------------------------------------------------------------------------------------- */

/* A number of the operand stack as a lane of this type. */
static LLVMValueRef to_lane(struct lower *l, LLVMValueRef number, LLVMTypeRef lane)
{
    if (LLVMTypeOf(number) == lane)
        return number;
    return LLVMBuildTrunc(l->unit->builder, number, lane, "");
}

static LLVMValueRef splat(struct lower *l, LLVMValueRef lane, LLVMTypeRef type)
{
    LLVMValueRef lanes = LLVMBuildInsertElement(l->unit->builder, LLVMGetPoison(type), lane,
                                                const_i32(l->unit, 0), "");
    return lanes_pick(l, lanes, NULL, 0, 0, LLVMGetVectorSize(type));
}

static LLVMValueRef lane_immediate(struct lower *l)
{
    return const_i32(l->unit, *lower_bytes(l, 1));
}

static void lower_extract(struct lower *l, const struct lane_row *row)
{
    const struct unit *u = l->unit;
    LLVMValueRef at = lane_immediate(l);
    LLVMValueRef lane = LLVMBuildExtractElement(u->builder, pop_lanes(l, row->shape), at, "");
    valtype type = row->shape == F64X2   ? VT_F64
                   : row->shape == F32X4 ? VT_F32
                   : row->shape == I64X2 ? VT_I64
                                         : VT_I32;
    if (LLVMTypeOf(lane) != lower_type(u, type))
        lane = row->code ? LLVMBuildSExt(u->builder, lane, u->i32, "")
                         : LLVMBuildZExt(u->builder, lane, u->i32, "");
    lower_push(l, lane, type);
}

static void lower_replace(struct lower *l, const struct lane_row *row)
{
    LLVMValueRef at = lane_immediate(l), number = lower_pop_v(l);
    LLVMValueRef lanes = pop_lanes(l, row->shape);
    number = to_lane(l, number, LLVMGetElementType(LLVMTypeOf(lanes)));
    push_lanes(l, LLVMBuildInsertElement(l->unit->builder, lanes, number, at, ""));
}

static void lower_const(struct lower *l)
{
    const uint8_t *bytes = lower_bytes(l, 16);
    LLVMValueRef lanes[16];
    for (unsigned i = 0; i < 16; i++)
        lanes[i] = LLVMConstInt(l->unit->i8, bytes[i], 0);
    push_lanes(l, LLVMConstVector(lanes, 16));
}

static void lower_shuffle(struct lower *l)
{
    const uint8_t *bytes = lower_bytes(l, 16);
    LLVMValueRef lanes[16], b = pop_lanes(l, I8X16), a = pop_lanes(l, I8X16);
    for (unsigned i = 0; i < 16; i++)
        lanes[i] = const_i32(l->unit, bytes[i]);
    push_lanes(l, LLVMBuildShuffleVector(l->unit->builder, a, b, LLVMConstVector(lanes, 16), ""));
}

/* pshufb gives 0 where the index has its top bit set, which the saturated sum brings about. */
static void lower_swizzle(struct lower *l)
{
    LLVMValueRef index = pop_lanes(l, I8X16), a = pop_lanes(l, I8X16);
    LLVMTypeRef type = LLVMTypeOf(a);
    if (l->unit->is_aarch64) {
        LLVMValueRef args[2] = {a, index};
        push_lanes(l, intrinsic(l, "llvm.aarch64.neon.tbl1", &type, 1, args, 2));
        return;
    }
    LLVMValueRef sum[2] = {index, lanes_of_int(type, 0x70)};
    LLVMValueRef args[2] = {a, intrinsic(l, "llvm.uadd.sat", &type, 1, sum, 2)};
    push_lanes(l, intrinsic(l, "llvm.x86.ssse3.pshuf.b.128", NULL, 0, args, 2));
}

/* ---- Memory -------------------------------------------------------------------------------------- */

static LLVMValueRef load(struct lower *l, struct memory_operand operand, LLVMTypeRef type,
                         uint64_t bytes)
{
    struct place place = lower_place(l, operand, lower_pop_v(l), bytes);
    return load_as(l, type, place.at, 1, place.kind);
}

/* Loads of lanes narrower than the result's. */
static LLVMValueRef load_extended(struct lower *l, struct memory_operand operand,
                                  const struct lane_row *row)
{
    const struct unit *u = l->unit;
    LLVMTypeRef type = shape_type(u, row->shape);
    unsigned count = LLVMGetVectorSize(type);
    LLVMTypeRef half = LLVMVectorType(LLVMIntTypeInContext(u->context, 64 / count), count);
    LLVMValueRef lanes = load(l, operand, half, 8);
    return row->code ? LLVMBuildSExt(u->builder, lanes, type, "")
                     : LLVMBuildZExt(u->builder, lanes, type, "");
}

static void lower_load(struct lower *l, const struct lane_row *row, uint64_t bytes)
{
    struct memory_operand operand = lower_memory_operand(l);
    LLVMTypeRef type = shape_type(l->unit, row->shape), lane = LLVMGetElementType(type);
    if (row->how == LANE_LOAD)
        push_lanes(l, load(l, operand, type, bytes));
    else if (row->how == LANE_LOAD_EXTEND)
        push_lanes(l, load_extended(l, operand, row));
    else if (row->how == LANE_LOAD_SPLAT)
        push_lanes(l, splat(l, load(l, operand, lane, bytes), type));
    else
        push_lanes(l, LLVMBuildInsertElement(l->unit->builder, LLVMConstNull(type),
                                             load(l, operand, lane, bytes),
                                             const_i32(l->unit, 0), ""));
}

static void lower_load_lane(struct lower *l, const struct lane_row *row, uint64_t bytes)
{
    struct memory_operand operand = lower_memory_operand(l);
    LLVMValueRef at = lane_immediate(l), lanes = pop_lanes(l, row->shape);
    LLVMValueRef lane = load(l, operand, LLVMGetElementType(LLVMTypeOf(lanes)), bytes);
    push_lanes(l, LLVMBuildInsertElement(l->unit->builder, lanes, lane, at, ""));
}

static void lower_store(struct lower *l, const struct lane_row *row, uint64_t bytes)
{
    struct memory_operand operand = lower_memory_operand(l);
    LLVMValueRef at = row->how == LANE_STORE_LANE ? lane_immediate(l) : NULL;
    LLVMValueRef value = pop_lanes(l, row->shape);
    if (at != NULL)
        value = LLVMBuildExtractElement(l->unit->builder, value, at, "");
    struct place place = lower_place(l, operand, lower_pop_v(l), bytes);
    store_as(l, value, place.at, 1, place.kind);
}

bool lower_vector_lane_op(struct lower *l, enum op op)
{
    const struct lane_row *row = &rows[op];
    LLVMTypeRef type = shape_type(l->unit, row->shape);
    uint64_t bytes = (uint64_t)1 << (op_infos[op].arg & 7);
    switch (row->how) {
    case LANE_NONE:
        return false;
    case LANE_SPLAT:
        push_lanes(l, splat(l, to_lane(l, lower_pop_v(l), LLVMGetElementType(type)), type));
        return true;
    case LANE_EXTRACT:
        lower_extract(l, row);
        return true;
    case LANE_REPLACE:
        lower_replace(l, row);
        return true;
    case LANE_LOAD_LANE:
        lower_load_lane(l, row, bytes);
        return true;
    case LANE_STORE:
    case LANE_STORE_LANE:
        lower_store(l, row, bytes);
        return true;
    case LANE_CONST:
        lower_const(l);
        return true;
    case LANE_SHUFFLE:
        lower_shuffle(l);
        return true;
    case LANE_SWIZZLE:
        lower_swizzle(l);
        return true;
    default: /* LANE_LOAD… */
        lower_load(l, row, bytes);
        return true;
    }
}
