/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/text_file.h"

#include "component/text_component.h"

enum stint_status text_file_encode(const char *text, size_t bytes, struct buf *ret_binary,
                                   struct stint_error *error)
{
    static const struct text_options options = {.names = true};
    return text_to_any_binary(&alloc_root, text, bytes, &options, ret_binary, error);
}
