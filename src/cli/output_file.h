/* SPDX-License-Identifier: Apache-2.0 */
/* Results that go to a file: whole, or not at all. */
#ifndef CLI_OUTPUT_FILE_H
#define CLI_OUTPUT_FILE_H

#include <limits.h>

#include "base/status.h"

enum { OUTPUT_BUFFER_BYTES = 16 << 10 };

/*
 * An output being written. A regular file is written beside its place and renamed at the end, so
 * that a full disk or an error leaves the old one as it was. Devices, pipes and stdout are written
 * to as it goes.
 */
struct output_file {
    int fd;
    int failed_errno;    /* of the first write that failed, or 0 */
    char path[PATH_MAX]; /* as it is to be named; "" for what is not renamed */
    char temporary[PATH_MAX + 32];
    const char *shown; /* in messages */
    size_t used;
    uint8_t buffer[OUTPUT_BUFFER_BYTES];
};

/* `path` "-" or NULL is stdout. Ends with output_file_close, which has to be called on success. */
MUST_CHECK enum stint_status output_file_open(struct output_file *output, const char *path,
                                              struct stint_error *error);
/* False once something could not be written; output_file_close says what. */
bool output_file_append(struct output_file *output, const void *data, size_t bytes);
/* Puts a complete file in its place; with `keep` false, drops it. */
MUST_CHECK enum stint_status output_file_close(struct output_file *output, bool keep,
                                               struct stint_error *error);

/* All of the above at once. */
MUST_CHECK enum stint_status output_file_write(const char *path, const void *data, size_t bytes,
                                               struct stint_error *error);

#endif
