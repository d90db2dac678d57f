/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Spans of a request in OTLP's JSON (numbers of 64 bits are texts there), with the names of
 * OpenTelemetry's semantic conventions: one of the server, below it one for getting an instance, and one
 * for each request that the guest makes. Paths and URLs come without their query, which may hold secrets.
 */
#include <stdio.h>
#include <string.h>

#include "edge/request.h"
#include "os/clock.h"
#include "services/services.h"
#include "wasi/p2_http.h"

enum { TRACE_AT = 3, TRACE_DIGITS = 32, SPAN_AT = 36 };
enum { KIND_INTERNAL = 1, KIND_SERVER = 2, KIND_CLIENT = 3 };
/* Bits of `flags`: beside those of W3C, whether it is known that the parent is elsewhere, and that. */
enum { FLAGS_SAMPLED = 0x001, FLAGS_KNOWN = 0x100, FLAGS_REMOTE = 0x200 };
enum { TEXT_BYTES_MAX = 2048, AGENT_BYTES_MAX = 256 };

/* ---- Parts ------------------------------------------------------------------------------- */

static void put_text(struct buf *out, const char *key, const char *text, size_t bytes)
{
    (void)buf_append_format(out, "{\"key\":\"%s\",\"value\":{\"stringValue\":\"", key);
    (void)log_json_text(out, text, bytes < TEXT_BYTES_MAX ? bytes : TEXT_BYTES_MAX);
    (void)buf_append_string(out, "\"}},");
}

static void put_string(struct buf *out, const char *key, const char *text)
{
    if (text[0] != '\0')
        put_text(out, key, text, strlen(text));
}

static void put_number(struct buf *out, const char *key, uint64_t number)
{
    (void)buf_append_format(out, "{\"key\":\"%s\",\"value\":{\"intValue\":\"%llu\"}},", key,
                            (unsigned long long)number);
}

struct span_head {
    const char *span, *parent; /* `parent` "": none */
    unsigned flags;
    int kind;
    uint64_t start_ns, end_ns; /* OS_CLOCK_MONOTONIC */
};

/* The clock that spans are in goes on from the other one. */
static uint64_t unix_of(uint64_t ns)
{
    return clock_now_ns(OS_CLOCK_REALTIME) - (clock_now_ns(OS_CLOCK_MONOTONIC) - ns);
}

/* Up to its name, which follows. */
static void begin_span(struct buf *out, const struct request *request, const struct span_head *head)
{
    uint64_t start_ns = unix_of(head->start_ns);
    buf_clear(out);
    (void)buf_append_string(out, "{\"traceId\":\"");
    (void)buf_append(out, request->trace + TRACE_AT, TRACE_DIGITS);
    (void)buf_append_format(out, "\",\"spanId\":\"%.16s\"", head->span);
    if (head->parent[0] != '\0')
        (void)buf_append_format(out, ",\"parentSpanId\":\"%.16s\"", head->parent);
    (void)buf_append_format(
        out,
        ",\"flags\":%u,\"kind\":%d,\"startTimeUnixNano\":\"%llu\",\"endTimeUnixNano\":\"%llu\","
        "\"name\":\"",
        head->flags, head->kind, (unsigned long long)start_ns,
        (unsigned long long)(start_ns + (head->end_ns - head->start_ns)));
}

static void begin_attributes(struct buf *out)
{
    (void)buf_append_string(out, "\",\"attributes\":[");
}

/* Behind at least one attribute. */
static void end_span(struct request *request, struct buf *out, bool is_error)
{
    if (out->bytes > 0 && !out->failed && out->data[out->bytes - 1] == ',')
        out->bytes--;
    (void)buf_append_string(out, is_error ? "],\"status\":{\"code\":2}}" : "],\"status\":{}}");
    if (!out->failed)
        traces_add(request->worker->server->traces, out->data, out->bytes);
    out->failed = false;
}

/* A method that is not one of those that everyone knows would make names without end. */
static const char *known_method(const char *method)
{
    static const char *const known[] = {"GET",     "HEAD",    "POST",  "PUT",   "DELETE",
                                        "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY"};
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        if (strcmp(method, known[i]) == 0)
            return known[i];
    }
    return NULL;
}

