/* SPDX-License-Identifier: Apache-2.0 */
/* Connections: bytes in and out, time, and their end. */
#include "http/http_conn_int.h"

static void update(struct http_conn *conn);

void http_conn_init(struct http_conn *conn, struct http_server *server, const struct http_io *io)
{
    conn->server = server;
    conn->io = io;
    conn->phase = io->greet != NULL ? HTTP_GREETING : HTTP_H1_IDLE;
    conn->is_fresh = true;
    conn->restarts_timer = true;
    conn->timer = (struct http_link){&conn->timer, &conn->timer};
    server->stats.accepted++;
    server->stats.open++;
    update(conn);
}

void http_conn_end(struct http_exchange *exchange)
{
    struct http_conn *conn = exchange->conn;
    struct http_server *server = conn->server;
    server->handler.end(server->env, exchange);
    http_exchange_free(exchange);
    conn->exchange = NULL;
}

void http_conn_finish(struct http_conn *conn, bool lingers)
{
    conn->phase = HTTP_LINGER;
    conn->is_lingering = lingers;
    conn->dropped_bytes = 0;
    http_buffer_release(conn->server, &conn->in);
}

void http_conn_refuse(struct http_conn *conn, unsigned status)
{
    conn->server->stats.refused++;
    if (!http_h1_refusal(conn, status))
        conn->is_broken = true;
    http_conn_finish(conn, true);
}

/* ---- Sending ------------------------------------------------------------------------------ */

bool http_conn_flush(struct http_conn *conn)
{
    struct http_buffer *out = &conn->out;
    while (out->at < out->end && !conn->is_broken) {
        const struct http_span span = {out->data + out->at, out->end - out->at};
        size_t sent = 0;
        enum os_error error = conn->io->send(conn, &span, 1, &sent);
        conn->is_full = error == OS_AGAIN;
        if (error == OS_AGAIN)
            return false;
        if (error != OS_OK) {
            conn->is_broken = true;
            break;
        }
        out->at += (uint32_t)sent;
        conn->server->stats.sent_bytes += sent;
        conn->restarts_timer = true;
    }
    conn->is_full = false;
    http_buffer_release(conn->server, out);
    return true;
}

/* ---- What to wait for --------------------------------------------------------------------- */

static bool wants_read(const struct http_conn *conn)
{
    const struct http_exchange *exchange = conn->exchange;
    if (conn->is_ended || conn->is_broken)
        return false;
    switch (conn->phase) {
    case HTTP_H1_IDLE:
        return !conn->is_congested;
    case HTTP_H2:
        return http_buffer_used(&conn->out) < HTTP_BLOCK_BYTES;
    case HTTP_H1_OPEN:
        /* Bytes of the next requests are taken while the buffer has room, so that a reset is seen. */
        if (!exchange->request.has_body || exchange->has_body_end)
            return conn->in.data == NULL || conn->in.end < conn->in.capacity;
        return http_buffer_used(&conn->in) < conn->server->config.receive_bytes_max;
    case HTTP_CLOSED:
        return false;
    case HTTP_LINGER:
        return conn->is_lingering;
    default:
        return true;
    }
}

static enum http_timer timer_of(const struct http_conn *conn)
{
    if (conn->phase == HTTP_CLOSED)
        return HTTP_TIMER_NONE;
    if (conn->wants_write && conn->phase != HTTP_GREETING)
        return HTTP_TIMER_SEND;
    switch (conn->phase) {
    case HTTP_H2:
        return http_h2_is_idle(conn) ? HTTP_TIMER_IDLE : HTTP_TIMER_H2;
    case HTTP_GREETING:
        return HTTP_TIMER_HEAD;
    case HTTP_H1_IDLE:
        return HTTP_TIMER_IDLE;
    case HTTP_H1_HEAD:
        return HTTP_TIMER_HEAD;
    case HTTP_H1_OPEN:
        return conn->exchange->wants_body ? HTTP_TIMER_BODY : HTTP_TIMER_NONE;
    case HTTP_H1_DISCARD:
        return HTTP_TIMER_BODY;
    default:
        return HTTP_TIMER_LINGER;
    }
}

