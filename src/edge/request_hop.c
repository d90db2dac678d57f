/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request that is proxied to another region: both bodies stream, and where one side does not take more,
 * the other waits. Where no connection can be made, nothing was sent, and it is decided anew without that
 * region. Each worker has its own connections.
 */
#include <stdio.h>
#include <string.h>

#include "app/address.h"
#include "edge/request_region.h"
#include "http/http_peer.h"
#include "os/clock.h"

enum {
    PIECE_BYTES = 32 << 10,
    PIECES_MAX = 16, /* in one turn */
    HEADERS_ADDED_MAX = 12,
    IDLE_MAX = 32,
};

static const uint64_t second_ns = 1000000000;

/* A worker's way to a region. */
struct hop_peer {
    struct hop_peer *next;
    struct region_state *state;
    uint64_t connect_timeout_ns, timeout_ns;
    struct http_peer *peer;
};

/* ---- Peers ------------------------------------------------------------------------------- */

/* One that has other settings stays until the worker ends: its requests may be on their way. */
static struct hop_peer *peer_of(struct request *request, uint32_t number)
{
    struct worker *worker = request->worker;
    const struct app_region *region = &request->app->app->regions.items[number];
    struct region_state *state = request->app->regions[number];
    struct stint_error ignored = {0};
    struct hop_peer *found = worker->hop_peers;
    while (found != NULL &&
           (found->state != state || found->connect_timeout_ns != region->connect_timeout_ns ||
            found->timeout_ns != region->timeout_ns))
        found = found->next;
    if (found != NULL)
        return found;
    found = alloc_get_zeroed(&alloc_root, 1, sizeof(*found));
    if (found == NULL)
        return NULL;
    const struct http_peer_config config = {
        .host = state->host,
        .port = state->port,
        .tls = state->is_tls ? regions_tls(worker->server->regions) : NULL,
        .connect_timeout_ns = region->connect_timeout_ns,
        .timeout_ns = region->timeout_ns,
        .idle_timeout_ns = 30 * second_ns,
        .idle_max = IDLE_MAX};
    if ((state->is_tls && config.tls == NULL) ||
        http_peer_create(&worker->uv, &config, &found->peer, &ignored) != STINT_OK) {
        alloc_put(&alloc_root, found, sizeof(*found));
        return NULL;
    }
    found->state = state;
    found->connect_timeout_ns = region->connect_timeout_ns;
    found->timeout_ns = region->timeout_ns;
    found->next = worker->hop_peers;
    worker->hop_peers = found;
    return found;
}

void hop_peers_free(struct worker *worker)
{
    for (struct hop_peer *peer; (peer = worker->hop_peers) != NULL;) {
        worker->hop_peers = peer->next;
        http_peer_free(peer->peer);
        alloc_put(&alloc_root, peer, sizeof(*peer));
    }
}

/* ---- The end ----------------------------------------------------------------------------- */

static void end_hop(struct request_region *region)
{
    if (region->peer == NULL)
        return;
    http_call_free(region->call);
    region->call = NULL;
    atomic_fetch_sub(&region->peer->state->running, 1);
    region->peer = NULL;
}

void request_region_end(struct request *request)
{
    if (request->region == NULL)
        return;
    end_hop(request->region);
    alloc_put(&alloc_root, request->region, sizeof(*request->region));
    request->region = NULL;
}

static void answer_failure(struct request *request, unsigned status, const char *text)
{
    request_region_note(request, request->region->region, REGION_HOW_FAILED);
    request_answer(request, status, text);
}

static bool is_unconnected(enum http_call_failure failure)
{
    return failure == HTTP_FAILURE_LOOKUP || failure == HTTP_FAILURE_CONNECT ||
           failure == HTTP_FAILURE_TLS || failure == HTTP_FAILURE_CONNECT_TIMEOUT;
}

/* Nothing more comes from there. */
static void fail(struct request *request)
{
    struct request_region *region = request->region;
    struct region_state *state = region->peer->state;
    struct log_buffer *log = &request->worker->log;
    const char *detail;
    char why[200];
    enum http_call_failure failure = http_call_failure(region->call, &detail);
    (void)snprintf(why, sizeof(why), "%s%s%s", http_failure_text(failure),
                   detail[0] != '\0' ? ": " : "", detail);
    log_line(log, LOG_WARN, request->component != NULL ? request->component->app->id : NULL,
             request->id, "region %s: %s", state->name, why);
    end_hop(region);
    if (request->is_responded) {
        request->is_finished = true;
        http_abort(request->exchange);
    } else if (is_unconnected(failure)) {
        region_lost(state, log, why);
        region->has_failed[region->region] = true;
        if (!request_region_elsewhere(request))
            request_serve(request);
    } else if (failure == HTTP_FAILURE_TIMEOUT) {
        answer_failure(request, 504, "The region took too long");
    } else {
        answer_failure(request, 502, "The region gave no answer");
    }
}

/* ---- Bodies ------------------------------------------------------------------------------ */

