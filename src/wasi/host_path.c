/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two steps share the work. The first opens a directory beneath another: the kernel does it, or
 * `walk`. The second takes the last component apart: whatever acts on a path acts on (directory, name)
 * with a call that does not follow links, so a swap of the name between the steps cannot lead outside.
 *
 * The walk opens every component with O_NOFOLLOW relative to the one before and keeps all of them open,
 * so that `..` goes back to the directory that was passed on the way and never asks the file system
 * for a parent, which a rename may have changed. Links are read and expanded into the rest of the path.
 */
#include "wasi/host_path.h"

#include <stdatomic.h>
#include <string.h>

enum { KERNEL_TRIES = 64, OPEN_TRIES = 64 };
enum { NAME_BYTES_MAX = 255 };
enum { DIRECTORY = FILE_HANDLE | FILE_IS_DIRECTORY };

enum method { METHOD_UNKNOWN, METHOD_KERNEL, METHOD_WALK };

static atomic_int known_method = METHOD_UNKNOWN;
static atomic_bool is_walk_forced;

void host_path_force_walk(bool is_forced)
{
    atomic_store_explicit(&is_walk_forced, is_forced, memory_order_relaxed);
}

static bool kernel_resolves(int dir_fd)
{
    if (atomic_load_explicit(&is_walk_forced, memory_order_relaxed))
        return false;
    int method = atomic_load_explicit(&known_method, memory_order_relaxed);
    if (method == METHOD_UNKNOWN) {
        int fd;
        enum os_error error = file_open_beneath(dir_fd, ".", DIRECTORY, &fd);
        if (error == OS_OK)
            file_close(fd);
        /* Filters that do not know the call answer OS_PERM. Other errors are the directory's. */
        method = error == OS_NOSYS || error == OS_PERM ? METHOD_WALK : METHOD_KERNEL;
        atomic_store_explicit(&known_method, method, memory_order_relaxed);
    }
    return method == METHOD_KERNEL;
}

/* ---- The walk ---------------------------------------------------------------------------- */

struct walk {
    int root_fd;
    int fds[HOST_PATH_DEPTH_MAX]; /* the directories passed, outermost first */
    size_t depth;
    unsigned links;
    char rest[HOST_PATH_BYTES]; /* still to go */
};

static int walk_here(const struct walk *walk)
{
    return walk->depth == 0 ? walk->root_fd : walk->fds[walk->depth - 1];
}

/* Puts the text of a link in front of what remains after `name`. */
static enum os_error walk_expand(struct walk *walk, const char *name, size_t name_bytes)
{
    char target[HOST_PATH_BYTES];
    size_t bytes;
    enum os_error error = file_readlink_at(walk_here(walk), name, target, sizeof(target), &bytes);
    if (error) /* OS_INVAL: a file, where a directory was wanted */
        return error == OS_INVAL ? OS_NOTDIR : error;
    if (++walk->links > HOST_PATH_LINKS_MAX)
        return OS_LOOP;
    if (bytes == 0)
        return OS_NOENT;
    if (target[0] == '/')
        return OS_NOTCAPABLE;
    const char *after = walk->rest + name_bytes; /* empty, or begins with a slash */
    size_t after_bytes = strlen(after);
    if (bytes + after_bytes >= sizeof(walk->rest))
        return OS_NAMETOOLONG;
    memmove(walk->rest + bytes, after, after_bytes + 1);
    memcpy(walk->rest, target, bytes);
    return OS_OK;
}

/* Goes one component on; `name_bytes` of it stand at the start of walk->rest. */
static enum os_error walk_step(struct walk *walk, size_t name_bytes)
{
    char name[NAME_BYTES_MAX + 1];
    if (name_bytes > NAME_BYTES_MAX)
        return OS_NAMETOOLONG;
    memcpy(name, walk->rest, name_bytes);
    name[name_bytes] = '\0';

