/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum stint_status failed(const char *path, struct stint_error *error)
{
    return error_set(error, STINT_IO, STINT_NO_OFFSET, "cannot write '%s': %s", path,
                     strerror(errno));
}

static bool write_fully(int fd, const uint8_t *data, size_t bytes)
{
    while (bytes > 0) {
        ssize_t put = write(fd, data, bytes);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return false;
        data += put;
        bytes -= (size_t)put;
    }
    return true;
}

static enum stint_status write_plain(const char *path, const void *data, size_t bytes,
                                     struct stint_error *error)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return failed(path, error);
    bool ok = write_fully(fd, data, bytes);
    int reason = errno;
    if (close(fd) != 0 && ok) {
        ok = false;
        reason = errno;
    }
    errno = reason;
    return ok ? STINT_OK : failed(path, error);
}

/* Opens a new file beside `path` and gives its name. */
static int open_beside(const char *path, mode_t mode, char *name, size_t name_bytes)
{
    for (unsigned attempt = 0; attempt < 100; attempt++) {
        int length = snprintf(name, name_bytes, "%s.%ld.%u.tmp", path, (long)getpid(), attempt);
        if (length < 0 || (size_t)length >= name_bytes) {
            errno = ENAMETOOLONG;
            return -1;
        }
        int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        if (fd >= 0 || errno != EEXIST)
            return fd;
    }
    return -1;
}

static enum stint_status write_and_rename(const char *path, const void *data, size_t bytes,
                                          mode_t mode, struct stint_error *error)
{
    char name[PATH_MAX + 32];
    int fd = open_beside(path, mode, name, sizeof(name));
    if (fd < 0)
        return failed(path, error);
    bool ok = write_fully(fd, data, bytes);
    int reason = errno;
    /* Some file systems report a full disk only here. */
    if (close(fd) != 0 && ok) {
        ok = false;
        reason = errno;
    }
    if (ok && rename(name, path) != 0) {
        ok = false;
        reason = errno;
    }
    if (ok)
        return STINT_OK;
    unlink(name);
    errno = reason;
    return failed(path, error);
}

enum stint_status output_file_write(const char *path, const void *data, size_t bytes,
                                    struct stint_error *error)
{
    if (path == NULL || strcmp(path, "-") == 0)
        return write_fully(STDOUT_FILENO, data, bytes) ? STINT_OK : failed("stdout", error);
    struct stat info;
    char target[PATH_MAX];
    if (stat(path, &info) != 0)
        return write_and_rename(path, data, bytes, 0666, error);
    if (!S_ISREG(info.st_mode))
        return write_plain(path, data, bytes, error);
    /* A link stays one: what it leads to is replaced. */
    if (realpath(path, target) == NULL)
        return failed(path, error);
    return write_and_rename(target, data, bytes, info.st_mode & 0777, error);
}
