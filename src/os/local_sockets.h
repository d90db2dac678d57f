/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets of this machine that have a path and carry whole messages, with descriptors in them. All are
 * closed on exec. Reading and writing wait.
 */
#ifndef OS_LOCAL_SOCKETS_H
#define OS_LOCAL_SOCKETS_H

#include "os/errors.h"

enum { LOCAL_FDS_MAX = 250 }; /* of one message */

/* Listens at a path that only this user can connect to; a socket that is left there of a process that is
 * gone is replaced. OS_ADDRINUSE: one is listened on. Before there are threads: changes the umask. */
MUST_CHECK enum os_error local_listen(const char *path, int *ret_fd);
/* OS_NOENT, OS_CONNREFUSED: nobody listens. */
MUST_CHECK enum os_error local_connect(const char *path, int *ret_fd);
MUST_CHECK enum os_error local_accept(int fd, int *ret_fd);
/* Whether the other end is a process of root or of this user; its id. */
bool local_peer_is_ours(int fd, long *ret_process);

MUST_CHECK enum os_error local_send(int fd, const void *data, size_t bytes, const int *fds,
                                    size_t fd_count);
/* 0 bytes: the other end is closed. The descriptors belong to the caller. */
MUST_CHECK enum os_error local_receive(int fd, void *data, size_t size, int fds[LOCAL_FDS_MAX],
                                       size_t *ret_bytes, size_t *ret_fd_count);
/* Waits until one of two can be read; false when the time is over. `other` may be -1. */
bool local_wait(int fd, int other, int timeout_ms);

/* Of systemd's way: a datagram to where $NOTIFY_SOCKET says. A connected socket, or -1. */
int local_notify_open(void);
void local_notify(int fd, const char *text); /* also with -1 */

#endif
