/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that asks other regions whether they are healthy. */
#include <stdio.h>
#include <string.h>

#include "edge/application.h"
#include "edge/regions_int.h"
#include "http/http_peer.h"
#include "os/clock.h"
#include "os/random.h"

enum { BODY_BYTES_MAX = 64 << 10, MS_NS = 1000000 };

/* Of one region. */
struct region_check {
    struct region_check *next;
    struct regions *regions;
    const struct app_region *region;
    struct region_state *state;
    struct http_peer *peer; /* NULL: it has no `health`, and is tried again after a while */
    struct http_call *call;
    uv_timer_t timer; /* to the next call, or of the call */
    size_t body_bytes;
};

/* ---- One check --------------------------------------------------------------------------- */

static void on_timer(uv_timer_t *timer);

/* Servers that started together do not ask together for long. */
static void wait_for_next(struct region_check *check)
{
    struct regions *regions = check->regions;
    uint64_t interval_ms = check->region->health_interval_ns / MS_NS;
    regions->random = regions->random * 6364136223846793005u + 1442695040888963407u;
    uint64_t jitter_ms = (regions->random >> 33) % (interval_ms / 5 + 1);
    uv_timer_start(&check->timer, on_timer, interval_ms - interval_ms / 10 + jitter_ms, 0);
}

static void conclude(struct region_check *check, const char *problem)
{
    struct log_buffer *log = &check->regions->log;
    http_call_free(check->call);
    check->call = NULL;
    if (problem != NULL)
        region_bad(check->state, check->region, log, problem);
    else
        region_good(check->state, check->region, log);
    log_flush(log);
    wait_for_next(check);
}

static void on_progress(void *env)
{
    struct region_check *check = env;
    const uint8_t *data;
    char problem[160];
    for (size_t bytes; (bytes = http_call_body(check->call, &data)) > 0;) {
        check->body_bytes += bytes;
        http_call_take(check->call, bytes);
        if (check->body_bytes > BODY_BYTES_MAX)
            break;
    }
    enum http_call_state state = http_call_state(check->call);
    const char *detail = "";
    if (state == HTTP_CALL_FAILED) {
        enum http_call_failure failure = http_call_failure(check->call, &detail);
        (void)snprintf(problem, sizeof(problem), "%s%s%s", http_failure_text(failure),
                       detail[0] != '\0' ? ": " : "", detail);
        conclude(check, problem);
    } else if (state == HTTP_CALL_DONE || check->body_bytes > BODY_BYTES_MAX) {
        unsigned status = http_call_head(check->call)->status;
        (void)snprintf(problem, sizeof(problem), "it answers %u at %s", status,
                       check->region->health_path);
        conclude(check, status / 100 == 2 ? NULL : problem);
    }
}

static void begin(struct region_check *check)
{
    const char *authority = check->state->authority;
    const struct http_header headers[] = {
        {"host", authority, 4, (uint32_t)strlen(authority)},
        {"user-agent", "stint", 10, 5},
    };
    const struct http_call_request request = {.method = "GET",
                                              .path = check->region->health_path,
                                              .headers = headers,
                                              .header_count = COUNT_OF(headers),
                                              .length = HTTP_LENGTH_UNKNOWN};
    check->body_bytes = 0;
    check->call = http_call_begin(check->peer, &request, on_progress, check);
    if (check->call == NULL)
        wait_for_next(check);
    else
        uv_timer_start(&check->timer, on_timer, check->region->health_timeout_ns / MS_NS, 0);
}

/* Without health checks: the next request shows. */
static void try_again(struct region_check *check)
{
    struct region_state *state = check->state;
    uint64_t age_ns = clock_now_ns(OS_CLOCK_MONOTONIC) - atomic_load(&state->down_ns);
    if (age_ns >= check->region->health_interval_ns && !atomic_exchange(&state->is_up, true)) {
        log_line(&check->regions->log, LOG_INFO, NULL, NULL, "region %s is tried again",
                 state->name);
        log_flush(&check->regions->log);
    }
    wait_for_next(check);
}

static void on_timer(uv_timer_t *timer)
{
    struct region_check *check = timer->data;
    if (check->call != NULL)
        conclude(check, "no answer in time");
    else if (check->peer != NULL)
        begin(check);
    else
        try_again(check);
}

/* ---- All of them ------------------------------------------------------------------------- */

static void on_check_closed(uv_handle_t *handle)
{
    struct region_check *check = handle->data;
    alloc_put(&alloc_root, check, sizeof(*check));
}

static void drop_checks(struct regions *regions)
{
    for (struct region_check *check; (check = regions->checks) != NULL;) {
        regions->checks = check->next;
        http_call_free(check->call);
        http_peer_free(check->peer);
        uv_close((uv_handle_t *)&check->timer, on_check_closed);
    }
    application_release(regions->app);
    regions->app = NULL;
}

