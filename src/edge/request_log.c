/* SPDX-License-Identifier: Apache-2.0 */
/* The access log: a line of JSON for each request. */
#include <string.h>

#include "edge/request.h"
#include "os/clock.h"

static void put_address(struct buf *out, const struct inet_address *address)
{
    char text[INET_TEXT_BYTES];
    for (int i = 0; i < 4 && !address->is_v6; i++) {
        if (i > 0)
            (void)buf_append_byte(out, '.');
        (void)log_put_number(out, address->ip[i]);
    }
    if (!address->is_v6)
        return;
    inet_format(address, text);
    (void)buf_append_string(out, text);
}

static void put_text(struct buf *out, const char *name, const char *text, size_t bytes)
{
    (void)buf_append_string(out, name);
    (void)log_json_text(out, text, bytes);
    (void)buf_append_byte(out, '"');
}

static void put_number(struct buf *out, const char *name, uint64_t number)
{
    (void)buf_append_string(out, name);
    (void)log_put_number(out, number);
}

static const struct http_header *find(const struct http_request *http, const char *name,
                                      size_t bytes)
{
    for (size_t i = 0; i < http->header_count; i++) {
        const struct http_header *header = &http->headers[i];
        if (header->name_bytes == bytes && memcmp(header->name, name, bytes) == 0)
            return header;
    }
    return NULL;
}

static const char *version_of(const struct http_request *http)
{
    if (http->version == 20)
        return ",\"version\":\"2\"";
    return http->version == 11 ? ",\"version\":\"1.1\"" : ",\"version\":\"1.0\"";
}

static void put_line(struct request *request, struct buf *out)
{
    const struct http_request *http = http_exchange_request(request->exchange);
    uint64_t now_ns = clock_now_ns(OS_CLOCK_MONOTONIC);
    (void)buf_append_string(out, "{\"time\":\"");
    (void)buf_append_string(out, log_time(&request->worker->log));
    (void)buf_append_string(out, "\",\"id\":\"");
    (void)buf_append(out, request->id, sizeof(request->id) - 1);
    (void)buf_append_string(out, "\",\"trace\":\"");
    (void)buf_append(out, request->trace + 3, 32);
    (void)buf_append_string(out, "\",\"client\":\"");
    put_address(out, &request->client);
    put_text(out, "\",\"method\":\"", http->method, strlen(http->method));
    put_text(out, ",\"host\":\"", http->authority, strlen(http->authority));
    put_text(out, ",\"path\":\"", http->path, strlen(http->path));
    if (request->geo.country[0] != '\0')
        put_text(out, ",\"country\":\"", request->geo.country, strlen(request->geo.country));
    if (request->component != NULL) {
        const char *id = request->component->app->id;
        put_text(out, ",\"component\":\"", id, strlen(id));
    }
    if (request->caller != NULL)
        put_text(out, ",\"caller\":\"", request->caller, strlen(request->caller));
    put_number(out, ",\"status\":", request->answer);
    put_number(out, ",\"bytes\":", http_sent_bytes(request->exchange));
    put_number(out, ",\"us\":", (now_ns - request->start_ns) / 1000);
    put_number(out, ",\"guest_us\":", request->guest_ns / 1000);
    const struct http_header *agent = find(http, "user-agent", 10);
    if (agent != NULL)
        put_text(out, ",\"agent\":\"", agent->value, agent->value_bytes);
    (void)buf_append_string(out, version_of(http));
    (void)buf_append_string(out, http_is_lost(request->exchange) ? ",\"lost\":true}\n" : "}\n");
}

void request_log(struct request *request)
{
    struct log *log = request->worker->log.log;
    struct buf *out = &request->worker->log.access;
    size_t before = out->bytes;
    if (log->access_fd < 0)
        return;
    put_line(request, out);
    if (out->failed) { /* never half a line */
        out->bytes = before;
        out->failed = false;
        atomic_fetch_add(&log->lost, 1);
    }
}
