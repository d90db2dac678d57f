/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1.1 on a connection: heads become exchanges, one after the other, and bodies are handed out. */
#include "http/http_conn_int.h"

/* ---- Heads -------------------------------------------------------------------------------- */

static char *end_string(uint8_t *data, struct h1_slice slice)
{
    data[slice.at + slice.bytes] = '\0';
    return (char *)data + slice.at;
}

static bool is_left_out(const uint8_t *data, const struct h1_field *field)
{
    switch (field->known) {
    case H1_CONNECTION:
    case H1_TE:
    case H1_TRAILER:
    case H1_TRANSFER_ENCODING:
    case H1_UPGRADE:
    case H1_EXPECT:
        return true;
    case H1_OTHER:
        return (field->name.bytes == 10 && h1_equals(data, field->name, "keep-alive")) ||
               (field->name.bytes == 16 && h1_equals(data, field->name, "proxy-connection"));
    default:
        return false;
    }
}

/* Names are put into lower case, and their colon becomes the end of a string. */
static size_t take_fields(struct http_header *headers, const struct h1_lines *lines, uint8_t *data)
{
    size_t count = 0;
    for (uint32_t i = 0; i < lines->field_count; i++) {
        const struct h1_field *field = &lines->fields[i];
        if (is_left_out(data, field))
            continue;
        uint8_t *name = data + field->name.at;
        for (uint32_t k = 0; k < field->name.bytes; k++)
            name[k] |= name[k] >= 'A' && name[k] <= 'Z' ? 0x20 : 0;
        name[field->name.bytes] = '\0';
        headers[count++] = (struct http_header){
            .name = (const char *)name,
            .value = (const char *)data + field->value.at,
            .name_bytes = field->name.bytes,
            .value_bytes = field->value.bytes,
        };
    }
    return count;
}

/* The path of the absolute form may be empty, or begin with its query. */
static const char *take_path(struct http_exchange *exchange, uint8_t *data)
{
    const struct h1_head *head = &exchange->head;
    if (head->form == H1_ASTERISK)
        return "*";
    if (head->form == H1_AUTHORITY)
        return "";
    if (head->path.bytes == 0)
        return head->method.bytes == 7 && !memcmp(data + head->method.at, "OPTIONS", 7) ? "*" : "/";
    if (data[head->path.at] == '/')
        return end_string(data, head->path);
    char *path = arena_get(&exchange->arena, head->path.bytes + 2);
    if (path == NULL)
        return NULL;
    path[0] = '/';
    memcpy(path + 1, data + head->path.at, head->path.bytes);
    path[head->path.bytes + 1] = '\0';
    return path;
}

/* Host's value is followed by the end of its line; that of a target by the path. */
static const char *take_authority(struct http_exchange *exchange, uint8_t *data)
{
    const struct h1_head *head = &exchange->head;
    if (head->authority.bytes == 0)
        return "";
    if (head->form == H1_ABSOLUTE)
        return arena_copy_string(&exchange->arena, (char *)data + head->authority.at,
                                 head->authority.bytes);
    return end_string(data, head->authority);
}

/* RFC 9112, 3.2.2: the absolute form says which host is meant, whatever Host says. */
static void settle_host(struct http_exchange *exchange, const char *authority)
{
    struct http_request *request = &exchange->request;
    for (size_t i = 0; i < request->header_count; i++) {
        struct http_header *header = &exchange->headers[i];
        if (header->name_bytes != 4 || memcmp(header->name, "host", 4) != 0)
            continue;
        header->value = authority;
        header->value_bytes = (uint32_t)strlen(authority);
    }
}

