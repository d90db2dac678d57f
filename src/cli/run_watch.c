/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --timeout. The engine looks at the clock at every slice of fuel and WASI while it waits, so this
 * is enough for all but a system call that hangs, such as on a file system that has gone away. For
 * that one an alarm ends the process a little later.
 */
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "cli/cmd_run.h"

enum { GRACE_SECONDS = 1 };

static void on_alarm(int number)
{
    static const char text[] = "stint: time is up (--timeout), and a system call does not return\n";
    (void)number;
    if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
        _exit(CLI_EXIT_TIMEOUT);
    _exit(CLI_EXIT_TIMEOUT);
}

static void set_alarm(uint64_t seconds)
{
    struct itimerval timer;
    memset(&timer, 0, sizeof(timer));
    timer.it_value.tv_sec = (time_t)(seconds < INT32_MAX ? seconds : INT32_MAX);
    setitimer(ITIMER_REAL, &timer, NULL);
}

void run_watch_start(struct run *run)
{
    const flag_DURATION *timeout = &run->options->timeout;
    if (!timeout->is_given)
        return;
    rt_timeout_set(run->store, timeout->value > 0 ? timeout->value : 1);
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_handler = on_alarm;
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGALRM, &action, NULL) == 0)
        set_alarm(timeout->value / 1000000000 + 1 + GRACE_SECONDS);
}

void run_watch_stop(const struct run *run)
{
    if (run->options->timeout.is_given)
        set_alarm(0);
}
