/* SPDX-License-Identifier: Apache-2.0 */
/* Vector operators: all of them work from slots to slots, by the letters of their signatures. */
#include <string.h>

#include "base/leb128.h"
#include "interp/simd_lists.h"
#include "interp/translate_int.h"

/* Handlers by operator; of loads and stores the form for memory 0. */
static const uint16_t simd_handlers[OP_COUNT] = {
#define ROW(id) [OP_##id] = H_simd_##id,
#define ROW2(id, bytes) [OP_##id] = H_simd_##id,
    SIMD_LIST_V_V(ROW) SIMD_LIST_VV_V(ROW) SIMD_LIST_VVV_V(ROW) SIMD_LIST_VI_V(ROW)
        SIMD_LIST_V_I(ROW) SIMD_LIST_SPLAT_I32(ROW) SIMD_LIST_SPLAT_I64(ROW)
            SIMD_LIST_SPLAT_F32(ROW) SIMD_LIST_SPLAT_F64(ROW) SIMD_LIST_EXTRACT_I32(ROW)
                SIMD_LIST_EXTRACT_I64(ROW) SIMD_LIST_EXTRACT_F32(ROW) SIMD_LIST_EXTRACT_F64(ROW)
                    SIMD_LIST_REPLACE_I32(ROW) SIMD_LIST_REPLACE_I64(ROW) SIMD_LIST_REPLACE_F32(ROW)
                        SIMD_LIST_REPLACE_F64(ROW) SIMD_LIST_SHUFFLE(ROW) SIMD_LIST_LOAD(ROW2)
                            SIMD_LIST_STORE(ROW2) SIMD_LIST_LOAD_LANE(ROW2)
                                SIMD_LIST_STORE_LANE(ROW2)
#undef ROW
#undef ROW2
};

static const uint16_t simd_far_handlers[OP_COUNT] = {
#define ROW2(id, bytes) [OP_##id] = H_far_simd_##id,
    SIMD_LIST_LOAD(ROW2) SIMD_LIST_STORE(ROW2) SIMD_LIST_LOAD_LANE(ROW2) SIMD_LIST_STORE_LANE(ROW2)
#undef ROW2
};

static valtype type_of_letter(char letter)
{
    switch (letter) {
    case 'i':
        return VT_I32;
    case 'l':
        return VT_I64;
    case 'f':
        return VT_F32;
    case 'd':
        return VT_F64;
    default:
        return VT_V128;
    }
}

static enum result result_of_letter(char letter)
{
    switch (letter) {
    case 'i':
    case 'l':
        return RESULT_INT;
    case 'f':
        return RESULT_F32;
    case 'd':
        return RESULT_F64;
    case 'v':
        return RESULT_SLOT;
    default:
        return RESULT_NONE;
    }
}

static void push_result(struct translator *t, struct ins *i, int32_t at, char letter)
{
    if (letter == '\0')
        return;
    i->c = slot_offset(tr_top_slot(t));
    tr_push_temp(t, type_of_letter(letter), at);
}

/* Operators on values alone. */
static void plain(struct translator *t, enum op op)
{
    const struct op_info *info = &op_infos[op];
    const char *colon = strchr(info->signature, ':');
    size_t count = (size_t)(colon - info->signature);
    struct entry operands[3];
    int32_t fields[3] = {0};
    uint8_t lane = 0, lanes[16] = {0};
    if (info->immediate == IMM_LANE)
        lane = *t->at++;
    if (info->immediate == IMM_SHUFFLE) {
        memcpy(lanes, t->at, sizeof(lanes));
        t->at += sizeof(lanes);
    }
    for (size_t k = count; k-- > 0;)
        operands[k] = tr_pop(t);
    /* Shifts by a constant have a handler of their own, the next one. */
    bool is_shift_by = count == 2 && info->immediate == IMM_NONE && info->signature[1] == 'i' &&
                       operands[1].kind == ENTRY_CONST;
    for (size_t k = 0; k < count; k++)
        fields[k] =
            is_shift_by && k == 1 ? (int32_t)operands[k].bits : tr_use_slot(t, &operands[k]);
    struct ins *i =
        tr_emit(t, simd_handlers[op] + is_shift_by, SHAPE_ONE, result_of_letter(colon[1]));
    int32_t at = t->n - 1;
    i->a = fields[0];
    i->b = fields[1];
    i->d = fields[2];
    if (info->immediate == IMM_LANE) {
        if (count == 1)
            i->b = lane;
        else
            i->d = lane;
    }
    push_result(t, i, at, colon[1]);
    if (info->immediate == IMM_SHUFFLE) {
        struct ins *second = tr_emit_data(t);
        memcpy(&second->a, lanes, 4);
        memcpy(&second->c, lanes + 4, 4);
        memcpy(&second->k, lanes + 8, 8);
    }
}

/* Loads and stores, with and without a lane. */
static void memory_op(struct translator *t, enum op op)
{
    const struct op_info *info = &op_infos[op];
    const char *colon = strchr(info->signature, ':');
    bool has_value = colon - info->signature == 2;
    uint64_t flags = leb_next_unsigned(&t->at);
    uint32_t memory = (flags & 64) != 0 ? (uint32_t)leb_next_unsigned(&t->at) : 0;
    uint64_t offset = leb_next_unsigned(&t->at);
    bool has_lane = info->immediate == IMM_MEMARG_LANE;
    uint8_t lane = has_lane ? *t->at++ : 0;
    bool is_64 = t->module->memories[memory].limits.is_64;
    bool is_far = memory != 0 || is_64;
    struct entry value = {0};
    if (has_value)
        value = tr_pop(t);
    struct entry index = tr_pop(t);
    int32_t index_field = tr_use_slot(t, &index);
    int32_t value_field = has_value ? tr_use_slot(t, &value) : 0;
    struct ins *i = tr_emit(t, is_far ? simd_far_handlers[op] : simd_handlers[op], SHAPE_ONE,
                            result_of_letter(colon[1]));
    int32_t at = t->n - 1;
    i->a = index_field;
    i->b = value_field;
    i->d = (int32_t)(is_far ? memory : (uint32_t)offset);
    push_result(t, i, at, colon[1]);
    if (is_far || has_lane) {
        struct ins *second = tr_emit_data(t);
        second->a = is_64 ? 64 : 32;
        second->c = lane;
        second->k = offset;
    }
}

static void constant(struct translator *t)
{
    struct ins *i = tr_emit(t, H_const_V, SHAPE_ONE, RESULT_SLOT);
    int32_t at = t->n - 1;
    push_result(t, i, at, 'v');
    struct ins *second = tr_emit_data(t);
    memcpy(&second->a, t->at, 4);
    memcpy(&second->c, t->at + 4, 4);
    memcpy(&second->k, t->at + 8, 8);
    t->at += 16;
}

bool translate_simd(struct translator *t, enum op op)
{
    if (op_infos[op].prefix != 0xfd)
        return false;
    if (op == OP_V128_CONST)
        constant(t);
    else if (op_infos[op].immediate == IMM_MEMARG || op_infos[op].immediate == IMM_MEMARG_LANE)
        memory_op(t, op);
    else
        plain(t, op);
    return true;
}
