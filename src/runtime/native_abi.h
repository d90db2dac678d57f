/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What machine code and the runtime agree on. The compiler sees this header and
 * runtime/native_helpers.def of the runtime, and nothing else; native.c asserts that the offsets
 * are those of the structs. Any change here, there, or in the layout of collected objects
 * (runtime/gc.h, wasm/types.h) needs another NATIVE_ABI_VERSION: older images are then refused.
 *
 * Calling convention of a compiled function (C's, or `tailcc` in images of class
 * NATIVE_CLASS_TAILCC), on LLVM's types:
 *
 *   result fn(params…, swiftself ptr context)                  not metered
 *   {result, i64} fn(params…, swiftself ptr context, i64 fuel)  NATIVE_CLASS_METERED (i64 alone
 *                                                               where there is no result)
 *
 *   i32 i64 f32 f64   i32 i64 float double          v128             <16 x i8>
 *   funcref           ptr (struct func, or null)    other references i32 (a gc_ref)
 *
 * The first result is returned; those after it are left in run->values, one slot each (v128 two),
 * to be read at once. `context` is the address of the function's struct stint_instance, whose first
 * fields are the NATIVE_CONTEXT_… below.
 *
 * Beside it, for each function type used, an *entry*: void entry(ptr code, ptr context, ptr slots),
 * C convention, which loads the arguments from slots (store.h's form, i32 and f32 in the low half),
 * calls `code` and writes the results there (upper halves zero). And for a hot loop an *OSR entry*
 * void osr(ptr context, ptr slots): slots are the interpreter's frame (locals, then the operand
 * stack, each value in its slots); it goes on at the head of the loop, after that pass was charged,
 * runs to the end of the function and writes its results to slots[0…].
 *
 * Fuel: run->fuel is what is left of the slice, for the runtime. Compiled functions pass it on as an
 * argument and give it back beside their result, pending or not; entries read it from there and write
 * it back at their end. It is also written before helpers that may look at it (and read again
 * afterwards), before traps and before `leave`; not where an access faults. When a charge makes it
 * negative: write it back, helper fuel_slice.
 *
 * Traps of machine code are trap instructions with the code in them (llvm.ubsantrap: NATIVE_TRAP_…)
 * or faults of accesses to guest memory or to the stack's guard; the runtime's signal handler leaves
 * the code for the end of the innermost entry. Helpers never jump: they return enum native_result,
 * and machine code that gets NATIVE_EXIT calls the import `leave`, which does not return.
 *
 * Pending: in images of class NATIVE_CLASS_PENDING a function may return with run->pending set
 * (NATIVE_PENDING_…); its result is then undefined. Callers look at it after each call.
 *   EXCEPTION  run->exception is the exnref; go to a handler of this function, or return.
 *   TAIL       the callee has left through a tail call into something that is not code of this
 *              class: run->tail_callee (struct func) with its arguments in run->values. Whoever
 *              called calls the helper finish_tail with room for arguments and results.
 * In other images an exception leaves all frames up to the innermost entry, like a trap, since none
 * of them can catch it; code of different classes calls each other through the helper call_func.
 *
 * References that the collector may move live, across anything that may allocate or call, in the
 * shadow stack: a function with such references takes room at run->shadow_top on entry (checked
 * against run->shadow_limit: trap STACK_OVERFLOW), zeroes it, moves shadow_top up, and puts it back
 * before it returns. Every slot below shadow_top is a root, a gc_ref in its low half.
 */
#ifndef RUNTIME_NATIVE_ABI_H
#define RUNTIME_NATIVE_ABI_H

enum { NATIVE_ABI_VERSION = 5 };

/* Classes of images: bits of struct func.native_key, beside the address of the type. */
enum {
    NATIVE_CLASS_PENDING = 1, /* uses exceptions or tail calls: run->pending is looked at */
    NATIVE_CLASS_TAILCC = 2,  /* uses tail calls: tailcc instead of C's convention */
    NATIVE_CLASS_METERED = 4, /* takes and gives back fuel */
    NATIVE_CLASS_MASK = 7,
};

enum native_result { NATIVE_OK, NATIVE_EXIT, NATIVE_PENDING };
enum { NATIVE_PENDING_NONE, NATIVE_PENDING_EXCEPTION, NATIVE_PENDING_TAIL };

/* Slots of run->values: enough for the arguments and results of any function type. */
enum { NATIVE_VALUES_MAX = 2048 };

/* Offsets of the first fields of struct stint_instance. All are pointers that never change after
 * instantiation (load them with !invariant.load). */
