/* SPDX-License-Identifier: Apache-2.0 */
#include "os/thread.h"

#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"

/* LLVM recurses deeply over large functions. */
enum { THREAD_STACK_BYTES = 64 << 20, NICER = 5 };

struct start {
    void (*main)(void *context);
    void *context;
    bool low_priority;
};

static void *run(void *argument)
{
    struct start start = *(struct start *)argument;
    alloc_put(&alloc_root, argument, sizeof(start));
    /* On Linux the priority is the thread's own. What the system refuses costs only speed. */
    if (start.low_priority)
        (void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICER);
    start.main(start.context);
    return NULL;
}

bool thread_start(struct thread *thread, void (*main)(void *context), void *context,
                  bool low_priority)
{
    struct start *start = alloc_get(&alloc_root, sizeof(*start));
    pthread_attr_t attributes;
    sigset_t all, before;
    if (start == NULL)
        return false;
    *start = (struct start){main, context, low_priority};
    if (pthread_attr_init(&attributes) != 0) {
        alloc_put(&alloc_root, start, sizeof(*start));
        return false;
    }
    pthread_attr_setstacksize(&attributes, THREAD_STACK_BYTES);
    /* Faults are the thread's own: blocked, they would end the process. */
    sigfillset(&all);
    sigdelset(&all, SIGSEGV);
    sigdelset(&all, SIGBUS);
    sigdelset(&all, SIGILL);
    sigdelset(&all, SIGTRAP);
    sigdelset(&all, SIGFPE);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&thread->id, &attributes, run, start);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    if (failed != 0)
        alloc_put(&alloc_root, start, sizeof(*start));
    return failed == 0;
}

void thread_join(struct thread *thread)
{
    pthread_join(thread->id, NULL);
}

unsigned thread_cores(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0)
        return (unsigned)CPU_COUNT(&set);
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count > 0 ? (unsigned)count : 1;
}

void thread_detach(struct thread *thread)
{
    pthread_detach(thread->id);
}
