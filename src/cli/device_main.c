/* SPDX-License-Identifier: Apache-2.0 */
/* stint-device: runs modules with WASI preview 1, and does nothing else. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cmd_run.h"
#include "stint_config.h"

static const struct flag device_flags[] = {
#define FLAG(kind, field, ...) FLAG_ROW(struct run_options, kind, field, __VA_ARGS__)
#include "cli/device_flags.def"
#undef FLAG
};

static const struct verb device = {
    .name = "run",
    .flags = device_flags,
    .flag_count = COUNT_OF(device_flags),
    .stops_at_operand = true,
};

static int say(const char *text)
{
    size_t bytes = strlen(text);
    return write(STDOUT_FILENO, text, bytes) == (ssize_t)bytes ? CLI_EXIT_OK : CLI_EXIT_FAILED;
}

static int print_help(void)
{
    char line[128];
    int code = say("Usage: stint-device [options] FILE [args...]\n");
    for (size_t i = 0; i < COUNT_OF(device_flags); i++) {
        const struct flag *flag = &device_flags[i];
        int used = snprintf(line, sizeof(line), "  --%s %s", flag->name, flag->argument);
        snprintf(line + used, sizeof(line) - (size_t)used, "%*s%s\n", used < 30 ? 30 - used : 1, "",
                 flag->help);
        code |= say(line);
    }
    return code;
}

static int run_file(const struct run_options *options, int argc, char **argv)
{
    struct run run = {
        .options = options, .path = argv[0], .guest_argc = argc - 1, .guest_argv = argv + 1};
    struct stint_error error = {0};
    enum stint_status status = run_module(&run, &error);
    int code = run_conclude(&run, status, &error);
    run_free(&run);
    return code;
}

int main(int argc, char **argv)
{
    struct run_options options;
    int operands = argc, code;
    process_begin();
    /* As with the full program, `run` may stand in front. */
    if (argc > 1 && strcmp(argv[1], device.name) == 0) {
        argc--;
        argv++;
    }
    if (argc == 2 && strcmp(argv[1], "--version") == 0)
        return say("stint-device " STINT_VERSION "\n");
    memset(&options, 0, sizeof(options));
    enum flags_result result = flags_parse(&device, argc, argv, &options, &operands);
    if (result == FLAGS_HELP) {
        code = print_help();
    } else if (result == FLAGS_WRONG || operands >= argc) {
        cli_error("usage: stint-device [options] FILE [args...]; see --help");
        code = CLI_EXIT_USAGE;
    } else {
        code = run_file(&options, argc - operands, argv + operands);
    }
    flags_free(&device, &options);
    return code;
}
