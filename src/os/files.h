/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files and directories by descriptor: one call of the system each, no policy. Names are relative
 * to a directory's descriptor; except where it says otherwise a symbolic link in the last component
 * is not followed, and a caller that wants more than one component beneath a directory resolves them
 * itself (wasi/host_path.h) or uses file_open_beneath.
 *
 * Times are nanoseconds since 1970. A call that a signal interrupted is repeated.
 */
#ifndef OS_FILES_H
#define OS_FILES_H

#include "os/errors.h"

/* The values are those of WASI preview 1 (`filetype`); it has none for FILE_FIFO. */
enum file_type {
    FILE_UNKNOWN,
    FILE_BLOCK_DEVICE,
    FILE_CHARACTER_DEVICE,
    FILE_DIRECTORY,
    FILE_REGULAR,
    FILE_SOCKET_DATAGRAM,
    FILE_SOCKET_STREAM,
    FILE_SYMLINK,
    FILE_FIFO,
};

struct file_stat {
    uint64_t device, inode;
    uint64_t links;
    uint64_t size_bytes;
    uint64_t accessed_ns, modified_ns, changed_ns;
    enum file_type type;
};

enum {
    FILE_READ = 1,
    FILE_WRITE = 2,
    FILE_CREATE = 4,
    FILE_EXCLUSIVE = 8, /* with FILE_CREATE: it must not exist */
    FILE_TRUNCATE = 16,
    FILE_IS_DIRECTORY = 32, /* fail with OS_NOTDIR for anything else */
    FILE_APPEND = 64,
    FILE_SYNC = 128,    /* each write waits for data and metadata */
    FILE_DSYNC = 256,   /* each write waits for data */
    FILE_FOLLOW = 512,  /* a symbolic link in the last component */
    FILE_HANDLE = 1024, /* only to name it in further calls (O_PATH); with FILE_IS_DIRECTORY only */
};

/*
 * Opens `name` in `dir_fd`. The descriptor is closed on exec, does not become the controlling
 * terminal, and is in non-blocking mode, so that opening a FIFO does not wait either: see
 * file_set_nonblocking. New files get mode 0666 less the process's umask.
 */
MUST_CHECK enum os_error file_open_at(int dir_fd, const char *name, unsigned flags, int *ret_fd);
/*
 * The same for a path of many components, resolved by the kernel so that no step leaves `dir_fd`:
 * neither `..`, nor a symbolic link, nor a directory that moves meanwhile (openat2 with
 * RESOLVE_BENEATH and RESOLVE_NO_MAGICLINKS). OS_NOTCAPABLE when it would; OS_AGAIN when a rename
 * elsewhere kept the kernel from being sure; OS_NOSYS where the kernel has no such call.
 */
MUST_CHECK enum os_error file_open_beneath(int dir_fd, const char *path, unsigned flags,
                                           int *ret_fd);
/* Opens a path of the host as it stands, links followed. */
MUST_CHECK enum os_error file_open_host(const char *path, unsigned flags, int *ret_fd);
/* A new, empty file without a name in any folder, in memory; `name` shows in listings. Closed on exec. */
MUST_CHECK enum os_error file_open_memory(const char *name, int *ret_fd);
/* A new descriptor for the same open file. */
MUST_CHECK enum os_error file_duplicate(int fd, int *ret_fd);
/* Never reports an error: what has been written is with the system already. */
void file_close(int fd);

MUST_CHECK enum os_error file_stat_of(int fd, struct file_stat *ret_stat);
/* Of a path of the host as it stands, links followed. */
MUST_CHECK enum os_error file_stat_host(const char *path, struct file_stat *ret_stat);
MUST_CHECK enum os_error file_stat_at(int dir_fd, const char *name, struct file_stat *ret_stat);
/* How a descriptor was opened: FILE_READ, FILE_WRITE, FILE_APPEND, FILE_SYNC, FILE_DSYNC. */
MUST_CHECK enum os_error file_flags_of(int fd, unsigned *ret_flags, bool *ret_is_nonblocking);
bool file_is_terminal(int fd);
/* Bytes that a read would give at once, where the system knows; else 0. */
uint64_t file_waiting_bytes(int fd);

/* A piece of memory to read into or write from; laid out as struct iovec. */
struct file_span {
    void *data;
    size_t bytes;
};

enum { FILE_SPANS_MAX = 1024 }; /* in one call */
enum { FILE_NO_OFFSET = -1 };   /* the descriptor's own position, which then moves */

/* At most what one call of the system takes; 0 bytes read is the end. `offset_bytes` is
 * FILE_NO_OFFSET or at least 0. */
