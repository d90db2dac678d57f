/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of the regions of the application: which are healthy, and what was done with requests for
 * them. A thread of its own asks them; workers that meet one which cannot be connected to say so.
 *
 *     regions_create(&regions);
 *     regions_attach(regions, app, log)      each version of the application
 *     regions_start(server)                  asks them, from now on; regions_switch: another version's
 *     regions_stop(server); regions_free(regions);
 */
#ifndef EDGE_REGIONS_H
#define EDGE_REGIONS_H

#include "edge/edge_int.h"

#define REGION_HOWS(X)                                                                             \
    X(SERVED, "served")         /* here */                                                         \
    X(PROXIED, "proxied")       /* there, and its answer was passed on */                          \
    X(REDIRECTED, "redirected") /* 307 */                                                          \
    X(REFUSED, "refused")       /* 503: it may run in no region that is healthy */                 \
    X(FAILED, "failed")         /* it was to be proxied: 502 or 504 */                             \
    X(RECEIVED, "received")     /* from there, proxied, and served here */
enum region_how {
#define X(name, text) REGION_HOW_##name,
    REGION_HOWS(X)
#undef X
    REGION_HOW_COUNT
};
const char *region_how_text(enum region_how how);

struct http_tls;

/* Of a region: versions of the application that have it with the same name and URL share it. */
struct region_state {
    struct region_state *next;
    const char *name, *url;
    const char *host;      /* of the URL, without brackets */
    const char *authority; /* likewise, with its port if it has one */
    uint16_t port;
    bool is_tls;
    atomic_bool is_up;
    atomic_uint good, bad;  /* answers to health checks in a row */
    atomic_ullong down_ns;  /* when it went down, OS_CLOCK_MONOTONIC */
    atomic_ullong checks[2]; /* bad ones, good ones */
    atomic_ullong requests[REGION_HOW_COUNT];
    atomic_uint running; /* requests that are proxied there */
};

MUST_CHECK enum stint_status regions_create(struct regions **ret_regions);
void regions_free(struct regions *regions); /* accepts NULL */
/* Fills app->regions. What is wrong is said in the log. */
MUST_CHECK enum stint_status regions_attach(struct regions *regions, struct edge_app *app,
                                            struct log_buffer *log);
/* For regions with https; NULL: there are none. */
struct http_tls *regions_tls(const struct regions *regions);

MUST_CHECK enum stint_status regions_start(struct edge_server *server, struct stint_error *error);
void regions_switch(struct edge_server *server, struct edge_app *app);
void regions_stop(struct edge_server *server);

/* From any thread: no connection could be made, it did not answer well; it did. */
void region_lost(struct region_state *state, struct log_buffer *log, const char *why);
void region_bad(struct region_state *state, const struct app_region *region, struct log_buffer *log,
                const char *why);
void region_good(struct region_state *state, const struct app_region *region,
                 struct log_buffer *log);
/* For region_decide. */
void regions_healthy(const struct edge_app *app, bool ret_healthy[APP_REGIONS_MAX]);

/* In Prometheus' text format. */
void regions_print(const struct edge_app *app, struct buf *out);

#endif
