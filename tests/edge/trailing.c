/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A handler whose responses are a little off, for the tests of the server: the request's header
 * `x-want` says how. "trailers": body and trailers are the request's; "length …": content-length is
 * that, the body five bytes; "status …"; "unread": the request's body is left where it is; "dropped":
 * no end.
 */
#include "stint_wasm.h"

#define TYPES "wasi:http/types@0.2.0"
#define STREAMS "wasi:io/streams@0.2.0"
GUEST_IMPORT(TYPES, "[method]incoming-request.headers") uint32_t headers_of(uint32_t self);
GUEST_IMPORT(TYPES, "[method]incoming-request.consume")
void consume(uint32_t self, uint32_t *result);
GUEST_IMPORT(TYPES, "[method]incoming-body.stream") void stream_of(uint32_t self, uint32_t *result);
GUEST_IMPORT(TYPES, "[static]incoming-body.finish") uint32_t incoming_finish(uint32_t self);
GUEST_IMPORT(TYPES, "[method]future-trailers.subscribe") uint32_t subscribe(uint32_t self);
GUEST_IMPORT(TYPES, "[method]future-trailers.get")
void get_trailers(uint32_t self, uint64_t *result);
GUEST_IMPORT(TYPES, "[method]fields.get")
void fields_get(uint32_t self, const char *name, size_t bytes, uint32_t *result);
GUEST_IMPORT(TYPES, "[method]fields.append")
void fields_append(uint32_t self, const char *name, size_t name_bytes, const char *value,
                   size_t bytes, uint32_t *result);
GUEST_IMPORT(TYPES, "[method]fields.clone") uint32_t fields_clone(uint32_t self);
GUEST_IMPORT(TYPES, "[constructor]fields") uint32_t fields_new(void);
GUEST_IMPORT(TYPES, "[constructor]outgoing-response") uint32_t response_new(uint32_t fields);
GUEST_IMPORT(TYPES, "[method]outgoing-response.set-status-code")
uint32_t set_status(uint32_t self, uint32_t status);
GUEST_IMPORT(TYPES, "[method]outgoing-response.body")
void response_body(uint32_t self, uint32_t *result);
GUEST_IMPORT(TYPES, "[method]outgoing-body.write") void body_write(uint32_t self, uint32_t *result);
GUEST_IMPORT(TYPES, "[static]outgoing-body.finish")
void body_finish(uint32_t self, uint32_t has, uint32_t trailers, uint64_t *result);
GUEST_IMPORT(TYPES, "[static]response-outparam.set")
void outparam_set(uint32_t out, uint32_t tag, uint32_t response, uint32_t a, uint64_t b, uint32_t c,
                  uint32_t d, uint32_t e, uint32_t f);
GUEST_IMPORT(STREAMS, "[method]input-stream.blocking-read")
void blocking_read(uint32_t self, uint64_t bytes, uint32_t *result);
GUEST_IMPORT(STREAMS, "[resource-drop]input-stream") void input_drop(uint32_t self);
GUEST_IMPORT(STREAMS, "[method]output-stream.blocking-write-and-flush")
void write_and_flush(uint32_t self, const char *text, size_t bytes, uint32_t *result);
GUEST_IMPORT(STREAMS, "[resource-drop]output-stream") void output_drop(uint32_t self);
GUEST_IMPORT("wasi:io/poll@0.2.0", "[method]pollable.block") void block(uint32_t self);
GUEST_IMPORT("wasi:io/poll@0.2.0", "[resource-drop]pollable") void pollable_drop(uint32_t self);

static uint64_t room[8];
static uint32_t words[4];

/* Its body goes to `to`; its trailers are the result, 0 where there are none. */
static uint32_t pass_request(uint32_t request, uint32_t to)
{
    consume(request, words);
    uint32_t body = words[1], result[4];
    stream_of(body, words);
    uint32_t stream = words[1];
    for (;;) {
        blocking_read(stream, 4096, words);
        if ((words[0] & 0xff) != 0)
            break;
        write_and_flush(to, (const char *)(uintptr_t)words[1], words[2], result);
        guest_free_given();
    }
    input_drop(stream);
    uint32_t future = incoming_finish(body), pollable = subscribe(future);
    block(pollable);
    pollable_drop(pollable);
    get_trailers(future, room);
    /* option<result<result<option<trailers>, …>>> at 0, 8, 16, 24 */
    return (uint8_t)room[3] != 0 ? (uint32_t)(room[3] >> 32) : 0;
}

static uint32_t number(struct guest_text text)
{
    uint32_t value = 0;
    for (size_t i = 0; i < text.bytes; i++) {
        if (text.text[i] >= '0' && text.text[i] <= '9')
            value = value * 10 + (uint32_t)(text.text[i] - '0');
    }
    return value;
}

GUEST_EXPORT("wasi:http/incoming-handler@0.2.0#handle") void handle(uint32_t request, uint32_t out)
{
    struct guest_text want = {"?", 1};
    uint32_t fields = fields_new(), trailers = 0;
    fields_get(headers_of(request), "x-want", 6, words);
    if (words[1] > 0)
        want = *(const struct guest_text *)(uintptr_t)words[0];
    if (want.text[0] == 'l')
        fields_append(fields, "content-length", 14, want.text + 7, want.bytes - 7, words);
    uint32_t response = response_new(fields);
    if (want.text[0] == 's')
        set_status(response, number(want));
    response_body(response, words);
    uint32_t body = words[1];
    outparam_set(out, 0, response, 0, 0, 0, 0, 0, 0);
    body_write(body, words);
    uint32_t stream = words[1];
    if (want.text[0] == 't')
        trailers = pass_request(request, stream);
    else
        write_and_flush(stream, "12345", 5, words);
    output_drop(stream);
    if (trailers != 0)
        trailers = fields_clone(trailers);
    if (want.text[0] != 'd')
        body_finish(body, trailers != 0, trailers, room);
}
