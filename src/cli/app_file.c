/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/app_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "os/files.h"

enum { PATH_BYTES = 4096 };

/* "name=value" of the command line. */
static bool read_variables(const struct text_list *list, struct arena *arena,
                           struct app_pairs *ret_pairs)
{
    struct app_pair *items = arena_get_zeroed(arena, list->count + 1, sizeof(*items));
    if (items == NULL)
        return false;
    for (size_t i = 0; i < list->count; i++) {
        const char *equals = strchr(list->items[i], '=');
        if (equals == NULL) {
            cli_error("--variable '%s' is not NAME=VALUE", list->items[i]);
            return false;
        }
        items[i].name =
            arena_copy_string(arena, list->items[i], (size_t)(equals - list->items[i]));
        items[i].value = equals + 1;
        if (items[i].name == NULL)
            return false;
    }
    *ret_pairs = (struct app_pairs){.items = items, .count = (uint32_t)list->count};
    return true;
}

static bool has_end(const char *text, const char *end)
{
    size_t bytes = strlen(text), end_bytes = strlen(end);
    return bytes > end_bytes && strcmp(text + bytes - end_bytes, end) == 0;
}

/* A folder stands for the manifest in it. */
static const char *find_manifest(const char *path, char room[PATH_BYTES])
{
    struct file_stat stat;
    if (path == NULL)
        return "spin.toml";
    if (file_stat_host(path, &stat) == OS_OK && stat.type == FILE_DIRECTORY) {
        snprintf(room, PATH_BYTES, "%s/spin.toml", path);
        return room;
    }
    return path;
}

enum stint_status app_file_read(const struct app_file_options *options, struct app **ret_app,
                                struct app_problems *problems)
{
    char room[PATH_BYTES];
    struct app_config config = {
        .alloc = &alloc_root,
        .path = find_manifest(options->path, room),
        .runtime_config = options->runtime_config,
        .environment = (const char *const *)environ,
        .profile = options->profile,
        .region = options->region != NULL ? options->region : getenv("STINT_REGION"),
        .allow_unset = options->allow_unset,
    };
    if (options->variables != NULL &&
        !read_variables(options->variables, &problems->arena, &config.variables))
        return STINT_ARGUMENT;
    bool is_component = has_end(config.path, ".wasm") || has_end(config.path, ".wat") ||
                        has_end(config.path, ".cwasm");
    enum stint_status status = is_component ? app_from_file(&config, ret_app, problems)
                                            : app_read(&config, ret_app, problems);
    struct buf text;
    buf_init(&text, &alloc_root, SIZE_MAX);
    app_problems_print(problems, &text);
    if (text.bytes > 0 && (status != STINT_OK || !options->is_quiet))
        fwrite(text.data, 1, text.bytes, stderr);
    buf_free(&text);
    if (status != STINT_OK && problems->errors > 0)
        cli_error("%s: %zu error%s", config.path, problems->errors,
                  problems->errors == 1 ? "" : "s");
    return status;
}
