/* SPDX-License-Identifier: Apache-2.0 */
/* Points in time that a guest waits for. */
#ifndef WASI_HOST_CLOCK_H
#define WASI_HOST_CLOCK_H

#include "os/clock.h"

/*
 * When `time_ns` of `clock`, or `time_ns` from now, will have come, on the monotonic clock. The wall
 * clock may be set while the guest waits: ask again at least every HOST_CLOCK_STEP_NS.
 */
uint64_t host_clock_due_ns(enum os_clock clock, uint64_t time_ns, bool is_absolute);

#define HOST_CLOCK_STEP_NS UINT64_C(1000000000)

#endif
