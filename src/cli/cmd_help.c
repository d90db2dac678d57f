/* SPDX-License-Identifier: Apache-2.0 */
/* `stint help [VERB]`. */
#include <string.h>

#include "cli/cli.h"

static int cmd_help(const struct verb *verb, int argc, char **argv)
{
    int operands, code;
    if (!cli_read_flags(verb, argc, argv, NULL, &operands, &code))
        return code;
    if (operands == argc) {
        help_print(NULL);
        return CLI_EXIT_OK;
    }
    const struct verb *about = verb_find(argv[operands]);
    if (about == NULL) {
        cli_error("there is no verb '%s'", argv[operands]);
        return cli_try_help(NULL);
    }
    help_print(about);
    return CLI_EXIT_OK;
}

const struct verb verb_help = {
    .name = "help",
    .synopsis = "[VERB]",
    .summary = "Show what there is, or the options of a verb",
    .complete = COMPLETE_VERB,
    .run = cmd_help,
};
