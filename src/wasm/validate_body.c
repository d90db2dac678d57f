/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Function bodies, fast.
 *
 * The loop looks each opcode up in a table of 256 rules, made once a module from op.def, and takes
 * the common form of a common instruction: short immediates, operands of exactly the wanted types,
 * blocks without parameters. All else falls out of the switch to validate_op, which begins the
 * instruction anew; so a case changes nothing before it has seen that it applies.
 *
 * A body's last byte is `end`, whose code is nobody's operator with immediates: so the byte after
 * an opcode that has immediates is always inside.
 */
#include <string.h>

#include "base/buf.h"
#include "wasm/limits.h"
#include "wasm/validate_int.h"

enum action {
    ACTION_OTHER, /* not here */
    ACTION_PLAIN, /* all that its rule says */
    ACTION_LOCAL_GET,
    ACTION_LOCAL_SET,
    ACTION_LOCAL_TEE,
    ACTION_GLOBAL_GET,
    ACTION_GLOBAL_SET,
    ACTION_BLOCK,
    ACTION_LOOP,
    ACTION_IF,
    ACTION_ELSE,
    ACTION_END,
    ACTION_BR,
    ACTION_BR_IF,
    ACTION_RETURN,
    ACTION_UNREACHABLE,
    ACTION_CALL,
    ACTION_DROP,
    ACTION_SELECT,
};

/*
 * What the loop knows of an opcode. One with ACTION_PLAIN takes up to two operands, which lie on
 * top of the stack as in `operands`, and gives up to one result. Its immediates are
 *
 *     skip_bytes bytes, of which the first is at most first_max; then, if leb_bytes_max is not 0, a
 *     LEB128 integer of at most that many bytes; fifth_bias + its fifth byte, modulo 128, is below 16
 *
 * which says it all for constants and for accesses to a 32-bit memory 0.
 */
struct op_rule {
    valtype operands[2], operands_mask[2];
    valtype result;
    int8_t height_change;
    int8_t result_at; /* index from the new top: -1; 0, past the top, for none */
    uint8_t action;   /* enum action */
    uint8_t skip_bytes, first_max, leb_bytes_max, fifth_bias;
    uint32_t unused; /* a size of 32 makes an index a shift */
};

struct body_rules {
    struct op_rule by_byte[256];
};

/* Else the positions of code and stack, whose addresses these take, would live in memory. */
#define ALWAYS_INLINE inline __attribute__((always_inline))

enum { BLOCK_TYPE_EMPTY = 0x40, CODE_END = 0x0b };

/* Rules. */

static uint8_t special_action(enum op op)
{
    switch (op) {
    case OP_LOCAL_GET: return ACTION_LOCAL_GET;
    case OP_LOCAL_SET: return ACTION_LOCAL_SET;
    case OP_LOCAL_TEE: return ACTION_LOCAL_TEE;
    case OP_GLOBAL_GET: return ACTION_GLOBAL_GET;
    case OP_GLOBAL_SET: return ACTION_GLOBAL_SET;
    case OP_BLOCK: return ACTION_BLOCK;
    case OP_LOOP: return ACTION_LOOP;
    case OP_IF: return ACTION_IF;
    case OP_ELSE: return ACTION_ELSE;
    case OP_END: return ACTION_END;
    case OP_BR: return ACTION_BR;
    case OP_BR_IF: return ACTION_BR_IF;
    case OP_RETURN: return ACTION_RETURN;
    case OP_UNREACHABLE: return ACTION_UNREACHABLE;
    case OP_CALL: return ACTION_CALL;
    case OP_DROP: return ACTION_DROP;
    case OP_SELECT: return ACTION_SELECT;
    default: return ACTION_OTHER;
    }
}

static valtype signature_type(char letter)
{
    switch (letter) {
    case 'l': return VT_I64;
    case 'f': return VT_F32;
    case 'd': return VT_F64;
    case 'v': return VT_V128;
    default: return VT_I32;
    }
}

/* Immediates of a plain operator; false where the rule cannot say what they are. */
static bool fill_immediates(const struct op_info *info, struct op_rule *rule)
{
    rule->first_max = 0xff;
    switch (info->immediate) {
    case IMM_NONE: return true;
    case IMM_MEMARG:
        rule->skip_bytes = 1;
        rule->first_max = info->arg;
        rule->leb_bytes_max = 5;
        return true;
    case IMM_I32:
        rule->leb_bytes_max = 5;
        rule->fifth_bias = 8;
        return true;
    case IMM_I64: rule->leb_bytes_max = 4; return true;
    case IMM_F32: rule->skip_bytes = 4; return true;
    case IMM_F64: rule->skip_bytes = 8; return true;
    default: return false;
    }
}

