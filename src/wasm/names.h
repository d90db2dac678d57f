/* SPDX-License-Identifier: Apache-2.0 */
/* The name section (appendix, "Name Section"), read when someone asks: it is never trusted. */
#ifndef WASM_NAMES_H
#define WASM_NAMES_H

#include "wasm/module.h"

/*
 * The name of a function: from the name section, else from an export, else from its import;
 * else `text` is NULL. Linear in the name section.
 */
struct wasm_name names_function(const struct wasm_module *module, uint32_t function);
/* The module's own name, or text NULL. */
struct wasm_name names_module(const struct wasm_module *module);
/* Writes "$name" or "#index" for messages, at most `size` bytes with the NUL; returns `text`.
 * Bytes that do not print are shown as '?'. */
char *names_format_function(const struct wasm_module *module, uint32_t function, char *text,
                            size_t size);

#endif
