/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The translator: one pass from the operators of a validated function to cells.
 *
 * It keeps a picture of the operand stack whose entries are lazy: a local or a constant takes no
 * cell until something consumes it, which then reads it in place. What an instruction produces
 * goes to the slot of its height; when the next consumer can take it from an accumulator instead,
 * the slot is left out, and when `local.set` follows, the producer writes the local itself.
 * Where control flow joins, all entries are in the slots of their heights.
 *
 * Instructions stay in this form until the function ends; then operand classes select the
 * handlers and branch targets become distances.
 */
#ifndef INTERP_TRANSLATE_INT_H
#define INTERP_TRANSLATE_INT_H

#include "base/buf.h"
#include "interp/cell.h"
#include "interp/handler_ids.h"
#include "wasm/body.h"
#include "wasm/op.h"

/* Where an operand is, or a result goes; the letters of handler names. */
enum place { PLACE_S, PLACE_C, PLACE_A, PLACE_0, PLACE_1, PLACE_F, PLACE_K };

/* How the handlers of a family are numbered by the places; see translate_pick.c. */
enum shape {
    SHAPE_ONE,  /* a single handler */
    SHAPE_DATA, /* not executed: the second cell of an instruction */
    SHAPE_FULL,
    SHAPE_PAIR,
    SHAPE_CMP,
    SHAPE_BRANCH,
    SHAPE_UNARY,
    /* The same over 64-bit operands: small builds have fewer places for them. */
    SHAPE_FULL64,
    SHAPE_PAIR64,
    SHAPE_CMP64,
    SHAPE_BRANCH64,
    SHAPE_UNARY64,
    SHAPE_LOAD,
    SHAPE_FLOAD,
    SHAPE_STORE,
    SHAPE_FSTORE,
    SHAPE_FLOAT,
    SHAPE_FCMP,
    SHAPE_FBRANCH,
    SHAPE_FUNARY,
    SHAPE_CONVERT,
    SHAPE_TRUNC,
    SHAPE_FSLOW,
    SHAPE_DIVIDE,
    SHAPE_SELECT,
    SHAPE_MOVE,
    SHAPE_GET,  /* destination only */
    SHAPE_SET,  /* operand b only */
    SHAPE_JUMP, /* br, plain or metered */
    SHAPE_TABLE_JUMP,
};

/* What an instruction leaves behind. */
enum result {
    RESULT_NONE,
    RESULT_INT,  /* in the integer accumulator, and at c unless the place is A */
    RESULT_F64,  /* in facc, and at c unless the place is F */
    RESULT_F32,  /* in sacc, likewise */
    RESULT_SLOT, /* only at c */
    RESULT_ACC,  /* in a slot that cannot be chosen, and in the integer accumulator too (calls) */
};

struct ins {
    uint16_t family; /* first handler */
    uint8_t shape, result;
    uint8_t pa, pb, pd; /* places of operands and destination */
    bool is_metered;    /* a backward branch that charges fuel */
    int32_t a, c;
    union {
        struct {
            int32_t b, d;
        };
        uint64_t k;
        const void *pointer;
    };
    int32_t target; /* of branches: instruction, once known; else -1 */
    int32_t chain;  /* next instruction that waits for the same label; else -1 */
    int32_t loop;   /* of fuel charges: which loop's cost; else -1 */
    uint32_t region;
    uint32_t offset_bytes; /* of the operator in the binary */
};

enum entry_kind { ENTRY_LOCAL, ENTRY_CONST, ENTRY_TEMP };

/* One value of the operand stack. */
struct entry {
    uint8_t kind;
    valtype type;
    uint32_t home;  /* the slot of its height */
    uint32_t local; /* ENTRY_LOCAL */
    uint64_t bits;  /* ENTRY_CONST; i32 and f32 in the low half */
    int32_t def;    /* ENTRY_TEMP: the instruction that produced it, or -1 */
};

