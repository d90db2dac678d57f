/* SPDX-License-Identifier: Apache-2.0 */
#include "app/app_open.h"

#include <stdio.h>
#include <string.h>

#include "os/files.h"

extern char **environ;

enum { PATH_BYTES = 4096 };

static enum stint_status read_variables(const struct app_open_options *options,
                                        struct app_problems *problems, struct app_pairs *ret_pairs)
{
    size_t count = options->variable_count;
    struct app_pair *items = arena_get_zeroed(&problems->arena, count + 1, sizeof(*items));
    for (size_t i = 0; items != NULL && i < count; i++) {
        const char *text = options->variables[i], *equals = strchr(text, '=');
        if (equals == NULL) {
            app_problem_add(problems, false, NULL, 0, 0, "variable '%s' is not NAME=VALUE", text);
            return STINT_ARGUMENT;
        }
        items[i].name = arena_copy_string(&problems->arena, text, (size_t)(equals - text));
        items[i].value = equals + 1;
        if (items[i].name == NULL)
            return STINT_NOMEM;
    }
    *ret_pairs = (struct app_pairs){.items = items, .count = (uint32_t)count};
    return items != NULL ? STINT_OK : STINT_NOMEM;
}

/* A folder stands for the manifest in it. */
static const char *find_manifest(const char *path, char room[PATH_BYTES])
{
    struct file_stat stat;
    if (path == NULL)
        return "spin.toml";
    if (file_stat_host(path, &stat) != OS_OK || stat.type != FILE_DIRECTORY)
        return path;
    (void)snprintf(room, PATH_BYTES, "%s/spin.toml", path);
    return room;
}

static bool ends_with(const char *text, const char *end)
{
    size_t bytes = strlen(text), end_bytes = strlen(end);
    return bytes > end_bytes && strcmp(text + bytes - end_bytes, end) == 0;
}

enum stint_status app_open(const struct app_open_options *options, struct app **ret_app,
                           struct app_problems *problems)
{
    char room[PATH_BYTES];
    struct app_config config = {
        .alloc = &alloc_root,
        .path = find_manifest(options->path, room),
        .runtime_config = options->runtime_config,
        .environment = (const char *const *)environ,
        .profile = options->profile,
        .region = options->region,
        .allow_unset = options->allow_unset,
    };
    enum stint_status status = read_variables(options, problems, &config.variables);
    if (status != STINT_OK)
        return status;
    struct file_stat stat;
    if (config.path != options->path && file_stat_host(config.path, &stat) == OS_NOENT) {
        app_problem_add(problems, false, NULL, 0, 0,
                        "there is no %s: name a manifest, its folder or a component's file; "
                        "'stint new NAME' begins a project", config.path);
        return STINT_NOT_FOUND;
    }
    bool is_component = ends_with(config.path, ".wasm") || ends_with(config.path, ".wat") ||
                        ends_with(config.path, ".cwasm");
    return is_component ? app_from_file(&config, ret_app, problems)
                        : app_read(&config, ret_app, problems);
}
