/* SPDX-License-Identifier: Apache-2.0 */
/* Spin's runtime configuration: stores, databases, certificates of guests, what is blocked. */
#include <string.h>

#include "app/address.h"
#include "app/client_tls.h"
#include "app/manifest_int.h"
#include "base/nearest.h"

void read_runtime(struct reader *r)
{
    struct stint_error error = {0};
    enum stint_status status;
    const char *text, *path = r->config->runtime_config;
    size_t bytes;
    r->runtime_folder = ".";
    if (path == NULL || !r->opens_files)
        return;
    r->runtime_file = arena_copy_string(&r->problems->arena, path, strlen(path));
    const char *slash = strrchr(path, '/');
    if (slash != NULL)
        r->runtime_folder = slash == path ? "/" : reader_copy(r, path, (size_t)(slash - path));
    if (!reader_load(r, path, &text, &bytes, &status, &error)) {
        app_problem_add(r->problems, false, NULL, 0, 0, "%s", error.message);
        return;
    }
    error_clear(&error);
    if (toml_parse(&r->scratch, text, bytes, MANIFEST_DEPTH_MAX, &r->runtime, &error) != STINT_OK) {
        app_problem_add(r->problems, false, r->runtime_file, error.line, error.column, "%s",
                        error.message);
        return;
    }
    shape_check(&shape_runtime, r->runtime, r->runtime_file, r->problems);
}

/* ---- Stores ------------------------------------------------------------------------------ */

static bool read_store(struct reader *r, const struct toml_value *table, struct app_store *store)
{
    const struct toml_value *type = toml_member(table, "type");
    store->label = reader_copy(r, table->key, table->key_bytes);
    store->path = get_path(r, r->runtime_folder, table, "path", "");
    store->url = get_text(r, table, "url", "");
    store->kind = toml_is(type, "redis") ? APP_STORE_REDIS : APP_STORE_SQLITE;
    if (is_text(type) && !toml_is(type, "redis") && !toml_is(type, "spin"))
        reader_runtime_error(r, type,
                             "key_value_store '%s': type '%s' is not supported; there are 'spin' "
                             "and 'redis'",
                             store->label, type->text);
    if (toml_is(type, "redis") && store->url[0] == 0)
        reader_runtime_error(r, table, "key_value_store '%s': the key 'url' is missing",
                             store->label);
    return true;
}

static void read_key_values(struct reader *r)
{
    const struct toml_value *tables = toml_member(r->runtime, "key_value_store");
    size_t most = tables != NULL && tables->kind == TOML_TABLE ? tables->count : 0;
    struct app_store *items = reader_array(r, most + 1, sizeof(*items));
    bool has_default = false;
    if (items == NULL)
        return;
    r->app->stores = items;
    for (const struct toml_value *t = most == 0 ? NULL : tables->first; t != NULL; t = t->next) {
        if (t->kind != TOML_TABLE || !read_store(r, t, &items[r->app->store_count]))
            continue;
        has_default |= strcmp(items[r->app->store_count++].label, "default") == 0;
    }
    if (!has_default)
        items[r->app->store_count++] = (struct app_store){
            .label = "default",
            .path = reader_path(r, r->app->server.state_folder, "sqlite_key_value.db"),
            .url = "",
        };
}

static void read_databases(struct reader *r)
{
    const struct toml_value *tables = toml_member(r->runtime, "sqlite_database");
    size_t most = tables != NULL && tables->kind == TOML_TABLE ? tables->count : 0;
    struct app_database *items = reader_array(r, most + 1, sizeof(*items));
    bool has_default = false;
    if (items == NULL)
        return;
    r->app->databases = items;
    for (const struct toml_value *t = most == 0 ? NULL : tables->first; t != NULL; t = t->next) {
        const struct toml_value *type = toml_member(t, "type");
        if (t->kind != TOML_TABLE)
            continue;
        struct app_database *database = &items[r->app->database_count++];
        database->label = reader_copy(r, t->key, t->key_bytes);
        database->path = get_path(r, r->runtime_folder, t, "path", "");
        database->allow_attach = get_boolean(t, "allow_attach_file", false);
        has_default |= strcmp(database->label, "default") == 0;
        if (is_text(type) && !toml_is(type, "spin"))
            reader_runtime_error(r, type,
                                 "sqlite_database '%s': type '%s' is not supported; there is "
                                 "'spin'",
                                 database->label, type->text);
    }
    if (!has_default)
        items[r->app->database_count++] = (struct app_database){
            .label = "default",
            .path = reader_path(r, r->app->server.state_folder, "sqlite_db.db"),
        };
}

