/* SPDX-License-Identifier: Apache-2.0 */
/* How the server did in the last minutes: a sample a second, so that a page that opens has a past. */
#ifndef EDGE_ADMIN_HISTORY_H
#define EDGE_ADMIN_HISTORY_H

#include "edge/edge_int.h"

enum { HISTORY_SAMPLES = 300 };

struct history_sample {
    uint64_t unix_ns;
    double requests, errors;      /* a second; errors are 5xx */
    double p50, p90, p99;         /* seconds; negative: nobody asked */
    double memory_bytes;          /* resident */
    double cpu;                   /* cores */
    uint32_t connections, running; /* open; requests on their way */
};

struct admin_history {
    struct history_sample samples[HISTORY_SAMPLES]; /* number n is at n % HISTORY_SAMPLES */
    uint64_t count;                                 /* the last one's number; they begin with 1 */
    /* At the last sample: */
    uint64_t monotonic_ns, cpu_ns;
    uint64_t requests, errors, buckets[METRICS_BUCKETS + 1];
};

/* Once a second. */
void admin_history_sample(struct admin_history *history, struct edge_server *server);

#endif