static bool take_request(struct http_exchange *exchange, uint8_t *data)
{
    struct http_conn *conn = exchange->conn;
    const struct h1_head *head = &exchange->head;
    struct http_request *request = &exchange->request;
    request->header_count = take_fields(exchange->headers, &head->lines, data);
    request->headers = exchange->headers;
    request->authority = take_authority(exchange, data);
    request->path = take_path(exchange, data);
    request->method = end_string(data, head->method);
    request->scheme = conn->is_tls ? "https" : "http";
    request->content_length = head->content_length;
    request->has_length = head->has_length;
    request->version = 10 + head->minor;
    request->is_tls = conn->is_tls;
    request->peer = conn->peer;
    request->local = conn->local;
    if (head->form == H1_ABSOLUTE && request->authority != NULL)
        settle_host(exchange, request->authority);
    return request->authority != NULL && request->path != NULL;
}

static void forget_exchange(struct http_conn *conn)
{
    http_exchange_free(conn->exchange);
    conn->exchange = NULL;
}

static void begin_head(struct http_conn *conn)
{
    struct http_exchange *exchange = http_exchange_new(conn);
    if (exchange == NULL) {
        conn->is_broken = true;
        return;
    }
    conn->exchange = exchange;
    conn->phase = HTTP_H1_HEAD;
    conn->restarts_timer = true;
    exchange->request.start_ns = conn->server->now_ns;
    h1_head_init(&exchange->head, H1_REQUEST, exchange->fields, conn->server->config.fields_max);
}

/* The head is whole: the handler hears of it. */
static void begin_exchange(struct http_conn *conn)
{
    struct http_server *server = conn->server;
    struct http_exchange *exchange = conn->exchange;
    uint8_t *data = conn->in.data + conn->in.at;
    enum h1_result result = h1_body_init(&exchange->body, &exchange->head, &server->config.limits);
    unsigned refusal = 0;
    if (result == H1_BAD)
        refusal = exchange->body.answer;
    else if (exchange->head.framing == H1_TUNNEL)
        refusal = 501; /* CONNECT */
    else if (!take_request(exchange, data))
        refusal = 503;
    if (refusal != 0) {
        forget_exchange(conn);
        http_conn_refuse(conn, refusal);
        return;
    }
    exchange->request.has_body = result == H1_MORE;
    exchange->has_body_end = result == H1_DONE;
    exchange->is_continued = !exchange->head.expects_continue;
    conn->in.at += exchange->head.head_bytes;
    conn->phase = HTTP_H1_OPEN;
    server->stats.requests++;
    server->handler.request(server->env, exchange);
}

static bool run_head(struct http_conn *conn)
{
    struct http_exchange *exchange = conn->exchange;
    enum h1_result result = h1_head_parse(&exchange->head, &conn->server->config.limits,
                                          conn->in.data + conn->in.at, http_buffer_used(&conn->in));
    if (result == H1_DONE) {
        begin_exchange(conn);
        return true;
    }
    if (result == H1_BAD) {
        unsigned status = exchange->head.lines.answer;
        forget_exchange(conn);
        http_conn_refuse(conn, status);
    } else if (conn->is_ended) {
        conn->is_broken = true; /* the rest of it will not come */
        return true;
    }
    return false;
}

/* ---- Bodies ------------------------------------------------------------------------------- */

/* A buffer with the current head in it may not move: the rest of the bytes get another. */
static bool leave_head(struct http_conn *conn)
{
    struct http_buffer *in = &conn->in;
    struct http_buffer old = *in;
    uint32_t used = http_buffer_used(in);
    *in = (struct http_buffer){0};
    if (!http_buffer_reserve(conn->server, in, used > 0 ? used : 1)) {
        *in = old;
        return false;
    }
    memcpy(in->data, old.data + old.at, used);
    in->end = used;
    conn->exchange->kept = old.data;
    conn->exchange->kept_bytes = old.capacity;
    return true;
}

