/* SPDX-License-Identifier: Apache-2.0 */
#include "os/jit_dump.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/clock.h"

enum { MAGIC = 0x4a695444, VERSION = 1, CODE_LOAD = 0, CODE_DEBUG_INFO = 2 };

struct file_header {
    uint32_t magic, version, header_bytes, machine, reserved, process;
    uint64_t time_ns, flags;
};

struct record {
    uint32_t id, bytes;
    uint64_t time_ns;
};

struct code_load {
    struct record record;
    uint32_t process, thread;
    uint64_t address, code, code_bytes, index;
};

struct code_lines_head {
    struct record record;
    uint64_t code, count;
};

struct code_line_head {
    uint64_t code;
    uint32_t line, discriminator;
};

/* It is a FILE by another name, so that no header of ours needs stdio. */
static FILE *file_of(struct jit_dump *dump)
{
    return (FILE *)dump;
}

/* perf learns of the file by seeing it mapped executable; nobody ever reads or runs that page. */
static bool mark(int fd)
{
    long page = sysconf(_SC_PAGESIZE);
    return page > 0 &&
           mmap(NULL, (size_t)page, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) != MAP_FAILED;
}

enum stint_status jit_dump_open(uint16_t machine, struct jit_dump **ret_dump,
                                struct stint_error *error)
{
    char path[64];
    snprintf(path, sizeof(path), "/tmp/jit-%ld.dump", (long)getpid());
    /* One that an earlier process of this number left is ours to replace, if it is ours at all. */
    (void)unlink(path);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    FILE *file = fd >= 0 ? fdopen(fd, "w+") : NULL;
    const struct file_header header = {
        .magic = MAGIC,
        .version = VERSION,
        .header_bytes = sizeof(header),
        .machine = machine,
        .process = (uint32_t)getpid(),
        .time_ns = clock_now_ns(OS_CLOCK_MONOTONIC),
    };
    if (file == NULL || fwrite(&header, sizeof(header), 1, file) != 1 || fflush(file) != 0 ||
        !mark(fd)) {
        if (file != NULL)
            fclose(file);
        else if (fd >= 0)
            close(fd);
        return error_set(error, STINT_IO, STINT_NO_OFFSET, "%s cannot be written", path);
    }
    *ret_dump = (struct jit_dump *)file;
    return STINT_OK;
}

static void add_lines(FILE *file, const void *code, const struct jit_dump_line *lines, size_t count)
{
    struct code_lines_head head = {
        .record = {.id = CODE_DEBUG_INFO, .time_ns = clock_now_ns(OS_CLOCK_MONOTONIC)},
        .code = (uintptr_t)code,
        .count = count};
    size_t bytes = sizeof(head);
    for (size_t i = 0; i < count; i++)
        bytes += sizeof(struct code_line_head) + strlen(lines[i].file) + 1;
    head.record.bytes = (uint32_t)bytes;
    fwrite(&head, sizeof(head), 1, file);
    for (size_t i = 0; i < count; i++) {
        const struct code_line_head line = {.code = (uintptr_t)lines[i].code,
                                            .line = lines[i].line};
        fwrite(&line, sizeof(line), 1, file);
        fwrite(lines[i].file, strlen(lines[i].file) + 1, 1, file);
    }
}

void jit_dump_add(struct jit_dump *dump, const char *name, const void *code, size_t bytes,
                  const struct jit_dump_line *lines, size_t line_count)
{
    static uint64_t index; /* callers take turns */
    FILE *file = file_of(dump);
    size_t name_bytes = strlen(name) + 1;
    const struct code_load load = {
        .record = {.id = CODE_LOAD,
                   .bytes = (uint32_t)(sizeof(load) + name_bytes + bytes),
                   .time_ns = clock_now_ns(OS_CLOCK_MONOTONIC)},
        .process = (uint32_t)getpid(),
        .thread = (uint32_t)syscall(SYS_gettid),
        .address = (uintptr_t)code,
        .code = (uintptr_t)code,
        .code_bytes = bytes,
        .index = index++,
    };
    if (line_count > 0)
        add_lines(file, code, lines, line_count);
    fwrite(&load, sizeof(load), 1, file);
    fwrite(name, name_bytes, 1, file);
    fwrite(code, bytes, 1, file);
}

void jit_dump_flush(struct jit_dump *dump)
{
    (void)fflush(file_of(dump));
}
