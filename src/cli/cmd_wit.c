/* SPDX-License-Identifier: Apache-2.0 */
/* `stint wit`: what a component imports and exports. */
#include <string.h>

#include "cli/cli.h"
#include "cli/output_file.h"
#include "component/wit.h"
#include "interp/interp.h"
#include "os/pages.h"
#include "wasm/limits.h"

struct wit_options {
#define FLAG(kind, field, ...) flag_##kind field;
#include "cli/wit_flags.def"
#undef FLAG
};

static const struct flag wit_flags[] = {
#define FLAG(kind, field, ...) FLAG_ROW(struct wit_options, kind, field, __VA_ARGS__)
#include "cli/wit_flags.def"
#undef FLAG
};

static enum stint_status print(const uint8_t *bytes, size_t size_bytes, struct buf *text,
                               struct stint_error *error)
{
    struct engine_config config = engine_config_default();
    struct stint_engine *engine;
    struct component_file *component;
    if (!component_is_binary(bytes, size_bytes))
        return error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                         "this is a core module: only components have an interface in WIT");
    enum stint_status status = engine_create(&config, &interp_ops, &engine);
    if (status != STINT_OK)
        return error_set(error, status, STINT_NO_OFFSET, "out of memory");
    status = component_create(engine, bytes, size_bytes, true, &component, error);
    if (status == STINT_OK) {
        status = wit_print(component->root, text, error);
        component_release(component);
    }
    engine_release(engine);
    return status;
}

static int cmd_wit(const struct verb *verb, int argc, char **argv)
{
    struct wit_options options;
    struct stint_error error = {0};
    const uint8_t *bytes;
    size_t size_bytes;
    struct buf text;
    int operands, code;
    memset(&options, 0, sizeof(options));
    if (!cli_read_flags(verb, argc, argv, &options, &operands, &code))
        return code;
    if (argc - operands != 1) {
        cli_error(operands == argc ? "whose interface is to be shown? Give a FILE"
                                   : "one FILE at a time, please");
        return cli_try_help(verb);
    }
    buf_init(&text, &alloc_root, LIMIT_MODULE_BYTES);
    const char *path = argv[operands];
    enum stint_status status = pages_map_file(strcmp(path, "-") == 0 ? "/dev/stdin" : path,
                                              LIMIT_MODULE_BYTES, &bytes, &size_bytes, &error);
    if (status == STINT_OK) {
        status = print(bytes, size_bytes, &text, &error);
        pages_unmap_file(bytes, size_bytes);
    }
    if (status == STINT_OK)
        status = output_file_write(options.output, text.data, text.bytes, &error);
    if (status != STINT_OK)
        cli_report(path, &error);
    buf_free(&text);
    return status == STINT_OK ? CLI_EXIT_OK : CLI_EXIT_FAILED;
}

const struct verb verb_wit = {
    .name = "wit",
    .synopsis = "[options] FILE",
    .summary = "Show the interface of a component as WIT",
    .description = "Prints what FILE, a component, imports and exports, in the interface language "
                   "WIT: its world and the packages of the interfaces in it. '-' reads stdin.",
    .examples = "stint wit app.wasm\n"
                "stint wit -o app.wit app.wasm",
    .flags = wit_flags,
    .flag_count = COUNT_OF(wit_flags),
    .complete = COMPLETE_FILE,
    .run = cmd_wit,
};
