/* SPDX-License-Identifier: Apache-2.0 */
/* An application as it is served: what its manifest says, with its components loaded. */
#ifndef EDGE_APPLICATION_H
#define EDGE_APPLICATION_H

#include "edge/edge_int.h"

/* Reads and loads what server->options name. What is wrong with the manifest is said in the log, all of
 * it; a component that does not load is said too, and its routes answer 503. With one reference. */
MUST_CHECK enum stint_status application_load(struct edge_server *server, struct log_buffer *log,
                                              struct edge_app **ret_app);
struct edge_app *application_retain(struct edge_app *app);
void application_release(struct edge_app *app); /* accepts NULL */

#endif
