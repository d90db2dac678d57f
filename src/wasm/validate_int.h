/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The validator's own state (core specification, appendix "Validation Algorithm").
 *
 * One validator checks many functions, one after the other, and constant expressions in between;
 * its buffers grow to what the largest needs and are used again. Failures travel in its reader
 * (reader.h).
 *
 * validate_op checks any one instruction: it is the whole truth. The loop in validate_run.c takes
 * the common forms of common instructions before it, only to be fast.
 *
 * The operand stack holds value types. Below the operands of each block lies one STACK_MARK, which
 * equals no type: so comparing the top of the stack with what is wanted also finds that the block
 * has no operand left. Unreachable code, whose operands may be anything, is told apart only then.
 *
 *     stack                                                                 sp
 *       | STACK_PAD x mark | mark | operands of the body | mark | operands … |
 */
#ifndef WASM_VALIDATE_INT_H
#define WASM_VALIDATE_INT_H

#include "wasm/reader.h"

#define STACK_MARK UINT32_MAX

enum {
    /* Marks below the first, so that a look at as many operands as a call may have stays inside. */
    STACK_PAD = 1024,
};

enum frame_kind {
    FRAME_FUNCTION,
    FRAME_BLOCK,
    FRAME_LOOP,
    FRAME_IF,
    FRAME_ELSE,
    FRAME_TRY_TABLE,
    FRAME_CONST, /* a constant expression */
};

/* A block's type; one without parameters and with one result keeps that in `single`. */
struct block_type {
    const valtype *params, *results; /* results NULL: `single` */
    uint32_t param_count, result_count;
    valtype single;
};

struct frame {
    struct block_type type;
    uint32_t mark;        /* the index of the block's STACK_MARK */
    uint32_t label_count; /* values that a branch to this block takes */
    uint32_t set_count;   /* locals_set_log's height at the block's start */
    uint8_t kind;         /* enum frame_kind */
    bool is_unreachable;  /* the rest of the block cannot run */
};

struct body_rules;

struct validator {
    struct reader r;
    const struct type_registry *types;
    bool is_const;        /* in a constant expression */
    const uint8_t *op_at; /* the instruction at hand, for messages … */
    const char *op_text;  /* … and its name */

    valtype *stack, *sp, *stack_end;
    struct frame *frames;
    size_t frame_count, frame_capacity;

    const struct type_def *func_type;
    valtype *locals; /* parameters first */
    size_t local_count, local_capacity;
    /* Locals from here on may be of types without a default: they must be set before they are
     * read. Functions without such locals have plain_locals == local_count. */
    size_t plain_locals;
    uint8_t *locals_set; /* by local; up to date only where plain_locals < local_count */
    size_t locals_set_capacity;
    uint32_t *set_log; /* locals in the order in which they were first set */
    size_t set_count, set_log_capacity;
};

void validator_init(struct validator *v, const struct wasm_module *module, const uint8_t *at,
                    const uint8_t *end, struct stint_error *error);
void validator_free(struct validator *v);

/* Checks a constant expression, reads past its `end`, and notes its form. */
void validate_const(struct validator *v, valtype type, struct const_expr *ret_expr);
/* module_validate with these rules. Rules that are all zero make every instruction go the slow way,
 * which must come to the same result: the tests compare the two. */
enum stint_status validate_bodies(const struct wasm_module *module, struct body_rules *rules,
                                  struct stint_error *error);
/* Checks instructions from r.at on until the last block is closed, or r.end is reached or passed. */
void validate_run(struct validator *v, struct body_rules *rules);
/* Checks one instruction whose opcode was just read. */
void validate_op(struct validator *v, enum op op);
/* Reads an opcode, prefix included; OP_INVALID, and a failed reader, where there is none. */
enum op validate_read_op(struct validator *v);

