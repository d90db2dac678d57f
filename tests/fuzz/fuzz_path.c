/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Path resolution on trees and paths of the fuzzer's making. The kernel and our own walk must agree on
 * the result, and whatever is found lies beneath the sandbox.
 *
 * The input is lines. `d PATH` makes a directory, `f PATH` a file, `l PATH TARGET` a link, all by plain
 * calls of the system and only beneath the sandbox; any other line is a path that is resolved.
 */
#include <fcntl.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wasi/host_path.h"

enum { INPUT_BYTES_MAX = 4096, PATHS_MAX = 64 };

static char base[64];
static char sandbox[80];
static int is_dirty; /* something was made since remove_all */

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *where)
{
    (void)stat, (void)kind;
    return where->level == 0 ? 0 : remove(path);
}

static void remove_all(void)
{
    if (is_dirty)
        nftw(sandbox, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    is_dirty = 0;
}

static void remove_base(void)
{
    remove_all();
    rmdir(sandbox);
    char path[80];
    snprintf(path, sizeof(path), "%s/outside", base);
    unlink(path);
    rmdir(base);
}

/* Makes the sandbox, and a file beside it that must never be seen. */
static void start(void)
{
    /* In memory where that can be had: a run makes and removes a whole tree. */
    snprintf(base, sizeof(base), "%s/stint-fuzz-path-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (mkdtemp(base) == NULL)
        exit(1);
    snprintf(sandbox, sizeof(sandbox), "%s/outside", base);
    close(open(sandbox, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
    snprintf(sandbox, sizeof(sandbox), "%s/in", base);
    if (mkdir(sandbox, 0755) != 0)
        exit(1);
    atexit(remove_base);
}

static void fail(const char *path, const char *what, int a, int b)
{
    fprintf(stderr, "path '%s': %s (%d, %d)\n", path, what, a, b);
    abort();
}

/* Only names that stay in the sandbox by themselves: the tree is made without its protection. */
static int is_plain(const char *path)
{
    return path[0] != '\0' && path[0] != '/' && strstr(path, "..") == NULL;
}

static void make(int root, char *line)
{
    char *path = line + 2;
    char *target = strchr(path, ' ');
    if (target != NULL)
        *target++ = '\0';
    if (!is_plain(path))
        return;
    /* A link that was made before may lead elsewhere: resolve the parent as a guest would. */
    struct host_path_at at;
    if (host_path_locate(root, path, HOST_PATH_CHANGE, &at) != OS_OK)
        return;
    int fd;
    is_dirty = 1;
    if (line[0] == 'd')
        (void)file_make_directory_at(at.dir_fd, at.name);
    else if (line[0] == 'f' &&
             file_open_at(at.dir_fd, at.name, FILE_CREATE | FILE_WRITE, &fd) == OS_OK)
        file_close(fd);
    else if (line[0] == 'l' && target != NULL)
        (void)file_symlink_at(target, at.dir_fd, at.name);
    host_path_release(&at);
}

/* Where the descriptor lies, as the kernel sees it, must begin with the sandbox. */
static void check_beneath(const char *path, int fd)
{
    char link[64], place[8192];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t bytes = readlink(link, place, sizeof(place) - 1);
    if (bytes < 0)
        return;
    place[bytes] = '\0';
    size_t length = strlen(sandbox);
    if (strncmp(place, sandbox, length) != 0 || (place[length] != '/' && place[length] != '\0'))
        fail(path, place, 0, 0);
}

static int is_same(int a, int b)
{
    struct stat at, bt;
    return fstat(a, &at) == 0 && fstat(b, &bt) == 0 && at.st_dev == bt.st_dev &&
           at.st_ino == bt.st_ino;
}

/* The walk has limits of its own: directories deep, and bytes that links expand to. */
static int is_limit(enum os_error walk)
{
    return walk == OS_NAMETOOLONG;
}

static void compare_open(int root, const char *path, unsigned flags)
{
    int by_kernel = -1, by_walk = -1;
    host_path_force_walk(false);
    enum os_error kernel = host_path_open(root, path, flags, &by_kernel);
    host_path_force_walk(true);
    enum os_error walk = host_path_open(root, path, flags, &by_walk);
    if (kernel == OS_OK)
        check_beneath(path, by_kernel);
    if (walk == OS_OK)
        check_beneath(path, by_walk);
    if (!is_limit(walk) && (kernel == OS_OK) != (walk == OS_OK))
        fail(path, "one opens, the other does not", (int)kernel, (int)walk);
    if (kernel == OS_OK && walk == OS_OK && !is_same(by_kernel, by_walk))
        fail(path, "different files", 0, 0);
    if (!is_limit(walk) && (kernel == OS_NOTCAPABLE) != (walk == OS_NOTCAPABLE))
        fail(path, "escape to one only", (int)kernel, (int)walk);
    if (kernel == OS_OK)
        file_close(by_kernel);
    if (walk == OS_OK)
        file_close(by_walk);
}

static void check_name(const char *path, const char *name, enum host_path_use use)
{
    if (!strcmp(name, "..") || name[0] == '\0' || (strchr(name, '/') && use != HOST_PATH_CHANGE))
        fail(path, name, 0, 0);
}

static void compare_locate(int root, const char *path, enum host_path_use use)
{
    struct host_path_at by_kernel, by_walk;
    host_path_force_walk(false);
    enum os_error kernel = host_path_locate(root, path, use, &by_kernel);
    host_path_force_walk(true);
    enum os_error walk = host_path_locate(root, path, use, &by_walk);
    if (!is_limit(walk) && kernel != walk)
        fail(path, "located by one only", (int)kernel, (int)walk);
    if (kernel == OS_OK) {
        check_beneath(path, by_kernel.dir_fd);
        check_name(path, by_kernel.name, use);
    }
    if (walk == OS_OK) {
        check_beneath(path, by_walk.dir_fd);
        check_name(path, by_walk.name, use);
    }
    if (kernel == OS_OK && walk == OS_OK &&
        (strcmp(by_kernel.name, by_walk.name) != 0 || !is_same(by_kernel.dir_fd, by_walk.dir_fd)))
        fail(path, "different places", 0, 0);
    if (kernel == OS_OK)
        host_path_release(&by_kernel);
    if (walk == OS_OK)
        host_path_release(&by_walk);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int root = -1;
    if (root == -1) {
        start();
        root = open(sandbox, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    if (size > INPUT_BYTES_MAX)
        return 0;
    char text[INPUT_BYTES_MAX + 1];
    memcpy(text, data, size);
    text[size] = '\0';

    host_path_force_walk(false);
    int paths = 0;
    for (char *line = text, *next; line != NULL && paths < PATHS_MAX; line = next) {
        next = strchr(line, '\n');
        if (next != NULL)
            *next++ = '\0';
        paths++;
        if (strchr("dfl", line[0]) != NULL && line[0] != '\0' && line[1] == ' ') {
            make(root, line);
            continue;
        }
        compare_open(root, line, FILE_READ);
        compare_open(root, line, FILE_READ | FILE_FOLLOW);
        compare_open(root, line, FILE_READ | FILE_FOLLOW | FILE_IS_DIRECTORY);
        compare_locate(root, line, HOST_PATH_FIND);
        compare_locate(root, line, HOST_PATH_FIND_FOLLOW);
        compare_locate(root, line, HOST_PATH_CHANGE);
        host_path_force_walk(false);
    }
    remove_all();
    return 0;
}
