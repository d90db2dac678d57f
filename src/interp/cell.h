/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the interpreter executes: cells, frames, and the state that handlers share.
 *
 * A function is translated at its first call into an array of cells of 24 bytes:
 *
 *   0   handler    address of the code that executes the cell
 *   8   a          operand: byte offset of a slot from sp, or a small constant
 *   12  c          destination: byte offset of a slot; of branches the distance in bytes
 *   16  b, d       operand and extra (memory offset, fuel, …), or one 64-bit constant k
 *
 * A frame is an array of 64-bit slots at sp: parameters and locals first, then the operand stack,
 * each value at its height (v128 takes two slots). A callee's frame starts at its arguments in the
 * caller's operand stack, where its results appear too. Return records sit on an array of their
 * own.
 *
 * Handlers are specialised by where operands come from and results go (the letters in their
 * names):
 *   S slot   C constant   A integer accumulator   0, 1 the two pinned locals
 *   F float accumulator   K 64-bit constant
 * Every handler that writes S, 0 or 1 writes the accumulator too; pinned locals are written
 * through to their slots, so slots of locals are always current.
 */
#ifndef INTERP_CELL_H
#define INTERP_CELL_H

#include "os/lock.h"

#include "runtime/store.h"
#include "stint_config.h"

struct cell {
    const void *handler;
    int32_t a, c;
    union {
        struct {
            int32_t b, d;
        };
        uint64_t k;
        const void *pointer;
    };
};

_Static_assert(sizeof(struct cell) == 24 || sizeof(void *) == 4, "cells are dense");

/*
 * A return record. `ip` is the last cell of the caller's call, whose `a` names the caller's pinned
 * locals (CALL_PINS); the caller goes on at ip + 1. Records that leave an instance carry it in
 * `sp` and point before a cell that restores it (see exec.c).
 */
struct record {
    const struct cell *ip;
    uint64_t *sp;
};

/* Slot numbers of the pinned locals, packed into 32 bits; slot 0 stands for "none". */
#define CALL_PINS(slot0, slot1) ((int32_t)((uint32_t)(slot0) | (uint32_t)(slot1) << 16))
#define PIN0(packed) ((uint32_t)(packed) & 0xffff)
#define PIN1(packed) ((uint32_t)(packed) >> 16)

enum { CELL_SLOT_BYTES = 8 };

/* Where exceptions that leave cells [from, to) are caught. */
struct catch_clause {
    uint32_t from, to; /* cell indices */
    uint32_t target;   /* cell index */
    uint32_t slot;     /* where the payload goes */
    uint32_t tag;      /* CATCH_ALL: any */
    bool wants_exnref; /* the exnref follows the payload */
};
enum { CATCH_ALL = 0xffffffff };

/* Which slots hold references to the collected heap while the cell executes. */
struct root_map {
    uint32_t cell;
    uint32_t first, count; /* in func->root_slots */
};

/*
 * One module-defined function. Zero-filled until it is translated, so that a large module costs no
 * memory before it runs.
 */
struct interp_func {
    const struct cell *code;
    uint32_t frame_inverse;      /* see FRAME_BYTES */
    uint32_t zero_from, zero_to; /* slots to clear at entry: the locals behind the parameters */
    int32_t pins;                /* CALL_PINS */
    uint32_t fuel;               /* charged at entry when metered */
    struct func_extra *extra;    /* what the fast path does not need */
};

/*
 * The size of a function's frame is kept inverted: zero then reads as a frame that never fits, and
 * the check for room in the stack also finds functions that are not translated.
 */
/* What else the function holds is there once this is: other threads may be translating it. */
#define FRAME_INVERSE(func) __atomic_load_n(&(func)->frame_inverse, __ATOMIC_ACQUIRE)
#define FRAME_BYTES(func) (~FRAME_INVERSE(func))
#define IS_TRANSLATED(func) (FRAME_INVERSE(func) != 0)

struct func_extra {
    uint32_t index; /* in the module's index space */
    uint32_t cell_count;
    uint32_t catch_count;
    const struct catch_clause *catches; /* innermost first */
    uint32_t root_map_count;
    const struct root_map *root_maps; /* by cell */
    const uint32_t *root_slots;
    size_t size_bytes; /* of the block that holds this, then the cells, and all of the above */
    struct func_extra *next;
};

/* A function's translated cells; func->code is another one once it has machine code. */
#define FUNC_CELLS(func)                                                                           \
    (STINT_WITH_NATIVE ? (const struct cell *)((func)->extra + 1) : (func)->code)

/* Where a call begins: the compiler's thread may be changing it. A plain load on x86. */
#define FUNC_START(func)                                                                           \
    (STINT_WITH_NATIVE ? __atomic_load_n(&(func)->code, __ATOMIC_ACQUIRE) : (func)->code)

struct module_code {
    struct stint_module *module;
    struct interp_func *funcs; /* by own index */
    size_t funcs_bytes;
    uint32_t func_count;
    struct lock lock;              /* held while translating and while looking up code */
    struct func_extra *translated; /* for freeing */
    /* Translated functions by code address, for finding the function of an ip. */
    struct code_range {
        const struct cell *from, *to;
        uint32_t own_index;
    } *ranges;
    size_t range_count, range_capacity;
    struct translator *translator; /* reused scratch */
    struct native_body *bodies;    /* what calls of functions with machine code go to */
};

enum { TRAP_FRAMES_KEPT = 64 };
/* In trap_frame.cell, of machine code: the rest is the offset in the binary. */
#define CELL_IS_OFFSET UINT32_C(0x80000000)

