/* SPDX-License-Identifier: Apache-2.0 */
/* wasi:http: bodies and trailers, as streams over pipes. */
#include "wasi/p2_http_int.h"

/* ---- What both sides share --------------------------------------------------------------- */

struct p2_body *p2_body_create(struct alloc *alloc, struct host_pipe *pipe, size_t limit_bytes)
{
    struct p2_body *body = alloc_get_zeroed(alloc, 1, sizeof(*body));
    if (body == NULL)
        return NULL;
    atomic_init(&body->references, 1);
    body->alloc = alloc;
    if (pipe != NULL) {
        body->pipe = host_pipe_retain(pipe);
    } else if (host_pipe_create(alloc, limit_bytes, &body->pipe)) {
        alloc_put(alloc, body, sizeof(*body));
        return NULL;
    }
    return body;
}

struct p2_body *p2_body_retain(struct p2_body *body)
{
    atomic_fetch_add_explicit(&body->references, 1, memory_order_relaxed);
    return body;
}

void p2_body_release(struct p2_body *body)
{
    if (body == NULL || atomic_fetch_sub_explicit(&body->references, 1, memory_order_acq_rel) != 1)
        return;
    if (body->source != NULL)
        body->source_end(body->source);
    host_pipe_release(body->pipe);
    p2_field_list_free(body->alloc, &body->trailers);
    alloc_put(body->alloc, body, sizeof(*body));
}

enum stint_status p2_put_object(struct host_component_call *call, uint64_t pointer,
                                struct p2_object *object)
{
    uint32_t handle = 0;
    uint8_t *at;
    enum stint_status status = object != NULL ? p2_give(call, object, &handle) : STINT_OK;
    if (status == STINT_OK)
        status = p2_result(call, pointer, 8, 4, &at);
    if (status != STINT_OK)
        return status;
    at[0] = object == NULL;
    bytes_put32(at + 4, handle);
    return STINT_OK;
}

/* ---- Incoming ---------------------------------------------------------------------------- */

static enum os_error read_pipe(struct p2_input *input, const struct host_wait *wait, void *data,
                               size_t bytes, size_t *ret_bytes)
{
    (void)wait;
    enum os_error error = host_pipe_read(input->pipe, data, bytes, ret_bytes);
    if (error == OS_IO)
        input->http_code = (uint8_t)(host_pipe_code(input->pipe) - 1);
    return error;
}

static void look_pipe(struct host_pipe *pipe, bool is_reader, struct p2_readiness *ret_readiness)
{
    int fd = -1;
    bool is_ready = host_pipe_look(pipe, is_reader, &fd);
    *ret_readiness = (struct p2_readiness){.is_ready = is_ready,
                                           .is_signal = true,
                                           .fd = fd,
                                           .wanted = READY_READ,
                                           .due_ns = HOST_WAIT_FOREVER};
}

static void look_read(const struct p2_input *input, struct p2_readiness *ret_readiness)
{
    look_pipe(input->pipe, true, ret_readiness);
}

static const struct p2_input_ops body_input = {read_pipe, look_read, P2_ERROR_HTTP};

enum stint_status p2_pipe_input(struct host_component_call *call, struct host_pipe *pipe,
                                uint64_t *slots)
{
    struct p2_input *input;
    enum stint_status status = p2_new(call, P2_INPUT_STREAM, &input);
    if (status != STINT_OK)
        return status;
    input->ops = &body_input;
    input->pipe = host_pipe_retain(pipe);
    input->is_shared = true;
    return p2_return(call, &input->base, slots);
}

void p2_incoming_body_end(struct wasi_p2 *wasi, struct p2_object *object)
{
    (void)wasi;
    p2_body_release(((struct p2_incoming_body *)object)->body);
}

enum stint_status p2_consume_body(struct host_component_call *call, uint64_t pointer,
                                  struct p2_body *body, bool *is_taken)
{
    struct p2_incoming_body *incoming;
    if (*is_taken)
        return p2_put_object(call, pointer, NULL);
    enum stint_status status = p2_new(call, P2_INCOMING_BODY, &incoming);
    if (status != STINT_OK)
        return status;
    *is_taken = true;
    incoming->body = p2_body_retain(body);
    return p2_put_object(call, pointer, &incoming->base);
}

