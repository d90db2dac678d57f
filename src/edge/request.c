/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a request to a guest and back. The guest runs on a fiber; each time that it has run, this takes
 * what it has written and gives it what has come (pump), and the same when the connection can take or
 * has more. A request ends when both are over: its exchange and its guest.
 */
#include "edge/request.h"
#include "edge/application.h"
#include "edge/trigger.h"

#include <stdio.h>
#include <string.h>

#include "os/clock.h"
#include "os/random.h"

enum { PIECE_BYTES = 32 << 10, ROOM_BYTES_MAX = 1 << 20 };

/* ---- Answers of our own ------------------------------------------------------------------ */

void request_answer(struct request *request, unsigned status, const char *text)
{
    static const struct http_header plain = {"content-type", "text/plain; charset=utf-8", 12, 25};
    char body[256], seconds[12];
    int digits = snprintf(seconds, sizeof(seconds), "%u",
                          request->retry_after_s > 0 ? request->retry_after_s : 1);
    struct http_header headers[2] = {plain, {"retry-after", seconds, 11, (uint32_t)digits}};
    int bytes = snprintf(body, sizeof(body), "%s (request %s)\n", text, request->id);
    request->is_responded = request->is_finished = true;
    request->answer = status;
    http_respond(request->exchange, status, headers, status == 429 || status == 503 ? 2 : 1,
                 (uint64_t)bytes);
    (void)http_write(request->exchange, body, (size_t)bytes);
    http_finish(request->exchange, NULL, 0);
}

/* What a manifest has as the answer of a route. */
static void answer_fixed(struct request *request, const struct app_static_response *response)
{
    size_t count = response->headers.count, bytes = strlen(response->body);
    struct http_header *headers = alloc_get(&alloc_root, (count + 1) * sizeof(*headers));
    if (headers == NULL) {
        request_answer(request, 503, "Out of memory");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const struct app_pair *pair = &response->headers.items[i];
        headers[i] = (struct http_header){pair->name, pair->value, (uint32_t)strlen(pair->name),
                                          (uint32_t)strlen(pair->value)};
    }
    request->is_responded = request->is_finished = true;
    request->answer = response->status;
    http_respond(request->exchange, response->status, headers, count, bytes);
    (void)http_write(request->exchange, response->body, bytes);
    http_finish(request->exchange, NULL, 0);
    alloc_put(&alloc_root, headers, (count + 1) * sizeof(*headers));
}

/* ---- The guest's end --------------------------------------------------------------------- */

/* What a client may be told. */
static unsigned status_of_failure(const struct request *request, const char **ret_text)
{
    switch (request->status) {
    case STINT_LIMIT:
    case STINT_NOMEM:
        *ret_text = "Too many requests at a time";
        return 503;
    case STINT_TIMEOUT:
        *ret_text = "The function took too long";
        return 504;
    case STINT_FUEL:
        *ret_text = "The function used too much CPU time";
        return 503;
    default:
        *ret_text = "The function failed";
        return 500;
    }
}

static void free_request(struct request *request)
{
    struct worker *worker = request->worker;
    application_release(request->app);
    request->app = NULL;
    request->next_free = worker->free_requests;
    worker->free_requests = request;
    worker->running--;
    worker_idle(worker);
}

/* Gives everything back once both sides are done. */
static void end_if_over(struct request *request)
{
    if (request->is_alive || request->exchange != NULL)
        return;
    if (request->use != NULL) {
        request->memory_bytes = guest_use_memory_bytes(request->use);
        request->held_ns = request->now_ns - request->take_start_ns;
        guest_give(request->use,
                   request->is_done && request->status == STINT_OK && !request->is_over_cpu);
    }
    metrics_ran(request);
    request->use = NULL;
    host_pipe_release(request->body);
    request->body = NULL;
    request_static_end(request);
    request_region_end(request);
    request_limits_leave(request);
    if (request->trigger != NULL)
        trigger_done(request);
    free_request(request);
}

void request_end(struct request *request)
{
    end_if_over(request);
}

/* ---- Bodies ------------------------------------------------------------------------------ */

