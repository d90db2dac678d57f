/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Routes in tables, one for each host and one for all. A table finds exact routes by hash; they go
 * before all others that match. What is left is in order, in lists by the path's first step where that
 * is exact, and one list for all paths: an exact step goes before any other, so the lists are looked at
 * one after the other.
 */
#include "app/routes.h"

#include <string.h>

#include "app/address.h"
#include "app/manifest_int.h"
#include "app/route_pattern.h"
#include "base/map.h"

struct route {
    uint32_t http;
    struct route_pattern pattern;
    const char *based, *raw, *prefix; /* with the base; as written; that without "/..." */
    const char *const *param_headers; /* "spin-path-match-name" */
};

/* Indices of routes, in order. */
struct route_list {
    uint32_t first, count; /* in `order` */
};

struct route_table {
    const char *host; /* "example.com", "*.example.com"; NULL: all */
    struct map exact; /* path without slashes around it: index of a route */
    struct map steps; /* first step: index of a list */
    struct route_list *lists;
    uint32_t list_count;
    struct route_list any;
};

struct routes {
    struct alloc *alloc;
    struct arena arena;
    struct route *routes;
    uint32_t route_count;
    uint32_t *order;
    uint32_t order_count, order_capacity;
    struct route_table *tables; /* the last is for all hosts */
    uint32_t table_count;
    struct map hosts; /* to tables */
};

/* ---- Texts of a route -------------------------------------------------------------------- */

/* Without one slash at the end, as Spin has it. */
static size_t trimmed(const char *text)
{
    size_t bytes = strlen(text);
    return bytes > 0 && text[bytes - 1] == '/' ? bytes - 1 : bytes;
}

static const char *join_base(struct arena *arena, const char *base, const char *route)
{
    struct buf text;
    buf_init(&text, arena->alloc, SIZE_MAX);
    buf_append(&text, base, trimmed(base));
    if (route[0] != '/')
        buf_append_byte(&text, '/');
    buf_append(&text, route, trimmed(route));
    /* An empty route is "/", whose slash was the one at the end. */
    if (route[0] == 0)
        text.bytes--;
    const char *result =
        text.failed ? NULL : arena_copy_string(arena, (const char *)text.data, text.bytes);
    buf_free(&text);
    return result;
}

/* "spin-path-match-user-id" of "user_id". */
static const char *param_header(struct arena *arena, const struct route_token *token)
{
    static const char prefix[] = "spin-path-match-";
    char *name = arena_get(arena, sizeof(prefix) + token->bytes);
    if (name == NULL)
        return NULL;
    memcpy(name, prefix, sizeof(prefix));
    char *out = name + sizeof(prefix) - 1;
    for (uint32_t i = 0; i < token->bytes; i++) {
        char c = token->text[i];
        *out++ = (char)(c == '_' ? '-' : c >= 'A' && c <= 'Z' ? c + 0x20 : c);
    }
    *out = 0;
    return name;
}

static bool describe(struct routes *routes, const struct app *app, struct route *route)
{
    struct arena *arena = &routes->arena;
    uint32_t count = 0;
    const char *raw = app->http[route->http].route;
    size_t bytes = strlen(raw);
    route->raw = raw;
    bool is_wild = bytes >= 4 && strcmp(raw + bytes - 4, "/...") == 0;
    route->prefix = arena_copy_string(arena, raw, is_wild ? bytes - 4 : bytes);
    const char **headers = arena_get_zeroed(arena, route->pattern.params + 1, sizeof(*headers));
    if (route->prefix == NULL || headers == NULL)
        return false;
    for (uint32_t i = 0; i < route->pattern.token_count; i++) {
        if (route->pattern.tokens[i].kind != TOKEN_PARAM)
            continue;
        headers[count] = param_header(arena, &route->pattern.tokens[i]);
        if (headers[count++] == NULL)
            return false;
    }
    route->param_headers = headers;
    return true;
}

/* ---- Tables ------------------------------------------------------------------------------ */

/* Whether a route belongs to a table: its component names that host, or none for the last table. */
static bool is_for(const struct app *app, const struct route *route, const char *host)
{
    uint32_t component = app->http[route->http].component;
    struct app_texts hosts = {0};
    if (component != APP_NONE)
        hosts = app->components[component].hosts;
    if (host == NULL)
        return hosts.count == 0;
    for (uint32_t i = 0; i < hosts.count; i++) {
        if (strcmp(hosts.items[i], host) == 0)
            return true;
    }
    return false;
}

