/* SPDX-License-Identifier: Apache-2.0 */
#include "app/app_fit.h"

#include <stdio.h>
#include <string.h>

/* Of a server on Linux 6.18 were measured: 6 descriptors a worker, its listener among them, and about 10
 * others; 8 to 11 mappings and 8.06 GiB of addresses for a running instance with its fiber. */
enum {
    FILES_OF_PROCESS = 100, /* logs, modules, databases of places, monitoring */
    FILES_LEAST = 6,
    FILES_OF_WORKER = 5,       /* its loop */
    OUTBOUND_THREADS_MAX = 256, /* of HTTP requests, each of which has one: wasi/host_http.h */
    FILES_OF_THREAD = 3,       /* an event, a look-up, a certificate's file */
    FILES_OF_DATABASE = 4,     /* SQLite's file, its log and its index; one on its way */
    TASKS_OF_PROCESS = 12,     /* monitoring, traces, the loop's helpers, the compiler and its process */
    INSTANCES_MAX = 4000,      /* of a component, as pools have it */
    MAPPINGS_OF_INSTANCE = 12, /* memory and its guard, image, stacks and their guards */
    MAPPINGS_OF_PROCESS = 500,
    MAPPINGS_OF_COMPONENT = 10, /* its code, its images */
    CONNECTIONS_LEAST = 64,     /* of a worker, unless the manifest says otherwise */
    NAME_BYTES = 40,
};

/* What an instance with one memory reserves: 8 GiB of memory and guard, stacks. */
#define ADDRESSES_OF_INSTANCE (((uint64_t)8 << 30) + ((uint64_t)67 << 20))
#define ADDRESSES_OF_PROCESS ((uint64_t)1 << 30)

#define KIB ((double)((uint64_t)1 << 10))
#define MIB ((double)((uint64_t)1 << 20))
#define GIB ((double)((uint64_t)1 << 30))

/* ---- What is needed ---------------------------------------------------------------------- */

/* Settings are numbers of up to 64 bits. */
static uint64_t plus(uint64_t left, uint64_t right)
{
    return left < UINT64_MAX - right ? left + right : UINT64_MAX;
}

static uint64_t times(uint64_t left, uint64_t right)
{
    return right != 0 && left > UINT64_MAX / right ? UINT64_MAX : left * right;
}

static bool is_bounded(const struct app_component *component)
{
    return component->limits.concurrency != APP_UNLIMITED;
}

static uint64_t instances_of(const struct app_component *component)
{
    uint64_t count = component->limits.concurrency;
    return !is_bounded(component) ? 1 : count < INSTANCES_MAX ? count : INSTANCES_MAX;
}

static uint64_t outbound_of(const struct app_component *component)
{
    const struct app_limits *limits = &component->limits;
    uint64_t each = limits->outbound_calls < limits->outbound_concurrency
                        ? limits->outbound_calls
                        : limits->outbound_concurrency;
    return component->outbound.count == 0 ? 0 : times(instances_of(component), each);
}

static uint64_t files_of(const struct app_component *component)
{
    uint64_t each = component->file_count;
    each += (uint64_t)FILES_OF_DATABASE *
            ((uint64_t)component->key_value_stores.count + component->sqlite_databases.count);
    return plus(times(instances_of(component), each), outbound_of(component));
}

/* How many connections a worker may have beside `others`, descriptors for other things. */
static uint64_t room_for(uint64_t others, uint32_t workers, uint64_t there)
{
    return there > others ? (there - others) / workers : 0;
}

void app_need_of(const struct app *app, uint32_t workers, const struct process_limits *limits,
                 struct app_need *ret_need)
{
    const struct app_server *server = &app->server;
    struct app_need need = {.workers = workers};
    uint64_t largest = 0, files = 0;
    for (uint32_t i = 0; i < app->component_count; i++) {
        const struct app_component *component = &app->components[i];
        uint64_t bytes = component->limits.memory_bytes, count = instances_of(component);
        need.instances += count;
        need.has_unbounded |= !is_bounded(component);
        need.outbound = plus(need.outbound, outbound_of(component));
        files = plus(files, files_of(component));
        if (bytes == APP_UNLIMITED)
            continue;
        if (is_bounded(component))
            need.memory_bytes = plus(need.memory_bytes, times(count, bytes));
        else if (bytes > largest)
            largest = bytes;
    }
    need.memory_bytes = plus(need.memory_bytes, largest);
    uint64_t own = (uint64_t)workers * (server->listen_count + FILES_OF_WORKER) +
                   (server->metrics_listen[0] != '\0') + (server->admin_listen[0] != '\0');
    need.files_least = own + FILES_LEAST;
    uint64_t threads = need.outbound < OUTBOUND_THREADS_MAX ? need.outbound : OUTBOUND_THREADS_MAX;
    uint64_t others = plus(own + FILES_OF_PROCESS + threads * FILES_OF_THREAD, files);
    uint64_t room = room_for(others, workers, limits->files_max);
    need.connections_each = server->connections;
    if (!server->has_connections && room < server->connections && room >= CONNECTIONS_LEAST)
        need.connections_each = room;
    need.connections = times(need.connections_each, workers);
    need.files = plus(need.connections, others);
    need.tasks_least = workers;
    need.tasks = workers + TASKS_OF_PROCESS + threads;
    need.mappings = need.instances * MAPPINGS_OF_INSTANCE + MAPPINGS_OF_PROCESS +
                    (uint64_t)app->component_count * MAPPINGS_OF_COMPONENT;
    need.address_bytes = times(need.instances, ADDRESSES_OF_INSTANCE) + ADDRESSES_OF_PROCESS;
    *ret_need = need;
}

