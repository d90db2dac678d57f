/* SPDX-License-Identifier: Apache-2.0 */
/* The server in libuv's loop: sockets, their events, and the clock. */
#include "http/http_server.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "http/http_conn_int.h"
#include "http/http_tls.h"
#include "http/proxy_header.h"
#include "os/clock.h"

enum { ACCEPTS_MAX = 64 }; /* at a time, so that those who are there get their turn */
enum { TICK_MS_MIN = 10, TICK_MS_MAX = 500, NS_PER_MS = 1000000 };

struct http_loop {
    struct http_server server;
    struct uv_loop_s *loop;
    uv_prepare_t prepare;
    uv_timer_t timer;
    struct listener *listeners;
    uint64_t tick_ms, linger_ns, deadline_ns;
    uint32_t handles; /* of connections and listeners, until libuv is done with them */
    bool is_paused;   /* the listeners: there are as many connections as may be */
    bool is_ticking, is_ending, is_drained;
    uint8_t own_handles;
};

struct listener {
    uv_poll_t poll;
    struct http_loop *loop;
    struct listener *next;
    struct http_listen how;
    int fd;
    bool is_closed;
};

struct socket {
    struct http_conn conn;
    int fd;
    struct http_tls_session *tls; /* NULL: plain */
    struct http_tls *tls_from;    /* what to begin it with, after a PROXY header */
    bool awaits_proxy;            /* a PROXY header comes first */
    uint32_t peeked_bytes;        /* of it */
    uv_poll_t poll;
};

struct http_config http_config_default(void)
{
    return (struct http_config){
        .limits = h1_limits_default,
        .fields_max = 100,
        .connections_max = 10000,
        .streams_max = 128,
        .send_bytes_max = 256 << 10,
        .receive_bytes_max = 64 << 10,
        .head_timeout_ns = 10000000000u,
        .idle_timeout_ns = 60000000000u,
        .body_timeout_ns = 30000000000u,
        .send_timeout_ns = 30000000000u,
        .body_rate_min = 240,
    };
}

/* As of this event; returns what it was before. */
static uint64_t renew_now(struct http_loop *loop)
{
    uint64_t before_ns = loop->server.now_ns;
    loop->server.now_ns = clock_now_ns(OS_CLOCK_MONOTONIC);
    return before_ns;
}

static void look_for_end(struct http_loop *loop);

/* ---- A connection's bytes ----------------------------------------------------------------- */

static struct socket *socket_of(struct http_conn *conn)
{
    return (struct socket *)conn;
}

static struct http_loop *loop_of(struct http_conn *conn)
{
    return conn->server->loop;
}

static enum os_error socket_take(struct http_conn *conn, void *data, size_t room, size_t *ret_bytes)
{
    ssize_t bytes = recv(socket_of(conn)->fd, data, room, 0);
    if (bytes < 0)
        return os_error_of(errno == EINTR ? EAGAIN : errno);
    *ret_bytes = (size_t)bytes;
    return OS_OK;
}

static enum os_error socket_give(struct http_conn *conn, const struct http_span *spans,
                                 size_t count, size_t *ret_bytes)
{
    ssize_t bytes;
    if (count == 1) {
        bytes = send(socket_of(conn)->fd, spans->data, spans->bytes, MSG_NOSIGNAL);
    } else {
        /* A span is what the system calls an iovec. */
        _Static_assert(sizeof(struct http_span) == sizeof(struct iovec), "spans are iovecs");
        struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)spans, .msg_iovlen = count};
        bytes = sendmsg(socket_of(conn)->fd, &message, MSG_NOSIGNAL);
    }
    if (bytes < 0)
        return os_error_of(errno == EINTR ? EAGAIN : errno);
    *ret_bytes = (size_t)bytes;
    return OS_OK;
}

/*
 * The header is only looked at until all of it is there, so that nothing behind it is taken: what
 * follows may be for OpenSSL. Events come only for more bytes than were seen already.
 */
