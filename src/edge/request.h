/* SPDX-License-Identifier: Apache-2.0 */
/* A request on its way through a guest. Private to the files request*.c. */
#ifndef EDGE_REQUEST_H
#define EDGE_REQUEST_H

#include "edge/edge_int.h"
#include "wasi/host_pipe.h"

enum { REQUEST_ID_BYTES = 17, REQUEST_TRACE_BYTES = 56, REQUEST_SPAN_BYTES = 17 };

/* Of the requests of a component that may run at a time. */
enum request_place { PLACE_NONE, PLACE_AWAITED, PLACE_GIVEN, PLACE_HELD };

/* Who asks, where it is no client: request_chain.c. */
struct request_origin {
    struct edge_app *app;
    struct inet_address client; /* on whose behalf */
    const struct geo_place *geo;
    const char *caller;   /* the component's id */
    uint32_t component;   /* who is asked; APP_NONE: the routes tell */
    uint32_t depth;       /* requests that have led to this one */
    uint64_t timeout_ns;  /* 0: none */
};

struct request {
    struct worker *worker;
    struct request *next_free;
    struct request *alive_next, **alive_before; /* of the worker; NULL: not in that list */
    struct edge_app *app; /* the version that it began with */
    struct route_match match;
    const struct app_http *route;     /* NULL: there is none */
    struct edge_component *component; /* NULL: none is meant */
    struct http_exchange *exchange;   /* NULL: it is over */
    struct trigger *trigger;          /* whose message it is; NULL: of none */
    struct trigger_message *payload;
    struct inet_address client;       /* who asks, also through proxies */
    struct geo_place geo;             /* where that is */
    const char *caller;               /* the component that asks on its behalf; NULL: none */
    uint32_t depth;                   /* requests that have led to this one */
    uint64_t timeout_ns;              /* of who asks; 0: none */
    const char *authority, *scheme;   /* as the client asked, also by way of another region */
    struct request_region *region;    /* NULL: it comes from no other, and goes to none */
    const char *region_name, *region_how; /* for the log; NULL: there are no regions */
    char asn[11];                     /* as text, for a header */
    struct loop_task task;
    struct guest_use *use; /* NULL: no instance (any more) */
    struct p2_request message;
    struct p2_header *headers; /* message's */
    size_t header_capacity;
    struct buf room; /* what headers that the server adds are made of */
    struct buf args, env; /* of commands: see struct guest_command */
    size_t arg_count, env_count;
    struct host_pipe *body;
    struct stint_error error; /* of the guest */
    enum stint_status status;
    bool is_started;   /* the guest: its handler is called */
    bool is_done;      /* the guest has ended */
    bool is_alive;     /* its fiber is there */
    bool is_body_whole, is_responded, is_finished;
    unsigned answer; /* the status that was sent */
    uint64_t start_ns, take_ns, received_bytes;
    uint64_t now_ns; /* OS_CLOCK_MONOTONIC at the end, or when the guest's turn last began or ended */
    uint64_t memory_bytes, held_ns; /* of the instance, and how long it was had */
    /* request_limits.c: */
    enum request_place place;
    struct request *before, *after;       /* while it is awaited: of the component, under the lock */
    struct request *wait_next, **wait_before; /* of the worker; NULL: not in that list */
    uint64_t wait_until_ns;
    uint64_t guest_ns, turn_ns; /* time of the guest; the clock when its turn began */
    uint64_t yielded_ns;        /* guest_ns when it last yielded */
    uint64_t log_bytes;
    struct waiter loop_waiter;
    uint32_t retry_after_s; /* 0: one second */
    bool is_over_cpu;
    /* request_static.c: what is left to be sent of a file. */
    bool has_file;
    int file_fd;
    uint64_t file_at, file_end;
    char id[REQUEST_ID_BYTES];
    char trace[REQUEST_TRACE_BYTES]; /* traceparent for the guest */
    char parent[REQUEST_SPAN_BYTES]; /* the client's span, where has_parent */
    bool has_parent;                 /* a trace of the client's */
    bool is_sampled;                 /* its spans are sent */
    uint64_t take_start_ns;
    const char *tracestate;     /* the client's, in one line; NULL: none */
    struct buf tracestate_room; /* what it lies in */
};

/* request_headers.c: fills `message` and `headers`. False: memory is out. */
bool request_fill(struct request *request);
/* Before the guest begins: the trailers, where they are there. False: memory is out. */
bool request_fill_trailers(struct request *request);

