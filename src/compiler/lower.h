/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WebAssembly to LLVM IR: one partition (struct unit: an LLVM context and module of its own, used by
 * one thread) holds functions, each lowered in one pass over its body (struct lower). Private to
 * this folder. Machine code's contract with the runtime is runtime/native_abi.h.
 *
 * Values on the operand stack are LLVM values of these types:
 *   i32 i64 f32 f64  i32 i64 float double      v128  <16 x i8>
 *   funcref  ptr     other references  i32 (gc_ref)
 * Locals are allocas of the entry block, which LLVM turns into SSA; those that hold gc_refs, and
 * operands that hold gc_refs across something that may collect, live in the shadow stack.
 *
 * Code after an unconditional branch is skipped, not lowered (lower->is_dead).
 */
#ifndef COMPILER_LOWER_H
#define COMPILER_LOWER_H

#include <llvm-c/Core.h>
#include <llvm-c/DebugInfo.h>

#include "compiler/compiler.h"
#include "compiler/fixed_table.h"
#include "runtime/native_abi.h"
#include "wasm/module.h"

/* What an access touches: alias scopes, so that stores to one never stop loads of another. */
enum memory_kind {
    MEMORY_LINEAR,   /* + index of the memory (0 … 3; beyond that one scope) */
    MEMORY_CONTEXT = 4, /* instance, run and other structs of the runtime that may change */
    MEMORY_GLOBALS,
    MEMORY_TABLES,
    MEMORY_OBJECTS,  /* the collected heap: fields and elements */
    MEMORY_HEADERS,  /* of its objects: type ids and lengths, which no program stores to */
    MEMORY_SHADOW,   /* the shadow stack */
    MEMORY_FUEL,     /* run->fuel */
    MEMORY_KIND_COUNT
};

struct unit {
    LLVMContextRef context;
    LLVMModuleRef module;
    LLVMBuilderRef builder;
    const struct wasm_module *wasm;
    const struct compiler_options *options;
    uint32_t code_class;    /* NATIVE_CLASS_… of the whole module */
    bool is_aarch64;
    const uint8_t *is_compiled; /* a byte an own function: in some partition of this image */
    const uint32_t *type_of_func; /* module type index of each function (imports first) */
    const struct fixed_table *fixed_tables; /* by table */
    LLVMValueRef *fixed_rows; /* by table, made on demand: unit_fixed_table */
    LLVMTypeRef i1, i8, i16, i32, i64, i128, f32, f64, v128, ptr, void_type;
    LLVMTypeRef v16i8, v8i16, v4i32, v2i64, v4f32, v2f64; /* v16i8 is v128 */
    LLVMTypeRef *func_types; /* LLVM type by module type index, made on demand */
    LLVMValueRef *funcs;     /* by function index, declared on demand */
    LLVMValueRef imports;    /* external hidden constant [NATIVE_IMPORT_COUNT x ptr] */
    /* Metadata as values, for LLVMSetMetadata(instruction, md_…, …). */
    LLVMValueRef scope_lists[MEMORY_KIND_COUNT], noalias_lists[MEMORY_KIND_COUNT], empty_node;
    unsigned md_alias_scope, md_noalias, md_invariant_load, md_prof, md_range;
    LLVMValueRef cold_branch, hot_branch; /* !prof of branches hardly ever / nearly always taken */
    LLVMAttributeRef nounwind, cold, noreturn, nomerge, noinline, swiftself;
    struct arena *arena; /* of this unit's thread */
    bool failed; /* out of memory */
    LLVMBuilderRef entry_builder; /* stands before lower->entry_end */
    struct unit_state *state;     /* private to unit.c, lower.c */
    /* Debug locations: line = offset in the wasm binary (image_place). */
    LLVMDIBuilderRef di;
    LLVMMetadataRef di_file, di_unit, di_type;
};

/* The scope of a memory: imported ones share theirs, since two may be the same memory. */
enum memory_kind linear_kind(const struct unit *u, uint32_t memory);

struct value {
    LLVMValueRef v; /* NULL on the operand stack: a gc_ref that waits in its shadow slot */
    valtype type;
};

struct local {
    LLVMValueRef place; /* alloca, or slot of the shadow frame */
    LLVMTypeRef llvm;
    valtype type;
    bool is_shadow;
};

struct control;

