/* SPDX-License-Identifier: Apache-2.0 */
/* [application.tool.stint]: the server's own settings. */
#include <string.h>

#include "app/address.h"
#include "app/manifest_int.h"

static const uint64_t second_ns = 1000000000;

static void read_listen(struct reader *r, const struct toml_value *own, struct app_server *server)
{
    const struct toml_value *value = toml_member(own, "listen");
    bool is_list = value != NULL && value->kind == TOML_ARRAY;
    size_t most = is_list ? value->count : 1;
    struct app_listen *items = reader_array(r, most + 1, sizeof(*items));
    if (items == NULL)
        return;
    server->listen = items;
    for (const struct toml_value *item = is_list ? value->first : value; item != NULL;
         item = is_list ? item->next : NULL) {
        struct app_listen *listen = &items[server->listen_count];
        listen->line = item->line;
        listen->column = item->column;
        if (is_text(item))
            listen->address = reader_copy(r, item->text, item->text_bytes);
        else
            listen->address = get_text(r, item, "address", "");
        listen->is_tls = get_boolean(item, "tls", false);
        listen->proxy_protocol = get_boolean(item, "proxy_protocol", false);
        server->has_listen = true;
        if (listen->proxy_protocol && server->trusted_proxies.count == 0)
            reader_error(r, item, "listen: proxy_protocol needs trusted_proxies: else everyone "
                                  "could say where they come from");
        server->listen_count++;
    }
    if (server->listen_count == 0) {
        items[0].address = "127.0.0.1:3000";
        server->listen_count = 1;
    }
}

static void read_tls(struct reader *r, const struct toml_value *tls, struct app_server *server)
{
    const struct toml_value *certificates = toml_member(tls, "certificates");
    const struct toml_value *first = first_table(certificates);
    size_t most = certificates != NULL && certificates->kind == TOML_ARRAY ? certificates->count : 1;
    server->tls_13_only = toml_is(toml_member(tls, "min_version"), "1.3");
    server->ticket_rotation_ns = get_duration(tls, "ticket_rotation", 12 * 3600 * second_ns);
    server->redirect_to_https = get_boolean(tls, "redirect", false);
    struct app_certificate *items = first == NULL ? NULL : reader_array(r, most, sizeof(*items));
    for (const struct toml_value *t = first; items != NULL && t != NULL; t = t->next) {
        if (t->kind != TOML_TABLE)
            continue;
        struct app_certificate *item = &items[server->certificate_count++];
        item->certificate_file = get_path(r, r->app->folder, t, "certificate", "");
        item->key_file = get_path(r, r->app->folder, t, "key", "");
        item->hosts = get_texts(r, t, "hosts");
        if (certificates->kind == TOML_TABLE)
            break;
    }
    server->certificates = items;
    for (uint32_t i = 0; i < server->listen_count; i++) {
        struct toml_value at = {.line = server->listen[i].line,
                                .column = server->listen[i].column};
        if (server->listen[i].is_tls && server->certificate_count == 0)
            reader_error(r, &at, "listen: tls needs a certificate: give { certificate, key } in "
                                 "[application.tool.stint.tls] certificates");
    }
}

static void read_workers(struct reader *r, const struct toml_value *table,
                         struct app_server *server)
{
    server->workers = (uint32_t)get_integer(table, "workers", 0);
    server->user = get_text(r, table, "user", "");
    server->fence = get_text(r, table, "fence", "");
    server->drain_ns = get_duration(table, "drain", 30 * second_ns);
    server->connections = get_integer(table, "connections", 16384);
    server->has_connections = toml_member(table, "connections") != NULL;
    server->streams = get_integer(table, "streams", 128);
    server->head_bytes = get_size(table, "head_size", 64 << 10);
    server->fields = get_integer(table, "fields", 100);
    server->head_timeout_ns = get_duration(table, "head_timeout", 10 * second_ns);
    server->idle_timeout_ns = get_duration(table, "idle_timeout", 75 * second_ns);
    server->body_timeout_ns = get_duration(table, "body_timeout", 30 * second_ns);
    server->send_timeout_ns = get_duration(table, "send_timeout", 30 * second_ns);
    server->body_rate_min = get_size(table, "body_rate", 1024);
    server->refuses_overload = !toml_is(toml_member(table, "overload"), "wait");
    server->without_h2 = !get_boolean(table, "http2", true);
    server->half_close = get_boolean(table, "half_close", false);
    server->server_name = get_text(r, table, "name", "");
}

/* A file's path, or one of the words. */
static const char *get_log(struct reader *r, const struct toml_value *table, const char *key,
                           const char *standard)
{
    const char *text = get_text(r, table, key, standard);
    if (strcmp(text, "stdout") == 0 || strcmp(text, "stderr") == 0 || strcmp(text, "off") == 0)
        return text;
    return reader_path(r, r->app->folder, text);
}

