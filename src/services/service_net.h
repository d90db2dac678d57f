/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections of services to servers: on a fiber, which waits for the socket in the loop of its thread,
 * so that no thread is kept.
 */
#ifndef SERVICES_SERVICE_NET_H
#define SERVICES_SERVICE_NET_H

#include "os/inet.h"
#include "wasi/host_net.h"
#include "wasi/host_wait.h"

enum { NET_MESSAGE_BYTES = 200, NET_HOST_BYTES = 256 };

enum net_end {
    NET_DONE,
    NET_FAILED,  /* the message says why */
    NET_STOPPED, /* the wait is over: the guest's time, or an interruption */
};

/* Who waits, how long, and for what. */
struct net_task {
    struct host_wait wait;
    uint64_t until_ns; /* on OS_CLOCK_MONOTONIC; then it has failed */
    const struct host_net *net; /* whose policy judges addresses; NULL: all are right */
    const char *scheme;         /* for the policy */
    char message[NET_MESSAGE_BYTES];
    bool is_late; /* it failed since the time had come */
};

/* A host as URLs have it: a name, an address, an IPv6 address in brackets. */
struct net_place {
    char host[NET_HOST_BYTES];
    uint16_t port;
};

/* "HOST" or "HOST:PORT", `bytes` long; without a port, `port`. False: it is not right. */
bool net_place_parse(const char *text, size_t bytes, uint16_t port, struct net_place *ret_place);

/* The addresses that the task's policy lets it use; at least one. */
MUST_CHECK enum net_end net_resolve(struct net_task *task, const struct net_place *place,
                                    struct inet_address ret_addresses[INET_LOOKUP_MAX],
                                    size_t *ret_count);
/* A connection to the first of them that answers. */
MUST_CHECK enum net_end net_connect(struct net_task *task, const struct net_place *place,
                                    int *ret_fd);
/* Until the descriptor is ready for `wanted`, READY_READ or READY_WRITE or both. */
MUST_CHECK enum net_end net_wait(struct net_task *task, const struct net_place *place, int fd,
                                 int16_t wanted);
MUST_CHECK enum net_end net_send(struct net_task *task, const struct net_place *place, int fd,
                                 const void *data, size_t bytes);
/* At least one byte. */
MUST_CHECK enum net_end net_receive(struct net_task *task, const struct net_place *place, int fd,
                                    void *room, size_t bytes, size_t *ret_bytes);
/* Fills the message. */
enum net_end net_fail(struct net_task *task, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
