/* SPDX-License-Identifier: Apache-2.0 */
#include "os/errors.h"

#include <errno.h>
#include <string.h>

enum os_error os_error_of(int number)
{
    if (number == 0)
        return OS_OK;
#define X(name, value)                                                                             \
    if (number == (value))                                                                         \
        return OS_##name;
    OS_ERROR_MAP(X)
#undef X
    return OS_IO;
}

const char *os_error_text(enum os_error error)
{
    static const int numbers[] = {0,
#define X(name, value) value,
                                  OS_ERROR_MAP(X)
#undef X
    };

    if (error == OS_NOTCAPABLE)
        return "Outside of what the guest was given";
    if (error == OS_STOPPED)
        return "Stopped";
    return strerror((size_t)error < COUNT_OF(numbers) ? numbers[error] : 0);
}
