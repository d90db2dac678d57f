/* SPDX-License-Identifier: Apache-2.0 */
/* wasi:filesystem: open files, what they hold and what they are. Paths are in p2_path.c. */
#include "wasi/p2_file.h"

/* ---- What the WIT has for ours ----------------------------------------------------------- */

/* The cases of error-code in order. */
static const uint8_t codes[] = {
    OS_ACCES,  OS_AGAIN, OS_ALREADY,  OS_BADF,       OS_BUSY,        OS_DEADLK,         OS_DQUOT,
    OS_EXIST,  OS_FBIG,  OS_ILSEQ,    OS_INPROGRESS, OS_INTR,        OS_INVAL,          OS_IO,
    OS_ISDIR,  OS_LOOP,  OS_MLINK,    OS_MSGSIZE,    OS_NAMETOOLONG, OS_NODEV,          OS_NOENT,
    OS_NOLCK,  OS_NOMEM, OS_NOSPC,    OS_NOTDIR,     OS_NOTEMPTY,    OS_NOTRECOVERABLE, OS_NOTSUP,
    OS_NOTTY,  OS_NXIO,  OS_OVERFLOW, OS_PERM,       OS_PIPE,        OS_ROFS,           OS_SPIPE,
    OS_TXTBSY, OS_XDEV,
};

uint8_t p2_file_code(enum os_error error)
{
    if (error == OS_NOTCAPABLE)
        error = OS_PERM;
    else if (error == OS_MFILE || error == OS_NFILE)
        error = OS_NOMEM;
    for (uint8_t i = 0; i < COUNT_OF(codes); i++) {
        if (codes[i] == error)
            return i;
    }
    return p2_file_code(OS_IO);
}

uint8_t p2_file_type(enum file_type type)
{
    static const uint8_t types[] = {
        [FILE_UNKNOWN] = 0,
        [FILE_BLOCK_DEVICE] = 1,
        [FILE_CHARACTER_DEVICE] = 2,
        [FILE_DIRECTORY] = 3,
        [FILE_FIFO] = 4,
        [FILE_SYMLINK] = 5,
        [FILE_REGULAR] = 6,
        [FILE_SOCKET_DATAGRAM] = 7,
        [FILE_SOCKET_STREAM] = 7,
    };
    return (unsigned)type < COUNT_OF(types) ? types[type] : 0;
}

enum stint_status p2_put_file_error(struct host_component_call *call, uint64_t pointer,
                                    enum os_error error)
{
    uint8_t *at;
    return p2_file_result(call, pointer, 2, 1, error, &at);
}

enum stint_status p2_file_result(struct host_component_call *call, uint64_t pointer, uint32_t bytes,
                                 uint32_t align, enum os_error error, uint8_t **ret_at)
{
    uint8_t *at;
    if (error == OS_STOPPED)
        return p2_stopped(call);
    enum stint_status status = p2_result(call, pointer, bytes, align, &at);
    if (status != STINT_OK)
        return status;
    *ret_at = NULL;
    if (error) {
        at[0] = 1;
        at[align] = p2_file_code(error);
    } else {
        *ret_at = at + align;
    }
    return STINT_OK;
}

enum stint_status p2_filesystem_error_code(struct host_component_call *call, uint64_t *slots)
{
    struct p2_error *error;
    uint8_t *at;
    enum stint_status status = p2_get(call, slots[0], P2_ERROR, &error);
    if (status == STINT_OK)
        status = p2_result(call, slots[1], 2, 1, &at);
    if (status == STINT_OK && error->kind == P2_ERROR_FILE) {
        at[0] = 1;
        at[1] = p2_file_code(error->code);
    }
    return status;
}

void p2_descriptor_end(struct wasi_p2 *wasi, struct p2_object *object)
{
    (void)wasi;
    host_file_close(&((struct p2_descriptor *)object)->file);
}

enum stint_status p2_get_descriptor(struct host_component_call *call, uint64_t handle,
                                    struct p2_descriptor **ret_descriptor)
{
    return p2_get(call, handle, P2_DESCRIPTOR, ret_descriptor);
}

/* ---- Streams ----------------------------------------------------------------------------- */

/* Whether it may be read or written; directories are neither. */
static enum os_error check_use(const struct p2_descriptor *descriptor, uint8_t flag)
{
    if (descriptor->file.type == FILE_DIRECTORY)
        return flag == P2_FLAG_READ ? OS_ISDIR : OS_BADF;
    return descriptor->flags & flag ? OS_OK : OS_BADF;
}

static enum os_error check_offset(uint64_t offset)
{
    return offset > INT64_MAX ? OS_INVAL : OS_OK;
}

