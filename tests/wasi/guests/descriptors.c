/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors: renumbering, the lowest free one, how many there may be, two directories, rights. */
#include "guest.h"

static void renumbering(void)
{
    char text[4] = "";
    int a = open("a", O_RDWR | O_CREAT, 0644), b = open("b", O_RDWR | O_CREAT, 0644);
    EXPECT(a >= 0 && b == a + 1 && write(a, "one", 3) == 3);
    EXPECT(__wasi_fd_renumber(a, b) == 0);
    EXPECT_ERRNO(close(a), EBADF);
    EXPECT(pread(b, text, 3, 0) == 3 && !memcmp(text, "one", 3));
    EXPECT(__wasi_fd_renumber(b, a) == __WASI_ERRNO_BADF);
    EXPECT(__wasi_fd_renumber(b, b) == 0);
    EXPECT(open("a", O_RDONLY) == a && close(a) == 0 && close(b) == 0);
}

static void as_many_as_there_may_be(void)
{
    static int opened[2000];
    int count = 0, last;
    while (count < 2000 && (last = open("a", O_RDONLY)) >= 0)
        opened[count++] = last;
    EXPECT(errno == EMFILE && count > 900);
    for (int i = 0; i < count; i++)
        EXPECT(close(opened[i]) == 0);
    EXPECT(open("a", O_RDONLY) == opened[0] && close(opened[0]) == 0);
}

static void between_directories(void)
{
    EXPECT(rename("a", "/two/a") == 0);
    EXPECT(access("a", F_OK) == -1 && access("/two/a", F_OK) == 0);
    EXPECT(link("/two/a", "/a") == 0 && unlink("/two/a") == 0);
    /* Each is its own limit, though one lies in the other on the host. */
    EXPECT_ERRNO(open("/two/../a", O_RDONLY), ENOTCAPABLE);
    EXPECT_ERRNO(rename("/a", "/two/../b"), ENOTCAPABLE);
}

static void standard_streams(void)
{
    __wasi_fdstat_t stat;
    char text[4];
    EXPECT(__wasi_fd_fdstat_get(0, &stat) == 0);
    EXPECT(!(stat.fs_rights_base & __WASI_RIGHTS_FD_WRITE));
    EXPECT_ERRNO(write(0, "x", 1), EBADF);
    EXPECT_ERRNO(read(1, text, 1), EBADF);
    EXPECT_ERRNO(lseek(1, 0, SEEK_CUR), ESPIPE);
    EXPECT(!isatty(0) && !isatty(1));
    EXPECT(close(0) == 0);
    EXPECT_ERRNO(read(0, text, 1), EBADF);
    EXPECT(open("a", O_RDONLY) == 0 && close(0) == 0);
}

int main(void)
{
    renumbering();
    as_many_as_there_may_be();
    between_directories();
    standard_streams();
    puts("descriptors: ok");
    return 0;
}
