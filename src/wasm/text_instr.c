/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sequences of instructions, flat and folded (core specification 6.5.2, 6.5.12).
 *
 * A folded operator is written in front of its operands and encoded behind them: with its
 * immediates it waits in p->pending, a stack of bytes, until its parenthesis closes. What is open
 * stands on p->frames.
 */
#include <string.h>

#include "wasm/limits.h"
#include "wasm/text_int.h"
#include "wasm/text_keyword.h"

static bool push_frame(struct text_parser *p, struct text_frame frame)
{
    if (p->frame_count >= LIMIT_CONTROL_DEPTH) {
        p->status = text_error_at(p->source, text_peek(p)->offset, p->error, STINT_LIMIT,
                                  "instructions are nested deeper than %d", LIMIT_CONTROL_DEPTH);
        return false;
    }
    if (!vec_reserve(p->alloc, &p->frames, &p->frame_capacity, p->frame_count + 1,
                     sizeof(*p->frames)))
        return text_nomem(p);
    p->frames[p->frame_count++] = frame;
    return true;
}

static struct text_frame *top_frame(struct text_parser *p)
{
    return &p->frames[p->frame_count - 1];
}

/* Moves the operator that waits for `frame` to the code. */
static void append_pending(struct text_parser *p, const struct text_frame *frame, struct buf *buf)
{
    if (frame->has_hint)
        text_add_hint(p, frame->hint);
    buf_append(buf, p->pending.data + frame->pending, p->pending.bytes - frame->pending);
    buf->failed = buf->failed || p->pending.failed;
    p->pending.bytes = frame->pending;
}

static bool is_block(enum op op)
{
    return op_infos[op].immediate == IMM_BLOCK || op_infos[op].immediate == IMM_TRY_TABLE;
}

/*
 * Label, block type and catch clauses behind the keyword of a block. The label counts inside of the
 * block only, not for its catch clauses; the caller pushes it.
 */
static bool block_head(struct text_parser *p, enum op op, struct buf *buf,
                       struct wasm_name *ret_label)
{
    if (!text_label_id(p, ret_label))
        return false;
    text_append_opcode(buf, op);
    return text_blocktype(p, buf) && (op != OP_TRY_TABLE || text_catches(p, buf));
}

/* The operator at an atom; its instruction starts at token `start`. */
static bool find_op(struct text_parser *p, uint32_t start, enum op *ret_op, bool *ret_has_hint,
                    uint8_t *ret_hint)
{
    const struct text_token *token = text_peek(p);
    enum op op = token->kind == TOKEN_ATOM
                     ? text_find_op(p->source->text + token->offset, token->size)
                     : OP_INVALID;
    if (op == OP_INVALID) {
        if (token->kind == TOKEN_ATOM)
            return text_fail(p, "unknown operator %.*s", (int)(token->size < 80 ? token->size : 80),
                             p->source->text + token->offset);
        return text_expected(p, "an instruction");
    }
    *ret_op = op;
    return text_hint_annotation(p, start, op, ret_has_hint, ret_hint);
}

/* ---- Folded ------------------------------------------------------------------------------ */

/* Stands on the parenthesis of a folded instruction. */
static bool open_folded(struct text_parser *p, struct buf *buf)
{
    enum op op;
    struct text_frame frame = {.token = p->at, .pending = p->pending.bytes};
    p->at++;
    if (!find_op(p, frame.token, &op, &frame.has_hint, &frame.hint))
        return false;
    if (op == OP_ELSE || op == OP_END)
        return text_fail(p, "unexpected token: %s is not an instruction of its own",
                         op_infos[op].text);
    p->at++;
    if (op == OP_IF) {
        frame.kind = FRAME_CONDITION;
        return block_head(p, op, &p->pending, &frame.label) && push_frame(p, frame);
    }
    if (is_block(op)) {
        struct wasm_name label;
        frame.kind = FRAME_BLOCK;
        return block_head(p, op, buf, &label) && text_push_label(p, label) && push_frame(p, frame);
    }
    frame.kind = FRAME_OPERATOR;
    return text_operator(p, op, &p->pending) && push_frame(p, frame);
}

/* Stands behind "(then", whose `if` is on top. */
static bool open_then(struct text_parser *p, struct buf *buf)
{
    struct text_frame *frame = top_frame(p);
    append_pending(p, frame, buf);
    return text_push_label(p, frame->label) &&
           push_frame(p, (struct text_frame){.kind = FRAME_THEN, .token = p->at - 2});
}

/* Ends a block: label and `end`. */
static void end_block(struct text_parser *p, struct buf *buf)
{
    text_pop_label(p);
    text_append_opcode(buf, OP_END);
    p->frame_count--;
}

/* Stands behind the parenthesis that closes an arm of a folded `if`. */
static bool close_arm(struct text_parser *p, struct buf *buf)
{
    struct text_frame *frame = top_frame(p);
    if (frame->kind == FRAME_THEN && text_accept_form(p, "else")) {
        text_append_opcode(buf, OP_ELSE);
        frame->kind = FRAME_ELSE;
        return true;
    }
    if (!text_at(p, TOKEN_CLOSE))
        return text_expected(p, frame->kind == FRAME_THEN ? "(else …) or )" : ")");
    p->at++;
    p->frame_count--; /* the arm; end_block takes the `if` itself */
    end_block(p, buf);
    return true;
}

