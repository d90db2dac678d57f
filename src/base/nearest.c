/* SPDX-License-Identifier: Apache-2.0 */
/* "Did you mean …?": the optimal string alignment distance, with a cheap prefix rule in front. */
#include "base/nearest.h"

#include <string.h>

enum { NAME_BYTES_MAX = 64 };

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`. */
static unsigned distance(const char *a, size_t a_bytes, const char *b, size_t b_bytes)
{
    unsigned rows[3][NAME_BYTES_MAX + 1];
    unsigned *before = rows[0], *above = rows[1], *row = rows[2];
    for (size_t j = 0; j <= b_bytes; j++)
        above[j] = (unsigned)j;
    for (size_t i = 1; i <= a_bytes; i++) {
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_bytes; j++) {
            unsigned cost = a[i - 1] == b[j - 1] ? 0 : 1;
            row[j] = min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + cost);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                before[j - 2] + 1 < row[j])
                row[j] = before[j - 2] + 1;
        }
        unsigned *spare = before;
        before = above;
        above = row;
        row = spare;
    }
    return above[b_bytes];
}

void nearest_offer(struct nearest *nearest, const char *candidate, size_t bytes)
{
    size_t wanted_bytes = nearest->wanted_bytes;
    if (bytes > NAME_BYTES_MAX || wanted_bytes > NAME_BYTES_MAX || wanted_bytes == 0)
        return;
    unsigned found;
    if (wanted_bytes >= 2 && wanted_bytes < bytes &&
        memcmp(candidate, nearest->wanted, wanted_bytes) == 0) {
        /* An abbreviation counts as one mistake, however much is missing. */
        found = 1;
    } else {
        found = distance(nearest->wanted, wanted_bytes, candidate, bytes);
        size_t longer = bytes > wanted_bytes ? bytes : wanted_bytes;
        if (found > 1 + longer / 4)
            return;
    }
    if (nearest->best == NULL || found < nearest->best_distance) {
        nearest->best = candidate;
        nearest->best_bytes = bytes;
        nearest->best_distance = found;
    }
}
