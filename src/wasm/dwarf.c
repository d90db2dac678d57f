/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running line programs (DWARF 5, section 6.2.5). A program yields rows of address and line in
 * sequences of rising addresses; a row holds from its address up to the next row's.
 */
#include "wasm/dwarf.h"

#include <string.h>

#include "wasm/dwarf_int.h"

enum {
    EXTENDED = 0,
    COPY = 1,
    ADVANCE_PC = 2,
    ADVANCE_LINE = 3,
    SET_FILE = 4,
    SET_COLUMN = 5,
    CONST_ADD_PC = 8,
    FIXED_ADVANCE_PC = 9,
};

enum { END_SEQUENCE = 1, SET_ADDRESS = 2 };

struct row {
    uint64_t address, file;
    uint32_t line, column;
};

/* A search for `count` addresses, all in [lowest, highest]. */
struct search {
    const uint32_t *offsets;
    size_t count;
    uint32_t code_offset;
    struct dwarf_line *lines;
    uint64_t lowest, highest;
};

struct machine {
    const struct dwarf_unit *unit;
    struct row row, previous;
    bool has_previous; /* in this sequence */
    bool is_dead;      /* the sequence describes code that the linker dropped */
};

static struct row first_row(void)
{
    return (struct row){.file = 1, .line = 1};
}

/* The previous row holds for [its address, end): is something that we look for in there? */
static void match(const struct machine *machine, struct search *search, uint64_t end)
{
    const struct row *row = &machine->previous;
    if (end <= search->lowest || row->address > search->highest || row->line == 0)
        return;
    for (size_t i = 0; i < search->count; i++) {
        uint64_t address = (uint64_t)search->offsets[i] - search->code_offset;
        struct dwarf_line *line = &search->lines[i];
        if (search->offsets[i] < search->code_offset || line->line != 0 || address < row->address ||
            address >= end)
            continue;
        line->line = row->line;
        line->column = row->column;
        dwarf_file_path(machine->unit, row->file, line->file, sizeof(line->file));
    }
}

static void emit(struct machine *machine, struct search *search)
{
    if (machine->has_previous && !machine->is_dead)
        match(machine, search, machine->row.address);
    machine->previous = machine->row;
    machine->has_previous = true;
}

static void advance(struct machine *machine, uint64_t operations)
{
    machine->row.address += operations * machine->unit->min_instruction_bytes;
}

static void extended(struct machine *machine, struct dwarf_reader *program, struct search *search)
{
    struct dwarf_reader body = dwarf_take(program, dwarf_uleb(program));
    switch (dwarf_fixed(&body, 1)) {
    case END_SEQUENCE:
        emit(machine, search);
        machine->row = first_row();
        machine->has_previous = machine->is_dead = false;
        break;
    case SET_ADDRESS: {
        size_t bytes = (size_t)(body.end - body.at);
        machine->row.address = dwarf_fixed(&body, bytes > 8 ? 8 : (unsigned)bytes);
        /* Linkers give what they drop address 0, where the number of functions stands, or the
         * highest ones. */
        machine->is_dead = machine->row.address == 0 || machine->row.address >= 0xfffffffe;
        break;
    }
    default:
        break;
    }
}

static void standard(struct machine *machine, unsigned opcode, struct dwarf_reader *program,
                     struct search *search)
{
    const struct dwarf_unit *unit = machine->unit;
    switch (opcode) {
    case COPY:
        emit(machine, search);
        break;
    case ADVANCE_PC:
        advance(machine, dwarf_uleb(program));
        break;
    case ADVANCE_LINE:
        machine->row.line += (uint32_t)dwarf_sleb(program);
        break;
    case SET_FILE:
        machine->row.file = dwarf_uleb(program);
        break;
    case SET_COLUMN:
        machine->row.column = (uint32_t)dwarf_uleb(program);
        break;
    case CONST_ADD_PC:
        advance(machine, (255u - unit->opcode_base) / unit->line_range);
        break;
    case FIXED_ADVANCE_PC:
        machine->row.address += dwarf_fixed(program, 2);
        break;
    default:
        for (unsigned i = unit->opcode_lengths[opcode - 1]; i > 0; i--)
            (void)dwarf_uleb(program);
        break;
    }
}

static void run(const struct dwarf_unit *unit, struct search *search)
{
    struct machine machine = {.unit = unit, .row = first_row()};
    struct dwarf_reader program = unit->program;
    while (program.at < program.end) {
        unsigned opcode = *program.at++;
        if (opcode >= unit->opcode_base) {
            unsigned adjusted = opcode - unit->opcode_base;
            advance(&machine, adjusted / unit->line_range);
            machine.row.line += (uint32_t)(unit->line_base + (int)(adjusted % unit->line_range));
            emit(&machine, search);
        } else if (opcode == EXTENDED) {
            extended(&machine, &program, search);
        } else {
            standard(&machine, opcode, &program, search);
        }
    }
}

static struct dwarf_reader section(const struct wasm_module *module, const char *name)
{
    struct dwarf_reader reader = {.at = module->bytes, .end = module->bytes};
    for (uint32_t i = 0; i < module->custom_count; i++) {
        const struct wasm_custom *custom = &module->customs[i];
        if (custom->name.bytes == strlen(name) &&
            memcmp(custom->name.text, name, custom->name.bytes) == 0) {
            reader.at = module->bytes + custom->offset_bytes;
            reader.end = reader.at + custom->size_bytes;
            break;
        }
    }
    return reader;
}

bool dwarf_is_present(const struct wasm_module *module)
{
    struct dwarf_reader line = section(module, ".debug_line");
    return line.at < line.end;
}

void dwarf_find_lines(const struct wasm_module *module, const uint32_t *offsets, size_t count,
                      struct dwarf_line *ret_lines)
{
    struct dwarf_sections sections = {
        .line = section(module, ".debug_line"),
        .line_str = section(module, ".debug_line_str"),
        .str = section(module, ".debug_str"),
    };
    struct search search = {.offsets = offsets,
                            .count = count,
                            .code_offset = module->code_offset_bytes,
                            .lines = ret_lines,
                            .lowest = UINT64_MAX};
    for (size_t i = 0; i < count; i++) {
        uint64_t address = (uint64_t)offsets[i] - search.code_offset;
        ret_lines[i] = (struct dwarf_line){0};
        if (offsets[i] < search.code_offset)
            continue;
        search.lowest = address < search.lowest ? address : search.lowest;
        search.highest = address > search.highest ? address : search.highest;
    }
    struct dwarf_reader reader = sections.line;
    while (reader.at < reader.end) {
        struct dwarf_unit unit;
        if (dwarf_read_unit(&reader, &sections, &unit))
            run(&unit, &search);
    }
}