static void update(struct http_conn *conn)
{
    if (conn->phase == HTTP_LINGER && http_buffer_used(&conn->out) == 0) {
        if (!conn->is_lingering || conn->is_ended || conn->is_broken) {
            conn->phase = HTTP_CLOSED;
        } else if (!conn->is_shut) {
            conn->is_shut = true;
            conn->restarts_timer = true;
            conn->io->shut(conn);
        }
    }
    bool reads = wants_read(conn);
    bool writes = conn->phase != HTTP_CLOSED &&
                  ((http_buffer_used(&conn->out) > 0 && !conn->is_postponed) ||
                   conn->is_yielding || conn->greeting_writes);
    bool changed = reads != conn->wants_read || writes != conn->wants_write;
    conn->wants_read = reads;
    conn->wants_write = writes;
    enum http_timer kind = timer_of(conn);
    if (kind != conn->timer_kind || conn->restarts_timer) {
        conn->since_ns = conn->server->now_ns;
        conn->restarts_timer = false;
        http_conn_set_timer(conn, kind);
    }
    if (conn->phase != HTTP_CLOSED) {
        if (changed)
            conn->io->watch(conn);
        return;
    }
    http_buffer_release(conn->server, &conn->in);
    http_buffer_release(conn->server, &conn->out);
    if (conn->is_dirty) /* http_core_settle comes here again */
        return;
    http_conn_set_timer(conn, HTTP_TIMER_COUNT);
    conn->server->stats.open--;
    conn->server->stats.closed++;
    conn->io->close(conn);
}

/* ---- Running ------------------------------------------------------------------------------ */

/* Room for more of a response, for who waits for it. */
static bool give_room(struct http_conn *conn)
{
    struct http_exchange *exchange = conn->exchange;
    struct http_server *server = conn->server;
    if (conn->h2 != NULL)
        return http_buffer_used(&conn->out) == 0 && !conn->is_broken && http_h2_has_more(conn);
    if (conn->is_congested && http_buffer_used(&conn->out) == 0) {
        conn->is_congested = false;
        return true;
    }
    if (exchange == NULL || !exchange->wants_room || conn->is_broken ||
        http_buffer_used(&conn->out) > server->config.send_bytes_max / 2)
        return false;
    exchange->wants_room = false;
    server->handler.writable(server->env, exchange);
    return true;
}

static void run_greeting(struct http_conn *conn)
{
    enum os_error error = conn->io->greet(conn);
    if (error == OS_AGAIN)
        return;
    conn->greeting_writes = false;
    conn->restarts_timer = true;
    conn->phase = HTTP_H1_IDLE;
    if (error != OS_OK)
        conn->is_broken = true;
    else if (conn->is_h2)
        http_h2_begin(conn);
}

static void run_phase(struct http_conn *conn)
{
    if (conn->phase == HTTP_GREETING && !conn->is_broken)
        run_greeting(conn);
    if (conn->h2 == NULL)
        http_h1_run(conn);
    /* HTTP/1.1 may have found that it is HTTP/2. */
    if (conn->h2 != NULL)
        http_h2_run(conn);
}

static bool may_postpone(const struct http_conn *conn)
{
    const struct http_server *server = conn->server;
    size_t bytes = http_buffer_used(&conn->out);
    return server->postpones && !server->is_settling && bytes > 0 && bytes <= HTTP_POSTPONE_BYTES &&
           server->calm_events == HTTP_CALM_EVENTS && !conn->is_full && !conn->is_broken;
}

/* Leaves it to http_core_settle. */
static void postpone(struct http_conn *conn)
{
    struct http_server *server = conn->server;
    conn->is_postponed = true;
    conn->is_running = false;
    server->stats.postponed++;
    update(conn);
    http_core_mark(conn);
    if (server->postponed_ns == 0)
        server->postponed_ns = server->now_ns;
}

