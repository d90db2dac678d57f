/* SPDX-License-Identifier: Apache-2.0 */
/* See overload.h. */
#include "app/overload.h"

enum { COUNT_MAX = 8192 };

static const uint64_t interval_ns = 20000000;
static const uint64_t wait_min_ns = 1000000;
/* A round that begins later than that after the last one's end was waited for; to ask the system for
 * hundreds of connections that are ready, and to write the log, takes less. */
static const uint64_t pause_ns = 1000000;

static uint64_t wait_max_ns(const struct overload *overload)
{
    if (overload->count == 0)
        return UINT64_MAX;
    uint64_t wait_ns = overload->mean_ns * OVERLOAD_REQUESTS;
    return wait_ns > wait_min_ns ? wait_ns : wait_min_ns;
}

bool overload_refuses(struct overload *overload, uint64_t now_ns)
{
    if (overload->begun_ns == 0) {
        uint64_t idle_ns = now_ns - overload->ended_ns;
        overload->begun_ns = now_ns;
        if (idle_ns > pause_ns)
            overload->carried_ns = 0;
        if (idle_ns >= interval_ns / 2)
            overload->is_over = false;
        if (idle_ns > pause_ns && !overload->is_over)
            overload->agreed_ns = now_ns;
    }
    /* On the average, who waited for the last round did so for half of it. Some are served in each. */
    uint64_t max_ns = wait_max_ns(overload), carried_ns = overload->carried_ns;
    if (carried_ns > max_ns)
        carried_ns = max_ns;
    uint64_t wait_ns = now_ns - overload->begun_ns + carried_ns / 2;
    if (wait_ns > overload->longest_ns)
        overload->longest_ns = wait_ns;
    bool is_refused =
        overload->is_over && wait_ns > max_ns && overload->served >= OVERLOAD_REQUESTS;
    *(is_refused ? &overload->refused : &overload->served) += 1;
    return is_refused;
}

void overload_round(struct overload *overload, uint64_t now_ns)
{
    if (overload->begun_ns == 0)
        return;
    uint64_t round_ns = now_ns - overload->begun_ns;
    bool is_long = overload->longest_ns > wait_max_ns(overload) &&
                   overload->served >= OVERLOAD_REQUESTS;
    if (is_long == overload->is_over || now_ns - overload->agreed_ns > interval_ns) {
        overload->agreed_ns = now_ns;
        overload->is_over = is_long;
    }
    if (overload->refused == 0) {
        overload->sum_ns += round_ns;
        overload->count += overload->served;
        overload->mean_ns = overload->sum_ns / overload->count;
        if (overload->count >= COUNT_MAX) {
            overload->sum_ns /= 2;
            overload->count /= 2;
        }
    }
    overload->carried_ns = round_ns;
    overload->ended_ns = now_ns;
    overload->begun_ns = overload->longest_ns = 0;
    overload->served = overload->refused = 0;
}
