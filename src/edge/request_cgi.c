/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a command is told of its request: the arguments by the template of its trigger, and CGI's
 * variables (RFC 3875, 4.1) with those that Spin adds. What the manifest sets in its environment goes before:
 * a client cannot replace that by a header.
 */
#include <stdio.h>
#include <string.h>

#include "app/address.h"
#include "base/utf8.h"
#include "edge/request.h"

/* ---- Variables --------------------------------------------------------------------------- */

/* "HTTP_X_Y" of "x-y"; terminated, cut off where it does not fit. */
static const char *variable_name(const char *prefix, const char *header, char *room, size_t size)
{
    int bytes = snprintf(room, size, "%s%s", prefix, header);
    for (size_t i = strlen(prefix); bytes > 0 && i < size && room[i] != '\0'; i++) {
        char c = room[i];
        room[i] = c == '-' ? '_' : c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
    }
    return room;
}

static bool is_set(const struct request *request, const char *name)
{
    size_t count, bytes = strlen(name);
    const char *const *env = guest_env(request->component->guest, &count);
    for (size_t i = 0; i < count; i++) {
        if (strncmp(env[i], name, bytes) == 0 && env[i][bytes] == '=')
            return true;
    }
    return false;
}

/* Goes on with add_value and ends with end_variable. False: it is the manifest's. */
static bool begin_variable(struct request *request, const char *name)
{
    if (is_set(request, name))
        return false;
    request->env_count++;
    (void)buf_append_string(&request->env, name);
    (void)buf_append_byte(&request->env, '=');
    return true;
}

static void add_value(struct request *request, const char *value, size_t bytes)
{
    static const char corrupt[] = "CORRUPT VALUE";
    bool is_good = memchr(value, '\0', bytes) == NULL &&
                   utf8_is_valid((const uint8_t *)value, bytes);
    (void)buf_append(&request->env, is_good ? value : corrupt,
                     is_good ? bytes : sizeof(corrupt) - 1);
}

static void end_variable(struct request *request)
{
    (void)buf_append_byte(&request->env, '\0');
}

static void set_bytes(struct request *request, const char *name, const char *value, size_t bytes)
{
    if (!begin_variable(request, name))
        return;
    add_value(request, value, bytes);
    end_variable(request);
}

static void set(struct request *request, const char *name, const char *value)
{
    set_bytes(request, name, value, strlen(value));
}

enum { NAME_BYTES = 300 };

static void set_header(struct request *request, const char *name, const char *value)
{
    char room[NAME_BYTES];
    set(request, variable_name("HTTP_", name, room, sizeof(room)), value);
}

/* ---- Headers ----------------------------------------------------------------------------- */

/* Secrets and matters of the connection; and what would become HTTP_PROXY, which is no header to those
 * who read it. */
static bool is_left_out(const struct http_header *header)
{
    static const char *const names[] = {"authorization", "connection", "proxy", "traceparent"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (strcmp(header->name, names[i]) == 0)
            return true;
    }
    return route_header_is_own(header->name, header->name_bytes);
}

static bool came_before(const struct http_request *http, size_t at)
{
    for (size_t i = 0; i < at; i++) {
        if (strcmp(http->headers[i].name, http->headers[at].name) == 0)
            return true;
    }
    return false;
}

/* All values of a header in one. */
static void set_client_header(struct request *request, const struct http_request *http, size_t at)
{
    char room[NAME_BYTES];
    const char *name = http->headers[at].name;
    const char *separator = strcmp(name, "cookie") == 0 ? "; " : ", ";
    if (!begin_variable(request, variable_name("HTTP_", name, room, sizeof(room))))
        return;
    for (size_t i = at; i < http->header_count; i++) {
        const struct http_header *header = &http->headers[i];
        if (strcmp(header->name, name) != 0)
            continue;
        if (i > at)
            (void)buf_append_string(&request->env, separator);
        add_value(request, header->value, header->value_bytes);
    }
    end_variable(request);
}

