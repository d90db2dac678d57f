/* SPDX-License-Identifier: Apache-2.0 */
/* `stint compile`: a module with machine code beside its wasm. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "aot/artefact.h"
#include "api/compile.h"
#include "cli/cli.h"
#include "cli/cmd_compile.h"
#include "cli/features_list.h"
#include "cli/module_file.h"
#include "cli/output_file.h"
#include "os/clock.h"
#include "wasm/module.h"

static const struct flag compile_flags[] = {
#define SECTION(title) FLAG_SECTION_ROW(title)
#define FLAG(kind, field, ...) FLAG_ROW(struct compile_options, kind, field, __VA_ARGS__)
#include "cli/compile_flags.def"
#undef FLAG
#undef SECTION
};

/* ---- Reading ------------------------------------------------------------------------------------ */

/* Decodes and validates: the compiler takes that for granted. */
static enum stint_status check(const uint8_t *wasm, size_t wasm_bytes, uint32_t features,
                               struct stint_error *error)
{
    struct type_registry *types;
    struct wasm_module *module;
    enum stint_status status = types_create(&alloc_root, &types);
    if (status != STINT_OK)
        return error_set(error, status, STINT_NO_OFFSET, "out of memory");
    status = module_decode(&alloc_root, types, wasm, wasm_bytes, features, &module, error);
    if (status == STINT_OK) {
        status = module_validate(module, error);
        module_free(module);
    }
    types_free(types);
    return status;
}

/* ---- Compiling ---------------------------------------------------------------------------------- */

static uint8_t opt_level(const char *text)
{
    return text == NULL || text[0] == 's' ? 2 : (uint8_t)(text[0] - '0');
}

enum stint_status compile_target(const struct compiler_api *api, const struct compile_run *run,
                                 const uint8_t *wasm, size_t wasm_bytes,
                                 struct compile_image *image, struct stint_error *error)
{
    const struct compile_options *options = run->options;
    struct compile_progress progress = {
        .is_shown = !options->quiet && isatty(STDERR_FILENO),
        .target = compile_target_name(image->target),
    };
    const struct compiler_options how = {
        .target = image->target,
        .opt_level = opt_level(options->opt_level),
        .for_size = options->opt_level != NULL && options->opt_level[0] == 's',
        .strict = options->strict_traps,
        .metered = true,
        .features = features_apply(&options->features),
        .jobs = (uint32_t)options->jobs.value,
        .dump_dir = options->dump,
        .progress = compile_progress_show,
        .progress_context = &progress,
    };
    char message[STINT_ERROR_MESSAGE_BYTES] = "";
    uint64_t start_ns = clock_now_ns(OS_CLOCK_MONOTONIC);
    enum compiler_status status =
        api->compile(wasm, wasm_bytes, &how, &image->result, message, sizeof(message));
    image->wall_ns = clock_now_ns(OS_CLOCK_MONOTONIC) - start_ns;
    compile_progress_clear(&progress);
    if (status == COMPILER_OK)
        return STINT_OK;
    if (status == COMPILER_NOMEM)
        return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "no memory to compile the module");
    return error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET, "no code for %s: %s",
                     progress.target, message);
}

/* ---- Writing ------------------------------------------------------------------------------------ */

static volatile sig_atomic_t stopped_by; /* the signal that came while the file was written */

static void on_signal(int number)
{
    stopped_by = number;
}

enum { WRITE_BYTES = 1 << 20 };

