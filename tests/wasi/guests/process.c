/* SPDX-License-Identifier: Apache-2.0 */
/* Prints its arguments and environment, and ends as argument 1 says. */
#include "guest.h"

extern char **environ;

/* Not in the C library's header any more. */
__attribute__((import_module("wasi_snapshot_preview1"), import_name("proc_raise"))) extern int
proc_raise(int signal);

int main(int argc, char **argv)
{
    for (int i = 0; i < argc; i++)
        printf("arg %d: %s\n", i, argv[i]);
    for (char **at = environ; at && *at; at++)
        printf("env: %s\n", *at);
    fflush(stdout);
    if (argc > 1 && !strcmp(argv[1], "raise"))
        return proc_raise(atoi(argv[2]));
    if (argc > 1 && !strcmp(argv[1], "trap"))
        __builtin_trap();
    if (argc > 1 && !strcmp(argv[1], "exit"))
        __wasi_proc_exit((__wasi_exitcode_t)atoi(argv[2]));
    return 0;
}
