/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A directory of 1200 entries, read with buffers that hold hardly one, while others are added; and
 * through the C library.
 */
#include <dirent.h>
#include <sys/stat.h>

#include "guest.h"

enum { COUNT = 1200, HEADER_BYTES = 24 };

static unsigned char seen[COUNT];

static void make(const char *format, int number)
{
    char name[64];
    snprintf(name, sizeof(name), format, number);
    int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0644);
    EXPECT(fd >= 0 && close(fd) == 0);
}

static void note(const char *name, size_t bytes, int type)
{
    char text[64] = "";
    int number;
    EXPECT(bytes < sizeof(text));
    memcpy(text, name, bytes);
    if (sscanf(text, "entry-with-a-rather-long-name-%d", &number) == 1) {
        EXPECT(number >= 0 && number < COUNT && type == __WASI_FILETYPE_REGULAR_FILE);
        seen[number]++;
    }
}

static void expect_all_once(void)
{
    for (int i = 0; i < COUNT; i++)
        EXPECT(seen[i] == 1);
    memset(seen, 0, sizeof(seen));
}

/* Reads all with buffers of `size` bytes, which hold at least one entry. */
static void read_raw(int fd, size_t size, bool adds)
{
    static uint8_t buffer[65536];
    __wasi_dircookie_t cookie = __WASI_DIRCOOKIE_START;
    for (int round = 0;; round++) {
        __wasi_size_t used;
        size_t at = 0;
        EXPECT(__wasi_fd_readdir(fd, buffer, size, cookie, &used) == 0);
        EXPECT(used <= size);
        while (used - at >= HEADER_BYTES) {
            __wasi_dirent_t entry;
            memcpy(&entry, buffer + at, sizeof(entry));
            if (used - at - HEADER_BYTES < entry.d_namlen)
                break;
            note((const char *)buffer + at + HEADER_BYTES, entry.d_namlen, entry.d_type);
            at += HEADER_BYTES + entry.d_namlen;
            cookie = entry.d_next;
        }
        if (used < size)
            break;
        EXPECT(at > 0);
        if (adds && round < 200)
            make("late-%d", round);
    }
    expect_all_once();
}

/* Not with telldir: a `long` of the guest has no room for the positions of every file system. */
static void read_library(void)
{
    DIR *dir = opendir("many");
    struct dirent *entry;
    int count = 0;
    EXPECT(dir != NULL);
    while ((errno = 0, entry = readdir(dir)) != NULL) {
        struct stat stat_buffer;
        note(entry->d_name, strlen(entry->d_name), entry->d_type);
        if (++count == 601) {
            EXPECT(fstatat(dirfd(dir), entry->d_name, &stat_buffer, 0) == 0);
            EXPECT(stat_buffer.st_ino == entry->d_ino);
        }
    }
    EXPECT(errno == 0);
    expect_all_once();
    rewinddir(dir);
    for (int again = 0; again < count; again++)
        EXPECT(readdir(dir) != NULL);
    EXPECT(readdir(dir) == NULL && closedir(dir) == 0);
}

int main(void)
{
    EXPECT(mkdir("many", 0755) == 0);
    EXPECT(chdir("many") == 0);
    for (int i = 0; i < COUNT; i++)
        make("entry-with-a-rather-long-name-%d", i);
    int fd = open(".", O_RDONLY | O_DIRECTORY);
    EXPECT(fd >= 0);
    read_raw(fd, 4096, false);
    read_raw(fd, 65536, false);
    read_raw(fd, 80, true);
    read_raw(fd, 61, false);
    EXPECT(close(fd) == 0 && chdir("..") == 0);
    read_library();
    puts("readdir: ok");
    return 0;
}
