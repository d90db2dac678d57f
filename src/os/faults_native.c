/* SPDX-License-Identifier: Apache-2.0 */
#include "os/faults.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

enum { ALTERNATE_STACK_BYTES = 64 << 10, ALTERNATE_STACK_BYTES_MIN = 16 << 10 };

static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE};
static const enum fault_kind kinds[] = {FAULT_ACCESS, FAULT_ACCESS, FAULT_INSTRUCTION,
                                        FAULT_INSTRUCTION, FAULT_ARITHMETIC};
static struct sigaction previous[COUNT_OF(signals)];
static fault_fn handler;
static pthread_once_t install_once = PTHREAD_ONCE_INIT;
static bool is_installed;
static pthread_key_t stack_key; /* what a thread got from us, for its end */

/* In the static part of thread-local storage: the first look of a thread must not allocate. */
static _Thread_local bool has_stack __attribute__((tls_model("initial-exec")));

/* ---- The processor's registers ------------------------------------------------------------------ */

#if defined(__x86_64__)
static void read_registers(const ucontext_t *context, struct fault *fault)
{
    fault->pc = (uintptr_t)context->uc_mcontext.gregs[REG_RIP];
    fault->sp = (uintptr_t)context->uc_mcontext.gregs[REG_RSP];
    fault->link = 0;
}

static void write_registers(ucontext_t *context, const struct fault *fault)
{
    context->uc_mcontext.gregs[REG_RIP] = (greg_t)fault->resume_pc;
    context->uc_mcontext.gregs[REG_RDI] = (greg_t)fault->resume_argument;
    /* The direction flag: C code expects it clear. */
    context->uc_mcontext.gregs[REG_EFL] &= ~(greg_t)0x400;
}
#elif defined(__aarch64__)
static void read_registers(const ucontext_t *context, struct fault *fault)
{
    fault->pc = (uintptr_t)context->uc_mcontext.pc;
    fault->sp = (uintptr_t)context->uc_mcontext.sp;
    fault->link = (uintptr_t)context->uc_mcontext.regs[30];
}

static void write_registers(ucontext_t *context, const struct fault *fault)
{
    context->uc_mcontext.pc = fault->resume_pc;
    context->uc_mcontext.regs[0] = fault->resume_argument;
}
#else
#error "the feature NATIVE knows x86-64 and aarch64 only"
#endif

/* ---- The handler ---------------------------------------------------------------------------------- */

static void pass_on(size_t index, siginfo_t *info, void *context)
{
    const struct sigaction *before = &previous[index];
    if ((before->sa_flags & SA_SIGINFO) != 0) {
        before->sa_sigaction(signals[index], info, context);
    } else if (before->sa_handler != SIG_DFL && before->sa_handler != SIG_IGN) {
        before->sa_handler(signals[index]);
    } else if (info->si_code > 0 || before->sa_handler == SIG_DFL) {
        /* The instruction runs again and ends the process; a signal that was sent is sent again. */
        signal(signals[index], SIG_DFL);
        if (info->si_code <= 0)
            raise(signals[index]);
    }
}

static void on_signal(int number, siginfo_t *info, void *opaque)
{
    ucontext_t *context = opaque;
    int saved_errno = errno;
    size_t index = 0;
    while (signals[index] != number)
        index++;
    struct fault fault = {.kind = kinds[index], .address = (uintptr_t)info->si_addr};
    read_registers(context, &fault);
    /* Codes above zero are the kernel's own: the others were sent by someone. */
    if (info->si_code > 0 && handler(&fault))
        write_registers(context, &fault);
    else
        pass_on(index, info, opaque);
    errno = saved_errno;
}

static void end_thread(void *stack)
{
    stack_t none = {.ss_flags = SS_DISABLE};
    sigaltstack(&none, NULL);
    munmap(stack, ALTERNATE_STACK_BYTES);
}

static void install(void)
{
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    if (pthread_key_create(&stack_key, end_thread) != 0)
        return;
    for (size_t i = 0; i < COUNT_OF(signals); i++) {
        if (sigaction(signals[i], &action, &previous[i]) != 0)
            return;
    }
    is_installed = true;
}

bool faults_handle(fault_fn handle)
{
    handler = handle;
    pthread_once(&install_once, install);
    return is_installed;
}

bool faults_prepare_thread(void)
{
    stack_t have;
    if (has_stack)
        return true;
    if (sigaltstack(NULL, &have) == 0 && (have.ss_flags & SS_DISABLE) == 0 &&
        have.ss_size >= ALTERNATE_STACK_BYTES_MIN) {
        has_stack = true;
        return true;
    }
    void *stack = mmap(NULL, ALTERNATE_STACK_BYTES, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stack == MAP_FAILED)
        return false;
    stack_t want = {.ss_sp = stack, .ss_size = ALTERNATE_STACK_BYTES};
    if (pthread_setspecific(stack_key, stack) != 0 || sigaltstack(&want, NULL) != 0) {
        pthread_setspecific(stack_key, NULL);
        munmap(stack, ALTERNATE_STACK_BYTES);
        return false;
    }
    has_stack = true;
    return true;
}
