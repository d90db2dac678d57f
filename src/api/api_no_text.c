/* SPDX-License-Identifier: Apache-2.0 */
/* In place of api_text.c in builds without the text format. */
#include "api/api_int.h"

enum stint_status stint_module_new_from_text(stint_engine *engine, const char *text,
                                             size_t text_bytes, stint_module **ret_module,
                                             struct stint_error *error)
{
    (void)engine;
    (void)text;
    (void)text_bytes;
    (void)ret_module;
    return error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                     "this build is without the text format");
}
