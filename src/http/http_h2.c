/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions of HTTP/2: what nghttp2 says becomes exchanges, and what the handler says frames. */
#include "http/http_h2_int.h"

/* Of all connections. */
struct http_h2_shared {
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *option;
};

/* ---- Bounds ------------------------------------------------------------------------------- */

/* False when it happens too often. */
static bool take(struct http_bucket *bucket, uint64_t now_ns, uint32_t max, uint32_t rate)
{
    uint64_t each_ns = 1000000000u / rate;
    if (bucket->full_ns < now_ns)
        bucket->full_ns = now_ns;
    bucket->full_ns += each_ns;
    return bucket->full_ns - now_ns <= each_ns * max;
}

/* Takes some of it back. */
static void give(struct http_bucket *bucket, uint64_t ns)
{
    bucket->full_ns -= ns < bucket->full_ns ? ns : bucket->full_ns;
}

static void calm_down(struct http_conn *conn)
{
    nghttp2_session_terminate_session(conn->h2->session, NGHTTP2_ENHANCE_YOUR_CALM);
}

static void count_reset(struct http_conn *conn)
{
    if (!take(&conn->h2->resets, conn->server->now_ns, H2_RESETS_MAX, H2_RESETS_RATE))
        calm_down(conn);
}

/* ---- Streams ------------------------------------------------------------------------------ */

void http_h2_touch(struct http_exchange *exchange)
{
    struct http_stream *stream = exchange->stream;
    struct http_h2 *h2 = exchange->conn->h2;
    http_core_mark(exchange->conn);
    if (stream->is_queued)
        return;
    stream->is_queued = true;
    stream->next_queued = NULL;
    *h2->queue_last = exchange;
    h2->queue_last = &stream->next_queued;
}

static struct http_exchange *exchange_of(nghttp2_session *session, int32_t stream_id)
{
    return nghttp2_session_get_stream_user_data(session, stream_id);
}

static struct http_exchange *open_stream(struct http_conn *conn, int32_t id)
{
    struct http_h2 *h2 = conn->h2;
    struct http_exchange *exchange = http_exchange_new(conn);
    if (exchange == NULL)
        return NULL;
    struct http_stream *stream = arena_get_zeroed(&exchange->arena, 1, sizeof(*stream));
    if (stream == NULL) {
        http_exchange_free(exchange);
        return NULL;
    }
    exchange->stream = stream;
    exchange->left_bytes = HTTP_LENGTH_UNKNOWN;
    exchange->request.start_ns = conn->server->now_ns;
    stream->id = id;
    stream->fields = exchange->headers;
    stream->next_open = h2->exchanges;
    stream->before_open = &h2->exchanges;
    if (h2->exchanges != NULL)
        h2->exchanges->stream->before_open = &stream->next_open;
    h2->exchanges = exchange;
    h2->count++;
    return exchange;
}

/* It is not in the queue. */
static void free_stream(struct http_exchange *exchange)
{
    struct http_conn *conn = exchange->conn;
    struct http_stream *stream = exchange->stream;
    struct http_h2 *h2 = conn->h2;
    nghttp2_session_set_stream_user_data(h2->session, stream->id, NULL);
    /* What nobody will read takes no more of the connection's window. */
    if (http_buffer_used(&stream->in) > 0)
        (void)nghttp2_session_consume_connection(h2->session, http_buffer_used(&stream->in));
    h2->waiting_bytes -= http_buffer_used(&stream->out);
    h2->has_room = true;
    http_buffer_release(conn->server, &stream->in);
    http_buffer_release(conn->server, &stream->out);
    *stream->before_open = stream->next_open;
    if (stream->next_open != NULL)
        stream->next_open->stream->before_open = stream->before_open;
    h2->count--;
    http_exchange_free(exchange);
}

