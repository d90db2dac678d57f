/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a guest may reach over the network: nothing that no rule allows. A rule is HOST:PORT, where HOST
 * is a name, an address ("[::1]"), a block of addresses ("10.0.0.0/8") or *, and PORT a number, a range
 * ("8000-8099") or *.
 *
 * Connections are judged by the address that they go to. A name in a rule allows the addresses that the
 * guest is given for it: who asks for the name may then use them. Addresses are compared as what they
 * reach: v4 addresses mapped into v6 are v4 addresses.
 */
#ifndef WASI_HOST_NET_H
#define WASI_HOST_NET_H

#include "base/alloc.h"
#include "os/inet.h"

struct host_net;

/* Without rules. NULL: no memory. */
struct host_net *host_net_create(struct alloc *alloc);
void host_net_free(struct host_net *net); /* accepts NULL */
/* STINT_ARGUMENT says what is wrong with a rule. */
MUST_CHECK enum stint_status host_net_allow(struct host_net *net, const char *rule,
                                            struct stint_error *error);

/* Files (PEM) for connections with TLS; NULL: none. */
struct host_net_tls {
    const char *authorities; /* whom to trust */
    bool with_system;        /* the system's authorities too */
    const char *certificate, *key;
};

/*
 * Who decides beside the rules: a server that has a policy of its own. Called by several threads.
 */
struct host_net_judge {
    const void *env;
    /* HTTP requests are its matter alone: NULL, or why this one is refused. */
    const char *(*url)(const void *env, const char *scheme, const char *host, uint16_t port);
    /* Whether `host`, which is allowed, may be reached at this address. NULL: the guest named the
     * address. The scheme is "http", "https", "tcp" or "udp". */
    bool (*address)(const void *env, const char *scheme, const char *host,
                    const struct inet_address *address);
    /* What TLS with this host is to be made by; its texts stay. False: as the system has it. */
    bool (*tls)(const void *env, const char *host, uint16_t port, struct host_net_tls *ret_tls);
};

void host_net_set_judge(struct host_net *net, const struct host_net_judge *judge); /* copies */
bool host_net_has_judge(const struct host_net *net);
/* What it says; without one everything is right. */
const char *host_net_judge_url(const struct host_net *net, const char *scheme, const char *host,
                               uint16_t port);
bool host_net_judge_address(const struct host_net *net, const char *scheme, const char *host,
                            const struct inet_address *address);
/* As above; without a judge, as the system has it. */
bool host_net_judge_tls(const struct host_net *net, const char *host, uint16_t port,
                        struct host_net_tls *ret_tls);

/* `net` may be NULL: nothing. Thread-safe once the rules are made. */
bool host_net_allows(const struct host_net *net, const struct inet_address *address);
/* Whether a socket may be bound there: port 0, any free one, for whoever has a rule for the address. */
bool host_net_allows_bind(const struct host_net *net, const struct inet_address *address);
/* Whether the name may be looked up: a rule names it, or allows addresses. */
bool host_net_allows_lookup(const struct host_net *net, const char *name);
/* Whether a rule names it, so that its addresses are allowed at this port. */
bool host_net_allows_name(const struct host_net *net, const char *name, uint16_t port);

#endif
