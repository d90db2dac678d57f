/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Service chaining: requests of guests to this application, by its routes (`http://self/…`) or to one of
 * its components (`http://ID.spin.internal/…`). They become requests of the same worker, with an
 * exchange that has no connection (http/http_local.h), and bodies that go from pipe to pipe.
 *
 * A guest asks on its fiber, where no other one may be started, and pipes tell of changes from inside
 * their functions; so both only put the chain into the worker's list, which its loop goes through.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "app/policy.h"
#include "edge/application.h"
#include "edge/request.h"
#include "http/http_local.h"
#include "os/clock.h"
#include "os/event.h"
#include "os/files.h"
#include "wasi/host_http.h"

enum { DEPTH_MAX = 16, PATH_OFFSET = 3 };
enum { GONE = 1 + 7, INCOMPLETE = 1 + 25 }; /* cases of error-code, as pipes have them */

struct list {
    struct http_client_header *items;
    size_t count;
};

struct chain {
    struct host_http_job job;
    struct worker *worker;
    struct chain *next; /* in the worker's list */
    struct arena arena; /* what was asked, and the answer's head */
    struct http_request request;
    struct request_origin origin; /* with a reference of the application */
    struct geo_place geo;
    struct http_exchange *exchange; /* NULL: not yet, or no more */
    struct host_pipe *request_body, *response_body; /* the first may be NULL */
    struct list headers, trailers;
    uint32_t *alive;
    void (*ended)(void *env, const struct host_http_end *end);
    void *ended_env;
    uint64_t ready_ns;
    int fd;
    uint16_t status;
    uint8_t error;
    bool is_queued, is_begun, is_ready, is_released;
};

/* ---- The list ---------------------------------------------------------------------------- */

static void on_idle(uv_idle_t *idle)
{
    chains_run(idle->data);
}

static void enqueue(void *env)
{
    struct chain *chain = env;
    struct worker *worker = chain->worker;
    if (chain->is_queued)
        return;
    chain->is_queued = true;
    if (worker->chains == NULL) {
        worker->chain_idle.data = worker;
        uv_idle_start(&worker->chain_idle, on_idle);
    }
    chain->next = worker->chains;
    worker->chains = chain;
}

/* ---- The answer, for who asked ----------------------------------------------------------- */

static void become_ready(struct chain *chain, uint8_t error)
{
    if (chain->is_ready)
        return;
    chain->is_ready = true;
    chain->ready_ns = clock_now_ns(OS_CLOCK_MONOTONIC);
    chain->error = error;
    event_set(chain->fd);
}

static bool copy_headers(struct arena *arena, const struct http_header *from, size_t count,
                         struct list *ret_list)
{
    struct http_client_header *items = arena_get_zeroed(arena, count + 1, sizeof(*items));
    for (size_t i = 0; items != NULL && i < count; i++) {
        char *name = arena_copy_string(arena, from[i].name, from[i].name_bytes);
        void *value = arena_copy(arena, from[i].value, from[i].value_bytes);
        if (name == NULL || value == NULL)
            return false;
        /* As they would have come through a connection. */
        for (char *at = name; *at != '\0'; at++)
            *at = *at >= 'A' && *at <= 'Z' ? (char)(*at + 32) : *at;
        items[i] = (struct http_client_header){.name = name,
                                               .value = value,
                                               .name_bytes = from[i].name_bytes,
                                               .value_bytes = from[i].value_bytes};
    }
    *ret_list = (struct list){items, count};
    return items != NULL;
}

static enum os_error on_read(void *env, void *data, size_t room, size_t *ret_bytes)
{
    struct chain *chain = env;
    *ret_bytes = 0;
    if (chain->request_body == NULL)
        return OS_OK;
    enum os_error error = host_pipe_read(chain->request_body, data, room, ret_bytes);
    return error == OS_OK || error == OS_AGAIN ? error : OS_PIPE;
}

