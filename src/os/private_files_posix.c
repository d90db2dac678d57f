/* SPDX-License-Identifier: Apache-2.0 */
#define _FILE_OFFSET_BITS 64
#include "os/private_files.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/files_int.h"

/* Every run comes by here, and snprintf costs two page faults when it is first called. */
static bool append(char path[PRIVATE_PATH_BYTES], size_t *length, const char *text)
{
    size_t bytes = strlen(text);
    if (bytes >= PRIVATE_PATH_BYTES - *length)
        return false;
    memcpy(path + *length, text, bytes + 1);
    *length += bytes;
    return true;
}

enum stint_status private_default_path(const char *variable, const char *fallback,
                                       char ret_path[PRIVATE_PATH_BYTES], struct stint_error *error)
{
    const char *base = getenv(variable), *home = getenv("HOME");
    size_t length = 0;
    bool ok;
    if (base != NULL && base[0] == '/')
        ok = append(ret_path, &length, base);
    else if (home != NULL && home[0] == '/')
        ok = append(ret_path, &length, home) && append(ret_path, &length, "/") &&
             append(ret_path, &length, fallback);
    else
        return error_set(error, STINT_NOT_FOUND, STINT_NO_OFFSET, "neither %s nor HOME is set",
                         variable);
    if (!ok || !append(ret_path, &length, "/stint"))
        return error_set(error, STINT_LIMIT, STINT_NO_OFFSET, "the path in %s is too long",
                         variable);
    return STINT_OK;
}

static enum stint_status failed(const char *what, const char *path, struct stint_error *error)
{
    return error_set(error, errno == ENOENT ? STINT_NOT_FOUND : STINT_IO, STINT_NO_OFFSET,
                     "cannot %s '%s': %s", what, path, strerror(errno));
}

/* Makes what is missing of a path, every directory for this user alone. */
static enum stint_status make_directories(const char *path, struct stint_error *error)
{
    char part[PRIVATE_PATH_BYTES];
    size_t length = strlen(path);
    if (length >= sizeof(part))
        return error_set(error, STINT_LIMIT, STINT_NO_OFFSET, "the path '%.80s…' is too long",
                         path);
    memcpy(part, path, length + 1);
    for (size_t i = 1; i <= length; i++) {
        if (part[i] != '/' && part[i] != '\0')
            continue;
        part[i] = '\0';
        if (mkdir(part, 0700) != 0 && errno != EEXIST)
            return failed("create", part, error);
        part[i] = path[i];
    }
    return STINT_OK;
}

enum stint_status private_open_directory(const char *path, bool create, int *ret_fd,
                                         struct stint_error *error)
{
    struct stat info;
    const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int fd = RETRY(open(path, flags));
    if (fd < 0 && errno == ENOENT && create) {
        enum stint_status status = make_directories(path, error);
        if (status != STINT_OK)
            return status;
        fd = RETRY(open(path, flags));
    }
    if (fd < 0)
        return failed("open", path, error);
    enum stint_status status = STINT_OK;
    if (fstat(fd, &info) != 0)
        status = failed("open", path, error);
    else if (info.st_uid != geteuid())
        status = error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                           "'%s' belongs to another user", path);
    else if (info.st_mode & 022)
        status = error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                           "others can write to '%s': 'chmod 700 %s' makes it private", path, path);
    if (status != STINT_OK) {
        close(fd);
        return status;
    }
    *ret_fd = fd;
    return STINT_OK;
}

enum os_error private_create_at(int dir_fd, const char *name, int *ret_fd)
{
    int fd = RETRY(openat(dir_fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (fd == -1)
        return os_error_of(errno);
    *ret_fd = fd;
    return OS_OK;
}

enum os_error private_open_at(int dir_fd, const char *name, bool is_secret, int *ret_fd)
{
    struct stat info;
    int fd = RETRY(openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
    if (fd == -1)
        return os_error_of(errno);
    enum os_error reason = fstat(fd, &info) == 0 ? OS_OK : os_error_of(errno);
    mode_t others = is_secret ? 077 : 022;
    if (reason == OS_OK &&
        (!S_ISREG(info.st_mode) || info.st_uid != geteuid() || (info.st_mode & others) != 0))
        reason = OS_PERM;
    if (reason != OS_OK) {
        close(fd);
        return reason;
    }
    *ret_fd = fd;
    return OS_OK;
}

/*
 * The source is mostly a mapped file. Faulted in a megabyte at once, and written in pieces, it is copied
 * twice as fast as page by page. Larger pieces make larger pages of the copy: faster still where those
 * are at hand, but a virtual machine may have given them back to its host, and waits for each.
 */
enum { FAULT_BYTES = 1 << 20, WRITE_BYTES = 64 << 10 };

static void fault_in(const uint8_t *data, size_t bytes)
{
#ifdef MADV_POPULATE_READ
    uintptr_t within = (uintptr_t)data & ((uintptr_t)getpagesize() - 1);
    (void)madvise((void *)((uintptr_t)data - within), bytes + within, MADV_POPULATE_READ);
#else
    (void)data;
    (void)bytes;
#endif
}

enum os_error private_write_all(int fd, const void *data, size_t bytes, uint64_t offset_bytes)
{
    const uint8_t *at = data, *faulted = at;
    while (bytes > 0) {
        size_t piece = bytes < WRITE_BYTES ? bytes : WRITE_BYTES;
        if (at >= faulted && bytes > WRITE_BYTES) {
            size_t ahead = bytes < FAULT_BYTES ? bytes : FAULT_BYTES;
            fault_in(at, ahead);
            faulted = at + ahead;
        }
        ssize_t put = RETRY(pwrite(fd, at, piece, (off_t)offset_bytes));
        if (put < 0)
            return os_error_of(errno);
        at += put;
        bytes -= (size_t)put;
        offset_bytes += (uint64_t)put;
    }
    return OS_OK;
}

enum os_error private_read_all(int fd, void *data, size_t bytes)
{
    uint8_t *at = data;
    off_t offset = 0;
    while (bytes > 0) {
        ssize_t got = RETRY(pread(fd, at, bytes, offset));
        if (got < 0)
            return os_error_of(errno);
        if (got == 0)
            return OS_IO;
        at += got;
        bytes -= (size_t)got;
        offset += got;
    }
    return OS_OK;
}

enum os_error private_lock(int fd)
{
    return error_of_result(RETRY(flock(fd, LOCK_EX)));
}

void private_boot_id(uint8_t ret_id[16])
{
    char text[37];
    size_t digits = 0;
    memset(ret_id, 0, 16);
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t got = RETRY(read(fd, text, sizeof(text)));
    close(fd);
    for (ssize_t i = 0; i < got && digits < 32; i++) {
        const char *hex = "0123456789abcdef", *found;
        if (text[i] == '\0' || (found = strchr(hex, text[i])) == NULL)
            continue;
        ret_id[digits / 2] |= (uint8_t)((found - hex) << (digits % 2 ? 0 : 4));
        digits++;
    }
}
