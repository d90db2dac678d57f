/* SPDX-License-Identifier: Apache-2.0 */
/* The files of the folder admin/, as they are, in this library. */
#ifndef EDGE_ADMIN_FILES_H
#define EDGE_ADMIN_FILES_H

#include <stddef.h>
#include <stdint.h>

struct admin_file {
    const char *path, *type;
    const uint8_t *data, *end;
};

extern const struct admin_file admin_files[];
extern const size_t admin_file_count;

#endif
