/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stream and datagram sockets by descriptor. No call waits: OS_AGAIN where it would (see
 * os/readiness.h). No call raises SIGPIPE.
 */
#ifndef OS_SOCKETS_H
#define OS_SOCKETS_H

#include "os/files.h"

enum { SOCKET_SHUT_READ = 1, SOCKET_SHUT_WRITE = 2 };
enum { SOCKET_PEEK = 1, SOCKET_WAIT_ALL = 2 };

/*
 * Listens on a TCP address: "127.0.0.1:8080", "[::1]:8080", "localhost:8080"; port 0 takes a free
 * one. The descriptor is non-blocking and closed on exec. Errors name the address.
 */
MUST_CHECK enum stint_status socket_listen_tcp(const char *address, int *ret_fd,
                                               struct stint_error *error);
/*
 * The same for a server of `count` threads, each with a socket of its own between which the system spreads
 * connections; port 0 takes one for all of them. An address that another process listens on is in use.
 */
MUST_CHECK enum stint_status socket_listen_group(const char *address, size_t count, int *ret_fds,
                                                 struct stint_error *error);
/* "127.0.0.1:8080" as the socket is bound; writes at most `size` bytes with the NUL. */
MUST_CHECK enum os_error socket_local_address(int fd, char *text, size_t size);
/* Whether the descriptor is a socket that listens. */
bool socket_is_listening(int fd);

/* The connection is non-blocking and closed on exec. */
MUST_CHECK enum os_error socket_accept(int fd, int *ret_fd);
/* 0 bytes: the other end has shut down. `ret_is_truncated`: a datagram was longer. */
MUST_CHECK enum os_error socket_receive(int fd, const struct file_span *spans, size_t count,
                                        unsigned flags, size_t *ret_bytes, bool *ret_is_truncated);
MUST_CHECK enum os_error socket_send(int fd, const struct file_span *spans, size_t count,
                                     size_t *ret_bytes);
/* `how`: SOCKET_SHUT_READ, SOCKET_SHUT_WRITE or both. */
MUST_CHECK enum os_error socket_shutdown(int fd, unsigned how);

#endif
