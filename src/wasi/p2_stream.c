/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wasi:io/streams and wasi:io/error. Where results go in the guest's memory:
 *
 *   result<list<u8>, stream-error>   0 case  4 pointer, or case of stream-error  8 length, or error
 *   result<u64, stream-error>        0 case  8 value, or case of stream-error  12 error
 *   result<_, stream-error>          0 case  4 case of stream-error  8 error
 */
#include "wasi/p2_stream.h"

#include "wasi/host_pipe.h"

enum { LAST_OPERATION_FAILED = 0, CLOSED = 1 };

/* ---- Results ----------------------------------------------------------------------------- */

/* Writes a stream-error to `at`: a new error resource for `reason`, or closed. */
static enum stint_status put_error(struct host_component_call *call, uint8_t *at,
                                   enum os_error reason, uint8_t kind, uint8_t http_code)
{
    struct p2_error *error;
    uint32_t handle;
    if (reason == OS_STOPPED)
        return p2_stopped(call);
    if (reason == OS_PIPE) {
        at[0] = CLOSED;
        return STINT_OK;
    }
    enum stint_status status = p2_new(call, P2_ERROR, &error);
    if (status != STINT_OK)
        return status;
    error->kind = kind;
    error->code = reason;
    error->http_code = http_code;
    status = p2_give(call, &error->base, &handle);
    if (status != STINT_OK)
        return status;
    at[0] = LAST_OPERATION_FAILED;
    bytes_put32(at + 4, handle);
    return STINT_OK;
}

/* result<_, stream-error>; a stream that failed is closed from then on. */
static enum stint_status put_done(struct host_component_call *call, uint64_t pointer,
                                  struct p2_output *output, enum os_error reason)
{
    uint8_t *at;
    enum stint_status status = p2_result(call, pointer, 12, 4, &at);
    if (status != STINT_OK || !reason)
        return status;
    output->is_ended = true;
    at[0] = 1;
    return put_error(call, at + 4, reason, output->ops->error_kind, output->http_code);
}

/* result<u64, stream-error> */
static enum stint_status put_count(struct host_component_call *call, uint64_t pointer,
                                   uint64_t count, enum os_error reason, uint8_t kind,
                                   uint8_t http_code)
{
    uint8_t *at;
    enum stint_status status = p2_result(call, pointer, 16, 8, &at);
    if (status != STINT_OK)
        return status;
    at[0] = reason != OS_OK;
    if (reason)
        return put_error(call, at + 8, reason, kind, http_code);
    bytes_put64(at + 8, count);
    return STINT_OK;
}

/* ---- Input ------------------------------------------------------------------------------- */

void p2_input_end(struct wasi_p2 *wasi, struct p2_object *object)
{
    struct p2_input *input = (struct p2_input *)object;
    if (input->pipe != NULL && !input->is_shared)
        host_pipe_close(input->pipe);
    host_pipe_release(input->pipe);
    p2_release(wasi, input->owner);
}

static void look_input(struct p2_object *object, struct p2_readiness *ret_readiness)
{
    const struct p2_input *input = (const struct p2_input *)object;
    if (input->is_ended)
        p2_ready_now(ret_readiness);
    else
        input->ops->look(input, ret_readiness);
}

/* Reads up to `bytes`; the end of the stream is OS_PIPE, nothing yet is 0 bytes. */
static enum os_error read_input(struct host_component_call *call, struct p2_input *input,
                                uint8_t *data, size_t bytes, bool is_blocking, size_t *ret_bytes)
{
    const struct host_wait wait = p2_wait(call);
    *ret_bytes = 0;
    if (input->is_ended)
        return OS_PIPE;
    if (bytes == 0)
        return OS_OK;
    for (;;) {
        enum os_error error = input->ops->read(input, &wait, data, bytes, ret_bytes);
        if (error == OS_AGAIN && is_blocking) {
            error = p2_await(call, &input->base, look_input);
            if (!error)
                continue;
        }
        if (error == OS_AGAIN)
            return OS_OK;
        if (error || *ret_bytes == 0)
            input->is_ended = true;
        return error ? error : *ret_bytes == 0 ? OS_PIPE : OS_OK;
    }
}

