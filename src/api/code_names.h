/* SPDX-License-Identifier: Apache-2.0 */
/* Tells perf and debuggers what lies in an image, as far as the engine is set to. */
#ifndef API_CODE_NAMES_H
#define API_CODE_NAMES_H

#include "runtime/native.h"

/* For tier_source: when a module gets an image, and before it loses it. What fails is left out. */
void code_names_announce(const struct stint_module *module, const struct native_image *image);
void code_names_forget(const struct stint_module *module, const struct native_image *image);

#endif
