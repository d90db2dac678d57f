/* SPDX-License-Identifier: Apache-2.0 */
#include "app/app_describe.h"

#include <stdio.h>
#include <string.h>

#include "app/address.h"
#include "app/routes.h"

/* ---- Values ------------------------------------------------------------------------------ */

static void put_size(struct buf *text, const char *name, uint64_t bytes)
{
    static const char letters[] = " KMGT";
    unsigned unit = 0;
    if (bytes == APP_UNLIMITED)
        return;
    for (; unit < 4 && bytes >= 1024 && bytes % 1024 == 0; unit++)
        bytes /= 1024;
    buf_append_format(text, ", %s %llu", name, (unsigned long long)bytes);
    if (unit > 0)
        buf_append_byte(text, (uint8_t)letters[unit]);
}

static void put_count(struct buf *text, const char *name, uint64_t count)
{
    if (count != APP_UNLIMITED)
        buf_append_format(text, ", %s %llu", name, (unsigned long long)count);
}

static void put_duration(struct buf *text, const char *name, uint64_t ns)
{
    if (ns == APP_UNLIMITED)
        return;
    if (ns % 1000000000 == 0)
        buf_append_format(text, ", %s %llus", name, (unsigned long long)(ns / 1000000000));
    else
        buf_append_format(text, ", %s %gms", name, (double)ns / 1e6);
}

/* "    reaches     a, b, c". */
static void put_texts(struct buf *text, const char *name, struct app_texts texts)
{
    if (texts.count == 0)
        return;
    buf_append_format(text, "    %-11s ", name);
    for (uint32_t i = 0; i < texts.count; i++)
        buf_append_format(text, "%s%s", i == 0 ? "" : ", ", texts.items[i]);
    buf_append_byte(text, '\n');
}

/* ---- Parts ------------------------------------------------------------------------------- */

static void put_listeners(const struct app *app, struct buf *text)
{
    const struct app_server *server = &app->server;
    for (uint32_t i = 0; app_wants_http(app) && i < server->listen_count; i++) {
        const struct app_listen *listen = &server->listen[i];
        buf_append_format(text, "%-14s http%s://%s%s\n", i == 0 ? "listens on" : "",
                          listen->is_tls ? "s" : "", listen->address,
                          listen->proxy_protocol ? " (behind PROXY protocol)" : "");
    }
    if (server->metrics_listen[0] != 0)
        buf_append_format(text, "%-14s http://%s/metrics\n", "metrics", server->metrics_listen);
    if (server->admin_listen[0] != 0)
        buf_append_format(text, "%-14s http%s://%s/%s\n", "admin page",
                          server->admin_is_tls ? "s" : "", server->admin_listen,
                          server->admin_token_file[0] != 0 ? " (with a token)" : "");
    buf_append_format(text, "%-14s %s (%s), guests to %s\n", "log", server->access_log,
                      server->log_format == APP_LOG_JSON ? "json" : "combined",
                      server->guest_log);
    buf_append_format(text, "%-14s %s\n", "state", server->state_folder);
    for (uint32_t i = 0; i < server->geo_databases.count; i++)
        buf_append_format(text, "%-14s %s\n", i == 0 ? "places" : "",
                          server->geo_databases.items[i]);
    for (uint32_t i = 0; i < server->trusted_proxies.count; i++) {
        const struct app_block *block = &server->trusted_proxies.items[i];
        struct inet_address address = {.is_v6 = block->is_v6};
        char ip[ADDRESS_TEXT_BYTES];
        memcpy(address.ip, block->ip, sizeof(address.ip));
        address_print(&address, ip);
        buf_append_format(text, "%-14s %s/%u\n", i == 0 ? "trusts" : "", ip, block->bits);
    }
}

static void put_target(const struct app *app, const struct app_http *http, struct buf *text)
{
    if (http->component == APP_NONE) {
        buf_append_format(text, "answers %u\n", http->response == NULL ? 0 : http->response->status);
        return;
    }
    const struct app_component *component = &app->components[http->component];
    buf_append_format(text, "%s%s", component->id, http->is_wagi ? " (wagi)" : "");
    for (uint32_t i = 0; i < component->hosts.count; i++)
        buf_append_format(text, "%s%s", i == 0 ? " for " : ", ", component->hosts.items[i]);
    buf_append_byte(text, '\n');
}

