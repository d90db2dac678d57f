/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tries to get out of its directory. The run made `up -> ..`, `abs -> /`, `deep/up -> ../..` and
 * `file -> ../secret` beside it, as a host or an earlier guest might. Raw calls: the C library would
 * clean up paths first. With an argument it tries from a read-only directory, where nothing may
 * change either.
 */
#include "guest.h"

enum { DIR_FD = 3 };

static const char *const ways_out[] = {
    "..",
    "../secret",
    "up",
    "up/secret",
    "up/",
    "abs",
    "abs/etc",
    "abs/",
    "deep/up",
    "deep/up/secret",
    "file",
    "/",
    "/secret",
    "/etc/passwd",
    "./../secret",
    "deep/../../secret",
    "own/../up/secret",
    "deep/./up/secret",
};

static int open_path(const char *path, __wasi_oflags_t oflags, __wasi_rights_t rights)
{
    __wasi_fd_t fd;
    __wasi_errno_t error = __wasi_path_open(DIR_FD, __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW, path, oflags,
                                            rights, rights, 0, &fd);
    return error ? -(int)error : fd;
}

static void refused(const char *path)
{
    __wasi_filestat_t stat;
    char name[256];
    EXPECT(open_path(path, 0, __WASI_RIGHTS_FD_READ) == -__WASI_ERRNO_NOTCAPABLE);
    EXPECT(open_path(path, __WASI_OFLAGS_CREAT, __WASI_RIGHTS_FD_WRITE) < 0);
    EXPECT(__wasi_path_filestat_get(DIR_FD, __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW, path, &stat) ==
           __WASI_ERRNO_NOTCAPABLE);
    EXPECT(__wasi_path_filestat_set_times(DIR_FD, __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW, path, 0, 0,
                                          __WASI_FSTFLAGS_MTIM_NOW) == __WASI_ERRNO_NOTCAPABLE);
    snprintf(name, sizeof(name), "%s/new", path);
    EXPECT(__wasi_path_create_directory(DIR_FD, name) != 0);
    EXPECT(open_path(name, __WASI_OFLAGS_CREAT, __WASI_RIGHTS_FD_WRITE) < 0);
    EXPECT(__wasi_path_symlink("x", DIR_FD, name) != 0);
    EXPECT(__wasi_path_unlink_file(DIR_FD, name) != 0);
    EXPECT(__wasi_path_remove_directory(DIR_FD, name) != 0);
    EXPECT(__wasi_path_rename(DIR_FD, "own", DIR_FD, name) != 0);
    EXPECT(__wasi_path_rename(DIR_FD, name, DIR_FD, "taken") != 0);
    EXPECT(__wasi_path_link(DIR_FD, 0, "own/mine", DIR_FD, name) != 0);
    snprintf(name, sizeof(name), "%s/secret", path);
    EXPECT(__wasi_path_link(DIR_FD, 0, name, DIR_FD, "taken") != 0);
    EXPECT(__wasi_path_rename(DIR_FD, name, DIR_FD, "taken") != 0);
    EXPECT(__wasi_path_unlink_file(DIR_FD, name) != 0);
}

/* A directory that was opened deeper down is the limit for what is opened from it. */
static void from_below(void)
{
    __wasi_fd_t fd;
    int deep =
        open_path("deep", __WASI_OFLAGS_DIRECTORY, __WASI_RIGHTS_PATH_OPEN | __WASI_RIGHTS_FD_READ);
    EXPECT(deep > DIR_FD);
    EXPECT(__wasi_path_open(deep, 0, "../own/mine", 0, __WASI_RIGHTS_FD_READ, 0, 0, &fd) ==
           __WASI_ERRNO_NOTCAPABLE);
    EXPECT(__wasi_path_open(deep, 0, "up/own", 0, 0, 0, 0, &fd) == __WASI_ERRNO_NOTCAPABLE);
}

int main(int argc, char **argv)
{
    (void)argv;
    bool is_read_only = argc > 1;
    char text[16];
    if (is_read_only) {
        EXPECT(open_path("own/mine", 0, __WASI_RIGHTS_FD_WRITE) == -__WASI_ERRNO_ROFS);
        EXPECT(__wasi_path_create_directory(DIR_FD, "own") == __WASI_ERRNO_EXIST);
        EXPECT(__wasi_path_create_directory(DIR_FD, "new") == __WASI_ERRNO_ROFS);
    } else {
        EXPECT(__wasi_path_create_directory(DIR_FD, "own") == 0);
        int fd = open_path("own/mine", __WASI_OFLAGS_CREAT, __WASI_RIGHTS_FD_WRITE);
        EXPECT(fd > DIR_FD && close(fd) == 0);
        EXPECT(__wasi_path_symlink("/etc", DIR_FD, "absolute") == __WASI_ERRNO_NOTCAPABLE);
        EXPECT(__wasi_path_symlink("../secret", DIR_FD, "own/sly") == 0);
        EXPECT(__wasi_path_rename(DIR_FD, "own/sly", DIR_FD, "sly") == 0);
        EXPECT(open_path("sly", 0, __WASI_RIGHTS_FD_READ) == -__WASI_ERRNO_NOTCAPABLE);
    }
    for (size_t i = 0; i < sizeof(ways_out) / sizeof(ways_out[0]); i++) {
        fprintf(stderr, "%s\n", ways_out[i]);
        refused(ways_out[i]);
    }
    from_below();
    /* A link that cannot be followed can still be read and removed. */
    __wasi_size_t used;
    EXPECT(__wasi_path_readlink(DIR_FD, "up", (uint8_t *)text, sizeof(text), &used) == 0);
    EXPECT(used == 2 && !memcmp(text, "..", 2));
    EXPECT(__wasi_path_unlink_file(DIR_FD, "up") == (is_read_only ? __WASI_ERRNO_ROFS : 0));
    puts("escape: ok");
    return 0;
}