void http_conn_run(struct http_conn *conn)
{
    int turns = 0;
    conn->is_running = true;
    conn->is_yielding = false;
    conn->is_postponed = false;
    do {
        run_phase(conn);
        if (may_postpone(conn)) {
            postpone(conn);
            return;
        }
        http_conn_flush(conn);
        if (conn->is_broken && conn->phase != HTTP_CLOSED)
            run_phase(conn);
        conn->is_yielding = ++turns == HTTP_TURNS_MAX;
    } while (!conn->is_yielding && give_room(conn));
    conn->is_running = false;
    update(conn);
}

/* Room to receive into; 0 where none is wanted or memory is out. */
static size_t receive_room(struct http_conn *conn)
{
    struct http_server *server = conn->server;
    struct http_buffer *in = &conn->in;
    if (conn->phase == HTTP_H1_OPEN) {
        if (!http_h1_room(conn))
            return 0;
    } else if (conn->phase == HTTP_LINGER || conn->phase == HTTP_CLOSED) {
        in->at = in->end = 0;
    }
    if (!http_buffer_reserve(server, in, 1)) {
        conn->is_broken = true;
        return 0;
    }
    return in->capacity - in->end;
}

static void drop(struct http_conn *conn, size_t bytes)
{
    conn->dropped_bytes += bytes;
    conn->in.at = conn->in.end = 0;
    if (conn->dropped_bytes > HTTP_LINGER_BYTES)
        conn->is_broken = true;
}

void http_conn_readable(struct http_conn *conn)
{
    size_t room, bytes = 0;
    do {
        if (conn->phase == HTTP_GREETING)
            http_conn_run(conn);
        if (!wants_read(conn) || conn->phase == HTTP_GREETING)
            return;
        room = receive_room(conn);
        if (room == 0)
            break;
        enum os_error error = conn->io->receive(conn, conn->in.data + conn->in.end, room, &bytes);
        if (error == OS_AGAIN)
            break;
        if (error != OS_OK) {
            conn->is_broken = true;
            break;
        }
        conn->is_ended = bytes == 0;
        conn->in.end += (uint32_t)bytes;
        conn->server->stats.received_bytes += bytes;
        if (conn->phase == HTTP_LINGER)
            drop(conn, bytes);
        else if (conn->phase == HTTP_H1_OPEN)
            conn->restarts_timer = true;
        http_conn_run(conn);
        if (conn->phase == HTTP_CLOSED)
            return;
    } while (bytes == room);
    /* What was taken for bytes that did not come. */
    if ((conn->phase == HTTP_H1_IDLE || conn->phase == HTTP_H2) && http_buffer_used(&conn->in) == 0)
        http_buffer_release(conn->server, &conn->in);
    if (conn->is_broken)
        http_conn_run(conn);
}

void http_conn_writable(struct http_conn *conn)
{
    http_conn_run(conn);
}

void http_conn_failed(struct http_conn *conn)
{
    conn->is_broken = true;
    http_conn_run(conn);
}

void http_conn_expired(struct http_conn *conn)
{
    enum http_timer kind = conn->timer_kind;
    if (conn->phase == HTTP_H2 && kind == HTTP_TIMER_H2) {
        conn->restarts_timer = true;
        http_h2_look(conn);
        http_conn_run(conn);
        return;
    }
    if (kind != HTTP_TIMER_IDLE && kind != HTTP_TIMER_LINGER)
        conn->server->stats.timeouts++;
    if (conn->phase == HTTP_H1_HEAD && kind == HTTP_TIMER_HEAD) {
        http_exchange_free(conn->exchange);
        conn->exchange = NULL;
        http_conn_refuse(conn, 408);
    } else if (conn->phase == HTTP_H1_OPEN && kind == HTTP_TIMER_BODY) {
        conn->exchange->refusal = 408;
    } else {
        conn->is_broken = true;
    }
    http_conn_run(conn);
}
