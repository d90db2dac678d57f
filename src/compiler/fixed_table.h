/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables whose elements the compiler knows: made by active segments of plain functions, then never
 * written by code of the module and out of reach of anyone else. Toolchains' function pointers are
 * such a table. A call through it needs no struct func: the code's place is a constant.
 */
#ifndef COMPILER_FIXED_TABLE_H
#define COMPILER_FIXED_TABLE_H

#include "wasm/module.h"

enum { FIXED_NULL = UINT32_MAX };

struct fixed_table {
    uint32_t *funcs; /* function index or FIXED_NULL, by element; NULL: not a fixed table */
    uint32_t count;
};

/* One for each table of a module, to be freed by fixed_tables_free; NULL: out of memory. */
struct fixed_table *fixed_tables_find(struct alloc *alloc, const struct wasm_module *wasm);
void fixed_tables_free(struct alloc *alloc, const struct wasm_module *wasm,
                       struct fixed_table *tables);

#endif
