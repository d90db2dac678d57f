/* SPDX-License-Identifier: Apache-2.0 */
/* What the paths of the test handlers' requests say. */
#ifndef PATHS_H
#define PATHS_H

#include "stint_http.h"

static inline bool begins(struct guest_text text, struct guest_text with)
{
    if (text.bytes < with.bytes)
        return false;
    text.bytes = with.bytes;
    return guest_text_equal(text, with);
}

/* What follows '=' in the path. */
static inline uint64_t number(struct guest_text path)
{
    uint64_t value = 0;
    size_t at = 0;
    while (at < path.bytes && path.text[at] != '=')
        at++;
    for (at++; at < path.bytes && path.text[at] >= '0' && path.text[at] <= '9'; at++)
        value = value * 10 + (uint64_t)(path.text[at] - '0');
    return value;
}

#endif