/* In pieces, so that a signal ends it soon; what was written is then removed. */
static enum stint_status write_output(const char *path, const struct buf *content,
                                      struct stint_error *error)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction before[COUNT_OF(signals)], action = {.sa_handler = on_signal};
    struct output_file output;
    for (size_t i = 0; i < COUNT_OF(signals); i++) {
        if (sigaction(signals[i], NULL, &before[i]) == 0 && before[i].sa_handler != SIG_IGN)
            sigaction(signals[i], &action, NULL);
    }
    enum stint_status status = output_file_open(&output, path, error);
    if (status == STINT_OK) {
        bool ok = true;
        for (size_t at = 0; ok && stopped_by == 0 && at < content->bytes; at += WRITE_BYTES) {
            size_t left = content->bytes - at;
            ok = output_file_append(&output, content->data + at,
                                    left < WRITE_BYTES ? left : WRITE_BYTES);
        }
        status = output_file_close(&output, ok && stopped_by == 0, error);
    }
    for (size_t i = 0; i < COUNT_OF(signals); i++)
        sigaction(signals[i], &before[i], NULL);
    if (stopped_by != 0)
        raise(stopped_by);
    return status;
}

enum stint_status compile_write(struct compile_run *run, const struct buf *content,
                                struct stint_error *error)
{
    run->output_bytes = content->bytes;
    return write_output(run->output[0] != '\0' ? run->output : "-", content, error);
}

static enum stint_status write_artefact(struct compile_run *run, const uint8_t *wasm,
                                        struct stint_error *error)
{
    struct artefact_piece pieces[COMPILE_TARGETS_MAX];
    struct buf content;
    for (uint32_t i = 0; i < run->image_count; i++)
        pieces[i] = (struct artefact_piece){run->images[i].result.image,
                                            run->images[i].result.image_bytes};
    struct artefact_signature signature;
    const char *key = run->options->sign;
    enum stint_status status = STINT_OK;
    buf_init(&content, &alloc_root, SIZE_MAX);
    if (key != NULL)
        status = compile_sign(key, wasm, run->wasm_bytes, pieces, run->image_count, &signature,
                              error);
    if (status == STINT_OK)
        status = artefact_write(&content, wasm, run->wasm_bytes, pieces, run->image_count,
                                &signature, key != NULL ? 1 : 0, error);
    if (status == STINT_OK)
        status = compile_write(run, &content, error);
    if (status == STINT_OK)
        compile_adopt(wasm, run->wasm_bytes, pieces, run->image_count, key != NULL);
    buf_free(&content);
    return status;
}

/* ---- All of it ----------------------------------------------------------------------------------- */

static enum stint_status compile_module(const struct compiler_api *api, struct compile_run *run,
                                        const uint8_t *wasm, struct stint_error *error)
{
    enum stint_status status = STINT_OK;
    for (uint32_t i = 0; status == STINT_OK && i < run->image_count; i++)
        status = compile_target(api, run, wasm, run->wasm_bytes, &run->images[i], error);
    return status == STINT_OK ? write_artefact(run, wasm, error) : status;
}

static enum stint_status compile_file(struct compile_run *run, struct module_file *file,
                                      struct stint_error *error)
{
    const struct compiler_api *api = NULL;
    struct artefact artefact;
    uint64_t start_ns = clock_now_ns(OS_CLOCK_MONOTONIC);
    /* Machine code that is there already, good or bad, is left out. */
    if (artefact_find(file->bytes, file->size_bytes, &artefact, NULL) != STINT_OK)
        artefact.image_count = 0;
    run->wasm_bytes = artefact.wasm_bytes;
    enum stint_status status = STINT_OK;
    if (!file->is_component)
        status = check(file->bytes, run->wasm_bytes, features_apply(&run->options->features), error);
    if (status == STINT_OK)
        status = compile_plugin(&api, error);
    if (status == STINT_OK && run->options->sign != NULL)
        status = compile_check_key(run->options->sign, error);
    if (status != STINT_OK)
        return status;
    run->compiler = api->description;
    status = file->is_component
                 ? compile_component(api, run, file->bytes, run->wasm_bytes, error)
                 : compile_module(api, run, file->bytes, error);
    run->wall_ns = clock_now_ns(OS_CLOCK_MONOTONIC) - start_ns;
    if (status == STINT_OK)
        compile_report(run);
    for (uint32_t i = 0; i < run->image_count; i++)
        api->result_clear(&run->images[i].result);
    return status;
}

