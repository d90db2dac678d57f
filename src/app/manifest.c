/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "app/manifest_int.h"
#include "app/routes.h"

/* ---- Beginning and end ------------------------------------------------------------------- */

static bool reader_begin(struct reader *r, const struct app_config *config,
                         struct app_problems *problems)
{
    memset(r, 0, sizeof(*r));
    r->config = config;
    r->problems = problems;
    arena_init(&r->scratch, config->alloc);
    r->app = alloc_get_zeroed(config->alloc, 1, sizeof(*r->app));
    if (r->app == NULL)
        return false;
    struct app *app = r->app;
    arena_init(&app->arena, config->alloc);
    app->name = app->version = app->description = app->manifest = "";
    app->folder = ".";
    app->http_base = "/";
    app->block_private = true;
    app->regions.here = app->regions.fallback = APP_NONE;
    app->regions.hop_secret = "";
    r->file = arena_copy_string(&problems->arena, config->path, strlen(config->path));
    const char *slash = strrchr(config->path, '/');
    if (slash != NULL)
        app->folder = slash == config->path
                          ? "/"
                          : reader_copy(r, config->path, (size_t)(slash - config->path));
    return r->file != NULL;
}

/* Moves the components to where they stay, frees what is in between, and says how it went. */
static enum stint_status reader_end(struct reader *r, size_t errors_before, struct app **ret_app)
{
    enum stint_status status = STINT_OK;
    struct alloc *alloc = r->config->alloc;
    if (r->app != NULL) {
        r->app->components =
            arena_copy(&r->app->arena, r->components, r->component_count * sizeof(*r->components));
        r->app->component_count = (uint32_t)r->component_count;
    }
    if (r->app == NULL || r->app->components == NULL || r->is_out_of_memory ||
        r->problems->is_out_of_memory) {
        app_problem_add(r->problems, false, NULL, 0, 0, "out of memory");
        status = STINT_NOMEM;
    } else if (r->problems->errors > errors_before) {
        status = STINT_INVALID;
    }
    alloc_put(alloc, r->components, r->component_capacity * sizeof(*r->components));
    alloc_put(alloc, r->component_tables, r->table_capacity * sizeof(*r->component_tables));
    arena_free(&r->scratch);
    if (status == STINT_OK)
        *ret_app = r->app;
    else
        app_free(r->app);
    return status;
}

void app_free(struct app *app)
{
    if (app == NULL)
        return;
    struct alloc *alloc = app->arena.alloc;
    arena_free(&app->arena);
    alloc_put(alloc, app, sizeof(*app));
}

bool app_wants_http(const struct app *app)
{
    bool has_route = false;
    for (uint32_t i = 0; i < app->http_count; i++)
        has_route |= app->http[i].route != NULL;
    return has_route || app->redis_count == 0 || app->server.has_listen || app->regions.count > 0;
}

uint32_t app_find_component(const struct app *app, const char *id)
{
    for (uint32_t i = 0; i < app->component_count; i++) {
        if (strcmp(app->components[i].id, id) == 0)
            return i;
    }
    return APP_NONE;
}

/* ---- Versions ---------------------------------------------------------------------------- */

/* 1, 2, or 0 where it is neither, which is said. */
static unsigned detect_version(struct reader *r)
{
    const struct toml_value *version = toml_member(r->root, "spin_manifest_version");
    if (version == NULL)
        version = toml_member(r->root, "spin_version");
    if (version == NULL)
        app_problem_add(r->problems, false, r->file, 1, 1,
                        "the key 'spin_manifest_version' is missing: expected "
                        "spin_manifest_version = 2");
    else if (toml_is(version, "1"))
        return 1;
    else if (version->kind == TOML_INTEGER && version->integer == 2)
        return 2;
    else
        reader_error(r, version, "spin_manifest_version: expected 2, or \"1\" of old");
    return 0;
}

static void read_application(struct reader *r, const struct toml_value *table)
{
    struct app *app = r->app;
    app->name = get_text(r, table, "name", "");
    app->version = get_text(r, table, "version", "");
    app->description = get_text(r, table, "description", "");
}

static void list_components_2(struct reader *r)
{
    const struct toml_value *components = toml_member(r->root, "component");
    if (components == NULL || components->kind != TOML_TABLE)
        return;
    for (const struct toml_value *t = components->first; t != NULL; t = t->next) {
        if (t->kind == TOML_TABLE && memchr(t->key, 0, t->key_bytes) == NULL)
            add_component(r, reader_copy(r, t->key, t->key_bytes), t, t);
    }
}

/* Version 1 allowed names with underscores and capitals. */
static const char *modern_id(struct reader *r, const struct toml_value *at, const char *old)
{
    if (shape_format_fits(FORMAT_KEBAB, old, NULL))
        return old;
    char *id = (char *)reader_copy(r, old, strlen(old));
    for (char *c = id; *c != 0; c++)
        *c = (char)(*c == '_' ? '-' : *c >= 'A' && *c <= 'Z' ? *c + 0x20 : *c);
    if (!shape_format_fits(FORMAT_KEBAB, id, NULL))
        reader_error(r, at, "component '%s': the name should be %s", old,
                     shape_format_expected(FORMAT_KEBAB));
    return id;
}

static void list_components_1(struct reader *r)
{
    const struct toml_value *components = toml_member(r->root, "component");
    for (const struct toml_value *t = first_table(components); t != NULL; t = t->next) {
        if (t->kind != TOML_TABLE)
            continue;
        const char *id = modern_id(r, t, get_text(r, t, "id", ""));
        for (size_t i = 0; i < r->component_count; i++) {
            if (strcmp(r->components[i].id, id) == 0)
                reader_error(r, t, "component '%s': the name is there already", id);
        }
        add_component(r, id, t, t);
    }
}

