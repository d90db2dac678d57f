/* SPDX-License-Identifier: Apache-2.0 */
/* Streams of HTTP/2 as exchanges: fields become requests, responses become frames. */
#include <stdio.h>
#include <strings.h>

#include "http/h1_parse_int.h"
#include "http/http_h2_int.h"

/* ---- Requests ----------------------------------------------------------------------------- */

static bool is_word(const uint8_t *text, size_t bytes, const char *word)
{
    return strlen(word) == bytes && !memcmp(text, word, bytes);
}

/* The place of a pseudo-header; nghttp2 lets each come once, and only before the others. */
static const char **pseudo_of(struct http_stream *stream, const uint8_t *name, size_t bytes)
{
    if (is_word(name, bytes, ":method"))
        return &stream->method;
    if (is_word(name, bytes, ":scheme"))
        return &stream->scheme;
    if (is_word(name, bytes, ":authority"))
        return &stream->authority;
    return is_word(name, bytes, ":path") ? &stream->path : NULL;
}

bool http_h2_take_field(struct http_exchange *exchange, const uint8_t *name, size_t name_bytes,
                        const uint8_t *value, size_t value_bytes)
{
    const struct http_config *config = &exchange->conn->server->config;
    struct http_stream *stream = exchange->stream;
    bool is_trailer = stream->has_head;
    uint32_t max = is_trailer ? config->limits.trailer_bytes : config->limits.head_bytes;
    if (is_trailer && stream->fields == exchange->headers) {
        stream->fields =
            arena_get_zeroed(&exchange->arena, config->fields_max + 1, sizeof(struct http_header));
        stream->field_count = stream->head_bytes = 0;
        if (stream->fields == NULL)
            return false;
    }
    stream->head_bytes += (uint32_t)(name_bytes + value_bytes + 4);
    if (stream->head_bytes > max)
        return false;
    char *text = arena_copy_string(&exchange->arena, (const char *)value, value_bytes);
    if (text == NULL)
        return false;
    if (name_bytes > 0 && name[0] == ':') {
        const char **place = pseudo_of(stream, name, name_bytes);
        if (place != NULL)
            *place = text;
        return true;
    }
    if (is_word(name, name_bytes, "expect")) {
        bool is_continue = value_bytes == 12 && strncasecmp(text, "100-continue", 12) == 0;
        stream->expects_continue |= is_continue && !is_trailer;
        stream->expects_else |= !is_continue && !is_trailer;
        return true;
    }
    if (is_word(name, name_bytes, "te") || is_word(name, name_bytes, "trailer"))
        return true;
    /* One place is kept for `host`. */
    if (stream->field_count + 1 >= config->fields_max)
        return false;
    char *copy = arena_copy_string(&exchange->arena, (const char *)name, name_bytes);
    if (copy == NULL)
        return false;
    stream->fields[stream->field_count++] =
        (struct http_header){copy, text, (uint32_t)name_bytes, (uint32_t)value_bytes};
    return true;
}

static struct http_header *find(struct http_stream *stream, const char *name)
{
    for (uint32_t i = 0; i < stream->field_count; i++) {
        if (!strcmp(stream->fields[i].name, name))
            return &stream->fields[i];
    }
    return NULL;
}

/* RFC 9113, 8.2.3: a cookie may come in pieces, which others must see as one. */
static bool join_cookies(struct http_exchange *exchange)
{
    struct http_stream *stream = exchange->stream;
    struct http_header *first = find(stream, "cookie");
    size_t bytes = 0;
    uint32_t count = 0, kept = 0;
    for (uint32_t i = 0; i < stream->field_count; i++) {
        if (strcmp(stream->fields[i].name, "cookie") != 0)
            continue;
        bytes += stream->fields[i].value_bytes + 2;
        count++;
    }
    if (count < 2)
        return true;
    char *joined = arena_get(&exchange->arena, bytes), *at = joined;
    if (joined == NULL)
        return false;
    for (uint32_t i = 0; i < stream->field_count; i++) {
        struct http_header *field = &stream->fields[i];
        bool is_cookie = !strcmp(field->name, "cookie");
        if (is_cookie) {
            memcpy(at, field->value, field->value_bytes);
            at += field->value_bytes;
            memcpy(at, "; ", 2);
            at += 2;
        }
        if (!is_cookie || field == first)
            stream->fields[kept++] = *field;
    }
    stream->field_count = kept;
    first = find(stream, "cookie");
    first->value = joined;
    first->value_bytes = (uint32_t)(bytes - 2);
    return true;
}

