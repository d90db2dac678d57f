/* SPDX-License-Identifier: Apache-2.0 */
/* A thread that serves: an event loop with its connections, its guests' fibers and its logs. */
#include <string.h>

#include "app/address.h"
#include "edge/application.h"
#include "edge/certificates.h"
#include "edge/trigger.h"
#include "os/clock.h"
#include "os/files.h"
#include "os/random.h"

enum { GUEST_STACK_BYTES = 1 << 20, GUEST_STACKS_KEEP = 256, FLUSH_MS = 200, DRAIN_AGAIN_MS = 100 };
enum { SCRATCH_BYTES_MAX = 1 << 20 };

static void on_flush_time(uv_timer_t *timer)
{
    log_flush(&((struct worker *)timer->data)->log);
}

/* Before the loop waits. */
static void on_prepare(uv_prepare_t *prepare)
{
    struct worker *worker = prepare->data;
    overload_round(&worker->overload, loop_ready(worker->loop), clock_now_ns(OS_CLOCK_MONOTONIC));
    if (worker->http != NULL)
        metrics_connections(&worker->metrics, worker->http);
    if (log_flush_most(&worker->log) && !uv_is_active((uv_handle_t *)&worker->flush_time))
        uv_timer_start(&worker->flush_time, on_flush_time, FLUSH_MS, 0);
}

/* ---- The end ----------------------------------------------------------------------------- */

/* Once nothing is left, the loop's own handles go, and with them the loop ends. */
void worker_idle(struct worker *worker)
{
    if (!worker->is_drained || worker->running > 0 || worker->chain_count > 0 ||
        worker->loop == NULL)
        return;
    loop_free(worker->loop);
    worker->loop = NULL;
    hop_peers_free(worker);
    uv_close((uv_handle_t *)&worker->wake, NULL);
    uv_close((uv_handle_t *)&worker->prepare, NULL);
    uv_close((uv_handle_t *)&worker->flush_time, NULL);
    uv_close((uv_handle_t *)&worker->drain_time, NULL);
    uv_close((uv_handle_t *)&worker->queue_time, NULL);
    uv_close((uv_handle_t *)&worker->chain_idle, NULL);
}

/* Guests may go on after their answer, or have a message: not for longer than connections may. */
static void on_drain_time(uv_timer_t *timer)
{
    struct worker *worker = timer->data;
    uint32_t count = requests_interrupt(worker);
    if (count > 0 && !worker->is_over)
        log_line(&worker->log, LOG_WARN, NULL, NULL,
                 "the time to drain is over: functions that have gone on without a client are "
                 "interrupted (%u)",
                 count);
    worker->is_over = true;
}

void worker_drained(struct worker *worker)
{
    uint64_t now_ns = clock_now_ns(OS_CLOCK_MONOTONIC), until_ns = worker->drain_until_ns;
    worker->is_drained = true;
    worker_idle(worker);
    if (worker->loop != NULL)
        uv_timer_start(&worker->drain_time, on_drain_time,
                       until_ns > now_ns ? (until_ns - now_ns) / 1000000 : 0, DRAIN_AGAIN_MS);
}

static void on_wake(uv_async_t *async)
{
    struct worker *worker = async->data;
    struct edge_app *next = atomic_exchange(&worker->next_app, NULL);
    if (next != NULL) {
        if (next->geo != worker->app->geo) {
            geo_reader_free(&worker->geo);
            geo_reader_init(&worker->geo, next->geo);
        }
        application_release(worker->app);
        worker->app = next;
        triggers_stop(worker);
        if (!atomic_load(&worker->is_draining))
            triggers_start(worker);
    }
    requests_wake(worker);
    atomic_fetch_add_explicit(&worker->beats, 1, memory_order_relaxed);
    if (!atomic_load(&worker->is_draining))
        return;
    triggers_stop(worker);
    if (worker->is_drained)
        return;
    uint64_t now_ns = clock_now_ns(OS_CLOCK_MONOTONIC), drain_ns = worker->server->drain_ns;
    if (worker->drain_until_ns == 0)
        worker->drain_until_ns = now_ns + drain_ns;
    if (atomic_load(&worker->server->is_replaced))
        http_server_retire(worker->http, now_ns + drain_ns / 2, now_ns + drain_ns);
    else
        http_server_drain(worker->http, now_ns + drain_ns);
}

void worker_ask(struct worker *worker)
{
    uv_async_send(&worker->wake);
}

void worker_switch(struct worker *worker, struct edge_app *app)
{
    application_release(atomic_exchange(&worker->next_app, app));
    uv_async_send(&worker->wake);
}

void worker_drain(struct worker *worker)
{
    atomic_store(&worker->is_draining, true);
    uv_async_send(&worker->wake);
}

/* Who may begin with a PROXY header. */
static bool is_proxy(void *env, const struct inet_address *peer)
{
    const struct worker *worker = env;
    return address_in_blocks(peer, worker->app->trusted);
}

/* ---- Creation ---------------------------------------------------------------------------- */

