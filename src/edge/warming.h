/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Components with reuse = "snapshot": the request to their warm_path, whose end state later requests begin
 * with. Where that fails, the log says why, and each request gets a fresh instance.
 */
#ifndef EDGE_WARMING_H
#define EDGE_WARMING_H

#include "edge/edge_int.h"

/* Those that have machine code, or get none, before the application is served. The others are warmed up
 * when they have got it: in the interpreter that might take longer than requests wait. */
void warming_begin(const struct edge_server *server, struct edge_app *app, struct log_buffer *log);
/* One, if it is to be; at any time, once. `is_cancelled`: see guest_warmup. */
void warming_component(const struct edge_app *app, struct edge_component *component,
                       const atomic_int *is_cancelled, struct log_buffer *log);

#endif