/* ---- What does not fit ------------------------------------------------------------------- */

/* "25.6 GiB". */
static const char *size_text(uint64_t bytes, char text[NAME_BYTES])
{
    double size = (double)bytes;
    if (size >= GIB)
        (void)snprintf(text, NAME_BYTES, "%.1f GiB", size / GIB);
    else if (size >= MIB)
        (void)snprintf(text, NAME_BYTES, "%.0f MiB", size / MIB);
    else
        (void)snprintf(text, NAME_BYTES, "%.0f KiB", size / KIB);
    return text;
}

static void fit_files(const struct app *app, const struct app_need *need, uint64_t there,
                      struct app_problems *problems)
{
    static const char how[] = "raise the hard limit ('ulimit -Hn', LimitNOFILE= of the unit)";
    char lower[80] = "lower limits.outbound_concurrency";
    if (need->files_least > there) {
        app_problem_add(problems, false, NULL, 0, 0,
                        "descriptors: %u threads with %u listener%s need %llu to serve at all, this "
                        "process may have %llu: %s, or have fewer workers",
                        need->workers, app->server.listen_count,
                        app->server.listen_count == 1 ? "" : "s",
                        (unsigned long long)need->files_least, (unsigned long long)there, how);
    } else if (need->files > there) {
        uint64_t others = need->files - need->connections;
        uint64_t room = room_for(others, need->workers, there);
        if (room > 0)
            (void)snprintf(lower, sizeof(lower),
                           "lower 'connections' in [application.tool.stint.server] to %llu",
                           (unsigned long long)room);
        app_problem_add(problems, true, NULL, 0, 0,
                        "descriptors: %llu may be needed (%llu for connections: %u threads with %llu "
                        "each; %llu for outbound requests, files and the server itself), this process "
                        "may have %llu: %s, or %s",
                        (unsigned long long)need->files, (unsigned long long)need->connections,
                        need->workers, (unsigned long long)need->connections_each,
                        (unsigned long long)others, (unsigned long long)there, how, lower);
    }
}

static void fit_tasks(const struct app_need *need, uint64_t there, struct app_problems *problems)
{
    static const char how[] = "raise TasksMax= of the unit (pids.max of the control group)";
    if (need->tasks_least > there)
        app_problem_add(problems, false, NULL, 0, 0,
                        "threads: %u workers need one each, the control group has room for %llu: %s, "
                        "or have fewer workers",
                        need->workers, (unsigned long long)there, how);
    else if (need->tasks > there)
        app_problem_add(problems, true, NULL, 0, 0,
                        "threads: %llu may be needed (%u workers, %llu for outbound requests, %d "
                        "others), the control group has room for %llu: %s, or have fewer workers",
                        (unsigned long long)need->tasks, need->workers,
                        (unsigned long long)(need->tasks - need->workers - TASKS_OF_PROCESS),
                        TASKS_OF_PROCESS, (unsigned long long)there, how);
}

static void fit_mappings(const struct app_need *need, const struct process_limits *limits,
                         struct app_problems *problems)
{
    char wanted[NAME_BYTES], there[NAME_BYTES];
    const char *ending = need->instances == 1 ? "" : "s";
    if (need->mappings > limits->mappings)
        app_problem_add(problems, true, NULL, 0, 0,
                        "mappings: %llu instance%s at a time may need %llu, vm.max_map_count is %llu: "
                        "'sysctl -w vm.max_map_count=%llu', or lower limits.concurrency",
                        (unsigned long long)need->instances, ending,
                        (unsigned long long)need->mappings, (unsigned long long)limits->mappings, (unsigned long long)need->mappings);
    if (need->address_bytes > limits->address_bytes)
        app_problem_add(problems, true, NULL, 0, 0,
                        "address space: %llu instance%s at a time reserve %s, of which they use little, "
                        "this process may have %s (RLIMIT_AS); beyond it they are interpreted, with "
                        "smaller memories: 'ulimit -v unlimited' (LimitAS=infinity), and "
                        "limits.memory and MemoryMax= keep memory itself small",
                        (unsigned long long)need->instances, ending,
                        size_text(need->address_bytes, wanted),
                        size_text(limits->address_bytes, there));
}

