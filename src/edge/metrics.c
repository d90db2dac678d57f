/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/metrics.h"

#include <string.h>

#include "edge/request.h"
#include "edge/trigger.h"
#include "os/clock.h"
#include "services/services.h"

enum { ROUTES_MAX = 1 << 14 };

void metrics_init(struct metrics *metrics)
{
    memset(metrics, 0, sizeof(*metrics));
    lock_init(&metrics->lock);
    arena_init(&metrics->arena, &alloc_root);
}

void metrics_free(struct metrics *metrics)
{
    alloc_put(&alloc_root, metrics->routes, metrics->route_capacity * sizeof(*metrics->routes));
    alloc_put(&alloc_root, metrics->map, metrics->map_capacity * sizeof(*metrics->map));
    arena_free(&metrics->arena);
    lock_free(&metrics->lock);
}

/* ---- Series ------------------------------------------------------------------------------ */

/* Its index from 1, 0 where memory is out. */
static uint32_t find_series(struct metrics *metrics, const char *component, const char *route)
{
    size_t first = metrics->route_count;
    for (size_t i = 0; i < metrics->route_count; i++) {
        const struct metrics_route *known = &metrics->routes[i];
        if (strcmp(known->component, component) != 0)
            continue;
        if (strcmp(known->route, route) == 0)
            return (uint32_t)i + 1;
        first = known->first;
    }
    if (metrics->route_count >= ROUTES_MAX ||
        !vec_reserve(&alloc_root, &metrics->routes, &metrics->route_capacity,
                     metrics->route_count + 1, sizeof(*metrics->routes)))
        return 0;
    struct metrics_route *added = &metrics->routes[metrics->route_count];
    memset(added, 0, sizeof(*added));
    added->first = first;
    added->component = arena_copy_string(&metrics->arena, component, strlen(component));
    added->route = arena_copy_string(&metrics->arena, route, strlen(route));
    if (added->component == NULL || added->route == NULL)
        return 0;
    return (uint32_t)++metrics->route_count;
}

/* The counts of the component that the series is of; NULL where memory is out. */
static uint64_t *countries_of(struct metrics *metrics, const struct metrics_route *series)
{
    struct metrics_route *first = &metrics->routes[series->first];
    if (first->countries == NULL)
        first->countries =
            arena_get_zeroed(&metrics->arena, METRICS_COUNTRIES + 1, sizeof(*first->countries));
    return first->countries;
}

/* Under the lock. The map spares looking for names at each request. */
static struct metrics_route *series_of(struct metrics *metrics, const struct request *request)
{
    if (request->trigger != NULL) {
        uint32_t found = find_series(metrics, request->component->app->id,
                                     trigger_label(request->trigger));
        return found != 0 ? &metrics->routes[found - 1] : NULL;
    }
    const struct app *app = request->app->app;
    size_t count = app->http_count + 1 + app->component_count;
    size_t at = app->http_count;
    if (request->route != NULL)
        at = request->match.http;
    else if (request->component != NULL) /* chained */
        at += 1 + (size_t)(request->component - request->app->components);
    if (metrics->map_version != request->app->version || metrics->map_count != count) {
        if (!vec_reserve(&alloc_root, &metrics->map, &metrics->map_capacity, count,
                         sizeof(*metrics->map)))
            return NULL;
        memset(metrics->map, 0, count * sizeof(*metrics->map));
        metrics->map_count = count;
        metrics->map_version = request->app->version;
    }
    if (metrics->map[at] == 0) {
        const char *route = request->route != NULL       ? request->route->route
                            : request->component != NULL ? "*.spin.internal"
                                                         : NULL;
        metrics->map[at] =
            find_series(metrics, request->component != NULL ? request->component->app->id : "",
                        route != NULL ? route : "");
    }
    return metrics->map[at] != 0 ? &metrics->routes[metrics->map[at] - 1] : NULL;
}

/* ---- Counting ---------------------------------------------------------------------------- */