static void fill_rule(const struct wasm_module *module, enum op op, struct op_rule *rule)
{
    const struct op_info *info = &op_infos[op];
    *rule = (struct op_rule){.action = ACTION_OTHER};
    if ((module->features & info->feature) == 0)
        return;
    if (info->signature[0] == '*') {
        rule->action = special_action(op);
        return;
    }
    const char *colon = strchr(info->signature, ':');
    int pops = (int)(colon - info->signature), pushes = (int)strlen(colon + 1);
    if (pops > 2 || pushes > 1 || !fill_immediates(info, rule))
        return;
    if (info->immediate == IMM_MEMARG &&
        (module->memory_count == 0 || module->memories[0].limits.is_64))
        return;
    for (int i = 0; i < pops; i++) {
        rule->operands[1 - i] = signature_type(colon[-1 - i]);
        rule->operands_mask[1 - i] = UINT32_MAX;
    }
    rule->height_change = (int8_t)(pushes - pops);
    rule->result_at = pushes != 0 ? -1 : 0;
    rule->result = signature_type(colon[1]);
    rule->action = ACTION_PLAIN;
}

static void fill_rules(const struct wasm_module *module, struct body_rules *rules)
{
    for (unsigned byte = 0; byte < COUNT_OF(rules->by_byte); byte++) {
        enum op op = (enum op)op_from_byte[byte];
        if (op == OP_INVALID)
            rules->by_byte[byte] = (struct op_rule){.action = ACTION_OTHER};
        else
            fill_rule(module, op, &rules->by_byte[byte]);
    }
}

/* Bytes. */

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

/* An index at `*at`, or UINT32_MAX where it is not a short one. */
static ALWAYS_INLINE uint32_t short_index(const uint8_t **at, const uint8_t *end)
{
    const uint8_t *p = *at;
    uint32_t value = p[0];
    if (LIKELY(value < 0x80)) {
        *at = p + 1;
        return value;
    }
    if (LIKELY(end - p >= 5)) {
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
    }
    return UINT32_MAX;
}

/* The operand stack's words are little endian pairs or not: only equality counts. */

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

/* Runs to the end of the body or to a failure. */
static void run(struct validator *v, const struct body_rules *rules)
{
    const struct wasm_module *const module = v->r.module;
    const valtype *const locals = v->locals;
    const uint32_t plain_locals = (uint32_t)v->plain_locals;
    const uint32_t short_locals = plain_locals < 128 ? plain_locals : 128;
    const uint8_t *const end = v->r.end;
    const uint8_t *const fast_end = end;
    const uint8_t *at = v->r.at;
    valtype *sp = v->sp;

    while (LIKELY(at < fast_end && v->frame_count != 0)) {
        const uint8_t *const op_at = at++;
        const struct op_rule *const rule = &rules->by_byte[*op_at];
        if (LIKELY(rule->action == ACTION_PLAIN)) {
            if (LIKELY(apply_plain(rule, &at, &sp)))
                continue;
        } else if (rule->action == ACTION_LOCAL_GET && *at < short_locals) {
            *sp++ = locals[*at++];
            continue;
        }
        const struct frame *frame;
        uint32_t index;
        switch ((enum action)rule->action) {
        case ACTION_LOCAL_GET:
            if (LIKELY((index = short_index(&at, end)) < plain_locals)) {
                *sp++ = locals[index];
                continue;
            }
            break;
        case ACTION_LOCAL_SET:
            if (LIKELY((index = short_index(&at, end)) < plain_locals && sp[-1] == locals[index])) {
                sp--;
                continue;
            }
            break;
        case ACTION_LOCAL_TEE:
            if (LIKELY((index = short_index(&at, end)) < plain_locals && sp[-1] == locals[index]))
                continue;
            break;
        case ACTION_GLOBAL_GET:
            if (LIKELY((index = short_index(&at, end)) < module->global_count)) {
                *sp++ = module->globals[index].type.type;
                continue;
            }
            break;
        case ACTION_GLOBAL_SET:
            if (LIKELY((index = short_index(&at, end)) < module->global_count &&
                       module->globals[index].type.is_mutable &&
                       sp[-1] == module->globals[index].type.type)) {
                sp--;
                continue;
            }
            break;
        case ACTION_PLAIN: break;
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
        case ACTION_UNREACHABLE: set_unreachable(v, &sp); continue;
        case ACTION_CALL:
            if (LIKELY((index = short_index(&at, end)) < module->func_count &&
                       call_simple(module->func_types[index], &sp)))
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
        case ACTION_OTHER: break;
        }
        v->r.at = op_at;
        v->sp = sp;
        enum op op = validate_read_op(v);
        if (op == OP_INVALID)
            return;
        validate_op(v, op);
        if (reader_failed(&v->r))
            return;
        at = v->r.at;
        sp = v->sp;
    }
    v->r.at = at;
    v->sp = sp;
}

/* Locals. */

