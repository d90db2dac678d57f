/* SPDX-License-Identifier: Apache-2.0 */
/* A thread that looks after the server: files that change, and who asks how it does. */
#ifndef EDGE_MONITOR_H
#define EDGE_MONITOR_H

#include "edge/edge_int.h"

/* server->geo, from the options and the manifest. What is wrong is said in the log. */
MUST_CHECK enum stint_status monitor_open(struct edge_server *server, struct log_buffer *log);
/* Before workers, which it looks at, end. */
MUST_CHECK enum stint_status monitor_start(struct edge_server *server, struct stint_error *error);
void monitor_stop(struct edge_server *server);
/* After the workers were freed. */
void monitor_close(struct edge_server *server);

#endif
