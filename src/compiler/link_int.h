/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces of the linker, for each other and for its unit tests. */
#ifndef COMPILER_LINK_INT_H
#define COMPILER_LINK_INT_H

#include "compiler/elf_read.h"
#include "compiler/linker.h"

/* Relocation types that are used here: of the psABI of x86-64, and of AAELF64. */
enum {
    RELOC_X86_64 = 1,
    RELOC_X86_PC32 = 2,
    RELOC_X86_PLT32 = 4,
    RELOC_X86_GOTPCREL = 9,
    RELOC_X86_32 = 10,
    RELOC_X86_PC64 = 24,
    RELOC_X86_GOTPCRELX = 41,
    RELOC_X86_REX_GOTPCRELX = 42,

    RELOC_A64_ABS64 = 257,
    RELOC_A64_ABS32 = 258,
    RELOC_A64_PREL64 = 260,
    RELOC_A64_PREL32 = 261,
    RELOC_A64_ADR_LO21 = 274,
    RELOC_A64_ADR_PAGE21 = 275,
    RELOC_A64_ADR_PAGE21_NC = 276,
    RELOC_A64_ADD_LO12 = 277,
    RELOC_A64_LDST8_LO12 = 278,
    RELOC_A64_TSTBR14 = 279,
    RELOC_A64_CONDBR19 = 280,
    RELOC_A64_JUMP26 = 282,
    RELOC_A64_CALL26 = 283,
    RELOC_A64_LDST16_LO12 = 284,
    RELOC_A64_LDST32_LO12 = 285,
    RELOC_A64_LDST64_LO12 = 286,
    RELOC_A64_LDST128_LO12 = 299,
    RELOC_A64_ADR_GOT_PAGE = 311,
    RELOC_A64_LD64_GOT_LO12 = 312,
    RELOC_A64_PLT32 = 314,
};

/* link_reloc.c: how many bytes a relocation changes; 0 for one that is not known. */
uint32_t reloc_bytes(enum image_arch arch, uint32_t type);
/*
 * Makes what the linker has no use for into what it has: loads of an address from a table (GOT)
 * become the address itself. False when that is not possible; `type` changes. `before` bytes in
 * front of `at`, and `room` from it on, can be read.
 */
bool reloc_relax(enum image_arch arch, uint8_t *at, uint32_t before, uint32_t room, uint16_t *type);
/* Writes a reference from `place` to `target` (addend included) at `at`, which has room. False when
 * it does not reach. */
MUST_CHECK bool reloc_apply(enum image_arch arch, uint32_t type, uint8_t *at, uint64_t place,
                            uint64_t target);

/* Where a section of the ELF file went. */
struct link_section {
    uint8_t part; /* LINK_NOWHERE: dropped */
    uint32_t offset;
};

/* The reading of one ELF file. */
struct link_reader {
    const struct elf_file *file;
    enum image_arch arch;
    struct link_section *sections; /* by ELF index */
    struct link_object *object;
    struct stint_error *error;
};

/* Where in the text a relocation of a debugging or frame section points to; false when it is not in
 * the text. */
bool link_text_offset(const struct link_reader *reader, const struct elf_rela *rela,
                      uint32_t *ret_offset);
/* The relocation of `rela_section` that is for the bytes at `offset`. They are searched in order,
 * from `*cursor` on, which goes along. */
bool link_rela_find(const struct elf_section *rela_section, uint64_t offset, uint32_t *cursor,
                    struct elf_rela *ret_rela);

/* link_frames.c, link_places.c: rows of .eh_frame and .debug_line. `rela` may be NULL. */
MUST_CHECK enum stint_status link_read_frames(struct link_reader *reader,
                                              const struct elf_section *section,
                                              const struct elf_section *rela);
MUST_CHECK enum stint_status link_read_places(struct link_reader *reader,
                                              const struct elf_section *section,
                                              const struct elf_section *rela);

/* link_stubs.c: code of our own. Appends a jump through entry `import` of the table. */
enum { LINK_STUB_BYTES = 16 };
void link_write_stub(enum image_arch arch, uint8_t *at);
/* Sets where a stub at `place` jumps through: the address of the table's entry. */
MUST_CHECK bool link_aim_stub(enum image_arch arch, uint8_t *at, uint64_t place, uint64_t entry);
/* A jump to any code of the image, for calls that do not reach (aarch64). */
enum { LINK_VENEER_BYTES = 12 };
MUST_CHECK bool link_write_veneer(uint8_t *at, uint64_t place, uint64_t target);

#endif