bool http_h1_room(struct http_conn *conn)
{
    struct http_exchange *exchange = conn->exchange;
    struct http_buffer *in = &conn->in;
    uint64_t used = http_buffer_used(in), bytes = 1;
    uint64_t max = conn->server->config.receive_bytes_max;
    if (exchange->request.has_body && !exchange->has_body_end) {
        if (exchange->body.framing == H1_LENGTH && exchange->body.left > used)
            bytes = exchange->body.left - used;
        else
            bytes = HTTP_BLOCK_BYTES / 2;
        if (bytes > max - used)
            bytes = max - used;
    }
    if (in->capacity - in->end >= bytes)
        return true;
    /* Without a body, requests that come early fill what there is. */
    if (!exchange->request.has_body && in->data != NULL)
        return in->end < in->capacity;
    if ((exchange->kept == NULL && !leave_head(conn)) ||
        !http_buffer_reserve(conn->server, in, bytes)) {
        conn->is_broken = true;
        return false;
    }
    return true;
}

static enum os_error refuse_body(struct http_exchange *exchange, unsigned status)
{
    exchange->refusal = (uint16_t)status;
    exchange->is_lost = true;
    http_core_mark(exchange->conn);
    return OS_PIPE;
}

static enum os_error read_trailer(struct http_exchange *exchange)
{
    struct http_conn *conn = exchange->conn;
    struct http_server *server = conn->server;
    if (exchange->lines.fields == NULL) {
        uint32_t max = server->config.fields_max;
        struct h1_field *fields = arena_get_zeroed(&exchange->arena, max, sizeof(*fields));
        if (fields == NULL)
            return refuse_body(exchange, 503);
        h1_trailer_init(&exchange->lines, fields, max);
    }
    enum h1_result result =
        h1_trailer_parse(&exchange->lines, &server->config.limits, conn->in.data + conn->in.at,
                         http_buffer_used(&conn->in));
    exchange->tried_bytes = http_buffer_used(&conn->in);
    if (result == H1_MORE)
        return OS_AGAIN;
    if (result == H1_BAD)
        return refuse_body(exchange, exchange->lines.answer);
    uint32_t count = exchange->lines.field_count;
    if (count > 0) {
        uint8_t *data =
            arena_copy(&exchange->arena, conn->in.data + conn->in.at, exchange->lines.at);
        struct http_header *headers = arena_get_zeroed(&exchange->arena, count, sizeof(*headers));
        if (data == NULL || headers == NULL)
            return refuse_body(exchange, 503);
        exchange->trailer_count = take_fields(headers, &exchange->lines, data);
        exchange->trailers = headers;
    }
    conn->in.at += exchange->lines.at;
    exchange->has_body_end = true;
    return OS_OK;
}

/* The next piece of the body, as far as it has come, and where it lies. */
static enum os_error next_piece(struct http_exchange *exchange, size_t room,
                                const uint8_t **ret_piece, size_t *ret_bytes)
{
    struct http_conn *conn = exchange->conn;
    struct h1_body *body = &exchange->body;
    for (;;) {
        size_t used, piece_bytes, bytes = http_buffer_used(&conn->in);
        if (body->has_trailer)
            return read_trailer(exchange);
        /* A piece is never longer than what is looked at. */
        if (bytes > room)
            bytes = room;
        if (bytes == 0)
            return OS_AGAIN;
        enum h1_result result =
            h1_body_next(body, conn->in.data + conn->in.at, bytes, &used, ret_piece, &piece_bytes);
        if (result == H1_BAD)
            return refuse_body(exchange, body->answer);
        conn->in.at += (uint32_t)used;
        if (result == H1_DONE && !body->has_trailer)
            exchange->has_body_end = true;
        if (piece_bytes > 0 || exchange->has_body_end) {
            *ret_bytes = piece_bytes;
            return OS_OK;
        }
    }
}

