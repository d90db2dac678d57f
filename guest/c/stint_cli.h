/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands in C (world wasi:cli/command@0.2.0), without a C library: include this, write cli_main, link
 * stint_cli.c, stint_wasm.c and stint_alloc.c.
 *
 *     int cli_main(size_t count, const struct guest_text *args)
 *     {
 *         cli_write(CLI_STDOUT, GUEST_TEXT("Hello!\n"));
 *         return 0;
 *     }
 *
 * Texts that the functions below return stay until the command ends.
 */
#ifndef STINT_CLI_H
#define STINT_CLI_H

#include "stint_wasm.h"

/* Yours. `args` begins with the program's own name, where the host gives one. 0 is success. */
int cli_main(size_t count, const struct guest_text *args);

/* The value of an environment variable; text NULL where it is not set. */
struct guest_text cli_environment(struct guest_text name);

enum cli_output { CLI_STDOUT, CLI_STDERR };
/* Waits while the host is full. False once nobody reads. */
bool cli_write(enum cli_output output, struct guest_text text);
/* The next piece of stdin, of at most `bytes_max` bytes; waits for it. bytes 0: the end (or an error:
 * cli_failed tells). */
struct guest_text cli_read(size_t bytes_max);
bool cli_failed(void);

/* Ends the command at once. */
_Noreturn void cli_exit(bool is_success);

#endif
