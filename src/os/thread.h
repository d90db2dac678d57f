/* SPDX-License-Identifier: Apache-2.0 */
/* Threads of our own, and waiting for them. */
#ifndef OS_THREAD_H
#define OS_THREAD_H

#include <pthread.h>

#include "base/status.h"
#include "os/lock.h"

struct thread {
    pthread_t id;
};

/* Starts `main` in a thread that takes no signals of the process: handlers run where the guest is.
 * `low_priority`: it gives way to the guest where they share a core. False when the system has none
 * to give. Each thread is joined once. */
MUST_CHECK bool thread_start(struct thread *thread, void (*main)(void *context), void *context,
                             bool low_priority);
void thread_join(struct thread *thread);
/* Instead of a join: nobody will wait for it. */
void thread_detach(struct thread *thread);
/* Cores that this process may use; at least 1. */
unsigned thread_cores(void);

/* Waiting for a change of what a lock guards. */
struct condition {
    pthread_cond_t condition;
};

static inline void condition_init(struct condition *condition)
{
    pthread_cond_init(&condition->condition, NULL);
}
static inline void condition_free(struct condition *condition)
{
    pthread_cond_destroy(&condition->condition);
}
/* The lock is held on both sides. May return early: look again. */
static inline void condition_wait(struct condition *condition, struct lock *lock)
{
    pthread_cond_wait(&condition->condition, &lock->mutex);
}
static inline void condition_wake_all(struct condition *condition)
{
    pthread_cond_broadcast(&condition->condition);
}

#endif
