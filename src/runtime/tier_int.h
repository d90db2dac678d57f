/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of a module's hot spots; private to tier_*.c. */
#ifndef RUNTIME_TIER_INT_H
#define RUNTIME_TIER_INT_H

#include "os/thread.h"
#include "runtime/store.h"

enum {
    TIER_HOT_SAMPLES = 8,       /* slices until something is compiled: some milliseconds of work */
    TIER_READY_SHARE = 4,       /* … of which this part until the compiler is loaded, … */
    TIER_READY_NS = 5000000,    /* … but not in programs so short: loading and unloading takes theirs */
    TIER_LOOPS_MAX = 1024,      /* loops that are remembered, a module */
    TIER_RUN_BYTES = 16384,     /* all that has run is compiled where its bodies have no more bytes */
    TIER_HOT_FUNCTIONS = 64,    /* else in one job … */
    TIER_HOT_BYTES = 4096,      /* … and bytes of their bodies, in the first one */
    TIER_QUICK_BYTES = 32768,   /* a first job of more than this is done quickly */
    TIER_UNSEEN_BYTES = 512,    /* a function that has run but was never seen at it is not larger */
    TIER_LARGE_BYTES = 1024,    /* one larger than this has to be seen in a part of all samples */
    TIER_LARGE_SAMPLES = 8,     /* … at least as large as 1 / this */
    TIER_LARGE_SHARE = 4,       /* a later job of this part of a small module: the whole, instead */
    TIER_CALLEE_BYTES = 256,    /* functions that may be taken beside the hot ones … */
    TIER_BESIDE_BYTES = 2048,   /* … and bytes of them */
    TIER_STUCK_SAMPLES = 32,    /* in a loop without an entry, of a function that has code */
    /* Steps are slices that end at the next head of a loop, or call; some tenths of a microsecond. */
    TIER_LOOK_TICKS = 24,     /* while the compiler is loaded, but not in very short programs: … */
    TIER_STEPS_LOOK = 8192,   /* … to see which loops turn often, … */
    TIER_STEPS_ENTER = 32768, /* … and after an image: to come to one with an entry soon */
    TIER_SMALL_BYTES = 2 << 20, /* modules with less code than this are compiled whole */
    TIER_WHOLE_SLICES = 256,    /* in machine code of the cache's, until what it lacks is compiled */
    TIER_FAILURES_MAX = 3,      /* compilations that fail before a module stays interpreted */
};

/* A loop that was running at a slice. */
struct hot_loop {
    uint32_t own_index;
    uint32_t cell; /* of its head, in the engine's words */
    uint32_t loop_offset;
    uint32_t samples, seen; /* how often, and the tick of the last time */
    uint32_t passes;        /* its head was met in steps */
    uint32_t depth;         /* loops around it and itself; 0: not known yet */
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

    /* By own index: samples, the tick of the last one, whether an image has been asked for it, whether
     * entries to loops of it have, and whether it runs once only. A block: of many, what never
     * runs costs nothing. */
    uint32_t *heat, *seen;
    size_t heat_bytes;
    uint8_t *is_requested, *is_entered, *is_once;
    uint32_t ticks; /* calls of tier_sample with one of its frames innermost */
    struct hot_loop *loops;
    size_t loop_count, loop_capacity;

    bool is_quick;        /* the last hot set was compiled quickly */
    bool is_readied;      /* the hot job's thread was started: first it looks into the cache */
    bool is_looked_up;    /* what the cache has is the module's */
    uint32_t hot_jobs;    /* begun */
    bool has_facts;       /* is_once is known */
    uint32_t new_samples; /* of functions and loops that nothing was asked for */
    uint32_t stuck_samples; /* of loops without an entry, in functions that have code */
    uint32_t steps_look, steps_enter; /* left */
    bool has_looked;                  /* the former were begun */
    uint64_t begin_ns;
    atomic_uint slices_to_whole; /* 0: not counted */
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

/* Whether all of the module is compiled in the end. */
static inline bool tier_is_small(const struct tier *tier)
{
    return tier->module->wasm->size_bytes <= TIER_SMALL_BYTES;
}

/* tier_facts_native.c: a byte a function, zero before: 1 where it is called once in the life of an
 * instance, as far as that can be told. */
void tier_find_once(const struct stint_module *module, uint8_t *ret_is_once);
/* How many loops there are around a place, that of the `loop` there included. */
uint32_t tier_loop_depth(const struct stint_module *module, uint32_t own_index,
                         uint32_t loop_offset);

/* tier_choose_native.c: fills the job's lists and marks what is in them as requested; the lock is held.
 * False when memory is out, or what is hot has code by now. */
MUST_CHECK bool tier_choose(struct tier *tier, struct tier_job *job);
/* tier_job_native.c: gives a job's lists back. */
void tier_job_clear(struct tier_job *job);

/* tier_job_native.c: starts compilations when there is reason to; the lock is held. */
void tier_consider(struct tier *tier);
/* Starts the compilation of all of a module whose images are from the cache and lack something; the lock
 * is held. */
void tier_complete(struct tier *tier);
/* Compiles one function in this thread, the lock held. */
void tier_compile_now(struct tier *tier, const uint32_t *functions, uint32_t function_count,
                      const struct tier_loop *loops, uint32_t loop_count);
void tier_jobs_end(struct tier *tier);

#endif