/* The authority and `host` must not say different things; who reads only one sees it in each. */
static bool settle_authority(struct http_exchange *exchange)
{
    struct http_stream *stream = exchange->stream;
    struct http_header *host = find(stream, "host");
    if (stream->authority == NULL)
        stream->authority = host != NULL ? host->value : "";
    uint32_t bytes = (uint32_t)strlen(stream->authority);
    if (bytes > 0 &&
        !h1_is_authority((const uint8_t *)stream->authority, (struct h1_slice){0, bytes}, false))
        return false;
    if (host != NULL)
        return host->value_bytes == bytes && !memcmp(host->value, stream->authority, bytes);
    stream->fields[stream->field_count++] =
        (struct http_header){"host", stream->authority, 4, bytes};
    return bytes > 0;
}

static bool is_target(const char *method, const char *path)
{
    uint32_t bytes = (uint32_t)strlen(path);
    if (!strcmp(path, "*"))
        return !strcmp(method, "OPTIONS");
    return path[0] == '/' && h1_scan_target((const uint8_t *)path, 0, bytes) == bytes;
}

static void take_length(struct http_exchange *exchange)
{
    struct http_header *field = find(exchange->stream, "content-length");
    uint64_t length = 0;
    if (field == NULL)
        return;
    /* nghttp2 has checked the digits, and that they fit. */
    for (uint32_t i = 0; i < field->value_bytes; i++)
        length = length * 10 + (uint64_t)(field->value[i] - '0');
    exchange->request.content_length = length;
    exchange->request.has_length = true;
}

unsigned http_h2_take_request(struct http_exchange *exchange, bool has_body)
{
    struct http_conn *conn = exchange->conn;
    struct http_stream *stream = exchange->stream;
    struct http_request *request = &exchange->request;
    const struct h1_limits *limits = &conn->server->config.limits;
    request->method = stream->method != NULL ? stream->method : "";
    request->path = stream->path != NULL ? stream->path : "";
    request->scheme = conn->is_tls ? "https" : "http";
    request->version = 20;
    request->is_tls = conn->is_tls;
    request->peer = conn->peer;
    request->local = conn->local;
    request->has_body = has_body;
    exchange->body.body_max = limits->body_bytes;
    exchange->is_continued = !stream->expects_continue || !has_body;
    take_length(exchange);
    if (stream->expects_else)
        return 417;
    if (!strcmp(request->method, "CONNECT"))
        return 501;
    if (strlen(request->method) > limits->method_bytes)
        return 501;
    if (strlen(request->path) > limits->target_bytes)
        return 414;
    if (!is_target(request->method, request->path) || !settle_authority(exchange))
        return 400;
    if (!join_cookies(exchange))
        return 503;
    request->authority = stream->authority;
    request->headers = stream->fields;
    request->header_count = stream->field_count;
    return request->has_length && request->content_length > limits->body_bytes ? 413 : 0;
}

void http_h2_take_trailers(struct http_exchange *exchange)
{
    struct http_stream *stream = exchange->stream;
    if (stream->fields == exchange->headers)
        return;
    exchange->trailers = stream->fields;
    exchange->trailer_count = stream->field_count;
}

/* Once, before the body's first byte, for who waits for it. */
static void ask_for_body(struct http_exchange *exchange)
{
    nghttp2_nv status = {.name = (uint8_t *)":status",
                         .value = (uint8_t *)"100",
                         .namelen = 7,
                         .valuelen = 3};
    exchange->is_continued = true;
    if (exchange->is_answered)
        return;
    (void)nghttp2_submit_headers(exchange->conn->h2->session, NGHTTP2_FLAG_NONE,
                                 exchange->stream->id, NULL, &status, 1, NULL);
    http_core_mark(exchange->conn);
}

