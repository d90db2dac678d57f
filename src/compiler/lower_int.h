/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the compiler's core share: lower.c, lower_*.c of control flow, calls, exceptions
 * and variables, access.c, unit.c. Operators of numbers, memories, tables and objects need none of it.
 *
 * Control. Each block has a label block, made at the first branch to it: of a `loop` the latch, where
 * later passes are charged; of all others the join behind their `end`, with a phi a result. Loops:
 *
 *            charge ---- (slice) ---.
 *              |                    |
 *            outer <----------------+-----------.
 *              |                                |
 *            header ... body ... latch ---- (slice)
 *              ^---------------------|
 *
 * so that the inner loop, header to latch, calls nothing and stays countable for LLVM. Parameters of
 * loops live in allocas.
 *
 * Loops whose passes can be counted beforehand have other shapes: lower_counted.c.
 *
 * References to collected objects. Locals of such types are slots of the shadow frame wherever the
 * function calls or allocates (lower_state.may_collect). Operands are spilled to the slot of their
 * height on the operand stack when something may collect, and before blocks, and stay there (value.v
 * is NULL) until they are popped: so nothing that joins differs between two paths.
 */
#ifndef COMPILER_LOWER_INT_H
#define COMPILER_LOWER_INT_H

#include "compiler/lower.h"
#include "wasm/body.h"

enum { LOWER_STACK_SPARE = 2048 }; /* more than any operator pushes */

/* One clause of a try_table. */
struct catch_row {
    uint8_t kind; /* enum catch_kind */
    uint32_t tag;
    uint32_t control; /* whose label, by index in lower->controls */
};

/* See lower_counted.c. */
enum loop_shape { LOOP_METERED, LOOP_WHOLE, LOOP_CHUNKS };

struct control {
    uint16_t op; /* OP_BLOCK, OP_LOOP, OP_IF, OP_ELSE, OP_TRY_TABLE */
    bool has_single;
    uint32_t offset_bytes; /* of its operator in the module */
    uint32_t height;       /* of the operand stack below its parameters */
    uint32_t param_count, result_count;
    const valtype *params, *results;
    valtype single; /* results, where has_single */
    LLVMBasicBlockRef label, else_block; /* NULL: none so far; no `if`, or past its `else` */
    /* In lower_state.phis: phis of the label (of a loop: allocas of its parameters); of an `if` its
     * parameters follow. */
    uint32_t phi_first;
    uint32_t loop; /* of a loop: its number, by text */
    LLVMBasicBlockRef outer, header;
    enum loop_shape shape;
    const uint8_t *body;          /* where its text begins, if it is counted */
    LLVMBasicBlockRef rest, done; /* LOOP_WHOLE: the loop once more; behind both */
    LLVMValueRef passes;          /* LOOP_CHUNKS: those to come, an alloca */
    /* The br_table that last went here through a block of its own, by offset, and that block. */
    uint32_t table;
    LLVMBasicBlockRef table_edge;
    /* try_table */
    uint32_t catch_first, catch_count;
    LLVMBasicBlockRef dispatch; /* where exceptions raised inside go, or NULL so far */
};
enum { LOOP_NONE = UINT32_MAX };

/* More values than any block, function or branch has. */
enum { LOWER_VALUES_MAX = 1024 };

/* What is loaded once, in the entry block. */
enum cache_part {
    CACHE_FIELDS,
    CACHE_MEMORIES,
    CACHE_BASES,
    CACHE_TABLES,
    CACHE_GLOBALS,
    CACHE_TYPES,
    CACHE_FUNCS,
    CACHE_PART_COUNT
};

struct osr_home {
    uint32_t height;
    LLVMTypeRef type;
    LLVMValueRef place;
};

/* An OSR entry that is being made. */
struct osr {
    uint32_t loop_offset;
    LLVMValueRef slots;
    LLVMBasicBlockRef start; /* behind the prologue */
    bool is_entered;
    struct osr_home *homes; /* of operands */
    size_t home_capacity;
    uint32_t home_count;
};

