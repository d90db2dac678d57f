/* SPDX-License-Identifier: Apache-2.0 */
#include "wasi/host_net.h"

#include <string.h>

#include "base/arena.h"

enum { NAME_BYTES = 256 };

struct rule {
    struct rule *next;
    const char *name; /* NULL: addresses */
    struct inet_address address;
    unsigned prefix_bits;
    bool is_any; /* every address */
    uint16_t port_first, port_last;
};

struct host_net {
    struct alloc *alloc;
    struct arena arena;
    struct rule *rules;
    struct host_net_judge judge; /* without functions: none */
};

struct host_net *host_net_create(struct alloc *alloc)
{
    struct host_net *net = alloc_get_zeroed(alloc, 1, sizeof(*net));
    if (net == NULL)
        return NULL;
    net->alloc = alloc;
    arena_init(&net->arena, alloc);
    return net;
}

void host_net_free(struct host_net *net)
{
    if (net == NULL)
        return;
    arena_free(&net->arena);
    alloc_put(net->alloc, net, sizeof(*net));
}

/* ---- Rules ------------------------------------------------------------------------------- */

static bool parse_number(const char *text, size_t bytes, uint32_t max, uint32_t *ret_number)
{
    uint32_t number = 0;
    for (size_t i = 0; i < bytes; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        number = number * 10 + (uint32_t)(text[i] - '0');
        if (number > max)
            return false;
    }
    *ret_number = number;
    return bytes > 0;
}

static bool parse_ports(const char *text, struct rule *rule)
{
    uint32_t first, last;
    size_t bytes = strlen(text);
    const char *dash = strchr(text, '-');
    if (!strcmp(text, "*")) {
        rule->port_last = UINT16_MAX;
        return true;
    }
    size_t first_bytes = dash != NULL ? (size_t)(dash - text) : bytes;
    if (!parse_number(text, first_bytes, UINT16_MAX, &first))
        return false;
    last = first;
    if (dash != NULL && !parse_number(dash + 1, bytes - first_bytes - 1, UINT16_MAX, &last))
        return false;
    rule->port_first = (uint16_t)first;
    rule->port_last = (uint16_t)last;
    return first <= last;
}

/* "10.0.0.0/8", "[::1]", "example.org" */
static bool parse_host(struct host_net *net, char *host, struct rule *rule)
{
    size_t bytes = strlen(host);
    uint32_t bits = 0;
    if (!strcmp(host, "*")) {
        rule->is_any = true;
        return true;
    }
    if (bytes > 2 && host[0] == '[' && host[bytes - 1] == ']') {
        host[bytes - 1] = '\0';
        host++;
    }
    char *slash = strchr(host, '/');
    if (slash != NULL)
        *slash = '\0';
    if (inet_parse(host, &rule->address)) {
        uint32_t all = rule->address.is_v6 ? 128 : 32;
        rule->prefix_bits = all;
        if (slash == NULL)
            return true;
        if (!parse_number(slash + 1, strlen(slash + 1), all, &bits))
            return false;
        rule->prefix_bits = bits;
        return true;
    }
    rule->name = arena_copy_string(&net->arena, host, strlen(host));
    return slash == NULL && host[0] != '\0' && strchr(host, ':') == NULL && rule->name != NULL;
}

enum stint_status host_net_allow(struct host_net *net, const char *text, struct stint_error *error)
{
    struct rule *rule = arena_get_zeroed(&net->arena, 1, sizeof(*rule));
    const char *colon = strrchr(text, ':');
    char host[NAME_BYTES];
    if (rule == NULL)
        return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "out of memory");
    size_t bytes = colon != NULL ? (size_t)(colon - text) : sizeof(host);
    bool is_good = bytes < sizeof(host);
    if (is_good) {
        memcpy(host, text, bytes);
        host[bytes] = '\0';
        is_good = parse_ports(colon + 1, rule) && parse_host(net, host, rule);
    }
    if (!is_good)
        return error_set(error, STINT_ARGUMENT, STINT_NO_OFFSET,
                         "'%s' is not HOST:PORT such as example.org:443, 127.0.0.1:8000-8099, "
                         "10.0.0.0/8:* or [::1]:80",
                         text);
    rule->next = net->rules;
    net->rules = rule;
    return STINT_OK;
}

