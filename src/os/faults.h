/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults of machine code: the signals SEGV, BUS, ILL, TRAP and FPE that an instruction of this
 * process raised. Handlers are installed at first use only and pass on what is not ours to whoever
 * was there before.
 */
#ifndef OS_FAULTS_H
#define OS_FAULTS_H

#include "base/status.h"

enum fault_kind {
    FAULT_ACCESS,      /* SEGV, BUS: `address` says where */
    FAULT_INSTRUCTION, /* ILL, TRAP */
    FAULT_ARITHMETIC,  /* FPE */
};

struct fault {
    enum fault_kind kind;
    uintptr_t pc, sp;
    uintptr_t link;    /* the link register, where the processor has one; else 0 */
    uintptr_t address; /* what FAULT_ACCESS accessed */
    /* Where a handled fault goes on, and with what in the first argument's register. */
    uintptr_t resume_pc, resume_argument;
};

/*
 * Runs in the signal handler, on the alternate stack: it may call nothing that is not safe there.
 * True: the fault was ours, resume_pc and resume_argument are set. The stack pointer stays.
 */
typedef bool (*fault_fn)(struct fault *fault);

/* Installs the handlers the first time; later calls with the same function do nothing. */
MUST_CHECK bool faults_handle(fault_fn handle);
/* Gives the calling thread an alternate stack, unless it has one. Cheap after the first time. */
MUST_CHECK bool faults_prepare_thread(void);

#endif