enum os_error http_h1_read(struct http_exchange *exchange, void *data, size_t room,
                           size_t *ret_bytes)
{
    struct http_conn *conn = exchange->conn;
    size_t total = 0;
    enum os_error error = OS_OK;
    while (total < room && !exchange->has_body_end) {
        const uint8_t *piece;
        size_t bytes = 0;
        error = next_piece(exchange, room - total, &piece, &bytes);
        if (error != OS_OK)
            break;
        if (bytes > 0)
            memcpy((uint8_t *)data + total, piece, bytes);
        total += bytes;
    }
    exchange->body_bytes += total;
    if (!conn->wants_read || exchange->has_body_end)
        http_core_mark(conn); /* there is room again */
    if (error == OS_OK || (error == OS_AGAIN && total > 0)) {
        *ret_bytes = total;
        return OS_OK;
    }
    if (error != OS_AGAIN)
        return error;
    exchange->wants_body = true;
    exchange->wait_since_ns = conn->server->now_ns;
    if (!exchange->is_continued && !exchange->is_answered) {
        static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
        if (http_buffer_reserve(conn->server, &conn->out, sizeof(text) - 1)) {
            memcpy(conn->out.data + conn->out.end, text, sizeof(text) - 1);
            conn->out.end += sizeof(text) - 1;
        }
    }
    exchange->is_continued = true;
    http_core_mark(conn);
    return OS_AGAIN;
}

/* Whether http_h1_read has more to say than it had the last time. */
static bool has_news(const struct http_exchange *exchange)
{
    return http_buffer_used(&exchange->conn->in) > exchange->tried_bytes;
}

static bool is_slow(const struct http_exchange *exchange, uint64_t waited_ns)
{
    uint64_t rate = exchange->conn->server->config.body_rate_min;
    return rate > 0 && waited_ns > HTTP_RATE_GRACE_NS &&
           exchange->body_bytes / (waited_ns / 1000000000u) < rate;
}

/* After an answer: what is left of the body is read over, if it is not too much. */
static void discard_body(struct http_conn *conn)
{
    struct http_exchange *exchange = conn->exchange;
    while (!exchange->has_body_end && exchange->refusal == 0) {
        const uint8_t *piece;
        size_t bytes = 0;
        if (next_piece(exchange, SIZE_MAX, &piece, &bytes) == OS_AGAIN)
            break;
        conn->dropped_bytes += bytes;
    }
}

/* ---- Exchanges ---------------------------------------------------------------------------- */

/* The handler is done with it. */
static bool run_answered(struct http_conn *conn)
{
    struct http_exchange *exchange = conn->exchange;
    bool is_whole = exchange->is_silent || exchange->left_bytes == 0 ||
                    exchange->left_bytes == HTTP_LENGTH_UNKNOWN;
    conn->dropped_bytes = 0;
    if (!exchange->has_body_end && is_whole && !conn->is_closing) {
        discard_body(conn);
        conn->is_closing = exchange->refusal != 0;
        exchange->is_lost = false; /* what is wrong with the rest came too late */
    }
    bool was_read = exchange->has_body_end;
    if (!was_read && is_whole && !conn->is_closing && exchange->head.framing != H1_NO_BODY) {
        conn->phase = HTTP_H1_DISCARD;
        conn->restarts_timer = true;
        struct http_server *server = conn->server;
        server->handler.end(server->env, exchange);
        return true;
    }
    http_conn_end(exchange);
    conn->phase = HTTP_H1_IDLE;
    if (!is_whole || conn->is_closing)
        http_conn_finish(conn, is_whole && (!was_read || http_buffer_used(&conn->in) > 0));
    return true;
}

static void run_lost(struct http_conn *conn)
{
    struct http_exchange *exchange = conn->exchange;
    unsigned status = exchange->is_answered ? 0 : exchange->refusal;
    exchange->is_lost = true;
    http_conn_end(exchange);
    if (status != 0) {
        http_conn_refuse(conn, status);
    } else if (exchange->refusal != 0) {
        http_conn_finish(conn, true);
    } else {
        /* Small answers wait for a while: what there is of this one goes out before it breaks off. */
        (void)http_conn_flush(conn);
        conn->is_broken = true;
    }
}

