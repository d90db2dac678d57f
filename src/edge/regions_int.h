/* SPDX-License-Identifier: Apache-2.0 */
/* Private to regions.c and region_health.c. */
#ifndef EDGE_REGIONS_INT_H
#define EDGE_REGIONS_INT_H

#include "base/arena.h"
#include "edge/regions.h"
#include "http/http_tls.h"

struct regions {
    struct arena arena; /* for good: few regions come with new versions */
    struct region_state *states;
    struct http_tls *tls;
    /* region_health.c: */
    struct lock lock;         /* of next_app and is_ending */
    struct edge_app *next_app; /* to be looked after from now on; a reference */
    bool is_ending, has_thread;
    struct thread thread;
    struct edge_app *app; /* a reference */
    struct region_check *checks;
    struct edge_server *server;
    struct log_buffer log;
    uv_loop_t uv;
    uv_async_t wake;
    uint64_t random;
};

#endif
