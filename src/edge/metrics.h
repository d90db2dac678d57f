/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a worker counts. Each has its own, under a lock that only a scrape ever contends for; a scrape
 * adds them up into another one and prints that.
 */
#ifndef EDGE_METRICS_H
#define EDGE_METRICS_H

#include "app/app.h"
#include "base/buf.h"
#include "http/http_server.h"
#include "os/lock.h"

enum {
    METRICS_BUCKETS = 15, /* and one for what is slower than all */
    METRICS_CODES = 20,   /* of a route; the last one is for all others */
    METRICS_COUNTRIES = 26 * 26,
};

#define METRICS_METHODS(X) \
    X(GET) X(HEAD) X(POST) X(PUT) X(DELETE) X(PATCH) X(OPTIONS)
enum metrics_method {
#define X(name) METHOD_##name,
    METRICS_METHODS(X)
#undef X
    METHOD_OTHER,
    METHOD_COUNT
};

#define METRICS_FAILURES(X) \
    X(TRAP, "trap") X(TIMEOUT, "timeout") X(FUEL, "fuel") X(INSTANCES, "instances") \
    X(MEMORY, "memory") X(GONE, "gone") X(EXIT, "exit") X(OTHER, "other")
enum metrics_failure {
#define X(name, text) FAILURE_##name,
    METRICS_FAILURES(X)
#undef X
    FAILURE_COUNT
};

#define METRICS_LIMITS(X) \
    X(CONCURRENCY, "concurrency") X(RATE, "rate") X(REQUEST_SIZE, "request_size") \
    X(RESPONSE_SIZE, "response_size") X(LOG_SIZE, "log_size") X(OVERLOAD, "overload")
enum metrics_limit {
#define X(name, text) HIT_##name,
    METRICS_LIMITS(X)
#undef X
    HIT_COUNT
};

/* What a guest asked: a server of HTTP, or another. */
#define METRICS_KINDS(X) X(HTTP, "http") X(REDIS, "redis") X(MQTT, "mqtt")
enum metrics_kind {
#define X(name, text) KIND_##name,
    METRICS_KINDS(X)
#undef X
    KIND_COUNT
};

/* What became of that: of HTTP the status, of others `ok`. */
#define METRICS_CALLS(X) \
    X(2XX, "2xx") X(3XX, "3xx") X(4XX, "4xx") X(5XX, "5xx") X(OK, "ok") X(REFUSED, "refused") \
    X(UNREACHABLE, "unreachable") X(TIMEOUT, "timeout") X(CANCELLED, "cancelled") X(FAILED, "failed")
enum metrics_call {
#define X(name, text) CALL_##name,
    METRICS_CALLS(X)
#undef X
    CALL_COUNT
};

struct metrics_histogram {
    uint64_t counts[METRICS_BUCKETS + 1];
    uint64_t sum_ns;
};

struct metrics_code {
    unsigned code;
    uint64_t count;
};

struct metrics_route {
    const char *component, *route; /* "" for none */
    size_t first; /* the index of the first route of that component, where its countries are: */
    uint64_t *countries; /* as metrics.countries; NULL for none */
    struct metrics_code codes[METRICS_CODES];
    uint64_t methods[METHOD_COUNT], failures[FAILURE_COUNT], limits[HIT_COUNT];
    uint64_t calls[KIND_COUNT][CALL_COUNT];
    uint64_t received_bytes, sent_bytes, lost;
    uint64_t over_budget; /* of those that `guest` counts: beyond limits.cpu_budget */
    double memory_seconds; /* bytes for seconds */
    struct metrics_histogram duration, guest, take, call[KIND_COUNT];
};

struct metrics {
    struct lock lock;
    struct arena arena; /* labels */
    struct metrics_route *routes;
    size_t route_count, route_capacity;
    uint32_t *map; /* by index in app->http: in `routes`, from 1; of the version map_version */
    size_t map_count, map_capacity;
    uint64_t map_version;
    uint64_t countries[METRICS_COUNTRIES + 1]; /* the last one: unknown */
    struct http_server_stats http;
};

void metrics_init(struct metrics *metrics);
void metrics_free(struct metrics *metrics);

struct request;
/* In the worker's thread: its exchange has ended; its guest has; it met a limit. */
void metrics_answered(struct request *request);
void metrics_ran(struct request *request);
struct wasi_p2_call;
void metrics_called(struct request *request, const struct wasi_p2_call *call);
struct services_call;
/* As guest_config.service_called; `user` is the request. */
void metrics_service_called(void *user, const struct services_call *call);
void metrics_limit(struct request *request, enum metrics_limit limit);
void metrics_connections(struct metrics *metrics, const struct http_server *server);

/* "trap", "timeout", …: what a guest ended with. */
const char *metrics_failure_name(enum stint_status status);
/* The upper bound of a histogram's bucket; UINT64_MAX of the last one. */
uint64_t metrics_bound_ns(size_t bucket);

/* Adds what `from`, which is locked meanwhile, has counted. False: memory is out. */
bool metrics_add(struct metrics *into, struct metrics *from);

/* Countries that have a label of their own: so many come first, the others are "other" for good. */
struct metrics_labels {
    bool is_named[METRICS_COUNTRIES];
    uint32_t count, count_max;
};
/* About the slowest of 100 of a histogram: the bound of its bucket; UINT64_MAX: slower than all. */
uint64_t metrics_p99_ns(const struct metrics_histogram *histogram);
/* Appends families in Prometheus' text format. */
bool metrics_print(const struct metrics *metrics, struct metrics_labels *labels, struct buf *out);
/* Appends a value of a label. */
bool metrics_put_label(struct buf *out, const char *text);

#endif
