/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The limits of a component: how often a client may ask, how many requests run at a time and how many
 * wait for that, how large bodies and how long lines in the log may be, and what time of a processor a
 * guest may take.
 *
 * Requests that wait are in one list for each component, whichever worker they belong to, so that the
 * first that came is the next that runs. Who gives a place back passes it to the first, by the list
 * `given` of that request's worker, which it wakes. All of that is under one lock of the server, which
 * only components with a limit of concurrency take.
 */
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "app/client.h"
#include "edge/request.h"
#include "edge/trigger.h"
#include "os/clock.h"

enum { RATE_CLIENTS = 1 << 14, SWEEP_MS = 20 };

static const uint64_t second_ns = 1000000000;
/* How long a guest runs before others may: a slice of fuel can be over in 20 microseconds, and each guest
 * that is suspended meanwhile holds an instance, whose memory is then no longer in the caches. */
static const uint64_t turn_max_ns = 500000;

/* ---- Components -------------------------------------------------------------------------- */

bool component_limits_init(struct edge_component *component)
{
    const struct app_rate *rate = &component->app->limits.rate;
    lock_init(&component->rate_lock);
    component->has_limits = true;
    if (rate->count == 0)
        return true;
    component->rate = rate_create(&alloc_root, rate, RATE_CLIENTS);
    return component->rate != NULL;
}

void component_limits_free(struct edge_component *component)
{
    rate_free(component->rate);
    if (component->has_limits)
        lock_free(&component->rate_lock);
}

/* ---- Rates and sizes --------------------------------------------------------------------- */

static bool take_rate(struct request *request)
{
    struct edge_component *component = request->component;
    uint64_t wait_ns = 0;
    if (component->rate == NULL)
        return true;
    lock_take(&component->rate_lock);
    bool is_good = rate_take(component->rate, client_key(&request->client),
                             clock_now_ns(OS_CLOCK_MONOTONIC), &wait_ns);
    lock_give(&component->rate_lock);
    if (!is_good)
        request->retry_after_s = (uint32_t)(wait_ns / second_ns + 1);
    return is_good;
}

bool request_limits_check(struct request *request)
{
    if (!take_rate(request)) {
        metrics_limit(request, HIT_RATE);
        request_answer(request, 429, "Too many requests");
        return false;
    }
    const struct http_request *http = http_exchange_request(request->exchange);
    uint64_t max = request->component->app->limits.request_bytes;
    if (http->has_length && http->content_length > max) {
        metrics_limit(request, HIT_REQUEST_SIZE);
        request_answer(request, 413, "The request is too large");
        return false;
    }
    http_body_limit(request->exchange, max);
    return true;
}

bool request_limits_send(struct request *request, size_t bytes)
{
    uint64_t max = request->component->app->limits.response_bytes;
    if (bytes <= max && http_sent_bytes(request->exchange) <= max - bytes)
        return true;
    metrics_limit(request, HIT_RESPONSE_SIZE);
    log_line(&request->worker->log, LOG_WARN, request->component->app->id, request->id,
             "its response is broken off: it is longer than the %" PRIu64
             " bytes of response_size",
             max);
    return false;
}

bool request_limits_log(struct request *request, size_t bytes)
{
    uint64_t max = request->component->app->limits.log_bytes;
    uint64_t before = request->log_bytes;
    request->log_bytes += bytes;
    if (request->log_bytes <= max)
        return true;
    if (before <= max) {
        metrics_limit(request, HIT_LOG_SIZE);
        log_line(&request->worker->log, LOG_WARN, request->component->app->id, request->id,
                 "what it writes beyond the %" PRIu64 " bytes of log_size is left out", max);
    }
    return false;
}

/* ---- Places ------------------------------------------------------------------------------ */

