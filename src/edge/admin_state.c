/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/admin_state.h"

#include <string.h>
#include <unistd.h>

#include "edge/failures.h"
#include "edge/versions.h"
#include "os/clock.h"
#include "stint_config.h"

/* ---- JSON -------------------------------------------------------------------------------- */

/* A comma, but for the first thing of an object or array. */
static void separate(struct buf *out)
{
    if (out->bytes > 0 && strchr("{[:", out->data[out->bytes - 1]) == NULL)
        (void)buf_append_byte(out, ',');
}

static void put_string(struct buf *out, const char *text)
{
    separate(out);
    (void)buf_append_byte(out, '"');
    (void)log_json_text(out, text, strlen(text));
    (void)buf_append_byte(out, '"');
}

static void put_key(struct buf *out, const char *name)
{
    put_string(out, name);
    (void)buf_append_byte(out, ':');
}

/* `end`: the bracket that closes what `begin` opens. */
static void begin(struct buf *out, const char *name, char bracket)
{
    if (name != NULL)
        put_key(out, name);
    else
        separate(out);
    (void)buf_append_byte(out, (uint8_t)bracket);
}

static void end(struct buf *out, char bracket)
{
    (void)buf_append_byte(out, (uint8_t)bracket);
}

static void put_text(struct buf *out, const char *name, const char *text)
{
    put_key(out, name);
    put_string(out, text);
}

static void put_count(struct buf *out, const char *name, uint64_t count)
{
    put_key(out, name);
    (void)log_put_number(out, count);
}

/* null where there is no limit. */
static void put_limit(struct buf *out, const char *name, uint64_t count)
{
    if (count != APP_UNLIMITED && count != 0) {
        put_count(out, name, count);
        return;
    }
    put_key(out, name);
    (void)buf_append_string(out, "null");
}

/* null where it is negative. */
static void put_real(struct buf *out, const char *name, double value)
{
    put_key(out, name);
    if (value < 0)
        (void)buf_append_string(out, "null");
    else
        (void)buf_append_format(out, "%.9g", value);
}

static void put_flag(struct buf *out, const char *name, bool is_so)
{
    put_key(out, name);
    (void)buf_append_string(out, is_so ? "true" : "false");
}

static void put_time(struct buf *out, const char *name, uint64_t unix_ns)
{
    put_key(out, name);
    (void)buf_append_format(out, "%llu.%03u", (unsigned long long)(unix_ns / 1000000000),
                            (unsigned)(unix_ns / 1000000 % 1000));
}

static void put_counts(struct buf *out, const char *name, const uint64_t *counts, size_t count)
{
    begin(out, name, '[');
    for (size_t i = 0; i < count; i++) {
        separate(out);
        (void)log_put_number(out, counts[i]);
    }
    end(out, ']');
}

/* Members that are not zero. */
static void put_named(struct buf *out, const char *name, const char *const *names,
                      const uint64_t *counts, size_t count)
{
    begin(out, name, '{');
    for (size_t i = 0; i < count; i++) {
        if (counts[i] > 0)
            put_count(out, names[i], counts[i]);
    }
    end(out, '}');
}

/* ---- The server -------------------------------------------------------------------------- */

static bool is_draining(const struct edge_server *server)
{
    for (uint32_t i = 0; i < server->worker_count; i++) {
        if (atomic_load(&server->workers[i].is_draining))
            return true;
    }
    return false;
}

static void put_listeners(const struct edge_server *server, struct buf *out)
{
    begin(out, "listeners", '[');
    for (uint32_t i = 0; i < server->listener_count; i++) {
        const struct edge_listener *listener = &server->listeners[i];
        begin(out, NULL, '{');
        put_text(out, "address", listener->bound[0] != '\0' ? listener->bound : listener->address);
        put_flag(out, "tls", listener->is_tls);
        put_flag(out, "proxy_protocol", listener->proxy_protocol);
        end(out, '}');
    }
    end(out, ']');
}

static void put_server(const struct monitor_view *view, const struct http_server_stats *http,
                       struct buf *out)
{
    const struct edge_server *server = view->server;
    const struct app *app = view->app->app;
    const struct app_regions *regions = &app->regions;
    begin(out, "server", '{');
    put_text(out, "application", app->name);
    put_text(out, "application_version", app->version);
    put_text(out, "manifest", server->options->path);
    put_text(out, "stint", STINT_VERSION);
    put_text(out, "region", regions->here < regions->count ? regions->items[regions->here].name : "");
    put_count(out, "pid", (uint64_t)getpid());
    put_time(out, "started", server->started_unix_ns);
    put_count(out, "workers", server->worker_count);
    put_flag(out, "draining", is_draining(server));
    put_real(out, "memory_bytes", monitor_resident_bytes());
    put_real(out, "cpu_seconds", (double)clock_now_ns(OS_CLOCK_PROCESS_CPU) / 1e9);
    put_count(out, "log_lost", atomic_load(&server->log.lost));
    begin(out, "connections", '{');
    put_count(out, "open", http->open);
    put_count(out, "idle", http->idle);
    put_count(out, "requests", http->exchanges);
    put_count(out, "accepted", http->accepted);
    put_count(out, "refused", http->refused);
    put_count(out, "slow", http->timeouts);
    put_count(out, "resets", http->resets);
    put_count(out, "tls_handshakes", http->handshakes);
    put_count(out, "tls_failures", http->bad_handshakes);
    put_count(out, "received_bytes", http->received_bytes);
    put_count(out, "sent_bytes", http->sent_bytes);
    end(out, '}');
    put_listeners(server, out);
    end(out, '}');
}

