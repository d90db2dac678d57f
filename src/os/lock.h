/* SPDX-License-Identifier: Apache-2.0 */
/* Mutual exclusion between threads, and things that are done once in a process. */
#ifndef OS_LOCK_H
#define OS_LOCK_H

#include <pthread.h>

struct lock {
    pthread_mutex_t mutex;
};

#define LOCK_INIT {PTHREAD_MUTEX_INITIALIZER}

static inline void lock_init(struct lock *lock)
{
    pthread_mutex_init(&lock->mutex, NULL);
}
static inline void lock_free(struct lock *lock)
{
    pthread_mutex_destroy(&lock->mutex);
}
static inline void lock_take(struct lock *lock)
{
    pthread_mutex_lock(&lock->mutex);
}
static inline void lock_give(struct lock *lock)
{
    pthread_mutex_unlock(&lock->mutex);
}

struct once {
    pthread_once_t state;
};
#define ONCE_INIT {PTHREAD_ONCE_INIT}

/* Calls `function` the first time, and returns after it has returned, every time. */
static inline void once_do(struct once *once, void (*function)(void))
{
    pthread_once(&once->state, function);
}

#endif
