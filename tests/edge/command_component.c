/* SPDX-License-Identifier: Apache-2.0 */
/* A command of wasi:cli/run that answers requests: its argument and its input. */
#include "stint_cli.h"

int cli_main(size_t count, const struct guest_text *args)
{
    struct guest_text piece, method = cli_environment(GUEST_TEXT("REQUEST_METHOD"));
    cli_write(CLI_STDOUT, GUEST_TEXT("content-type: text/plain\n\n"));
    for (size_t i = 0; i < count; i++) {
        cli_write(CLI_STDOUT, args[i]);
        cli_write(CLI_STDOUT, GUEST_TEXT("\n"));
    }
    cli_write(CLI_STDOUT, method);
    cli_write(CLI_STDOUT, GUEST_TEXT("\n"));
    while ((piece = cli_read(4096)).bytes > 0)
        cli_write(CLI_STDOUT, piece);
    return guest_text_equal(method, GUEST_TEXT("DELETE"));
}
