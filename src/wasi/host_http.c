/* SPDX-License-Identifier: Apache-2.0 */
#include "wasi/host_http.h"

#include <stdatomic.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "os/clock.h"
#include "os/event.h"
#include "os/fiber.h"
#include "os/lock.h"
#include "os/plugin.h"
#include "os/readiness.h"
#include "os/thread.h"

enum {
    SETTLE_NS = 5000000,
    HEADER_BYTES_MAX = 1 << 20,
    CONNECTION_TERMINATED = 1 + 7, /* of error-code */
    RESPONSE_TIMEOUT = 1 + 33,
};

struct header_list {
    struct http_client_header *items;
    size_t count, capacity;
};

/*
 * The guest's side and the thread have it together; who lets go last frees it. The guest's side does not
 * wait for the thread where it shares its own with other guests: a guest may leave many calls at once. So
 * what belongs to the guest, its pipe of the request and its rules, the thread touches under the lock
 * alone, and not once it is released.
 */
struct job {
    struct host_http_job base;
    struct thread thread;
    bool is_joined; /* at its release */
    atomic_uint references;
    struct lock lock;
    bool is_released;         /* under the lock */
    atomic_bool is_cancelled; /* the same, for a look without it */
    atomic_bool is_ready;     /* what follows the thread's writing of the response */
    atomic_bool is_over;      /* what follows its writing of the end */
    int fd;
    struct arena arena; /* the thread's, once it runs */
    struct http_client_request request;
    struct host_pipe *request_body, *response_body;
    void *transfer; /* while it can be woken; under the lock */
    const struct host_net *net;
    const char *scheme, *host;
    uint16_t port;
    uint64_t deadline_ns; /* OS_CLOCK_MONOTONIC; 0: none */
    uint32_t *alive;
    void (*ended)(void *env, const struct host_http_end *end);
    void *env;
    uint64_t start_ns;
    /* Written by the thread. */
    uint64_t ready_ns, end_ns;
    uint8_t error, end_error; /* instead of a response; of its body, too */
    uint16_t status;
    struct header_list headers, trailers;
    size_t header_bytes;
};

static struct lock plugin_lock = LOCK_INIT;
static const struct http_client_api *plugin; /* under the lock */
static atomic_uint running;

static enum stint_status load(const struct http_client_api **ret_api, struct stint_error *error)
{
    const void *table = NULL;
    enum stint_status status = STINT_OK;
    lock_take(&plugin_lock);
    if (plugin == NULL) {
        status = plugin_table("libstint-http.so", HTTP_CLIENT_SYMBOL, HTTP_CLIENT_VERSION, &table,
                              error);
        plugin = table;
    }
    *ret_api = plugin;
    lock_give(&plugin_lock);
    return status;
}

/* ---- In the thread ----------------------------------------------------------------------- */

static bool is_late(const struct job *job)
{
    return job->deadline_ns != 0 && clock_now_ns(OS_CLOCK_MONOTONIC) >= job->deadline_ns;
}

static bool is_cancelled(void *env)
{
    const struct job *job = env;
    return atomic_load_explicit(&job->is_cancelled, memory_order_relaxed) || is_late(job);
}

static bool allows(void *env, const struct http_client_address *to)
{
    struct job *job = env;
    struct inet_address address = {.is_v6 = to->is_v6, .port = to->port};
    bool is_allowed = false;
    memcpy(address.ip, to->ip, sizeof(address.ip));
    lock_take(&job->lock);
    if (!job->is_released && host_net_has_judge(job->net))
        is_allowed = host_net_judge_address(job->net, job->scheme, job->host, &address);
    else if (!job->is_released)
        is_allowed = host_net_allows_name(job->net, job->host, job->port) ||
                     host_net_allows(job->net, &address);
    lock_give(&job->lock);
    return is_allowed;
}

static int64_t read_body(void *env, void *data, size_t bytes)
{
    struct job *job = env;
    size_t got = 0;
    lock_take(&job->lock);
    enum os_error error =
        job->is_released ? OS_PIPE : host_pipe_read(job->request_body, data, bytes, &got);
    lock_give(&job->lock);
    if (error)
        return error == OS_AGAIN ? HTTP_CLIENT_LATER : -1;
    return (int64_t)got;
}

