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

/* `net` may be NULL: nothing. Thread-safe once the rules are made. */
bool host_net_allows(const struct host_net *net, const struct inet_address *address);
/* Whether a socket may be bound there: port 0, any free one, for whoever has a rule for the address. */
bool host_net_allows_bind(const struct host_net *net, const struct inet_address *address);
/* Whether the name may be looked up: a rule names it, or allows addresses. */
bool host_net_allows_lookup(const struct host_net *net, const char *name);
/* Whether a rule names it, so that its addresses are allowed at this port. */
bool host_net_allows_name(const struct host_net *net, const char *name, uint16_t port);

#endif