static void put_method(struct buf *out, const char *method)
{
    const char *known = known_method(method);
    put_string(out, "http.request.method", known != NULL ? known : "_OTHER");
    if (known == NULL)
        put_string(out, "http.request.method_original", method);
}

/* "example.org:8080", "[::1]:8080" */
static void put_authority(struct buf *out, const char *authority, bool is_tls)
{
    const char *close = authority[0] == '[' ? strchr(authority, ']') : NULL;
    const char *host = close != NULL ? authority + 1 : authority;
    const char *end = close != NULL ? close : host + strcspn(host, ":");
    const char *colon = strchr(close != NULL ? close : end, ':');
    unsigned port = is_tls ? 443 : 80;
    if (authority[0] == '\0')
        return;
    if (colon != NULL)
        (void)sscanf(colon + 1, "%5u", &port);
    put_text(out, "server.address", host, (size_t)(end - host));
    put_number(out, "server.port", port);
}

/* ---- The server's span ------------------------------------------------------------------- */

static void put_client(struct buf *out, const struct request *request)
{
    size_t before = out->bytes;
    (void)buf_append_string(out, "{\"key\":\"client.address\",\"value\":{\"stringValue\":\"");
    if (request_put_client(request, out))
        (void)buf_append_string(out, "\"}},");
    else
        out->bytes = before;
}

static void put_headers(struct buf *out, const struct http_request *http)
{
    for (size_t i = 0; i < http->header_count; i++) {
        const struct http_header *header = &http->headers[i];
        if (strcmp(header->name, "user-agent") != 0)
            continue;
        put_text(out, "user_agent.original", header->value,
                 header->value_bytes < AGENT_BYTES_MAX ? header->value_bytes : AGENT_BYTES_MAX);
        return;
    }
}

static void put_request(struct buf *out, const struct request *request,
                        const struct http_request *http)
{
    put_method(out, http->method);
    put_text(out, "url.path", http->path, strcspn(http->path, "?"));
    put_string(out, "url.scheme", http->is_tls ? "https" : "http");
    put_authority(out, http->authority, http->is_tls);
    put_string(out, "network.protocol.version",
               http->version == 20   ? "2"
               : http->version == 11 ? "1.1"
                                     : "1.0");
    put_client(out, request);
    put_headers(out, http);
    if (request->route != NULL && request->route->route != NULL)
        put_string(out, "http.route", request->route->route);
    if (request->component != NULL)
        put_string(out, "stint.component", request->component->app->id);
    put_string(out, "stint.request_id", request->id);
    put_string(out, "geo.country.iso_code", request->geo.country);
    put_string(out, "geo.continent.code", request->geo.continent);
    if (request->received_bytes > 0)
        put_number(out, "http.request.body.size", request->received_bytes);
}

static void put_tracestate(struct buf *out, struct request *request);

static void put_server(struct request *request, struct buf *out, uint64_t now_ns)
{
    const struct http_request *http = http_exchange_request(request->exchange);
    const char *method = known_method(http->method);
    bool is_lost = http_is_lost(request->exchange);
    bool is_error = request->answer >= 500 || is_lost;
    const struct span_head head = {.span = request->trace + SPAN_AT,
                                   .parent = request->has_parent ? request->parent : "",
                                   .flags = FLAGS_SAMPLED | FLAGS_KNOWN |
                                            (request->has_parent ? FLAGS_REMOTE : 0),
                                   .kind = KIND_SERVER,
                                   .start_ns = request->start_ns,
                                   .end_ns = now_ns};
    char code[8];
    begin_span(out, request, &head);
    (void)buf_append_string(out, method != NULL ? method : "HTTP");
    if (request->route != NULL && request->route->route != NULL) {
        (void)buf_append_byte(out, ' ');
        (void)log_json_text(out, request->route->route, strlen(request->route->route));
    }
    put_tracestate(out, request);
    begin_attributes(out);
    put_request(out, request, http);
    put_number(out, "http.response.body.size", http_sent_bytes(request->exchange));
    if (request->answer != 0)
        put_number(out, "http.response.status_code", request->answer);
    (void)snprintf(code, sizeof(code), "%u", request->answer % 1000);
    if (is_error)
        put_string(out, "error.type", is_lost ? "connection_lost" : code);
    end_span(request, out, is_error);
}

