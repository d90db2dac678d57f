/* SPDX-License-Identifier: Apache-2.0 */
#include "services/service_tls.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/client_tls.h"
#include "base/alloc.h"
#include "os/clock.h"
#include "os/lock.h"
#include "os/plugin.h"
#include "services/service_net.h"

enum { SOON_DAYS = 14, DAY_S = 24 * 60 * 60 };

struct service_tls {
    const struct app *app;
    struct lock lock;
    const struct http_tls_api *api; /* NULL: not loaded yet */
    struct http_tls **items;        /* as app->client_tls, the system's behind them; NULL: not yet */
    uint32_t count;
};

enum stint_status service_tls_load(const struct http_tls_api **ret_api, struct stint_error *error)
{
    const void *table;
    enum stint_status status =
        plugin_table("libstint-tls.so", HTTP_TLS_SYMBOL, HTTP_TLS_API_VERSION, &table, error);
    if (status == STINT_OK)
        *ret_api = table;
    return status;
}

struct service_tls *service_tls_create(const struct app *app)
{
    struct service_tls *tls = alloc_get_zeroed(&alloc_root, 1, sizeof(*tls));
    if (tls == NULL)
        return NULL;
    tls->app = app;
    tls->count = app->client_tls_count + 1;
    lock_init(&tls->lock);
    tls->items = alloc_get_zeroed(&alloc_root, tls->count, sizeof(struct http_tls *));
    if (tls->items != NULL)
        return tls;
    service_tls_free(tls);
    return NULL;
}

void service_tls_free(struct service_tls *tls)
{
    if (tls == NULL)
        return;
    for (uint32_t i = 0; tls->items != NULL && i < tls->count; i++) {
        if (tls->items[i] != NULL)
            tls->api->free(tls->items[i]);
    }
    alloc_put(&alloc_root, tls->items,
              tls->items != NULL ? tls->count * sizeof(struct http_tls *) : 0);
    lock_free(&tls->lock);
    alloc_put(&alloc_root, tls, sizeof(*tls));
}

/* ---- Reading, under the lock ------------------------------------------------------------- */

static bool load(struct service_tls *tls, char *message, size_t room)
{
    struct stint_error ignored = {0};
    if (tls->api != NULL || service_tls_load(&tls->api, &ignored) == STINT_OK)
        return true;
    (void)snprintf(message, room, "this server has no TLS");
    return false;
}

static const char *file_or_null(const char *path)
{
    return path[0] != '\0' ? path : NULL;
}

static struct http_tls *item_at(struct service_tls *tls, uint32_t number, char *message, size_t room)
{
    struct http_tls_client_config config = {.with_system = true};
    if (!load(tls, message, room))
        return NULL;
    if (number < tls->app->client_tls_count) {
        const struct app_client_tls *from = &tls->app->client_tls[number];
        config.authorities = file_or_null(from->roots_file);
        config.with_system = from->use_platform_roots;
        config.certificate = file_or_null(from->certificate_file);
        config.key = file_or_null(from->key_file);
    }
    if (tls->items[number] == NULL)
        tls->items[number] = tls->api->create_client(&config, message, room);
    return tls->items[number];
}

/* Servers will refuse who shows a certificate that has ended. */
static void warn_of_end(const struct service_tls *tls, uint32_t number, service_tls_say_fn say,
                        void *env)
{
    struct http_tls_certificate found = {.expires_s = INT64_MAX};
    char message[STINT_ERROR_MESSAGE_BYTES];
    const char *file = tls->app->client_tls[number].certificate_file;
    int64_t now_s = (int64_t)(clock_now_ns(OS_CLOCK_REALTIME) / 1000000000);
    if (file[0] != '\0')
        (void)tls->api->certificates(tls->items[number], &found, 1);
    if (found.expires_s - now_s >= SOON_DAYS * DAY_S)
        return;
    if (found.expires_s < now_s)
        (void)snprintf(message, sizeof(message), "%s: the certificate has expired", file);
    else
        (void)snprintf(message, sizeof(message), "%s: the certificate expires in %" PRId64 " days",
                       file, (found.expires_s - now_s) / DAY_S);
    say(env, false, message);
}

bool service_tls_read(struct service_tls *tls, service_tls_say_fn say, void *env)
{
    char message[STINT_ERROR_MESSAGE_BYTES];
    bool is_right = true;
    lock_take(&tls->lock);
    for (uint32_t i = 0; i < tls->app->client_tls_count && load(tls, message, sizeof(message)); i++) {
        if (item_at(tls, i, message, sizeof(message)) != NULL) {
            warn_of_end(tls, i, say, env);
            continue;
        }
        say(env, true, message);
        is_right = false;
    }
    lock_give(&tls->lock);
    return is_right;
}

struct http_tls *service_tls_for(struct service_tls *tls, const struct app_component *component,
                                 const struct net_place *place, char *message, size_t room)
{
    const struct app *app = tls->app;
    const struct app_client_tls *found = client_tls_find(app, component->id, place->host, place->port);
    uint32_t number = found != NULL ? (uint32_t)(found - app->client_tls) : app->client_tls_count;
    lock_take(&tls->lock);
    struct http_tls *item = item_at(tls, number, message, room);
    lock_give(&tls->lock);
    return item;
}
