/* SPDX-License-Identifier: Apache-2.0 */
/* In place of text.c and text_*.c in builds without the text format. */
#include "wasm/text.h"

static enum stint_status refuse(struct stint_error *error)
{
    return error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                     "this build is without the text format");
}

enum stint_status text_to_binary(struct alloc *alloc, const char *text, size_t bytes,
                                 const struct text_options *options, struct buf *ret_binary,
                                 struct stint_error *error)
{
    return refuse(error);
}

enum stint_status text_module_head(const struct text_source *source, uint32_t open,
                                   struct text_module_head *ret_head, struct stint_error *error)
{
    return refuse(error);
}

enum stint_status text_encode_form(struct alloc *alloc, const struct text_source *source,
                                   const struct text_module_head *head,
                                   const struct text_options *options, struct buf *ret_binary,
                                   struct stint_error *error)
{
    return refuse(error);
}

void text_source_free(struct text_source *source) {}
