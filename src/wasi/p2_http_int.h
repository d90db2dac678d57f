/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of wasi:http: messages, their parts, and errors. */
#ifndef WASI_P2_HTTP_INT_H
#define WASI_P2_HTTP_INT_H

#include <stdatomic.h>

#include "wasi/host_pipe.h"
#include "wasi/p2_http.h"
#include "wasi/p2_stream.h"

/* ---- Errors ------------------------------------------------------------------------------ */

/* The cases of error-code that we give; p2_http_error.c has the names of all. */
enum p2_http_code {
    P2_HTTP_DNS_TIMEOUT = 0,
    P2_HTTP_DNS_ERROR = 1,
    P2_HTTP_DESTINATION_UNAVAILABLE = 3,
    P2_HTTP_IP_PROHIBITED = 4,
    P2_HTTP_CONNECTION_REFUSED = 6,
    P2_HTTP_CONNECTION_TERMINATED = 7,
    P2_HTTP_CONNECTION_TIMEOUT = 8,
    P2_HTTP_READ_TIMEOUT = 9,
    P2_HTTP_CONNECTION_LIMIT_REACHED = 11,
    P2_HTTP_TLS_PROTOCOL = 12,
    P2_HTTP_TLS_CERTIFICATE = 13,
    P2_HTTP_REQUEST_DENIED = 15,
    P2_HTTP_REQUEST_BODY_SIZE = 17,
    P2_HTTP_URI_INVALID = 19,
    P2_HTTP_RESPONSE_INCOMPLETE = 25,
    P2_HTTP_RESPONSE_BODY_SIZE = 28,
    P2_HTTP_RESPONSE_TIMEOUT = 33,
    P2_HTTP_PROTOCOL = 35,
    P2_HTTP_LOOP_DETECTED = 36,
    P2_HTTP_CONFIGURATION = 37,
    P2_HTTP_INTERNAL = 38,
    P2_HTTP_CODE_COUNT,
};

/* What a pipe fails with: not 0. */
static inline uint8_t p2_pipe_code(uint8_t http_code)
{
    return (uint8_t)(http_code + 1);
}

/* The `error` of the first candidate at `at`: case, then its text at 4; 12 bytes. */
MUST_CHECK enum stint_status p2_put_error_oct(struct host_component_call *call, uint8_t code,
                                              uint8_t *at);

/* ---- Header fields ----------------------------------------------------------------------- */

/* All bytes of one list of fields, and their number. */
enum { P2_FIELDS_BYTES_MAX = 1 << 20 };

struct p2_field_list {
    struct p2_header *items; /* name and value of each in one block, or in `texts` */
    size_t capacity, count;
    size_t total_bytes;
    char *texts; /* what p2_field_list_reserve made room for */
    size_t texts_used, texts_bytes;
};

void p2_field_list_free(struct alloc *alloc, struct p2_field_list *list);
/* For a new list: room for so many fields, so that adding them allocates nothing. `bytes` are those of
 * all names and values, and one for each field; past P2_FIELDS_BYTES_MAX it makes no room. */
MUST_CHECK enum stint_status p2_field_list_reserve(struct alloc *alloc, struct p2_field_list *list,
                                                   size_t count, size_t bytes);
/* Copies; STINT_LIMIT past P2_FIELDS_BYTES_MAX. */
MUST_CHECK enum stint_status p2_field_list_add(struct alloc *alloc, struct p2_field_list *list,
                                               const char *name, size_t name_bytes,
                                               const void *value, size_t value_bytes);
MUST_CHECK enum stint_status p2_field_list_copy(struct alloc *alloc,
                                                const struct p2_field_list *from,
                                                struct p2_field_list *to);
/* `from` is empty afterwards, as `to` was before; both have the same allocator. */
void p2_field_list_move(struct p2_field_list *from, struct p2_field_list *to);
/* The number that a content-length says; false when there is none, or it is none. */
bool p2_field_list_length(const struct p2_field_list *list, uint64_t *ret_bytes);

struct p2_fields {
    struct p2_object base;
    struct p2_field_list list;
    bool is_immutable;
};
void p2_fields_end(struct wasi_p2 *wasi, struct p2_object *object);
/* A new fields object with copies. */
MUST_CHECK enum stint_status p2_fields_make(struct host_component_call *call,
                                            const struct p2_field_list *from,
                                            struct p2_fields **ret_fields);
/* Traps for a list that is too long; else ends the call. */
MUST_CHECK enum stint_status p2_fields_failed(struct host_component_call *call,
                                              enum stint_status status);
/* Whether it is a token (RFC 9110, 5.6.2), as names of fields and methods are. */
bool p2_is_token(const char *text, size_t bytes);

struct host_http_job;

/* ---- Bodies ------------------------------------------------------------------------------ */

/* What an outgoing message shares with who sends it, and an incoming one with who receives it. */
struct p2_body {
    atomic_uint references;
    struct alloc *alloc;
    struct host_pipe *pipe;
    struct p2_field_list trailers; /* final once the pipe is at its end */
    struct host_http_job *source;  /* of a response; NULL: none */
    void (*source_end)(void *source);
};