struct control {
    uint16_t op;
    bool is_dead_at_start;
    uint32_t height;                 /* entries below the block's parameters */
    uint32_t base;                   /* slot of the first parameter, and of the first result */
    const valtype *params, *results; /* results NULL: the one is `single` */
    uint32_t param_count, result_count;
    valtype single;
    bool has_single;
    int32_t label;                   /* loops: the instruction branches go to */
    int32_t waiting;                 /* first instruction of the chain that waits for the end; -1 */
    int32_t waiting_catch;           /* first catch clause that waits for the end; -1 */
    int32_t else_branch;             /* of `if` until `else`: the instruction that skips; -1 */
    int32_t loop;                    /* number of the innermost loop around the body; -1 */
    uint32_t first_catch, catch_end; /* try_table: its clauses in translator.catches */
};

struct catch_draft {
    struct catch_clause clause;
    uint32_t group; /* the first clause of its try_table */
    int32_t chain;
};

struct translator {
    struct module_code *code;
    const struct wasm_module *module;
    struct alloc *alloc;
    bool is_metered;
    bool failed; /* memory is out */

    const uint8_t *at, *end;
    uint32_t op_offset; /* of the current operator */

    struct ins *ins;
    size_t ins_capacity;
    int32_t n;
    uint32_t region;
    /* The instructions whose results are in the accumulators now, or -1. */
    int32_t acc_owner, facc_owner, sacc_owner;

    struct entry *stack;
    size_t stack_capacity;
    uint32_t height;
    uint32_t max_slot; /* one past the highest slot in use */

    struct control *controls;
    size_t control_capacity;
    uint32_t depth;
    uint32_t try_depth;

    struct local {
        valtype type;
        uint32_t slot;
        int32_t last_use;    /* last instruction that reads or writes it */
        int32_t last_writer; /* last instruction that writes it, in this region; else -1 */
        uint64_t weight;     /* uses, by loop depth */
    } *locals;
    size_t local_capacity;
    uint32_t local_count, local_slots, param_slots;
    int32_t pin[2]; /* locals that are pinned; -1 */
    int32_t call_pins;

    /* Operators by loop; element 0 is the function outside all loops. */
    uint32_t *fuel;
    size_t fuel_capacity;
    uint32_t loop_count;

    struct catch_draft *catches;
    size_t catch_capacity;
    uint32_t catch_count;

    struct root_map *root_maps;
    size_t root_map_capacity;
    uint32_t root_map_count;
    uint32_t *root_slots;
    size_t root_slot_capacity;
    uint32_t root_slot_count;
    bool has_gc_locals;
};

/* How an operator with a plain signature is lowered; `family` 0 where it is not here. */
struct lowering {
    uint16_t family;
    uint8_t shape;
    uint8_t result;
    bool swap; /* the operands change places (gt, ge) */
};
extern const struct lowering lowerings[OP_COUNT];

/* A comparison's branches: taken when true, taken when false (`not_swaps`: operands swapped). */
struct branch_family {
    uint16_t when_true, when_false;
    uint8_t shape;
    bool not_swaps;
};
/* The branches of a comparison family; false where there are none. */
bool pick_branches(uint16_t family, struct branch_family *ret_branches);
/* The comparison that is true when `family` is false, by family and swap; false: there is none. */
bool pick_inverse(uint16_t family, uint16_t *ret_family, bool *ret_swaps);
/* The handler of a finished instruction. */
uint32_t pick_handler(const struct ins *ins);
/* The general form of a load or store (ops_memory.h). */
uint16_t pick_far(enum op op);

/* ---- translate_stack.c ----------------------------------------------------------------------- */

static inline int32_t slot_offset(uint32_t slot)
{
    return (int32_t)(slot * CELL_SLOT_BYTES);
}

/* Appends; never NULL: when memory is out it returns a dummy and sets t->failed. */
struct ins *tr_emit(struct translator *t, unsigned family, enum shape shape, enum result result);
/* The second cell of the instruction before. */
struct ins *tr_emit_data(struct translator *t);
/* Control can come from elsewhere to the next instruction. */
void tr_new_region(struct translator *t);

