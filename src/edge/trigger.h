/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Redis triggers: a fiber of a worker subscribes to a channel, and each message runs through a guest as a
 * request does (request.h), without a connection to answer. Triggers are dealt out to the workers.
 */
#ifndef EDGE_TRIGGER_H
#define EDGE_TRIGGER_H

#include "edge/edge_int.h"

struct request;
struct trigger;

/* What has come of a trigger's messages; of all workers, read by any thread. */
struct trigger_counts {
    atomic_bool is_connected;
    atomic_ullong handled, failed, dropped, connections;
};

/* In the worker's thread: those of the application that it serves now. */
void triggers_start(struct worker *worker);
/* Ends the subscriptions; what is under way goes on, and the worker waits for it. */
void triggers_stop(struct worker *worker);

/* For the files request*.c, of a request with a message: */
MUST_CHECK enum stint_status trigger_run(struct request *request);   /* on its fiber */
void trigger_refused(struct request *request); /* no place became free in time; ends the request */
void trigger_done(struct request *request);    /* it is over */
/* Its channel, for metrics. */
const char *trigger_label(const struct trigger *trigger);

/* Appends the metrics of the application's triggers. */
void triggers_print(const struct edge_app *app, struct buf *out);

#endif