    if (!strcmp(name, "..")) {
        if (walk->depth == 0)
            return OS_NOTCAPABLE;
        file_close(walk->fds[--walk->depth]);
    } else if (strcmp(name, ".") != 0) {
        if (walk->depth == HOST_PATH_DEPTH_MAX)
            return OS_NAMETOOLONG;
        enum os_error error =
            file_open_at(walk_here(walk), name, DIRECTORY, &walk->fds[walk->depth]);
        if (error == OS_NOTDIR || error == OS_LOOP)
            return walk_expand(walk, name, name_bytes);
        if (error)
            return error;
        walk->depth++;
    }
    memmove(walk->rest, walk->rest + name_bytes, strlen(walk->rest + name_bytes) + 1);
    return OS_OK;
}

/* Opens a directory beneath `dir_fd`, as file_open_beneath with FILE_FOLLOW. */
static enum os_error walk_to(int dir_fd, const char *path, int *ret_fd)
{
    struct walk walk = {.root_fd = dir_fd};
    enum os_error error = OS_OK;
    memcpy(walk.rest, path, strlen(path) + 1);
    if (walk.rest[0] == '/')
        return OS_NOTCAPABLE;
    for (;;) {
        size_t slashes = strspn(walk.rest, "/");
        memmove(walk.rest, walk.rest + slashes, strlen(walk.rest + slashes) + 1);
        size_t name_bytes = strcspn(walk.rest, "/");
        if (name_bytes == 0)
            break;
        error = walk_step(&walk, name_bytes);
        if (error)
            goto out;
    }
    if (walk.depth > 0)
        *ret_fd = walk.fds[--walk.depth];
    else
        error = file_open_at(dir_fd, ".", DIRECTORY, ret_fd);
out:
    while (walk.depth > 0)
        file_close(walk.fds[--walk.depth]);
    return error;
}

/* ---- Both ways --------------------------------------------------------------------------- */

/* The kernel gives up with OS_AGAIN while others rename directories; false: it did each time. */
static bool kernel_open(int dir_fd, const char *path, unsigned flags, int *ret_fd,
                        enum os_error *ret_error)
{
    for (int i = 0; i < KERNEL_TRIES; i++) {
        enum os_error error = file_open_beneath(dir_fd, path, flags, ret_fd);
        if (error != OS_AGAIN) {
            *ret_error = error;
            return true;
        }
    }
    return false;
}

static enum os_error open_directory(int dir_fd, const char *path, int *ret_fd)
{
    enum os_error error;
    if (kernel_resolves(dir_fd) &&
        kernel_open(dir_fd, path, DIRECTORY | FILE_FOLLOW, ret_fd, &error))
        return error;
    return walk_to(dir_fd, path, ret_fd);
}

static enum os_error check(const char *path)
{
    if (path[0] == '\0')
        return OS_NOENT;
    if (strnlen(path, HOST_PATH_BYTES) == HOST_PATH_BYTES)
        return OS_NAMETOOLONG;
    return path[0] == '/' ? OS_NOTCAPABLE : OS_OK;
}

/* A path as `head` + name + slashes; all are offsets into the text. */
struct parts {
    size_t head_bytes; /* 0: the name stands alone */
    size_t name_at, name_bytes;
    bool has_slash; /* at the end */
};

static struct parts split(const char *path)
{
    size_t end = strlen(path);
    struct parts parts = {.has_slash = path[end - 1] == '/'};
    while (path[end - 1] == '/')
        end--;
    size_t at = end;
    while (at > 0 && path[at - 1] != '/')
        at--;
    parts.name_at = at;
    parts.name_bytes = end - at;
    while (at > 0 && path[at - 1] == '/')
        at--;
    parts.head_bytes = at;
    return parts;
}

static bool is_dots(const char *name, size_t bytes)
{
    return name[0] == '.' && (bytes == 1 || (bytes == 2 && name[1] == '.'));
}

/* The directory that the head of `path` names, or `dir_fd` itself. */
static enum os_error open_head(int dir_fd, char *path, struct parts parts,
                               struct host_path_at *ret_at)
{
    ret_at->is_owned = false;
    ret_at->dir_fd = dir_fd;
    if (parts.head_bytes == 0)
        return OS_OK;
    char saved = path[parts.head_bytes];
    path[parts.head_bytes] = '\0';
    enum os_error error = open_directory(dir_fd, path, &ret_at->dir_fd);
    path[parts.head_bytes] = saved;
    ret_at->is_owned = error == OS_OK;
    return error;
}

