/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/monitor.h"

#include <string.h>

enum { REFRESH_MS = 2000 };

struct monitor {
    struct edge_server *server;
    struct log_buffer log;
    struct thread thread;
    uv_loop_t uv;
    uv_async_t wake; /* to end */
    uv_timer_t refresh;
};

enum stint_status monitor_open(struct edge_server *server, struct log_buffer *log)
{
    const struct edge_options *options = server->options;
    struct app *app = server->app->app;
    const struct app_texts *more = &app->server.geo_databases;
    size_t count = 0;
    const char **paths =
        arena_get_zeroed(&app->arena, options->geo_count + more->count + 1, sizeof(*paths));
    if (paths == NULL)
        return STINT_NOMEM;
    for (size_t i = 0; i < options->geo_count; i++)
        paths[count++] = options->geo[i];
    for (uint32_t i = 0; i < more->count; i++)
        paths[count++] = more->items[i];
    return geo_create(paths, count, log, &server->geo);
}

static void on_refresh(uv_timer_t *timer)
{
    struct monitor *monitor = timer->data;
    geo_refresh(monitor->server->geo, &monitor->log);
    log_flush(&monitor->log);
}

static void on_wake(uv_async_t *async)
{
    struct monitor *monitor = async->data;
    uv_close((uv_handle_t *)&monitor->refresh, NULL);
    uv_close((uv_handle_t *)&monitor->wake, NULL);
}

static void run(void *context)
{
    struct monitor *monitor = context;
    uv_run(&monitor->uv, UV_RUN_DEFAULT);
    log_flush(&monitor->log);
}

enum stint_status monitor_start(struct edge_server *server, struct stint_error *error)
{
    if (server->geo == NULL)
        return STINT_OK;
    struct monitor *monitor = alloc_get_zeroed(&alloc_root, 1, sizeof(*monitor));
    if (monitor == NULL || uv_loop_init(&monitor->uv) != 0) {
        alloc_put(&alloc_root, monitor, monitor != NULL ? sizeof(*monitor) : 0);
        return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "no event loop for monitoring");
    }
    monitor->server = server;
    log_buffer_init(&monitor->log, &server->log);
    uv_async_init(&monitor->uv, &monitor->wake, on_wake);
    uv_timer_init(&monitor->uv, &monitor->refresh);
    monitor->wake.data = monitor->refresh.data = monitor;
    uv_timer_start(&monitor->refresh, on_refresh, REFRESH_MS, REFRESH_MS);
    if (thread_start(&monitor->thread, run, monitor, false)) {
        server->monitor = monitor;
        return STINT_OK;
    }
    on_wake(&monitor->wake);
    run(monitor);
    uv_loop_close(&monitor->uv);
    log_buffer_free(&monitor->log);
    alloc_put(&alloc_root, monitor, sizeof(*monitor));
    return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "no thread for monitoring");
}

void monitor_stop(struct edge_server *server)
{
    struct monitor *monitor = server->monitor;
    if (monitor == NULL)
        return;
    uv_async_send(&monitor->wake);
    thread_join(&monitor->thread);
    uv_loop_close(&monitor->uv);
    log_buffer_free(&monitor->log);
    alloc_put(&alloc_root, monitor, sizeof(*monitor));
    server->monitor = NULL;
}

void monitor_close(struct edge_server *server)
{
    geo_free(server->geo);
}
