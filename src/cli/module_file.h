/* SPDX-License-Identifier: Apache-2.0 */
/* A module's bytes from a file, .wasm or .wat. */
#ifndef CLI_MODULE_FILE_H
#define CLI_MODULE_FILE_H

#include "base/buf.h"

struct module_file {
    const uint8_t *bytes; /* a binary */
    size_t size_bytes;
    bool is_component; /* else a core module */
    bool is_text; /* the file was text: offsets in errors are not the file's */
    /* What is behind `bytes`. */
    const uint8_t *mapped;
    size_t mapped_bytes;
    struct buf encoded;
};

/*
 * Reads `path`; "-" is stdin. What begins like a binary is taken as one; anything that reads as
 * text is encoded first, identifiers as names. Failures name the file's line and column.
 */
MUST_CHECK enum stint_status module_file_open(const char *path, struct module_file *ret_file,
                                              struct stint_error *error);
/* The same for components, too: is_component says which it is. */
MUST_CHECK enum stint_status module_file_open_any(const char *path, struct module_file *ret_file,
                                                  struct stint_error *error);
/* Accepts a zeroed file. */
void module_file_close(struct module_file *file);

#endif