static const uint64_t bounds_ns[METRICS_BUCKETS] = {
    50000,    100000,    250000,    500000,    1000000,    2500000,    5000000,    10000000,
    25000000, 50000000, 100000000, 250000000, 1000000000, 5000000000, 30000000000,
};

uint64_t metrics_bound_ns(size_t bucket)
{
    return bucket < METRICS_BUCKETS ? bounds_ns[bucket] : UINT64_MAX;
}

static void observe(struct metrics_histogram *histogram, uint64_t ns)
{
    size_t at = 0;
    while (at < METRICS_BUCKETS && ns > bounds_ns[at])
        at++;
    histogram->counts[at]++;
    histogram->sum_ns += ns;
}

static void count_code(struct metrics_route *series, unsigned code, uint64_t count)
{
    size_t at = 0;
    while (at < METRICS_CODES - 1 && series->codes[at].count > 0 && series->codes[at].code != code)
        at++;
    series->codes[at].code = at < METRICS_CODES - 1 ? code : 0;
    series->codes[at].count += count;
}

static enum metrics_method method_of(const char *method)
{
    static const char *const names[] = {
#define X(name) #name,
        METRICS_METHODS(X)
#undef X
    };
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (strcmp(method, names[i]) == 0)
            return (enum metrics_method)i;
    }
    return METHOD_OTHER;
}

void metrics_answered(struct request *request)
{
    struct metrics *metrics = &request->worker->metrics;
    const struct http_request *http = http_exchange_request(request->exchange);
    const char *country = request->geo.country;
    size_t place = METRICS_COUNTRIES;
    if (country[0] >= 'A' && country[0] <= 'Z' && country[1] >= 'A' && country[1] <= 'Z')
        place = (size_t)(country[0] - 'A') * 26 + (size_t)(country[1] - 'A');
    lock_take(&metrics->lock);
    metrics->countries[place]++;
    struct metrics_route *series = series_of(metrics, request);
    if (series != NULL) {
        uint64_t *countries = countries_of(metrics, series);
        if (countries != NULL)
            countries[place]++;
        count_code(series, request->answer, 1);
        series->methods[method_of(http->method)]++;
        series->received_bytes += request->received_bytes;
        series->sent_bytes += http_sent_bytes(request->exchange);
        series->lost += http_is_lost(request->exchange);
        observe(&series->duration, request->now_ns - request->start_ns);
    }
    lock_give(&metrics->lock);
}

static enum metrics_failure failure_of(enum stint_status status)
{
    switch (status) {
    case STINT_TRAP:
        return FAILURE_TRAP;
    case STINT_TIMEOUT:
        return FAILURE_TIMEOUT;
    case STINT_FUEL:
        return FAILURE_FUEL;
    case STINT_LIMIT:
        return FAILURE_INSTANCES;
    case STINT_NOMEM:
        return FAILURE_MEMORY;
    case STINT_INTERRUPTED:
        return FAILURE_GONE;
    case STINT_EXIT:
        return FAILURE_EXIT;
    default:
        return FAILURE_OTHER;
    }
}

const char *metrics_failure_name(enum stint_status status)
{
#define X(name, text) text,
    static const char *const names[] = {METRICS_FAILURES(X)};
#undef X
    return names[failure_of(status)];
}

void metrics_ran(struct request *request)
{
    struct metrics *metrics = &request->worker->metrics;
    if (!request->is_done)
        return;
    bool is_fine = request->status == STINT_OK ||
                   (request->status == STINT_EXIT && request->error.exit_code == 0);
    lock_take(&metrics->lock);
    struct metrics_route *series = series_of(metrics, request);
    if (series != NULL) {
        observe(&series->guest, request->guest_ns);
        observe(&series->take, request->take_ns);
        series->over_budget += request->guest_ns > request->component->app->limits.cpu_budget_ns;
        series->memory_seconds += (double)request->memory_bytes * (double)request->held_ns * 1e-9;
        if (!is_fine)
            series->failures[failure_of(request->status)]++;
    }
    lock_give(&metrics->lock);
}