static enum stint_status take_input(struct host_component_call *call, uint64_t *slots,
                                    bool is_blocking, bool is_skip)
{
    struct p2_input *input;
    uint8_t *scratch = p2_scratch(call), *at;
    size_t bytes = slots[1] < P2_SCRATCH_BYTES ? (size_t)slots[1] : P2_SCRATCH_BYTES;
    if (scratch == NULL)
        return p2_no_memory(call);
    enum stint_status status = p2_get(call, slots[0], P2_INPUT_STREAM, &input);
    if (status != STINT_OK)
        return status;
    enum os_error error = read_input(call, input, scratch, bytes, is_blocking, &bytes);
    if (is_skip)
        return put_count(call, slots[2], bytes, error, input->ops->error_kind, input->http_code);
    uint32_t pointer = 0;
    if (!error)
        status = p2_put_bytes(call, scratch, bytes, &pointer);
    if (status == STINT_OK)
        status = p2_result(call, slots[2], 12, 4, &at);
    if (status != STINT_OK)
        return status;
    if (error) {
        at[0] = 1;
        return put_error(call, at + 4, error, input->ops->error_kind, input->http_code);
    }
    bytes_put32(at + 4, pointer);
    bytes_put32(at + 8, (uint32_t)bytes);
    return STINT_OK;
}

enum stint_status p2_input_read(struct host_component_call *call, uint64_t *slots)
{
    return take_input(call, slots, false, false);
}

enum stint_status p2_input_blocking_read(struct host_component_call *call, uint64_t *slots)
{
    return take_input(call, slots, true, false);
}

enum stint_status p2_input_skip(struct host_component_call *call, uint64_t *slots)
{
    return take_input(call, slots, false, true);
}

enum stint_status p2_input_blocking_skip(struct host_component_call *call, uint64_t *slots)
{
    return take_input(call, slots, true, true);
}

enum stint_status p2_input_subscribe(struct host_component_call *call, uint64_t *slots)
{
    struct p2_input *input;
    enum stint_status status = p2_get(call, slots[0], P2_INPUT_STREAM, &input);
    return status == STINT_OK ? p2_subscribe(call, &input->base, look_input, slots) : status;
}

/* ---- Output ------------------------------------------------------------------------------ */

/* Writes what is pending, as far as that goes without waiting. */
static enum os_error drain(struct p2_output *output, const struct host_wait *wait)
{
    while (output->pending_bytes > 0) {
        size_t bytes;
        enum os_error error = output->ops->write(output, wait, output->pending + output->pending_at,
                                                 output->pending_bytes, &bytes);
        if (error)
            return error == OS_AGAIN ? OS_OK : error;
        output->pending_at += bytes;
        output->pending_bytes -= bytes;
    }
    output->pending_at = 0;
    return OS_OK;
}

void p2_output_drain(struct p2_output *output)
{
    const struct host_wait wait = {0};
    if (!output->is_ended)
        (void)!drain(output, &wait);
}

void p2_output_end(struct wasi_p2 *wasi, struct p2_object *object)
{
    struct p2_output *output = (struct p2_output *)object;
    p2_output_drain(output);
    alloc_put(wasi->alloc, output->pending, output->pending != NULL ? P2_SCRATCH_BYTES : 0);
    host_pipe_release(output->pipe);
    p2_release(wasi, output->owner);
}

static void look_output(struct p2_object *object, struct p2_readiness *ret_readiness)
{
    const struct p2_output *output = (const struct p2_output *)object;
    if (output->is_ended)
        p2_ready_now(ret_readiness);
    else
        output->ops->look(output, ret_readiness);
}