static enum os_error take_proxy_header(struct socket *socket)
{
    struct http_conn *conn = &socket->conn;
    uint8_t data[PROXY_HEADER_MAX];
    struct proxy_header header;
    int low = 1;
    ssize_t bytes = recv(socket->fd, data, sizeof(data), MSG_PEEK);
    if (bytes < 0)
        return os_error_of(errno == EINTR ? EAGAIN : errno);
    enum h1_result result = proxy_header_parse(data, (size_t)bytes, &header);
    if (result == H1_MORE && bytes > socket->peeked_bytes) {
        socket->peeked_bytes = (uint32_t)bytes;
        low = (int)bytes + 1;
        (void)setsockopt(socket->fd, SOL_SOCKET, SO_RCVLOWAT, &low, sizeof(low));
        return OS_AGAIN;
    }
    /* As many as before: the peer has ended within it. */
    if (result != H1_DONE || recv(socket->fd, data, header.bytes, 0) != (ssize_t)header.bytes)
        return OS_PROTO;
    (void)setsockopt(socket->fd, SOL_SOCKET, SO_RCVLOWAT, &low, sizeof(low));
    if (header.has_addresses) {
        conn->peer = header.peer;
        conn->local = header.local;
    }
    socket->awaits_proxy = false;
    return OS_OK;
}

static enum os_error socket_greet(struct http_conn *conn)
{
    struct socket *socket = socket_of(conn);
    if (socket->awaits_proxy) {
        enum os_error error = take_proxy_header(socket);
        if (error != OS_OK)
            return error;
    }
    if (socket->tls_from == NULL)
        return OS_OK;
    const struct http_tls_api *api = socket->tls_from->api;
    if (socket->tls == NULL)
        socket->tls = api->begin(socket->tls_from, socket->fd);
    if (socket->tls == NULL)
        return OS_NOMEM;
    enum http_tls_result result = api->handshake(socket->tls);
    conn->greeting_writes = result == HTTP_TLS_WANTS_WRITE;
    if (result == HTTP_TLS_WANTS_READ || result == HTTP_TLS_WANTS_WRITE)
        return OS_AGAIN;
    conn->server->stats.handshakes += result == HTTP_TLS_OK;
    conn->server->stats.bad_handshakes += result != HTTP_TLS_OK;
    if (result != HTTP_TLS_OK)
        return OS_PROTO;
    conn->is_tls = true;
    conn->is_h2 = api->is_h2(socket->tls);
    return OS_OK;
}

bool http_is_misdirected(const struct http_exchange *exchange, const char *host)
{
    if (exchange->peer != NULL || !exchange->conn->is_tls)
        return false;
    const struct socket *socket = socket_of(exchange->conn);
    return socket->tls_from->api->is_for_another(socket->tls, host);
}

static enum os_error error_of(enum http_tls_result result)
{
    switch (result) {
    case HTTP_TLS_OK:
        return OS_OK;
    case HTTP_TLS_WANTS_READ:
    case HTTP_TLS_WANTS_WRITE:
        return OS_AGAIN;
    default:
        return OS_PIPE;
    }
}

static enum os_error tls_take(struct http_conn *conn, void *data, size_t room, size_t *ret_bytes)
{
    struct socket *socket = socket_of(conn);
    return error_of(socket->tls_from->api->read(socket->tls, data, room, ret_bytes));
}

static enum os_error tls_give(struct http_conn *conn, const struct http_span *spans, size_t count,
                              size_t *ret_bytes)
{
    struct socket *socket = socket_of(conn);
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        size_t at = 0, sent = 0;
        while (at < spans[i].bytes) {
            enum http_tls_result result = socket->tls_from->api->write(
                socket->tls, (const uint8_t *)spans[i].data + at, spans[i].bytes - at, &sent);
            if (result != HTTP_TLS_OK && total == 0)
                return error_of(result);
            if (result != HTTP_TLS_OK) {
                *ret_bytes = total;
                return OS_OK;
            }
            at += sent;
            total += sent;
        }
    }
    *ret_bytes = total;
    return OS_OK;
}

static void tls_shut(struct http_conn *conn)
{
    struct socket *socket = socket_of(conn);
    if (socket->tls != NULL && conn->is_tls)
        socket->tls_from->api->shut(socket->tls);
    (void)shutdown(socket->fd, SHUT_WR);
}