enum os_error http_h2_read(struct http_exchange *exchange, void *data, size_t room,
                           size_t *ret_bytes)
{
    struct http_stream *stream = exchange->stream;
    struct http_conn *conn = exchange->conn;
    struct http_buffer *in = &stream->in;
    size_t bytes = http_buffer_used(in) < room ? http_buffer_used(in) : room;
    if (bytes == 0 && room > 0) {
        if (exchange->has_body_end) {
            *ret_bytes = 0;
            return OS_OK;
        }
        if (!exchange->is_continued)
            ask_for_body(exchange);
        exchange->wants_body = true;
        exchange->wait_since_ns = conn->server->now_ns;
        return OS_AGAIN;
    }
    memcpy(data, in->data + in->at, bytes);
    in->at += (uint32_t)bytes;
    if (in->at == in->end)
        http_buffer_release(conn->server, in);
    (void)nghttp2_session_consume(conn->h2->session, stream->id, bytes);
    http_core_mark(conn);
    *ret_bytes = bytes;
    return OS_OK;
}

/* ---- Responses ---------------------------------------------------------------------------- */

static nghttp2_nv field_of(const char *name, size_t name_bytes, const char *value,
                           size_t value_bytes)
{
    return (nghttp2_nv){.name = (uint8_t *)(uintptr_t)name,
                        .value = (uint8_t *)(uintptr_t)value,
                        .namelen = name_bytes,
                        .valuelen = value_bytes};
}

/* Those that are fit, which nghttp2 puts into lower case. */
static size_t put_fields(nghttp2_nv *fields, const struct http_header *headers, size_t count)
{
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        if (http_header_is_fit(&headers[i]))
            fields[used++] = field_of(headers[i].name, headers[i].name_bytes, headers[i].value,
                                      headers[i].value_bytes);
    }
    return used;
}

static bool has(const nghttp2_nv *fields, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        struct http_header header = {.name = (const char *)fields[i].name,
                                     .name_bytes = (uint32_t)fields[i].namelen};
        if (http_header_is_named(&header, name))
            return true;
    }
    return false;
}

bool http_h2_respond(struct http_exchange *exchange, unsigned status,
                     const struct http_header *headers, size_t header_count, uint64_t length)
{
    struct http_conn *conn = exchange->conn;
    struct http_server *server = conn->server;
    bool is_bare = status == 204 || status == 304;
    char status_text[12], length_text[24];
    nghttp2_nv *fields = arena_get_zeroed(&exchange->arena, header_count + 4, sizeof(*fields));
    if (fields == NULL)
        return false;
    http_common_fields(server);
    int bytes = snprintf(status_text, sizeof(status_text), "%u", status);
    fields[0] = field_of(":status", 7, status_text, (size_t)bytes);
    size_t count = 1 + put_fields(fields + 1, headers, header_count);
    if (!has(fields, count, "date") && server->date_bytes > 0)
        fields[count++] = field_of("date", 4, server->common + 6, server->date_bytes);
    if (server->config.server_name != NULL && !has(fields, count, "server"))
        fields[count++] =
            field_of("server", 6, server->config.server_name, strlen(server->config.server_name));
    if (length != HTTP_LENGTH_UNKNOWN && !is_bare) {
        bytes = snprintf(length_text, sizeof(length_text), "%llu", (unsigned long long)length);
        fields[count++] = field_of("content-length", 14, length_text, (size_t)bytes);
    }
    exchange->is_silent = is_bare || !strcmp(exchange->request.method, "HEAD");
    exchange->left_bytes = length;
    exchange->stream->sent_ns = server->now_ns;
    bool has_body = !exchange->is_silent && length != 0;
    nghttp2_data_provider provider = {.source.ptr = exchange, .read_callback = http_h2_send_body};
    return nghttp2_submit_response(conn->h2->session, exchange->stream->id, fields, count,
                                   has_body ? &provider : NULL) == 0;
}

void http_h2_refuse(struct http_exchange *exchange, unsigned status)
{
    if (!http_h2_respond(exchange, status, NULL, 0, 0))
        exchange->conn->is_broken = true;
}

/* nghttp2 was told that there is nothing to send. */
static void resume(struct http_exchange *exchange)
{
    struct http_stream *stream = exchange->stream;
    if (stream->is_resumable)
        (void)nghttp2_session_resume_data(exchange->conn->h2->session, stream->id);
    stream->is_resumable = false;
}

