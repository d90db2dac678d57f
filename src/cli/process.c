/* SPDX-License-Identifier: Apache-2.0 */
/* What a program of ours sets up first. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "stint_config.h"

/*
 * A program that is started with stdin, stdout or stderr closed would give their numbers to the
 * next files it opens, and then read or write the wrong one. So they are opened the wrong way
 * round: reading or writing them still fails, as it should.
 */
static void hold_standard_files(void)
{
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) == -1 && errno == EBADF &&
            open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd)
            return;
    }
}

void process_begin(void)
{
    hold_standard_files();
    /* A reader that goes away is an error of that write, not the end of everything. */
    signal(SIGPIPE, SIG_IGN);
}

int process_end(int code)
{
    if ((fflush(stdout) != 0 || ferror(stdout)) && code == CLI_EXIT_OK) {
        cli_error("cannot write to stdout: %s", strerror(errno));
        code = CLI_EXIT_FAILED;
    }
    return code;
}

void process_leave(int code)
{
    if (strcmp(STINT_BUILD_FLAVOUR, "debug") != 0)
        _exit(process_end(code));
}
