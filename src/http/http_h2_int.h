/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/2: nghttp2 knows frames, HPACK, windows and the states of streams; here streams are made
 * exchanges. nghttp2 calls back while it is given bytes. What concerns the handler is only noted
 * then, in a queue of exchanges that http_h2_run goes through afterwards.
 *
 * Flow control: the windows are opened as far as the handler reads. A stream's is
 * config.receive_bytes_max, the connection's H2_SHARE times as much; what is waiting to be sent is
 * limited in the same way with config.send_bytes_max.
 */
#ifndef HTTP_HTTP_H2_INT_H
#define HTTP_HTTP_H2_INT_H

#include <nghttp2/nghttp2.h>

#include "http/http_conn_int.h"

enum {
    H2_SHARE = 4,
    H2_OUT_BYTES = 64 << 10, /* of frames made ahead */
    H2_RESETS_MAX = 200, /* at once, and a second: streams reset by the peer, or for its errors */
    H2_RESETS_RATE = 20,
    H2_FRAMES_MAX = 10000, /* the same of frames other than HEADERS and DATA with bytes */
    H2_FRAMES_RATE = 1000,
    H2_FRAME_BYTES = 1024, /* of bodies that are sent: one more such frame may come */
};

/* What may happen so often at once, and then at a rate. */
struct http_bucket {
    uint64_t full_ns; /* when all of it may happen at once again */
};

struct http_h2 {
    nghttp2_session *session;
    struct http_exchange *exchanges;                 /* all, through stream->next_open */
    struct http_exchange *queue_first, **queue_last; /* through stream->next_queued */
    uint32_t count;
    size_t waiting_bytes;   /* in all stream->out */
    uint64_t decoded_bytes; /* of the header block that is being read */
    uint64_t head_since_ns; /* a header block began and has not ended; 0: none */
    struct http_bucket resets, frames;
    bool has_room; /* bytes left stream->out: others may have waited for that */
    bool said_notice, said_goaway;
};

struct http_stream {
    struct http_exchange *next_open, **before_open, *next_queued;
    int32_t id;
    struct http_buffer in, out; /* of bodies */
    uint64_t sent_ns;           /* when bytes last went out, or there were none before */
    uint32_t field_count, head_bytes;
    struct http_header *fields; /* as they come: of the head, then of the trailer section */
    const char *method, *scheme, *authority, *path;
    struct http_header *trailers; /* of the response */
    uint32_t trailer_count;
    bool is_queued, is_told, is_closed, was_reset, is_resumable;
    bool has_head; /* the request is whole but for its body */
    bool has_sent_all;
    bool expects_continue, expects_else; /* its `expect`, which handlers do not see */
};

/* ---- http_h2_request.c -------------------------------------------------------------------- */

/* A field of the head or of the trailers; false where it is too much of them (431). */
MUST_CHECK bool http_h2_take_field(struct http_exchange *exchange, const uint8_t *name,
                                   size_t name_bytes, const uint8_t *value, size_t value_bytes);
/* The head is whole; 0, or the status to refuse it with. */
unsigned http_h2_take_request(struct http_exchange *exchange, bool has_body);
void http_h2_take_trailers(struct http_exchange *exchange);
/* Answers with a status alone. */
void http_h2_refuse(struct http_exchange *exchange, unsigned status);

/* A response's body, for nghttp2. */
ssize_t http_h2_send_body(nghttp2_session *session, int32_t stream_id, uint8_t *data, size_t room,
                          uint32_t *flags, nghttp2_data_source *source, void *env);

#endif
