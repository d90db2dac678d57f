/* SPDX-License-Identifier: Apache-2.0 */
/* Which files the fence leaves within reach. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "edge/fencing_int.h"
#include "edge/mounts.h"
#include "os/files.h"
#include "os/private_files.h"
#include "stint_config.h"

enum { PATH_BYTES = 4096, RULES_BYTES_MAX = 1 << 20 };

/* ---- Collecting -------------------------------------------------------------------------- */

static void put(struct fencing_rules *rules, const char *path, unsigned may)
{
    const struct fence_rule rule = {
        .path = arena_copy_string(&rules->arena, path, strlen(path)), .may = may};
    rules->failed |= rule.path == NULL || !buf_append(&rules->list, &rule, sizeof(rule));
}

/* The folder of a file, so that another file may take its place; the file itself where that would be all
 * there is. */
static void put_folder(struct fencing_rules *rules, const char *path, unsigned may)
{
    char folder[PATH_BYTES];
    const char *slash = strrchr(path, '/');
    if (slash == NULL) {
        put(rules, ".", may);
    } else if (slash == path || (size_t)(slash - path) >= sizeof(folder)) {
        put(rules, path, may);
    } else {
        (void)snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
        put(rules, folder, may);
    }
}

/* The same, also where it really is if it is a link: certificates often are. */
static void put_file(struct fencing_rules *rules, const char *path)
{
    char real[PATH_BYTES];
    if (path == NULL || path[0] == '\0')
        return;
    put_folder(rules, path, FENCE_READ);
    if (realpath(path, real) != NULL && strcmp(real, path) != 0)
        put_folder(rules, real, FENCE_READ);
}

/* A folder where the server keeps data; made if it is not there. */
static void put_data(struct fencing_rules *rules, const char *path)
{
    struct stint_error ignored = {0};
    int fd;
    if (!rules->is_trial && private_open_directory(path, true, &fd, &ignored) == STINT_OK)
        file_close(fd);
    put(rules, path, FENCE_READ | FENCE_WRITE);
}

/* The folder of a file with data; of "" none, which is in memory. */
static void put_data_of(struct fencing_rules *rules, const char *path)
{
    char folder[PATH_BYTES];
    const char *slash = strrchr(path, '/');
    if (path[0] == '\0')
        return;
    if (slash == NULL || slash == path || (size_t)(slash - path) >= sizeof(folder)) {
        put_folder(rules, path, FENCE_READ | FENCE_WRITE);
        return;
    }
    (void)snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
    put_data(rules, folder);
}

/* What the C library, OpenSSL and resolvers read. */
static void put_system(struct fencing_rules *rules)
{
    static const char *const readable[] = {
        "/etc",     "/usr/share",         "/usr/local/share",       "/usr/local/lib",
        "/proc/self", "/proc/sys",        "/proc/meminfo",          "/proc/stat",
        "/proc/cpuinfo", "/sys/fs/cgroup", "/sys/devices/system/cpu", "/run/systemd/resolve",
        "/run/resolvconf", "/run/NetworkManager", "/var/lib/ca-certificates"};
    static const char *const libraries[] = {"/lib", "/lib64", "/usr/lib", "/usr/lib64", "/nix/store"};
    static const char *const devices[] = {"/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"};
    static const char *const variables[] = {"SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE"};
    for (size_t i = 0; i < sizeof(readable) / sizeof(*readable); i++)
        put(rules, readable[i], FENCE_READ);
    for (size_t i = 0; i < sizeof(libraries) / sizeof(*libraries); i++)
        put(rules, libraries[i], FENCE_READ | FENCE_EXECUTE);
    for (size_t i = 0; i < sizeof(devices) / sizeof(*devices); i++)
        put(rules, devices[i], FENCE_READ | FENCE_WRITE);
    for (size_t i = 0; i < sizeof(variables) / sizeof(*variables); i++) {
        const char *path = getenv(variables[i]);
        if (path != NULL && path[0] == '/')
            put(rules, path, FENCE_READ);
    }
}

/* The program, which compiles in a process of its own, and the plug-ins beside it. */
static void put_program(struct fencing_rules *rules)
{
    char path[PATH_BYTES];
    ssize_t bytes = readlink("/proc/self/exe", path, sizeof(path) - 1);
    if (bytes > 0) {
        path[bytes] = '\0';
        put(rules, path, FENCE_READ | FENCE_EXECUTE);
        put_folder(rules, path, FENCE_READ);
        char *slash = strrchr(path, '/');
        if (slash != NULL && (size_t)(slash - path) + 16 < sizeof(path)) {
            memcpy(slash, "/../lib/stint", 14);
            put(rules, path, FENCE_READ);
        }
    }
    put(rules, STINT_PLUGIN_PREFIX "/" STINT_PLUGIN_LIBDIR "/stint", FENCE_READ);
}

bool fencing_has_data(const struct app *app)
{
    for (uint32_t i = 0; i < app->component_count; i++) {
        const struct app_component *component = &app->components[i];
        if (component->key_value_stores.count > 0 || component->sqlite_databases.count > 0 ||
            mounts_need_tree(app, component))
            return true;
    }
    return false;
}