static void put_geo(struct geo *geo, struct buf *out)
{
    struct geo_file_state state;
    begin(out, "geo", '[');
    for (size_t i = 0; geo != NULL && geo_file_state(geo, i, &state); i++) {
        begin(out, NULL, '{');
        put_text(out, "path", state.path);
        put_count(out, "built", state.built_s);
        put_count(out, "reloads", state.reloads);
        put_count(out, "failures", state.failures);
        end(out, '}');
    }
    end(out, ']');
}

/* ---- Components -------------------------------------------------------------------------- */

static void put_instances(const struct edge_component *component, struct buf *out)
{
    struct pool_stats stats = {0};
    if (component->guest != NULL)
        guest_stats(component->guest, &stats);
    begin(out, "instances", '{');
    put_count(out, "busy", stats.slots - (stats.idle < stats.slots ? stats.idle : stats.slots));
    put_count(out, "idle", stats.idle);
    put_count(out, "max", stats.slots_max);
    put_count(out, "starts", stats.takes);
    put_count(out, "cold_starts", stats.cold_takes);
    put_count(out, "memory_bytes", stats.memory_bytes);
    end(out, '}');
}

static void put_component(const struct edge_component *component, struct buf *out)
{
    const struct app_limits *limits = &component->app->limits;
    const struct guest *guest = component->guest;
    uint64_t bytes = 0;
    begin(out, NULL, '{');
    put_text(out, "id", component->app->id);
    put_flag(out, "up", guest != NULL);
    if (guest == NULL) {
        put_text(out, "problem", component->problem);
        put_text(out, "problem_id", component->problem_id);
    }
    put_text(out, "source", component->path != NULL ? component->path : "");
    put_text(out, "sha256", guest != NULL ? guest_digest(guest, &bytes) : "");
    put_count(out, "bytes", bytes);
    put_flag(out, "machine_code", guest != NULL && guest_has_code(guest));
    const char *refusal = guest != NULL ? guest_refusal(guest) : NULL;
    if (refusal != NULL)
        put_text(out, "machine_code_refused", refusal);
    put_count(out, "running", atomic_load_explicit(&component->running, memory_order_relaxed));
    put_instances(component, out);
    begin(out, "limits", '{');
    put_limit(out, "memory_bytes", limits->memory_bytes);
    put_limit(out, "concurrency", limits->concurrency);
    put_limit(out, "fuel", limits->fuel);
    put_limit(out, "timeout_ms",
              limits->timeout_ns == APP_UNLIMITED ? 0 : limits->timeout_ns / 1000000);
    put_limit(out, "cpu_ms", limits->cpu_ns == APP_UNLIMITED ? 0 : limits->cpu_ns / 1000000);
    put_limit(out, "request_bytes", limits->request_bytes);
    put_limit(out, "response_bytes", limits->response_bytes);
    end(out, '}');
    end(out, '}');
}

static void put_components(const struct edge_app *app, struct buf *out)
{
    begin(out, "components", '[');
    for (uint32_t i = 0; i < app->app->component_count; i++)
        put_component(&app->components[i], out);
    end(out, ']');
}

/* ---- Counters ---------------------------------------------------------------------------- */

static void put_histogram(struct buf *out, const char *name,
                          const struct metrics_histogram *histogram)
{
    begin(out, name, '{');
    put_counts(out, "counts", histogram->counts, METRICS_BUCKETS + 1);
    put_real(out, "sum", (double)histogram->sum_ns / 1e9);
    end(out, '}');
}

static void put_route(const struct metrics_route *route, struct buf *out)
{
#define X(name, text) text,
    static const char *const failures[] = {METRICS_FAILURES(X)};
    static const char *const limits[] = {METRICS_LIMITS(X)};
    static const char *const kinds[] = {METRICS_KINDS(X)};
    static const char *const outcomes[] = {METRICS_CALLS(X)};
#undef X
    begin(out, NULL, '{');
    put_text(out, "component", route->component);
    put_text(out, "route", route->route);
    begin(out, "codes", '{');
    for (size_t i = 0; i < METRICS_CODES && route->codes[i].count > 0; i++) {
        separate(out);
        (void)buf_append_byte(out, '"');
        (void)log_put_number(out, route->codes[i].code);
        (void)buf_append_string(out, "\":");
        (void)log_put_number(out, route->codes[i].count);
    }
    end(out, '}');
    put_named(out, "failures", failures, route->failures, FAILURE_COUNT);
    put_named(out, "limits", limits, route->limits, HIT_COUNT);
    begin(out, "calls", '{');
    for (size_t i = 0; i < KIND_COUNT; i++)
        put_named(out, kinds[i], outcomes, route->calls[i], CALL_COUNT);
    end(out, '}');
    put_count(out, "received_bytes", route->received_bytes);
    put_count(out, "sent_bytes", route->sent_bytes);
    put_count(out, "lost", route->lost);
    put_histogram(out, "duration", &route->duration);
    put_histogram(out, "guest", &route->guest);
    end(out, '}');
}

