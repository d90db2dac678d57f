/* SPDX-License-Identifier: Apache-2.0 */
#include "wasi/host_clock.h"

uint64_t host_clock_due_ns(enum os_clock clock, uint64_t time_ns, bool is_absolute)
{
    if (is_absolute && clock == OS_CLOCK_MONOTONIC)
        return time_ns;
    uint64_t left_ns = time_ns;
    if (is_absolute) {
        uint64_t now_ns = clock_now_ns(clock);
        left_ns = time_ns > now_ns ? time_ns - now_ns : 0;
    }
    uint64_t now_ns = clock_now_ns(OS_CLOCK_MONOTONIC);
    /* One less than the largest, which host_wait.h takes for never: 584 years come to the same. */
    return left_ns < UINT64_MAX - 1 - now_ns ? now_ns + left_ns : UINT64_MAX - 1;
}
