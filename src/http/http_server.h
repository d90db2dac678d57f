/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server of HTTP/1.1 and HTTP/2 in one thread's event loop. What it serves is the handler's; one
 * request with its response is an exchange, whatever version carries it.
 *
 *     status = http_server_create(loop, &config, &handler, env, &server, &error);
 *     status = http_server_listen(server, fd, &how, &error);      for each socket
 *     … handler.request(env, exchange): http_exchange_request, http_body_read;
 *       then, at once or later, http_respond, http_write, http_finish
 *     http_server_drain(server, deadline_ns);                     no new requests; see handler.drained
 *     http_server_free(server);
 *
 * Everything here belongs to the loop's thread. Callbacks come from the loop, never from inside a
 * function of this header, so a handler needs not expect to be entered again.
 */
#ifndef HTTP_HTTP_SERVER_H
#define HTTP_HTTP_SERVER_H

#include "http/h1_parse.h"
#include "os/inet.h"

struct uv_loop_s;
struct http_server;
struct http_exchange;
struct http_tls; /* certificates and keys (http/http_tls.h) */

struct http_header {
    const char *name;  /* terminated, in lower case */
    const char *value; /* not terminated */
    uint32_t name_bytes, value_bytes;
};

struct http_request {
    const char *method, *scheme, *authority; /* terminated; authority may be "" */
    const char *path;                        /* with the query: "/a?b=1"; "*" of OPTIONS */
    const struct http_header *headers;       /* without hop-by-hop ones; `host` is among them */
    size_t header_count;
    uint64_t content_length; /* where has_length */
    bool has_length, has_body;
    uint8_t version; /* 10, 11, 20 */
    bool is_tls;
    struct inet_address peer; /* of the connection, or what PROXY protocol says of it */
    struct inet_address local;
    uint64_t start_ns; /* OS_CLOCK_MONOTONIC, when its first byte was there */
};

struct http_handler {
    /* A request's head is there; its body may follow. Who does not answer now keeps the exchange until
     * `end`. */
    void (*request)(void *env, struct http_exchange *exchange);
    /* After http_body_read said OS_AGAIN: there is more, or the end. */
    void (*readable)(void *env, struct http_exchange *exchange);
    /* After http_write took less than all: there is room. */
    void (*writable)(void *env, struct http_exchange *exchange);
    /* The last thing of each exchange that `request` was told of: it was answered to the end, or lost
     * (http_is_lost). The exchange is no more when this returns. */
    void (*end)(void *env, struct http_exchange *exchange);
    /* http_server_drain is done: no connection is left. */
    void (*drained)(void *env, struct http_server *server);
};

struct http_config {
    struct h1_limits limits; /* also of HTTP/2 heads and bodies */
    uint32_t fields_max;
    uint32_t connections_max; /* beyond it new ones wait in the kernel's backlog */
    uint32_t streams_max;     /* of an HTTP/2 connection at a time */
    size_t send_bytes_max;    /* of a response, waiting to be sent, before http_write takes less */
    size_t receive_bytes_max; /* of a request's body, before the peer is made to wait */
    uint64_t head_timeout_ns; /* from a request's first byte to its whole head */
    uint64_t idle_timeout_ns; /* between requests */
    uint64_t body_timeout_ns; /* without a byte of the body */
    uint64_t send_timeout_ns; /* without the peer taking a byte */
    uint64_t body_rate_min;   /* bytes a second over a body, against slow peers; 0: any */
    const char *server_name;  /* the `server` header; NULL: none */
    bool without_h2;
    /* Whether a client of HTTP/1.1 that ends its side, and has no answer yet, is as good as gone: most
     * close both at once. */
    bool ends_on_close;
};

struct http_config http_config_default(void);

struct http_listen {
    struct http_tls *tls; /* NULL: plain; stays until the server is freed */
    bool proxy_protocol;  /* each connection begins with a PROXY header, version 1 or 2 … */
    /* … if it comes from such a peer; NULL: from any. */
    bool (*is_proxy)(void *env, const struct inet_address *peer);
    void *env;
};

