/* SPDX-License-Identifier: Apache-2.0 */
/* Branches, return and calls (core specification 3.0, 3.4). */
#include "wasm/limits.h"
#include "wasm/validate_int.h"

/* Branches. */

static void pop_labels(struct validator *v, const struct frame *frame)
{
    validator_pop_types(v, frame_labels(frame), frame->label_count);
}

static void push_labels(struct validator *v, const struct frame *frame)
{
    validator_push_types(v, frame_labels(frame), frame->label_count);
}

/* The operands on the stack, which stay, against one of br_table's labels. */
static void check_table_label(struct validator *v, const struct frame *frame)
{
    const valtype *labels = frame_labels(frame), *sp = v->sp;
    for (uint32_t i = frame->label_count; i > 0 && !reader_failed(&v->r); i--) {
        if (*--sp == STACK_MARK) {
            if (validator_top(v)->is_unreachable)
                return;
            validator_fail(v, STINT_INVALID,
                           "type mismatch: a label takes %u values, the stack has %u",
                           frame->label_count, frame->label_count - i);
        } else if (!validator_matches(v, *sp, labels[i - 1])) {
            validator_fail_types(v, v->op_at, labels[i - 1], *sp, "a label takes");
        }
    }
}

static void do_br_table(struct validator *v)
{
    uint32_t count = read_count(&v->r, LIMIT_BR_TABLE_LABELS, 1, "labels in a br_table");
    const struct frame *first = NULL;
    validator_pop(v, VT_I32);
    for (uint32_t i = 0; i <= count && !reader_failed(&v->r); i++) {
        const struct frame *frame = validator_read_label(v);
        if (frame == NULL)
            return;
        if (first == NULL)
            first = frame;
        if (frame->label_count != first->label_count)
            validator_fail(v, STINT_INVALID,
                           "type mismatch: labels of one br_table take %u and %u values",
                           first->label_count, frame->label_count);
        else
            check_table_label(v, frame);
    }
    validator_set_unreachable(v);
}

static void do_br_on_null(struct validator *v, const struct frame *frame)
{
    valtype type = validator_pop_ref(v);
    pop_labels(v, frame);
    push_labels(v, frame);
    validator_push(v, type == VT_BOT ? VT_MAKE_REF(HEAP_BOT) : vt_non_null(type));
}

static void do_br_on_non_null(struct validator *v, const struct frame *frame)
{
    uint32_t count = frame->label_count;
    const valtype *labels = frame_labels(frame);
    if (count == 0 || !vt_is_ref(labels[count - 1])) {
        validator_fail(v, STINT_INVALID,
                       "type mismatch: the label's last value must be a reference");
        return;
    }
    validator_pop(v, vt_nullable(labels[count - 1]));
    validator_pop_types(v, labels, count - 1);
    validator_push_types(v, labels, count - 1);
}

void validate_branch_op(struct validator *v, enum op op)
{
    if (op == OP_RETURN) {
        validator_pop_types(v, v->func_type->results, v->func_type->result_count);
        validator_set_unreachable(v);
        return;
    }
    if (op == OP_BR_TABLE) {
        do_br_table(v);
        return;
    }
    const struct frame *frame = validator_read_label(v);
    if (frame == NULL)
        return;
    switch (op) {
    case OP_BR:
        pop_labels(v, frame);
        validator_set_unreachable(v);
        break;
    case OP_BR_IF:
        validator_pop(v, VT_I32);
        pop_labels(v, frame);
        push_labels(v, frame);
        break;
    case OP_BR_ON_NULL:
        do_br_on_null(v, frame);
        break;
    default:
        do_br_on_non_null(v, frame);
        break;
    }
}

/* Calls. */

/* The type of the function that a call names; its other operand (index or reference) is taken. */
static const struct type_def *read_callee(struct validator *v, enum op op)
{
    const struct type_def *type;
    const struct wasm_table *table;
    uint32_t function;
    switch (op) {
    case OP_CALL:
    case OP_RETURN_CALL:
        function = validator_read_index(v, v->r.module->func_count, "function");
        return function == UINT32_MAX ? NULL : module_func_type(v->r.module, function);
    case OP_CALL_REF:
    case OP_RETURN_CALL_REF:
        type = validator_read_type(v, TYPE_FUNC);
        if (type != NULL)
            validator_pop(v, VT_MAKE_REF_NULL(type->id));
        return type;
    default:
        break;
    }
    type = validator_read_type(v, TYPE_FUNC);
    if (type == NULL || (table = validator_read_table(v)) == NULL)
        return NULL;
    if (!validator_matches(v, table->type.element, VT_FUNCREF))
        validator_fail_types(v, v->op_at, VT_FUNCREF, table->type.element,
                             "the table must hold elements of type");
    validator_pop(v, address_type(&table->type.limits));
    return type;
}

/* A tail call returns what the callee returns. */
static void check_tail_results(struct validator *v, const struct type_def *type)
{
    const struct type_def *self = v->func_type;
    bool same = type->result_count == self->result_count;
    for (uint32_t i = 0; same && i < type->result_count; i++)
        same = validator_matches(v, type->results[i], self->results[i]);
    if (!same)
        validator_fail(v, STINT_INVALID,
                       "type mismatch: the results of a tail call must be those of the function");
}

void validate_call_op(struct validator *v, enum op op)
{
    const struct type_def *type = read_callee(v, op);
    if (type == NULL)
        return;
    validator_pop_types(v, type->params, type->param_count);
    if (op == OP_CALL || op == OP_CALL_INDIRECT || op == OP_CALL_REF) {
        validator_push_types(v, type->results, type->result_count);
        return;
    }
    check_tail_results(v, type);
    validator_set_unreachable(v);
}
