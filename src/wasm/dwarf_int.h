/* SPDX-License-Identifier: Apache-2.0 */
/* Reading of DWARF sections: every read is checked, a failed one gives 0 and ends the reader. */
#ifndef WASM_DWARF_INT_H
#define WASM_DWARF_INT_H

#include "wasm/dwarf.h"

struct dwarf_reader {
    const uint8_t *at, *end;
    bool failed; /* then at == end */
};

struct dwarf_sections {
    struct dwarf_reader line, line_str, str; /* empty where the module has none */
};

/* The line table of one unit, after its header was read. */
struct dwarf_unit {
    const struct dwarf_sections *sections;
    struct dwarf_reader directories, files; /* the two tables, entry formats included (5) */
    struct dwarf_reader program;
    uint16_t version;
    bool is_64; /* offsets have 8 bytes */
    uint8_t min_instruction_bytes;
    int8_t line_base;
    uint8_t line_range;            /* never 0 */
    uint8_t opcode_base;           /* never 0 */
    const uint8_t *opcode_lengths; /* opcode_base - 1 of them */
};

uint64_t dwarf_fixed(struct dwarf_reader *reader, unsigned bytes); /* little endian, 1 to 8 */
uint64_t dwarf_uleb(struct dwarf_reader *reader);
int64_t dwarf_sleb(struct dwarf_reader *reader);
/* A NUL-terminated string; NULL where there is none. */
const char *dwarf_string(struct dwarf_reader *reader);
/* The next `bytes` bytes as a reader of their own; empty where there are fewer. */
struct dwarf_reader dwarf_take(struct dwarf_reader *reader, uint64_t bytes);

/* Reads the unit at the reader and advances past it; false when there is nothing readable in it
 * (the reader is past it all the same, or at its end). */
bool dwarf_read_unit(struct dwarf_reader *reader, const struct dwarf_sections *sections,
                     struct dwarf_unit *ret_unit);
/* Writes the path of a file that the line program names by index. */
void dwarf_file_path(const struct dwarf_unit *unit, uint64_t index, char *text, size_t size);

#endif