/*
 * Replaces the name in `path` by the text of the link that it is. OS_INVAL: it is no link, or not
 * there; whoever acts on it will say so.
 */
static enum os_error expand_name(const struct host_path_at *at, char *path, struct parts parts)
{
    char target[HOST_PATH_BYTES];
    size_t bytes;
    if (file_readlink_at(at->dir_fd, at->name, target, sizeof(target), &bytes) || bytes == 0)
        return OS_INVAL;
    if (target[0] == '/')
        return OS_NOTCAPABLE;
    if (parts.name_at + bytes >= HOST_PATH_BYTES)
        return OS_NAMETOOLONG;
    memcpy(path + parts.name_at, target, bytes);
    path[parts.name_at + bytes] = '\0';
    return OS_OK;
}

enum os_error host_path_locate(int dir_fd, const char *path, enum host_path_use use,
                               struct host_path_at *ret_at)
{
    char text[HOST_PATH_BYTES];
    enum os_error error = check(path);
    if (error)
        return error;
    memcpy(text, path, strlen(path) + 1);

    for (unsigned links = 0; links <= HOST_PATH_LINKS_MAX; links++) {
        struct host_path_at at;
        struct parts parts = split(text);
        const char *name = text + parts.name_at;
        if (is_dots(name, parts.name_bytes) || (parts.has_slash && use != HOST_PATH_CHANGE)) {
            error = open_directory(dir_fd, text, &at.dir_fd);
            if (error)
                return error;
            at.is_owned = true;
            memcpy(at.name, ".", 2);
            *ret_at = at;
            return OS_OK;
        }
        if (parts.name_bytes > NAME_BYTES_MAX)
            return OS_NAMETOOLONG;
        error = open_head(dir_fd, text, parts, &at);
        if (error)
            return error;
        memcpy(at.name, name, parts.name_bytes);
        memcpy(at.name + parts.name_bytes, parts.has_slash ? "/" : "", parts.has_slash ? 2 : 1);
        error = use == HOST_PATH_FIND_FOLLOW ? expand_name(&at, text, parts) : OS_INVAL;
        if (error == OS_INVAL) {
            *ret_at = at;
            return OS_OK;
        }
        host_path_release(&at);
        if (error)
            return error;
    }
    return OS_LOOP;
}

void host_path_release(struct host_path_at *at)
{
    if (at->is_owned)
        file_close(at->dir_fd);
    at->is_owned = false;
}

static enum os_error walk_open(int dir_fd, const char *path, unsigned flags, int *ret_fd)
{
    bool follow = flags & FILE_FOLLOW && !(flags & FILE_EXCLUSIVE);
    /* The kernel's answer to the wish to make a file by the name of a directory. */
    if (flags & FILE_CREATE && path[strlen(path) - 1] == '/')
        return OS_ISDIR;
    for (int i = 0; i < OPEN_TRIES; i++) {
        struct host_path_at at;
        enum os_error error =
            host_path_locate(dir_fd, path, follow ? HOST_PATH_FIND_FOLLOW : HOST_PATH_FIND, &at);
        if (error)
            return error;
        error = file_open_at(at.dir_fd, at.name, flags & ~(unsigned)FILE_FOLLOW, ret_fd);
        host_path_release(&at);
        /* OS_LOOP: it has become a link since it was located. */
        if (error != OS_LOOP || !follow)
            return error;
    }
    return OS_LOOP;
}

enum os_error host_path_open(int dir_fd, const char *path, unsigned flags, int *ret_fd)
{
    enum os_error error = check(path);
    if (error)
        return error;
    if (kernel_resolves(dir_fd) && kernel_open(dir_fd, path, flags, ret_fd, &error))
        return error;
    return walk_open(dir_fd, path, flags, ret_fd);
}
