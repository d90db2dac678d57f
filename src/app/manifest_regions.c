/* SPDX-License-Identifier: Apache-2.0 */
/* [application.tool.stint.regions]. */
#include <string.h>

#include "app/manifest_int.h"
#include "base/nearest.h"

static uint32_t find_region(const struct app *app, const char *name, const char **ret_nearest)
{
    struct nearest nearest = {.wanted = name, .wanted_bytes = strlen(name)};
    for (uint32_t i = 0; i < app->regions.count; i++) {
        const char *candidate = app->regions.items[i].name;
        if (strcmp(candidate, name) == 0)
            return i;
        nearest_offer(&nearest, candidate, strlen(candidate));
    }
    *ret_nearest = nearest.best;
    return APP_NONE;
}

/* A region by name; where there is none, `what` says where it is named. */
static uint32_t named_region(struct reader *r, const struct toml_value *at, const char *what,
                             const char *name)
{
    const char *nearest = NULL;
    uint32_t index = find_region(r->app, name, &nearest);
    if (index == APP_NONE)
        reader_error(r, at, "%s: there is no region '%s'%s%s%s", what, name,
                     nearest == NULL ? "" : " (nearest: '", nearest == NULL ? "" : nearest,
                     nearest == NULL ? "" : "')");
    return index;
}

static enum app_region_rule get_rule(const struct toml_value *table, enum app_region_rule standard)
{
    const struct toml_value *rule = toml_member(table, "rule");
    return toml_is(rule, "serve")      ? APP_REGION_SERVE
           : toml_is(rule, "proxy")    ? APP_REGION_PROXY
           : toml_is(rule, "redirect") ? APP_REGION_REDIRECT
                                       : standard;
}

static void read_region(struct reader *r, const struct toml_value *table,
                        enum app_region_rule rule, struct app_region *region)
{
    region->name = reader_copy(r, table->key, table->key_bytes);
    region->line = table->key_line;
    region->column = table->key_column;
    region->url = get_text(r, table, "url", "");
    size_t bytes = strlen(region->url);
    if (bytes > 0 && region->url[bytes - 1] == '/')
        region->url = reader_copy(r, region->url, bytes - 1);
    region->countries = get_texts(r, table, "countries");
    region->continents = get_texts(r, table, "continents");
    region->near = get_texts(r, table, "near");
    region->has_location = toml_member(table, "latitude") != NULL;
    region->latitude = get_number(table, "latitude", 0);
    region->longitude = get_number(table, "longitude", 0);
    if (region->has_location != (toml_member(table, "longitude") != NULL))
        reader_error(r, table, "region '%s': latitude and longitude go together", region->name);
    region->rule = get_rule(table, rule);
    region->weight = (uint32_t)get_integer(table, "weight", 100);
    region->health_path = get_text(r, table, "health", "");
    const uint64_t second_ns = UINT64_C(1000000000);
    region->health_interval_ns = get_duration(table, "health_interval", 10 * second_ns);
    region->health_timeout_ns = get_duration(table, "health_timeout", 2 * second_ns);
    region->health_up = (uint32_t)get_integer(table, "health_up", 2);
    region->health_down = (uint32_t)get_integer(table, "health_down", 3);
    region->connect_timeout_ns = get_duration(table, "connect_timeout", 3 * second_ns);
    region->timeout_ns = get_duration(table, "timeout", 60 * second_ns);
    region->concurrency = get_integer(table, "concurrency", 1000);
}

/* A country or continent belongs to one region. */
static void check_claims(struct reader *r, const struct toml_value *regions, const char *key)
{
    for (const struct toml_value *a = regions->first; a != NULL; a = a->next) {
        const struct toml_value *list = toml_member(a, key);
        if (list == NULL || list->kind != TOML_ARRAY)
            continue;
        for (const struct toml_value *item = list->first; item != NULL; item = item->next) {
            for (const struct toml_value *b = regions->first; is_text(item) && b != a;
                 b = b->next) {
                const struct toml_value *other = toml_member(b, key);
                const struct toml_value *its = first_table(other) == NULL ? NULL : other->first;
                for (; its != NULL; its = its->next) {
                    if (toml_is(its, item->text))
                        reader_error(r, item, "region '%s': \"%s\" belongs to region '%s' already",
                                     a->key, item->text, b->key);
                }
            }
        }
    }
}

static void read_list(struct reader *r, const struct toml_value *regions)
{
    struct app_regions *all = &r->app->regions;
    enum app_region_rule rule = get_rule(regions, APP_REGION_PROXY);
    struct app_region *items = reader_array(r, regions->count, sizeof(*items));
    if (items == NULL)
        return;
    all->items = items;
    for (const struct toml_value *table = regions->first; table != NULL; table = table->next) {
        if (all->count == APP_REGIONS_MAX) {
            reader_error(r, table, "regions: there are more than %u", APP_REGIONS_MAX);
            break;
        }
        if (table->kind == TOML_TABLE && shape_format_fits(FORMAT_LABEL, table->key, NULL))
            read_region(r, table, rule, &items[all->count++]);
    }
}

