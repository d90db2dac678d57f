/* SPDX-License-Identifier: Apache-2.0 */
/* wasi:http/types: the messages that a guest makes, and what requests consist of. */
#include "wasi/p2_http_int.h"

static const char *const methods[] = {"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                      "CONNECT", "OPTIONS", "TRACE", "PATCH"};
static const char *const schemes[] = {"http", "https"};
enum { METHOD_OTHER = COUNT_OF(methods), SCHEME_OTHER = COUNT_OF(schemes) };

/* ---- To the guest ------------------------------------------------------------------------ */

/* A variant of known names and other(string): 0 case  4 text */
static enum stint_status put_case(struct host_component_call *call, uint8_t *at,
                                  const char *const *names, uint8_t count,
                                  const struct p2_text *text)
{
    while (at[0] < count && strcmp(names[at[0]], text->text) != 0)
        at[0]++;
    return at[0] < count ? STINT_OK : p2_put_string(call, text->text, text->bytes, at + 4);
}

enum stint_status p2_put_method(struct host_component_call *call, uint64_t pointer,
                                const struct p2_text *method)
{
    uint8_t *at;
    enum stint_status status = p2_result(call, pointer, 12, 4, &at);
    return status == STINT_OK ? put_case(call, at, methods, METHOD_OTHER, method) : status;
}

enum stint_status p2_put_scheme(struct host_component_call *call, uint64_t pointer,
                                const struct p2_text *scheme)
{
    uint8_t *at;
    enum stint_status status = p2_result(call, pointer, 16, 4, &at);
    if (status != STINT_OK || scheme->text == NULL)
        return status;
    at[0] = 1;
    return put_case(call, at + 4, schemes, SCHEME_OTHER, scheme);
}

enum stint_status p2_put_text(struct host_component_call *call, uint64_t pointer,
                              const struct p2_text *text)
{
    uint8_t *at;
    enum stint_status status = p2_result(call, pointer, 12, 4, &at);
    return status == STINT_OK ? p2_put_option_string(call, text->text, text->bytes, at) : status;
}

/* ---- From the guest ---------------------------------------------------------------------- */

typedef bool (*text_check)(const char *text, size_t bytes);

static bool is_authority(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        if ((uint8_t)text[i] <= ' ' || (uint8_t)text[i] >= 0x7f || strchr("/?#@\\", text[i]))
            return false;
    }
    return bytes > 0;
}

static bool is_path(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        if ((uint8_t)text[i] <= ' ' || text[i] == 0x7f || text[i] == '#')
            return false;
    }
    return bytes == 0 || text[0] == '/' || text[0] == '?' || (bytes == 1 && text[0] == '*');
}

static bool is_scheme(const char *text, size_t bytes)
{
    return p2_is_token(text, bytes) && memchr(text, '_', bytes) == NULL;
}

/* Sets `text` to the guest's string; false when it does not pass. */
static enum stint_status set_string(struct host_component_call *call, struct p2_text *text,
                                    uint64_t pointer, uint64_t units, text_check check,
                                    bool *ret_is_good)
{
    struct arena *arena = &p2_of(call)->arena;
    struct arena_mark mark = arena_mark(arena);
    struct wasm_name name;
    enum stint_status status = host_get_string(call, arena, p2_u32(pointer), p2_u32(units), &name);
    if (status == STINT_OK) {
        *ret_is_good = check(name.text, name.bytes);
        if (*ret_is_good && !p2_text_set(p2_of(call)->alloc, text, name.text, name.bytes))
            status = p2_no_memory(call);
    }
    arena_rewind(arena, mark);
    return status;
}

/* A variant in three slots: case, pointer, length. */
static enum stint_status set_case(struct host_component_call *call, struct p2_text *text,
                                  const uint64_t *slots, const char *const *names, uint8_t count,
                                  text_check check, bool *ret_is_good)
{
    uint32_t which = p2_u32(slots[0]);
    if (which > count)
        return p2_trap(call, "invalid variant discriminant");
    if (which == count)
        return set_string(call, text, slots[1], slots[2], check, ret_is_good);
    *ret_is_good = true;
    return p2_text_set(p2_of(call)->alloc, text, names[which], strlen(names[which]))
               ? STINT_OK
               : p2_no_memory(call);
}

