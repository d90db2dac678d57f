/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the generator share. The generator keeps the types of the operand stack; ops
 * take operands that happen to lie on it, and have the missing ones made. So expression trees and
 * deep stacks, with values that stay below blocks and calls, come out of the same functions.
 */
#ifndef GENERATE_INT_H
#define GENERATE_INT_H

#include "generate.h"
#include "wasm/op.h"

enum gtype {
    T_I32,
    T_I64,
    T_F32,
    T_F64,
    T_V128,
    T_FUNC, /* funcref */
    T_SIG,  /* (ref null 0): functions of type (i32, i64) -> (i64) */
    T_EXTERN,
    T_EXN,
    T_ANY,
    T_I31,
    T_STRUCT, /* (ref null 1) */
    T_SUB,    /* (ref null 2), a subtype of it */
    T_ARRAY,  /* (ref null 3): of i32 */
    T_BYTES,  /* (ref null 4): of i8 */
    T_REFS,   /* (ref null 5): of anyref */
    T_COUNT
};

enum {
    TYPE_SIG,
    TYPE_STRUCT,
    TYPE_SUB,
    TYPE_ARRAY,
    TYPE_BYTES,
    TYPE_REFS,
    FUNC_MIX = 0, /* imports */
    FUNC_BACK,
    FUNC_FIRST, /* the first generated function */
    GLOBAL_BUDGET = 0,
    SIGNATURE_MAX = 6,
    FUNCS_MAX = 8,
    RUNS = 5,
    STACK_MAX = 200,
    LABELS_MAX = 24,
    LOCALS_MAX = 40,
    GLOBALS_MAX = 24,
    TYPES_MAX = 160,
    TAGS_MAX = 5,
    COUNTERS = 5, /* loop counters of a function: i32, and as many i64 */
    COUNTED = 6,  /* counted loops of a function, with two more i32 each */
    TABLE_ELEMENTS = 12,
    PAGE_BYTES = 65536,
};

struct signature {
    uint8_t params[SIGNATURE_MAX], results[SIGNATURE_MAX];
    uint8_t param_count, result_count;
};

struct label {
    uint8_t types[8]; /* what a branch carries */
    uint8_t type_count;
    bool takes_branches; /* false for loops whose counter only their own end looks at */
    bool is_dead;        /* code that no one reaches */
    uint32_t base;       /* stack height below the block's parameters */
    uint32_t outer_floor;
};

struct generator {
    struct generate_source *source;
    struct alloc *alloc;
    uint32_t features;
    bool failed;

    /* The module. */
    struct signature types[TYPES_MAX]; /* of functions; index TYPE_… of others are unused */
    uint32_t type_count;
    uint32_t func_types[FUNC_FIRST + FUNCS_MAX + RUNS + 2];
    uint32_t func_count; /* that can be called, imports included */
    uint8_t globals[GLOBALS_MAX];
    uint32_t global_count;
    bool global_is_const[GLOBALS_MAX];
    struct signature tags[TAGS_MAX];
    uint32_t tag_count;
    uint32_t memory_count;
    bool memory_is_64[2];
    uint32_t table_count;
    bool table_is_64;                     /* of table 1 */
    uint32_t table_funcs[TABLE_ELEMENTS]; /* what is in table 0 at first */

    /* The function being made. */
    struct buf *code;
    const struct signature *self;
    uint32_t self_index;
    uint8_t locals[LOCALS_MAX];
    uint32_t local_count; /* those that code may choose; behind them the ones below */
    uint32_t hot[2];      /* locals that are used most */
    uint32_t scratch;     /* f32, f64, v128 */
    uint32_t counters;    /* COUNTERS i32, COUNTERS i64 */
    uint32_t counters_used;
    uint32_t counted_used; /* of the locals behind them */
    uint8_t stack[STACK_MAX];
    uint32_t height;
    uint32_t floor; /* what lies below is somebody else's operand already */
    struct label labels[LABELS_MAX];
    uint32_t depth;
    int32_t room; /* operators left before the function is brought to its end */
};

/* ---- generate.c --------------------------------------------------------------------------- */

/* A number below `n`, which is at least 1. */
uint32_t pick(struct generator *g, uint32_t n);
/* True in `percent` of all cases. */
bool chance(struct generator *g, uint32_t percent);
uint64_t pick_bits(struct generator *g);
/* A type of locals and parameters. */
uint8_t pick_type(struct generator *g);
uint32_t type_index(struct generator *g, const uint8_t *params, uint32_t param_count,
                    const uint8_t *results, uint32_t result_count);
void put_type(struct buf *b, uint8_t type);
void put_op(struct generator *g, enum op op);
void put_u(struct generator *g, uint64_t value);
void put_s(struct generator *g, int64_t value);
static inline bool has(const struct generator *g, uint32_t feature)
{
    return (g->features & feature) != 0;
}

/* ---- generate_value.c ---------------------------------------------------------------------- */

void push_type(struct generator *g, uint8_t type);
/* Values of types on the stack's picture go. */
void pop_types(struct generator *g, uint32_t count);
/* Makes code that pushes one value, and takes none of those that are there. */
void make_value(struct generator *g, uint8_t type, int depth);
void make_leaf(struct generator *g, uint8_t type);
void make_const(struct generator *g, uint8_t type);
void make_i32(struct generator *g, int32_t value);
void make_condition(struct generator *g, int depth);
/* Sees to it that the top of the stack has these types, with what lies there already or anew. */
void want(struct generator *g, const uint8_t *types, uint32_t count, int depth);
/* A local of the type, or -1. */
int32_t find_local(struct generator *g, uint8_t type);
void get_local(struct generator *g, uint32_t local);
void set_local(struct generator *g, uint32_t local);
/* Replaces any NaN on top of the stack by one and the same. */
void canonicalise(struct generator *g, uint8_t type);
/* An address in memory `memory`, nearly always in bounds; then the immediates of an access. */
void make_address(struct generator *g, uint32_t memory, int depth);
void put_memarg(struct generator *g, uint32_t memory, uint32_t log2_bytes);
/* A store of any kind. */
void make_store(struct generator *g, int depth);
/* Calls that may happen where they stand: pushes the results. False: none was made. */
bool make_call(struct generator *g, int depth);
void put_drop(struct generator *g);
/* An operator on what lies on the stack. */
void make_operator(struct generator *g, int depth);
/* A number in a local, this one or any (-1), becomes visible in memory. */
void make_witness(struct generator *g, int32_t which);
/* An integer local gets a new value from others. */
void make_update(struct generator *g, int depth);
/* A call in place of a return; false: there is no function for it. */
bool make_tail_call(struct generator *g, int depth);

/* ---- generate_object.c ---------------------------------------------------------------------- */

void make_reference(struct generator *g, uint8_t type, int depth);
/* An i32 or another number out of references; false: none here. */
bool make_from_reference(struct generator *g, uint8_t type, int depth);
void make_object_statement(struct generator *g, int depth);
void make_table_statement(struct generator *g, int depth);

/* ---- generate_control.c --------------------------------------------------------------------- */

/* A statement; it may take values from above the floor, and leave some. */
void make_statement(struct generator *g, int depth);
/* One that leaves the stack as it was. */
void make_neutral_statement(struct generator *g, int depth);
/* A block, loop, if or try_table whose first result is of `type` (T_COUNT: any results). */
bool make_block(struct generator *g, uint8_t type, int depth);
/* The body of the function that g->self and g->locals describe, with its `end`. */
void make_body(struct generator *g);

#endif
