/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files and directories that only this user may change, and where they belong by the XDG base
 * directory specification.
 */
#ifndef OS_PRIVATE_FILES_H
#define OS_PRIVATE_FILES_H

#include "os/files.h"

enum { PRIVATE_PATH_BYTES = 4096 };

/*
 * Writes "$VARIABLE/stint" to ret_path, or "$HOME/FALLBACK/stint" where the variable is unset or no
 * absolute path. STINT_NOT_FOUND without HOME, with a sentence for the user.
 */
MUST_CHECK enum stint_status private_default_path(const char *variable, const char *fallback,
                                                  char ret_path[PRIVATE_PATH_BYTES],
                                                  struct stint_error *error);

/*
 * Opens a directory, an absolute or relative path. With `create` what is missing of it is made, for
 * this user alone. STINT_UNSUPPORTED with the remedy when the directory is another user's, or others
 * may write to it; STINT_NOT_FOUND when it is not there.
 */
MUST_CHECK enum stint_status private_open_directory(const char *path, bool create, int *ret_fd,
                                                    struct stint_error *error);

/* A new file that only this user may read and write; OS_EXIST when the name is taken. */
MUST_CHECK enum os_error private_create_at(int dir_fd, const char *name, int *ret_fd);
/* Opens a regular file for reading, and for locks; OS_PERM when it is another user's, or others may
 * write to it, or read it with `is_secret`. */
MUST_CHECK enum os_error private_open_at(int dir_fd, const char *name, bool is_secret, int *ret_fd);

/* Writes or reads all of it, from the start on. A short file is OS_IO. */
MUST_CHECK enum os_error private_write_all(int fd, const void *data, size_t bytes,
                                           uint64_t offset_bytes);
MUST_CHECK enum os_error private_read_all(int fd, void *data, size_t bytes);

/* Waits until no other open file of this one holds its lock; given back when the file is closed. */
MUST_CHECK enum os_error private_lock(int fd);

/* Which boot of the system this is: 16 bytes, zeros where it does not say. */
void private_boot_id(uint8_t ret_id[16]);

#endif
