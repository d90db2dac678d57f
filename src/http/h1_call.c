/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1.1 messages to and from another server. */
#include "http/h1_parse_int.h"
#include "http/http_conn_int.h"
#include "http/http_peer_int.h"

enum { OUT_BYTES_MAX = 1 << 20, ROOM_BYTES_MIN = 1024, CHUNK_BYTES_MAX = 32 << 10 };

const char *http_failure_text(enum http_call_failure failure)
{
    static const char *const texts[] = {
#define X(name, text) text,
        HTTP_CALL_FAILURES(X)
#undef X
    };
    return texts[failure];
}

void call_fail(struct http_call *call, enum http_call_failure failure, const char *detail)
{
    if (call->state >= HTTP_CALL_DONE)
        return;
    call->state = HTTP_CALL_FAILED;
    call->failure = failure;
    call->detail = detail;
    if (call->conn != NULL)
        peer_release(call->conn, false);
    peer_mark(call);
}

bool call_waits(const struct http_call *call)
{
    bool sends = call->out_at < call->out.bytes;
    if (call->state == HTTP_CALL_SENDS)
        return sends || call->is_request_whole;
    return call->state == HTTP_CALL_ANSWERS && (sends || call->wants_body);
}

static void saw_bytes(struct http_call *call)
{
    call->since_ms = uv_now(call->peer->loop);
}

/* ---- The request ------------------------------------------------------------------------- */

static size_t unsent(const struct http_call *call)
{
    return call->out.bytes - call->out_at;
}

/* What a repetition will need stays. */
static void compact(struct http_call *call)
{
    if (call->may_repeat || call->out_at == 0)
        return;
    if (unsent(call) > 0 && call->out_at < PEER_SEND_BYTES_MAX)
        return;
    size_t left = unsent(call);
    memmove(call->out.data, call->out.data + call->out_at, left);
    call->out.bytes = left;
    call->out_at = 0;
}

static void flush(struct http_call *call)
{
    while (call->conn != NULL && unsent(call) > 0) {
        size_t sent = 0;
        enum os_error error =
            peer_send(call->conn, call->out.data + call->out_at, unsent(call), &sent);
        if (error == OS_AGAIN)
            break;
        if (error != OS_OK) {
            /* It may have answered all the same, and that is read; nothing more is sent. */
            call->is_request_whole = true;
            call->keeps = false;
            call->out_at = call->out.bytes;
            break;
        }
        call->out_at += sent;
        saw_bytes(call);
    }
    compact(call);
}

static bool is_target(const char *path)
{
    size_t bytes = strlen(path);
    return bytes > 0 && h1_scan_target((const uint8_t *)path, 0, (uint32_t)bytes) == bytes;
}

static bool put_header(struct buf *out, const struct http_header *header)
{
    if (!http_header_is_fit(header))
        return true;
    (void)buf_append(out, header->name, header->name_bytes);
    (void)buf_append_string(out, ": ");
    (void)buf_append(out, header->value, header->value_bytes);
    return buf_append_string(out, "\r\n");
}

static bool put_request(struct http_call *call, const struct http_call_request *request)
{
    struct buf *out = &call->out;
    (void)buf_append_format(out, "%s ", request->method);
    (void)buf_append_string(out, request->path);
    (void)buf_append_string(out, " HTTP/1.1\r\n");
    for (size_t i = 0; i < request->header_count; i++)
        (void)put_header(out, &request->headers[i]);
    if (call->is_chunked)
        (void)buf_append_string(out, "transfer-encoding: chunked\r\n");
    else if (request->length != HTTP_LENGTH_UNKNOWN)
        (void)buf_append_format(out, "content-length: %llu\r\n",
                                (unsigned long long)request->length);
    return buf_append_string(out, "\r\n") && !out->failed;
}

/* RFC 9110, 9.2.2. */
static bool is_idempotent(const char *method)
{
    static const char *const methods[] = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"};
    for (size_t i = 0; i < COUNT_OF(methods); i++) {
        if (strcmp(method, methods[i]) == 0)
            return true;
    }
    return false;
}

