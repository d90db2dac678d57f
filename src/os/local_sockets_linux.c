/* SPDX-License-Identifier: Apache-2.0 */
#include "os/local_sockets.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "os/files.h"
#include "os/files_int.h"

static bool make_address(const char *path, struct sockaddr_un *ret_address, socklen_t *ret_size)
{
    size_t bytes = strlen(path);
    memset(ret_address, 0, sizeof(*ret_address));
    ret_address->sun_family = AF_UNIX;
    if (bytes == 0 || bytes >= sizeof(ret_address->sun_path))
        return false;
    memcpy(ret_address->sun_path, path, bytes);
    *ret_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + bytes);
    if (path[0] == '@') /* a name that is no file */
        ret_address->sun_path[0] = '\0';
    else
        (*ret_size)++;
    return true;
}

enum os_error local_connect(const char *path, int *ret_fd)
{
    struct sockaddr_un address;
    socklen_t size;
    if (!make_address(path, &address, &size))
        return OS_NAMETOOLONG;
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return os_error_of(errno);
    if (connect(fd, (const struct sockaddr *)&address, size) != 0) {
        enum os_error error = os_error_of(errno);
        file_close(fd);
        return error;
    }
    *ret_fd = fd;
    return OS_OK;
}

/* Removes a socket, and nothing else, on which nobody listens. */
static enum os_error remove_stale(const char *path)
{
    struct stat at;
    int fd;
    if (lstat(path, &at) != 0)
        return errno == ENOENT ? OS_OK : os_error_of(errno);
    if (!S_ISSOCK(at.st_mode))
        return OS_EXIST;
    enum os_error error = local_connect(path, &fd);
    if (error == OS_OK) {
        file_close(fd);
        return OS_ADDRINUSE;
    }
    return error == OS_CONNREFUSED ? error_of_result(unlink(path)) : error;
}

enum os_error local_listen(const char *path, int *ret_fd)
{
    struct sockaddr_un address;
    socklen_t size;
    if (!make_address(path, &address, &size))
        return OS_NAMETOOLONG;
    enum os_error error = remove_stale(path);
    if (error != OS_OK)
        return error;
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return os_error_of(errno);
    mode_t before = umask(0177);
    if (bind(fd, (const struct sockaddr *)&address, size) != 0 || listen(fd, 4) != 0)
        error = os_error_of(errno);
    umask(before);
    if (error != OS_OK)
        file_close(fd);
    else
        *ret_fd = fd;
    return error;
}

enum os_error local_accept(int fd, int *ret_fd)
{
    int connection = RETRY(accept4(fd, NULL, NULL, SOCK_CLOEXEC));
    if (connection < 0)
        return os_error_of(errno);
    *ret_fd = connection;
    return OS_OK;
}

bool local_peer_is_ours(int fd, long *ret_process)
{
    struct ucred peer;
    socklen_t size = sizeof(peer);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
        return false;
    *ret_process = peer.pid;
    return peer.uid == 0 || peer.uid == geteuid();
}

union control {
    char bytes[CMSG_SPACE(LOCAL_FDS_MAX * sizeof(int))];
    struct cmsghdr align;
};

enum os_error local_send(int fd, const void *data, size_t bytes, const int *fds, size_t fd_count)
{
    union control control;
    struct iovec span = {(void *)(uintptr_t)data, bytes};
    struct msghdr message = {.msg_iov = &span, .msg_iovlen = 1};
    if (fd_count > LOCAL_FDS_MAX)
        return OS_INVAL;
    memset(&control, 0, sizeof(control));
    if (fd_count > 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
        memcpy(CMSG_DATA(head), fds, fd_count * sizeof(int));
    }
    return RETRY(sendmsg(fd, &message, MSG_NOSIGNAL)) < 0 ? os_error_of(errno) : OS_OK;
}

enum os_error local_receive(int fd, void *data, size_t size, int fds[LOCAL_FDS_MAX],
                            size_t *ret_bytes, size_t *ret_fd_count)
{
    union control control;
    struct iovec span = {data, size};
    struct msghdr message = {.msg_iov = &span,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof(control.bytes)};
    ssize_t bytes = RETRY(recvmsg(fd, &message, MSG_CMSG_CLOEXEC));
    if (bytes < 0)
        return os_error_of(errno);
    size_t count = 0;
    for (struct cmsghdr *head = CMSG_FIRSTHDR(&message); head != NULL;
         head = CMSG_NXTHDR(&message, head)) {
        if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
            continue;
        count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(fds, CMSG_DATA(head), count * sizeof(int));
    }
    *ret_bytes = (size_t)bytes;
    *ret_fd_count = count;
    return OS_OK;
}

bool local_wait(int fd, int other, int timeout_ms)
{
    struct pollfd polls[2] = {{.fd = fd, .events = POLLIN}, {.fd = other, .events = POLLIN}};
    return RETRY(poll(polls, 2, timeout_ms)) > 0;
}

int local_notify_open(void)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address;
    socklen_t size;
    if (path == NULL || (path[0] != '/' && path[0] != '@') || !make_address(path, &address, &size))
        return -1;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, size) != 0) {
        file_close(fd);
        fd = -1;
    }
    return fd;
}

void local_notify(int fd, const char *text)
{
    if (fd >= 0)
        (void)!send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
}
