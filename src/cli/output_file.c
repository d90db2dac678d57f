/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum stint_status failed(const char *path, int reason, struct stint_error *error)
{
    return error_set(error, STINT_IO, STINT_NO_OFFSET, "cannot write '%s': %s", path,
                     strerror(reason));
}

/* Opens a new file beside output->path; its name goes to output->temporary. */
static int open_beside(struct output_file *output, mode_t mode)
{
    size_t room = sizeof(output->temporary);
    for (unsigned attempt = 0; attempt < 100; attempt++) {
        int length = snprintf(output->temporary, room, "%s.%ld.%u.tmp", output->path,
                              (long)getpid(), attempt);
        if (length < 0 || (size_t)length >= room) {
            errno = ENAMETOOLONG;
            return -1;
        }
        int fd = open(output->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        if (fd >= 0 || errno != EEXIST)
            return fd;
    }
    return -1;
}

/* Opens what `path` names, or what is to be renamed to it. */
static int open_path(struct output_file *output, const char *path)
{
    struct stat info;
    mode_t mode = 0666;
    if (stat(path, &info) == 0) {
        if (!S_ISREG(info.st_mode))
            return open(path, O_WRONLY | O_CLOEXEC);
        /* A link stays one: what it leads to is replaced, and keeps its permissions. */
        if (realpath(path, output->path) == NULL)
            return -1;
        mode = info.st_mode & 0777;
    } else if ((size_t)snprintf(output->path, sizeof(output->path), "%s", path) >=
               sizeof(output->path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return open_beside(output, mode);
}

enum stint_status output_file_open(struct output_file *output, const char *path,
                                   struct stint_error *error)
{
    output->failed_errno = 0;
    output->used = 0;
    output->path[0] = '\0';
    output->temporary[0] = '\0';
    if (path == NULL || strcmp(path, "-") == 0) {
        output->shown = "stdout";
        output->fd = STDOUT_FILENO;
        return STINT_OK;
    }
    if (path[0] == '\0')
        return error_set(error, STINT_IO, STINT_NO_OFFSET,
                         "cannot write to a file without a name; '-' is the standard output");
    output->shown = path;
    output->fd = open_path(output, path);
    return output->fd >= 0 ? STINT_OK : failed(path, errno, error);
}

static bool write_fully(struct output_file *output, const uint8_t *data, size_t bytes)
{
    while (bytes > 0 && output->failed_errno == 0) {
        ssize_t put = write(output->fd, data, bytes);
        if (put < 0 && errno != EINTR)
            output->failed_errno = errno;
        if (put < 0)
            continue;
        data += put;
        bytes -= (size_t)put;
    }
    return output->failed_errno == 0;
}

bool output_file_append(struct output_file *output, const void *data, size_t bytes)
{
    if (bytes <= OUTPUT_BUFFER_BYTES - output->used) {
        if (bytes != 0)
            memcpy(output->buffer + output->used, data, bytes);
        output->used += bytes;
        return output->failed_errno == 0;
    }
    if (!write_fully(output, output->buffer, output->used))
        return false;
    output->used = 0;
    if (bytes > OUTPUT_BUFFER_BYTES)
        return write_fully(output, data, bytes);
    return output_file_append(output, data, bytes);
}

enum stint_status output_file_close(struct output_file *output, bool keep,
                                    struct stint_error *error)
{
    bool is_renamed = output->path[0] != '\0';
    if (keep || !is_renamed)
        write_fully(output, output->buffer, output->used);
    /* Some file systems report a full disk only when a file is closed. */
    if (output->fd != STDOUT_FILENO && close(output->fd) != 0 && output->failed_errno == 0)
        output->failed_errno = errno;
    if (is_renamed && keep && output->failed_errno == 0 &&
        rename(output->temporary, output->path) != 0)
        output->failed_errno = errno;
    if (is_renamed && (!keep || output->failed_errno != 0))
        unlink(output->temporary);
    if (output->failed_errno != 0)
        return failed(output->shown, output->failed_errno, error);
    return STINT_OK;
}

enum stint_status output_file_write(const char *path, const void *data, size_t bytes,
                                    struct stint_error *error)
{
    struct output_file output;
    enum stint_status status = output_file_open(&output, path, error);
    if (status != STINT_OK)
        return status;
    bool ok = output_file_append(&output, data, bytes);
    return output_file_close(&output, ok, error);
}
