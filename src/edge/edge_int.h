/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the server share. */
#ifndef EDGE_EDGE_INT_H
#define EDGE_EDGE_INT_H

#include <stdatomic.h>
#include <uv.h>

#include "app/overload.h"
#include "app/rate.h"
#include "app/routes.h"
#include "edge/edge.h"
#include "edge/geo.h"
#include "edge/guest.h"
#include "edge/log.h"
#include "edge/loop.h"
#include "edge/metrics.h"
#include "edge/traces.h"
#include "http/http_server.h"
#include "os/lock.h"
#include "os/thread.h"

/* A component of the application, as it is served. */
struct edge_component {
    const struct app_component *app;
    const char *path; /* of its file; of one that was not downloaded, the URL */
    const struct app_http *trigger; /* the first of its triggers; NULL: it has none */
    struct guest *guest; /* NULL: it did not load, and its routes answer 503 */
    const struct policy *policy; /* what it may reach */
    const char *files;           /* a tree of files (mounts.h), to be removed; NULL: none */
    char problem[STINT_ERROR_MESSAGE_BYTES]; /* then: why */
    char problem_id[9];                      /* the same for the same problem */
    atomic_uint running;                     /* requests */
    /* Those that wait for it to be fewer: under the server's limits_lock. */
    struct request *first_waiting, *last_waiting;
    uint64_t waiting;
    struct rate_limiter *rate; /* NULL: no limit; under its lock */
    struct lock rate_lock;
    bool has_limits;
};

/* One version of the application; shared by all workers, freed with the last request that uses it. */
struct edge_app {
    atomic_uint references;
    uint64_t version; /* no two have the same; from 1 */
    struct app *app;
    struct routes *routes;
    struct services *services; /* stores and databases that its components have open */
    struct edge_component *components; /* app->component_count */
    struct geo *geo;                   /* NULL: no databases */
    struct app_blocks trusted;         /* proxies: the manifest's and those of the options */
    atomic_bool has_told_dispute;      /* that headers of proxies do not agree is in the log once */
    struct trigger_counts *trigger_counts; /* of each redis trigger; in the arena of `app` */
    struct host_net **nets;            /* of each component; NULL: it reaches nothing */
    struct region_state **regions;     /* app->regions.count */
};

enum { LISTENERS_MAX = 128 };

struct edge_listener {
    const char *address; /* without a scheme */
    bool is_tls, proxy_protocol;
    char bound[80]; /* with its port; "": not known */
    bool is_further; /* more sockets of one before it: see listeners.c */
};

/* What the server gave up: see fencing.h. */
enum edge_fence { EDGE_FENCE_OFF, EDGE_FENCE_WARN, EDGE_FENCE_ON };
struct edge_fencing {
    enum edge_fence mode;
    bool has_files, has_calls;
    char user[64]; /* that it became; "": it stayed who it was */
};

struct edge_server {
    const struct edge_options *options;
    struct stint_engine *engine;
    struct edge_app *app;
    struct regions *regions;
    uint16_t https_port; /* where clients without TLS are sent to, if that is asked for; 0: nowhere */
    struct monitor *monitor;
    struct failures *failures; /* the last guests that did not end well */
    struct versions *versions; /* the last times that the application was loaded */
    struct traces *traces; /* also where nothing is sent */
    struct budget *budget;
    struct log log;
    struct edge_listener listeners[LISTENERS_MAX];
    uint32_t listener_count;
    struct certificates *certificates; /* of listeners with TLS; NULL: none has */
    bool admin_is_tls;
    struct lock limits_lock;           /* see request_limits.c */
    struct worker *workers;
    uint32_t worker_count;
    uint64_t connections; /* of a worker */
    uint64_t drain_ns, started_unix_ns;
    struct edge_fencing fence;
    struct handover *handover;
    atomic_bool is_replaced; /* a successor serves already */
    int notify_fd;           /* to the service manager; -1: there is none */
    int (*sockets)[LISTENERS_MAX]; /* by worker, until it takes them: see listeners.h */
    uint32_t sockets_taken;
};

struct worker {
    struct edge_server *server;
    uint32_t number;
    uv_loop_t uv;
    uv_async_t wake; /* from other threads: look at `is_draining` */
    struct loop *loop;
    struct http_server *http;
    struct edge_app *app;              /* what new requests are for; one reference */
    _Atomic(struct edge_app *) next_app; /* from the main thread, with a reference */
    struct trigger *triggers; /* that it has, of this version or one before */
    struct request *free_requests;
    struct request *alive; /* whose guests are suspended */
    struct chain *chains; /* that have to be looked at: request_chain.c */
    uint32_t chain_count; /* all there are */
    uv_idle_t chain_idle; /* while `chains` holds some */
    struct request *waiting; /* for a place, or have just got one */
    uv_timer_t queue_time;   /* while there are such */
    struct geo_reader geo;
    struct hop_peer *hop_peers; /* its connections to other regions */
    struct metrics metrics;
    struct overload overload;
    struct buf scratch; /* within one call */
    struct buf span;    /* likewise: of one that is being written */
    struct log_buffer log;
    uint64_t request_count, id_seed, trace_state;
    atomic_bool is_draining;
    atomic_uint beats; /* how often it was woken: a worker that is asked and does not count hangs */
    bool has_uv, has_thread;
    bool is_drained;       /* no connection is left */
    bool is_over;          /* nor time for those who go on without one */
    uint32_t running;      /* requests and triggers that are not over */
    uv_prepare_t prepare;
    uv_timer_t flush_time; /* of an access log with few lines */
    uv_timer_t drain_time; /* while guests go on after the last connection */
    uint64_t drain_until_ns;
    struct thread thread;
};

/* Makes it with its sockets (-1: none of that listener), which it takes over, also on failure. */
MUST_CHECK enum stint_status worker_create(struct worker *worker, struct edge_server *server,
                                           uint32_t number, const int *fds, uint32_t fd_count,
                                           struct stint_error *error);
MUST_CHECK bool worker_start(struct worker *worker);
/* From any thread: serve this version from now on; takes over a reference. */
void worker_switch(struct worker *worker, struct edge_app *app);
void worker_ask(struct worker *worker);   /* from any thread: count a beat */
void worker_drain(struct worker *worker); /* from any thread: finish what runs, then end */
void worker_join(struct worker *worker);
void worker_free(struct worker *worker); /* after worker_join, or if it never started */
/* In its own thread: no connection is left; a request is over. */
void worker_drained(struct worker *worker);
void worker_idle(struct worker *worker);

/* request.c: the handler of http_server.h, whose env is the worker. */
extern const struct http_handler request_handler;
void requests_free(struct worker *worker);
/* Ends guests that are suspended, soon; returns how many there are. */
uint32_t requests_interrupt(struct worker *worker);

/* request_chain.c: requests of guests to this application, once the worker's loop comes to them. */
void chains_run(struct worker *worker);
/* request_hop.c: in the worker's thread, or after it; the loop has to run once more. */
void hop_peers_free(struct worker *worker);

/* request_limits.c: what components keep for their limits; freed also where it failed. */
MUST_CHECK bool component_limits_init(struct edge_component *component);
void component_limits_free(struct edge_component *component);
/* Begins those that have a place now, and answers those that have waited too long. */
void requests_wake(struct worker *worker);

#endif