/* Names in `near`, and URLs that are needed. */
static void check_list(struct reader *r, const struct toml_value *regions)
{
    const struct app_regions *all = &r->app->regions;
    for (uint32_t i = 0; i < all->count; i++) {
        const struct app_region *region = &all->items[i];
        const struct toml_value *table = toml_member(regions, region->name);
        const struct toml_value *near = toml_member(table, "near");
        const char *what = reader_format(r, "region '%s': near", region->name);
        for (const struct toml_value *item = first_table(near); item != NULL; item = item->next) {
            if (is_text(item) && named_region(r, item, what, item->text) == i)
                reader_error(r, item, "%s: it is near itself", what);
        }
        if (i != all->here && region->url[0] == 0 && region->rule != APP_REGION_SERVE)
            reader_error(r, table, "region '%s': the key 'url' is missing: requests are sent there",
                         region->name);
    }
}

/* Who is proxied to has to know that it was, or the two could pass a request to and fro. */
static void check_secret(struct reader *r, const struct toml_value *regions)
{
    const struct app_regions *all = &r->app->regions;
    if (all->here == APP_NONE || r->config->allow_unset ||
        toml_member(regions, "secret_file") != NULL)
        return;
    for (uint32_t i = 0; i < all->count; i++) {
        if (i == all->here || all->items[i].rule != APP_REGION_PROXY)
            continue;
        reader_error(r, regions, "regions: requests are proxied to '%s', so the key 'secret_file' is "
                                 "needed: a file of at least 16 random characters, the same on all "
                                 "servers",
                     all->items[i].name);
        return;
    }
}

static const char *read_secret(struct reader *r, const struct toml_value *regions)
{
    const struct toml_value *at = toml_member(regions, "secret_file");
    struct stint_error error = {0};
    enum stint_status status;
    const char *text;
    size_t bytes;
    if (!is_text(at) || !r->opens_files)
        return "";
    const char *path = reader_path(r, r->app->folder, at->text);
    if (!reader_load(r, path, &text, &bytes, &status, &error)) {
        reader_error(r, at, "regions: secret_file: %s", error.message);
        return "";
    }
    while (bytes > 0 && strchr(" \r\n\t", text[bytes - 1]) != NULL)
        bytes--;
    if (bytes < 16 || memchr(text, 0, bytes) != NULL)
        reader_error(r, at, "regions: secret_file: expected at least 16 characters in '%s'", path);
    return reader_copy(r, text, bytes);
}

/* Pins of components. */
static void check_pins(struct reader *r)
{
    for (size_t i = 0; i < r->component_count; i++) {
        const struct toml_value *own =
            toml_member(toml_member(r->component_tables[i], "tool"), "stint");
        const struct toml_value *pins = toml_member(own, "regions");
        const char *what = reader_format(r, "component '%s': regions", r->components[i].id);
        for (const struct toml_value *item = first_table(pins); item != NULL; item = item->next) {
            if (is_text(item))
                named_region(r, item, what, item->text);
        }
    }
}

void read_regions(struct reader *r, const struct toml_value *regions)
{
    struct app_regions *all = &r->app->regions;
    const struct toml_value *here = toml_member(regions, "here");
    const struct toml_value *fallback = toml_member(regions, "fallback");
    all->here = all->fallback = APP_NONE;
    all->hop_secret = all->secret_file = all->ca_file = "";
    if (regions != NULL && regions->kind == TOML_TABLE) {
        read_list(r, regions);
        if (r->config->region != NULL && r->config->region[0] != 0)
            all->here = named_region(r, NULL, "--region", r->config->region);
        else if (is_text(here))
            all->here = named_region(r, here, "regions: here", here->text);
        else if (all->count > 0 && !r->config->allow_unset)
            reader_error(r, regions, "regions: which one is this server in? Give 'here', "
                                     "--region or STINT_REGION");
        if (is_text(fallback))
            all->fallback = named_region(r, fallback, "regions: fallback", fallback->text);
        all->hop_secret = read_secret(r, regions);
        all->secret_file = get_path(r, r->app->folder, regions, "secret_file", "");
        all->ca_file = get_path(r, r->app->folder, regions, "ca_file", "");
        check_secret(r, regions);
        check_list(r, regions);
        check_claims(r, regions, "countries");
        check_claims(r, regions, "continents");
    }
    check_pins(r);
}