/* The first step where it is exact from slash to slash; its length, or 0. */
static size_t first_step(const struct route_pattern *pattern, char room[ROUTE_BYTES_MAX])
{
    size_t bytes = 0;
    uint32_t i = 0;
    for (; i < pattern->token_count && pattern->tokens[i].kind != TOKEN_SLASH; i++) {
        const struct route_token *token = &pattern->tokens[i];
        if (token->kind == TOKEN_WILD || token->kind == TOKEN_PARAM)
            return 0;
        memcpy(room + bytes, token->text, token->bytes);
        bytes += token->bytes;
    }
    return bytes;
}

/* A route's whole path, of an exact one. */
static size_t whole_path(const struct route_pattern *pattern, char room[ROUTE_BYTES_MAX])
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < pattern->token_count; i++) {
        memcpy(room + bytes, pattern->tokens[i].text, pattern->tokens[i].bytes);
        bytes += pattern->tokens[i].bytes;
    }
    return bytes;
}

static bool put_copy(struct routes *routes, struct map *map, const char *key, size_t bytes,
                     uint64_t value)
{
    const char *copy = arena_copy_string(&routes->arena, key, bytes);
    return copy != NULL && map_put(map, copy, bytes, value);
}

/* Appends the table's routes of one first step (NULL: those without) to `order`, as they sort. */
static bool add_list(struct routes *routes, const struct app *app, const struct route_table *table,
                     const char *step, size_t step_bytes, struct route_list *ret_list)
{
    char room[ROUTE_BYTES_MAX];
    uint32_t first = routes->order_count;
    for (uint32_t i = 0; i < routes->route_count; i++) {
        const struct route *route = &routes->routes[i];
        if (route->pattern.is_exact || !is_for(app, route, table->host))
            continue;
        size_t bytes = first_step(&route->pattern, room);
        if (step == NULL ? bytes != 0 : bytes != step_bytes || memcmp(room, step, bytes) != 0)
            continue;
        if (routes->order_count == routes->order_capacity)
            return false;
        uint32_t at = routes->order_count++;
        for (; at > first && route_compare(&route->pattern,
                                           &routes->routes[routes->order[at - 1]].pattern) < 0;
             at--)
            routes->order[at] = routes->order[at - 1];
        routes->order[at] = i;
    }
    *ret_list = (struct route_list){.first = first, .count = routes->order_count - first};
    return true;
}

static bool fill_table(struct routes *routes, const struct app *app, struct route_table *table)
{
    char room[ROUTE_BYTES_MAX];
    map_init(&table->exact, routes->alloc);
    map_init(&table->steps, routes->alloc);
    table->lists = arena_get_zeroed(&routes->arena, routes->route_count + 1, sizeof(*table->lists));
    if (table->lists == NULL)
        return false;
    for (uint32_t i = 0; i < routes->route_count; i++) {
        const struct route *route = &routes->routes[i];
        if (!is_for(app, route, table->host))
            continue;
        size_t bytes = route->pattern.is_exact ? whole_path(&route->pattern, room)
                                               : first_step(&route->pattern, room);
        if (route->pattern.is_exact) {
            if (map_find(&table->exact, room, bytes) == NULL &&
                !put_copy(routes, &table->exact, room, bytes, i))
                return false;
        } else if (bytes > 0 && map_find(&table->steps, room, bytes) == NULL) {
            if (!put_copy(routes, &table->steps, room, bytes, table->list_count) ||
                !add_list(routes, app, table, room, bytes, &table->lists[table->list_count]))
                return false;
            table->list_count++;
        }
    }
    return add_list(routes, app, table, NULL, 0, &table->any);
}

/* All hosts that components name, and NULL. */
static bool make_tables(struct routes *routes, const struct app *app)
{
    size_t most = 1;
    for (uint32_t i = 0; i < app->component_count; i++)
        most += app->components[i].hosts.count;
    routes->tables = arena_get_zeroed(&routes->arena, most, sizeof(*routes->tables));
    if (routes->tables == NULL)
        return false;
    for (uint32_t i = 0; i < app->component_count; i++) {
        for (uint32_t j = 0; j < app->components[i].hosts.count; j++) {
            const char *host = app->components[i].hosts.items[j];
            if (map_find(&routes->hosts, host, strlen(host)) != NULL)
                continue;
            if (!map_put(&routes->hosts, host, strlen(host), routes->table_count))
                return false;
            routes->tables[routes->table_count++].host = host;
        }
    }
    routes->table_count++;
    /* Each route is once in each table at most. */
    if (__builtin_mul_overflow(routes->table_count, routes->route_count, &routes->order_capacity))
        return false;
    routes->order = arena_get_zeroed(&routes->arena, routes->order_capacity + (size_t)1,
                                     sizeof(*routes->order));
    if (routes->order == NULL)
        return false;
    for (uint32_t i = 0; i < routes->table_count; i++) {
        if (!fill_table(routes, app, &routes->tables[i]))
            return false;
    }
    return true;
}

