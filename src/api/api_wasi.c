/* SPDX-License-Identifier: Apache-2.0 */
/* WASI preview 1 for embedders. */
#include <string.h>

#include "api/api_int.h"
#include "base/arena.h"
#include "base/buf.h"
#include "wasi/p1.h"

/* A configuration belongs to no engine; its strings lie in its arena. */
struct stint_wasi_config {
    struct arena arena;
    const char **args;
    size_t arg_count, arg_capacity;
    const char **env;
    size_t env_count, env_capacity;
    struct wasi_p1_dir *dirs;
    size_t dir_count, dir_capacity;
    const char **rules; /* of what WASI 0.2 may reach */
    size_t rule_count, rule_capacity;
    int stdin_fd, stdout_fd, stderr_fd;
};

stint_wasi_config *stint_wasi_config_new(void)
{
    stint_wasi_config *config = alloc_get_zeroed(&alloc_root, 1, sizeof(*config));
    if (config == NULL)
        return NULL;
    arena_init(&config->arena, &alloc_root);
    config->stdin_fd = config->stdout_fd = config->stderr_fd = -1;
    return config;
}

void stint_wasi_config_free(stint_wasi_config *config)
{
    if (config == NULL)
        return;
    alloc_put(&alloc_root, config->args, config->arg_capacity * sizeof(*config->args));
    alloc_put(&alloc_root, config->env, config->env_capacity * sizeof(*config->env));
    alloc_put(&alloc_root, config->dirs, config->dir_capacity * sizeof(*config->dirs));
    alloc_put(&alloc_root, config->rules, config->rule_capacity * sizeof(*config->rules));
    arena_free(&config->arena);
    alloc_put(&alloc_root, config, sizeof(*config));
}

static const char *keep(stint_wasi_config *config, const char *text)
{
    return arena_copy_string(&config->arena, text, strlen(text));
}

enum stint_status stint_wasi_config_add_arg(stint_wasi_config *config, const char *arg)
{
    const char *copy = keep(config, arg);
    if (copy == NULL || !vec_reserve(&alloc_root, &config->args, &config->arg_capacity,
                                     config->arg_count + 1, sizeof(*config->args)))
        return STINT_NOMEM;
    config->args[config->arg_count++] = copy;
    return STINT_OK;
}

enum stint_status stint_wasi_config_add_env(stint_wasi_config *config, const char *name,
                                            const char *value)
{
    size_t name_bytes = strlen(name), value_bytes = strlen(value);
    if (name_bytes == 0 || strchr(name, '=') != NULL)
        return STINT_ARGUMENT;
    char *pair = arena_get(&config->arena, name_bytes + value_bytes + 2);
    if (pair == NULL || !vec_reserve(&alloc_root, &config->env, &config->env_capacity,
                                     config->env_count + 1, sizeof(*config->env)))
        return STINT_NOMEM;
    memcpy(pair, name, name_bytes);
    pair[name_bytes] = '=';
    memcpy(pair + name_bytes + 1, value, value_bytes + 1);
    config->env[config->env_count++] = pair;
    return STINT_OK;
}

enum stint_status stint_wasi_config_add_dir(stint_wasi_config *config, const char *host_path,
                                            const char *guest_path, bool read_only)
{
    const char *host = keep(config, host_path), *guest = keep(config, guest_path);
    if (host == NULL || guest == NULL ||
        !vec_reserve(&alloc_root, &config->dirs, &config->dir_capacity, config->dir_count + 1,
                     sizeof(*config->dirs)))
        return STINT_NOMEM;
    config->dirs[config->dir_count++] = (struct wasi_p1_dir){
        .host_path = host, .fd = -1, .guest_path = guest, .is_read_only = read_only};
    return STINT_OK;
}

void stint_wasi_config_set_stdio(stint_wasi_config *config, int stdin_fd, int stdout_fd,
                                 int stderr_fd)
{
    config->stdin_fd = stdin_fd;
    config->stdout_fd = stdout_fd;
    config->stderr_fd = stderr_fd;
}

