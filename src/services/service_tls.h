/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS of guests' connections to servers other than HTTP's, through libstint-tls.so, which is loaded with
 * the first: one set of authorities and certificates for each [[client_tls]] of the runtime configuration,
 * and the system's for all else. Thread-safe.
 */
#ifndef SERVICES_SERVICE_TLS_H
#define SERVICES_SERVICE_TLS_H

#include "app/app.h"
#include "base/status.h"
#include "http/http_tls.h"

struct net_place;
struct service_tls;

/* The plug-in; loaded with the first call. */
MUST_CHECK enum stint_status service_tls_load(const struct http_tls_api **ret_api,
                                              struct stint_error *error);

struct service_tls *service_tls_create(const struct app *app); /* NULL: no memory; `app` stays */
void service_tls_free(struct service_tls *tls);                /* accepts NULL */
typedef void (*service_tls_say_fn)(void *env, bool is_error, const char *message);
/* Reads the files of each [[client_tls]], says all that is wrong with them, and warns of certificates that
 * end soon. Where there is no plug-in, nothing is read and nothing said: those who need it are told then. */
bool service_tls_read(struct service_tls *tls, service_tls_say_fn say, void *env);
/* What connections of `component` to `place` go by; NULL: `message` says why there is none. */
struct http_tls *service_tls_for(struct service_tls *tls, const struct app_component *component,
                                 const struct net_place *place, char *message, size_t room);

#endif
