/* SPDX-License-Identifier: Apache-2.0 */
/* A thread that looks after the server: files that change, and who asks how it does. */
#ifndef EDGE_MONITOR_H
#define EDGE_MONITOR_H

#include "edge/edge_int.h"

/* What server->monitor needs of the options and the manifest: geo databases, and the listener of
 * metrics. What is wrong is said in the log. */
MUST_CHECK enum stint_status monitor_open(struct edge_server *server, struct log_buffer *log);
/* A new version of the application; keeps it. */
void monitor_switch(struct edge_server *server, struct edge_app *app);
/* Before workers, which it looks at, end. */
MUST_CHECK enum stint_status monitor_start(struct edge_server *server, struct stint_error *error);
void monitor_stop(struct edge_server *server);
/* After the workers were freed. */
void monitor_close(struct edge_server *server);

#endif