static bool cut_ending(char *name, const char *ending)
{
    size_t length = strlen(name), cut = strlen(ending);
    if (length <= cut || strcmp(name + length - cut, ending) != 0)
        return false;
    name[length - cut] = '\0';
    return true;
}

/* Where the result goes: "app.wasm" and "app.wat" become "app.aot.wasm"; "" is stdout. */
static bool choose_output(const char *given, struct compile_run *run)
{
    char *output = run->output;
    size_t room = sizeof(run->output);
    if (given != NULL)
        return snprintf(output, room, "%s", strcmp(given, "-") == 0 ? "" : given) < (int)room;
    if (snprintf(output, room, "%s", run->input) >= (int)room - 16)
        return false;
    if (!cut_ending(output, ".aot.wasm") && !cut_ending(output, ".wasm"))
        (void)cut_ending(output, ".wat");
    memcpy(output + strlen(output), ".aot.wasm", sizeof(".aot.wasm"));
    return true;
}

static int compile(const char *input, const char *output, const struct compile_options *options)
{
    struct stint_error error = {0};
    struct module_file file = {0};
    struct compile_run run = {.options = options, .input = input};
    if (compile_targets_read(&options->targets, &run, &error) != STINT_OK) {
        cli_error("%s", error.message);
        return CLI_EXIT_USAGE;
    }
    if (!choose_output(output, &run)) {
        cli_error("the name of the output is too long");
        return CLI_EXIT_USAGE;
    }
    if (run.output[0] == '\0' && isatty(STDOUT_FILENO)) {
        cli_error("a binary is of no use on a terminal: name a file with -o");
        return CLI_EXIT_USAGE;
    }
    enum stint_status status = module_file_open_any(input, &file, &error);
    if (status == STINT_OK) {
        status = compile_file(&run, &file, &error);
        if (file.is_text)
            error.offset_bytes = STINT_NO_OFFSET;
    }
    if (status != STINT_OK)
        cli_report(input, &error);
    module_file_close(&file);
    return status == STINT_OK ? CLI_EXIT_OK : CLI_EXIT_FAILED;
}

static int compile_operands(const struct verb *verb, int count, char **operands,
                            const struct compile_options *options)
{
    const char *output = count == 2 ? operands[1] : options->output;
    if (options->features.is_help) {
        features_list(&options->features);
        return CLI_EXIT_OK;
    }
    if (count == 0)
        cli_error("which module is to be compiled? Give a FILE");
    else if (count > 2)
        cli_error("one FILE at a time, please");
    else if (count == 2 && options->output != NULL)
        cli_error("the output is named twice: '%s' and '%s'", options->output, operands[1]);
    else if (count == 1 && options->output == NULL && strcmp(operands[0], "-") == 0)
        cli_error("name the output with -o");
    else if (output != NULL && output[0] == '\0')
        cli_error("the output's name is empty; '-' is the standard output");
    else
        return compile(operands[0], output, options);
    return cli_try_help(verb);
}

static int cmd_compile(const struct verb *verb, int argc, char **argv)
{
    struct compile_options options;
    int operands, code;
    memset(&options, 0, sizeof(options));
    if (cli_read_flags(verb, argc, argv, &options, &operands, &code))
        code = compile_operands(verb, argc - operands, argv + operands, &options);
    flags_free(verb, &options);
    return code;
}

const struct verb verb_compile = {
    .name = "compile",
    .synopsis = "[options] FILE [OUT]",
    .summary = "Compile a module or a component to machine code",
    .description =
        "Compiles every function of FILE, a module as a binary or as text, or a component with all "
        "core modules in it, and writes a module or component that "
        "carries the machine code in sections of its own. Any engine runs the result as plain wasm; "
        "'stint run' uses the code where it fits the processor and is trusted. '-' reads stdin.",
    .examples = "stint compile app.wasm\n"
                "stint compile app.wasm -o fast.wasm --target x86_64-v2,x86_64-v3,aarch64",
    .flags = compile_flags,
    .flag_count = COUNT_OF(compile_flags),
    .complete = COMPLETE_MODULE,
    .run = cmd_compile,
};