static void on_respond(void *env, unsigned status, const struct http_header *headers, size_t count,
                       uint64_t length)
{
    struct chain *chain = env;
    struct http_header *all = arena_get_zeroed(&chain->arena, count + 1, sizeof(*all));
    char text[24];
    if (all != NULL && count > 0)
        memcpy(all, headers, count * sizeof(*all));
    if (all != NULL && length != HTTP_LENGTH_UNKNOWN) {
        int bytes = snprintf(text, sizeof(text), "%llu", (unsigned long long)length);
        all[count++] = (struct http_header){"content-length", text, 14, (uint32_t)bytes};
    }
    bool is_kept = all != NULL && copy_headers(&chain->arena, all, count, &chain->headers);
    chain->status = (uint16_t)status;
    become_ready(chain, is_kept ? 0 : GONE);
}

/* What nobody reads any more is as good as written. */
static size_t on_write(void *env, const void *data, size_t bytes)
{
    struct chain *chain = env;
    size_t done = 0;
    enum os_error error = host_pipe_write(chain->response_body, data, bytes, &done);
    return error == OS_PIPE ? bytes : done;
}

static size_t on_room(void *env)
{
    struct chain *chain = env;
    return host_pipe_is_closed(chain->response_body) ? SIZE_MAX
                                                     : host_pipe_room(chain->response_body);
}

static void on_finish(void *env, const struct http_header *trailers, size_t count)
{
    struct chain *chain = env;
    if (copy_headers(&chain->arena, trailers, count, &chain->trailers))
        host_pipe_finish(chain->response_body);
    else
        host_pipe_fail(chain->response_body, INCOMPLETE);
    enqueue(chain);
}

static void on_abort(void *env)
{
    struct chain *chain = env;
    become_ready(chain, GONE);
    host_pipe_fail(chain->response_body, GONE);
    enqueue(chain);
}

static const struct http_local_peer peer = {on_read, on_respond, on_write,
                                            on_room, on_finish,  on_abort};

/* ---- Its life ---------------------------------------------------------------------------- */

static void free_chain(struct chain *chain)
{
    struct worker *worker = chain->worker;
    if (chain->fd >= 0)
        file_close(chain->fd);
    host_pipe_release(chain->request_body);
    host_pipe_release(chain->response_body);
    application_release(chain->origin.app);
    arena_free(&chain->arena);
    alloc_put(&alloc_root, chain, sizeof(*chain));
    worker->chain_count--;
}

static void begin(struct chain *chain)
{
    chain->is_begun = true;
    chain->exchange = http_local_create(&chain->request, &peer, chain);
    if (chain->exchange == NULL) {
        on_abort(chain);
        return;
    }
    if (chain->request_body != NULL)
        host_pipe_watch(chain->request_body, true, enqueue, chain);
    host_pipe_watch(chain->response_body, false, enqueue, chain);
    request_accept(chain->worker, chain->exchange, &chain->origin);
}

static void end(struct chain *chain)
{
    struct http_exchange *exchange = chain->exchange;
    if (chain->request_body != NULL) {
        host_pipe_watch(chain->request_body, true, NULL, NULL);
        host_pipe_close(chain->request_body);
    }
    host_pipe_watch(chain->response_body, false, NULL, NULL);
    if (exchange == NULL)
        return;
    request_handler.end(chain->worker, exchange);
    http_local_free(exchange);
    chain->exchange = NULL;
}

static void turn(struct chain *chain)
{
    if (!chain->is_begun && !chain->is_released)
        begin(chain);
    else if (chain->exchange != NULL && !chain->is_released)
        request_handler.readable(chain->worker, chain->exchange);
    if (chain->is_released && chain->exchange != NULL)
        http_local_lose(chain->exchange);
    if (chain->exchange != NULL && http_local_is_over(chain->exchange))
        end(chain);
    if (chain->is_released && chain->exchange == NULL && !chain->is_queued)
        free_chain(chain);
}