/* Whether something came of it; false: it waits. */
static bool run_open(struct http_conn *conn)
{
    struct http_server *server = conn->server;
    struct http_exchange *exchange = conn->exchange;
    if (exchange->is_aborted || exchange->refusal != 0) {
        run_lost(conn);
        return true;
    }
    if (exchange->is_finished)
        return run_answered(conn);
    if (exchange->wants_body && has_news(exchange)) {
        exchange->wants_body = false;
        exchange->waited_ns += server->now_ns - exchange->wait_since_ns;
        if (is_slow(exchange, exchange->waited_ns)) {
            server->stats.timeouts++;
            exchange->refusal = 408;
            return true;
        }
        server->handler.readable(server->env, exchange);
        return true;
    }
    if (conn->is_ended && !exchange->has_body_end && !has_news(exchange)) {
        exchange->is_aborted = true; /* the body will not be whole */
        return true;
    }
    if (conn->is_ended && server->config.ends_on_close && !exchange->is_answered &&
        exchange->has_body_end && http_buffer_used(&conn->in) == 0) {
        exchange->is_aborted = true;
        return true;
    }
    return false;
}

static bool run_discard(struct http_conn *conn)
{
    struct http_exchange *exchange = conn->exchange;
    discard_body(conn);
    if (!exchange->has_body_end && exchange->refusal == 0 && !conn->is_ended &&
        conn->dropped_bytes <= HTTP_DISCARD_BYTES)
        return false;
    bool is_clean = exchange->has_body_end;
    forget_exchange(conn);
    conn->phase = HTTP_H1_IDLE;
    if (!is_clean)
        http_conn_finish(conn, true);
    return true;
}

/* HTTP/2 with prior knowledge begins with bytes that are no request; false once they differ. */
static bool looks_like_h2(struct http_conn *conn)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    size_t known = sizeof(preface) - 1, used = http_buffer_used(&conn->in);
    size_t bytes = used < known ? used : known;
    if (memcmp(conn->in.data + conn->in.at, preface, bytes) != 0)
        return false;
    if (conn->is_ended)
        conn->is_broken = true;
    else if (bytes == known)
        http_h2_begin(conn);
    return true;
}

static bool run_idle(struct http_conn *conn)
{
    if (conn->is_closing) {
        http_conn_finish(conn, http_buffer_used(&conn->in) > 0);
        return false;
    }
    if (http_buffer_used(&conn->in) == 0) {
        http_buffer_release(conn->server, &conn->in);
        if (conn->is_ended || (conn->server->is_draining && !conn->server->is_lingering))
            http_conn_finish(conn, false);
        return false;
    }
    /* A peer that sends requests, and does not take the answers, waits. */
    if (http_buffer_used(&conn->out) > conn->server->config.send_bytes_max / 2) {
        conn->is_congested = true;
        return false;
    }
    if (conn->is_fresh && !conn->is_tls && !conn->server->config.without_h2 && looks_like_h2(conn))
        return false;
    conn->is_fresh = false;
    begin_head(conn);
    return true;
}

static void run_broken(struct http_conn *conn)
{
    struct http_exchange *exchange = conn->exchange;
    if (exchange != NULL && conn->phase == HTTP_H1_OPEN) {
        exchange->is_lost = true;
        http_conn_end(exchange);
    } else if (exchange != NULL) {
        forget_exchange(conn);
    }
    http_buffer_release(conn->server, &conn->out);
    conn->phase = HTTP_CLOSED;
}

void http_h1_run(struct http_conn *conn)
{
    bool goes_on = true;
    while (goes_on) {
        if (conn->is_broken) {
            if (conn->phase != HTTP_CLOSED)
                run_broken(conn);
            return;
        }
        switch (conn->phase) {
        case HTTP_H1_IDLE:
            goes_on = run_idle(conn);
            break;
        case HTTP_H1_HEAD:
            goes_on = run_head(conn);
            break;
        case HTTP_H1_OPEN:
            goes_on = run_open(conn);
            break;
        case HTTP_H1_DISCARD:
            goes_on = run_discard(conn);
            break;
        default:
            return;
        }
    }
}
