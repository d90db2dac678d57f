/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/fencing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "edge/mounts.h"
#include "os/account.h"
#include "os/fence.h"
#include "os/files.h"
#include "os/private_files.h"
#include "stint_config.h"

enum { PATH_BYTES = 4096, RULES_BYTES_MAX = 1 << 20 };

/* Rules as they are collected; out of memory, `failed` is set. */
struct rules {
    struct arena arena;
    struct buf list; /* of struct fence_rule */
    bool failed;
};

/* ---- Collecting -------------------------------------------------------------------------- */

static void put(struct rules *rules, const char *path, unsigned may)
{
    const struct fence_rule rule = {
        .path = arena_copy_string(&rules->arena, path, strlen(path)), .may = may};
    rules->failed |= rule.path == NULL || !buf_append(&rules->list, &rule, sizeof(rule));
}

/* The folder of a file, so that another file may take its place; the file itself where that would be all
 * there is. */
static void put_folder(struct rules *rules, const char *path, unsigned may)
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
static void put_file(struct rules *rules, const char *path)
{
    char real[PATH_BYTES];
    if (path == NULL || path[0] == '\0')
        return;
    put_folder(rules, path, FENCE_READ);
    if (realpath(path, real) != NULL && strcmp(real, path) != 0)
        put_folder(rules, real, FENCE_READ);
}

/* A folder where the server keeps data; made if it is not there. */
static void put_data(struct rules *rules, const char *path)
{
    struct stint_error ignored = {0};
    int fd;
    if (private_open_directory(path, true, &fd, &ignored) == STINT_OK)
        file_close(fd);
    put(rules, path, FENCE_READ | FENCE_WRITE);
}

/* The folder of a file with data; of "" none, which is in memory. */
static void put_data_of(struct rules *rules, const char *path)
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
static void put_system(struct rules *rules)
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
static void put_program(struct rules *rules)
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

/* Whether a component may use a store or a database, or has a tree of files. */
static bool has_data(const struct app *app)
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
static void put_mounts(struct rules *rules, const struct app *app,
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
static void put_dependencies(struct rules *rules, const struct app_component *component)
{
    for (uint32_t i = 0; i < component->dependency_count; i++) {
        const struct app_source *source = &component->dependencies[i].source;
        if (source->kind == APP_SOURCE_FILE)
            put_file(rules, source->path);
    }
}

static void put_application(struct rules *rules, const struct edge_app *edge)
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
    if (!has_data(app))
        return;
    for (uint32_t i = 0; i < app->store_count; i++) {
        if (app->stores[i].kind == APP_STORE_SQLITE)
            put_data_of(rules, app->stores[i].path);
    }
    for (uint32_t i = 0; i < app->database_count; i++)
        put_data_of(rules, app->databases[i].path);
    put_data(rules, app->server.state_folder);
    /* SQLite's own files for large sorts, which else would be in /tmp. */
    (void)setenv("SQLITE_TMPDIR", app->server.state_folder, 0);
}

static const char *access_log_path(const struct edge_server *server)
{
    const char *option = server->options->access_log;
    return option != NULL ? option : server->app->app->server.access_log;
}

/* Its path; NULL where it is no file of its own. */
static const char *access_log_of(const struct edge_server *server)
{
    static const char *const others[] = {"", "-", "stdout", "stderr", "off"};
    const char *path = access_log_path(server);
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
        if (strcmp(path, others[i]) == 0)
            return NULL;
    }
    return path;
}

static void put_server(struct rules *rules, const struct edge_server *server)
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

/* ---- Raising ----------------------------------------------------------------------------- */

/* What is read again later has to be readable for the user that the server becomes. */
static void look_at_files(const struct edge_server *server, struct log_buffer *log)
{
    const struct edge_options *options = server->options;
    const struct app *app = server->app->app;
    const struct app_server *settings = &app->server;
    const char *user = server->fence.user;
    for (uint32_t i = 0; i <= settings->certificate_count; i++) {
        const char *path = i < settings->certificate_count ? settings->certificates[i].key_file
                                                           : options->tls_key;
        if (path != NULL && server->certificates != NULL && access(path, R_OK) != 0)
            log_line(log, LOG_WARN, NULL, NULL,
                     "%s: user %s may not read it, so a new one is seen at the next start only", path,
                     user);
    }
    if (access(app->folder, R_OK | X_OK) != 0)
        log_line(log, LOG_WARN, NULL, NULL,
                 "%s: user %s may not read this folder, so SIGHUP will not find what is new in it",
                 app->folder, user);
    if (server->log.owns_access && access(access_log_path(server), W_OK) != 0)
        log_line(log, LOG_WARN, NULL, NULL,
                 "%s: user %s may not write it, so signals will not open it again; 'chown %s %s' helps",
                 access_log_path(server), user, user, access_log_path(server));
    bool is_made = server->fence.mode == EDGE_FENCE_ON || access(settings->state_folder, F_OK) == 0;
    if (has_data(app) && is_made && access(settings->state_folder, W_OK) != 0)
        log_line(log, LOG_WARN, NULL, NULL,
                 "%s: user %s may not write there, so stores and databases do not work; 'chown -R %s "
                 "%s' helps",
                 settings->state_folder, user, user, settings->state_folder);
}

static const char *wanted_user(const struct edge_server *server, const struct app *app)
{
    return server->options->user != NULL ? server->options->user : app->server.user;
}

