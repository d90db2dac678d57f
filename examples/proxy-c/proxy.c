/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passes each request on to the server of the variable `upstream`, and its answer back, both while they
 * come in: what is in memory is what is on its way. An upstream may answer before it has read everything.
 *
 * The guest kit's stint_http.h serves handlers that answer by themselves; this one speaks wasi:http's
 * canonical ABI, so that bodies go from stream to stream without passing through the guest's memory.
 */
#include "stint_wasm.h"

#define TYPES "wasi:http/types@0.2.0"
#define STREAMS "wasi:io/streams@0.2.0"
#define POLL "wasi:io/poll@0.2.0"
#define TEXT const char *text, size_t bytes

typedef uint32_t handle;

/* Where results are put that are more than one value: a discriminant first, then the payload. */
union area {
    uint8_t bytes[64];
    uint32_t words[16];
    uint64_t longs[8];
};
struct field {
    struct guest_text name, value;
};

GUEST_IMPORT("fermyon:spin/variables@2.0.0", "get") void variable(TEXT, union area *result);

GUEST_IMPORT(TYPES, "[method]incoming-request.method") void method_of(handle, union area *result);
GUEST_IMPORT(TYPES, "[method]incoming-request.path-with-query")
void path_of(handle, union area *result);
GUEST_IMPORT(TYPES, "[method]incoming-request.headers") handle headers_of(handle);
GUEST_IMPORT(TYPES, "[method]incoming-request.consume")
void request_consume(handle, union area *result);
GUEST_IMPORT(TYPES, "[method]incoming-body.stream") void body_in(handle, union area *result);

GUEST_IMPORT(TYPES, "[constructor]fields") handle fields_new(void);
GUEST_IMPORT(TYPES, "[method]fields.entries") void fields_entries(handle, union area *result);
GUEST_IMPORT(TYPES, "[method]fields.append")
void fields_append(handle, TEXT, const char *value, size_t value_bytes, union area *result);
GUEST_IMPORT(TYPES, "[resource-drop]fields") void fields_drop(handle);

GUEST_IMPORT(TYPES, "[constructor]outgoing-request") handle request_new(handle fields);
GUEST_IMPORT(TYPES, "[method]outgoing-request.set-method")
uint32_t set_method(handle, uint32_t method, TEXT);
GUEST_IMPORT(TYPES, "[method]outgoing-request.set-path-with-query")
uint32_t set_path(handle, uint32_t has, TEXT);
GUEST_IMPORT(TYPES, "[method]outgoing-request.set-scheme")
uint32_t set_scheme(handle, uint32_t has, uint32_t scheme, TEXT);
GUEST_IMPORT(TYPES, "[method]outgoing-request.set-authority")
uint32_t set_authority(handle, uint32_t has, TEXT);
GUEST_IMPORT(TYPES, "[method]outgoing-request.body")
void request_body(handle, union area *result);
GUEST_IMPORT("wasi:http/outgoing-handler@0.2.0", "handle")
void send_request(handle, uint32_t has_options, handle options, union area *result);
GUEST_IMPORT(TYPES, "[method]future-incoming-response.subscribe") handle future_subscribe(handle);
GUEST_IMPORT(TYPES, "[method]future-incoming-response.get")
void future_get(handle, union area *result);
GUEST_IMPORT(TYPES, "[method]incoming-response.status") uint32_t status_of(handle);
GUEST_IMPORT(TYPES, "[method]incoming-response.headers") handle answer_headers(handle);
GUEST_IMPORT(TYPES, "[method]incoming-response.consume")
void answer_consume(handle, union area *result);

GUEST_IMPORT(TYPES, "[constructor]outgoing-response") handle response_new(handle fields);
GUEST_IMPORT(TYPES, "[method]outgoing-response.set-status-code")
uint32_t set_status(handle, uint32_t status);
GUEST_IMPORT(TYPES, "[method]outgoing-response.body")
void response_body(handle, union area *result);
GUEST_IMPORT(TYPES, "[static]response-outparam.set")
void outparam_set(handle out, uint32_t tag, handle response, uint32_t a, uint64_t b, uint32_t c,
                  uint32_t d, uint32_t e, uint32_t f);
GUEST_IMPORT(TYPES, "[method]outgoing-body.write") void body_out(handle, union area *result);
GUEST_IMPORT(TYPES, "[static]outgoing-body.finish")
void body_finish(handle, uint32_t has_trailers, handle trailers, union area *result);
GUEST_IMPORT(TYPES, "[resource-drop]outgoing-body") void body_drop(handle);