static bool put_routes(const struct app *app, struct buf *text)
{
    struct routes *routes;
    struct stint_error error = {0};
    if (routes_create(text->alloc, app, &routes, &error) != STINT_OK)
        return false;
    buf_append_string(text, "\nroutes\n");
    for (uint32_t i = 0; i < routes_count(routes); i++) {
        const struct app_http *http = &app->http[routes_at(routes, i)];
        buf_append_format(text, "  %-28s ", http->route);
        put_target(app, http, text);
    }
    routes_free(routes);
    for (uint32_t i = 0; i < app->http_count; i++) {
        if (app->http[i].route == NULL) {
            buf_append_format(text, "  %-28s ", "(private)");
            put_target(app, &app->http[i], text);
        }
    }
    for (uint32_t i = 0; i < app->redis_count; i++) {
        const struct app_redis *redis = &app->redis[i];
        buf_append_format(text, "  %s %s: %s\n", redis->address, redis->channel,
                          redis->component == APP_NONE ? "" : app->components[redis->component].id);
    }
    return true;
}

static void put_limits(const struct app_limits *limits, struct buf *text)
{
    size_t start = text->bytes;
    put_size(text, "memory", limits->memory_bytes);
    put_count(text, "fuel", limits->fuel);
    put_duration(text, "cpu", limits->cpu_ns);
    put_duration(text, "timeout", limits->timeout_ns);
    put_count(text, "concurrency", limits->concurrency);
    put_size(text, "request", limits->request_bytes);
    put_size(text, "response", limits->response_bytes);
    put_count(text, "outbound calls", limits->outbound_calls);
    if (limits->rate.count > 0)
        buf_append_format(text, ", rate %llu in %llus, %llu at once",
                          (unsigned long long)limits->rate.count,
                          (unsigned long long)(limits->rate.per_ns / 1000000000),
                          (unsigned long long)limits->rate.burst);
    buf_append_byte(text, '\n');
    /* The first comma becomes the head of the line. */
    static const char head[] = "    limits     ";
    if (text->bytes > start + 2 && !text->failed) {
        text->data[start] = ' ';
        buf_insert(text, start, head, sizeof(head) - 1);
        memmove(text->data + start + sizeof(head) - 1, text->data + start + sizeof(head),
                text->bytes - start - sizeof(head));
        text->bytes--;
    }
}

static void put_source(const struct app_source *source, struct buf *text)
{
    if (source->kind == APP_SOURCE_FILE)
        buf_append_string(text, source->path);
    else if (source->kind == APP_SOURCE_URL)
        buf_append_string(text, source->url);
    else
        buf_append_format(text, "%s@%s of %s", source->package, source->version,
                          source->url[0] == 0 ? "the default registry" : source->url);
}

/* "    TLS with    db.internal: trusts ca.pem and the system's, shows orders.pem". */
static void put_client_tls(const struct app *app, const struct app_component *component,
                           struct buf *text)
{
    for (uint32_t i = 0; i < app->client_tls_count; i++) {
        const struct app_client_tls *tls = &app->client_tls[i];
        bool is_for_it = false, has_file = tls->roots_file[0] != 0;
        for (uint32_t k = 0; k < tls->components.count; k++)
            is_for_it |= strcmp(tls->components.items[k], component->id) == 0;
        if (!is_for_it)
            continue;
        buf_append_format(text, "    %-11s ", "TLS with");
        for (uint32_t k = 0; k < tls->hosts.count; k++)
            buf_append_format(text, "%s%s", k == 0 ? "" : ", ", tls->hosts.items[k]);
        buf_append_format(text, ": trusts %s%s%s", tls->roots_file,
                          has_file && tls->use_platform_roots ? " and " : "",
                          tls->use_platform_roots ? "the system's" : "");
        if (tls->certificate_file[0] != 0)
            buf_append_format(text, ", shows %s", tls->certificate_file);
        buf_append_byte(text, '\n');
    }
}