static void add_check(struct regions *regions, uint32_t number)
{
    const struct app_region *region = &regions->app->app->regions.items[number];
    struct region_state *state = regions->app->regions[number];
    struct region_check *check = alloc_get_zeroed(&alloc_root, 1, sizeof(*check));
    struct stint_error error = {0};
    if (check == NULL)
        return;
    const struct http_peer_config config = {
        .host = state->host,
        .port = state->port,
        .tls = state->is_tls ? regions->tls : NULL,
        .connect_timeout_ns = region->health_timeout_ns,
        .timeout_ns = region->health_timeout_ns,
        .idle_timeout_ns = UINT64_C(30) * 1000 * MS_NS,
        .idle_max = 1};
    check->regions = regions;
    check->region = region;
    check->state = state;
    if (region->health_path[0] != '\0' &&
        http_peer_create(&regions->uv, &config, &check->peer, &error) != STINT_OK)
        log_line(&regions->log, LOG_WARN, NULL, NULL, "region %s is not looked after: %s",
                 region->name, error.message);
    uv_timer_init(&regions->uv, &check->timer);
    check->timer.data = check;
    check->next = regions->checks;
    regions->checks = check;
    if (check->peer != NULL)
        begin(check);
    else
        wait_for_next(check);
}

static void look_after(struct regions *regions, struct edge_app *app)
{
    const struct app_regions *all = &app->app->regions;
    drop_checks(regions);
    regions->app = app;
    for (uint32_t i = 0; i < all->count; i++) {
        if (i != all->here && all->items[i].url[0] != '\0')
            add_check(regions, i);
    }
}

static void on_wake(uv_async_t *async)
{
    struct regions *regions = async->data;
    lock_take(&regions->lock);
    struct edge_app *next = regions->next_app;
    bool is_ending = regions->is_ending;
    regions->next_app = NULL;
    lock_give(&regions->lock);
    if (next != NULL)
        look_after(regions, next);
    if (is_ending && !uv_is_closing((uv_handle_t *)async)) {
        drop_checks(regions);
        uv_close((uv_handle_t *)async, NULL);
    }
}

static void run(void *context)
{
    struct regions *regions = context;
    uv_run(&regions->uv, UV_RUN_DEFAULT);
    log_flush(&regions->log);
}

/* ---- The thread -------------------------------------------------------------------------- */

static enum stint_status start(struct regions *regions, struct stint_error *error)
{
    if (uv_loop_init(&regions->uv) != 0)
        return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "no event loop for regions");
    log_buffer_init(&regions->log, &regions->server->log);
    uv_async_init(&regions->uv, &regions->wake, on_wake);
    regions->wake.data = regions;
    if (random_fill(&regions->random, sizeof(regions->random)))
        regions->random = clock_now_ns(OS_CLOCK_REALTIME);
    regions->has_thread = thread_start(&regions->thread, run, regions, false);
    if (regions->has_thread)
        return STINT_OK;
    uv_close((uv_handle_t *)&regions->wake, NULL);
    run(regions);
    uv_loop_close(&regions->uv);
    log_buffer_free(&regions->log);
    return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "no thread for regions");
}

static void hand_over(struct regions *regions, struct edge_app *app)
{
    lock_take(&regions->lock);
    struct edge_app *unused = regions->next_app;
    regions->next_app = application_retain(app);
    lock_give(&regions->lock);
    application_release(unused);
    uv_async_send(&regions->wake);
}

enum stint_status regions_start(struct edge_server *server, struct stint_error *error)
{
    struct regions *regions = server->regions;
    enum stint_status status = STINT_OK;
    regions->server = server;
    if (server->app->app->regions.count < 2)
        return STINT_OK; /* there are no others */
    if (!regions->has_thread)
        status = start(regions, error);
    if (status == STINT_OK)
        hand_over(regions, server->app);
    return status;
}

void regions_switch(struct edge_server *server, struct edge_app *app)
{
    struct regions *regions = server->regions;
    struct stint_error error = {0};
    if (!regions->has_thread && (app->app->regions.count < 2 || start(regions, &error) != STINT_OK))
        return;
    hand_over(regions, app);
}

void regions_stop(struct edge_server *server)
{
    struct regions *regions = server->regions;
    if (regions == NULL || !regions->has_thread)
        return;
    lock_take(&regions->lock);
    regions->is_ending = true;
    lock_give(&regions->lock);
    uv_async_send(&regions->wake);
    thread_join(&regions->thread);
    regions->has_thread = false;
    uv_loop_close(&regions->uv);
    application_release(regions->next_app);
    regions->next_app = NULL;
    log_buffer_free(&regions->log);
}
