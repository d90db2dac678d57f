/* SPDX-License-Identifier: Apache-2.0 */
#include "wasi/host_dir.h"

#include <string.h>

#include "wasi/host_path.h"

static enum os_error check_directory(const struct host_file *dir)
{
    return dir->type == FILE_DIRECTORY ? OS_OK : OS_NOTDIR;
}

static enum os_error locate(const struct host_file *dir, const char *path, enum host_path_use use,
                            struct host_path_at *ret_at)
{
    enum os_error error = check_directory(dir);
    return error ? error : host_path_locate(dir->fd, path, use, ret_at);
}

/* Beneath a frozen directory: what making `path` says there. Names that exist are told first, so that
 * `mkdir -p` works as on a read-only file system. */
static enum os_error refuse_to_make(const struct host_file *dir, const char *path)
{
    struct file_stat stat;
    enum os_error error = host_dir_stat(dir, path, false, &stat);
    if (error == OS_OK)
        return OS_EXIST;
    return error == OS_NOENT ? OS_ROFS : error;
}

enum os_error host_dir_open(const struct host_file *dir, const char *path, unsigned flags,
                            struct host_file *ret_file)
{
    enum os_error error = check_directory(dir);
    if (error)
        return error;
    bool may_make = flags & FILE_CREATE;
    if (dir->is_frozen) {
        if (may_make && flags & FILE_EXCLUSIVE)
            return refuse_to_make(dir, path);
        if (flags & (FILE_WRITE | FILE_TRUNCATE))
            return OS_ROFS;
        flags &= ~(unsigned)FILE_CREATE;
    }

    int fd;
    error = host_path_open(dir->fd, path, flags, &fd);
    if (error)
        return error == OS_NOENT && dir->is_frozen && may_make ? OS_ROFS : error;
    struct file_stat stat;
    error = file_stat_of(fd, &stat);
    if (error) {
        file_close(fd);
        return error;
    }
    struct host_file file = {
        .fd = fd,
        .type = (uint8_t)stat.type,
        .flags = (uint16_t)(flags & HOST_FILE_FLAGS),
        .is_owned = true,
        .is_host_nonblocking = true, /* see file_open_at */
    };
    file.is_frozen = dir->is_frozen;
    *ret_file = file;
    return OS_OK;
}

enum os_error host_dir_stat(const struct host_file *dir, const char *path, bool follow,
                            struct file_stat *ret_stat)
{
    struct host_path_at at;
    enum os_error error = locate(dir, path, follow ? HOST_PATH_FIND_FOLLOW : HOST_PATH_FIND, &at);
    if (error)
        return error;
    error = file_stat_at(at.dir_fd, at.name, ret_stat);
    host_path_release(&at);
    return error;
}

enum os_error host_dir_set_times(const struct host_file *dir, const char *path, bool follow,
                                 struct file_time accessed, struct file_time modified)
{
    struct host_path_at at;
    enum os_error error = locate(dir, path, follow ? HOST_PATH_FIND_FOLLOW : HOST_PATH_FIND, &at);
    if (error)
        return error;
    if (dir->is_frozen)
        error = OS_ROFS;
    else
        error = file_set_times_at(at.dir_fd, at.name, accessed, modified);
    host_path_release(&at);
    return error;
}

enum os_error host_dir_make(const struct host_file *dir, const char *path)
{
    struct host_path_at at;
    if (dir->is_frozen)
        return refuse_to_make(dir, path);
    enum os_error error = locate(dir, path, HOST_PATH_CHANGE, &at);
    if (error)
        return error;
    error = file_make_directory_at(at.dir_fd, at.name);
    host_path_release(&at);
    return error;
}

enum os_error host_dir_remove(const struct host_file *dir, const char *path)
{
    struct host_path_at at;
    enum os_error error = locate(dir, path, HOST_PATH_CHANGE, &at);
    if (error)
        return error;
    error = dir->is_frozen ? OS_ROFS : file_remove_directory_at(at.dir_fd, at.name);
    host_path_release(&at);
    return error;
}

enum os_error host_dir_unlink(const struct host_file *dir, const char *path)
{
    struct host_path_at at;
    enum os_error error = locate(dir, path, HOST_PATH_CHANGE, &at);
    if (error)
        return error;
    error = dir->is_frozen ? OS_ROFS : file_unlink_at(at.dir_fd, at.name);
    host_path_release(&at);
    return error;
}

