/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's inside, without sockets: connections that bytes come into and go out of through a
 * table of functions (struct http_io), and exchanges on them. What has to do with the event loop is in
 * http_server.c; a test may put memory in its place.
 *
 * A connection is run (http_conn_run) when bytes or room came, when its time is up, and after a
 * function of http_server.h changed something about it from outside (it is then on the list `dirty`,
 * which http_core_settle goes through before the loop waits). Callbacks are made from there only.
 *
 *     H1_IDLE → H1_HEAD → H1_OPEN → (H1_DISCARD →) H1_IDLE …        or, at its end,
 *     … → LINGER → CLOSED
 *
 * A buffer of 4 KB comes from a pool when the first byte is there and goes back when nothing is left
 * in it, so an idle connection holds none. A head stays where it was received: names are put into
 * lower case and strings are ended in place, and the exchange keeps the buffer.
 */
#ifndef HTTP_HTTP_CONN_INT_H
#define HTTP_HTTP_CONN_INT_H

#include <string.h>

#include "base/arena.h"
#include "http/http_local.h"
#include "http/http_server.h"

enum {
    HTTP_BLOCK_BYTES = 4096,
    HTTP_BLOCKS_KEPT = 256, /* in the pool; more go back to the allocator */
    HTTP_EXCHANGES_KEPT = 256,
    HTTP_DISCARD_BYTES =
        256 << 10,               /* of a body that nobody read, before the connection is closed */
    HTTP_LINGER_BYTES = 4 << 20, /* that are read and dropped before the connection is closed */
    HTTP_TURNS_MAX = 16,         /* of one connection, before others get theirs */
    HTTP_SEND_NOW_BYTES = 8192,  /* writes from this size on are not copied first */
    HTTP_POSTPONE_BYTES = 4096,  /* up to so many wait for the other connections' turns */
    HTTP_CALM_EVENTS = 16,       /* quick ones in a row, before anything waits for the next */
};
/* So long the first of what is postponed waits at most for events to begin; an event is quick when it
 * takes no longer than HTTP_QUICK_NS. */
#define HTTP_POSTPONE_NS 300000u
#define HTTP_QUICK_NS 100000u
#define HTTP_LINGER_NS 2000000000u
#define HTTP_RATE_GRACE_NS 5000000000u /* before a rate is asked for */

struct http_conn;
struct http_h2;

/* Bytes from `at` to `end` are unread, or unsent. */
struct http_buffer {
    uint8_t *data;
    uint32_t at, end, capacity;
};

struct http_span {
    const void *data;
    size_t bytes;
};

/* How a connection's bytes travel. */
struct http_io {
    /* OS_OK with 0 bytes: the peer has ended its side. OS_AGAIN: later. */
    enum os_error (*receive)(struct http_conn *conn, void *data, size_t room, size_t *ret_bytes);
    enum os_error (*send)(struct http_conn *conn, const struct http_span *spans, size_t count,
                          size_t *ret_bytes);
    /* What comes before the first request, a handshake for instance; NULL: nothing. OS_AGAIN: it goes
     * on with the next bytes, or with room where conn->greeting_writes. Sets conn->is_tls, …->is_h2. */
    enum os_error (*greet)(struct http_conn *conn);
    /* conn->wants_read, conn->wants_write changed. */
    void (*watch)(struct http_conn *conn);
    /* Ends our side; what was sent still arrives. */
    void (*shut)(struct http_conn *conn);
    /* The connection is no more, and is freed once nothing refers to it. */
    void (*close)(struct http_conn *conn);
};

enum http_phase {
    HTTP_GREETING,   /* see http_io.greet */
    HTTP_H1_IDLE,    /* between requests */
    HTTP_H1_HEAD,    /* within a head */
    HTTP_H1_OPEN,    /* the handler has an exchange */
    HTTP_H1_DISCARD, /* answered; the rest of the body is read over */
    HTTP_H2,         /* the rest is nghttp2's and http_h2.c's */
    HTTP_LINGER,     /* the last byte is sent, then the connection closed: see is_lingering */
    HTTP_CLOSED,
};

enum http_timer {
    HTTP_TIMER_NONE,
    HTTP_TIMER_HEAD,
    HTTP_TIMER_IDLE,
    HTTP_TIMER_BODY,
    HTTP_TIMER_SEND,
    HTTP_TIMER_LINGER,
    HTTP_TIMER_H2,    /* to look at each stream again: http_h2_look */
    HTTP_TIMER_COUNT, /* of a connection that is closed: in no list */
};

struct http_link {
    struct http_link *next, *before;
};