struct http_call *http_call_begin(struct http_peer *peer, const struct http_call_request *request,
                                  void (*progress)(void *env), void *env)
{
    struct http_call *call = alloc_get_zeroed(&alloc_root, 1, sizeof(*call));
    if (call == NULL)
        return NULL;
    call->peer = peer;
    call->progress = progress;
    call->env = env;
    call->detail = "";
    call->has_body = request->has_body;
    call->is_request_whole = !request->has_body;
    call->is_chunked = request->has_body && request->length == HTTP_LENGTH_UNKNOWN;
    call->may_repeat = !request->has_body && is_idempotent(request->method);
    call->keeps = true;
    call->kind = strcmp(request->method, "HEAD") == 0 ? H1_RESPONSE_TO_HEAD : H1_RESPONSE;
    h1_head_init(&call->head, call->kind, call->fields, PEER_FIELDS_MAX);
    buf_init(&call->out, &alloc_root, OUT_BYTES_MAX);
    saw_bytes(call);
    if (!is_target(request->path) || !put_request(call, request)) {
        buf_free(&call->out);
        alloc_put(&alloc_root, call, sizeof(*call));
        return NULL;
    }
    call->next = peer->calls;
    call->before = &peer->calls;
    if (peer->calls != NULL)
        peer->calls->before = &call->next;
    peer->calls = call;
    peer_connect(call, true);
    return call;
}

void http_call_free(struct http_call *call)
{
    if (call == NULL)
        return;
    struct peer_conn *conn = call->conn;
    bool is_kept = call->state == HTTP_CALL_DONE && call->is_request_whole && call->keeps &&
                   unsent(call) == 0;
    if (conn != NULL)
        peer_release(conn, is_kept && conn->at == conn->end);
    if (call->is_dirty)
        peer_unmark(call);
    *call->before = call->next;
    if (call->next != NULL)
        call->next->before = call->before;
    buf_free(&call->out);
    alloc_put(&alloc_root, call, sizeof(*call));
}

size_t http_call_room(const struct http_call *call)
{
    bool is_open = call->state == HTTP_CALL_SENDS || call->state == HTTP_CALL_ANSWERS;
    size_t waiting = unsent(call);
    if (!is_open || call->is_request_whole || waiting + ROOM_BYTES_MIN > PEER_SEND_BYTES_MAX)
        return 0;
    size_t room = PEER_SEND_BYTES_MAX - waiting;
    return room < CHUNK_BYTES_MAX ? room : CHUNK_BYTES_MAX;
}

void http_call_write(struct http_call *call, const void *data, size_t bytes)
{
    if (call->is_request_whole || call->conn == NULL || bytes == 0)
        return;
    if (call->is_chunked)
        (void)buf_append_format(&call->out, "%zx\r\n", bytes);
    (void)buf_append(&call->out, data, bytes);
    if (call->is_chunked)
        (void)buf_append_string(&call->out, "\r\n");
    if (call->out.failed) {
        call_fail(call, HTTP_FAILURE_MEMORY, "");
        return;
    }
    flush(call);
    peer_watch(call->conn);
}

void http_call_finish(struct http_call *call, const struct http_header *trailers, size_t count)
{
    if (call->is_request_whole || call->conn == NULL)
        return;
    if (call->is_chunked) {
        (void)buf_append_string(&call->out, "0\r\n");
        for (size_t i = 0; i < count; i++)
            (void)put_header(&call->out, &trailers[i]);
        (void)buf_append_string(&call->out, "\r\n");
    }
    call->is_request_whole = true;
    saw_bytes(call);
    if (call->out.failed) {
        call_fail(call, HTTP_FAILURE_MEMORY, "");
        return;
    }
    flush(call);
    peer_watch(call->conn);
}

void call_connected(struct http_call *call)
{
    call->state = HTTP_CALL_SENDS;
    saw_bytes(call);
    flush(call);
    if (!call->is_request_whole)
        peer_mark(call);
}

void call_writable(struct http_call *call)
{
    flush(call);
    if (http_call_room(call) > 0)
        peer_mark(call);
}

/* ---- The head of the response ------------------------------------------------------------ */

/* Whether `name` is among the words of the value. */
static bool names(const uint8_t *data, struct h1_slice value, struct h1_slice name)
{
    uint32_t end = value.at + value.bytes;
    for (uint32_t at = value.at; at < end; at++) {
        uint32_t stop = at;
        while (stop < end && data[stop] != ',' && data[stop] != ' ' && data[stop] != '\t')
            stop++;
        bool is_equal = stop - at == name.bytes;
        for (uint32_t i = 0; i < name.bytes && is_equal; i++)
            is_equal = (data[at + i] | 0x20) == (data[name.at + i] | 0x20);
        if (is_equal)
            return true;
        at = stop;
    }
    return false;
}

