/* SPDX-License-Identifier: Apache-2.0 */
#include "api/compile.h"

const struct tier_source *compile_source(void)
{
    return NULL;
}

enum stint_status compile_plugin(const struct compiler_api **ret_api, struct stint_error *error)
{
    (void)ret_api;
    return error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                     "this build of stint has no machine code");
}
