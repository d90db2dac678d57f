/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/fitting.h"

#include "app/app_fit.h"
#include "os/machine.h"

uint32_t fitting_workers(const struct edge_options *options, const struct app *app)
{
    return options->workers != 0       ? options->workers
           : app->server.workers != 0 ? app->server.workers
                                       : machine_cpu_count();
}

enum stint_status fitting_look(struct edge_server *server, const struct app *app,
                               struct log_buffer *log)
{
    struct process_limits limits;
    struct app_problems problems;
    struct app_need need;
    bool serves_already = server->app != NULL;
    uint32_t workers =
        serves_already ? server->worker_count : fitting_workers(server->options, app);
    limits_read(&limits);
    if (serves_already) /* its own threads have taken of that */
        limits.tasks = UINT64_MAX;
    app_need_of(app, workers, &limits, &need);
    if (!server->options->check)
        limits_raise_files(need.files);
    if (!serves_already)
        server->connections = need.connections_each;
    if (!serves_already && need.connections_each < app->server.connections)
        log_line(log, LOG_INFO, NULL, NULL,
                 "limits: %llu connections at a time for each of %u workers, as this process may have "
                 "%llu descriptors",
                 (unsigned long long)need.connections_each, workers,
                 (unsigned long long)limits.files_max);
    app_problems_init(&problems, &alloc_root);
    bool can_run = app_fit(app, &need, &limits, &problems);
    for (size_t i = 0; i < problems.count; i++)
        log_line(log, problems.items[i].is_warning ? LOG_WARN : LOG_ERROR, NULL, NULL, "limits: %s",
                 problems.items[i].text);
    app_problems_free(&problems);
    return can_run ? STINT_OK : STINT_LIMIT;
}

enum stint_status fitting_describe(const struct edge_server *server, struct buf *text)
{
    const struct app *app = server->app->app;
    struct process_limits limits;
    struct app_need need;
    limits_read(&limits);
    app_need_of(app, fitting_workers(server->options, app), &limits, &need);
    return app_fit_describe(&need, &limits, text) ? STINT_OK : STINT_NOMEM;
}
