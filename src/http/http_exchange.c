/* SPDX-License-Identifier: Apache-2.0 */
/* What a handler does with an exchange. Nothing here calls it back: changes are marked. */
#include "http/http_conn_int.h"
#include "os/clock.h"

const struct http_request *http_exchange_request(const struct http_exchange *exchange)
{
    return &exchange->request;
}

void http_exchange_set_user(struct http_exchange *exchange, void *user)
{
    exchange->user = user;
}

void *http_exchange_user(const struct http_exchange *exchange)
{
    return exchange->user;
}

static void touch(struct http_exchange *exchange)
{
    if (exchange->peer != NULL)
        return;
    if (exchange->stream != NULL)
        http_h2_touch(exchange);
    else
        http_core_mark(exchange->conn);
}

bool http_is_lost(const struct http_exchange *exchange)
{
    return exchange->is_lost || exchange->is_aborted ||
           (exchange->peer == NULL && exchange->conn->is_broken);
}

uint64_t http_sent_bytes(const struct http_exchange *exchange)
{
    return exchange->sent_bytes;
}

enum os_error http_body_read(struct http_exchange *exchange, void *data, size_t room,
                             size_t *ret_bytes)
{
    if (http_is_lost(exchange) || exchange->refusal != 0)
        return OS_PIPE;
    if (exchange->peer != NULL)
        return http_local_read(exchange, data, room, ret_bytes);
    return exchange->stream != NULL ? http_h2_read(exchange, data, room, ret_bytes)
                                    : http_h1_read(exchange, data, room, ret_bytes);
}

bool http_awaits_continue(const struct http_exchange *exchange)
{
    return exchange->peer == NULL && !exchange->is_continued;
}

const struct http_header *http_trailers(const struct http_exchange *exchange, size_t *ret_count)
{
    *ret_count = exchange->trailer_count;
    return exchange->trailers;
}

void http_body_limit(struct http_exchange *exchange, uint64_t bytes)
{
    exchange->body.body_max = bytes;
    if (!exchange->has_body_end && exchange->request.has_length &&
        exchange->request.content_length > bytes) {
        exchange->refusal = 413;
        touch(exchange);
    }
}

void http_respond(struct http_exchange *exchange, unsigned status,
                  const struct http_header *headers, size_t header_count, uint64_t length)
{
    if (exchange->is_answered || http_is_lost(exchange))
        return;
    if (status < 200 || status > 999) {
        http_abort(exchange);
        return;
    }
    if (exchange->peer != NULL) {
        exchange->is_answered = true;
        http_local_respond(exchange, status, headers, header_count, length);
        return;
    }
    /* From outside of an event: the server's time is that of the last one. */
    if (!exchange->conn->is_running) {
        struct http_server *server = exchange->conn->server;
        uint64_t now = clock_now_ns(OS_CLOCK_MONOTONIC);
        server->now_ns = now > server->now_ns ? now : server->now_ns;
    }
    exchange->is_answered = true;
    bool ok = exchange->stream != NULL
                  ? http_h2_respond(exchange, status, headers, header_count, length)
                  : http_h1_respond(exchange, status, headers, header_count, length);
    if (!ok) {
        http_abort(exchange);
        return;
    }
    touch(exchange);
}

size_t http_write(struct http_exchange *exchange, const void *data, size_t bytes)
{
    if (!exchange->is_answered || exchange->is_finished || http_is_lost(exchange))
        return 0;
    if (exchange->is_silent || bytes == 0)
        return bytes;
    size_t allowed = bytes < exchange->left_bytes ? bytes : (size_t)exchange->left_bytes;
    size_t taken = 0;
    if (allowed > 0 && exchange->peer != NULL)
        taken = exchange->peer->write(exchange->peer_env, data, allowed);
    else if (allowed > 0)
        taken = exchange->stream != NULL ? http_h2_write(exchange, data, allowed)
                                         : http_h1_write(exchange, data, allowed);
    exchange->sent_bytes += taken;
    if (exchange->left_bytes != HTTP_LENGTH_UNKNOWN)
        exchange->left_bytes -= taken;
    exchange->wants_room = taken < allowed;
    touch(exchange);
    /* What is beyond the stated length goes nowhere. */
    return taken == allowed ? bytes : taken;
}

size_t http_room(struct http_exchange *exchange)
{
    if (!exchange->is_answered || exchange->is_finished || http_is_lost(exchange))
        return 0;
    if (exchange->is_silent)
        return SIZE_MAX;
    size_t room;
    if (exchange->peer != NULL)
        room = exchange->peer->room(exchange->peer_env);
    else
        room = exchange->stream != NULL ? http_h2_send_room(exchange) : http_h1_send_room(exchange);
    exchange->wants_room = room == 0;
    return room;
}

void http_finish(struct http_exchange *exchange, const struct http_header *trailers,
                 size_t trailer_count)
{
    if (exchange->is_finished || http_is_lost(exchange))
        return;
    if (!exchange->is_answered) {
        http_abort(exchange);
        return;
    }
    exchange->is_finished = true;
    exchange->wants_room = false;
    exchange->wants_body = false;
    if (exchange->peer != NULL)
        http_local_finish(exchange, trailers, trailer_count);
    else if (exchange->stream != NULL)
        http_h2_finish(exchange, trailers, trailer_count);
    else
        http_h1_finish(exchange, trailers, trailer_count);
    touch(exchange);
}

void http_abort(struct http_exchange *exchange)
{
    if (exchange->is_finished)
        return;
    if (exchange->peer != NULL && !exchange->is_aborted)
        exchange->peer->abort(exchange->peer_env);
    exchange->is_aborted = true;
    touch(exchange);
}