/* ---- Judging ----------------------------------------------------------------------------- */

static struct inet_address plain(const struct inet_address *address)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    struct inet_address v4 = {.port = address->port};
    if (!address->is_v6 || memcmp(address->ip, mapped, sizeof(mapped)) != 0)
        return *address;
    memcpy(v4.ip, address->ip + sizeof(mapped), 4);
    return v4;
}

static bool covers(const struct rule *rule, const struct inet_address *address)
{
    if (rule->is_any)
        return true;
    if (rule->name != NULL || rule->address.is_v6 != address->is_v6)
        return false;
    unsigned whole = rule->prefix_bits / 8, rest = rule->prefix_bits % 8;
    if (memcmp(rule->address.ip, address->ip, whole) != 0)
        return false;
    uint8_t mask = (uint8_t)(0xff00 >> rest);
    return rest == 0 || ((rule->address.ip[whole] ^ address->ip[whole]) & mask) == 0;
}

static bool has_port(const struct rule *rule, uint16_t port)
{
    return port >= rule->port_first && port <= rule->port_last;
}

bool host_net_allows(const struct host_net *net, const struct inet_address *address)
{
    struct inet_address to = plain(address);
    for (const struct rule *rule = net ? net->rules : NULL; rule != NULL; rule = rule->next) {
        if (covers(rule, &to) && has_port(rule, to.port))
            return true;
    }
    return false;
}

bool host_net_allows_bind(const struct host_net *net, const struct inet_address *address)
{
    static const uint8_t unspecified[16];
    struct inet_address at = plain(address);
    /* What every client does before it connects or sends; that is judged by itself. */
    if (at.port == 0 && memcmp(at.ip, unspecified, sizeof(unspecified)) == 0)
        return net != NULL && net->rules != NULL;
    for (const struct rule *rule = net ? net->rules : NULL; rule != NULL; rule = rule->next) {
        if (covers(rule, &at) && (at.port == 0 || has_port(rule, at.port)))
            return true;
    }
    return false;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_name(const struct rule *rule, const char *name)
{
    const char *own = rule->name;
    if (own == NULL)
        return false;
    while (*own != '\0' && lower(*own) == lower(*name)) {
        own++;
        name++;
    }
    /* A dot at the end says that the name is whole, which it is anyway. */
    return *own == '\0' && (*name == '\0' || (*name == '.' && name[1] == '\0'));
}

bool host_net_allows_lookup(const struct host_net *net, const char *name)
{
    for (const struct rule *rule = net ? net->rules : NULL; rule != NULL; rule = rule->next) {
        if (rule->name == NULL || is_name(rule, name))
            return true;
    }
    return false;
}

bool host_net_allows_name(const struct host_net *net, const char *name, uint16_t port)
{
    for (const struct rule *rule = net ? net->rules : NULL; rule != NULL; rule = rule->next) {
        if (is_name(rule, name) && has_port(rule, port))
            return true;
    }
    return false;
}

/* ---- The judge --------------------------------------------------------------------------- */

void host_net_set_judge(struct host_net *net, const struct host_net_judge *judge)
{
    net->judge = *judge;
}

bool host_net_has_judge(const struct host_net *net)
{
    return net != NULL && net->judge.url != NULL;
}

const char *host_net_judge_url(const struct host_net *net, const char *scheme, const char *host,
                               uint16_t port)
{
    return host_net_has_judge(net) ? net->judge.url(net->judge.env, scheme, host, port) : NULL;
}

bool host_net_judge_address(const struct host_net *net, const char *scheme, const char *host,
                            const struct inet_address *address)
{
    struct inet_address to = plain(address);
    return !host_net_has_judge(net) || net->judge.address(net->judge.env, scheme, host, &to);
}

bool host_net_judge_tls(const struct host_net *net, const char *host, uint16_t port,
                        struct host_net_tls *ret_tls)
{
    return host_net_has_judge(net) && net->judge.tls != NULL &&
           net->judge.tls(net->judge.env, host, port, ret_tls);
}
