/* SPDX-License-Identifier: Apache-2.0 */
/* Pools of buffers and exchanges, timers, and the list of connections that were changed. */
#include "http/http_conn_int.h"
#include "os/clock.h"

/* ---- Buffers ------------------------------------------------------------------------------ */

void *http_block_get(struct http_server *server)
{
    void *block = server->blocks;
    if (LIKELY(block != NULL)) {
        memcpy(&server->blocks, block, sizeof(void *));
        server->block_count--;
        return block;
    }
    return alloc_get(&server->alloc, HTTP_BLOCK_BYTES);
}

void http_block_put(struct http_server *server, void *data, uint32_t bytes)
{
    if (data == NULL)
        return;
    if (bytes != HTTP_BLOCK_BYTES || server->block_count == HTTP_BLOCKS_KEPT) {
        alloc_put(&server->alloc, data, bytes);
        return;
    }
    memcpy(data, &server->blocks, sizeof(void *));
    server->blocks = data;
    server->block_count++;
}

bool http_buffer_reserve(struct http_server *server, struct http_buffer *buffer, size_t bytes)
{
    uint32_t used = buffer->end - buffer->at;
    if (LIKELY(buffer->capacity - buffer->end >= bytes))
        return true;
    if (bytes > UINT32_MAX / 4 || used > UINT32_MAX / 4)
        return false;
    if (buffer->data != NULL && buffer->capacity - used >= bytes && buffer->at >= used) {
        memcpy(buffer->data, buffer->data + buffer->at, used);
        buffer->at = 0;
        buffer->end = used;
        return true;
    }
    uint32_t capacity = HTTP_BLOCK_BYTES;
    while (capacity < used + bytes)
        capacity *= 2;
    uint8_t *data =
        capacity == HTTP_BLOCK_BYTES ? http_block_get(server) : alloc_get(&server->alloc, capacity);
    if (data == NULL)
        return false;
    if (used > 0)
        memcpy(data, buffer->data + buffer->at, used);
    http_block_put(server, buffer->data, buffer->capacity);
    *buffer = (struct http_buffer){.data = data, .end = used, .capacity = capacity};
    return true;
}

void http_buffer_release(struct http_server *server, struct http_buffer *buffer)
{
    http_block_put(server, buffer->data, buffer->capacity);
    *buffer = (struct http_buffer){0};
}

/* ---- Exchanges ---------------------------------------------------------------------------- */

static size_t exchange_bytes(const struct http_server *server)
{
    return sizeof(struct http_exchange) +
           server->config.fields_max * (sizeof(struct http_header) + sizeof(struct h1_field));
}

struct http_exchange *http_exchange_new(struct http_conn *conn)
{
    struct http_server *server = conn->server;
    struct http_exchange *exchange = server->exchanges;
    if (LIKELY(exchange != NULL)) {
        server->exchanges = exchange->next;
        server->exchange_count--;
    } else {
        exchange = alloc_get(&server->alloc, exchange_bytes(server));
        if (exchange == NULL)
            return NULL;
    }
    memset(exchange, 0, sizeof(*exchange));
    exchange->conn = conn;
    /* The headers come first: they need the greater alignment. */
    exchange->headers = (struct http_header *)(void *)(exchange + 1);
    exchange->fields = (struct h1_field *)(void *)(exchange->headers + server->config.fields_max);
    arena_init(&exchange->arena, &server->alloc);
    server->stats.exchanges++;
    return exchange;
}

void http_exchange_free(struct http_exchange *exchange)
{
    struct http_server *server = exchange->conn->server;
    http_block_put(server, exchange->kept, exchange->kept_bytes);
    arena_free(&exchange->arena);
    server->stats.exchanges--;
    if (server->exchange_count == HTTP_EXCHANGES_KEPT) {
        alloc_put(&server->alloc, exchange, exchange_bytes(server));
        return;
    }
    exchange->next = server->exchanges;
    server->exchanges = exchange;
    server->exchange_count++;
}

/* ---- Timers ------------------------------------------------------------------------------- */

uint64_t http_timeout_ns(const struct http_server *server, enum http_timer kind)
{
    const struct http_config *config = &server->config;
    switch (kind) {
    case HTTP_TIMER_HEAD:
        return config->head_timeout_ns;
    case HTTP_TIMER_IDLE:
        return config->idle_timeout_ns;
    case HTTP_TIMER_BODY:
        return config->body_timeout_ns;
    case HTTP_TIMER_SEND:
        return config->send_timeout_ns;
    case HTTP_TIMER_LINGER:
        return HTTP_LINGER_NS;
    case HTTP_TIMER_H2:
        return HTTP_LOOK_NS;
    default:
        return UINT64_MAX;
    }
}

