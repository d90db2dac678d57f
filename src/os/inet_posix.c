/* SPDX-License-Identifier: Apache-2.0 */
#include "os/inet.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/files_int.h"

union system_address {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    struct sockaddr_storage storage;
};

static socklen_t to_system(const struct inet_address *address, union system_address *ret_system)
{
    memset(ret_system, 0, sizeof(*ret_system));
    if (!address->is_v6) {
        ret_system->in.sin_family = AF_INET;
        ret_system->in.sin_port = htons(address->port);
        memcpy(&ret_system->in.sin_addr, address->ip, 4);
        return sizeof(ret_system->in);
    }
    ret_system->in6.sin6_family = AF_INET6;
    ret_system->in6.sin6_port = htons(address->port);
    ret_system->in6.sin6_flowinfo = htonl(address->flow_info);
    ret_system->in6.sin6_scope_id = address->scope_id;
    memcpy(&ret_system->in6.sin6_addr, address->ip, 16);
    return sizeof(ret_system->in6);
}

static enum os_error from_system(const union system_address *system,
                                 struct inet_address *ret_address)
{
    struct inet_address address = {.is_v6 = system->any.sa_family == AF_INET6};
    if (address.is_v6) {
        address.port = ntohs(system->in6.sin6_port);
        address.flow_info = ntohl(system->in6.sin6_flowinfo);
        address.scope_id = system->in6.sin6_scope_id;
        memcpy(address.ip, &system->in6.sin6_addr, 16);
    } else if (system->any.sa_family == AF_INET) {
        address.port = ntohs(system->in.sin_port);
        memcpy(address.ip, &system->in.sin_addr, 4);
    } else {
        return OS_AFNOSUPPORT;
    }
    *ret_address = address;
    return OS_OK;
}

