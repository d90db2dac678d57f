/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entering and leaving machine code on x86-64; declarations in native_entry.h. Arguments come in
 * rdi rsi rdx rcx r8.
 */
#include "runtime/native_asm.h"

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

        .macro  label name
        .globl  \name
        .hidden \name
\name:
        .endm

/* void native_on_stack(void (*fn)(void *), void *arg, void *stack, void **ret_sp) */
        function native_on_stack
        push    %rbp
        .cfi_def_cfa_offset 16
        .cfi_offset %rbp, -16
        mov     %rsp, %rbp
        .cfi_def_cfa_register %rbp
        mov     %rsp, (%rcx)
        mov     %rdx, %rsp
        mov     %rdi, %rax
        mov     %rsi, %rdi
        call    *%rax
        mov     %rbp, %rsp
        pop     %rbp
        .cfi_def_cfa %rsp, 8
        ret
        end_function native_on_stack

/* bool native_call(struct native_activation *, fn, a, b, c): false when fn(a, b, c) returned, true
 * when native_exit ended it. */
        function native_call
        push    %rbp
        .cfi_adjust_cfa_offset 8
        .cfi_offset %rbp, -16
        push    %rbx
        .cfi_adjust_cfa_offset 8
        .cfi_offset %rbx, -24
        push    %r12
        .cfi_adjust_cfa_offset 8
        .cfi_offset %r12, -32
        push    %r13
        .cfi_adjust_cfa_offset 8
        .cfi_offset %r13, -40
        push    %r14
        .cfi_adjust_cfa_offset 8
        .cfi_offset %r14, -48
        push    %r15
        .cfi_adjust_cfa_offset 8
        .cfi_offset %r15, -56
        sub     $8, %rsp
        .cfi_adjust_cfa_offset 8
        mov     %rsp, NATIVE_ASM_ACTIVATION_EXIT_SP(%rdi)
        mov     %rsi, %rax
        mov     %rdx, %rdi
        mov     %rcx, %rsi
        mov     %r8, %rdx
        call    *%rax
        label   native_call_return
        xor     %eax, %eax
.Lreturn:
        add     $8, %rsp
        .cfi_adjust_cfa_offset -8
        pop     %r15
        .cfi_adjust_cfa_offset -8
        pop     %r14
        .cfi_adjust_cfa_offset -8
        pop     %r13
        .cfi_adjust_cfa_offset -8
        pop     %r12
        .cfi_adjust_cfa_offset -8
        pop     %rbx
        .cfi_adjust_cfa_offset -8
        pop     %rbp
        .cfi_adjust_cfa_offset -8
        ret
        end_function native_call

/* void native_exit(struct native_activation *): also where the signal handler resumes. */
        function native_exit
        mov     NATIVE_ASM_ACTIVATION_EXIT_SP(%rdi), %rsp
        mov     $1, %eax
        jmp     .Lreturn
        end_function native_exit

/* The helper's room on the stack, before C code runs: the context is in rdi. */
        .macro  check_stack
        mov     NATIVE_ASM_CONTEXT_RUN(%rdi), %rax
        cmp     NATIVE_ASM_RUN_SOFT_LIMIT(%rax), %rsp
        jb      native_overflow
        .endm

/* Raises a fault, of which the handler knows by its place that the stack is full. */
        function native_overflow
        ud2
        end_function native_overflow

        function native_import_leave
        check_stack
        mov     (%rsp), %rsi
        lea     8(%rsp), %rdx
        sub     $8, %rsp
        call    native_left
        mov     %rax, %rdi
        jmp     native_exit
        end_function native_import_leave

/* A host function with a second way is gone to from here. */
        function native_import_call_words
        check_stack
        mov     NATIVE_ASM_FUNC_WORDS(%rsi), %rax
        cmpq    $0, NATIVE_ASM_FUNC_INSTANCE(%rsi)
        jne     native_call_words
        test    %rax, %rax
        je      native_call_words
        jmp     *%rax
        end_function native_import_call_words

        .macro  helper id
        function native_import_\id
        check_stack
        jmp     native_\id
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
        sub     $8, %rsp
        call    *native_library_\id(%rip)
        add     $8, %rsp
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
        mov     %rdi, %rax
        mov     %rdx, %rcx
        mov     %rdi, %r8
        sub     %rsi, %r8
        cmp     %rdx, %r8
        jb      1f
        rep movsb
        ret
1:      lea     -1(%rdi, %rdx), %rdi
        lea     -1(%rsi, %rdx), %rsi
        std
        rep movsb
        cld
        ret
        end_function native_plain_memmove

        function native_plain_memset
        mov     %rdi, %r8
        mov     %esi, %eax
        mov     %rdx, %rcx
        rep stosb
        mov     %r8, %rax
        ret
        end_function native_plain_memset
        label   native_library_end

        .section .note.GNU-stack, "", @progbits
