/* SPDX-License-Identifier: Apache-2.0 */
/* Components of a manifest. */
#include <stdio.h>
#include <string.h>

#include "app/dependency.h"
#include "app/manifest_int.h"
#include "app/policy.h"
#include "base/nearest.h"
#include "base/units.h"

struct app_limits app_limits_default(void)
{
    return (struct app_limits){
        .memory_bytes = UINT64_C(256) << 20,
        .fuel = APP_UNLIMITED,
        .cpu_ns = APP_UNLIMITED,
        .timeout_ns = UINT64_C(30) * 1000000000,
        .concurrency = APP_UNLIMITED,
        .queue = 1000,
        .queue_timeout_ns = UINT64_C(5) * 1000000000,
        .request_bytes = UINT64_C(16) << 20,
        .response_bytes = APP_UNLIMITED,
        .outbound_calls = 100,
        .outbound_concurrency = 16,
        .outbound_timeout_ns = UINT64_C(30) * 1000000000,
        .log_bytes = UINT64_C(64) << 10,
        .cpu_budget_ns = APP_UNLIMITED,
    };
}

/* "100/s", "20/m", "unlimited". */
static void read_rate(struct reader *r, const struct toml_value *table, struct app_rate *rate)
{
    const char *text = get_text(r, table, "rate", NULL);
    if (text != NULL && shape_format_fits(FORMAT_RATE, text, NULL)) {
        *rate = (struct app_rate){0};
        const char *at = text;
        for (; *at >= '0' && *at <= '9'; at++)
            rate->count = rate->count * 10 + (uint64_t)(*at - '0');
        uint64_t seconds = at[0] == 0 || at[1] == 's' ? 1 : at[1] == 'm' ? 60 : 3600;
        rate->per_ns = seconds * 1000000000;
        rate->burst = rate->count;
    }
    rate->burst = get_integer(table, "rate_burst", rate->burst);
}

void read_limits(struct reader *r, const struct toml_value *table, struct app_limits *limits)
{
    limits->memory_bytes = get_size(table, "memory", limits->memory_bytes);
    limits->fuel = get_count(table, "fuel", limits->fuel);
    limits->cpu_ns = get_duration(table, "cpu", limits->cpu_ns);
    limits->timeout_ns = get_duration(table, "timeout", limits->timeout_ns);
    limits->concurrency = get_count(table, "concurrency", limits->concurrency);
    limits->queue = get_count(table, "queue", limits->queue);
    limits->queue_timeout_ns = get_duration(table, "queue_timeout", limits->queue_timeout_ns);
    limits->request_bytes = get_size(table, "request_size", limits->request_bytes);
    limits->response_bytes = get_size(table, "response_size", limits->response_bytes);
    limits->outbound_calls = get_count(table, "outbound_calls", limits->outbound_calls);
    limits->outbound_concurrency =
        get_count(table, "outbound_concurrency", limits->outbound_concurrency);
    limits->outbound_timeout_ns =
        get_duration(table, "outbound_timeout", limits->outbound_timeout_ns);
    limits->log_bytes = get_size(table, "log_size", limits->log_bytes);
    limits->cpu_budget_ns = get_duration(table, "cpu_budget", limits->cpu_budget_ns);
    read_rate(r, table, &limits->rate);
}

/* ---- Sources ----------------------------------------------------------------------------- */

