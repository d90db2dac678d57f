/* SPDX-License-Identifier: Apache-2.0 */
#include "app/address.h"

#include <stdio.h>
#include <string.h>

#include "base/units.h"

enum { HOST_BYTES_MAX = 64 };

static void clear_behind(uint8_t *ip, size_t bytes, unsigned bits)
{
    for (size_t i = 0; i < bytes; i++) {
        unsigned kept = bits > i * 8 ? bits - (unsigned)i * 8 : 0;
        if (kept < 8)
            ip[i] &= (uint8_t)(0xff00 >> kept);
    }
}

bool address_parse_block(const char *text, struct app_block *ret_block)
{
    char host[HOST_BYTES_MAX];
    struct inet_address address;
    uint64_t bits;
    size_t bytes = strcspn(text, "/");
    if (bytes >= sizeof(host))
        return false;
    memcpy(host, text, bytes);
    host[bytes] = 0;
    if (!inet_parse(host, &address))
        return false;
    uint64_t most = address.is_v6 ? 128 : 32;
    bits = most;
    if (text[bytes] == '/' && (!parse_count(text + bytes + 1, &bits) || bits > most))
        return false;
    struct app_block block = {.is_v6 = address.is_v6, .bits = (uint8_t)bits};
    memcpy(block.ip, address.ip, address.is_v6 ? 16 : 4);
    clear_behind(block.ip, address.is_v6 ? 16 : 4, (unsigned)bits);
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (block.is_v6 && bits >= 96 && memcmp(block.ip, mapped, sizeof(mapped)) == 0) {
        block.is_v6 = false;
        block.bits = (uint8_t)(bits - 96);
        memmove(block.ip, block.ip + 12, 4);
        memset(block.ip + 4, 0, 12);
    }
    *ret_block = block;
    return true;
}

bool address_parse_loose(const char *text, size_t bytes, struct inet_address *ret_address)
{
    char host[HOST_BYTES_MAX];
    const char *end = text + bytes, *host_end = end, *port = NULL;
    uint64_t number = 0;
    if (bytes > 0 && *text == '[') {
        const char *close = memchr(text, ']', bytes);
        if (close == NULL)
            return false;
        text++;
        host_end = close;
        if (close + 1 < end) {
            if (close[1] != ':')
                return false;
            port = close + 2;
        }
    } else {
        const char *colon = memchr(text, ':', bytes);
        /* Two colons: a v6 address without brackets, which has no port then. */
        if (colon != NULL && memchr(colon + 1, ':', (size_t)(end - colon - 1)) == NULL) {
            host_end = colon;
            port = colon + 1;
        }
    }
    if ((size_t)(host_end - text) >= sizeof(host))
        return false;
    memcpy(host, text, (size_t)(host_end - text));
    host[host_end - text] = 0;
    struct inet_address address;
    if (memchr(host, 0, (size_t)(host_end - text)) != NULL || !inet_parse(host, &address))
        return false;
    if (port != NULL) {
        if (end - port < 1 || end - port > 5)
            return false;
        for (const char *at = port; at < end; at++) {
            if (*at < '0' || *at > '9')
                return false;
            number = number * 10 + (uint64_t)(*at - '0');
        }
        if (number > UINT16_MAX)
            return false;
    }
    address.port = (uint16_t)number;
    *ret_address = address;
    return true;
}

struct inet_address address_unmapped(const struct inet_address *address)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    struct inet_address result = *address;
    if (address->is_v6 && memcmp(address->ip, mapped, sizeof(mapped)) == 0) {
        memset(&result, 0, sizeof(result));
        memcpy(result.ip, address->ip + 12, 4);
        result.port = address->port;
    }
    return result;
}

bool address_is_loopback(const char *text)
{
    static const uint8_t one[16] = {[15] = 1};
    struct inet_address parsed;
    if (strcmp(text, "localhost") == 0 || strncmp(text, "localhost:", 10) == 0)
        return true;
    if (!address_parse_loose(text, strlen(text), &parsed))
        return false;
    parsed = address_unmapped(&parsed);
    return parsed.is_v6 ? memcmp(parsed.ip, one, 16) == 0 : parsed.ip[0] == 127;
}

bool address_in_block(const struct inet_address *address, const struct app_block *block)
{
    struct inet_address a = address_unmapped(address);
    uint8_t ip[16] = {0};
    if (a.is_v6 != block->is_v6)
        return false;
    size_t bytes = a.is_v6 ? 16 : 4;
    memcpy(ip, a.ip, bytes);
    clear_behind(ip, bytes, block->bits);
    return memcmp(ip, block->ip, bytes) == 0;
}

