/* SPDX-License-Identifier: Apache-2.0 */
/* What the server says of itself. */
#ifndef EDGE_MONITOR_TEXT_H
#define EDGE_MONITOR_TEXT_H

#include "edge/edge_int.h"

struct monitor_view {
    struct edge_server *server;
    struct edge_app *app;
    struct metrics_labels labels;
};

/* The sum over all workers; NULL: memory is out. */
struct metrics *metrics_total(const struct edge_server *server);
void metrics_total_free(struct metrics *total);
/* Whether it takes requests, and all components are there; else why not. */
bool monitor_print_ready(const struct monitor_view *view, struct buf *out);
double monitor_resident_bytes(void);
/* In Prometheus' text format. False: memory is out. */
bool monitor_print_metrics(struct monitor_view *view, struct buf *out);

#endif
