/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a worker has more to do than it can: requests that come in faster than they are served wait in
 * the connections' buffers, each longer than the one before. Then it is better to serve some soon and to
 * refuse the others at once.
 *
 * What is seen of that wait is the round of the event loop: connections that are ready are served one
 * after another, and what comes meanwhile waits until the round is over. Functions that run for longer
 * than a turn take turns, and then those that are ready to run are what a request waits for. A burst is a
 * long wait or two, and is served. Waits that are all too long for 20 milliseconds are overload, until none
 * was too long for a second: a flood has gaps, and who took the first for its end would serve too many
 * after each. Meanwhile requests are refused once the wait has become too long: more than
 * OVERLOAD_REQUESTS are served in the round or ready to run, and it is longer than those take on the
 * average, and than a millisecond. So a worker that gets little of the processor, but has few clients,
 * refuses none. Requests that take little more than a refusal does are refused only after 16 milliseconds:
 * before, a worker that refuses them does not get through sooner, only with less done.
 */
#ifndef APP_OVERLOAD_H
#define APP_OVERLOAD_H

#include <stdbool.h>
#include <stdint.h>

enum { OVERLOAD_REQUESTS = 32 };

struct overload {
    uint64_t begun_ns;   /* of this round: its first request; 0: none yet */
    uint64_t carried_ns; /* how long what this round began with may have waited for the last one */
    uint64_t ended_ns;   /* of the last round */
    uint64_t longest_ns; /* wait in this round */
    uint64_t agreed_ns;  /* the end of the last round whose wait was as `is_over` says */
    uint64_t mean_ns;    /* of a request's time: sum_ns / count, of rounds without refusals, the last */
    uint64_t sum_ns;     /* ones counting most */
    uint64_t count;
    uint32_t served, refused; /* in this round */
    bool is_over;
    bool is_busy; /* the last round ended with functions that were ready to run */
};

/* A request is there: whether to refuse it. `now_ns` is of OS_CLOCK_MONOTONIC; `ready` functions have been
 * begun, and are to run on. */
bool overload_refuses(struct overload *overload, uint32_t ready, uint64_t now_ns);
/* The round is over, and the loop asks the system for more. */
void overload_round(struct overload *overload, uint32_t ready, uint64_t now_ns);

#endif