struct http_conn {
    struct http_server *server;
    const struct http_io *io;
    struct http_exchange *exchange; /* the current one of HTTP/1.1 */
    struct http_buffer in, out;
    struct http_link timer; /* must not move: see conn_of_timer */
    struct http_conn *dirty_next;
    uint64_t since_ns;      /* what the timer counts from */
    uint64_t dropped_bytes; /* read over in DISCARD and LINGER */
    struct inet_address peer, local;
    uint8_t phase, timer_kind;
    bool is_dirty, is_running;
    bool is_ended;   /* the peer's side */
    bool is_broken;  /* an error of the transport, or given up: nothing can be sent */
    bool is_closing; /* after this response */
    bool is_lingering,
        is_shut; /* close only after the peer has had time to read: see http_io.shut */
    bool restarts_timer;
    bool is_congested; /* wants_write, and waits with the next request */
    bool is_full;      /* the transport took less than it was given: later, when it is writable */
    bool is_yielding;  /* others get their turn, then it goes on */
    bool is_postponed; /* what is to be sent is, when http_core_settle comes: see http_core_event */
    bool is_fresh;     /* nothing was read yet: HTTP/2 may begin */
    bool wants_read, wants_write, greeting_writes;
    bool is_tls, is_h2;
    struct http_h2 *h2;
};

struct http_exchange {
    struct http_conn *conn;
    struct http_exchange *next; /* in the pool */
    struct http_request request;
    void *user;
    const struct http_local_peer *peer; /* instead of `conn`: http_local.c */
    void *peer_env;
    bool is_answered, is_finished, is_lost, is_aborted;
    uint16_t refusal; /* what the body is answered with: 413, 400, 408 */
    bool wants_body, wants_room;
    bool has_body_end;          /* the body was read to its end, trailers included */
    bool is_continued;          /* 100 was sent, or need not be */
    bool is_chunked, is_silent; /* the response: in chunks; without a body */
    uint64_t left_bytes;        /* of the response's stated length; HTTP_LENGTH_UNKNOWN */
    uint64_t sent_bytes;
    uint64_t waited_ns, wait_since_ns, body_bytes; /* for the peer's body */
    uint32_t tried_bytes;                          /* of the buffer, when a trailer was not whole */
    const struct http_header *trailers;
    size_t trailer_count;
    struct arena arena; /* what does not come in place */
    uint8_t *kept;      /* the buffer of the head where it is no longer the connection's */
    uint32_t kept_bytes;
    uint32_t head_at; /* the head's place in the buffer */
    struct h1_head head;
    struct h1_body body;
    struct h1_lines lines;       /* of trailers */
    struct http_stream *stream;  /* HTTP/2's part; NULL in HTTP/1.1 */
    struct http_header *headers; /* config.fields_max, behind this struct, then … */
    struct h1_field *fields;     /* … as many fields */
};

struct http_server {
    struct http_config config;
    struct http_handler handler;
    void *env;
    struct alloc alloc;
    struct http_server_stats stats;
    struct http_link timers[HTTP_TIMER_COUNT];
    struct http_conn *dirty_first, **dirty_last;
    uint64_t postponed_ns; /* when the first of those was postponed; 0: none is */
    uint32_t calm_events;  /* see http_core_event */
    bool postpones, is_settling;
    bool is_first_event; /* since http_core_settle */
    void *blocks; /* the pool: each points to the next */
    struct http_exchange *exchanges;
    uint32_t block_count, exchange_count;
    uint64_t now_ns; /* as of the current event */
    uint64_t common_until_ns;
    uint32_t common_bytes, date_bytes;
    char common[160]; /* the fields of each response: date, server */
    bool is_draining;
    bool is_lingering; /* while it drains: connections that are idle stay */
    struct http_h2_shared *h2_shared;
    struct http_loop *loop; /* http_server.c's; NULL in tests */
};

/* ---- http_core.c: pools, timers, the list of the changed ---------------------------------- */

void http_core_init(struct http_server *server, const struct http_config *config,
                    const struct http_handler *handler, void *env);
void http_core_free(struct http_server *server);
/* Runs what functions of http_server.h changed, and sends what was postponed. */
void http_core_settle(struct http_server *server);
/*
 * An event on a connection begins; server->now_ns is new, and was `before_ns`. Where server->postpones is
 * set, small answers are not sent at once, but when the events that came together with theirs have had
 * their turn. Sending wakes the client, which is the dearest part of a small answer where it waits on
 * this machine: one that is awake already need not be woken. Only while events are quick.
 */
void http_core_event(struct http_server *server, uint64_t before_ns);
/* Acts on the connections whose time is up. */
void http_core_tick(struct http_server *server);
void http_core_mark(struct http_conn *conn); /* as changed */
/* No request after those that are being served; `at_once`: all are broken off. */
void http_core_drain(struct http_server *server, bool at_once);
uint64_t http_timeout_ns(const struct http_server *server, enum http_timer kind);

MUST_CHECK struct http_exchange *http_exchange_new(struct http_conn *conn);
void http_exchange_free(struct http_exchange *exchange);

