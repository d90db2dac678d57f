/* SPDX-License-Identifier: Apache-2.0 */
#include "os/perf_map.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* It is a FILE by another name, so that no header of ours needs stdio. */
static FILE *file_of(struct perf_map *map)
{
    return (FILE *)map;
}

enum stint_status perf_map_open(struct perf_map **ret_map, struct stint_error *error)
{
    char path[64];
    struct stat stat;
    snprintf(path, sizeof(path), "/tmp/perf-%ld.map", (long)getpid());
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
    FILE *file = NULL;
    if (fd >= 0 && fstat(fd, &stat) == 0 && stat.st_uid == geteuid() && S_ISREG(stat.st_mode))
        file = fdopen(fd, "a");
    if (file == NULL) {
        if (fd >= 0)
            close(fd);
        return error_set(error, STINT_IO, STINT_NO_OFFSET, "%s cannot be written", path);
    }
    *ret_map = (struct perf_map *)file;
    return STINT_OK;
}

void perf_map_add(struct perf_map *map, const void *code, size_t bytes, const char *name)
{
    FILE *file = file_of(map);
    fprintf(file, "%" PRIxPTR " %zx ", (uintptr_t)code, bytes);
    for (; *name != '\0'; name++)
        putc(*name > ' ' && *name < 0x7f ? *name : '_', file);
    putc('\n', file);
}

bool perf_map_close(struct perf_map *map)
{
    return map == NULL || fclose(file_of(map)) == 0;
}
