/* SPDX-License-Identifier: Apache-2.0 */
/* wasi:http for hosts that serve: requests that come in, and where their responses go. */
#include "wasi/p2_http_int.h"

/* ---- Texts ------------------------------------------------------------------------------- */

void p2_text_free(struct alloc *alloc, struct p2_text *text)
{
    alloc_put(alloc, text->text, text->text != NULL ? text->bytes + 1 : 0);
    *text = (struct p2_text){.text = NULL};
}

bool p2_text_set(struct alloc *alloc, struct p2_text *text, const char *value, size_t bytes)
{
    char *copy = NULL;
    if (value != NULL) {
        copy = alloc_get(alloc, bytes + 1);
        if (copy == NULL)
            return false;
        if (bytes > 0)
            memcpy(copy, value, bytes);
        copy[bytes] = '\0';
    }
    p2_text_free(alloc, text);
    *text = (struct p2_text){copy, bytes};
    return true;
}

/* ---- The host's side --------------------------------------------------------------------- */

/* With its texts behind it, in one block. */
static struct p2_exchange *create(struct alloc *alloc, const struct p2_request *request)
{
    const char *values[] = {request->method, request->scheme, request->authority,
                            request->path_with_query};
    struct p2_text texts[COUNT_OF(values)] = {{NULL, 0}};
    size_t bytes = sizeof(struct p2_exchange);
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        texts[i].bytes = values[i] != NULL ? strlen(values[i]) : 0;
        bytes += values[i] != NULL ? texts[i].bytes + 1 : 0;
    }
    struct p2_exchange *exchange = alloc_get(alloc, bytes);
    if (exchange == NULL)
        return NULL;
    char *at = (char *)(exchange + 1);
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        if (values[i] == NULL)
            continue;
        texts[i].text = memcpy(at, values[i], texts[i].bytes + 1);
        at += texts[i].bytes + 1;
    }
    *exchange = (struct p2_exchange){.alloc = alloc,
                                     .bytes = bytes,
                                     .method = texts[0],
                                     .scheme = texts[1],
                                     .authority = texts[2],
                                     .path = texts[3]};
    atomic_init(&exchange->references, 1);
    return exchange;
}

/* Of a request without one the body is made when it is asked for, which it hardly is. */
static bool make_body(struct p2_exchange *exchange, struct host_pipe *pipe)
{
    exchange->request_body = p2_body_create(exchange->alloc, pipe, 0);
    if (exchange->request_body != NULL && pipe == NULL)
        host_pipe_finish(exchange->request_body->pipe);
    return exchange->request_body != NULL;
}

static enum stint_status fill(struct p2_exchange *exchange, const struct p2_request *request)
{
    size_t bytes = 0;
    if (request->body != NULL && !make_body(exchange, request->body))
        return STINT_NOMEM;
    for (size_t i = 0; i < request->header_count; i++)
        bytes += (size_t)request->headers[i].name_bytes + 1 + request->headers[i].value_bytes;
    enum stint_status status = p2_field_list_reserve(exchange->alloc, &exchange->headers,
                                                     request->header_count, bytes);
    for (size_t i = 0; i < request->header_count && status == STINT_OK; i++) {
        const struct p2_header *header = &request->headers[i];
        status = p2_field_list_add(exchange->alloc, &exchange->headers, header->name,
                                   header->name_bytes, header->value, header->value_bytes);
    }
    if (status == STINT_OK)
        status = p2_exchange_add_trailers(exchange, request->trailers, request->trailer_count);
    return status;
}

enum stint_status p2_exchange_add_trailers(struct p2_exchange *exchange,
                                           const struct p2_header *trailers, size_t count)
{
    enum stint_status status = STINT_OK;
    if (count > 0 && exchange->request_body == NULL && !make_body(exchange, NULL))
        return STINT_NOMEM;
    for (size_t i = 0; i < count && status == STINT_OK; i++)
        status = p2_field_list_add(exchange->alloc, &exchange->request_body->trailers,
                                   trailers[i].name, trailers[i].name_bytes, trailers[i].value,
                                   trailers[i].value_bytes);
    return status;
}

enum stint_status p2_exchange_create(struct wasi_p2 *wasi, const struct p2_request *request,
                                     struct p2_exchange **ret_exchange, struct stint_error *error)
{
    struct p2_exchange *exchange = create(wasi->alloc, request);
    enum stint_status status = STINT_NOMEM;
    if (exchange != NULL) {
        exchange->wasi = wasi;
        status = fill(exchange, request);
    }
    if (status != STINT_OK) {
        p2_exchange_release(exchange);
        return error_set(error, status, STINT_NO_OFFSET,
                         status == STINT_LIMIT ? "the request's headers are too long"
                                               : "out of memory for a request");
    }
    *ret_exchange = exchange;
    return STINT_OK;
}