/* Waits until nothing is pending. */
static enum os_error flush(struct host_component_call *call, struct p2_output *output)
{
    const struct host_wait wait = p2_wait(call);
    enum os_error error = output->is_ended ? OS_PIPE : drain(output, &wait);
    while (!error && output->pending_bytes > 0) {
        error = p2_await(call, &output->base, look_output);
        if (!error)
            error = drain(output, &wait);
    }
    return error;
}

static enum os_error write_all(struct host_component_call *call, struct p2_output *output,
                               const uint8_t *data, size_t bytes)
{
    const struct host_wait wait = p2_wait(call);
    enum os_error error = flush(call, output);
    while (!error && bytes > 0) {
        size_t done = 0;
        error = output->ops->write(output, &wait, data, bytes, &done);
        if (error == OS_AGAIN)
            error = p2_await(call, &output->base, look_output);
        data += done;
        bytes -= done;
    }
    return error;
}

/* Writes at once what goes, and keeps the rest: at most what check-write promised. */
static enum os_error write_some(struct host_component_call *call, struct p2_output *output,
                                const uint8_t *data, size_t bytes)
{
    const struct host_wait wait = p2_wait(call);
    enum os_error error = drain(output, &wait);
    while (!error && bytes > 0 && output->pending_bytes == 0) {
        size_t done = 0;
        error = output->ops->write(output, &wait, data, bytes, &done);
        if (error == OS_AGAIN) {
            error = OS_OK;
            break;
        }
        data += done;
        bytes -= done;
    }
    if (error || bytes == 0)
        return error;
    if (output->pending == NULL) {
        output->pending = alloc_get(p2_of(call)->alloc, P2_SCRATCH_BYTES);
        if (output->pending == NULL)
            return OS_NOMEM;
    }
    if (output->pending_at > 0)
        memmove(output->pending, output->pending + output->pending_at, output->pending_bytes);
    output->pending_at = 0;
    memcpy(output->pending + output->pending_bytes, data, bytes);
    output->pending_bytes += bytes;
    return OS_OK;
}

/* What may be written now, without waiting. */
static enum os_error check_write(struct host_component_call *call, struct p2_output *output)
{
    const struct host_wait wait = p2_wait(call);
    struct p2_readiness readiness = {.fd = -1};
    output->permit_bytes = 0;
    enum os_error error = output->is_ended ? OS_PIPE : drain(output, &wait);
    if (error || output->pending_bytes > 0)
        return error;
    look_output(&output->base, &readiness);
    bool is_ready = readiness.is_ready;
    if (!is_ready && readiness.fd != -1 && !readiness.is_signal)
        is_ready = host_wait_look(readiness.fd, readiness.wanted) == OS_OK;
    if (is_ready) {
        size_t room = output->ops->room(output);
        output->permit_bytes = room < P2_SCRATCH_BYTES ? room : P2_SCRATCH_BYTES;
    }
    return OS_OK;
}

static enum stint_status get_output(struct host_component_call *call, uint64_t handle,
                                    struct p2_output **ret_output)
{
    return p2_get(call, handle, P2_OUTPUT_STREAM, ret_output);
}

enum stint_status p2_output_check_write(struct host_component_call *call, uint64_t *slots)
{
    struct p2_output *output;
    enum stint_status status = get_output(call, slots[0], &output);
    if (status != STINT_OK)
        return status;
    enum os_error error = check_write(call, output);
    if (error)
        output->is_ended = true;
    return put_count(call, slots[1], output->permit_bytes, error, output->ops->error_kind,
                     output->http_code);
}

static enum stint_status use_permit(struct host_component_call *call, struct p2_output *output,
                                    uint64_t bytes)
{
    if (bytes > output->permit_bytes && !output->is_ended)
        return p2_trap(call, "more is written than check-write permitted");
    output->permit_bytes -= bytes < output->permit_bytes ? bytes : output->permit_bytes;
    return STINT_OK;
}

