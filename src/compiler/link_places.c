/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of image_place from .debug_line (DWARF 4 and 5, section 6.2), of which LLVM makes one unit an
 * object. Its lines are offsets in the wasm binary (lower.h); files, columns and flags are skipped.
 */
#include "base/buf.h"
#include "base/leb128.h"
#include "compiler/link_int.h"

enum {
    STANDARD_COPY = 1,
    STANDARD_ADVANCE_PC = 2,
    STANDARD_ADVANCE_LINE = 3,
    STANDARD_SET_FILE = 4,
    STANDARD_SET_COLUMN = 5,
    STANDARD_CONST_ADD_PC = 8,
    STANDARD_FIXED_ADVANCE_PC = 9,

    EXTENDED_END_SEQUENCE = 1,
    EXTENDED_SET_ADDRESS = 2,
    ADDRESS_BYTES = 8,
    OPCODES_MAX = 256,
};

struct places {
    struct link_reader *reader;
    const struct elf_section *rela;
    uint32_t cursor; /* in rela */
    const uint8_t *start; /* of the section */
    const uint8_t *at, *stop;
    /* The unit's header. */
    uint8_t instruction_bytes, line_range, opcode_base;
    int8_t line_base;
    uint8_t lengths[OPCODES_MAX]; /* operands of standard opcodes */
    /* The machine. */
    uint64_t location; /* in the text */
    uint64_t line;
    bool has_location; /* an address in the text was set */
    bool failed;
};

static uint64_t take(struct places *p, unsigned bytes)
{
    uint64_t value = 0;
    if ((size_t)(p->stop - p->at) < bytes) {
        p->failed = true;
        p->at = p->stop;
        return 0;
    }
    memcpy(&value, p->at, bytes);
    p->at += bytes;
    return value;
}

static uint64_t take_unsigned(struct places *p)
{
    uint64_t value = 0;
    if (leb_read_u64(&p->at, p->stop, &value) != LEB_OK) {
        p->failed = true;
        p->at = p->stop;
    }
    return value;
}

static int64_t take_signed(struct places *p)
{
    int64_t value = 0;
    if (leb_read_s64(&p->at, p->stop, &value) != LEB_OK) {
        p->failed = true;
        p->at = p->stop;
    }
    return value;
}

static bool add_row(struct link_object *object, uint32_t text_offset, uint32_t wasm_offset)
{
    if (object->place_count > 0) {
        const struct image_place *last = &object->places[object->place_count - 1];
        if (last->text_offset == text_offset)
            object->place_count--;
        else if (last->wasm_offset == wasm_offset && last->text_offset < text_offset)
            return true;
    }
    if (!vec_reserve(object->alloc, &object->places, &object->place_capacity,
                     object->place_count + 1, sizeof(struct image_place)))
        return false;
    object->places[object->place_count++] = (struct image_place){text_offset, wasm_offset};
    return true;
}

/* False when memory is out. */
static bool add_line(struct places *p, uint64_t line)
{
    struct link_object *object = p->reader->object;
    if (!p->has_location)
        return true;
    if (p->location > object->part_bytes[LINK_TEXT]) {
        p->failed = true;
        return true;
    }
    return add_row(object, (uint32_t)p->location, line <= UINT32_MAX ? (uint32_t)line : 0);
}

static void advance(struct places *p, uint64_t operations)
{
    p->location += operations * p->instruction_bytes;
}

static bool run_extended(struct places *p)
{
    bool ok = true;
    uint64_t bytes = take_unsigned(p);
    if (p->failed || bytes == 0 || bytes > (size_t)(p->stop - p->at)) {
        p->failed = true;
        return true;
    }
    const uint8_t *next = p->at + bytes;
    uint8_t op = (uint8_t)take(p, 1);
    if (op == EXTENDED_END_SEQUENCE) {
        ok = add_line(p, 0);
        p->has_location = false;
        p->line = 1;
    } else if (op == EXTENDED_SET_ADDRESS) {
        struct elf_rela rela;
        uint32_t offset;
        p->failed = bytes != ADDRESS_BYTES + 1;
        p->has_location =
            link_rela_find(p->rela, (uint64_t)(p->at - p->start), &p->cursor, &rela) &&
            link_text_offset(p->reader, &rela, &offset);
        if (p->has_location)
            p->location = offset;
    }
    p->at = next;
    return ok;
}

static bool run_op(struct places *p, uint8_t op)
{
    bool ok = true;
    if (op >= p->opcode_base) {
        uint8_t adjusted = op - p->opcode_base;
        advance(p, adjusted / p->line_range);
        p->line += (uint64_t)(int64_t)(p->line_base + adjusted % p->line_range);
        return add_line(p, p->line);
    }
    switch (op) {
    case 0:
        ok = run_extended(p);
        break;
    case STANDARD_COPY:
        ok = add_line(p, p->line);
        break;
    case STANDARD_ADVANCE_PC:
        advance(p, take_unsigned(p));
        break;
    case STANDARD_ADVANCE_LINE:
        p->line += (uint64_t)take_signed(p);
        break;
    case STANDARD_CONST_ADD_PC:
        advance(p, (uint64_t)(255 - p->opcode_base) / p->line_range);
        break;
    case STANDARD_FIXED_ADVANCE_PC:
        p->location += take(p, 2);
        break;
    default:
        for (unsigned i = 0; i < p->lengths[op]; i++)
            take_unsigned(p);
    }
    return ok;
}

/* Reads the header of a unit that ends at p->stop, up to its program. */
static void read_header(struct places *p)
{
    uint16_t version = (uint16_t)take(p, 2);
    if (version != 4 && version != 5)
        p->failed = true;
    if (version == 5)
        take(p, 2); /* the sizes of addresses and segment selectors */
    uint32_t header_bytes = (uint32_t)take(p, 4);
    if (p->failed || header_bytes > (size_t)(p->stop - p->at)) {
        p->failed = true;
        return;
    }
    const uint8_t *program = p->at + header_bytes;
    p->instruction_bytes = (uint8_t)take(p, 1);
    take(p, 2); /* operations an instruction, is_stmt */
    p->line_base = (int8_t)take(p, 1);
    p->line_range = (uint8_t)take(p, 1);
    p->opcode_base = (uint8_t)take(p, 1);
    if (p->line_range == 0 || p->opcode_base == 0)
        p->failed = true;
    for (unsigned op = 1; op < p->opcode_base; op++)
        p->lengths[op] = (uint8_t)take(p, 1);
    if (p->at > program)
        p->failed = true;
    p->at = program;
}

enum stint_status link_read_places(struct link_reader *reader, const struct elf_section *section,
                                   const struct elf_section *rela)
{
    struct places p = {.reader = reader, .rela = rela, .start = section->bytes};
    const uint8_t *at = section->bytes, *end = at + section->size_bytes;
    while (end - at >= 4) {
        uint32_t bytes = elf_u32(at);
        at += 4;
        if (bytes > (size_t)(end - at))
            p.failed = true;
        p.at = at;
        p.stop = p.failed ? at : at + bytes;
        read_header(&p);
        p.has_location = false;
        p.line = 1;
        while (!p.failed && p.at < p.stop) {
            if (!run_op(&p, *p.at++))
                return STINT_NOMEM;
        }
        if (p.failed)
            return error_set(reader->error, STINT_MALFORMED, STINT_NO_OFFSET,
                             "malformed object: .debug_line at %zu", (size_t)(p.at - p.start));
        at = p.stop;
    }
    return STINT_OK;
}