/* Whether two triggers have the same route for the same hosts: the later one is meant. */
static bool is_same(const struct app *app, const struct app_http *a, const struct app_http *b)
{
    struct app_texts x = {0}, y = {0};
    if (strcmp(a->route, b->route) != 0)
        return false;
    if (a->component != APP_NONE)
        x = app->components[a->component].hosts;
    if (b->component != APP_NONE)
        y = app->components[b->component].hosts;
    if (x.count != y.count)
        return false;
    for (uint32_t i = 0; i < x.count; i++) {
        if (strcmp(x.items[i], y.items[i]) != 0)
            return false;
    }
    return true;
}

/* The last trigger of the same route, or itself. */
static uint32_t effective(const struct app *app, uint32_t http)
{
    uint32_t found = http;
    for (uint32_t i = http + 1; i < app->http_count; i++) {
        if (app->http[i].route != NULL && is_same(app, &app->http[http], &app->http[i]))
            found = i;
    }
    return found;
}

static bool is_repeated(const struct app *app, uint32_t http)
{
    for (uint32_t i = 0; i < http; i++) {
        if (app->http[i].route != NULL && is_same(app, &app->http[i], &app->http[http]))
            return true;
    }
    return false;
}

static bool fill(struct routes *routes, const struct app *app)
{
    routes->routes =
        arena_get_zeroed(&routes->arena, app->http_count + (size_t)1, sizeof(*routes->routes));
    if (routes->routes == NULL)
        return false;
    for (uint32_t i = 0; i < app->http_count; i++) {
        const char *problem;
        if (app->http[i].route == NULL || is_repeated(app, i))
            continue;
        struct route *route = &routes->routes[routes->route_count];
        route->http = effective(app, i);
        route->based = join_base(&routes->arena, app->http_base, app->http[i].route);
        if (route->based == NULL ||
            route_parse(&routes->arena, route->based, &route->pattern, &problem) != STINT_OK)
            return false;
        if (problem != NULL)
            continue;
        if (!describe(routes, app, route))
            return false;
        routes->route_count++;
    }
    return make_tables(routes, app);
}

enum stint_status routes_create(struct alloc *alloc, const struct app *app,
                                struct routes **ret_routes, struct stint_error *error)
{
    struct routes *routes = alloc_get_zeroed(alloc, 1, sizeof(*routes));
    if (routes == NULL)
        return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "out of memory");
    routes->alloc = alloc;
    arena_init(&routes->arena, alloc);
    map_init(&routes->hosts, alloc);
    if (!fill(routes, app)) {
        routes_free(routes);
        return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "out of memory");
    }
    *ret_routes = routes;
    return STINT_OK;
}

void routes_free(struct routes *routes)
{
    if (routes == NULL)
        return;
    for (uint32_t i = 0; i < routes->table_count; i++) {
        map_free(&routes->tables[i].exact);
        map_free(&routes->tables[i].steps);
    }
    map_free(&routes->hosts);
    arena_free(&routes->arena);
    alloc_put(routes->alloc, routes, sizeof(*routes));
}

/* ---- Finding ----------------------------------------------------------------------------- */

static bool try_list(const struct routes *routes, struct route_list list, const char *path,
                     size_t bytes, struct route_match *match)
{
    for (uint32_t i = list.first; i < list.first + list.count; i++) {
        uint32_t index = routes->order[i];
        if (route_matches(&routes->routes[index].pattern, path, bytes, match)) {
            match->route = index;
            return true;
        }
    }
    return false;
}

static bool try_table(const struct routes *routes, const struct route_table *table,
                      const char *path, size_t bytes, struct route_match *match)
{
    const uint64_t *found = map_find(&table->exact, path, bytes);
    if (found != NULL) {
        match->route = (uint32_t)*found;
        return true;
    }
    if (table->list_count > 0) {
        const char *slash = memchr(path, '/', bytes);
        found = map_find(&table->steps, path, slash == NULL ? bytes : (size_t)(slash - path));
        if (found != NULL && try_list(routes, table->lists[*found], path, bytes, match))
            return true;
    }
    return try_list(routes, table->any, path, bytes, match);
}