/* Appends `count` locals of a type; false when memory is out. */
static bool add_locals(struct validator *v, uint32_t count, valtype type)
{
    if (!vec_reserve(v->r.module->alloc, &v->locals, &v->local_capacity, v->local_count + count,
                     sizeof(*v->locals))) {
        reader_fail_nomem(&v->r);
        return false;
    }
    for (uint32_t i = 0; i < count; i++)
        v->locals[v->local_count + i] = type;
    if (!vt_is_defaultable(type) && v->plain_locals > v->local_count)
        v->plain_locals = v->local_count;
    v->local_count += count;
    return true;
}

/* Reads the declarations; parameters come first and are always set. */
static void read_locals(struct validator *v)
{
    struct reader *r = &v->r;
    const uint8_t *at = r->at;
    uint32_t groups = read_count(r, UINT32_MAX, 2, "groups of locals");
    uint64_t total = v->func_type->param_count;
    v->local_count = 0;
    v->plain_locals = SIZE_MAX;
    for (uint32_t i = 0; i < v->func_type->param_count; i++) {
        if (!add_locals(v, 1, v->func_type->params[i]))
            return;
    }
    v->plain_locals = SIZE_MAX;
    for (uint32_t i = 0; i < groups && !reader_failed(r); i++) {
        uint32_t count = read_u32(r);
        valtype type = read_valtype(r);
        total += count;
        if (total <= LIMIT_LOCALS && !reader_failed(r) && !add_locals(v, count, type))
            return;
    }
    if (total - v->func_type->param_count > UINT32_MAX)
        reader_fail(r, STINT_MALFORMED, at, "too many locals: %llu", (unsigned long long)total);
    else if (total > LIMIT_LOCALS)
        reader_fail(r, STINT_LIMIT, at, "too many locals: %llu, the limit is %d",
                    (unsigned long long)total, LIMIT_LOCALS);
    if (v->plain_locals > v->local_count)
        v->plain_locals = v->local_count;
}

/* For functions with locals that must be set first: none is. */
static bool clear_locals_set(struct validator *v)
{
    if (v->plain_locals == v->local_count)
        return true;
    if (!vec_reserve(v->r.module->alloc, &v->locals_set, &v->locals_set_capacity, v->local_count,
                     1)) {
        reader_fail_nomem(&v->r);
        return false;
    }
    for (size_t i = 0; i < v->local_count; i++)
        v->locals_set[i] = i < v->func_type->param_count || vt_is_defaultable(v->locals[i]);
    return true;
}

/* Says it as a decoder would that reads on: it finds nothing, an `end`, or something else. */
static void fail_no_end(struct reader *r)
{
    const char *text = "END opcode expected";
    if (r->end == r->module->bytes + r->module->size_bytes)
        text = "unexpected end of section or function";
    else if (*r->end == CODE_END)
        text = "section size mismatch";
    reader_fail(r, STINT_MALFORMED, r->end, "%s: the body's last byte is not `end`", text);
}

void validate_body(struct validator *v, const struct body_rules *rules)
{
    struct reader *r = &v->r;
    const struct block_type block = {.results = v->func_type->results,
                                     .result_count = v->func_type->result_count};
    v->is_const = false;
    v->frame_count = v->set_count = 0;
    if (v->stack != NULL)
        v->sp = v->stack + STACK_PAD;
    read_locals(v);
    if (!clear_locals_set(v) || reader_failed(r))
        return;
    if (r->at == r->end || r->end[-1] != CODE_END) {
        fail_no_end(r);
        return;
    }
    validator_enter(v, FRAME_FUNCTION, &block);
    if (!reader_failed(r))
        run(v, rules);
    if (reader_failed(r))
        return;
    if (v->frame_count != 0)
        reader_fail(r, STINT_MALFORMED, r->end,
                    "unexpected end of section or function: %zu blocks lack their `end`",
                    v->frame_count);
    else if (r->at != r->end)
        reader_fail(r, STINT_MALFORMED, r->at,
                    "section size mismatch: the body's last `end` is followed by %zu bytes",
                    (size_t)(r->end - r->at));
}

/* The module's bodies one after the other. */
static void validate_bodies(struct validator *v, const struct body_rules *rules)
{
    const struct wasm_module *module = v->r.module;
    for (uint32_t i = module->import_func_count; i < module->func_count; i++) {
        const struct wasm_body *body = &module->bodies[i - module->import_func_count];
        v->func_type = module->func_types[i];
        v->r.function = i;
        v->r.at = module->bytes + body->offset_bytes;
        v->r.end = v->r.at + body->size_bytes;
        validate_body(v, rules);
        if (reader_failed(&v->r))
            return;
    }
}

enum stint_status module_validate(const struct wasm_module *module, struct stint_error *error)
{
    struct validator v;
    struct body_rules rules;
    if (module->func_count == module->import_func_count)
        return STINT_OK;
    validator_init(&v, module, module->bytes, module->bytes, error);
    fill_rules(module, &rules);
    validate_bodies(&v, &rules);
    validator_free(&v);
    return v.r.status;
}