static enum stint_status set_method(struct host_component_call *call,
                                    struct p2_outgoing_request *request, const uint64_t *slots,
                                    bool *ret_is_good)
{
    return set_case(call, &request->method, slots, methods, METHOD_OTHER, p2_is_token, ret_is_good);
}

/* option<scheme> and option<string>, the option first. */
static enum stint_status set_scheme(struct host_component_call *call,
                                    struct p2_outgoing_request *request, const uint64_t *slots,
                                    bool *ret_is_good)
{
    *ret_is_good = true;
    if (p2_u32(slots[0]) == 0) {
        p2_text_free(p2_of(call)->alloc, &request->scheme);
        return STINT_OK;
    }
    return set_case(call, &request->scheme, slots + 1, schemes, SCHEME_OTHER, is_scheme,
                    ret_is_good);
}

static enum stint_status set_option(struct host_component_call *call, struct p2_text *text,
                                    const uint64_t *slots, text_check check, bool *ret_is_good)
{
    *ret_is_good = true;
    if (p2_u32(slots[0]) == 0) {
        p2_text_free(p2_of(call)->alloc, text);
        return STINT_OK;
    }
    return set_string(call, text, slots[1], slots[2], check, ret_is_good);
}

/* ---- Outgoing requests ------------------------------------------------------------------- */

void p2_outgoing_request_end(struct wasi_p2 *wasi, struct p2_object *object)
{
    struct p2_outgoing_request *request = (struct p2_outgoing_request *)object;
    p2_text_free(wasi->alloc, &request->method);
    p2_text_free(wasi->alloc, &request->scheme);
    p2_text_free(wasi->alloc, &request->authority);
    p2_text_free(wasi->alloc, &request->path);
    if (request->headers != NULL)
        p2_release(wasi, &request->headers->base);
    p2_body_release(request->body);
}

/* Takes over the headers. */
static enum stint_status new_request(struct host_component_call *call, struct p2_fields *headers,
                                     struct p2_outgoing_request **ret_request)
{
    struct p2_outgoing_request *request;
    enum stint_status status = p2_new(call, P2_OUTGOING_REQUEST, &request);
    if (status != STINT_OK) {
        p2_release(p2_of(call), &headers->base);
        return status;
    }
    request->headers = headers;
    headers->is_immutable = true;
    if (!p2_text_set(p2_of(call)->alloc, &request->method, methods[0], strlen(methods[0]))) {
        p2_release(p2_of(call), &request->base);
        return p2_no_memory(call);
    }
    *ret_request = request;
    return STINT_OK;
}

enum stint_status p2_outgoing_request_new(struct host_component_call *call, uint64_t *slots)
{
    struct p2_fields *headers;
    struct p2_outgoing_request *request;
    enum stint_status status = p2_take(call, slots[0], P2_FIELDS, &headers);
    if (status == STINT_OK)
        status = new_request(call, headers, &request);
    return status == STINT_OK ? p2_return(call, &request->base, slots) : status;
}

/* method (3), option path (3), option scheme (4), option authority (3), borrowed headers */
enum stint_status p2_outgoing_request_new_oct(struct host_component_call *call, uint64_t *slots)
{
    struct p2_fields *headers, *copy;
    struct p2_outgoing_request *request;
    bool good[4] = {true, true, true, true};
    enum stint_status status = p2_get(call, slots[13], P2_FIELDS, &headers);
    if (status == STINT_OK)
        status = p2_fields_make(call, &headers->list, &copy);
    if (status == STINT_OK)
        status = new_request(call, copy, &request);
    if (status != STINT_OK)
        return status;
    status = set_method(call, request, slots, &good[0]);
    if (status == STINT_OK)
        status = set_option(call, &request->path, slots + 3, is_path, &good[1]);
    if (status == STINT_OK)
        status = set_scheme(call, request, slots + 6, &good[2]);
    if (status == STINT_OK)
        status = set_option(call, &request->authority, slots + 10, is_authority, &good[3]);
    if (status == STINT_OK && !(good[0] && good[1] && good[2] && good[3]))
        status = p2_trap(call, "a part of a request is not well-formed");
    if (status != STINT_OK) {
        p2_release(p2_of(call), &request->base);
        return status;
    }
    return p2_return(call, &request->base, slots);
}