static enum metrics_call outcome_of(const struct wasi_p2_call *call)
{
    /* Cases of wasi:http/types.error-code. */
    enum { DNS_TIMEOUT, DNS_ERROR, NOT_FOUND, UNAVAILABLE, PROHIBITED, IP_UNROUTABLE, REFUSED,
           TIMEOUT = 8, READ_TIMEOUT, WRITE_TIMEOUT, LIMIT, DENIED = 15, RESPONSE_TIMEOUT = 33 };
    if (call->is_cancelled)
        return CALL_CANCELLED;
    if (call->error == 0)
        return call->status >= 500   ? CALL_5XX
               : call->status >= 400 ? CALL_4XX
               : call->status >= 300 ? CALL_3XX
                                     : CALL_2XX;
    switch (call->error - 1) {
    case PROHIBITED:
    case LIMIT:
    case DENIED:
        return CALL_REFUSED;
    case DNS_ERROR:
    case NOT_FOUND:
    case UNAVAILABLE:
    case IP_UNROUTABLE:
    case REFUSED:
        return CALL_UNREACHABLE;
    case DNS_TIMEOUT:
    case TIMEOUT:
    case READ_TIMEOUT:
    case WRITE_TIMEOUT:
    case RESPONSE_TIMEOUT:
        return CALL_TIMEOUT;
    default:
        return CALL_FAILED;
    }
}

static void count_call(struct request *request, enum metrics_kind kind, enum metrics_call outcome,
                       uint64_t start_ns, uint64_t end_ns)
{
    struct metrics *metrics = &request->worker->metrics;
    lock_take(&metrics->lock);
    struct metrics_route *series = series_of(metrics, request);
    if (series != NULL) {
        series->calls[kind][outcome]++;
        if (start_ns != 0)
            observe(&series->call[kind], end_ns - start_ns);
    }
    lock_give(&metrics->lock);
}

void metrics_called(struct request *request, const struct wasi_p2_call *call)
{
    count_call(request, KIND_HTTP, outcome_of(call), call->start_ns, call->end_ns);
}

void metrics_service_called(void *user, const struct services_call *call)
{
    static const enum metrics_call outcomes[] = {
        [SERVICES_ANSWERED] = CALL_OK,        [SERVICES_REFUSED] = CALL_REFUSED,
        [SERVICES_UNREACHABLE] = CALL_UNREACHABLE, [SERVICES_TIMEOUT] = CALL_TIMEOUT,
        [SERVICES_CANCELLED] = CALL_CANCELLED, [SERVICES_FAILED] = CALL_FAILED};
    count_call(user, call->server == SERVICES_REDIS ? KIND_REDIS : KIND_MQTT, outcomes[call->end],
               call->start_ns, call->end_ns);
}

void metrics_limit(struct request *request, enum metrics_limit limit)
{
    struct metrics *metrics = &request->worker->metrics;
    lock_take(&metrics->lock);
    struct metrics_route *series = series_of(metrics, request);
    if (series != NULL)
        series->limits[limit]++;
    lock_give(&metrics->lock);
}

void metrics_connections(struct metrics *metrics, const struct http_server *server)
{
    lock_take(&metrics->lock);
    http_server_stats(server, &metrics->http);
    lock_give(&metrics->lock);
}

/* ---- Adding up --------------------------------------------------------------------------- */

static void add_numbers(uint64_t *into, const uint64_t *from, size_t count)
{
    for (size_t i = 0; i < count; i++)
        into[i] += from[i];
}

static void add_histogram(struct metrics_histogram *into, const struct metrics_histogram *from)
{
    add_numbers(into->counts, from->counts, COUNT_OF(into->counts));
    into->sum_ns += from->sum_ns;
}

