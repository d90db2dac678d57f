/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The admin page and its data, on a listener of its own in the monitor's thread: nothing of it is on the
 * way of a request. It is for reading only.
 *
 * Without a token it is served on loopback alone, and for hosts that name loopback alone: else a page of
 * somebody's could have a browser on this machine read it under a name that leads here (DNS rebinding).
 */
#ifndef EDGE_ADMIN_H
#define EDGE_ADMIN_H

#include "edge/monitor_text.h"

struct admin;

/* Where it is to be, without a scheme: "https://127.0.0.1:9001" of the options, or the manifest's; "":
 * nowhere. Sets server->admin_is_tls. */
const char *admin_address(struct edge_server *server);
/* Listens where the options or the manifest say; NULL where they do not. What is wrong is said in the
 * log. */
MUST_CHECK enum stint_status admin_open(struct edge_server *server, struct log_buffer *log,
                                        struct admin **ret_admin);
/* `lock` is of view->app. */
MUST_CHECK enum stint_status admin_start(struct admin *admin, uv_loop_t *uv,
                                         struct monitor_view *view, struct lock *lock,
                                         struct stint_error *error);
/* In the loop's thread: closes everything, so that the loop ends. Accepts NULL. */
void admin_stop(struct admin *admin);
void admin_free(struct admin *admin); /* after the loop has run; accepts NULL */

#endif
