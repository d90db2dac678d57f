/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading ELF64 relocatable objects, little-endian. Everything that an accessor gives out was
 * checked by elf_open: names end, bytes and entries lie in the file, indices exist.
 */
#ifndef COMPILER_ELF_READ_H
#define COMPILER_ELF_READ_H

#include <string.h>

#include "base/status.h"

/* The part of the format that is used here (gABI chapter 4). */
enum {
    ELF_MACHINE_X86_64 = 62,
    ELF_MACHINE_AARCH64 = 183,

    ELF_SECTION_SYMTAB = 2,
    ELF_SECTION_STRTAB = 3,
    ELF_SECTION_RELA = 4,
    ELF_SECTION_NOBITS = 8,

    ELF_FLAG_WRITE = 1,
    ELF_FLAG_ALLOC = 2,
    ELF_FLAG_EXEC = 4,
    ELF_FLAG_GROUP = 0x200,
    ELF_FLAG_TLS = 0x400,

    ELF_INDEX_UNDEFINED = 0,
    ELF_INDEX_RESERVED = 0xff00, /* from here on: no section of the table */

    ELF_BINDING_LOCAL = 0,
    ELF_TYPE_SECTION = 3,
};

struct elf_section {
    const char *name;
    const uint8_t *bytes; /* size_bytes; NULL in sections without bytes (NOBITS) */
    uint64_t size_bytes, flags, align;
    uint32_t type, link, info;
};

struct elf_symbol {
    const char *name;
    uint64_t value, size_bytes;
    uint32_t section; /* or ELF_INDEX_UNDEFINED, or from ELF_INDEX_RESERVED on */
    uint8_t binding, type;
};

struct elf_rela {
    uint64_t offset; /* in the section that the relocation is for; not checked against its size */
    int64_t addend;
    uint32_t type, symbol;
};

struct elf_file {
    const uint8_t *bytes;
    size_t size_bytes;
    uint32_t machine;
    const uint8_t *section_table;
    uint32_t section_count;
    const char *section_names;
    const uint8_t *symbol_table; /* NULL: no symbols */
    uint32_t symbol_count;
    const char *symbol_names;
};

/* The bytes stay in use by `ret_file`; nothing is allocated. STINT_MALFORMED says what and where. */
MUST_CHECK enum stint_status elf_open(const uint8_t *bytes, size_t size_bytes,
                                      struct elf_file *ret_file, struct stint_error *error);
/* `index` is below section_count / symbol_count. */
struct elf_section elf_section_at(const struct elf_file *file, uint32_t index);
struct elf_symbol elf_symbol_at(const struct elf_file *file, uint32_t index);
/* Of a section of type RELA; `index` is below elf_rela_count. */
uint32_t elf_rela_count(const struct elf_section *section);
struct elf_rela elf_rela_at(const struct elf_section *section, uint32_t index);

/* Little-endian numbers at any address. */
static inline uint16_t elf_u16(const uint8_t *at)
{
    uint16_t value;
    memcpy(&value, at, sizeof(value));
    return value;
}
static inline uint32_t elf_u32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof(value));
    return value;
}
static inline uint64_t elf_u64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof(value));
    return value;
}

#endif
