/* SPDX-License-Identifier: Apache-2.0 */
/* wasi:http/outgoing-handler, and the responses that come back. */
#include <stdio.h>

#include "wasi/host_http.h"
#include "wasi/p2_http_int.h"
#include "wasi/p2_http_watch.h"

enum { URL_BYTES = 16384 };

/* ---- Starting ---------------------------------------------------------------------------- */

/* What a request's parts come to; a code where they do not. */
struct target {
    char url[URL_BYTES];
    char host[256];
    uint16_t port;
};

static bool split_authority(const struct p2_text *authority, uint16_t port, struct target *target)
{
    const char *text = authority->text;
    const char *end = text + authority->bytes, *close = memchr(text, ']', authority->bytes);
    const char *from = close != NULL ? close : text;
    const char *colon = memchr(from, ':', (size_t)(end - from));
    const char *host_end = colon != NULL ? colon : end;
    bool has_brackets = text[0] == '[' && close != NULL;
    text += has_brackets;
    size_t bytes = (size_t)((has_brackets ? close : host_end) - text);
    uint32_t number = colon != NULL ? 0 : port;
    for (const char *at = colon != NULL ? colon + 1 : end; at < end; at++) {
        if (*at < '0' || *at > '9' || number > UINT16_MAX)
            return false;
        number = number * 10 + (uint32_t)(*at - '0');
    }
    if (bytes == 0 || bytes >= sizeof(target->host) || number == 0 || number > UINT16_MAX)
        return false;
    memcpy(target->host, text, bytes);
    target->host[bytes] = '\0';
    target->port = (uint16_t)number;
    return true;
}

/* To the application itself, where there is one. */
static bool is_relative(const struct p2_outgoing_request *request)
{
    return request->authority.text == NULL && request->scheme.text == NULL;
}

static const char *scheme_of(const struct p2_outgoing_request *request)
{
    if (request->scheme.text == NULL)
        return request->authority.text == NULL ? "http" : "https";
    return strcmp(request->scheme.text, "http") == 0 ? "http" : "https";
}

/* 0, or 1 + the case of error-code. */
static uint8_t find_target(const struct wasi_p2 *wasi, const struct p2_outgoing_request *request,
                           struct target *target)
{
    const char *scheme = scheme_of(request);
    const char *path = request->path.text != NULL ? request->path.text : "/";
    bool is_plain = strcmp(scheme, "http") == 0;
    if (request->scheme.text != NULL && strcmp(scheme, request->scheme.text) != 0)
        return p2_pipe_code(P2_HTTP_PROTOCOL);
    if (is_relative(request) && wasi->outbound.inside != NULL) {
        target->host[0] = '\0';
        target->port = 80;
        int bytes = snprintf(target->url, sizeof(target->url), "http://self%s%s",
                             path[0] == '/' ? "" : "/", path);
        return bytes < 0 || bytes >= (int)sizeof(target->url) ? p2_pipe_code(P2_HTTP_URI_INVALID)
                                                               : 0;
    }
    if (request->authority.text == NULL ||
        !split_authority(&request->authority, is_plain ? 80 : 443, target))
        return p2_pipe_code(P2_HTTP_URI_INVALID);
    int bytes = snprintf(target->url, sizeof(target->url), "%s://%s%s%s", scheme,
                         request->authority.text, path[0] == '/' ? "" : "/", path);
    return bytes < 0 || bytes >= (int)sizeof(target->url) ? p2_pipe_code(P2_HTTP_URI_INVALID) : 0;
}

/* What the host's policy and limits say; its log tells people why. */
static uint8_t check_outbound(struct wasi_p2 *wasi, const struct p2_outgoing_request *request,
                              const struct target *target)
{
    const struct wasi_p2_outbound *limits = &wasi->outbound;
    char line[512];
    const char *scheme = scheme_of(request);
    const char *why = host_net_judge_url(wasi->net, scheme, target->host, target->port);
    uint8_t code = p2_pipe_code(P2_HTTP_REQUEST_DENIED);
    if (why == NULL && wasi->outbound_calls >= limits->calls_max) {
        why = "it has made as many requests as it may (outbound_calls)";
    } else if (why == NULL && wasi->outbound_alive >= limits->alive_max) {
        why = "it has as many requests at a time as it may (outbound_concurrency)";
        code = p2_pipe_code(P2_HTTP_CONNECTION_LIMIT_REACHED);
    }
    if (why == NULL)
        return 0;
    int bytes = snprintf(line, sizeof(line), "refused: a request to %s://%.255s:%u: %s\n", scheme,
                         target->host, target->port, why);
    const struct host_wait wait = {.deadline_ns = 0};
    if (wasi->sinks[2] != NULL && bytes > 0)
        (void)!wasi->sinks[2]->write(wasi->sinks[2], &wait, line, (size_t)bytes);
    return code;
}

