/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --timeout. The engine itself looks at the clock at every slice of fuel; the alarm is for a guest
 * that waits in the host: the first one interrupts its system call, and should the process still
 * be there a moment later, the second one ends it.
 */
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "cli/cmd_run.h"

enum { GRACE_US = 5000, AGAIN_US = 100000 };

static struct stint_store *_Atomic watched;
static atomic_uint alarms;

static void on_alarm(int number)
{
    (void)number;
    struct stint_store *store = atomic_load(&watched);
    if (store == NULL)
        return;
    rt_interrupt(store);
    if (atomic_fetch_add(&alarms, 1) > 0) {
        static const char text[] = "stint: time is up (--timeout), while the guest was waiting\n";
        if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
            _exit(CLI_EXIT_TIMEOUT);
        _exit(CLI_EXIT_TIMEOUT);
    }
}

void run_watch_start(struct run *run)
{
    const flag_DURATION *timeout = &run->options->timeout;
    if (!timeout->is_given)
        return;
    rt_timeout_set(run->store, timeout->value > 0 ? timeout->value : 1);
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_handler = on_alarm; /* without SA_RESTART: a waiting call must come back */
    sigemptyset(&action.sa_mask);
    atomic_store(&watched, run->store);
    struct itimerval timer;
    uint64_t us = timeout->value / 1000 + GRACE_US;
    timer.it_value.tv_sec = (time_t)(us / 1000000);
    timer.it_value.tv_usec = (suseconds_t)(us % 1000000);
    timer.it_interval.tv_sec = 0;
    timer.it_interval.tv_usec = AGAIN_US;
    if (sigaction(SIGALRM, &action, NULL) == 0)
        setitimer(ITIMER_REAL, &timer, NULL);
}

void run_watch_stop(void)
{
    atomic_store(&watched, NULL);
    struct itimerval timer;
    memset(&timer, 0, sizeof(timer));
    setitimer(ITIMER_REAL, &timer, NULL);
}