static void socket_shut(struct http_conn *conn)
{
    (void)shutdown(socket_of(conn)->fd, SHUT_WR);
}

static void on_socket_closed(uv_handle_t *handle)
{
    struct socket *socket = handle->data;
    struct http_loop *loop = loop_of(&socket->conn);
    alloc_put(&loop->server.alloc, socket, sizeof(*socket));
    loop->handles--;
    look_for_end(loop);
}

static void resume_listeners(struct http_loop *loop);

static void socket_close(struct http_conn *conn)
{
    struct socket *socket = socket_of(conn);
    uv_poll_stop(&socket->poll);
    if (socket->tls != NULL) {
        if (conn->is_tls && !conn->is_broken && !conn->is_shut)
            socket->tls_from->api->shut(socket->tls);
        socket->tls_from->api->end(socket->tls);
        socket->tls = NULL;
    }
    close(socket->fd);
    socket->fd = -1;
    uv_close((uv_handle_t *)&socket->poll, on_socket_closed);
    resume_listeners(loop_of(conn));
}

static void on_socket_event(uv_poll_t *handle, int status, int events)
{
    struct socket *socket = handle->data;
    struct http_conn *conn = &socket->conn;
    uint64_t before_ns = renew_now(loop_of(conn));
    http_core_event(conn->server, before_ns);
    if (conn->phase == HTTP_CLOSED)
        return;
    if (status < 0) {
        http_conn_failed(conn);
        return;
    }
    bool has_pending =
        socket->tls != NULL && conn->wants_read && socket->tls_from->api->has_pending(socket->tls);
    if (events & UV_WRITABLE)
        http_conn_writable(conn);
    if ((events & UV_READABLE || has_pending) && conn->phase != HTTP_CLOSED)
        http_conn_readable(conn);
}

static void socket_watch(struct http_conn *conn)
{
    struct socket *socket = socket_of(conn);
    int events = (conn->wants_read ? UV_READABLE : 0) | (conn->wants_write ? UV_WRITABLE : 0);
    /* What was decrypted before it was wanted: no byte on the socket will tell of it. */
    if (conn->wants_read && socket->tls != NULL && socket->tls_from->api->has_pending(socket->tls))
        events |= UV_WRITABLE;
    if (events == 0)
        uv_poll_stop(&socket->poll);
    else
        uv_poll_start(&socket->poll, events, on_socket_event);
}

static const struct http_io proxied_io = {
    .receive = socket_take,
    .send = socket_give,
    .greet = socket_greet,
    .watch = socket_watch,
    .shut = socket_shut,
    .close = socket_close,
};

static const struct http_io tls_io = {
    .receive = tls_take,
    .send = tls_give,
    .greet = socket_greet,
    .watch = socket_watch,
    .shut = tls_shut,
    .close = socket_close,
};

static const struct http_io socket_io = {
    .receive = socket_take,
    .send = socket_give,
    .watch = socket_watch,
    .shut = socket_shut,
    .close = socket_close,
};

/* ---- Listening ---------------------------------------------------------------------------- */

static void on_listener_event(uv_poll_t *handle, int status, int events);

static void pause_listeners(struct http_loop *loop)
{
    loop->is_paused = true;
    for (struct listener *listener = loop->listeners; listener != NULL; listener = listener->next) {
        if (!listener->is_closed)
            uv_poll_stop(&listener->poll);
    }
}

static void resume_listeners(struct http_loop *loop)
{
    if (!loop->is_paused || loop->server.stats.open >= loop->server.config.connections_max)
        return;
    loop->is_paused = false;
    for (struct listener *listener = loop->listeners; listener != NULL; listener = listener->next) {
        if (!listener->is_closed)
            uv_poll_start(&listener->poll, UV_READABLE, on_listener_event);
    }
}

static void on_tick(uv_timer_t *timer);

static void begin_ticking(struct http_loop *loop)
{
    if (!loop->is_ticking)
        uv_timer_start(&loop->timer, on_tick, loop->tick_ms, loop->tick_ms);
    loop->is_ticking = true;
}

