/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a guest is to see some files of a folder only, it sees a folder of its own, in which those are:
 * hard links to the files where that is possible, else copies. It holds folders and regular files and
 * nothing else, so that no path and no link leads to a file that was not meant.
 *
 *     STATE/files/PID-VERSION-COMPONENT/…
 *
 * They are removed with the version of the application, and those of processes that are no more when the
 * next one begins.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/path_pattern.h"
#include "edge/mounts_int.h"
#include "os/private_files.h"

enum { DEPTH_MAX = 64, FILES_MAX = 1 << 17, COPY_BYTES = 16 << 10 };

struct tree {
    const struct app *app;
    const struct app_component *component;
    int root;
    struct file_stat state; /* the folder that the tree is in: never part of one */
    const char *pattern;    /* NULL: everything */
    uint32_t files;
    struct stint_error *error;
};

static enum stint_status fail(struct tree *tree, const char *path, enum os_error reason)
{
    return error_set(tree->error, STINT_IO, STINT_NO_OFFSET, "files: '%s': %s", path,
                     os_error_text(reason));
}

/* ---- Into the tree ----------------------------------------------------------------------- */

/* The folder that `path` stands in, made where it is not there; `ret_name` is what it is called there. */
static enum os_error open_parent(const struct tree *tree, const char *path, int *ret_fd,
                                 const char **ret_name)
{
    char part[256];
    int at;
    enum os_error error = file_duplicate(tree->root, &at);
    while (!error) {
        while (*path == '/')
            path++;
        size_t bytes = strcspn(path, "/");
        if (path[bytes] == '\0' || bytes >= sizeof(part)) {
            error = bytes == 0 || bytes >= sizeof(part) ? OS_INVAL : OS_OK;
            break;
        }
        memcpy(part, path, bytes);
        part[bytes] = '\0';
        path += bytes;
        if (strcmp(part, ".") == 0)
            continue;
        int next;
        if (strcmp(part, "..") == 0) {
            error = OS_NOTCAPABLE;
            break;
        }
        error = file_make_directory_at(at, part);
        if (!error || error == OS_EXIST)
            error = file_open_at(at, part, FILE_READ | FILE_IS_DIRECTORY, &next);
        if (!error) {
            file_close(at);
            at = next;
        }
    }
    if (!error && (strcmp(path, "..") == 0 || strcmp(path, ".") == 0))
        error = OS_NOTCAPABLE;
    if (error) {
        file_close(at);
        return error;
    }
    *ret_fd = at;
    *ret_name = path;
    return OS_OK;
}

static enum os_error copy(int from, int to)
{
    uint8_t piece[COPY_BYTES];
    for (;;) {
        size_t bytes = 0, done = 0;
        struct file_span span = {piece, sizeof(piece)};
        enum os_error error = file_read(from, &span, 1, FILE_NO_OFFSET, &bytes);
        if (error || bytes == 0)
            return error;
        for (size_t at = 0; at < bytes && !error; at += done) {
            span = (struct file_span){piece + at, bytes - at};
            error = file_write(to, &span, 1, FILE_NO_OFFSET, &done);
        }
        if (error)
            return error;
    }
}

/* The regular file `name` of a folder, which may be a link to one below that folder. */
static enum os_error put_file(struct tree *tree, int folder, const char *name, bool is_link,
                              const char *destination)
{
    const char *own;
    int parent, from = -1, to = -1;
    enum os_error error = open_parent(tree, destination, &parent, &own);
    if (error)
        return error;
    error = is_link ? OS_NOTSUP : file_link_at(folder, name, parent, own);
    if (error && error != OS_EXIST) {
        struct file_stat stat;
        error = file_open_beneath(folder, name, FILE_READ | FILE_FOLLOW, &from);
        if (!error)
            error = file_stat_of(from, &stat);
        if (!error && stat.type != FILE_REGULAR)
            error = OS_EXIST; /* links to other things are left out */
        if (!error)
            error = file_open_at(parent, own, FILE_WRITE | FILE_CREATE | FILE_EXCLUSIVE, &to);
        if (!error)
            error = copy(from, to);
        file_close(from);
        file_close(to);
    }
    file_close(parent);
    tree->files++;
    return error == OS_EXIST ? OS_OK : error;
}

/* ---- Out of a folder --------------------------------------------------------------------- */

struct place {
    char own[MOUNTS_PATH_BYTES];   /* in the application's folder, for patterns */
    char guest[MOUNTS_PATH_BYTES];
};

static bool append(char path[MOUNTS_PATH_BYTES], const char *name, size_t *ret_before)
{
    size_t bytes = strlen(path), more = strlen(name);
    *ret_before = bytes;
    if (bytes + more + 2 > MOUNTS_PATH_BYTES)
        return false;
    if (bytes > 0)
        path[bytes++] = '/';
    memcpy(path + bytes, name, more + 1);
    return true;
}

static enum stint_status walk(struct tree *tree, int folder, struct place *place, int depth);

