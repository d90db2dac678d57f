/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks, branches, calls and exceptions (core specification 3.0, 3.4). */
#include "wasm/limits.h"
#include "wasm/validate_int.h"

/* Blocks. */

static struct block_type read_block_type(struct validator *v)
{
    enum { EMPTY = 0x40 };
    struct reader *r = &v->r;
    struct block_type type = {0};
    const uint8_t *at = r->at;
    if (at < r->end && *at == EMPTY) {
        r->at++;
        return type;
    }
    if (at < r->end && (*at & 0xc0) == 0x40) {
        type.single = read_valtype(r);
        type.result_count = 1;
        return type;
    }
    /* A type index is a positive s33; its encodings are those of u32 but for the sign bit. */
    int64_t index = 0;
    enum leb_result result = leb_read_s33(&r->at, r->end, &index);
    if (result == LEB_TRUNCATED) {
        read_bytes(r, SIZE_MAX);
    } else if (result != LEB_OK || index < 0) {
        validator_fail(v, STINT_MALFORMED, "%s: the block type",
                       result == LEB_TOO_LONG ? "integer representation too long"
                                              : "integer too large");
    } else if (index >= r->module->type_count) {
        validator_fail(v, STINT_INVALID, "unknown type %lld: the module has %u", (long long)index,
                       r->module->type_count);
    } else if (validator_need_feature(v, FEATURE_MULTI_VALUE)) {
        const struct type_def *def = r->module->types[index];
        if (def->kind != TYPE_FUNC)
            validator_fail(v, STINT_INVALID, "type mismatch: type %lld is not a function type",
                           (long long)index);
        type.params = def->params;
        type.results = def->results;
        type.param_count = def->param_count;
        type.result_count = def->result_count;
    }
    return type;
}

/* Takes a block's results off the stack, on which nothing may remain. */
static void leave(struct validator *v, const struct frame *frame)
{
    validator_pop_types(v, frame_results(frame), frame->type.result_count);
    if (reader_failed(&v->r))
        return;
    if (v->sp[-1] != STACK_MARK) {
        char text[TYPE_TEXT_BYTES];
        validator_fail(v, STINT_INVALID,
                       "type mismatch: the block has %u results, but [%s] is left on the stack",
                       frame->type.result_count,
                       reader_format_type(v->r.module, v->sp[-1], text, sizeof(text)));
        return;
    }
    v->sp--;
    validator_forget_sets(v, frame->set_count);
}

static void do_else(struct validator *v)
{
    struct frame *frame = validator_top(v);
    if (frame->kind != FRAME_IF) {
        validator_fail(v, STINT_MALFORMED, "misplaced ELSE opcode");
        return;
    }
    leave(v, frame);
    frame->kind = FRAME_ELSE;
    frame->is_unreachable = false;
    validator_push(v, STACK_MARK);
    validator_push_types(v, frame->type.params, frame->type.param_count);
}

/* An `if` without `else` hands its parameters on as results. */
static void check_missing_else(struct validator *v, const struct block_type *type)
{
    bool same = type->param_count == type->result_count;
    for (uint32_t i = 0; same && i < type->param_count; i++) {
        valtype result = type->results != NULL ? type->results[i] : type->single;
        same = validator_matches(v, type->params[i], result);
    }
    if (!same)
        validator_fail(v, STINT_INVALID,
                       "type mismatch: an if without else must have the same parameters as "
                       "results");
}

static void do_end(struct validator *v)
{
    struct frame *frame = validator_top(v);
    leave(v, frame);
    if (frame->kind == FRAME_IF)
        check_missing_else(v, &frame->type);
    if (reader_failed(&v->r))
        return;
    v->frame_count--;
    /* The frame's memory stays as it was. */
    if (frame->kind != FRAME_FUNCTION)
        validator_push_types(v, frame_results(frame), frame->type.result_count);
}

/* Exceptions. */

static const struct type_def *read_tag(struct validator *v)
{
    uint32_t tag = validator_read_index(v, v->r.module->tag_count, "tag");
    return tag == UINT32_MAX ? NULL : v->r.module->tag_types[tag];
}

