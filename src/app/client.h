/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who a request comes from. A peer that is no trusted proxy is the client, whatever its headers say.
 * What trusted proxies add is read from the right: the first address that is no trusted proxy is the
 * client, and so is the last one that could be read, where what is left of it is no address.
 *
 * A proxy writes one of the two headers and may pass on the other as the client sent it. So where both are
 * there they have to agree, unless the manifest says which one counts.
 */
#ifndef APP_CLIENT_H
#define APP_CLIENT_H

#include "app/app.h"

struct client_headers {
    const char *const *forwarded; /* values of `forwarded`, in order, terminated */
    uint32_t forwarded_count;
    const char *const *x_forwarded_for; /* likewise */
    uint32_t x_forwarded_for_count;
};

/* The client's address; its port is 0 where a proxy did not tell. False: the two headers do not agree, and
 * it is the peer's. */
bool client_find(const struct inet_address *peer, struct app_blocks trusted,
                 enum app_client_header which, const struct client_headers *headers,
                 struct inet_address *ret_client);

/* What a client's requests are counted under: a v4 address, or a v6 /64. */
struct client_key {
    uint8_t bytes[9]; /* 4 or 6, and the address or its first half */
};
struct client_key client_key(const struct inet_address *client);
/* For the log, cut to /24 or /48. */
struct inet_address client_short(const struct inet_address *client);

#endif