static unsigned hex_digit(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

/* { url, digest } or { registry, package, version }; `where` is "component 'x': ". */
static void read_source_table(struct reader *r, const struct toml_value *table, const char *where,
                              struct app_source *source)
{
    const struct toml_value *url = toml_member(table, "url");
    const struct toml_value *digest = toml_member(table, "digest");
    const struct toml_value *package = toml_member(table, "package");
    if ((url != NULL) == (package != NULL)) {
        reader_error(r, table, "%ssource: expected { url, digest } or { registry, package, "
                               "version }",
                     where);
        return;
    }
    if (package != NULL) {
        source->kind = APP_SOURCE_REGISTRY;
        source->package = get_text(r, table, "package", "");
        source->version = get_text(r, table, "version", "");
        source->url = get_text(r, table, "registry", "");
        if (source->version[0] == 0)
            reader_error(r, table, "%ssource: the key 'version' is missing", where);
        return;
    }
    source->kind = APP_SOURCE_URL;
    source->url = get_text(r, table, "url", "");
    if (!shape_format_fits(FORMAT_URL, source->url, NULL))
        reader_error(r, url, "%ssource: expected %s, found \"%s\"", where,
                     shape_format_expected(FORMAT_URL), source->url);
    if (!is_text(digest) || !shape_format_fits(FORMAT_DIGEST, digest->text, NULL)) {
        reader_error(r, digest == NULL ? table : digest,
                     "%ssource: the key 'digest' should be %s: what is downloaded must be known",
                     where, shape_format_expected(FORMAT_DIGEST));
        return;
    }
    for (size_t i = 0; i < sizeof(source->sha256); i++)
        source->sha256[i] = (uint8_t)(hex_digit(digest->text[7 + 2 * i]) << 4 |
                                      hex_digit(digest->text[8 + 2 * i]));
}

static struct app_source read_source(struct reader *r, const struct toml_value *value,
                                     const char *where)
{
    struct app_source source = {.path = "", .url = "", .package = "", .version = ""};
    if (is_text(value))
        source.path = reader_path(r, r->app->folder, value->text);
    else if (value != NULL && value->kind == TOML_TABLE)
        read_source_table(r, value, where, &source);
    return source;
}

/* ---- Parts ------------------------------------------------------------------------------- */

static void read_mounts(struct reader *r, const struct toml_value *files, const char *where,
                        struct app_component *component)
{
    if (files == NULL || files->kind != TOML_ARRAY)
        return;
    struct app_mount *mounts = reader_array(r, files->count, sizeof(*mounts));
    if (mounts == NULL)
        return;
    component->files = mounts;
    for (const struct toml_value *item = files->first; item != NULL; item = item->next) {
        struct app_mount *mount = &mounts[component->file_count];
        if (is_text(item)) {
            size_t bytes = item->text_bytes;
            const char *last = strrchr(item->text, '/');
            last = last == NULL ? item->text : last + 1;
            if (strcmp(last, "..") == 0 || strcmp(last, ".") == 0)
                reader_error(r, item, "%sfiles: a pattern cannot end in '%s': use { source, "
                                      "destination }, or end it in **/*",
                             where, last);
            mount->source = reader_copy(r, item->text, bytes);
            component->file_count++;
        } else if (item->kind == TOML_TABLE) {
            mount->source = get_text(r, item, "source", "");
            /* What guests see begins with a slash, written or not. */
            mount->destination = get_text(r, item, "destination", "");
            if (mount->destination[0] != '/')
                mount->destination = reader_format(r, "/%s", mount->destination);
            component->file_count++;
        }
    }
}

static void read_component_variables(struct reader *r, const struct toml_value *table,
                                     const char *where, struct app_component *component)
{
    if (table == NULL || table->kind != TOML_TABLE)
        return;
    struct app_pair *pairs = reader_array(r, table->count, sizeof(*pairs));
    bool *secrets = reader_array(r, table->count, sizeof(*secrets));
    if (pairs == NULL || secrets == NULL)
        return;
    component->variables.items = pairs;
    component->variable_secret = secrets;
    for (const struct toml_value *item = table->first; item != NULL; item = item->next) {
        if (!is_text(item) || memchr(item->key, 0, item->key_bytes) != NULL)
            continue;
        uint32_t at = component->variables.count;
        const char *value = resolve_template(r, item, where, &secrets[at]);
        pairs[at].name = reader_copy(r, item->key, item->key_bytes);
        pairs[at].value = value == NULL ? "" : value;
        component->variables.count++;
    }
}

/* Appends one rule of hosts, if it is right. */
static void add_host(struct reader *r, const struct toml_value *at, const char *where,
                     const char *text, const char **items, uint32_t *count)
{
    char why[200];
    /* An empty variable leaves an empty rule, which allows nothing. */
    if (strcmp(text, "") == 0 || strcmp(text, "http://") == 0 || strcmp(text, "https://") == 0)
        return;
    if (policy_rule_is_valid(text, why, sizeof(why)))
        items[(*count)++] = text;
    else
        reader_error(r, at, "%sallowed_outbound_hosts: \"%s\": %s", where, text, why);
}

/* Version 1, and of old: hosts without a scheme, for HTTP only. */
static void add_http_host(struct reader *r, const struct toml_value *item, const char *where,
                          const char **items, uint32_t *count)
{
    const char *host = item->text;
    if (strncmp(host, "http://", 7) == 0 || strncmp(host, "https://", 8) == 0)
        host = strstr(host, "//") + 2;
    else if (strstr(host, "//") != NULL) {
        reader_error(r, item, "%sallowed_http_hosts: expected a host, or a host and a port, found "
                              "\"%s\"",
                     where, item->text);
        return;
    }
    int bytes = (int)strcspn(host, "/");
    if (host[bytes] != 0 && host[bytes + 1] != 0) {
        reader_error(r, item, "%sallowed_http_hosts: \"%s\" has a path", where, item->text);
        return;
    }
    if (strcmp(host, "self") != 0)
        add_host(r, item, where, reader_format(r, "https://%.*s", bytes, host), items, count);
    add_host(r, item, where, reader_format(r, "http://%.*s", bytes, host), items, count);
}

static void read_hosts(struct reader *r, const struct toml_value *table, const char *where,
                       struct app_component *component)
{
    const struct toml_value *hosts = toml_member(table, "allowed_outbound_hosts");
    const struct toml_value *http = toml_member(table, "allowed_http_hosts");
    bool is_1 = r->app->manifest_version == 1;
    size_t most = 6;
    most += hosts != NULL && hosts->kind == TOML_ARRAY ? hosts->count : 0;
    most += http != NULL && http->kind == TOML_ARRAY ? 2 * (size_t)http->count : 0;
    const char **items = reader_array(r, most, sizeof(*items));
    uint32_t count = 0;
    if (items == NULL)
        return;
    if (hosts != NULL && hosts->kind == TOML_ARRAY) {
        for (const struct toml_value *item = hosts->first; item != NULL; item = item->next) {
            const char *text = is_text(item) ? resolve_template(r, item, where, NULL) : NULL;
            if (text != NULL)
                add_host(r, item, where, text, items, &count);
        }
    } else if (is_1) {
        items[count++] = "redis://*:*";
        items[count++] = "mysql://*:*";
        items[count++] = "postgres://*:*";
    }
    bool is_all = false;
    const struct toml_value *first = http != NULL && http->kind == TOML_ARRAY ? http->first : NULL;
    for (const struct toml_value *item = first; item != NULL; item = item->next)
        is_all |= toml_is(item, "insecure:allow-all");
    if (is_all) {
        items[count++] = "http://*:*";
        items[count++] = "https://*:*";
        items[count++] = "http://self";
    }
    for (const struct toml_value *item = first; item != NULL && !is_all; item = item->next) {
        if (is_text(item))
            add_http_host(r, item, where, items, &count);
    }
    if (first != NULL && !is_1)
        reader_warning(r, http, "%sallowed_http_hosts is of old: use allowed_outbound_hosts",
                       where);
    component->outbound = (struct app_texts){.items = items, .count = count};
}

static void read_build(struct reader *r, const struct toml_value *build,
                       struct app_component *component)
{
    component->build_folder = get_path(r, r->app->folder, build, "workdir", r->app->folder);
    component->build_commands = get_texts(r, build, "command");
    component->build_watch = get_texts(r, build, "watch");
}

/* ---- Stint's own ------------------------------------------------------------------------- */

static void read_static(struct reader *r, const struct toml_value *value,
                        struct app_static *statics)
{
    statics->index = "index.html";
    if (value == NULL)
        return;
    statics->is_on = value->kind == TOML_BOOLEAN ? value->boolean : true;
    statics->index = get_text(r, value, "index", "index.html");
    statics->fallback = get_text(r, value, "fallback", NULL);
    statics->max_age_s = get_duration(value, "max_age", 0) / 1000000000;
    statics->immutable = get_boolean(value, "immutable", false);
}

static void read_own(struct reader *r, const struct toml_value *own,
                     struct app_component *component)
{
    const struct toml_value *reuse = toml_member(own, "reuse");
    read_limits(r, toml_member(own, "limits"), &component->limits);
    component->reuse = toml_is(reuse, "instance")   ? APP_REUSE_INSTANCE
                       : toml_is(reuse, "snapshot") ? APP_REUSE_SNAPSHOT
                                                    : APP_REUSE_FRESH;
    component->reuse_max = get_integer(own, "reuse_max", 1000);
    component->warm_path = get_text(r, own, "warm_path", "/");
    component->warm_instances = (uint32_t)get_integer(own, "warm", 0);
    component->regions = get_texts(r, own, "regions");
    component->hosts = get_texts(r, own, "hosts");
    component->log_output = get_boolean(own, "log", true);
    component->has_geo_headers = get_boolean(own, "geo_headers", true);
    read_static(r, toml_member(own, "static"), &component->statics);
}

/* ---- Dependencies ------------------------------------------------------------------------ */

/* Which permissions a component that is a dependency has of its own: they would mean nothing. */
static void refuse_permissions(struct reader *r, const struct toml_value *at, const char *where,
                               const char *id, const struct toml_value *table)
{
    static const char *const keys[] = {
        "ai_models",        "allowed_http_hosts", "allowed_outbound_hosts",
        "dependencies",     "environment",        "files",
        "key_value_stores", "sqlite_databases",   "variables",
    };
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        const struct toml_value *value = toml_member(table, keys[i]);
        if (value != NULL && value->count > 0)
            reader_error(r, at, "%scomponent '%s' cannot be a dependency: it has '%s' of its own",
                         where, id, keys[i]);
    }
}