enum os_error inet_create(bool is_v6, bool is_datagram, int *ret_fd)
{
    int type = (is_datagram ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC | SOCK_NONBLOCK;
    int fd = socket(is_v6 ? AF_INET6 : AF_INET, type, 0);
    if (fd == -1)
        return os_error_of(errno);
    /* One family a socket, as WASI has it. */
    int on = 1;
    if (is_v6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    *ret_fd = fd;
    return OS_OK;
}

enum os_error inet_bind(int fd, const struct inet_address *address, bool is_datagram)
{
    union system_address system;
    socklen_t bytes = to_system(address, &system);
    int on = 1;
    if (!is_datagram)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    return error_of_result(bind(fd, &system.any, bytes));
}

enum os_error inet_connect(int fd, const struct inet_address *address)
{
    union system_address system = {.any = {.sa_family = AF_UNSPEC}};
    socklen_t bytes = sizeof(system.any);
    if (address != NULL)
        bytes = to_system(address, &system);
    return error_of_result(RETRY(connect(fd, &system.any, bytes)));
}

enum os_error inet_listen(int fd, int backlog)
{
    return error_of_result(listen(fd, backlog));
}

enum os_error inet_accept(int fd, int *ret_fd, struct inet_address *ret_peer)
{
    union system_address system;
    socklen_t bytes = sizeof(system);
    memset(&system.any, 0, sizeof(system.any));
    int accepted = accept4(fd, &system.any, &bytes, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (accepted < 0)
        return os_error_of(errno);
    /* The peer of a local socket has no address. */
    if (from_system(&system, ret_peer) != OS_OK)
        *ret_peer = (struct inet_address){0};
    *ret_fd = accepted;
    return OS_OK;
}

enum os_error inet_error(int fd)
{
    int number = 0;
    socklen_t bytes = sizeof(number);
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &bytes) != 0)
        return os_error_of(errno);
    return os_error_of(number);
}

enum os_error inet_local(int fd, struct inet_address *ret_address)
{
    union system_address system;
    socklen_t bytes = sizeof(system);
    if (getsockname(fd, &system.any, &bytes) != 0)
        return os_error_of(errno);
    return from_system(&system, ret_address);
}

enum os_error inet_remote(int fd, struct inet_address *ret_address)
{
    union system_address system;
    socklen_t bytes = sizeof(system);
    if (getpeername(fd, &system.any, &bytes) != 0)
        return os_error_of(errno);
    return from_system(&system, ret_address);
}

enum os_error inet_send(int fd, const void *data, size_t bytes, const struct inet_address *to)
{
    union system_address system;
    socklen_t size = to != NULL ? to_system(to, &system) : 0;
    ssize_t sent = RETRY(sendto(fd, data, bytes, MSG_DONTWAIT | MSG_NOSIGNAL,
                                to != NULL ? &system.any : NULL, size));
    return sent == -1 ? os_error_of(errno) : OS_OK;
}

enum os_error inet_receive(int fd, void *data, size_t room, size_t *ret_bytes,
                           struct inet_address *ret_from)
{
    union system_address system;
    socklen_t size = sizeof(system);
    ssize_t got = RETRY(recvfrom(fd, data, room, MSG_DONTWAIT, &system.any, &size));
    if (got == -1)
        return os_error_of(errno);
    *ret_bytes = (size_t)got;
    return from_system(&system, ret_from);
}

static void name_of(bool is_v6, enum inet_option option, int *ret_level, int *ret_name)
{
    static const struct {
        int level, name;
    } names[] = {
        [INET_KEEP_ALIVE] = {SOL_SOCKET, SO_KEEPALIVE},
        [INET_KEEP_IDLE_S] = {IPPROTO_TCP, TCP_KEEPIDLE},
        [INET_KEEP_INTERVAL_S] = {IPPROTO_TCP, TCP_KEEPINTVL},
        [INET_KEEP_COUNT] = {IPPROTO_TCP, TCP_KEEPCNT},
        [INET_HOP_LIMIT] = {IPPROTO_IP, IP_TTL},
        [INET_RECEIVE_BYTES] = {SOL_SOCKET, SO_RCVBUF},
        [INET_SEND_BYTES] = {SOL_SOCKET, SO_SNDBUF},
        [INET_NO_DELAY] = {IPPROTO_TCP, TCP_NODELAY},
        [INET_V6_ONLY] = {IPPROTO_IPV6, IPV6_V6ONLY},
    };
    *ret_level = names[option].level;
    *ret_name = names[option].name;
    if (option == INET_HOP_LIMIT && is_v6) {
        *ret_level = IPPROTO_IPV6;
        *ret_name = IPV6_UNICAST_HOPS;
    }
}

enum os_error inet_get_option(int fd, bool is_v6, enum inet_option option, int *ret_value)
{
    int level, name, value = 0;
    socklen_t bytes = sizeof(value);
    name_of(is_v6, option, &level, &name);
    if (getsockopt(fd, level, name, &value, &bytes) != 0)
        return os_error_of(errno);
    bool is_doubled = option == INET_RECEIVE_BYTES || option == INET_SEND_BYTES;
    *ret_value = is_doubled ? value / 2 : value;
    return OS_OK;
}

enum os_error inet_set_option(int fd, bool is_v6, enum inet_option option, int value)
{
    int level, name;
    name_of(is_v6, option, &level, &name);
    return error_of_result(setsockopt(fd, level, name, &value, sizeof(value)));
}

void inet_format(const struct inet_address *address, char text[INET_TEXT_BYTES])
{
    if (inet_ntop(address->is_v6 ? AF_INET6 : AF_INET, address->ip, text, INET_TEXT_BYTES) == NULL)
        text[0] = '\0';
}

bool inet_parse(const char *text, struct inet_address *ret_address)
{
    struct inet_address address = {.is_v6 = false};
    if (inet_pton(AF_INET, text, address.ip) != 1) {
        address.is_v6 = true;
        if (inet_pton(AF_INET6, text, address.ip) != 1)
            return false;
    }
    *ret_address = address;
    return true;
}

enum os_error inet_lookup(const char *name, struct inet_address ret_addresses[INET_LOOKUP_MAX],
                          size_t *ret_count)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    size_t count = 0;
    int result = getaddrinfo(name, NULL, &hints, &found);
    if (result != 0)
        return result == EAI_AGAIN ? OS_AGAIN : result == EAI_NONAME ? OS_NOENT : OS_IO;
    for (const struct addrinfo *at = found; at != NULL && count < INET_LOOKUP_MAX;
         at = at->ai_next) {
        union system_address system;
        if (at->ai_addrlen > sizeof(system))
            continue;
        memcpy(&system, at->ai_addr, at->ai_addrlen);
        if (from_system(&system, &ret_addresses[count]) == OS_OK)
            count++;
    }
    freeaddrinfo(found);
    *ret_count = count;
    return count > 0 ? OS_OK : OS_NOENT;
}