static void unlink_waiting(struct request *request)
{
    struct edge_component *component = request->component;
    struct request **from_before =
        request->before != NULL ? &request->before->after : &component->first_waiting;
    struct request **from_after =
        request->after != NULL ? &request->after->before : &component->last_waiting;
    *from_before = request->after;
    *from_after = request->before;
    request->before = request->after = NULL;
    component->waiting--;
}

static void link_waiting(struct request *request)
{
    struct edge_component *component = request->component;
    request->before = component->last_waiting;
    if (component->last_waiting != NULL)
        component->last_waiting->after = request;
    else
        component->first_waiting = request;
    component->last_waiting = request;
    component->waiting++;
}

static void on_sweep(uv_timer_t *timer)
{
    requests_wake(timer->data);
}

/* The worker's own list of those that have no place yet, or one that they do not know of. */
static void watch(struct request *request)
{
    struct worker *worker = request->worker;
    request->wait_next = worker->waiting;
    request->wait_before = &worker->waiting;
    if (worker->waiting != NULL)
        worker->waiting->wait_before = &request->wait_next;
    worker->waiting = request;
    if (!uv_is_active((uv_handle_t *)&worker->queue_time)) {
        worker->queue_time.data = worker;
        uv_timer_start(&worker->queue_time, on_sweep, SWEEP_MS, SWEEP_MS);
    }
}

static void unwatch(struct request *request)
{
    struct worker *worker = request->worker;
    *request->wait_before = request->wait_next;
    if (request->wait_next != NULL)
        request->wait_next->wait_before = request->wait_before;
    request->wait_before = NULL;
    if (worker->waiting == NULL)
        uv_timer_stop(&worker->queue_time);
}

enum request_place request_limits_enter(struct request *request)
{
    struct edge_component *component = request->component;
    const struct app_limits *limits = &component->app->limits;
    enum request_place place = PLACE_NONE;
    if (limits->concurrency == APP_UNLIMITED) {
        atomic_fetch_add_explicit(&component->running, 1, memory_order_relaxed);
        return request->place = PLACE_HELD;
    }
    lock_take(&request->worker->server->limits_lock);
    if (component->first_waiting == NULL && atomic_load(&component->running) < limits->concurrency) {
        atomic_fetch_add(&component->running, 1);
        place = PLACE_HELD;
    } else if (component->waiting < limits->queue) {
        link_waiting(request);
        place = PLACE_AWAITED;
    }
    request->place = place;
    lock_give(&request->worker->server->limits_lock);
    if (place == PLACE_AWAITED) {
        uint64_t now_ns = clock_now_ns(OS_CLOCK_MONOTONIC);
        request->wait_until_ns = limits->queue_timeout_ns > UINT64_MAX - now_ns
                                     ? UINT64_MAX
                                     : now_ns + limits->queue_timeout_ns;
        watch(request);
    }
    return place;
}

/* Under the lock. A worker with a request that waits is not at its end, so it can be woken. */
static void pass_on(struct edge_component *component)
{
    struct request *next = component->first_waiting;
    if (next == NULL) {
        atomic_fetch_sub(&component->running, 1);
        return;
    }
    unlink_waiting(next);
    next->place = PLACE_GIVEN;
    uv_async_send(&next->worker->wake);
}

void request_limits_leave(struct request *request)
{
    struct edge_component *component = request->component;
    if (component == NULL || request->place == PLACE_NONE)
        return;
    if (component->app->limits.concurrency == APP_UNLIMITED) {
        atomic_fetch_sub_explicit(&component->running, 1, memory_order_relaxed);
        return;
    }
    if (request->wait_before != NULL)
        unwatch(request);
    lock_take(&request->worker->server->limits_lock);
    if (request->place == PLACE_AWAITED)
        unlink_waiting(request);
    else
        pass_on(component);
    request->place = PLACE_NONE;
    lock_give(&request->worker->server->limits_lock);
}

