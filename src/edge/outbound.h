/* SPDX-License-Identifier: Apache-2.0 */
/* What components may reach: the policy of the manifest (app/policy.h), for WASI (wasi/host_net.h). */
#ifndef EDGE_OUTBOUND_H
#define EDGE_OUTBOUND_H

#include "app/app.h"

struct host_net;
struct policy;

/* Of a component; the policy is kept in the arena of `app`. NULL: memory is out. */
struct host_net *outbound_create(struct app *app, const struct app_component *component,
                                 const struct policy **ret_policy);

#endif