static struct p2_exchange *retain(struct p2_exchange *exchange)
{
    atomic_fetch_add_explicit(&exchange->references, 1, memory_order_relaxed);
    return exchange;
}

void p2_exchange_release(struct p2_exchange *exchange)
{
    if (exchange == NULL ||
        atomic_fetch_sub_explicit(&exchange->references, 1, memory_order_acq_rel) != 1)
        return;
    struct alloc *alloc = exchange->alloc;
    p2_field_list_free(alloc, &exchange->headers);
    p2_field_list_free(alloc, &exchange->response_headers);
    p2_body_release(exchange->request_body);
    p2_body_release(exchange->response_body);
    alloc_put(alloc, exchange, exchange->bytes);
}

enum stint_status p2_exchange_open(struct p2_exchange *exchange,
                                   struct p2_exchange_handles *ret_handles,
                                   struct stint_error *error)
{
    struct wasi_p2 *wasi = exchange->wasi;
    struct p2_object *request, *outparam;
    if (exchange->is_open)
        return error_set(error, STINT_ARGUMENT, STINT_NO_OFFSET, "a request is handled once");
    enum stint_status status = p2_new_object(wasi, P2_INCOMING_REQUEST, &request, error);
    if (status != STINT_OK)
        return status;
    ((struct p2_incoming_request *)request)->exchange = retain(exchange);
    status = p2_new_object(wasi, P2_RESPONSE_OUTPARAM, &outparam, error);
    if (status != STINT_OK) {
        p2_release(wasi, request);
        return status;
    }
    ((struct p2_response_outparam *)outparam)->exchange = retain(exchange);
    exchange->is_open = true;
    *ret_handles = (struct p2_exchange_handles){
        .request_type = &wasi->types[P2_INCOMING_REQUEST],
        .outparam_type = &wasi->types[P2_RESPONSE_OUTPARAM],
        .request_rep = request->rep,
        .outparam_rep = outparam->rep,
    };
    return STINT_OK;
}

const struct p2_response *p2_exchange_response(struct p2_exchange *exchange)
{
    return &exchange->response;
}

const struct p2_header *p2_exchange_trailers(struct p2_exchange *exchange, size_t *ret_count)
{
    const struct p2_body *body = exchange->response_body;
    *ret_count = body != NULL ? body->trailers.count : 0;
    return body != NULL ? body->trailers.items : NULL;
}

/* ---- The guest's side: the request ------------------------------------------------------- */

void p2_incoming_request_end(struct wasi_p2 *wasi, struct p2_object *object)
{
    struct p2_incoming_request *request = (struct p2_incoming_request *)object;
    if (request->headers != NULL)
        p2_release(wasi, &request->headers->base);
    p2_exchange_release(request->exchange);
}

static enum stint_status get_request(struct host_component_call *call, uint64_t handle,
                                     struct p2_incoming_request **ret_request)
{
    return p2_get(call, handle, P2_INCOMING_REQUEST, ret_request);
}

enum stint_status p2_incoming_request_method(struct host_component_call *call, uint64_t *slots)
{
    struct p2_incoming_request *request;
    enum stint_status status = get_request(call, slots[0], &request);
    return status == STINT_OK ? p2_put_method(call, slots[1], &request->exchange->method) : status;
}

enum stint_status p2_incoming_request_scheme(struct host_component_call *call, uint64_t *slots)
{
    struct p2_incoming_request *request;
    enum stint_status status = get_request(call, slots[0], &request);
    return status == STINT_OK ? p2_put_scheme(call, slots[1], &request->exchange->scheme) : status;
}

enum stint_status p2_incoming_request_path_with_query(struct host_component_call *call,
                                                      uint64_t *slots)
{
    struct p2_incoming_request *request;
    enum stint_status status = get_request(call, slots[0], &request);
    return status == STINT_OK ? p2_put_text(call, slots[1], &request->exchange->path) : status;
}

enum stint_status p2_incoming_request_authority(struct host_component_call *call, uint64_t *slots)
{
    struct p2_incoming_request *request;
    enum stint_status status = get_request(call, slots[0], &request);
    return status == STINT_OK ? p2_put_text(call, slots[1], &request->exchange->authority) : status;
}