static void give_up(struct request *request)
{
    unwatch(request);
    if (request->trigger != NULL) {
        trigger_refused(request);
        return;
    }
    request_answer(request, 503, "Too many requests at a time");
}

void requests_wake(struct worker *worker)
{
    uint64_t now_ns = clock_now_ns(OS_CLOCK_MONOTONIC);
    for (struct request *request = worker->waiting, *next; request != NULL; request = next) {
        next = request->wait_next;
        lock_take(&worker->server->limits_lock);
        enum request_place place = request->place;
        if (place == PLACE_AWAITED && request->wait_until_ns <= now_ns) {
            unlink_waiting(request);
            place = PLACE_NONE;
        } else if (place == PLACE_GIVEN) {
            place = PLACE_HELD;
        }
        request->place = place;
        lock_give(&worker->server->limits_lock);
        if (place == PLACE_NONE) {
            give_up(request);
        } else if (place == PLACE_HELD) {
            unwatch(request);
            request_begin(request);
        }
    }
}

/* ---- Time of the processor --------------------------------------------------------------- */

/* Counted between the moments when the guest is suspended; at least once a slice of fuel it is. */
static struct request *of_waiter(struct waiter *waiter)
{
    return (struct request *)((char *)waiter - offsetof(struct request, task.waiter));
}

/* Of the processor where that has a limit, which is dearer to ask for. */
static uint64_t look_at_clock(struct request *request)
{
    const struct app_limits *limits = &request->component->app->limits;
    request->now_ns = clock_now_ns(OS_CLOCK_MONOTONIC);
    return limits->cpu_ns != APP_UNLIMITED || limits->cpu_budget_ns != APP_UNLIMITED
               ? clock_now_ns(OS_CLOCK_THREAD_CPU)
               : request->now_ns;
}

void request_turn_begin(struct request *request)
{
    request->turn_ns = look_at_clock(request);
}

void request_turn_end(struct request *request)
{
    uint64_t max_ns = request->component->app->limits.cpu_ns;
    request->guest_ns += look_at_clock(request) - request->turn_ns;
    if (request->guest_ns > max_ns && !request->is_over_cpu && request->use != NULL) {
        request->is_over_cpu = true;
        rt_interrupt(guest_use_store(request->use));
    }
}

static enum os_error on_wait(struct waiter *waiter, struct ready_item *items, size_t count,
                             uint64_t timeout_ns, size_t *ret_ready)
{
    struct request *request = of_waiter(waiter);
    request_turn_end(request);
    uint64_t wait_ns = request->is_over_cpu ? 0 : timeout_ns;
    enum os_error error = request->loop_waiter.wait(waiter, items, count, wait_ns, ret_ready);
    request_turn_begin(request);
    return error;
}

static enum os_error on_work(struct waiter *waiter, void (*run)(void *arg), void *arg)
{
    struct request *request = of_waiter(waiter);
    request_turn_end(request);
    enum os_error error = request->loop_waiter.work(waiter, run, arg);
    request_turn_begin(request);
    return error;
}

static void on_yield(struct waiter *waiter)
{
    struct request *request = of_waiter(waiter);
    request_turn_end(request);
    if (request->guest_ns - request->yielded_ns >= turn_max_ns) {
        request->loop_waiter.yield(waiter);
        request->yielded_ns = request->guest_ns;
    }
    request_turn_begin(request);
}

void request_limits_count_time(struct request *request)
{
    static const struct waiter counted = {on_wait, on_work, on_yield};
    request->loop_waiter = request->task.waiter;
    request->task.waiter = counted;
}

void request_limits_end_of_time(struct request *request)
{
    if (!request->is_over_cpu || request->status != STINT_INTERRUPTED)
        return;
    error_clear(&request->error);
    request->status =
        error_set(&request->error, STINT_FUEL, STINT_NO_OFFSET,
                  "it took more than its %" PRIu64 " ms of CPU time",
                  request->component->app->limits.cpu_ns / 1000000);
}
