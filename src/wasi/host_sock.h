/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets that a guest was given: accepting connections, messages, shutting down. Reading and
 * writing them as streams is host_file.h's. OS_NOTSOCK for anything else. */
#ifndef WASI_HOST_SOCK_H
#define WASI_HOST_SOCK_H

#include "os/sockets.h"
#include "wasi/host_file.h"

/* `is_nonblocking` is the new connection's mode; whether this call waits is the listener's. */
MUST_CHECK enum os_error host_sock_accept(const struct host_file *listener,
                                          const struct host_wait *wait, bool is_nonblocking,
                                          struct host_file *ret_connection);
/* `flags`: SOCKET_PEEK, SOCKET_WAIT_ALL. */
MUST_CHECK enum os_error host_sock_receive(const struct host_file *socket,
                                           const struct host_wait *wait,
                                           const struct file_span *spans, size_t count,
                                           unsigned flags, size_t *ret_bytes,
                                           bool *ret_is_truncated);
MUST_CHECK enum os_error host_sock_send(const struct host_file *socket,
                                        const struct host_wait *wait, const struct file_span *spans,
                                        size_t count, size_t *ret_bytes);
MUST_CHECK enum os_error host_sock_shutdown(const struct host_file *socket, unsigned how);

#endif
