/* SPDX-License-Identifier: Apache-2.0 */
/* Connections to another server: finding it, connecting, TLS, keeping them, and their bytes. */
#include <stdio.h>
#include <string.h>

#include "http/http_peer_int.h"

enum { TICK_MS = 200, ADDRESSES_FRESH_MS = 30000 };
enum { MS_NS = 1000000 };

static void connect_next(struct peer_conn *conn);
static void look_up(struct http_peer *peer);

/* ---- Events ------------------------------------------------------------------------------ */

static void on_tick(uv_timer_t *timer);

static void run_dirty(struct http_peer *peer)
{
    for (struct http_call *call; (call = peer->dirty) != NULL;) {
        peer->dirty = call->dirty_next;
        call->is_dirty = false;
        call->progress(call->env);
    }
}

void peer_mark(struct http_call *call)
{
    struct http_peer *peer = call->peer;
    if (call->is_dirty || peer->is_closing)
        return;
    call->is_dirty = true;
    call->dirty_next = peer->dirty;
    peer->dirty = call;
    if (!peer->is_running) /* from outside of an event: soon */
        uv_timer_start(&peer->timer, on_tick, 0, TICK_MS);
}

void peer_mark_later(struct http_call *call)
{
    call->is_awaited = true;
    uv_timer_start(&call->peer->timer, on_tick, 0, TICK_MS);
}

void peer_unmark(struct http_call *call)
{
    for (struct http_call **at = &call->peer->dirty; *at != NULL; at = &(*at)->dirty_next) {
        if (*at == call) {
            *at = call->dirty_next;
            break;
        }
    }
    call->is_dirty = false;
}

static void release_handle(struct http_peer *peer)
{
    if (--peer->handles > 0)
        return;
    alloc_put(&alloc_root, peer->host, strlen(peer->host) + 1);
    alloc_put(&alloc_root, peer, sizeof(*peer));
}

/* ---- The end of a connection ------------------------------------------------------------- */

static void free_conn(struct peer_conn *conn)
{
    struct http_peer *peer = conn->peer;
    alloc_put(&alloc_root, conn, sizeof(*conn));
    release_handle(peer);
}

static void on_closed(uv_handle_t *handle)
{
    free_conn(handle->data);
}

static void drop_data(struct peer_conn *conn)
{
    alloc_put(&alloc_root, conn->data, conn->capacity);
    conn->data = NULL;
    conn->at = conn->end = conn->capacity = 0;
}

static void close_conn(struct peer_conn *conn)
{
    struct http_peer *peer = conn->peer;
    if (conn->session != NULL) {
        if (conn->phase >= PEER_OPEN)
            peer->config.tls->api->shut(conn->session);
        peer->config.tls->api->end(conn->session);
    }
    if (conn->phase == PEER_IDLE)
        peer->idle_count--;
    if (conn->call != NULL)
        conn->call->conn = NULL;
    conn->session = NULL;
    conn->call = NULL;
    conn->phase = PEER_CLOSED;
    *conn->before = conn->next;
    if (conn->next != NULL)
        conn->next->before = conn->before;
    drop_data(conn);
    if (conn->has_poll)
        uv_close((uv_handle_t *)&conn->poll, on_closed);
    if (conn->fd >= 0)
        file_close(conn->fd);
    if (!conn->has_poll)
        free_conn(conn);
}

void peer_release(struct peer_conn *conn, bool is_kept)
{
    struct http_peer *peer = conn->peer;
    conn->call->conn = NULL;
    conn->call = NULL;
    if (!is_kept || conn->phase != PEER_OPEN || peer->idle_count >= peer->config.idle_max ||
        peer->is_closing) {
        close_conn(conn);
        return;
    }
    drop_data(conn);
    conn->phase = PEER_IDLE;
    conn->is_reused = true;
    conn->since_ms = uv_now(peer->loop);
    peer->idle_count++;
    peer_watch(conn);
}

/* ---- Bytes ------------------------------------------------------------------------------- */

static enum os_error error_of(enum http_tls_result result)
{
    return result == HTTP_TLS_OK       ? OS_OK
           : result == HTTP_TLS_FAILED ? OS_PIPE
                                       : OS_AGAIN;
}