/* result<stream, error-code>: 0 case  4 handle or error */
static enum stint_status put_stream(struct host_component_call *call, uint64_t pointer,
                                    struct p2_object *stream, enum os_error error)
{
    uint32_t handle = 0;
    uint8_t *at;
    if (!error) {
        enum stint_status status = p2_give(call, stream, &handle);
        if (status != STINT_OK)
            return status;
    }
    enum stint_status status = p2_file_result(call, pointer, 8, 4, error, &at);
    if (status == STINT_OK && at != NULL)
        bytes_put32(at, handle);
    return status;
}

enum stint_status p2_descriptor_read_via_stream(struct host_component_call *call, uint64_t *slots)
{
    struct p2_descriptor *descriptor;
    struct p2_input *input = NULL;
    enum stint_status status = p2_get_descriptor(call, slots[0], &descriptor);
    if (status != STINT_OK)
        return status;
    enum os_error error = check_use(descriptor, P2_FLAG_READ);
    if (!error)
        error = check_offset(slots[1]);
    if (!error)
        status =
            p2_file_input(call, &descriptor->base, &descriptor->file, (int64_t)slots[1], &input);
    if (status != STINT_OK)
        return status;
    return put_stream(call, slots[2], input ? &input->base : NULL, error);
}

static enum stint_status write_stream(struct host_component_call *call, uint64_t handle,
                                      uint64_t offset, bool is_append, uint64_t pointer)
{
    struct p2_descriptor *descriptor;
    struct p2_output *output = NULL;
    enum stint_status status = p2_get_descriptor(call, handle, &descriptor);
    if (status != STINT_OK)
        return status;
    enum os_error error = check_use(descriptor, P2_FLAG_WRITE);
    if (!error)
        error = check_offset(offset);
    if (!error)
        status = p2_file_output(call, &descriptor->base, &descriptor->file, (int64_t)offset,
                                is_append, &output);
    if (status != STINT_OK)
        return status;
    return put_stream(call, pointer, output ? &output->base : NULL, error);
}

enum stint_status p2_descriptor_write_via_stream(struct host_component_call *call, uint64_t *slots)
{
    return write_stream(call, slots[0], slots[1], false, slots[2]);
}

enum stint_status p2_descriptor_append_via_stream(struct host_component_call *call, uint64_t *slots)
{
    return write_stream(call, slots[0], 0, true, slots[1]);
}

/* ---- Reading and writing ----------------------------------------------------------------- */

/* result<tuple<list<u8>, bool>, error-code>: 0 case  4 pointer  8 length  12 is at the end */
enum stint_status p2_descriptor_read(struct host_component_call *call, uint64_t *slots)
{
    const struct host_wait wait = p2_wait(call);
    struct p2_descriptor *descriptor;
    uint8_t *scratch = p2_scratch(call), *at;
    size_t bytes = 0;
    uint32_t pointer = 0;
    enum stint_status status = p2_get_descriptor(call, slots[0], &descriptor);
    if (status != STINT_OK)
        return status;
    if (scratch == NULL)
        return p2_no_memory(call);
    const struct file_span span = {scratch, slots[1] < P2_SCRATCH_BYTES ? (size_t)slots[1]
                                                                        : P2_SCRATCH_BYTES};
    enum os_error error = check_use(descriptor, P2_FLAG_READ);
    if (!error)
        error = check_offset(slots[2]);
    if (!error)
        error = host_file_read(
            &descriptor->file, &wait, &span, 1,
            host_file_is_stream(&descriptor->file) ? FILE_NO_OFFSET : (int64_t)slots[2], &bytes);
    if (!error)
        status = p2_put_bytes(call, scratch, bytes, &pointer);
    if (status == STINT_OK)
        status = p2_file_result(call, slots[3], 16, 4, error, &at);
    if (status != STINT_OK || at == NULL)
        return status;
    bytes_put32(at, pointer);
    bytes_put32(at + 4, (uint32_t)bytes);
    at[8] = bytes == 0 && span.bytes > 0;
    return STINT_OK;
}

enum stint_status p2_descriptor_write(struct host_component_call *call, uint64_t *slots)
{
    const struct host_wait wait = p2_wait(call);
    struct p2_descriptor *descriptor;
    size_t bytes = 0;
    uint8_t *at;
    enum stint_status status = p2_get_descriptor(call, slots[0], &descriptor);
    if (status != STINT_OK)
        return status;
    uint8_t *data = host_at(call, p2_u32(slots[1]), p2_u32(slots[2]), 1);
    if (data == NULL)
        return STINT_TRAP;
    const struct file_span span = {data, p2_u32(slots[2])};
    enum os_error error = check_use(descriptor, P2_FLAG_WRITE);
    if (!error)
        error = check_offset(slots[3]);
    if (!error)
        error = host_file_write(
            &descriptor->file, &wait, &span, 1,
            host_file_is_stream(&descriptor->file) ? FILE_NO_OFFSET : (int64_t)slots[3], &bytes);
    status = p2_file_result(call, slots[4], 16, 8, error, &at);
    if (status == STINT_OK && at != NULL)
        bytes_put64(at, bytes);
    return status;
}

