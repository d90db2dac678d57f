/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a guest may do with paths beneath a directory that it was given. Paths are resolved by
 * host_path.h: nothing outside of the directory is seen or touched. Beneath a frozen directory (see
 * host_file.h) nothing can be changed: OS_ROFS. `dir` is a FILE_DIRECTORY, else OS_NOTDIR.
 */
#ifndef WASI_HOST_DIR_H
#define WASI_HOST_DIR_H

#include "wasi/host_file.h"

/* `flags`: FILE_READ, FILE_WRITE, FILE_CREATE, FILE_EXCLUSIVE, FILE_TRUNCATE, FILE_IS_DIRECTORY,
 * FILE_APPEND, FILE_SYNC, FILE_DSYNC, FILE_FOLLOW. Never waits: a FIFO without a writer opens, and
 * reading waits for one; a FIFO without a reader cannot be opened for writing (OS_NXIO). */
MUST_CHECK enum os_error host_dir_open(const struct host_file *dir, const char *path,
                                       unsigned flags, struct host_file *ret_file);
MUST_CHECK enum os_error host_dir_stat(const struct host_file *dir, const char *path, bool follow,
                                       struct file_stat *ret_stat);
MUST_CHECK enum os_error host_dir_set_times(const struct host_file *dir, const char *path,
                                            bool follow, struct file_time accessed,
                                            struct file_time modified);
MUST_CHECK enum os_error host_dir_make(const struct host_file *dir, const char *path);
MUST_CHECK enum os_error host_dir_remove(const struct host_file *dir, const char *path);
MUST_CHECK enum os_error host_dir_unlink(const struct host_file *dir, const char *path);
MUST_CHECK enum os_error host_dir_rename(const struct host_file *from_dir, const char *from,
                                         const struct host_file *to_dir, const char *to);
/* A link to `from` itself, should it be a symbolic link. */
MUST_CHECK enum os_error host_dir_link(const struct host_file *from_dir, const char *from,
                                       const struct host_file *to_dir, const char *to);
/* OS_NOTCAPABLE for an absolute target. Others are not looked at: following them is checked. */
MUST_CHECK enum os_error host_dir_symlink(const struct host_file *dir, const char *path,
                                          const char *target);
/* The first `size` bytes of the link's text. */
MUST_CHECK enum os_error host_dir_readlink(const struct host_file *dir, const char *path,
                                           char *buffer, size_t size, size_t *ret_bytes);

/*
 * Reading a directory. Positions are the file system's own, so that they stay good while entries
 * come and go, in directories of any size.
 *
 *     struct host_entries entries;
 *     error = host_entries_start(&entries, dir, position, room);
 *     while (!error) { error = host_entries_next(&entries, &entry); if (!entry.name) break; … }
 */
struct host_entries {
    const struct host_file *dir;
    uint64_t own_inode;
    size_t bytes, at, chunk_bytes;
    _Alignas(8) char buffer[4096];
};

/* `position` is 0 or the `next` of an entry. `room_bytes` is about how much the caller can take: more
 * is not read ahead. */
MUST_CHECK enum os_error host_entries_start(struct host_entries *entries,
                                            const struct host_file *dir, uint64_t position,
                                            size_t room_bytes);
/* At the end OS_OK with `name` NULL. `.` and `..` are among the entries; the latter with the inode of
 * the directory itself, since its own is none of the guest's business. */
MUST_CHECK enum os_error host_entries_next(struct host_entries *entries,
                                           struct file_entry *ret_entry);

#endif
