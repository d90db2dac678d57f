/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the limits of this process and of its machine suffice for what an application asks for. */
#ifndef EDGE_FITTING_H
#define EDGE_FITTING_H

#include "edge/edge_int.h"

/* Threads that serve: the option, else the manifest's, else one a core. */
uint32_t fitting_workers(const struct edge_options *options, const struct app *app);

/* Raises the limit of descriptors as far as needed, unless it only checks, then says in the log what does not suffice, all of it.
 * Sets server->connections, before it serves. STINT_LIMIT: the server could not run at all. */
MUST_CHECK enum stint_status fitting_look(struct edge_server *server, const struct app *app,
                                          struct log_buffer *log);
/* A table of what is needed and what there is, of server->app. */
MUST_CHECK enum stint_status fitting_describe(const struct edge_server *server, struct buf *text);

#endif
