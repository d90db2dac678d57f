/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of a module's hot spots; private to tier_*.c. */
#ifndef RUNTIME_TIER_INT_H
#define RUNTIME_TIER_INT_H

#include "os/thread.h"
#include "runtime/store.h"

struct tier {
    struct lock lock;
    struct condition changed;
    struct tier_stats stats;
};

/* The module's, made at need; NULL when memory is out. */
struct tier *tier_of(struct stint_module *module);

#endif
