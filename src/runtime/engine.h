/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seam between the runtime and what executes code: interpreter and machine code implement
 * these operations; the runtime knows nothing else of them.
 */
#ifndef RUNTIME_ENGINE_H
#define RUNTIME_ENGINE_H

#include "base/status.h"

struct stint_engine;
struct stint_module;
struct stint_store;
struct stint_instance;
struct func;
struct exec;
struct module_code;
struct frame_info;

struct engine_ops {
    const char *name; /* "interpreter" */

    /* After validation: makes the module's code state. Function bodies are translated lazily;
     * thread-safe from then on. */
    MUST_CHECK enum stint_status (*module_attach)(struct stint_module *module,
                                                  struct module_code **ret_code,
                                                  struct stint_error *error);
    void (*module_detach)(struct module_code *code);

    /* The entry that struct func.code holds for a module-defined function (index from the first
     * module-defined one). Must not fail and must not translate. */
    const void *(*func_entry)(struct module_code *code, uint32_t own_index);

    /* For tiers (runtime/tier.h): whether the function has run, and the offset in the binary of the
     * `loop` whose head a cell is; false when it is none, or memory is out. Thread-safe. */
    bool (*has_run)(struct module_code *code, uint32_t own_index);
    bool (*loop_offset)(struct module_code *code, uint32_t own_index, uint32_t cell,
                        uint32_t *ret_offset_bytes);

    /* Execution state of a store. */
    MUST_CHECK enum stint_status (*exec_create)(struct stint_store *store, struct exec **ret_exec);
    void (*exec_free)(struct exec *exec);

    /* Runs a module-defined or host function; see rt_call. May be nested: guest -> host -> guest. */
    MUST_CHECK enum stint_status (*call)(struct exec *exec, struct func *func, uint64_t *slots,
                                         struct stint_error *error);

    /* The same out of machine code, interpreted even where the function has some of its own. NULL
     * where there is none. */
    MUST_CHECK enum stint_status (*interpret)(struct exec *exec, struct func *func, uint64_t *slots,
                                              struct stint_error *error);

    /* Runs store->run->tail_callee, which machine code left for: its arguments are in run->values,
     * the results go to `slots`. NULL where there is no machine code. */
    MUST_CHECK enum stint_status (*call_tail)(struct exec *exec, uint64_t *slots,
                                              struct stint_error *error);
    /* The module has got an image (runtime/native.h); calls of its functions have to find it. May be
     * NULL. Thread-safe. */
    void (*code_added)(struct module_code *code);

    /* Calls `visit` with the address of each 64-bit slot that holds a gc_ref, in all frames. */
    void (*visit_roots)(struct exec *exec, void (*visit)(void *context, uint64_t *slot),
                        void *context);

    /* The frames of the last trap, innermost first; returns how many there were, writes at most
     * `limit`. Valid until the next call. */
    size_t (*backtrace)(struct exec *exec, struct frame_info *ret_frames, size_t limit);

    /* Forgets what the last calls left, as after exec_create; with `trim`, gives back memory that deep
     * calls took. No call runs. */
    void (*exec_reset)(struct exec *exec, bool trim);

    /* Operators charged in the unfinished slice, for exact fuel between calls. */
    uint64_t (*fuel_pending)(const struct exec *exec);
};

#endif
