/* SPDX-License-Identifier: Apache-2.0 */
/* Random bytes for a guest, as many as it likes: the work can be interrupted. */
#ifndef WASI_HOST_RANDOM_H
#define WASI_HOST_RANDOM_H

#include "wasi/host_wait.h"

MUST_CHECK enum os_error host_random_fill(const struct host_wait *wait, void *data, size_t bytes);

#endif
