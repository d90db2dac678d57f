/* SPDX-License-Identifier: Apache-2.0 */
#include "wasi/host_file.h"

#include "os/sockets.h"

/*
 * A descriptor that blocks underneath is written in pieces that a pipe takes whole once it is ready
 * at all (PIPE_BUF), so that a full pipe never keeps a guest beyond its deadline.
 */
enum { PIECE_BYTES = 4096, PIECE_SPANS = 16 };

enum os_error host_file_adopt(int fd, bool owned, struct host_file *ret_file)
{
    struct host_file file = {.fd = fd, .is_owned = owned};
    struct file_stat stat;
    unsigned flags = 0;
    enum os_error error = file_stat_of(fd, &stat);
    if (!error)
        error = file_flags_of(fd, &flags, &file.is_host_nonblocking);
    if (error) {
        host_file_close(&file);
        return error;
    }
    file.flags = (uint16_t)flags;
    file.type = (uint8_t)stat.type;
    if (stat.type == FILE_SOCKET_STREAM)
        file.is_listening = socket_is_listening(fd);
    *ret_file = file;
    return OS_OK;
}

void host_file_close(struct host_file *file)
{
    if (file->is_owned)
        file_close(file->fd);
    file->is_owned = false;
    file->fd = -1;
}

struct host_file host_file_of_sink(struct host_sink *sink)
{
    return (struct host_file){.fd = -1, .sink = sink, .type = FILE_FIFO, .flags = FILE_READ | FILE_WRITE};
}

bool host_file_is_stream(const struct host_file *file)
{
    return file->type != FILE_REGULAR && file->type != FILE_DIRECTORY &&
           file->type != FILE_BLOCK_DEVICE;
}

static bool is_socket(const struct host_file *file)
{
    return file->type == FILE_SOCKET_STREAM || file->type == FILE_SOCKET_DATAGRAM;
}

/* ---- Spans ------------------------------------------------------------------------------- */

size_t host_spans_bytes(const struct file_span *spans, size_t count)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += spans[i].bytes;
    return bytes;
}

size_t host_spans_cut(const struct file_span *spans, size_t count, size_t skip, size_t limit,
                      struct file_span *ret_spans, size_t room)
{
    size_t pieces = 0;
    for (size_t i = 0; i < count && pieces < room && limit > 0; i++) {
        if (spans[i].bytes <= skip) {
            skip -= spans[i].bytes;
            continue;
        }
        size_t bytes = spans[i].bytes - skip;
        if (bytes > limit)
            bytes = limit;
        ret_spans[pieces].data = (uint8_t *)spans[i].data + skip;
        ret_spans[pieces].bytes = bytes;
        pieces++;
        limit -= bytes;
        skip = 0;
    }
    return pieces;
}

/* ---- Reading and writing ----------------------------------------------------------------- */

/* One call of the system; sockets never block in it, other descriptors as they are set. */
static enum os_error read_now(const struct host_file *file, const struct file_span *spans,
                              size_t count, size_t *ret_bytes)
{
    bool is_truncated;
    if (is_socket(file))
        return socket_receive(file->fd, spans, count, 0, ret_bytes, &is_truncated);
    return file_read(file->fd, spans, count, FILE_NO_OFFSET, ret_bytes);
}

static enum os_error write_now(const struct host_file *file, const struct file_span *spans,
                               size_t count, size_t *ret_bytes)
{
    if (is_socket(file))
        return socket_send(file->fd, spans, count, ret_bytes);
    return file_write(file->fd, spans, count, FILE_NO_OFFSET, ret_bytes);
}

/* Whether a call of the system could keep the guest longer than it may be kept. */
static bool may_block(const struct host_file *file, const struct host_wait *wait)
{
    if (file->is_host_nonblocking || is_socket(file))
        return false;
    return file->is_nonblocking || host_wait_can_stop(wait);
}

