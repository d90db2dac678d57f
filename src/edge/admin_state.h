/* SPDX-License-Identifier: Apache-2.0 */
/* What the admin page shows, as JSON: docs/edge.md describes it. */
#ifndef EDGE_ADMIN_STATE_H
#define EDGE_ADMIN_STATE_H

#include "edge/admin_history.h"
#include "edge/monitor_text.h"

/* Raised when a member goes or changes its meaning; new ones may come without. */
enum { ADMIN_STATE_API = 1 };

/* Appends all of it, with samples of the history after number `since`. False: memory is out. */
bool admin_print_state(const struct monitor_view *view, const struct admin_history *history,
                       uint64_t since, struct buf *out);

#endif