/* Parts of validate_op, by kind of instruction. */
void validate_control_op(struct validator *v, enum op op);
void validate_branch_op(struct validator *v, enum op op);
void validate_call_op(struct validator *v, enum op op);
void validate_table_op(struct validator *v, enum op op);
void validate_ref_op(struct validator *v, enum op op);
void validate_gc_op(struct validator *v, enum op op);
/* Whether an operator of prefix 0xfb is allowed in constant expressions; false for all others. */
bool validate_gc_is_const(enum op op);

/* ref.func may name this function in code (3.5: the context's refs). */
void validator_declare_function(struct validator *v, uint32_t function);

/* Failures at the instruction at hand. */
void validator_fail(struct validator *v, enum stint_status status, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* "type mismatch: WHAT WANTED, but found FOUND". */
void validator_fail_types(struct validator *v, const uint8_t *at, valtype wanted, valtype found,
                          const char *what);
bool validator_need_feature(struct validator *v, uint32_t feature);

/*
 * Operands. Room for as many more as there are bytes left in the body is always there, as most
 * instructions push at most one operand; those that push more reserve it.
 */
bool validator_reserve(struct validator *v, size_t count);
valtype validator_pop_any(struct validator *v);
/* A reference of any kind, or VT_BOT in unreachable code. */
valtype validator_pop_ref(struct validator *v);
/* The slow part of validator_pop. */
valtype validator_pop_unequal(struct validator *v, valtype wanted);
void validator_pop_types(struct validator *v, const valtype *types, uint32_t count);
void validator_push_types(struct validator *v, const valtype *types, uint32_t count);
/* After an instruction that never goes on to the next. */
void validator_set_unreachable(struct validator *v);

static inline void validator_push(struct validator *v, valtype type)
{
    *v->sp++ = type;
}

/* Takes an operand that matches `wanted`; returns its own type. */
static inline valtype validator_pop(struct validator *v, valtype wanted)
{
    if (LIKELY(v->sp[-1] == wanted))
        return *--v->sp;
    return validator_pop_unequal(v, wanted);
}

static inline bool validator_matches(const struct validator *v, valtype sub, valtype super)
{
    return sub == super || types_matches(v->types, sub, super);
}

/* Blocks. */
static inline struct frame *validator_top(struct validator *v)
{
    return &v->frames[v->frame_count - 1];
}

static inline const valtype *frame_results(const struct frame *frame)
{
    return frame->type.results != NULL ? frame->type.results : &frame->type.single;
}

/* Types of the label_count values that a branch to this block takes. */
static inline const valtype *frame_labels(const struct frame *frame)
{
    return frame->kind == FRAME_LOOP ? frame->type.params : frame_results(frame);
}

/* Opens a block, whose parameters are taken from the stack. */
void validator_enter(struct validator *v, enum frame_kind kind, const struct block_type *type);
/* Forgets which locals were set since the height `set_count` of the log. */
void validator_forget_sets(struct validator *v, size_t set_count);
/* The block that a label names; fails and returns NULL where there is none. */
struct frame *validator_read_label(struct validator *v);

/* Immediates; on failure NULL. */
const struct type_def *validator_read_type(struct validator *v, enum type_kind kind);
const struct wasm_table *validator_read_table(struct validator *v);
const struct memory_type *validator_read_memory(struct validator *v);
const struct wasm_elem *validator_read_elem(struct validator *v);
const struct wasm_elem *validator_get_elem(struct validator *v, uint32_t index);
bool validator_read_data(struct validator *v);
/* Code may name data segments only where their number is known beforehand. */
bool validator_need_data_count(struct validator *v);
bool validator_check_index(struct validator *v, uint32_t index, uint32_t count, const char *what);
/* An index below `count`, or UINT32_MAX; `what` as in "unknown local 2". */
uint32_t validator_read_index(struct validator *v, uint32_t count, const char *what);

static inline valtype address_type(const struct wasm_limits *limits)
{
    return limits->is_64 ? VT_I64 : VT_I32;
}

#endif
