/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A handler that passes its request on: x-authority says to whom (without it to the application itself),
 * x-path what is asked, x-ask a header that goes along. Its own answer is the other's, with the number of
 * its headers as x-headers; where there is none, the number of the error.
 */
#include "stint_http.h"

#define TYPES "wasi:http/types@0.2.0"
GUEST_IMPORT(TYPES, "[constructor]fields") uint32_t fields_new(void);
GUEST_IMPORT(TYPES, "[method]fields.append")
void fields_append(uint32_t self, const char *name, size_t name_bytes, const char *value,
                   size_t bytes, uint8_t *result);
GUEST_IMPORT(TYPES, "[method]fields.entries") void fields_entries(uint32_t self, uint32_t *result);
GUEST_IMPORT(TYPES, "[constructor]outgoing-request") uint32_t request_new(uint32_t fields);
GUEST_IMPORT(TYPES, "[method]outgoing-request.set-method")
uint32_t set_method(uint32_t self, uint32_t method, const char *text, size_t bytes);
GUEST_IMPORT(TYPES, "[method]outgoing-request.set-scheme")
uint32_t set_scheme(uint32_t self, uint32_t has, uint32_t scheme, const char *text, size_t bytes);
GUEST_IMPORT(TYPES, "[method]outgoing-request.set-authority")
uint32_t set_authority(uint32_t self, uint32_t has, const char *text, size_t bytes);
GUEST_IMPORT(TYPES, "[method]outgoing-request.set-path-with-query")
uint32_t set_path(uint32_t self, uint32_t has, const char *text, size_t bytes);
GUEST_IMPORT(TYPES, "[method]outgoing-request.body") void get_body(uint32_t self, uint32_t *result);
GUEST_IMPORT(TYPES, "[method]outgoing-body.write") void body_write(uint32_t self, uint32_t *result);
GUEST_IMPORT(TYPES, "[static]outgoing-body.finish")
void body_finish(uint32_t self, uint32_t has, uint32_t trailers, uint8_t *result);
GUEST_IMPORT("wasi:io/streams@0.2.0", "[method]output-stream.blocking-write-and-flush")
void write_and_flush(uint32_t self, const char *data, size_t bytes, uint32_t *result);
GUEST_IMPORT("wasi:io/streams@0.2.0", "[resource-drop]output-stream")
void output_drop(uint32_t self);
GUEST_IMPORT("wasi:http/outgoing-handler@0.2.0", "handle")
void handle(uint32_t request, uint32_t has_options, uint32_t options, uint8_t *result);
GUEST_IMPORT(TYPES, "[method]future-incoming-response.subscribe") uint32_t subscribe(uint32_t self);
GUEST_IMPORT(TYPES, "[method]future-incoming-response.get")
void get(uint32_t self, uint8_t *result);
GUEST_IMPORT(TYPES, "[method]incoming-response.status") uint32_t status_of(uint32_t self);
GUEST_IMPORT(TYPES, "[method]incoming-response.headers") uint32_t headers_of(uint32_t self);
GUEST_IMPORT(TYPES, "[method]incoming-response.consume")
void consume(uint32_t self, uint32_t *result);
GUEST_IMPORT(TYPES, "[method]incoming-body.stream")
void body_stream(uint32_t self, uint32_t *result);
GUEST_IMPORT("wasi:io/streams@0.2.0", "[method]input-stream.blocking-read")
void blocking_read(uint32_t self, uint64_t bytes, uint32_t *result);
GUEST_IMPORT("wasi:io/streams@0.2.0", "[resource-drop]input-stream")
void input_drop(uint32_t self);
GUEST_IMPORT("wasi:io/poll@0.2.0", "[method]pollable.block") void pollable_block(uint32_t self);
GUEST_IMPORT("wasi:io/poll@0.2.0", "[resource-drop]pollable") void pollable_drop(uint32_t self);

enum { POST = 2, HTTP = 0 };

static uint64_t area[16];
static uint32_t words[4];

static void put_error(struct http_response *response, unsigned number)
{
    char text[] = {'e', (char)('0' + number / 10), (char)('0' + number % 10), '\n'};
    http_start(response, 200);
    http_write(response, (struct guest_text){text, sizeof(text)});
}

static void append(uint32_t fields, struct guest_text name, struct guest_text value)
{
    uint8_t result[8];
    if (value.text != NULL)
        fields_append(fields, name.text, name.bytes, value.text, value.bytes, result);
}

static uint32_t make(struct http_request *request)
{
    struct guest_text authority = http_header(request, GUEST_TEXT("x-authority"));
    struct guest_text path = http_header(request, GUEST_TEXT("x-path"));
    uint32_t fields = fields_new();
    append(fields, GUEST_TEXT("x-ask"), http_header(request, GUEST_TEXT("x-ask")));
    append(fields, GUEST_TEXT("x-authority"), authority);
    append(fields, GUEST_TEXT("x-path"), path);
    append(fields, GUEST_TEXT("traceparent"), http_header(request, GUEST_TEXT("x-trace")));
    append(fields, GUEST_TEXT("spin-client-addr"), GUEST_TEXT("9.9.9.9:9"));
    uint32_t outgoing = request_new(fields);
    set_method(outgoing, POST, NULL, 0);
    if (authority.text != NULL) {
        set_scheme(outgoing, 1, HTTP, NULL, 0);
        set_authority(outgoing, 1, authority.text, authority.bytes);
    }
    set_path(outgoing, 1, path.text, path.bytes);
    return outgoing;
}

static void send_body(struct http_request *request, uint32_t body)
{
    struct guest_text piece;
    body_write(body, words);
    uint32_t stream = words[1];
    while ((piece = http_read(request, 4096)).bytes > 0)
        write_and_flush(stream, piece.text, piece.bytes, words);
    output_drop(stream);
    body_finish(body, 0, 0, (uint8_t *)area);
}

static void put_header_count(struct http_response *response, uint32_t incoming)
{
    fields_entries(headers_of(incoming), words);
    char text[] = {(char)('0' + words[1] / 100), (char)('0' + words[1] / 10 % 10),
                   (char)('0' + words[1] % 10)};
    (void)http_set_header(response, GUEST_TEXT("x-headers"), (struct guest_text){text, 3});
}

static void pass_back(struct http_response *response, uint32_t incoming)
{
    put_header_count(response, incoming);
    consume(incoming, words);
    body_stream(words[1], words);
    uint32_t stream = words[1];
    http_start(response, (uint16_t)status_of(incoming));
    for (;;) {
        blocking_read(stream, 4096, words);
        if (words[0] != 0)
            break;
        struct guest_text piece = {(const char *)(uintptr_t)words[1], words[2]};
        if (!http_write(response, piece))
            break;
        guest_free_given();
    }
    input_drop(stream);
}

void http_handle(struct http_request *request, struct http_response *response)
{
    uint8_t *result = (uint8_t *)area;
    uint32_t outgoing = make(request);
    get_body(outgoing, words);
    uint32_t body = words[1];
    handle(outgoing, 0, 0, result);
    if (result[0] != 0) {
        put_error(response, result[8]);
        return;
    }
    uint32_t future = (uint32_t)area[1];
    send_body(request, body);
    uint32_t pollable = subscribe(future);
    pollable_block(pollable);
    pollable_drop(pollable);
    get(future, result);
    if (result[16] != 0)
        put_error(response, result[24]);
    else
        pass_back(response, (uint32_t)area[3]);
}