MUST_CHECK enum stint_status http_server_create(struct uv_loop_s *loop,
                                                const struct http_config *config,
                                                const struct http_handler *handler, void *env,
                                                struct http_server **ret_server,
                                                struct stint_error *error);
/* `fd` is bound and listens; it is taken over. */
MUST_CHECK enum stint_status http_server_listen(struct http_server *server, int fd,
                                                const struct http_listen *how,
                                                struct stint_error *error);
/* Stops listening, lets running exchanges end (GOAWAY, Connection: close), and closes what is left at
 * `deadline_ns` (OS_CLOCK_MONOTONIC). */
void http_server_drain(struct http_server *server, uint64_t deadline_ns);
/* The same for one whose listeners another process has too: idle connections may bring one more request,
 * whose answer ends them, until `linger_ns`. */
void http_server_retire(struct http_server *server, uint64_t linger_ns, uint64_t deadline_ns);
/* Closes everything at once; the loop has to run on until `drained`, before it may be freed. */
void http_server_close(struct http_server *server);
void http_server_free(struct http_server *server); /* after `drained`; accepts NULL */

struct http_server_stats {
    uint64_t accepted, closed, requests;
    uint64_t refused; /* heads that were answered 4xx here */
    uint64_t timeouts;
    uint64_t resets;                     /* streams that the peer reset */
    uint64_t handshakes, bad_handshakes; /* of TLS; those that did not end well */
    uint32_t open, idle, exchanges;
    uint64_t received_bytes, sent_bytes;
    uint64_t postponed; /* answers that waited for other events' turns: see http_core_event */
};
void http_server_stats(const struct http_server *server, struct http_server_stats *ret_stats);

/* ---- Exchanges --------------------------------------------------------------------------- */

/* Valid until `end`. */
const struct http_request *http_exchange_request(const struct http_exchange *exchange);
/* Whether it came with TLS, and another certificate of the listener than its connection has is the one for
 * `host`, which is terminated and without a port: 421 is the answer to that (RFC 9110, 7.4). */
bool http_is_misdirected(const struct http_exchange *exchange, const char *host);
void http_exchange_set_user(struct http_exchange *exchange, void *user);
void *http_exchange_user(const struct http_exchange *exchange);

/* The next bytes of the body; 0 bytes: the end. OS_AGAIN: `readable` will tell; OS_PIPE: the peer is
 * gone, or has sent too much. Asks the peer to go on (100-continue, windows). */
MUST_CHECK enum os_error http_body_read(struct http_exchange *exchange, void *data, size_t room,
                                        size_t *ret_bytes);
/* Whether the client waits for 100-continue, which http_body_read sends, before it sends the body. */
bool http_awaits_continue(const struct http_exchange *exchange);
/* After the body's end. */
const struct http_header *http_trailers(const struct http_exchange *exchange, size_t *ret_count);
/* The limit of this request's body instead of the config's: a longer one is answered 413. */
void http_body_limit(struct http_exchange *exchange, uint64_t bytes);

#define HTTP_LENGTH_UNKNOWN UINT64_MAX
/*
 * The head of the response, once. Names may be in any case; hop-by-hop headers and those with bytes
 * that do not belong into one are left out; `content-length` too, `length` says it. `date` is added.
 * HEAD and 204, 304 send no body whatever is written.
 */
void http_respond(struct http_exchange *exchange, unsigned status,
                  const struct http_header *headers, size_t header_count, uint64_t length);
/* As much of it as there is room for; 0 after the peer is gone. */
size_t http_write(struct http_exchange *exchange, const void *data, size_t bytes);
/* How much http_write would take now. After 0 `writable` tells of room, as after a write. */
size_t http_room(struct http_exchange *exchange);
/* The response is whole. If it is shorter than `length` said, the connection or stream is broken off. */
void http_finish(struct http_exchange *exchange, const struct http_header *trailers,
                 size_t trailer_count);
/* Breaks the exchange off: nothing more of it will be sent. `end` follows. */
void http_abort(struct http_exchange *exchange);
bool http_is_lost(const struct http_exchange *exchange);
/* For the log: bytes of the response's body that were written. */
uint64_t http_sent_bytes(const struct http_exchange *exchange);

#endif
