/* SPDX-License-Identifier: Apache-2.0 */
/* The older ABI, `wasi_unstable`, whose layouts differ in three places. */
#include <stdint.h>
#include <string.h>

#define IMPORT(name)                                                                               \
    __attribute__((import_module("wasi_unstable"), import_name(#name))) extern uint32_t name

IMPORT(path_open)(uint32_t, uint32_t, const char *, uint32_t, uint32_t, uint64_t, uint64_t,
                  uint32_t, uint32_t *);
IMPORT(fd_write)(uint32_t, const void *, uint32_t, uint32_t *);
IMPORT(fd_seek)(uint32_t, int64_t, uint32_t, uint64_t *);
IMPORT(fd_filestat_get)(uint32_t, void *);
IMPORT(poll_oneoff)(const void *, void *, uint32_t, uint32_t *);
__attribute__((import_module("wasi_unstable"), import_name("proc_exit"))) extern void proc_exit(
    uint32_t) __attribute__((noreturn));

enum { FROM_HERE, FROM_END, FROM_START };

struct piece {
    const void *data;
    uint32_t bytes;
};

struct filestat {
    uint64_t device, inode;
    uint8_t type;
    uint32_t links;
    uint64_t size, accessed, modified, changed;
};

struct subscription {
    uint64_t userdata;
    uint8_t tag;
    union {
        struct {
            uint64_t identifier;
            uint32_t id;
            uint64_t timeout, precision;
            uint16_t flags;
        } clock;
        uint32_t fd;
    };
};

struct event {
    uint64_t userdata;
    uint16_t error;
    uint8_t type;
    uint64_t nbytes;
    uint16_t flags;
};

_Static_assert(sizeof(struct filestat) == 56, "as it was");
_Static_assert(sizeof(struct subscription) == 56, "as it was");

#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition))                                                                          \
            proc_exit(__LINE__ % 100 + 1);                                                         \
    } while (0)

int main(void)
{
    static const char text[] = "unstable: ok\n";
    struct piece piece = {text, sizeof(text) - 1};
    struct filestat stat;
    uint32_t fd, bytes;
    uint64_t position;
    EXPECT(path_open(3, 0, "old", 3, 1, 0x1fffffff, 0, 0, &fd) == 0);
    EXPECT(fd_write(fd, &piece, 1, &bytes) == 0 && bytes == 13);
    EXPECT(fd_seek(fd, -3, FROM_HERE, &position) == 0 && position == 10);
    EXPECT(fd_seek(fd, -1, FROM_END, &position) == 0 && position == 12);
    EXPECT(fd_seek(fd, 2, FROM_START, &position) == 0 && position == 2);
    EXPECT(fd_filestat_get(fd, &stat) == 0);
    EXPECT(stat.type == 4 && stat.links == 1 && stat.size == 13);

    struct subscription in[2];
    struct event out[2];
    memset(in, 0, sizeof(in));
    in[0].userdata = 7;
    in[0].clock.identifier = 99;
    in[0].clock.id = 1;
    in[0].clock.timeout = 1000000;
    EXPECT(poll_oneoff(in, out, 1, &bytes) == 0 && bytes == 1);
    EXPECT(out[0].userdata == 7 && out[0].error == 0 && out[0].type == 0);
    in[0].clock.timeout = UINT64_MAX;
    in[1].userdata = 8;
    in[1].tag = 1;
    in[1].fd = fd;
    EXPECT(poll_oneoff(in, out, 2, &bytes) == 0 && bytes == 1);
    EXPECT(out[0].userdata == 8 && out[0].type == 1 && out[0].nbytes == 11);
    EXPECT(fd_write(1, &piece, 1, &bytes) == 0);
    proc_exit(0);
}
