/* SPDX-License-Identifier: Apache-2.0 */
/* What the guest programs share. tests/wasi/run has a row for each: how it is run and what it must
 * print. A failed EXPECT says where, and ends the guest with 1. */
#ifndef GUEST_H
#define GUEST_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wasi/api.h>

#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s (errno %d)\n", __FILE__, __LINE__, #condition, errno);      \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

/* The call fails with this errno. */
#define EXPECT_ERRNO(call, number)                                                                 \
    do {                                                                                           \
        errno = 0;                                                                                 \
        EXPECT((call) == -1);                                                                      \
        EXPECT(errno == (number));                                                                 \
    } while (0)

#endif