MUST_CHECK enum os_error file_read(int fd, const struct file_span *spans, size_t count,
                                   int64_t offset_bytes, size_t *ret_bytes);
/* Of a regular file: what is in memory already. OS_AGAIN: that is nothing, or the system does not say. */
MUST_CHECK enum os_error file_read_cached(int fd, const struct file_span *spans, size_t count,
                                          int64_t offset_bytes, size_t *ret_bytes);
MUST_CHECK enum os_error file_write(int fd, const struct file_span *spans, size_t count,
                                    int64_t offset_bytes, size_t *ret_bytes);

/* Writes at the end of the file, wherever that is by then. */
MUST_CHECK enum os_error file_append(int fd, const struct file_span *spans, size_t count,
                                     size_t *ret_bytes);

enum file_whence { FILE_FROM_START, FILE_FROM_CURRENT, FILE_FROM_END };

MUST_CHECK enum os_error file_seek(int fd, int64_t offset_bytes, enum file_whence whence,
                                   uint64_t *ret_position_bytes);
MUST_CHECK enum os_error file_set_size(int fd, uint64_t size_bytes);
/* Makes the file at least offset + size long, with room on the disk for that part. */
MUST_CHECK enum os_error file_allocate(int fd, uint64_t offset_bytes, uint64_t size_bytes);
/* In the order of WASI preview 1 (`advice`). */
enum file_advice {
    FILE_ADVICE_NORMAL,
    FILE_ADVICE_SEQUENTIAL,
    FILE_ADVICE_RANDOM,
    FILE_ADVICE_WILL_NEED,
    FILE_ADVICE_DONT_NEED,
    FILE_ADVICE_NO_REUSE,
};
MUST_CHECK enum os_error file_advise(int fd, uint64_t offset_bytes, uint64_t size_bytes,
                                     enum file_advice advice);
MUST_CHECK enum os_error file_sync(int fd, bool data_only);
MUST_CHECK enum os_error file_set_append(int fd, bool is_on);
/* Changes the open file, so for every process that shares it. */
MUST_CHECK enum os_error file_set_nonblocking(int fd, bool is_on);

enum file_time_kind { FILE_TIME_KEEP, FILE_TIME_NOW, FILE_TIME_SET };

struct file_time {
    enum file_time_kind kind;
    uint64_t ns; /* with FILE_TIME_SET */
};

MUST_CHECK enum os_error file_set_times(int fd, struct file_time accessed,
                                        struct file_time modified);
MUST_CHECK enum os_error file_set_times_at(int dir_fd, const char *name, struct file_time accessed,
                                           struct file_time modified);

MUST_CHECK enum os_error file_make_directory_at(int dir_fd, const char *name);
MUST_CHECK enum os_error file_remove_directory_at(int dir_fd, const char *name);
/* OS_ISDIR for a directory. */
MUST_CHECK enum os_error file_unlink_at(int dir_fd, const char *name);
MUST_CHECK enum os_error file_rename_at(int from_fd, const char *from, int to_fd, const char *to);
MUST_CHECK enum os_error file_link_at(int from_fd, const char *from, int to_fd, const char *to);
MUST_CHECK enum os_error file_symlink_at(const char *target, int dir_fd, const char *name);
/* The first `size` bytes of the link's text, not terminated. OS_INVAL: not a symbolic link. */
MUST_CHECK enum os_error file_readlink_at(int dir_fd, const char *name, char *buffer, size_t size,
                                          size_t *ret_bytes);

/* An entry of a directory; `name` points into the buffer that was read. */
struct file_entry {
    const char *name; /* terminated */
    size_t name_bytes;
    uint64_t inode;
    uint64_t next;       /* the position after it, for file_entries_seek */
    enum file_type type; /* FILE_UNKNOWN where the file system does not say */
};

enum { FILE_ENTRIES_BYTES_MIN = 512 }; /* room for any one entry */

/* Reads entries at the directory's position; 0 bytes at its end. `buffer` is aligned to 8. */
MUST_CHECK enum os_error file_entries_read(int dir_fd, void *buffer, size_t size,
                                           size_t *ret_bytes);
/* Takes the next entry from what file_entries_read gave; `at` starts at 0. False at the end. */
bool file_entries_next(const void *buffer, size_t bytes, size_t *at, struct file_entry *ret_entry);
/* 0, or a position that an entry gave; it stays good when other entries come and go. */
MUST_CHECK enum os_error file_entries_seek(int dir_fd, uint64_t position);

#endif