static struct http_config config_of(const struct app_server *server, uint64_t connections)
{
    struct http_config config = http_config_default();
    config.limits.head_bytes = (uint32_t)server->head_bytes;
    config.fields_max = (uint32_t)server->fields;
    config.connections_max = (uint32_t)connections;
    config.streams_max = (uint32_t)server->streams;
    config.head_timeout_ns = server->head_timeout_ns;
    config.idle_timeout_ns = server->idle_timeout_ns;
    config.body_timeout_ns = server->body_timeout_ns;
    config.send_timeout_ns = server->send_timeout_ns;
    config.body_rate_min = server->body_rate_min;
    config.server_name = server->server_name[0] != '\0' ? server->server_name : NULL;
    config.without_h2 = server->without_h2;
    config.ends_on_close = !server->half_close;
    return config;
}

static enum stint_status open_loop(struct worker *worker, struct stint_error *error)
{
    struct fiber_config fibers = fiber_config_default();
    fibers.stack_bytes = GUEST_STACK_BYTES;
    fibers.stacks_keep = GUEST_STACKS_KEEP;
    if (uv_loop_init(&worker->uv) != 0)
        return error_set(error, STINT_IO, STINT_NO_OFFSET, "cannot make an event loop");
    worker->has_uv = true;
    uv_async_init(&worker->uv, &worker->wake, on_wake);
    uv_prepare_init(&worker->uv, &worker->prepare);
    uv_timer_init(&worker->uv, &worker->flush_time);
    uv_timer_init(&worker->uv, &worker->drain_time);
    uv_timer_init(&worker->uv, &worker->queue_time);
    uv_idle_init(&worker->uv, &worker->chain_idle);
    worker->wake.data = worker->prepare.data = worker;
    worker->flush_time.data = worker->drain_time.data = worker;
    uv_prepare_start(&worker->prepare, on_prepare);
    return loop_create(&worker->uv, &fibers, &worker->loop, error);
}

enum stint_status worker_create(struct worker *worker, struct edge_server *server, uint32_t number,
                                const int *fds, uint32_t fd_count, struct stint_error *error)
{
    const struct app_server *settings = &server->app->app->server;
    const struct http_config config = config_of(settings, server->connections);
    uint32_t taken = 0;
    memset(worker, 0, sizeof(*worker));
    worker->server = server;
    worker->number = number;
    worker->app = application_retain(server->app);
    if (random_fill(&worker->id_seed, sizeof(worker->id_seed)))
        worker->id_seed = clock_now_ns(OS_CLOCK_REALTIME);
    log_buffer_init(&worker->log, &server->log);
    metrics_init(&worker->metrics);
    geo_reader_init(&worker->geo, server->app->geo);
    buf_init(&worker->scratch, &alloc_root, SCRATCH_BYTES_MAX);
    buf_init(&worker->span, &alloc_root, SCRATCH_BYTES_MAX);
    enum stint_status status = open_loop(worker, error);
    if (status == STINT_OK)
        status = http_server_create(&worker->uv, &config, &request_handler, worker, &worker->http,
                                    error);
    for (; taken < fd_count && status == STINT_OK; taken++) {
        if (fds[taken] < 0)
            continue;
        const struct edge_listener *listener = &server->listeners[taken];
        const struct http_listen how = {
            .proxy_protocol = listener->proxy_protocol,
            .is_proxy = is_proxy,
            .env = worker,
            .tls = listener->is_tls ? certificates_tls(server->certificates) : NULL};
        status = http_server_listen(worker->http, fds[taken], &how, error);
    }
    for (; taken < fd_count; taken++) {
        if (fds[taken] >= 0)
            file_close(fds[taken]);
    }
    return status;
}

static void serve(void *context)
{
    struct worker *worker = context;
    triggers_start(worker);
    uv_run(&worker->uv, UV_RUN_DEFAULT);
    log_flush(&worker->log);
}

bool worker_start(struct worker *worker)
{
    worker->has_thread = thread_start(&worker->thread, serve, worker, false);
    return worker->has_thread;
}

void worker_join(struct worker *worker)
{
    if (worker->has_thread)
        thread_join(&worker->thread);
    worker->has_thread = false;
}

void worker_free(struct worker *worker)
{
    if (worker->server == NULL)
        return;
    if (worker->http != NULL && !worker->is_drained) {
        http_server_close(worker->http);
    } else if (worker->has_uv) {
        worker->is_drained = true;
        worker_idle(worker);
    }
    if (worker->has_uv) {
        uv_run(&worker->uv, UV_RUN_DEFAULT);
        uv_loop_close(&worker->uv);
    }
    http_server_free(worker->http);
    requests_free(worker);
    geo_reader_free(&worker->geo);
    application_release(worker->app);
    application_release(atomic_load(&worker->next_app));
    metrics_free(&worker->metrics);
    buf_free(&worker->scratch);
    buf_free(&worker->span);
    log_buffer_free(&worker->log);
}