GUEST_IMPORT(STREAMS, "[method]output-stream.check-write")
void check_write(handle, union area *result);
GUEST_IMPORT(STREAMS, "[method]output-stream.splice")
void splice(handle to, handle from, uint64_t bytes, union area *result);
GUEST_IMPORT(STREAMS, "[method]output-stream.flush") void flush(handle, union area *result);
GUEST_IMPORT(STREAMS, "[method]output-stream.blocking-write-and-flush")
void write_all(handle, TEXT, union area *result);
GUEST_IMPORT(STREAMS, "[method]output-stream.subscribe") handle output_subscribe(handle);
GUEST_IMPORT(STREAMS, "[method]input-stream.subscribe") handle input_subscribe(handle);
GUEST_IMPORT(STREAMS, "[resource-drop]output-stream") void output_drop(handle);
GUEST_IMPORT(STREAMS, "[resource-drop]input-stream") void input_drop(handle);
GUEST_IMPORT(POLL, "poll") void poll_all(const handle *pollables, size_t count, union area *result);
GUEST_IMPORT(POLL, "[resource-drop]pollable") void pollable_drop(handle);

enum { PIECE_BYTES_MAX = 65536, METHOD_GET = 0, METHOD_HEAD = 1, SCHEME_HTTP = 0, SCHEME_HTTPS = 1 };

/* ---- Texts ------------------------------------------------------------------------------- */

static struct guest_text text_at(const union area *area, size_t word)
{
    return (struct guest_text){(const char *)(uintptr_t)area->words[word], area->words[word + 1]};
}

static bool skip(struct guest_text *text, struct guest_text start)
{
    if (text->bytes < start.bytes ||
        !guest_text_equal((struct guest_text){text->text, start.bytes}, start))
        return false;
    text->text += start.bytes;
    text->bytes -= start.bytes;
    return true;
}

/* ---- Header fields ----------------------------------------------------------------------- */

/* What this server told the guest, or what is between the client and this server. */
static bool is_ours(struct guest_text name)
{
    return guest_text_equal(name, GUEST_TEXT("expect")) || skip(&name, GUEST_TEXT("spin-"));
}

/* A copy, which may be sent: append refuses those of the connection (host, transfer-encoding, ...).
 * Says whether there is a content-length. */
static handle copy_fields(handle from, bool *ret_has_length)
{
    union area area, ignored;
    handle to = fields_new();
    fields_entries(from, &area);
    const struct field *fields = (const struct field *)(uintptr_t)area.words[0];
    *ret_has_length = false;
    for (uint32_t i = 0; i < area.words[1]; i++) {
        struct guest_text name = fields[i].name, value = fields[i].value;
        *ret_has_length |= guest_text_equal(name, GUEST_TEXT("content-length"));
        if (!is_ours(name))
            fields_append(to, name.text, name.bytes, value.text, value.bytes, &ignored);
    }
    fields_drop(from);
    return to;
}

/* ---- Bodies ------------------------------------------------------------------------------ */

/* A body on its way, from stream to stream. */
struct pipe {
    handle from, to, body; /* `body` is that of `to` */
    bool is_open, is_dirty;
};

/* A body that broke off is not finished, so that the other side learns of it. */
static void pipe_close(struct pipe *pipe, bool is_whole)
{
    union area area;
    if (!pipe->is_open)
        return;
    pipe->is_open = false;
    input_drop(pipe->from);
    output_drop(pipe->to);
    if (is_whole)
        body_finish(pipe->body, 0, 0, &area);
    else
        body_drop(pipe->body);
}

/* Moves what can be moved now; what to wait for then, or 0 at the end. */
static handle pipe_move(struct pipe *pipe)
{
    union area area;
    for (;;) {
        check_write(pipe->to, &area);
        if (area.bytes[0] == 0 && area.longs[1] == 0)
            return output_subscribe(pipe->to);
        if (area.bytes[0] == 0)
            splice(pipe->to, pipe->from,
                   area.longs[1] < PIECE_BYTES_MAX ? area.longs[1] : PIECE_BYTES_MAX, &area);
        if (area.bytes[0] != 0) {
            pipe_close(pipe, area.bytes[8] == 1); /* closed, and not last-operation-failed */
            return 0;
        }
        if (area.longs[1] > 0) {
            pipe->is_dirty = true;
        } else if (pipe->is_dirty) {
            pipe->is_dirty = false;
            flush(pipe->to, &area);
        } else {
            return input_subscribe(pipe->from);
        }
    }
}

/* ---- The answer -------------------------------------------------------------------------- */

