/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Internet sockets by address: making, binding, connecting, options, and looking up names. No call
 * waits but inet_lookup: OS_INPROGRESS from inet_connect is followed by readiness to write, then
 * inet_error. Descriptors are non-blocking and closed on exec.
 */
#ifndef OS_INET_H
#define OS_INET_H

#include "os/sockets.h"

struct inet_address {
    bool is_v6;
    uint8_t ip[16]; /* in network order; v4: the first four */
    uint16_t port;
    uint32_t flow_info, scope_id; /* v6 */
};

MUST_CHECK enum os_error inet_create(bool is_v6, bool is_datagram, int *ret_fd);
/* For streams, with SO_REUSEADDR. */
MUST_CHECK enum os_error inet_bind(int fd, const struct inet_address *address, bool is_datagram);
/* OS_INPROGRESS: on its way. NULL: a datagram socket without a peer again. */
MUST_CHECK enum os_error inet_connect(int fd, const struct inet_address *address);
MUST_CHECK enum os_error inet_listen(int fd, int backlog);
/* A connection, non-blocking and closed on exec, and who it is from. */
MUST_CHECK enum os_error inet_accept(int fd, int *ret_fd, struct inet_address *ret_peer);
/* What a connection came to. */
MUST_CHECK enum os_error inet_error(int fd);
MUST_CHECK enum os_error inet_local(int fd, struct inet_address *ret_address);
MUST_CHECK enum os_error inet_remote(int fd, struct inet_address *ret_address);

/* One datagram. `to` NULL: to the peer. */
MUST_CHECK enum os_error inet_send(int fd, const void *data, size_t bytes,
                                   const struct inet_address *to);
MUST_CHECK enum os_error inet_receive(int fd, void *data, size_t room, size_t *ret_bytes,
                                      struct inet_address *ret_from);

enum inet_option {
    INET_KEEP_ALIVE,
    INET_KEEP_IDLE_S,
    INET_KEEP_INTERVAL_S,
    INET_KEEP_COUNT,
    INET_HOP_LIMIT,
    INET_RECEIVE_BYTES, /* as asked for: Linux keeps twice as much */
    INET_SEND_BYTES,
    INET_NO_DELAY,
    INET_V6_ONLY,
};
MUST_CHECK enum os_error inet_get_option(int fd, bool is_v6, enum inet_option option,
                                         int *ret_value);
MUST_CHECK enum os_error inet_set_option(int fd, bool is_v6, enum inet_option option, int value);

/* "127.0.0.1", "::1"; false for anything else. The port stays 0. */
bool inet_parse(const char *text, struct inet_address *ret_address);

/* The same the other way round, without the port. */
enum { INET_TEXT_BYTES = 46 };
void inet_format(const struct inet_address *address, char text[INET_TEXT_BYTES]);

enum { INET_LOOKUP_MAX = 32 };
/* Asks the system's resolver, which may take long: OS_NOENT (no such name), OS_AGAIN (try later),
 * OS_IO. `ret_count` addresses, without ports. */
MUST_CHECK enum os_error inet_lookup(const char *name,
                                     struct inet_address ret_addresses[INET_LOOKUP_MAX],
                                     size_t *ret_count);

#endif