/* Labels that components name must be there. `offer` gives the labels one by one. */
static void check_labels(struct reader *r, const char *key, const char *table,
                         const char *const *labels, uint32_t label_count)
{
    for (size_t i = 0; i < r->component_count; i++) {
        const struct toml_value *list = toml_member(r->component_tables[i], key);
        for (const struct toml_value *item = first_table(list); item != NULL; item = item->next) {
            if (!is_text(item))
                continue;
            struct nearest nearest = {.wanted = item->text, .wanted_bytes = item->text_bytes};
            bool is_there = false;
            for (uint32_t j = 0; j < label_count; j++) {
                is_there |= strcmp(labels[j], item->text) == 0;
                nearest_offer(&nearest, labels[j], strlen(labels[j]));
            }
            if (is_there)
                continue;
            if (nearest.best != NULL)
                reader_error(r, item, "component '%s': %s: there is no '%s' (nearest: '%s')",
                             r->components[i].id, key, item->text, nearest.best);
            else
                reader_error(r, item,
                             "component '%s': %s: there is no '%s': define [%s.%s] in the runtime "
                             "configuration",
                             r->components[i].id, key, item->text, table, item->text);
        }
    }
}

static void check_all_labels(struct reader *r)
{
    uint32_t most = r->app->store_count + r->app->database_count;
    const char **labels = arena_get_zeroed(&r->scratch, most, sizeof(*labels));
    if (labels == NULL) {
        r->is_out_of_memory = true;
        return;
    }
    for (uint32_t i = 0; i < r->app->store_count; i++)
        labels[i] = r->app->stores[i].label;
    check_labels(r, "key_value_stores", "key_value_store", labels, r->app->store_count);
    for (uint32_t i = 0; i < r->app->database_count; i++)
        labels[i] = r->app->databases[i].label;
    check_labels(r, "sqlite_databases", "sqlite_database", labels, r->app->database_count);
}

/* ---- Certificates and networks ----------------------------------------------------------- */

/* By the name that Spin has for it, or the one that it had before. */
static const char *get_tls_file(struct reader *r, const struct toml_value *table, const char *key,
                                const char *old_key)
{
    const char *path = get_path(r, r->runtime_folder, table, key, "");
    return path[0] != 0 ? path : get_path(r, r->runtime_folder, table, old_key, "");
}

/* Spin knows two sets of authorities, of which there is one here. */
static bool uses_platform_roots(const struct toml_value *table, const char *roots_file)
{
    static const char *const keys[] = {"ca_use_platform_roots", "ca_use_webpki_roots",
                                       "ca_webpki_roots"};
    bool is_said = false, uses = false;
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        is_said |= toml_member(table, keys[i]) != NULL;
        uses |= get_boolean(table, keys[i], false);
    }
    return is_said ? uses : roots_file[0] == 0;
}

static void check_client_tls(struct reader *r, const struct toml_value *table,
                             const struct app_client_tls *item)
{
    if (item->components.count == 0)
        reader_runtime_error(r, table, "client_tls: component_ids names no component");
    if (item->hosts.count == 0)
        reader_runtime_error(r, table, "client_tls: hosts names no host");
    if ((item->certificate_file[0] == 0) != (item->key_file[0] == 0))
        reader_runtime_error(r, table, "client_tls: client_cert_file and client_private_key_file go "
                                       "together");
    if (!item->use_platform_roots && item->roots_file[0] == 0)
        reader_runtime_error(r, table, "client_tls: nobody would be trusted: give a ca_roots_file, or "
                                       "ca_use_platform_roots = true");
    for (uint32_t i = 0; i < item->hosts.count; i++) {
        if (!client_tls_host_is_valid(item->hosts.items[i]))
            reader_runtime_error(r, toml_member(table, "hosts"),
                                 "client_tls: '%s' is no host: expected a name or an address, and a "
                                 "port if it is for that one alone: \"db.internal\", "
                                 "\"db.internal:6380\"",
                                 item->hosts.items[i]);
    }
}

static void read_client_tls(struct reader *r)
{
    const struct toml_value *tables = toml_member(r->runtime, "client_tls");
    const struct toml_value *first = first_table(tables);
    struct app_client_tls *items =
        first == NULL ? NULL : reader_array(r, tables->count + 1, sizeof(*items));
    for (const struct toml_value *t = first; items != NULL && t != NULL; t = t->next) {
        struct app_client_tls *item = &items[r->app->client_tls_count];
        if (t->kind != TOML_TABLE)
            continue;
        r->app->client_tls_count++;
        item->components = get_texts(r, t, "component_ids");
        item->hosts = get_texts(r, t, "hosts");
        item->roots_file = get_path(r, r->runtime_folder, t, "ca_roots_file", "");
        item->certificate_file = get_tls_file(r, t, "client_cert_file", "cert_chain_file");
        item->key_file = get_tls_file(r, t, "client_private_key_file", "private_key_file");
        item->use_platform_roots = uses_platform_roots(t, item->roots_file);
        check_client_tls(r, t, item);
    }
    r->app->client_tls = items;
}

static void read_networking(struct reader *r)
{
    const struct toml_value *networking = toml_member(r->runtime, "outbound_networking");
    const struct toml_value *list = toml_member(networking, "block_networks");
    r->app->blocked = get_blocks(r, networking, "block_networks");
    for (const struct toml_value *item = first_table(list); item != NULL; item = item->next)
        r->app->block_private |= toml_is(item, "private");
}

void read_stores(struct reader *r)
{
    read_key_values(r);
    read_databases(r);
    check_all_labels(r);
    read_client_tls(r);
    read_networking(r);
}
