/* SPDX-License-Identifier: Apache-2.0 */
/* The addresses that a server listens on, and for each a socket of each worker. */
#ifndef EDGE_LISTENERS_H
#define EDGE_LISTENERS_H

#include "edge/edge_int.h"

/* Of systemd, of the options, or of the manifest: fills in server->listeners. */
void listeners_choose(struct edge_server *server);
/* All that cannot be listened on is said, not the first alone. */
MUST_CHECK enum stint_status listeners_open(struct edge_server *server, struct log_buffer *log);
/* Of a worker: server->listener_count, -1 where it has none. They are the caller's from now on. */
const int *listeners_of(struct edge_server *server, uint32_t worker);
/* To the log, and to stdout. */
void listeners_announce(struct edge_server *server, struct log_buffer *log);
void listeners_close(struct edge_server *server); /* those that no worker has taken */

#endif