bool peer_reserve(struct peer_conn *conn)
{
    uint32_t capacity = conn->capacity == 0 ? PEER_BUFFER_BYTES : conn->capacity * 2;
    if (conn->at == conn->end)
        conn->at = conn->end = 0;
    if (conn->end < conn->capacity)
        return true;
    if (capacity > PEER_HEAD_BYTES_MAX)
        return false;
    uint8_t *data = alloc_get(&alloc_root, capacity);
    if (data == NULL)
        return false;
    if (conn->end > 0)
        memcpy(data, conn->data, conn->end);
    alloc_put(&alloc_root, conn->data, conn->capacity);
    conn->data = data;
    conn->capacity = capacity;
    return true;
}

enum os_error peer_receive(struct peer_conn *conn, size_t *ret_bytes)
{
    struct file_span span = {conn->data + conn->end, conn->capacity - conn->end};
    bool is_truncated;
    *ret_bytes = 0;
    enum os_error error =
        conn->session != NULL
            ? error_of(conn->peer->config.tls->api->read(conn->session, span.data, span.bytes,
                                                         ret_bytes))
            : socket_receive(conn->fd, &span, 1, 0, ret_bytes, &is_truncated);
    if (error == OS_OK)
        conn->end += (uint32_t)*ret_bytes;
    return error;
}

enum os_error peer_send(struct peer_conn *conn, const void *data, size_t bytes, size_t *ret_bytes)
{
    const struct file_span span = {(void *)(uintptr_t)data, bytes};
    *ret_bytes = 0;
    if (conn->session != NULL)
        return error_of(conn->peer->config.tls->api->write(conn->session, data, bytes, ret_bytes));
    return socket_send(conn->fd, &span, 1, ret_bytes);
}

static void on_poll(uv_poll_t *poll, int status, int events);

void peer_watch(struct peer_conn *conn)
{
    const struct http_call *call = conn->call;
    int wanted = 0;
    switch (conn->phase) {
    case PEER_CONNECT:
        wanted = UV_WRITABLE;
        break;
    case PEER_HANDSHAKE:
        wanted = conn->wants_write ? UV_WRITABLE : UV_READABLE;
        break;
    case PEER_IDLE:
        wanted = UV_READABLE;
        break;
    case PEER_OPEN:
        if (call->state == HTTP_CALL_SENDS || call->wants_body)
            wanted = UV_READABLE;
        if (call->out_at < call->out.bytes)
            wanted |= UV_WRITABLE;
        break;
    default:
        return;
    }
    if (wanted == conn->watched)
        return;
    conn->watched = wanted;
    if (wanted == 0)
        uv_poll_stop(&conn->poll);
    else
        uv_poll_start(&conn->poll, wanted, on_poll);
}

/* ---- Connecting -------------------------------------------------------------------------- */

/* Its call fails, and the connection is no more. */
static void fail(struct peer_conn *conn, enum http_call_failure failure, const char *detail)
{
    struct http_call *call = conn->call;
    close_conn(conn);
    if (call != NULL)
        call_fail(call, failure, detail);
}

static struct peer_conn *new_conn(struct http_call *call)
{
    struct http_peer *peer = call->peer;
    struct peer_conn *conn = alloc_get_zeroed(&alloc_root, 1, sizeof(*conn));
    if (conn == NULL) {
        call_fail(call, HTTP_FAILURE_MEMORY, "");
        return NULL;
    }
    conn->peer = peer;
    conn->call = call;
    conn->fd = -1;
    conn->since_ms = uv_now(peer->loop);
    conn->next = peer->conns;
    conn->before = &peer->conns;
    if (peer->conns != NULL)
        peer->conns->before = &conn->next;
    peer->conns = conn;
    peer->handles++;
    call->conn = conn;
    return conn;
}

/* The address did not do: the next one, on a new handle. */
static void connect_again(struct peer_conn *conn, enum os_error why)
{
    struct http_call *call = conn->call;
    uint32_t address = conn->address + 1;
    uint64_t since_ms = conn->since_ms;
    if (address >= conn->peer->address_count) {
        conn->peer->looked_up_ms = 0;
        fail(conn, HTTP_FAILURE_CONNECT, os_error_text(why));
        return;
    }
    close_conn(conn);
    conn = new_conn(call);
    if (conn == NULL)
        return;
    conn->address = address;
    conn->since_ms = since_ms;
    connect_next(conn);
}

static void open_conn(struct peer_conn *conn)
{
    conn->phase = PEER_OPEN;
    call_connected(conn->call);
}

static void shake_hands(struct peer_conn *conn)
{
    const struct http_tls_api *api = conn->peer->config.tls->api;
    enum http_tls_result result = api->handshake(conn->session);
    conn->wants_write = result == HTTP_TLS_WANTS_WRITE;
    if (result == HTTP_TLS_OK)
        open_conn(conn);
    else if (result == HTTP_TLS_FAILED)
        fail(conn, HTTP_FAILURE_TLS, api->problem(conn->session));
}

