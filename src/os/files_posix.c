/* SPDX-License-Identifier: Apache-2.0 */
#define _FILE_OFFSET_BITS 64
#include "os/files_int.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

_Static_assert(sizeof(off_t) == 8, "offsets have 64 bits");
_Static_assert(sizeof(struct file_span) == sizeof(struct iovec) &&
                   offsetof(struct file_span, data) == offsetof(struct iovec, iov_base) &&
                   offsetof(struct file_span, bytes) == offsetof(struct iovec, iov_len),
               "a span is an iovec");

enum { NS_PER_SECOND = 1000000000 };

enum os_error file_duplicate(int fd, int *ret_fd)
{
    int copy = RETRY(fcntl(fd, F_DUPFD_CLOEXEC, 3));
    if (copy == -1)
        return os_error_of(errno);
    *ret_fd = copy;
    return OS_OK;
}

void file_close(int fd)
{
    /* Not repeated: on Linux the descriptor is gone even when close was interrupted. */
    (void)close(fd);
}

static enum file_type type_of_mode(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFBLK:
        return FILE_BLOCK_DEVICE;
    case S_IFCHR:
        return FILE_CHARACTER_DEVICE;
    case S_IFDIR:
        return FILE_DIRECTORY;
    case S_IFREG:
        return FILE_REGULAR;
    case S_IFLNK:
        return FILE_SYMLINK;
    case S_IFSOCK:
        return FILE_SOCKET_STREAM;
    case S_IFIFO:
        return FILE_FIFO;
    default:
        return FILE_UNKNOWN;
    }
}

/* Times before 1970 read as 0, those after 2554 as the largest. */
static uint64_t ns_of(struct timespec time)
{
    if (time.tv_sec < 0)
        return 0;
    if ((uint64_t)time.tv_sec > UINT64_MAX / NS_PER_SECOND - 1)
        return UINT64_MAX;
    return (uint64_t)time.tv_sec * NS_PER_SECOND + (uint64_t)time.tv_nsec;
}

static struct file_stat stat_of(const struct stat *from)
{
    return (struct file_stat){
        .device = from->st_dev,
        .inode = from->st_ino,
        .links = from->st_nlink,
        .size_bytes = from->st_size < 0 ? 0 : (uint64_t)from->st_size,
        .accessed_ns = ns_of(from->st_atim),
        .modified_ns = ns_of(from->st_mtim),
        .changed_ns = ns_of(from->st_ctim),
        .type = type_of_mode(from->st_mode),
    };
}

enum os_error file_stat_of(int fd, struct file_stat *ret_stat)
{
    struct stat now;
    if (fstat(fd, &now) != 0)
        return os_error_of(errno);
    struct file_stat result = stat_of(&now);
    if (S_ISSOCK(now.st_mode)) {
        int kind = 0;
        socklen_t size = sizeof(kind);
        if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &kind, &size) == 0 && kind == SOCK_DGRAM)
            result.type = FILE_SOCKET_DATAGRAM;
    }
    *ret_stat = result;
    return OS_OK;
}

enum os_error file_stat_host(const char *path, struct file_stat *ret_stat)
{
    struct stat now;
    if (stat(path, &now) != 0)
        return os_error_of(errno);
    *ret_stat = stat_of(&now);
    return OS_OK;
}

enum os_error file_stat_at(int dir_fd, const char *name, struct file_stat *ret_stat)
{
    struct stat now;
    if (fstatat(dir_fd, name, &now, AT_SYMLINK_NOFOLLOW) != 0)
        return os_error_of(errno);
    *ret_stat = stat_of(&now);
    return OS_OK;
}

enum os_error file_flags_of(int fd, unsigned *ret_flags, bool *ret_is_nonblocking)
{
    int mode = fcntl(fd, F_GETFL);
    if (mode == -1)
        return os_error_of(errno);
    unsigned flags = 0;
    int access = mode & O_ACCMODE;
    if (access == O_RDONLY || access == O_RDWR)
        flags |= FILE_READ;
    if (access == O_WRONLY || access == O_RDWR)
        flags |= FILE_WRITE;
    if (mode & O_APPEND)
        flags |= FILE_APPEND;
    /* O_SYNC contains the bit of O_DSYNC. */
    if ((mode & O_SYNC) == O_SYNC)
        flags |= FILE_SYNC;
    else if (mode & O_DSYNC)
        flags |= FILE_DSYNC;
    *ret_flags = flags;
    *ret_is_nonblocking = mode & O_NONBLOCK;
    return OS_OK;
}

bool file_is_terminal(int fd)
{
    return isatty(fd) == 1;
}

uint64_t file_waiting_bytes(int fd)
{
    int bytes = 0;
    return ioctl(fd, FIONREAD, &bytes) == 0 && bytes > 0 ? (uint64_t)bytes : 0;
}

enum os_error file_read(int fd, const struct file_span *spans, size_t count, int64_t offset_bytes,
                        size_t *ret_bytes)
{
    const struct iovec *vector = (const struct iovec *)(const void *)spans;
    ssize_t bytes = offset_bytes == FILE_NO_OFFSET
                        ? RETRY(readv(fd, vector, (int)count))
                        : RETRY(preadv(fd, vector, (int)count, offset_bytes));
    if (bytes == -1)
        return os_error_of(errno);
    *ret_bytes = (size_t)bytes;
    return OS_OK;
}

