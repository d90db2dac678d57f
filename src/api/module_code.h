/* SPDX-License-Identifier: Apache-2.0 */
/* Modules for embedders, with the machine code that their bytes carry or the cache has. */
#ifndef API_MODULE_CODE_H
#define API_MODULE_CODE_H

#include "runtime/store.h"

/* As rt_module_create. Machine code that cannot be used is no failure; the module remembers why. */
MUST_CHECK enum stint_status module_code_create(struct stint_engine *engine, const uint8_t *bytes,
                                                size_t size_bytes, bool lend,
                                                struct stint_module **ret_module,
                                                struct stint_error *error);

#endif
