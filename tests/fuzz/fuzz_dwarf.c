/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as DWARF sections: an offset to look for (4 bytes), the size of .debug_line (2 bytes),
 * that section, and behind it the strings. Reading them ends, in a time that goes with their size.
 */
#include <stdlib.h>
#include <string.h>

#include "wasm/dwarf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {".debug_line", ".debug_line_str", ".debug_str"};
    struct wasm_custom customs[3];
    struct dwarf_line lines[2];
    uint32_t offsets[2] = {0, 22};
    uint16_t line_bytes;
    if (size < 6)
        return 0;
    memcpy(&offsets[0], data, 4);
    memcpy(&line_bytes, data + 4, 2);
    uint32_t rest = (uint32_t)(size - 6);
    uint32_t first = line_bytes < rest ? line_bytes : rest;
    for (int i = 0; i < 3; i++) {
        customs[i] = (struct wasm_custom){
            .name = {names[i], (uint32_t)strlen(names[i])},
            .offset_bytes = i == 0 ? 6 : 6 + first,
            .size_bytes = i == 0 ? first : rest - first,
        };
    }
    struct wasm_module module = {
        .bytes = data, .size_bytes = size, .customs = customs, .custom_count = 3};
    dwarf_find_lines(&module, offsets, 2, lines);
    for (int i = 0; i < 2; i++) {
        if (memchr(lines[i].file, '\0', sizeof(lines[i].file)) == NULL)
            abort();
    }
    return 0;
}
