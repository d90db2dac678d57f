/* SPDX-License-Identifier: Apache-2.0 */
/* What a guest sees of a request: what the client sent, but for what only the host may say. */
#include "edge/request.h"

#include <string.h>

/* Those that the server adds. */
enum { HEADERS_ADDED_MAX = ROUTE_HEADERS_MAX + 16 };

static bool reserve(struct request *request, size_t count)
{
    return vec_reserve(&alloc_root, &request->headers, &request->header_capacity,
                       count + HEADERS_ADDED_MAX, sizeof(*request->headers));
}

static void add(struct request *request, const char *name, uint32_t name_bytes, const char *value,
                uint32_t value_bytes)
{
    request->headers[request->message.header_count++] =
        (struct p2_header){.name = name,
                           .value = (const uint8_t *)value,
                           .name_bytes = name_bytes,
                           .value_bytes = value_bytes};
}

static void add_own(struct request *request, const char *name, const char *value)
{
    add(request, name, (uint32_t)strlen(name), value, (uint32_t)strlen(value));
}

static bool add_route_headers(struct request *request, const struct http_request *from)
{
    struct route_header headers[ROUTE_HEADERS_MAX];
    const struct route_request route = {.scheme = request->scheme,
                                        .authority = request->authority,
                                        .target = from->path,
                                        .client = request->client};
    size_t room = ROUTE_ROOM_BYTES(strlen(from->path) + strlen(request->authority));
    if (!buf_reserve(&request->room, room))
        return false;
    uint32_t count = routes_headers(request->app->routes, &request->match, &route, headers,
                                    (char *)request->room.data, room);
    for (uint32_t i = 0; i < count; i++)
        add(request, headers[i].name, (uint32_t)strlen(headers[i].name), headers[i].value,
            headers[i].value_bytes);
    return count > 0;
}

bool request_fill(struct request *request)
{
    const struct http_request *from = http_exchange_request(request->exchange);
    if (!reserve(request, from->header_count))
        return false;
    request->message = (struct p2_request){.method = from->method,
                                           .scheme = request->scheme,
                                           .authority = request->authority,
                                           .path_with_query = from->path,
                                           .headers = request->headers,
                                           .body = request->body};
    for (size_t i = 0; i < from->header_count; i++) {
        const struct http_header *header = &from->headers[i];
        if (strcmp(header->name, "traceparent") == 0 ||
            (strcmp(header->name, "tracestate") == 0 && !request->has_parent))
            continue;
        if (strcmp(header->name, "host") == 0 && request->authority != from->authority)
            add_own(request, "host", request->authority);
        else if (!route_header_is_own(header->name, header->name_bytes))
            add(request, header->name, header->name_bytes, header->value, header->value_bytes);
    }
    if (!add_route_headers(request, from))
        return false;
    request_geo_headers(request, add_own);
    add_own(request, "traceparent", request->trace);
    return true;
}

bool request_fill_trailers(struct request *request)
{
    struct p2_request *message = &request->message;
    size_t count = 0, at = message->header_count;
    const struct http_header *trailers = NULL;
    if (request->exchange != NULL && request->is_body_whole)
        trailers = http_trailers(request->exchange, &count);
    if (count == 0)
        return true;
    if (!vec_reserve(&alloc_root, &request->headers, &request->header_capacity, at + count,
                     sizeof(*request->headers)))
        return false;
    for (size_t i = 0; i < count; i++)
        request->headers[at + i] = (struct p2_header){
            trailers[i].name, (const uint8_t *)trailers[i].value, trailers[i].name_bytes,
            trailers[i].value_bytes};
    message->headers = request->headers;
    message->trailers = request->headers + at;
    message->trailer_count = count;
    return true;
}
