/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/monitor.h"

#include <stdio.h>
#include <string.h>

#include "edge/admin.h"
#include "edge/application.h"
#include "edge/handover.h"
#include "edge/failures.h"
#include "edge/monitor_http.h"
#include "edge/monitor_text.h"
#include "edge/versions.h"
#include "os/clock.h"
#include "os/files.h"
#include "os/sockets.h"

enum { REFRESH_MS = 2000, CONNECTIONS_MAX = 64 };

struct monitor {
    struct monitor_view view;
    struct lock lock; /* of view.app */
    struct log_buffer log;
    struct thread thread;
    uv_loop_t uv;
    uv_async_t wake; /* to end */
    uv_timer_t refresh;
    struct http_server *http;
    int fd; /* of the listener; -1: none, or it was taken over */
    struct monitor_token token;
    struct admin *admin; /* NULL: there is no admin page */
    bool has_loop, has_thread, is_ending;
};

/* ---- Answers ----------------------------------------------------------------------------- */

static unsigned make_answer(struct monitor *monitor, const struct http_request *http,
                            struct buf *out)
{
    size_t path_bytes = strcspn(http->path, "?");
    char path[16] = "";
    unsigned status = 404;
    if (path_bytes < sizeof(path))
        memcpy(path, http->path, path_bytes);
    lock_take(&monitor->lock);
    if (strcmp(http->method, "GET") != 0 && strcmp(http->method, "HEAD") != 0) {
        status = 405;
    } else if (strcmp(path, "/healthz") == 0 || strcmp(path, "/health") == 0) {
        status = buf_append_string(out, "alive\n") ? 200 : 503;
    } else if (strcmp(path, "/readyz") == 0 || strcmp(path, "/ready") == 0) {
        status = monitor_print_ready(&monitor->view, out) ? 200 : 503;
    } else if (strcmp(path, "/metrics") == 0) {
        status = !monitor_token_is_given(&monitor->token, http) ? 401
                 : monitor_print_metrics(&monitor->view, out)           ? 200
                                                                 : 503;
    }
    lock_give(&monitor->lock);
    return status;
}

static void on_request(void *env, struct http_exchange *exchange)
{
    struct monitor *monitor = env;
    const struct http_request *http = http_exchange_request(exchange);
    struct http_header headers[2] = {
        {"content-type", "text/plain; version=0.0.4; charset=utf-8", 12, 40},
        {"www-authenticate", "Bearer", 16, 6}};
    struct monitor_answer *answer = monitor_answer_begin(exchange);
    if (answer == NULL)
        return;
    unsigned status = make_answer(monitor, http, &answer->text);
    if (status == 405)
        headers[1] = (struct http_header){"allow", "GET, HEAD", 5, 9};
    monitor_answer_send(exchange, status, headers, status == 401 || status == 405 ? 2 : 1);
}

static void close_handles(struct monitor *monitor)
{
    uv_close((uv_handle_t *)&monitor->refresh, NULL);
    uv_close((uv_handle_t *)&monitor->wake, NULL);
}

static void on_drained(void *env, struct http_server *server)
{
    (void)server;
    close_handles(env);
}

static const struct http_handler handler = {on_request, monitor_on_readable, monitor_on_writable,
                                            monitor_on_answered, on_drained};

/* ---- Preparation ------------------------------------------------------------------------- */

static enum stint_status open_listener(struct monitor *monitor, const char *address,
                                       const char *token_file, struct log_buffer *log)
{
    struct stint_error error = {0};
    char bound[80];
    if (address[0] == '\0')
        return STINT_OK;
    enum stint_status status =
        handover_listen(monitor->view.server, HANDOVER_METRICS, address, &monitor->fd, &error);
    if (status != STINT_OK)
        log_line(log, LOG_ERROR, NULL, NULL, "metrics: %s", error.message);
    if (!monitor_token_read(&monitor->token, token_file, "metrics", log))
        status = STINT_IO;
    if (status == STINT_OK && socket_local_address(monitor->fd, bound, sizeof(bound)) == OS_OK)
        log_line(log, LOG_INFO, NULL, NULL, "metrics on http://%s/metrics", bound);
    return status;
}

