/* SPDX-License-Identifier: Apache-2.0 */
/* See overload.h. */
#include "app/overload.h"

enum { COUNT_MAX = 8192 };

static const uint64_t until_over_ns = 20000000;
static const uint64_t until_calm_ns = 1000000000;
static const uint64_t wait_min_ns = 1000000;
/* To refuse costs a third of that. So it frees next to nothing where requests take no longer, and is for
 * those whom so many come before that they would wait for long. */
static const uint64_t cheap_ns = 30000;
static const uint64_t cheap_wait_ns = 16000000;
/* A round that begins later than that after the last one's end was waited for; to ask the system for
 * hundreds of connections that are ready, and to write the log, takes less. */
static const uint64_t pause_ns = 1000000;

static uint64_t wait_max_ns(const struct overload *overload)
{
    if (overload->count == 0)
        return UINT64_MAX;
    if (overload->mean_ns < cheap_ns)
        return cheap_wait_ns;
    uint64_t wait_ns = overload->mean_ns * OVERLOAD_REQUESTS;
    return wait_ns > wait_min_ns ? wait_ns : wait_min_ns;
}

/* The first request of a round. */
static void begin(struct overload *overload, uint64_t now_ns)
{
    overload->begun_ns = now_ns;
    if (now_ns - overload->ended_ns <= pause_ns)
        return;
    overload->carried_ns = 0;
    if (overload->is_over && now_ns - overload->agreed_ns > until_calm_ns)
        overload->is_over = false;
    if (!overload->is_over)
        overload->agreed_ns = now_ns;
}

bool overload_refuses(struct overload *overload, uint32_t ready, uint64_t now_ns)
{
    if (overload->begun_ns == 0)
        begin(overload, now_ns);
    /* On the average, who waited for the last round did so for half of it. Some are served in each. */
    uint64_t max_ns = wait_max_ns(overload), carried_ns = overload->carried_ns;
    if (carried_ns > max_ns)
        carried_ns = max_ns;
    uint64_t wait_ns = now_ns - overload->begun_ns + carried_ns / 2;
    if (wait_ns < ready * overload->mean_ns)
        wait_ns = ready * overload->mean_ns;
    if (wait_ns > overload->longest_ns)
        overload->longest_ns = wait_ns;
    bool is_refused = overload->is_over && wait_ns > max_ns &&
                      (overload->served >= OVERLOAD_REQUESTS || ready >= OVERLOAD_REQUESTS);
    *(is_refused ? &overload->refused : &overload->served) += 1;
    return is_refused;
}

static void measure(struct overload *overload, uint64_t round_ns)
{
    overload->sum_ns += round_ns;
    overload->count += overload->served;
    if (overload->count > 0)
        overload->mean_ns = overload->sum_ns / overload->count;
    if (overload->count >= COUNT_MAX) {
        overload->sum_ns /= 2;
        overload->count /= 2;
    }
}

void overload_round(struct overload *overload, uint32_t ready, uint64_t now_ns)
{
    /* Where functions were to run on, the loop has not waited. */
    if (overload->is_busy)
        overload->begun_ns = overload->ended_ns;
    overload->is_busy = ready > 0;
    if (overload->begun_ns == 0)
        return;
    uint64_t round_ns = now_ns - overload->begun_ns, max_ns = wait_max_ns(overload);
    bool is_long = overload->refused > 0 ||
                   (overload->longest_ns > max_ns && overload->served >= OVERLOAD_REQUESTS) ||
                   (ready >= OVERLOAD_REQUESTS && ready * overload->mean_ns > max_ns);
    uint64_t until_ns = overload->is_over ? until_calm_ns : until_over_ns;
    if (is_long == overload->is_over || now_ns - overload->agreed_ns > until_ns) {
        overload->agreed_ns = now_ns;
        overload->is_over = is_long;
    }
    if (overload->refused == 0)
        measure(overload, round_ns);
    overload->carried_ns = round_ns;
    overload->ended_ns = now_ns;
    overload->begun_ns = overload->longest_ns = 0;
    overload->served = overload->refused = 0;
}