/* Stands on the parenthesis that closes the top frame. */
static bool close_folded(struct text_parser *p, struct buf *buf)
{
    const struct text_frame *frame = top_frame(p);
    switch (frame->kind) {
    case FRAME_OPERATOR:
        append_pending(p, frame, buf);
        p->frame_count--;
        break;
    case FRAME_BLOCK:
        end_block(p, buf);
        break;
    case FRAME_CONDITION:
        return text_expected(p, "(then …)");
    case FRAME_THEN:
    case FRAME_ELSE:
        p->at++;
        return close_arm(p, buf);
    default:
        return text_expected(p, "end, for a block is still open,");
    }
    p->at++;
    return true;
}

/* ---- Flat -------------------------------------------------------------------------------- */

/* The identifier that may be repeated behind `else` and `end`. */
static bool check_label(struct text_parser *p)
{
    struct wasm_name name;
    uint32_t token = p->at;
    const struct wasm_name *label = &p->labels[p->label_count - 1].name;
    if (!text_label_id(p, &name))
        return false;
    if (name.text == NULL || (label->text != NULL && label->bytes == name.bytes &&
                              memcmp(label->text, name.text, name.bytes) == 0))
        return true;
    return text_fail_at(p, token, "mismatching label: the block has another one");
}

/* `else` and `end`; stands behind the keyword. */
static bool flat_delimiter(struct text_parser *p, enum op op, struct buf *buf)
{
    uint8_t kind = p->frame_count > 0 ? top_frame(p)->kind : FRAME_OPERATOR;
    bool fits = op == OP_ELSE
                    ? kind == FRAME_FLAT_IF
                    : kind == FRAME_FLAT_BLOCK || kind == FRAME_FLAT_IF || kind == FRAME_FLAT_ELSE;
    if (!fits)
        return text_fail_at(p, p->at - 1, "unexpected token: this %s ends nothing",
                            op_infos[op].text);
    if (!check_label(p))
        return false;
    if (op == OP_END) {
        end_block(p, buf);
        return true;
    }
    text_append_opcode(buf, OP_ELSE);
    top_frame(p)->kind = FRAME_FLAT_ELSE;
    return true;
}

/* Stands on an atom. */
static bool flat_instruction(struct text_parser *p, struct buf *buf)
{
    enum op op;
    struct text_frame frame = {.token = p->at};
    struct wasm_name label;
    if (p->frame_count > 0 &&
        (top_frame(p)->kind == FRAME_OPERATOR || top_frame(p)->kind == FRAME_CONDITION))
        return text_expected(p, "a folded instruction or )");
    if (!find_op(p, p->at, &op, &frame.has_hint, &frame.hint))
        return false;
    p->at++;
    if (op == OP_ELSE || op == OP_END)
        return flat_delimiter(p, op, buf);
    if (frame.has_hint)
        text_add_hint(p, frame.hint);
    if (!is_block(op))
        return text_operator(p, op, buf);
    frame.kind = op == OP_IF ? FRAME_FLAT_IF : FRAME_FLAT_BLOCK;
    return block_head(p, op, buf, &label) && text_push_label(p, label) && push_frame(p, frame);
}

/* ---- Sequences --------------------------------------------------------------------------- */

static bool step(struct text_parser *p, struct buf *buf)
{
    if (text_at(p, TOKEN_CLOSE))
        return close_folded(p, buf);
    if (!text_at(p, TOKEN_OPEN))
        return flat_instruction(p, buf);
    if (p->frame_count > 0 && top_frame(p)->kind == FRAME_CONDITION && text_accept_form(p, "then"))
        return open_then(p, buf);
    return open_folded(p, buf);
}

bool text_instructions(struct text_parser *p, struct buf *buf)
{
    while (p->frame_count > 0 || !text_at(p, TOKEN_CLOSE)) {
        if (!step(p, buf))
            return false;
    }
    return !buf->failed || text_nomem(p);
}

bool text_folded(struct text_parser *p, struct buf *buf)
{
    if (!text_at(p, TOKEN_OPEN))
        return text_expected(p, "a folded instruction");
    do {
        if (!step(p, buf))
            return false;
    } while (p->frame_count > 0);
    return !buf->failed || text_nomem(p);
}

bool text_expression(struct text_parser *p, struct buf *buf)
{
    if (!text_instructions(p, buf))
        return false;
    text_append_opcode(buf, OP_END);
    return true;
}

bool text_expression_form(struct text_parser *p, const char *keyword, struct buf *buf)
{
    if (text_accept_form(p, keyword))
        return text_expression(p, buf) && text_expect_close(p);
    if (!text_folded(p, buf))
        return false;
    text_append_opcode(buf, OP_END);
    return true;
}