/* What guests are given may lie outside of the application's folder. */
static void put_mounts(struct fencing_rules *rules, const struct app *app,
                       const struct app_component *component)
{
    for (uint32_t i = 0; i < component->file_count; i++) {
        const char *source = component->files[i].source;
        char path[MOUNTS_PATH_BYTES];
        struct file_stat stat;
        size_t bytes = component->files[i].destination == NULL ? strcspn(source, "*?[")
                                                               : strlen(source);
        if ((source[0] != '/' && strstr(source, "..") == NULL) ||
            !mounts_join(app->folder, source, path))
            continue;
        path[strlen(path) - strlen(source) + bytes] = '\0';
        if (file_stat_host(path, &stat) == OS_OK && stat.type == FILE_DIRECTORY)
            put(rules, path, FENCE_READ);
        else
            put_file(rules, path);
    }
}

/* They are read again with the application. */
static void put_dependencies(struct fencing_rules *rules, const struct app_component *component)
{
    for (uint32_t i = 0; i < component->dependency_count; i++) {
        const struct app_source *source = &component->dependencies[i].source;
        if (source->kind == APP_SOURCE_FILE)
            put_file(rules, source->path);
    }
}

static void put_application(struct fencing_rules *rules, const struct edge_app *edge)
{
    const struct app *app = edge->app;
    put(rules, app->folder, FENCE_READ);
    put_file(rules, app->regions.ca_file);
    for (const struct app_file_read *file = app->files_read; file != NULL; file = file->next)
        put_file(rules, file->path);
    put_file(rules, app->server.traces.headers_file);
    for (uint32_t i = 0; i < app->component_count; i++) {
        if (edge->components[i].guest != NULL || app->components[i].source.kind == APP_SOURCE_FILE)
            put_file(rules, edge->components[i].path);
        put_mounts(rules, app, &app->components[i]);
        put_dependencies(rules, &app->components[i]);
    }
    for (uint32_t i = 0; i < app->client_tls_count; i++) {
        put_file(rules, app->client_tls[i].roots_file);
        put_file(rules, app->client_tls[i].certificate_file);
        put_file(rules, app->client_tls[i].key_file);
    }
    if (!fencing_has_data(app))
        return;
    for (uint32_t i = 0; i < app->store_count; i++) {
        if (app->stores[i].kind == APP_STORE_SQLITE)
            put_data_of(rules, app->stores[i].path);
    }
    for (uint32_t i = 0; i < app->database_count; i++)
        put_data_of(rules, app->databases[i].path);
    put_data(rules, app->server.state_folder);
    /* SQLite's own files for large sorts, which else would be in /tmp. */
    if (!rules->is_trial)
        (void)setenv("SQLITE_TMPDIR", app->server.state_folder, 0);
}

const char *fencing_access_log(const struct edge_server *server)
{
    const char *option = server->options->access_log;
    return option != NULL ? option : server->app->app->server.access_log;
}

/* Its path; NULL where it is no file of its own. */
static const char *access_log_of(const struct edge_server *server)
{
    static const char *const others[] = {"", "-", "stdout", "stderr", "off"};
    const char *path = fencing_access_log(server);
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
        if (strcmp(path, others[i]) == 0)
            return NULL;
    }
    return path;
}

static void put_server(struct fencing_rules *rules, const struct edge_server *server)
{
    const struct edge_options *options = server->options;
    const struct app_server *settings = &server->app->app->server;
    const char *log = access_log_of(server);
    struct stint_error ignored = {0};
    char cache[PRIVATE_PATH_BYTES];
    put_file(rules, options->runtime_config);
    put_file(rules, options->tls_cert);
    put_file(rules, options->tls_key);
    put_file(rules, settings->metrics_token_file);
    put_file(rules, settings->admin_token_file);
    for (uint32_t i = 0; i < settings->certificate_count; i++) {
        put_file(rules, settings->certificates[i].certificate_file);
        put_file(rules, settings->certificates[i].key_file);
    }
    for (size_t i = 0; i < options->geo_count; i++)
        put_file(rules, options->geo[i]);
    for (uint32_t i = 0; i < settings->geo_databases.count; i++)
        put_file(rules, settings->geo_databases.items[i]);
    if (log != NULL)
        put_folder(rules, log, FENCE_READ | FENCE_WRITE);
    if (!options->no_cache &&
        private_default_path("XDG_CACHE_HOME", ".cache", cache, &ignored) == STINT_OK)
        put_data(rules, cache);
}

/* ---- All of them ------------------------------------------------------------------------- */

bool fencing_rules_collect(struct fencing_rules *rules, const struct edge_server *server,
                           bool is_trial)
{
    *rules = (struct fencing_rules){.is_trial = is_trial};
    arena_init(&rules->arena, &alloc_root);
    buf_init(&rules->list, &alloc_root, RULES_BYTES_MAX);
    put_system(rules);
    put_program(rules);
    put_application(rules, server->app);
    put_server(rules, server);
    rules->items = (const struct fence_rule *)(const void *)rules->list.data;
    rules->count = rules->list.bytes / sizeof(struct fence_rule);
    return !rules->failed;
}

void fencing_rules_free(struct fencing_rules *rules)
{
    buf_free(&rules->list);
    arena_free(&rules->arena);
}
