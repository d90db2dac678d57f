/* SPDX-License-Identifier: Apache-2.0 */
/* Results that go to a file: whole, or not at all. */
#ifndef CLI_OUTPUT_FILE_H
#define CLI_OUTPUT_FILE_H

#include "base/status.h"

/*
 * Writes `bytes` to `path`; "-" or NULL is stdout. A regular file is written beside its place and
 * renamed, so that a full disk leaves the old one as it was. Devices and pipes are written to.
 */
MUST_CHECK enum stint_status output_file_write(const char *path, const void *data, size_t bytes,
                                               struct stint_error *error);

#endif
