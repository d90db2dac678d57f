/* SPDX-License-Identifier: Apache-2.0 */
/* What a service manager is told, as systemd wants it (Type=notify, WatchdogSec=); nothing without one. */
#ifndef EDGE_NOTIFY_H
#define EDGE_NOTIFY_H

#include "edge/edge_int.h"

void notify_open(struct edge_server *server); /* before the fence, which hides the socket */
void notify_ready(const struct edge_server *server);
void notify_reloading(const struct edge_server *server);
void notify_stopping(const struct edge_server *server);
/* How often notify_alive has to be heard; 0: never. */
uint64_t notify_watchdog_ns(void);
/* Says so if each worker has been alive since the call before. */
void notify_alive(struct edge_server *server);
void notify_close(struct edge_server *server);

#endif