/* How the passes of a loop are counted. */
struct loop_count {
    const uint8_t *branch; /* the br_if at its end; NULL: they are not */
    uint32_t counter;      /* a local */
    int32_t step;
    uint32_t bound; /* a number, or a local */
    bool is_local;
};

/* Of what lies in a loop, loops inside it aside. */
struct loop_facts {
    uint32_t fuel;
    struct loop_count count;
    bool calls_indirectly;
};

struct lower_state {
    /* From the scan of the body (lower_scan.c). */
    uint32_t entry_fuel;
    struct loop_facts *loops; /* by number of the loop */
    uint32_t loop_count, loop_next;
    bool may_collect;

    uint32_t dead_depth; /* blocks nested in what is skipped */
    LLVMBasicBlockRef exit; /* the one return, with a phi for the result */
    LLVMValueRef exit_phi;
    LLVMMetadataRef scope; /* DISubprogram */
    uint32_t place_bytes;  /* the offset that the builder's location has */

    /* What the entry block has loaded, by enum cache_part and index; NULL: not yet. */
    LLVMValueRef *cache;
    uint32_t cache_part[CACHE_PART_COUNT];
    uint32_t *cached; /* places in use, to be cleared */
    uint32_t cached_count;

    LLVMValueRef scratch; /* helper_slots */
    uint32_t scratch_count;

    LLVMValueRef frame; /* of the shadow stack, or NULL so far */
    uint32_t frame_slots, frame_operands; /* all; the first slot of operands */
    LLVMValueRef *leaves; /* instructions before which the frame has to be given back */
    uint32_t leave_count;

    LLVMValueRef *phis;
    uint32_t phi_count;
    struct catch_row *catches;
    uint32_t catch_count;
    bool is_leaving; /* a tail call in an OSR entry: handlers here do not count */
    LLVMBasicBlockRef unwind; /* leaves the function with an exception pending */
    struct osr *osr; /* or NULL */

    size_t stack_capacity, control_capacity, local_capacity, loop_capacity, phi_capacity,
        catch_capacity, leave_capacity, cached_capacity;
};

/* See lower_thunk.c below. */
enum slow_kind {
    SLOW_FUNC,   /* ptr: the struct func */
    SLOW_INDEX,  /* i32: the function's index */
    SLOW_TABLE,  /* i64, i32: index and table */
    SLOW_FINISH, /* nothing; and no parameters of the type: finishes a pending tail call */
    SLOW_KIND_COUNT
};

/* Of a function that has only charged its start yet; NULL: not declared. */
struct spent {
    LLVMValueRef fn;    /* "spent.<func_index>": goes on where that has used the slice up */
    LLVMValueRef wild;  /* "wild.<func_index>": interprets the call (lower_frame.c) */
    uint32_t operators; /* of that charge */
};

/* Copies or fills memory 0 (lower_copy.c). */
struct move {
    LLVMValueRef small, large; /* NULL: not declared */
};

/* More would be a table of jumps: where it is hard to foretell, one more such branch a call, and
 * measured slower by a third than a call through the row. */
enum { TARGETS_MAX = 3 };

/* The elements of a fixed table that calls of one type may reach. */
struct targets {
    bool is_known;
    uint32_t table;
    uint32_t count; /* 0: none, or too many */
    uint32_t elements[TARGETS_MAX];
};

/* Kept between the functions of a unit. */
struct unit_state {
    struct lower lower;
    struct lower_state state;
    LLVMValueRef slice;           /* "stint.slice" */
    struct spent *spent;          /* by function index */
    struct move moves[2];         /* fill, copy */
    struct targets *targets;      /* by module type index */
    LLVMValueRef *slow[SLOW_KIND_COUNT]; /* by module type index */
    bool is_lowering;             /* `lower` is in use */
};

/* ---- Scanning (lower_scan.c) ------------------------------------------------------------------ */
/* Fills entry_fuel, loops, loop_count, may_collect from the operators at l->at. */
bool scan_body(struct lower *l);
/* Whether instructions of this operator need a location: those that trap or call. */
bool scan_has_place(enum op op);