static bool is_for_one_hop(const struct h1_lines *lines, const uint8_t *data,
                           const struct h1_field *field)
{
    if (field->known != H1_OTHER)
        return field->known != H1_HOST;
    if (h1_equals(data, field->name, "keep-alive") ||
        h1_equals(data, field->name, "proxy-connection"))
        return true;
    for (uint32_t i = 0; i < lines->field_count; i++) {
        if (lines->fields[i].known == H1_CONNECTION &&
            names(data, lines->fields[i].value, field->name))
            return true;
    }
    return false;
}

static size_t take_fields(const struct h1_lines *lines, uint8_t *data,
                          struct http_header headers[PEER_FIELDS_MAX])
{
    size_t count = 0;
    for (uint32_t i = 0; i < lines->field_count; i++) {
        const struct h1_field *field = &lines->fields[i];
        if (is_for_one_hop(lines, data, field))
            continue;
        uint8_t *name = data + field->name.at;
        for (uint32_t k = 0; k < field->name.bytes; k++)
            name[k] |= name[k] >= 'A' && name[k] <= 'Z' ? 0x20 : 0;
        headers[count++] = (struct http_header){.name = (const char *)name,
                                                .value = (const char *)data + field->value.at,
                                                .name_bytes = field->name.bytes,
                                                .value_bytes = field->value.bytes};
    }
    return count;
}

static const struct h1_limits *limits(void)
{
    static const struct h1_limits of_responses = {.head_bytes = PEER_HEAD_BYTES_MAX,
                                                  .target_bytes = 1,
                                                  .method_bytes = 1,
                                                  .extension_bytes = 16 << 10,
                                                  .trailer_bytes = 16 << 10,
                                                  .body_bytes = UINT64_MAX};
    return &of_responses;
}

static void take_head(struct http_call *call)
{
    struct peer_conn *conn = call->conn;
    struct h1_head *head = &call->head;
    conn->at += head->head_bytes;
    call->response.status = head->status;
    call->response.header_count = take_fields(&head->lines, conn->data, call->headers);
    call->response.headers = call->headers;
    call->response.length = head->has_length ? head->content_length : HTTP_LENGTH_UNKNOWN;
    call->keeps = call->keeps && head->keep_alive && head->framing != H1_UNTIL_CLOSE;
    call->state = HTTP_CALL_ANSWERS;
    call->may_repeat = false;
    enum h1_result result = h1_body_init(&call->body, head, limits());
    if (result == H1_BAD) {
        call_fail(call, HTTP_FAILURE_MALFORMED, call->body.why);
        return;
    }
    call->is_body_read = result == H1_DONE;
    if (call->is_body_read && call->response.length == HTTP_LENGTH_UNKNOWN &&
        call->kind == H1_RESPONSE)
        call->response.length = 0;
    peer_mark(call);
}

/* Interim responses are passed over; 101 was never asked for. */
static void parse_head(struct http_call *call)
{
    struct peer_conn *conn = call->conn;
    for (;;) {
        enum h1_result result =
            h1_head_parse(&call->head, limits(), conn->data, conn->end);
        if (result == H1_MORE)
            return;
        if (result == H1_BAD || call->head.status == 101) {
            call_fail(call, HTTP_FAILURE_MALFORMED,
                      result == H1_BAD ? call->head.lines.why : "it switches protocols");
            return;
        }
        if (call->head.status >= 200) {
            take_head(call);
            return;
        }
        conn->end -= call->head.head_bytes;
        memmove(conn->data, conn->data + call->head.head_bytes, conn->end);
        h1_head_init(&call->head, call->kind, call->fields, PEER_FIELDS_MAX);
    }
}

/* Before a head: where the connection was kept for long, it may have ended just then. */
static void closed_early(struct http_call *call, enum os_error error)
{
    struct peer_conn *conn = call->conn;
    if (!conn->is_reused || call->has_received || !call->may_repeat) {
        call_fail(call, HTTP_FAILURE_CLOSED, error ? os_error_text(error) : "");
        return;
    }
    peer_release(conn, false);
    call->state = HTTP_CALL_CONNECTS;
    call->is_request_whole = true;
    call->keeps = true;
    call->out_at = 0;
    peer_connect(call, false);
}

