/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listening sockets that pass from one process to the next: from systemd (socket activation), or from a
 * server that still runs (`stint up --replace`), which goes on until its successor says that it is ready.
 * Both listen on the same sockets meanwhile, so no connection is lost.
 *
 * On the socket at --control, messages are lines. The successor connects; each socket comes as
 * "KIND ADDRESS" with descriptors, the last message is "end PROCESS". Once the successor serves, it says "ready",
 * and the other one answers "bye", and drains.
 */
#ifndef EDGE_HANDOVER_H
#define EDGE_HANDOVER_H

#include "edge/edge_int.h"

#define HANDOVER_HTTP "http"
#define HANDOVER_METRICS "metrics"
#define HANDOVER_ADMIN "admin"

/* Gets what other processes give, and makes the socket at --control. Before there are threads. */
MUST_CHECK enum stint_status handover_open(struct edge_server *server, struct log_buffer *log);
/* One socket that was given for this address; each call gives another; -1: none is left. */
int handover_take(struct edge_server *server, const char *kind, const char *address);
/* How many systemd gave for HANDOVER_HTTP; then those are served, and no others. */
size_t handover_activated(const struct edge_server *server);
/* The address of one of them, and whether its name is "https". */
const char *handover_activated_at(const struct edge_server *server, size_t number, bool *ret_is_tls);
/* Will be given to a successor. */
void handover_offer(struct edge_server *server, const char *kind, const char *address, int fd);
/* Takes one, or listens; offers it. */
MUST_CHECK enum stint_status handover_listen(struct edge_server *server, const char *kind,
                                             const char *address, int *ret_fd,
                                             struct stint_error *error);
/* This process serves: its predecessor may end; from now on it may have a successor. */
MUST_CHECK enum stint_status handover_ready(struct edge_server *server, struct log_buffer *log);
/* Before it drains. */
void handover_stop(struct edge_server *server);
void handover_free(struct edge_server *server);

#endif