/* The last of an exchange; the handler hears of it if it had heard of the exchange. */
static void end_stream(struct http_exchange *exchange)
{
    struct http_server *server = exchange->conn->server;
    if (exchange->stream->is_told)
        server->handler.end(server->env, exchange);
    free_stream(exchange);
}

/* ---- What nghttp2 calls ------------------------------------------------------------------- */

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *env)
{
    struct http_conn *conn = env;
    struct http_h2 *h2 = conn->h2;
    h2->decoded_bytes = 0;
    h2->head_since_ns = conn->server->now_ns;
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    if (h2->count >= conn->server->config.streams_max)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    struct http_exchange *exchange = open_stream(conn, frame->hd.stream_id);
    if (exchange == NULL)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, exchange);
    return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_bytes, const uint8_t *value, size_t value_bytes, uint8_t flags,
                     void *env)
{
    struct http_conn *conn = env;
    struct http_exchange *exchange = exchange_of(session, frame->hd.stream_id);
    /* A few bytes can stand for many fields. */
    conn->h2->decoded_bytes += name_bytes + value_bytes + 32;
    if (conn->h2->decoded_bytes / 8 > conn->server->config.limits.head_bytes)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    if (exchange == NULL || exchange->refusal != 0)
        return 0;
    if (!http_h2_take_field(exchange, name, name_bytes, value, value_bytes))
        exchange->refusal = 431;
    return 0;
}

static void end_of_body(struct http_exchange *exchange)
{
    exchange->has_body_end = true;
    http_h2_take_trailers(exchange);
    http_h2_touch(exchange);
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *env)
{
    struct http_conn *conn = env;
    struct http_exchange *exchange = exchange_of(session, frame->hd.stream_id);
    bool is_end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    bool is_bulk = frame->hd.type == NGHTTP2_HEADERS ||
                   (frame->hd.type == NGHTTP2_DATA && (frame->hd.length > 0 || is_end));
    if (!is_bulk && !take(&conn->h2->frames, conn->server->now_ns, H2_FRAMES_MAX, H2_FRAMES_RATE))
        calm_down(conn);
    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
        conn->h2->head_since_ns = 0;
        if (exchange == NULL)
            return 0;
        if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
            unsigned refusal = http_h2_take_request(exchange, !is_end);
            if (exchange->refusal == 0)
                exchange->refusal = (uint16_t)refusal;
            exchange->stream->has_head = true;
            exchange->has_body_end = is_end;
            http_h2_touch(exchange);
        } else if (is_end) {
            end_of_body(exchange);
        }
        return 0;
    case NGHTTP2_DATA:
        if (exchange != NULL && is_end)
            end_of_body(exchange);
        return 0;
    case NGHTTP2_RST_STREAM:
        conn->server->stats.resets++;
        count_reset(conn);
        return 0;
    default:
        return 0;
    }
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream_id, const uint8_t *data,
                   size_t bytes, void *env)
{
    struct http_conn *conn = env;
    struct http_exchange *exchange = exchange_of(session, stream_id);
    if (exchange == NULL || exchange->refusal != 0 || exchange->is_finished ||
        !http_buffer_reserve(conn->server, &exchange->stream->in, bytes)) {
        (void)nghttp2_session_consume(session, stream_id, bytes);
        if (exchange != NULL && exchange->refusal == 0 && !exchange->is_finished) {
            exchange->refusal = 503;
            http_h2_touch(exchange);
        }
        return 0;
    }
    struct http_buffer *in = &exchange->stream->in;
    memcpy(in->data + in->end, data, bytes);
    in->end += (uint32_t)bytes;
    exchange->body_bytes += bytes;
    if (exchange->body_bytes > exchange->body.body_max)
        exchange->refusal = 413;
    http_h2_touch(exchange);
    return 0;
}

static int on_close(nghttp2_session *session, int32_t stream_id, uint32_t code, void *env)
{
    struct http_exchange *exchange = exchange_of(session, stream_id);
    if (exchange == NULL)
        return 0;
    exchange->stream->is_closed = true;
    exchange->stream->was_reset = code != NGHTTP2_NO_ERROR;
    http_h2_touch(exchange);
    return 0;
}