/* Those that are in the list now; who comes meanwhile has its turn after the loop's. */
void chains_run(struct worker *worker)
{
    struct chain *chain = worker->chains, *reversed = NULL;
    worker->chains = NULL;
    uv_idle_stop(&worker->chain_idle);
    /* The first that came goes first. */
    for (struct chain *next; chain != NULL; chain = next) {
        next = chain->next;
        chain->next = reversed;
        reversed = chain;
    }
    for (struct chain *next; reversed != NULL; reversed = next) {
        next = reversed->next;
        reversed->is_queued = false;
        turn(reversed);
    }
    worker_idle(worker);
}

/* ---- Who asks ---------------------------------------------------------------------------- */

static void release(struct host_http_job *job)
{
    struct chain *chain = (struct chain *)job;
    const struct host_http_end call = {.start_ns = chain->request.start_ns,
                                       .ready_ns = chain->ready_ns,
                                       .end_ns = clock_now_ns(OS_CLOCK_MONOTONIC),
                                       .status = chain->status,
                                       .error = chain->error,
                                       .is_cancelled = !chain->is_ready};
    if (chain->ended != NULL)
        chain->ended(chain->ended_env, &call);
    if (chain->alive != NULL)
        --*chain->alive;
    chain->is_released = true;
    host_pipe_close(chain->response_body);
    enqueue(chain);
}

static bool is_ready(struct host_http_job *job, int *ret_fd)
{
    const struct chain *chain = (const struct chain *)job;
    *ret_fd = chain->fd;
    return chain->is_ready;
}

static void response(struct host_http_job *job, struct host_http_response *ret_response)
{
    const struct chain *chain = (const struct chain *)job;
    *ret_response = (struct host_http_response){.error = chain->error,
                                                .status = chain->status,
                                                .headers = chain->headers.items,
                                                .header_count = chain->headers.count,
                                                .body = chain->response_body};
}

static const struct http_client_header *trailers_of(struct host_http_job *job, size_t *ret_count)
{
    const struct chain *chain = (const struct chain *)job;
    *ret_count = chain->trailers.count;
    return chain->trailers.items;
}

static const struct host_http_ops ops = {release, is_ready, response, trailers_of};

static bool is_named(const struct http_client_header *header, const char *name)
{
    return strlen(name) == header->name_bytes &&
           strncasecmp(header->name, name, header->name_bytes) == 0;
}

/* Those that are about a connection, or that only we may say. */
static bool is_ours(const struct http_client_header *header)
{
    static const char *const names[] = {"host",    "connection", "keep-alive", "proxy-connection",
                                        "upgrade", "te",         "trailer",    "transfer-encoding"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (is_named(header, names[i]))
            return true;
    }
    return false;
}

static bool read_length(struct chain *chain, const struct http_client_header *header)
{
    chain->request.has_length =
        p2_read_length(header->value, header->value_bytes, &chain->request.content_length);
    return chain->request.has_length;
}

static bool add_headers(struct chain *chain, const struct request *from,
                        const struct host_http_request *outgoing)
{
    struct arena *arena = &chain->arena;
    struct http_header *headers =
        arena_get_zeroed(arena, outgoing->header_count + 2, sizeof(*headers));
    struct list copies;
    size_t count = 0;
    bool has_trace = false;
    if (headers == NULL)
        return false;
    const char *authority = chain->request.authority;
    headers[count++] = (struct http_header){"host", authority, 4, (uint32_t)strlen(authority)};
    for (size_t i = 0; i < outgoing->header_count; i++) {
        const struct http_client_header *header = &outgoing->headers[i];
        if (is_ours(header) ||
            (is_named(header, "content-length") && !read_length(chain, header)))
            continue;
        has_trace |= is_named(header, "traceparent");
        headers[count++] = (struct http_header){header->name, (const char *)header->value,
                                                header->name_bytes, header->value_bytes};
    }
    /* The trace of who asks goes on, where it did not say another. */
    if (!has_trace)
        headers[count++] = (struct http_header){"traceparent", from->trace, 11,
                                                (uint32_t)strlen(from->trace)};
    if (!copy_headers(arena, headers, count, &copies))
        return false;
    for (size_t i = 0; i < count; i++) {
        headers[i].name = copies.items[i].name;
        headers[i].value = (const char *)copies.items[i].value;
    }
    chain->request.headers = headers;
    chain->request.header_count = count;
    return true;
}

