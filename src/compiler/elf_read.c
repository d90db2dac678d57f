/* SPDX-License-Identifier: Apache-2.0 */
#include "compiler/elf_read.h"

#include <assert.h>

enum {
    HEADER_BYTES = 64,
    SECTION_BYTES = 64,
    SYMBOL_BYTES = 24,
    RELA_BYTES = 24,
    TYPE_RELOCATABLE = 1,
    /* Offsets of fields in the header. */
    AT_TYPE = 16,
    AT_MACHINE = 18,
    AT_SECTIONS = 40,
    AT_SECTION_BYTES = 58,
    AT_SECTION_COUNT = 60,
    AT_SECTION_NAMES = 62,
};

static const uint8_t ident[7] = {0x7f, 'E', 'L', 'F', 2 /* 64-bit */, 1 /* little-endian */, 1};

static enum stint_status malformed(struct stint_error *error, uint64_t offset, const char *what)
{
    return error_set(error, STINT_MALFORMED, offset, "malformed object: %s", what);
}

static const uint8_t *section_header(const struct elf_file *file, uint32_t index)
{
    assert(index < file->section_count);
    return file->section_table + (size_t)index * SECTION_BYTES;
}

/* A section's fields, its name aside; nothing is checked. */
static struct elf_section read_section(const struct elf_file *file, uint32_t index)
{
    const uint8_t *at = section_header(file, index);
    struct elf_section section = {
        .name = "",
        .type = elf_u32(at + 4),
        .flags = elf_u64(at + 8),
        .size_bytes = elf_u64(at + 32),
        .link = elf_u32(at + 40),
        .info = elf_u32(at + 44),
        .align = elf_u64(at + 48),
    };
    if (section.type != ELF_SECTION_NOBITS && section.type != 0)
        section.bytes = file->bytes + elf_u64(at + 24);
    return section;
}

static bool is_string_table(const struct elf_file *file, uint32_t index)
{
    if (index >= file->section_count)
        return false;
    struct elf_section section = read_section(file, index);
    return section.type == ELF_SECTION_STRTAB && section.size_bytes > 0 &&
           section.bytes[section.size_bytes - 1] == 0;
}

/* Where the bytes of each section lie, before anything reads them. */
static enum stint_status check_places(const struct elf_file *file, struct stint_error *error)
{
    for (uint32_t i = 0; i < file->section_count; i++) {
        const uint8_t *at = section_header(file, i);
        uint32_t type = elf_u32(at + 4);
        uint64_t offset = elf_u64(at + 24), bytes = elf_u64(at + 32), align = elf_u64(at + 48);
        uint64_t where = (uint64_t)(at - file->bytes);
        if (type != ELF_SECTION_NOBITS && type != 0 &&
            (offset > file->size_bytes || bytes > file->size_bytes - offset))
            return malformed(error, where, "a section lies outside the file");
        if (bytes > UINT32_MAX)
            return malformed(error, where, "a section is too large");
        if ((align & (align - 1)) != 0 || align > 4096)
            return malformed(error, where, "a section has a wrong alignment");
    }
    return STINT_OK;
}

static enum stint_status check_symbols(struct elf_file *file, uint32_t index,
                                       struct stint_error *error)
{
    struct elf_section table = read_section(file, index);
    uint64_t where = (uint64_t)(table.bytes - file->bytes);
    if (file->symbol_table != NULL)
        return malformed(error, where, "a second symbol table");
    if (table.size_bytes % SYMBOL_BYTES != 0 || !is_string_table(file, table.link))
        return malformed(error, where, "a wrong symbol table");
    struct elf_section names = read_section(file, table.link);
    file->symbol_count = (uint32_t)(table.size_bytes / SYMBOL_BYTES);
    file->symbol_table = table.bytes;
    file->symbol_names = (const char *)names.bytes;
    for (uint32_t i = 0; i < file->symbol_count; i++) {
        const uint8_t *at = table.bytes + (size_t)i * SYMBOL_BYTES;
        uint32_t section = elf_u16(at + 6);
        if (elf_u32(at) >= names.size_bytes)
            return malformed(error, where, "a symbol's name lies outside its table");
        if (section >= file->section_count && section < ELF_INDEX_RESERVED)
            return malformed(error, where, "a symbol of a section that is not there");
    }
    return STINT_OK;
}