enum os_error file_write(int fd, const struct file_span *spans, size_t count, int64_t offset_bytes,
                         size_t *ret_bytes)
{
    const struct iovec *vector = (const struct iovec *)(const void *)spans;
    ssize_t bytes = offset_bytes == FILE_NO_OFFSET
                        ? RETRY(writev(fd, vector, (int)count))
                        : RETRY(pwritev(fd, vector, (int)count, offset_bytes));
    if (bytes == -1)
        return os_error_of(errno);
    *ret_bytes = (size_t)bytes;
    return OS_OK;
}

enum os_error file_seek(int fd, int64_t offset_bytes, enum file_whence whence,
                        uint64_t *ret_position_bytes)
{
    static const int from[] = {SEEK_SET, SEEK_CUR, SEEK_END};
    off_t position = lseek(fd, offset_bytes, from[whence]);
    if (position == -1)
        return os_error_of(errno);
    *ret_position_bytes = (uint64_t)position;
    return OS_OK;
}

enum os_error file_set_size(int fd, uint64_t size_bytes)
{
    if (size_bytes > INT64_MAX)
        return OS_FBIG;
    return error_of_result(RETRY(ftruncate(fd, (off_t)size_bytes)));
}

enum os_error file_allocate(int fd, uint64_t offset_bytes, uint64_t size_bytes)
{
    if (offset_bytes > INT64_MAX || size_bytes > INT64_MAX - offset_bytes)
        return OS_FBIG;
    /* Not posix_fallocate: that writes zeros where the file system cannot allocate. */
    return error_of_result(RETRY(fallocate(fd, 0, (off_t)offset_bytes, (off_t)size_bytes)));
}

enum os_error file_advise(int fd, uint64_t offset_bytes, uint64_t size_bytes,
                          enum file_advice advice)
{
    static const int advices[] = {POSIX_FADV_NORMAL,   POSIX_FADV_SEQUENTIAL, POSIX_FADV_RANDOM,
                                  POSIX_FADV_WILLNEED, POSIX_FADV_DONTNEED,   POSIX_FADV_NOREUSE};
    if (offset_bytes > INT64_MAX || size_bytes > INT64_MAX)
        return OS_INVAL;
    return os_error_of(posix_fadvise(fd, (off_t)offset_bytes, (off_t)size_bytes, advices[advice]));
}

enum os_error file_sync(int fd, bool data_only)
{
    return error_of_result(data_only ? RETRY(fdatasync(fd)) : RETRY(fsync(fd)));
}

static enum os_error set_flag(int fd, int flag, bool is_on)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags == -1)
        return os_error_of(errno);
    int wanted = is_on ? flags | flag : flags & ~flag;
    return wanted == flags ? OS_OK : error_of_result(fcntl(fd, F_SETFL, wanted));
}

enum os_error file_set_append(int fd, bool is_on)
{
    return set_flag(fd, O_APPEND, is_on);
}

enum os_error file_set_nonblocking(int fd, bool is_on)
{
    return set_flag(fd, O_NONBLOCK, is_on);
}

static struct timespec timespec_of(struct file_time time)
{
    if (time.kind == FILE_TIME_SET)
        return (struct timespec){(time_t)(time.ns / NS_PER_SECOND),
                                 (long)(time.ns % NS_PER_SECOND)};
    return (struct timespec){0, time.kind == FILE_TIME_NOW ? UTIME_NOW : UTIME_OMIT};
}

enum os_error file_set_times(int fd, struct file_time accessed, struct file_time modified)
{
    struct timespec times[2] = {timespec_of(accessed), timespec_of(modified)};
    return error_of_result(futimens(fd, times));
}

enum os_error file_set_times_at(int dir_fd, const char *name, struct file_time accessed,
                                struct file_time modified)
{
    struct timespec times[2] = {timespec_of(accessed), timespec_of(modified)};
    return error_of_result(utimensat(dir_fd, name, times, AT_SYMLINK_NOFOLLOW));
}

enum os_error file_make_directory_at(int dir_fd, const char *name)
{
    return error_of_result(mkdirat(dir_fd, name, 0777));
}

enum os_error file_remove_directory_at(int dir_fd, const char *name)
{
    return error_of_result(unlinkat(dir_fd, name, AT_REMOVEDIR));
}

enum os_error file_unlink_at(int dir_fd, const char *name)
{
    return error_of_result(unlinkat(dir_fd, name, 0));
}

enum os_error file_rename_at(int from_fd, const char *from, int to_fd, const char *to)
{
    return error_of_result(renameat(from_fd, from, to_fd, to));
}

enum os_error file_link_at(int from_fd, const char *from, int to_fd, const char *to)
{
    return error_of_result(linkat(from_fd, from, to_fd, to, 0));
}

enum os_error file_symlink_at(const char *target, int dir_fd, const char *name)
{
    return error_of_result(symlinkat(target, dir_fd, name));
}

enum os_error file_readlink_at(int dir_fd, const char *name, char *buffer, size_t size,
                               size_t *ret_bytes)
{
    ssize_t bytes = readlinkat(dir_fd, name, buffer, size);
    if (bytes == -1)
        return os_error_of(errno);
    *ret_bytes = (size_t)bytes;
    return OS_OK;
}

enum os_error file_entries_seek(int dir_fd, uint64_t position)
{
    return error_of_result(lseek(dir_fd, (off_t)position, SEEK_SET) == -1 ? -1 : 0);
}
