/* SPDX-License-Identifier: Apache-2.0 */
/* Shared libraries of our own that the program loads when a verb or a mode first needs them. */
#ifndef OS_PLUGIN_H
#define OS_PLUGIN_H

#include <stdint.h>

#include "base/status.h"

/*
 * Loads the plug-in `name` ("libstint-compiler.so") and looks up `symbol`. It is searched for
 *
 *   beside the running program, and in ../LIBDIR/stint from there;
 *   in stint/ beside libstint.so and beside that itself, where that is how this code got here;
 *   in LIBDIR/stint of the prefix that this was built for,
 *
 * and nowhere else: neither the working directory nor the environment have a say in what code runs.
 * STINT_NOT_FOUND when no place has it, STINT_IO when it does not load; the message is whole
 * sentences for the user. A plug-in stays loaded until the process ends. Thread-safe.
 */
MUST_CHECK enum stint_status plugin_load(const char *name, const char *symbol, void **ret_symbol,
                                         struct stint_error *error);

/*
 * The same for a plug-in whose `symbol` is a function `const void *(void)` that returns a table, which begins
 * with its version, a uint32_t: STINT_UNSUPPORTED where that is not `version`.
 */
MUST_CHECK enum stint_status plugin_table(const char *name, const char *symbol, uint32_t version,
                                          const void **ret_table, struct stint_error *error);

#endif