/* Of the client's headers; several are one, with commas. */
static const char *find_tracestate(struct request *request)
{
    const struct http_request *http = http_exchange_request(request->exchange);
    struct buf *room = &request->worker->scratch;
    buf_clear(room);
    for (size_t i = 0; i < http->header_count; i++) {
        const struct http_header *header = &http->headers[i];
        if (strcmp(header->name, "tracestate") != 0 || header->value_bytes == 0)
            continue;
        if (room->bytes > 0)
            (void)buf_append_byte(room, ',');
        (void)buf_append(room, header->value, header->value_bytes);
    }
    return room->bytes > 0 && buf_append_byte(room, '\0') ? (const char *)room->data : NULL;
}

static void put_tracestate(struct buf *out, struct request *request)
{
    if (request->tracestate == NULL)
        return;
    (void)buf_append_string(out, "\",\"traceState\":\"");
    (void)log_json_text(out, request->tracestate, strlen(request->tracestate));
}

/* A span of a new id below the server's, up to its attributes. */
static void begin_part(struct request *request, struct buf *out, const char *name, int kind,
                       uint64_t start_ns, uint64_t end_ns)
{
    char span[REQUEST_SPAN_BYTES], parent[REQUEST_SPAN_BYTES] = "";
    memcpy(parent, request->trace + SPAN_AT, REQUEST_SPAN_BYTES - 1);
    request_new_span(request->worker, span);
    const struct span_head head = {.span = span,
                                   .parent = parent,
                                   .flags = FLAGS_SAMPLED | FLAGS_KNOWN,
                                   .kind = kind,
                                   .start_ns = start_ns,
                                   .end_ns = end_ns};
    begin_span(out, request, &head);
    (void)buf_append_string(out, name);
    begin_attributes(out);
}

static void put_take(struct request *request, struct buf *out)
{
    begin_part(request, out, "instance", KIND_INTERNAL, request->take_start_ns,
               request->take_start_ns + request->take_ns);
    put_string(out, "stint.component", request->component->app->id);
    end_span(request, out, !request->is_started);
}

void request_span(struct request *request)
{
    struct buf *out = &request->worker->span;
    put_server(request, out, request->now_ns);
    if (request->take_ns != 0)
        put_take(request, out);
}

/* ---- What the guest asks others ---------------------------------------------------------- */

/* Kept with the request: its exchange may be over before the guest makes a request. */
void request_keep_tracestate(struct request *request)
{
    const char *text = request->has_parent ? find_tracestate(request) : NULL;
    if (text == NULL)
        return;
    buf_clear(&request->tracestate_room);
    if (buf_append(&request->tracestate_room, text, strlen(text) + 1))
        request->tracestate = (const char *)request->tracestate_room.data;
}

/* A new span for each call, unless the guest has one of its own in this trace. */
void request_call_begin(void *env, struct wasi_p2_call *call)
{
    struct request *request = env;
    char span[REQUEST_SPAN_BYTES];
    if (call->own_parent != NULL &&
        request_is_own_parent(request, call->own_parent, call->own_parent_bytes)) {
        memcpy(call->parent, call->own_parent + SPAN_AT, REQUEST_SPAN_BYTES - 1);
        return;
    }
    request_new_span(request->worker, span);
    memcpy(call->traceparent, request->trace, REQUEST_TRACE_BYTES);
    memcpy(call->traceparent + SPAN_AT, span, REQUEST_SPAN_BYTES - 1);
    memcpy(call->parent, request->trace + SPAN_AT, REQUEST_SPAN_BYTES - 1);
    call->tracestate = request->tracestate;
}