static void connected(struct peer_conn *conn)
{
    struct http_tls *tls = conn->peer->config.tls;
    enum os_error error = inet_error(conn->fd);
    if (error) {
        connect_again(conn, error);
        return;
    }
    if (tls == NULL) {
        open_conn(conn);
        return;
    }
    conn->session = tls->api->begin_client(tls, conn->fd, conn->peer->host);
    if (conn->session == NULL) {
        fail(conn, HTTP_FAILURE_MEMORY, "");
        return;
    }
    conn->phase = PEER_HANDSHAKE;
    shake_hands(conn);
}

static void connect_next(struct peer_conn *conn)
{
    struct http_peer *peer = conn->peer;
    struct inet_address address = peer->addresses[conn->address];
    address.port = peer->config.port;
    enum os_error error = inet_create(address.is_v6, false, &conn->fd);
    if (error == OS_OK) {
        (void)!inet_set_option(conn->fd, address.is_v6, INET_NO_DELAY, 1);
        error = inet_connect(conn->fd, &address);
    }
    if (error != OS_OK && error != OS_INPROGRESS) {
        connect_again(conn, error);
        return;
    }
    if (uv_poll_init(peer->loop, &conn->poll, conn->fd) != 0) {
        fail(conn, HTTP_FAILURE_MEMORY, "");
        return;
    }
    conn->poll.data = conn;
    conn->has_poll = true;
    conn->phase = PEER_CONNECT;
    peer_watch(conn);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct peer_conn *conn = poll->data;
    struct http_peer *peer = conn->peer;
    peer->is_running = true;
    if (status < 0)
        events = UV_READABLE | UV_WRITABLE;
    if (conn->phase == PEER_IDLE) {
        close_conn(conn); /* its end, or bytes that nobody asked for */
    } else if (conn->phase == PEER_CONNECT) {
        connected(conn);
    } else if (conn->phase == PEER_HANDSHAKE) {
        shake_hands(conn);
    } else if (conn->phase == PEER_OPEN) {
        if (events & UV_WRITABLE)
            call_writable(conn->call);
        if ((events & UV_READABLE) && conn->phase == PEER_OPEN)
            call_readable(conn->call);
    }
    run_dirty(peer);
    peer->is_running = false;
    peer_watch(conn); /* a closed one is still there, until its handle is */
}

void peer_connect(struct http_call *call, bool may_reuse)
{
    struct http_peer *peer = call->peer;
    struct peer_conn *conn = peer->conns;
    if (!uv_is_active((uv_handle_t *)&peer->timer))
        uv_timer_start(&peer->timer, on_tick, TICK_MS, TICK_MS);
    while (conn != NULL && (!may_reuse || conn->phase != PEER_IDLE))
        conn = conn->next;
    if (conn != NULL) {
        peer->idle_count--;
        conn->phase = PEER_OPEN;
        conn->call = call;
        call->conn = conn;
        call_connected(call);
        if (call->conn == conn)
            peer_watch(conn);
        return;
    }
    conn = new_conn(call);
    if (conn == NULL)
        return;
    uint64_t age_ms = uv_now(peer->loop) - peer->looked_up_ms;
    if (peer->is_fixed || (peer->looked_up_ms != 0 && age_ms < ADDRESSES_FRESH_MS))
        connect_next(conn);
    else
        look_up(peer);
}

/* ---- Names ------------------------------------------------------------------------------- */

static void take_addresses(struct http_peer *peer, const struct addrinfo *found)
{
    peer->address_count = 0;
    for (; found != NULL && peer->address_count < PEER_ADDRESSES_MAX; found = found->ai_next) {
        struct inet_address *to = &peer->addresses[peer->address_count];
        char text[INET_TEXT_BYTES];
        if (found->ai_family == AF_INET)
            uv_ip4_name((const struct sockaddr_in *)(const void *)found->ai_addr, text, sizeof(text));
        else if (found->ai_family == AF_INET6)
            uv_ip6_name((const struct sockaddr_in6 *)(const void *)found->ai_addr, text,
                        sizeof(text));
        else
            continue;
        if (inet_parse(text, to))
            peer->address_count++;
    }
}