static bool fill(struct chain *chain, const struct request *from,
                 const struct host_http_request *outgoing)
{
    struct arena *arena = &chain->arena;
    const struct http_request *own = http_exchange_request(from->exchange);
    /* "http://host/path?query": there always is a path. */
    const char *path = strstr(outgoing->url, "://");
    path = path != NULL ? strchr(path + PATH_OFFSET, '/') : NULL;
    path = path != NULL ? path : "/";
    const char *authority = chain->origin.component == APP_NONE ? own->authority : outgoing->host;
    struct http_request *request = &chain->request;
    *request = (struct http_request){
        .method = arena_copy_string(arena, outgoing->method, strlen(outgoing->method)),
        .scheme = outgoing->scheme, /* static */
        .authority = arena_copy_string(arena, authority, strlen(authority)),
        .path = arena_copy_string(arena, path, strcspn(path, "#")),
        .has_body = outgoing->body != NULL,
        .version = 11,
        .peer = from->client,
        .start_ns = clock_now_ns(OS_CLOCK_MONOTONIC)};
    return request->method != NULL && request->authority != NULL && request->path != NULL &&
           add_headers(chain, from, outgoing);
}

static struct chain *create(struct request *from, const struct host_http_request *outgoing,
                            uint32_t component)
{
    struct chain *chain = alloc_get_zeroed(&alloc_root, 1, sizeof(*chain));
    if (chain == NULL)
        return NULL;
    chain->job.ops = &ops;
    chain->worker = from->worker;
    chain->worker->chain_count++;
    chain->fd = -1;
    chain->geo = from->geo;
    chain->origin = (struct request_origin){.app = application_retain(from->app),
                                            .client = from->client,
                                            .geo = &chain->geo,
                                            .caller = from->component->app->id,
                                            .component = component,
                                            .timeout_ns = outgoing->timeout_ns,
                                            .depth = from->depth + 1};
    arena_init(&chain->arena, &alloc_root);
    if (!fill(chain, from, outgoing) || event_create(&chain->fd) ||
        host_pipe_create(&alloc_root, HOST_PIPE_BYTES, &chain->response_body)) {
        free_chain(chain);
        return NULL;
    }
    if (outgoing->body != NULL)
        chain->request_body = host_pipe_retain(outgoing->body);
    chain->ended = outgoing->ended;
    chain->ended_env = outgoing->env;
    chain->alive = outgoing->alive;
    if (chain->alive != NULL)
        ++*chain->alive;
    return chain;
}

enum os_error request_chain(void *user, const struct host_http_request *outgoing,
                            struct host_http_job **ret_job)
{
    struct request *from = user;
    uint32_t component = APP_NONE;
    switch (policy_url(from->component->policy, outgoing->scheme, outgoing->host, outgoing->port,
                       &component)) {
    case POLICY_ALLOWED:
        return OS_NOTSUP;
    case POLICY_SELF:
    case POLICY_CHAIN:
        break;
    default:
        return OS_NOTCAPABLE;
    }
    /* Nobody waits for it any more. */
    if (from->exchange == NULL)
        return OS_PIPE;
    if (from->depth >= DEPTH_MAX) {
        log_line(&from->worker->log, LOG_WARN, from->component->app->id, from->id,
                 "refused: a request to http://%.255s: %u requests have led to each other",
                 outgoing->host[0] != '\0' ? outgoing->host : "self", DEPTH_MAX);
        return OS_LOOP;
    }
    struct chain *chain = create(from, outgoing, component);
    if (chain == NULL)
        return OS_NOMEM;
    *ret_job = &chain->job;
    enqueue(chain);
    return OS_OK;
}
