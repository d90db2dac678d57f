/* SPDX-License-Identifier: Apache-2.0 */
/* Types of blocks, and which locals are worth a register. */
#include "interp/translate_int.h"

/* The types of single-result blocks, so that a block type is always a pointer and a count. */
static const valtype *single_result(valtype type)
{
    static const valtype common[] = {VT_I32, VT_I64, VT_F32, VT_F64, VT_V128};
    for (size_t i = 0; i < COUNT_OF(common); i++)
        if (common[i] == type)
            return &common[i];
    return NULL;
}

void tr_block_type(struct translator *t, struct control *control)
{
    uint8_t byte = *t->at;
    if (byte == 0x40) {
        t->at++;
        return;
    }
    if (byte >= 0x40 && byte < 0x80) {
        valtype type = tr_valtype(t);
        control->results = single_result(type);
        if (control->results == NULL) {
            control->single = type;
            control->has_single = true;
        }
        control->result_count = 1;
        return;
    }
    const struct type_def *type = t->module->types[leb_next_signed(&t->at)];
    control->params = type->params;
    control->param_count = type->param_count;
    control->results = type->results;
    control->result_count = type->result_count;
}

/* What follows each opcode without a prefix; IMMEDIATE_OTHER: look it up. */
enum { IMMEDIATE_OTHER = 0xff };
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
static const uint8_t immediate_of_byte[256] = {
    [0 ... 255] = IMMEDIATE_OTHER,
#define OP(id, prefix, code, text, imm, arg, sig, feature)                                         \
    [(prefix) == 0 ? (code) : 0xff] = (prefix) == 0 ? IMM_##imm : IMMEDIATE_OTHER,
#include "wasm/op.def"
#undef OP
};
#pragma GCC diagnostic pop

static void skip_other(const uint8_t **at)
{
    enum op op = body_op(at);
    body_skip_immediates(at, op);
}

/* Counts how often each local is named, eight times as much for each loop around it. */
static void weigh_locals(struct translator *t)
{
    enum { LOOP_SHIFT = 3, LOOP_DEPTH_MAX = 12 };
    const uint8_t end_code = (uint8_t)op_infos[OP_END].code;
    const uint8_t loop_code = (uint8_t)op_infos[OP_LOOP].code;
    const uint8_t *at = t->at;
    uint64_t loop_bits = 0; /* of the innermost 64 blocks; beyond them weights are an estimate */
    unsigned depth = 0;
    while (at < t->end) {
        uint8_t byte = *at++;
        unsigned loops = depth < LOOP_DEPTH_MAX ? depth : LOOP_DEPTH_MAX;
        switch (immediate_of_byte[byte]) {
        case IMM_NONE:
            if (byte == end_code) {
                depth -= (loop_bits & 1) != 0 && depth > 0;
                loop_bits >>= 1;
            }
            break;
        case IMM_LOCAL:
            t->locals[leb_next_unsigned(&at)].weight += UINT64_C(1) << (loops * LOOP_SHIFT);
            break;
        case IMM_I32:
        case IMM_LABEL:
        case IMM_FUNC:
        case IMM_GLOBAL:
            body_skip_leb(&at);
            break;
        case IMM_MEMARG:
            body_skip_memarg(&at);
            break;
        case IMM_BLOCK:
        case IMM_TRY_TABLE:
            loop_bits = loop_bits << 1 | (byte == loop_code);
            depth += byte == loop_code;
            body_skip_immediates(&at, (enum op)op_from_byte[byte]);
            break;
        default:
            at--;
            skip_other(&at);
            break;
        }
    }
}

void tr_choose_pins(struct translator *t)
{
    t->pin[0] = t->pin[1] = -1;
    if (PIN_COUNT == 0)
        return;
    weigh_locals(t);
    for (uint32_t i = 0; i < t->local_count; i++) {
        const struct local *l = &t->locals[i];
        if ((l->type != VT_I32 && l->type != VT_I64) || l->weight == 0 || l->slot > UINT16_MAX)
            continue;
        if (t->pin[0] < 0 || l->weight > t->locals[t->pin[0]].weight) {
            t->pin[1] = t->pin[0];
            t->pin[0] = (int32_t)i;
        } else if (t->pin[1] < 0 || l->weight > t->locals[t->pin[1]].weight) {
            t->pin[1] = (int32_t)i;
        }
    }
}