/* request_cgi.c: the same for commands: `args` and `env`; and runs one on the fiber. */
bool request_cgi_fill(struct request *request);
MUST_CHECK enum stint_status request_cgi_run(struct request *request);

/* request_chain.c: answers requests that go to this application (guest_config.chain). */
enum os_error request_chain(void *user, const struct host_http_request *outgoing,
                            struct host_http_job **ret_job);

/* request.c: a new request; `origin` NULL: a client's. */
void request_accept(struct worker *worker, struct http_exchange *exchange,
                    const struct request_origin *origin);

/* ---- request_trace.c, request_span.c ------------------------------------------------------- */

/* Fills `trace`, `has_parent`, `parent` and `is_sampled`. */
void request_trace(struct request *request);
void request_new_span(struct worker *worker, char span[REQUEST_SPAN_BYTES]);
/* Whether it is a traceparent of this request's trace, with a span that is not this server's. */
bool request_is_own_parent(const struct request *request, const char *text, size_t bytes);
/* Fills `tracestate`, while the client's headers are there. */
void request_keep_tracestate(struct request *request);
/* At the end of the exchange: its spans, where it is sampled. */
void request_span(struct request *request);
/* Of a request that the guest makes: its trace before, and its span and count afterwards. As
 * wasi_p2_watch has them. */
void request_call_begin(void *env, struct wasi_p2_call *call);
void request_call_end(void *env, const struct wasi_p2_call *call);
/* Of a command to Redis, or a message or connection to an MQTT broker: its span and count. */
void request_service_called(void *env, const struct services_call *call);

/* request_client.c: who asks, and where that is: `client` and `geo`. */
void request_locate(struct request *request);
/* The headers that say where, for the guest. Values stay as long as the request. */
void request_geo_headers(struct request *request,
                         void (*add)(struct request *, const char *, const char *));

/* request_route.c: fills `match`, `route` and `component`. False: nothing is served there. */
bool request_route(struct request *request);
/* The same for a request to a component by its id. */
void request_route_to(struct request *request, uint32_t component);

/* request_failure.c: the guest has ended, and not well. */
void request_failed(struct request *request);

/* ---- request_region.c, request_hop.c ------------------------------------------------------- */

/* Whether this server answers it: its host, by https where that is asked for, and who has proxied it
 * here; else it was answered. Before request_route. */
bool request_region_enter(struct request *request);
/* Whether it went to another region, or was answered. */
bool request_region_elsewhere(struct request *request);
/* Whether it was a health check that no route is for; then it was answered. */
bool request_region_health(struct request *request);
void request_region_pump(struct request *request);
void request_region_end(struct request *request);
void request_region_log(struct request *request, struct buf *out);

/* request_log.c: a line in the access log. */
void request_log(struct request *request);
/* Appends the client's address as the manifest wants it kept; false: not at all. */
bool request_put_client(const struct request *request, struct buf *out);

/* Answers with a short text of our own. */
void request_answer(struct request *request, unsigned status, const char *text);

/* request.c: one without an exchange, for a message; NULL: out of memory. It ends by itself once it has
 * begun, or by request_end. */
struct request *request_create(struct worker *worker, struct edge_app *app);
void request_end(struct request *request);
/* request.c: once it is known that it is served here. */
void request_serve(struct request *request);

/* request.c: goes on with a request that waited for its place. */
void request_begin(struct request *request);

/* ---- request_static.c -------------------------------------------------------------------- */

/* Whether a file is the answer, or that there is none; else the guest is to be asked. */
bool request_static(struct request *request);
void request_static_pump(struct request *request);
void request_static_end(struct request *request);

/* ---- request_limits.c -------------------------------------------------------------------- */

/* Whether this client may ask now; else it was answered. Limits the body. */
bool request_limits_check(struct request *request);
/* PLACE_HELD: it may run; PLACE_AWAITED: request_begin follows, or an answer; PLACE_NONE: too many. */
enum request_place request_limits_enter(struct request *request);
/* At its end, wherever it stood. */
void request_limits_leave(struct request *request);
/* Whether so much more of the response may be sent, or of the guest's lines go to the log. */
bool request_limits_send(struct request *request, size_t bytes);
bool request_limits_log(struct request *request, size_t bytes);
/* Counts the time that the guest runs, from after loop_task_init on; and interrupts it. */
void request_limits_count_time(struct request *request);
void request_turn_begin(struct request *request);
void request_turn_end(struct request *request);
/* Says of an interruption that it was for the time. */
void request_limits_end_of_time(struct request *request);

#endif
