/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What native_*.S and C share. Offsets; native.c asserts that they are those of the structs.
 */
#ifndef RUNTIME_NATIVE_ASM_H
#define RUNTIME_NATIVE_ASM_H

#define NATIVE_ASM_CONTEXT_RUN 0
#define NATIVE_ASM_RUN_SOFT_LIMIT 16440
#define NATIVE_ASM_ACTIVATION_EXIT_SP 0
#define NATIVE_ASM_FUNC_INSTANCE 8
#define NATIVE_ASM_FUNC_WORDS 32

#endif
