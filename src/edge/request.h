/* SPDX-License-Identifier: Apache-2.0 */
/* A request on its way through a guest. Private to the files request*.c. */
#ifndef EDGE_REQUEST_H
#define EDGE_REQUEST_H

#include "edge/edge_int.h"
#include "wasi/host_pipe.h"

enum { REQUEST_ID_BYTES = 17 };

struct request {
    struct worker *worker;
    struct request *next_free;
    struct edge_app *app; /* the version that it began with */
    struct route_match match;
    const struct app_http *route;     /* NULL: there is none */
    struct edge_component *component; /* NULL: none is meant */
    struct http_exchange *exchange;   /* NULL: it is over */
    struct loop_task task;
    struct guest_use *use; /* NULL: no instance (any more) */
    struct p2_request message;
    struct p2_header *headers; /* message's */
    size_t header_capacity;
    struct buf room; /* what headers that the server adds are made of */
    struct host_pipe *body;
    struct stint_error error; /* of the guest */
    enum stint_status status;
    bool is_done;      /* the guest has ended */
    bool is_alive;     /* its fiber is there */
    bool is_body_whole, is_responded, is_finished;
    unsigned answer; /* the status that was sent */
    uint64_t start_ns, guest_ns;
    char id[REQUEST_ID_BYTES];
};

/* request_headers.c: fills `message` and `headers`. False: memory is out. */
bool request_fill(struct request *request);

/* request_route.c: fills `match`, `route` and `component`. False: nothing is served there. */
bool request_route(struct request *request);

/* request_log.c: a line in the access log. */
void request_log(struct request *request);

/* Answers with a short text of our own. */
void request_answer(struct request *request, unsigned status, const char *text);

#endif