static void pump_up(struct request *request)
{
    struct request_region *region = request->region;
    uint8_t piece[PIECE_BYTES];
    while (!region->is_upload_done) {
        size_t room = http_call_room(region->call), bytes = 0, count = 0;
        if (room == 0)
            return;
        enum os_error error = http_body_read(request->exchange, piece,
                                             room < sizeof(piece) ? room : sizeof(piece), &bytes);
        if (error == OS_AGAIN)
            return;
        request->received_bytes += bytes;
        region->is_upload_done = error || bytes == 0;
        if (error) {
            end_hop(region); /* the client is gone, or has sent too much: that is answered */
            return;
        }
        if (bytes > 0) {
            http_call_write(region->call, piece, bytes);
        } else {
            const struct http_header *trailers = http_trailers(request->exchange, &count);
            http_call_finish(region->call, trailers, count);
        }
    }
}

static void respond(struct request *request)
{
    const struct http_call_head *head = http_call_head(request->region->call);
    const struct app_regions *all = &request->app->app->regions;
    struct http_header *headers =
        alloc_get(&alloc_root, (head->header_count + 1) * sizeof(*headers));
    char via[128];
    int bytes = snprintf(via, sizeof(via), "1.1 stint-%s", all->items[all->here].name);
    request->is_responded = true;
    request->answer = head->status;
    request_region_note(request, request->region->region, REGION_HOW_PROXIED);
    if (headers == NULL) {
        http_respond(request->exchange, head->status, head->headers, head->header_count,
                     head->length);
        return;
    }
    memcpy(headers, head->headers, head->header_count * sizeof(*headers));
    headers[head->header_count] = (struct http_header){"via", via, 3, (uint32_t)bytes};
    http_respond(request->exchange, head->status, headers, head->header_count + 1, head->length);
    alloc_put(&alloc_root, headers, (head->header_count + 1) * sizeof(*headers));
}

/* False: the rest comes later. */
static bool pump_down(struct request *request)
{
    struct http_call *call = request->region->call;
    for (int i = 0; i < PIECES_MAX; i++) {
        const uint8_t *data;
        size_t room = http_room(request->exchange);
        size_t bytes = room > 0 ? http_call_body(call, &data) : 0;
        if (bytes == 0)
            return room > 0 && http_call_state(call) >= HTTP_CALL_DONE;
        size_t taken = http_write(request->exchange, data, bytes < room ? bytes : room);
        if (taken == 0)
            return false;
        http_call_take(call, taken);
    }
    http_call_again(call);
    return false;
}

void request_region_pump(struct request *request)
{
    struct request_region *region = request->region;
    if (region == NULL || region->peer == NULL)
        return;
    pump_up(request);
    if (region->peer == NULL)
        return;
    enum http_call_state state = http_call_state(region->call);
    if (state == HTTP_CALL_FAILED) {
        fail(request);
        return;
    }
    if (state < HTTP_CALL_ANSWERS)
        return;
    if (!request->is_responded)
        respond(request);
    if (!pump_down(request))
        return;
    if (http_call_state(region->call) == HTTP_CALL_FAILED) {
        fail(request);
        return;
    }
    size_t count = 0;
    const struct http_header *trailers = http_call_trailers(region->call, &count);
    request->is_finished = true;
    http_finish(request->exchange, trailers, count);
    end_hop(region);
}

static void on_progress(void *env)
{
    request_region_pump(env);
}

/* ---- The beginning ----------------------------------------------------------------------- */

struct outgoing {
    struct http_header *headers;
    size_t count;
};

static void add(struct outgoing *out, const char *name, const char *value, size_t bytes)
{
    if (bytes > 0)
        out->headers[out->count++] =
            (struct http_header){name, value, (uint32_t)strlen(name), (uint32_t)bytes};
}

/* Those that are said anew, or belong to the first hop. */
static bool is_left_out(const struct http_header *header)
{
    static const char *const names[] = {"host",       "expect",           "traceparent",
                                        "tracestate", "x-forwarded-host", "x-forwarded-proto"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (strcmp(header->name, names[i]) == 0)
            return true;
    }
    return route_header_is_own(header->name, header->name_bytes);
}

static bool sign(struct request *request, struct buf *out)
{
    const struct http_request *http = http_exchange_request(request->exchange);
    const struct app_regions *all = &request->app->app->regions;
    const struct hop hop = {.time_s = clock_now_ns(OS_CLOCK_REALTIME) / second_ns,
                            .from = all->items[all->here].name,
                            .id = request->id,
                            .client = request->client,
                            .country = request->geo.country,
                            .continent = request->geo.continent,
                            .region = request->geo.region,
                            .asn = request->geo.asn,
                            .scheme = request->scheme,
                            .host = request->authority};
    const struct hop_message message = {all->hop_secret, http->method, http->path};
    buf_clear(out);
    return hop_write(&hop, &message, out);
}

