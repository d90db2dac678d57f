/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/regions_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edge/application.h"
#include "os/clock.h"
#include "services/service_tls.h"

const char *region_how_text(enum region_how how)
{
    static const char *const texts[] = {
#define X(name, text) text,
        REGION_HOWS(X)
#undef X
    };
    return texts[how];
}

/* ---- States ------------------------------------------------------------------------------ */

/* "https://eu.example.com:8443", "http://[::1]:80". */
static bool read_url(struct arena *arena, const char *url, struct region_state *state)
{
    const char *authority = strstr(url, "://");
    state->is_tls = strncmp(url, "https:", 6) == 0;
    state->authority = authority != NULL ? authority + 3 : "";
    const char *host = state->authority, *end = strchr(host, ']');
    const char *colon = strchr(end != NULL ? end : host, ':');
    size_t bytes = colon != NULL ? (size_t)(colon - host) : strlen(host);
    unsigned long port = colon != NULL ? strtoul(colon + 1, NULL, 10) : state->is_tls ? 443 : 80;
    if (host[0] == '[' && bytes >= 2) {
        host++;
        bytes -= 2;
    }
    state->port = port <= UINT16_MAX ? (uint16_t)port : 0;
    state->host = arena_copy_string(arena, host, bytes);
    return state->host != NULL;
}

static struct region_state *state_of(struct regions *regions, const struct app_region *region)
{
    struct region_state *state = regions->states;
    while (state != NULL &&
           (strcmp(state->name, region->name) != 0 || strcmp(state->url, region->url) != 0))
        state = state->next;
    if (state != NULL)
        return state;
    state = arena_get_zeroed(&regions->arena, 1, sizeof(*state));
    if (state == NULL)
        return NULL;
    state->name = arena_copy_string(&regions->arena, region->name, strlen(region->name));
    state->url = arena_copy_string(&regions->arena, region->url, strlen(region->url));
    if (state->name == NULL || state->url == NULL || !read_url(&regions->arena, state->url, state))
        return NULL;
    atomic_init(&state->is_up, true);
    state->next = regions->states;
    regions->states = state;
    return state;
}

static enum stint_status load_tls(struct regions *regions, const char *authorities,
                                  struct stint_error *error)
{
    const struct http_tls_api *api;
    char message[STINT_ERROR_MESSAGE_BYTES] = "";
    enum stint_status status = service_tls_load(&api, error);
    if (status != STINT_OK)
        return status;
    bool is_given = authorities[0] != '\0';
    const struct http_tls_client_config config = {.authorities = is_given ? authorities : NULL,
                                                  .with_system = !is_given,
                                                  .is_http = true};
    regions->tls = api->create_client(&config, message, sizeof(message));
    return regions->tls != NULL ? STINT_OK
                                : error_set(error, STINT_IO, STINT_NO_OFFSET, "%s", message);
}

enum stint_status regions_attach(struct regions *regions, struct edge_app *app,
                                 struct log_buffer *log)
{
    const struct app_regions *from = &app->app->regions;
    struct stint_error error = {0};
    bool has_tls = false;
    app->regions = arena_get_zeroed(&app->app->arena, from->count + 1, sizeof(*app->regions));
    if (app->regions == NULL)
        return STINT_NOMEM;
    for (uint32_t i = 0; i < from->count; i++) {
        app->regions[i] = state_of(regions, &from->items[i]);
        if (app->regions[i] == NULL)
            return STINT_NOMEM;
        has_tls |= i != from->here && app->regions[i]->is_tls;
    }
    if (!has_tls || regions->tls != NULL)
        return STINT_OK;
    enum stint_status status = load_tls(regions, from->ca_file, &error);
    if (status != STINT_OK)
        log_line(log, LOG_ERROR, NULL, NULL, "regions: %s", error.message);
    return status;
}

enum stint_status regions_create(struct regions **ret_regions)
{
    struct regions *regions = alloc_get_zeroed(&alloc_root, 1, sizeof(*regions));
    if (regions == NULL)
        return STINT_NOMEM;
    arena_init(&regions->arena, &alloc_root);
    lock_init(&regions->lock);
    *ret_regions = regions;
    return STINT_OK;
}

