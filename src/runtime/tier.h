/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tiers: which functions of a module become machine code, and when. Nothing here knows a compiler or
 * a cache: images come from a struct tier_source, which the engine's maker puts into its
 * configuration (src/api has one). Builds without machine code have no tier but the interpreter.
 *
 *   interp  never
 *   aot     all of a module, before it runs: rt_module_create compiles it, or finds it in the cache
 *   jit     starts in the interpreter, which reports at each slice of fuel where it stands. What is
 *           seen often is compiled by a thread of the module, then the rest of the module, while it
 *           runs on; the interpreter enters machine code at calls and, at a slice, in loops.
 *
 * A tiered engine is metered: slices are where hot code is seen, and the charge is the same in every
 * tier.
 */
#ifndef RUNTIME_TIER_H
#define RUNTIME_TIER_H

#include <stdatomic.h>

#include "base/status.h"

struct stint_engine;
struct stint_module;
struct stint_instance;
struct native_image;

enum tier_mode { TIER_INTERP, TIER_JIT, TIER_AOT };

/* A loop: the offset of its operator in the module's binary. */
struct tier_loop {
    uint32_t own_index;
    uint32_t loop_offset;
};

/* What is wanted of the compiler. */
struct tier_request {
    const uint32_t *functions; /* own indices, ascending; NULL: all */
    uint32_t function_count;
    const struct tier_loop *loops; /* to be entered at their heads; by own_index, then offset */
    uint32_t loop_count;
    uint32_t jobs; /* threads; 0: one a core */
    bool is_quick; /* code that is soon there rather than fast: at most -O1 */
    bool is_kept;  /* to be put into the cache as well */
    /* Called now and then, from any thread: not 0 ends the compilation. May be NULL. */
    int (*progress)(void *context, uint32_t done, uint32_t total);
    void *progress_context;
};

/* Where images come from. Thread-safe. */
struct tier_source {
    /* Gives the module the images that the cache has for it (native_add_image): STINT_NOT_FOUND
     * when there are none that fit. */
    enum stint_status (*find)(struct stint_module *module);
    /* Loads what compile will need: takes a while, and may fail without harm. */
    void (*prepare)(void);
    /* Compiles, gives the module the image, and then keeps it if that is wanted. */
    enum stint_status (*compile)(struct stint_module *module, const struct tier_request *request,
                                 struct stint_error *error);
    /* Where has_debug_info or has_perf_map is set: the module gets an image, and loses it. */
    void (*announce)(const struct stint_module *module, const struct native_image *image);
    void (*forget)(const struct stint_module *module, const struct native_image *image);
};

/* Part of struct engine_config. */
struct tier_config {
    uint8_t mode;        /* enum tier_mode */
    uint8_t opt_level;   /* 0 … 3 */
    bool is_strict;      /* exact traps and backtraces; see docs/aot.md */
    bool uses_cache;     /* keeps what is compiled, and … */
    bool is_looked_up;   /* … looks for images when a module is made that was given none; else, in
                          * mode jit, when it gets hot */
    bool has_debug_info; /* functions are known to debuggers */
    bool has_perf_map;   /* and to perf */
    const struct tier_source *source; /* NULL: no machine code, whatever the mode */
    /* For tests. */
    uint32_t hot_samples; /* slices after which a module is compiled; 0: the default */
    bool is_synchronous;  /* compile in the guest's thread: the same run each time */
    uint64_t seed;        /* not 0: thresholds are random numbers from it */
};

/* The interpreter, with what the other modes take when they are chosen. */
struct tier_config tier_config_default(void);

/* What became of a module, for reports. Plain numbers, 0 where nothing was done. */
struct tier_stats {
    uint64_t samples;
    uint64_t compile_ns;       /* from request to image, summed */
    uint32_t images, cached;   /* made here, and found in the cache */
    uint32_t functions, loops; /* compiled */
    uint32_t loop_entries;     /* loops left for machine code */
    uint32_t failures;
};

/* For rt_module_create: does what the mode wants done before the module runs. */
MUST_CHECK enum stint_status tier_module_begin(struct stint_module *module,
                                               struct stint_error *error);
/* ---- For engines that interpret, in mode TIER_JIT ----------------------------------------------- */

enum { TIER_NO_LOOP = 0xffffffff, TIER_SPOTS_MAX = 8 };

/* Where a frame stands at a slice. */
struct tier_spot {
    struct stint_module *module;
    uint32_t own_index;
    uint32_t cell; /* the head of a loop, as engine_ops.loop_offset knows it, or TIER_NO_LOOP */
};

/* Of a store's slices: whether the one that ended was a step, the running one is, and the next is to be.
 * Machine code, where nobody looks, has them run out. */
struct tier_steps {
    bool ended, running, next;
};

/* Whether the interpreter is to report. */
bool tier_is_sampled(const struct stint_engine *engine);
/*
 * At a slice: the frames, innermost first. With the innermost at the head of a loop the result is
 * the loop's OSR entry (runtime/native.h) once there is one, else NULL.
 */
const void *tier_sample(struct tier_steps *steps, const struct tier_spot *spots, size_t count);
/* How many frames are to be reported; asked before that. */
size_t tier_spots_wanted(const struct tier_steps *steps);
/* Before the first call of a function: in tests this may compile it. */
void tier_first_call(struct stint_module *module, uint32_t own_index);
/* The size of the next slice: `slice`, or less where the guest is looked at closely, and in tests. */
uint64_t tier_slice(struct stint_engine *engine, struct tier_steps *steps, uint64_t slice);

/* ---- For machine code ---------------------------------------------------------------------------- */

/* At a slice that ends in a module's machine code, where nothing is sampled. */
void tier_native_slice(struct stint_module *module);

/* For the module's end: stops the compile thread and waits for it. */
void tier_module_end(struct stint_module *module);
void tier_module_stats(const struct stint_module *module, struct tier_stats *ret_stats);

#endif
