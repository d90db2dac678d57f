/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/run_wasi.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "cli/run_wasi_p2.h"
#include "os/files.h"
#include "os/sockets.h"
#include "stint_config.h"
#include "wasi/p1.h"

bool run_wasi_names(const struct wasm_import *import)
{
    return wasi_p1_knows_module(import->module.text, import->module.bytes) ||
           (!STINT_DEVICE && run_wasi_p2_names(import));
}

static enum stint_status no_memory(struct stint_error *error)
{
    return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "out of memory");
}

/* "HOST[::GUEST][:ro]"; without a guest's name, the host's is used. */
static bool parse_dir(struct arena *arena, const char *text, struct wasi_p1_dir *ret_dir)
{
    size_t bytes = strlen(text);
    struct wasi_p1_dir dir = {.fd = -1};
    if (bytes > 3 && memcmp(text + bytes - 3, ":ro", 3) == 0) {
        dir.is_read_only = true;
        bytes -= 3;
    }
    char *host = arena_copy_string(arena, text, bytes);
    if (host == NULL)
        return false;
    dir.host_path = host;
    dir.guest_path = host;
    for (size_t i = 0; i + 1 < bytes; i++) {
        if (host[i] == ':' && host[i + 1] == ':') {
            host[i] = '\0';
            dir.guest_path = host + i + 2;
            break;
        }
    }
    *ret_dir = dir;
    return true;
}

static bool set_dirs(struct arena *arena, const struct text_list *list,
                     struct wasi_p1_config *config)
{
    struct wasi_p1_dir *dirs = arena_get_zeroed(arena, list->count, sizeof(*dirs));
    if (dirs == NULL)
        return false;
    for (size_t i = 0; i < list->count; i++) {
        if (!parse_dir(arena, list->items[i], &dirs[i]))
            return false;
    }
    config->dirs = dirs;
    config->dir_count = list->count;
    return true;
}

/* "NAME=VALUE" as it is; a bare NAME takes the value from our environment, where there is one. */
static enum stint_status set_env(struct arena *arena, const struct text_list *list,
                                 struct wasi_p1_config *config, struct stint_error *error)
{
    const char **env = arena_get_zeroed(arena, list->count, sizeof(*env));
    size_t count = 0;
    if (env == NULL)
        return no_memory(error);
    for (size_t i = 0; i < list->count; i++) {
        const char *item = list->items[i];
        if (item[0] == '\0' || item[0] == '=')
            return error_set(error, STINT_ARGUMENT, STINT_NO_OFFSET, "--env: '%s' has no name",
                             item);
        if (strchr(item, '=') != NULL) {
            env[count++] = item;
            continue;
        }
        const char *value = getenv(item);
        if (value == NULL)
            continue;
        size_t name_bytes = strlen(item), value_bytes = strlen(value);
        char *pair = arena_get(arena, name_bytes + value_bytes + 2);
        if (pair == NULL)
            return no_memory(error);
        memcpy(pair, item, name_bytes);
        pair[name_bytes] = '=';
        memcpy(pair + name_bytes + 1, value, value_bytes + 1);
        env[count++] = pair;
    }
    config->env = env;
    config->env_count = count;
    return STINT_OK;
}

static bool set_args(struct arena *arena, const struct run *run, struct wasi_p1_config *config)
{
    /* The arguments of --invoke are the function's. */
    size_t own = run->options->invoke == NULL ? (size_t)run->guest_argc : 0;
    const char **args = arena_get_zeroed(arena, own + 1, sizeof(*args));
    if (args == NULL)
        return false;
    args[0] = run->options->argv0 != NULL ? run->options->argv0 : run->path;
    for (size_t i = 0; i < own; i++)
        args[i + 1] = run->guest_argv[i];
    config->args = args;
    config->arg_count = own + 1;
    return true;
}

static void close_all(const int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        file_close(fds[i]);
}

static enum stint_status set_listeners(struct arena *arena, const struct text_list *list,
                                       struct wasi_p1_config *config, struct stint_error *error)
{
    int *fds = arena_get_zeroed(arena, list->count, sizeof(*fds));
    if (fds == NULL)
        return no_memory(error);
    for (size_t i = 0; i < list->count; i++) {
        enum stint_status status = socket_listen_tcp(list->items[i], &fds[i], error);
        if (status != STINT_OK) {
            close_all(fds, i);
            return status;
        }
    }
    config->sockets = fds;
    config->socket_count = list->count;
    return STINT_OK;
}

enum stint_status run_wasi_open(struct run *run, struct stint_error *error)
{
    const struct run_options *options = run->options;
    struct wasi_p1_config config = wasi_p1_config_default();
    struct arena arena;
    arena_init(&arena, &run->engine->alloc);
    enum stint_status status = STINT_OK;
    if (!set_args(&arena, run, &config) || !set_dirs(&arena, &options->dirs, &config))
        status = no_memory(error);
    if (status == STINT_OK)
        status = set_env(&arena, &options->env, &config, error);
    /* Last, as these have to be closed again. */
    if (status == STINT_OK)
        status = set_listeners(&arena, &options->listeners, &config, error);
    if (status == STINT_OK)
        status = wasi_p1_create(&run->engine->alloc, &config, &run->wasi, error);
    if (!STINT_DEVICE && status == STINT_OK && run_wasi_p2_is_used(run))
        status = run_wasi_p2_open(run, &config, error);
    arena_free(&arena);
    return status;
}

void run_wasi_close(struct run *run)
{
    wasi_p1_free(run->wasi);
    run->wasi = NULL;
    if (!STINT_DEVICE)
        run_wasi_p2_close(run);
}

enum stint_status run_wasi_find(struct run *run, const struct wasm_import *import,
                                struct func **ret_func, struct stint_error *error)
{
    if (!STINT_DEVICE && run_wasi_p2_names(import))
        return run_wasi_p2_find(run, import, ret_func, error);
    return wasi_p1_import(run->wasi, run->store, import->module.text, import->module.bytes,
                          import->field.text, import->field.bytes,
                          module_func_type(run->module->wasm, import->index), ret_func, error);
}

void run_wasi_offer(struct nearest *nearest)
{
    const char *name;
    for (size_t i = 0; (name = wasi_p1_name(i)) != NULL; i++)
        nearest_offer(nearest, name, strlen(name));
    if (!STINT_DEVICE)
        run_wasi_p2_offer(nearest);
}
