/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fibers in an event loop: a guest that waits is suspended, and resumed by the loop.
 *
 *     status = loop_create(uv, &fibers, &loop, &error);
 *     loop_task_init(&task, loop, after, env);
 *     is_alive = loop_start(&task, run, arg, &error);       runs it until it waits or ends
 *     … in it: store->waiter = &task.waiter;
 *     … whenever the loop has let it run on: after(env, is_alive)
 *     loop_free(loop);                                      once no task is alive
 */
#ifndef EDGE_LOOP_H
#define EDGE_LOOP_H

#include "os/fiber.h"
#include "runtime/waiter.h"

struct uv_loop_s;
struct loop;

struct loop_task {
    struct waiter waiter;
    struct loop *loop;
    struct fiber *fiber; /* while it is alive and suspended */
    /* After the loop resumed it: it has suspended itself again, or it has ended. */
    void (*after)(void *env, bool is_alive);
    void *env;
    /* Private. */
    struct loop_task *next; /* in the queue of those to be resumed */
    uint64_t due_ns;
    size_t heap_at; /* of the timers, from 1; 0: none */
    bool is_queued, is_working;
};

MUST_CHECK enum stint_status loop_create(struct uv_loop_s *uv, const struct fiber_config *fibers,
                                         struct loop **ret_loop, struct stint_error *error);
/* The uv loop has to run once more before it may be closed. Accepts NULL. */
void loop_free(struct loop *loop);

void loop_task_init(struct loop_task *task, struct loop *loop, void (*after)(void *, bool),
                    void *env);
/* Runs `run(arg)` on a fiber of its own. False in `ret_is_alive`: it has ended already. `after` is not
 * called here. STINT_LIMIT, STINT_NOMEM: there is no stack. */
MUST_CHECK enum stint_status loop_start(struct loop_task *task, fiber_fn run, void *arg,
                                        bool *ret_is_alive);
/* Lets a suspended task look again, soon: after an interrupt of its store. */
void loop_wake(struct loop_task *task);
/* How many tasks are to be resumed, and wait for nothing but their turn. */
uint32_t loop_ready(const struct loop *loop);

#endif
