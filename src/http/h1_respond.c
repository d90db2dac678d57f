/* SPDX-License-Identifier: Apache-2.0 */
/* Responses of HTTP/1.1: heads, bodies by length or in chunks, and what refuses a request. */
#include <stdio.h>
#include <time.h>

#include "http/h1_parse_int.h"
#include "http/http_conn_int.h"
#include "os/clock.h"

static const struct {
    uint16_t status;
    const char *reason;
} reasons[] = {
    {100, "Continue"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {203, "Non-Authoritative Information"},
    {204, "No Content"},
    {205, "Reset Content"},
    {206, "Partial Content"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {425, "Too Early"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {451, "Unavailable For Legal Reasons"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {508, "Loop Detected"},
};

const char *http_reason(unsigned status)
{
    for (size_t i = 0; i < COUNT_OF(reasons); i++) {
        if (reasons[i].status == status)
            return reasons[i].reason;
    }
    return "";
}

/* ---- Appending ---------------------------------------------------------------------------- */

/* Behind what http_buffer_reserve made room for. */
static void put(struct http_buffer *out, const void *data, size_t bytes)
{
    memcpy(out->data + out->end, data, bytes);
    out->end += (uint32_t)bytes;
}

#define PUT_TEXT(out, text) put(out, text, sizeof(text) - 1)

static void put_number(struct http_buffer *out, uint64_t number)
{
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    put(out, digits + at, sizeof(digits) - at);
}

static void put_status(struct http_buffer *out, unsigned status)
{
    if (status == 200) {
        PUT_TEXT(out, "HTTP/1.1 200 OK\r\n");
        return;
    }
    const char *reason = http_reason(status);
    PUT_TEXT(out, "HTTP/1.1 ");
    put_number(out, status);
    PUT_TEXT(out, " ");
    put(out, reason, strlen(reason));
    PUT_TEXT(out, "\r\n");
}

/* ---- Date --------------------------------------------------------------------------------- */

size_t http_date(uint64_t realtime_ns, char ret_text[32])
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t seconds = (time_t)(realtime_ns / 1000000000u);
    struct tm tm;
    if (gmtime_r(&seconds, &tm) == NULL)
        return 0;
    int bytes = snprintf(ret_text, 32, "%.3s, %02u %.3s %04u %02u:%02u:%02u GMT",
                         days + 3 * tm.tm_wday, (unsigned)tm.tm_mday % 100, months + 3 * tm.tm_mon,
                         (unsigned)(tm.tm_year + 1900) % 10000, (unsigned)tm.tm_hour % 100,
                         (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100);
    return bytes > 0 && bytes < 32 ? (size_t)bytes : 0;
}

/* The fields that all responses have in common, written anew each second. */
void http_common_fields(struct http_server *server)
{
    if (LIKELY(server->now_ns < server->common_until_ns))
        return;
    uint64_t realtime = clock_now_ns(OS_CLOCK_REALTIME);
    char date[32] = "";
    const char *name = server->config.server_name;
    server->common_until_ns = server->now_ns + 1000000000u - realtime % 1000000000u;
    server->date_bytes = (uint32_t)http_date(realtime, date);
    int bytes = snprintf(server->common, sizeof(server->common), "Date: %s\r\n%s%.80s%s", date,
                         name ? "Server: " : "", name ? name : "", name ? "\r\n" : "");
    server->common_bytes =
        bytes > 0 && (size_t)bytes < sizeof(server->common) ? (uint32_t)bytes : 0;
}

static void put_common(struct http_server *server, struct http_buffer *out, bool has_date,
                       bool has_server)
{
    http_common_fields(server);
    uint32_t date = sizeof("Date: \r\n") - 1 + server->date_bytes;
    if (LIKELY(!has_date && !has_server))
        put(out, server->common, server->common_bytes);
    else if (has_server && !has_date)
        put(out, server->common, date);
    else if (has_date && !has_server)
        put(out, server->common + date, server->common_bytes - date);
}

/* ---- Heads -------------------------------------------------------------------------------- */

bool http_header_is_named(const struct http_header *header, const char *name)
{
    return h1_equals((const uint8_t *)header->name, (struct h1_slice){0, header->name_bytes}, name);
}

static bool is_hop_by_hop(const struct http_header *header)
{
    switch (header->name_bytes) {
    case 2:
        return http_header_is_named(header, "te");
    case 7:
        return http_header_is_named(header, "upgrade");
    case 10:
        return http_header_is_named(header, "connection") ||
               http_header_is_named(header, "keep-alive");
    case 14:
        return http_header_is_named(header, "content-length");
    case 16:
        return http_header_is_named(header, "proxy-connection");
    case 17:
        return http_header_is_named(header, "transfer-encoding");
    default:
        return false;
    }
}

bool http_header_is_fit(const struct http_header *header)
{
    uint32_t bytes = header->name_bytes;
    return bytes > 0 && h1_scan((const uint8_t *)header->name, 0, bytes, CLASS_TOKEN) == bytes &&
           h1_scan_value((const uint8_t *)header->value, 0, header->value_bytes) ==
               header->value_bytes &&
           !is_hop_by_hop(header);
}

static void put_header(struct http_buffer *out, const struct http_header *header)
{
    put(out, header->name, header->name_bytes);
    PUT_TEXT(out, ": ");
    put(out, header->value, header->value_bytes);
    PUT_TEXT(out, "\r\n");
}

/* An upper bound of a head's bytes. */
static size_t head_room(const struct http_server *server, const struct http_header *headers,
                        size_t count)
{
    size_t bytes = 256 + sizeof(server->common);
    for (size_t i = 0; i < count; i++)
        bytes += headers[i].name_bytes + (size_t)headers[i].value_bytes + 4;
    return bytes;
}

/* How the body will end, in the head. */
static void put_framing(struct http_exchange *exchange, struct http_buffer *out, unsigned status,
                        uint64_t length)
{
    bool is_head = !strcmp(exchange->request.method, "HEAD");
    bool is_bare = status == 204 || status == 304;
    exchange->is_silent = is_head || is_bare;
    exchange->left_bytes = length;
    if (is_bare)
        return;
    if (length != HTTP_LENGTH_UNKNOWN) {
        PUT_TEXT(out, "Content-Length: ");
        put_number(out, length);
        PUT_TEXT(out, "\r\n");
    } else if (exchange->request.version == 11) {
        exchange->is_chunked = !is_head;
        PUT_TEXT(out, "Transfer-Encoding: chunked\r\n");
    } else if (!is_head) {
        exchange->conn->is_closing = true;
    }
}

bool http_h1_respond(struct http_exchange *exchange, unsigned status,
                     const struct http_header *headers, size_t header_count, uint64_t length)
{
    struct http_conn *conn = exchange->conn;
    struct http_server *server = conn->server;
    struct http_buffer *out = &conn->out;
    bool has_date = false, has_server = false;
    if (!http_buffer_reserve(server, out, head_room(server, headers, header_count)))
        return false;
    put_status(out, status);
    for (size_t i = 0; i < header_count; i++) {
        const struct http_header *header = &headers[i];
        if (!http_header_is_fit(header))
            continue;
        has_date |= header->name_bytes == 4 && http_header_is_named(header, "date");
        has_server |= header->name_bytes == 6 && http_header_is_named(header, "server");
        put_header(out, header);
    }
    put_common(server, out, has_date, has_server);
    put_framing(exchange, out, status, length);
    /* Who waits for 100 and never gets it may send the body or not: what follows would be unclear. */
    if (!exchange->head.keep_alive || server->is_draining || !exchange->is_continued)
        conn->is_closing = true;
    if (conn->is_closing)
        PUT_TEXT(out, "Connection: close\r\n");
    else if (exchange->request.version == 10)
        PUT_TEXT(out, "Connection: keep-alive\r\n");
    PUT_TEXT(out, "\r\n");
    return true;
}

bool http_h1_refusal(struct http_conn *conn, unsigned status)
{
    struct http_buffer *out = &conn->out;
    const char *reason = http_reason(status);
    if (!http_buffer_reserve(conn->server, out, 512 + sizeof(conn->server->common)))
        return false;
    put_status(out, status);
    put_common(conn->server, out, false, false);
    PUT_TEXT(out, "Content-Type: text/plain\r\nConnection: close\r\nContent-Length: ");
    put_number(out, strlen(reason) + 1);
    PUT_TEXT(out, "\r\n\r\n");
    put(out, reason, strlen(reason));
    PUT_TEXT(out, "\n");
    return true;
}

/* ---- Bodies ------------------------------------------------------------------------------- */

enum { CHUNK_ROOM = 32 }; /* the size of a chunk, and its ends of lines */

static size_t chunk_size(uint64_t bytes, char ret_text[CHUNK_ROOM])
{
    size_t count = 1;
    while (bytes >> (4 * count))
        count++;
    for (size_t i = 0; i < count; i++)
        ret_text[i] = "0123456789abcdef"[bytes >> (4 * (count - 1 - i)) & 15];
    ret_text[count] = '\r';
    ret_text[count + 1] = '\n';
    return count + 2;
}

/* Appends what a send left over of these spans, from `sent` on. */
static bool put_rest(struct http_conn *conn, const struct http_span *spans, size_t count,
                     size_t sent)
{
    for (size_t i = 0; i < count; i++) {
        size_t skip = sent < spans[i].bytes ? sent : spans[i].bytes;
        sent -= skip;
        if (spans[i].bytes == skip)
            continue;
        if (!http_buffer_reserve(conn->server, &conn->out, spans[i].bytes - skip))
            return false;
        put(&conn->out, (const uint8_t *)spans[i].data + skip, spans[i].bytes - skip);
    }
    return true;
}

/* Large pieces are sent from where they are, together with what waits before them. */
static bool send_now(struct http_conn *conn, const struct http_span *body, size_t count)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += body[i].bytes;
    struct http_buffer *out = &conn->out;
    struct http_span spans[4] = {{NULL, http_buffer_used(out)}};
    size_t sent = 0;
    if (spans[0].bytes > 0)
        spans[0].data = out->data + out->at;
    memcpy(spans + 1, body, count * sizeof(*body));
    enum os_error error = conn->io->send(conn, spans, count + 1, &sent);
    if (error != OS_OK && error != OS_AGAIN) {
        conn->is_broken = true;
        return false;
    }
    if (sent > 0) {
        conn->restarts_timer = true;
        conn->server->stats.sent_bytes += sent;
    }
    size_t waiting = spans[0].bytes < sent ? spans[0].bytes : sent;
    out->at += (uint32_t)waiting;
    if (out->at == out->end)
        http_buffer_release(conn->server, out);
    conn->is_full = sent < spans[0].bytes + bytes;
    return put_rest(conn, body, count, sent - waiting);
}

size_t http_h1_send_room(const struct http_exchange *exchange)
{
    const struct http_conn *conn = exchange->conn;
    size_t used = http_buffer_used(&conn->out), max = conn->server->config.send_bytes_max;
    return used < max ? max - used : 0;
}

size_t http_h1_write(struct http_exchange *exchange, const void *data, size_t bytes)
{
    struct http_conn *conn = exchange->conn;
    size_t used = http_buffer_used(&conn->out), max = conn->server->config.send_bytes_max;
    bool is_large = bytes >= HTTP_SEND_NOW_BYTES && !conn->is_full;
    size_t room = is_large ? max : used < max ? max - used : 0;
    size_t taken = bytes < room ? bytes : room;
    if (taken == 0)
        return 0;
    char size[CHUNK_ROOM];
    struct http_span spans[3];
    size_t count = 0;
    if (exchange->is_chunked)
        spans[count++] = (struct http_span){size, chunk_size(taken, size)};
    spans[count++] = (struct http_span){data, taken};
    if (exchange->is_chunked)
        spans[count++] = (struct http_span){"\r\n", 2};
    bool ok = is_large ? send_now(conn, spans, count) : put_rest(conn, spans, count, 0);
    if (!ok) {
        conn->is_broken = true;
        http_core_mark(conn);
        return 0;
    }
    return taken;
}

void http_h1_finish(struct http_exchange *exchange, const struct http_header *trailers,
                    size_t trailer_count)
{
    struct http_conn *conn = exchange->conn;
    struct http_buffer *out = &conn->out;
    if (!exchange->is_chunked)
        return;
    if (!http_buffer_reserve(conn->server, out, head_room(conn->server, trailers, trailer_count))) {
        conn->is_broken = true;
        return;
    }
    PUT_TEXT(out, "0\r\n");
    for (size_t i = 0; i < trailer_count; i++) {
        if (http_header_is_fit(&trailers[i]))
            put_header(out, &trailers[i]);
    }
    PUT_TEXT(out, "\r\n");
}