static int on_sent(nghttp2_session *session, const nghttp2_frame *frame, void *env)
{
    struct http_conn *conn = env;
    struct http_exchange *exchange = exchange_of(session, frame->hd.stream_id);
    if (frame->hd.type == NGHTTP2_RST_STREAM && frame->rst_stream.error_code != NGHTTP2_NO_ERROR &&
        frame->rst_stream.error_code != NGHTTP2_INTERNAL_ERROR)
        count_reset(conn);
    bool is_end = (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) &&
                  frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
    /* Whoever takes much opens windows often. */
    if (frame->hd.type == NGHTTP2_DATA)
        give(&conn->h2->frames, frame->hd.length * (1000000000u / H2_FRAMES_RATE / H2_FRAME_BYTES));
    if (exchange == NULL || !is_end)
        return 0;
    exchange->stream->has_sent_all = true;
    /* RFC 9113, 8.1: the rest of the request is not needed. */
    if (!exchange->has_body_end)
        (void)nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id,
                                        NGHTTP2_NO_ERROR);
    return 0;
}

static struct http_h2_shared *make_shared(struct http_server *server)
{
    struct http_h2_shared *shared = alloc_get_zeroed(&server->alloc, 1, sizeof(*shared));
    if (shared == NULL)
        return NULL;
    server->h2_shared = shared;
    if (nghttp2_session_callbacks_new(&shared->callbacks) != 0 ||
        nghttp2_option_new(&shared->option) != 0) {
        http_h2_free_shared(server);
        return NULL;
    }
    nghttp2_option_set_no_auto_window_update(shared->option, 1);
    nghttp2_option_set_no_closed_streams(shared->option, 1);
    nghttp2_option_set_max_send_header_block_length(shared->option, 256 << 10);
    nghttp2_session_callbacks *callbacks = shared->callbacks;
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_sent);
    return shared;
}

void http_h2_free_shared(struct http_server *server)
{
    struct http_h2_shared *shared = server->h2_shared;
    if (shared == NULL)
        return;
    nghttp2_session_callbacks_del(shared->callbacks);
    nghttp2_option_del(shared->option);
    alloc_put(&server->alloc, shared, sizeof(*shared));
    server->h2_shared = NULL;
}

/* ---- Sessions ----------------------------------------------------------------------------- */

void http_h2_begin(struct http_conn *conn)
{
    struct http_server *server = conn->server;
    const struct http_config *config = &server->config;
    struct http_h2_shared *shared =
        server->h2_shared != NULL ? server->h2_shared : make_shared(server);
    struct http_h2 *h2 = alloc_get_zeroed(&server->alloc, 1, sizeof(*h2));
    uint32_t window = (uint32_t)config->receive_bytes_max;
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, config->streams_max},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, config->limits.head_bytes},
    };
    if (shared == NULL || h2 == NULL ||
        nghttp2_session_server_new2(&h2->session, shared->callbacks, conn, shared->option) != 0) {
        alloc_put(&server->alloc, h2, sizeof(*h2));
        conn->is_broken = true;
        return;
    }
    h2->queue_last = &h2->queue_first;
    conn->h2 = h2;
    conn->phase = HTTP_H2;
    conn->restarts_timer = true;
    if (nghttp2_submit_settings(h2->session, NGHTTP2_FLAG_NONE, settings, COUNT_OF(settings)) !=
            0 ||
        nghttp2_session_set_local_window_size(h2->session, NGHTTP2_FLAG_NONE, 0,
                                              (int32_t)(window * H2_SHARE)) != 0)
        conn->is_broken = true;
}

bool http_h2_is_idle(const struct http_conn *conn)
{
    return conn->h2->count == 0 && conn->h2->head_since_ns == 0;
}

