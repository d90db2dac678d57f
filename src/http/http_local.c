/* SPDX-License-Identifier: Apache-2.0 */
#include "http/http_local.h"

#include "http/http_conn_int.h"

struct http_exchange *http_local_create(const struct http_request *request,
                                        const struct http_local_peer *peer, void *env)
{
    struct http_exchange *exchange = alloc_get_zeroed(&alloc_root, 1, sizeof(*exchange));
    if (exchange == NULL)
        return NULL;
    exchange->request = *request;
    exchange->peer = peer;
    exchange->peer_env = env;
    exchange->body.body_max = UINT64_MAX;
    exchange->left_bytes = HTTP_LENGTH_UNKNOWN;
    return exchange;
}

void http_local_lose(struct http_exchange *exchange)
{
    exchange->is_lost = true;
}

bool http_local_is_over(const struct http_exchange *exchange)
{
    return exchange->is_lost || exchange->is_aborted || exchange->is_finished;
}

void http_local_free(struct http_exchange *exchange)
{
    alloc_put(&alloc_root, exchange, sizeof(*exchange));
}

/* What the server answers by itself. */
static void refuse(struct http_exchange *exchange, unsigned status)
{
    exchange->refusal = (uint16_t)status;
    if (exchange->is_answered) {
        http_abort(exchange);
        return;
    }
    exchange->is_answered = exchange->is_finished = true;
    exchange->peer->respond(exchange->peer_env, status, NULL, 0, 0);
    exchange->peer->finish(exchange->peer_env, NULL, 0);
}

enum os_error http_local_read(struct http_exchange *exchange, void *data, size_t room,
                              size_t *ret_bytes)
{
    enum os_error error = exchange->peer->read(exchange->peer_env, data, room, ret_bytes);
    if (error)
        return error;
    exchange->body_bytes += *ret_bytes;
    if (exchange->body_bytes <= exchange->body.body_max)
        return OS_OK;
    refuse(exchange, 413);
    return OS_PIPE;
}

void http_local_respond(struct http_exchange *exchange, unsigned status,
                        const struct http_header *headers, size_t header_count, uint64_t length)
{
    size_t count = 0;
    struct http_header *fit = alloc_get(&alloc_root, (header_count + 1) * sizeof(*fit));
    if (fit == NULL) {
        http_abort(exchange);
        return;
    }
    for (size_t i = 0; i < header_count; i++) {
        if (http_header_is_fit(&headers[i]) && !http_header_is_named(&headers[i], "content-length"))
            fit[count++] = headers[i];
    }
    exchange->is_silent = status == 204 || status == 304 ||
                          strcmp(exchange->request.method, "HEAD") == 0;
    exchange->left_bytes = exchange->is_silent ? HTTP_LENGTH_UNKNOWN : length;
    exchange->peer->respond(exchange->peer_env, status, fit, count, length);
    alloc_put(&alloc_root, fit, (header_count + 1) * sizeof(*fit));
}

void http_local_finish(struct http_exchange *exchange, const struct http_header *trailers,
                       size_t trailer_count)
{
    bool is_short = exchange->left_bytes != HTTP_LENGTH_UNKNOWN && exchange->left_bytes > 0;
    if (is_short)
        exchange->peer->abort(exchange->peer_env);
    else
        exchange->peer->finish(exchange->peer_env, trailers, trailer_count);
}
