/* SPDX-License-Identifier: Apache-2.0 */
/* Functions on paths beneath a directory. */
#include "wasi/host_dir.h"
#include "wasi/p1_int.h"

enum { LOOKUP_SYMLINK_FOLLOW = 1 };

/* A directory with these rights, and a path: what most functions start from. */
static enum os_error take_path(struct p1_call *call, uint64_t number, uint64_t rights,
                               uint64_t pointer, uint64_t bytes,
                               struct p1_descriptor **ret_descriptor,
                               char ret_path[HOST_PATH_BYTES])
{
    enum os_error error = p1_path(call, p1_u32(pointer), p1_u32(bytes), ret_path);
    return error ? error : p1_find_dir(call, p1_u32(number), rights, ret_descriptor);
}

static enum os_error take_lookup(uint64_t lookupflags, bool *ret_follow)
{
    if (p1_u32(lookupflags) & ~(uint32_t)LOOKUP_SYMLINK_FOLLOW)
        return OS_INVAL;
    *ret_follow = p1_u32(lookupflags) & LOOKUP_SYMLINK_FOLLOW;
    return OS_OK;
}

enum os_error p1_path_create_directory(struct p1_call *call, const uint64_t *args)
{
    char path[HOST_PATH_BYTES];
    struct p1_descriptor *dir;
    enum os_error error =
        take_path(call, args[0], P1_PATH_CREATE_DIRECTORY, args[1], args[2], &dir, path);
    return error ? error : host_dir_make(&dir->file, path);
}

enum os_error p1_path_remove_directory(struct p1_call *call, const uint64_t *args)
{
    char path[HOST_PATH_BYTES];
    struct p1_descriptor *dir;
    enum os_error error =
        take_path(call, args[0], P1_PATH_REMOVE_DIRECTORY, args[1], args[2], &dir, path);
    return error ? error : host_dir_remove(&dir->file, path);
}

enum os_error p1_path_unlink_file(struct p1_call *call, const uint64_t *args)
{
    char path[HOST_PATH_BYTES];
    struct p1_descriptor *dir;
    enum os_error error =
        take_path(call, args[0], P1_PATH_UNLINK_FILE, args[1], args[2], &dir, path);
    return error ? error : host_dir_unlink(&dir->file, path);
}

enum os_error p1_path_filestat_get(struct p1_call *call, const uint64_t *args)
{
    char path[HOST_PATH_BYTES];
    struct p1_descriptor *dir;
    struct file_stat stat;
    bool follow;
    uint8_t *at = p1_at(call, p1_u32(args[4]), p1_filestat_bytes(call->abi));
    if (at == NULL)
        return OS_FAULT;
    enum os_error error = take_lookup(args[1], &follow);
    if (!error)
        error = take_path(call, args[0], P1_PATH_FILESTAT_GET, args[2], args[3], &dir, path);
    if (!error)
        error = host_dir_stat(&dir->file, path, follow, &stat);
    if (!error)
        p1_put_filestat(call->abi, at, &stat);
    return error;
}

enum os_error p1_path_filestat_set_times(struct p1_call *call, const uint64_t *args)
{
    char path[HOST_PATH_BYTES];
    struct p1_descriptor *dir;
    struct file_time accessed, modified;
    bool follow;
    enum os_error error = take_lookup(args[1], &follow);
    if (!error)
        error = p1_times(args[4], args[5], p1_u32(args[6]), &accessed, &modified);
    if (!error)
        error = take_path(call, args[0], P1_PATH_FILESTAT_SET_TIMES, args[2], args[3], &dir, path);
    return error ? error : host_dir_set_times(&dir->file, path, follow, accessed, modified);
}

enum os_error p1_path_link(struct p1_call *call, const uint64_t *args)
{
    char from[HOST_PATH_BYTES], to[HOST_PATH_BYTES];
    struct p1_descriptor *from_dir, *to_dir;
    bool follow;
    enum os_error error = take_lookup(args[1], &follow);
    /* A link to what a link points to: Linux cannot make that safely. */
    if (!error && follow)
        error = OS_INVAL;
    if (!error)
        error = take_path(call, args[0], P1_PATH_LINK_SOURCE, args[2], args[3], &from_dir, from);
    if (!error)
        error = take_path(call, args[4], P1_PATH_LINK_TARGET, args[5], args[6], &to_dir, to);
    return error ? error : host_dir_link(&from_dir->file, from, &to_dir->file, to);
}

enum os_error p1_path_rename(struct p1_call *call, const uint64_t *args)
{
    char from[HOST_PATH_BYTES], to[HOST_PATH_BYTES];
    struct p1_descriptor *from_dir, *to_dir;
    enum os_error error =
        take_path(call, args[0], P1_PATH_RENAME_SOURCE, args[1], args[2], &from_dir, from);
    if (!error)
        error = take_path(call, args[3], P1_PATH_RENAME_TARGET, args[4], args[5], &to_dir, to);
    return error ? error : host_dir_rename(&from_dir->file, from, &to_dir->file, to);
}

