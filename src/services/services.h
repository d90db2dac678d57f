/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Spin's world offers guests beyond WASI: variables, key-value stores, SQLite databases
 * (docs/services.md). Functions are flat (component/host.h), as those of WASI 0.2 are.
 *
 *     status = services_create(app, &services, &error);          once an application
 *     status = services_guest_create(services, component, &world, alloc, &guest, …); once a slot
 *     components:    resolvers[1] = services_resolver(guest)
 *     core modules:  wasi_p2_import_from(wasi, store, &resolver, …)
 *     services_guest_restart(guest)                              between the slot's uses
 *     services_guest_free(guest);                                after the slot's store
 *     services_free(services);                                   after all guests
 *
 * Nothing is opened before a guest asks for it. Work on files is done in another thread, while the
 * guest's fiber waits (runtime/waiter.h).
 */
#ifndef SERVICES_SERVICES_H
#define SERVICES_SERVICES_H

#include "app/app.h"
#include "component/host.h"

struct services;
struct services_guest;
struct host_net;
struct host_sink;
struct http_tls;
struct net_place;

/* A call of a guest to a server, or a connection that it could not make. */
enum services_server { SERVICES_REDIS, SERVICES_MQTT };
enum services_end {
    SERVICES_ANSWERED,
    SERVICES_REFUSED,     /* by the policy or a limit, so nothing was sent */
    SERVICES_UNREACHABLE, /* no connection */
    SERVICES_TIMEOUT,
    SERVICES_CANCELLED,   /* the guest was ended */
    SERVICES_FAILED,      /* the server's answer is an error, or there is none */
};
struct services_call {
    enum services_server server;
    enum services_end end;
    uint64_t start_ns, end_ns; /* OS_CLOCK_MONOTONIC; of those that are refused 0 */
};

/* What a guest's connections to servers share with its other outbound calls; all stay. */
struct services_world {
    const struct host_net *net; /* what it may reach; NULL: nothing */
    struct host_sink *log;      /* is told of refusals; may be NULL */
    uint64_t *calls;            /* outbound calls so far, of the current use; may be NULL */
    /* In the guest's thread, after each call; may be NULL. */
    void (*called)(void *env, const struct services_call *call);
    void *env;
};

/* Of the stores and databases that the application names; `app` stays. Thread-safe. */
MUST_CHECK enum stint_status services_create(const struct app *app, struct services **ret_services,
                                             struct stint_error *error);
void services_free(struct services *services); /* accepts NULL */
/* Reads the files of [[client_tls]]; all that is wrong with them is said, and what will be soon. Else they
 * are read when they are first needed. */
bool services_read_tls(struct services *services,
                       void (*say)(void *env, bool is_error, const char *message), void *env);
/* What TLS of the component's connections to `place` goes by (http/http_tls.h); it stays as long as
 * `services`. NULL: `message` says why there is none. */
struct http_tls *services_tls(struct services *services, const struct app_component *component,
                              const struct net_place *place, char *message, size_t room);

/* For one guest, which gets what the manifest gives `component` (which stays). */
MUST_CHECK enum stint_status services_guest_create(struct services *services,
                                                   const struct app_component *component,
                                                   const struct services_world *world,
                                                   struct alloc *alloc,
                                                   struct services_guest **ret_guest,
                                                   struct stint_error *error);
void services_guest_free(struct services_guest *guest); /* accepts NULL */
/* Closes all that the guest has open. */
void services_guest_restart(struct services_guest *guest);

struct host_resolver services_resolver(struct services_guest *guest);

#endif