/* A profile that no component has is a slip. */
static void check_profile(struct reader *r)
{
    const char *profile = r->config->profile;
    for (size_t i = 0; i < r->component_count && profile != NULL; i++) {
        if (toml_member(toml_member(r->component_tables[i], "profile"), profile) != NULL)
            return;
    }
    if (profile != NULL)
        reader_error(r, NULL, "no component has a profile '%s'", profile);
}

/* Components that nothing calls. */
static void warn_unused(struct reader *r)
{
    for (uint32_t i = 0; i < r->component_count; i++) {
        bool is_used = false;
        const struct app_component *component = &r->components[i];
        for (uint32_t j = 0; j < r->app->http_count; j++)
            is_used |= r->app->http[j].component == i;
        for (uint32_t j = 0; j < r->app->redis_count; j++)
            is_used |= r->app->redis[j].component == i;
        for (size_t j = 0; j < r->component_count && !is_used; j++) {
            const struct toml_value *all = toml_member(r->component_tables[j], "dependencies");
            const struct toml_value *first = all == NULL || all->kind != TOML_TABLE ? NULL
                                                                                    : all->first;
            for (const struct toml_value *d = first; d != NULL; d = d->next)
                is_used |= toml_is(toml_member(d, "component"), component->id);
        }
        if (!is_used)
            app_problem_add(r->problems, true, r->file, component->line, component->column,
                            "component '%s': no trigger calls it", component->id);
    }
}

static void read_tree(struct reader *r)
{
    unsigned version = detect_version(r);
    const struct toml_value *application =
        version == 1 ? r->root : toml_member(r->root, "application");
    const struct toml_value *own =
        version == 1 ? NULL : toml_member(toml_member(application, "tool"), "stint");
    if (version == 0)
        return;
    r->app->manifest_version = version;
    r->app->manifest = reader_copy(r, r->config->path, strlen(r->config->path));
    shape_check(version == 1 ? &shape_manifest_1 : &shape_manifest, r->root, r->file, r->problems);
    read_runtime(r);
    read_providers(r);
    read_application(r, application);
    read_variables(r, toml_member(r->root, "variables"));
    read_server(r, own);
    if (version == 1) {
        list_components_1(r);
        read_triggers_1(r, toml_member(r->root, "trigger"));
    } else {
        list_components_2(r);
        read_triggers(r, toml_member(r->root, "trigger"));
    }
    check_profile(r);
    read_stores(r);
    read_regions(r, toml_member(own, "regions"));
    warn_unused(r);
    check_routes(r);
}

static void read_text(struct reader *r, const char *text, size_t bytes)
{
    struct stint_error error = {0};
    enum stint_status status =
        toml_parse(&r->scratch, text, bytes, MANIFEST_DEPTH_MAX, &r->root, &error);
    if (status == STINT_OK)
        read_tree(r);
    else if (status == STINT_NOMEM)
        r->is_out_of_memory = true;
    else
        app_problem_add(r->problems, false, r->file, error.line, error.column, "%s",
                        error.message);
}

enum stint_status app_read_text(const struct app_config *config, const char *text, size_t bytes,
                                struct app **ret_app, struct app_problems *problems)
{
    struct reader r;
    size_t errors = problems->errors;
    if (reader_begin(&r, config, problems))
        read_text(&r, text, bytes);
    return reader_end(&r, errors, ret_app);
}

enum stint_status app_read(const struct app_config *config, struct app **ret_app,
                           struct app_problems *problems)
{
    struct reader r;
    struct stint_error error = {0};
    enum stint_status status = STINT_OK;
    size_t errors = problems->errors, bytes;
    const char *text;
    if (reader_begin(&r, config, problems)) {
        r.opens_files = true;
        if (reader_load(&r, config->path, &text, &bytes, &status, &error))
            read_text(&r, text, bytes);
        else
            app_problem_add(problems, false, NULL, 0, 0, "%s", error.message);
    }
    enum stint_status end = reader_end(&r, errors, ret_app);
    return end == STINT_INVALID && status != STINT_OK ? status : end;
}

enum stint_status app_from_file(const struct app_config *config, struct app **ret_app,
                                struct app_problems *problems)
{
    static const struct toml_value empty = {.kind = TOML_TABLE};
    struct reader r;
    size_t errors = problems->errors;
    if (reader_begin(&r, config, problems)) {
        r.opens_files = true;
        r.root = &empty;
        read_runtime(&r);
        r.app->folder = ".";
        const char *slash = strrchr(config->path, '/');
        const char *name = slash == NULL ? config->path : slash + 1;
        size_t bytes = strcspn(name, ".");
        r.app->name = reader_copy(&r, name, bytes == 0 ? strlen(name) : bytes);
        read_server(&r, NULL);
        if (add_component(&r, shape_format_fits(FORMAT_KEBAB, r.app->name, NULL) ? r.app->name
                                                                                 : "app",
                          &empty, &empty) != APP_NONE) {
            read_components(&r);
            r.components[0].source.path = reader_copy(&r, config->path, strlen(config->path));
            struct app_http *http = reader_array(&r, 1, sizeof(*http));
            if (http != NULL) {
                *http = (struct app_http){.id = "http-trigger1",
                                          .route = "/...",
                                          .wagi_entrypoint = "_start",
                                          .wagi_argv = "${SCRIPT_NAME} ${ARGS}"};
                r.app->http = http;
                r.app->http_count = 1;
            }
        }
        read_stores(&r);
    }
    return reader_end(&r, errors, ret_app);
}
