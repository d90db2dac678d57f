/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP functions in C (world wasi:http/proxy@0.2.0): include this, write http_handle, link
 * stint_http.c, stint_wasm.c and, without a C library or for a smaller module, stint_alloc.c.
 *
 *     void http_handle(struct http_request *request, struct http_response *response)
 *     {
 *         http_respond(response, 200, GUEST_TEXT("text/plain"), GUEST_TEXT("Hello!"));
 *     }
 *
 * Texts that the functions below return stay until the handler ends. Names of headers may be in any case.
 */
#ifndef STINT_HTTP_H
#define STINT_HTTP_H

#include "stint_wasm.h"

struct http_request;
struct http_response;

/* Yours: called once a request. What it leaves unanswered becomes 500. */
void http_handle(struct http_request *request, struct http_response *response);

/* "GET"; "/path?query", text NULL where there is none; "example.org:8080". */
struct guest_text http_method(struct http_request *request);
struct guest_text http_path(struct http_request *request);
struct guest_text http_authority(struct http_request *request);
/* The first value of a header; text NULL where there is none. */
struct guest_text http_header(struct http_request *request, struct guest_text name);
/* The next piece of the body, of at most `bytes_max` bytes; waits for it. bytes 0: the end, or the
 * client went away (http_failed tells). */
struct guest_text http_read(struct http_request *request, size_t bytes_max);
bool http_failed(const struct http_request *request);

/*
 * Answers in one go. Or in pieces:
 *
 *     http_set_header(response, …);          before http_start
 *     http_start(response, 200);
 *     http_write(response, piece);           as often as there is something; waits while it is full
 *
 * The body ends with the handler. http_write is false once the client has gone away.
 */
void http_respond(struct http_response *response, uint16_t status, struct guest_text content_type,
                  struct guest_text body);
/* False when the host refuses the header: a name or value that HTTP does not allow. */
bool http_set_header(struct http_response *response, struct guest_text name,
                     struct guest_text value);
void http_start(struct http_response *response, uint16_t status);
bool http_write(struct http_response *response, struct guest_text piece);

#endif
