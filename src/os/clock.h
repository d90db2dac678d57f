/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks, in nanoseconds. */
#ifndef OS_CLOCK_H
#define OS_CLOCK_H

#include "base/status.h"

enum os_clock { OS_CLOCK_REALTIME, OS_CLOCK_MONOTONIC, OS_CLOCK_PROCESS_CPU, OS_CLOCK_THREAD_CPU };

/* The time now; 0 where the clock is missing. */
uint64_t clock_now_ns(enum os_clock clock);
uint64_t clock_resolution_ns(enum os_clock clock);

#endif