enum stint_status p2_incoming_body_stream(struct host_component_call *call, uint64_t *slots)
{
    struct p2_incoming_body *incoming;
    struct p2_input *input;
    enum stint_status status = p2_get(call, slots[0], P2_INCOMING_BODY, &incoming);
    if (status != STINT_OK)
        return status;
    if (incoming->has_stream)
        return p2_put_object(call, slots[1], NULL);
    status = p2_new(call, P2_INPUT_STREAM, &input);
    if (status != STINT_OK)
        return status;
    incoming->has_stream = true;
    input->ops = &body_input;
    input->pipe = host_pipe_retain(incoming->body->pipe);
    return p2_put_object(call, slots[1], &input->base);
}

enum stint_status p2_incoming_body_finish(struct host_component_call *call, uint64_t *slots)
{
    struct p2_incoming_body *incoming;
    struct p2_future_trailers *future;
    enum stint_status status = p2_take(call, slots[0], P2_INCOMING_BODY, &incoming);
    if (status != STINT_OK)
        return status;
    status = p2_new(call, P2_FUTURE_TRAILERS, &future);
    if (status == STINT_OK)
        future->body = p2_body_retain(incoming->body);
    p2_release(p2_of(call), &incoming->base);
    return status == STINT_OK ? p2_return(call, &future->base, slots) : status;
}

/* ---- Incoming trailers ------------------------------------------------------------------- */

void p2_future_trailers_end(struct wasi_p2 *wasi, struct p2_object *object)
{
    (void)wasi;
    p2_body_release(((struct p2_future_trailers *)object)->body);
}

/* Trailers come after the body: what is left of that is of no interest any more. */
static void look_trailers(struct p2_object *object, struct p2_readiness *ret_readiness)
{
    struct host_pipe *pipe = ((struct p2_future_trailers *)object)->body->pipe;
    uint8_t rest[4096];
    size_t bytes;
    enum os_error error;
    do
        error = host_pipe_read(pipe, rest, sizeof(rest), &bytes);
    while (!error && bytes > 0);
    if (error == OS_AGAIN && !host_pipe_is_closed(pipe))
        look_pipe(pipe, true, ret_readiness);
    else
        p2_ready_now(ret_readiness);
}

enum stint_status p2_future_trailers_subscribe(struct host_component_call *call, uint64_t *slots)
{
    struct p2_future_trailers *future;
    enum stint_status status = p2_get(call, slots[0], P2_FUTURE_TRAILERS, &future);
    return status == STINT_OK ? p2_subscribe(call, &future->base, look_trailers, slots) : status;
}

/* Whether they are there, with a handle for them or 0, or the code of an error and then 1. */
static enum stint_status take_trailers(struct host_component_call *call,
                                       struct p2_future_trailers *future, bool always,
                                       bool *ret_is_ready, uint32_t *ret_handle,
                                       uint8_t *ret_pipe_code)
{
    struct p2_readiness readiness;
    struct p2_fields *fields;
    look_trailers(&future->base, &readiness);
    *ret_is_ready = readiness.is_ready;
    *ret_handle = 0;
    *ret_pipe_code = 0;
    if (!readiness.is_ready)
        return STINT_OK;
    future->is_taken = true;
    if (p2_body_take_trailers(future->body) != STINT_OK)
        return p2_no_memory(call);
    *ret_pipe_code = host_pipe_code(future->body->pipe);
    if (*ret_pipe_code != 0 || (future->body->trailers.count == 0 && !always))
        return STINT_OK;
    enum stint_status status = p2_fields_make(call, &future->body->trailers, &fields);
    return status == STINT_OK ? p2_give(call, &fields->base, ret_handle) : status;
}

