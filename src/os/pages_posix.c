/* SPDX-License-Identifier: Apache-2.0 */
#include "os/pages.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MAP_NORESERVE
#define MAP_NORESERVE 0
#endif

enum {
    /* Files up to this size are read: that costs less than the faults of a mapping, and nobody can
     * truncate them under the reader. */
    FILE_READ_BYTES = 64 << 10,
    /* From here on the kernel might back zeroed pages with huge ones when the first is touched. */
    HUGE_PAGE_BYTES = 2 << 20,
};

/* What an empty file's data points to. */
static const uint8_t no_data[1];

size_t pages_size(void)
{
    /* The C library has it in a variable; one of ours would be a page to fault in at each start. */
    int size = getpagesize();
    return size > 0 ? (size_t)size : 4096;
}

/* Whole pages, or 0 where the sum would overflow. */
static size_t round_up(size_t bytes)
{
    size_t mask = pages_size() - 1;
    return bytes > SIZE_MAX - mask ? 0 : (bytes + mask) & ~mask;
}

static void *map_anonymous(size_t bytes, int protection, int flags)
{
    bytes = round_up(bytes);
    if (bytes == 0)
        return NULL;
    void *start = mmap(NULL, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
    return start == MAP_FAILED ? NULL : start;
}

void *pages_reserve(size_t bytes)
{
    return map_anonymous(bytes, PROT_NONE, MAP_NORESERVE);
}

bool pages_commit(void *start, size_t bytes)
{
    return bytes == 0 || mprotect(start, round_up(bytes), PROT_READ | PROT_WRITE) == 0;
}

void pages_decommit(void *start, size_t bytes)
{
    if (bytes == 0)
        return;
    /* A new mapping in the old one's place drops pages and rights in one call. Where the kernel
     * refuses it, for want of mappings, the pages go at least. */
    void *again = mmap(start, round_up(bytes), PROT_NONE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    if (again == MAP_FAILED)
        pages_discard(start, bytes);
}

bool pages_hide(void *start, size_t bytes)
{
    return bytes == 0 || mprotect(start, round_up(bytes), PROT_NONE) == 0;
}

bool pages_revoke(void *start, size_t bytes)
{
    pages_discard(start, bytes);
    return pages_hide(start, bytes);
}

void pages_discard(void *start, size_t bytes)
{
    if (bytes == 0 || madvise(start, round_up(bytes), MADV_DONTNEED) == 0)
        return;
    /* Locked pages cannot be given back; they must read as zero all the same. */
    memset(start, 0, round_up(bytes));
}

void pages_release(void *start, size_t bytes)
{
    if (start != NULL && bytes != 0)
        munmap(start, round_up(bytes));
}

void *pages_get(size_t bytes)
{
    void *start = map_anonymous(bytes, PROT_READ | PROT_WRITE, MAP_NORESERVE);
#ifdef MADV_NOHUGEPAGE
    /* "Only once touched" must not mean two megabytes for the first byte. */
    if (start != NULL && bytes >= HUGE_PAGE_BYTES)
        (void)madvise(start, round_up(bytes), MADV_NOHUGEPAGE);
#endif
    return start;
}

/* Reads until `bytes` are there or the file ends; returns how many, or -1. */
static ssize_t read_fully(int fd, uint8_t *to, size_t bytes)
{
    size_t done = 0;
    while (done < bytes) {
        ssize_t got = read(fd, to + done, bytes - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        done += (size_t)got;
    }
    return (ssize_t)done;
}

static enum stint_status too_large(const char *path, size_t limit_bytes, struct stint_error *error)
{
    return error_set(error, STINT_LIMIT, STINT_NO_OFFSET, "'%s' is larger than %zu bytes", path,
                     limit_bytes);
}

static enum stint_status io_failed(const char *what, const char *path, struct stint_error *error)
{
    enum stint_status status = errno == ENOMEM   ? STINT_NOMEM
                               : errno == ENOENT ? STINT_NOT_FOUND
                                                 : STINT_IO;
    return error_set(error, status, STINT_NO_OFFSET, "cannot %s '%s': %s", what, path,
                     strerror(errno));
}

/* A file whose size is known beforehand. */
static enum stint_status read_small(int fd, const char *path, size_t bytes,
                                    const uint8_t **ret_data, size_t *ret_bytes,
                                    struct stint_error *error)
{
    uint8_t *data = pages_get(bytes);
    ssize_t got = data == NULL ? -1 : read_fully(fd, data, bytes);
    if (got <= 0) {
        enum stint_status status = STINT_OK;
        if (got < 0)
            status = io_failed("read", path, error);
        pages_release(data, bytes);
        if (status == STINT_OK) {
            *ret_data = no_data;
            *ret_bytes = 0;
        }
        return status;
    }
    /* A file that shrank meanwhile leaves whole pages behind: unmap_file does not know of them. */
    if (round_up((size_t)got) < round_up(bytes))
        pages_release(data + round_up((size_t)got), round_up(bytes) - round_up((size_t)got));
    *ret_data = data;
    *ret_bytes = (size_t)got;
    return STINT_OK;
}

/* A pipe, a terminal, a file of /proc: what has no size beforehand. */
static enum stint_status read_stream(int fd, const char *path, size_t limit_bytes,
                                     const uint8_t **ret_data, size_t *ret_bytes,
                                     struct stint_error *error)
{
    size_t capacity = FILE_READ_BYTES, used = 0;
    uint8_t *data = pages_get(capacity);
    enum stint_status status = STINT_OK;
    if (data == NULL)
        return io_failed("read", path, error);
    for (;;) {
        ssize_t got = read_fully(fd, data + used, capacity - used);
        if (got < 0) {
            status = io_failed("read", path, error);
            break;
        }
        used += (size_t)got;
        if (used > limit_bytes)
            status = too_large(path, limit_bytes, error);
        if (used > limit_bytes || used < capacity)
            break;
        uint8_t *wider = capacity > SIZE_MAX / 2 ? NULL : pages_get(capacity * 2);
        if (wider == NULL) {
            errno = ENOMEM;
            status = io_failed("read", path, error);
            break;
        }
        memcpy(wider, data, used);
        pages_release(data, capacity);
        data = wider;
        capacity *= 2;
    }
    size_t keep = status == STINT_OK ? round_up(used) : 0;
    if (keep < capacity)
        pages_release(data + keep, capacity - keep);
    if (status == STINT_OK) {
        *ret_data = used == 0 ? no_data : data;
        *ret_bytes = used;
    }
    return status;
}

static enum stint_status map_open_file(int fd, const char *path, size_t limit_bytes,
                                       const uint8_t **ret_data, size_t *ret_bytes,
                                       struct stint_error *error)
{
    struct stat info;
    if (fstat(fd, &info) != 0)
        return io_failed("read", path, error);
    if (S_ISDIR(info.st_mode)) {
        errno = EISDIR;
        return io_failed("read", path, error);
    }
    /* Files of /proc and /sys call themselves regular and empty. */
    if (!S_ISREG(info.st_mode) || info.st_size == 0)
        return read_stream(fd, path, limit_bytes, ret_data, ret_bytes, error);
    if ((uint64_t)info.st_size > limit_bytes)
        return too_large(path, limit_bytes, error);
    size_t bytes = (size_t)info.st_size;
    if (bytes <= FILE_READ_BYTES)
        return read_small(fd, path, bytes, ret_data, ret_bytes, error);
    void *data = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED)
        return io_failed("map", path, error);
    *ret_data = data;
    *ret_bytes = bytes;
    return STINT_OK;
}

enum stint_status pages_map_file(const char *path, size_t limit_bytes, const uint8_t **ret_data,
                                 size_t *ret_bytes, struct stint_error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return io_failed("open", path, error);
    enum stint_status status = map_open_file(fd, path, limit_bytes, ret_data, ret_bytes, error);
    close(fd);
    return status;
}

void pages_unmap_file(const uint8_t *data, size_t bytes)
{
    if (data != NULL && data != no_data)
        pages_release((void *)(uintptr_t)data, bytes);
}
