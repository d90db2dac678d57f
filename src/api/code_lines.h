/* SPDX-License-Identifier: Apache-2.0 */
/* Source lines of an image's text: its places (aot/image.h) through the module's own DWARF. */
#ifndef API_CODE_LINES_H
#define API_CODE_LINES_H

#include "base/buf.h"
#include "runtime/native.h"

/* From here on, up to the next row: a line from 1, or 0 where none is known. */
struct code_line {
    uint32_t text_offset, line;
    uint32_t file; /* an index into files */
};

struct code_lines {
    struct code_line *rows; /* by text_offset; neighbours differ in line or file */
    size_t count, capacity;
    char **files;
    size_t file_count, file_capacity;
};

/* Looks the lines up. Empty where the module has no line tables, or memory is out; of very large
 * images a first part only. */
void code_lines_read(const struct stint_module *module, const struct native_image *image,
                     struct code_lines *ret_lines);
void code_lines_clear(struct code_lines *lines);

#endif
