/* SPDX-License-Identifier: Apache-2.0 */
/* The access log: a line for each request, of JSON or in the combined format of other servers. */
#include <string.h>
#include <time.h>

#include "edge/request.h"
#include "os/clock.h"

bool request_put_client(const struct request *request, struct buf *out)
{
    struct inet_address address = request->client;
    enum app_log_addresses wanted = request->app->app->server.log_addresses;
    char text[INET_TEXT_BYTES];
    if (wanted == APP_ADDRESSES_OFF)
        return false;
    if (wanted == APP_ADDRESSES_SHORT && address.is_v6)
        memset(address.ip + 6, 0, sizeof(address.ip) - 6);
    else if (wanted == APP_ADDRESSES_SHORT)
        address.ip[3] = 0;
    for (int i = 0; i < 4 && !address.is_v6; i++) {
        if (i > 0)
            (void)buf_append_byte(out, '.');
        (void)log_put_number(out, address.ip[i]);
    }
    if (address.is_v6) {
        inet_format(&address, text);
        (void)buf_append_string(out, text);
    }
    return true;
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

static void put_json(struct request *request, struct buf *out)
{
    const struct http_request *http = http_exchange_request(request->exchange);
    (void)buf_append_string(out, "{\"time\":\"");
    (void)buf_append_string(out, log_time(&request->worker->log));
    (void)buf_append_string(out, "\",\"id\":\"");
    (void)buf_append(out, request->id, sizeof(request->id) - 1);
    (void)buf_append_string(out, "\",\"trace\":\"");
    (void)buf_append(out, request->trace + 3, 32);
    if (request->app->app->server.log_addresses != APP_ADDRESSES_OFF) {
        (void)buf_append_string(out, "\",\"client\":\"");
        (void)request_put_client(request, out);
    }
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
    request_region_log(request, out);
    put_number(out, ",\"status\":", request->answer);
    put_number(out, ",\"bytes\":", http_sent_bytes(request->exchange));
    put_number(out, ",\"us\":", (request->now_ns - request->start_ns) / 1000);
    put_number(out, ",\"guest_us\":", request->guest_ns / 1000);
    const struct http_header *agent = find(http, "user-agent", 10);
    if (agent != NULL)
        put_text(out, ",\"agent\":\"", agent->value, agent->value_bytes);
    (void)buf_append_string(out, version_of(http));
    (void)buf_append_string(out, http_is_lost(request->exchange) ? ",\"lost\":true}\n" : "}\n");
}

/* ---- The combined format ----------------------------------------------------------------- */

/* Within quotation marks, as Apache writes it. */
static void put_quoted(struct buf *out, const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        uint8_t byte = (uint8_t)text[i];
        if (byte == '"' || byte == '\\')
            (void)buf_append_byte(out, '\\');
        if (byte < 0x20 || byte >= 0x7f)
            (void)buf_append_format(out, "\\x%02x", byte);
        else
            (void)buf_append_byte(out, byte);
    }
}

static void put_header(struct buf *out, const struct http_header *header)
{
    (void)buf_append_string(out, " \"");
    put_quoted(out, header != NULL ? header->value : "-", header != NULL ? header->value_bytes : 1);
    (void)buf_append_byte(out, '"');
}

/* CLIENT - - [22/Nov/2026:21:30:00 +0000] "GET / HTTP/1.1" 200 12 "referer" "agent" */
static void put_combined(struct request *request, struct buf *out)
{
    const struct http_request *http = http_exchange_request(request->exchange);
    time_t now = (time_t)(clock_now_ns(OS_CLOCK_REALTIME) / 1000000000);
    struct tm tm;
    char text[32];
    gmtime_r(&now, &tm);
    if (strftime(text, sizeof(text), "%d/%b/%Y:%H:%M:%S +0000", &tm) == 0)
        text[0] = '\0';
    if (!request_put_client(request, out))
        (void)buf_append_byte(out, '-');
    (void)buf_append_format(out, " - - [%s] \"", text);
    put_quoted(out, http->method, strlen(http->method));
    (void)buf_append_byte(out, ' ');
    put_quoted(out, http->path, strlen(http->path));
    (void)buf_append_format(out, " HTTP/%s\" %u %llu",
                            http->version == 20   ? "2.0"
                            : http->version == 11 ? "1.1"
                                                  : "1.0",
                            request->answer, (unsigned long long)http_sent_bytes(request->exchange));
    put_header(out, find(http, "referer", 7));
    put_header(out, find(http, "user-agent", 10));
    (void)buf_append_byte(out, '\n');
}

void request_log(struct request *request)
{
    struct log *log = request->worker->log.log;
    struct buf *out = &request->worker->log.access;
    size_t before = out->bytes;
    if (atomic_load_explicit(&log->access_fd, memory_order_relaxed) < 0)
        return;
    if (request->app->app->server.log_format == APP_LOG_COMBINED)
        put_combined(request, out);
    else
        put_json(request, out);
    if (out->failed) { /* never half a line */
        out->bytes = before;
        out->failed = false;
        atomic_fetch_add(&log->lost, 1);
    }
}
