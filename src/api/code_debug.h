/* SPDX-License-Identifier: Apache-2.0 */
/* Tells a debugger what lies in an image, through the interface of gdb and lldb for code made at run
 * time: an ELF object in memory, and a function that the debugger stops at. */
#ifndef API_CODE_DEBUG_H
#define API_CODE_DEBUG_H

#include "runtime/native.h"

/* What fails is left out. */
void code_debug_add(const struct stint_module *module, const struct native_image *image);
/* Before the image goes; also for one that was not added. */
void code_debug_remove(const struct native_image *image);

#endif
