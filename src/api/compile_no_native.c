/* SPDX-License-Identifier: Apache-2.0 */
#include "api/compile.h"

const struct tier_source *compile_source(void)
{
    return NULL;
}
