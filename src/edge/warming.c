/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/warming.h"

#include <string.h>

#include "base/buf.h"

enum { HEADERS_MAX = ROUTE_HEADERS_MAX + 2, PATH_BYTES_MAX = 8000 };

static const char label[] = "warm-up"; /* in place of a request's id */
static const char authority[] = "localhost";

/* Who hears what the guest writes. */
struct output {
    const struct app_component *component;
    struct log_buffer *log;
    uint64_t bytes;
};

static void on_line(void *env, bool is_stderr, const char *line, size_t bytes)
{
    struct output *output = env;
    output->bytes += bytes;
    if (output->component->log_output && output->bytes <= output->component->limits.log_bytes)
        log_line(output->log, is_stderr ? LOG_WARN : LOG_INFO, output->component->id, label, "%.*s",
                 (int)bytes, line);
}

static struct p2_header header_of(const char *name, const char *value, size_t bytes)
{
    return (struct p2_header){.name = name,
                              .value = (const uint8_t *)value,
                              .name_bytes = (uint32_t)strlen(name),
                              .value_bytes = (uint32_t)bytes};
}

/* As if a client of this machine asked; where the path is another component's, as if a component did. */
static size_t fill_headers(const struct edge_app *app, const struct edge_component *component,
                           struct buf *room, struct p2_header headers[HEADERS_MAX])
{
    const char *path = component->app->warm_path;
    struct route_header route_headers[ROUTE_HEADERS_MAX];
    struct route_match match;
    size_t path_bytes = strcspn(path, "?"), count = 0;
    size_t bytes = ROUTE_ROOM_BYTES(strlen(path) + strlen(authority));
    if (!routes_find(app->routes, authority, strlen(authority), path, path_bytes, &match) ||
        app->app->http[match.http].component != (uint32_t)(component - app->components))
        routes_chain(path, path_bytes, &match);
    const struct route_request request = {
        .scheme = "http", .authority = authority, .target = path};
    headers[count++] = header_of("host", authority, strlen(authority));
    headers[count++] = header_of("user-agent", "stint (warm-up)", 15);
    if (!buf_reserve(room, bytes))
        return 0;
    uint32_t more = routes_headers(app->routes, &match, &request, route_headers, (char *)room->data,
                                   bytes);
    for (uint32_t i = 0; i < more; i++)
        headers[count++] = header_of(route_headers[i].name, route_headers[i].value,
                                     route_headers[i].value_bytes);
    return count;
}

static void say(const struct edge_component *component, enum stint_status status,
                const struct guest_warm *warm, const struct stint_error *error,
                struct log_buffer *log)
{
    const char *path = component->app->warm_path, *id = component->app->id;
    if (status == STINT_OK)
        log_line(log, LOG_INFO, id, NULL,
                 "warmed up: GET %.200s answered %u after %.1f ms of CPU time, and requests begin "
                 "with the %.1f MiB of memory that it left",
                 path, warm->status, (double)warm->cpu_ns / 1e6,
                 (double)warm->memory_bytes / (1 << 20));
    else if (status != STINT_INTERRUPTED)
        log_line(log, LOG_WARN, id, NULL,
                 "reuse = \"snapshot\": there is no snapshot after GET %.200s, so each request gets "
                 "a fresh instance: %s",
                 path, error->message);
}

void warming_component(const struct edge_app *app, struct edge_component *component,
                       const atomic_int *is_cancelled, struct log_buffer *log)
{
    const struct app_component *from = component->app;
    const struct app_limits *limits = &from->limits;
    struct p2_header headers[HEADERS_MAX];
    struct output output = {from, log, 0};
    struct guest_warm warm;
    struct stint_error error = {0};
    struct buf room;
    if (component->guest == NULL || from->reuse != APP_REUSE_SNAPSHOT)
        return;
    buf_init(&room, &alloc_root, ROUTE_ROOM_BYTES(PATH_BYTES_MAX));
    struct p2_request request = {.method = "GET",
                                 .scheme = "http",
                                 .authority = authority,
                                 .path_with_query = from->warm_path,
                                 .headers = headers,
                                 .header_count = fill_headers(app, component, &room, headers)};
    const struct guest_warmup warmup = {.request = &request,
                                        .timeout_ns = limits->timeout_ns,
                                        .cpu_ns = limits->cpu_ns,
                                        .fuel = limits->fuel,
                                        .log = on_line,
                                        .env = &output,
                                        .is_cancelled = is_cancelled};
    enum stint_status status = guest_warm_up(component->guest, &warmup, &warm, &error);
    say(component, status, &warm, &error, log);
    buf_free(&room);
}

void warming_begin(const struct edge_server *server, struct edge_app *app, struct log_buffer *log)
{
    bool is_compiled_later = server->engine->config.tier.mode == TIER_JIT;
    for (uint32_t i = 0; i < app->app->component_count; i++) {
        struct edge_component *component = &app->components[i];
        if (component->guest != NULL &&
            (!is_compiled_later || guest_has_code(component->guest)))
            warming_component(app, component, NULL, log);
    }
}