/* The client's trailers, before the guest sees the end of the body. False: memory is out. */
static bool pass_trailers(struct request *request)
{
    size_t count;
    const struct http_header *trailers = http_trailers(request->exchange, &count);
    if (count == 0 || request->use == NULL)
        return true; /* request_fill_trailers comes, or nothing to be done */
    struct p2_header *copy = alloc_get(&alloc_root, count * sizeof(*copy));
    if (copy == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        copy[i] = (struct p2_header){trailers[i].name, (const uint8_t *)trailers[i].value,
                                     trailers[i].name_bytes, trailers[i].value_bytes};
    bool is_good = guest_use_add_trailers(request->use, copy, count);
    alloc_put(&alloc_root, copy, count * sizeof(*copy));
    return is_good;
}

/* From the connection to the guest. */
static void pump_request(struct request *request)
{
    uint8_t piece[PIECE_BYTES];
    while (!request->is_body_whole && request->body != NULL) {
        size_t room = host_pipe_room(request->body), bytes = 0, taken = 0;
        if (host_pipe_is_closed(request->body))
            request->is_body_whole = true; /* nobody wants the rest */
        if (room == 0 || request->is_body_whole)
            return;
        if (http_awaits_continue(request->exchange) && !host_pipe_is_wanted(request->body))
            return;
        enum os_error error = http_body_read(request->exchange, piece,
                                             room < sizeof(piece) ? room : sizeof(piece), &bytes);
        if (error == OS_AGAIN)
            return;
        request->received_bytes += bytes;
        if (error || bytes == 0)
            request->is_body_whole = true;
        if (!error && bytes == 0 && !pass_trailers(request))
            error = OS_NOMEM;
        if (error)
            host_pipe_fail(request->body, 1); /* its peer is gone */
        else if (bytes == 0)
            host_pipe_finish(request->body);
        else if (host_pipe_write(request->body, piece, bytes, &taken))
            request->is_body_whole = true;
    }
}

static bool name_is(const struct p2_header *header, const char *name, size_t bytes)
{
    return header->name_bytes == bytes && memcmp(header->name, name, bytes) == 0;
}

static void respond(struct request *request, const struct p2_response *response)
{
    enum { FEW = 48 };
    struct http_header few[FEW], *headers = few;
    uint64_t length = HTTP_LENGTH_UNKNOWN;
    size_t count = response->header_count, waiting, trailer_count;
    if (count > FEW)
        headers = alloc_get(&alloc_root, count * sizeof(*headers));
    if (headers == NULL) {
        request_answer(request, 500, "Out of memory");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const struct p2_header *header = &response->headers[i];
        headers[i] = (struct http_header){header->name, (const char *)header->value,
                                          header->name_bytes, header->value_bytes};
        if (name_is(header, "content-length", 14) &&
            !p2_read_length(header->value, header->value_bytes, &length))
            length = HTTP_LENGTH_UNKNOWN;
    }
    /* A guest that is done has written all that it will. Trailers come with chunks only. */
    (void)guest_use_trailers(request->use, &trailer_count);
    if (length == HTTP_LENGTH_UNKNOWN && response->body == NULL)
        length = 0;
    else if (length == HTTP_LENGTH_UNKNOWN && request->is_done && trailer_count == 0 &&
             host_pipe_is_whole(response->body, &waiting))
        length = waiting;
    request->is_responded = true;
    request->answer = response->status;
    http_respond(request->exchange, response->status, headers, count, length);
    if (headers != few)
        alloc_put(&alloc_root, headers, count * sizeof(*headers));
}

/* Whether its body is nobody's concern. */
static bool is_bodiless(const struct request *request, const struct p2_response *response)
{
    return request->status == STINT_OK &&
           (response->status == 204 || response->status == 304 ||
            strcmp(http_exchange_request(request->exchange)->method, "HEAD") == 0);
}

/* Of a guest that ended well, as it thinks: the log says of others why they did not. */
static void say_broken(struct request *request, const struct p2_response *response)
{
    uint8_t code = host_pipe_code(response->body);
    if (request->status != STINT_OK)
        return;
    log_line(&request->worker->log, LOG_WARN, request->component->app->id, request->id,
             "its response is not whole: %s",
             code != 0 ? p2_http_error_name((uint8_t)(code - 1)) : "the body was not finished");
}

static void finish(struct request *request)
{
    size_t count = 0;
    const struct p2_header *trailers = guest_use_trailers(request->use, &count);
    struct http_header *copy = NULL;
    if (count > 0)
        copy = alloc_get(&alloc_root, count * sizeof(*copy));
    for (size_t i = 0; copy != NULL && i < count; i++)
        copy[i] = (struct http_header){trailers[i].name, (const char *)trailers[i].value,
                                       trailers[i].name_bytes, trailers[i].value_bytes};
    request->is_finished = true;
    http_finish(request->exchange, copy, copy != NULL ? count : 0);
    alloc_put(&alloc_root, copy, count * sizeof(*copy));
}

/* From the guest to the connection. */
static void pump_response(struct request *request, const struct p2_response *response)
{
    uint8_t piece[PIECE_BYTES];
    while (!request->is_finished) {
        size_t room = http_room(request->exchange), bytes = 0;
        if (response->body == NULL) {
            finish(request);
            return;
        }
        enum os_error error = host_pipe_read(response->body, piece,
                                             room < sizeof(piece) ? room : sizeof(piece), &bytes);
        if (error == OS_AGAIN && !request->is_done)
            return;
        if (error && is_bodiless(request, response)) {
            finish(request);
            return;
        }
        if (error)
            say_broken(request, response);
        else if (bytes > 0 && (!request_limits_send(request, bytes) ||
                               http_write(request->exchange, piece, bytes) < bytes))
            error = OS_NOMEM; /* there was room for all of it */
        if (error) { /* it ends before it is whole, and must not look so */
            request->is_finished = true;
            http_abort(request->exchange);
        } else if (bytes == 0 && room == 0) {
            return;
        } else if (bytes == 0) {
            finish(request);
        }
    }
}

/* ---- Turns ------------------------------------------------------------------------------- */

static void conclude(struct request *request)
{
    const char *text = "The function gave no answer";
    unsigned status = 500;
    if (request->is_responded)
        return;
    if (request->status != STINT_OK)
        status = status_of_failure(request, &text);
    request_answer(request, status, text);
}

/* Whether the guest has ended before anything of its response was sent, which will never be whole. */
static bool is_broken(const struct request *request, const struct p2_response *response)
{
    size_t waiting;
    return request->is_done && response->body != NULL && !is_bodiless(request, response) &&
           !host_pipe_is_whole(response->body, &waiting);
}

static void begin_response(struct request *request, const struct p2_response *response)
{
    if (response->status < 200 || response->status > 999) {
        log_line(&request->worker->log, LOG_WARN, request->component->app->id, request->id,
                 "its response has the status %u, which ends no request", response->status);
        request_answer(request, 500, "The function failed");
    } else if (is_broken(request, response)) {
        say_broken(request, response);
        conclude(request);
    } else {
        respond(request, response);
    }
}

static void pump(struct request *request)
{
    if (request->exchange == NULL)
        return;
    request_region_pump(request);
    pump_request(request);
    request_static_pump(request);
    const struct p2_response *response =
        request->use != NULL ? guest_use_response(request->use) : NULL;
    if (response != NULL && response->state == P2_RESPONSE_SET && !request->is_responded)
        begin_response(request, response);
    if (response != NULL && request->is_responded && !request->is_finished)
        pump_response(request, response);
    if (request->is_done && !request->is_responded)
        conclude(request);
}

/* An instance that has started. Its start functions are under the request's limits: what a component
 * does before its handler may take as long as the handler. */
static enum stint_status take(struct request *request)
{
    const struct edge_component *component = request->component;
    const struct app_limits *limits = &component->app->limits;
    enum stint_status status =
        guest_take(component->guest, request, &request->use, &request->error);
    if (status != STINT_OK)
        return status;
    struct stint_store *store = guest_use_store(request->use);
    store->waiter = &request->task.waiter;
    uint64_t timeout_ns = limits->timeout_ns;
    if (request->timeout_ns != 0 && request->timeout_ns < timeout_ns)
        timeout_ns = request->timeout_ns;
    if (timeout_ns != APP_UNLIMITED)
        rt_timeout_set(store, timeout_ns);
    if (limits->fuel != APP_UNLIMITED)
        rt_fuel_set(store, limits->fuel);
    return guest_start(request->use, &request->error);
}

static enum stint_status handle(struct request *request)
{
    if (request->trigger != NULL)
        return trigger_run(request);
    if (request->exchange == NULL)
        return STINT_INTERRUPTED; /* the client left meanwhile, and with it the request's texts */
    if (guest_is_command(request->component->guest))
        return request_cgi_run(request);
    if (!request_fill_trailers(request))
        return error_set(&request->error, STINT_NOMEM, STINT_NO_OFFSET, "out of memory");
    return guest_handle(request->use, &request->message, &request->error);
}

/* On the fiber. */
static void run(void *arg)
{
    struct request *request = arg;
    request_turn_begin(request);
    request->take_start_ns = request->now_ns;
    request->status = take(request);
    request->take_ns = clock_now_ns(OS_CLOCK_MONOTONIC) - request->take_start_ns;
    request->is_started = request->status == STINT_OK;
    if (request->is_started)
        request->status = handle(request);
    request_turn_end(request);
    request_limits_end_of_time(request);
    request->is_done = true;
}

/* The worker's list of those whose guest is suspended. */
static void list_alive(struct request *request)
{
    struct request **first = &request->worker->alive;
    request->alive_next = *first;
    request->alive_before = first;
    if (*first != NULL)
        (*first)->alive_before = &request->alive_next;
    *first = request;
}

static void unlist_alive(struct request *request)
{
    *request->alive_before = request->alive_next;
    if (request->alive_next != NULL)
        request->alive_next->alive_before = request->alive_before;
    request->alive_before = NULL;
}

/* For its guest, which is suspended, nobody waits any more. */
static void interrupt(struct request *request)
{
    if (request->use != NULL)
        rt_interrupt(guest_use_store(request->use));
    loop_wake(&request->task);
}

uint32_t requests_interrupt(struct worker *worker)
{
    uint32_t count = 0;
    for (struct request *request = worker->alive; request != NULL; request = request->alive_next) {
        interrupt(request);
        count++;
    }
    return count;
}

static void turn(struct request *request, bool is_alive)
{
    request->is_alive = is_alive;
    if (is_alive && request->alive_before == NULL)
        list_alive(request);
    else if (!is_alive && request->alive_before != NULL)
        unlist_alive(request);
    if (!is_alive && request->status != STINT_OK)
        request_failed(request);
    pump(request);
    end_if_over(request);
}

static void after(void *env, bool is_alive)
{
    turn(env, is_alive);
}

static void start(struct request *request)
{
    bool is_alive = false;
    loop_task_init(&request->task, request->worker->loop, after, request);
    request_limits_count_time(request);
    request->is_alive = true;
    enum stint_status status = loop_start(&request->task, run, request, &is_alive);
    if (status != STINT_OK) {
        request->status = status;
        request->is_done = true;
    }
    turn(request, is_alive);
}

/* ---- The handler ------------------------------------------------------------------------- */

static struct request *new_request(struct worker *worker)
{
    struct request *request = worker->free_requests;
    if (request == NULL) {
        request = alloc_get_zeroed(&alloc_root, 1, sizeof(*request));
        if (request != NULL) {
            buf_init(&request->room, &alloc_root, ROOM_BYTES_MAX);
            buf_init(&request->args, &alloc_root, ROOM_BYTES_MAX);
            buf_init(&request->env, &alloc_root, ROOM_BYTES_MAX);
            buf_init(&request->tracestate_room, &alloc_root, ROOM_BYTES_MAX);
        }
    } else {
        const struct request kept = *request;
        worker->free_requests = request->next_free;
        *request = (struct request){.headers = kept.headers,
                                    .header_capacity = kept.header_capacity,
                                    .room = kept.room,
                                    .args = kept.args,
                                    .env = kept.env,
                                    .tracestate_room = kept.tracestate_room};
        buf_clear(&request->room);
    }
    if (request == NULL)
        return NULL;
    request->worker = worker;
    worker->running++;
    return request;
}

void requests_free(struct worker *worker)
{
    for (struct request *request; (request = worker->free_requests) != NULL;) {
        worker->free_requests = request->next_free;
        buf_free(&request->room);
        buf_free(&request->args);
        buf_free(&request->env);
        buf_free(&request->tracestate_room);
        alloc_put(&alloc_root, request->headers,
                  request->header_capacity * sizeof(*request->headers));
        alloc_put(&alloc_root, request, sizeof(*request));
    }
}

/* Unique in this process, and hard to guess elsewhere. */
static void make_id(struct request *request)
{
    static const char digits[] = "0123456789abcdef";
    struct worker *worker = request->worker;
    uint64_t number = worker->id_seed + ++worker->request_count * 0x9e3779b97f4a7c15u;
    for (int i = 0; i < REQUEST_ID_BYTES - 1; i++, number >>= 4)
        request->id[i] = digits[number & 15];
    request->id[REQUEST_ID_BYTES - 1] = '\0';
}

static bool admit(struct request *request)
{
    struct edge_component *component = request->component;
    if (request->app->app->server.refuses_overload &&
        overload_refuses(&request->worker->overload, loop_ready(request->worker->loop),
                         request->start_ns)) {
        metrics_limit(request, HIT_OVERLOAD);
        request_answer(request, 503, "The server has too much to do");
        return false;
    }
    if (!request_limits_check(request) || request_static(request))
        return false;
    if (component->guest == NULL) {
        char text[64];
        (void)snprintf(text, sizeof(text), "This function is not available: problem %s",
                       component->problem_id);
        request_answer(request, 503, text);
        return false;
    }
    enum request_place place = request_limits_enter(request);
    if (place == PLACE_NONE) {
        metrics_limit(request, HIT_CONCURRENCY);
        request_answer(request, 503, "Too many requests at a time");
    }
    return place == PLACE_HELD;
}

struct request *request_create(struct worker *worker, struct edge_app *app)
{
    struct request *request = new_request(worker);
    if (request == NULL)
        return NULL;
    request->start_ns = clock_now_ns(OS_CLOCK_MONOTONIC);
    request->app = application_retain(app);
    make_id(request);
    return request;
}

void request_begin(struct request *request)
{
    if (request->trigger != NULL) {
        start(request);
        return;
    }
    const struct http_request *http = http_exchange_request(request->exchange);
    if (http->has_body) {
        if (host_pipe_create(&alloc_root, HOST_PIPE_BYTES, &request->body))
            request->body = NULL;
    }
    bool is_filled = guest_is_command(request->component->guest) ? request_cgi_fill(request)
                                                                 : request_fill(request);
    if ((http->has_body && request->body == NULL) || !is_filled) {
        request_answer(request, 503, "Out of memory");
        return;
    }
    pump_request(request);
    start(request);
}

void request_serve(struct request *request)
{
    if (request->component == NULL)
        answer_fixed(request, request->route->response);
    else if (admit(request))
        request_begin(request);
}

/* Of whom it is, and what is asked. False: of nothing that there is. */
static bool place(struct request *request, const struct request_origin *origin)
{
    if (origin == NULL)
        return request_route(request);
    request->client = origin->client;
    request->geo = *origin->geo;
    request->caller = origin->caller;
    request->depth = origin->depth;
    request->timeout_ns = origin->timeout_ns;
    if (origin->component == APP_NONE)
        return request_route(request);
    request_route_to(request, origin->component);
    return true;
}

void request_accept(struct worker *worker, struct http_exchange *exchange,
                    const struct request_origin *origin)
{
    struct request *request = new_request(worker);
    if (request == NULL) {
        http_abort(exchange);
        return;
    }
    request->exchange = exchange;
    request->start_ns = http_exchange_request(exchange)->start_ns;
    request->app = application_retain(origin != NULL ? origin->app : worker->app);
    http_exchange_set_user(exchange, request);
    make_id(request);
    request_trace(request);
    request->authority = http_exchange_request(exchange)->authority;
    request->scheme = http_exchange_request(exchange)->scheme;
    if (origin == NULL) {
        request_locate(request);
        if (!request_region_enter(request))
            return;
    }
    if (!place(request, origin)) {
        if (!request_region_health(request))
            request_answer(request, 404, "Nothing is served here");
        return;
    }
    if (!request_region_elsewhere(request))
        request_serve(request);
}

static void on_request(void *env, struct http_exchange *exchange)
{
    request_accept(env, exchange, NULL);
}

static void on_progress(void *env, struct http_exchange *exchange)
{
    struct request *request = http_exchange_user(exchange);
    (void)env;
    if (request == NULL)
        return;
    pump(request);
    end_if_over(request);
}

/* The guest goes on only where its answer was on its way: else nobody waits for it. */
static void on_end(void *env, struct http_exchange *exchange)
{
    struct request *request = http_exchange_user(exchange);
    (void)env;
    if (request == NULL)
        return;
    request->now_ns = clock_now_ns(OS_CLOCK_MONOTONIC);
    request_log(request);
    metrics_answered(request);
    if (request->is_sampled)
        request_span(request);
    bool is_lost = http_is_lost(exchange);
    request->exchange = NULL;
    if (request->body != NULL && !request->is_body_whole)
        host_pipe_fail(request->body, 1);
    if (request->is_alive && is_lost)
        interrupt(request);
    end_if_over(request);
}

static void on_drained(void *env, struct http_server *server)
{
    (void)server;
    worker_drained(env);
}

const struct http_handler request_handler = {on_request, on_progress, on_progress, on_end,
                                             on_drained};