enum {
    NATIVE_CONTEXT_RUN = 0,           /* struct native_run, of the store */
    NATIVE_CONTEXT_MEMORY0_BASE = 8,  /* the base of memory 0 */
    NATIVE_CONTEXT_MEMORY0 = 16,      /* struct memory; likewise arrays of pointers below */
    NATIVE_CONTEXT_MEMORIES = 24,     /* struct memory *[] */
    NATIVE_CONTEXT_TABLES = 32,       /* struct table *[] */
    NATIVE_CONTEXT_GLOBALS = 40,      /* struct global *[] */
    NATIVE_CONTEXT_TAGS = 48,         /* struct tag *[] */
    NATIVE_CONTEXT_IMPORT_FUNCS = 56, /* struct func *[] */
    NATIVE_CONTEXT_OWN_FUNCS = 64,    /* struct func [], filled on demand: type NULL, key 0 */
    NATIVE_CONTEXT_TYPES = 72,        /* const struct type_def *[], by the module's type index */
};
/* The module-defined globals follow the struct: struct global []. */
enum { NATIVE_CONTEXT_OWN_GLOBALS = 136 };

/* struct native_run */
enum {
    NATIVE_RUN_FUEL = 0,          /* i64 */
    NATIVE_RUN_PENDING = 8,       /* i32: NATIVE_PENDING_… */
    NATIVE_RUN_EXCEPTION = 12,    /* i32: gc_ref */
    NATIVE_RUN_SHADOW_TOP = 16,   /* uint64_t * */
    NATIVE_RUN_SHADOW_LIMIT = 24, /* uint64_t * */
    /* struct gc_heap *, or NULL before the first allocation; but from the start on, like
     * NATIVE_RUN_TYPES, where the module has struct or array types. */
    NATIVE_RUN_GC = 32,
    NATIVE_RUN_TAIL_CALLEE = 40, /* struct func * */
    NATIVE_RUN_TYPES = 48,       /* const struct type_def *const *, see NATIVE_TYPES_FIRST_LOG2 */
    NATIVE_RUN_VALUES = 56,      /* uint64_t [NATIVE_VALUES_MAX] */
};

/* struct memory, table, global, func, type_def, gc_heap */
enum {
    NATIVE_MEMORY_BASE = 0,
    NATIVE_MEMORY_BYTES = 8,   /* changes when the memory grows */
    NATIVE_TABLE_ELEMENTS = 0, /* uint64_t *; changes when the table grows, as does the count */
    NATIVE_TABLE_COUNT = 8,
    NATIVE_GLOBAL_CELL = 0,
    NATIVE_GLOBAL_BYTES = 48, /* stride of own_globals */
    NATIVE_FUNC_TYPE = 0,
    NATIVE_FUNC_INSTANCE = 8,
    NATIVE_FUNC_KEY = 16,   /* type | class when `native` may be called, else 0 */
    NATIVE_FUNC_CODE = 24,  /* the compiled function */
    NATIVE_FUNC_BYTES = 80, /* stride of own_funcs */
    NATIVE_TYPE_ID = 0,
    NATIVE_TYPE_KIND = 8,     /* u8: enum type_kind */
    NATIVE_TYPE_DEPTH = 10,   /* u16 */
    NATIVE_TYPE_DISPLAY = 16, /* const uint32_t * */
    NATIVE_TYPE_BYTES = 80,   /* stride in the chunks of run->types */
    NATIVE_GC_BASE = 0,       /* never changes once the heap is there */
    NATIVE_GC_NEXT = 8,       /* u32 */
    NATIVE_GC_END = 12,       /* u32 */
};

/*
 * From the type id of an object to its struct type_def: chunk k of run->types holds those of
 * 1 << (k + NATIVE_TYPES_FIRST_LOG2) ids, one after the other from id 0 on.
 */
enum { NATIVE_TYPES_FIRST_LOG2 = 6 };

/*
 * The imports of an image: a table of addresses in its own read-only page, filled when it is
 * mapped. Index NATIVE_IMPORT_<id>. `leave` takes the context and does not return; memcpy, memmove
 * and memset are what LLVM may emit by itself.
 *
 * `call_words` calls any function whose type fits (wasm/types.h: type_fits_words): {i64 word, i64
 * status} call_words(context, struct func, i64 × TYPE_WORDS_MAX), C's convention, each value in a
 * word as in a slot; what is beyond the parameters does not matter. Where the status is not zero,
 * the helper words_failed says what follows. (GC)
 */
enum native_import {
    NATIVE_IMPORT_leave,
    NATIVE_IMPORT_memcpy,
    NATIVE_IMPORT_memmove,
    NATIVE_IMPORT_memset,
    NATIVE_IMPORT_call_words,
#define HELPER(id, signature) NATIVE_IMPORT_##id,
#include "runtime/native_helpers.def"
#undef HELPER
    NATIVE_IMPORT_COUNT
};

/* Operand of the trap instruction: this and the enum stint_trap. */
enum { NATIVE_TRAP_BASE = 0x10 };

#endif
