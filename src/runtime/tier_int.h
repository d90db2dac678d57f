/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of a module's hot spots; private to tier_*.c. */
#ifndef RUNTIME_TIER_INT_H
#define RUNTIME_TIER_INT_H

#include "os/thread.h"
#include "runtime/store.h"

enum {
    TIER_HOT_SAMPLES = 8,       /* slices until something is compiled: some milliseconds of work */
    TIER_READY_SHARE = 4,       /* … of which this part until the compiler is loaded */
    TIER_LOOPS_MAX = 1024,      /* loops that are remembered, a module */
    TIER_HOT_FUNCTIONS = 64,    /* in one job … */
    TIER_HOT_BYTES = 4096,      /* … and bytes of their bodies, in the first one */
    TIER_QUICK_BYTES = 6144,    /* a first job of more than this is done quickly */
    TIER_CALLEE_BYTES = 256,    /* functions that may be taken beside the hot ones … */
    TIER_BESIDE_BYTES = 2048,   /* … and bytes of them */
    TIER_SMALL_BYTES = 2 << 20, /* modules with less code than this are compiled whole */
    TIER_FAILURES_MAX = 3,      /* compilations that fail before a module stays interpreted */
};

/* A loop that was running at a slice. */
struct hot_loop {
    uint32_t own_index;
    uint32_t cell; /* of its head, in the engine's words */
    uint32_t loop_offset;
    uint32_t samples;
    bool is_requested;
    bool is_taken; /* while a job is put together */
};

/* One compilation; it owns its lists until it is done. */
struct tier_job {
    struct tier *tier;
    struct thread thread;
    bool is_running; /* under the tier's lock, as is all else outside of the thread */
    bool is_started; /* the thread has to be joined */
    bool is_whole;
    struct tier_request request;
    uint32_t *functions;
    size_t functions_bytes;
    struct tier_loop *loops;
    size_t loops_bytes;
};

struct tier {
    struct stint_module *module;
    struct lock lock;
    struct condition changed;
    struct tier_stats stats;
    uint32_t own_count;

    /* By own index: samples, and whether an image has been asked for it. Pages: what never runs
     * costs nothing. */
    uint32_t *heat;
    size_t heat_bytes;
    uint8_t *is_requested;
    struct hot_loop *loops;
    size_t loop_count, loop_capacity;

    bool is_quick;        /* the last hot set was compiled quickly */
    bool is_readied;      /* the hot job's thread was started: first it looks into the cache */
    bool is_looked_up;    /* what the cache has is the module's */
    uint32_t hot_jobs;    /* begun */
    uint32_t new_samples; /* of functions and loops that nothing was asked for */
    atomic_bool is_stopping;
    bool is_whole_made, is_given_up;
    uint64_t random;
    struct tier_job hot, whole; /* the rest waits while a hot set is compiled */
};

/* The module's, made at need; NULL when memory is out. */
struct tier *tier_of(struct stint_module *module);
/* No job runs any more. */
void tier_free(struct tier *tier);

/* Whether there is machine code for every function. */
bool tier_is_whole(const struct tier *tier);

/* tier_job_native.c: starts compilations when there is reason to; the lock is held. */
void tier_consider(struct tier *tier);
/* Compiles one function in this thread, the lock held. */
void tier_compile_now(struct tier *tier, const uint32_t *functions, uint32_t function_count,
                      const struct tier_loop *loops, uint32_t loop_count);
void tier_jobs_end(struct tier *tier);

#endif
