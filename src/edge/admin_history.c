/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/admin_history.h"

#include <string.h>

#include "edge/monitor_text.h"
#include "os/clock.h"

/* What all workers have counted, without a look at names. */
struct totals {
    uint64_t requests, errors, buckets[METRICS_BUCKETS + 1];
    uint32_t connections, running;
};

static void add_worker(struct totals *totals, struct metrics *metrics)
{
    lock_take(&metrics->lock);
    for (size_t i = 0; i < metrics->route_count; i++) {
        const struct metrics_route *route = &metrics->routes[i];
        for (size_t k = 0; k < METRICS_CODES; k++) {
            totals->requests += route->codes[k].count;
            if (route->codes[k].code >= 500)
                totals->errors += route->codes[k].count;
        }
        for (size_t k = 0; k <= METRICS_BUCKETS; k++)
            totals->buckets[k] += route->duration.counts[k];
    }
    totals->connections += metrics->http.open;
    totals->running += metrics->http.exchanges;
    lock_give(&metrics->lock);
}

/* As Prometheus does it: linear within a bucket; the lower bound of the last one, which has no upper. */
static double quantile(const uint64_t *counts, double of)
{
    double total = 0, seen = 0;
    for (size_t i = 0; i <= METRICS_BUCKETS; i++)
        total += (double)counts[i];
    if (total == 0)
        return -1;
    for (size_t i = 0; i < METRICS_BUCKETS; i++) {
        double low = i > 0 ? (double)metrics_bound_ns(i - 1) / 1e9 : 0;
        double high = (double)metrics_bound_ns(i) / 1e9;
        if (counts[i] > 0 && seen + (double)counts[i] >= of * total)
            return low + (high - low) * (of * total - seen) / (double)counts[i];
        seen += (double)counts[i];
    }
    return (double)metrics_bound_ns(METRICS_BUCKETS - 1) / 1e9;
}

void admin_history_sample(struct admin_history *history, struct edge_server *server)
{
    struct totals now = {0};
    uint64_t counts[METRICS_BUCKETS + 1];
    uint64_t monotonic_ns = clock_now_ns(OS_CLOCK_MONOTONIC);
    uint64_t cpu_ns = clock_now_ns(OS_CLOCK_PROCESS_CPU);
    for (uint32_t i = 0; i < server->worker_count; i++)
        add_worker(&now, &server->workers[i].metrics);
    for (size_t i = 0; i <= METRICS_BUCKETS; i++)
        counts[i] = now.buckets[i] - history->buckets[i];
    double passed_s = (double)(monotonic_ns - history->monotonic_ns) / 1e9;
    if (history->monotonic_ns > 0 && passed_s > 0) {
        struct history_sample *sample = &history->samples[++history->count % HISTORY_SAMPLES];
        *sample = (struct history_sample){
            .unix_ns = clock_now_ns(OS_CLOCK_REALTIME),
            .requests = (double)(now.requests - history->requests) / passed_s,
            .errors = (double)(now.errors - history->errors) / passed_s,
            .p50 = quantile(counts, 0.5),
            .p90 = quantile(counts, 0.9),
            .p99 = quantile(counts, 0.99),
            .memory_bytes = monitor_resident_bytes(),
            .cpu = (double)(cpu_ns - history->cpu_ns) / 1e9 / passed_s,
            .connections = now.connections,
            .running = now.running,
        };
    }
    history->monotonic_ns = monotonic_ns;
    history->cpu_ns = cpu_ns;
    history->requests = now.requests;
    history->errors = now.errors;
    memcpy(history->buckets, now.buckets, sizeof(now.buckets));
}
