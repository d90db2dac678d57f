/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entering and leaving machine code on aarch64; declarations in native_entry.h. Arguments come in
 * x0 to x4.
 */
#include "runtime/native_asm.h"

        .text

        .macro  function name
        .globl  \name
        .hidden \name
        .type   \name, %function
        .balign 16
\name:
        .cfi_startproc
        .endm

        .macro  end_function name
        .cfi_endproc
        .size   \name, . - \name
        .endm

        .macro  label name
        .globl  \name
        .hidden \name
\name:
        .endm

/* void native_on_stack(void (*fn)(void *), void *arg, void *stack, void **ret_sp) */
        function native_on_stack
        stp     x29, x30, [sp, #-16]!
        .cfi_def_cfa_offset 16
        .cfi_offset x29, -16
        .cfi_offset x30, -8
        mov     x29, sp
        .cfi_def_cfa_register x29
        str     x29, [x3]
        mov     sp, x2
        mov     x9, x0
        mov     x0, x1
        blr     x9
        mov     sp, x29
        .cfi_def_cfa_register sp
        ldp     x29, x30, [sp], #16
        ret
        end_function native_on_stack

/* bool native_call(struct native_activation *, fn, a, b, c): false when fn(a, b, c) returned, true
 * when native_exit ended it. */
        function native_call
        stp     x29, x30, [sp, #-160]!
        .cfi_def_cfa_offset 160
        .cfi_offset x29, -160
        .cfi_offset x30, -152
        stp     x19, x20, [sp, #16]
        stp     x21, x22, [sp, #32]
        stp     x23, x24, [sp, #48]
        stp     x25, x26, [sp, #64]
        stp     x27, x28, [sp, #80]
        stp     d8, d9, [sp, #96]
        stp     d10, d11, [sp, #112]
        stp     d12, d13, [sp, #128]
        stp     d14, d15, [sp, #144]
        mov     x29, sp
        str     x29, [x0, #NATIVE_ASM_ACTIVATION_EXIT_SP]
        mov     x9, x1
        mov     x0, x2
        mov     x1, x3
        mov     x2, x4
        blr     x9
        label   native_call_return
        mov     w0, #0
.Lreturn:
        ldp     x19, x20, [sp, #16]
        ldp     x21, x22, [sp, #32]
        ldp     x23, x24, [sp, #48]
        ldp     x25, x26, [sp, #64]
        ldp     x27, x28, [sp, #80]
        ldp     d8, d9, [sp, #96]
        ldp     d10, d11, [sp, #112]
        ldp     d12, d13, [sp, #128]
        ldp     d14, d15, [sp, #144]
        ldp     x29, x30, [sp], #160
        .cfi_def_cfa_offset 0
        ret
        end_function native_call

/* void native_exit(struct native_activation *): also where the signal handler resumes. */
        function native_exit
        ldr     x9, [x0, #NATIVE_ASM_ACTIVATION_EXIT_SP]
        mov     sp, x9
        mov     w0, #1
        b       .Lreturn
        end_function native_exit

/* The helper's room on the stack, before C code runs: the context is in x0. */
        .macro  check_stack
        ldr     x16, [x0, #NATIVE_ASM_CONTEXT_RUN]
        ldr     x16, [x16, #NATIVE_ASM_RUN_SOFT_LIMIT]
        mov     x17, sp
        cmp     x17, x16
        b.lo    native_overflow
        .endm

/* Raises a fault, of which the handler knows by its place that the stack is full. */
        function native_overflow
        brk     #1
        end_function native_overflow

        function native_import_leave
        check_stack
        mov     x1, x30
        mov     x2, sp
        bl      native_left
        b       native_exit
        end_function native_import_leave

/* A host function with a second way is gone to from here. */
        function native_import_call_words
        check_stack
        ldr     x17, [x1, #NATIVE_ASM_FUNC_INSTANCE]
        ldr     x16, [x1, #NATIVE_ASM_FUNC_WORDS]
        cbnz    x17, 1f
        cbz     x16, 1f
        br      x16
1:      b       native_call_words
        end_function native_import_call_words

        .macro  helper id
        function native_import_\id
        check_stack
        b       native_\id
        end_function native_import_\id
        .endm

#define HELPER(id, signature) helper id
#include "runtime/native_helpers.def"
#undef HELPER

/*
 * The functions of the C library that LLVM may call by itself. They may fault on guest memory: the
 * handler knows by native_library_begin and _end that machine code called them.
 */
        .macro  library id
        function native_import_\id
        stp     x29, x30, [sp, #-16]!
        adrp    x16, native_library_\id
        ldr     x16, [x16, #:lo12:native_library_\id]
        blr     x16
        ldp     x29, x30, [sp], #16
        ret
        end_function native_import_\id
        .endm

        .balign 16
        label   native_library_begin
        library memcpy
        library memmove
        library memset
/* Plain ones, for builds whose library functions are instrumented. */
        function native_plain_memmove
        mov     x3, x0
        sub     x4, x0, x1
        cmp     x4, x2
        b.lo    2f
1:      cbz     x2, 4f
        ldrb    w5, [x1], #1
        strb    w5, [x3], #1
        sub     x2, x2, #1
        b       1b
2:      add     x1, x1, x2
        add     x3, x3, x2
3:      cbz     x2, 4f
        ldrb    w5, [x1, #-1]!
        strb    w5, [x3, #-1]!
        sub     x2, x2, #1
        b       3b
4:      ret
        end_function native_plain_memmove

        function native_plain_memset
        mov     x3, x0
1:      cbz     x2, 2f
        strb    w1, [x3], #1
        sub     x2, x2, #1
        b       1b
2:      ret
        end_function native_plain_memset
        label   native_library_end

        .section .note.GNU-stack, "", %progbits
