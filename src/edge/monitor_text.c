/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/monitor_text.h"

#include "edge/budget.h"
#include "edge/certificates.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "edge/regions.h"
#include "edge/trigger.h"
#include "os/clock.h"
#include "os/files.h"
#include "stint_config.h"

bool monitor_print_ready(const struct monitor_view *view, struct buf *out)
{
    const struct edge_server *server = view->server;
    bool is_ready = true;
    for (uint32_t i = 0; i < server->worker_count && is_ready; i++)
        is_ready = !atomic_load(&server->workers[i].is_draining);
    if (!is_ready)
        (void)buf_append_string(out, "it is ending\n");
    for (uint32_t i = 0; i < view->app->app->component_count; i++) {
        const struct edge_component *component = &view->app->components[i];
        if (component->guest != NULL)
            continue;
        is_ready = false;
        (void)buf_append_format(out, "%s: %s: %s\n", component->app->id,
                                component->path != NULL ? component->path : "",
                                component->problem);
    }
    return is_ready && buf_append_string(out, "ready\n");
}

/* ---- Metrics ----------------------------------------------------------------------------- */

static void put_head(struct buf *out, const char *name, const char *type, const char *help)
{
    (void)buf_append_format(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_one(struct buf *out, const char *name, const char *type, const char *help,
                    double value)
{
    put_head(out, name, type, help);
    (void)buf_append_format(out, "%s %.17g\n", name, value);
}

struct row {
    const char *name, *type, *help;
    double (*value)(const struct edge_component *component, const struct pool_stats *stats);
};

static double up_of(const struct edge_component *component, const struct pool_stats *stats)
{
    (void)stats;
    return component->guest != NULL;
}

static double running_of(const struct edge_component *component, const struct pool_stats *stats)
{
    (void)stats;
    return atomic_load_explicit(&component->running, memory_order_relaxed);
}

static double slots_of(const struct edge_component *component, const struct pool_stats *stats)
{
    (void)component;
    return stats->slots;
}

static double idle_of(const struct edge_component *component, const struct pool_stats *stats)
{
    (void)component;
    return stats->idle;
}

static double slots_max_of(const struct edge_component *component, const struct pool_stats *stats)
{
    (void)component;
    return stats->slots_max;
}

static double memory_of(const struct edge_component *component, const struct pool_stats *stats)
{
    (void)component;
    return (double)stats->memory_bytes;
}

static double takes_of(const struct edge_component *component, const struct pool_stats *stats)
{
    (void)component;
    return (double)stats->takes;
}

static double cold_of(const struct edge_component *component, const struct pool_stats *stats)
{
    (void)component;
    return (double)stats->cold_takes;
}

static double machine_code_of(const struct edge_component *component,
                              const struct pool_stats *stats)
{
    (void)stats;
    return component->guest != NULL && guest_has_code(component->guest);
}

/* False: memory is out. */
static bool print_components(const struct edge_app *app, struct buf *out)
{
    static const struct row rows[] = {
        {"stint_component_up", "gauge", "1: it is loaded.", up_of},
        {"stint_component_machine_code", "gauge", "1: it runs as machine code.", machine_code_of},
        {"stint_component_running", "gauge", "Its requests on their way.", running_of},
        {"stint_instances", "gauge", "Its slots, warm or in use.", slots_of},
        {"stint_instances_idle", "gauge", "Those that are warm.", idle_of},
        {"stint_instances_max", "gauge", "As many as there may be.", slots_max_of},
        {"stint_instance_memory_bytes", "gauge", "Memory of those that are not.", memory_of},
        {"stint_starts_total", "counter", "Instances that were taken.", takes_of},
        {"stint_cold_starts_total", "counter", "Those whose slot had to be made first.", cold_of},
    };
    size_t count = app->app->component_count;
    struct pool_stats *stats = alloc_get_zeroed(&alloc_root, count, sizeof(*stats));
    for (size_t i = 0; i < count && stats != NULL; i++) {
        if (app->components[i].guest != NULL)
            guest_stats(app->components[i].guest, &stats[i]);
    }
    for (size_t k = 0; k < COUNT_OF(rows) && stats != NULL; k++) {
        put_head(out, rows[k].name, rows[k].type, rows[k].help);
        for (size_t i = 0; i < count; i++) {
            const struct edge_component *component = &app->components[i];
            (void)buf_append_format(out, "%s{component=\"", rows[k].name);
            (void)metrics_put_label(out, component->app->id);
            (void)buf_append_format(out, "\"} %.17g\n", rows[k].value(component, &stats[i]));
        }
    }
    alloc_put(&alloc_root, stats, stats != NULL ? count * sizeof(*stats) : 0);
    return stats != NULL || count == 0;
}

static void print_geo(struct geo *geo, struct buf *out)
{
    static const struct {
        const char *name, *type, *help;
    } rows[] = {
        {"stint_geo_built_seconds", "gauge", "When a geo database was made, since 1970."},
        {"stint_geo_reloads_total", "counter", "Times that it was read again."},
        {"stint_geo_failures_total", "counter", "Times that it could not be."},
    };
    for (size_t k = 0; k < COUNT_OF(rows) && geo != NULL; k++) {
        struct geo_file_state state;
        put_head(out, rows[k].name, rows[k].type, rows[k].help);
        for (size_t i = 0; geo_file_state(geo, i, &state); i++) {
            uint64_t value = k == 0 ? state.built_s : k == 1 ? state.reloads : state.failures;
            (void)buf_append_format(out, "%s{file=\"", rows[k].name);
            (void)metrics_put_label(out, state.path);
            (void)buf_append_format(out, "\"} %llu\n", (unsigned long long)value);
        }
    }
}

/* Resident pages, the second number there. */
double monitor_resident_bytes(void)
{
    char text[128] = "", *end = text;
    struct file_span span = {text, sizeof(text) - 1};
    size_t bytes = 0;
    int fd = -1;
    if (file_open_host("/proc/self/statm", FILE_READ, &fd))
        return 0;
    bool is_read = file_read(fd, &span, 1, FILE_NO_OFFSET, &bytes) == OS_OK;
    file_close(fd);
    (void)strtoull(text, &end, 10);
    return is_read ? (double)strtoull(end, NULL, 10) * (double)sysconf(_SC_PAGESIZE) : 0;
}

struct metrics *metrics_total(const struct edge_server *server)
{
    struct metrics *total = alloc_get(&alloc_root, sizeof(*total));
    if (total == NULL)
        return NULL;
    metrics_init(total);
    for (uint32_t i = 0; i < server->worker_count; i++) {
        if (!metrics_add(total, &server->workers[i].metrics)) {
            metrics_total_free(total);
            return NULL;
        }
    }
    return total;
}

void metrics_total_free(struct metrics *total)
{
    metrics_free(total);
    alloc_put(&alloc_root, total, sizeof(*total));
}

static void print_process(const struct edge_server *server, struct buf *out)
{
    put_head(out, "stint_info", "gauge", "The program.");
    const struct edge_fencing *fence = &server->fence;
    (void)buf_append_format(out, "stint_info{version=\"%s\",fence=\"%s%s\"} 1\n", STINT_VERSION,
                            fence->has_files ? "files," : "",
                            !fence->has_calls                  ? "off"
                            : fence->mode == EDGE_FENCE_WARN ? "warn"
                                                               : "calls");
    put_one(out, "stint_workers", "gauge", "Threads that serve.", server->worker_count);
    put_one(out, "stint_log_lost_total", "counter", "Lines of logs that could not be written.",
            (double)atomic_load(&server->log.lost));
    put_one(out, "stint_heap_bytes", "gauge", "What the server has allocated and not freed.",
            (double)(atomic_load(&alloc_root.used_bytes) +
                     atomic_load(&server->engine->alloc.used_bytes)));
    put_one(out, "process_resident_memory_bytes", "gauge", "Memory of the process.",
            monitor_resident_bytes());
    put_one(out, "process_cpu_seconds_total", "counter", "Time of all its threads.",
            (double)clock_now_ns(OS_CLOCK_PROCESS_CPU) / 1e9);
}

bool monitor_print_metrics(struct monitor_view *view, struct buf *out)
{
    struct edge_server *server = view->server;
    struct metrics *total = metrics_total(server);
    if (total == NULL)
        return false;
    bool ok = metrics_print(total, &view->labels, out);
    metrics_total_free(total);
    ok = print_components(view->app, out) && ok;
    triggers_print(view->app, out);
    print_geo(view->app->geo, out);
    certificates_print(server->certificates, out);
    budget_print(server->budget, out);
    traces_print(server->traces, out);
    regions_print(view->app, out);
    print_process(server, out);
    return ok && !out->failed;
}