static void refuse(handle out, uint32_t status, struct guest_text why)
{
    union area area;
    handle response = response_new(fields_new());
    (void)set_status(response, status);
    response_body(response, &area);
    handle body = area.words[1];
    outparam_set(out, 0, response, 0, 0, 0, 0, 0, 0);
    body_out(body, &area);
    handle stream = area.words[1];
    write_all(stream, why.text, why.bytes, &area);
    output_drop(stream);
    body_finish(body, 0, 0, &area);
}

/* Begins the answer with what the upstream's begins with. */
static void begin_answer(handle answer, handle out, struct pipe *down)
{
    union area area;
    bool has_length;
    handle response = response_new(copy_fields(answer_headers(answer), &has_length));
    (void)set_status(response, status_of(answer));
    response_body(response, &area);
    down->body = area.words[1];
    outparam_set(out, 0, response, 0, 0, 0, 0, 0, 0);
    body_out(down->body, &area);
    down->to = area.words[1];
    answer_consume(answer, &area);
    body_in(area.words[1], &area);
    down->from = area.words[1];
    down->is_open = true;
}

/* Until the answer is there, and then until it is over. */
static void pass_on(handle future, handle out, struct pipe *up)
{
    struct pipe down = {.is_open = false};
    bool is_answered = false;
    union area area;
    do {
        handle waits[3];
        size_t count = 0;
        if (up->is_open && (waits[count] = pipe_move(up)) != 0)
            count++;
        if (down.is_open && (waits[count] = pipe_move(&down)) != 0)
            count++;
        if (!is_answered)
            waits[count++] = future_subscribe(future);
        if (!is_answered || down.is_open)
            poll_all(waits, count, &area);
        while (count > 0)
            pollable_drop(waits[--count]);
        guest_free_given();
        if (is_answered)
            continue;
        future_get(future, &area);
        is_answered = area.bytes[0] != 0;
        if (is_answered && area.bytes[16] == 0)
            begin_answer(area.words[6], out, &down);
        else if (is_answered)
            refuse(out, 502, GUEST_TEXT("The upstream does not answer.\n"));
    } while (!is_answered || down.is_open);
    pipe_close(up, false); /* whoever has answered needs no more of it */
}

/* ---- The request ------------------------------------------------------------------------- */

/* The request that is sent, without its body; 0: `upstream` is no URL. */
static handle make_request(handle request, bool *ret_has_body)
{
    union area method, path, area;
    variable("upstream", 8, &area);
    struct guest_text upstream = text_at(&area, 1);
    bool is_https = area.bytes[0] == 0 && skip(&upstream, GUEST_TEXT("https://"));
    if (area.bytes[0] != 0 || (!is_https && !skip(&upstream, GUEST_TEXT("http://"))))
        return 0;
    if (upstream.bytes > 0 && upstream.text[upstream.bytes - 1] == '/')
        upstream.bytes--;
    handle self = request_new(copy_fields(headers_of(request), ret_has_body));
    method_of(request, &method);
    path_of(request, &path);
    struct guest_text other = text_at(&method, 1), target = text_at(&path, 1);
    (void)set_method(self, method.bytes[0], other.text, other.bytes);
    (void)set_path(self, path.bytes[0], target.text, target.bytes);
    (void)set_scheme(self, 1, is_https ? SCHEME_HTTPS : SCHEME_HTTP, NULL, 0);
    if (set_authority(self, 1, upstream.text, upstream.bytes) != 0)
        return 0;
    *ret_has_body |= method.bytes[0] != METHOD_GET && method.bytes[0] != METHOD_HEAD;
    return self;
}

GUEST_EXPORT("wasi:http/incoming-handler@0.2.0#handle")
void http_enter(handle request, handle out)
{
    union area area;
    struct pipe up = {.is_open = false};
    bool has_body;
    handle sent = make_request(request, &has_body);
    if (sent == 0) {
        refuse(out, 500, GUEST_TEXT("The variable 'upstream' is to be http://HOST:PORT.\n"));
        return;
    }
    if (has_body) {
        request_body(sent, &area);
        up.body = area.words[1];
        body_out(up.body, &area);
        up.to = area.words[1];
        request_consume(request, &area);
        body_in(area.words[1], &area);
        up.from = area.words[1];
        up.is_open = true;
    }
    send_request(sent, 0, 0, &area);
    if (area.bytes[0] != 0) {
        pipe_close(&up, false);
        refuse(out, 502, GUEST_TEXT("The upstream may not be reached: see allowed_outbound_hosts.\n"));
    } else {
        pass_on(area.words[2], out, &up);
    }
    guest_free_given();
}
