/* SPDX-License-Identifier: Apache-2.0 */
/* Runs commands, one after the other in turn, and reports what each run took.
 *
 *   spawn ROUNDS OUTPUT -- COMMAND ARG... [-- COMMAND ARG...]...
 *
 * Standard output of every command goes to the file OUTPUT (truncated at each run), the input is
 * empty. One line a run: command number, exit status (128 + n for a signal), wall ns, user us,
 * system us, peak RSS in KiB.
 *
 * A program of its own because of the peak RSS: the kernel carries the parent's resident set over
 * exec into ru_maxrss, so a child of a Python process never reports less than Python itself holds.
 * Link it statically: it then stays below any program worth measuring. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#define COMMANDS_MAX 16

extern char **environ;

static long long now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static long time_us(struct timeval t)
{
    return t.tv_sec * 1000000L + t.tv_usec;
}

static int run(int number, char **command, const char *output)
{
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    pid_t pid;
    long long start = now_ns();
    int error = posix_spawn(&pid, command[0], &actions, NULL, command, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) {
        fprintf(stderr, "spawn: %s: %s\n", command[0], strerror(error));
        return 1;
    }
    int status;
    struct rusage usage;
    if (wait4(pid, &status, 0, &usage) < 0) {
        perror("spawn: wait4");
        return 1;
    }
    long long wall = now_ns() - start;
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    printf("%d %d %lld %ld %ld %ld\n", number, code, wall, time_us(usage.ru_utime),
           time_us(usage.ru_stime), usage.ru_maxrss);
    return 0;
}

int main(int argc, char **argv)
{
    char **commands[COMMANDS_MAX];
    int count = 0;
    for (int i = 3; i < argc; i++) {
        if (strcmp(argv[i], "--") == 0) {
            argv[i] = NULL;
            if (count == COMMANDS_MAX || i + 1 == argc) {
                fprintf(stderr, "spawn: 1 to %d commands, none empty\n", COMMANDS_MAX);
                return 2;
            }
            commands[count++] = &argv[i + 1];
        }
    }
    if (count == 0) {
        fprintf(stderr, "usage: spawn ROUNDS OUTPUT -- COMMAND ARG... [-- COMMAND ARG...]...\n");
        return 2;
    }
    int rounds = atoi(argv[1]);
    for (int round = 0; round < rounds; round++) {
        for (int i = 0; i < count; i++) {
            /* The order turns, so that no command is always the first. */
            int number = (i + round) % count;
            if (run(number, commands[number], argv[2]) != 0) {
                return 1;
            }
        }
    }
    return 0;
}
