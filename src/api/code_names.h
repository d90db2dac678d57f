/* SPDX-License-Identifier: Apache-2.0 */
/* Tells perf and debuggers what lies in an image. */
#ifndef API_CODE_NAMES_H
#define API_CODE_NAMES_H

#include "runtime/native.h"

/* Adds the functions of an image to this process's perf map; what fails is left out. */
void code_names_for_perf(const struct stint_module *module, const struct native_image *image);

#endif