/* One catch clause; labels count from outside the block, which is not open yet. */
static void read_catch(struct validator *v)
{
    enum { CATCH, CATCH_REF, CATCH_ALL, CATCH_ALL_REF };
    static const valtype exn = VT_MAKE_REF(HEAP_EXN);
    uint8_t kind = read_byte(&v->r);
    if (kind > CATCH_ALL_REF) {
        validator_fail(v, STINT_MALFORMED, "malformed catch clause 0x%02x", kind);
        return;
    }
    const struct type_def *tag = NULL;
    if ((kind == CATCH || kind == CATCH_REF) && (tag = read_tag(v)) == NULL)
        return;
    const struct frame *frame = validator_read_label(v);
    if (frame == NULL)
        return;
    uint32_t params = tag != NULL ? tag->param_count : 0;
    uint32_t refs = kind == CATCH_REF || kind == CATCH_ALL_REF;
    bool same = frame->label_count == params + refs;
    const valtype *labels = frame_labels(frame);
    for (uint32_t i = 0; same && i < params + refs; i++)
        same = validator_matches(v, i < params ? tag->params[i] : exn, labels[i]);
    if (!same)
        validator_fail(v, STINT_INVALID,
                       "type mismatch: a catch clause gives other values than its label takes");
}

static void do_try_table(struct validator *v)
{
    struct block_type type = read_block_type(v);
    uint32_t count = read_count(&v->r, UINT32_MAX, 2, "catch clauses");
    for (uint32_t i = 0; i < count && !reader_failed(&v->r); i++)
        read_catch(v);
    validator_enter(v, FRAME_TRY_TABLE, &type);
}

/* select */

static void do_select(struct validator *v)
{
    validator_pop(v, VT_I32);
    valtype first = validator_pop_any(v), second = validator_pop_any(v);
    valtype type = first == VT_BOT ? second : first;
    char text[TYPE_TEXT_BYTES];
    if (vt_is_ref(first) || vt_is_ref(second))
        validator_fail(
            v, STINT_INVALID, "type mismatch: select of references must name their type, found %s",
            reader_format_type(v->r.module, vt_is_ref(first) ? first : second, text, sizeof(text)));
    else if (second != VT_BOT && type != second)
        validator_fail_types(v, v->op_at, first, second, "both operands of select must be");
    validator_push(v, type);
}

static void do_select_typed(struct validator *v)
{
    uint32_t count = read_u32(&v->r);
    if (count != 1) {
        validator_fail(v, STINT_INVALID, "invalid result arity: select gives one value, not %u",
                       count);
        return;
    }
    valtype type = read_valtype(&v->r);
    validator_pop(v, VT_I32);
    validator_pop(v, type);
    validator_pop(v, type);
    validator_push(v, type);
}

void validate_control_op(struct validator *v, enum op op)
{
    struct block_type type;
    const struct type_def *tag;
    switch (op) {
    case OP_UNREACHABLE:
        validator_set_unreachable(v);
        break;
    case OP_BLOCK:
    case OP_LOOP:
        type = read_block_type(v);
        validator_enter(v, op == OP_BLOCK ? FRAME_BLOCK : FRAME_LOOP, &type);
        break;
    case OP_IF:
        type = read_block_type(v);
        validator_pop(v, VT_I32);
        validator_enter(v, FRAME_IF, &type);
        break;
    case OP_ELSE:
        do_else(v);
        break;
    case OP_END:
        do_end(v);
        break;
    case OP_TRY_TABLE:
        do_try_table(v);
        break;
    case OP_THROW:
        tag = read_tag(v);
        if (tag != NULL)
            validator_pop_types(v, tag->params, tag->param_count);
        validator_set_unreachable(v);
        break;
    case OP_THROW_REF:
        validator_pop(v, VT_EXNREF);
        validator_set_unreachable(v);
        break;
    case OP_DROP:
        validator_pop_any(v);
        break;
    case OP_SELECT:
        do_select(v);
        break;
    case OP_SELECT_T:
        do_select_typed(v);
        break;
    default:
        validator_fail(v, STINT_UNSUPPORTED, "not supported");
        break;
    }
}
