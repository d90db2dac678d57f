/* SPDX-License-Identifier: Apache-2.0 */
#include "os/clock.h"

#include <time.h>

static clockid_t id_of(enum os_clock clock)
{
    switch (clock) {
    case OS_CLOCK_REALTIME:
        return CLOCK_REALTIME;
    case OS_CLOCK_MONOTONIC:
        return CLOCK_MONOTONIC;
    case OS_CLOCK_PROCESS_CPU:
        return CLOCK_PROCESS_CPUTIME_ID;
    case OS_CLOCK_THREAD_CPU:
        return CLOCK_THREAD_CPUTIME_ID;
    }
    return CLOCK_MONOTONIC;
}

/* A clock that was set to a time before 1970 reads as 0. */
static uint64_t nanoseconds(const struct timespec *time)
{
    if (time->tv_sec < 0)
        return 0;
    return (uint64_t)time->tv_sec * 1000000000u + (uint64_t)time->tv_nsec;
}

uint64_t clock_now_ns(enum os_clock clock)
{
    struct timespec now;
    return clock_gettime(id_of(clock), &now) == 0 ? nanoseconds(&now) : 0;
}

uint64_t clock_resolution_ns(enum os_clock clock)
{
    struct timespec step;
    return clock_getres(id_of(clock), &step) == 0 ? nanoseconds(&step) : 0;
}
