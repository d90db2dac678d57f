/* SPDX-License-Identifier: Apache-2.0 */
/* "Did you mean …?" */
#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

#include "base/status.h"

/*
 * The candidate that is nearest to what was typed, or NULL when none is near enough. Give the
 * candidates one by one; `best` starts zeroed but for `wanted`.
 */
struct nearest {
    const char *wanted;
    size_t wanted_bytes;
    const char *best;
    size_t best_bytes;
    unsigned best_distance; /* valid where best is not NULL */
};
void nearest_offer(struct nearest *nearest, const char *candidate, size_t bytes);

#endif
