/* SPDX-License-Identifier: Apache-2.0 */
/* Streams and pollables of WASI 0.2, for those who make them: files, sockets, HTTP bodies. */
#ifndef WASI_P2_STREAM_H
#define WASI_P2_STREAM_H

#include "wasi/p2_int.h"

struct host_pipe;

/* ---- Pollables --------------------------------------------------------------------------- */

/* What a pollable waits for. */
struct p2_readiness {
    bool is_ready;   /* already */
    bool is_signal;  /* `fd` tells of a change: look again when it is ready */
    int fd;          /* -1: none */
    int16_t wanted;  /* READY_READ, READY_WRITE */
    uint64_t due_ns; /* on the monotonic clock; HOST_WAIT_FOREVER: never */
};

typedef void (*p2_look)(struct p2_object *source, struct p2_readiness *ret_readiness);

struct p2_pollable {
    struct p2_object base;
    struct p2_object *source; /* NULL: a clock */
    p2_look look;             /* NULL: time only */
    uint64_t due_ns;
};

void p2_pollable_end(struct wasi_p2 *wasi, struct p2_object *object);
/* A pollable for `source`, which is retained, as handle in slots[0]. */
MUST_CHECK enum stint_status p2_subscribe(struct host_component_call *call,
                                          struct p2_object *source, p2_look look, uint64_t *slots);
/* The same for a time. */
MUST_CHECK enum stint_status p2_subscribe_time(struct host_component_call *call, uint64_t due_ns,
                                               uint64_t *slots);
/* Waits until `look` says that `source` is ready; OS_STOPPED. */
MUST_CHECK enum os_error p2_await(struct host_component_call *call, struct p2_object *source,
                                  p2_look look);

static inline void p2_ready_now(struct p2_readiness *ret_readiness)
{
    *ret_readiness = (struct p2_readiness){.is_ready = true, .fd = -1, .due_ns = HOST_WAIT_FOREVER};
}

static inline void p2_ready_fd(struct p2_readiness *ret_readiness, int fd, int16_t wanted)
{
    *ret_readiness = (struct p2_readiness){.fd = fd, .wanted = wanted, .due_ns = HOST_WAIT_FOREVER};
}

/* ---- Errors ------------------------------------------------------------------------------ */

enum p2_error_kind { P2_ERROR_FILE, P2_ERROR_NETWORK, P2_ERROR_HTTP };

struct p2_error {
    struct p2_object base;
    uint8_t kind;       /* enum p2_error_kind */
    enum os_error code; /* files and sockets */
    uint8_t http_code;  /* HTTP: the case of wasi:http/types.error-code */
};

/* ---- Streams ----------------------------------------------------------------------------- */

struct p2_input;
struct p2_output;

struct p2_input_ops {
    /* Never waits: OS_AGAIN. 0 bytes: the end. */
    enum os_error (*read)(struct p2_input *input, const struct host_wait *wait, void *data,
                          size_t bytes, size_t *ret_bytes);
    void (*look)(const struct p2_input *input, struct p2_readiness *ret_readiness);
    uint8_t error_kind;
};

struct p2_input {
    struct p2_object base;
    const struct p2_input_ops *ops;
    struct p2_object *owner; /* what it reads from, retained; may be NULL */
    struct host_file file;   /* files and sockets; the owner's, or the caller's */
    int64_t offset_bytes;    /* FILE_NO_OFFSET: where the file stands */
    struct host_pipe *pipe;  /* HTTP bodies; retained */
    uint8_t http_code;       /* of the error that read gave */
    bool is_ended, is_shared; /* the pipe is closed when the stream ends, unless it is shared */
};

struct p2_output_ops {
    /* May take less than all; OS_AGAIN: nothing now. */
    enum os_error (*write)(struct p2_output *output, const struct host_wait *wait, const void *data,
                           size_t bytes, size_t *ret_bytes);
    void (*look)(const struct p2_output *output, struct p2_readiness *ret_readiness);
    /* How much write takes at once, when it is ready. */
    size_t (*room)(const struct p2_output *output);
    uint8_t error_kind;
};

struct p2_output {
    struct p2_object base;
    const struct p2_output_ops *ops;
    struct p2_object *owner;
    struct host_file file;
    int64_t offset_bytes;
    bool is_append;
    bool is_ended;
    uint8_t http_code;
    struct host_pipe *pipe;
    uint64_t permit_bytes; /* what check-write promised */
    uint8_t *pending;      /* accepted but not written; P2_SCRATCH_BYTES, or NULL */
    size_t pending_at, pending_bytes;
};

void p2_input_end(struct wasi_p2 *wasi, struct p2_object *object);
void p2_output_end(struct wasi_p2 *wasi, struct p2_object *object);

/* Streams on an open file; `owner` may be NULL, and is retained. Sockets are P2_ERROR_NETWORK. */
MUST_CHECK enum stint_status p2_file_input(struct host_component_call *call,
                                           struct p2_object *owner, const struct host_file *file,
                                           int64_t offset_bytes, struct p2_input **ret_input);
MUST_CHECK enum stint_status p2_file_output(struct host_component_call *call,
                                            struct p2_object *owner, const struct host_file *file,
                                            int64_t offset_bytes, bool is_append,
                                            struct p2_output **ret_output);
/* The standard streams; that of a closed one is at its end. */
MUST_CHECK enum stint_status p2_open_input(struct host_component_call *call,
                                           struct p2_input **ret_input);
MUST_CHECK enum stint_status p2_open_output(struct host_component_call *call, int number,
                                            struct p2_output **ret_output);
/* A stream on a pipe that others read from as well, as handle in slots[0]. */
MUST_CHECK enum stint_status p2_pipe_input(struct host_component_call *call, struct host_pipe *pipe,
                                           uint64_t *slots);
/* Writes what is pending and does not wait, for streams that go away. */
void p2_output_drain(struct p2_output *output);

#endif