enum stint_status p2_incoming_request_headers(struct host_component_call *call, uint64_t *slots)
{
    struct p2_incoming_request *request;
    enum stint_status status = get_request(call, slots[0], &request);
    if (status == STINT_OK && request->headers == NULL) {
        status = p2_fields_make(call, NULL, &request->headers);
        if (status == STINT_OK)
            p2_field_list_move(&request->exchange->headers, &request->headers->list);
    }
    if (status != STINT_OK)
        return status;
    request->headers->is_immutable = true;
    p2_retain(&request->headers->base);
    return p2_return(call, &request->headers->base, slots);
}

enum stint_status p2_incoming_request_consume(struct host_component_call *call, uint64_t *slots)
{
    struct p2_incoming_request *request;
    enum stint_status status = get_request(call, slots[0], &request);
    if (status != STINT_OK)
        return status;
    struct p2_exchange *exchange = request->exchange;
    if (exchange->request_body == NULL && !make_body(exchange, NULL))
        return p2_no_memory(call);
    return p2_consume_body(call, slots[1], exchange->request_body, &request->is_consumed);
}

/* ---- The guest's side: the response ------------------------------------------------------ */

void p2_outparam_end(struct wasi_p2 *wasi, struct p2_object *object)
{
    struct p2_exchange *exchange = ((struct p2_response_outparam *)object)->exchange;
    (void)wasi;
    if (exchange->response.state == P2_RESPONSE_NONE)
        exchange->response.state = P2_RESPONSE_DROPPED;
    p2_exchange_release(exchange);
}

static enum stint_status set_response(struct host_component_call *call,
                                      struct p2_exchange *exchange, uint64_t handle)
{
    struct p2_outgoing_response *response;
    enum stint_status status = p2_take(call, handle, P2_OUTGOING_RESPONSE, &response);
    if (status != STINT_OK)
        return status;
    struct p2_fields *headers = response->headers;
    if (headers->base.references == 1) /* the guest has no handle for them */
        p2_field_list_move(&headers->list, &exchange->response_headers);
    else
        status = p2_field_list_copy(exchange->alloc, &headers->list, &exchange->response_headers);
    if (status == STINT_OK) {
        exchange->response_body = response->body != NULL ? p2_body_retain(response->body) : NULL;
        exchange->response = (struct p2_response){
            .state = P2_RESPONSE_SET,
            .status = response->status,
            .headers = exchange->response_headers.items,
            .header_count = exchange->response_headers.count,
            .body = response->body != NULL ? response->body->pipe : NULL,
        };
    }
    p2_release(p2_of(call), &response->base);
    return status == STINT_OK ? STINT_OK : p2_fields_failed(call, status);
}

/* `code`: of the error, where slots[1] says that it is one. */
static enum stint_status set(struct host_component_call *call, const uint64_t *slots, uint8_t code)
{
    struct p2_response_outparam *outparam;
    enum stint_status status = p2_take(call, slots[0], P2_RESPONSE_OUTPARAM, &outparam);
    if (status != STINT_OK)
        return status;
    if (p2_u32(slots[1]) == 0)
        status = set_response(call, outparam->exchange, slots[2]);
    else
        outparam->exchange->response =
            (struct p2_response){.state = P2_RESPONSE_FAILED, .error_code = code};
    p2_release(p2_of(call), &outparam->base);
    return status;
}

enum stint_status p2_response_outparam_set(struct host_component_call *call, uint64_t *slots)
{
    if (p2_u32(slots[1]) != 0 && p2_u32(slots[2]) >= P2_HTTP_CODE_COUNT)
        return p2_trap(call, "invalid variant discriminant");
    return set(call, slots, (uint8_t)slots[2]);
}

enum stint_status p2_response_outparam_set_oct(struct host_component_call *call, uint64_t *slots)
{
    return set(call, slots, P2_HTTP_INTERNAL);
}

/* Informational responses are a courtesy that need not reach anyone. result<_, error-code> */
enum stint_status p2_response_outparam_send_informational(struct host_component_call *call,
                                                          uint64_t *slots)
{
    struct p2_response_outparam *outparam;
    struct p2_fields *fields;
    uint8_t *at;
    enum stint_status status = p2_get(call, slots[0], P2_RESPONSE_OUTPARAM, &outparam);
    if (status == STINT_OK)
        status = p2_take(call, slots[2], P2_FIELDS, &fields);
    if (status != STINT_OK)
        return status;
    p2_release(p2_of(call), &fields->base);
    return p2_result(call, slots[3], 40, 8, &at);
}
