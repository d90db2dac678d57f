/* SPDX-License-Identifier: Apache-2.0 */
/* A handler that makes a request: x-scheme, x-authority and x-times say to whom and how often; x-send-NAME
 * what its header NAME is, of traceparent and tracestate; x-fields how many fields it has besides. */
#include "stint_http.h"

GUEST_IMPORT("wasi:http/types@0.2.0", "[constructor]fields") uint32_t fields_new(void);
GUEST_IMPORT("wasi:http/types@0.2.0", "[method]fields.append")
void fields_append(uint32_t self, const char *name, size_t name_bytes, const char *value,
                   size_t value_bytes, uint8_t *result);
GUEST_IMPORT("wasi:http/types@0.2.0", "[constructor]outgoing-request")
uint32_t request_new(uint32_t fields);
GUEST_IMPORT("wasi:http/types@0.2.0", "[method]outgoing-request.set-scheme")
uint32_t set_scheme(uint32_t self, uint32_t has, uint32_t scheme, const char *text, size_t bytes);
GUEST_IMPORT("wasi:http/types@0.2.0", "[method]outgoing-request.set-authority")
uint32_t set_authority(uint32_t self, uint32_t has, const char *text, size_t bytes);
GUEST_IMPORT("wasi:http/outgoing-handler@0.2.0", "handle")
void handle(uint32_t request, uint32_t has_options, uint32_t options, uint8_t *result);
GUEST_IMPORT("wasi:http/types@0.2.0", "[method]future-incoming-response.subscribe")
uint32_t subscribe(uint32_t self);
GUEST_IMPORT("wasi:http/types@0.2.0", "[method]future-incoming-response.get")
void get(uint32_t self, uint8_t *result);
GUEST_IMPORT("wasi:http/types@0.2.0", "[method]incoming-response.status")
uint32_t status_of(uint32_t self);
GUEST_IMPORT("wasi:http/types@0.2.0", "[resource-drop]incoming-response")
void response_drop(uint32_t self);
GUEST_IMPORT("wasi:http/types@0.2.0", "[resource-drop]future-incoming-response")
void future_drop(uint32_t self);
GUEST_IMPORT("wasi:io/poll@0.2.0", "[method]pollable.block") void pollable_block(uint32_t self);
GUEST_IMPORT("wasi:io/poll@0.2.0", "[resource-drop]pollable") void pollable_drop(uint32_t self);

static uint64_t area[16];

static void put(struct http_response *response, char kind, unsigned number)
{
    char text[5] = {kind, (char)('0' + number / 100), (char)('0' + number / 10 % 10),
                    (char)('0' + number % 10), '\n'};
    http_write(response, (struct guest_text){text, sizeof(text)});
}

static unsigned number_of(struct guest_text text)
{
    unsigned number = 0;
    for (size_t i = 0; i < text.bytes; i++)
        number = number * 10 + (unsigned)(text.text[i] - '0');
    return number;
}

static void send_header(struct http_request *request, uint32_t fields, struct guest_text from,
                        struct guest_text name)
{
    struct guest_text value = http_header(request, from);
    if (value.text != NULL)
        fields_append(fields, name.text, name.bytes, value.text, value.bytes, (uint8_t *)area);
}

static void ask(struct http_request *request, struct http_response *response, bool keeps)
{
    struct guest_text scheme = http_header(request, GUEST_TEXT("x-scheme"));
    struct guest_text authority = http_header(request, GUEST_TEXT("x-authority"));
    uint8_t *result = (uint8_t *)area;
    uint32_t fields = fields_new();
    send_header(request, fields, GUEST_TEXT("x-send-traceparent"), GUEST_TEXT("TraceParent"));
    send_header(request, fields, GUEST_TEXT("x-send-tracestate"), GUEST_TEXT("tracestate"));
    if (http_header(request, GUEST_TEXT("x-copy")).text != NULL)
        send_header(request, fields, GUEST_TEXT("traceparent"), GUEST_TEXT("traceparent"));
    for (unsigned left = number_of(http_header(request, GUEST_TEXT("x-fields"))); left > 0; left--)
        fields_append(fields, "x-field", 7, "1", 1, result);
    uint32_t outgoing = request_new(fields);
    set_scheme(outgoing, 1, guest_text_equal(scheme, GUEST_TEXT("https")), NULL, 0);
    set_authority(outgoing, 1, authority.text, authority.bytes);
    handle(outgoing, 0, 0, result);
    if (result[0] != 0) {
        put(response, 'e', result[8]);
        return;
    }
    uint32_t future = (uint32_t)area[1], pollable = subscribe(future);
    pollable_block(pollable);
    pollable_drop(pollable);
    get(future, result);
    if (result[16] != 0) {
        put(response, 'e', result[24]);
    } else {
        uint32_t incoming = (uint32_t)area[3];
        put(response, 's', status_of(incoming));
        if (!keeps)
            response_drop(incoming);
    }
    if (!keeps)
        future_drop(future);
}

void http_handle(struct http_request *request, struct http_response *response)
{
    struct guest_text times = http_header(request, GUEST_TEXT("x-times"));
    bool keeps = http_header(request, GUEST_TEXT("x-keep")).text != NULL;
    unsigned count = times.bytes > 0 ? (unsigned)(times.text[0] - '0') : 1;
    http_start(response, 200);
    for (unsigned i = 0; i < count; i++)
        ask(request, response, keeps);
}
