/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Path resolution beneath a directory: the sandbox of every WASI version.
 *
 * No step of a resolution leaves the directory it started from, whatever the path, the symbolic links
 * in the tree, and whoever renames directories or swaps them for links meanwhile. Absolute paths, `..`
 * beyond the start, and links that lead there give OS_NOTCAPABLE.
 *
 * On Linux 5.6 and newer the kernel resolves (openat2, RESOLVE_BENEATH); elsewhere, and where a
 * seccomp filter forbids that, the path is walked component by component. Both behave the same.
 *
 * Paths are NUL-terminated. At most 4095 bytes and 255 in a component, else OS_NAMETOOLONG; at most
 * 40 symbolic links, else OS_LOOP; an empty path is OS_NOENT. Where a path is walked, what links
 * expand to counts as part of the path, and it is at most HOST_PATH_DEPTH_MAX deep.
 */
#ifndef WASI_HOST_PATH_H
#define WASI_HOST_PATH_H

#include "os/files.h"

enum {
    HOST_PATH_BYTES = 4096, /* with the NUL */
    HOST_NAME_BYTES = 258,  /* with a slash and the NUL */
    HOST_PATH_LINKS_MAX = 40,
    HOST_PATH_DEPTH_MAX = 256, /* directories deep, where the path is walked */
};

/* Opens a file or directory; `flags` as for file_open_at. */
MUST_CHECK enum os_error host_path_open(int dir_fd, const char *path, unsigned flags, int *ret_fd);

/*
 * Where a path leads: a directory, and one name in it that is not `..` nor empty. The name may be
 * `.`, for the directory itself. Acting on it with a call that does not follow links stays beneath.
 */
struct host_path_at {
    int dir_fd;
    bool is_owned; /* close dir_fd with host_path_release */
    char name[HOST_NAME_BYTES];
};

enum host_path_use {
    HOST_PATH_FIND, /* an existing object, itself if it is a link; `link/` is what it points to */
    HOST_PATH_FIND_FOLLOW, /* the same, links followed */
    /* A name to make, remove or rename. A slash at the end stays in `name`: the kernel then
     * checks for a directory and does not follow links. */
    HOST_PATH_CHANGE,
};

MUST_CHECK enum os_error host_path_locate(int dir_fd, const char *path, enum host_path_use use,
                                          struct host_path_at *ret_at);
void host_path_release(struct host_path_at *at);

/* For tests: walk even where the kernel could resolve. The whole process; false goes back. */
void host_path_force_walk(bool is_forced);

#endif