static void on_lookup(uv_getaddrinfo_t *lookup, int status, struct addrinfo *found)
{
    struct http_peer *peer = lookup->data;
    peer->is_looking = false;
    peer->is_running = true;
    if (status == 0) {
        take_addresses(peer, found);
        peer->looked_up_ms = uv_now(peer->loop);
        uv_freeaddrinfo(found);
    }
    for (struct peer_conn *conn = peer->conns, *next; conn != NULL; conn = next) {
        next = conn->next;
        if (conn->phase != PEER_LOOKUP)
            continue;
        if (peer->address_count > 0) /* old ones do where the name cannot be asked for now */
            connect_next(conn);
        else
            fail(conn, HTTP_FAILURE_LOOKUP, status < 0 ? uv_strerror(status) : "");
    }
    run_dirty(peer);
    peer->is_running = false;
    release_handle(peer);
}

static void look_up(struct http_peer *peer)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    if (peer->is_looking)
        return;
    peer->lookup.data = peer;
    int status = uv_getaddrinfo(peer->loop, &peer->lookup, on_lookup, peer->host, NULL, &hints);
    peer->is_looking = status == 0;
    peer->handles += status == 0;
    for (struct peer_conn *conn = peer->conns, *next; conn != NULL && status != 0; conn = next) {
        next = conn->next;
        if (conn->phase == PEER_LOOKUP)
            fail(conn, HTTP_FAILURE_LOOKUP, uv_strerror(status));
    }
}

/* ---- Time -------------------------------------------------------------------------------- */

static void check_conn(struct peer_conn *conn, uint64_t now_ms)
{
    const struct http_peer_config *config = &conn->peer->config;
    uint64_t age_ms = now_ms - conn->since_ms;
    if (conn->phase == PEER_IDLE && age_ms > config->idle_timeout_ns / MS_NS)
        close_conn(conn);
    else if (conn->phase < PEER_OPEN && age_ms > config->connect_timeout_ns / MS_NS)
        fail(conn, HTTP_FAILURE_CONNECT_TIMEOUT, "");
}

static void on_tick(uv_timer_t *timer)
{
    struct http_peer *peer = timer->data;
    uint64_t now_ms = uv_now(peer->loop);
    peer->is_running = true;
    for (struct peer_conn *conn = peer->conns, *next; conn != NULL; conn = next) {
        next = conn->next;
        check_conn(conn, now_ms);
    }
    for (struct http_call *call = peer->calls; call != NULL; call = call->next) {
        if (call->is_awaited)
            peer_mark(call);
        call->is_awaited = false;
        if (!call_waits(call))
            call->since_ms = now_ms;
        else if (now_ms - call->since_ms > peer->config.timeout_ns / MS_NS)
            call_fail(call, HTTP_FAILURE_TIMEOUT, "");
    }
    run_dirty(peer);
    peer->is_running = false;
    if (peer->conns == NULL && peer->calls == NULL && !peer->is_closing)
        uv_timer_stop(&peer->timer);
}

/* ---- Creation ---------------------------------------------------------------------------- */

enum stint_status http_peer_create(struct uv_loop_s *loop, const struct http_peer_config *config,
                                   struct http_peer **ret_peer, struct stint_error *error)
{
    size_t bytes = strlen(config->host) + 1;
    struct http_peer *peer = alloc_get_zeroed(&alloc_root, 1, sizeof(*peer));
    char *host = alloc_get(&alloc_root, bytes);
    if (peer == NULL || host == NULL) {
        alloc_put(&alloc_root, peer, sizeof(*peer));
        alloc_put(&alloc_root, host, bytes);
        return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "out of memory");
    }
    memcpy(host, config->host, bytes);
    peer->loop = loop;
    peer->config = *config;
    peer->config.host = peer->host = host;
    peer->is_fixed = inet_parse(host, &peer->addresses[0]);
    peer->address_count = peer->is_fixed;
    uv_timer_init(loop, &peer->timer);
    peer->timer.data = peer;
    peer->handles = 1;
    *ret_peer = peer;
    return STINT_OK;
}

static void on_timer_closed(uv_handle_t *handle)
{
    release_handle(handle->data);
}

void http_peer_free(struct http_peer *peer)
{
    if (peer == NULL)
        return;
    peer->is_closing = true;
    for (struct peer_conn *conn = peer->conns, *next; conn != NULL; conn = next) {
        next = conn->next;
        close_conn(conn);
    }
    if (peer->is_looking)
        uv_cancel((uv_req_t *)&peer->lookup);
    uv_close((uv_handle_t *)&peer->timer, on_timer_closed);
}