static int64_t write_body(void *env, const void *data, size_t bytes)
{
    struct job *job = env;
    size_t done = 0;
    lock_take(&job->lock);
    enum os_error error =
        job->is_released ? OS_PIPE : host_pipe_write(job->response_body, data, bytes, &done);
    lock_give(&job->lock);
    if (error && error != OS_AGAIN)
        return -1;
    return (int64_t)done;
}

static bool look(void *env, bool is_read, int *ret_fd)
{
    struct job *job = env;
    lock_take(&job->lock);
    bool is_ready =
        job->is_released ||
        host_pipe_look(is_read ? job->request_body : job->response_body, is_read, ret_fd);
    lock_give(&job->lock);
    return is_ready;
}

static bool add_header(struct job *job, struct header_list *list,
                       const struct http_client_header *header)
{
    struct http_client_header copy = *header;
    job->header_bytes += header->name_bytes + header->value_bytes;
    if (job->header_bytes > HEADER_BYTES_MAX ||
        !vec_reserve(&alloc_root, &list->items, &list->capacity, list->count + 1,
                     sizeof(*list->items)))
        return false;
    copy.name = arena_copy_string(&job->arena, header->name, header->name_bytes);
    copy.value = arena_copy(&job->arena, header->value, header->value_bytes);
    if (copy.name == NULL || copy.value == NULL)
        return false;
    list->items[list->count++] = copy;
    return true;
}

static bool take_header(void *env, const struct http_client_header *header)
{
    struct job *job = env;
    return add_header(job, &job->headers, header);
}

static bool take_trailer(void *env, const struct http_client_header *header)
{
    struct job *job = env;
    return add_header(job, &job->trailers, header);
}

static void runs(void *env, void *transfer)
{
    struct job *job = env;
    lock_take(&job->lock);
    job->transfer = transfer;
    lock_give(&job->lock);
}

static void become_ready(struct job *job)
{
    atomic_store_explicit(&job->is_ready, true, memory_order_release);
    event_set(job->fd);
}

static bool start(void *env, unsigned status)
{
    struct job *job = env;
    job->status = (uint16_t)status;
    job->ready_ns = clock_now_ns(OS_CLOCK_MONOTONIC);
    become_ready(job);
    return true;
}

static void free_job(struct job *job)
{
    if (job->fd != -1)
        file_close(job->fd);
    host_pipe_release(job->request_body);
    host_pipe_release(job->response_body);
    alloc_put(&alloc_root, job->headers.items, job->headers.capacity * sizeof(*job->headers.items));
    alloc_put(&alloc_root, job->trailers.items,
              job->trailers.capacity * sizeof(*job->trailers.items));
    arena_free(&job->arena);
    lock_free(&job->lock);
    alloc_put(&alloc_root, job, sizeof(*job));
}

static void let_go(struct job *job)
{
    if (atomic_fetch_sub_explicit(&job->references, 1, memory_order_acq_rel) == 1)
        free_job(job);
}

static void run(void *context)
{
    struct job *job = context;
    uint32_t code = plugin->perform(&job->request);
    if (code != 0 && is_late(job))
        code = RESPONSE_TIMEOUT;
    job->end_ns = clock_now_ns(OS_CLOCK_MONOTONIC);
    job->end_error = (uint8_t)code;
    atomic_store_explicit(&job->is_over, true, memory_order_release);
    lock_take(&job->lock);
    if (!job->is_released && job->request_body != NULL)
        host_pipe_close(job->request_body);
    if (!job->is_released && code != 0)
        host_pipe_fail(job->response_body, (uint8_t)code);
    else if (!job->is_released)
        host_pipe_finish(job->response_body);
    lock_give(&job->lock);
    if (!atomic_load_explicit(&job->is_ready, memory_order_relaxed)) {
        job->error = (uint8_t)code;
        become_ready(job);
    }
    let_go(job);
    atomic_fetch_sub_explicit(&running, 1, memory_order_release);
}

/* ---- The guest's side -------------------------------------------------------------------- */

/* Accepts NULL. */
static bool copy_text(struct job *job, const char *text, const char **ret_copy)
{
    *ret_copy = text != NULL ? arena_copy_string(&job->arena, text, strlen(text)) : NULL;
    return text == NULL || *ret_copy != NULL;
}

