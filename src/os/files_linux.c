/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What only Linux has: openat2, preadv2 and getdents64, called by number with definitions of our own,
 * because musl's headers lack the structures and linux/ headers need not be installed.
 */
#define _FILE_OFFSET_BITS 64
#include "os/files_int.h"

#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The same number on every architecture that is younger than Alpha. */
#ifndef SYS_openat2
#define SYS_openat2 437
#endif

struct open_how {
    uint64_t flags;
    uint64_t mode;
    uint64_t resolve;
};

enum { RESOLVE_NO_MAGICLINKS = 2, RESOLVE_BENEATH = 8, READ_NOWAIT = 8 };

struct dirent64 {
    uint64_t d_ino;
    int64_t d_off;
    uint16_t d_reclen;
    uint8_t d_type;
    char d_name[];
};

enum { NAME_AT = 19 }; /* of d_name: directly after d_type */

_Static_assert(offsetof(struct dirent64, d_name) == NAME_AT, "as the kernel writes it");
_Static_assert(sizeof(struct open_how) == 24, "as the kernel reads it");

static uint64_t open_flags(unsigned flags)
{
    uint64_t result = O_CLOEXEC;
    if (!(flags & FILE_FOLLOW))
        result |= O_NOFOLLOW;
    if (flags & FILE_IS_DIRECTORY)
        result |= O_DIRECTORY;
    if (flags & FILE_HANDLE)
        return result | O_PATH;
    result |= O_NOCTTY | O_NONBLOCK | O_LARGEFILE;
    if (flags & FILE_WRITE)
        result |= flags & FILE_READ ? O_RDWR : O_WRONLY;
    if (flags & FILE_CREATE)
        result |= O_CREAT;
    if (flags & FILE_EXCLUSIVE)
        result |= O_EXCL;
    if (flags & FILE_TRUNCATE)
        result |= O_TRUNC;
    if (flags & FILE_APPEND)
        result |= O_APPEND;
    if (flags & FILE_SYNC)
        result |= O_SYNC;
    if (flags & FILE_DSYNC)
        result |= O_DSYNC;
    return result;
}

enum os_error file_open_at(int dir_fd, const char *name, unsigned flags, int *ret_fd)
{
    int fd = RETRY(openat(dir_fd, name, (int)open_flags(flags), 0666));
    if (fd == -1)
        return os_error_of(errno);
    *ret_fd = fd;
    return OS_OK;
}

enum os_error file_open_host(const char *path, unsigned flags, int *ret_fd)
{
    return file_open_at(AT_FDCWD, path, flags | FILE_FOLLOW, ret_fd);
}

enum os_error file_open_beneath(int dir_fd, const char *path, unsigned flags, int *ret_fd)
{
    struct open_how how = {
        .flags = open_flags(flags),
        .mode = flags & FILE_CREATE ? 0666 : 0,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    long fd = RETRY(syscall(SYS_openat2, dir_fd, path, &how, sizeof(how)));
    if (fd == -1)
        return errno == EXDEV ? OS_NOTCAPABLE : os_error_of(errno);
    *ret_fd = (int)fd;
    return OS_OK;
}

enum os_error file_entries_read(int dir_fd, void *buffer, size_t size, size_t *ret_bytes)
{
    long bytes = RETRY(syscall(SYS_getdents64, dir_fd, buffer, size));
    if (bytes == -1)
        return os_error_of(errno);
    *ret_bytes = (size_t)bytes;
    return OS_OK;
}

static enum file_type type_of_entry(uint8_t type)
{
    /* DT_… of dirent.h, which are the upper bits of st_mode. A socket's kind is not told. */
    switch (type) {
    case 1:
        return FILE_FIFO;
    case 2:
        return FILE_CHARACTER_DEVICE;
    case 4:
        return FILE_DIRECTORY;
    case 6:
        return FILE_BLOCK_DEVICE;
    case 8:
        return FILE_REGULAR;
    case 10:
        return FILE_SYMLINK;
    case 12:
        return FILE_SOCKET_STREAM;
    default:
        return FILE_UNKNOWN;
    }
}

bool file_entries_next(const void *buffer, size_t bytes, size_t *at, struct file_entry *ret_entry)
{
    if (bytes - *at < NAME_AT + 1)
        return false;
    const struct dirent64 *entry = (const void *)((const char *)buffer + *at);
    if (entry->d_reclen <= NAME_AT || entry->d_reclen > bytes - *at)
        return false;
    *ret_entry = (struct file_entry){
        .name = entry->d_name,
        .name_bytes = strnlen(entry->d_name, entry->d_reclen - NAME_AT),
        .inode = entry->d_ino,
        .next = (uint64_t)entry->d_off,
        .type = type_of_entry(entry->d_type),
    };
    *at += entry->d_reclen;
    return true;
}

enum os_error file_append(int fd, const struct file_span *spans, size_t count, size_t *ret_bytes)
{
    /* Not by name: musl's headers lack it. The offset, in two halves, does not matter. */
    enum { APPEND = 0x10 };
    ssize_t bytes = RETRY(syscall(SYS_pwritev2, fd, spans, count, 0L, 0L, APPEND));
    if (bytes == -1)
        return os_error_of(errno);
    *ret_bytes = (size_t)bytes;
    return OS_OK;
}

enum os_error file_read_cached(int fd, const struct file_span *spans, size_t count,
                               int64_t offset_bytes, size_t *ret_bytes)
{
    /* The upper half counts where registers have 32 bits. */
    uint64_t at = (uint64_t)offset_bytes;
    long bytes = RETRY(syscall(SYS_preadv2, fd, spans, count, (unsigned long)at,
                               (unsigned long)(at >> 32), READ_NOWAIT));
    if (bytes == -1)
        return errno == EOPNOTSUPP || errno == ENOSYS ? OS_AGAIN : os_error_of(errno);
    *ret_bytes = (size_t)bytes;
    return OS_OK;
}