static void put_call(struct buf *out, const struct request *request,
                     const struct wasi_p2_call *call)
{
    const char *host = call->host[0] != '\0' ? call->host : "self";
    bool is_standard = call->port == (strcmp(call->scheme, "https") == 0 ? 443 : 80);
    bool is_v6 = strchr(host, ':') != NULL;
    char port[8] = "", code[8];
    if (!is_standard)
        (void)snprintf(port, sizeof(port), ":%u", (unsigned)call->port);
    put_method(out, call->method);
    put_string(out, "server.address", host);
    put_number(out, "server.port", call->port);
    put_string(out, "url.scheme", call->scheme);
    (void)buf_append_string(out, "{\"key\":\"url.full\",\"value\":{\"stringValue\":\"");
    (void)buf_append_format(out, "%s://%s", call->scheme, is_v6 ? "[" : "");
    (void)log_json_text(out, host, strlen(host));
    (void)buf_append_format(out, "%s%s", is_v6 ? "]" : "", port);
    size_t path_bytes = strcspn(call->path, "?#");
    (void)log_json_text(out, call->path, path_bytes < TEXT_BYTES_MAX ? path_bytes : TEXT_BYTES_MAX);
    (void)buf_append_string(out, "\"}},");
    put_string(out, "stint.component", request->component->app->id);
    if (call->status != 0)
        put_number(out, "http.response.status_code", call->status);
    (void)snprintf(code, sizeof(code), "%u", call->status % 1000u);
    if (call->is_cancelled)
        put_string(out, "error.type", "cancelled");
    else if (call->error != 0)
        put_string(out, "error.type", p2_http_error_name((uint8_t)(call->error - 1)));
    else if (call->status >= 400)
        put_string(out, "error.type", code);
}

void request_call_end(void *env, const struct wasi_p2_call *call)
{
    struct request *request = env;
    struct buf *out = &request->worker->span;
    char span[REQUEST_SPAN_BYTES];
    metrics_called(request, call);
    if (!request->is_sampled || call->start_ns == 0)
        return;
    if (call->traceparent[0] != '\0') {
        memcpy(span, call->traceparent + SPAN_AT, REQUEST_SPAN_BYTES - 1);
        span[REQUEST_SPAN_BYTES - 1] = '\0';
    } else {
        request_new_span(request->worker, span);
    }
    const struct span_head head = {.span = span,
                                   .parent = call->parent,
                                   .flags = FLAGS_SAMPLED | FLAGS_KNOWN,
                                   .kind = KIND_CLIENT,
                                   .start_ns = call->start_ns,
                                   .end_ns = call->end_ns};
    const char *method = known_method(call->method);
    begin_span(out, request, &head);
    (void)buf_append_string(out, method != NULL ? method : "HTTP");
    put_tracestate(out, request);
    begin_attributes(out);
    put_call(out, request, call);
    end_span(request, out, (call->error != 0 && !call->is_cancelled) || call->status >= 400);
}

/* ---- Commands to Redis, messages to MQTT brokers ----------------------------------------- */

static const char *error_of(enum services_end end)
{
    static const char *const names[] = {[SERVICES_ANSWERED] = "",
                                        [SERVICES_REFUSED] = "refused",
                                        [SERVICES_UNREACHABLE] = "unreachable",
                                        [SERVICES_TIMEOUT] = "timeout",
                                        [SERVICES_CANCELLED] = "cancelled",
                                        [SERVICES_FAILED] = "failed"};
    return names[end];
}

/* Neither keys nor topics are in it: they may name people. */
void request_service_called(void *env, const struct services_call *call)
{
    struct request *request = env;
    struct buf *out = &request->worker->span;
    bool is_redis = call->server == SERVICES_REDIS;
    metrics_service_called(request, call);
    if (!request->is_sampled || call->start_ns == 0)
        return;
    begin_part(request, out, is_redis ? "redis" : "mqtt", KIND_CLIENT, call->start_ns,
               call->end_ns);
    put_string(out, is_redis ? "db.system.name" : "messaging.system", is_redis ? "redis" : "mqtt");
    put_string(out, "error.type", error_of(call->end));
    put_string(out, "stint.component", request->component->app->id);
    end_span(request, out, call->end != SERVICES_ANSWERED);
}
