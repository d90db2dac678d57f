/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An open file, directory, pipe, terminal or socket that a guest was given: the capability behind a
 * preview 1 descriptor and behind the descriptors and streams of later versions. Operations are those
 * on the open object; host_dir.h has those on paths beneath a directory.
 *
 * Calls that wait take a struct host_wait and end with OS_STOPPED when it says so. Blocking is the
 * guest's view: what the host opened itself is non-blocking underneath, and the modes of descriptors
 * that are shared with other processes (standard input …) are never changed.
 */
#ifndef WASI_HOST_FILE_H
#define WASI_HOST_FILE_H

#include "os/files.h"
#include "wasi/host_wait.h"

/* The flags of file_open_at that matter while a file is open. */
enum { HOST_FILE_FLAGS = FILE_READ | FILE_WRITE | FILE_APPEND | FILE_SYNC | FILE_DSYNC };

/* The host's end of a standard stream. Both may wait, and then end with OS_STOPPED. */
struct host_sink {
    /* Takes all of it, or fails. */
    enum os_error (*write)(struct host_sink *sink, const struct host_wait *wait, const void *data,
                           size_t bytes);
    /* What there is; 0 bytes: the end. NULL where nothing is read. */
    enum os_error (*read)(struct host_sink *sink, const struct host_wait *wait, void *data,
                          size_t bytes, size_t *ret_bytes);
};

struct host_file {
    int fd;
    struct host_sink *sink;   /* instead of `fd`, which is -1 then; always ready. Else NULL */
    uint8_t type;   /* enum file_type */
    uint16_t flags; /* of HOST_FILE_FLAGS */
    bool is_owned;  /* host_file_close closes the descriptor */
    bool is_frozen; /* nothing may be changed through it, as on a read-only file system */
    bool is_listening;
    bool is_nonblocking;      /* as the guest wants it */
    bool is_host_nonblocking; /* as the system has it */
};

/* Takes a descriptor that exists. With `owned` it is closed by host_file_close, and also when this
 * fails. */
MUST_CHECK enum os_error host_file_adopt(int fd, bool owned, struct host_file *ret_file);
void host_file_close(struct host_file *file);
/* A file that is written to, or read from, a sink, which has to stay. */
struct host_file host_file_of_sink(struct host_sink *sink);

/* Pipes, terminals, sockets and other devices: no position, and one has to wait for them. */
bool host_file_is_stream(const struct host_file *file);

/*
 * `offset_bytes` is FILE_NO_OFFSET or at least 0. Fewer bytes than asked for are no error; 0 bytes
 * read is the end, where the spans are not empty. Reading takes what is there; writing in blocking
 * mode goes on until all is written.
 */
MUST_CHECK enum os_error host_file_read(const struct host_file *file, const struct host_wait *wait,
                                        const struct file_span *spans, size_t count,
                                        int64_t offset_bytes, size_t *ret_bytes);
/* Until the disk has it. */
MUST_CHECK enum os_error host_file_sync(const struct host_file *file, const struct host_wait *wait,
                                        bool data_only);
MUST_CHECK enum os_error host_file_write(const struct host_file *file, const struct host_wait *wait,
                                         const struct file_span *spans, size_t count,
                                         int64_t offset_bytes, size_t *ret_bytes);

/* FILE_APPEND may change; OS_NOTSUP where FILE_SYNC or FILE_DSYNC would. */
MUST_CHECK enum os_error host_file_set_flags(struct host_file *file, unsigned flags,
                                             bool is_nonblocking);
MUST_CHECK enum os_error host_file_set_size(const struct host_file *file, uint64_t size_bytes);
MUST_CHECK enum os_error host_file_allocate(const struct host_file *file, uint64_t offset_bytes,
                                            uint64_t size_bytes);
MUST_CHECK enum os_error host_file_set_times(const struct host_file *file,
                                             struct file_time accessed, struct file_time modified);

/* Bytes that can be read at once: to the end of a file, or what waits in a pipe or socket. */
uint64_t host_file_waiting_bytes(const struct host_file *file);

/* ---- Spans ------------------------------------------------------------------------------- */

size_t host_spans_bytes(const struct file_span *spans, size_t count);
/* The part of `spans` from byte `skip` on, at most `limit` bytes and `room` pieces; returns how many
 * pieces. */
size_t host_spans_cut(const struct file_span *spans, size_t count, size_t skip, size_t limit,
                      struct file_span *ret_spans, size_t room);

#endif