static enum stint_status put_entry(struct tree *tree, int folder, const char *name,
                                   struct place *place, int depth)
{
    struct file_stat stat;
    enum os_error error = file_stat_at(folder, name, &stat);
    int below;
    if (error)
        return error == OS_NOENT ? STINT_OK : fail(tree, place->own, error);
    if (stat.type == FILE_DIRECTORY) {
        bool is_state = stat.inode == tree->state.inode && stat.device == tree->state.device;
        if (is_state || depth >= DEPTH_MAX)
            return STINT_OK;
        error = file_open_at(folder, name, FILE_READ | FILE_IS_DIRECTORY, &below);
        if (error)
            return fail(tree, place->own, error);
        enum stint_status status = walk(tree, below, place, depth + 1);
        file_close(below);
        return status;
    }
    if ((stat.type != FILE_REGULAR && stat.type != FILE_SYMLINK) ||
        (tree->pattern != NULL && !path_matches(tree->pattern, place->own)) ||
        mounts_excluded(tree->component, place->own))
        return STINT_OK;
    if (tree->files >= FILES_MAX)
        return error_set(tree->error, STINT_LIMIT, STINT_NO_OFFSET,
                         "files: more than %u of them", FILES_MAX);
    bool is_link = stat.type == FILE_SYMLINK;
    error = put_file(tree, folder, name, is_link, place->guest);
    /* Links that lead outside, or nowhere, are left out. */
    return error && !is_link ? fail(tree, place->own, error) : STINT_OK;
}

static enum stint_status walk(struct tree *tree, int folder, struct place *place, int depth)
{
    _Alignas(8) uint8_t buffer[4096];
    size_t bytes;
    enum os_error error;
    while ((error = file_entries_read(folder, buffer, sizeof(buffer), &bytes)) == OS_OK &&
           bytes > 0) {
        struct file_entry entry;
        for (size_t at = 0; file_entries_next(buffer, bytes, &at, &entry);) {
            size_t own, guest;
            if (strcmp(entry.name, ".") == 0 || strcmp(entry.name, "..") == 0)
                continue;
            if (!append(place->own, entry.name, &own) || !append(place->guest, entry.name, &guest))
                return fail(tree, place->own, OS_NAMETOOLONG);
            enum stint_status status = put_entry(tree, folder, entry.name, place, depth);
            place->own[own] = place->guest[guest] = '\0';
            if (status != STINT_OK)
                return status;
        }
    }
    return error ? fail(tree, place->own, error) : STINT_OK;
}

/* ---- Mounts ------------------------------------------------------------------------------ */

static enum stint_status put_path(struct tree *tree, const char *source, const char *destination)
{
    struct place place = {.own = ""};
    struct file_stat stat;
    char host[MOUNTS_PATH_BYTES];
    int fd;
    size_t ignored;
    if (!append(place.own, source, &ignored) || !append(place.guest, destination, &ignored) ||
        !mounts_join(tree->app->folder, source, host))
        return fail(tree, source, OS_NAMETOOLONG);
    size_t end = strlen(place.own);
    while (end > 0 && place.own[end - 1] == '/')
        place.own[--end] = '\0';
    enum os_error error = file_stat_host(host, &stat);
    if (error)
        return fail(tree, source, error);
    if (stat.type == FILE_DIRECTORY) {
        error = file_open_host(host, FILE_READ | FILE_IS_DIRECTORY, &fd);
        if (error)
            return fail(tree, source, error);
        enum stint_status status = walk(tree, fd, &place, 0);
        file_close(fd);
        return status;
    }
    char *slash = strrchr(host, '/');
    const char *name = slash != NULL ? slash + 1 : host;
    if (slash != NULL)
        *slash = '\0';
    error = file_open_host(slash == NULL ? "." : host[0] != '\0' ? host : "/",
                           FILE_READ | FILE_IS_DIRECTORY, &fd);
    if (error)
        return fail(tree, source, error);
    struct file_stat own;
    error = file_stat_at(fd, name, &own);
    if (!error)
        error = put_file(tree, fd, name, own.type == FILE_SYMLINK, place.guest);
    file_close(fd);
    return error ? fail(tree, source, error) : STINT_OK;
}

static enum stint_status put_mount(struct tree *tree, const struct app_mount *mount)
{
    const char *source = mounts_without_dot(mount->source);
    char host[MOUNTS_PATH_BYTES];
    struct file_stat stat;
    tree->pattern = NULL;
    if (mount->destination != NULL)
        return put_path(tree, source, mount->destination);
    if (!mounts_join(tree->app->folder, source, host))
        return fail(tree, source, OS_NAMETOOLONG);
    if (file_stat_host(host, &stat) == OS_OK)
        return put_path(tree, source, source);
    if (strpbrk(source, "*?[") == NULL)
        return fail(tree, source, OS_NOENT);
    /* The whole folder is looked at, but for what the pattern's beginning rules out. */
    size_t bytes = strcspn(source, "*?[");
    while (bytes > 0 && source[bytes - 1] != '/')
        bytes--;
    char folder[MOUNTS_PATH_BYTES];
    (void)snprintf(folder, sizeof(folder), "%.*s", (int)(bytes > 0 ? bytes - 1 : 0), source);
    tree->pattern = source;
    if (!mounts_join(tree->app->folder, folder, host))
        return fail(tree, source, OS_NAMETOOLONG);
    return file_stat_host(host, &stat) == OS_OK ? put_path(tree, folder, folder) : STINT_OK;
}

