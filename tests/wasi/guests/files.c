/* SPDX-License-Identifier: Apache-2.0 */
/* Files through the C library: positions, appending, truncation, sizes, times, names. */
#include <dirent.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "guest.h"

static off_t size_of(const char *path)
{
    struct stat stat_buffer;
    EXPECT(stat(path, &stat_buffer) == 0);
    return stat_buffer.st_size;
}

static void positions(void)
{
    char text[32] = "";
    int fd = open("data", O_RDWR | O_CREAT | O_EXCL, 0644);
    EXPECT(fd >= 0);
    EXPECT(write(fd, "hello world", 11) == 11);
    EXPECT(lseek(fd, 6, SEEK_SET) == 6);
    EXPECT(read(fd, text, 5) == 5 && !memcmp(text, "world", 5));
    EXPECT(read(fd, text, 5) == 0);
    EXPECT(pwrite(fd, "J", 1, 0) == 1 && lseek(fd, 0, SEEK_CUR) == 11);
    EXPECT(pread(fd, text, 5, 0) == 5 && !memcmp(text, "Jello", 5));
    EXPECT(lseek(fd, 100, SEEK_END) == 111);
    EXPECT(write(fd, "!", 1) == 1 && size_of("data") == 112);
    EXPECT(pread(fd, text, 1, 60) == 1 && text[0] == 0);
    EXPECT_ERRNO(lseek(fd, -1, SEEK_SET), EINVAL);
    EXPECT_ERRNO(open("data", O_RDWR | O_CREAT | O_EXCL, 0644), EEXIST);
    EXPECT(close(fd) == 0);
    EXPECT_ERRNO(write(fd, "x", 1), EBADF);
}

static void appending(void)
{
    char text[8] = "";
    int fd = open("log", O_RDWR | O_CREAT | O_APPEND, 0644);
    EXPECT(fd >= 0 && write(fd, "ab", 2) == 2);
    EXPECT(lseek(fd, 0, SEEK_SET) == 0 && write(fd, "c", 1) == 1);
    EXPECT(lseek(fd, 0, SEEK_CUR) == 3);
    EXPECT(fcntl(fd, F_GETFL) & O_APPEND);
    EXPECT(fcntl(fd, F_SETFL, 0) == 0);
    EXPECT(lseek(fd, 0, SEEK_SET) == 0 && write(fd, "X", 1) == 1);
    EXPECT(pread(fd, text, 8, 0) == 3 && !memcmp(text, "Xbc", 3));
    EXPECT(close(fd) == 0);
}

static void truncation(void)
{
    int fd = open("log", O_RDWR);
    EXPECT(fd >= 0 && ftruncate(fd, 1) == 0 && size_of("log") == 1);
    EXPECT(ftruncate(fd, 10) == 0 && size_of("log") == 10);
    EXPECT_ERRNO(ftruncate(fd, -1), EINVAL);
    EXPECT(posix_fallocate(fd, 0, 100) == 0 && size_of("log") == 100);
    EXPECT(fsync(fd) == 0 && fdatasync(fd) == 0 && close(fd) == 0);
    fd = open("log", O_WRONLY | O_TRUNC);
    EXPECT(fd >= 0 && size_of("log") == 0 && close(fd) == 0);
    fd = open("log", O_RDONLY);
    EXPECT(fd >= 0);
    EXPECT(ftruncate(fd, 1) == -1);
    EXPECT_ERRNO(write(fd, "x", 1), EBADF);
    EXPECT(close(fd) == 0);
}

static void many_pieces(void)
{
    struct iovec pieces[200];
    char bytes[200], back[200];
    for (int i = 0; i < 200; i++) {
        bytes[i] = (char)i;
        pieces[i] = (struct iovec){&bytes[i], 1};
    }
    int fd = open("pieces", O_RDWR | O_CREAT | O_TRUNC, 0644);
    EXPECT(fd >= 0 && writev(fd, pieces, 200) == 200);
    for (int i = 0; i < 200; i++)
        pieces[i] = (struct iovec){&back[i], 1};
    EXPECT(lseek(fd, 0, SEEK_SET) == 0 && readv(fd, pieces, 200) == 200);
    EXPECT(!memcmp(bytes, back, 200) && close(fd) == 0);
}

static void names(void)
{
    struct stat one, two;
    char text[32] = "";
    EXPECT(mkdir("d", 0755) == 0 && mkdir("d/e", 0755) == 0);
    EXPECT_ERRNO(mkdir("d", 0755), EEXIST);
    EXPECT_ERRNO(rmdir("d"), ENOTEMPTY);
    EXPECT_ERRNO(unlink("d"), EISDIR);
    EXPECT(rename("data", "d/e/data") == 0);
    EXPECT_ERRNO(stat("data", &one), ENOENT);
    EXPECT(link("d/e/data", "hard") == 0);
    EXPECT(stat("hard", &one) == 0 && stat("d/e/data", &two) == 0);
    EXPECT(one.st_ino == two.st_ino && one.st_nlink == 2 && S_ISREG(one.st_mode));
    EXPECT(symlink("e/data", "d/soft") == 0);
    EXPECT(readlink("d/soft", text, sizeof(text)) == 6 && !strcmp(text, "e/data"));
    EXPECT(lstat("d/soft", &one) == 0 && S_ISLNK(one.st_mode));
    EXPECT(stat("d/soft", &one) == 0 && one.st_size == 112);
    EXPECT_ERRNO(open("d/soft", O_RDONLY | O_NOFOLLOW), ELOOP);
    EXPECT_ERRNO(open("d/e", O_RDWR), EISDIR);
    EXPECT_ERRNO(open("hard", O_RDONLY | O_DIRECTORY), ENOTDIR);
    EXPECT(access("hard", R_OK) == 0 && access("gone", F_OK) == -1);
    EXPECT(rename("d", "moved") == 0 && stat("moved/soft", &one) == 0);
    EXPECT(unlink("moved/soft") == 0 && unlink("moved/e/data") == 0);
    EXPECT(rmdir("moved/e") == 0 && rmdir("moved") == 0);
}

static void times(void)
{
    struct timespec set[2] = {{1000, 5}, {2000, 7}};
    struct stat now;
    EXPECT(utimensat(AT_FDCWD, "hard", set, 0) == 0);
    EXPECT(stat("hard", &now) == 0);
    EXPECT(now.st_atim.tv_sec == 1000 && now.st_atim.tv_nsec == 5);
    EXPECT(now.st_mtim.tv_sec == 2000 && now.st_mtim.tv_nsec == 7);
    /* Older C libraries refuse UTIME_OMIT and UTIME_NOW themselves. */
    EXPECT(__wasi_path_filestat_set_times(3, 0, "hard", 0, 0, __WASI_FSTFLAGS_MTIM_NOW) == 0);
    EXPECT(stat("hard", &now) == 0);
    EXPECT(now.st_atim.tv_sec == 1000 && now.st_mtim.tv_sec > 1600000000);
}

int main(void)
{
    positions();
    appending();
    truncation();
    many_pieces();
    names();
    times();
    puts("files: ok");
    return 0;
}
