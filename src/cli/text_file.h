/* SPDX-License-Identifier: Apache-2.0 */
/* Programs in the text format: of modules and of components, or of modules only in device builds. */
#ifndef CLI_TEXT_FILE_H
#define CLI_TEXT_FILE_H

#include "base/buf.h"

/* Appends the binary that a text stands for, with a name section; as text_to_binary. */
MUST_CHECK enum stint_status text_file_encode(const char *text, size_t bytes,
                                              struct buf *ret_binary, struct stint_error *error);

#endif
