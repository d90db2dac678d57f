/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/application.h"

#include <stdio.h>
#include <string.h>

#include "app/app_open.h"
#include "app/address.h"
#include "app/dependency.h"
#include "app/source_fetch.h"
#include "base/sha256.h"
#include "edge/fencing.h"
#include "edge/fitting.h"
#include "edge/mounts.h"
#include "edge/outbound.h"
#include "edge/regions.h"
#include "edge/request.h"
#include "edge/trigger.h"
#include "os/files.h"
#include "services/services.h"
#include "wasi/host_net.h"

/* ---- The manifest ------------------------------------------------------------------------ */

static void log_problems(struct log_buffer *log, struct app_problems *problems)
{
    struct buf text;
    buf_init(&text, &alloc_root, 1 << 20);
    if (app_problems_print(problems, &text) && text.bytes > 0) {
        char *at = (char *)text.data, *end = at + text.bytes;
        for (char *stop; at < end && (stop = memchr(at, '\n', (size_t)(end - at))); at = stop + 1)
            log_line(log, problems->errors > 0 ? LOG_ERROR : LOG_WARN, NULL, NULL, "%.*s",
                     (int)(stop - at), at);
    }
    buf_free(&text);
}

static enum stint_status read_app(const struct edge_options *options, struct log_buffer *log,
                                  struct app **ret_app)
{
    const struct app_open_options how = {.path = options->path,
                                         .runtime_config = options->runtime_config,
                                         .profile = options->profile,
                                         .region = options->region,
                                         .variables = options->variables,
                                         .variable_count = options->variable_count};
    struct app_problems problems;
    app_problems_init(&problems, &alloc_root);
    enum stint_status status = app_open(&how, ret_app, &problems);
    log_problems(log, &problems);
    app_problems_free(&problems);
    return status;
}

/* Trusted proxies of the options, and of the manifest. */
static enum stint_status read_trusted(const struct edge_options *options, struct edge_app *app,
                                      struct log_buffer *log)
{
    const struct app_blocks *given = &app->app->server.trusted_proxies;
    size_t count = options->trust_count + given->count;
    struct app_block *blocks = arena_get_zeroed(&app->app->arena, count + 1, sizeof(*blocks));
    if (blocks == NULL)
        return STINT_NOMEM;
    app->trusted = (struct app_blocks){blocks, (uint32_t)count};
    for (size_t i = 0; i < options->trust_count; i++) {
        if (!address_parse_block(options->trust[i], blocks++)) {
            log_line(log, LOG_ERROR, NULL, NULL,
                     "--trust-proxy: '%s' is no address and no block of addresses",
                     options->trust[i]);
            return STINT_INVALID;
        }
    }
    if (given->count > 0)
        memcpy(blocks, given->items, given->count * sizeof(*blocks));
    return STINT_OK;
}

/* ---- Components -------------------------------------------------------------------------- */

static void on_guest_log(void *user, bool is_stderr, const char *line, size_t bytes)
{
    struct request *request = user;
    if (request == NULL || !request->component->app->log_output ||
        !request_limits_log(request, bytes))
        return;
    log_line(&request->worker->log, is_stderr ? LOG_WARN : LOG_INFO, request->component->app->id,
             request->id, "%.*s", (int)bytes, line);
}

static const char **join_pairs(struct arena *arena, const struct app_pairs *pairs,
                               const struct edge_options *options, size_t *ret_count)
{
    size_t count = 0;
    const char **env = arena_get_zeroed(arena, pairs->count + options->env_count + 1, sizeof(*env));
    for (uint32_t i = 0; env != NULL && i < pairs->count; i++) {
        const struct app_pair *pair = &pairs->items[i];
        size_t bytes = strlen(pair->name) + strlen(pair->value) + 2;
        char *text = arena_get(arena, bytes);
        if (text == NULL)
            return NULL;
        (void)snprintf(text, bytes, "%s=%s", pair->name, pair->value);
        env[count++] = text;
    }
    for (size_t i = 0; env != NULL && i < options->env_count; i++)
        env[count++] = options->env[i];
    *ret_count = count;
    return env;
}

