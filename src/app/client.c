/* SPDX-License-Identifier: Apache-2.0 */
#include "app/client.h"

#include <string.h>

#include "app/address.h"

enum { HOPS_MAX = 64 }; /* proxies that are looked through */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static void trim(const char **text, const char **end)
{
    while (*text < *end && is_blank(**text))
        (*text)++;
    while (*end > *text && is_blank((*end)[-1]))
        (*end)--;
}

/* The part of a list in front of `end` (which moves to its comma), outside of quotes. */
static const char *last_element(const char *list, const char **end)
{
    const char *start = list;
    bool in_quotes = false;
    for (const char *at = list; at < *end; at++) {
        if (in_quotes && *at == '\\' && at + 1 < *end)
            at++;
        else if (*at == '"')
            in_quotes = !in_quotes;
        else if (*at == ',' && !in_quotes)
            start = at + 1;
    }
    return start;
}

/* The value of for= in an element of Forwarded (RFC 7239). */
static bool find_for(const char *text, const char *end, const char **ret_text, const char **ret_end)
{
    while (text < end) {
        const char *part = text, *part_end = text;
        bool in_quotes = false;
        for (; part_end < end && (in_quotes || *part_end != ';'); part_end++)
            in_quotes ^= *part_end == '"';
        text = part_end + 1;
        trim(&part, &part_end);
        if (part_end - part < 4 || part[3] != '=' || (part[0] | 0x20) != 'f' ||
            (part[1] | 0x20) != 'o' || (part[2] | 0x20) != 'r')
            continue;
        part += 4;
        if (part_end - part >= 2 && *part == '"' && part_end[-1] == '"') {
            part++;
            part_end--;
        }
        *ret_text = part;
        *ret_end = part_end;
        return true;
    }
    return false;
}

/* Walks one header value from its right end. False: the client has been found. */
static bool walk(const char *value, bool is_forwarded, struct app_blocks trusted, unsigned *hops,
                 struct inet_address *client)
{
    const char *end = value + strlen(value);
    for (;;) {
        const char *start = last_element(value, &end), *text = start, *text_end = end;
        struct inet_address found;
        trim(&text, &text_end);
        if (is_forwarded && !find_for(text, text_end, &text, &text_end))
            return false;
        if (!address_parse_loose(text, (size_t)(text_end - text), &found))
            return false; /* "unknown", "_hidden", or nonsense */
        *client = found;
        if (!address_in_blocks(&found, trusted) || ++*hops >= HOPS_MAX)
            return false;
        if (start == value)
            return true;
        end = start - 1;
    }
}

struct inet_address client_find(const struct inet_address *peer, struct app_blocks trusted,
                                const struct client_headers *headers)
{
    struct inet_address client = address_unmapped(peer);
    bool is_forwarded = headers->forwarded_count > 0;
    uint32_t count = is_forwarded ? headers->forwarded_count : headers->x_forwarded_for_count;
    const char *const *values = is_forwarded ? headers->forwarded : headers->x_forwarded_for;
    unsigned hops = 0;
    if (!address_in_blocks(peer, trusted))
        return client;
    for (uint32_t i = count; i > 0; i--) {
        if (!walk(values[i - 1], is_forwarded, trusted, &hops, &client))
            break;
    }
    return address_unmapped(&client);
}

struct client_key client_key(const struct inet_address *client)
{
    struct client_key key = {{0}};
    struct inet_address a = address_unmapped(client);
    key.bytes[0] = a.is_v6 ? 6 : 4;
    memcpy(key.bytes + 1, a.ip, a.is_v6 ? 8 : 4);
    return key;
}

struct inet_address client_short(const struct inet_address *client)
{
    struct inet_address a = address_unmapped(client);
    if (a.is_v6)
        memset(a.ip + 6, 0, 10);
    else
        a.ip[3] = 0;
    a.port = 0;
    return a;
}