static void read_log(struct reader *r, const struct toml_value *table, struct app_server *server)
{
    server->access_log = get_log(r, table, "access", "stdout");
    server->guest_log = get_log(r, table, "guests", "stderr");
    server->log_format =
        toml_is(toml_member(table, "format"), "combined") ? APP_LOG_COMBINED : APP_LOG_JSON;
    const struct toml_value *addresses = toml_member(table, "addresses");
    server->log_addresses = toml_is(addresses, "short") ? APP_ADDRESSES_SHORT
                            : toml_is(addresses, "off") ? APP_ADDRESSES_OFF
                                                        : APP_ADDRESSES_FULL;
}

static void read_traces(struct reader *r, const struct toml_value *table,
                        struct app_traces *traces)
{
    traces->endpoint = get_text(r, table, "endpoint", "");
    traces->service = get_text(r, table, "service", "");
    traces->ratio = get_number(table, "ratio", 0.01);
    traces->headers = get_pairs(r, table, "headers");
    traces->headers_file = get_path(r, r->app->folder, table, "headers_file", "");
    traces->batch = get_integer(table, "batch", 512);
    traces->queue = get_integer(table, "queue", 2048);
    traces->interval_ns = get_duration(table, "interval", 5 * second_ns);
    traces->timeout_ns = get_duration(table, "timeout", 10 * second_ns);
}

static void read_monitoring(struct reader *r, const struct toml_value *own,
                            struct app_server *server)
{
    const struct toml_value *metrics = toml_member(own, "metrics");
    const struct toml_value *admin = toml_member(own, "admin");
    const char *folder = r->app->folder;
    server->metrics_listen = get_text(r, metrics, "listen", "");
    server->metrics_token_file = get_path(r, folder, metrics, "token_file", "");
    server->metrics_countries = (uint32_t)get_integer(metrics, "countries", 50);
    server->budget_window_ns = get_duration(metrics, "budget_window", 60 * second_ns);
    server->admin_listen = get_text(r, admin, "listen", "");
    server->admin_token_file = get_path(r, folder, admin, "token_file", "");
    server->admin_is_tls = get_boolean(admin, "tls", false);
    if (server->admin_listen[0] != 0 && server->admin_token_file[0] == 0 &&
        !address_is_loopback(server->admin_listen))
        reader_error(r, toml_member(admin, "listen"),
                     "admin: \"%s\" is no loopback address: give a token_file, or listen on "
                     "127.0.0.1",
                     server->admin_listen);
    read_traces(r, toml_member(own, "traces"), &server->traces);
}

static void read_geo(struct reader *r, const struct toml_value *geo, struct app_server *server)
{
    struct app_texts files = get_texts(r, geo, "database");
    const char **paths = reader_array(r, files.count, sizeof(*paths));
    if (paths == NULL)
        return;
    for (uint32_t i = 0; i < files.count; i++)
        paths[i] = reader_path(r, r->app->folder, files.items[i]);
    server->geo_databases = (struct app_texts){.items = paths, .count = files.count};
}

static const char *environment_value(const struct reader *r, const char *name)
{
    size_t bytes = strlen(name);
    for (const char *const *at = r->config->environment; at != NULL && *at != NULL; at++) {
        if (strncmp(*at, name, bytes) == 0 && (*at)[bytes] == '=')
            return *at + bytes + 1;
    }
    return NULL;
}

void read_server(struct reader *r, const struct toml_value *own)
{
    struct app_server *server = &r->app->server;
    const struct toml_value *state = toml_member(r->runtime, "state_dir");
    const struct toml_value *header = toml_member(own, "client_header");
    server->trusted_proxies = get_blocks(r, own, "trusted_proxies");
    server->client_header = toml_is(header, "forwarded")         ? APP_CLIENT_FORWARDED
                            : toml_is(header, "x-forwarded-for") ? APP_CLIENT_X_FORWARDED_FOR
                                                                 : APP_CLIENT_EITHER;
    server->hosts = get_texts(r, own, "hosts");
    read_listen(r, own, server);
    read_tls(r, toml_member(own, "tls"), server);
    read_workers(r, toml_member(own, "server"), server);
    read_log(r, toml_member(own, "log"), server);
    read_monitoring(r, own, server);
    read_geo(r, toml_member(own, "geo"), server);
    /* systemd names what StateDirectory= made. */
    const char *given = environment_value(r, "STATE_DIRECTORY");
    const char *standard = given != NULL && given[0] == '/' && strchr(given, ':') == NULL
                               ? reader_copy(r, given, strlen(given))
                               : reader_path(r, r->app->folder, ".stint");
    server->state_folder = get_path(r, r->app->folder, own, "state_dir", standard);
    if (is_text(state) && state->text_bytes > 0 && toml_member(own, "state_dir") == NULL)
        server->state_folder = reader_path(r, r->runtime_folder, state->text);
    r->app->block_private = !get_boolean(own, "allow_private", false);
}
