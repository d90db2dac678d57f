/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks of addresses. v4 addresses mapped into v6 are v4 addresses everywhere here. */
#ifndef APP_ADDRESS_H
#define APP_ADDRESS_H

#include "app/app.h"

/* "10.0.0.0/8", "fd00::/8", or a single address; bits behind the block's are cleared. False for anything
 * else. */
bool address_parse_block(const char *text, struct app_block *ret_block);
/* "127.0.0.1", "::1", "[::1]", "127.0.0.1:80", "[::1]:80": as proxies write them. */
bool address_parse_loose(const char *text, size_t bytes, struct inet_address *ret_address);
/* Whether "127.0.0.1:80", "[::1]:80", "localhost:80" and the like, with a port or without, mean this
 * machine alone. */
bool address_is_loopback(const char *text);
/* v4 mapped into v6 (::ffff:0:0/96) as v4. */
struct inet_address address_unmapped(const struct inet_address *address);
bool address_in_block(const struct inet_address *address, const struct app_block *block);
bool address_in_blocks(const struct inet_address *address, struct app_blocks blocks);
bool address_equal(const struct inet_address *a, const struct inet_address *b); /* without ports */

enum { ADDRESS_TEXT_BYTES = 64 };
/* "127.0.0.1" or "2001:db8::1" (RFC 5952), without the port. */
void address_print(const struct inet_address *address, char ret_text[ADDRESS_TEXT_BYTES]);

/*
 * Whether the address is not globally reachable: loopback, private, link-local, shared, documentation,
 * multicast, reserved; also when it is in NAT64's or 6to4's form of a v4 address that is not.
 */
bool address_is_private(const struct inet_address *address);

#endif