struct lower {
    struct unit *unit;
    uint32_t func_index, own_index;
    const struct type_def *type;
    uint32_t type_index;
    LLVMValueRef fn, context; /* context: the swiftself parameter */
    LLVMValueRef run;         /* loaded at entry */
    LLVMBasicBlockRef entry;  /* allocas and invariant loads go before its terminator */
    LLVMValueRef entry_end;   /* the entry's terminator; unit->entry_builder inserts before it */
    LLVMValueRef fuel;        /* alloca i64, or NULL where nothing is metered */
    LLVMValueRef fuel_given;  /* the parameter, of functions that have one */
    struct local *locals;
    uint32_t local_count;
    struct value *stack;
    uint32_t height;
    struct control *controls;
    uint32_t depth;
    bool is_dead;
    const uint8_t *at, *end;  /* where reading stands in the body */
    uint32_t offset_bytes;    /* of the operator being lowered, in the module's binary */
    LLVMValueRef heap, heap_base; /* lower_object.c's, once needed; see NATIVE_RUN_GC */
    struct lower_state *state; /* lower_int.h: what only the core looks at */
};

/* ---- The operand stack (lower.c) ------------------------------------------------------------ */
void lower_push(struct lower *l, LLVMValueRef v, valtype type);
struct value lower_pop(struct lower *l);          /* asserts that there is one */
LLVMValueRef lower_pop_v(struct lower *l);        /* its LLVM value only */
LLVMTypeRef lower_type(const struct unit *u, valtype type);
bool lower_is_gc_ref(const struct unit *u, valtype type); /* i32 reference into the heap */

/* ---- Immediates of the operator being lowered ------------------------------------------------ */
uint32_t lower_u32(struct lower *l);
int32_t lower_s32(struct lower *l);
int64_t lower_s64(struct lower *l);
uint64_t lower_u64(struct lower *l);
const uint8_t *lower_bytes(struct lower *l, uint32_t count);
/* Abstract: HEAP_… (and the module type index TYPE_ID_NONE); else the canonical id, and the module's
 * index beside it. */
heaptype lower_heap_index(struct lower *l, uint32_t *ret_module_type);
valtype lower_valtype(struct lower *l);

/* ---- Building (lower.c, access.c) ------------------------------------------------------------ */
LLVMValueRef const_i32(const struct unit *u, uint32_t value);
LLVMValueRef const_i64(const struct unit *u, uint64_t value);
/* base + bytes, as a plain i8 GEP without inbounds. */
LLVMValueRef address(struct lower *l, LLVMValueRef base, LLVMValueRef offset);
LLVMValueRef address_at(struct lower *l, LLVMValueRef base, uint64_t bytes);
/* Loads and stores with alignment (bytes) and alias scopes of `kind`. */
LLVMValueRef load_as(struct lower *l, LLVMTypeRef type, LLVMValueRef at, unsigned align,
                     enum memory_kind kind);
void store_as(struct lower *l, LLVMValueRef value, LLVMValueRef at, unsigned align,
              enum memory_kind kind);
/* A pointer field that never changes (invariant), loaded once in the entry block. */
LLVMValueRef context_field(struct lower *l, uint32_t offset);              /* NATIVE_CONTEXT_… */
LLVMValueRef invariant_pointer(struct lower *l, LLVMValueRef array, uint32_t index); /* array[i] */
/* The struct memory / table / global cell / tag of an index, and memory bases; cached at entry. */
LLVMValueRef memory_object(struct lower *l, uint32_t index);
LLVMValueRef memory_base(struct lower *l, uint32_t index);
LLVMValueRef table_object(struct lower *l, uint32_t index);
LLVMValueRef global_cell(struct lower *l, uint32_t index);
LLVMValueRef type_pointer(struct lower *l, uint32_t module_type_index);
/* An LLVM intrinsic by name with its overloaded types. */
LLVMValueRef intrinsic(struct lower *l, const char *name, LLVMTypeRef *types, unsigned type_count,
                       LLVMValueRef *args, unsigned arg_count);

/* ---- Leaving (lower_leave.c) ------------------------------------------------------------------ */
/* Traps when the condition (i1) holds: a cold block with the trap instruction. Goes on after it. */
void trap_if(struct lower *l, LLVMValueRef condition, enum stint_trap trap);
void trap_now(struct lower *l, enum stint_trap trap); /* sets is_dead */
/*
 * Calls a helper: arguments without the context. Spills and reloads what the helper needs:
 * with EFFECT_FUEL the fuel counter, with EFFECT_COLLECTS live references (operands still on the
 * stack and locals; pop your arguments first, and pass gc_refs by slots, see helper_slots).
 * Result letter `r`: anything but NATIVE_OK is dealt with (left through `leave`, or pending).
 */