enum stint_status api_wasi_add_rule(stint_wasi_config *config, const char *rule)
{
    const char *copy = keep(config, rule);
    if (copy == NULL || !vec_reserve(&alloc_root, &config->rules, &config->rule_capacity,
                                     config->rule_count + 1, sizeof(*config->rules)))
        return STINT_NOMEM;
    config->rules[config->rule_count++] = copy;
    return STINT_OK;
}

const char *const *api_wasi_rules(const stint_wasi_config *config, size_t *ret_count)
{
    *ret_count = config->rule_count;
    return config->rules;
}

static void free_wasi(void *wasi)
{
    wasi_p1_free(wasi);
}

struct wasi_p1_config api_wasi_config(const stint_wasi_config *config)
{
    struct wasi_p1_config chosen = wasi_p1_config_default();
    chosen.args = config->args;
    chosen.arg_count = config->arg_count;
    chosen.env = config->env;
    chosen.env_count = config->env_count;
    chosen.dirs = config->dirs;
    chosen.dir_count = config->dir_count;
    chosen.stdin_fd = config->stdin_fd;
    chosen.stdout_fd = config->stdout_fd;
    chosen.stderr_fd = config->stderr_fd;
    return chosen;
}

enum stint_status stint_store_set_wasi(stint_store *store, const stint_wasi_config *config,
                                       struct stint_error *error)
{
    if (store->api_state != NULL)
        return error_set(error, STINT_ARGUMENT, STINT_NO_OFFSET, "the store has its WASI already");
    struct wasi_p1_config chosen = api_wasi_config(config);
    struct wasi_p1 *wasi;
    enum stint_status status = wasi_p1_create(&store->alloc, &chosen, &wasi, error);
    if (status != STINT_OK)
        return status;
    store->api_state = wasi;
    store->api_state_free = free_wasi;
    return STINT_OK;
}

enum stint_status api_wasi_keep(stint_store *store, struct stint_error *error)
{
    return wasi_p1_keep(store->api_state, error);
}

enum stint_status api_wasi_restart(stint_store *store, const stint_wasi_config *config)
{
    struct wasi_p1_config chosen = api_wasi_config(config);
    return wasi_p1_restart(store->api_state, &chosen, NULL);
}

bool api_wasi_has(const struct wasm_import *import)
{
    const char *name;
    if (!wasi_p1_knows_module(import->module.text, import->module.bytes))
        return false;
    for (size_t i = 0; (name = wasi_p1_name(i)) != NULL; i++) {
        if (strlen(name) == import->field.bytes &&
            memcmp(name, import->field.text, import->field.bytes) == 0)
            return true;
    }
    return false;
}

enum stint_status api_wasi_find(stint_store *store, const stint_module *module,
                                const struct wasm_import *import, struct func **ret_func,
                                struct stint_error *error)
{
    if (store->api_state == NULL)
        return error_set(error, STINT_ARGUMENT, STINT_NO_OFFSET,
                         "the module wants WASI: call stint_store_set_wasi first");
    return wasi_p1_import(store->api_state, store, import->module.text, import->module.bytes,
                          import->field.text, import->field.bytes,
                          module_func_type(module->wasm, import->index), ret_func, error);
}

enum stint_status stint_instance_run(stint_instance *instance, uint32_t *ret_exit_code,
                                     struct stint_error *error)
{
    struct stint_error own_error = {0};
    if (error == NULL)
        error = &own_error;
    struct func *start = func_of(stint_instance_func(instance, "_start"));
    if (start == NULL || start->type->param_count != 0 || start->type->result_count != 0)
        return error_set(error, STINT_NOT_FOUND, STINT_NO_OFFSET,
                         "the module exports no function _start without parameters");
    uint64_t slot = 0;
    enum stint_status status = rt_call(instance->store, start, &slot, error);
    if (status == STINT_OK) {
        *ret_exit_code = 0;
    } else if (status == STINT_EXIT) {
        *ret_exit_code = error->exit_code;
        error_clear(error);
        status = STINT_OK;
    }
    return status;
}
