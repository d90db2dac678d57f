/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fast loop over a function body.
 *
 * It looks each opcode up in a table of rules, made once a module from op.def, and takes the common
 * form of a common instruction: short immediates, operands of exactly the wanted types, blocks
 * without parameters. All else falls out of the switch to validate_op, which begins the instruction
 * anew; so a case changes nothing before it has seen that it applies.
 *
 * Immediates may be read past the body's end, never past the module's: the loop stops that far
 * before it, and an instruction that ran over the end is found when the loop ends.
 */
#include <string.h>

#include "wasm/validate_int.h"
#include "wasm/validate_rules.h"

enum { BLOCK_TYPE_EMPTY = 0x40 };

/* Else the positions in code and stack, whose addresses these functions take, live in memory. */
#define ALWAYS_INLINE inline __attribute__((always_inline))

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the first byte is the lowest");

static ALWAYS_INLINE uint64_t load_bytes(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof(word));
    return word;
}

/* Does what the rule says; false, and nothing is done, where it does not apply. */
static ALWAYS_INLINE bool apply_plain(const struct op_rule *rule, const uint8_t **at, valtype **sp)
{
    const uint8_t *p = *at;
    valtype *top = *sp;
    /* Not as one 64-bit word: each was stored on its own, and such a load would wait for both. */
    valtype last = top[-1], first = top[-2];
    if (UNLIKELY(((last ^ rule->operands[1]) & rule->operands_mask[1]) != 0 ||
                 ((first ^ rule->operands[0]) & rule->operands_mask[0]) != 0 ||
                 *p > rule->first_max))
        return false;
    p += rule->skip_bytes;
    if (rule->leb_bytes_max != 0) {
        uint64_t ends = ~load_bytes(p) & 0x8080808080u;
        size_t bytes = ends == 0 ? 8 : ((size_t)__builtin_ctzll(ends) + 1) / 8;
        if (UNLIKELY(bytes > rule->leb_bytes_max ||
                     (bytes == 5 && ((p[4] + rule->fifth_bias) & 0x7f) >= 16)))
            return false;
        p += bytes;
    }
    top += rule->height_change;
    top[rule->result_at] = rule->result;
    *sp = top;
    *at = p;
    return true;
}

/* An index at `*at`, or UINT32_MAX where it is not as short as most are. */
static ALWAYS_INLINE uint32_t short_index(const uint8_t **at)
{
    const uint8_t *p = *at;
    uint32_t value = p[0];
    if (LIKELY(value < 0x80)) {
        *at = p + 1;
        return value;
    }
    value = (value & 0x7f) | (uint32_t)(p[1] & 0x7f) << 7;
    if (p[1] < 0x80) {
        *at = p + 2;
        return value;
    }
    value |= (uint32_t)(p[2] & 0x7f) << 14;
    if (p[2] < 0x80) {
        *at = p + 3;
        return value;
    }
    /* Five bytes: what linkers write where they leave room for any index. */
    if (p[3] >= 0x80 && p[4] < 0x08) {
        *at = p + 5;
        return value | (uint32_t)(p[3] & 0x7f) << 21 | (uint32_t)p[4] << 28;
    }
    return UINT32_MAX;
}

static ALWAYS_INLINE void set_unreachable(struct validator *v, valtype **sp)
{
    struct frame *top = validator_top(v);
    top->is_unreachable = true;
    *sp = v->stack + top->mark + 1;
}

/* Opens a block without parameters and results; false where there is no room. */
static ALWAYS_INLINE bool enter_empty(struct validator *v, valtype **sp, enum frame_kind kind)
{
    if (UNLIKELY(v->frame_count == v->frame_capacity))
        return false;
    struct frame *frame = &v->frames[v->frame_count++];
    memset(&frame->type, 0, sizeof(frame->type));
    frame->mark = (uint32_t)(*sp - v->stack);
    frame->label_count = 0;
    frame->set_count = (uint32_t)v->set_count;
    frame->kind = (uint8_t)kind;
    frame->is_unreachable = false;
    *(*sp)++ = STACK_MARK;
    return true;
}

