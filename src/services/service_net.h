/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections of services to servers, plain or with TLS: on a fiber, which waits for the socket in the
 * loop of its thread, so that no thread is kept.
 */
#ifndef SERVICES_SERVICE_NET_H
#define SERVICES_SERVICE_NET_H

#include "http/http_tls.h"
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
    uint64_t start_ns, until_ns; /* on OS_CLOCK_MONOTONIC; then it has failed */
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

/* A connection; NET_CLOSED: none. */
struct net_stream {
    int fd;
    const struct http_tls_api *api;   /* of the session */
    struct http_tls_session *session; /* NULL: it is plain */
};
#define NET_CLOSED ((struct net_stream){.fd = -1})

/* "HOST" or "HOST:PORT", `bytes` long; without a port, `port`. False: it is not right. */
bool net_place_parse(const char *text, size_t bytes, uint16_t port, struct net_place *ret_place);

/*
 * A connection to the first address of those that the task's policy lets it use and that answers. With
 * `tls` (http_tls.h's create_client; NULL: plain) the server has shown a certificate for the place's host
 * when this is done.
 */
MUST_CHECK enum net_end net_connect(struct net_task *task, const struct net_place *place,
                                    struct http_tls *tls, struct net_stream *ret_stream);
/* Says goodbye where TLS does, without waiting. A closed one stays so. */
void net_close(struct net_stream *stream);
MUST_CHECK enum net_end net_send(struct net_task *task, const struct net_place *place,
                                 struct net_stream *stream, const void *data, size_t bytes);
/* What goes out at once, or nothing. */
void net_try_send(struct net_stream *stream, const void *data, size_t bytes);
/* At least one byte. */
MUST_CHECK enum net_end net_receive(struct net_task *task, const struct net_place *place,
                                    struct net_stream *stream, void *room, size_t bytes,
                                    size_t *ret_bytes);
/* Whether the server has said nothing and has not gone. */
bool net_is_quiet(const struct net_stream *stream);
/* Fills the message. */
enum net_end net_fail(struct net_task *task, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
