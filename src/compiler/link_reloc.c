/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>

#include "compiler/link_int.h"

static void put_u32(uint8_t *at, uint32_t value)
{
    memcpy(at, &value, sizeof(value));
}

uint32_t reloc_bytes(enum image_arch arch, uint32_t type)
{
    if (arch == IMAGE_X86_64) {
        switch (type) {
        case RELOC_X86_PC32:
        case RELOC_X86_PLT32:
        case RELOC_X86_GOTPCREL:
        case RELOC_X86_GOTPCRELX:
        case RELOC_X86_REX_GOTPCRELX:
            return 4;
        case RELOC_X86_PC64:
            return 8;
        default:
            return 0;
        }
    }
    switch (type) {
    case RELOC_A64_PREL64:
        return 8;
    case RELOC_A64_PREL32:
    case RELOC_A64_PLT32:
    case RELOC_A64_ADR_LO21:
    case RELOC_A64_ADR_PAGE21:
    case RELOC_A64_ADR_PAGE21_NC:
    case RELOC_A64_ADD_LO12:
    case RELOC_A64_LDST8_LO12:
    case RELOC_A64_LDST16_LO12:
    case RELOC_A64_LDST32_LO12:
    case RELOC_A64_LDST64_LO12:
    case RELOC_A64_LDST128_LO12:
    case RELOC_A64_TSTBR14:
    case RELOC_A64_CONDBR19:
    case RELOC_A64_JUMP26:
    case RELOC_A64_CALL26:
    case RELOC_A64_ADR_GOT_PAGE:
    case RELOC_A64_LD64_GOT_LO12:
        return 4;
    default:
        return 0;
    }
}

/* psABI B.2: the instruction before the offset decides. */
static bool relax_x86(uint8_t *at, uint32_t before, uint16_t *type)
{
    if (before < 2)
        return false;
    uint8_t opcode = at[-2], modrm = at[-1];
    if (opcode == 0x8b && (modrm & 0xc7) == 0x05) { /* mov reg, [rip + x]: lea reg, [rip + x] */
        at[-2] = 0x8d;
    } else if (opcode == 0xff && modrm == 0x15) { /* call [rip + x]: addr32 call x */
        at[-2] = 0x67;
        at[-1] = 0xe8;
    } else {
        return false;
    }
    *type = RELOC_X86_PC32;
    return true;
}

/* jmp [rip + x] is one byte longer than jmp x, so it stays: the offset would move. */
bool reloc_relax(enum image_arch arch, uint8_t *at, uint32_t before, uint32_t room, uint16_t *type)
{
    assert(room >= reloc_bytes(arch, *type));
    if (arch == IMAGE_X86_64) {
        if (*type == RELOC_X86_GOTPCREL || *type == RELOC_X86_GOTPCRELX ||
            *type == RELOC_X86_REX_GOTPCRELX)
            return relax_x86(at, before, type);
        return true;
    }
    if (*type == RELOC_A64_ADR_GOT_PAGE) {
        *type = RELOC_A64_ADR_PAGE21;
    } else if (*type == RELOC_A64_LD64_GOT_LO12) {
        /* ldr xT, [xN, #got_lo12]: add xT, xN, #lo12 */
        uint32_t word = elf_u32(at);
        if ((word & 0xffc00000) != 0xf9400000)
            return false;
        put_u32(at, 0x91000000 | (word & 0x3ff));
        *type = RELOC_A64_ADD_LO12;
    }
    return true;
}

static bool fits(int64_t value, unsigned bits)
{
    int64_t limit = (int64_t)1 << (bits - 1);
    return value >= -limit && value < limit;
}

/* Replaces `bits` bits of the instruction, from bit `low` on. */
static void put_field(uint8_t *at, unsigned low, unsigned bits, uint64_t value)
{
    uint32_t mask = (((uint32_t)1 << bits) - 1) << low;
    put_u32(at, (elf_u32(at) & ~mask) | ((uint32_t)(value << low) & mask));
}

/* The 21 bits of adr and adrp: the two lowest stand apart. */
static bool put_adr(uint8_t *at, int64_t value)
{
    if (!fits(value, 21))
        return false;
    put_field(at, 29, 2, (uint64_t)value & 3);
    put_field(at, 5, 19, (uint64_t)value >> 2);
    return true;
}

static bool put_branch(uint8_t *at, unsigned low, unsigned bits, int64_t distance)
{
    if ((distance & 3) != 0 || !fits(distance, bits + 2))
        return false;
    put_field(at, low, bits, (uint64_t)distance >> 2);
    return true;
}

/* The low 12 bits of an address in a load or store of 1 << `shift` bytes. */
static bool put_low12(uint8_t *at, uint64_t target, unsigned shift)
{
    if ((target & (((uint64_t)1 << shift) - 1)) != 0)
        return false;
    put_field(at, 10, 12, (target & 0xfff) >> shift);
    return true;
}

static bool put_relative(uint8_t *at, int64_t distance, unsigned bytes)
{
    if (bytes == 4 && !fits(distance, 32))
        return false;
    memcpy(at, &distance, bytes);
    return true;
}

static bool apply_a64(uint32_t type, uint8_t *at, uint64_t place, uint64_t target)
{
    int64_t distance = (int64_t)(target - place);
    switch (type) {
    case RELOC_A64_PREL64:
        return put_relative(at, distance, 8);
    case RELOC_A64_PREL32:
    case RELOC_A64_PLT32:
        return put_relative(at, distance, 4);
    case RELOC_A64_ADR_LO21:
        return put_adr(at, distance);
    case RELOC_A64_ADR_PAGE21:
    case RELOC_A64_ADR_PAGE21_NC:
        return put_adr(at, ((int64_t)target >> 12) - ((int64_t)place >> 12));
    case RELOC_A64_ADD_LO12:
    case RELOC_A64_LDST8_LO12:
        return put_low12(at, target, 0);
    case RELOC_A64_LDST16_LO12:
        return put_low12(at, target, 1);
    case RELOC_A64_LDST32_LO12:
        return put_low12(at, target, 2);
    case RELOC_A64_LDST64_LO12:
        return put_low12(at, target, 3);
    case RELOC_A64_LDST128_LO12:
        return put_low12(at, target, 4);
    case RELOC_A64_TSTBR14:
        return put_branch(at, 5, 14, distance);
    case RELOC_A64_CONDBR19:
        return put_branch(at, 5, 19, distance);
    case RELOC_A64_JUMP26:
    case RELOC_A64_CALL26:
        return put_branch(at, 0, 26, distance);
    default:
        return false;
    }
}

bool reloc_apply(enum image_arch arch, uint32_t type, uint8_t *at, uint64_t place, uint64_t target)
{
    if (arch == IMAGE_AARCH64)
        return apply_a64(type, at, place, target);
    int64_t distance = (int64_t)(target - place);
    switch (type) {
    case RELOC_X86_PC32:
    case RELOC_X86_PLT32:
        return put_relative(at, distance, 4);
    case RELOC_X86_PC64:
        return put_relative(at, distance, 8);
    default:
        return false;
    }
}