/* Room for `bytes` more behind buffer->end; what is there may move. */
MUST_CHECK bool http_buffer_reserve(struct http_server *server, struct http_buffer *buffer,
                                    size_t bytes);
void http_buffer_release(struct http_server *server, struct http_buffer *buffer);
void http_block_put(struct http_server *server, void *data, uint32_t bytes);
void *http_block_get(struct http_server *server);

static inline uint32_t http_buffer_used(const struct http_buffer *buffer)
{
    return buffer->end - buffer->at;
}

/* ---- http_conn.c -------------------------------------------------------------------------- */

/* A zeroed connection that bytes may come on. */
void http_conn_init(struct http_conn *conn, struct http_server *server, const struct http_io *io);
void http_conn_readable(struct http_conn *conn);
void http_conn_writable(struct http_conn *conn);
void http_conn_failed(struct http_conn *conn); /* reset, or given up */
void http_conn_run(struct http_conn *conn);
void http_conn_expired(struct http_conn *conn); /* the timer's time is up */
/* Sends what is there; false when it did not all go. */
bool http_conn_flush(struct http_conn *conn);
/* Tells the handler of the end of an exchange, and frees it. */
void http_conn_end(struct http_exchange *exchange);
/* Answers what never became an exchange, and closes. */
void http_conn_refuse(struct http_conn *conn, unsigned status);
/* Closes once everything is sent; `lingers`: bytes may be under way that would reset the connection. */
void http_conn_finish(struct http_conn *conn, bool lingers);
void http_conn_set_timer(struct http_conn *conn, enum http_timer kind);

/* ---- h1_conn.c ---------------------------------------------------------------------------- */

void http_h1_run(struct http_conn *conn);
/* Room to receive into while an exchange is open; false where there is none. */
MUST_CHECK bool http_h1_room(struct http_conn *conn);
/* As http_body_read. */
MUST_CHECK enum os_error http_h1_read(struct http_exchange *exchange, void *data, size_t room,
                                      size_t *ret_bytes);

/* ---- http_h2.c ---------------------------------------------------------------------------- */

#define HTTP_LOOK_NS 1000000000u

/* The connection's bytes, from the preface on, are HTTP/2. */
void http_h2_begin(struct http_conn *conn);
void http_h2_run(struct http_conn *conn);
void http_h2_look(struct http_conn *conn);
bool http_h2_has_more(const struct http_conn *conn);
bool http_h2_is_idle(const struct http_conn *conn);
void http_h2_free_shared(struct http_server *server);
/* As their namesakes in http_server.h. */
MUST_CHECK enum os_error http_h2_read(struct http_exchange *exchange, void *data, size_t room,
                                      size_t *ret_bytes);
MUST_CHECK bool http_h2_respond(struct http_exchange *exchange, unsigned status,
                                const struct http_header *headers, size_t header_count,
                                uint64_t length);
size_t http_h2_send_room(const struct http_exchange *exchange);
size_t http_h2_write(struct http_exchange *exchange, const void *data, size_t bytes);
void http_h2_finish(struct http_exchange *exchange, const struct http_header *trailers,
                    size_t trailer_count);
/* Something about it was changed: see http_core_mark. */
void http_h2_touch(struct http_exchange *exchange);

/* ---- http_local.c, as their namesakes ------------------------------------------------------ */

MUST_CHECK enum os_error http_local_read(struct http_exchange *exchange, void *data, size_t room,
                                         size_t *ret_bytes);
void http_local_respond(struct http_exchange *exchange, unsigned status,
                        const struct http_header *headers, size_t header_count, uint64_t length);
void http_local_finish(struct http_exchange *exchange, const struct http_header *trailers,
                       size_t trailer_count);

/* ---- h1_respond.c ------------------------------------------------------------------------- */

/* Renews the fields that all responses have in common: "Date: …", date_bytes long, "Server: …". */
void http_common_fields(struct http_server *server);
const char *http_reason(unsigned status);
/* "Sun, 06 Nov 1994 08:49:37 GMT": its bytes. */
size_t http_date(uint64_t realtime_ns, char ret_text[32]);
bool http_header_is_named(const struct http_header *header, const char *name);
/* Appends to conn->out; false when memory is out. */
MUST_CHECK bool http_h1_respond(struct http_exchange *exchange, unsigned status,
                                const struct http_header *headers, size_t header_count,
                                uint64_t length);
MUST_CHECK bool http_h1_refusal(struct http_conn *conn, unsigned status);
size_t http_h1_send_room(const struct http_exchange *exchange);
size_t http_h1_write(struct http_exchange *exchange, const void *data, size_t bytes);
void http_h1_finish(struct http_exchange *exchange, const struct http_header *trailers,
                    size_t trailer_count);
/* Whether a response may carry it: a token, a value without control characters, not hop-by-hop. */
bool http_header_is_fit(const struct http_header *header);

#endif
