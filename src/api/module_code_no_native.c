/* SPDX-License-Identifier: Apache-2.0 */
/* In place of module_code_native.c in builds without machine code. */
#include "api/module_code.h"
#include "stint.h"

enum stint_status module_code_create(struct stint_engine *engine, const uint8_t *bytes,
                                     size_t size_bytes, bool lend, struct stint_module **ret_module,
                                     struct stint_error *error)
{
    return rt_module_create(engine, bytes, size_bytes, lend, ret_module, error);
}

uint32_t stint_module_compiled_count(const stint_module *module)
{
    (void)module;
    return 0;
}

const char *stint_module_code_refused(const stint_module *module)
{
    (void)module;
    return NULL;
}