static void set_headers(struct request *request, const struct http_request *http)
{
    for (size_t i = 0; i < http->header_count; i++) {
        bool is_state = strcmp(http->headers[i].name, "tracestate") == 0;
        if (!is_left_out(&http->headers[i]) && !came_before(http, i) &&
            (!is_state || request->has_parent))
            set_client_header(request, http, i);
    }
    request_geo_headers(request, set_header);
    set_header(request, "traceparent", request->trace);
}

static const struct http_header *find(const struct http_request *http, const char *name)
{
    for (size_t i = 0; i < http->header_count; i++) {
        if (strcmp(http->headers[i].name, name) == 0)
            return &http->headers[i];
    }
    return NULL;
}

/* ---- CGI --------------------------------------------------------------------------------- */

static int hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                                               : -1;
}

static void set_decoded(struct request *request, const char *name, const char *text, size_t bytes)
{
    struct buf *room = &request->worker->scratch;
    buf_clear(room);
    for (size_t i = 0; i < bytes; i++) {
        bool is_code = text[i] == '%' && i + 2 < bytes && hex(text[i + 1]) >= 0 &&
                       hex(text[i + 2]) >= 0;
        (void)buf_append_byte(room, is_code ? (uint8_t)(hex(text[i + 1]) * 16 + hex(text[i + 2]))
                                            : (uint8_t)text[i]);
        i += is_code ? 2 : 0;
    }
    set_bytes(request, name, room->bytes > 0 ? (const char *)room->data : "", room->bytes);
}

/* From the headers that Spin adds: PATH_INFO, X_FULL_URL and so on. */
static bool set_route(struct request *request, const struct http_request *http)
{
    static const char prefix[] = "spin-";
    struct route_header headers[ROUTE_HEADERS_MAX];
    const struct route_request route = {.scheme = request->scheme,
                                        .authority = request->authority,
                                        .target = http->path,
                                        .client = request->client};
    size_t room = ROUTE_ROOM_BYTES(strlen(http->path) + strlen(request->authority));
    if (!buf_reserve(&request->room, room))
        return false;
    uint32_t count = routes_headers(request->app->routes, &request->match, &route, headers,
                                    (char *)request->room.data, room);
    for (uint32_t i = 0; i < count; i++) {
        const struct route_header *header = &headers[i];
        char name[NAME_BYTES];
        if (strcmp(header->name, "spin-path-info") == 0) {
            set_bytes(request, "PATH_INFO", header->value, header->value_bytes);
            set_bytes(request, "X_RAW_PATH_INFO", header->value, header->value_bytes);
            set_decoded(request, "PATH_TRANSLATED", header->value, header->value_bytes);
            continue;
        }
        if (strcmp(header->name, "spin-matched-route") == 0) {
            uint32_t bytes = header->value_bytes;
            bool is_wild = bytes >= 4 && memcmp(header->value + bytes - 4, "/...", 4) == 0;
            set_bytes(request, "SCRIPT_NAME", header->value, is_wild ? bytes - 4 : bytes);
        }
        set_bytes(request, variable_name("X_", header->name + sizeof(prefix) - 1, name, sizeof(name)),
                  header->value, header->value_bytes);
    }
    return count > 0;
}

static void set_server(struct request *request, const struct http_request *http)
{
    const char *host = request->authority[0] != '\0' ? request->authority : "localhost";
    const char *close = host[0] == '[' ? strchr(host, ']') : NULL;
    const char *colon = strchr(close != NULL ? close : host, ':');
    set_bytes(request, "SERVER_NAME", host,
              colon != NULL ? (size_t)(colon - host) : strlen(host));
    bool has_port = colon != NULL && colon[1] != '\0';
    set(request, "SERVER_PORT", has_port ? colon + 1 : strcmp(request->scheme, "https") == 0 ? "443"
                                                                                          : "80");
    set(request, "SERVER_PROTOCOL",
        http->version == 20 ? "HTTP/2.0" : http->version == 11 ? "HTTP/1.1" : "HTTP/1.0");
    set(request, "SERVER_SOFTWARE", "WAGI/1");
    set(request, "GATEWAY_INTERFACE", "CGI/1.1");
}

