/* SPDX-License-Identifier: Apache-2.0 */
/* Constant expressions (core specification 3.0, 3.4): the body validator over fewer instructions. */
#include <string.h>

#include "wasm/validate_int.h"

/* The feature that makes an instruction constant, beside its own; 0 where nothing does. By
 * immediate where that says it: the build may be without some operators. */
static uint32_t const_feature(enum op op)
{
    switch (op) {
    case OP_GLOBAL_GET:
    case OP_REF_NULL:
    case OP_REF_FUNC:
        return FEATURE_MVP;
    case OP_I32_ADD:
    case OP_I32_SUB:
    case OP_I32_MUL:
    case OP_I64_ADD:
    case OP_I64_SUB:
    case OP_I64_MUL:
        return FEATURE_EXTENDED_CONST;
    default:
        break;
    }
    switch (op_infos[op].immediate) {
    case IMM_I32:
    case IMM_I64:
    case IMM_F32:
    case IMM_F64:
    case IMM_V128:
        return FEATURE_MVP;
    default:
        return validate_gc_is_const(op) ? FEATURE_GC : 0;
    }
}

/* A valid single instruction's form; its immediates are at `at`. */
static void note_form(enum op op, const uint8_t *at, struct const_expr *expr)
{
    expr->kind = CONST_BITS;
    switch (op_infos[op].immediate) {
    case IMM_I32:
        expr->bits[0] = (uint32_t)leb_next_signed(&at);
        break;
    case IMM_I64:
        expr->bits[0] = (uint64_t)leb_next_signed(&at);
        break;
    case IMM_F32:
        memcpy(&expr->bits[0], at, 4);
        break;
    case IMM_F64:
        memcpy(&expr->bits[0], at, 8);
        break;
    case IMM_V128:
        memcpy(expr->bits, at, 16);
        break;
    case IMM_GLOBAL:
        expr->index = (uint32_t)leb_next_unsigned(&at);
        expr->kind = CONST_GLOBAL_GET;
        break;
    case IMM_FUNC:
        expr->index = (uint32_t)leb_next_unsigned(&at);
        expr->kind = CONST_REF_FUNC;
        break;
    case IMM_HEAP:
        expr->kind = CONST_REF_NULL;
        break;
    default:
        expr->kind = CONST_CODE;
        break;
    }
}

/* global.get is constant where the global is; before GC, only imported ones were. */
static void check_global(struct validator *v, const uint8_t *at)
{
    const struct wasm_module *module = v->r.module;
    uint32_t index = (uint32_t)leb_next_unsigned(&at);
    uint32_t limit =
        (module->features & FEATURE_GC) != 0 ? module->global_count : module->import_global_count;
    if (index >= limit)
        validator_fail(v, STINT_INVALID, "unknown global %u: only imported ones may be named here",
                       index);
    else if (module->globals[index].type.is_mutable)
        validator_fail(v, STINT_INVALID, "constant expression required: global %u is mutable",
                       index);
}

static void const_op(struct validator *v, enum op op)
{
    uint32_t feature = const_feature(op);
    if (feature == 0) {
        validator_fail(v, STINT_INVALID, "constant expression required");
        return;
    }
    if (!validator_need_feature(v, feature) || !validator_reserve(v, 4))
        return;
    validate_op(v, op);
    if (op == OP_GLOBAL_GET && !reader_failed(&v->r))
        check_global(v, v->op_at + 1);
}

/* Instructions up to `end`; returns their number, and the first one with its immediates. */
static uint32_t const_ops(struct validator *v, enum op *ret_first, const uint8_t **ret_immediates)
{
    uint32_t count = 0;
    while (!reader_failed(&v->r)) {
        enum op op = validate_read_op(v);
        if (op == OP_END || op == OP_INVALID)
            break;
        if (count++ == 0) {
            *ret_first = op;
            *ret_immediates = v->r.at;
        }
        const_op(v, op);
    }
    return count;
}

void validate_const(struct validator *v, valtype type, struct const_expr *ret_expr)
{
    struct reader *r = &v->r;
    const struct block_type block = {.result_count = 1, .single = type};
    const uint8_t *start = r->at, *immediates = start;
    enum op first = OP_END;
    if (reader_failed(r))
        return;
    v->is_const = true;
    v->op_at = start;
    v->frame_count = 0;
    if (v->stack != NULL)
        v->sp = v->stack + STACK_PAD;
    validator_enter(v, FRAME_CONST, &block);
    uint32_t count = const_ops(v, &first, &immediates);
    if (!reader_failed(r))
        validator_pop(v, type);
    if (!reader_failed(r) && v->sp[-1] != STACK_MARK)
        validator_fail(v, STINT_INVALID,
                       "type mismatch: a constant expression gives one value, not more");
    if (reader_failed(r))
        return;
    *ret_expr = (struct const_expr){
        .kind = CONST_CODE,
        .type = type,
        .offset_bytes = (uint32_t)(start - r->module->bytes),
        .size_bytes = (uint32_t)(r->at - start),
    };
    if (count == 1)
        note_form(first, immediates, ret_expr);
}
