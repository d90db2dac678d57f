/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words for imports and what stands for them: for messages about linking, and for whoever resolves
 * imports by name. All functions write at most `size` bytes with the NUL, shorten what does not
 * fit, and return `text`; bytes of names that do not print are shown as '?'.
 */
#ifndef RUNTIME_LINK_H
#define RUNTIME_LINK_H

#include "runtime/store.h"

/* Enough for most descriptions. */
enum { LINK_TEXT_BYTES = 100 };

/* "module.field" */
char *import_name_format(const struct wasm_import *import, char *text, size_t size);
/* What the module wants, in the text format: "(func (param i32))", "(memory 1 2)", … */
char *import_type_format(const struct wasm_module *module, const struct wasm_import *import,
                         char *text, size_t size);
/* The same of what there is; sizes are the present ones. */
char *extern_type_format(const struct extern_value *value, char *text, size_t size);

/* Records STINT_UNLINKABLE "unknown import: module.field (func …)". */
enum stint_status import_unknown(const struct wasm_module *module, const struct wasm_import *import,
                                 struct stint_error *error);

#endif
