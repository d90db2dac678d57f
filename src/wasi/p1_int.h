/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared by the files p1*.c: the guest behind the functions, and access to its memory.
 *
 * A function of p1.def gets its arguments in 64-bit slots (upper halves of i32 are unspecified: p1_u32)
 * and returns what becomes its errno. Guest memory is reached through p1_at only, which checks a
 * pointer and a length; results are written after everything that can fail, except that pointers for
 * results are checked first, before anything is done.
 */
#ifndef WASI_P1_INT_H
#define WASI_P1_INT_H

#include <string.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "runtime/store.h"
#include "wasi/host_path.h"
#include "wasi/p1.h"
#include "wasi/p1_table.h"

enum p1_abi { P1_UNSTABLE, P1_SNAPSHOT, P1_ABI_COUNT };

/* A call of a function: what it works on. */
struct p1_call {
    struct wasi_p1 *wasi;
    enum p1_abi abi;
    struct host_wait wait;
    uint8_t *memory; /* NULL: the module has none, and every pointer is wrong */
    uint64_t memory_bytes;
    /* Set to end the guest instead of returning an errno. */
    enum stint_status status;
    struct stint_error *error;
};

typedef enum os_error (*p1_function)(struct p1_call *call, const uint64_t *args);

#define P1(name, signature, since)                                                                 \
    enum os_error p1_##name(struct p1_call *call, const uint64_t *args);
#include "wasi/p1.def"
#undef P1

enum {
#define P1(name, signature, since) P1_ROW_##name,
#include "wasi/p1.def"
#undef P1
    P1_ROW_COUNT
};

/* NUL-terminated strings, one after the other: arguments or environment. */
struct p1_strings {
    const char *bytes;
    uint32_t size_bytes;
    uint32_t count;
};

/* What a host function's env points to: says for whom and which function it is. */
struct p1_import {
    struct wasi_p1 *wasi;
    p1_function function;
    enum p1_abi abi;
    struct func *func; /* NULL: not made yet */
};

/* The end of a guest that was told to stop while it waited. */
MUST_CHECK enum stint_status p1_stopped(struct stint_store *store, struct stint_error *error);
/* The second way into every function (runtime/store.h); NULL: none in this build. */
extern const host_words_fn p1_words;

struct wasi_p1 {
    struct alloc *alloc;
    struct arena arena; /* strings and names */
    struct p1_strings args, env;
    struct p1_table table;
    struct p1_descriptor *kept; /* of wasi_p1_keep; in the arena */
    size_t kept_count;
    struct stint_store *store; /* whose functions `imports` are */
    struct p1_import imports[P1_ABI_COUNT][P1_ROW_COUNT];
};

/* What a function works on when it is called. */
static inline struct p1_call p1_begin(const struct p1_import *import, struct stint_store *store,
                                      const struct stint_instance *caller,
                                      struct stint_error *error)
{
    const struct memory *memory = caller != NULL ? caller->memory0 : NULL;
    return (struct p1_call){
        .wasi = import->wasi,
        .abi = import->abi,
        /* Without metering nobody may interrupt, and a wait needs no slices. */
        .wait = {store->deadline_ns, store->engine->config.is_metered ? &store->interrupt : NULL,
                 store->waiter},
        .memory = memory != NULL ? memory->base : NULL,
        .memory_bytes = memory != NULL ? memory->bytes : 0,
        .status = STINT_OK,
        .error = error,
    };
}

/* ---- Arguments and memory ---------------------------------------------------------------- */

static inline uint32_t p1_u32(uint64_t slot)
{
    return (uint32_t)slot;
}

/* `bytes` bytes of guest memory at `pointer`, or NULL when they are not all inside. */
static inline uint8_t *p1_at(const struct p1_call *call, uint32_t pointer, uint64_t bytes)
{
    if (call->memory == NULL || bytes > call->memory_bytes || pointer > call->memory_bytes - bytes)
        return NULL;
    return call->memory + pointer;
}

/* A path of the guest, checked for length, NUL and UTF-8, as a string. */
MUST_CHECK enum os_error p1_path(const struct p1_call *call, uint32_t pointer, uint32_t bytes,
                                 char ret_path[HOST_PATH_BYTES]);

enum { P1_SPANS_MAX = FILE_SPANS_MAX };

/* A list of `count` iovecs of the guest at `pointer`, all inside its memory. */
MUST_CHECK enum os_error p1_spans(const struct p1_call *call, uint32_t pointer, uint32_t count,
                                  struct file_span ret_spans[P1_SPANS_MAX]);

/* ---- Descriptors ------------------------------------------------------------------------- */

/* OS_BADF when it is not open, OS_NOTCAPABLE when it lacks one of the rights. */
MUST_CHECK enum os_error p1_find(const struct p1_call *call, uint32_t number, uint64_t rights,
                                 struct p1_descriptor **ret_descriptor);
/* For what makes no sense with a directory (OS_ISDIR). Errors are those that C programs expect: OS_BADF
 * without the right to read or write, OS_SPIPE for a stream that should seek. */
MUST_CHECK enum os_error p1_find_file(const struct p1_call *call, uint32_t number, uint64_t rights,
                                      struct p1_descriptor **ret_descriptor);
/* For paths: OS_NOTDIR unless it is a directory. */
MUST_CHECK enum os_error p1_find_dir(const struct p1_call *call, uint32_t number, uint64_t rights,
                                     struct p1_descriptor **ret_descriptor);

/* Gives a new file a number: the rights are those asked for that it can have. On failure the file is
 * closed. */
MUST_CHECK enum os_error p1_add_file(struct p1_call *call, const struct host_file *file,
                                     uint64_t rights_base, uint64_t rights_inheriting,
                                     uint16_t fdflags, uint32_t *ret_number);

/* `filetype` of the specification. */
static inline uint8_t p1_filetype(enum file_type type)
{
    return type == FILE_FIFO ? FILE_UNKNOWN : (uint8_t)type;
}

enum { P1_FILESTAT_BYTES = 64, P1_FILESTAT_BYTES_UNSTABLE = 56 };

static inline uint32_t p1_filestat_bytes(enum p1_abi abi)
{
    return abi == P1_UNSTABLE ? P1_FILESTAT_BYTES_UNSTABLE : P1_FILESTAT_BYTES;
}

/* Writes a `filestat` of p1_filestat_bytes. */
void p1_put_filestat(enum p1_abi abi, uint8_t *at, const struct file_stat *stat);

/* Reads `fstflags` and two times; OS_INVAL for flags that contradict each other. */
MUST_CHECK enum os_error p1_times(uint64_t accessed_ns, uint64_t modified_ns, uint32_t fstflags,
                                  struct file_time *ret_accessed, struct file_time *ret_modified);

/* `clockid`; OS_INVAL for others. */
MUST_CHECK enum os_error p1_clock(uint32_t id, uint32_t *ret_clock);

#endif