/* The keys of permissions that a dependency has of the component's. */
static void check_inherited(struct reader *r, const struct toml_value *inherit, const char *where)
{
    const struct toml_value *item =
        inherit != NULL && inherit->kind == TOML_ARRAY ? inherit->first : NULL;
    for (; item != NULL; item = item->next) {
        struct nearest nearest = {.wanted = item->text, .wanted_bytes = item->text_bytes};
        bool is_known = !is_text(item); /* its shape is wrong, which was said */
        for (size_t i = 0; !is_known && dependency_key(i) != NULL; i++) {
            is_known = strcmp(dependency_key(i), item->text) == 0;
            nearest_offer(&nearest, dependency_key(i), strlen(dependency_key(i)));
        }
        if (!is_known)
            reader_error(r, item, "%sinherit_configuration: nothing called '%s' can be inherited%s%s%s",
                         where, item->text, nearest.best != NULL ? " (nearest: '" : "",
                         nearest.best != NULL ? nearest.best : "", nearest.best != NULL ? "')" : "");
    }
}

static void read_dependency_source(struct reader *r, const struct toml_value *value,
                                   const char *where, const char *own_id,
                                   struct app_source *source)
{
    const struct toml_value *path = toml_member(value, "path");
    const struct toml_value *component = toml_member(value, "component");
    if (is_text(value)) {
        source->kind = APP_SOURCE_REGISTRY;
        source->version = reader_copy(r, value->text, value->text_bytes);
    } else if (is_text(path)) {
        source->path = reader_path(r, r->app->folder, path->text);
    } else if (component != NULL && toml_is(component, own_id)) {
        reader_error(r, component, "%sa component cannot be its own dependency", where);
    } else if (component != NULL) {
        uint32_t index = find_named_component(r, component, where);
        if (index != APP_NONE) {
            struct app_component *found = &r->components[index];
            found->is_dependency = true;
            *source = found->source;
            refuse_permissions(r, component, where, found->id, r->component_tables[index]);
        }
    } else if (toml_member(value, "url") != NULL) {
        read_source_table(r, value, where, source);
    } else {
        source->kind = APP_SOURCE_REGISTRY;
        source->url = get_text(r, value, "registry", "");
        source->package = get_text(r, value, "package", "");
        source->version = get_text(r, value, "version", "");
        if (source->version[0] == 0)
            reader_error(r, value, "%sexpected one of 'version', 'path', 'url' or 'component'",
                         where);
    }
}