size_t http_h2_send_room(const struct http_exchange *exchange)
{
    const struct http_conn *conn = exchange->conn;
    size_t max = conn->server->config.send_bytes_max, waiting = conn->h2->waiting_bytes;
    size_t used = http_buffer_used(&exchange->stream->out);
    size_t room = used < max ? max - used : 0;
    size_t all = waiting < max * H2_SHARE ? max * H2_SHARE - waiting : 0;
    return room < all ? room : all;
}

size_t http_h2_write(struct http_exchange *exchange, const void *data, size_t bytes)
{
    struct http_conn *conn = exchange->conn;
    struct http_buffer *out = &exchange->stream->out;
    size_t room = http_h2_send_room(exchange), used = http_buffer_used(out);
    size_t taken = bytes < room ? bytes : room;
    if (taken == 0)
        return 0;
    if (!http_buffer_reserve(conn->server, out, taken)) {
        http_abort(exchange);
        return 0;
    }
    if (used == 0)
        exchange->stream->sent_ns = conn->server->now_ns;
    memcpy(out->data + out->end, data, taken);
    out->end += (uint32_t)taken;
    conn->h2->waiting_bytes += taken;
    resume(exchange);
    return taken;
}

void http_h2_finish(struct http_exchange *exchange, const struct http_header *trailers,
                    size_t trailer_count)
{
    struct http_stream *stream = exchange->stream;
    bool is_short = !exchange->is_silent && exchange->left_bytes != HTTP_LENGTH_UNKNOWN &&
                    exchange->left_bytes > 0;
    if (is_short) {
        exchange->is_finished = false;
        http_abort(exchange);
        return;
    }
    if (trailer_count > 0) {
        stream->trailers = arena_get_zeroed(&exchange->arena, trailer_count, sizeof(*trailers));
        for (size_t i = 0; i < trailer_count && stream->trailers != NULL; i++) {
            struct http_header *copy = &stream->trailers[stream->trailer_count];
            *copy = trailers[i];
            copy->name = arena_copy_string(&exchange->arena, trailers[i].name, copy->name_bytes);
            copy->value = arena_copy_string(&exchange->arena, trailers[i].value, copy->value_bytes);
            stream->trailer_count += copy->name != NULL && copy->value != NULL;
        }
    }
    resume(exchange);
}

/* False where there are none. */
static bool send_trailers(struct http_exchange *exchange)
{
    struct http_stream *stream = exchange->stream;
    if (stream->trailer_count == 0)
        return false;
    nghttp2_nv *fields = arena_get_zeroed(&exchange->arena, stream->trailer_count, sizeof(*fields));
    if (fields == NULL)
        return false;
    size_t count = put_fields(fields, stream->trailers, stream->trailer_count);
    return count > 0 &&
           nghttp2_submit_trailer(exchange->conn->h2->session, stream->id, fields, count) == 0;
}

ssize_t http_h2_send_body(nghttp2_session *session, int32_t stream_id, uint8_t *data, size_t room,
                          uint32_t *flags, nghttp2_data_source *source, void *env)
{
    struct http_conn *conn = env;
    /* Not source->ptr: the exchange may be gone when the stream is not. */
    struct http_exchange *exchange = nghttp2_session_get_stream_user_data(session, stream_id);
    if (exchange == NULL)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    struct http_buffer *out = &exchange->stream->out;
    size_t bytes = http_buffer_used(out) < room ? http_buffer_used(out) : room;
    if (bytes > 0) {
        memcpy(data, out->data + out->at, bytes);
        out->at += (uint32_t)bytes;
        if (out->at == out->end)
            http_buffer_release(conn->server, out);
        conn->h2->waiting_bytes -= bytes;
        conn->h2->has_room = true;
        exchange->stream->sent_ns = conn->server->now_ns;
    }
    if (http_buffer_used(out) > 0)
        return (ssize_t)bytes;
    if (!exchange->is_finished && bytes == 0) {
        exchange->stream->is_resumable = true;
        return NGHTTP2_ERR_DEFERRED;
    }
    if (exchange->is_finished) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        if (send_trailers(exchange))
            *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    }
    return (ssize_t)bytes;
}
