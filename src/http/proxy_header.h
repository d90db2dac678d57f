/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header that a proxy puts before a connection's first byte to say whose it is: the PROXY
 * protocol (haproxy.org, proxy-protocol.txt), versions 1 and 2. Pure.
 */
#ifndef HTTP_PROXY_HEADER_H
#define HTTP_PROXY_HEADER_H

#include "http/h1_parse.h"
#include "os/inet.h"

enum { PROXY_HEADER_MAX = 2048 }; /* what follows the addresses included; longer ones are refused */

struct proxy_header {
    uint32_t bytes;     /* of the header */
    bool has_addresses; /* else the connection is the proxy's own, or of an unknown kind */
    struct inet_address peer, local;
};

/* `data` begins with the connection and grows. H1_BAD: it does not begin with such a header. */
MUST_CHECK enum h1_result proxy_header_parse(const uint8_t *data, size_t bytes,
                                             struct proxy_header *ret_header);

#endif
