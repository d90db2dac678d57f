/* SPDX-License-Identifier: Apache-2.0 */
/* `stint run`. */
#include "cli/cmd_run.h"

#include <string.h>

#include "cli/features_list.h"
#include "cli/run_wasi.h"

static const struct flag run_flags[] = {
#define SECTION(title) FLAG_SECTION_ROW(title)
#define FLAG(kind, field, ...) FLAG_ROW(struct run_options, kind, field, __VA_ARGS__)
#include "cli/run_flags.def"
#undef SECTION
#undef FLAG
};

static int cmd_run(const struct verb *verb, int argc, char **argv)
{
    struct run_options options;
    int operands = argc;
    memset(&options, 0, sizeof(options));
    enum flags_result result = flags_parse(verb, argc, argv, &options, &operands);
    if (result == FLAGS_HELP || options.features.is_help) {
        if (result == FLAGS_HELP)
            help_print(verb);
        else
            features_list(&options.features);
        flags_free(verb, &options);
        return CLI_EXIT_OK;
    }
    if (result == FLAGS_OK && operands >= argc)
        cli_error("which module is to be run? Give a FILE");
    if (result == FLAGS_WRONG || operands >= argc) {
        flags_free(verb, &options);
        return cli_try_help(verb);
    }

    struct run run = {.options = &options,
                      .path = argv[operands],
                      .guest_argc = argc - operands - 1,
                      .guest_argv = argv + operands + 1,
                      .set_tier = run_set_tier,
                      .open = run_code_open,
                      .close = run_code_close,
                      .invoke = run_invoke};
    struct stint_error error = {0};
    enum stint_status status = run_module(&run, &error);
    int code = run_conclude(&run, status, &error);
    if (options.stats != NULL)
        run_print_stats(&run);
    process_leave(code);
    run_free(&run);
    flags_free(verb, &options);
    return code;
}

const struct verb verb_run = {
    .name = "run",
    .synopsis = "[options] FILE [args...]",
    .summary = "Run a WebAssembly module or component",
    .description =
        "Runs FILE, a binary or a text (.wat), with WASI preview 1 or 0.2. What follows FILE is the "
        "guest's. It sees no file, no environment variable and no address that is not named "
        "here; stdin, stdout and stderr are ours.",
    .examples = "stint run hello.wasm\n"
                "stint run --dir data::/data:ro --env LANG=C app.wasm --verbose\n"
                "stint run --invoke add library.wat 2 3\n"
                "stint run --timeout 2s --max-memory 64M --stats untrusted.wasm",
    .flags = run_flags,
    .flag_count = COUNT_OF(run_flags),
    .complete = COMPLETE_MODULE,
    .stops_at_operand = true,
    .has_guest_exit = true,
    .run = cmd_run,
};
