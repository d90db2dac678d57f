/* SPDX-License-Identifier: Apache-2.0 */
/* In place of script_text.c in builds without the text format. */
#include "wast/script.h"

enum stint_status script_read_text(struct alloc *alloc, const char *text, size_t bytes,
                                   struct script *ret_script, struct stint_error *error)
{
    (void)alloc;
    (void)text;
    (void)bytes;
    (void)ret_script;
    return error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                     "this build is without the text format");
}
