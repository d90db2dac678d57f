/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files behind os/files.h. */
#ifndef OS_FILES_INT_H
#define OS_FILES_INT_H

#include <errno.h>

#include "os/files.h"

/* Repeats a call of the system while a signal interrupts it; -1 on failure. */
#define RETRY(call)                                                                                \
    ({                                                                                             \
        __typeof__(call) result_;                                                                  \
        do                                                                                         \
            result_ = (call);                                                                      \
        while (result_ == -1 && errno == EINTR);                                                   \
        result_;                                                                                   \
    })

/* The error of a call that gave `result`. */
static inline enum os_error error_of_result(long result)
{
    return result == -1 ? os_error_of(errno) : OS_OK;
}

#endif