void tr_push_temp(struct translator *t, valtype type, int32_t def);
void tr_push_local(struct translator *t, uint32_t local);
void tr_push_const(struct translator *t, valtype type, uint64_t bits);
struct entry tr_pop(struct translator *t);
/* The slot after the highest entry: where the next result goes. */
uint32_t tr_top_slot(const struct translator *t);
void tr_use_slots(struct translator *t, uint32_t end);

/* Puts entry `index` into the slot of its height, or all of them. */
void tr_settle(struct translator *t, uint32_t index);
void tr_settle_all(struct translator *t);
void tr_settle_top(struct translator *t, uint32_t count);

/* An operand of an integer handler: the place and the field's value. */
int32_t tr_use_int(struct translator *t, struct entry *e, bool allow_const, uint8_t *ret_place);
/* An operand of a float handler: S or F. Constants are the caller's or get settled. */
int32_t tr_use_float(struct translator *t, struct entry *e, uint8_t *ret_place);
/* An operand that has to be in a slot: the slot's offset. */
int32_t tr_use_slot(struct translator *t, struct entry *e);
/* Whether a constant entry fits a 32-bit field. */
bool tr_const_fits(const struct entry *e);
/* Moves a value to a slot, a local's when `local` >= 0. */
void tr_move_to(struct translator *t, struct entry *e, uint32_t slot, int32_t local);
void tr_set_local(struct translator *t, uint32_t local, bool tee);
bool tr_is_collected(const struct translator *t, valtype type);
/* Notes which slots hold collected references for the instruction `at`. */
void tr_note_roots(struct translator *t, int32_t at);

/* ---- translate_control.c ---------------------------------------------------------------------- */

void tr_block(struct translator *t, enum op op);
void tr_if(struct translator *t);
void tr_else(struct translator *t);
/* False at the end of the function. */
bool tr_end(struct translator *t);
void tr_br(struct translator *t);
void tr_br_if(struct translator *t);
void tr_br_table(struct translator *t);
void tr_return(struct translator *t);
void tr_br_on_null(struct translator *t, bool branch_if_null);
void tr_br_on_cast(struct translator *t, bool fail);
void tr_try_table(struct translator *t);
void tr_call(struct translator *t, enum op op);
void tr_begin_function(struct translator *t, const struct type_def *type);
/* After an unconditional transfer: skips to the matching else or end. */
void tr_skip_dead(struct translator *t);

/* ---- translate_arith.c, translate_memory.c ------------------------------------------------------- */

/* False when the operator is not in `lowerings`. */
bool tr_plain_op(struct translator *t, enum op op);
void tr_binary_int(struct translator *t, const struct lowering *how, valtype type);
void tr_equal_zero(struct translator *t, bool is_64);
void tr_bulk_memory(struct translator *t, enum op op);
void tr_memory_size(struct translator *t);
void tr_memory_grow(struct translator *t);
void tr_table_op(struct translator *t, enum op op);
void tr_table_copy(struct translator *t);

/* ---- translate_gc.c, translate_simd.c ----------------------------------------------------------- */

/* Each handles the operator or returns false. */
bool translate_gc(struct translator *t, enum op op);
bool translate_simd(struct translator *t, enum op op);
/* Slot `to` says whether the reference in slot `from` is of `type`. */
void tr_ref_test(struct translator *t, uint32_t from, valtype type, uint32_t to);
/* Loads and stores of any type, address width and memory. */
void translate_load(struct translator *t, enum op op, valtype type);
void translate_store(struct translator *t, enum op op);

/* ---- translate_scan.c ---------------------------------------------------------------------------- */

/* Chooses the locals to pin. */
void tr_choose_pins(struct translator *t);
/* The signature of a block type at t->at, which moves on. */
void tr_block_type(struct translator *t, struct control *control);
/* A value type or heap type at t->at, in canonical form. */
static inline valtype tr_valtype(struct translator *t)
{
    return body_valtype(t->module, &t->at);
}
static inline heaptype tr_heaptype(struct translator *t)
{
    return body_heaptype(t->module, &t->at);
}

#endif
