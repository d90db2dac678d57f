/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files behind os/cpu.h. */
#ifndef OS_CPU_INT_H
#define OS_CPU_INT_H

#include "base/sha256.h"

/* The machine's own function, or NULL where it has no such instructions. */
sha256_blocks_fn cpu_sha256_blocks(void);

#endif
