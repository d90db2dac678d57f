/* SPDX-License-Identifier: Apache-2.0 */
#include "os/control_group.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { FILE_BYTES = 4096, PATH_BYTES = FILE_BYTES + 256 };

/* Version 1 says "none" by a number that no machine has. */
#define NONE_FROM ((uint64_t)1 << 60)

static bool read_text(const char *path, char text[FILE_BYTES])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t bytes = read(fd, text, FILE_BYTES - 1);
    close(fd);
    text[bytes > 0 ? bytes : 0] = '\0';
    return bytes > 0;
}

/* The number in a file; UINT64_MAX where it is "max", or there is no such file. */
static uint64_t number_in(const char *folder, const char *name)
{
    char path[PATH_BYTES], text[FILE_BYTES];
    uint64_t number = 0;
    int bytes = snprintf(path, sizeof(path), "%s/%s", folder, name);
    if (bytes < 0 || (size_t)bytes >= sizeof(path) || !read_text(path, text) || text[0] < '0' ||
        text[0] > '9')
        return UINT64_MAX;
    for (const char *at = text; *at >= '0' && *at <= '9' && number < NONE_FROM; at++)
        number = number * 10 + (uint64_t)(*at - '0');
    return number < NONE_FROM ? number : UINT64_MAX;
}

static void take_least(uint64_t *into, uint64_t number)
{
    if (number < *into)
        *into = number;
}

/* What the files of one group say. */
static void look(const char *folder, struct control_group *group)
{
    uint64_t tasks = number_in(folder, "pids.max"), now = number_in(folder, "pids.current");
    take_least(&group->memory_bytes, number_in(folder, "memory.max"));
    take_least(&group->memory_bytes, number_in(folder, "memory.limit_in_bytes"));
    if (tasks != UINT64_MAX && now != UINT64_MAX)
        take_least(&group->tasks, tasks > now ? tasks - now : 0);
}

/* The group `name` ("/a/b") of the hierarchy that is mounted at `mount`, and all that it is in. A container
 * has its own group as the root, whatever the name says. */
static void climb(const char *mount, const char *name, size_t name_bytes,
                  struct control_group *group)
{
    char folder[PATH_BYTES];
    size_t root_bytes = strlen(mount);
    int bytes = snprintf(folder, sizeof(folder), "%s%.*s", mount, (int)name_bytes, name);
    if (bytes < 0 || (size_t)bytes >= sizeof(folder) || (name_bytes > 0 && name[0] != '/'))
        return;
    for (;;) {
        look(folder, group);
        char *slash = strrchr(folder, '/');
        if (strlen(folder) <= root_bytes || slash == NULL || slash < folder + root_bytes)
            return;
        *slash = '\0';
    }
}

static bool names(const char *list, size_t bytes, const char *controller)
{
    size_t wanted = strlen(controller);
    for (const char *at = list, *end = list + bytes; at < end;) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        size_t length = (size_t)((comma != NULL ? comma : end) - at);
        if (length == wanted && memcmp(at, controller, wanted) == 0)
            return true;
        at += length + 1;
    }
    return false;
}

void control_group_read(const char *root, const char *groups, struct control_group *ret_group)
{
    static const char *const controllers[] = {"memory", "pids"};
    struct control_group group = {UINT64_MAX, UINT64_MAX};
    char mount[PATH_BYTES];
    /* "NUMBER:CONTROLLERS:/GROUP"; version 2 names no controllers, and is in a folder of its own where
     * version 1 is there too. */
    for (const char *line = groups; *line != '\0';) {
        size_t bytes = strcspn(line, "\n");
        const char *list = memchr(line, ':', bytes);
        const char *name =
            list != NULL ? memchr(list + 1, ':', bytes - (size_t)(list + 1 - line)) : NULL;
        if (name != NULL) {
            size_t list_bytes = (size_t)(name - list) - 1;
            size_t name_bytes = bytes - (size_t)(name + 1 - line);
            if (list_bytes == 0) {
                climb(root, name + 1, name_bytes, &group);
                (void)snprintf(mount, sizeof(mount), "%s/unified", root);
                climb(mount, name + 1, name_bytes, &group);
            }
            for (size_t i = 0; i < sizeof(controllers) / sizeof(*controllers); i++) {
                if (!names(list + 1, list_bytes, controllers[i]))
                    continue;
                (void)snprintf(mount, sizeof(mount), "%s/%s", root, controllers[i]);
                climb(mount, name + 1, name_bytes, &group);
            }
        }
        line += bytes + (line[bytes] == '\n');
    }
    *ret_group = group;
}

void control_group_own(struct control_group *ret_group)
{
    char groups[FILE_BYTES];
    if (!read_text("/proc/self/cgroup", groups))
        groups[0] = '\0';
    control_group_read("/sys/fs/cgroup", groups, ret_group);
}