enum stint_status fencing_act_as_user(const struct edge_server *server, const struct app *app,
                                      bool *ret_acts, struct stint_error *error)
{
    const char *wanted = wanted_user(server, app);
    struct account account;
    *ret_acts = false;
    if (!account_is_root() || wanted[0] == '\0')
        return STINT_OK;
    enum stint_status status = account_find(wanted, &account, error);
    if (status != STINT_OK)
        return status;
    *ret_acts = true;
    return account_act_as(&account)
               ? STINT_OK
               : error_set(error, STINT_IO, STINT_NO_OFFSET, "cannot act as user '%s'", wanted);
}

enum stint_status fencing_act_as_self(struct stint_error *error)
{
    return account_be_root() ? STINT_OK
                             : error_set(error, STINT_IO, STINT_NO_OFFSET, "cannot be root again");
}

static enum stint_status become_user(struct edge_server *server, struct log_buffer *log,
                                     struct stint_error *error)
{
    const char *wanted = wanted_user(server, server->app->app);
    struct account account;
    if (!account_is_root()) {
        if (wanted[0] != '\0')
            log_line(log, LOG_INFO, NULL, NULL,
                     "not started by root, so it stays the user that it is, not %s", wanted);
        return STINT_OK;
    }
    if (wanted[0] == '\0') {
        log_line(log, LOG_WARN, NULL, NULL,
                 "it runs as root, which nothing in it needs once it listens: '--user NAME', or "
                 "user = \"NAME\" in [application.tool.stint.server], makes it another user");
        return STINT_OK;
    }
    enum stint_status status = account_find(wanted, &account, error);
    if (status != STINT_OK)
        return status;
    /* Root opened it; signals open it again. */
    if (server->log.owns_access)
        account_give_file(&account, access_log_path(server), atomic_load(&server->log.access_fd));
    status = account_become(&account, error);
    if (status != STINT_OK)
        return status;
    (void)snprintf(server->fence.user, sizeof(server->fence.user), "%s", account.name);
    return STINT_OK;
}

static void fence_off_files(struct edge_server *server, struct log_buffer *log)
{
    struct rules rules = {0};
    arena_init(&rules.arena, &alloc_root);
    buf_init(&rules.list, &alloc_root, RULES_BYTES_MAX);
    put_system(&rules);
    put_program(&rules);
    put_application(&rules, server->app);
    put_server(&rules, server);
    enum os_error reason = OS_NOMEM;
    if (!rules.failed)
        reason = fence_files((const struct fence_rule *)(const void *)rules.list.data,
                             rules.list.bytes / sizeof(struct fence_rule));
    server->fence.has_files = reason == OS_OK;
    if (reason == OS_NOSYS)
        log_line(log, LOG_WARN, NULL, NULL,
                 "this kernel has no Landlock (5.13 and later can have it), so files are guarded by "
                 "their permissions alone");
    else if (reason != OS_OK)
        log_line(log, LOG_WARN, NULL, NULL, "files are not fenced off: %s", os_error_text(reason));
    buf_free(&rules.list);
    arena_free(&rules.arena);
}

static enum edge_fence chosen(const struct edge_server *server)
{
    const char *text = server->options->fence != NULL ? server->options->fence
                                                      : server->app->app->server.fence;
    if (strcmp(text, "off") == 0)
        return EDGE_FENCE_OFF;
    if (strcmp(text, "warn") == 0)
        return EDGE_FENCE_WARN;
    if (strcmp(text, "on") == 0)
        return EDGE_FENCE_ON;
    /* The leak checker of this build traces the process at its end. */
    return strcmp(STINT_BUILD_FLAVOUR, "debug") == 0 ? EDGE_FENCE_OFF : EDGE_FENCE_ON;
}

static void fence_off(struct edge_server *server, struct log_buffer *log)
{
    struct edge_fencing *fence = &server->fence;
    enum os_error reason;
    if (fence->mode == EDGE_FENCE_ON) {
        reason = fence_capabilities();
        if (reason != OS_OK)
            log_line(log, LOG_WARN, NULL, NULL, "capabilities are kept: %s", os_error_text(reason));
        fence_off_files(server, log);
    }
    reason = fence_calls(fence->mode == EDGE_FENCE_ON ? FENCE_REFUSE : FENCE_REPORT);
    fence->has_calls = reason == OS_OK;
    if (reason != OS_OK)
        log_line(log, LOG_WARN, NULL, NULL, "calls of the system are not filtered: %s",
                 os_error_text(reason));
    log_line(log, LOG_INFO, NULL, NULL, "fence: %s%s%s%s",
             fence->user[0] != '\0' ? fence->user : account_is_root() ? "root" : "own user",
             fence_has_capabilities() ? ", capabilities" : ", no capabilities",
             fence->has_files ? ", files by Landlock" : ", all files",
             !fence->has_calls                  ? ", all calls of the system"
             : fence->mode == EDGE_FENCE_WARN ? ", calls of the system reported"
                                                : ", calls of the system by seccomp");
}

enum stint_status fencing_raise(struct edge_server *server, struct log_buffer *log)
{
    struct edge_fencing *fence = &server->fence;
    struct stint_error error = {0};
    fence->mode = chosen(server);
    enum stint_status status = become_user(server, log, &error);
    if (status != STINT_OK)
        log_line(log, LOG_ERROR, NULL, NULL, "%s", error.message);
    if (status == STINT_OK && fence->mode != EDGE_FENCE_OFF)
        fence_off(server, log);
    if (status == STINT_OK && fence->user[0] != '\0')
        look_at_files(server, log);
    return status;
}