static void add_series(struct metrics_route *into, const struct metrics_route *from)
{
    for (size_t i = 0; i < METRICS_CODES; i++) {
        if (from->codes[i].count > 0)
            count_code(into, from->codes[i].code, from->codes[i].count);
    }
    add_numbers(into->methods, from->methods, METHOD_COUNT);
    add_numbers(into->failures, from->failures, FAILURE_COUNT);
    add_numbers(into->limits, from->limits, HIT_COUNT);
    for (size_t i = 0; i < KIND_COUNT; i++) {
        add_numbers(into->calls[i], from->calls[i], CALL_COUNT);
        add_histogram(&into->call[i], &from->call[i]);
    }
    into->received_bytes += from->received_bytes;
    into->sent_bytes += from->sent_bytes;
    into->lost += from->lost;
    into->over_budget += from->over_budget;
    into->memory_seconds += from->memory_seconds;
    add_histogram(&into->duration, &from->duration);
    add_histogram(&into->guest, &from->guest);
    add_histogram(&into->take, &from->take);
}

static void add_http(struct http_server_stats *into, const struct http_server_stats *from)
{
    into->accepted += from->accepted;
    into->closed += from->closed;
    into->requests += from->requests;
    into->refused += from->refused;
    into->timeouts += from->timeouts;
    into->resets += from->resets;
    into->handshakes += from->handshakes;
    into->bad_handshakes += from->bad_handshakes;
    into->open += from->open;
    into->idle += from->idle;
    into->exchanges += from->exchanges;
    into->received_bytes += from->received_bytes;
    into->sent_bytes += from->sent_bytes;
}

bool metrics_add(struct metrics *into, struct metrics *from)
{
    bool ok = true;
    lock_take(&from->lock);
    for (size_t i = 0; i < from->route_count && ok; i++) {
        const struct metrics_route *series = &from->routes[i];
        uint32_t at = find_series(into, series->component, series->route);
        ok = at != 0;
        if (!ok)
            break;
        add_series(&into->routes[at - 1], series);
        if (series->countries != NULL) {
            uint64_t *countries = countries_of(into, &into->routes[at - 1]);
            ok = countries != NULL;
            if (ok)
                add_numbers(countries, series->countries, METRICS_COUNTRIES + 1);
        }
    }
    add_numbers(into->countries, from->countries, COUNT_OF(into->countries));
    add_http(&into->http, &from->http);
    lock_give(&from->lock);
    return ok;
}

uint64_t metrics_p99_ns(const struct metrics_histogram *histogram)
{
    uint64_t total = 0, above = 0;
    for (size_t i = 0; i <= METRICS_BUCKETS; i++)
        total += histogram->counts[i];
    for (size_t i = METRICS_BUCKETS; i > 0; i--) {
        above += histogram->counts[i];
        if (above * 100 > total)
            return i < METRICS_BUCKETS ? bounds_ns[i] : UINT64_MAX;
    }
    return bounds_ns[0];
}

/* ---- Text -------------------------------------------------------------------------------- */

bool metrics_put_label(struct buf *out, const char *text)
{
    bool ok = true;
    for (; *text != '\0' && ok; text++) {
        if (*text == '\n')
            ok = buf_append_string(out, "\\n");
        else if (*text == '\\' || *text == '"')
            ok = buf_append_byte(out, '\\') && buf_append_byte(out, (uint8_t)*text);
        else
            ok = buf_append_byte(out, (uint8_t)*text);
    }
    return ok;
}

