/* SPDX-License-Identifier: Apache-2.0 */
#include "os/sockets.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/files_int.h"

enum { BACKLOG = 128, HOST_BYTES = 64 };

union socket_address {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    struct sockaddr_storage storage;
};

/* Names are not looked up: a listener binds to an address, and the resolver of a static C library
 * costs more than the rest of this folder. */
static bool parse_host(const char *host, uint16_t port, union socket_address *ret_address,
                       socklen_t *ret_size)
{
    memset(ret_address, 0, sizeof(*ret_address));
    if (!strcmp(host, "localhost"))
        host = "127.0.0.1";
    if (inet_pton(AF_INET, host, &ret_address->in.sin_addr) == 1) {
        ret_address->in.sin_family = AF_INET;
        ret_address->in.sin_port = htons(port);
        *ret_size = sizeof(ret_address->in);
        return true;
    }
    if (inet_pton(AF_INET6, host, &ret_address->in6.sin6_addr) == 1) {
        ret_address->in6.sin6_family = AF_INET6;
        ret_address->in6.sin6_port = htons(port);
        *ret_size = sizeof(ret_address->in6);
        return true;
    }
    return false;
}

static bool parse_port(const char *text, uint16_t *ret_port)
{
    uint32_t port = 0;
    if (*text == '\0')
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return false;
        port = port * 10 + (uint32_t)(*text - '0');
        if (port > UINT16_MAX)
            return false;
    }
    *ret_port = (uint16_t)port;
    return true;
}

/* Splits "host:port" and "[host]:port" at the last colon. */
static bool parse_address(const char *text, union socket_address *ret_address, socklen_t *ret_size)
{
    char host[HOST_BYTES];
    uint16_t port;
    const char *colon = strrchr(text, ':');
    if (colon == NULL || !parse_port(colon + 1, &port))
        return false;
    size_t bytes = (size_t)(colon - text);
    bool has_brackets = bytes >= 2 && text[0] == '[' && text[bytes - 1] == ']';
    if (has_brackets) {
        text++;
        bytes -= 2;
    }
    if (bytes == 0 || bytes >= sizeof(host))
        return false;
    memcpy(host, text, bytes);
    host[bytes] = '\0';
    /* Without brackets a colon in the host would make the port ambiguous. */
    if (!has_brackets && strchr(host, ':'))
        return false;
    return parse_host(host, port, ret_address, ret_size);
}

static enum stint_status read_address(const char *address, union socket_address *ret_address,
                                      socklen_t *ret_size, struct stint_error *error)
{
    if (parse_address(address, ret_address, ret_size))
        return STINT_OK;
    return error_set(error, STINT_ARGUMENT, STINT_NO_OFFSET,
                     "'%s' is not an IP address and port such as 127.0.0.1:8080 or [::1]:8080",
                     address);
}

/* `address` is what messages call it. A backlog of 0: bound only, so that nobody gets a connection. */
static enum stint_status listen_at(const char *address, const union socket_address *bound,
                                   socklen_t size, int backlog, bool is_shared, int *ret_fd,
                                   struct stint_error *error)
{
    int fd = socket(bound->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd == -1)
        return error_set(error, STINT_IO, STINT_NO_OFFSET, "cannot make a socket for %s: %s",
                         address, os_error_text(os_error_of(errno)));
    int on = 1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (is_shared)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
    if (bind(fd, &bound->any, size) != 0 || (backlog > 0 && listen(fd, backlog) != 0)) {
        enum os_error reason = os_error_of(errno);
        file_close(fd);
        return error_set(error, STINT_IO, STINT_NO_OFFSET, "cannot listen on %s: %s", address,
                         os_error_text(reason));
    }
    *ret_fd = fd;
    return STINT_OK;
}

enum stint_status socket_listen_tcp(const char *address, int *ret_fd, struct stint_error *error)
{
    union socket_address bound;
    socklen_t size;
    enum stint_status status = read_address(address, &bound, &size, error);
    return status == STINT_OK ? listen_at(address, &bound, size, BACKLOG, false, ret_fd, error)
                              : status;
}