bool address_in_blocks(const struct inet_address *address, struct app_blocks blocks)
{
    for (uint32_t i = 0; i < blocks.count; i++) {
        if (address_in_block(address, &blocks.items[i]))
            return true;
    }
    return false;
}

bool address_equal(const struct inet_address *a, const struct inet_address *b)
{
    struct inet_address x = address_unmapped(a), y = address_unmapped(b);
    return x.is_v6 == y.is_v6 && memcmp(x.ip, y.ip, x.is_v6 ? 16 : 4) == 0;
}

/* The longest run of zero groups, of at least two: where it starts, and its length. */
static unsigned find_zeros(const uint16_t groups[8], unsigned *ret_length)
{
    unsigned best = 8, best_length = 1;
    for (unsigned i = 0; i < 8; i++) {
        unsigned length = 0;
        while (i + length < 8 && groups[i + length] == 0)
            length++;
        if (length > best_length) {
            best = i;
            best_length = length;
        }
        i += length;
    }
    *ret_length = best_length;
    return best;
}

/* For each request: half a microsecond less than by snprintf. */
static void print_v4(const uint8_t ip[4], char *ret_text)
{
    char *at = ret_text;
    for (unsigned i = 0; i < 4; i++) {
        if (ip[i] >= 100)
            *at++ = (char)('0' + ip[i] / 100);
        if (ip[i] >= 10)
            *at++ = (char)('0' + ip[i] / 10 % 10);
        *at++ = (char)('0' + ip[i] % 10);
        *at++ = i < 3 ? '.' : '\0';
    }
}

void address_print(const struct inet_address *address, char ret_text[ADDRESS_TEXT_BYTES])
{
    struct inet_address a = address_unmapped(address);
    if (!a.is_v6) {
        print_v4(a.ip, ret_text);
        return;
    }
    uint16_t groups[8];
    unsigned length;
    for (unsigned i = 0; i < 8; i++)
        groups[i] = (uint16_t)(a.ip[2 * i] << 8 | a.ip[2 * i + 1]);
    unsigned zeros = find_zeros(groups, &length);
    size_t at = 0;
    for (unsigned i = 0; i < 8; i++) {
        if (i == zeros) {
            at += (size_t)snprintf(ret_text + at, ADDRESS_TEXT_BYTES - at, i == 0 ? "::" : ":");
            i += length - 1;
            continue;
        }
        at += (size_t)snprintf(ret_text + at, ADDRESS_TEXT_BYTES - at, "%x%s", groups[i],
                               i < 7 ? ":" : "");
    }
}

/* The registries of special addresses (RFC 6890 and what updates it), as far as they are not global. */
static const char *const private_v4[] = {
    "0.0.0.0/8",       "10.0.0.0/8",    "100.64.0.0/10", "127.0.0.0/8",    "169.254.0.0/16",
    "172.16.0.0/12",   "192.0.0.0/24",  "192.0.2.0/24",  "192.88.99.0/24", "192.168.0.0/16",
    "198.18.0.0/15",   "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
};

static bool v4_is_private(const uint8_t ip[4])
{
    uint32_t address = (uint32_t)ip[0] << 24 | (uint32_t)ip[1] << 16 | (uint32_t)ip[2] << 8 | ip[3];
    for (size_t i = 0; i < COUNT_OF(private_v4); i++) {
        struct app_block block;
        if (!address_parse_block(private_v4[i], &block))
            return true;
        uint32_t base = (uint32_t)block.ip[0] << 24 | (uint32_t)block.ip[1] << 16 |
                        (uint32_t)block.ip[2] << 8 | block.ip[3];
        uint32_t mask = ~UINT32_C(0) << (32 - block.bits);
        if ((address & mask) == base)
            return true;
    }
    return false;
}

bool address_is_private(const struct inet_address *address)
{
    static const uint8_t nat64[12] = {0, 0x64, 0xff, 0x9b};
    struct inet_address a = address_unmapped(address);
    if (!a.is_v6)
        return v4_is_private(a.ip);
    /* Only 2000::/3 is given out; in there some blocks are set aside. */
    if (memcmp(a.ip, nat64, sizeof(nat64)) == 0)
        return v4_is_private(a.ip + 12);
    if ((a.ip[0] & 0xe0) != 0x20)
        return true;
    if (a.ip[0] == 0x20 && a.ip[1] == 0x02) /* 6to4 */
        return v4_is_private(a.ip + 2);
    if (a.ip[0] == 0x20 && a.ip[1] == 0x01) {
        /* 2001::/23, protocols, Teredo among them; 2001:db8::/32, documentation. */
        return a.ip[2] < 2 || (a.ip[2] == 0x0d && a.ip[3] == 0xb8);
    }
    return a.ip[0] == 0x3f && a.ip[1] == 0xff && a.ip[2] < 0x10; /* 3fff::/20, documentation */
}