static enum stint_status check_section(const struct elf_file *file, uint32_t index,
                                       uint64_t name_bytes, struct stint_error *error)
{
    struct elf_section section = read_section(file, index);
    uint64_t where = (uint64_t)(section_header(file, index) - file->bytes);
    if (elf_u32(section_header(file, index)) >= name_bytes)
        return malformed(error, where, "a section's name lies outside its table");
    if (section.type != ELF_SECTION_RELA)
        return STINT_OK;
    if (section.size_bytes % RELA_BYTES != 0 || section.info >= file->section_count ||
        file->symbol_table == NULL)
        return malformed(error, where, "wrong relocations");
    for (uint32_t i = 0; i < elf_rela_count(&section); i++) {
        if (elf_rela_at(&section, i).symbol >= file->symbol_count)
            return malformed(error, where, "a relocation names a symbol that is not there");
    }
    return STINT_OK;
}

enum stint_status elf_open(const uint8_t *bytes, size_t size_bytes, struct elf_file *ret_file,
                           struct stint_error *error)
{
    if (size_bytes < HEADER_BYTES || memcmp(bytes, ident, sizeof(ident)) != 0)
        return malformed(error, 0, "this is not a 64-bit little-endian ELF file");
    struct elf_file file = {.bytes = bytes, .size_bytes = size_bytes};
    file.machine = elf_u16(bytes + AT_MACHINE);
    file.section_count = elf_u16(bytes + AT_SECTION_COUNT);
    uint64_t table = elf_u64(bytes + AT_SECTIONS);
    if (elf_u16(bytes + AT_TYPE) != TYPE_RELOCATABLE)
        return malformed(error, AT_TYPE, "this is not a relocatable file");
    if (elf_u16(bytes + AT_SECTION_BYTES) != SECTION_BYTES || table > size_bytes ||
        (uint64_t)file.section_count * SECTION_BYTES > size_bytes - table)
        return malformed(error, AT_SECTIONS, "the section table lies outside the file");
    file.section_table = bytes + table;
    enum stint_status status = check_places(&file, error);
    if (status != STINT_OK)
        return status;
    uint32_t names = elf_u16(bytes + AT_SECTION_NAMES);
    if (!is_string_table(&file, names))
        return malformed(error, AT_SECTION_NAMES, "the sections have no names");
    struct elf_section name_table = read_section(&file, names);
    file.section_names = (const char *)name_table.bytes;
    for (uint32_t i = 0; i < file.section_count && status == STINT_OK; i++) {
        if (read_section(&file, i).type == ELF_SECTION_SYMTAB)
            status = check_symbols(&file, i, error);
    }
    for (uint32_t i = 0; i < file.section_count && status == STINT_OK; i++)
        status = check_section(&file, i, name_table.size_bytes, error);
    if (status == STINT_OK)
        *ret_file = file;
    return status;
}

struct elf_section elf_section_at(const struct elf_file *file, uint32_t index)
{
    struct elf_section section = read_section(file, index);
    section.name = file->section_names + elf_u32(section_header(file, index));
    return section;
}

struct elf_symbol elf_symbol_at(const struct elf_file *file, uint32_t index)
{
    assert(index < file->symbol_count);
    const uint8_t *at = file->symbol_table + (size_t)index * SYMBOL_BYTES;
    return (struct elf_symbol){
        .name = file->symbol_names + elf_u32(at),
        .binding = at[4] >> 4,
        .type = at[4] & 15,
        .section = elf_u16(at + 6),
        .value = elf_u64(at + 8),
        .size_bytes = elf_u64(at + 16),
    };
}

uint32_t elf_rela_count(const struct elf_section *section)
{
    return (uint32_t)(section->size_bytes / RELA_BYTES);
}

struct elf_rela elf_rela_at(const struct elf_section *section, uint32_t index)
{
    const uint8_t *at = section->bytes + (size_t)index * RELA_BYTES;
    return (struct elf_rela){
        .offset = elf_u64(at),
        .type = elf_u32(at + 8),
        .symbol = elf_u32(at + 12),
        .addend = (int64_t)elf_u64(at + 16),
    };
}
