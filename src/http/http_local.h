/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exchanges without a connection: requests from within the process, for the same handler and with the
 * functions of http_server.h.
 *
 *     exchange = http_local_create(&request, &peer, env);
 *     handler.request(…, exchange), handler.readable, writable as the peer has more or takes more;
 *     once http_local_is_over: handler.end(…, exchange); http_local_free(exchange)
 */
#ifndef HTTP_HTTP_LOCAL_H
#define HTTP_HTTP_LOCAL_H

#include "http/http_server.h"

/* Who asks. Called from inside the functions of http_server.h; it calls none of them back. */
struct http_local_peer {
    /* As http_body_read. */
    enum os_error (*read)(void *env, void *data, size_t room, size_t *ret_bytes);
    /* Once. The headers are fit to be sent, and not content-length. */
    void (*respond)(void *env, unsigned status, const struct http_header *headers, size_t count,
                    uint64_t length);
    size_t (*write)(void *env, const void *data, size_t bytes);
    size_t (*room)(void *env);
    /* One of them comes last; trailers may be NULL. */
    void (*finish)(void *env, const struct http_header *trailers, size_t count);
    void (*abort)(void *env);
};

/* What `request` points to has to stay until http_local_free. NULL: no memory. */
MUST_CHECK struct http_exchange *http_local_create(const struct http_request *request,
                                                   const struct http_local_peer *peer, void *env);
/* The peer is gone: http_is_lost from now on. */
void http_local_lose(struct http_exchange *exchange);
bool http_local_is_over(const struct http_exchange *exchange);
void http_local_free(struct http_exchange *exchange);

#endif