static void read_dependency(struct reader *r, const struct toml_value *value, bool inherits_all,
                            bool has_common, const char *component,
                            struct app_dependency *dependency)
{
    char where[200];
    const struct toml_value *inherit = toml_member(value, "inherit_configuration");
    dependency->source = (struct app_source){.path = "", .url = "", .package = "", .version = ""};
    dependency->name = reader_copy(r, value->key, value->key_bytes);
    dependency->line = value->key_line;
    dependency->column = value->key_column;
    snprintf(where, sizeof(where), "component '%s': dependency '%.100s': ", component,
             dependency->name);
    read_dependency_source(r, value, where, component, &dependency->source);
    dependency->export = get_text(r, value, "export", NULL);
    dependency->inherits = get_texts(r, value, "inherit_configuration");
    check_inherited(r, inherit, where);
    dependency->inherits_all =
        inherits_all || (inherit != NULL && inherit->kind == TOML_BOOLEAN && inherit->boolean);
    if (inherit != NULL && has_common)
        reader_error(r, inherit, "%sinherit_configuration cannot stand beside "
                                 "dependencies_inherit_configuration",
                     where);
    bool is_plain = strchr(dependency->name, ':') == NULL;
    if (is_plain && dependency->source.kind == APP_SOURCE_REGISTRY &&
        dependency->source.package[0] == 0)
        reader_error(r, value, "%sa plain name needs a 'package'", where);
    if (!is_plain && strchr(dependency->name, '/') == NULL && dependency->export != NULL)
        reader_error(r, value, "%sa whole package cannot be met with one 'export'", where);
    if (dependency->source.kind == APP_SOURCE_REGISTRY && dependency->source.version[0] != 0)
        reader_error(r, value, "%sregistries are not supported yet: give a 'path', or 'url' and "
                               "'digest'",
                     where);
}

