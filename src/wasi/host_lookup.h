/* SPDX-License-Identifier: Apache-2.0 */
/* Names to addresses, in a thread of its own: the system's resolver cannot be interrupted. */
#ifndef WASI_HOST_LOOKUP_H
#define WASI_HOST_LOOKUP_H

#include "os/inet.h"

struct host_lookup;

enum { HOST_LOOKUPS_MAX = 32 }; /* at a time, in the process: OS_AGAIN beyond */

MUST_CHECK enum os_error host_lookup_start(const char *name, struct host_lookup **ret_lookup);
/* A lookup that goes on ends by itself. Accepts NULL. */
void host_lookup_release(struct host_lookup *lookup);
/* Whether it is done; else `ret_fd` becomes ready to read when it is. */
bool host_lookup_is_done(struct host_lookup *lookup, int *ret_fd);
/* As inet_lookup; of a lookup that is done. */
MUST_CHECK enum os_error host_lookup_result(const struct host_lookup *lookup,
                                            const struct inet_address **ret_addresses,
                                            size_t *ret_count);

#endif
