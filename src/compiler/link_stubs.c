/* SPDX-License-Identifier: Apache-2.0 */
/* Code that no compiler made: jumps through the table of imports, and jumps that reach farther. */
#include <assert.h>

#include "compiler/link_int.h"

/* jmp [rip + 0]; int3 … */
static const uint8_t stub_x86[LINK_STUB_BYTES] = {0xff, 0x25, 0,    0,    0,    0,    0xcc, 0xcc,
                                                  0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc};

/* adrp x16, 0; ldr x16, [x16]; br x16; brk #0 */
static const uint32_t stub_a64[LINK_STUB_BYTES / 4] = {0x90000010, 0xf9400210, 0xd61f0200,
                                                       0xd4200000};

/* adrp x16, 0; add x16, x16, #0; br x16 */
static const uint32_t veneer_a64[LINK_VENEER_BYTES / 4] = {0x90000010, 0x91000210, 0xd61f0200};

void link_write_stub(enum image_arch arch, uint8_t *at)
{
    memcpy(at, arch == IMAGE_X86_64 ? (const void *)stub_x86 : stub_a64, LINK_STUB_BYTES);
}

bool link_aim_stub(enum image_arch arch, uint8_t *at, uint64_t place, uint64_t entry)
{
    if (arch == IMAGE_X86_64)
        return reloc_apply(arch, RELOC_X86_PC32, at + 2, place + 2, entry - 4);
    return reloc_apply(arch, RELOC_A64_ADR_PAGE21, at, place, entry) &&
           reloc_apply(arch, RELOC_A64_LDST64_LO12, at + 4, place + 4, entry);
}

bool link_write_veneer(uint8_t *at, uint64_t place, uint64_t target)
{
    memcpy(at, veneer_a64, LINK_VENEER_BYTES);
    return reloc_apply(IMAGE_AARCH64, RELOC_A64_ADR_PAGE21, at, place, target) &&
           reloc_apply(IMAGE_AARCH64, RELOC_A64_ADD_LO12, at + 4, place + 4, target);
}