enum { HOST_BYTES_MAX = 255 };

/* In lower case, without a port and without a point at its end. 0: none, or too long. */
static size_t plain_host(const char *host, size_t bytes, char room[HOST_BYTES_MAX])
{
    const char *colon = bytes > 0 && host[0] != '[' ? memchr(host, ':', bytes) : NULL;
    if (colon != NULL)
        bytes = (size_t)(colon - host);
    if (bytes > 0 && host[bytes - 1] == '.')
        bytes--;
    if (bytes > HOST_BYTES_MAX)
        return 0;
    for (size_t i = 0; i < bytes; i++)
        room[i] = (char)(host[i] >= 'A' && host[i] <= 'Z' ? host[i] + 0x20 : host[i]);
    return bytes;
}

/* The tables of "a.b.c", "*.b.c", "*.c". */
static bool try_hosts(const struct routes *routes, const char *host, size_t host_bytes,
                      const char *path, size_t bytes, struct route_match *match)
{
    char room[HOST_BYTES_MAX + 2];
    size_t size = plain_host(host, host_bytes, room + 1);
    const uint64_t *found = map_find(&routes->hosts, room + 1, size);
    if (size > 0 && found != NULL && try_table(routes, &routes->tables[*found], path, bytes, match))
        return true;
    for (size_t i = 1; i < size; i++) {
        if (room[1 + i] != '.')
            continue;
        room[i] = '*';
        found = map_find(&routes->hosts, room + i, size - i + 1);
        if (found != NULL && try_table(routes, &routes->tables[*found], path, bytes, match))
            return true;
    }
    return false;
}

bool routes_find(const struct routes *routes, const char *host, size_t host_bytes,
                 const char *path, size_t path_bytes, struct route_match *ret_match)
{
    const char *at = path, *end = path + path_bytes;
    while (at < end && *at == '/')
        at++;
    while (end > at && end[-1] == '/')
        end--;
    size_t bytes = (size_t)(end - at);
    ret_match->param_count = 0;
    ret_match->has_wildcard = false;
    bool is_found = (routes->table_count > 1 &&
                     try_hosts(routes, host, host_bytes, at, bytes, ret_match)) ||
                    try_table(routes, &routes->tables[routes->table_count - 1], at, bytes,
                              ret_match);
    if (!is_found)
        return false;
    ret_match->http = routes->routes[ret_match->route].http;
    ret_match->ends_in_slash = path_bytes > 0 && path[path_bytes - 1] == '/';
    return true;
}

void routes_chain(const char *path, size_t path_bytes, struct route_match *ret_match)
{
    *ret_match = (struct route_match){
        .http = APP_NONE, .route = APP_NONE, .has_wildcard = true};
    /* What stands behind the first slash; it is put in front again, and a last one is in there. */
    ret_match->wildcard.text = path_bytes > 0 && path[0] == '/' ? path + 1 : path;
    ret_match->wildcard.bytes = (uint32_t)(path_bytes - (size_t)(ret_match->wildcard.text - path));
    ret_match->ends_in_slash = ret_match->wildcard.bytes == 0;
}

uint32_t routes_count(const struct routes *routes)
{
    return routes->route_count;
}

uint32_t routes_at(const struct routes *routes, uint32_t at)
{
    return routes->routes[at].http;
}

/* ---- Headers ----------------------------------------------------------------------------- */

struct header_room {
    char *at, *end;
    bool is_full;
};

static void add_text(struct header_room *room, const char *text, size_t bytes)
{
    if ((size_t)(room->end - room->at) < bytes) {
        room->is_full = true;
        return;
    }
    memcpy(room->at, text, bytes);
    room->at += bytes;
}

static struct route_header add_path_info(struct header_room *room, const struct route_match *match)
{
    struct route_header header = {.name = "spin-path-info", .value = room->at};
    if (match->has_wildcard) {
        if (match->wildcard.bytes > 0) {
            add_text(room, "/", 1);
            add_text(room, match->wildcard.text, match->wildcard.bytes);
        }
        if (match->ends_in_slash)
            add_text(room, "/", 1);
    }
    header.value_bytes = (uint32_t)(room->at - header.value);
    return header;
}

