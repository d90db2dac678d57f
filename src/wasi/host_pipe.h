/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes on their way between a guest and its host, who may be in different threads: the bodies of HTTP
 * messages. One side writes and finishes, the other reads and closes; nobody waits in here. Who is told
 * OS_AGAIN waits for the descriptor of host_pipe_look, or to be notified, then tries again.
 */
#ifndef WASI_HOST_PIPE_H
#define WASI_HOST_PIPE_H

#include "base/alloc.h"
#include "os/errors.h"

struct host_pipe;

enum { HOST_PIPE_BYTES = 64 << 10 }; /* a good limit */

/* Holds at most `limit_bytes`. With one reference. */
MUST_CHECK enum os_error host_pipe_create(struct alloc *alloc, size_t limit_bytes,
                                          struct host_pipe **ret_pipe);
struct host_pipe *host_pipe_retain(struct host_pipe *pipe);
void host_pipe_release(struct host_pipe *pipe); /* accepts NULL */

/* ---- The writer -------------------------------------------------------------------------- */

/* What fits; OS_AGAIN when that is nothing, OS_PIPE when nobody reads any more. */
MUST_CHECK enum os_error host_pipe_write(struct host_pipe *pipe, const void *data, size_t bytes,
                                         size_t *ret_bytes);
/* The end, or an end with an error: `code` is the reader's to interpret, not 0. The first one counts. */
void host_pipe_finish(struct host_pipe *pipe);
void host_pipe_fail(struct host_pipe *pipe, uint8_t code);
/* How much a write would take at once. */
size_t host_pipe_room(struct host_pipe *pipe);
/* Whether the reader has asked for bytes, which tells who would rather not bring any for nothing. */
bool host_pipe_is_wanted(struct host_pipe *pipe);
/* Bytes written so far. */
uint64_t host_pipe_total(struct host_pipe *pipe);

/* ---- The reader -------------------------------------------------------------------------- */

/* What there is; OS_AGAIN when that is nothing yet, 0 bytes at the end, OS_IO after host_pipe_fail. */
MUST_CHECK enum os_error host_pipe_read(struct host_pipe *pipe, void *data, size_t bytes,
                                        size_t *ret_bytes);
/* The code of host_pipe_fail, or 0. */
uint8_t host_pipe_code(struct host_pipe *pipe);
/* Whether it has ended well, so that nothing follows the `ret_bytes` that are still to be read. */
bool host_pipe_is_whole(struct host_pipe *pipe, size_t *ret_bytes);
/* Wants no more. */
void host_pipe_close(struct host_pipe *pipe);
bool host_pipe_is_closed(struct host_pipe *pipe);

/* ---- Both -------------------------------------------------------------------------------- */

/* Whether this side would be told something else than OS_AGAIN; else `ret_fd` becomes ready to read
 * when that may have changed. The first such look makes the descriptor. */
bool host_pipe_look(struct host_pipe *pipe, bool is_reader, int *ret_fd);
/* The same without a descriptor. */
bool host_pipe_is_ready(struct host_pipe *pipe, bool is_reader);
/*
 * `notify(env)` is called when host_pipe_is_ready of this side may have become true, and at the end.
 * It runs in the thread of the other side, which may be this one's, inside its call and with the pipe
 * locked: it takes a note, say for a loop that runs later, and calls nothing of the pipe. Each side
 * has one; NULL takes it away, after which it is not called any more.
 */
void host_pipe_watch(struct host_pipe *pipe, bool is_reader, void (*notify)(void *env), void *env);

#endif
