/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a component may reach: Spin's allowed_outbound_hosts, and which addresses names may lead to.
 *
 * A rule is SCHEME://HOST[:PORT]. SCHEME is letters or *; HOST a name, *.name, an address, a block of
 * addresses, "self" (this application's own routes), or *; PORT a number, FROM..TO (without TO), or *;
 * without one it is that of the scheme. *.spin.internal, or id.spin.internal, reaches components of the
 * application. Hosts are compared as they are named; what a name leads to is checked by
 * policy_address: a private address is reached only where a rule names it, by address or block, or
 * names in full a name that is private by nature: one without a point, or below localhost, local,
 * internal, lan, home.arpa or test. So api.example.com does not lead a guest to 127.0.0.1, whatever its
 * owner says, but localhost does where it was named.
 */
#ifndef APP_POLICY_H
#define APP_POLICY_H

#include "app/app.h"

struct policy;

/* Whether a rule is right; else why not, in a few words. */
bool policy_rule_is_valid(const char *rule, char *ret_why, size_t size);

/* The rules of a component, in `arena`. Rules that are not valid are left out. NULL: no memory. */
struct policy *policy_create(struct arena *arena, const struct app *app,
                             const struct app_component *component);

enum policy_answer {
    POLICY_REFUSED,
    POLICY_ALLOWED, /* the name, or the address as it is written; see policy_address */
    POLICY_SELF,    /* this application's own routes, without leaving it */
    POLICY_CHAIN,   /* a component of this application: `ret_component` */
};

/*
 * Whether a URL may be asked: its scheme ("http"), host ("example.com", "127.0.0.1", "[::1]", "" for a
 * relative URL) and port (0: the scheme's). `ret_component` may be NULL.
 */
enum policy_answer policy_url(const struct policy *policy, const char *scheme, const char *host,
                              uint16_t port, uint32_t *ret_component);
/* Whether that host may be reached at this address, which it was looked up to be. */
bool policy_address(const struct policy *policy, const char *scheme, const char *host,
                    const struct inet_address *address);
/* Whether a socket may be connected to this address: by rules of the scheme, "tcp" or "udp", or *. */
bool policy_socket(const struct policy *policy, bool is_udp, const struct inet_address *address);
/* Whom a connection with TLS to this host trusts and what it shows; NULL: the system's authorities, and
 * nothing. */
const struct app_client_tls *policy_tls(const struct policy *policy, const char *host,
                                        uint16_t port);
/*
 * Rules for sockets (wasi/host_net.h) that follow from those with the schemes *, tcp and udp: HOST:PORT
 * each. They say more than policy_socket, which is to be asked too. Wildcard names cannot be said there
 * and are left out.
 */
struct app_texts policy_socket_rules(struct arena *arena, const struct policy *policy);

#endif
