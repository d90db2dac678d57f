/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes, in any pieces, as a connection to src/http's server, over memory in place of a socket.
 * The first bytes choose limits and how the transport behaves; then come pieces, a length byte before
 * each, between which time passes, room is short, and handlers go on that waited. Whatever happens,
 * each exchange ends once, and nothing is left.
 */
#include <stdlib.h>

#include "http/http_conn_int.h"

struct memory_conn {
    struct http_conn conn;
    const uint8_t *data;
    size_t bytes;
    size_t room; /* what a send takes */
    bool is_over, is_closed;
};

static unsigned open_exchanges;
static struct http_exchange *waiting; /* one that is answered later */
static uint8_t way;

static enum os_error take(struct http_conn *conn, void *data, size_t room, size_t *ret_bytes)
{
    struct memory_conn *memory = (struct memory_conn *)conn;
    size_t bytes = memory->bytes < room ? memory->bytes : room;
    if (bytes == 0 && !memory->is_over)
        return OS_AGAIN;
    if (bytes > 0) {
        memcpy(data, memory->data, bytes);
        memory->data += bytes;
    }
    memory->bytes -= bytes;
    *ret_bytes = bytes;
    return OS_OK;
}

static enum os_error give(struct http_conn *conn, const struct http_span *spans, size_t count,
                          size_t *ret_bytes)
{
    struct memory_conn *memory = (struct memory_conn *)conn;
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        size_t bytes = spans[i].bytes < memory->room ? spans[i].bytes : memory->room;
        for (size_t k = 0; k < bytes; k++)
            way += ((const uint8_t *)spans[i].data)[k]; /* that it can be read */
        memory->room -= bytes;
        total += bytes;
    }
    *ret_bytes = total;
    return total > 0 ? OS_OK : OS_AGAIN;
}

static void watch(struct http_conn *conn) {}

static void close_memory(struct http_conn *conn)
{
    ((struct memory_conn *)conn)->is_closed = true;
}

static const struct http_io memory_io = {
    .receive = take, .send = give, .watch = watch, .shut = watch, .close = close_memory};

static void go_on(void *env, struct http_exchange *exchange)
{
    uint8_t data[700];
    size_t bytes;
    enum os_error error;
    while ((error = http_body_read(exchange, data, sizeof(data), &bytes)) == OS_OK && bytes > 0) {
        if (http_write(exchange, data, bytes) < bytes)
            return;
    }
    if (error == OS_OK) {
        size_t count;
        const struct http_header *trailers = http_trailers(exchange, &count);
        http_finish(exchange, trailers, count);
    }
}

static void on_request(void *env, struct http_exchange *exchange)
{
    const struct http_request *request = http_exchange_request(exchange);
    open_exchanges++;
    http_exchange_set_user(exchange, exchange);
    switch (strlen(request->path) & 7) {
    case 1:
        http_respond(exchange, 200, request->headers, request->header_count, 5);
        (void)http_write(exchange, "Hello", 5);
        http_finish(exchange, NULL, 0);
        break;
    case 2:
        waiting = exchange;
        break;
    case 3:
        http_abort(exchange);
        break;
    case 4:
        http_body_limit(exchange, 3);
        __attribute__((fallthrough));
    default:
        http_respond(exchange, request->header_count & 1 ? 200 : 404, request->headers,
                     request->header_count,
                     request->has_length ? request->content_length : HTTP_LENGTH_UNKNOWN);
        go_on(NULL, exchange);
    }
}

static void on_end(void *env, struct http_exchange *exchange)
{
    if (http_exchange_user(exchange) != exchange || open_exchanges == 0)
        abort();
    http_exchange_set_user(exchange, NULL);
    open_exchanges--;
    if (waiting == exchange)
        waiting = NULL;
}

static void between(struct http_server *server, uint8_t what)
{
    if (what & 1 && waiting != NULL) {
        struct http_exchange *exchange = waiting;
        waiting = NULL;
        http_respond(exchange, 200, NULL, 0, HTTP_LENGTH_UNKNOWN);
        go_on(NULL, exchange);
    }
    if (what & 2)
        server->now_ns += 300000000u * (what >> 4);
    if (what & 4)
        http_core_tick(server);
    if (what == 0xfe)
        http_core_drain(server, false);
    http_core_settle(server);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_server server;
    struct http_config config = {.limits = h1_limits_default,
                                 .fields_max = 20,
                                 .connections_max = 10,
                                 .streams_max = 4,
                                 .send_bytes_max = 2000,
                                 .receive_bytes_max = 1000,
                                 .head_timeout_ns = 1000000000u,
                                 .idle_timeout_ns = 2000000000u,
                                 .body_timeout_ns = 1000000000u,
                                 .send_timeout_ns = 1000000000u,
                                 .body_rate_min = 10,
                                 .server_name = "fuzz"};
    const struct http_handler handler = {
        .request = on_request, .readable = go_on, .writable = go_on, .end = on_end};
    struct memory_conn memory = {.room = 100};
    if (size < 2 || size > 8192)
        return 0;
    config.limits.body_bytes = data[0] & 1 ? 100 : UINT64_MAX;
    config.without_h2 = data[0] & 2;
    bool postpones = data[0] & 4;
    uint8_t step = data[1];
    const uint8_t *end = data + size;
    data += 2;
    open_exchanges = 0;
    waiting = NULL;
    http_core_init(&server, &config, &handler, NULL);
    server.postpones = postpones;
    server.calm_events = HTTP_CALM_EVENTS;
    http_conn_init(&memory.conn, &server, &memory_io);
    while (data < end && !memory.is_closed) {
        size_t bytes = *data++;
        memory.data = data;
        memory.bytes = bytes < (size_t)(end - data) ? bytes : (size_t)(end - data);
        data += memory.bytes;
        memory.room += (size_t)step * 8;
        while (!memory.is_closed && memory.bytes > 0 && memory.conn.wants_read) {
            http_conn_readable(&memory.conn);
            http_core_settle(&server);
        }
        if (!memory.is_closed && memory.conn.wants_write)
            http_conn_writable(&memory.conn);
        between(&server, (uint8_t)bytes);
    }
    memory.is_over = true;
    memory.bytes = 0;
    if (!memory.is_closed && memory.conn.wants_read)
        http_conn_readable(&memory.conn);
    if (!memory.is_closed)
        http_conn_failed(&memory.conn);
    http_core_settle(&server);
    if (!memory.is_closed || open_exchanges != 0)
        abort();
    http_core_free(&server);
    if (server.alloc.used_bytes != 0)
        abort();
    return 0;
}