static bool add_socket(struct listener *listener, int fd, const struct inet_address *peer)
{
    struct http_loop *loop = listener->loop;
    const struct http_listen *how = &listener->how;
    struct http_server *server = &loop->server;
    struct socket *socket = alloc_get_zeroed(&server->alloc, 1, sizeof(*socket));
    if (socket == NULL)
        return false;
    if (uv_poll_init(loop->loop, &socket->poll, fd) != 0) {
        alloc_put(&server->alloc, socket, sizeof(*socket));
        return false;
    }
    loop->handles++;
    socket->fd = fd;
    socket->poll.data = socket;
    socket->conn.peer = *peer;
    if (inet_local(fd, &socket->conn.local) != OS_OK)
        socket->conn.local = (struct inet_address){0};
    socket->awaits_proxy =
        how->proxy_protocol && (how->is_proxy == NULL || how->is_proxy(how->env, peer));
    socket->tls_from = how->tls;
    const struct http_io *io = socket->awaits_proxy ? &proxied_io : &socket_io;
    http_conn_init(&socket->conn, server, how->tls != NULL ? &tls_io : io);
    begin_ticking(loop);
    return true;
}

static void on_listener_event(uv_poll_t *handle, int status, int events)
{
    struct listener *listener = handle->data;
    struct http_loop *loop = listener->loop;
    (void)renew_now(loop);
    for (int i = 0; i < ACCEPTS_MAX; i++) {
        struct inet_address peer;
        int fd;
        if (loop->server.stats.open >= loop->server.config.connections_max) {
            pause_listeners(loop);
            return;
        }
        enum os_error error = inet_accept(listener->fd, &fd, &peer);
        if (error == OS_CONNABORTED || error == OS_INTR)
            continue;
        if (error == OS_AGAIN)
            return;
        if (error == OS_OK && add_socket(listener, fd, &peer))
            continue;
        /* Descriptors or memory are out: the next tick, or a connection's end, tries again. */
        if (error == OS_OK)
            close(fd);
        pause_listeners(loop);
        begin_ticking(loop);
        return;
    }
}

static void on_listener_closed(uv_handle_t *handle)
{
    struct listener *listener = handle->data;
    struct http_loop *loop = listener->loop;
    loop->handles--;
    look_for_end(loop);
}

static void close_listeners(struct http_loop *loop)
{
    for (struct listener *listener = loop->listeners; listener != NULL; listener = listener->next) {
        if (listener->is_closed)
            continue;
        listener->is_closed = true;
        uv_poll_stop(&listener->poll);
        close(listener->fd);
        uv_close((uv_handle_t *)&listener->poll, on_listener_closed);
    }
}

enum stint_status http_server_listen(struct http_server *server, int fd,
                                     const struct http_listen *how, struct stint_error *error)
{
    struct http_loop *loop = server->loop;
    int on = 1;
    struct listener *listener = alloc_get_zeroed(&server->alloc, 1, sizeof(*listener));
    if (listener == NULL)
        return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "out of memory");
    int result = uv_poll_init(loop->loop, &listener->poll, fd);
    if (result != 0) {
        alloc_put(&server->alloc, listener, sizeof(*listener));
        return error_set(error, STINT_IO, STINT_NO_OFFSET, "cannot listen: %s",
                         uv_strerror(result));
    }
    /* Connections inherit it; a local socket has no such thing. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    listener->loop = loop;
    listener->how = *how;
    listener->fd = fd;
    listener->poll.data = listener;
    listener->next = loop->listeners;
    loop->listeners = listener;
    loop->handles++;
    if (!loop->is_paused)
        uv_poll_start(&listener->poll, UV_READABLE, on_listener_event);
    return STINT_OK;
}

/* ---- The loop ----------------------------------------------------------------------------- */

/* The loop is about to wait. */
static void on_prepare(uv_prepare_t *prepare)
{
    struct http_loop *loop = prepare->data;
    loop->server.is_first_event = true;
    if (loop->server.dirty_first == NULL)
        return;
    (void)renew_now(loop);
    http_core_settle(&loop->server);
}

