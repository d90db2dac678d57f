/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to another server over HTTP/1.1, in one thread's event loop. A peer is such a server, with the
 * connections to it that are kept open; a call is one request with its response. Bodies stream both ways:
 * what one side does not take, the other side waits with.
 *
 *     status = http_peer_create(loop, &config, &peer, &error);
 *     call = http_call_begin(peer, &request, progress, env);
 *     … progress(env), whenever something has changed:
 *         http_call_write while there is room, then http_call_finish;
 *         http_call_state: the head, then http_call_body until the end
 *     http_call_free(call);                        at any time; cancels what is not over
 *     http_peer_free(peer);                        once its calls are freed
 *
 * `progress` comes from the loop, never from inside a function of this header.
 */
#ifndef HTTP_HTTP_PEER_H
#define HTTP_HTTP_PEER_H

#include "http/http_server.h"

struct http_peer;
struct http_call;

struct http_peer_config {
    const char *host; /* a name, or an address without brackets; copied */
    uint16_t port;
    struct http_tls *tls;        /* of http_tls.h's create_client; NULL: plain. Stays */
    uint64_t connect_timeout_ns; /* until the connection is there, its handshake included */
    uint64_t timeout_ns;         /* without a byte that is waited for */
    uint64_t idle_timeout_ns;    /* a kept connection without a call */
    uint32_t idle_max;           /* kept connections */
};

MUST_CHECK enum stint_status http_peer_create(struct uv_loop_s *loop,
                                              const struct http_peer_config *config,
                                              struct http_peer **ret_peer,
                                              struct stint_error *error);
/* The loop has to run on until its handles are closed. Accepts NULL. */
void http_peer_free(struct http_peer *peer);

struct http_call_request {
    const char *method, *path; /* terminated */
    /* Written as they are, `host` among them; the caller leaves out what belongs to one hop. */
    const struct http_header *headers;
    size_t header_count;
    bool has_body;
    uint64_t length; /* of the body; HTTP_LENGTH_UNKNOWN: in chunks */
};

enum http_call_state {
    HTTP_CALL_CONNECTS, /* nothing was sent: another peer may be asked instead */
    HTTP_CALL_SENDS,    /* there is no head yet */
    HTTP_CALL_ANSWERS,  /* there is, and the body follows */
    HTTP_CALL_DONE,     /* the body is whole, and was read */
    HTTP_CALL_FAILED,
};

#define HTTP_CALL_FAILURES(X)                                                                      \
    X(NONE, "no failure")                                                                          \
    X(LOOKUP, "its name was not found")                                                            \
    X(CONNECT, "no connection")                                                                    \
    X(TLS, "no TLS connection")                                                                    \
    X(CONNECT_TIMEOUT, "no connection in time")                                                    \
    X(TIMEOUT, "no answer in time")                                                                \
    X(CLOSED, "it closed the connection")                                                          \
    X(MALFORMED, "its answer is no HTTP")                                                          \
    X(MEMORY, "out of memory")
enum http_call_failure {
#define X(name, text) HTTP_FAILURE_##name,
    HTTP_CALL_FAILURES(X)
#undef X
};
const char *http_failure_text(enum http_call_failure failure);

/* Copies the request. NULL: memory is out. */
struct http_call *http_call_begin(struct http_peer *peer, const struct http_call_request *request,
                                  void (*progress)(void *env), void *env);
void http_call_free(struct http_call *call); /* accepts NULL */

enum http_call_state http_call_state(const struct http_call *call);
/* With HTTP_CALL_FAILED; a few words more in `ret_detail` (may be NULL), "" for none. */
enum http_call_failure http_call_failure(const struct http_call *call, const char **ret_detail);

/* ---- The request's body ------------------------------------------------------------------ */

/* How much http_call_write takes now; 0 until there is a connection. `progress` tells of more. */
size_t http_call_room(const struct http_call *call);
void http_call_write(struct http_call *call, const void *data, size_t bytes);
/* The body is whole. Trailers are sent where it goes in chunks. */
void http_call_finish(struct http_call *call, const struct http_header *trailers, size_t count);

/* ---- The response ------------------------------------------------------------------------ */

struct http_call_head {
    unsigned status;
    /* Without those that belong to one hop and `content-length`; valid until the body is read. */
    const struct http_header *headers;
    size_t header_count;
    uint64_t length; /* HTTP_LENGTH_UNKNOWN: the end will show */
};
/* From HTTP_CALL_ANSWERS on. */
const struct http_call_head *http_call_head(const struct http_call *call);
/* The bytes that are there, which http_call_take takes; 0: none now, or the state has changed. */
size_t http_call_body(struct http_call *call, const uint8_t **ret_data);
void http_call_take(struct http_call *call, size_t bytes);
/* `progress` is to come once more, soon: others have their turn meanwhile. */
void http_call_again(struct http_call *call);
/* With HTTP_CALL_DONE. */
const struct http_header *http_call_trailers(const struct http_call *call, size_t *ret_count);

#endif
