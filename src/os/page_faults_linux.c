/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From getrusage, which counts the faults of a thread in user code and in system calls alike, 0.3 µs
 * a question. Some sandboxes always answer 0: so a fault is tried first.
 */
#include "os/page_faults.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>

#include "os/lock.h"
#include "os/pages.h"

static bool are_counted;
static struct once tried_once = ONCE_INIT;
static atomic_ullong threads;

static _Thread_local struct {
    uint64_t number, elsewhere;
} own;

static uint64_t count(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_THREAD, &usage) != 0)
        return 0;
    return (uint64_t)usage.ru_minflt + (uint64_t)usage.ru_majflt;
}

/* In the child its one thread counts from 0 again, and is another one. */
static void on_fork(void)
{
    own.number = 0;
}

static void try_fault(void)
{
    size_t page = pages_size();
    uint8_t *region = pages_get(2 * page);
    if (region == NULL)
        return;
    *(volatile uint8_t *)region = 1;
    uint64_t before = count();
    *(volatile uint8_t *)(region + page) = 1;
    are_counted = count() > before && pthread_atfork(NULL, NULL, on_fork) == 0;
    pages_release(region, 2 * page);
}

struct fault_mark page_faults_now(void)
{
    once_do(&tried_once, try_fault);
    if (!are_counted)
        return (struct fault_mark){0};
    if (own.number == 0)
        own.number = atomic_fetch_add(&threads, 1) + 1;
    return (struct fault_mark){own.number, count() + own.elsewhere};
}

bool page_faults_none(struct fault_mark then, struct fault_mark now)
{
    return then.thread != 0 && then.thread == now.thread && then.faults == now.faults;
}

void page_faults_elsewhere(void)
{
    own.elsewhere++;
}