/* The interpreter's state of a store; handlers call it ctx. */
struct exec {
    uint8_t *stack_limit;    /* frames end below this */
    int64_t fuel;            /* left in this slice; only metered code looks at it */
    struct global **globals; /* of the current instance, as are the next two */
    struct stint_instance *instance;
    struct module_code *code;
    struct stint_store *store;

    /* Where execution stood when it left for C: host call, slow operator, trap. */
    const struct cell *ip;
    uint64_t *sp;
    struct record *rs;

    const struct interp_func *entering; /* hand-over between handlers of calls */
    struct func *callee;
    int32_t staged;   /* byte offset of the callee's frame */
    uint64_t scratch; /* results by address of slow operators */
    uint32_t scratch32;
    int32_t unwound_pins; /* of the frame that catches */

    enum stint_trap trap; /* why h_trap was entered; STINT_TRAP_NONE: see status */
    enum stint_status status;
    uint32_t pending_exception; /* gc_ref */
    bool is_metered;
    bool is_sampled;       /* each slice is reported to runtime/tier.h */
    bool is_native;        /* machine code runs: the slice's rest is in store->run->fuel */
    struct func *interpreted; /* its next call is, although it has machine code; or NULL */
    int64_t slice;         /* size of the current fuel slice */
    uint32_t native_depth; /* nested host -> guest calls */
    uint32_t host_depth;   /* nested host -> host ones */

    uint64_t *frame_base; /* where the next call from the host puts its frame */
    bool is_running;

    uint64_t *stack; /* reservation of the value stack, and of the records behind it */
    size_t stack_bytes, records_at_bytes;
    struct record *records;
    struct record *record_limit;
    size_t records_bytes;

    struct trap_frame { /* of the last trap, innermost first */
        struct stint_instance *instance;
        uint32_t own_index, cell;
    } trap_frames[TRAP_FRAMES_KEPT];
    size_t trap_frame_count; /* kept ones */
    size_t trap_frame_total;
};

/* ---- handlers.c <-> the rest --------------------------------------------------------------- */

/* Runs from `ip` until the outermost record's halt cell, a trap or an exception. */
enum stint_status interp_run(struct exec *ctx, const struct cell *ip, uint64_t *sp,
                             struct record *rs);
/* The address of a handler, by enum handler (handler_ids.h). */
const void *interp_handler(uint32_t id);

/* Two cells {nop, restore_instance}: where records that leave an instance return to. */
extern struct cell interp_restore_cells[2];

/* ---- exec.c, for slow paths of handlers ------------------------------------------------------ */

/* Makes the function runnable. On failure ctx->status or ctx->trap is set and false returned. */
bool interp_translate(struct exec *ctx, struct module_code *code, struct interp_func *func);
/* Sets the current instance and what is cached of it. */
void interp_enter_instance(struct exec *ctx, struct stint_instance *instance);
/* Calls a host function with its slots; `word` is the first one afterwards. The slots up to
 * TYPE_WORDS_MAX may be read, and the first one written, beyond those of its type. */
struct host_result interp_call_host(struct exec *ctx, struct func *func, uint64_t *slots);
/*
 * Unwinds ctx->pending_exception from ctx->ip, ctx->sp, ctx->rs. True: the three now say where to
 * go on, and ctx->instance is right. False: no handler up to the entry; ctx->status is set.
 */
bool interp_unwind(struct exec *ctx);
/* Makes the exception of a throw: false, with ctx->trap set, when the heap is exhausted. */
bool interp_throw(struct exec *ctx, uint32_t tag, const uint64_t *payload);
/* The next fuel slice; false when the guest has to stop, with ctx->status set. */
bool interp_fuel_slice(struct exec *ctx);
/* The function whose code holds `ip`, or NULL. */
const struct interp_func *interp_find(struct module_code *code, const struct cell *ip,
                                      uint32_t *ret_own_index);

/* ---- machine_native.c: leaving for machine code --------------------------------------------------- */

/* ctx->ip is the one cell of a function that has machine code: runs it; the cell to go on at. */
const struct cell *interp_call_native(struct exec *ctx);
/* At a slice, between two cells: reports to runtime/tier.h, looks for new images, and where there is
 * code for the loop at ctx->ip runs it to the function's end. The cell to go on at. */
const struct cell *interp_look_around(struct exec *ctx);
/* Lets calls of a function that was just translated go to its machine code, where it has any; the
 * module's lock is held. */
void interp_divert(struct module_code *code, struct interp_func *func, uint32_t own_index);
void interp_native_end(struct module_code *code);
/* Operations of engine.h. */
bool interp_has_run(struct module_code *code, uint32_t own_index);
bool interp_loop_offset(struct module_code *code, uint32_t own_index, uint32_t cell,
                        uint32_t *ret_offset_bytes);
void interp_code_added(struct module_code *code);

/* ---- bulk.c: bulk operations of metered code; false with ctx->trap or ctx->status set -------- */

bool interp_memory_fill(struct exec *ctx, struct memory *memory, uint64_t at, uint8_t value,
                        uint64_t bytes);
bool interp_memory_copy(struct exec *ctx, struct memory *to, uint64_t to_at, struct memory *from,
                        uint64_t from_at, uint64_t bytes);

/* ---- translate.c ------------------------------------------------------------------------------ */

/*
 * Translates one function; the caller holds code->lock. With `ret_offsets` nothing is published:
 * the offset in the binary of each cell's instruction goes there (cell_count entries).
 */
enum stint_status interp_translate_func(struct module_code *code, uint32_t own_index,
                                        bool is_metered, struct func_extra **ret_extra,
                                        struct interp_func *ret_func);
enum stint_status interp_cell_offset(struct module_code *code, uint32_t own_index, bool is_metered,
                                     uint32_t cell, uint32_t *ret_offset_bytes);
void translator_free(struct translator *translator, struct alloc *alloc);

#endif