/*
 * In the releases option<result<result<option<trailers>, error-code>>>, 0 8 16 24 and the handle at 28;
 * in the second candidate the middle result is not there, in the first nor is the inner option.
 */
enum trailers_shape { TRAILERS_REL, TRAILERS_NOV, TRAILERS_OCT };

static enum stint_status get_trailers(struct host_component_call *call, const uint64_t *slots,
                                      enum trailers_shape shape)
{
    static const struct {
        uint8_t bytes, align, inner;
    } shapes[] = {
        [TRAILERS_REL] = {56, 8, 16}, [TRAILERS_NOV] = {48, 8, 8}, [TRAILERS_OCT] = {20, 4, 4}};
    struct p2_future_trailers *future;
    bool is_ready, is_oct = shape == TRAILERS_OCT;
    uint32_t handle;
    uint8_t code, *at;
    enum stint_status status = p2_get(call, slots[0], P2_FUTURE_TRAILERS, &future);
    if (status != STINT_OK)
        return status;
    bool was_taken = future->is_taken;
    if (was_taken && shape != TRAILERS_REL)
        return p2_trap(call, "trailers are taken twice");
    if (!was_taken)
        status = take_trailers(call, future, is_oct, &is_ready, &handle, &code);
    if (status == STINT_OK)
        status = p2_result(call, slots[1], shapes[shape].bytes, shapes[shape].align, &at);
    if (status != STINT_OK)
        return status;
    at[0] = was_taken || is_ready;
    if (was_taken)
        at[8] = 1;
    if (was_taken || !is_ready)
        return STINT_OK;
    at += shapes[shape].inner;
    at[0] = code != 0;
    if (code != 0 && is_oct)
        return p2_put_error_oct(call, (uint8_t)(code - 1), at + 4);
    if (code != 0) {
        at[8] = (uint8_t)(code - 1);
    } else if (is_oct) {
        bytes_put32(at + 4, handle);
    } else {
        at[8] = handle != 0;
        bytes_put32(at + 12, handle);
    }
    return STINT_OK;
}

enum stint_status p2_future_trailers_get(struct host_component_call *call, uint64_t *slots)
{
    return get_trailers(call, slots, TRAILERS_REL);
}

enum stint_status p2_future_trailers_get_nov(struct host_component_call *call, uint64_t *slots)
{
    return get_trailers(call, slots, TRAILERS_NOV);
}

enum stint_status p2_future_trailers_get_oct(struct host_component_call *call, uint64_t *slots)
{
    return get_trailers(call, slots, TRAILERS_OCT);
}

/* ---- Outgoing ---------------------------------------------------------------------------- */

static enum os_error write_pipe(struct p2_output *output, const struct host_wait *wait,
                                const void *data, size_t bytes, size_t *ret_bytes)
{
    (void)wait;
    return host_pipe_write(output->pipe, data, bytes, ret_bytes);
}

static void look_write(const struct p2_output *output, struct p2_readiness *ret_readiness)
{
    look_pipe(output->pipe, false, ret_readiness);
}

static size_t room(const struct p2_output *output)
{
    return host_pipe_room(output->pipe);
}

static const struct p2_output_ops body_output = {write_pipe, look_write, room, P2_ERROR_HTTP};

/* A body that is dropped without a finish is not whole. */
void p2_outgoing_body_end(struct wasi_p2 *wasi, struct p2_object *object)
{
    struct p2_outgoing_body *outgoing = (struct p2_outgoing_body *)object;
    (void)wasi;
    if (!outgoing->is_finished && outgoing->body != NULL)
        host_pipe_fail(outgoing->body->pipe, p2_pipe_code(P2_HTTP_RESPONSE_INCOMPLETE));
    p2_body_release(outgoing->body);
}

