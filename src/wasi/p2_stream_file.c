/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams on files, pipes, terminals and sockets.
 *
 * Files and the standard streams are written at once, waiting if need be, so that nothing is lost when
 * the guest ends without a flush. Sockets never wait: what they do not take stays pending.
 */
#include "os/sockets.h"
#include "wasi/p2_stream.h"

static bool is_socket(const struct host_file *file)
{
    return file->type == FILE_SOCKET_STREAM;
}

/* ---- Input ------------------------------------------------------------------------------- */

static enum os_error read_file(struct p2_input *input, const struct host_wait *wait, void *data,
                               size_t bytes, size_t *ret_bytes)
{
    const struct file_span span = {data, bytes};
    enum os_error error =
        host_file_read(&input->file, wait, &span, 1, input->offset_bytes, ret_bytes);
    if (!error && input->offset_bytes != FILE_NO_OFFSET)
        input->offset_bytes += (int64_t)*ret_bytes;
    return error;
}

static void look_read(const struct p2_input *input, struct p2_readiness *ret_readiness)
{
    if (host_file_is_stream(&input->file))
        p2_ready_fd(ret_readiness, input->file.fd, READY_READ);
    else
        p2_ready_now(ret_readiness);
}

static const struct p2_input_ops file_input = {read_file, look_read, P2_ERROR_FILE};
static const struct p2_input_ops socket_input = {read_file, look_read, P2_ERROR_NETWORK};

enum stint_status p2_file_input(struct host_component_call *call, struct p2_object *owner,
                                const struct host_file *file, int64_t offset_bytes,
                                struct p2_input **ret_input)
{
    struct p2_input *input;
    enum stint_status status = p2_new(call, P2_INPUT_STREAM, &input);
    if (status != STINT_OK)
        return status;
    input->ops = is_socket(file) ? &socket_input : &file_input;
    input->file = *file;
    input->file.is_nonblocking = true;
    input->offset_bytes = host_file_is_stream(file) ? FILE_NO_OFFSET : offset_bytes;
    input->owner = owner;
    if (owner != NULL)
        p2_retain(owner);
    *ret_input = input;
    return STINT_OK;
}

/* ---- Output ------------------------------------------------------------------------------ */

static enum os_error write_file(struct p2_output *output, const struct host_wait *wait,
                                const void *data, size_t bytes, size_t *ret_bytes)
{
    const struct file_span span = {(void *)(uintptr_t)data, bytes};
    enum os_error error;
    if (output->is_append && !host_file_is_stream(&output->file))
        return file_append(output->file.fd, &span, 1, ret_bytes);
    error = host_file_write(&output->file, wait, &span, 1, output->offset_bytes, ret_bytes);
    if (!error && output->offset_bytes != FILE_NO_OFFSET)
        output->offset_bytes += (int64_t)*ret_bytes;
    return error;
}

static void look_write(const struct p2_output *output, struct p2_readiness *ret_readiness)
{
    if (output->file.sink == NULL && host_file_is_stream(&output->file))
        p2_ready_fd(ret_readiness, output->file.fd, READY_WRITE);
    else
        p2_ready_now(ret_readiness);
}

static size_t room(const struct p2_output *output)
{
    (void)output;
    return P2_SCRATCH_BYTES;
}

static const struct p2_output_ops file_output = {write_file, look_write, room, P2_ERROR_FILE};
static const struct p2_output_ops socket_output = {write_file, look_write, room, P2_ERROR_NETWORK};

enum stint_status p2_file_output(struct host_component_call *call, struct p2_object *owner,
                                 const struct host_file *file, int64_t offset_bytes, bool is_append,
                                 struct p2_output **ret_output)
{
    struct p2_output *output;
    enum stint_status status = p2_new(call, P2_OUTPUT_STREAM, &output);
    if (status != STINT_OK)
        return status;
    output->ops = is_socket(file) ? &socket_output : &file_output;
    output->file = *file;
    output->file.is_nonblocking = is_socket(file);
    output->offset_bytes = host_file_is_stream(file) ? FILE_NO_OFFSET : offset_bytes;
    output->is_append = is_append;
    output->owner = owner;
    if (owner != NULL)
        p2_retain(owner);
    *ret_output = output;
    return STINT_OK;
}
