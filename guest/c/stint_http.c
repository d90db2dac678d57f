/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The canonical ABI's flat side of wasi:http@0.2.0, by hand. A result that is more than one value comes
 * through a pointer to an area whose shape is the type's: a discriminant first, the payload at its
 * alignment. Handles are 32-bit numbers, 0 is none.
 */
#include "stint_http.h"

#define TYPES "wasi:http/types@0.2.0"
#define STREAMS "wasi:io/streams@0.2.0"

typedef uint32_t handle;

/* result<own<…>>, result<list<u8>, stream-error>, option<string>, list<list<u8>>. */
struct area {
    uint32_t tag;
    union {
        struct {
            uint32_t text, bytes;
        };
        handle handle;
    };
    uint32_t more;
};
/* result<_, error-code>: 40 bytes, aligned to 8. */
struct error_area {
    _Alignas(8) uint8_t tag;
    uint8_t rest[39];
};
struct list {
    struct guest_text *items;
    size_t count;
};

enum { METHOD_OTHER = 9, OK = 0, WRITE_BYTES_MAX = 4096 };

GUEST_IMPORT(TYPES, "[method]incoming-request.method")
void request_method(handle request, struct area *result);
GUEST_IMPORT(TYPES, "[method]incoming-request.path-with-query")
void request_path(handle request, struct area *result);
GUEST_IMPORT(TYPES, "[method]incoming-request.authority")
void request_authority(handle request, struct area *result);
GUEST_IMPORT(TYPES, "[method]incoming-request.headers")
handle request_headers(handle request);
GUEST_IMPORT(TYPES, "[method]incoming-request.consume")
void request_consume(handle request, struct area *result);
GUEST_IMPORT(TYPES, "[resource-drop]incoming-request")
void request_drop(handle request);
GUEST_IMPORT(TYPES, "[method]incoming-body.stream")
void incoming_body_stream(handle body, struct area *result);
GUEST_IMPORT(TYPES, "[resource-drop]incoming-body")
void incoming_body_drop(handle body);
GUEST_IMPORT(STREAMS, "[method]input-stream.blocking-read")
void input_read(handle stream, uint64_t bytes_max, struct area *result);
GUEST_IMPORT(STREAMS, "[resource-drop]input-stream")
void input_drop(handle stream);
GUEST_IMPORT(TYPES, "[constructor]fields")
handle fields_new(void);
GUEST_IMPORT(TYPES, "[method]fields.get")
void fields_get(handle fields, const char *name, size_t bytes, struct list *result);
GUEST_IMPORT(TYPES, "[method]fields.append")
void fields_append(handle fields, const char *name, size_t name_bytes, const char *value,
                   size_t value_bytes, struct area *result);
GUEST_IMPORT(TYPES, "[resource-drop]fields")
void fields_drop(handle fields);
GUEST_IMPORT(TYPES, "[constructor]outgoing-response")
handle response_new(handle headers);
GUEST_IMPORT(TYPES, "[method]outgoing-response.set-status-code")
uint32_t response_set_status(handle response, uint32_t status);
GUEST_IMPORT(TYPES, "[method]outgoing-response.body")
void response_body(handle response, struct area *result);
GUEST_IMPORT(TYPES, "[method]outgoing-body.write")
void outgoing_body_write(handle body, struct area *result);
GUEST_IMPORT(TYPES, "[static]outgoing-body.finish")
void outgoing_body_finish(handle body, uint32_t has_trailers, handle trailers,
                          struct error_area *result);
GUEST_IMPORT(STREAMS, "[method]output-stream.blocking-write-and-flush")
void output_write(handle stream, const char *text, size_t bytes, struct area *result);
GUEST_IMPORT(STREAMS, "[resource-drop]output-stream")
void output_drop(handle stream);
GUEST_IMPORT("wasi:io/error@0.2.0", "[resource-drop]error")
void error_drop(handle error);
/* result<own<outgoing-response>, error-code>, flat. */
GUEST_IMPORT(TYPES, "[static]response-outparam.set")
void outparam_set(handle out, uint32_t tag, handle response, uint32_t a, uint64_t b, uint32_t c,
                  uint32_t d, uint32_t e, uint32_t f);

struct http_request {
    handle self, headers, body, stream;
    bool is_over, has_failed;
};

struct http_response {
    handle out, headers, body, stream;
    bool is_started, is_broken;
};

/* The tag is one byte; the three after it are whatever was there. */
static uint8_t tag_of(const struct area *area)
{
    return (uint8_t)area->tag;
}

static struct guest_text optional_text(const struct area *area)
{
    if (tag_of(area) == 0)
        return (struct guest_text){0};
    return (struct guest_text){(const char *)(uintptr_t)area->text, area->bytes};
}

/* stream-error: `last-operation-failed` carries an error, `closed` nothing. */
static void drop_stream_error(const struct area *area)
{
    if ((uint8_t)area->text == 0)
        error_drop(area->bytes);
}