static enum stint_status get_request(struct host_component_call *call, uint64_t handle,
                                     struct p2_outgoing_request **ret_request)
{
    return p2_get(call, handle, P2_OUTGOING_REQUEST, ret_request);
}

enum stint_status p2_outgoing_request_body(struct host_component_call *call, uint64_t *slots)
{
    struct p2_outgoing_request *request;
    enum stint_status status = get_request(call, slots[0], &request);
    return status == STINT_OK ? p2_open_body(call, slots[1], request->headers, true, &request->body)
                              : status;
}

enum stint_status p2_outgoing_request_method(struct host_component_call *call, uint64_t *slots)
{
    struct p2_outgoing_request *request;
    enum stint_status status = get_request(call, slots[0], &request);
    return status == STINT_OK ? p2_put_method(call, slots[1], &request->method) : status;
}

enum stint_status p2_outgoing_request_scheme(struct host_component_call *call, uint64_t *slots)
{
    struct p2_outgoing_request *request;
    enum stint_status status = get_request(call, slots[0], &request);
    return status == STINT_OK ? p2_put_scheme(call, slots[1], &request->scheme) : status;
}

enum stint_status p2_outgoing_request_path_with_query(struct host_component_call *call,
                                                      uint64_t *slots)
{
    struct p2_outgoing_request *request;
    enum stint_status status = get_request(call, slots[0], &request);
    return status == STINT_OK ? p2_put_text(call, slots[1], &request->path) : status;
}

enum stint_status p2_outgoing_request_authority(struct host_component_call *call, uint64_t *slots)
{
    struct p2_outgoing_request *request;
    enum stint_status status = get_request(call, slots[0], &request);
    return status == STINT_OK ? p2_put_text(call, slots[1], &request->authority) : status;
}

/* The setters: result<_, _> is 0 or 1. */
enum stint_status p2_outgoing_request_set_method(struct host_component_call *call, uint64_t *slots)
{
    struct p2_outgoing_request *request;
    bool is_good = false;
    enum stint_status status = get_request(call, slots[0], &request);
    if (status == STINT_OK)
        status = set_method(call, request, slots + 1, &is_good);
    slots[0] = !is_good;
    return status;
}

enum stint_status p2_outgoing_request_set_scheme(struct host_component_call *call, uint64_t *slots)
{
    struct p2_outgoing_request *request;
    bool is_good = false;
    enum stint_status status = get_request(call, slots[0], &request);
    if (status == STINT_OK)
        status = set_scheme(call, request, slots + 1, &is_good);
    slots[0] = !is_good;
    return status;
}

enum stint_status p2_outgoing_request_set_path_with_query(struct host_component_call *call,
                                                          uint64_t *slots)
{
    struct p2_outgoing_request *request;
    bool is_good = false;
    enum stint_status status = get_request(call, slots[0], &request);
    if (status == STINT_OK)
        status = set_option(call, &request->path, slots + 1, is_path, &is_good);
    slots[0] = !is_good;
    return status;
}

enum stint_status p2_outgoing_request_set_authority(struct host_component_call *call,
                                                    uint64_t *slots)
{
    struct p2_outgoing_request *request;
    bool is_good = false;
    enum stint_status status = get_request(call, slots[0], &request);
    if (status == STINT_OK)
        status = set_option(call, &request->authority, slots + 1, is_authority, &is_good);
    slots[0] = !is_good;
    return status;
}

static enum stint_status return_headers(struct host_component_call *call, struct p2_fields *headers,
                                        uint64_t *slots)
{
    p2_retain(&headers->base);
    return p2_return(call, &headers->base, slots);
}

enum stint_status p2_outgoing_request_headers(struct host_component_call *call, uint64_t *slots)
{
    struct p2_outgoing_request *request;
    enum stint_status status = get_request(call, slots[0], &request);
    return status == STINT_OK ? return_headers(call, request->headers, slots) : status;
}

/* ---- Options ----------------------------------------------------------------------------- */

