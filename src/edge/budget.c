/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/budget.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "edge/monitor_text.h"
#include "os/clock.h"

/* What is known of a route at the end of the last window. */
struct route {
    const char *component, *route;
    uint64_t total, over;
    struct metrics_histogram guest;
    bool is_exceeded;
};

struct budget {
    struct edge_server *server;
    struct lock lock;   /* of what follows, which the main thread alone writes */
    struct arena arena; /* names */
    struct route *routes;
    size_t count, capacity;
    uint64_t window_start_ns;
};

static const uint64_t second_ns = 1000000000;

enum stint_status budget_create(struct edge_server *server, struct budget **ret_budget)
{
    struct budget *budget = alloc_get_zeroed(&alloc_root, 1, sizeof(*budget));
    if (budget == NULL)
        return STINT_NOMEM;
    budget->server = server;
    lock_init(&budget->lock);
    arena_init(&budget->arena, &alloc_root);
    budget->window_start_ns = clock_now_ns(OS_CLOCK_MONOTONIC);
    *ret_budget = budget;
    return STINT_OK;
}

void budget_free(struct budget *budget)
{
    if (budget == NULL)
        return;
    alloc_put(&alloc_root, budget->routes, budget->capacity * sizeof(*budget->routes));
    arena_free(&budget->arena);
    lock_free(&budget->lock);
    alloc_put(&alloc_root, budget, sizeof(*budget));
}

bool budget_is_used(const struct edge_app *app)
{
    for (uint32_t i = 0; i < app->app->component_count; i++) {
        if (app->app->components[i].limits.cpu_budget_ns != APP_UNLIMITED)
            return true;
    }
    return false;
}

/* NULL: memory is out. */
static struct route *find(struct budget *budget, const struct metrics_route *series)
{
    for (size_t i = 0; i < budget->count; i++) {
        struct route *known = &budget->routes[i];
        if (strcmp(known->component, series->component) == 0 &&
            strcmp(known->route, series->route) == 0)
            return known;
    }
    if (!vec_reserve(&alloc_root, &budget->routes, &budget->capacity, budget->count + 1,
                     sizeof(*budget->routes)))
        return NULL;
    struct route *added = &budget->routes[budget->count];
    memset(added, 0, sizeof(*added));
    added->component =
        arena_copy_string(&budget->arena, series->component, strlen(series->component));
    added->route = arena_copy_string(&budget->arena, series->route, strlen(series->route));
    if (added->component == NULL || added->route == NULL)
        return NULL;
    budget->count++;
    return added;
}

static void warn(struct log_buffer *log, const struct route *route, uint64_t over, uint64_t total,
                 uint64_t p99_ns, uint64_t budget_ns, uint64_t window_ns)
{
    char slowest[64] = "";
    if (p99_ns != UINT64_MAX)
        (void)snprintf(slowest, sizeof(slowest), "; 99 of 100 took up to %g ms",
                       (double)p99_ns / 1e6);
    log_line(log, LOG_WARN, route->component, NULL,
             "%s: %llu of its %llu requests in %llu s took more than the %g ms of cpu_budget%s",
             route->route, (unsigned long long)over, (unsigned long long)total,
             (unsigned long long)((window_ns + second_ns / 2) / second_ns), (double)budget_ns / 1e6,
             slowest);
}

/* Of one route, in the window that ends now. */
static void look(struct budget *budget, const struct metrics_route *series, uint64_t budget_ns,
                 uint64_t window_ns, struct log_buffer *log)
{
    struct metrics_histogram window = series->guest;
    uint64_t total = 0, over = series->over_budget;
    struct route *route = find(budget, series);
    if (route == NULL)
        return;
    for (size_t i = 0; i <= METRICS_BUCKETS; i++) {
        total += series->guest.counts[i];
        window.counts[i] -= route->guest.counts[i];
    }
    uint64_t new_total = total - route->total, new_over = over - route->over;
    route->is_exceeded = new_over * 100 > new_total;
    if (route->is_exceeded)
        warn(log, route, new_over, new_total, metrics_p99_ns(&window), budget_ns, window_ns);
    route->total = total;
    route->over = over;
    route->guest = series->guest;
}

static void look_at_all(struct budget *budget, const struct metrics *metrics, uint64_t window_ns,
                        struct log_buffer *log)
{
    const struct app *app = budget->server->app->app;
    for (size_t i = 0; i < metrics->route_count; i++) {
        const struct metrics_route *series = &metrics->routes[i];
        uint32_t number = app_find_component(app, series->component);
        if (number == APP_NONE || app->components[number].limits.cpu_budget_ns == APP_UNLIMITED)
            continue;
        look(budget, series, app->components[number].limits.cpu_budget_ns, window_ns, log);
    }
}

void budget_tick(struct budget *budget, struct log_buffer *log, bool is_last)
{
    struct edge_server *server = budget->server;
    uint64_t now_ns = clock_now_ns(OS_CLOCK_MONOTONIC);
    uint64_t window_ns = now_ns - budget->window_start_ns;
    if (!budget_is_used(server->app) ||
        (window_ns < server->app->app->server.budget_window_ns && !is_last))
        return;
    struct metrics *total = metrics_total(server);
    if (total == NULL)
        return;
    lock_take(&budget->lock);
    look_at_all(budget, total, window_ns, log);
    lock_give(&budget->lock);
    budget->window_start_ns = now_ns;
    metrics_total_free(total);
}

void budget_print(struct budget *budget, struct buf *out)
{
    static const char name[] = "stint_cpu_budget_exceeded";
    (void)buf_append_format(out,
                            "# HELP %s 1: in the last window more than 1 of 100 requests was beyond "
                            "cpu_budget.\n# TYPE %s gauge\n",
                            name, name);
    lock_take(&budget->lock);
    for (size_t i = 0; i < budget->count; i++) {
        (void)buf_append_format(out, "%s{component=\"", name);
        (void)metrics_put_label(out, budget->routes[i].component);
        (void)buf_append_string(out, "\",route=\"");
        (void)metrics_put_label(out, budget->routes[i].route);
        (void)buf_append_format(out, "\"} %d\n", budget->routes[i].is_exceeded);
    }
    lock_give(&budget->lock);
}
