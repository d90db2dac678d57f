/* SPDX-License-Identifier: Apache-2.0 */
/* `stint wat`: from text to binary. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "cli/cli.h"
#include "cli/features_list.h"
#include "cli/output_file.h"
#include "component/component.h"
#include "component/text_component.h"
#include "interp/interp.h"
#include "os/pages.h"
#include "wasm/limits.h"
#include "wasm/module.h"

struct wat_options {
#define FLAG(kind, field, ...) flag_##kind field;
#include "cli/wat_flags.def"
#undef FLAG
};

static const struct flag wat_flags[] = {
#define FLAG(kind, field, ...) FLAG_ROW(struct wat_options, kind, field, __VA_ARGS__)
#include "cli/wat_flags.def"
#undef FLAG
};

static enum stint_status check_component(const struct buf *binary, uint32_t features,
                                         struct stint_error *error)
{
    struct engine_config config = engine_config_default();
    struct stint_engine *engine;
    struct component_file *file = NULL;
    config.features = features;
    enum stint_status status = engine_create(&config, &interp_ops, &engine);
    if (status != STINT_OK)
        return error_set(error, status, STINT_NO_OFFSET, "out of memory");
    status = component_create(engine, binary->data, binary->bytes, true, &file, error);
    component_release(file);
    engine_release(engine);
    return status;
}

static enum stint_status check_module(const struct buf *binary, uint32_t features,
                                      struct stint_error *error)
{
    struct type_registry *types;
    struct wasm_module *module;
    enum stint_status status = types_create(&alloc_root, &types);
    if (status != STINT_OK)
        return error_set(error, status, STINT_NO_OFFSET, "out of memory");
    status =
        module_decode(&alloc_root, types, binary->data, binary->bytes, features, &module, error);
    if (status == STINT_OK) {
        status = module_validate(module, error);
        module_free(module);
    }
    types_free(types);
    return status;
}

/* Decodes and validates what was written. Its offsets mean nothing to the author of a text. */
static enum stint_status check(const struct buf *binary, uint32_t features,
                               struct stint_error *error)
{
    enum stint_status status = component_is_binary(binary->data, binary->bytes)
                                   ? check_component(binary, features, error)
                                   : check_module(binary, features, error);
    error->offset_bytes = STINT_NO_OFFSET;
    return status;
}

static enum stint_status encode(const char *path, const struct wat_options *options,
                                struct buf *binary, struct stint_error *error)
{
    const uint8_t *text;
    size_t bytes;
    const struct text_options text_options = {.names = !options->no_names};
    const char *from = strcmp(path, "-") == 0 ? "/dev/stdin" : path;
    enum stint_status status = pages_map_file(from, LIMIT_MODULE_BYTES, &text, &bytes, error);
    if (status != STINT_OK)
        return status;
    if (module_is_binary(text, bytes))
        status = error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET, "this is a binary already");
    else
        status =
            text_to_any_binary(&alloc_root, (const char *)text, bytes, &text_options, binary, error);
    pages_unmap_file(text, bytes);
    if (status == STINT_OK && !options->no_check)
        status = check(binary, features_apply(&options->features), error);
    return status;
}

static int convert(const char *path, const struct wat_options *options)
{
    struct stint_error error = {0};
    struct buf binary;
    buf_init(&binary, &alloc_root, LIMIT_MODULE_BYTES);
    enum stint_status status = encode(path, options, &binary, &error);
    if (status == STINT_OK)
        status = output_file_write(options->output, binary.data, binary.bytes, &error);
    buf_free(&binary);
    if (status != STINT_OK)
        cli_report(path, &error);
    return status == STINT_OK ? CLI_EXIT_OK : CLI_EXIT_FAILED;
}

static int cmd_wat(const struct verb *verb, int argc, char **argv)
{
    struct wat_options options;
    int operands, code;
    memset(&options, 0, sizeof(options));
    if (!cli_read_flags(verb, argc, argv, &options, &operands, &code))
        return code;
    if (options.features.is_help) {
        features_list(&options.features);
        return CLI_EXIT_OK;
    }
    if (argc - operands != 1) {
        cli_error(operands == argc ? "which text is to be read? Give a FILE"
                                   : "one FILE at a time, please");
        return cli_try_help(verb);
    }
    if (options.output == NULL && isatty(STDOUT_FILENO)) {
        cli_error("a binary is of no use on a terminal: name a file with -o");
        return cli_try_help(verb);
    }
    return convert(argv[operands], &options);
}

const struct verb verb_wat = {
    .name = "wat",
    .synopsis = "[options] FILE",
    .summary = "Translate the text format to a binary",
    .description = "Encodes FILE, a module or a component in the text format, as a binary, and "
                   "validates it. '-' reads stdin.",
    .examples = "stint wat -o app.wasm app.wat",
    .flags = wat_flags,
    .flag_count = COUNT_OF(wat_flags),
    .complete = COMPLETE_FILE,
    .run = cmd_wat,
};