static void on_tick(uv_timer_t *timer)
{
    struct http_loop *loop = timer->data;
    (void)renew_now(loop);
    http_core_tick(&loop->server);
    if (loop->server.is_lingering && loop->server.now_ns >= loop->linger_ns) {
        loop->server.is_lingering = false;
        http_core_drain(&loop->server, false);
    }
    if (loop->is_ending && loop->server.now_ns >= loop->deadline_ns)
        http_core_drain(&loop->server, true);
    resume_listeners(loop);
    look_for_end(loop);
    if (loop->server.stats.open == 0 && !loop->is_paused && !loop->is_ending) {
        uv_timer_stop(&loop->timer);
        loop->is_ticking = false;
    }
}

static void on_own_closed(uv_handle_t *handle)
{
    struct http_loop *loop = handle->data;
    if (--loop->own_handles > 0)
        return;
    loop->is_drained = true;
    loop->server.handler.drained(loop->server.env, &loop->server);
}

static void look_for_end(struct http_loop *loop)
{
    if (!loop->is_ending || loop->handles > 0 || uv_is_closing((uv_handle_t *)&loop->timer))
        return;
    uv_close((uv_handle_t *)&loop->timer, on_own_closed);
    uv_close((uv_handle_t *)&loop->prepare, on_own_closed);
}

static uint64_t tick_of(const struct http_config *config)
{
    const uint64_t timeouts[] = {config->head_timeout_ns, config->idle_timeout_ns,
                                 config->body_timeout_ns, config->send_timeout_ns};
    uint64_t tick = TICK_MS_MAX;
    for (size_t i = 0; i < COUNT_OF(timeouts); i++) {
        uint64_t part = timeouts[i] / 8 / NS_PER_MS;
        tick = part < tick ? part : tick;
    }
    return tick < TICK_MS_MIN ? TICK_MS_MIN : tick;
}

enum stint_status http_server_create(struct uv_loop_s *uv, const struct http_config *config,
                                     const struct http_handler *handler, void *env,
                                     struct http_server **ret_server, struct stint_error *error)
{
    struct http_loop *loop = alloc_get_zeroed(&alloc_root, 1, sizeof(*loop));
    if (loop == NULL)
        return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "out of memory");
    http_core_init(&loop->server, config, handler, env);
    loop->server.loop = loop;
    loop->server.postpones = true;
    loop->loop = uv;
    loop->tick_ms = tick_of(config);
    loop->own_handles = 2;
    uv_prepare_init(uv, &loop->prepare);
    uv_timer_init(uv, &loop->timer);
    loop->prepare.data = loop;
    loop->timer.data = loop;
    uv_prepare_start(&loop->prepare, on_prepare);
    /* Connections and listeners keep the loop, these do not. */
    uv_unref((uv_handle_t *)&loop->prepare);
    uv_unref((uv_handle_t *)&loop->timer);
    *ret_server = &loop->server;
    return STINT_OK;
}

static void end(struct http_loop *loop, uint64_t deadline_ns, bool at_once)
{
    loop->deadline_ns = deadline_ns;
    loop->is_ending = true;
    uv_ref((uv_handle_t *)&loop->timer);
    begin_ticking(loop);
    close_listeners(loop);
    http_core_drain(&loop->server, at_once);
}

void http_server_drain(struct http_server *server, uint64_t deadline_ns)
{
    if (!server->loop->is_ending)
        end(server->loop, deadline_ns, false);
}

void http_server_retire(struct http_server *server, uint64_t linger_ns, uint64_t deadline_ns)
{
    if (server->loop->is_ending)
        return;
    server->loop->linger_ns = linger_ns;
    server->is_lingering = true;
    end(server->loop, deadline_ns, false);
}

void http_server_close(struct http_server *server)
{
    end(server->loop, 0, true);
}

void http_server_free(struct http_server *server)
{
    if (server == NULL)
        return;
    struct http_loop *loop = server->loop;
    while (loop->listeners != NULL) {
        struct listener *listener = loop->listeners;
        loop->listeners = listener->next;
        alloc_put(&server->alloc, listener, sizeof(*listener));
    }
    http_core_free(server);
    alloc_put(&alloc_root, loop, sizeof(*loop));
}

void http_server_stats(const struct http_server *server, struct http_server_stats *ret_stats)
{
    *ret_stats = server->stats;
}