/* Both ends of a rename or link. `from_use` tells how the first one is looked up. */
static enum os_error locate_both(const struct host_file *from_dir, const char *from,
                                 enum host_path_use from_use, const struct host_file *to_dir,
                                 const char *to, struct host_path_at *ret_from,
                                 struct host_path_at *ret_to)
{
    enum os_error error = locate(from_dir, from, from_use, ret_from);
    if (error)
        return error;
    error = locate(to_dir, to, HOST_PATH_CHANGE, ret_to);
    if (error)
        goto fail;
    if (from_dir->is_frozen || to_dir->is_frozen) {
        host_path_release(ret_to);
        error = OS_ROFS;
        goto fail;
    }
    return OS_OK;
fail:
    host_path_release(ret_from);
    return error;
}

enum os_error host_dir_rename(const struct host_file *from_dir, const char *from,
                              const struct host_file *to_dir, const char *to)
{
    struct host_path_at from_at, to_at;
    enum os_error error =
        locate_both(from_dir, from, HOST_PATH_CHANGE, to_dir, to, &from_at, &to_at);
    if (error)
        return error;
    error = file_rename_at(from_at.dir_fd, from_at.name, to_at.dir_fd, to_at.name);
    host_path_release(&from_at);
    host_path_release(&to_at);
    return error;
}

enum os_error host_dir_link(const struct host_file *from_dir, const char *from,
                            const struct host_file *to_dir, const char *to)
{
    struct host_path_at from_at, to_at;
    /* A link from a frozen directory to another would let its content be changed there. */
    enum os_error error = locate_both(from_dir, from, HOST_PATH_FIND, to_dir, to, &from_at, &to_at);
    if (error)
        return error;
    error = file_link_at(from_at.dir_fd, from_at.name, to_at.dir_fd, to_at.name);
    host_path_release(&from_at);
    host_path_release(&to_at);
    return error;
}

enum os_error host_dir_symlink(const struct host_file *dir, const char *path, const char *target)
{
    struct host_path_at at;
    if (target[0] == '/')
        return OS_NOTCAPABLE;
    if (dir->is_frozen)
        return refuse_to_make(dir, path);
    enum os_error error = locate(dir, path, HOST_PATH_CHANGE, &at);
    if (error)
        return error;
    error = file_symlink_at(target, at.dir_fd, at.name);
    host_path_release(&at);
    return error;
}

enum os_error host_dir_readlink(const struct host_file *dir, const char *path, char *buffer,
                                size_t size, size_t *ret_bytes)
{
    struct host_path_at at;
    enum os_error error = locate(dir, path, HOST_PATH_FIND, &at);
    if (error)
        return error;
    error = file_readlink_at(at.dir_fd, at.name, buffer, size, ret_bytes);
    host_path_release(&at);
    return error;
}

/* ---- Entries ----------------------------------------------------------------------------- */

enum os_error host_entries_start(struct host_entries *entries, const struct host_file *dir,
                                 uint64_t position, size_t room_bytes)
{
    struct file_stat stat;
    enum os_error error = check_directory(dir);
    if (!error)
        error = file_stat_of(dir->fd, &stat);
    if (!error)
        error = file_entries_seek(dir->fd, position);
    if (error)
        return error;
    entries->dir = dir;
    entries->own_inode = stat.inode;
    entries->bytes = entries->at = 0;
    entries->chunk_bytes = room_bytes < FILE_ENTRIES_BYTES_MIN    ? FILE_ENTRIES_BYTES_MIN
                           : room_bytes > sizeof(entries->buffer) ? sizeof(entries->buffer)
                                                                  : room_bytes;
    return OS_OK;
}

enum os_error host_entries_next(struct host_entries *entries, struct file_entry *ret_entry)
{
    struct file_entry entry;
    if (!file_entries_next(entries->buffer, entries->bytes, &entries->at, &entry)) {
        enum os_error error = file_entries_read(entries->dir->fd, entries->buffer,
                                                entries->chunk_bytes, &entries->bytes);
        if (error)
            return error;
        entries->at = 0;
        if (!file_entries_next(entries->buffer, entries->bytes, &entries->at, &entry)) {
            *ret_entry = (struct file_entry){0};
            return OS_OK;
        }
    }
    if (entry.name_bytes == 2 && !memcmp(entry.name, "..", 2)) {
        entry.inode = entries->own_inode;
    } else if (entry.type == FILE_UNKNOWN || entry.type == FILE_SOCKET_STREAM) {
        struct file_stat stat;
        if (file_stat_at(entries->dir->fd, entry.name, &stat) == OS_OK)
            entry.type = stat.type;
    }
    *ret_entry = entry;
    return OS_OK;
}