/* ---- Requests ---------------------------------------------------------------------------- */

struct guest_text http_method(struct http_request *request)
{
    static const struct guest_text names[] = {
        GUEST_TEXT("GET"),     GUEST_TEXT("HEAD"),   GUEST_TEXT("POST"),
        GUEST_TEXT("PUT"),     GUEST_TEXT("DELETE"), GUEST_TEXT("CONNECT"),
        GUEST_TEXT("OPTIONS"), GUEST_TEXT("TRACE"),  GUEST_TEXT("PATCH"),
    };
    struct area area;
    request_method(request->self, &area);
    if (tag_of(&area) < METHOD_OTHER)
        return names[tag_of(&area)];
    return (struct guest_text){(const char *)(uintptr_t)area.text, area.bytes};
}

struct guest_text http_path(struct http_request *request)
{
    struct area area;
    request_path(request->self, &area);
    return optional_text(&area);
}

struct guest_text http_authority(struct http_request *request)
{
    struct area area;
    request_authority(request->self, &area);
    return optional_text(&area);
}

struct guest_text http_header(struct http_request *request, struct guest_text name)
{
    struct list values;
    if (request->headers == 0)
        request->headers = request_headers(request->self);
    fields_get(request->headers, name.text, name.bytes, &values);
    return values.count > 0 ? values.items[0] : (struct guest_text){0};
}

static void open_body(struct http_request *request)
{
    struct area area;
    request->is_over = true;
    request_consume(request->self, &area);
    if (tag_of(&area) != OK)
        return;
    request->body = area.handle;
    incoming_body_stream(request->body, &area);
    if (tag_of(&area) != OK)
        return;
    request->stream = area.handle;
    request->is_over = false;
}

struct guest_text http_read(struct http_request *request, size_t bytes_max)
{
    struct area area;
    if (request->stream == 0 && !request->is_over)
        open_body(request);
    if (request->is_over || bytes_max == 0)
        return (struct guest_text){0};
    input_read(request->stream, bytes_max, &area);
    if (tag_of(&area) == OK)
        return (struct guest_text){(const char *)(uintptr_t)area.text, area.bytes};
    request->is_over = true;
    request->has_failed = (uint8_t)area.text == 0;
    drop_stream_error(&area);
    return (struct guest_text){0};
}

bool http_failed(const struct http_request *request)
{
    return request->has_failed;
}

static void close_request(struct http_request *request)
{
    if (request->stream != 0)
        input_drop(request->stream);
    if (request->body != 0)
        incoming_body_drop(request->body);
    if (request->headers != 0)
        fields_drop(request->headers);
    request_drop(request->self);
}

/* ---- Responses --------------------------------------------------------------------------- */

bool http_set_header(struct http_response *response, struct guest_text name,
                     struct guest_text value)
{
    struct area area;
    if (response->is_started)
        return false;
    if (response->headers == 0)
        response->headers = fields_new();
    fields_append(response->headers, name.text, name.bytes, value.text, value.bytes, &area);
    return tag_of(&area) == OK;
}

void http_start(struct http_response *response, uint16_t status)
{
    struct area area;
    if (response->is_started)
        return;
    response->is_started = true;
    handle self = response_new(response->headers != 0 ? response->headers : fields_new());
    if (response_set_status(self, status) != OK)
        (void)response_set_status(self, 500);
    response_body(self, &area);
    response->body = area.handle;
    outparam_set(response->out, OK, self, 0, 0, 0, 0, 0, 0);
    outgoing_body_write(response->body, &area);
    response->stream = area.handle;
}

bool http_write(struct http_response *response, struct guest_text piece)
{
    struct area area;
    if (!response->is_started)
        http_start(response, 200);
    while (piece.bytes > 0 && !response->is_broken) {
        size_t bytes = piece.bytes < WRITE_BYTES_MAX ? piece.bytes : WRITE_BYTES_MAX;
        output_write(response->stream, piece.text, bytes, &area);
        if (tag_of(&area) != OK) {
            response->is_broken = true;
            drop_stream_error(&area);
        }
        piece.text += bytes;
        piece.bytes -= bytes;
    }
    return !response->is_broken;
}

void http_respond(struct http_response *response, uint16_t status, struct guest_text content_type,
                  struct guest_text body)
{
    if (content_type.bytes > 0)
        (void)http_set_header(response, GUEST_TEXT("content-type"), content_type);
    http_start(response, status);
    (void)http_write(response, body);
}

static void close_response(struct http_response *response)
{
    struct error_area area;
    if (!response->is_started)
        http_start(response, 500);
    output_drop(response->stream);
    outgoing_body_finish(response->body, 0, 0, &area);
}

GUEST_EXPORT("wasi:http/incoming-handler@0.2.0#handle")
void http_enter(handle request, handle out)
{
    struct http_request in = {.self = request};
    struct http_response answer = {.out = out};
    http_handle(&in, &answer);
    close_response(&answer);
    close_request(&in);
    guest_free_given();
}