/* ---- What a file is ---------------------------------------------------------------------- */

enum stint_status p2_descriptor_advise(struct host_component_call *call, uint64_t *slots)
{
    struct p2_descriptor *descriptor;
    uint32_t advice = p2_u32(slots[3]);
    enum stint_status status = p2_get_descriptor(call, slots[0], &descriptor);
    if (status != STINT_OK)
        return status;
    enum os_error error = descriptor->file.type == FILE_DIRECTORY ? OS_BADF : OS_OK;
    if (!error && advice > FILE_ADVICE_NO_REUSE)
        error = OS_INVAL;
    if (!error)
        error = file_advise(descriptor->file.fd, slots[1], slots[2], (enum file_advice)advice);
    return p2_put_file_error(call, slots[4], error);
}

static enum stint_status sync(struct host_component_call *call, const uint64_t *slots,
                              bool data_only)
{
    struct p2_descriptor *descriptor;
    enum stint_status status = p2_get_descriptor(call, slots[0], &descriptor);
    if (status != STINT_OK)
        return status;
    const struct host_wait wait = p2_wait(call);
    enum os_error error = host_file_sync(&descriptor->file, &wait, data_only);
    /* Where there is nothing to wait for, as with a pipe, all is done. */
    return p2_put_file_error(call, slots[1], error == OS_INVAL ? OS_OK : error);
}

enum stint_status p2_descriptor_sync(struct host_component_call *call, uint64_t *slots)
{
    return sync(call, slots, false);
}

enum stint_status p2_descriptor_sync_data(struct host_component_call *call, uint64_t *slots)
{
    return sync(call, slots, true);
}

static enum stint_status put_byte(struct host_component_call *call, uint64_t pointer, uint8_t value)
{
    uint8_t *at;
    enum stint_status status = p2_result(call, pointer, 2, 1, &at);
    if (status == STINT_OK)
        at[1] = value;
    return status;
}

enum stint_status p2_descriptor_get_flags(struct host_component_call *call, uint64_t *slots)
{
    struct p2_descriptor *descriptor;
    enum stint_status status = p2_get_descriptor(call, slots[0], &descriptor);
    return status == STINT_OK ? put_byte(call, slots[1], descriptor->flags) : status;
}

enum stint_status p2_descriptor_get_type(struct host_component_call *call, uint64_t *slots)
{
    struct p2_descriptor *descriptor;
    enum stint_status status = p2_get_descriptor(call, slots[0], &descriptor);
    return status == STINT_OK
               ? put_byte(call, slots[1], p2_file_type((enum file_type)descriptor->file.type))
               : status;
}

enum stint_status p2_descriptor_set_size(struct host_component_call *call, uint64_t *slots)
{
    struct p2_descriptor *descriptor;
    enum stint_status status = p2_get_descriptor(call, slots[0], &descriptor);
    if (status != STINT_OK)
        return status;
    enum os_error error = check_use(descriptor, P2_FLAG_WRITE);
    if (!error)
        error = host_file_set_size(&descriptor->file, slots[1]);
    return p2_put_file_error(call, slots[2], error);
}

/* ---- Locks and the like, of the first candidate only ------------------------------------- */

static enum stint_status unsupported(struct host_component_call *call, uint64_t handle,
                                     uint64_t pointer)
{
    struct p2_descriptor *descriptor;
    enum stint_status status = p2_get_descriptor(call, handle, &descriptor);
    return status == STINT_OK ? p2_put_file_error(call, pointer, OS_NOTSUP) : status;
}

enum stint_status p2_descriptor_lock_shared(struct host_component_call *call, uint64_t *slots)
{
    return unsupported(call, slots[0], slots[1]);
}

enum stint_status p2_descriptor_lock_exclusive(struct host_component_call *call, uint64_t *slots)
{
    return unsupported(call, slots[0], slots[1]);
}

enum stint_status p2_descriptor_try_lock_shared(struct host_component_call *call, uint64_t *slots)
{
    return unsupported(call, slots[0], slots[1]);
}

enum stint_status p2_descriptor_try_lock_exclusive(struct host_component_call *call,
                                                   uint64_t *slots)
{
    return unsupported(call, slots[0], slots[1]);
}

enum stint_status p2_descriptor_unlock(struct host_component_call *call, uint64_t *slots)
{
    return unsupported(call, slots[0], slots[1]);
}

enum stint_status p2_descriptor_change_file_permissions_at(struct host_component_call *call,
                                                           uint64_t *slots)
{
    return unsupported(call, slots[0], slots[5]);
}

enum stint_status p2_descriptor_change_directory_permissions_at(struct host_component_call *call,
                                                                uint64_t *slots)
{
    return unsupported(call, slots[0], slots[5]);
}
