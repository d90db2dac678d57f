/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for descriptors and for time, at most once a call: see wasi/host_wait.h for the loop. */
#ifndef OS_READINESS_H
#define OS_READINESS_H

#include "os/errors.h"

/* The bits of poll(2). */
enum {
    READY_READ = 0x01,
    READY_WRITE = 0x04,
    READY_ERROR = 0x08,  /* seen only */
    READY_HANGUP = 0x10, /* seen only: the other end is gone */
    READY_BAD_FD = 0x20, /* seen only: the descriptor is not open */
};

/* Laid out as struct pollfd. */
struct ready_item {
    int fd;         /* negative: never ready */
    int16_t wanted; /* READY_READ, READY_WRITE */
    int16_t seen;   /* filled by ready_wait */
};

/*
 * Waits until an item is ready, the time is up, or a signal came (then it returns early, with no
 * item ready). `timeout_ns` 0 only looks; UINT64_MAX waits for ever. `ret_ready` is the number of items
 * that are ready. OS_INVAL: more items than the process may have descriptors.
 */
MUST_CHECK enum os_error ready_wait(struct ready_item *items, size_t count, uint64_t timeout_ns,
                                    size_t *ret_ready);

/* Lets other threads run. */
void thread_yield(void);

#endif
