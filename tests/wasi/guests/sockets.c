/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Serves three connections on the listener whose descriptor is argument 1: one by messages, one as a
 * stream in non-blocking mode, one that it shuts down for reading. tests/system/wasi_sockets.py is the
 * other end.
 */
#include <ctype.h>
#include <poll.h>
#include <sys/socket.h>

#include "guest.h"

static void wait_for(int fd, short events)
{
    struct pollfd item = {.fd = fd, .events = events};
    EXPECT(poll(&item, 1, 60000) == 1 && item.revents & events);
}

static int take(int listener, __wasi_fdflags_t flags)
{
    __wasi_fd_t fd;
    __wasi_fdstat_t stat;
    wait_for(listener, POLLIN);
    EXPECT(__wasi_sock_accept(listener, flags, &fd) == 0);
    EXPECT(__wasi_fd_fdstat_get(fd, &stat) == 0);
    EXPECT(stat.fs_filetype == __WASI_FILETYPE_SOCKET_STREAM && stat.fs_flags == flags);
    return fd;
}

static void nobody_is_there(int listener)
{
    __wasi_fd_t fd;
    __wasi_fdstat_t stat;
    __wasi_prestat_t prestat;
    char text[4];
    EXPECT(__wasi_fd_fdstat_get(listener, &stat) == 0);
    EXPECT(stat.fs_filetype == __WASI_FILETYPE_SOCKET_STREAM);
    EXPECT(__wasi_fd_prestat_get(listener, &prestat) == __WASI_ERRNO_BADF);
    EXPECT(fcntl(listener, F_SETFL, O_NONBLOCK) == 0);
    EXPECT(__wasi_sock_accept(listener, 0, &fd) == __WASI_ERRNO_AGAIN);
    EXPECT(fcntl(listener, F_SETFL, 0) == 0);
    EXPECT(__wasi_sock_accept(1, 0, &fd) == __WASI_ERRNO_NOTSOCK);
    EXPECT_ERRNO(recv(listener, text, sizeof(text), 0), ENOTCONN);
    EXPECT_ERRNO(recv(0, text, sizeof(text), 0), ENOTSOCK);
}

/* Sends each byte back as a capital, until the other end has shut down. */
static void by_messages(int fd)
{
    char text[256];
    __wasi_fd_t other;
    EXPECT(__wasi_sock_accept(fd, 0, &other) == __WASI_ERRNO_INVAL);
    EXPECT(recv(fd, text, 4, MSG_PEEK) > 0 && text[0] == 'h');
    EXPECT(recv(fd, text, 5, MSG_WAITALL) == 5 && !memcmp(text, "hello", 5));
    for (ssize_t bytes = 5; bytes > 0; bytes = recv(fd, text, sizeof(text), 0)) {
        for (ssize_t i = 0; i < bytes; i++)
            text[i] = (char)toupper((unsigned char)text[i]);
        EXPECT(send(fd, text, (size_t)bytes, 0) == bytes);
    }
    EXPECT(shutdown(fd, SHUT_WR) == 0);
    EXPECT_ERRNO(send(fd, text, 1, 0), EPIPE);
    EXPECT(close(fd) == 0);
}

static void without_waiting(int fd)
{
    static char big[1 << 20];
    char text[16];
    size_t sent = 0;
    EXPECT_ERRNO(read(fd, text, sizeof(text)), EAGAIN);
    EXPECT_ERRNO(lseek(fd, 0, SEEK_CUR), ESPIPE);
    memset(big, 'b', sizeof(big));
    /* More than the system buffers: it comes to a stop, and goes on when there is room. */
    while (sent < 8 * sizeof(big)) {
        ssize_t bytes = write(fd, big, sizeof(big));
        if (bytes == -1) {
            EXPECT(errno == EAGAIN);
            wait_for(fd, POLLOUT);
            continue;
        }
        sent += (size_t)bytes;
    }
    printf("%zu bytes sent\n", sent);
    EXPECT(close(fd) == 0);
}

static void deaf(int fd)
{
    char text[4];
    EXPECT(shutdown(fd, SHUT_RD) == 0);
    EXPECT(recv(fd, text, sizeof(text), 0) == 0);
    EXPECT(__wasi_sock_shutdown(fd, 0) == __WASI_ERRNO_INVAL);
    EXPECT(write(fd, "bye", 3) == 3);
    EXPECT(shutdown(fd, SHUT_RDWR) == 0 && close(fd) == 0);
}

int main(int argc, char **argv)
{
    EXPECT(argc == 2);
    int listener = atoi(argv[1]);
    nobody_is_there(listener);
    puts("ready");
    fflush(stdout);
    by_messages(take(listener, 0));
    without_waiting(take(listener, __WASI_FDFLAGS_NONBLOCK));
    deaf(take(listener, 0));
    EXPECT(close(listener) == 0);
    puts("sockets: ok");
    return 0;
}