static void put_family(struct buf *out, const char *name, const char *type, const char *help)
{
    (void)buf_append_format(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* The beginning of a sample, up to where more labels may follow. */
static void put_series(struct buf *out, const char *name, const char *end,
                       const struct metrics_route *series)
{
    (void)buf_append_format(out, "%s%s{component=\"", name, end);
    (void)metrics_put_label(out, series->component);
    (void)buf_append_string(out, "\",route=\"");
    (void)metrics_put_label(out, series->route);
    (void)buf_append_byte(out, '"');
}

static void put_seconds(struct buf *out, uint64_t ns)
{
    (void)buf_append_format(out, "%llu.%09llu", (unsigned long long)(ns / 1000000000),
                            (unsigned long long)(ns % 1000000000));
}

/* `labels`: more of them, each with a comma before it. */
static void put_histogram(struct buf *out, const char *name, const struct metrics_route *series,
                          const char *labels, const struct metrics_histogram *histogram)
{
    unsigned long long total = 0;
    for (size_t i = 0; i <= METRICS_BUCKETS; i++) {
        total += histogram->counts[i];
        put_series(out, name, "_bucket", series);
        (void)buf_append_format(out, "%s,le=\"", labels);
        if (i < METRICS_BUCKETS)
            (void)buf_append_format(out, "%g", (double)bounds_ns[i] / 1e9);
        else
            (void)buf_append_string(out, "+Inf");
        (void)buf_append_format(out, "\"} %llu\n", total);
    }
    put_series(out, name, "_sum", series);
    (void)buf_append_format(out, "%s} ", labels);
    put_seconds(out, histogram->sum_ns);
    (void)buf_append_byte(out, '\n');
    put_series(out, name, "_count", series);
    (void)buf_append_format(out, "%s} %llu\n", labels, total);
}

static void print_histogram(const struct metrics *metrics, struct buf *out, const char *name,
                            const char *help, size_t offset, bool guests_only)
{
    put_family(out, name, "histogram", help);
    for (size_t i = 0; i < metrics->route_count; i++) {
        const struct metrics_route *series = &metrics->routes[i];
        if (!guests_only || series->component[0] != '\0')
            put_histogram(out, name, series, "",
                          (const struct metrics_histogram *)((const char *)series + offset));
    }
}

/* A counter with one more label, whose values are `names`; zeros are left out. */
static void print_labelled(const struct metrics *metrics, struct buf *out, const char *name,
                           const char *help, const char *label, const char *const *names,
                           size_t count, size_t offset)
{
    put_family(out, name, "counter", help);
    for (size_t i = 0; i < metrics->route_count; i++) {
        const uint64_t *numbers =
            (const uint64_t *)((const char *)&metrics->routes[i] + offset);
        for (size_t k = 0; k < count; k++) {
            if (numbers[k] == 0)
                continue;
            put_series(out, name, "", &metrics->routes[i]);
            (void)buf_append_format(out, ",%s=\"%s\"} %llu\n", label, names[k],
                                    (unsigned long long)numbers[k]);
        }
    }
}

static void print_total(const struct metrics *metrics, struct buf *out, const char *name,
                        const char *help, size_t offset)
{
    put_family(out, name, "counter", help);
    for (size_t i = 0; i < metrics->route_count; i++) {
        const uint64_t *number = (const uint64_t *)((const char *)&metrics->routes[i] + offset);
        put_series(out, name, "", &metrics->routes[i]);
        (void)buf_append_format(out, "} %llu\n", (unsigned long long)*number);
    }
}

static void print_costs(const struct metrics *metrics, struct buf *out)
{
    static const char cpu[] = "stint_cpu_seconds_total";
    static const char memory[] = "stint_memory_byte_seconds_total";
    put_family(out, cpu, "counter", "Time of guests on their thread, summed.");
    for (size_t i = 0; i < metrics->route_count; i++) {
        const struct metrics_route *series = &metrics->routes[i];
        if (series->component[0] == '\0')
            continue;
        put_series(out, cpu, "", series);
        (void)buf_append_string(out, "} ");
        put_seconds(out, series->guest.sum_ns);
        (void)buf_append_byte(out, '\n');
    }
    put_family(out, memory, "counter", "Memory of instances, by the time that requests had them.");
    for (size_t i = 0; i < metrics->route_count; i++) {
        const struct metrics_route *series = &metrics->routes[i];
        if (series->component[0] == '\0')
            continue;
        put_series(out, memory, "", series);
        (void)buf_append_format(out, "} %.17g\n", series->memory_seconds);
    }
}

/* Only of routes that make calls, and of their kinds. */
static void print_calls(const struct metrics *metrics, struct buf *out)
{
    static const char count[] = "stint_outbound_requests_total";
    static const char time[] = "stint_outbound_duration_seconds";
    static const char *const labels[] = {
#define X(name, text) ",kind=\"" text "\"",
        METRICS_KINDS(X)};
#undef X
#define X(name, text) text,
    static const char *const outcomes[] = {METRICS_CALLS(X)};
#undef X
    put_family(out, count, "counter", "Requests that guests made, of HTTP and to other servers.");
    for (size_t i = 0; i < metrics->route_count; i++) {
        const struct metrics_route *series = &metrics->routes[i];
        for (size_t k = 0; k < KIND_COUNT * (size_t)CALL_COUNT; k++) {
            uint64_t number = series->calls[k / CALL_COUNT][k % CALL_COUNT];
            if (number == 0)
                continue;
            put_series(out, count, "", series);
            (void)buf_append_format(out, "%s,outcome=\"%s\"} %llu\n", labels[k / CALL_COUNT],
                                    outcomes[k % CALL_COUNT], (unsigned long long)number);
        }
    }
    put_family(out, time, "histogram", "Those, to their response's end.");
    for (size_t i = 0; i < metrics->route_count; i++) {
        const struct metrics_route *series = &metrics->routes[i];
        for (size_t k = 0; k < KIND_COUNT; k++) {
            uint64_t total = 0;
            for (size_t n = 0; n < CALL_COUNT; n++)
                total += series->calls[k][n];
            if (total > 0)
                put_histogram(out, time, series, labels[k], &series->call[k]);
        }
    }
}

static void print_codes(const struct metrics *metrics, struct buf *out)
{
    static const char name[] = "stint_requests_total";
    put_family(out, name, "counter", "Requests that were answered, or lost (0).");
    for (size_t i = 0; i < metrics->route_count; i++) {
        const struct metrics_route *series = &metrics->routes[i];
        for (size_t k = 0; k < METRICS_CODES && series->codes[k].count > 0; k++) {
            put_series(out, name, "", series);
            if (k < METRICS_CODES - 1)
                (void)buf_append_format(out, ",code=\"%u\"} ", series->codes[k].code);
            else
                (void)buf_append_string(out, ",code=\"other\"} ");
            (void)buf_append_format(out, "%llu\n", (unsigned long long)series->codes[k].count);
        }
    }
}

/* Names the most frequent of those that have no label yet, while there are labels. */
static void name_countries(const uint64_t *counts, struct metrics_labels *labels)
{
    while (labels->count < labels->count_max) {
        size_t best = METRICS_COUNTRIES;
        for (size_t i = 0; i < METRICS_COUNTRIES; i++) {
            if (!labels->is_named[i] && counts[i] > 0 &&
                (best == METRICS_COUNTRIES || counts[i] > counts[best]))
                best = i;
        }
        if (best == METRICS_COUNTRIES)
            return;
        labels->is_named[best] = true;
        labels->count++;
    }
}

static void print_country(const struct metrics_route *series, const char *country, uint64_t count,
                          struct buf *out)
{
    (void)buf_append_string(out, "stint_country_requests_total{component=\"");
    (void)metrics_put_label(out, series->component);
    (void)buf_append_format(out, "\",country=\"%s\"} %llu\n", country, (unsigned long long)count);
}

static void print_countries(const struct metrics *metrics, struct metrics_labels *labels,
                            struct buf *out)
{
    name_countries(metrics->countries, labels);
    put_family(out, "stint_country_requests_total", "counter", "Requests by the client's country.");
    for (size_t k = 0; k < metrics->route_count; k++) {
        const struct metrics_route *series = &metrics->routes[k];
        const uint64_t *counts = series->countries;
        uint64_t others = 0;
        if (counts == NULL)
            continue;
        for (size_t i = 0; i < METRICS_COUNTRIES; i++) {
            const char code[3] = {(char)('A' + i / 26), (char)('A' + i % 26), '\0'};
            if (!labels->is_named[i])
                others += counts[i];
            else if (counts[i] > 0)
                print_country(series, code, counts[i], out);
        }
        print_country(series, "other", others, out);
        print_country(series, "unknown", counts[METRICS_COUNTRIES], out);
    }
}

static void print_http(const struct http_server_stats *http, struct buf *out)
{
    const struct {
        const char *name, *type, *help;
        uint64_t value;
    } rows[] = {
        {"stint_connections_total", "counter", "Connections that were accepted.", http->accepted},
        {"stint_connections", "gauge", "Connections that are open.", http->open},
        {"stint_connections_idle", "gauge", "Those between requests.", http->idle},
        {"stint_exchanges", "gauge", "Requests on their way.", http->exchanges},
        {"stint_refused_total", "counter", "Heads that were answered 4xx by the server.",
         http->refused},
        {"stint_slow_total", "counter", "Connections that were closed for being slow.",
         http->timeouts},
        {"stint_resets_total", "counter", "Streams that clients reset.", http->resets},
        {"stint_tls_handshakes_total", "counter", "TLS handshakes that ended well.",
         http->handshakes},
        {"stint_tls_bad_handshakes_total", "counter", "Those that did not.", http->bad_handshakes},
        {"stint_received_bytes_total", "counter", "Bytes from clients, heads and TLS included.",
         http->received_bytes},
        {"stint_sent_bytes_total", "counter", "Bytes to clients, likewise.", http->sent_bytes},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        put_family(out, rows[i].name, rows[i].type, rows[i].help);
        (void)buf_append_format(out, "%s %llu\n", rows[i].name, (unsigned long long)rows[i].value);
    }
}

bool metrics_print(const struct metrics *metrics, struct metrics_labels *labels, struct buf *out)
{
    static const char *const methods[] = {
#define X(name) #name,
        METRICS_METHODS(X)
#undef X
        "other"};
#define X(name, text) text,
    static const char *const failures[] = {METRICS_FAILURES(X)};
    static const char *const limits[] = {METRICS_LIMITS(X)};
#undef X
#define AT(field) offsetof(struct metrics_route, field)
    print_codes(metrics, out);
    print_labelled(metrics, out, "stint_requests_by_method_total", "The same by method.", "method",
                   methods, METHOD_COUNT, AT(methods));
    print_labelled(metrics, out, "stint_failures_total", "Guests that did not end well.", "kind",
                   failures, FAILURE_COUNT, AT(failures));
    print_labelled(metrics, out, "stint_limits_total", "Times that a limit was met.", "limit", limits,
                   HIT_COUNT, AT(limits));
    print_total(metrics, out, "stint_over_budget_total", "Requests beyond their cpu_budget.",
                AT(over_budget));
    print_total(metrics, out, "stint_request_bytes_total", "Bytes of requests' bodies.",
                AT(received_bytes));
    print_total(metrics, out, "stint_response_bytes_total", "Bytes of responses' bodies.",
                AT(sent_bytes));
    print_total(metrics, out, "stint_lost_total", "Requests whose connection ended first.", AT(lost));
    print_histogram(metrics, out, "stint_request_duration_seconds",
                    "From a request's first byte to its answer's last.", AT(duration), false);
    print_histogram(metrics, out, "stint_guest_seconds",
                    "Time of a guest on its thread; waiting does not count.", AT(guest), true);
    print_histogram(metrics, out, "stint_take_seconds", "Getting an instance.", AT(take), true);
#undef AT
    print_costs(metrics, out);
    print_calls(metrics, out);
    print_countries(metrics, labels, out);
    print_http(&metrics->http, out);
    return !out->failed;
}
