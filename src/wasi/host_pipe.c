/* SPDX-License-Identifier: Apache-2.0 */
#include "wasi/host_pipe.h"

#include <stdatomic.h>
#include <string.h>

#include "base/buf.h"
#include "os/event.h"
#include "os/files.h"
#include "os/lock.h"

enum { READER, WRITER };

struct watch {
    void (*notify)(void *env); /* NULL: nobody is told */
    void *env;
};

struct host_pipe {
    atomic_uint references;
    struct alloc *alloc;
    struct lock lock;
    /* All below under the lock. */
    struct buf buf;
    size_t at; /* what is before has been read */
    size_t limit_bytes;
    uint64_t total_bytes;
    int fds[2]; /* by side, made when first needed; -1: none */
    struct watch watches[2];
    uint8_t code;
    bool is_finished, is_closed, is_wanted;
};

enum os_error host_pipe_create(struct alloc *alloc, size_t limit_bytes, struct host_pipe **ret_pipe)
{
    struct host_pipe *pipe = alloc_get_zeroed(alloc, 1, sizeof(*pipe));
    if (pipe == NULL)
        return OS_NOMEM;
    atomic_init(&pipe->references, 1);
    pipe->alloc = alloc;
    lock_init(&pipe->lock);
    buf_init(&pipe->buf, alloc, SIZE_MAX);
    pipe->limit_bytes = limit_bytes;
    pipe->fds[READER] = pipe->fds[WRITER] = -1;
    *ret_pipe = pipe;
    return OS_OK;
}

struct host_pipe *host_pipe_retain(struct host_pipe *pipe)
{
    atomic_fetch_add_explicit(&pipe->references, 1, memory_order_relaxed);
    return pipe;
}

void host_pipe_release(struct host_pipe *pipe)
{
    if (pipe == NULL || atomic_fetch_sub_explicit(&pipe->references, 1, memory_order_acq_rel) != 1)
        return;
    for (int side = 0; side < 2; side++) {
        if (pipe->fds[side] != -1)
            file_close(pipe->fds[side]);
    }
    buf_free(&pipe->buf);
    lock_free(&pipe->lock);
    alloc_put(pipe->alloc, pipe, sizeof(*pipe));
}

static void tell(const struct host_pipe *pipe, int side)
{
    if (pipe->fds[side] != -1)
        event_set(pipe->fds[side]);
    if (pipe->watches[side].notify != NULL)
        pipe->watches[side].notify(pipe->watches[side].env);
}

static size_t waiting(const struct host_pipe *pipe)
{
    return pipe->buf.bytes - pipe->at;
}

static size_t room(const struct host_pipe *pipe)
{
    size_t used = waiting(pipe);
    return used < pipe->limit_bytes ? pipe->limit_bytes - used : 0;
}

enum os_error host_pipe_write(struct host_pipe *pipe, const void *data, size_t bytes,
                              size_t *ret_bytes)
{
    enum os_error error = OS_OK;
    lock_take(&pipe->lock);
    size_t fits = room(pipe);
    if (bytes > fits)
        bytes = fits;
    if (pipe->is_closed || pipe->is_finished)
        error = OS_PIPE;
    else if (fits == 0)
        error = OS_AGAIN;
    else if (!buf_append(&pipe->buf, data, bytes))
        error = OS_NOMEM;
    if (!error) {
        pipe->total_bytes += bytes;
        *ret_bytes = bytes;
        /* Who has not read the rest knows that there is something. */
        if (waiting(pipe) == bytes)
            tell(pipe, READER);
    }
    lock_give(&pipe->lock);
    return error;
}

static void finish(struct host_pipe *pipe, uint8_t code)
{
    lock_take(&pipe->lock);
    if (!pipe->is_finished) {
        pipe->is_finished = true;
        pipe->code = code;
        tell(pipe, READER);
    }
    lock_give(&pipe->lock);
}

void host_pipe_finish(struct host_pipe *pipe)
{
    finish(pipe, 0);
}

void host_pipe_fail(struct host_pipe *pipe, uint8_t code)
{
    finish(pipe, code);
}

size_t host_pipe_room(struct host_pipe *pipe)
{
    lock_take(&pipe->lock);
    size_t bytes = room(pipe);
    lock_give(&pipe->lock);
    return bytes;
}