/* Closes a block without parameters, with no result or one; false where that is not at hand. */
static ALWAYS_INLINE bool leave_simple(struct validator *v, valtype **sp)
{
    const struct frame *top = validator_top(v);
    valtype *p = *sp;
    if (v->frame_count == 1 || top->type.param_count != 0 || v->set_count != top->set_count)
        return false;
    if (top->type.result_count == 0 && p[-1] == STACK_MARK) {
        v->frame_count--;
        *sp = p - 1;
        return true;
    }
    if (top->type.result_count == 1 && top->type.results == NULL && p[-1] == top->type.single &&
        p[-2] == STACK_MARK && top->kind != FRAME_IF) {
        v->frame_count--;
        p[-2] = p[-1];
        *sp = p - 1;
        return true;
    }
    return false;
}

static ALWAYS_INLINE bool else_simple(struct validator *v, const valtype *sp)
{
    struct frame *top = validator_top(v);
    if (top->kind != FRAME_IF || (top->type.param_count | top->type.result_count) != 0 ||
        sp[-1] != STACK_MARK || v->set_count != top->set_count)
        return false;
    top->kind = FRAME_ELSE;
    top->is_unreachable = false;
    return true;
}

/* The block that a short label names, or NULL. */
static ALWAYS_INLINE const struct frame *short_label(const struct validator *v, const uint8_t *at)
{
    uint8_t depth = *at;
    if (depth >= 0x80 || depth >= v->frame_count)
        return NULL;
    return &v->frames[v->frame_count - 1 - depth];
}

/* Whether a label's value is below `sp`, where it takes none or a plain one. */
static ALWAYS_INLINE bool label_is_met(const struct frame *frame, const valtype *sp)
{
    if (frame->label_count == 0)
        return true;
    return frame->label_count == 1 && frame->type.results == NULL && frame->kind != FRAME_LOOP &&
           sp[-1] == frame->type.single;
}

/* A call whose arguments have exactly its parameters' types and that gives at most two results. */
static ALWAYS_INLINE bool call_simple(const struct type_def *type, valtype **sp)
{
    valtype *args = *sp - type->param_count;
    if (UNLIKELY(type->result_count > 2))
        return false;
    for (uint32_t i = 0; i < type->param_count; i++) {
        if (UNLIKELY(args[i] != type->params[i]))
            return false;
    }
    for (uint32_t i = 0; i < type->result_count; i++)
        args[i] = type->results[i];
    *sp = args + type->result_count;
    return true;
}

/* One instruction, whatever it is. */
static void step(struct validator *v)
{
    enum op op = validate_read_op(v);
    if (op != OP_INVALID)
        validate_op(v, op);
}