enum stint_status p2_request_options_new(struct host_component_call *call, uint64_t *slots)
{
    struct p2_object *options;
    enum stint_status status = p2_new(call, P2_REQUEST_OPTIONS, &options);
    return status == STINT_OK ? p2_return(call, options, slots) : status;
}

enum which_time { TIME_CONNECT, TIME_FIRST_BYTE, TIME_BETWEEN_BYTES };

static enum stint_status find_time(struct host_component_call *call, uint64_t handle,
                                   enum which_time which, bool **ret_is_set, uint64_t **ret_ns)
{
    struct p2_request_options *options;
    enum stint_status status = p2_get(call, handle, P2_REQUEST_OPTIONS, &options);
    if (status != STINT_OK)
        return status;
    *ret_is_set = which == TIME_CONNECT      ? &options->connect.is_set
                  : which == TIME_FIRST_BYTE ? &options->first_byte.is_set
                                             : &options->between_bytes.is_set;
    *ret_ns = which == TIME_CONNECT      ? &options->connect.ns
              : which == TIME_FIRST_BYTE ? &options->first_byte.ns
                                         : &options->between_bytes.ns;
    return STINT_OK;
}

/* option<duration>: 0 case  8 nanoseconds */
static enum stint_status get_time(struct host_component_call *call, const uint64_t *slots,
                                  enum which_time which)
{
    bool *is_set;
    uint64_t *ns;
    uint8_t *at;
    enum stint_status status = find_time(call, slots[0], which, &is_set, &ns);
    if (status == STINT_OK)
        status = p2_result(call, slots[1], 16, 8, &at);
    if (status == STINT_OK && *is_set) {
        at[0] = 1;
        bytes_put64(at + 8, *ns);
    }
    return status;
}

static enum stint_status set_time(struct host_component_call *call, uint64_t *slots,
                                  enum which_time which)
{
    bool *is_set;
    uint64_t *ns;
    enum stint_status status = find_time(call, slots[0], which, &is_set, &ns);
    if (status != STINT_OK)
        return status;
    *is_set = p2_u32(slots[1]) != 0;
    *ns = slots[2];
    slots[0] = 0;
    return STINT_OK;
}

enum stint_status p2_request_options_connect_timeout(struct host_component_call *call,
                                                     uint64_t *slots)
{
    return get_time(call, slots, TIME_CONNECT);
}

enum stint_status p2_request_options_first_byte_timeout(struct host_component_call *call,
                                                        uint64_t *slots)
{
    return get_time(call, slots, TIME_FIRST_BYTE);
}

enum stint_status p2_request_options_between_bytes_timeout(struct host_component_call *call,
                                                           uint64_t *slots)
{
    return get_time(call, slots, TIME_BETWEEN_BYTES);
}

enum stint_status p2_request_options_set_connect_timeout(struct host_component_call *call,
                                                         uint64_t *slots)
{
    return set_time(call, slots, TIME_CONNECT);
}

enum stint_status p2_request_options_set_first_byte_timeout(struct host_component_call *call,
                                                            uint64_t *slots)
{
    return set_time(call, slots, TIME_FIRST_BYTE);
}

enum stint_status p2_request_options_set_between_bytes_timeout(struct host_component_call *call,
                                                               uint64_t *slots)
{
    return set_time(call, slots, TIME_BETWEEN_BYTES);
}

/* ---- Outgoing responses ------------------------------------------------------------------ */

enum { STATUS_OK = 200, STATUS_MIN = 100, STATUS_MAX = 999 };

void p2_outgoing_response_end(struct wasi_p2 *wasi, struct p2_object *object)
{
    struct p2_outgoing_response *response = (struct p2_outgoing_response *)object;
    if (response->headers != NULL)
        p2_release(wasi, &response->headers->base);
    p2_body_release(response->body);
}

/* Takes over the headers. */
static enum stint_status new_response(struct host_component_call *call, struct p2_fields *headers,
                                      uint16_t code, uint64_t *slots)
{
    struct p2_outgoing_response *response;
    enum stint_status status = p2_new(call, P2_OUTGOING_RESPONSE, &response);
    if (status != STINT_OK) {
        p2_release(p2_of(call), &headers->base);
        return status;
    }
    response->headers = headers;
    response->status = code;
    headers->is_immutable = true;
    return p2_return(call, &response->base, slots);
}

