/* SPDX-License-Identifier: Apache-2.0 */
/* Unpredictable bytes from the system, fit for keys. */
#ifndef OS_RANDOM_H
#define OS_RANDOM_H

#include "os/errors.h"

/* Fills all `bytes` of `data`. Only early in the boot of a machine can it wait, for the first
 * entropy. */
MUST_CHECK enum os_error random_fill(void *data, size_t bytes);

#endif