/* Runs up to `end`, the end of the body, or at least RULE_BYTES_MAX before that of the module. */
static void run_fast(struct validator *v, struct body_rules *rules, const uint8_t *end)
{
    const struct wasm_module *const module = v->r.module;
    const valtype *const locals = v->locals;
    const uint32_t plain_locals = (uint32_t)v->plain_locals;
    const uint32_t short_locals = plain_locals < 0x80 ? plain_locals : 0x80;
    const uint8_t *at = v->r.at;
    valtype *sp = v->sp;

    while (LIKELY(at < end && v->frame_count != 0)) {
        const uint8_t *const op_at = at++;
        const struct op_rule *const rule = &rules->by_byte[*op_at];
        const struct frame *frame;
        uint32_t index;
        /* These two are some 70 % of compiled code: branches of their own predict better. */
        if (LIKELY(rule->action == ACTION_PLAIN)) {
            if (LIKELY(apply_plain(rule, &at, &sp)))
                continue;
        } else if (LIKELY(rule->action == ACTION_LOCAL_GET && *at < short_locals)) {
            *sp++ = locals[*at++];
            continue;
        }
        switch ((enum action)rule->action) {
        case ACTION_LOCAL_GET:
            if (LIKELY((index = short_index(&at)) < plain_locals)) {
                *sp++ = locals[index];
                continue;
            }
            break;
        case ACTION_LOCAL_SET:
            if (LIKELY((index = short_index(&at)) < plain_locals && sp[-1] == locals[index])) {
                sp--;
                continue;
            }
            break;
        case ACTION_LOCAL_TEE:
            if (LIKELY((index = short_index(&at)) < plain_locals && sp[-1] == locals[index]))
                continue;
            break;
        case ACTION_GLOBAL_GET:
            if (LIKELY((index = short_index(&at)) < module->global_count)) {
                *sp++ = module->globals[index].type.type;
                continue;
            }
            break;
        case ACTION_GLOBAL_SET:
            if (LIKELY((index = short_index(&at)) < module->global_count &&
                       module->globals[index].type.is_mutable &&
                       sp[-1] == module->globals[index].type.type)) {
                sp--;
                continue;
            }
            break;
        case ACTION_BLOCK:
            if (LIKELY(*at == BLOCK_TYPE_EMPTY && enter_empty(v, &sp, FRAME_BLOCK))) {
                at++;
                continue;
            }
            break;
        case ACTION_LOOP:
            if (LIKELY(*at == BLOCK_TYPE_EMPTY && enter_empty(v, &sp, FRAME_LOOP))) {
                at++;
                continue;
            }
            break;
        case ACTION_IF:
            if (LIKELY(*at == BLOCK_TYPE_EMPTY && sp[-1] == VT_I32 &&
                       v->frame_count < v->frame_capacity)) {
                sp--;
                enter_empty(v, &sp, FRAME_IF);
                at++;
                continue;
            }
            break;
        case ACTION_ELSE:
            if (LIKELY(else_simple(v, sp)))
                continue;
            break;
        case ACTION_END:
            if (LIKELY(leave_simple(v, &sp)))
                continue;
            break;
        case ACTION_BR:
            if (LIKELY((frame = short_label(v, at)) != NULL && label_is_met(frame, sp))) {
                set_unreachable(v, &sp);
                at++;
                continue;
            }
            break;
        case ACTION_BR_IF:
            if (LIKELY(sp[-1] == VT_I32 && (frame = short_label(v, at)) != NULL &&
                       label_is_met(frame, sp - 1))) {
                sp--;
                at++;
                continue;
            }
            break;
        case ACTION_RETURN:
            if (LIKELY(v->func_type->result_count == 0 ||
                       (v->func_type->result_count == 1 && sp[-1] == v->func_type->results[0]))) {
                set_unreachable(v, &sp);
                continue;
            }
            break;
        case ACTION_UNREACHABLE:
            set_unreachable(v, &sp);
            continue;
        case ACTION_CALL:
            if (LIKELY((index = short_index(&at)) < module->func_count &&
                       call_simple(module_func_type(module, index), &sp)))
                continue;
            break;
        case ACTION_DROP:
            if (LIKELY(sp[-1] != STACK_MARK)) {
                sp--;
                continue;
            }
            break;
        case ACTION_SELECT:
            if (LIKELY(sp[-1] == VT_I32 && sp[-2] == sp[-3] && vt_is_number(sp[-2]))) {
                sp -= 2;
                continue;
            }
            break;
        case ACTION_VECTOR:
            if (LIKELY((index = short_index(&at)) < RULES_VECTOR &&
                       rules->vector[index].action == ACTION_PLAIN &&
                       apply_plain(&rules->vector[index], &at, &sp)))
                continue;
            break;
        case ACTION_UNKNOWN:
            validate_rules_learn(module, *op_at, rules);
            at = op_at;
            continue;
        case ACTION_PLAIN:
        case ACTION_OTHER:
            break;
        }
        v->r.at = op_at;
        v->sp = sp;
        step(v);
        if (reader_failed(&v->r))
            return;
        at = v->r.at;
        sp = v->sp;
    }
    v->r.at = at;
    v->sp = sp;
}

void validate_run(struct validator *v, struct body_rules *rules)
{
    struct reader *r = &v->r;
    const uint8_t *module_end = r->module->bytes + r->module->size_bytes;
    const uint8_t *end = r->end;
    if (module_end - end >= RULE_BYTES_MAX)
        run_fast(v, rules, end);
    else if (module_end - r->at > RULE_BYTES_MAX)
        run_fast(v, rules, module_end - RULE_BYTES_MAX);
    if (r->at > end)
        reader_fail(r, STINT_MALFORMED, end, "unexpected end of section or function");
    /* What is left of the module's last body. */
    while (!reader_failed(r) && r->at < end && v->frame_count != 0)
        step(v);
}
