/* SPDX-License-Identifier: Apache-2.0 */
/* Functions on sockets: preopened listeners and the connections they give. */
#include "wasi/host_sock.h"
#include "wasi/p1_int.h"

/* OS_NOTSOCK comes before the question of rights. */
static enum os_error find_socket(struct p1_call *call, uint64_t number, uint64_t rights,
                                 struct p1_descriptor **ret_descriptor)
{
    enum os_error error = p1_find(call, p1_u32(number), rights, ret_descriptor);
    if (error == OS_BADF)
        return error;
    uint8_t type = (*ret_descriptor)->file.type;
    if (type != FILE_SOCKET_STREAM && type != FILE_SOCKET_DATAGRAM)
        return OS_NOTSOCK;
    /* What C programs expect of a listener, and of a connection. */
    if (error && (*ret_descriptor)->file.is_listening)
        return OS_NOTCONN;
    return error && rights == P1_SOCK_ACCEPT ? OS_INVAL : error;
}

enum os_error p1_sock_accept(struct p1_call *call, const uint64_t *args)
{
    struct p1_descriptor *listener;
    struct host_file connection;
    uint32_t fdflags = p1_u32(args[1]);
    uint32_t number;
    uint8_t *result = p1_at(call, p1_u32(args[2]), 4);
    if (result == NULL)
        return OS_FAULT;
    if (fdflags & ~(uint32_t)P1_FDFLAGS_NONBLOCK)
        return OS_INVAL;
    enum os_error error = find_socket(call, args[0], P1_SOCK_ACCEPT, &listener);
    if (!error)
        error = host_sock_accept(&listener->file, &call->wait, fdflags != 0, &connection);
    if (error)
        return error;
    error = p1_add_file(call, &connection, listener->rights_inheriting, P1_RIGHTS_ALL,
                        (uint16_t)fdflags, &number);
    if (!error)
        bytes_put32(result, number);
    return error;
}

enum os_error p1_sock_recv(struct p1_call *call, const uint64_t *args)
{
    enum { PEEK = 1, WAITALL = 2, ROFLAGS_TRUNCATED = 1 };
    struct file_span spans[P1_SPANS_MAX];
    struct p1_descriptor *socket;
    uint32_t count = p1_u32(args[2]), riflags = p1_u32(args[3]);
    uint8_t *size = p1_at(call, p1_u32(args[4]), 4);
    uint8_t *roflags = p1_at(call, p1_u32(args[5]), 2);
    size_t bytes;
    bool is_truncated;
    if (size == NULL || roflags == NULL)
        return OS_FAULT;
    if (riflags & ~(uint32_t)(PEEK | WAITALL))
        return OS_INVAL;
    enum os_error error = find_socket(call, args[0], P1_FD_READ, &socket);
    if (!error)
        error = p1_spans(call, p1_u32(args[1]), count, spans);
    if (!error)
        error = host_sock_receive(&socket->file, &call->wait, spans, count,
                                  (riflags & PEEK ? SOCKET_PEEK : 0u) |
                                      (riflags & WAITALL ? SOCKET_WAIT_ALL : 0u),
                                  &bytes, &is_truncated);
    if (error)
        return error;
    bytes_put32(size, (uint32_t)bytes);
    bytes_put16(roflags, is_truncated ? ROFLAGS_TRUNCATED : 0);
    return OS_OK;
}

enum os_error p1_sock_send(struct p1_call *call, const uint64_t *args)
{
    struct file_span spans[P1_SPANS_MAX];
    struct p1_descriptor *socket;
    uint32_t count = p1_u32(args[2]);
    uint8_t *size = p1_at(call, p1_u32(args[4]), 4);
    size_t bytes;
    if (size == NULL)
        return OS_FAULT;
    if (p1_u32(args[3]) != 0) /* there are no flags */
        return OS_INVAL;
    enum os_error error = find_socket(call, args[0], P1_FD_WRITE, &socket);
    if (!error)
        error = p1_spans(call, p1_u32(args[1]), count, spans);
    if (!error)
        error = host_sock_send(&socket->file, &call->wait, spans, count, &bytes);
    if (!error)
        bytes_put32(size, (uint32_t)bytes);
    return error;
}

enum os_error p1_sock_shutdown(struct p1_call *call, const uint64_t *args)
{
    struct p1_descriptor *socket;
    uint32_t how = p1_u32(args[1]); /* `sdflags`: the values of os/sockets.h */
    enum os_error error = find_socket(call, args[0], P1_SOCK_SHUTDOWN, &socket);
    if (error)
        return error;
    if (how == 0 || how > (SOCKET_SHUT_READ | SOCKET_SHUT_WRITE))
        return OS_INVAL;
    return host_sock_shutdown(&socket->file, how);
}