void call_readable(struct http_call *call)
{
    struct peer_conn *conn = call->conn;
    size_t bytes = 0;
    call->wants_body = false;
    if (call->state == HTTP_CALL_ANSWERS) {
        peer_mark(call);
        return;
    }
    if (!peer_reserve(conn)) {
        call_fail(call, HTTP_FAILURE_MALFORMED, "its head is too large");
        return;
    }
    enum os_error error = peer_receive(conn, &bytes);
    if (error == OS_AGAIN)
        return;
    if (error != OS_OK || bytes == 0) {
        closed_early(call, error);
        return;
    }
    call->has_received = true;
    saw_bytes(call);
    parse_head(call);
}

/* ---- The body of the response ------------------------------------------------------------ */

/* With what is there; false: that does not do. */
static bool parse_trailer(struct http_call *call)
{
    struct peer_conn *conn = call->conn;
    if (!call->is_in_trailer) {
        call->is_in_trailer = true;
        conn->end -= conn->at;
        memmove(conn->data, conn->data + conn->at, conn->end);
        conn->at = 0;
        h1_trailer_init(&call->trailer_lines, call->fields, PEER_FIELDS_MAX);
    }
    enum h1_result result =
        h1_trailer_parse(&call->trailer_lines, limits(), conn->data, conn->end);
    if (result == H1_MORE)
        return false;
    if (result == H1_BAD) {
        call_fail(call, HTTP_FAILURE_MALFORMED, call->trailer_lines.why);
        return true;
    }
    conn->at = call->trailer_lines.at;
    call->trailer_count = take_fields(&call->trailer_lines, conn->data, call->headers);
    call->state = HTTP_CALL_DONE;
    return true;
}

static bool parse_body(struct http_call *call)
{
    struct peer_conn *conn = call->conn;
    const uint8_t *piece = NULL;
    size_t used = 0, bytes = 0;
    if (call->is_body_read && call->body.has_trailer)
        return parse_trailer(call);
    if (call->is_body_read) {
        call->state = HTTP_CALL_DONE;
        return true;
    }
    if (conn->at == conn->end)
        return false;
    enum h1_result result = h1_body_next(&call->body, conn->data + conn->at, conn->end - conn->at,
                                         &used, &piece, &bytes);
    if (result == H1_BAD) {
        call_fail(call, HTTP_FAILURE_MALFORMED, call->body.why);
        return true;
    }
    conn->at += (uint32_t)used;
    call->piece_bytes = (uint32_t)bytes;
    if (bytes > 0)
        call->piece_at = (uint32_t)(piece - conn->data);
    call->is_body_read = result == H1_DONE;
    return true;
}

/* False: nothing is there now, or it failed. */
static bool receive_body(struct http_call *call)
{
    size_t bytes = 0;
    if (!peer_reserve(call->conn)) {
        call_fail(call, HTTP_FAILURE_MALFORMED, "its trailers are too large");
        return false;
    }
    enum os_error error = peer_receive(call->conn, &bytes);
    call->wants_body = error == OS_AGAIN;
    if (error == OS_AGAIN)
        return false;
    if (error == OS_OK && bytes > 0) {
        saw_bytes(call);
        return true;
    }
    if (error == OS_OK && call->head.framing == H1_UNTIL_CLOSE)
        call->state = HTTP_CALL_DONE;
    else
        call_fail(call, HTTP_FAILURE_CLOSED, error ? os_error_text(error) : "");
    return false;
}

size_t http_call_body(struct http_call *call, const uint8_t **ret_data)
{
    while (call->state == HTTP_CALL_ANSWERS && call->piece_bytes == 0) {
        if (!parse_body(call) && !receive_body(call))
            break;
    }
    if (call->conn == NULL)
        return 0;
    peer_watch(call->conn);
    *ret_data = call->conn->data + call->piece_at;
    return call->piece_bytes;
}

void http_call_take(struct http_call *call, size_t bytes)
{
    call->piece_at += (uint32_t)bytes;
    call->piece_bytes -= (uint32_t)bytes;
}

void http_call_again(struct http_call *call)
{
    peer_mark_later(call);
}

/* ---- What it is at ----------------------------------------------------------------------- */

enum http_call_state http_call_state(const struct http_call *call)
{
    return call->state;
}

enum http_call_failure http_call_failure(const struct http_call *call, const char **ret_detail)
{
    if (ret_detail != NULL)
        *ret_detail = call->detail;
    return call->failure;
}

const struct http_call_head *http_call_head(const struct http_call *call)
{
    return &call->response;
}

const struct http_header *http_call_trailers(const struct http_call *call, size_t *ret_count)
{
    *ret_count = call->trailer_count;
    return call->headers;
}