static void link_remove(struct http_link *link)
{
    link->before->next = link->next;
    link->next->before = link->before;
}

/*
 * All of one kind wait equally long, so that the order of their beginnings is that of their ends: a
 * connection goes to the end of its list, and only the front has to be looked at.
 */
void http_conn_set_timer(struct http_conn *conn, enum http_timer kind)
{
    link_remove(&conn->timer);
    if ((conn->timer_kind == HTTP_TIMER_IDLE) != (kind == HTTP_TIMER_IDLE))
        conn->server->stats.idle += kind == HTTP_TIMER_IDLE ? 1 : UINT32_MAX;
    conn->timer_kind = kind;
    if (kind == HTTP_TIMER_COUNT)
        return;
    struct http_link *list = &conn->server->timers[kind];
    conn->timer.next = list;
    conn->timer.before = list->before;
    list->before->next = &conn->timer;
    list->before = &conn->timer;
}

static struct http_conn *conn_of_timer(struct http_link *link)
{
    return (struct http_conn *)(void *)((char *)link - offsetof(struct http_conn, timer));
}

void http_core_drain(struct http_server *server, bool at_once)
{
    server->is_draining = true;
    for (int kind = 0; kind < HTTP_TIMER_COUNT; kind++) {
        struct http_link *list = &server->timers[kind];
        for (struct http_link *link = list->next; link != list; link = link->next) {
            struct http_conn *conn = conn_of_timer(link);
            conn->is_broken |= at_once;
            http_core_mark(conn);
        }
    }
}

void http_core_tick(struct http_server *server)
{
    for (int kind = HTTP_TIMER_NONE + 1; kind < HTTP_TIMER_COUNT; kind++) {
        struct http_link *list = &server->timers[kind];
        uint64_t timeout = http_timeout_ns(server, kind);
        /* Who expired leaves the list, or begins to wait anew at its end. */
        while (list->next != list) {
            struct http_conn *conn = conn_of_timer(list->next);
            if (server->now_ns < conn->since_ns || server->now_ns - conn->since_ns < timeout)
                break;
            http_conn_expired(conn);
        }
    }
}

/* ---- The changed -------------------------------------------------------------------------- */

void http_core_mark(struct http_conn *conn)
{
    struct http_server *server = conn->server;
    if (conn->is_dirty || conn->is_running)
        return;
    conn->is_dirty = true;
    conn->dirty_next = NULL;
    *server->dirty_last = conn;
    server->dirty_last = &conn->dirty_next;
}

void http_core_settle(struct http_server *server)
{
    struct http_conn *conn;
    server->is_settling = true;
    server->is_first_event = true;
    server->postponed_ns = 0;
    while ((conn = server->dirty_first) != NULL) {
        server->dirty_first = conn->dirty_next;
        if (server->dirty_first == NULL)
            server->dirty_last = &server->dirty_first;
        conn->is_dirty = false;
        http_conn_run(conn);
    }
    server->is_settling = false;
}

void http_core_event(struct http_server *server, uint64_t before_ns)
{
    uint64_t now_ns = server->now_ns;
    if (server->is_first_event) /* it was waited for */
        server->is_first_event = false;
    else if (now_ns - before_ns > HTTP_QUICK_NS)
        server->calm_events = 0;
    else if (server->calm_events < HTTP_CALM_EVENTS)
        server->calm_events++;
    if (server->postponed_ns != 0 && now_ns - server->postponed_ns > HTTP_POSTPONE_NS)
        http_core_settle(server);
}

/* ---- The server --------------------------------------------------------------------------- */

void http_core_init(struct http_server *server, const struct http_config *config,
                    const struct http_handler *handler, void *env)
{
    memset(server, 0, sizeof(*server));
    server->config = *config;
    server->handler = *handler;
    server->env = env;
    alloc_init_child(&server->alloc, &alloc_root, SIZE_MAX);
    for (int i = 0; i < HTTP_TIMER_COUNT; i++)
        server->timers[i] = (struct http_link){&server->timers[i], &server->timers[i]};
    server->dirty_last = &server->dirty_first;
    server->now_ns = clock_now_ns(OS_CLOCK_MONOTONIC);
}

void http_core_free(struct http_server *server)
{
    http_h2_free_shared(server);
    while (server->blocks != NULL) {
        void *block = server->blocks;
        memcpy(&server->blocks, block, sizeof(void *));
        alloc_put(&server->alloc, block, HTTP_BLOCK_BYTES);
    }
    while (server->exchanges != NULL) {
        struct http_exchange *exchange = server->exchanges;
        server->exchanges = exchange->next;
        alloc_put(&server->alloc, exchange, exchange_bytes(server));
    }
}
