/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/wit_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "os/files.h"
#include "os/pages.h"

enum { ENTRIES_BYTES = 16 << 10, PATH_BYTES_MAX = 4096 };

static bool is_wit(const char *name)
{
    size_t bytes = strlen(name);
    return bytes > 4 && strcmp(name + bytes - 4, ".wit") == 0;
}

static enum stint_status fail_nomem(struct stint_error *error)
{
    return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "out of memory");
}

static enum stint_status add_file(struct wit_files *files, const char *path, uint32_t folder,
                                  struct stint_error *error)
{
    const uint8_t *data;
    size_t bytes, count = files->source.count;
    if (count == LIMIT_WIT_FILES)
        return error_set(error, STINT_LIMIT, STINT_NO_OFFSET,
                         "there are too many WIT files: the limit is %d", LIMIT_WIT_FILES);
    if (!vec_reserve(&alloc_root, &files->files, &files->capacity, count + 1,
                     sizeof(*files->files)))
        return fail_nomem(error);
    enum stint_status status = pages_map_file(path, LIMIT_WIT_FILE_BYTES, &data, &bytes, error);
    if (status != STINT_OK)
        return status;
    files->files[count] = (struct wit_file){path, (const char *)data, bytes, folder};
    files->source = (struct wit_source){files->files, count + 1};
    return STINT_OK;
}

/* ---- Directories -------------------------------------------------------------------------- */

/* Names of a directory's entries, in the arena. */
struct names {
    const char **items;
    size_t count, capacity;
};

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static enum stint_status add_names(struct wit_files *files, int fd, struct names *names,
                                   struct stint_error *error)
{
    _Alignas(8) char buffer[ENTRIES_BYTES];
    for (;;) {
        size_t bytes = 0, at = 0;
        struct file_entry entry;
        if (file_entries_read(fd, buffer, sizeof(buffer), &bytes) != OS_OK)
            return error_set(error, STINT_IO, STINT_NO_OFFSET, "the directory cannot be read");
        if (bytes == 0)
            return STINT_OK;
        while (file_entries_next(buffer, bytes, &at, &entry)) {
            if (entry.name[0] == '.')
                continue;
            if (names->count == LIMIT_WIT_FILES)
                return error_set(error, STINT_LIMIT, STINT_NO_OFFSET,
                                 "the directory has more than %d files", LIMIT_WIT_FILES);
            char *name = arena_copy_string(&files->arena, entry.name, entry.name_bytes);
            if (name == NULL || !vec_reserve(&alloc_root, &names->items, &names->capacity,
                                             names->count + 1, sizeof(*names->items)))
                return fail_nomem(error);
            names->items[names->count++] = name;
        }
    }
}

/* The names in a directory, sorted, so that messages are the same everywhere. */
static enum stint_status read_names(struct wit_files *files, const char *path,
                                    struct names *ret_names, struct stint_error *error)
{
    int fd;
    struct names names = {0};
    if (file_open_host(path, FILE_READ | FILE_IS_DIRECTORY, &fd) != OS_OK)
        return error_set(error, STINT_IO, STINT_NO_OFFSET, "directory %.150s cannot be read", path);
    enum stint_status status = add_names(files, fd, &names, error);
    file_close(fd);
    if (names.count > 0)
        qsort(names.items, names.count, sizeof(*names.items), compare);
    *ret_names = names;
    return status;
}

static const char *join(struct wit_files *files, const char *path, const char *name)
{
    size_t bytes = strlen(path) + 1 + strlen(name) + 1;
    char *joined = bytes <= PATH_BYTES_MAX ? arena_get(&files->arena, bytes) : NULL;
    if (joined != NULL)
        (void)snprintf(joined, bytes, "%s/%s", path, name);
    return joined;
}

static bool is_directory(const char *path)
{
    struct file_stat stat;
    return file_stat_host(path, &stat) == OS_OK && stat.type == FILE_DIRECTORY;
}

static enum stint_status add_folder(struct wit_files *files, const char *path, uint32_t folder,
                                    struct stint_error *error)
{
    struct names names = {0};
    enum stint_status status = read_names(files, path, &names, error);
    for (size_t i = 0; i < names.count && status == STINT_OK; i++) {
        const char *file = join(files, path, names.items[i]);
        if (file == NULL)
            status = fail_nomem(error);
        else if (is_wit(file) && !is_directory(file))
            status = add_file(files, file, folder, error);
    }
    alloc_put(&alloc_root, names.items, names.capacity * sizeof(*names.items));
    return status;
}

static enum stint_status add_deps(struct wit_files *files, const char *path,
                                  struct stint_error *error)
{
    struct names names = {0};
    const char *deps = join(files, path, "deps");
    if (deps == NULL)
        return fail_nomem(error);
    if (!is_directory(deps))
        return STINT_OK;
    enum stint_status status = read_names(files, deps, &names, error);
    for (size_t i = 0; i < names.count && status == STINT_OK; i++) {
        const char *entry = join(files, deps, names.items[i]);
        uint32_t folder = (uint32_t)i + 1;
        if (entry == NULL)
            status = fail_nomem(error);
        else if (is_directory(entry))
            status = add_folder(files, entry, folder, error);
        else if (is_wit(entry))
            status = add_file(files, entry, folder, error);
    }
    alloc_put(&alloc_root, names.items, names.capacity * sizeof(*names.items));
    return status;
}

enum stint_status wit_files_open(const char *path, struct wit_files *ret_files,
                                 struct stint_error *error)
{
    struct wit_files files = {0};
    enum stint_status status;
    arena_init(&files.arena, &alloc_root);
    if (is_directory(path)) {
        status = add_folder(&files, path, 0, error);
        if (status == STINT_OK && files.source.count == 0)
            status = error_set(error, STINT_NOT_FOUND, STINT_NO_OFFSET,
                               "the directory has no *.wit file");
        if (status == STINT_OK)
            status = add_deps(&files, path, error);
    } else {
        status = add_file(&files, path, 0, error);
    }
    if (status == STINT_OK)
        *ret_files = files;
    else
        wit_files_close(&files);
    return status;
}

void wit_files_close(struct wit_files *files)
{
    for (size_t i = 0; i < files->source.count; i++)
        pages_unmap_file((const uint8_t *)files->files[i].text, files->files[i].bytes);
    alloc_put(&alloc_root, files->files, files->capacity * sizeof(*files->files));
    arena_free(&files->arena);
    *files = (struct wit_files){0};
}
