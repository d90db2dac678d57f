/* SPDX-License-Identifier: Apache-2.0 */
/* What the processor of this machine can do. */
#ifndef OS_CPU_H
#define OS_CPU_H

#include "base/status.h"

/* The psABI's levels of x86-64, the operating system's part (saved registers) included; a level
 * implies those below. aarch64 has none beyond its base. */
enum { CPU_X86_V2 = 1 << 0, CPU_X86_V3 = 1 << 1, CPU_X86_V4 = 1 << 2 };

enum cpu_arch { CPU_OTHER, CPU_X86_64, CPU_AARCH64 };

enum cpu_arch cpu_arch(void);
/* CPU_… */
uint32_t cpu_levels(void);

/*
 * A name for exactly this set of features: code made with all that the machine has runs where the
 * name is the same ("AuthenticAMD-25-97-1b2c3d4e"; vendor, family, model, a hash of the features).
 */
enum { CPU_NAME_BYTES = 32 };
void cpu_name(char ret_name[CPU_NAME_BYTES]);

/* Lets base/sha256.h use this machine's instructions for it, if there are any. Cheap to repeat. */
void cpu_use_sha256(void);

#endif
