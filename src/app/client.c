/* SPDX-License-Identifier: Apache-2.0 */
#include "app/client.h"

#include <string.h>

#include "app/address.h"
#include "app/token.h"

enum { HOPS_MAX = 64 }; /* proxies that are looked through */

/* Of a list, from its end. */
struct names {
    const char *text[HOPS_MAX], *end[HOPS_MAX]; /* the last ones, at their number modulo HOPS_MAX */
    size_t count;
};

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

static void add_name(struct names *names, const char *text, const char *end)
{
    names->text[names->count % HOPS_MAX] = text;
    names->end[names->count % HOPS_MAX] = end;
    names->count++;
}

/* X-Forwarded-For has commas, and quotes mean nothing in it: whoever is behind the proxy may send one. */
static void split_list(const char *at, struct names *names)
{
    for (;; at++) {
        const char *text = at, *end = at += strcspn(at, ",");
        trim(&text, &end);
        if (text < end)
            add_name(names, text, end);
        if (*at == '\0')
            return;
    }
}

/* ---- Forwarded (RFC 7239) ---------------------------------------------------------------- */

/* The end of a quoted string that begins here; NULL: it has none. */
static const char *quoted_end(const char *at)
{
    for (at++; *at != '"'; at++) {
        if (*at == '\\')
            at++;
        if (*at == '\0')
            return NULL;
    }
    return at + 1;
}

/* One pair, "for=..." or another; the end, or NULL where it is none. */
static const char *read_pair(const char *at, const char **ret_for, const char **ret_for_end)
{
    size_t name_bytes = strspn(at, TOKEN_CHARACTERS);
    const char *value = at + name_bytes + 1;
    if (name_bytes == 0 || at[name_bytes] != '=')
        return NULL;
    bool is_quoted = *value == '"';
    /* Many write addresses with colons and brackets without the quotes that they need. */
    const char *end = is_quoted ? quoted_end(value) : value + strspn(value, TOKEN_CHARACTERS ":[]");
    if (end == NULL || end == value)
        return NULL;
    if (name_bytes == 3 && (at[0] | 0x20) == 'f' && (at[1] | 0x20) == 'o' &&
        (at[2] | 0x20) == 'r') {
        if (*ret_for != NULL)
            return NULL; /* at most once in an element */
        *ret_for = value + is_quoted;
        *ret_for_end = end - is_quoted;
    }
    return end;
}

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, " \t");
}

/*
 * A list is believed as a whole or not at all. What stands on the left was written by whoever is behind
 * the proxy: with a quote that never ends it would swallow what the proxy wrote, and name the client.
 */
static bool split_forwarded(const char *at, struct names *names)
{
    for (;; at++) {
        const char *text = NULL, *end = NULL;
        bool is_empty = true;
        for (at = skip_blanks(at);; at = skip_blanks(at + 1)) {
            if (*at != ';' && *at != ',' && *at != '\0') {
                is_empty = false;
                at = read_pair(at, &text, &end);
                if (at == NULL)
                    return false;
                at = skip_blanks(at);
            }
            if (*at != ';')
                break;
        }
        if (*at != ',' && *at != '\0')
            return false;
        if (!is_empty)
            add_name(names, text, end);
        if (*at == '\0')
            return true;
    }
}

/* ---- Who it is --------------------------------------------------------------------------- */

/* Walks one header's value from its right end. False: the client has been found. */
static bool walk(const char *value, bool is_forwarded, struct app_blocks trusted, unsigned *hops,
                 struct inet_address *client)
{
    struct names names = {.count = 0};
    struct inet_address found;
    if (!is_forwarded)
        split_list(value, &names);
    else if (!split_forwarded(value, &names))
        return false;
    for (size_t i = names.count; i > 0; i--) {
        const char *text = names.text[(i - 1) % HOPS_MAX], *end = names.end[(i - 1) % HOPS_MAX];
        if (text == NULL || !address_parse_loose(text, (size_t)(end - text), &found))
            return false; /* no `for`, "unknown", "_hidden", or nonsense */
        *client = found;
        if (!address_in_blocks(&found, trusted) || ++*hops >= HOPS_MAX)
            return false;
    }
    return true;
}

static struct inet_address walk_all(const struct inet_address *peer, struct app_blocks trusted,
                                    bool is_forwarded, const char *const *values, uint32_t count)
{
    struct inet_address client = *peer;
    unsigned hops = 0;
    for (uint32_t i = count; i > 0; i--) {
        if (!walk(values[i - 1], is_forwarded, trusted, &hops, &client))
            break;
    }
    return address_unmapped(&client);
}

bool client_find(const struct inet_address *peer, struct app_blocks trusted,
                 enum app_client_header which, const struct client_headers *headers,
                 struct inet_address *ret_client)
{
    struct inet_address by_forwarded, by_list;
    bool has_forwarded = headers->forwarded_count > 0 && which != APP_CLIENT_X_FORWARDED_FOR;
    bool has_list = headers->x_forwarded_for_count > 0 && which != APP_CLIENT_FORWARDED;
    *ret_client = address_unmapped(peer);
    if (!address_in_blocks(peer, trusted))
        return true;
    by_forwarded = walk_all(peer, trusted, true, headers->forwarded, headers->forwarded_count);
    by_list =
        walk_all(peer, trusted, false, headers->x_forwarded_for, headers->x_forwarded_for_count);
    if (has_forwarded && has_list && !address_equal(&by_forwarded, &by_list))
        return false;
    if (has_forwarded)
        *ret_client = by_forwarded;
    else if (has_list)
        *ret_client = by_list;
    return true;
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
