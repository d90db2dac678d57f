/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which trigger a request is for, as Spin decides it: exact routes before such with :names before
 * wildcards, step by step from the left; among equals the first, of the same route the last.
 *
 *     "/a/b"        that path, also with / at its end
 *     "/a/:name/c"  one step of any text, which becomes spin-path-match-name
 *     "/a/..."      /a and all below it; also written with a star
 *
 * Components that name hosts have their routes for those hosts only; where a host's own routes do not
 * match, those for all hosts are looked at.
 */
#ifndef APP_ROUTES_H
#define APP_ROUTES_H

#include "app/app.h"

struct routes;

enum {
    ROUTE_PARAMS_MAX = 16, /* :names in a route */
    ROUTE_BYTES_MAX = 2000,
};

struct route_part {
    const char *text; /* in the path that was asked for; not terminated */
    uint32_t bytes;
};

struct route_match {
    uint32_t http; /* index in app->http */
    uint32_t route; /* for routes_headers */
    bool has_wildcard, ends_in_slash;
    struct route_part wildcard;
    uint32_t param_count;
    struct route_part params[ROUTE_PARAMS_MAX]; /* in the order of the route */
};

/* Why a route is not one, or NULL: a few words. */
const char *route_problem(const char *route);

/* For all http triggers of `app`, which must outlive it. Routes that are none are left out. */
MUST_CHECK enum stint_status routes_create(struct alloc *alloc, const struct app *app,
                                           struct routes **ret_routes, struct stint_error *error);
void routes_free(struct routes *routes); /* accepts NULL */

/*
 * `host` is the request's authority, with or without a port, and may be empty; `path` begins with /
 * and has no query. False: no route. Takes no lock and no memory.
 */
bool routes_find(const struct routes *routes, const char *host, size_t host_bytes,
                 const char *path, size_t path_bytes, struct route_match *ret_match);
/* As if `component` had the route /..., for requests of other components; `path` likewise. */
void routes_chain(const char *path, size_t path_bytes, struct route_match *ret_match);

/* All routes, those that are looked at first before the others. */
uint32_t routes_count(const struct routes *routes);
/* The route's index in app->http. */
uint32_t routes_at(const struct routes *routes, uint32_t at);

/* ---- Headers ----------------------------------------------------------------------------- */

/* Headers and room that are always enough for a path and query of `bytes`, and a host of 255. */
#define ROUTE_HEADERS_MAX (8 + ROUTE_PARAMS_MAX)
#define ROUTE_ROOM_BYTES(bytes) (2 * (bytes) + 512)

struct route_header {
    const char *name; /* terminated, lower case */
    const char *value; /* not terminated */
    uint32_t value_bytes;
};

struct route_request {
    const char *scheme;      /* "https" */
    const char *authority;   /* "": localhost */
    const char *target;      /* path and query as they were asked for */
    struct inet_address client;
};

/*
 * The spin-* headers of a matched request, in `ret_headers`; those made for it are written to `room`.
 * Returns how many, 0 where the room does not do. They replace any of these names that the client
 * sent: route_header_is_own says which.
 */
uint32_t routes_headers(const struct routes *routes, const struct route_match *match,
                        const struct route_request *request,
                        struct route_header ret_headers[ROUTE_HEADERS_MAX], char *room,
                        size_t room_bytes);
/* Whether a header (lower case) is one that only the host may set: spin-*, x-geo-*, cf-ipcountry and
 * stint-hop. */
bool route_header_is_own(const char *name, size_t bytes);

#endif