void regions_free(struct regions *regions)
{
    if (regions == NULL)
        return;
    if (regions->tls != NULL)
        regions->tls->api->free(regions->tls);
    lock_free(&regions->lock);
    arena_free(&regions->arena);
    alloc_put(&alloc_root, regions, sizeof(*regions));
}

struct http_tls *regions_tls(const struct regions *regions)
{
    return regions->tls;
}

/* ---- Health ------------------------------------------------------------------------------ */

void regions_healthy(const struct edge_app *app, bool ret_healthy[APP_REGIONS_MAX])
{
    for (uint32_t i = 0; i < app->app->regions.count; i++)
        ret_healthy[i] = i == app->app->regions.here ||
                         atomic_load_explicit(&app->regions[i]->is_up, memory_order_relaxed);
}

void region_lost(struct region_state *state, struct log_buffer *log, const char *why)
{
    atomic_store(&state->good, 0);
    atomic_store(&state->down_ns, clock_now_ns(OS_CLOCK_MONOTONIC));
    if (atomic_exchange(&state->is_up, false))
        log_line(log, LOG_WARN, NULL, NULL, "region %s is down: %s", state->name, why);
}

/* At the start nothing is known, so the first answer decides. */
void region_bad(struct region_state *state, const struct app_region *region, struct log_buffer *log,
                const char *why)
{
    bool is_first = atomic_fetch_add(&state->checks[0], 1) == 0 && atomic_load(&state->checks[1]) == 0;
    atomic_store(&state->good, 0);
    if (atomic_fetch_add(&state->bad, 1) + 1 >= region->health_down || is_first)
        region_lost(state, log, why);
}

void region_good(struct region_state *state, const struct app_region *region,
                 struct log_buffer *log)
{
    atomic_fetch_add(&state->checks[1], 1);
    atomic_store(&state->bad, 0);
    if (atomic_fetch_add(&state->good, 1) + 1 < region->health_up)
        return;
    if (!atomic_exchange(&state->is_up, true))
        log_line(log, LOG_INFO, NULL, NULL, "region %s is up again", state->name);
}

/* ---- Metrics ----------------------------------------------------------------------------- */

static void put_head(struct buf *out, const char *name, const char *type, const char *help)
{
    (void)buf_append_format(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void regions_print(const struct edge_app *app, struct buf *out)
{
    const struct app_regions *all = &app->app->regions;
    bool healthy[APP_REGIONS_MAX];
    if (all->count == 0)
        return;
    regions_healthy(app, healthy);
    put_head(out, "stint_region_up", "gauge", "1: it is healthy.");
    for (uint32_t i = 0; i < all->count; i++)
        (void)buf_append_format(out, "stint_region_up{region=\"%s\"} %d\n", all->items[i].name,
                                healthy[i]);
    put_head(out, "stint_region_checks_total", "counter", "Health checks by their result.");
    for (uint32_t i = 0; i < 2 * all->count; i++)
        (void)buf_append_format(
            out, "stint_region_checks_total{region=\"%s\",result=\"%s\"} %llu\n",
            all->items[i / 2].name, i % 2 != 0 ? "good" : "bad",
            (unsigned long long)atomic_load(&app->regions[i / 2]->checks[i % 2]));
    put_head(out, "stint_region_requests_total", "counter",
             "Requests by their region and what was done with them here.");
    for (uint32_t i = 0; i < all->count; i++) {
        for (uint32_t how = 0; how < REGION_HOW_COUNT; how++)
            (void)buf_append_format(
                out, "stint_region_requests_total{region=\"%s\",how=\"%s\"} %llu\n",
                all->items[i].name, region_how_text(how),
                (unsigned long long)atomic_load(&app->regions[i]->requests[how]));
    }
    put_head(out, "stint_region_running", "gauge", "Requests on their way through there.");
    for (uint32_t i = 0; i < all->count; i++)
        (void)buf_append_format(out, "stint_region_running{region=\"%s\"} %u\n",
                                all->items[i].name, atomic_load(&app->regions[i]->running));
}
