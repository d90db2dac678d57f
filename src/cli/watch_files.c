/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/watch_files.h"

#include <stdio.h>
#include <string.h>

#include "app/path_pattern.h"
#include "os/files.h"

enum { PATH_BYTES = 4096, DEPTH_MAX = 32, ENTRIES_BYTES = 8192 };

static uint64_t mix(uint64_t number, uint64_t with)
{
    number = (number ^ with) * 0x9e3779b97f4a7c15u;
    return number ^ number >> 29;
}

static uint64_t number_of(const char *path, const struct file_stat *stat)
{
    uint64_t number = 0;
    for (; *path != '\0'; path++)
        number = mix(number, (uint8_t)*path);
    return mix(mix(mix(number, stat->size_bytes), stat->modified_ns), stat->inode);
}

uint64_t watch_file(uint64_t number, const char *path)
{
    struct file_stat stat = {0};
    if (file_stat_host(path, &stat) != OS_OK)
        memset(&stat, 0, sizeof(stat));
    return mix(number, number_of(path, &stat));
}

/* ---- Folders ----------------------------------------------------------------------------- */

struct walk {
    const char *pattern;
    uint64_t sum;
    char path[PATH_BYTES]; /* below the folder that patterns begin in */
};

static void walk_folder(struct walk *walk, int fd, size_t bytes, int depth);

static void look_at(struct walk *walk, int fd, const char *name, size_t bytes, int depth)
{
    struct file_stat stat;
    int added = snprintf(walk->path + bytes, PATH_BYTES - bytes, "%s%s", bytes > 0 ? "/" : "", name);
    int folder;
    if (added < 0 || (size_t)added >= PATH_BYTES - bytes ||
        file_stat_at(fd, name, &stat) != OS_OK)
        return;
    if (stat.type != FILE_DIRECTORY) {
        if (path_matches(walk->pattern, walk->path))
            walk->sum += number_of(walk->path, &stat);
        return;
    }
    if (depth == 0 || file_open_at(fd, name, FILE_READ | FILE_IS_DIRECTORY, &folder) != OS_OK)
        return;
    walk_folder(walk, folder, bytes + (size_t)added, depth - 1);
    file_close(folder);
}

static void walk_folder(struct walk *walk, int fd, size_t bytes, int depth)
{
    uint64_t buffer[ENTRIES_BYTES / sizeof(uint64_t)];
    struct file_entry entry;
    size_t filled;
    while (file_entries_read(fd, buffer, sizeof(buffer), &filled) == OS_OK && filled > 0) {
        for (size_t at = 0; file_entries_next(buffer, filled, &at, &entry);) {
            if (strcmp(entry.name, ".") != 0 && strcmp(entry.name, "..") != 0)
                look_at(walk, fd, entry.name, bytes, depth);
        }
    }
}

/* The folder that all matches are in: what stands before the first part with a wildcard. */
static size_t fixed_bytes(const char *pattern)
{
    size_t bytes = strcspn(pattern, "*?");
    while (bytes > 0 && pattern[bytes - 1] != '/')
        bytes--;
    return bytes > 0 ? bytes - 1 : 0;
}

static uint64_t watch_pattern(uint64_t number, const char *folder, const char *pattern)
{
    struct walk walk = {.pattern = pattern};
    char path[PATH_BYTES];
    int fd;
    size_t fixed = fixed_bytes(pattern);
    int bytes = snprintf(path, sizeof(path), "%s/%.*s", folder, (int)fixed, pattern);
    if (bytes < 0 || (size_t)bytes >= sizeof(path))
        return number;
    if (pattern[strcspn(pattern, "*?")] == '\0') {
        (void)snprintf(path, sizeof(path), "%s/%s", folder, pattern);
        return watch_file(number, path);
    }
    if (file_open_host(path, FILE_READ | FILE_IS_DIRECTORY, &fd) != OS_OK)
        return mix(number, 0);
    memcpy(walk.path, pattern, fixed);
    walk_folder(&walk, fd, fixed, DEPTH_MAX);
    file_close(fd);
    return mix(number, walk.sum);
}

uint64_t watch_patterns(uint64_t number, const char *folder, const struct app_texts *patterns)
{
    for (uint32_t i = 0; i < patterns->count; i++) {
        const char *pattern = patterns->items[i];
        while (pattern[0] == '.' && pattern[1] == '/')
            pattern += 2;
        number = watch_pattern(number, folder, pattern);
    }
    return number;
}
