/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to http_peer.c (connections: how bytes travel) and h1_call.c (messages: what they mean).
 *
 * A call gets a kept connection, or waits for a new one: LOOKUP → CONNECT → (HANDSHAKE →) OPEN, and IDLE
 * between calls. Whatever happens to a connection is told to its call; a call that has changed is dirty,
 * and its `progress` is called at the end of the event.
 */
#ifndef HTTP_HTTP_PEER_INT_H
#define HTTP_HTTP_PEER_INT_H

#include <uv.h>

#include "base/buf.h"
#include "http/http_peer.h"
#include "http/http_tls.h"

enum {
    PEER_ADDRESSES_MAX = 8,
    PEER_BUFFER_BYTES = 16 << 10, /* for what is received; a head makes it larger */
    PEER_HEAD_BYTES_MAX = 64 << 10,
    PEER_SEND_BYTES_MAX = 64 << 10, /* of a body that wait to be sent */
    PEER_FIELDS_MAX = 128,
};

enum peer_phase { PEER_LOOKUP, PEER_CONNECT, PEER_HANDSHAKE, PEER_OPEN, PEER_IDLE, PEER_CLOSED };

struct peer_conn {
    struct http_peer *peer;
    struct peer_conn *next, **before; /* of the peer's */
    struct http_call *call;           /* NULL: it is kept, or it is no more */
    enum peer_phase phase;
    uv_poll_t poll;
    int fd; /* -1: none */
    bool has_poll, wants_write, is_reused;
    uint32_t address; /* the one that is tried */
    int watched; /* events of the handle */
    uint64_t since_ms;
    struct http_tls_session *session;
    uint8_t *data; /* received; the bytes from at to end are unread. NULL: none */
    uint32_t at, end, capacity;
};

struct http_call {
    struct http_peer *peer;
    struct http_call *next, **before;
    struct peer_conn *conn;
    void (*progress)(void *env);
    void *env;
    enum http_call_state state;
    enum http_call_failure failure;
    const char *detail;
    struct http_call *dirty_next;
    bool is_dirty, is_awaited;
    uint64_t since_ms; /* when a byte was last seen, or none was waited for */

    struct buf out; /* what is to be sent, from out_at on */
    size_t out_at;
    bool has_body, is_chunked, is_request_whole, may_repeat;

    bool has_received, wants_body, keeps;
    enum h1_kind kind;
    struct h1_head head;
    struct h1_body body;
    struct h1_lines trailer_lines;
    bool is_in_trailer, is_body_read;
    uint32_t piece_at, piece_bytes; /* of the connection's data: read, and not yet taken */
    struct http_call_head response;
    struct http_header headers[PEER_FIELDS_MAX];
    size_t trailer_count;
    struct h1_field fields[PEER_FIELDS_MAX];
};

struct http_peer {
    uv_loop_t *loop;
    struct http_peer_config config;
    char *host;
    uv_timer_t timer;
    uv_getaddrinfo_t lookup;
    struct inet_address addresses[PEER_ADDRESSES_MAX];
    uint32_t address_count;
    uint64_t looked_up_ms; /* 0: never */
    struct peer_conn *conns;
    struct http_call *calls, *dirty;
    uint32_t idle_count, handles; /* those that are not closed yet */
    bool is_looking, is_closing, is_running, is_fixed; /* the host is an address */
};

/* ---- http_peer.c ------------------------------------------------------------------------- */

/* Gives the call a connection, or begins one. */
void peer_connect(struct http_call *call, bool may_reuse);
/* The connection is kept, or closed. */
void peer_release(struct peer_conn *conn, bool is_kept);
/* As many bytes as there are room for. OS_OK with 0: the end. */
enum os_error peer_receive(struct peer_conn *conn, size_t *ret_bytes);
enum os_error peer_send(struct peer_conn *conn, const void *data, size_t bytes, size_t *ret_bytes);
/* What its call waits for has changed. */
void peer_watch(struct peer_conn *conn);
/* Room for more behind `end`; false: there is as much as may be. */
bool peer_reserve(struct peer_conn *conn);
/* `progress` will be called. */
void peer_mark(struct http_call *call);
/* Not within this event. */
void peer_mark_later(struct http_call *call);
void peer_unmark(struct http_call *call);

/* ---- h1_call.c --------------------------------------------------------------------------- */

void call_fail(struct http_call *call, enum http_call_failure failure, const char *detail);
/* Its connection is open; can be read; can be written. */
void call_connected(struct http_call *call);
void call_readable(struct http_call *call);
void call_writable(struct http_call *call);
/* Whether the peer is to do something next. */
bool call_waits(const struct http_call *call);

#endif