static void put_component(const struct app *app, uint32_t index,
                          const struct app_describe_notes *notes, struct buf *text)
{
    static const char *const reuse[] = {"a fresh instance for each request",
                                        "the same instance for many requests",
                                        "a snapshot of a warm instance for each request"};
    const struct app_component *component = &app->components[index];
    const char *note = notes == NULL || notes->component == NULL
                           ? NULL
                           : notes->component(notes->env, app, index);
    buf_append_format(text, "  %s  ", component->id);
    put_source(&component->source, text);
    buf_append_byte(text, '\n');
    if (note != NULL)
        buf_append_format(text, "    %-11s %s\n", "note", note);
    put_texts(text, "reaches", component->outbound);
    put_client_tls(app, component, text);
    put_texts(text, "key-value", component->key_value_stores);
    put_texts(text, "sqlite", component->sqlite_databases);
    for (uint32_t i = 0; i < component->file_count; i++) {
        const struct app_mount *mount = &component->files[i];
        buf_append_format(text, "    %-11s %s%s%s\n", i == 0 ? "reads" : "", mount->source,
                          mount->destination == NULL ? "" : " as ",
                          mount->destination == NULL ? "" : mount->destination);
    }
    put_texts(text, "except", component->exclude_files);
    if (component->variables.count > 0)
        buf_append_format(text, "    %-11s ", "variables");
    for (uint32_t i = 0; i < component->variables.count; i++)
        buf_append_format(text, "%s%s%s", component->variables.items[i].name,
                          component->variable_secret[i] ? " (secret)" : "",
                          i + 1 < component->variables.count ? ", " : "\n");
    put_limits(&component->limits, text);
    buf_append_format(text, "    %-11s %s\n", "runs on", reuse[component->reuse]);
    put_texts(text, "pinned to", component->regions);
    if (component->statics.is_on)
        buf_append_format(text, "    %-11s its files, without the guest\n", "serves");
    for (uint32_t i = 0; i < component->dependency_count; i++) {
        buf_append_format(text, "    %-11s %s from ", i == 0 ? "imports" : "",
                          component->dependencies[i].name);
        put_source(&component->dependencies[i].source, text);
        buf_append_byte(text, '\n');
    }
}

static void put_regions(const struct app *app, struct buf *text)
{
    static const char *const rules[] = {"serve", "proxy", "redirect"};
    if (app->regions.count > 0)
        buf_append_string(text, "\nregions\n");
    for (uint32_t i = 0; i < app->regions.count; i++) {
        const struct app_region *region = &app->regions.items[i];
        buf_append_format(text, "  %-12s ", region->name);
        if (i == app->regions.here)
            buf_append_string(text, "here");
        else
            buf_append_format(text, "%s %s", rules[region->rule], region->url);
        if (region->weight < 100)
            buf_append_format(text, ", %u of 100 clients", region->weight);
        for (uint32_t j = 0; j < region->countries.count; j++)
            buf_append_format(text, "%s%s", j == 0 ? "; countries " : " ",
                              region->countries.items[j]);
        for (uint32_t j = 0; j < region->continents.count; j++)
            buf_append_format(text, "%s%s", j == 0 ? "; continents " : " ",
                              region->continents.items[j]);
        buf_append_byte(text, '\n');
    }
}

bool app_describe(const struct app *app, const struct app_describe_notes *notes, struct buf *text)
{
    buf_append_format(text, "%s%s%s", app->name, app->version[0] == 0 ? "" : " ", app->version);
    if (app->manifest[0] != 0)
        buf_append_format(text, " (%s, version %u)", app->manifest, app->manifest_version);
    buf_append_byte(text, '\n');
    put_listeners(app, text);
    if (!put_routes(app, text))
        return false;
    buf_append_string(text, "\ncomponents\n");
    for (uint32_t i = 0; i < app->component_count; i++)
        put_component(app, i, notes, text);
    put_regions(app, text);
    return !text->failed;
}
