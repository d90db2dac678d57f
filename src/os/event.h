/* SPDX-License-Identifier: Apache-2.0 */
/* A flag that other threads set and that can be waited for as a descriptor (os/readiness.h): it is ready
 * to read while it is set. Closed with file_close. */
#ifndef OS_EVENT_H
#define OS_EVENT_H

#include "os/errors.h"

MUST_CHECK enum os_error event_create(int *ret_fd);
void event_set(int fd);
void event_clear(int fd);

#endif