bool http_h2_has_more(const struct http_conn *conn)
{
    return conn->h2->queue_first != NULL || nghttp2_session_want_write(conn->h2->session);
}

static void begin_exchange(struct http_exchange *exchange)
{
    struct http_server *server = exchange->conn->server;
    if (exchange->refusal != 0) {
        server->stats.refused++;
        http_h2_refuse(exchange, exchange->refusal);
        exchange->is_finished = true;
        return;
    }
    exchange->stream->is_told = true;
    server->stats.requests++;
    server->handler.request(server->env, exchange);
}

/* One step with an exchange; false when it waits, or is no more. */
static bool serve(struct http_exchange *exchange)
{
    struct http_conn *conn = exchange->conn;
    struct http_server *server = conn->server;
    struct http_stream *stream = exchange->stream;
    if (stream->is_closed) {
        exchange->is_lost = !exchange->is_finished || !stream->has_sent_all;
        end_stream(exchange);
        return false;
    }
    if (!stream->has_head || exchange->is_finished)
        return false;
    if (!stream->is_told) {
        begin_exchange(exchange);
        return true;
    }
    if (exchange->is_aborted || exchange->refusal != 0) {
        unsigned status = exchange->is_answered ? 0 : exchange->refusal;
        if (status != 0)
            http_h2_refuse(exchange, status);
        (void)nghttp2_submit_rst_stream(conn->h2->session, NGHTTP2_FLAG_NONE, stream->id,
                                        status != 0 ? NGHTTP2_NO_ERROR : NGHTTP2_INTERNAL_ERROR);
        exchange->is_lost = true;
        end_stream(exchange);
        return false;
    }
    if (exchange->wants_body && (http_buffer_used(&stream->in) > 0 || exchange->has_body_end)) {
        exchange->wants_body = false;
        exchange->waited_ns += server->now_ns - exchange->wait_since_ns;
        server->handler.readable(server->env, exchange);
        return true;
    }
    if (exchange->wants_room &&
        http_buffer_used(&stream->out) <= server->config.send_bytes_max / 2 &&
        conn->h2->waiting_bytes < server->config.send_bytes_max * H2_SHARE) {
        exchange->wants_room = false;
        server->handler.writable(server->env, exchange);
        return true;
    }
    return false;
}

static void run_queue(struct http_h2 *h2)
{
    if (h2->has_room) {
        h2->has_room = false;
        for (struct http_exchange *each = h2->exchanges; each; each = each->stream->next_open) {
            if (each->wants_room)
                http_h2_touch(each);
        }
    }
    while (h2->queue_first != NULL) {
        struct http_exchange *exchange = h2->queue_first;
        h2->queue_first = exchange->stream->next_queued;
        if (h2->queue_first == NULL)
            h2->queue_last = &h2->queue_first;
        exchange->stream->is_queued = false;
        if (serve(exchange))
            http_h2_touch(exchange);
    }
}

static void run_broken(struct http_conn *conn)
{
    struct http_h2 *h2 = conn->h2;
    while (h2->exchanges != NULL) {
        h2->exchanges->is_lost = true;
        end_stream(h2->exchanges);
    }
    nghttp2_session_del(h2->session);
    alloc_put(&conn->server->alloc, h2, sizeof(*h2));
    conn->h2 = NULL;
    http_buffer_release(conn->server, &conn->in);
    if (conn->is_broken) {
        http_buffer_release(conn->server, &conn->out);
        conn->phase = HTTP_CLOSED;
    } else {
        http_conn_finish(conn, true);
    }
}

static void receive(struct http_conn *conn)
{
    struct http_buffer *in = &conn->in;
    if (http_buffer_used(in) == 0)
        return;
    ssize_t used =
        nghttp2_session_mem_recv(conn->h2->session, in->data + in->at, http_buffer_used(in));
    http_buffer_release(conn->server, in);
    if (used < 0)
        conn->is_closing = true; /* nghttp2 has no word for it: a wrong preface, a flood */
}