/* ---- Counted loops (lower_counted.c) ---------------------------------------------------------- */
/* Of a loop without parameters and results, whose operators begin at `body`. Otherwise untouched. */
void scan_counted(const uint8_t *body, const uint8_t *end, struct loop_count *ret_count);
/* Each returns false where it has nothing to do with this loop. */
bool counted_begin(struct lower *l, struct control *c);
bool counted_branch(struct lower *l, struct control *c, LLVMValueRef condition);
/* At the `end`: the loop follows once more, to be begun as LOOP_METERED. */
bool counted_end(struct lower *l, struct control *c);
/* At the `end` of that one; `latch` is the branch back to its header. */
void counted_join(struct lower *l, const struct control *c, LLVMValueRef latch);

/* ---- Functions (lower.c) ---------------------------------------------------------------------- */
/* The unit's struct lower, cleared, with a function begun: blocks entry and body, context and run;
 * the builder stands in body. NULL: out of memory. */
struct lower *lower_begin(struct unit *u, LLVMValueRef fn, LLVMValueRef context,
                          uint32_t offset_bytes);
/* Fills in what is known at the end: scratch slots, the shadow frame. */
void lower_finish(struct lower *l);
void lower_set_place(struct lower *l, uint32_t offset_bytes);
LLVMBasicBlockRef lower_block(struct lower *l, const char *name);
void lower_goto(struct lower *l, LLVMBasicBlockRef to);
LLVMBasicBlockRef lower_here(struct lower *l);
/* br condition, then, otherwise; `weights` may be NULL or unit->cold_branch / hot_branch. */
void lower_branch(struct lower *l, LLVMValueRef condition, LLVMBasicBlockRef then,
                  LLVMBasicBlockRef otherwise, LLVMValueRef weights);
void lower_continue_at(struct lower *l, LLVMBasicBlockRef block);
LLVMValueRef lower_entry_alloca(struct lower *l, LLVMTypeRef type, const char *name);
LLVMValueRef entry_load(struct lower *l, LLVMTypeRef type, LLVMValueRef at);
/* The first result (NULL: none) of a call of a compiled function, which gives fuel back. */
LLVMValueRef fuel_from_call(struct lower *l, const struct type_def *type, LLVMValueRef call);
/* Returns as many values as the type says. */
void return_values(struct lower *l, const LLVMValueRef *values);
/* Results beyond the first, in run->values: writes them; reads and pushes them. */
void store_more_results(struct lower *l, const struct type_def *type, const LLVMValueRef *values);
void load_more_results(struct lower *l, const struct type_def *type);
void local_store(struct lower *l, const struct local *local, LLVMValueRef v);
LLVMValueRef local_load(struct lower *l, const struct local *local);
/* Leaves with an exception (or a tail call) pending. */
void lower_leave_pending(struct lower *l);
/* Reads the locals of an own function, scans its body, places its locals. */
bool lower_prepare(struct lower *l, uint32_t own_index);
/* From the first operator to the function's end. */
void lower_body(struct lower *l);
void lower_add_leave(struct lower *l, LLVMValueRef instruction);

/* ---- Leaving (lower_leave.c) -------------------------------------------------------------------- */
void fuel_spill(struct lower *l);
void fuel_reload(struct lower *l);
/* At the start of a function that is given its fuel, as the parameter behind the context. */
void fuel_take(struct lower *l);
/* Subtracts; where it is used up, takes a slice and goes on at `again` (NULL: right here). */
void fuel_charge(struct lower *l, uint32_t operators, LLVMBasicBlockRef again);
void spill_operands(struct lower *l);
LLVMValueRef shadow_slot(struct lower *l, uint32_t slot);
LLVMValueRef operand_load(struct lower *l, uint32_t height); /* where value.v is NULL */
LLVMValueRef shadow_operand(struct lower *l, uint32_t height);
/* After a call: goes to the handlers where something is pending. */
void deal_with_result(struct lower *l, LLVMValueRef result);
LLVMValueRef import_func(struct lower *l, uint32_t func_index); /* access.c */
LLVMValueRef import_pointer(struct lower *l, enum native_import import);
/* "stint.slice": what is left in, the next slice out. */
LLVMValueRef call_slice(struct lower *l, LLVMValueRef left);
LLVMValueRef call_import(struct lower *l, enum native_import import, LLVMValueRef *args,
                         unsigned arg_count);
