/* SPDX-License-Identifier: Apache-2.0 */
/* Reading, writing and positions. */
#include "wasi/p1_int.h"

/* In one call of the system: a few milliseconds, then the guest's deadline is looked at. */
enum { CHUNK_BYTES = 16 << 20, CHUNK_SPANS = 64 };
/* In one call of the guest, as on Linux. */
enum { TRANSFER_BYTES_MAX = 0x7ffff000 };

/*
 * Reads or writes `spans` in chunks until all is done, or less was done than the system was asked for.
 * Streams are read once: what more there is might take long to come.
 */
static enum os_error transfer(struct p1_call *call, const struct p1_descriptor *descriptor,
                              const struct file_span *spans, uint32_t count, bool is_write,
                              int64_t offset_bytes, uint32_t *ret_bytes)
{
    size_t total = host_spans_bytes(spans, count);
    size_t done = 0;
    if (total > TRANSFER_BYTES_MAX)
        total = TRANSFER_BYTES_MAX;
    while (done < total) {
        struct file_span chunk[CHUNK_SPANS];
        size_t limit = total - done < CHUNK_BYTES ? total - done : CHUNK_BYTES;
        size_t pieces = host_spans_cut(spans, count, done, limit, chunk, CHUNK_SPANS);
        size_t bytes = 0;
        enum os_error error = is_write ? host_file_write(&descriptor->file, &call->wait, chunk,
                                                         pieces, offset_bytes, &bytes)
                                       : host_file_read(&descriptor->file, &call->wait, chunk,
                                                        pieces, offset_bytes, &bytes);
        if (error && (done == 0 || error == OS_STOPPED))
            return error;
        done += bytes;
        if (offset_bytes != FILE_NO_OFFSET)
            offset_bytes += (int64_t)bytes;
        if (error || bytes < host_spans_bytes(chunk, pieces) ||
            (!is_write && host_file_is_stream(&descriptor->file)))
            break;
        if (done < total && host_wait_is_over(&call->wait))
            return OS_STOPPED;
    }
    *ret_bytes = (uint32_t)done;
    return OS_OK;
}

/* args: descriptor, iovecs, their count, [offset,] pointer to the result. */
static enum os_error move(struct p1_call *call, const uint64_t *args, bool is_write,
                          bool has_offset)
{
    struct file_span spans[P1_SPANS_MAX];
    struct p1_descriptor *descriptor;
    uint32_t count = p1_u32(args[2]);
    uint64_t rights = (is_write ? P1_FD_WRITE : P1_FD_READ) | (has_offset ? P1_FD_SEEK : 0);
    int64_t offset_bytes = has_offset ? (int64_t)args[3] : FILE_NO_OFFSET;
    uint8_t *result = p1_at(call, p1_u32(args[has_offset ? 4 : 3]), 4);
    uint32_t bytes;
    if (result == NULL)
        return OS_FAULT;
    enum os_error error = p1_find_file(call, p1_u32(args[0]), rights, &descriptor);
    if (!error && has_offset && offset_bytes < 0)
        error = OS_INVAL;
    if (!error)
        error = p1_spans(call, p1_u32(args[1]), count, spans);
    if (!error)
        error = transfer(call, descriptor, spans, count, is_write, offset_bytes, &bytes);
    if (!error)
        bytes_put32(result, bytes);
    return error;
}

enum os_error p1_fd_read(struct p1_call *call, const uint64_t *args)
{
    return move(call, args, false, false);
}

enum os_error p1_fd_pread(struct p1_call *call, const uint64_t *args)
{
    return move(call, args, false, true);
}

enum os_error p1_fd_write(struct p1_call *call, const uint64_t *args)
{
    return move(call, args, true, false);
}

enum os_error p1_fd_pwrite(struct p1_call *call, const uint64_t *args)
{
    return move(call, args, true, true);
}

static enum os_error seek(struct p1_call *call, uint32_t number, int64_t offset_bytes,
                          enum file_whence whence, uint32_t result_at)
{
    struct p1_descriptor *descriptor;
    uint64_t position;
    /* To ask where one is takes less than to move. */
    bool only_tells = whence == FILE_FROM_CURRENT && offset_bytes == 0;
    uint8_t *result = p1_at(call, result_at, 8);
    if (result == NULL)
        return OS_FAULT;
    enum os_error error =
        p1_find_file(call, number, only_tells ? P1_FD_TELL : P1_FD_SEEK, &descriptor);
    if (error == OS_NOTCAPABLE && descriptor->rights_base & P1_FD_SEEK)
        error = OS_OK;
    if (!error)
        error = file_seek(descriptor->file.fd, offset_bytes, whence, &position);
    if (!error)
        bytes_put64(result, position);
    return error;
}

enum os_error p1_fd_seek(struct p1_call *call, const uint64_t *args)
{
    static const uint8_t whences[P1_ABI_COUNT][3] = {
        [P1_UNSTABLE] = {FILE_FROM_CURRENT, FILE_FROM_END, FILE_FROM_START},
        [P1_SNAPSHOT] = {FILE_FROM_START, FILE_FROM_CURRENT, FILE_FROM_END},
    };
    uint32_t whence = p1_u32(args[2]);
    if (whence >= 3)
        return OS_INVAL;
    return seek(call, p1_u32(args[0]), (int64_t)args[1],
                (enum file_whence)whences[call->abi][whence], p1_u32(args[3]));
}

enum os_error p1_fd_tell(struct p1_call *call, const uint64_t *args)
{
    return seek(call, p1_u32(args[0]), 0, FILE_FROM_CURRENT, p1_u32(args[1]));
}
