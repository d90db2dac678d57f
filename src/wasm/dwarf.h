/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Source lines of code offsets, from the DWARF line tables (versions 2 to 5) that compilers leave
 * in custom sections. They are never trusted: whatever they hold, reading them ends, stays within
 * them, and at worst gives a wrong line.
 */
#ifndef WASM_DWARF_H
#define WASM_DWARF_H

#include "wasm/module.h"

enum { DWARF_FILE_BYTES = 200 };

struct dwarf_line {
    uint32_t line;               /* from 1; 0: unknown, then the rest says nothing */
    uint32_t column;             /* from 1; 0: unknown */
    char file[DWARF_FILE_BYTES]; /* with its folder where known; long ones lose their front */
};

/* Whether the module has line tables at all. */
bool dwarf_is_present(const struct wasm_module *module);

/*
 * Looks up `count` offsets of instructions in the module's binary, in one pass over the tables:
 * ask for all frames of a backtrace at once.
 */
void dwarf_find_lines(const struct wasm_module *module, const uint32_t *offsets, size_t count,
                      struct dwarf_line *ret_lines);

#endif