static struct route_header add_full_url(struct header_room *room,
                                        const struct route_request *request)
{
    struct route_header header = {.name = "spin-full-url", .value = room->at};
    const char *host = request->authority[0] == 0 ? "localhost" : request->authority;
    add_text(room, request->scheme, strlen(request->scheme));
    add_text(room, "://", 3);
    add_text(room, host, strlen(host));
    add_text(room, request->target, strlen(request->target));
    header.value_bytes = (uint32_t)(room->at - header.value);
    return header;
}

static struct route_header add_client(struct header_room *room, const struct inet_address *client)
{
    char ip[ADDRESS_TEXT_BYTES], port[5];
    struct route_header header = {.name = "spin-client-addr", .value = room->at};
    address_print(client, ip);
    bool is_v6 = strchr(ip, ':') != NULL;
    size_t at = sizeof(port);
    unsigned left = client->port;
    do
        port[--at] = (char)('0' + left % 10);
    while ((left /= 10) > 0);
    add_text(room, "[", is_v6);
    add_text(room, ip, strlen(ip));
    add_text(room, is_v6 ? "]:" : ":", is_v6 ? 2 : 1);
    add_text(room, port + at, sizeof(port) - at);
    header.value_bytes = (uint32_t)(room->at - header.value);
    header.value_bytes = (uint32_t)(room->at - header.value);
    return header;
}

static struct route_header fixed(const char *name, const char *value)
{
    return (struct route_header){
        .name = name, .value = value, .value_bytes = (uint32_t)strlen(value)};
}

uint32_t routes_headers(const struct routes *routes, const struct route_match *match,
                        const struct route_request *request,
                        struct route_header ret_headers[ROUTE_HEADERS_MAX], char *room,
                        size_t room_bytes)
{
    static const struct route chained = {.based = "/...", .raw = "/...", .prefix = ""};
    const struct route *route =
        match->route == APP_NONE ? &chained : &routes->routes[match->route];
    struct header_room r = {.at = room, .end = room + room_bytes};
    uint32_t count = 0;
    ret_headers[count++] = add_path_info(&r, match);
    ret_headers[count++] = add_full_url(&r, request);
    ret_headers[count++] = fixed("spin-matched-route", route->based);
    ret_headers[count++] = fixed("spin-base-path", "/");
    ret_headers[count++] = fixed("spin-raw-component-route", route->raw);
    ret_headers[count++] = fixed("spin-component-route", route->prefix);
    ret_headers[count++] = add_client(&r, &request->client);
    for (uint32_t i = 0; i < match->param_count; i++) {
        bool is_again = false;
        for (uint32_t j = i + 1; j < match->param_count; j++)
            is_again |= strcmp(route->param_headers[i], route->param_headers[j]) == 0;
        if (!is_again)
            ret_headers[count++] = (struct route_header){
                .name = route->param_headers[i],
                .value = match->params[i].text,
                .value_bytes = match->params[i].bytes,
            };
    }
    return r.is_full ? 0 : count;
}

bool route_header_is_own(const char *name, size_t bytes)
{
    static const char *const prefixes[] = {"spin-", "x-geo-"};
    for (size_t i = 0; i < COUNT_OF(prefixes); i++) {
        size_t length = strlen(prefixes[i]);
        if (bytes >= length && memcmp(name, prefixes[i], length) == 0)
            return true;
    }
    return (bytes == 12 && memcmp(name, "cf-ipcountry", 12) == 0) ||
           (bytes == 9 && memcmp(name, "stint-hop", 9) == 0);
}

/* ---- Problems ---------------------------------------------------------------------------- */

void check_routes(struct reader *r)
{
    static const char reserved[] = "/.well-known/spin/";
    struct app *app = r->app;
    app->components = r->components; /* for now */
    for (uint32_t i = 0; i < app->http_count; i++) {
        const struct app_http *http = &app->http[i];
        struct toml_value at = {.line = http->line, .column = http->column};
        if (http->route == NULL)
            continue;
        const char *problem = route_problem(http->route);
        if (problem != NULL)
            reader_error(r, &at, "http trigger %u: route \"%s\": %s", i + 1, http->route, problem);
        if (strncmp(http->route, reserved, sizeof(reserved) - 1) == 0)
            reader_error(r, &at, "http trigger %u: route \"%s\": %s... is reserved", i + 1,
                         http->route, reserved);
        uint32_t other = effective(app, i);
        if (other != i)
            reader_warning(r, &at, "http trigger %u: route \"%s\" is never reached: http trigger "
                                   "%u has it too",
                           i + 1, http->route, other + 1);
    }
    app->components = NULL;
}