void leave_now(struct lower *l);

/* ---- Control (lower_control.c, lower_exception.c) --------------------------------------------- */
struct control *control_at(struct lower *l, uint32_t depth);
/* A block with its type read; its parameters stay on the operand stack. NULL: out of memory. */
struct control *control_push(struct lower *l, enum op op);
void control_push_function(struct lower *l);
/* Branches, unconditionally, to a label with the values on top of the stack, which stay there. */
void branch_to(struct lower *l, struct control *c);
void branch_to_values(struct lower *l, struct control *c, const LLVMValueRef *values);
bool lower_call_op(struct lower *l, enum op op);
/* The block to which code goes when an exception is pending. */
LLVMBasicBlockRef exception_target(struct lower *l);
/* After the `end` of a try_table: fills its dispatch block, if any. */
void end_try(struct lower *l, const struct control *c);
/* Of an OSR function, before its loop is met: operands wait in memory while blocks last. */
void osr_home_operands(struct lower *l);
LLVMValueRef osr_home(struct lower *l, uint32_t height);
/* In front of the loop that this function enters at: the start of the function goes to its outer
 * block, with operands and parameters (`params`: allocas) from the frame. */
void osr_meet_loop(struct lower *l, const struct control *c, const LLVMValueRef *params);

/* ---- Frames on the guest's stack (lower_frame.c) ------------------------------------------------ */
/* At the start of a body, charged: takes the operators that make a frame, if it begins so. */
void lower_frame(struct lower *l);

/* ---- Thunks (lower_thunk.c) --------------------------------------------------------------------- */
/*
 * Functions "slow.<kind>.<type>" of a unit: like a function of that type in C's convention, with one
 * or two further parameters behind context and fuel, which go through a helper.
 */
/* Pushes the first result and those in run->values (lower_call.c). */
void take_results(struct lower *l, const struct type_def *type, LLVMValueRef result);
/* In the thunk of SLOW_TABLE: calls the table's function, and returns what it does, where it has code by
 * now, in whatever image (lower_call.c). Goes on where it has not. */
void call_late(struct lower *l, uint32_t type_index, LLVMValueRef index, LLVMValueRef table);
LLVMValueRef slow_function(struct unit *u, enum slow_kind kind, uint32_t type_index,
                           LLVMTypeRef *ret_type);
/* Of the type of the function being lowered: takes the next slice, then calls that function anew. */
LLVMValueRef spent_function(struct lower *l, uint32_t operators);
/* The same, but interprets the call. */
LLVMValueRef wild_function(struct lower *l);
/* Defines those that were declared. */
void define_thunks(struct unit *u);
/* memory.copy or .fill (then `from` is the value) of memory 0, operands as they are, by a function of
 * the unit; false where the memory is not of the kind that has one. */
bool lower_move(struct lower *l, enum native_import helper, LLVMValueRef to, LLVMValueRef from,
                LLVMValueRef bytes);
void define_moves(struct unit *u);

/* ---- Types and symbols (unit.c) ----------------------------------------------------------------- */
LLVMTypeRef unit_func_type(struct unit *u, uint32_t type_index);
unsigned unit_convention(const struct unit *u);
enum { CONVENTION_TAIL = 18 }; /* tailcc; the C interface has no name for it */
void unit_add_attribute(struct unit *u, LLVMValueRef fn, const char *name, uint64_t value);
void unit_add_text(struct unit *u, LLVMValueRef fn, const char *name, const char *value);
LLVMTypeRef unit_func_type_with(struct unit *u, const struct type_def *type,
                                const LLVMTypeRef *more, uint32_t more_count);
void unit_mark_call(struct unit *u, LLVMValueRef call, uint32_t context, unsigned convention);
void unit_mark_context(struct unit *u, LLVMValueRef fn, uint32_t index, bool is_swiftself);
void unit_begin_function(struct unit *u, LLVMValueRef fn, const char *name, uint32_t offset_bytes);

#endif
