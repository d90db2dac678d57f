/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether routes stay within limits.cpu_budget: in each window (metrics.budget_window) 99 of 100 requests
 * should. Belongs to the main thread, but for budget_print.
 */
#ifndef EDGE_BUDGET_H
#define EDGE_BUDGET_H

#include "edge/edge_int.h"

struct budget;

MUST_CHECK enum stint_status budget_create(struct edge_server *server, struct budget **ret_budget);
void budget_free(struct budget *budget); /* accepts NULL */
/* Whether any component has one, so that there is something to look at. */
bool budget_is_used(const struct edge_app *app);
/* At most once a window: looks at it, and warns. `is_last`: however long it was. */
void budget_tick(struct budget *budget, struct log_buffer *log, bool is_last);
/* Appends a gauge in Prometheus' text format. */
void budget_print(struct budget *budget, struct buf *out);

#endif