/* Fetches the trailers of a response whose body is at its end. */
MUST_CHECK enum stint_status p2_body_take_trailers(struct p2_body *body);

/* With a pipe of its own, or the one given, which is retained. NULL: no memory. */
struct p2_body *p2_body_create(struct alloc *alloc, struct host_pipe *pipe, size_t limit_bytes);
struct p2_body *p2_body_retain(struct p2_body *body);
void p2_body_release(struct p2_body *body); /* accepts NULL */

struct p2_incoming_body {
    struct p2_object base;
    struct p2_body *body;
    bool has_stream;
};
struct p2_future_trailers {
    struct p2_object base;
    struct p2_body *body;
    bool is_taken;
};
struct p2_outgoing_body {
    struct p2_object base;
    struct p2_body *body;
    uint64_t expected_bytes;
    bool has_expected, is_request, has_stream, is_finished;
};
void p2_incoming_body_end(struct wasi_p2 *wasi, struct p2_object *object);
void p2_future_trailers_end(struct wasi_p2 *wasi, struct p2_object *object);
void p2_outgoing_body_end(struct wasi_p2 *wasi, struct p2_object *object);

/* result<own, _> at `pointer`: a new handle for `object`, or the error when it is NULL. */
MUST_CHECK enum stint_status p2_put_object(struct host_component_call *call, uint64_t pointer,
                                           struct p2_object *object);
/* result<incoming-body> for `body`, unless `*is_taken`. */
MUST_CHECK enum stint_status p2_consume_body(struct host_component_call *call, uint64_t pointer,
                                             struct p2_body *body, bool *is_taken);
/* result<outgoing-body>, the body made then; nothing but the error the second time. */
MUST_CHECK enum stint_status p2_open_body(struct host_component_call *call, uint64_t pointer,
                                          const struct p2_fields *headers, bool is_request,
                                          struct p2_body **body);

/* ---- Messages ---------------------------------------------------------------------------- */

/* A text of its own, or NULL. */
struct p2_text {
    char *text;
    size_t bytes;
};
void p2_text_free(struct alloc *alloc, struct p2_text *text);
MUST_CHECK bool p2_text_set(struct alloc *alloc, struct p2_text *text, const char *value,
                            size_t bytes);

/* method at `pointer`; option<scheme>; option<string>. */
MUST_CHECK enum stint_status p2_put_method(struct host_component_call *call, uint64_t pointer,
                                           const struct p2_text *method);
MUST_CHECK enum stint_status p2_put_scheme(struct host_component_call *call, uint64_t pointer,
                                           const struct p2_text *scheme);
MUST_CHECK enum stint_status p2_put_text(struct host_component_call *call, uint64_t pointer,
                                         const struct p2_text *text);

struct p2_exchange {
    atomic_uint references;
    struct alloc *alloc;
    size_t bytes; /* of its block, with the texts behind it */
    struct wasi_p2 *wasi;
    struct p2_text method, scheme, authority, path;
    struct p2_field_list headers; /* until the guest asks for them */
    struct p2_body *request_body; /* NULL: none yet */
    struct p2_response response;
    struct p2_field_list response_headers;
    struct p2_body *response_body;
    bool is_open;
};

struct p2_incoming_request {
    struct p2_object base;
    struct p2_exchange *exchange;
    struct p2_fields *headers; /* made when first asked for; retained */
    bool is_consumed;
};
struct p2_response_outparam {
    struct p2_object base;
    struct p2_exchange *exchange;
};
struct p2_outgoing_request {
    struct p2_object base;
    struct p2_text method, scheme, authority, path;
    struct p2_fields *headers; /* immutable from then on */
    struct p2_body *body;
};
struct p2_outgoing_response {
    struct p2_object base;
    struct p2_fields *headers;
    struct p2_body *body;
    uint16_t status;
};
struct p2_request_options {
    struct p2_object base;
    struct {
        bool is_set;
        uint64_t ns;
    } connect, first_byte, between_bytes;
};
struct p2_incoming_response {
    struct p2_object base;
    struct p2_fields *headers;
    struct p2_body *body;
    uint16_t status;
    bool is_consumed;
};
struct p2_future_response {
    struct p2_object base;
    struct host_http_job *job; /* NULL: the response has it */
    bool is_taken;
};
void p2_incoming_request_end(struct wasi_p2 *wasi, struct p2_object *object);
void p2_outparam_end(struct wasi_p2 *wasi, struct p2_object *object);
void p2_outgoing_request_end(struct wasi_p2 *wasi, struct p2_object *object);
void p2_outgoing_response_end(struct wasi_p2 *wasi, struct p2_object *object);
void p2_incoming_response_end(struct wasi_p2 *wasi, struct p2_object *object);
void p2_future_response_end(struct wasi_p2 *wasi, struct p2_object *object);

#endif