enum helper_effect { EFFECT_NONE = 0, EFFECT_FUEL = 1, EFFECT_COLLECTS = 2 };
LLVMValueRef call_helper(struct lower *l, enum native_import helper, unsigned effects,
                         LLVMValueRef *args, unsigned arg_count);
/*
 * Scratch slots (alloca in the entry, [count x i64], one array a function, as large as its largest
 * use) for helpers that take slots. References put there are not roots; helpers that may collect
 * root what they take themselves while they run (native_helpers).
 */
LLVMValueRef helper_slots(struct lower *l, uint32_t count);
void slot_store(struct lower *l, LLVMValueRef slots, uint32_t slot, struct value value);
/* The same without memory, for numbers of one slot: the i64 that the slot holds. */
LLVMValueRef word_of(struct lower *l, struct value value);
LLVMValueRef value_of_word(struct lower *l, LLVMValueRef word, valtype type);
LLVMValueRef slot_load(struct lower *l, LLVMValueRef slots, uint32_t slot, valtype type);

/* ---- Operators ---------------------------------------------------------------------------------
 * Each lowers the operator `op`, whose immediates follow at l->at; false when it is not theirs. */
bool lower_control_op(struct lower *l, enum op op);  /* lower_control.c: blocks, branches, calls */
bool lower_exception_op(struct lower *l, enum op op); /* lower_exception.c */
bool lower_variable_op(struct lower *l, enum op op); /* lower_variable.c: locals, globals, select,
                                                        drop, constants of numbers */
bool lower_number_op(struct lower *l, enum op op);   /* lower_number*.c: all of "Numbers" */
bool lower_memory_op(struct lower *l, enum op op);   /* lower_memory.c: loads, stores, size, grow,
                                                        bulk memory, data.drop */
bool lower_vector_op(struct lower *l, enum op op);   /* lower_vector*.c: prefix 0xfd whole */
bool lower_table_op(struct lower *l, enum op op);    /* lower_table.c: tables and elem.drop */
bool lower_object_op(struct lower *l, enum op op);   /* lower_object*.c: refs, GC, casts except the
                                                        br_on_… of lower_control.c */

/* i1: whether a reference is of a type (ref.test, br_on_cast); lower_object.c. */
LLVMValueRef lower_ref_test(struct lower *l, struct value ref, heaptype heap, uint32_t module_type,
                            bool null_passes);
/* The struct func of call_indirect's fast path lies with lower_call.c. */

/* ---- Whole functions (unit.c, lower.c) ---------------------------------------------------------- */
/* The class of a module's code: which NATIVE_CLASS_… bits its bodies call for. */
uint32_t lower_class(const struct wasm_module *wasm);
/*
 * Begins a partition. The caller has zeroed the unit and set arena, is_compiled, type_of_func and
 * is_aarch64; it sets triple and data layout of u->module afterwards, before anything is lowered.
 */
bool unit_begin(struct unit *u, const struct wasm_module *wasm,
                const struct compiler_options *options, uint32_t code_class);
/* After the last function, before passes run. */
void unit_finish(struct unit *u);
/* Frees what is left. The caller that takes u->module over sets it to NULL. */
void unit_end(struct unit *u);
/* The rows of a fixed table: a constant of {i32 type id, i32 code - rows} an element, the id all ones
 * for those without code in this image. unit_fill_fixed_tables gives them their values at the end. */
LLVMValueRef unit_fixed_table(struct unit *u, uint32_t table);
void unit_fill_fixed_tables(struct unit *u);
/* The declaration of a function, hidden visibility, named func_symbol(index). */
LLVMValueRef unit_func(struct unit *u, uint32_t func_index);
/* Lowers a body into the module; as available_externally where `inline_only`. */
bool lower_function(struct unit *u, uint32_t own_index, bool inline_only);
/* Lowers an OSR entry ("osr.<own_index>.<loop_offset>") and an entry ("entry.<type_index>"). */
bool lower_osr(struct unit *u, uint32_t own_index, uint32_t loop_offset);
bool lower_entry(struct unit *u, uint32_t type_index);
/* Symbols: "f.<func_index>". The imports table is "stint_imports". */

#endif
