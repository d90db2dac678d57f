/* SPDX-License-Identifier: Apache-2.0 */
/* `stint gen-schema`: what a manifest may hold, for editors and for docs/manifest.md. */
#include <string.h>

#include "app/shape.h"
#include "cli/cli.h"
#include "cli/output_file.h"

struct gen_schema_options {
#define FLAG(kind, field, ...) flag_##kind field;
#include "cli/gen_schema_flags.def"
#undef FLAG
};

static const struct flag gen_schema_flags[] = {
#define FLAG(kind, field, ...) FLAG_ROW(struct gen_schema_options, kind, field, __VA_ARGS__)
#include "cli/gen_schema_flags.def"
#undef FLAG
};

enum { TEXT_BYTES_MAX = 4 << 20 };

static int cmd_gen_schema(const struct verb *verb, int argc, char **argv)
{
    struct gen_schema_options options;
    struct stint_error error = {0};
    struct buf text;
    int operands, code;
    memset(&options, 0, sizeof(options));
    if (!cli_read_flags(verb, argc, argv, &options, &operands, &code))
        return code;
    if (operands != argc) {
        cli_error("gen-schema takes no operand");
        return cli_try_help(verb);
    }
    buf_init(&text, &alloc_root, TEXT_BYTES_MAX);
    if (options.reference) {
        shape_reference(&shape_stint_application, "application.tool.stint", &text);
        shape_reference(&shape_stint_component, "component.ID.tool.stint", &text);
    } else {
        shape_schema(&shape_manifest, "Spin manifest, version 2, with Stint's settings", &text);
    }
    enum stint_status status =
        text.failed ? error_set(&error, STINT_NOMEM, STINT_NO_OFFSET, "out of memory")
                    : output_file_write(options.output, text.data, text.bytes, &error);
    if (status != STINT_OK)
        cli_report(options.output, &error);
    buf_free(&text);
    return status == STINT_OK ? CLI_EXIT_OK : CLI_EXIT_FAILED;
}

const struct verb verb_gen_schema = {
    .name = "gen-schema",
    .synopsis = "[options]",
    .summary = "Write the JSON schema of manifests",
    .flags = gen_schema_flags,
    .flag_count = COUNT_OF(gen_schema_flags),
    .complete = COMPLETE_NOTHING,
    .is_hidden = true,
    .run = cmd_gen_schema,
};
