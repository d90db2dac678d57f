/* SPDX-License-Identifier: Apache-2.0 */
/* Machine code for the modules of an engine, through the plug-in libstint-compiler.so. */
#ifndef API_COMPILE_H
#define API_COMPILE_H

#include "runtime/store.h"

struct compiler_api;

/* Where images come from: the cache and the plug-in; NULL in builds that run no machine code. */
const struct tier_source *compile_source(void);

/* The plug-in, loaded at the first call; see os/plugin.h. Not in builds that run no machine code. */
MUST_CHECK enum stint_status compile_plugin(const struct compiler_api **ret_api,
                                            struct stint_error *error);

#endif