/* The component that may take most; NULL: all are without a limit. */
static const struct app_component *largest_of(const struct app *app, uint64_t *ret_bytes)
{
    const struct app_component *found = NULL;
    *ret_bytes = 0;
    for (uint32_t i = 0; i < app->component_count; i++) {
        const struct app_component *component = &app->components[i];
        uint64_t each = component->limits.memory_bytes;
        uint64_t all = times(instances_of(component), each);
        if (each == APP_UNLIMITED || all < *ret_bytes)
            continue;
        *ret_bytes = all;
        found = component;
    }
    return found;
}

static void fit_memory(const struct app *app, const struct app_need *need,
                       const struct process_limits *limits, struct app_problems *problems)
{
    char wanted[NAME_BYTES], there[NAME_BYTES], each[NAME_BYTES];
    uint64_t most;
    const struct app_component *largest = largest_of(app, &most);
    if (largest != NULL && need->memory_bytes > limits->memory_bytes)
        app_problem_add(problems, true, NULL, 0, 0,
                        "memory: instances may take %s (%llu of component '%s' with %s each%s), %s %s: "
                        "lower limits.memory or limits.concurrency%s",
                        size_text(need->memory_bytes, wanted),
                        (unsigned long long)instances_of(largest), largest->id,
                        size_text(largest->limits.memory_bytes, each),
                        most < need->memory_bytes ? ", and others" : "",
                        limits->is_group_memory ? "the control group may have" : "this machine has",
                        size_text(limits->memory_bytes, there),
                        limits->is_group_memory
                            ? ", or raise MemoryMax= of the unit (memory.max of the group)"
                            : "");
    if (limits->counts_unused)
        app_problem_add(problems, true, NULL, 0, 0,
                        "memory: vm.overcommit_memory is 2, so memory counts before it is used, and "
                        "fewer instances fit: 'sysctl -w vm.overcommit_memory=0'");
}

bool app_fit(const struct app *app, const struct app_need *need,
             const struct process_limits *limits, struct app_problems *problems)
{
    size_t errors = problems->errors;
    fit_files(app, need, limits->files_max, problems);
    fit_tasks(need, limits->tasks, problems);
    fit_mappings(need, limits, problems);
    fit_memory(app, need, limits, problems);
    return problems->errors == errors;
}

/* ---- For people -------------------------------------------------------------------------- */

static void put_row(struct buf *text, const char *name, uint64_t wanted, uint64_t there,
                    const char *more)
{
    (void)buf_append_format(text, "  %-12s %llu", name, (unsigned long long)wanted);
    if (there != UINT64_MAX)
        (void)buf_append_format(text, " of %llu", (unsigned long long)there);
    (void)buf_append_format(text, "%s\n", more);
}

static void put_sizes(struct buf *text, const char *name, uint64_t wanted, uint64_t there,
                      const char *more)
{
    char left[NAME_BYTES], right[NAME_BYTES];
    (void)buf_append_format(text, "  %-12s %s", name, size_text(wanted, left));
    if (there != UINT64_MAX)
        (void)buf_append_format(text, " of %s", size_text(there, right));
    (void)buf_append_format(text, "%s\n", more);
}

bool app_fit_describe(const struct app_need *need, const struct process_limits *limits,
                      struct buf *text)
{
    char more[160] = "";
    (void)buf_append_string(text, "\nlimits: what may be needed, of what there is\n");
    if (limits->files < need->files && limits->files < limits->files_max)
        (void)snprintf(more, sizeof(more), " (the soft limit, %llu, is raised)",
                       (unsigned long long)limits->files);
    put_row(text, "descriptors", need->files, limits->files_max, more);
    (void)snprintf(more, sizeof(more), " (of each worker)");
    put_row(text, "connections", need->connections_each, UINT64_MAX, more);
    (void)snprintf(more, sizeof(more), " (%u workers)", need->workers);
    put_row(text, "threads", need->tasks, limits->tasks, more);
    (void)snprintf(more, sizeof(more), " (%llu instance%s at a time%s)",
                   (unsigned long long)need->instances, need->instances == 1 ? "" : "s",
                   need->has_unbounded ? "; one each of components without limits.concurrency" : "");
    put_row(text, "mappings", need->mappings, limits->mappings, more);
    put_sizes(text, "addresses", need->address_bytes, limits->address_bytes, "");
    put_sizes(text, "memory", need->memory_bytes, limits->memory_bytes,
              limits->is_group_memory ? " (of the control group)" : "");
    return !text->failed;
}
