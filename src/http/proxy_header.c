/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Version 1: "PROXY TCP4 198.51.100.1 203.0.113.7 35646 80\r\n", at most 107 bytes; TCP6; UNKNOWN
 * with anything behind it. Version 2:
 *
 *   signature (12) | 0x20 LOCAL, 0x21 PROXY | 0x11 TCP4, 0x21 TCP6, … | length (2) | addresses, more
 */
#include "http/proxy_header.h"

#include <string.h>

enum { LINE_MAX = 107, SIGNATURE_BYTES = 12, FIXED_BYTES = 16 };

static const uint8_t signature[SIGNATURE_BYTES] = "\r\n\r\n\0\r\nQUIT\n";

/* The next word of a line, copied and ended; an empty one, or one that is too long, is none. */
static bool next_word(const char **at, const char *end, char *ret_word, size_t room)
{
    const char *start = *at;
    while (*at < end && **at != ' ')
        (*at)++;
    size_t bytes = (size_t)(*at - start);
    if (bytes == 0 || bytes >= room)
        return false;
    memcpy(ret_word, start, bytes);
    ret_word[bytes] = '\0';
    if (*at < end)
        (*at)++;
    return true;
}

static bool next_address(const char **at, const char *end, bool is_v6,
                         struct inet_address *ret_address)
{
    char word[64];
    return next_word(at, end, word, sizeof(word)) && inet_parse(word, ret_address) &&
           ret_address->is_v6 == is_v6;
}

static bool next_port(const char **at, const char *end, uint16_t *ret_port)
{
    char word[6];
    uint32_t port = 0;
    if (!next_word(at, end, word, sizeof(word)) || (word[0] == '0' && word[1] != '\0'))
        return false;
    for (const char *digit = word; *digit != '\0'; digit++) {
        if (*digit < '0' || *digit > '9')
            return false;
        port = port * 10 + (uint32_t)(*digit - '0');
    }
    if (port > UINT16_MAX)
        return false;
    *ret_port = (uint16_t)port;
    return true;
}

static bool read_line(const char *at, const char *end, struct proxy_header *header)
{
    char kind[8];
    if (!next_word(&at, end, kind, sizeof(kind)))
        return false;
    if (!strcmp(kind, "UNKNOWN"))
        return true;
    bool is_v6 = !strcmp(kind, "TCP6");
    if (!is_v6 && strcmp(kind, "TCP4") != 0)
        return false;
    header->has_addresses = true;
    return next_address(&at, end, is_v6, &header->peer) &&
           next_address(&at, end, is_v6, &header->local) &&
           next_port(&at, end, &header->peer.port) && next_port(&at, end, &header->local.port) &&
           at == end && end[-1] != ' ';
}

static enum h1_result parse_line(const uint8_t *data, size_t bytes, struct proxy_header *header)
{
    static const char begin[] = "PROXY ";
    size_t known = sizeof(begin) - 1;
    if (memcmp(data, begin, bytes < known ? bytes : known) != 0)
        return H1_BAD;
    size_t look = bytes < LINE_MAX ? bytes : LINE_MAX;
    for (size_t i = known; i < look; i++) {
        if (data[i] == '\n')
            return H1_BAD;
        if (data[i] != '\r')
            continue;
        if (i + 1 == look)
            break;
        header->bytes = (uint32_t)i + 2;
        bool ok = data[i + 1] == '\n' &&
                  read_line((const char *)data + known, (const char *)data + i, header);
        return ok ? H1_DONE : H1_BAD;
    }
    return bytes < LINE_MAX ? H1_MORE : H1_BAD;
}

static void take_address(const uint8_t *ip, const uint8_t *port, bool is_v6,
                         struct inet_address *ret_address)
{
    *ret_address =
        (struct inet_address){.is_v6 = is_v6, .port = (uint16_t)(port[0] << 8 | port[1])};
    memcpy(ret_address->ip, ip, is_v6 ? 16 : 4);
}

static enum h1_result parse_binary(const uint8_t *data, size_t bytes, struct proxy_header *header)
{
    if (bytes < FIXED_BYTES)
        return H1_MORE;
    uint32_t length = (uint32_t)data[14] << 8 | data[15];
    if (data[12] != 0x20 && data[12] != 0x21)
        return H1_BAD;
    if (FIXED_BYTES + length > PROXY_HEADER_MAX)
        return H1_BAD;
    /* Families and transports beyond those that there are must be rejected; LOCAL has none. */
    if (data[12] == 0x21 && (data[13] >> 4 > 3 || (data[13] & 0xf) > 2))
        return H1_BAD;
    bool is_v6 = data[13] == 0x21;
    bool is_tcp = is_v6 || data[13] == 0x11;
    uint32_t each = is_v6 ? 16 : 4;
    if (data[12] == 0x21 && is_tcp && length < 2 * each + 4)
        return H1_BAD;
    if (bytes < FIXED_BYTES + length)
        return H1_MORE;
    header->bytes = FIXED_BYTES + length;
    header->has_addresses = data[12] == 0x21 && is_tcp;
    if (header->has_addresses) {
        const uint8_t *at = data + FIXED_BYTES;
        take_address(at, at + 2 * each, is_v6, &header->peer);
        take_address(at + each, at + 2 * each + 2, is_v6, &header->local);
    }
    return H1_DONE;
}

enum h1_result proxy_header_parse(const uint8_t *data, size_t bytes,
                                  struct proxy_header *ret_header)
{
    struct proxy_header header = {0};
    if (bytes == 0)
        return H1_MORE;
    bool is_binary = data[0] == signature[0];
    if (is_binary &&
        memcmp(data, signature, bytes < SIGNATURE_BYTES ? bytes : SIGNATURE_BYTES) != 0)
        return H1_BAD;
    enum h1_result result =
        is_binary ? parse_binary(data, bytes, &header) : parse_line(data, bytes, &header);
    if (result == H1_DONE)
        *ret_header = header;
    return result;
}