enum stint_status p2_output_write(struct host_component_call *call, uint64_t *slots)
{
    struct p2_output *output;
    uint32_t bytes = p2_u32(slots[2]);
    enum stint_status status = get_output(call, slots[0], &output);
    if (status != STINT_OK)
        return status;
    const uint8_t *data = host_at(call, p2_u32(slots[1]), bytes, 1);
    if (data == NULL)
        return STINT_TRAP;
    status = use_permit(call, output, bytes);
    if (status != STINT_OK)
        return status;
    enum os_error error = output->is_ended ? OS_PIPE : write_some(call, output, data, bytes);
    return put_done(call, slots[3], output, error);
}

enum stint_status p2_output_blocking_write(struct host_component_call *call, uint64_t *slots)
{
    struct p2_output *output;
    uint32_t bytes = p2_u32(slots[2]);
    enum stint_status status = get_output(call, slots[0], &output);
    if (status != STINT_OK)
        return status;
    const uint8_t *data = host_at(call, p2_u32(slots[1]), bytes, 1);
    if (data == NULL)
        return STINT_TRAP;
    return put_done(call, slots[3], output, write_all(call, output, data, bytes));
}

/* Starts a flush: what is pending goes on its way by itself, with every look at the stream. */
enum stint_status p2_output_flush(struct host_component_call *call, uint64_t *slots)
{
    struct p2_output *output;
    const struct host_wait wait = p2_wait(call);
    enum stint_status status = get_output(call, slots[0], &output);
    if (status != STINT_OK)
        return status;
    return put_done(call, slots[1], output, output->is_ended ? OS_PIPE : drain(output, &wait));
}

enum stint_status p2_output_blocking_flush(struct host_component_call *call, uint64_t *slots)
{
    struct p2_output *output;
    enum stint_status status = get_output(call, slots[0], &output);
    return status == STINT_OK ? put_done(call, slots[1], output, flush(call, output)) : status;
}

enum stint_status p2_output_subscribe(struct host_component_call *call, uint64_t *slots)
{
    struct p2_output *output;
    enum stint_status status = get_output(call, slots[0], &output);
    return status == STINT_OK ? p2_subscribe(call, &output->base, look_output, slots) : status;
}

static enum stint_status write_zeroes(struct host_component_call *call, uint64_t *slots,
                                      bool is_blocking)
{
    struct p2_output *output;
    uint8_t *scratch = p2_scratch(call);
    uint64_t left = slots[1];
    if (scratch == NULL)
        return p2_no_memory(call);
    enum stint_status status = get_output(call, slots[0], &output);
    if (status == STINT_OK && !is_blocking)
        status = use_permit(call, output, left);
    if (status != STINT_OK)
        return status;
    enum os_error error = output->is_ended ? OS_PIPE : OS_OK;
    memset(scratch, 0, P2_SCRATCH_BYTES);
    while (!error && left > 0) {
        size_t bytes = left < P2_SCRATCH_BYTES ? (size_t)left : P2_SCRATCH_BYTES;
        error = is_blocking ? write_all(call, output, scratch, bytes)
                            : write_some(call, output, scratch, bytes);
        left -= bytes;
    }
    return put_done(call, slots[2], output, error);
}

enum stint_status p2_output_write_zeroes(struct host_component_call *call, uint64_t *slots)
{
    return write_zeroes(call, slots, false);
}

enum stint_status p2_output_blocking_write_zeroes(struct host_component_call *call, uint64_t *slots)
{
    return write_zeroes(call, slots, true);
}

/* ---- From one to the other --------------------------------------------------------------- */