/* Whom it trusts, and what it shows. */
static bool set_tls(struct job *job, const struct host_http_request *request)
{
    struct host_net_tls from;
    struct http_client_tls *tls = &job->request.tls;
    if (strcmp(request->scheme, "https") != 0 ||
        !host_net_judge_tls(request->net, request->host, request->port, &from))
        return true;
    tls->is_set = true;
    tls->with_system = from.with_system;
    return copy_text(job, from.authorities, &tls->authorities) &&
           copy_text(job, from.certificate, &tls->certificate) &&
           copy_text(job, from.key, &tls->key);
}

static bool copy_request(struct job *job, const struct host_http_request *request)
{
    struct arena *arena = &job->arena;
    struct http_client_header *headers =
        arena_get_zeroed(arena, request->header_count + 1, sizeof(*headers));
    job->request = (struct http_client_request){
        .method = arena_copy_string(arena, request->method, strlen(request->method)),
        .url = arena_copy_string(arena, request->url, strlen(request->url)),
        .headers = headers,
        .header_count = request->header_count,
        .has_body = request->body != NULL,
        .connect_timeout_ns = request->connect_timeout_ns,
        .first_byte_timeout_ns = request->first_byte_timeout_ns,
        .between_bytes_timeout_ns = request->between_bytes_timeout_ns,
        .env = job,
        .is_cancelled = is_cancelled,
        .allows = allows,
        .read = read_body,
        .header = take_header,
        .start = start,
        .write = write_body,
        .look = look,
        .trailer = take_trailer,
        .runs = runs,
    };
    job->net = request->net;
    job->port = request->port;
    job->scheme = request->scheme;
    if (request->timeout_ns != 0 && request->timeout_ns < UINT64_MAX / 2)
        job->deadline_ns = clock_now_ns(OS_CLOCK_MONOTONIC) + request->timeout_ns;
    job->host = arena_copy_string(arena, request->host, strlen(request->host));
    bool is_good =
        set_tls(job, request) && headers && job->request.method && job->request.url && job->host;
    for (size_t i = 0; i < request->header_count && is_good; i++) {
        const struct http_client_header *from = &request->headers[i];
        headers[i] = *from;
        headers[i].name = arena_copy_string(arena, from->name, from->name_bytes);
        headers[i].value = arena_copy(arena, from->value, from->value_bytes);
        is_good = headers[i].name != NULL && headers[i].value != NULL;
    }
    return is_good;
}

/* Its thread ends at once, wherever it waits. Gives the pipe of the request, which may be NULL. */
static struct host_pipe *cancel(struct job *job, bool is_over)
{
    struct host_pipe *body = job->request_body;
    atomic_store_explicit(&job->is_cancelled, true, memory_order_relaxed);
    host_pipe_close(job->response_body);
    if (body != NULL) {
        host_pipe_fail(body, CONNECTION_TERMINATED);
        host_pipe_close(body);
    }
    lock_take(&job->lock);
    job->is_released = true;
    job->request_body = NULL;
    if (!is_over)
        host_pipe_fail(job->response_body, CONNECTION_TERMINATED);
    if (job->transfer != NULL)
        plugin->wake(job->transfer);
    lock_give(&job->lock);
    return body;
}

static void release(struct host_http_job *base)
{
    struct job *job = (struct job *)base;
    bool is_over = atomic_load_explicit(&job->is_over, memory_order_acquire);
    bool is_ready = atomic_load_explicit(&job->is_ready, memory_order_acquire);
    /* Who has the response's head may leave the rest. */
    const struct host_http_end end = {.start_ns = job->start_ns,
                                      .ready_ns = is_ready || is_over ? job->ready_ns : 0,
                                      .end_ns =
                                          is_over ? job->end_ns : clock_now_ns(OS_CLOCK_MONOTONIC),
                                      .status = is_ready || is_over ? job->status : 0,
                                      .error = is_over ? job->end_error : 0,
                                      .is_cancelled = !is_over && !is_ready};
    host_pipe_release(cancel(job, is_over));
    if (job->is_joined)
        thread_join(&job->thread);
    else
        thread_detach(&job->thread);
    if (job->ended != NULL)
        job->ended(job->env, &end);
    if (job->alive != NULL)
        --*job->alive;
    let_go(job);
}