static enum os_error await(const struct host_file *file, const struct host_wait *wait,
                           int16_t wanted)
{
    return file->is_nonblocking ? host_wait_look(file->fd, wanted)
                                : host_wait_fd(wait, file->fd, wanted);
}

static enum os_error read_stream(const struct host_file *file, const struct host_wait *wait,
                                 const struct file_span *spans, size_t count, size_t *ret_bytes)
{
    /* A FIFO that nobody has opened for writing yet reads as ended, but is not ready either: the guest
     * waits here for what its open did not wait for. */
    bool wait_first = may_block(file, wait) || (file->type == FILE_FIFO && !file->is_nonblocking);
    for (;;) {
        if (wait_first) {
            enum os_error error = await(file, wait, READY_READ);
            if (error)
                return error;
        }
        enum os_error error = read_now(file, spans, count, ret_bytes);
        if (error != OS_AGAIN || file->is_nonblocking)
            return error;
        wait_first = true;
    }
}

/* A datagram goes out whole or not at all. */
static enum os_error write_datagram(const struct host_file *file, const struct host_wait *wait,
                                    const struct file_span *spans, size_t count, size_t *ret_bytes)
{
    for (;;) {
        enum os_error error = write_now(file, spans, count, ret_bytes);
        if (error != OS_AGAIN || file->is_nonblocking)
            return error;
        error = await(file, wait, READY_WRITE);
        if (error)
            return error;
    }
}

static enum os_error write_stream(const struct host_file *file, const struct host_wait *wait,
                                  const struct file_span *spans, size_t count, size_t *ret_bytes)
{
    size_t total = host_spans_bytes(spans, count);
    size_t done = 0;
    bool is_piecewise = may_block(file, wait);
    bool wait_first = is_piecewise;
    enum os_error error = OS_OK;
    do {
        struct file_span piece[PIECE_SPANS];
        size_t bytes = 0;
        if (wait_first)
            error = await(file, wait, READY_WRITE);
        if (!error) {
            size_t limit = is_piecewise ? PIECE_BYTES : SIZE_MAX;
            size_t pieces = host_spans_cut(spans, count, done, limit, piece, PIECE_SPANS);
            error = write_now(file, piece, pieces, &bytes);
            wait_first = is_piecewise || error == OS_AGAIN;
        }
        done += bytes;
        if (error == OS_AGAIN && !file->is_nonblocking)
            error = OS_OK;
    } while (!error && done < total);
    /* What has been written counts; the error comes again with the next call. A stopped guest
     * gets no answer at all. */
    if (error && (done == 0 || error == OS_STOPPED))
        return error;
    *ret_bytes = done;
    return OS_OK;
}

/* A call of the system that may wait for a disk. */
struct disk_work {
    int fd;
    const struct file_span *spans;
    size_t count;
    int64_t offset_bytes;
    size_t *ret_bytes;
    bool data_only;
    enum os_error error;
};

static void read_disk(void *arg)
{
    struct disk_work *work = arg;
    work->error =
        file_read(work->fd, work->spans, work->count, work->offset_bytes, work->ret_bytes);
}

static void sync_disk(void *arg)
{
    struct disk_work *work = arg;
    work->error = file_sync(work->fd, work->data_only);
}

enum os_error host_file_sync(const struct host_file *file, const struct host_wait *wait,
                             bool data_only)
{
    struct disk_work work = {.fd = file->fd, .data_only = data_only};
    enum os_error error = host_wait_work(wait, sync_disk, &work);
    return error ? error : work.error;
}

static enum os_error read_file(const struct host_file *file, const struct host_wait *wait,
                               const struct file_span *spans, size_t count, int64_t offset_bytes,
                               size_t *ret_bytes)
{
    if (!host_wait_suspends(wait))
        return file_read(file->fd, spans, count, offset_bytes, ret_bytes);
    enum os_error error = file_read_cached(file->fd, spans, count, offset_bytes, ret_bytes);
    if (error != OS_AGAIN)
        return error;
    struct disk_work work = {.fd = file->fd,
                             .spans = spans,
                             .count = count,
                             .offset_bytes = offset_bytes,
                             .ret_bytes = ret_bytes};
    error = host_wait_work(wait, read_disk, &work);
    return error ? error : work.error;
}