/* The component's first HTTP trigger. All of them have to run the same. */
static enum stint_status find_trigger(const struct app *app, uint32_t number,
                                      const struct app_http **ret_trigger,
                                      struct stint_error *error)
{
    const struct app_http *first = NULL;
    for (uint32_t i = 0; i < app->http_count; i++) {
        const struct app_http *http = &app->http[i];
        if (http->component != number)
            continue;
        if (first == NULL)
            first = http;
        if (http->is_wagi != first->is_wagi ||
            (http->is_wagi && strcmp(http->wagi_entrypoint, first->wagi_entrypoint) != 0))
            return error_set(error, STINT_INVALID, STINT_NO_OFFSET,
                             "its triggers have different executors or entrypoints: each such "
                             "needs a component of its own");
    }
    *ret_trigger = first;
    return STINT_OK;
}

static bool takes_messages(const struct app *app, uint32_t component)
{
    bool takes = false;
    for (uint32_t i = 0; i < app->redis_count; i++)
        takes |= app->redis[i].component == component;
    return takes;
}

static enum guest_kind kind_of(const struct app *app, const struct app_component *component,
                               const struct app_http *trigger, bool has_messages)
{
    if (trigger == NULL && (has_messages || component->is_dependency))
        return GUEST_SILENT;
    if (app->manifest_version == 0)
        return GUEST_ANY;
    return trigger != NULL && trigger->is_wagi ? GUEST_COMMAND : GUEST_HANDLER;
}

static enum stint_status make_files(const struct edge_server *server, struct edge_app *app,
                                    struct edge_component *component, struct stint_error *error)
{
    char path[MOUNTS_PATH_BYTES];
    bool is_other = false;
    if (!mounts_need_tree(app->app, component->app))
        return STINT_OK;
    enum stint_status status = fencing_act_as_user(server, app->app, &is_other, error);
    if (status == STINT_OK)
        status = mounts_tree_create(app->app, component->app, app->version, path, error);
    struct stint_error further = {0};
    if (is_other && fencing_act_as_self(&further) != STINT_OK) {
        *error = further;
        status = STINT_IO;
    }
    if (status != STINT_OK)
        return status;
    component->files = arena_copy_string(&app->app->arena, path, strlen(path));
    if (component->files != NULL)
        return STINT_OK;
    mounts_tree_remove(path);
    return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "out of memory");
}

/* The files of the component's dependencies, downloaded if need be. */
static enum stint_status find_dependencies(struct arena *arena, const struct app *app,
                                           const struct app_component *from,
                                           struct guest_config *config, struct stint_error *error)
{
    const char *manifest = dependency_shown(app->folder, app->manifest);
    struct guest_dependency *items =
        arena_get_zeroed(arena, (size_t)from->dependency_count + 1, sizeof(*items));
    if (items == NULL)
        return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "out of memory");
    for (uint32_t i = 0; i < from->dependency_count; i++) {
        const struct app_dependency *dependency = &from->dependencies[i];
        struct stint_error why = {0};
        items[i].from = dependency;
        enum stint_status status = source_fetch(arena, &dependency->source, &items[i].path, &why);
        if (status != STINT_OK)
            return error_set(error, status, STINT_NO_OFFSET, "%s:%u: dependency '%.100s': %s",
                             manifest, dependency->line, dependency->name, why.message);
    }
    config->manifest = manifest;
    config->folder = app->folder;
    config->dependencies = items;
    config->dependency_count = from->dependency_count;
    return STINT_OK;
}