static void set_request(struct request *request, const struct http_request *http)
{
    char ip[ADDRESS_TEXT_BYTES], length[24];
    const char *query = strchr(http->path, '?');
    const struct http_header *type = find(http, "content-type");
    set(request, "AUTH_TYPE", "");
    /* Of a body in chunks nobody knows it yet: such a body ends where standard input does. */
    uint64_t bytes = http->has_length ? http->content_length : 0;
    (void)snprintf(length, sizeof(length), "%llu", (unsigned long long)bytes);
    if (!http->has_body || http->has_length)
        set(request, "CONTENT_LENGTH", length);
    set_bytes(request, "CONTENT_TYPE", type != NULL ? type->value : "",
              type != NULL ? type->value_bytes : 0);
    set(request, "QUERY_STRING", query != NULL ? query + 1 : "");
    address_print(&request->client, ip);
    set(request, "REMOTE_ADDR", ip);
    set(request, "REMOTE_HOST", ip);
    set(request, "REMOTE_USER", "");
    set(request, "REQUEST_METHOD", http->method);
}

/* ---- Arguments --------------------------------------------------------------------------- */

/* As in Spin: the template with both replaced, cut at each blank. */
static void set_args(struct request *request, const struct http_request *http, const char *argv)
{
    static const char script[] = "${SCRIPT_NAME}", args[] = "${ARGS}";
    struct buf *out = &request->args;
    size_t path_bytes = strcspn(http->path, "?");
    const char *query = http->path[path_bytes] == '?' ? http->path + path_bytes + 1 : "";
    for (const char *at = argv; *at != '\0';) {
        if (strncmp(at, script, sizeof(script) - 1) == 0) {
            (void)buf_append(out, http->path, path_bytes);
            at += sizeof(script) - 1;
        } else if (strncmp(at, args, sizeof(args) - 1) == 0) {
            for (const char *c = query; *c != '\0'; c++)
                (void)buf_append_byte(out, *c == '&' ? ' ' : (uint8_t)*c);
            at += sizeof(args) - 1;
        } else {
            (void)buf_append_byte(out, (uint8_t)*at++);
        }
    }
    (void)buf_append_byte(out, ' ');
    for (size_t i = 0; i < out->bytes; i++) {
        if (out->data[i] != ' ')
            continue;
        out->data[i] = '\0';
        request->arg_count++;
    }
}

bool request_cgi_fill(struct request *request)
{
    const struct http_request *http = http_exchange_request(request->exchange);
    const struct app_http *trigger = request->component->trigger;
    const struct app_http *own = request->route != NULL ? request->route : trigger;
    size_t count;
    const char *const *env = guest_env(request->component->guest, &count);
    request->arg_count = request->env_count = 0;
    buf_clear(&request->args);
    buf_clear(&request->env);
    request->args.failed = request->env.failed = false;
    for (size_t i = 0; i < count; i++, request->env_count++)
        (void)buf_append(&request->env, env[i], strlen(env[i]) + 1);
    set_args(request, http, own != NULL ? own->wagi_argv : "${SCRIPT_NAME} ${ARGS}");
    set_request(request, http);
    set_server(request, http);
    bool is_good = set_route(request, http);
    set_headers(request, http);
    return is_good && !request->args.failed && !request->env.failed;
}

enum stint_status request_cgi_run(struct request *request)
{
    const struct guest_command command = {
        .args = {(const char *)request->args.data, request->args.bytes, request->arg_count},
        .env = {(const char *)request->env.data, request->env.bytes, request->env_count},
        .input = request->body};
    return guest_run(request->use, &command, &request->error);
}
