/* SPDX-License-Identifier: Apache-2.0 */
/* `stint dump`: binaries made readable, or only checked. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/features_list.h"
#include "cli/module_file.h"
#include "cli/output_file.h"
#include "os/clock.h"
#include "wasm/module.h"
#include "wasm/print.h"

struct dump_options {
#define SECTION(title)
#define FLAG(kind, field, ...) flag_##kind field;
#include "cli/dump_flags.def"
#undef SECTION
#undef FLAG
};

static const struct flag dump_flags[] = {
#define SECTION(title) FLAG_SECTION_ROW(title)
#define FLAG(kind, field, ...) FLAG_ROW(struct dump_options, kind, field, __VA_ARGS__)
#include "cli/dump_flags.def"
#undef SECTION
#undef FLAG
};

static bool write_chunk(void *context, const char *text, size_t bytes)
{
    return output_file_append(context, text, bytes);
}

static enum stint_status show(const struct module_file *file, const struct dump_options *options,
                              struct stint_error *error)
{
    struct output_file output;
    const struct print_sink sink = {.write = write_chunk, .context = &output};
    const struct print_options print = {.headers = options->headers,
                                        .disassembly = options->disassemble};
    enum stint_status status = output_file_open(&output, options->output, error);
    if (status != STINT_OK)
        return status;
    if (options->text)
        status = print_text(&alloc_root, file->bytes, file->size_bytes, &sink, error);
    else
        status = print_sections(&alloc_root, file->bytes, file->size_bytes, &print, &sink, error);
    /* Sections of a broken module are worth having as far as they go; half a text is not. When the
     * sink gave up, closing says why. */
    struct stint_error closing = {0};
    bool keep = status == STINT_OK || (status == STINT_MALFORMED && !options->text);
    enum stint_status closed = output_file_close(&output, keep, &closing);
    if (closed != STINT_OK && (status == STINT_OK || status == STINT_IO)) {
        *error = closing;
        status = closed;
    }
    return status;
}

static void print_speed(const char *path, const struct module_file *file,
                        const struct wasm_module *module, uint64_t decode_ns, uint64_t validate_ns,
                        const char *form)
{
    double seconds = (double)(decode_ns + validate_ns) / 1e9;
    double mb_per_s = seconds > 0 ? (double)file->size_bytes / 1e6 / seconds : 0;
    if (form != NULL && strcmp(form, "json") == 0)
        printf("{\"valid\": true, \"module_bytes\": %zu, \"functions\": %u, \"decode_ns\": %llu, "
               "\"validate_ns\": %llu, \"mb_per_s\": %.4g}\n",
               file->size_bytes, module->func_count, (unsigned long long)decode_ns,
               (unsigned long long)validate_ns, mb_per_s);
    else if (form != NULL)
        printf("%s: valid: %zu bytes, %u functions; decode %.3f ms, validate %.3f ms, "
               "%.1f MB/s\n",
               path, file->size_bytes, module->func_count, (double)decode_ns / 1e6,
               (double)validate_ns / 1e6, mb_per_s);
    else
        printf("%s: valid\n", path);
}

static enum stint_status validate(const char *path, const struct module_file *file,
                                  const struct dump_options *options, struct stint_error *error)
{
    struct type_registry *types;
    struct wasm_module *module;
    enum stint_status status = types_create(&alloc_root, &types);
    if (status != STINT_OK)
        return error_set(error, status, STINT_NO_OFFSET, "out of memory");
    uint64_t start_ns = clock_now_ns(OS_CLOCK_MONOTONIC);
    status = module_decode(&alloc_root, types, file->bytes, file->size_bytes,
                           features_apply(&options->features), &module, error);
    uint64_t decoded_ns = clock_now_ns(OS_CLOCK_MONOTONIC);
    if (status == STINT_OK) {
        status = module_validate(module, error);
        uint64_t end_ns = clock_now_ns(OS_CLOCK_MONOTONIC);
        if (status == STINT_OK)
            print_speed(path, file, module, decoded_ns - start_ns, end_ns - decoded_ns,
                        options->stats);
        module_free(module);
    }
    types_free(types);
    return status;
}

static int dump_file(const char *path, const struct dump_options *options)
{
    struct stint_error error = {0};
    struct module_file file = {0};
    enum stint_status status = module_file_open(path, &file, &error);
    if (status == STINT_OK)
        status = options->validate ? validate(path, &file, options, &error)
                                   : show(&file, options, &error);
    if (file.is_text)
        error.offset_bytes = STINT_NO_OFFSET;
    module_file_close(&file);
    if (status != STINT_OK)
        cli_report(path, &error);
    return status == STINT_OK ? CLI_EXIT_OK : CLI_EXIT_FAILED;
}

static int cmd_dump(const struct verb *verb, int argc, char **argv)
{
    struct dump_options options;
    int operands, code;
    memset(&options, 0, sizeof(options));
    if (!cli_read_flags(verb, argc, argv, &options, &operands, &code))
        return code;
    if (options.features.is_help) {
        features_list(&options.features);
        return CLI_EXIT_OK;
    }
    if (argc - operands != 1) {
        cli_error(operands == argc ? "which module is to be shown? Give a FILE"
                                   : "one FILE at a time, please");
        return cli_try_help(verb);
    }
    if (options.headers + options.disassemble + options.text + options.validate > 1) {
        cli_error("--headers, --disassemble, --text and --validate exclude each other");
        return cli_try_help(verb);
    }
    return dump_file(argv[operands], &options);
}

const struct verb verb_dump = {
    .name = "dump",
    .synopsis = "[options] FILE",
    .summary = "Show what is in a module, or check it",
    .description = "Shows the sections of FILE, a binary or a text (.wat); '-' reads stdin. A "
                   "module that is malformed is shown as far as it can be read.",
    .examples = "stint dump --headers app.wasm\n"
                "stint dump --text -o app.wat app.wasm\n"
                "stint dump --validate --stats app.wasm",
    .flags = dump_flags,
    .flag_count = COUNT_OF(dump_flags),
    .complete = COMPLETE_MODULE,
    .run = cmd_dump,
};
