/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the server gives up once it has its sockets and files: root, capabilities, files that it does not
 * need, and calls of the system that it does not make. Whoever broke out of a guest is then held by the
 * kernel.
 */
#ifndef EDGE_FENCING_H
#define EDGE_FENCING_H

#include "edge/edge_int.h"

/* Where root starts the server and the manifest or an option names another user: what is done in between
 * is done as that user, so that files which are made are theirs. fencing_act_as_self ends it where
 * `ret_acts`, which is set also on failure. */
MUST_CHECK enum stint_status fencing_act_as_user(const struct edge_server *server,
                                                 const struct app *app, bool *ret_acts,
                                                 struct stint_error *error);
MUST_CHECK enum stint_status fencing_act_as_self(struct stint_error *error);

/* In the main thread, before there are others. What cannot be done is said in the log; fails only where
 * the user is not there, or going on would be less safe than was asked for. */
MUST_CHECK enum stint_status fencing_raise(struct edge_server *server, struct log_buffer *log);

/* What it would do here and now, as text; nothing is changed. Fails where the user is not there. */
MUST_CHECK enum stint_status fencing_describe(const struct edge_server *server, struct buf *text,
                                              struct stint_error *error);

#endif