static enum stint_status load_component(struct edge_server *server, struct edge_app *app,
                                        uint32_t number, struct stint_error *error)
{
    struct edge_component *component = &app->components[number];
    const struct app_component *from = component->app;
    struct file_stat stat;
    struct arena arena;
    component->path = from->source.kind == APP_SOURCE_FILE ? from->source.path : from->source.url;
    enum stint_status status = find_trigger(app->app, number, &component->trigger, error);
    if (status == STINT_OK)
        status = source_fetch(&app->app->arena, &from->source, &component->path, error);
    if (status != STINT_OK)
        return status;
    if (from->build_commands.count > 0 && file_stat_host(component->path, &stat) == OS_NOENT)
        return error_set(error, STINT_NOT_FOUND, STINT_NO_OFFSET,
                         "it is not there: 'stint build' makes it");
    app->nets[number] = outbound_create(app->app, from, &component->policy);
    if (app->nets[number] == NULL)
        return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "out of memory");
    arena_init(&arena, &alloc_root);
    const struct app_http *trigger = component->trigger;
    bool has_messages = takes_messages(app->app, number);
    struct guest_config config = {.kind = kind_of(app->app, from, trigger, has_messages),
                                  .takes_messages = has_messages,
                                  .entry = trigger != NULL ? trigger->wagi_entrypoint : NULL,
                                  .id = from->id,
                                  .path = component->path,
                                  .net = app->nets[number],
                                  .outbound = {from->limits.outbound_calls,
                                               from->limits.outbound_concurrency,
                                               from->limits.outbound_timeout_ns},
                                  .chain = request_chain,
                                  .call_begin = request_call_begin,
                                  .call_end = request_call_end,
                                  .service_called = request_service_called,
                                  .services = app->services,
                                  .component = from,
                                  .wants_digest = server->options->admin != NULL ||
                                                  app->app->server.admin_listen[0] != '\0',
                                  .wants_text = server->options->check,
                                  .limits = store_limits_default(),
                                  .log = on_guest_log};
    if (from->reuse == APP_REUSE_INSTANCE)
        config.reuse_max = from->reuse_max;
    config.instances_warm = from->warm_instances;
    if (from->limits.memory_bytes != APP_UNLIMITED)
        config.limits.memory_bytes_max = from->limits.memory_bytes;
    if (from->limits.concurrency < UINT32_MAX)
        config.instances_max = (uint32_t)from->limits.concurrency;
    config.env = join_pairs(&arena, &from->environment, server->options, &config.env_count);
    status = find_dependencies(&arena, app->app, from, &config, error);
    if (status == STINT_OK)
        status = make_files(server, app, component, error);
    config.dirs = mounts_dirs(&arena, app->app, from, component->files, &config.dir_count);
    if (status == STINT_OK)
        status = config.env != NULL && config.dirs != NULL
                     ? guest_create(server->engine, &config, &component->guest, error)
                     : error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "out of memory");
    arena_free(&arena);
    return status;
}

/* Clients are told no more than this, and who reads the log finds the reason by it. */
static void name_problem(struct edge_component *component)
{
    uint8_t digest[SHA256_BYTES];
    char digits[SHA256_HEX_BYTES];
    struct sha256 sha;
    sha256_begin(&sha);
    sha256_add(&sha, component->app->id, strlen(component->app->id) + 1);
    sha256_add(&sha, component->problem, strlen(component->problem));
    sha256_end(&sha, digest);
    sha256_hex(digest, digits);
    (void)snprintf(component->problem_id, sizeof(component->problem_id), "%.8s", digits);
}

/* False: there are components, and none of them loads. */
static bool load_components(struct edge_server *server, struct edge_app *app,
                            struct log_buffer *log)
{
    uint32_t loaded = 0;
    for (uint32_t i = 0; i < app->app->component_count; i++) {
        struct edge_component *component = &app->components[i];
        struct stint_error error = {0};
        component->app = &app->app->components[i];
        if (!component_limits_init(component) ||
            load_component(server, app, i, &error) != STINT_OK) {
            (void)snprintf(component->problem, sizeof(component->problem), "%s", error.message);
            name_problem(component);
            log_line(log, LOG_ERROR, component->app->id, NULL, "%s: %s (problem %s)",
                     component->path != NULL ? component->path : "", error.message,
                     component->problem_id);
            continue;
        }
        loaded++;
        const char *refusal = guest_refusal(component->guest);
        if (refusal != NULL)
            log_line(log, LOG_WARN, component->app->id, NULL, "its machine code is not used: %s",
                     refusal);
        else if (!guest_has_code(component->guest))
            log_line(log, LOG_WARN, component->app->id, NULL,
                     "it has no machine code, so it starts interpreted: 'stint compile %s' makes it "
                     "fast from the first request on",
                     component->path);
    }
    return loaded > 0 || app->app->component_count == 0;
}

/* ---- Certificates for guests' connections ------------------------------------------------ */

static void say_tls(void *env, bool is_error, const char *message)
{
    log_line(env, is_error ? LOG_ERROR : LOG_WARN, NULL, NULL, "client_tls: %s", message);
}

static enum stint_status create_services(struct edge_app *app, struct log_buffer *log,
                                         struct stint_error *error)
{
    enum stint_status status = services_create(app->app, &app->services, error);
    if (status != STINT_OK)
        return status;
    return services_read_tls(app->services, say_tls, log) ? STINT_OK : STINT_INVALID;
}