static struct wasi_p2_call call_of(const struct p2_outgoing_request *request,
                                   const struct target *target)
{
    return (struct wasi_p2_call){.method = request->method.text,
                                 .scheme = scheme_of(request),
                                 .host = target->host,
                                 .path = request->path.text != NULL ? request->path.text : "/",
                                 .port = target->port};
}

static void set_times(struct host_http_request *outgoing, const struct p2_request_options *options)
{
    outgoing->connect_timeout_ns = options->connect.is_set ? options->connect.ns : 0;
    outgoing->first_byte_timeout_ns = options->first_byte.is_set ? options->first_byte.ns : 0;
    outgoing->between_bytes_timeout_ns =
        options->between_bytes.is_set ? options->between_bytes.ns : 0;
}

static uint8_t code_of(enum os_error reason)
{
    switch (reason) {
    case OS_OK:
        return 0;
    case OS_LOOP:
        return p2_pipe_code(P2_HTTP_LOOP_DETECTED);
    case OS_NOTCAPABLE:
        return p2_pipe_code(P2_HTTP_REQUEST_DENIED);
    case OS_NOSYS:
        return p2_pipe_code(P2_HTTP_CONFIGURATION);
    case OS_AGAIN:
        return p2_pipe_code(P2_HTTP_CONNECTION_LIMIT_REACHED);
    default:
        return p2_pipe_code(P2_HTTP_INTERNAL);
    }
}

/* `headers` are room for those of the request and those that the watch adds. */
static uint8_t start_with(struct wasi_p2 *wasi, const struct p2_outgoing_request *request,
                          const struct p2_request_options *options,
                          struct http_client_header *headers, struct host_http_job **ret_job)
{
    struct target target;
    struct stint_error error = {0};
    uint8_t code = find_target(wasi, request, &target);
    const struct p2_field_list *list = &request->headers->list;
    if (code != 0)
        return code;
    const struct wasi_p2_call call = call_of(request, &target);
    code = check_outbound(wasi, request, &target);
    if (code != 0) {
        p2_watch_refused(wasi, &call, code);
        return code;
    }
    struct p2_watched *watched = p2_watch_begin(wasi, &call, list);
    struct host_http_request outgoing = {.method = request->method.text,
                                         .scheme = call.scheme,
                                         .timeout_ns = wasi->outbound.timeout_ns,
                                         .alive = &wasi->outbound_alive,
                                         .url = target.url,
                                         .host = target.host,
                                         .port = target.port,
                                         .headers = headers,
                                         .header_count = p2_watch_headers(watched, list, headers),
                                         .body = request->body ? request->body->pipe : NULL,
                                         .net = wasi->net,
                                         .inside = wasi->outbound.inside,
                                         .ended = watched != NULL ? p2_watch_end : NULL,
                                         .env = watched};
    if (options != NULL)
        set_times(&outgoing, options);
    enum os_error reason = host_http_start(&outgoing, ret_job, &error);
    code = code_of(reason);
    if (reason == OS_OK)
        wasi->outbound_calls++;
    else if (watched != NULL)
        p2_watch_end(watched, &(struct host_http_end){.error = code});
    return code;
}

static uint8_t start(struct wasi_p2 *wasi, const struct p2_outgoing_request *request,
                     const struct p2_request_options *options, struct host_http_job **ret_job)
{
    enum { HEADERS_ADDED = 2 }; /* see p2_watch_headers */
    struct arena_mark mark = arena_mark(&wasi->arena);
    struct http_client_header *headers = arena_get_zeroed(
        &wasi->arena, request->headers->list.count + HEADERS_ADDED, sizeof(*headers));
    uint8_t code = headers != NULL ? start_with(wasi, request, options, headers, ret_job)
                                   : p2_pipe_code(P2_HTTP_INTERNAL);
    arena_rewind(&wasi->arena, mark);
    return code;
}