bool host_http_settle(uint64_t timeout_ns)
{
    uint64_t end_ns = clock_now_ns(OS_CLOCK_MONOTONIC) + timeout_ns;
    while (atomic_load_explicit(&running, memory_order_acquire) != 0) {
        size_t ready;
        if (clock_now_ns(OS_CLOCK_MONOTONIC) >= end_ns || ready_wait(NULL, 0, SETTLE_NS, &ready))
            return false;
    }
    return true;
}

static bool is_ready(struct host_http_job *base, int *ret_fd)
{
    struct job *job = (struct job *)base;
    *ret_fd = job->fd;
    return atomic_load_explicit(&job->is_ready, memory_order_acquire);
}

static void response(struct host_http_job *base, struct host_http_response *ret_response)
{
    const struct job *job = (const struct job *)base;
    *ret_response = (struct host_http_response){.error = job->error,
                                                .status = job->status,
                                                .headers = job->headers.items,
                                                .header_count = job->headers.count,
                                                .body = job->response_body};
}

static const struct http_client_header *trailers(struct host_http_job *base, size_t *ret_count)
{
    const struct job *job = (const struct job *)base;
    *ret_count = job->trailers.count;
    return job->trailers.items;
}

static const struct host_http_ops network = {release, is_ready, response, trailers};

enum os_error host_http_start(const struct host_http_request *request,
                              struct host_http_job **ret_job, struct stint_error *error)
{
    const struct http_client_api *api;
    bool is_allowed = host_net_has_judge(request->net)
                          ? host_net_judge_url(request->net, request->scheme, request->host,
                                               request->port) == NULL
                          : host_net_allows_lookup(request->net, request->host);
    if (!is_allowed)
        return OS_NOTCAPABLE;
    enum os_error reason = OS_NOTSUP;
    if (request->inside != NULL)
        reason = request->inside->start(request->inside->env, request, ret_job);
    if (reason != OS_NOTSUP)
        return reason;
    if (load(&api, error) != STINT_OK)
        return OS_NOSYS;
    /* Not of the guest's store: the thread allocates beside it. */
    struct job *job = alloc_get_zeroed(&alloc_root, 1, sizeof(*job));
    if (job == NULL)
        return OS_NOMEM;
    job->fd = -1;
    lock_init(&job->lock);
    atomic_init(&job->references, 2);
    job->is_joined = fiber_current() == NULL;
    job->start_ns = clock_now_ns(OS_CLOCK_MONOTONIC);
    arena_init(&job->arena, &alloc_root);
    reason = copy_request(job, request) ? event_create(&job->fd) : OS_NOMEM;
    if (!reason)
        reason = host_pipe_create(&alloc_root, HOST_PIPE_BYTES, &job->response_body);
    if (!reason) {
        job->request_body = request->body != NULL ? host_pipe_retain(request->body) : NULL;
        if (atomic_fetch_add_explicit(&running, 1, memory_order_relaxed) >= HOST_HTTP_JOBS_MAX ||
            !thread_start(&job->thread, run, job, false)) {
            atomic_fetch_sub_explicit(&running, 1, memory_order_relaxed);
            reason = OS_AGAIN;
        }
    }
    if (reason) {
        free_job(job);
        return reason;
    }
    job->alive = request->alive;
    job->ended = request->ended;
    job->env = request->env;
    if (job->alive != NULL)
        ++*job->alive;
    job->base.ops = &network;
    *ret_job = &job->base;
    return OS_OK;
}

void host_http_release(struct host_http_job *job)
{
    if (job != NULL)
        job->ops->release(job);
}

bool host_http_is_ready(struct host_http_job *job, int *ret_fd)
{
    return job->ops->is_ready(job, ret_fd);
}

void host_http_response(struct host_http_job *job, struct host_http_response *ret_response)
{
    job->ops->response(job, ret_response);
}

const struct http_client_header *host_http_trailers(struct host_http_job *job, size_t *ret_count)
{
    return job->ops->trailers(job, ret_count);
}
