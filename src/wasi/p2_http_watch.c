/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of guests, as the host that watches them sees them (wasi_p2_config.watch). */
#include "wasi/p2_http_watch.h"

#include <string.h>
#include <strings.h>

#include "wasi/p2_int.h"

struct p2_watched {
    struct wasi_p2 *wasi;
    size_t size_bytes; /* of this with its texts */
    struct wasi_p2_call call;
    char texts[];
};

static bool is_named(const struct p2_header *header, const char *name)
{
    return header->name_bytes == strlen(name) &&
           strncasecmp(header->name, name, header->name_bytes) == 0;
}

static void find_parent(const struct p2_field_list *headers, struct wasi_p2_call *call)
{
    size_t count = 0;
    for (size_t i = 0; i < headers->count; i++) {
        const struct p2_header *header = &headers->items[i];
        if (!is_named(header, "traceparent"))
            continue;
        count++;
        call->own_parent = (const char *)header->value;
        call->own_parent_bytes = header->value_bytes;
    }
    if (count != 1)
        call->own_parent = NULL;
}

static char *put_text(char *at, const char *text, const char **ret_text)
{
    size_t bytes = strlen(text) + 1;
    memcpy(at, text, bytes);
    *ret_text = at;
    return at + bytes;
}

struct p2_watched *p2_watch_begin(struct wasi_p2 *wasi, const struct wasi_p2_call *call,
                                  const struct p2_field_list *headers)
{
    size_t bytes = sizeof(struct p2_watched) + strlen(call->method) + strlen(call->host) +
                   strlen(call->path) + 3;
    if (wasi->watch.end == NULL)
        return NULL;
    struct p2_watched *watched = alloc_get(wasi->alloc, bytes);
    if (watched == NULL)
        return NULL;
    watched->wasi = wasi;
    watched->size_bytes = bytes;
    watched->call = *call;
    char *at = put_text(watched->texts, call->method, &watched->call.method);
    at = put_text(at, call->host, &watched->call.host);
    (void)put_text(at, call->path, &watched->call.path);
    find_parent(headers, &watched->call);
    if (wasi->watch.begin != NULL)
        wasi->watch.begin(wasi->watch.env, &watched->call);
    watched->call.own_parent = NULL;
    return watched;
}

size_t p2_watch_headers(const struct p2_watched *watched, const struct p2_field_list *from,
                        struct http_client_header *to)
{
    bool is_replaced = watched != NULL && watched->call.traceparent[0] != '\0';
    size_t count = 0;
    for (size_t i = 0; i < from->count; i++) {
        const struct p2_header *header = &from->items[i];
        if (is_replaced && (is_named(header, "traceparent") || is_named(header, "tracestate")))
            continue;
        to[count++] = (struct http_client_header){.name = header->name,
                                                  .value = header->value,
                                                  .name_bytes = header->name_bytes,
                                                  .value_bytes = header->value_bytes};
    }
    if (!is_replaced)
        return count;
    const char *values[2] = {watched->call.traceparent, watched->call.tracestate};
    static const char *const names[2] = {"traceparent", "tracestate"};
    for (size_t i = 0; i < 2 && values[i] != NULL; i++)
        to[count++] = (struct http_client_header){.name = names[i],
                                                  .value = (const uint8_t *)values[i],
                                                  .name_bytes = strlen(names[i]),
                                                  .value_bytes = strlen(values[i])};
    return count;
}

void p2_watch_end(void *env, const struct host_http_end *end)
{
    struct p2_watched *watched = env;
    const struct wasi_p2_watch *watch = &watched->wasi->watch;
    watched->call.start_ns = end->start_ns;
    watched->call.ready_ns = end->ready_ns;
    watched->call.end_ns = end->end_ns;
    watched->call.status = end->status;
    watched->call.error = end->error;
    watched->call.is_cancelled = end->is_cancelled;
    watch->end(watch->env, &watched->call);
    alloc_put(watched->wasi->alloc, watched, watched->size_bytes);
}

void p2_watch_refused(struct wasi_p2 *wasi, const struct wasi_p2_call *call, uint8_t code)
{
    struct wasi_p2_call refused = *call;
    refused.error = code;
    if (wasi->watch.end != NULL)
        wasi->watch.end(wasi->watch.env, &refused);
}
