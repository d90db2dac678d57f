/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wasi:http for hosts that serve: one exchange is a request that a guest handles and what it answers.
 *
 *     status = p2_exchange_create(wasi, &request, &exchange, &error);
 *     status = p2_exchange_open(exchange, &handles, &error);
 *     … call the guest's `wasi:http/incoming-handler#handle` with both resources: for a core module,
 *       handle_add(wasi_p2_handles(wasi), handles.request_type, handles.request_rep, NULL, …) makes
 *       its numbers; a component takes type and rep as they are
 *     response = p2_exchange_response(exchange): from when the guest has set it, so maybe before the
 *       call ends; its body comes through response->body meanwhile or afterwards
 *     p2_exchange_release(exchange);
 *
 * Bodies are pipes (wasi/host_pipe.h) and may be fed and drained by other threads; all else belongs to
 * the guest's thread. A body that nobody drains makes the guest wait once it is as long as
 * wasi_p2_config.body_bytes_max.
 */
#ifndef WASI_P2_HTTP_H
#define WASI_P2_HTTP_H

#include "component/handle.h"
#include "wasi/host_pipe.h"

struct wasi_p2;
struct p2_exchange;

/* A header or trailer; the name is terminated, too. */
struct p2_header {
    const char *name;
    const uint8_t *value;
    uint32_t name_bytes, value_bytes;
};

/* The value of a content-length; false where it is none. */
bool p2_read_length(const uint8_t *value, size_t bytes, uint64_t *ret_length);

struct p2_request {
    const char *method;    /* "GET" */
    const char *scheme;    /* "http", "https", …; NULL: none; likewise the next two */
    const char *authority; /* "example.org:8080" */
    const char *path_with_query;
    const struct p2_header *headers; /* the names in any case */
    size_t header_count;
    struct host_pipe *body; /* retained; NULL: empty */
    const struct p2_header *trailers; /* where the body's end has come already */
    size_t trailer_count;
};

/* Copies what it needs. Released before wasi_p2_free. */
MUST_CHECK enum stint_status p2_exchange_create(struct wasi_p2 *wasi,
                                                const struct p2_request *request,
                                                struct p2_exchange **ret_exchange,
                                                struct stint_error *error);
void p2_exchange_release(struct p2_exchange *exchange); /* accepts NULL */
/* Trailers of the request, in the guest's thread, before its body is finished. Copies them. */
MUST_CHECK enum stint_status p2_exchange_add_trailers(struct p2_exchange *exchange,
                                                      const struct p2_header *trailers,
                                                      size_t count);

/* The two resources that the guest's handler takes, owned by who gets them. */
struct p2_exchange_handles {
    const struct resource_type *request_type, *outparam_type;
    uint32_t request_rep, outparam_rep;
};
/* Once an exchange. */
MUST_CHECK enum stint_status p2_exchange_open(struct p2_exchange *exchange,
                                              struct p2_exchange_handles *ret_handles,
                                              struct stint_error *error);

enum p2_response_state {
    P2_RESPONSE_NONE,    /* not yet, or never if the guest is done */
    P2_RESPONSE_SET,     /* status, headers and body are there */
    P2_RESPONSE_FAILED,  /* the guest set `error_code` instead */
    P2_RESPONSE_DROPPED, /* the guest has given up the outparam: there will be none */
};

struct p2_response {
    enum p2_response_state state;
    uint16_t status;
    uint8_t error_code; /* the case of wasi:http/types.error-code */
    const struct p2_header *headers;
    size_t header_count;
    struct host_pipe *body; /* NULL: empty; the exchange's */
};
/* Valid until the exchange is released. */
const struct p2_response *p2_exchange_response(struct p2_exchange *exchange);
/* The trailers, once the body is at its end. */
const struct p2_header *p2_exchange_trailers(struct p2_exchange *exchange, size_t *ret_count);

/* "connection-refused", …; never NULL. */
const char *p2_http_error_name(uint8_t code);

#endif