enum os_error host_file_read(const struct host_file *file, const struct host_wait *wait,
                             const struct file_span *spans, size_t count, int64_t offset_bytes,
                             size_t *ret_bytes)
{
    if (file->type == FILE_DIRECTORY)
        return OS_ISDIR;
    if (file->sink != NULL)
        return file->sink->read(file->sink, wait, spans->data, count > 0 ? spans->bytes : 0,
                                ret_bytes);
    if (!host_file_is_stream(file) || offset_bytes != FILE_NO_OFFSET)
        return read_file(file, wait, spans, count, offset_bytes, ret_bytes);
    return read_stream(file, wait, spans, count, ret_bytes);
}

static enum os_error write_sink(const struct host_file *file, const struct host_wait *wait,
                                const struct file_span *spans, size_t count, size_t *ret_bytes)
{
    enum os_error error = OS_OK;
    for (size_t i = 0; i < count && !error; i++)
        error = file->sink->write(file->sink, wait, spans[i].data, spans[i].bytes);
    *ret_bytes = host_spans_bytes(spans, count);
    return error;
}

enum os_error host_file_write(const struct host_file *file, const struct host_wait *wait,
                              const struct file_span *spans, size_t count, int64_t offset_bytes,
                              size_t *ret_bytes)
{
    if (file->type == FILE_DIRECTORY)
        return OS_ISDIR;
    if (file->sink != NULL)
        return write_sink(file, wait, spans, count, ret_bytes);
    if (!host_file_is_stream(file) || offset_bytes != FILE_NO_OFFSET)
        return file_write(file->fd, spans, count, offset_bytes, ret_bytes);
    if (file->type == FILE_SOCKET_DATAGRAM)
        return write_datagram(file, wait, spans, count, ret_bytes);
    return write_stream(file, wait, spans, count, ret_bytes);
}

/* ---- Attributes -------------------------------------------------------------------------- */

enum os_error host_file_set_flags(struct host_file *file, unsigned flags, bool is_nonblocking)
{
    unsigned sync = FILE_SYNC | FILE_DSYNC;
    /* The system ignores a change of these without a word. */
    if ((flags & sync) != (file->flags & sync))
        return OS_NOTSUP;
    if ((flags ^ file->flags) & FILE_APPEND) {
        enum os_error error = file_set_append(file->fd, flags & FILE_APPEND);
        if (error)
            return error;
        file->flags = (uint16_t)(file->flags ^ FILE_APPEND);
    }
    file->is_nonblocking = is_nonblocking;
    return OS_OK;
}

enum os_error host_file_set_size(const struct host_file *file, uint64_t size_bytes)
{
    if (file->type == FILE_DIRECTORY)
        return OS_ISDIR;
    return file->is_frozen ? OS_ROFS : file_set_size(file->fd, size_bytes);
}

enum os_error host_file_allocate(const struct host_file *file, uint64_t offset_bytes,
                                 uint64_t size_bytes)
{
    if (file->type == FILE_DIRECTORY)
        return OS_ISDIR;
    return file->is_frozen ? OS_ROFS : file_allocate(file->fd, offset_bytes, size_bytes);
}

enum os_error host_file_set_times(const struct host_file *file, struct file_time accessed,
                                  struct file_time modified)
{
    return file->is_frozen ? OS_ROFS : file_set_times(file->fd, accessed, modified);
}

uint64_t host_file_waiting_bytes(const struct host_file *file)
{
    struct file_stat stat;
    uint64_t position;
    if (host_file_is_stream(file))
        return file_waiting_bytes(file->fd);
    if (file_stat_of(file->fd, &stat) || file_seek(file->fd, 0, FILE_FROM_CURRENT, &position))
        return 0;
    return stat.size_bytes > position ? stat.size_bytes - position : 0;
}