enum os_error p1_path_symlink(struct p1_call *call, const uint64_t *args)
{
    char target[HOST_PATH_BYTES], path[HOST_PATH_BYTES];
    struct p1_descriptor *dir;
    enum os_error error = p1_path(call, p1_u32(args[0]), p1_u32(args[1]), target);
    if (!error)
        error = take_path(call, args[2], P1_PATH_SYMLINK, args[3], args[4], &dir, path);
    return error ? error : host_dir_symlink(&dir->file, path, target);
}

enum os_error p1_path_readlink(struct p1_call *call, const uint64_t *args)
{
    char path[HOST_PATH_BYTES], text[HOST_PATH_BYTES];
    struct p1_descriptor *dir;
    size_t bytes;
    uint32_t room = p1_u32(args[4]);
    uint8_t *at = p1_at(call, p1_u32(args[3]), room);
    uint8_t *result = p1_at(call, p1_u32(args[5]), 4);
    if (at == NULL || result == NULL)
        return OS_FAULT;
    enum os_error error = take_path(call, args[0], P1_PATH_READLINK, args[1], args[2], &dir, path);
    if (!error)
        error = host_dir_readlink(&dir->file, path, text, sizeof(text), &bytes);
    if (error)
        return error;
    if (bytes > room)
        bytes = room;
    memcpy(at, text, bytes);
    bytes_put32(result, (uint32_t)bytes);
    return OS_OK;
}

/* ---- Opening ----------------------------------------------------------------------------- */

enum {
    OFLAGS_CREAT = 1,
    OFLAGS_DIRECTORY = 2,
    OFLAGS_EXCL = 4,
    OFLAGS_TRUNC = 8,
    OFLAGS_ALL = 15,
};

/* Rights that need the file to be open for reading, and for writing. */
#define READING (P1_FD_READ | P1_FD_READDIR)
#define WRITING (P1_FD_WRITE | P1_FD_ALLOCATE | P1_FD_FILESTAT_SET_SIZE)

static unsigned open_flags(uint32_t oflags, uint64_t rights_base, uint32_t fdflags)
{
    unsigned flags = 0;
    if (rights_base & WRITING)
        flags |= FILE_WRITE;
    if (rights_base & READING || !(flags & FILE_WRITE))
        flags |= FILE_READ;
    if (oflags & OFLAGS_CREAT)
        flags |= FILE_CREATE;
    if (oflags & OFLAGS_DIRECTORY)
        flags |= FILE_IS_DIRECTORY;
    if (oflags & OFLAGS_EXCL)
        flags |= FILE_EXCLUSIVE;
    if (oflags & OFLAGS_TRUNC)
        flags |= FILE_TRUNCATE;
    if (fdflags & P1_FDFLAGS_APPEND)
        flags |= FILE_APPEND;
    if (fdflags & P1_FDFLAGS_DSYNC)
        flags |= FILE_DSYNC;
    if (fdflags & (P1_FDFLAGS_SYNC | P1_FDFLAGS_RSYNC))
        flags |= FILE_SYNC;
    return flags;
}

static enum os_error check_open(uint32_t oflags, uint32_t fdflags)
{
    if (oflags & ~(uint32_t)OFLAGS_ALL || fdflags & ~(uint32_t)P1_FDFLAGS_ALL)
        return OS_INVAL;
    bool makes = oflags & (OFLAGS_CREAT | OFLAGS_EXCL | OFLAGS_TRUNC);
    return oflags & OFLAGS_DIRECTORY && makes ? OS_INVAL : OS_OK;
}

/* The rights of the directory that the open needs. */
static uint64_t rights_to_open(uint32_t oflags)
{
    return P1_PATH_OPEN | (oflags & OFLAGS_CREAT ? P1_PATH_CREATE_FILE : 0) |
           (oflags & OFLAGS_TRUNC ? P1_PATH_FILESTAT_SET_SIZE : 0);
}

enum os_error p1_path_open(struct p1_call *call, const uint64_t *args)
{
    char path[HOST_PATH_BYTES];
    struct p1_descriptor *dir;
    struct host_file file;
    uint32_t number;
    bool follow;
    uint32_t oflags = p1_u32(args[4]), fdflags = p1_u32(args[7]);
    /* Programs ask for all rights by setting bits that do not exist yet. */
    uint64_t base = args[5] & P1_RIGHTS_ALL, inheriting = args[6] & P1_RIGHTS_ALL;
    uint8_t *result = p1_at(call, p1_u32(args[8]), 4);
    if (result == NULL)
        return OS_FAULT;
    enum os_error error = take_lookup(args[1], &follow);
    if (!error)
        error = check_open(oflags, fdflags);
    if (!error)
        error = take_path(call, args[0], rights_to_open(oflags), args[2], args[3], &dir, path);
    if (!error && (base | inheriting) & ~dir->rights_inheriting)
        error = OS_NOTCAPABLE;
    if (!error)
        error =
            host_dir_open(&dir->file, path,
                          open_flags(oflags, base, fdflags) | (follow ? FILE_FOLLOW : 0), &file);
    if (error)
        return error;
    file.is_nonblocking = fdflags & P1_FDFLAGS_NONBLOCK;
    error = p1_add_file(call, &file, base, inheriting, (uint16_t)fdflags, &number);
    if (!error)
        bytes_put32(result, number);
    return error;
}