bool host_pipe_is_wanted(struct host_pipe *pipe)
{
    lock_take(&pipe->lock);
    bool is_wanted = pipe->is_wanted;
    lock_give(&pipe->lock);
    return is_wanted;
}

uint64_t host_pipe_total(struct host_pipe *pipe)
{
    lock_take(&pipe->lock);
    uint64_t bytes = pipe->total_bytes;
    lock_give(&pipe->lock);
    return bytes;
}

/* Gives back what has been read once it is most of the buffer, so that moving the rest is cheap. */
static void compact(struct host_pipe *pipe)
{
    if (pipe->at == pipe->buf.bytes) {
        buf_clear(&pipe->buf);
        pipe->at = 0;
    } else if (pipe->at > pipe->buf.bytes / 2) {
        memmove(pipe->buf.data, pipe->buf.data + pipe->at, waiting(pipe));
        pipe->buf.bytes -= pipe->at;
        pipe->at = 0;
    }
}

enum os_error host_pipe_read(struct host_pipe *pipe, void *data, size_t bytes, size_t *ret_bytes)
{
    enum os_error error = OS_OK;
    lock_take(&pipe->lock);
    size_t there = waiting(pipe);
    pipe->is_wanted = true;
    if (bytes > there)
        bytes = there;
    if (there == 0 && !pipe->is_finished)
        error = OS_AGAIN;
    else if (there == 0 && pipe->code != 0)
        error = OS_IO;
    if (!error) {
        if (bytes > 0)
            memcpy(data, pipe->buf.data + pipe->at, bytes);
        bool was_full = room(pipe) == 0;
        pipe->at += bytes;
        compact(pipe);
        *ret_bytes = bytes;
        if (was_full)
            tell(pipe, WRITER);
    }
    lock_give(&pipe->lock);
    return error;
}

uint8_t host_pipe_code(struct host_pipe *pipe)
{
    lock_take(&pipe->lock);
    uint8_t code = pipe->code;
    lock_give(&pipe->lock);
    return code;
}

bool host_pipe_is_whole(struct host_pipe *pipe, size_t *ret_bytes)
{
    lock_take(&pipe->lock);
    bool is_whole = pipe->is_finished && pipe->code == 0;
    *ret_bytes = waiting(pipe);
    lock_give(&pipe->lock);
    return is_whole;
}

void host_pipe_close(struct host_pipe *pipe)
{
    lock_take(&pipe->lock);
    pipe->is_closed = true;
    buf_clear(&pipe->buf);
    pipe->at = 0;
    tell(pipe, WRITER);
    lock_give(&pipe->lock);
}

bool host_pipe_is_closed(struct host_pipe *pipe)
{
    lock_take(&pipe->lock);
    bool is_closed = pipe->is_closed;
    lock_give(&pipe->lock);
    return is_closed;
}

static bool is_ready_for(const struct host_pipe *pipe, int side)
{
    return side == READER ? waiting(pipe) > 0 || pipe->is_finished
                          : room(pipe) > 0 || pipe->is_finished || pipe->is_closed;
}

bool host_pipe_is_ready(struct host_pipe *pipe, bool is_reader)
{
    lock_take(&pipe->lock);
    bool is_ready = is_ready_for(pipe, is_reader ? READER : WRITER);
    lock_give(&pipe->lock);
    return is_ready;
}

void host_pipe_watch(struct host_pipe *pipe, bool is_reader, void (*notify)(void *env), void *env)
{
    lock_take(&pipe->lock);
    pipe->watches[is_reader ? READER : WRITER] = (struct watch){notify, env};
    lock_give(&pipe->lock);
}

bool host_pipe_look(struct host_pipe *pipe, bool is_reader, int *ret_fd)
{
    int side = is_reader ? READER : WRITER;
    lock_take(&pipe->lock);
    bool is_ready = is_ready_for(pipe, side);
    pipe->is_wanted |= is_reader;
    if (!is_ready) {
        int fd;
        if (pipe->fds[side] != -1)
            event_clear(pipe->fds[side]);
        else if (event_create(&fd) == OS_OK)
            pipe->fds[side] = fd;
        /* Without a descriptor one has to try again and again. */
        is_ready = pipe->fds[side] == -1;
        *ret_fd = pipe->fds[side];
    }
    lock_give(&pipe->lock);
    return is_ready;
}
