/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/app_file.h"

#include <stdio.h>
#include <stdlib.h>

#include "app/app_open.h"
#include "cli/cli.h"

enum stint_status app_file_read(const struct app_file_options *options, struct app **ret_app,
                                struct app_problems *problems)
{
    const struct text_list *variables = options->variables;
    const struct app_open_options how = {
        .path = options->path,
        .runtime_config = options->runtime_config,
        .profile = options->profile,
        .region = options->region != NULL ? options->region : getenv("STINT_REGION"),
        .variables = variables != NULL ? variables->items : NULL,
        .variable_count = variables != NULL ? variables->count : 0,
        .allow_unset = options->allow_unset,
    };
    enum stint_status status = app_open(&how, ret_app, problems);
    struct buf text;
    if (problems->count == 1 && problems->errors == 1 && problems->items[0].file == NULL) {
        cli_error("%s", problems->items[0].text); /* of no line: all is said */
        return status;
    }
    buf_init(&text, &alloc_root, SIZE_MAX);
    app_problems_print(problems, &text);
    if (text.bytes > 0 && (status != STINT_OK || !options->is_quiet))
        fwrite(text.data, 1, text.bytes, stderr);
    buf_free(&text);
    if (status != STINT_OK && problems->errors > 0)
        cli_error("%s: %zu error%s", how.path != NULL ? how.path : "spin.toml", problems->errors,
                  problems->errors == 1 ? "" : "s");
    return status;
}
