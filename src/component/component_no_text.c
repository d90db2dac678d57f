/* SPDX-License-Identifier: Apache-2.0 */
/* In place of text_component*.c in builds without the text format. */
#include "component/text_component.h"

enum stint_status text_encode_component(struct alloc *alloc, const struct text_source *source,
                                        const struct text_module_head *head,
                                        const struct text_options *options,
                                        struct buf *ret_binary, struct stint_error *error)
{
    return error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                     "this build is without the text format");
}

enum stint_status text_to_any_binary(struct alloc *alloc, const char *text, size_t bytes,
                                     const struct text_options *options, struct buf *ret_binary,
                                     struct stint_error *error)
{
    return error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                     "this build is without the text format");
}