static void read_dependencies(struct reader *r, const struct toml_value *table,
                              const struct toml_value *overrides, struct app_component *component)
{
    const struct toml_value *common = toml_member(table, "dependencies_inherit_configuration");
    const struct toml_value *own = toml_member(table, "dependencies");
    const struct toml_value *lists[] = {own, toml_member(overrides, "dependencies")};
    size_t most = 0;
    for (size_t i = 0; i < COUNT_OF(lists); i++)
        most += lists[i] != NULL && lists[i]->kind == TOML_TABLE ? lists[i]->count : 0;
    struct app_dependency *items = most == 0 ? NULL : reader_array(r, most, sizeof(*items));
    if (items == NULL)
        return;
    component->dependencies = items;
    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        if (lists[i] == NULL || lists[i]->kind != TOML_TABLE)
            continue;
        for (const struct toml_value *item = lists[i]->first; item != NULL; item = item->next) {
            if (item->kind != TOML_STRING && item->kind != TOML_TABLE)
                continue;
            if (i == 0 && toml_member(lists[1], item->key) != NULL)
                continue; /* the profile has another */
            read_dependency(r, item, common != NULL && common->kind == TOML_BOOLEAN &&
                                         common->boolean,
                            common != NULL, component->id,
                            &items[component->dependency_count++]);
        }
    }
}

/* ---- Components -------------------------------------------------------------------------- */

uint32_t add_component(struct reader *r, const char *id, const struct toml_value *table,
                       const struct toml_value *key)
{
    struct alloc *alloc = r->config->alloc;
    if (r->component_count == MANIFEST_ITEMS_MAX) {
        reader_error(r, table, "more than %u components", MANIFEST_ITEMS_MAX);
        return APP_NONE;
    }
    if (!vec_reserve(alloc, &r->components, &r->component_capacity, r->component_count + 1,
                     sizeof(*r->components)) ||
        !vec_reserve(alloc, &r->component_tables, &r->table_capacity, r->component_count + 1,
                     sizeof(*r->component_tables))) {
        r->is_out_of_memory = true;
        return APP_NONE;
    }
    uint32_t index = (uint32_t)r->component_count++;
    r->components[index] = (struct app_component){
        .id = id,
        .line = key->key_line != 0 ? key->key_line : key->line,
        .column = key->key_line != 0 ? key->key_column : key->column,
    };
    r->component_tables[index] = table;
    return index;
}

static const struct toml_value *find_profile(const struct reader *r,
                                             const struct toml_value *table)
{
    return r->config->profile == NULL
               ? NULL
               : toml_member(toml_member(table, "profile"), r->config->profile);
}