/* ---- Trees of others --------------------------------------------------------------------- */

static void remove_below(int folder, int depth)
{
    _Alignas(8) uint8_t buffer[4096];
    size_t bytes;
    bool is_more = true;
    while (is_more && file_entries_seek(folder, 0) == OS_OK) {
        is_more = false;
        if (file_entries_read(folder, buffer, sizeof(buffer), &bytes) || bytes == 0)
            return;
        struct file_entry entry;
        for (size_t at = 0; file_entries_next(buffer, bytes, &at, &entry);) {
            int below;
            if (strcmp(entry.name, ".") == 0 || strcmp(entry.name, "..") == 0)
                continue;
            if (depth < DEPTH_MAX + 8 &&
                file_open_at(folder, entry.name, FILE_READ | FILE_IS_DIRECTORY, &below) == OS_OK) {
                remove_below(below, depth + 1);
                file_close(below);
                is_more |= file_remove_directory_at(folder, entry.name) == OS_OK;
            } else {
                is_more |= file_unlink_at(folder, entry.name) == OS_OK;
            }
        }
    }
}

static void remove_tree(int files, const char *name)
{
    int folder;
    if (file_open_at(files, name, FILE_READ | FILE_IS_DIRECTORY, &folder))
        return;
    remove_below(folder, 0);
    file_close(folder);
    (void)!file_remove_directory_at(files, name);
}

static void remove_stale(int files, uint64_t version)
{
    _Alignas(8) uint8_t buffer[4096];
    size_t bytes;
    while (file_entries_read(files, buffer, sizeof(buffer), &bytes) == OS_OK && bytes > 0) {
        struct file_entry entry;
        for (size_t at = 0; file_entries_next(buffer, bytes, &at, &entry);) {
            char *end;
            long pid = strtol(entry.name, &end, 10);
            if (pid <= 0 || *end != '-')
                continue;
            bool is_gone = pid == getpid() ? strtoull(end + 1, NULL, 10) > version
                                           : kill((pid_t)pid, 0) != 0 && errno == ESRCH;
            if (is_gone)
                remove_tree(files, entry.name);
        }
    }
}

/* ---- Its life ---------------------------------------------------------------------------- */

static enum stint_status open_files(const struct app *app, int *ret_fd, struct file_stat *ret_state,
                                    struct stint_error *error)
{
    char path[MOUNTS_PATH_BYTES];
    int state;
    enum stint_status status =
        private_open_directory(app->server.state_folder, true, &state, error);
    if (status != STINT_OK)
        return status;
    enum os_error reason = file_stat_of(state, ret_state);
    file_close(state);
    if (reason || !mounts_join(app->server.state_folder, "files", path))
        return error_set(error, STINT_IO, STINT_NO_OFFSET, "files: %s", os_error_text(reason));
    return private_open_directory(path, true, ret_fd, error);
}

enum stint_status mounts_tree_create(const struct app *app, const struct app_component *component,
                                     uint64_t version, char ret_path[MOUNTS_PATH_BYTES],
                                     struct stint_error *error)
{
    struct tree tree = {.app = app, .component = component, .root = -1, .error = error};
    char name[200];
    int files;
    enum stint_status status = open_files(app, &files, &tree.state, error);
    if (status != STINT_OK)
        return status;
    remove_stale(files, version);
    (void)snprintf(name, sizeof(name), "%ld-%llu-%.128s", (long)getpid(),
                   (unsigned long long)version, component->id);
    remove_tree(files, name);
    enum os_error reason = file_make_directory_at(files, name);
    if (!reason)
        reason = file_open_at(files, name, FILE_READ | FILE_IS_DIRECTORY, &tree.root);
    if (reason)
        status = fail(&tree, name, reason);
    for (uint32_t i = 0; i < component->file_count && status == STINT_OK; i++)
        status = put_mount(&tree, &component->files[i]);
    if (tree.root >= 0)
        file_close(tree.root);
    int bytes = snprintf(ret_path, MOUNTS_PATH_BYTES, "%s/files/%s", app->server.state_folder, name);
    if (status == STINT_OK && (bytes < 0 || bytes >= MOUNTS_PATH_BYTES))
        status = fail(&tree, name, OS_NAMETOOLONG);
    if (status != STINT_OK)
        remove_tree(files, name);
    file_close(files);
    return status;
}

void mounts_tree_remove(const char *path)
{
    int folder;
    if (file_open_host(path, FILE_READ | FILE_IS_DIRECTORY, &folder))
        return;
    remove_below(folder, 0);
    file_close(folder);
    (void)rmdir(path);
}
