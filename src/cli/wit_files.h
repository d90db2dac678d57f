/* SPDX-License-Identifier: Apache-2.0 */
/* WIT text from the disk: a file, or a directory with what its package needs in deps/. */
#ifndef CLI_WIT_FILES_H
#define CLI_WIT_FILES_H

#include "base/arena.h"
#include "component/wit_parse.h"

struct wit_files {
    struct wit_source source;
    /* What is behind it. */
    struct arena arena;
    struct wit_file *files;
    size_t capacity;
};

/*
 * Of a directory its *.wit files, then of its deps/ each *.wit file and each directory as a package of
 * its own (WIT.md, "Filesystem structure"). On failure there is nothing to close.
 */
MUST_CHECK enum stint_status wit_files_open(const char *path, struct wit_files *ret_files,
                                            struct stint_error *error);
/* Accepts a zeroed one. */
void wit_files_close(struct wit_files *files);

#endif
