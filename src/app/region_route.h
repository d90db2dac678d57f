/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which region answers a request, and how. The region of the client's country, or else continent, is
 * asked first; where it is not healthy, or does not take this client yet (weight), the regions near it
 * follow: those that it names, then the others by distance. A component that is pinned to regions is
 * never answered elsewhere: where none of them is healthy the request is refused.
 *
 * Every server decides the same for the same client, as long as it sees the same regions healthy.
 */
#ifndef APP_REGION_ROUTE_H
#define APP_REGION_ROUTE_H

#include "app/client.h"
#include "base/buf.h"

struct region_request {
    const char *country;   /* "KR"; "" where it is unknown */
    const char *continent; /* "AS"; "": that of the country */
    struct client_key client;
    const struct app_component *component; /* for its pins; NULL: none */
    const char *authority; /* as it was asked for; "" where it does not matter */
    const char *path;      /* with or without a query; NULL: any but that of health checks */
    bool is_hop;           /* another server of this application has proxied it here */
};

enum region_action {
    REGION_SERVE,
    REGION_PROXY,
    REGION_REDIRECT, /* 307, to the region's URL with the request's path and query */
    REGION_REFUSE,   /* 503: no region where the component may run is healthy */
};

struct region_decision {
    enum region_action action;
    uint32_t region; /* which answers; APP_NONE with REFUSE, or where there are no regions */
    uint32_t home;   /* that of the client's place, or APP_NONE */
};

/*
 * `healthy` has one element for each region, NULL: all are. That of this server is taken as healthy.
 * `why` (may be NULL) gets a line for each step.
 */
struct region_decision region_decide(const struct app *app, const struct region_request *request,
                                     const bool *healthy, struct buf *why);

/* "AS" of "KR"; "" for a country that is not known. */
const char *region_continent(const char *country);
/* "serve", "proxy", "redirect", "refuse". */
const char *region_action_text(enum region_action action);

#endif