/* Makes frames of what there is to send, while it is not too much. */
static void send_frames(struct http_conn *conn)
{
    struct http_buffer *out = &conn->out;
    while (http_buffer_used(out) < H2_OUT_BYTES) {
        const uint8_t *data;
        ssize_t bytes = nghttp2_session_mem_send(conn->h2->session, &data);
        if (bytes == 0)
            return;
        if (bytes < 0 || !http_buffer_reserve(conn->server, out, (size_t)bytes)) {
            conn->is_broken = true;
            return;
        }
        memcpy(out->data + out->end, data, (size_t)bytes);
        out->end += (uint32_t)bytes;
    }
}

void http_h2_run(struct http_conn *conn)
{
    struct http_h2 *h2 = conn->h2;
    if (!conn->is_broken)
        receive(conn);
    if (conn->server->is_lingering && !h2->said_notice) {
        h2->said_notice = true;
        (void)nghttp2_submit_shutdown_notice(h2->session);
    }
    if (conn->server->is_draining && !conn->server->is_lingering && !h2->said_goaway) {
        h2->said_goaway = true;
        (void)nghttp2_submit_goaway(h2->session, NGHTTP2_FLAG_NONE,
                                    nghttp2_session_get_last_proc_stream_id(h2->session),
                                    NGHTTP2_NO_ERROR, NULL, 0);
    }
    if (!conn->is_broken && !conn->is_closing) {
        run_queue(h2);
        send_frames(conn);
        /* Frames that were sent may have closed streams. */
        run_queue(h2);
    }
    bool is_over =
        conn->is_ended || conn->is_closing || (h2->said_goaway && h2->count == 0) ||
        (!nghttp2_session_want_read(h2->session) && !nghttp2_session_want_write(h2->session));
    if (conn->is_broken || (is_over && !nghttp2_session_want_write(h2->session)) ||
        conn->is_ended || conn->is_closing)
        run_broken(conn);
}

/* ---- Time --------------------------------------------------------------------------------- */

static bool is_late(uint64_t now_ns, uint64_t since_ns, uint64_t timeout_ns)
{
    return now_ns > since_ns && now_ns - since_ns >= timeout_ns;
}

static void look_at(struct http_exchange *exchange)
{
    const struct http_config *config = &exchange->conn->server->config;
    const struct http_stream *stream = exchange->stream;
    uint64_t now = exchange->conn->server->now_ns;
    bool is_stuck =
        http_buffer_used(&stream->out) > 0 || exchange->is_finished || exchange->wants_room;
    bool is_slow = false;
    if (exchange->wants_body) {
        uint64_t waited = exchange->waited_ns + (now - exchange->wait_since_ns);
        is_slow = is_late(now, exchange->wait_since_ns, config->body_timeout_ns) ||
                  (config->body_rate_min > 0 && waited > HTTP_RATE_GRACE_NS &&
                   exchange->body_bytes / (waited / 1000000000u) < config->body_rate_min);
    }
    if (is_stuck && is_late(now, stream->sent_ns, config->send_timeout_ns)) {
        exchange->conn->server->stats.timeouts++;
        exchange->is_finished = false;
        exchange->is_aborted = true;
        http_h2_touch(exchange);
    } else if (is_slow) {
        exchange->conn->server->stats.timeouts++;
        exchange->refusal = 408;
        http_h2_touch(exchange);
    }
}

void http_h2_look(struct http_conn *conn)
{
    struct http_h2 *h2 = conn->h2;
    uint64_t now = conn->server->now_ns;
    if (h2->head_since_ns != 0 &&
        is_late(now, h2->head_since_ns, conn->server->config.head_timeout_ns)) {
        conn->server->stats.timeouts++;
        conn->is_broken = true;
        return;
    }
    for (struct http_exchange *each = h2->exchanges; each; each = each->stream->next_open)
        look_at(each);
}
