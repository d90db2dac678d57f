/* SPDX-License-Identifier: Apache-2.0 */
#include "app/client_tls.h"

#include <string.h>

#include "base/units.h"

/* The bytes of the host without its port, 0 where that is wrong; `ret_port` is 0 if there is none. */
static size_t split(const char *text, uint16_t *ret_port)
{
    const char *end = text[0] == '[' ? strchr(text, ']') : text + strcspn(text, ":");
    uint64_t number = 0;
    if (end == NULL)
        return 0;
    end += *end == ']';
    if (*end != '\0' && (*end != ':' || !parse_count(end + 1, &number) || number == 0 ||
                         number > UINT16_MAX))
        return 0;
    *ret_port = (uint16_t)number;
    return (size_t)(end - text);
}

bool client_tls_host_is_valid(const char *host)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
    struct inet_address address;
    char inside[64];
    uint16_t port;
    size_t bytes = split(host, &port);
    if (bytes == 0 || bytes > 255)
        return false;
    if (host[0] != '[')
        return strspn(host, letters) == bytes;
    if (bytes - 2 >= sizeof(inside))
        return false;
    memcpy(inside, host + 1, bytes - 2);
    inside[bytes - 2] = '\0';
    return inet_parse(inside, &address) && address.is_v6;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* "[::1]" is what brackets are around. */
static void strip(const char **at, size_t *bytes)
{
    if (*bytes > 2 && **at == '[') {
        (*at)++;
        *bytes -= 2;
    }
}

static bool is_host(const char *text, const char *host, uint16_t port)
{
    uint16_t only = 0;
    size_t bytes = split(text, &only), host_bytes = strlen(host);
    if (only != 0 && only != port)
        return false;
    strip(&text, &bytes);
    strip(&host, &host_bytes);
    host_bytes -= host_bytes > 0 && host[host_bytes - 1] == '.';
    bool same = bytes == host_bytes;
    for (size_t i = 0; same && i < bytes; i++)
        same = lower(text[i]) == lower(host[i]);
    return same;
}

const struct app_client_tls *client_tls_find(const struct app *app, const char *component,
                                             const char *host, uint16_t port)
{
    for (uint32_t i = 0; i < app->client_tls_count; i++) {
        const struct app_client_tls *tls = &app->client_tls[i];
        bool names_component = false, names_host = false;
        for (uint32_t k = 0; k < tls->components.count; k++)
            names_component |= strcmp(tls->components.items[k], component) == 0;
        for (uint32_t k = 0; names_component && k < tls->hosts.count; k++)
            names_host |= is_host(tls->hosts.items[k], host, port);
        if (names_host)
            return tls;
    }
    return NULL;
}
