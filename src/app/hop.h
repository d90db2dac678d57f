/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How servers of an application know a request that one of them has proxied to another: the header
 * `stint-hop` says who asked the first server, signed with the secret that they share. It holds for one
 * method and path and for a few minutes, so a copy of it is of no use elsewhere.
 *
 *     1 TIME FROM ID CLIENT COUNTRY CONTINENT REGION ASN SCHEME HOST MAC
 *
 * Words are apart by one space, and "-" where something is unknown; MAC is HMAC-SHA256, in hexadecimal,
 * of the method, a space, the path, a line end and all words before it.
 */
#ifndef APP_HOP_H
#define APP_HOP_H

#include "base/buf.h"
#include "os/inet.h"

#define HOP_HEADER "stint-hop"
enum { HOP_BYTES_MAX = 1024, HOP_AGE_S_MAX = 300 };

/* Texts are terminated, and "" where unknown. */
struct hop {
    uint64_t time_s; /* since 1970 */
    const char *from; /* the region that it came in at */
    const char *id;   /* of the request there */
    struct inet_address client;
    const char *country, *continent, *region;
    uint32_t asn;
    const char *scheme, *host; /* as they were asked for */
};

struct hop_message {
    const char *secret, *method, *path;
};

/* Appends the header's value. False: it would be too long, or memory is out. */
bool hop_write(const struct hop *hop, const struct hop_message *message, struct buf *out);

enum hop_verdict {
    HOP_GOOD,
    HOP_MALFORMED,
    HOP_FORGED,  /* by another secret, or for another request */
    HOP_EXPIRED, /* or the clocks differ */
};
/* `ret_hop` (set with HOP_GOOD alone) is in `room`. */
enum hop_verdict hop_read(const char *value, size_t bytes, const struct hop_message *message,
                          uint64_t now_s, char room[HOP_BYTES_MAX], struct hop *ret_hop);
/* For the log. */
const char *hop_verdict_text(enum hop_verdict verdict);

#endif
