/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the kernel has put a page in place for this thread since a moment. Where it has not, the
 * thread has written only to pages that were its own, and writable, by then.
 */
#ifndef OS_PAGE_FAULTS_H
#define OS_PAGE_FAULTS_H

#include "base/status.h"

struct fault_mark {
    uint64_t thread; /* its number in this process; 0: no mark */
    uint64_t faults;
};

/* The thread's count now. A zeroed mark where this system does not count faults. */
struct fault_mark page_faults_now(void);
/* Whether `now` is of the thread of `then`, with no fault in between. */
bool page_faults_none(struct fault_mark then, struct fault_mark now);
/* Another thread has written to memory for this one: that counts as a fault. */
void page_faults_elsewhere(void);

#endif