/* ---- Geo databases ----------------------------------------------------------------------- */

static bool are_same(const struct app_texts *left, const struct app_texts *right)
{
    bool same = left->count == right->count;
    for (uint32_t i = 0; same && i < left->count; i++)
        same = strcmp(left->items[i], right->items[i]) == 0;
    return same;
}

/* Those of the version before, where they are the same files. */
static enum stint_status open_geo(const struct edge_server *server, struct edge_app *app,
                                  struct log_buffer *log)
{
    const struct edge_options *options = server->options;
    const struct app_texts *more = &app->app->server.geo_databases;
    size_t count = 0;
    if (server->app != NULL && are_same(more, &server->app->app->server.geo_databases)) {
        app->geo = geo_retain(server->app->geo);
        return STINT_OK;
    }
    const char **paths = arena_get_zeroed(&app->app->arena, options->geo_count + more->count + 1,
                                          sizeof(*paths));
    if (paths == NULL)
        return STINT_NOMEM;
    for (size_t i = 0; i < options->geo_count; i++)
        paths[count++] = options->geo[i];
    for (uint32_t i = 0; i < more->count; i++)
        paths[count++] = more->items[i];
    return geo_create(paths, count, log, &app->geo);
}

/* ---- Versions ---------------------------------------------------------------------------- */

enum stint_status application_load(struct edge_server *server, struct log_buffer *log,
                                   struct edge_app **ret_app)
{
    struct edge_app *app = alloc_get_zeroed(&alloc_root, 1, sizeof(*app));
    if (app == NULL)
        return STINT_NOMEM;
    static atomic_ullong versions;
    atomic_init(&app->references, 1);
    app->version = atomic_fetch_add(&versions, 1) + 1;
    enum stint_status status = read_app(server->options, log, &app->app);
    if (status == STINT_OK) {
        size_t count = app->app->component_count;
        app->components = alloc_get_zeroed(&alloc_root, count + 1, sizeof(*app->components));
        app->nets = alloc_get_zeroed(&alloc_root, count + 1, sizeof(*app->nets));
        app->trigger_counts = arena_get_zeroed(&app->app->arena, app->app->redis_count + 1,
                                               sizeof(*app->trigger_counts));
        if (app->components == NULL || app->nets == NULL || app->trigger_counts == NULL)
            status = STINT_NOMEM;
    }
    struct stint_error error = {0};
    if (status == STINT_OK)
        status = fitting_look(server, app->app, log);
    if (status == STINT_OK)
        status = read_trusted(server->options, app, log);
    if (status == STINT_OK)
        status = open_geo(server, app, log);
    if (status == STINT_OK)
        status = regions_attach(server->regions, app, log);
    if (status == STINT_OK)
        status = routes_create(&alloc_root, app->app, &app->routes, &error);
    if (status == STINT_OK)
        status = create_services(app, log, &error);
    if (status != STINT_OK && error.message[0] != '\0')
        log_line(log, LOG_ERROR, NULL, NULL, "%s", error.message);
    if (status == STINT_OK && !load_components(server, app, log))
        status = STINT_INVALID;
    if (status == STINT_OK)
        *ret_app = app;
    else
        application_release(app);
    return status;
}

struct edge_app *application_retain(struct edge_app *app)
{
    atomic_fetch_add_explicit(&app->references, 1, memory_order_relaxed);
    return app;
}

void application_release(struct edge_app *app)
{
    if (app == NULL ||
        atomic_fetch_sub_explicit(&app->references, 1, memory_order_acq_rel) != 1)
        return;
    size_t count = app->app != NULL ? app->app->component_count : 0;
    for (size_t i = 0; i < count; i++) {
        if (app->components != NULL) {
            guest_free(app->components[i].guest);
            component_limits_free(&app->components[i]);
            if (app->components[i].files != NULL)
                mounts_tree_remove(app->components[i].files);
        }
        if (app->nets != NULL)
            host_net_free(app->nets[i]);
    }
    alloc_put(&alloc_root, app->components,
              app->components != NULL ? (count + 1) * sizeof(*app->components) : 0);
    alloc_put(&alloc_root, app->nets, app->nets != NULL ? (count + 1) * sizeof(*app->nets) : 0);
    geo_free(app->geo);
    services_free(app->services);
    routes_free(app->routes);
    app_free(app->app);
    alloc_put(&alloc_root, app, sizeof(*app));
}