/* What can be read without knowing the other components. */
static void read_component(struct reader *r, struct app_component *component,
                           const struct toml_value *table, const struct app_limits *limits)
{
    char where[100];
    const struct toml_value *profile = find_profile(r, table);
    const struct toml_value *source = toml_member(profile, "source");
    const struct toml_value *build = toml_member(profile, "build");
    const char *variables = r->app->manifest_version == 1 ? "config" : "variables";
    snprintf(where, sizeof(where), "component '%.64s': ", component->id);
    component->source =
        read_source(r, source != NULL ? source : toml_member(table, "source"), where);
    component->description = get_text(r, table, "description", "");
    component->environment = get_pairs(r, table, "environment");
    read_component_variables(r, toml_member(table, variables), where, component);
    read_mounts(r, toml_member(table, "files"), where, component);
    component->exclude_files = get_texts(r, table, "exclude_files");
    read_hosts(r, table, where, component);
    component->key_value_stores = get_texts(r, table, "key_value_stores");
    component->sqlite_databases = get_texts(r, table, "sqlite_databases");
    component->ai_models = get_texts(r, table, "ai_models");
    if (component->ai_models.count > 0)
        reader_warning(r, toml_member(table, "ai_models"),
                       "%sai_models: there are no models here; calls will fail", where);
    read_build(r, toml_member(table, "build"), component);
    if (build != NULL)
        component->build_commands = get_texts(r, build, "command");
    component->limits = *limits;
    read_own(r, toml_member(toml_member(table, "tool"), "stint"), component);
}

/* A profile's environment: instead of, and after, the component's. */
static void merge_environment(struct reader *r, const struct toml_value *profile,
                              struct app_component *component)
{
    struct app_pairs more = get_pairs(r, profile, "environment");
    if (more.count == 0)
        return;
    struct app_pair *items =
        reader_array(r, (size_t)component->environment.count + more.count, sizeof(*items));
    uint32_t count = 0;
    if (items == NULL)
        return;
    for (uint32_t i = 0; i < component->environment.count; i++) {
        const struct app_pair *pair = &component->environment.items[i];
        bool is_replaced = false;
        for (uint32_t j = 0; j < more.count; j++)
            is_replaced |= strcmp(pair->name, more.items[j].name) == 0;
        if (!is_replaced)
            items[count++] = *pair;
    }
    for (uint32_t j = 0; j < more.count; j++)
        items[count++] = more.items[j];
    component->environment = (struct app_pairs){.items = items, .count = count};
}

void read_components(struct reader *r)
{
    const struct toml_value *application = toml_member(r->root, "application");
    const struct toml_value *own = toml_member(toml_member(application, "tool"), "stint");
    struct app_limits limits = app_limits_default();
    limits.memory_bytes = get_integer(r->runtime, "max_instance_memory", limits.memory_bytes);
    read_limits(r, toml_member(own, "limits"), &limits);
    for (size_t i = 0; i < r->component_count; i++)
        read_component(r, &r->components[i], r->component_tables[i], &limits);
    for (size_t i = 0; i < r->component_count; i++) {
        const struct toml_value *profile = find_profile(r, r->component_tables[i]);
        read_dependencies(r, r->component_tables[i], profile, &r->components[i]);
        merge_environment(r, profile, &r->components[i]);
    }
}

uint32_t find_named_component(struct reader *r, const struct toml_value *at, const char *where)
{
    if (!is_text(at))
        return APP_NONE; /* its shape is wrong, which was said */
    struct nearest nearest = {.wanted = at->text, .wanted_bytes = at->text_bytes};
    for (size_t i = 0; i < r->component_count; i++) {
        if (strcmp(r->components[i].id, at->text) == 0)
            return (uint32_t)i;
        nearest_offer(&nearest, r->components[i].id, strlen(r->components[i].id));
    }
    if (nearest.best != NULL)
        reader_error(r, at, "%sthere is no component '%s' (nearest: '%s')", where, at->text,
                     nearest.best);
    else
        reader_error(r, at, "%sthere is no component '%s': define it in [component.%s]", where,
                     at->text, at->text);
    return APP_NONE;
}
