/* SPDX-License-Identifier: Apache-2.0 */
/* Changing stacks on x86-64; declarations in fiber_asm.h. Arguments come in rdi rsi rdx rcx. */
        .text

        .macro  function name
        .globl  \name
        .hidden \name
        .type   \name, @function
        .balign 16
\name:
        .cfi_startproc
        .endm

        .macro  end_function name
        .cfi_endproc
        .size   \name, . - \name
        .endm

        .macro  keep register
        push    \register
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset \register, 0
        .endm

        .macro  take_back register
        pop     \register
        .cfi_adjust_cfa_offset -8
        .cfi_restore \register
        .endm

        .macro  leave_stack
        keep    %rbp
        keep    %rbx
        keep    %r12
        keep    %r13
        keep    %r14
        keep    %r15
        mov     %rsp, (%rdi)
        .endm

/* The stack that is gone to was left in the same way, so its frame looks the same. */
        function fiber_switch
        leave_stack
        mov     %rsi, %rsp
        take_back %r15
        take_back %r14
        take_back %r13
        take_back %r12
        take_back %rbx
        take_back %rbp
        /* Not `ret`: the processor would foretell the return of the stack that was left. */
        pop     %rcx
        .cfi_adjust_cfa_offset -8
        .cfi_register %rip, %rcx
        jmp     *%rcx
        end_function fiber_switch

        function fiber_enter
        leave_stack
        mov     %rsi, %rsp
        mov     %rcx, %rdi
        xor     %ebp, %ebp
        .cfi_undefined %rip /* backtraces end here */
        call    *%rdx
        ud2
        end_function fiber_enter

        .section .note.GNU-stack, "", @progbits