enum stint_status p2_outgoing_response_new(struct host_component_call *call, uint64_t *slots)
{
    struct p2_fields *headers;
    enum stint_status status = p2_take(call, slots[0], P2_FIELDS, &headers);
    return status == STINT_OK ? new_response(call, headers, STATUS_OK, slots) : status;
}

enum stint_status p2_outgoing_response_new_oct(struct host_component_call *call, uint64_t *slots)
{
    struct p2_fields *headers, *copy;
    uint32_t code = p2_u32(slots[0]);
    if (code < STATUS_MIN || code > STATUS_MAX)
        return p2_trap(call, "a status code is not one");
    enum stint_status status = p2_get(call, slots[1], P2_FIELDS, &headers);
    if (status == STINT_OK)
        status = p2_fields_make(call, &headers->list, &copy);
    return status == STINT_OK ? new_response(call, copy, (uint16_t)code, slots) : status;
}

static enum stint_status get_response(struct host_component_call *call, uint64_t handle,
                                      struct p2_outgoing_response **ret_response)
{
    return p2_get(call, handle, P2_OUTGOING_RESPONSE, ret_response);
}

enum stint_status p2_outgoing_response_status_code(struct host_component_call *call,
                                                   uint64_t *slots)
{
    struct p2_outgoing_response *response;
    enum stint_status status = get_response(call, slots[0], &response);
    if (status == STINT_OK)
        slots[0] = response->status;
    return status;
}

enum stint_status p2_outgoing_response_set_status_code(struct host_component_call *call,
                                                       uint64_t *slots)
{
    struct p2_outgoing_response *response;
    uint32_t code = p2_u32(slots[1]);
    bool is_good = code >= STATUS_MIN && code <= STATUS_MAX;
    enum stint_status status = get_response(call, slots[0], &response);
    if (status == STINT_OK && is_good)
        response->status = (uint16_t)code;
    slots[0] = !is_good;
    return status;
}

enum stint_status p2_outgoing_response_headers(struct host_component_call *call, uint64_t *slots)
{
    struct p2_outgoing_response *response;
    enum stint_status status = get_response(call, slots[0], &response);
    return status == STINT_OK ? return_headers(call, response->headers, slots) : status;
}

enum stint_status p2_outgoing_response_body(struct host_component_call *call, uint64_t *slots)
{
    struct p2_outgoing_response *response;
    enum stint_status status = get_response(call, slots[0], &response);
    return status == STINT_OK
               ? p2_open_body(call, slots[1], response->headers, false, &response->body)
               : status;
}

/* ---- Incoming responses ------------------------------------------------------------------ */

void p2_incoming_response_end(struct wasi_p2 *wasi, struct p2_object *object)
{
    struct p2_incoming_response *response = (struct p2_incoming_response *)object;
    if (response->headers != NULL)
        p2_release(wasi, &response->headers->base);
    if (response->body != NULL && !response->is_consumed)
        host_pipe_close(response->body->pipe);
    p2_body_release(response->body);
}

enum stint_status p2_incoming_response_status(struct host_component_call *call, uint64_t *slots)
{
    struct p2_incoming_response *response;
    enum stint_status status = p2_get(call, slots[0], P2_INCOMING_RESPONSE, &response);
    if (status == STINT_OK)
        slots[0] = response->status;
    return status;
}

enum stint_status p2_incoming_response_headers(struct host_component_call *call, uint64_t *slots)
{
    struct p2_incoming_response *response;
    enum stint_status status = p2_get(call, slots[0], P2_INCOMING_RESPONSE, &response);
    return status == STINT_OK ? return_headers(call, response->headers, slots) : status;
}

enum stint_status p2_incoming_response_consume(struct host_component_call *call, uint64_t *slots)
{
    struct p2_incoming_response *response;
    enum stint_status status = p2_get(call, slots[0], P2_INCOMING_RESPONSE, &response);
    return status == STINT_OK
               ? p2_consume_body(call, slots[1], response->body, &response->is_consumed)
               : status;
}