/* Takes the request and gives a future, or a code. */
static enum stint_status handle(struct host_component_call *call, uint64_t request_handle,
                                const struct p2_request_options *options, uint8_t *ret_code,
                                uint32_t *ret_handle)
{
    struct wasi_p2 *wasi = p2_of(call);
    struct p2_outgoing_request *request;
    struct p2_future_response *future;
    enum stint_status status = p2_take(call, request_handle, P2_OUTGOING_REQUEST, &request);
    if (status != STINT_OK)
        return status;
    status = p2_new(call, P2_FUTURE_INCOMING_RESPONSE, &future);
    if (status == STINT_OK) {
        *ret_code = start(wasi, request, options, &future->job);
        if (*ret_code == 0)
            status = p2_give(call, &future->base, ret_handle);
        else
            p2_release(wasi, &future->base);
    }
    p2_release(wasi, &request->base);
    return status;
}

/* request, option<own<request-options>>; result<future, error-code>: 0 case  8 handle or error */
enum stint_status p2_outgoing_handler_handle(struct host_component_call *call, uint64_t *slots)
{
    struct p2_request_options *options = NULL;
    uint32_t future = 0;
    uint8_t code = 0, *at;
    enum stint_status status = STINT_OK;
    if (p2_u32(slots[1]) != 0)
        status = p2_take(call, slots[2], P2_REQUEST_OPTIONS, &options);
    if (status != STINT_OK)
        return status;
    status = handle(call, slots[0], options, &code, &future);
    if (options != NULL)
        p2_release(p2_of(call), &options->base);
    if (status == STINT_OK)
        status = p2_result(call, slots[3], 40, 8, &at);
    if (status != STINT_OK)
        return status;
    at[0] = code != 0;
    if (code != 0)
        at[8] = (uint8_t)(code - 1);
    else
        bytes_put32(at + 8, future);
    return STINT_OK;
}

/* request, option of three option<u32> in milliseconds; result<future, error>: 0 case  4 */
enum stint_status p2_outgoing_handler_handle_oct(struct host_component_call *call, uint64_t *slots)
{
    enum { MS = 1000000 };
    struct p2_request_options options = {
        .connect = {p2_u32(slots[2]) != 0, (uint64_t)p2_u32(slots[3]) * MS},
        .first_byte = {p2_u32(slots[4]) != 0, (uint64_t)p2_u32(slots[5]) * MS},
        .between_bytes = {p2_u32(slots[6]) != 0, (uint64_t)p2_u32(slots[7]) * MS},
    };
    uint32_t future = 0;
    uint8_t code = 0, *at;
    enum stint_status status =
        handle(call, slots[0], p2_u32(slots[1]) != 0 ? &options : NULL, &code, &future);
    if (status == STINT_OK)
        status = p2_result(call, slots[8], 16, 4, &at);
    if (status != STINT_OK)
        return status;
    at[0] = code != 0;
    if (code != 0)
        return p2_put_error_oct(call, (uint8_t)(code - 1), at + 4);
    bytes_put32(at + 4, future);
    return STINT_OK;
}

/* ---- The response ------------------------------------------------------------------------ */

static void release_job(void *job)
{
    host_http_release(job);
}

void p2_future_response_end(struct wasi_p2 *wasi, struct p2_object *object)
{
    (void)wasi;
    host_http_release(((struct p2_future_response *)object)->job);
}

static void look(struct p2_object *object, struct p2_readiness *ret_readiness)
{
    struct p2_future_response *future = (struct p2_future_response *)object;
    int fd;
    if (future->job == NULL || host_http_is_ready(future->job, &fd))
        p2_ready_now(ret_readiness);
    else
        p2_ready_fd(ret_readiness, fd, READY_READ);
}

enum stint_status p2_future_response_subscribe(struct host_component_call *call, uint64_t *slots)
{
    struct p2_future_response *future;
    enum stint_status status = p2_get(call, slots[0], P2_FUTURE_INCOMING_RESPONSE, &future);
    return status == STINT_OK ? p2_subscribe(call, &future->base, look, slots) : status;
}