enum stint_status socket_listen_group(const char *address, size_t count, int *ret_fds,
                                      struct stint_error *error)
{
    union socket_address bound;
    socklen_t size;
    size_t made = 0;
    int first;
    /* Sockets of a group may be joined by other processes of the same user: one that is not of a group
     * finds out whether there are any. It does not listen: who connected to it would be cut off. */
    enum stint_status status = read_address(address, &bound, &size, error);
    if (status == STINT_OK)
        status = listen_at(address, &bound, size, 0, false, &first, error);
    if (status != STINT_OK)
        return status;
    if (getsockname(first, &bound.any, &size) != 0) /* the port that 0 stood for */
        status = error_set(error, STINT_IO, STINT_NO_OFFSET, "cannot listen on %s", address);
    file_close(first);
    for (; made < count && status == STINT_OK; made++)
        status = listen_at(address, &bound, size, SOMAXCONN, true, &ret_fds[made], error);
    while (status != STINT_OK && made > 1)
        file_close(ret_fds[--made - 1]);
    return status;
}

enum os_error socket_local_address(int fd, char *text, size_t text_size)
{
    union socket_address bound;
    socklen_t size = sizeof(bound);
    char host[INET6_ADDRSTRLEN];
    if (getsockname(fd, &bound.any, &size) != 0)
        return os_error_of(errno);
    bool is_v6 = bound.any.sa_family == AF_INET6;
    if (!is_v6 && bound.any.sa_family != AF_INET)
        return OS_AFNOSUPPORT;
    const void *ip = is_v6 ? (const void *)&bound.in6.sin6_addr : (const void *)&bound.in.sin_addr;
    if (inet_ntop(bound.any.sa_family, ip, host, sizeof(host)) == NULL)
        return os_error_of(errno);
    unsigned port = ntohs(is_v6 ? bound.in6.sin6_port : bound.in.sin_port);
    (void)snprintf(text, text_size, is_v6 ? "[%s]:%u" : "%s:%u", host, port);
    return OS_OK;
}

bool socket_is_listening(int fd)
{
    int listens = 0;
    socklen_t size = sizeof(listens);
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens != 0;
}

enum os_error socket_accept(int fd, int *ret_fd)
{
    int connection = RETRY(accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (connection == -1)
        return os_error_of(errno);
    *ret_fd = connection;
    return OS_OK;
}

static struct msghdr message_of(const struct file_span *spans, size_t count)
{
    /* The kernel only reads the vector; see files_posix.c for the layout. */
    struct msghdr message;
    memset(&message, 0, sizeof(message));
    message.msg_iov = (struct iovec *)(uintptr_t)spans;
    message.msg_iovlen = (__typeof__(message.msg_iovlen))count;
    return message;
}

enum os_error socket_receive(int fd, const struct file_span *spans, size_t count, unsigned flags,
                             size_t *ret_bytes, bool *ret_is_truncated)
{
    struct msghdr message = message_of(spans, count);
    int how = MSG_DONTWAIT | (flags & SOCKET_PEEK ? MSG_PEEK : 0) |
              (flags & SOCKET_WAIT_ALL ? MSG_WAITALL : 0);
    ssize_t bytes = RETRY(recvmsg(fd, &message, how));
    if (bytes == -1)
        return os_error_of(errno);
    *ret_bytes = (size_t)bytes;
    *ret_is_truncated = message.msg_flags & MSG_TRUNC;
    return OS_OK;
}

enum os_error socket_send(int fd, const struct file_span *spans, size_t count, size_t *ret_bytes)
{
    struct msghdr message = message_of(spans, count);
    ssize_t bytes = RETRY(sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL));
    if (bytes == -1)
        return os_error_of(errno);
    *ret_bytes = (size_t)bytes;
    return OS_OK;
}

enum os_error socket_shutdown(int fd, unsigned how)
{
    bool both = how == (SOCKET_SHUT_READ | SOCKET_SHUT_WRITE);
    return error_of_result(shutdown(fd, both                      ? SHUT_RDWR
                                        : how == SOCKET_SHUT_READ ? SHUT_RD
                                                                  : SHUT_WR));
}