static void put_metrics(const struct metrics *metrics, struct buf *out)
{
    begin(out, "bounds", '[');
    for (size_t i = 0; i < METRICS_BUCKETS; i++) {
        separate(out);
        (void)buf_append_format(out, "%g", (double)metrics_bound_ns(i) / 1e9);
    }
    end(out, ']');
    begin(out, "routes", '[');
    for (size_t i = 0; i < metrics->route_count; i++)
        put_route(&metrics->routes[i], out);
    end(out, ']');
    begin(out, "countries", '{');
    for (size_t i = 0; i < METRICS_COUNTRIES; i++) {
        const char code[3] = {(char)('A' + i / 26), (char)('A' + i % 26), '\0'};
        if (metrics->countries[i] > 0)
            put_count(out, code, metrics->countries[i]);
    }
    if (metrics->countries[METRICS_COUNTRIES] > 0)
        put_count(out, "unknown", metrics->countries[METRICS_COUNTRIES]);
    end(out, '}');
}

/* ---- What happened ----------------------------------------------------------------------- */

static void put_failures(struct failures *failures, struct buf *out)
{
    struct failure failure;
    uint64_t count = failures_count(failures);
    put_count(out, "failure_count", count);
    begin(out, "failures", '[');
    for (uint64_t i = 0; i < FAILURES_MAX && i < count; i++) { /* the latest first */
        if (!failures_get(failures, count - i, &failure))
            continue;
        begin(out, NULL, '{');
        put_count(out, "number", failure.number);
        put_time(out, "time", failure.unix_ns);
        put_text(out, "component", failure.component);
        put_text(out, "route", failure.route);
        put_text(out, "request", failure.request);
        put_text(out, "kind", failure.kind);
        put_text(out, "message", failure.message);
        put_text(out, "backtrace", failure.backtrace);
        end(out, '}');
    }
    end(out, ']');
}

static void put_versions(struct versions *versions, struct buf *out)
{
    struct version version;
    uint64_t count = versions_count(versions);
    begin(out, "versions", '[');
    for (uint64_t i = 0; i < VERSIONS_MAX && i < count; i++) {
        if (!versions_get(versions, count - i, &version))
            continue;
        begin(out, NULL, '{');
        put_limit(out, "number", version.number);
        put_time(out, "time", version.unix_ns);
        put_count(out, "components", version.components);
        put_count(out, "down", version.down);
        put_text(out, "text", version.text);
        end(out, '}');
    }
    end(out, ']');
}

static void put_history(const struct admin_history *history, uint64_t since, struct buf *out)
{
    uint64_t first = history->count >= HISTORY_SAMPLES ? history->count - HISTORY_SAMPLES + 1 : 1;
    if (since <= history->count && since + 1 > first)
        first = since + 1;
    put_count(out, "history_last", history->count);
    begin(out, "history", '[');
    for (uint64_t i = first; i <= history->count; i++) {
        const struct history_sample *sample = &history->samples[i % HISTORY_SAMPLES];
        begin(out, NULL, '{');
        put_count(out, "number", i);
        put_time(out, "time", sample->unix_ns);
        put_real(out, "requests", sample->requests);
        put_real(out, "errors", sample->errors);
        put_real(out, "p50", sample->p50);
        put_real(out, "p90", sample->p90);
        put_real(out, "p99", sample->p99);
        put_real(out, "memory_bytes", sample->memory_bytes);
        put_real(out, "cpu", sample->cpu);
        put_count(out, "connections", sample->connections);
        put_count(out, "running", sample->running);
        end(out, '}');
    }
    end(out, ']');
}

bool admin_print_state(const struct monitor_view *view, const struct admin_history *history,
                       uint64_t since, struct buf *out)
{
    struct edge_server *server = view->server;
    struct metrics *total = metrics_total(server);
    if (total == NULL)
        return false;
    begin(out, NULL, '{');
    put_count(out, "api", ADMIN_STATE_API);
    put_time(out, "now", clock_now_ns(OS_CLOCK_REALTIME));
    put_server(view, &total->http, out);
    put_components(view->app, out);
    put_metrics(total, out);
    put_geo(view->app->geo, out);
    put_versions(server->versions, out);
    put_failures(server->failures, out);
    put_history(history, since, out);
    end(out, '}');
    metrics_total_free(total);
    return buf_append_byte(out, '\n') && !out->failed;
}