static enum stint_status copy_headers(struct host_component_call *call,
                                      const struct host_http_response *from,
                                      struct p2_fields **ret_fields)
{
    enum stint_status status = p2_fields_make(call, NULL, ret_fields);
    for (size_t i = 0; i < from->header_count && status == STINT_OK; i++) {
        const struct http_client_header *header = &from->headers[i];
        status = p2_field_list_add(p2_of(call)->alloc, &(*ret_fields)->list, header->name,
                                   header->name_bytes, header->value, header->value_bytes);
        if (status != STINT_OK) {
            p2_release(p2_of(call), &(*ret_fields)->base);
            return p2_fields_failed(call, status);
        }
    }
    if (status == STINT_OK)
        (*ret_fields)->is_immutable = true;
    return status;
}

/* The job goes over to the body, which ends it. */
static enum stint_status make_response(struct host_component_call *call,
                                       struct p2_future_response *future,
                                       const struct host_http_response *from, uint32_t *ret_handle)
{
    struct wasi_p2 *wasi = p2_of(call);
    struct p2_incoming_response *response;
    enum stint_status status = p2_new(call, P2_INCOMING_RESPONSE, &response);
    if (status != STINT_OK)
        return status;
    response->status = from->status;
    status = copy_headers(call, from, &response->headers);
    if (status == STINT_OK) {
        response->body = p2_body_create(wasi->alloc, from->body, 0);
        if (response->body == NULL)
            status = p2_no_memory(call);
    } else {
        response->headers = NULL;
    }
    if (status != STINT_OK) {
        p2_release(wasi, &response->base);
        return status;
    }
    response->body->source = future->job;
    response->body->source_end = release_job;
    future->job = NULL;
    return p2_give(call, &response->base, ret_handle);
}

/* Whether there is an answer; `ret_code` is 0 and `ret_handle` set, or it is 1 + the error. */
static enum stint_status take(struct host_component_call *call, struct p2_future_response *future,
                              bool *ret_is_ready, uint8_t *ret_code, uint32_t *ret_handle)
{
    struct host_http_response response;
    int fd;
    *ret_is_ready = host_http_is_ready(future->job, &fd);
    if (!*ret_is_ready)
        return STINT_OK;
    host_http_response(future->job, &response);
    *ret_code = response.error;
    future->is_taken = true;
    return response.error != 0 ? STINT_OK : make_response(call, future, &response, ret_handle);
}

/* option<result<result<incoming-response, …>>>: 0 8 16 24, or in the first candidate 0 4 8 12 */
static enum stint_status get_response(struct host_component_call *call, const uint64_t *slots,
                                      bool is_oct)
{
    struct p2_future_response *future;
    uint32_t handle = 0, each = is_oct ? 4 : 8;
    uint8_t code = 0, *at;
    bool is_ready = true;
    enum stint_status status = p2_get(call, slots[0], P2_FUTURE_INCOMING_RESPONSE, &future);
    if (status != STINT_OK)
        return status;
    bool was_taken = future->is_taken;
    if (!was_taken)
        status = take(call, future, &is_ready, &code, &handle);
    if (status == STINT_OK)
        status = p2_result(call, slots[1], is_oct ? 24 : 56, each, &at);
    if (status != STINT_OK || !is_ready)
        return status;
    at[0] = 1;
    at[each] = was_taken;
    if (was_taken)
        return STINT_OK;
    at[2 * each] = code != 0;
    at += 3 * each;
    if (code != 0 && is_oct)
        return p2_put_error_oct(call, (uint8_t)(code - 1), at);
    if (code != 0)
        at[0] = (uint8_t)(code - 1);
    else
        bytes_put32(at, handle);
    return STINT_OK;
}

enum stint_status p2_future_response_get(struct host_component_call *call, uint64_t *slots)
{
    return get_response(call, slots, false);
}

enum stint_status p2_future_response_get_oct(struct host_component_call *call, uint64_t *slots)
{
    return get_response(call, slots, true);
}

enum stint_status p2_body_take_trailers(struct p2_body *body)
{
    size_t count;
    enum stint_status status = STINT_OK;
    if (body->source == NULL || body->trailers.count > 0)
        return STINT_OK;
    const struct http_client_header *trailers = host_http_trailers(body->source, &count);
    for (size_t i = 0; i < count && status == STINT_OK; i++)
        status =
            p2_field_list_add(body->alloc, &body->trailers, trailers[i].name,
                              trailers[i].name_bytes, trailers[i].value, trailers[i].value_bytes);
    return status;
}
