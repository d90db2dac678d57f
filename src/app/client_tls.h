/* SPDX-License-Identifier: Apache-2.0 */
/* [[client_tls]] of the runtime configuration: which of them a component's connection goes by. */
#ifndef APP_CLIENT_TLS_H
#define APP_CLIENT_TLS_H

#include "app/app.h"

/* "host" or "host:port"; an IPv6 address is in brackets. */
bool client_tls_host_is_valid(const char *host);
/* The first that names the component and the host (a v6 address with or without brackets), or NULL. */
const struct app_client_tls *client_tls_find(const struct app *app, const char *component,
                                             const char *host, uint16_t port);

#endif
