/* SPDX-License-Identifier: Apache-2.0 */
#include "wasi/host_sock.h"

static enum os_error check_socket(const struct host_file *socket)
{
    bool is_socket = socket->type == FILE_SOCKET_STREAM || socket->type == FILE_SOCKET_DATAGRAM;
    return is_socket ? OS_OK : OS_NOTSOCK;
}

enum os_error host_sock_accept(const struct host_file *listener, const struct host_wait *wait,
                               bool is_nonblocking, struct host_file *ret_connection)
{
    enum os_error error = check_socket(listener);
    if (error)
        return error;
    if (!listener->is_listening)
        return OS_INVAL;
    /* An inherited listener may block underneath, and another process may take the connection that
     * was announced. Listeners of ours do not block. */
    bool wait_first = !listener->is_host_nonblocking;
    for (;;) {
        int fd;
        if (wait_first) {
            error = listener->is_nonblocking ? host_wait_look(listener->fd, READY_READ)
                                             : host_wait_fd(wait, listener->fd, READY_READ);
            if (error)
                return error;
        }
        error = socket_accept(listener->fd, &fd);
        if (!error) {
            error = host_file_adopt(fd, true, ret_connection);
            if (!error)
                ret_connection->is_nonblocking = is_nonblocking;
            return error;
        }
        if (error != OS_AGAIN || listener->is_nonblocking)
            return error;
        wait_first = true;
    }
}

/* Receives until the spans are full, the other end is done, or the guest is stopped. */
static enum os_error receive_all(const struct host_file *socket, const struct host_wait *wait,
                                 const struct file_span *spans, size_t count, size_t *ret_bytes)
{
    enum { ROOM = 16 };
    struct file_span rest[ROOM];
    size_t total = host_spans_bytes(spans, count);
    size_t done = 0;
    while (done < total) {
        size_t pieces = host_spans_cut(spans, count, done, SIZE_MAX, rest, ROOM);
        size_t bytes;
        enum os_error error = host_file_read(socket, wait, rest, pieces, FILE_NO_OFFSET, &bytes);
        if (error && (done == 0 || error == OS_STOPPED))
            return error;
        if (error || bytes == 0)
            break;
        done += bytes;
    }
    *ret_bytes = done;
    return OS_OK;
}

enum os_error host_sock_receive(const struct host_file *socket, const struct host_wait *wait,
                                const struct file_span *spans, size_t count, unsigned flags,
                                size_t *ret_bytes, bool *ret_is_truncated)
{
    enum os_error error = check_socket(socket);
    if (error)
        return error;
    /* Looking ahead takes what is there: a wait for all of it would spin on what is already seen. */
    if (flags == SOCKET_WAIT_ALL && socket->type == FILE_SOCKET_STREAM) {
        *ret_is_truncated = false;
        return receive_all(socket, wait, spans, count, ret_bytes);
    }
    for (;;) {
        error = socket_receive(socket->fd, spans, count, flags & SOCKET_PEEK, ret_bytes,
                               ret_is_truncated);
        if (error != OS_AGAIN || socket->is_nonblocking)
            return error;
        error = host_wait_fd(wait, socket->fd, READY_READ);
        if (error)
            return error;
    }
}

enum os_error host_sock_send(const struct host_file *socket, const struct host_wait *wait,
                             const struct file_span *spans, size_t count, size_t *ret_bytes)
{
    enum os_error error = check_socket(socket);
    return error ? error : host_file_write(socket, wait, spans, count, FILE_NO_OFFSET, ret_bytes);
}

enum os_error host_sock_shutdown(const struct host_file *socket, unsigned how)
{
    enum os_error error = check_socket(socket);
    return error ? error : socket_shutdown(socket->fd, how);
}