enum stint_status p2_open_body(struct host_component_call *call, uint64_t pointer,
                               const struct p2_fields *headers, bool is_request,
                               struct p2_body **body)
{
    struct wasi_p2 *wasi = p2_of(call);
    struct p2_outgoing_body *outgoing;
    if (*body != NULL)
        return p2_put_object(call, pointer, NULL);
    enum stint_status status = p2_new(call, P2_OUTGOING_BODY, &outgoing);
    if (status != STINT_OK)
        return status;
    *body = p2_body_create(wasi->alloc, NULL, wasi->body_bytes_max);
    if (*body == NULL) {
        p2_release(wasi, &outgoing->base);
        return p2_no_memory(call);
    }
    outgoing->body = p2_body_retain(*body);
    outgoing->is_request = is_request;
    outgoing->has_expected = p2_field_list_length(&headers->list, &outgoing->expected_bytes);
    return p2_put_object(call, pointer, &outgoing->base);
}

enum stint_status p2_outgoing_body_write(struct host_component_call *call, uint64_t *slots)
{
    struct p2_outgoing_body *outgoing;
    struct p2_output *output;
    enum stint_status status = p2_get(call, slots[0], P2_OUTGOING_BODY, &outgoing);
    if (status != STINT_OK)
        return status;
    if (outgoing->has_stream)
        return p2_put_object(call, slots[1], NULL);
    status = p2_new(call, P2_OUTPUT_STREAM, &output);
    if (status != STINT_OK)
        return status;
    outgoing->has_stream = true;
    output->ops = &body_output;
    output->pipe = host_pipe_retain(outgoing->body->pipe);
    return p2_put_object(call, slots[1], &output->base);
}

/* Ends the body; false when it has another length than its header says. */
static enum stint_status finish(struct host_component_call *call, const uint64_t *slots,
                                uint64_t *ret_bytes, bool *ret_fits, bool *ret_is_request)
{
    struct p2_outgoing_body *outgoing;
    struct p2_fields *trailers = NULL;
    struct wasi_p2 *wasi = p2_of(call);
    enum stint_status status = p2_take(call, slots[0], P2_OUTGOING_BODY, &outgoing);
    if (status == STINT_OK && p2_u32(slots[1]) != 0) {
        status = p2_take(call, slots[2], P2_FIELDS, &trailers);
        if (status != STINT_OK) {
            p2_release(wasi, &outgoing->base);
            return status;
        }
        status = p2_field_list_copy(wasi->alloc, &trailers->list, &outgoing->body->trailers);
        if (status != STINT_OK)
            status = p2_fields_failed(call, status);
        p2_release(wasi, &trailers->base);
    }
    if (status != STINT_OK)
        return status;
    *ret_bytes = host_pipe_total(outgoing->body->pipe);
    *ret_fits = !outgoing->has_expected || outgoing->expected_bytes == *ret_bytes;
    *ret_is_request = outgoing->is_request;
    outgoing->is_finished = true;
    if (*ret_fits)
        host_pipe_finish(outgoing->body->pipe);
    else
        host_pipe_fail(outgoing->body->pipe,
                       p2_pipe_code(outgoing->is_request ? P2_HTTP_REQUEST_BODY_SIZE
                                                         : P2_HTTP_RESPONSE_BODY_SIZE));
    p2_release(wasi, &outgoing->base);
    return STINT_OK;
}

/* result<_, error-code>: 0 case  8 error-code; here with an option<u64> at 16, so 24 */
enum stint_status p2_outgoing_body_finish(struct host_component_call *call, uint64_t *slots)
{
    uint64_t bytes;
    bool fits, is_request;
    uint8_t *at;
    enum stint_status status = finish(call, slots, &bytes, &fits, &is_request);
    if (status == STINT_OK)
        status = p2_result(call, slots[3], 40, 8, &at);
    if (status != STINT_OK || fits)
        return status;
    at[0] = 1;
    at[8] = is_request ? P2_HTTP_REQUEST_BODY_SIZE : P2_HTTP_RESPONSE_BODY_SIZE;
    at[16] = 1;
    bytes_put64(at + 24, bytes);
    return STINT_OK;
}

enum stint_status p2_outgoing_body_finish_oct(struct host_component_call *call, uint64_t *slots)
{
    uint64_t bytes;
    bool fits, is_request;
    return finish(call, slots, &bytes, &fits, &is_request);
}