/* Moves up to `limit` bytes; errors are the output's, or say that the input is at its end. */
static enum os_error splice(struct host_component_call *call, struct p2_input *input,
                            struct p2_output *output, uint8_t *scratch, uint64_t limit,
                            bool is_blocking, size_t *ret_bytes)
{
    size_t bytes = 0;
    *ret_bytes = 0;
    enum os_error error = check_write(call, output);
    while (!error && is_blocking && output->permit_bytes == 0) {
        error = output->pending_bytes > 0 ? flush(call, output)
                                          : p2_await(call, &output->base, look_output);
        if (!error)
            error = check_write(call, output);
    }
    if (error) {
        output->is_ended = true;
        return error;
    }
    size_t room = limit < output->permit_bytes ? (size_t)limit : (size_t)output->permit_bytes;
    error = read_input(call, input, scratch, room, is_blocking && room > 0, &bytes);
    if (error)
        return error;
    output->permit_bytes -= bytes;
    error = write_some(call, output, scratch, bytes);
    if (error)
        output->is_ended = true;
    *ret_bytes = bytes;
    return error;
}

static enum stint_status splice_streams(struct host_component_call *call, uint64_t *slots,
                                        uint64_t limit, bool is_blocking, bool is_all,
                                        uint64_t result)
{
    struct p2_input *input;
    struct p2_output *output;
    uint8_t *scratch = p2_scratch(call);
    uint64_t total = 0;
    if (scratch == NULL)
        return p2_no_memory(call);
    enum stint_status status = get_output(call, slots[0], &output);
    if (status == STINT_OK)
        status = p2_get(call, slots[1], P2_INPUT_STREAM, &input);
    if (status != STINT_OK)
        return status;
    enum os_error error;
    do {
        size_t bytes;
        error = splice(call, input, output, scratch, limit, is_blocking, &bytes);
        total += bytes;
    } while (!error && is_all);
    /* Everything was asked for, and the input's end is how that ends. */
    if (is_all && error == OS_PIPE && input->is_ended)
        error = OS_OK;
    return put_count(call, result, total, error, output->ops->error_kind, output->http_code);
}

enum stint_status p2_output_splice(struct host_component_call *call, uint64_t *slots)
{
    return splice_streams(call, slots, slots[2], false, false, slots[3]);
}

enum stint_status p2_output_blocking_splice(struct host_component_call *call, uint64_t *slots)
{
    return splice_streams(call, slots, slots[2], true, false, slots[3]);
}

/* In the first candidate the input is given away, and ends with the call. */
static enum stint_status splice_owned(struct host_component_call *call, uint64_t *slots,
                                      uint64_t limit, bool is_blocking, bool is_all,
                                      uint64_t result)
{
    struct p2_input *input;
    uint64_t handle = slots[1];
    enum stint_status status = splice_streams(call, slots, limit, is_blocking, is_all, result);
    if (status == STINT_OK)
        status = p2_take(call, handle, P2_INPUT_STREAM, &input);
    if (status == STINT_OK)
        p2_release(p2_of(call), &input->base);
    return status;
}

enum stint_status p2_output_splice_oct(struct host_component_call *call, uint64_t *slots)
{
    return splice_owned(call, slots, slots[2], false, false, slots[3]);
}

enum stint_status p2_output_blocking_splice_oct(struct host_component_call *call, uint64_t *slots)
{
    return splice_owned(call, slots, slots[2], true, false, slots[3]);
}

enum stint_status p2_output_forward(struct host_component_call *call, uint64_t *slots)
{
    return splice_owned(call, slots, UINT64_MAX, true, true, slots[2]);
}

/* ---- Errors ------------------------------------------------------------------------------ */

enum stint_status p2_error_to_debug_string(struct host_component_call *call, uint64_t *slots)
{
    struct p2_error *error;
    uint8_t *at;
    enum stint_status status = p2_get(call, slots[0], P2_ERROR, &error);
    if (status == STINT_OK)
        status = p2_result(call, slots[1], 8, 4, &at);
    if (status != STINT_OK)
        return status;
    const char *text =
        error->kind == P2_ERROR_HTTP ? "the HTTP message was cut off" : os_error_text(error->code);
    return p2_put_string(call, text, strlen(text), at);
}