/* RFC 7239. Where proxies before this one have said it in another way, this stands for all of them. */
static int put_forwarded(const struct request *request, char *out, size_t room)
{
    const struct http_request *http = http_exchange_request(request->exchange);
    const struct inet_address *from = &request->client;
    char address[ADDRESS_TEXT_BYTES];
    for (size_t i = 0; i < http->header_count; i++) {
        if (strcmp(http->headers[i].name, "forwarded") == 0)
            from = &http->peer;
    }
    address_print(from, address);
    return snprintf(out, room,
                    strchr(address, ':') != NULL ? "for=\"[%s]\";host=\"%s\";proto=%s"
                                                 : "for=%s;host=\"%s\";proto=%s",
                    address, request->authority, request->scheme);
}

/* The call, or NULL: it cannot be said, or memory is out. */
static struct http_call *call(struct request *request, const struct hop_peer *peer)
{
    const struct http_request *http = http_exchange_request(request->exchange);
    const struct app_regions *all = &request->app->app->regions;
    size_t room = http->header_count + HEADERS_ADDED_MAX;
    struct outgoing out = {alloc_get(&alloc_root, room * sizeof(*out.headers)), 0};
    struct buf *hop = &request->worker->scratch;
    char address[ADDRESS_TEXT_BYTES], forwarded[512], via[128];
    struct http_call *made = NULL;
    if (out.headers == NULL || !sign(request, hop)) {
        alloc_put(&alloc_root, out.headers, room * sizeof(*out.headers));
        return NULL;
    }
    address_print(&http->peer, address);
    int bytes = put_forwarded(request, forwarded, sizeof(forwarded));
    const char *authority = peer->state->authority;
    add(&out, "host", authority, strlen(authority));
    for (size_t i = 0; i < http->header_count; i++) {
        if (!is_left_out(&http->headers[i]))
            out.headers[out.count++] = http->headers[i];
        else if (request->has_parent && strcmp(http->headers[i].name, "tracestate") == 0)
            out.headers[out.count++] = http->headers[i];
    }
    if (bytes > 0 && (size_t)bytes < sizeof(forwarded))
        add(&out, "forwarded", forwarded, (size_t)bytes);
    add(&out, "x-forwarded-for", address, strlen(address));
    add(&out, "x-forwarded-host", request->authority, strlen(request->authority));
    add(&out, "x-forwarded-proto", request->scheme, strlen(request->scheme));
    add(&out, "traceparent", request->trace, strlen(request->trace));
    bytes = snprintf(via, sizeof(via), "1.1 stint-%s", all->items[all->here].name);
    add(&out, "via", via, (size_t)bytes);
    add(&out, HOP_HEADER, (const char *)hop->data, hop->bytes);
    const struct http_call_request asked = {
        .method = http->method,
        .path = http->path,
        .headers = out.headers,
        .header_count = out.count,
        .has_body = http->has_body,
        .length = http->has_length ? http->content_length : HTTP_LENGTH_UNKNOWN};
    made = http_call_begin(peer->peer, &asked, on_progress, request);
    alloc_put(&alloc_root, out.headers, room * sizeof(*out.headers));
    return made;
}

/* Whether it may be sent there; else it was answered. */
static bool is_fit(struct request *request, uint32_t region)
{
    const struct http_request *http = http_exchange_request(request->exchange);
    uint64_t max =
        request->component != NULL ? request->component->app->limits.request_bytes : APP_UNLIMITED;
    if (strcmp(http->method, "CONNECT") == 0) {
        answer_failure(request, 501, "CONNECT is not proxied");
        return false;
    }
    if (request->app->app->regions.hop_secret[0] == '\0') {
        log_line(&request->worker->log, LOG_ERROR, NULL, request->id,
                 "region %s: nothing is proxied there without a secret_file",
                 request->app->regions[region]->name);
        answer_failure(request, 503, "The region is not available");
        return false;
    }
    if (http->has_length && http->content_length > max) {
        answer_failure(request, 413, "The request is too large");
        return false;
    }
    http_body_limit(request->exchange, max);
    return true;
}

void request_hop_begin(struct request *request, uint32_t number)
{
    const struct app_region *there = &request->app->app->regions.items[number];
    if (!request_region_make(request)) {
        request_answer(request, 503, "Out of memory");
        return;
    }
    struct request_region *region = request->region;
    region->region = number;
    if (!is_fit(request, number))
        return;
    struct hop_peer *peer = peer_of(request, number);
    if (peer == NULL) {
        answer_failure(request, 503, "Out of memory");
        return;
    }
    if (atomic_fetch_add(&peer->state->running, 1) >= there->concurrency) {
        atomic_fetch_sub(&peer->state->running, 1);
        answer_failure(request, 503, "Too many requests to the region at a time");
        return;
    }
    region->peer = peer;
    region->is_upload_done = !http_exchange_request(request->exchange)->has_body;
    region->call = call(request, peer);
    if (region->call == NULL) {
        end_hop(region);
        answer_failure(request, 502, "The request cannot be proxied");
        return;
    }
    request_region_pump(request);
}
