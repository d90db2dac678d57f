/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fibers: functions on stacks of their own, between which one thread switches by itself.
 *
 *     status = fiber_pool_create(&config, &pool);          of one thread
 *     status = fiber_start(pool, serve, request, &fiber);  runs it until it suspends or ends
 *     … in the fiber: fiber_suspend() comes back when somebody resumes it
 *     is_alive = fiber_resume(fiber);
 *     fiber_pool_free(pool);                               once no fiber is left
 *
 * A fiber stays with the thread that started it. Stacks have a guard page at their low end, and go back
 * to the pool when the function returns. Fibers do not nest: only the thread's own stack starts and
 * resumes them.
 */
#ifndef OS_FIBER_H
#define OS_FIBER_H

#include "base/status.h"

struct fiber;
struct fiber_pool;

typedef void (*fiber_fn)(void *arg);

struct fiber_config {
    size_t stack_bytes;   /* of each, the guard page aside */
    uint32_t stacks_keep; /* stacks that are kept when no fiber uses them */
    uint32_t stacks_max;
};

/* 256 KiB a stack, 64 kept, 65,536 at most. Memory is used as it is touched. A stack is two of the
 * mappings that Linux lets a process have (vm.max_map_count, 65,530 unless it is raised). */
struct fiber_config fiber_config_default(void);

/* STINT_UNSUPPORTED: a build or a processor without fibers. STINT_LIMIT: stacks below 32 KiB. */
MUST_CHECK enum stint_status fiber_pool_create(const struct fiber_config *config,
                                               struct fiber_pool **ret_pool);
void fiber_pool_free(struct fiber_pool *pool); /* accepts NULL */

/*
 * Runs `run(arg)` on a stack of the pool. `ret_fiber` is NULL if it has ended when this returns.
 * STINT_LIMIT: all stacks are taken, STINT_NOMEM: there is no memory for one more.
 */
MUST_CHECK enum stint_status fiber_start(struct fiber_pool *pool, fiber_fn run, void *arg,
                                         struct fiber **ret_fiber);
/* Continues a fiber that suspended itself. False: it has ended, and is no more. */
bool fiber_resume(struct fiber *fiber);

/* The fiber that runs; NULL on the thread's own stack. */
struct fiber *fiber_current(void);
/* Goes back to who started or resumed this fiber. */
void fiber_suspend(void);

/* Bytes that are left of the stack this runs on, a fiber's or the thread's; SIZE_MAX when it is
 * another, such as that of a store's machine code (native_has_headroom). */
size_t fiber_stack_left(void);

/* A pointer that each fiber has one of, as has the thread's own stack: NULL at the start. */
extern _Thread_local void *fiber_local __attribute__((tls_model("initial-exec")));

#endif