enum stint_status monitor_open(struct edge_server *server, struct log_buffer *log)
{
    const struct app_server *settings = &server->app->app->server;
    const char *given = server->options->metrics;
    struct monitor *monitor = alloc_get_zeroed(&alloc_root, 1, sizeof(*monitor));
    if (monitor == NULL)
        return STINT_NOMEM;
    monitor->fd = -1;
    monitor->view.server = server;
    monitor->view.labels.count_max = settings->metrics_countries;
    lock_init(&monitor->lock);
    log_buffer_init(&monitor->log, &server->log);
    server->monitor = monitor;
    if (!failures_create(&server->failures) || !versions_create(&server->versions))
        return STINT_NOMEM;
    versions_loaded(server->versions, server->app);
    /* All that is wrong is said, not the first thing alone. */
    const enum stint_status statuses[] = {
        open_listener(monitor, given != NULL ? given : settings->metrics_listen,
                      settings->metrics_token_file, log),
        admin_open(server, log, &monitor->admin),
    };
    for (size_t i = 0; i < COUNT_OF(statuses); i++) {
        if (statuses[i] != STINT_OK)
            return statuses[i];
    }
    return STINT_OK;
}

/* ---- Running ----------------------------------------------------------------------------- */

static void on_refresh(uv_timer_t *timer)
{
    struct monitor *monitor = timer->data;
    lock_take(&monitor->lock);
    struct edge_app *app = application_retain(monitor->view.app);
    lock_give(&monitor->lock);
    geo_refresh(app->geo, &monitor->log);
    application_release(app);
    log_flush(&monitor->log);
}

static void on_wake(uv_async_t *async)
{
    struct monitor *monitor = async->data;
    if (monitor->is_ending)
        return;
    monitor->is_ending = true;
    admin_stop(monitor->admin);
    if (monitor->http != NULL)
        http_server_close(monitor->http);
    else
        close_handles(monitor);
}

static void run(void *context)
{
    struct monitor *monitor = context;
    uv_run(&monitor->uv, UV_RUN_DEFAULT);
    log_flush(&monitor->log);
}

static enum stint_status listen_on(struct monitor *monitor, struct stint_error *error)
{
    const struct http_listen how = {0};
    struct http_config config = http_config_default();
    config.connections_max = CONNECTIONS_MAX;
    config.limits.body_bytes = 0;
    enum stint_status status =
        http_server_create(&monitor->uv, &config, &handler, monitor, &monitor->http, error);
    int fd = monitor->fd;
    if (status != STINT_OK)
        return status;
    monitor->fd = -1;
    return http_server_listen(monitor->http, fd, &how, error);
}

enum stint_status monitor_start(struct edge_server *server, struct stint_error *error)
{
    struct monitor *monitor = server->monitor;
    enum stint_status status = STINT_OK;
    monitor->view.app = application_retain(server->app);
    if (uv_loop_init(&monitor->uv) != 0)
        return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "no event loop for monitoring");
    monitor->has_loop = true;
    uv_async_init(&monitor->uv, &monitor->wake, on_wake);
    uv_timer_init(&monitor->uv, &monitor->refresh);
    monitor->wake.data = monitor->refresh.data = monitor;
    /* A later version of the application may have geo databases where this one has none. */
    uv_timer_start(&monitor->refresh, on_refresh, REFRESH_MS, REFRESH_MS);
    if (monitor->fd >= 0)
        status = listen_on(monitor, error);
    if (status == STINT_OK && monitor->admin != NULL)
        status = admin_start(monitor->admin, &monitor->uv, &monitor->view, &monitor->lock, error);
    if (status == STINT_OK) {
        monitor->has_thread = thread_start(&monitor->thread, run, monitor, false);
        if (!monitor->has_thread)
            status = error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "no thread for monitoring");
    }
    return status;
}

void monitor_switch(struct edge_server *server, struct edge_app *app)
{
    struct monitor *monitor = server->monitor;
    lock_take(&monitor->lock);
    struct edge_app *old = monitor->view.app;
    monitor->view.app = application_retain(app);
    monitor->view.labels.count_max = app->app->server.metrics_countries;
    lock_give(&monitor->lock);
    versions_loaded(server->versions, app);
    application_release(old);
}

void monitor_stop(struct edge_server *server)
{
    struct monitor *monitor = server->monitor;
    if (monitor == NULL || !monitor->has_loop)
        return;
    if (monitor->has_thread) {
        uv_async_send(&monitor->wake);
        thread_join(&monitor->thread);
    } else {
        on_wake(&monitor->wake);
        run(monitor);
    }
    uv_loop_close(&monitor->uv);
    http_server_free(monitor->http);
}

void monitor_close(struct edge_server *server)
{
    struct monitor *monitor = server->monitor;
    failures_free(server->failures);
    versions_free(server->versions);
    if (monitor == NULL)
        return;
    admin_free(monitor->admin);
    application_release(monitor->view.app);
    if (monitor->fd >= 0)
        file_close(monitor->fd);
    log_buffer_free(&monitor->log);
    lock_free(&monitor->lock);
    alloc_put(&alloc_root, monitor, sizeof(*monitor));
}
