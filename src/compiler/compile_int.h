/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One compilation, from a decoded module to an image: functions are cut into partitions, threads
 * lower, optimise and emit them one after the other, and the linker puts the objects together.
 */
#ifndef COMPILER_COMPILE_INT_H
#define COMPILER_COMPILE_INT_H

#include <llvm-c/TargetMachine.h>
#include <stdatomic.h>

#include "compiler/compiler.h"
#include "compiler/linker.h"
#include "compiler/lower.h"
#include "os/lock.h"

/* ---- The machine that code is for (machine.c) -------------------------------------------------- */

struct machine {
    enum image_arch arch;
    LLVMTargetRef target;
    const char *triple;
    const char *cpu, *features;
    char *owned_cpu, *owned_features; /* LLVM's, of this machine */
    uint32_t cpu_features; /* IMAGE_CPU_… */
    char cpu_name[32];     /* of image_header */
};

MUST_CHECK enum stint_status machine_choose(enum compiler_target target,
                                            struct machine *ret_machine,
                                            struct stint_error *error);
void machine_clear(struct machine *machine);
/* A target machine for one thread; end it with LLVMDisposeTargetMachine. */
MUST_CHECK enum stint_status machine_open(const struct machine *machine,
                                          const struct compiler_options *options,
                                          LLVMTargetMachineRef *ret_target,
                                          struct stint_error *error);

/* ---- Partitions (partition.c) ------------------------------------------------------------------ */

/* Own indices order[first] … order[end - 1] become one object. */
struct partition {
    uint32_t first, end;
    uint64_t body_bytes;
    bool is_quick; /* one function, too demanding to be optimised */
};

struct compilation {
    struct alloc *alloc;
    const struct compiler_options *options;
    struct wasm_module *wasm;
    struct machine machine;
    uint32_t code_class;
    uint32_t *type_of_func;  /* func_count */
    uint8_t *is_compiled;    /* own functions */
    uint8_t *has_entry;      /* by type index */
    struct fixed_table *fixed_tables;
    uint32_t *order;         /* own indices to compile */
    uint32_t order_count;
    struct partition *partitions;
    size_t partition_count, partition_capacity;
    struct link_object *objects; /* by partition */

    /* Shared by the threads. */
    atomic_size_t next;      /* partition */
    atomic_bool is_stopped;  /* by a failure, or by progress() */
    struct lock lock;        /* of what follows, and of calls of progress() */
    struct stint_error *error;
    enum stint_status status;
    uint32_t done;           /* functions */
    uint64_t frontend_ns, optimise_ns, codegen_ns;
};

/* Fills order and partitions for so many threads. */
MUST_CHECK enum stint_status partition_make(struct compilation *c, unsigned threads);
/* Whether a body is worth a copy in other partitions, for inlining. */
bool partition_is_inlined(const struct compilation *c, uint32_t own_index);

/* ---- Passes (optimise.c) ----------------------------------------------------------------------- */

/* Sets what all functions of the module have in common; before the passes. */
void optimise_prepare(struct unit *u, const struct compiler_options *options);
MUST_CHECK enum stint_status optimise_run(struct unit *u, LLVMTargetMachineRef target,
                                          const struct compiler_options *options,
                                          struct stint_error *error);

/* ---- After the passes (widen.c) ---------------------------------------------------------------- */

/* Extends numbers of 32 bits, which addresses are, where they are computed. False: out of memory. */
bool widen_addresses(struct unit *u);

/* ---- Threads (compile_threads.c) ---------------------------------------------------------------- */

/* Compiles all partitions; objects are filled where it succeeds. */
MUST_CHECK enum stint_status compile_partitions(struct compilation *c, unsigned threads);

#endif
