/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/mounts_int.h"

#include <stdio.h>
#include <string.h>

#include "app/path_pattern.h"

enum { PATH_BYTES = MOUNTS_PATH_BYTES, TRIES = 8 };

/* ---- Paths ------------------------------------------------------------------------------- */

const char *mounts_without_dot(const char *path)
{
    while (path[0] == '.' && path[1] == '/')
        path += 2;
    return path;
}

bool mounts_join(const char *folder, const char *path, char ret_path[PATH_BYTES])
{
    bool is_whole = path[0] == '/' || folder[0] == '\0';
    int bytes = snprintf(ret_path, PATH_BYTES, "%s%s%s", is_whole ? "" : folder,
                         is_whole || path[0] == '\0' ? "" : "/", path);
    return bytes >= 0 && bytes < PATH_BYTES;
}

bool mounts_excluded(const struct app_component *component, const char *path)
{
    for (uint32_t i = 0; i < component->exclude_files.count; i++) {
        if (path_matches(mounts_without_dot(component->exclude_files.items[i]), path))
            return true;
    }
    return false;
}

/* What is left of the path below a mount's destination; NULL: it is not below. */
static const char *below(const char *destination, const char *path)
{
    size_t bytes = strlen(destination);
    while (bytes > 0 && destination[bytes - 1] == '/')
        bytes--;
    while (bytes > 0 && destination[0] == '/') {
        destination++;
        bytes--;
    }
    if (bytes == 0)
        return path;
    if (strncmp(destination, path, bytes) != 0 || (path[bytes] != '/' && path[bytes] != '\0'))
        return NULL;
    return path + bytes + (path[bytes] == '/');
}

/* ---- Opening ----------------------------------------------------------------------------- */

static bool open_below(const char *folder, const char *path, int *ret_fd)
{
    int dir;
    if (path[0] == '\0')
        return file_open_host(folder, FILE_READ, ret_fd) == OS_OK;
    if (file_open_host(folder, FILE_READ | FILE_IS_DIRECTORY, &dir))
        return false;
    enum os_error error = OS_AGAIN;
    for (int i = 0; i < TRIES && error == OS_AGAIN; i++)
        error = file_open_beneath(dir, path, FILE_READ | FILE_FOLLOW, ret_fd);
    file_close(dir);
    return error == OS_OK;
}

static bool open_mount(const struct app *app, const struct app_component *component,
                       const struct app_mount *mount, const char *path, int *ret_fd)
{
    char folder[PATH_BYTES], own[PATH_BYTES];
    const char *source = mounts_without_dot(mount->source);
    if (mount->destination == NULL)
        return path_matches(source, path) && !mounts_excluded(component, path) &&
               open_below(app->folder, path, ret_fd);
    const char *rest = below(mount->destination, path);
    return rest != NULL && mounts_join(source, rest, own) && !mounts_excluded(component, own) &&
           mounts_join(app->folder, mount->source, folder) && open_below(folder, rest, ret_fd);
}

bool mounts_open(const struct app *app, const struct app_component *component, const char *path,
                 int *ret_fd, struct file_stat *ret_stat)
{
    for (uint32_t i = 0; i < component->file_count; i++) {
        int fd;
        if (!open_mount(app, component, &component->files[i], path, &fd))
            continue;
        if (file_stat_of(fd, ret_stat) == OS_OK && ret_stat->type == FILE_REGULAR) {
            *ret_fd = fd;
            return true;
        }
        file_close(fd);
    }
    return false;
}

/* ---- Folders of guests ------------------------------------------------------------------- */

/* "assets" of "assets" and everything below it; false where only some of it is meant. */
static bool whole_folder(const char *pattern, size_t *ret_bytes)
{
    size_t bytes = strcspn(pattern, "*?[");
    *ret_bytes = bytes > 0 ? bytes - 1 : 0;
    return bytes > 1 && pattern[bytes - 1] == '/' &&
           (strcmp(pattern + bytes, "**/*") == 0 || strcmp(pattern + bytes, "**") == 0);
}

bool mounts_need_tree(const struct app *app, const struct app_component *component)
{
    bool needs = component->exclude_files.count > 0 && component->file_count > 0;
    for (uint32_t i = 0; i < component->file_count && !needs; i++) {
        const struct app_mount *mount = &component->files[i];
        const char *source = mounts_without_dot(mount->source);
        struct file_stat stat;
        char host[PATH_BYTES];
        size_t bytes;
        if (mount->destination == NULL)
            needs = !whole_folder(source, &bytes);
        else
            needs = mounts_join(app->folder, source, host) &&
                    file_stat_host(host, &stat) == OS_OK && stat.type != FILE_DIRECTORY;
    }
    return needs;
}

static bool make_dir(struct arena *arena, const struct app *app, const struct app_mount *mount,
                     struct wasi_p1_dir *ret_dir)
{
    char host[PATH_BYTES], guest[PATH_BYTES];
    const char *source = mounts_without_dot(mount->source);
    size_t bytes = strlen(source);
    if (mount->destination == NULL)
        (void)whole_folder(source, &bytes);
    char *part = arena_copy_string(arena, source, bytes);
    if (part == NULL || !mounts_join(app->folder, part, host))
        return false;
    int length = mount->destination == NULL
                     ? snprintf(guest, sizeof(guest), "/%s", part)
                     : snprintf(guest, sizeof(guest), "%s", mount->destination);
    if (length < 0 || length >= (int)sizeof(guest))
        return false;
    ret_dir->fd = -1;
    ret_dir->is_read_only = true;
    ret_dir->host_path = arena_copy_string(arena, host, strlen(host));
    ret_dir->guest_path = arena_copy_string(arena, guest, strlen(guest));
    return ret_dir->host_path != NULL && ret_dir->guest_path != NULL;
}

struct wasi_p1_dir *mounts_dirs(struct arena *arena, const struct app *app,
                                const struct app_component *component, const char *tree,
                                size_t *ret_count)
{
    struct wasi_p1_dir *dirs = arena_get_zeroed(arena, component->file_count + 1, sizeof(*dirs));
    *ret_count = 0;
    if (dirs != NULL && tree != NULL) {
        dirs[0] = (struct wasi_p1_dir){
            .fd = -1, .is_read_only = true, .host_path = tree, .guest_path = "/"};
        *ret_count = 1;
        return dirs;
    }
    for (uint32_t i = 0; dirs != NULL && i < component->file_count; i++) {
        if (!make_dir(arena, app, &component->files[i], &dirs[i]))
            return NULL;
        ++*ret_count;
    }
    return dirs;
}
