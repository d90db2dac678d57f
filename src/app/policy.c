/* SPDX-License-Identifier: Apache-2.0 */
#include "app/policy.h"

#include <stdio.h>
#include <string.h>

#include "app/address.h"
#include "app/client_tls.h"
#include "base/units.h"

enum { HOST_BYTES_MAX = 255, SCHEME_BYTES_MAX = 31, RULE_BYTES_MAX = 512 };

enum host_kind {
    HOST_ANY,
    HOST_SELF,
    HOST_NAME,
    HOST_BELOW, /* *.name: the text is ".name" */
    HOST_BLOCK, /* also of one address */
};

struct rule {
    char scheme[SCHEME_BYTES_MAX + 1]; /* "" is any */
    enum host_kind kind;
    char host[HOST_BYTES_MAX + 2]; /* NAME, BELOW (with its point): lower case */
    struct app_block block;
    uint32_t port_first, port_last; /* none where first > last */
};

struct policy {
    const struct app *app;
    const char *component;
    const struct rule *rules;
    uint32_t rule_count;
};

static const char chain_suffix[] = ".spin.internal";

/* ---- Reading rules ----------------------------------------------------------------------- */

static uint16_t known_port(const char *scheme)
{
    static const struct {
        const char *scheme;
        uint16_t port;
    } known[] = {
        {"http", 80},     {"https", 443},   {"redis", 6379},    {"rediss", 6379},
        {"mqtt", 1883},   {"mqtts", 8883},  {"mysql", 3306},    {"postgres", 5432},
    };
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        if (strcmp(known[i].scheme, scheme) == 0)
            return known[i].port;
    }
    return 0;
}

/* A name in lower case, at most HOST_BYTES_MAX and a NUL, without a point at its end; false when it has
 * what no name has. */
static bool read_name(const char *text, size_t bytes, char *ret_name)
{
    if (bytes > 0 && text[bytes - 1] == '.')
        bytes--;
    if (bytes == 0 || bytes > HOST_BYTES_MAX || text[0] == '.')
        return false;
    for (size_t i = 0; i < bytes; i++) {
        char c = text[i], low = c | 0x20;
        bool is_letter = low >= 'a' && low <= 'z';
        if (!is_letter && !(c >= '0' && c <= '9') && c != '-' && c != '_' && c != '.')
            return false;
        ret_name[i] = is_letter ? low : c;
    }
    ret_name[bytes] = 0;
    return true;
}

/* "[::1]" or "::1" or "10.0.0.0/8". */
static bool read_block(const char *text, size_t bytes, struct app_block *ret_block)
{
    char room[80];
    if (bytes >= sizeof(room))
        return false;
    if (bytes > 2 && text[0] == '[' && text[bytes - 1] == ']') {
        text++;
        bytes -= 2;
    }
    memcpy(room, text, bytes);
    room[bytes] = 0;
    return address_parse_block(room, ret_block);
}

static const char *read_host(const char *text, size_t bytes, struct rule *rule)
{
    if (bytes == 1 && *text == '*') {
        rule->kind = HOST_ANY;
        return NULL;
    }
    if ((bytes == 4 && memcmp(text, "self", 4) == 0) ||
        (bytes == 8 && memcmp(text, "self.alt", 8) == 0)) {
        rule->kind = HOST_SELF;
        return NULL;
    }
    if (read_block(text, bytes, &rule->block)) {
        rule->kind = HOST_BLOCK;
        return NULL;
    }
    if (bytes > 0 && text[bytes - 1] == '/')
        bytes--;
    if (memchr(text, '/', bytes) != NULL)
        return "a rule has no path";
    bool is_below = bytes > 2 && text[0] == '*' && text[1] == '.';
    const char *name = is_below ? text + 1 : text;
    size_t name_bytes = bytes - (size_t)(name - text);
    if (memchr(name, '*', name_bytes) != NULL)
        return "a * stands for the whole host, or for its first part: \"*.example.com\"";
    rule->kind = is_below ? HOST_BELOW : HOST_NAME;
    if (is_below ? !read_name(name + 1, name_bytes - 1, rule->host + 1)
                 : !read_name(name, name_bytes, rule->host))
        return "expected a host: a name (in its ASCII form), an address, a block of addresses, "
               "\"self\" or *";
    if (is_below)
        rule->host[0] = '.';
    return NULL;
}

static bool read_number(const char *text, size_t bytes, uint32_t *ret_port)
{
    char room[8];
    uint64_t number;
    if (bytes == 0 || bytes >= sizeof(room))
        return false;
    memcpy(room, text, bytes);
    room[bytes] = 0;
    if (!parse_count(room, &number) || number > UINT16_MAX)
        return false;
    *ret_port = (uint32_t)number;
    return true;
}

static const char *read_port(const char *text, size_t bytes, struct rule *rule)
{
    const char *wrong = "expected a port: a number, FROM..TO, or *";
    const char *slash = memchr(text, '/', bytes);
    if (slash != NULL) {
        if (slash + 1 != text + bytes)
            return "a rule has no path";
        bytes--;
    }
    if (bytes == 0) {
        rule->port_first = rule->port_last = known_port(rule->scheme);
        return rule->port_first != 0 ? NULL
                                     : "the scheme has no port of its own: expected "
                                       "SCHEME://HOST:PORT";
    }
    if (bytes == 1 && *text == '*') {
        rule->port_last = UINT16_MAX;
        return NULL;
    }
    for (size_t i = 0; i + 1 < bytes; i++) {
        uint32_t end;
        if (text[i] != '.' || text[i + 1] != '.')
            continue;
        if (!read_number(text, i, &rule->port_first) ||
            !read_number(text + i + 2, bytes - i - 2, &end))
            return wrong;
        /* TO does not belong to it. */
        rule->port_last = end == 0 ? 0 : end - 1;
        rule->port_first += end == 0;
        return NULL;
    }
    if (!read_number(text, bytes, &rule->port_first))
        return wrong;
    rule->port_last = rule->port_first;
    return NULL;
}

/* NULL, or what is wrong. */
static const char *read_rule(const char *text, struct rule *ret_rule)
{
    struct rule rule = {0};
    size_t bytes = strlen(text);
    while (bytes > 0 && (text[bytes - 1] == ' ' || text[bytes - 1] == '\t'))
        bytes--;
    for (; bytes > 0 && (*text == ' ' || *text == '\t'); text++)
        bytes--;
    if (bytes == 18 && memcmp(text, "insecure:allow-all", 18) == 0)
        return "to allow everything, write \"*://*:*\"";
    const char *at = strstr(text, "://");
    if (bytes > RULE_BYTES_MAX || at == NULL || at == text)
        return "expected SCHEME://HOST:PORT, such as \"https://example.com\" or \"*://*:*\"";
    size_t scheme_bytes = (size_t)(at - text);
    if (scheme_bytes > SCHEME_BYTES_MAX)
        return "the scheme is too long";
    if (scheme_bytes != 1 || *text != '*') {
        for (size_t i = 0; i < scheme_bytes; i++) {
            char low = text[i] | 0x20;
            if (low < 'a' || low > 'z')
                return "a scheme is letters, or *";
        }
        memcpy(rule.scheme, text, scheme_bytes);
    }
    const char *rest = at + 3, *end = text + bytes, *colon = NULL;
    for (const char *c = rest; c < end; c++)
        colon = *c == ':' ? c : colon;
    /* A v6 address without a port has colons too. */
    struct app_block block;
    if (colon != NULL && read_block(rest, (size_t)(end - rest), &block))
        colon = NULL;
    const char *host_end = colon == NULL ? end : colon;
    const char *port = colon == NULL ? end : colon + 1;
    const char *wrong = read_port(port, (size_t)(end - port), &rule);
    if (wrong == NULL)
        wrong = read_host(rest, (size_t)(host_end - rest), &rule);
    if (wrong == NULL)
        *ret_rule = rule;
    return wrong;
}

bool policy_rule_is_valid(const char *rule, char *ret_why, size_t size)
{
    struct rule parsed;
    const char *wrong = read_rule(rule, &parsed);
    if (wrong != NULL)
        snprintf(ret_why, size, "%s", wrong);
    return wrong == NULL;
}

struct policy *policy_create(struct arena *arena, const struct app *app,
                             const struct app_component *component)
{
    struct policy *policy = arena_get_zeroed(arena, 1, sizeof(*policy));
    struct rule *rules = arena_get_zeroed(arena, component->outbound.count + (size_t)1,
                                          sizeof(*rules));
    if (policy == NULL || rules == NULL)
        return NULL;
    policy->app = app;
    policy->component = component->id;
    policy->rules = rules;
    for (uint32_t i = 0; i < component->outbound.count; i++) {
        if (read_rule(component->outbound.items[i], &rules[policy->rule_count]) == NULL)
            policy->rule_count++;
    }
    return policy;
}

/* ---- Judging ----------------------------------------------------------------------------- */

/* A host as it was asked for. */
struct asked {
    char name[HOST_BYTES_MAX + 1]; /* "": an address */
    struct inet_address address;
};

static bool read_asked(const char *host, struct asked *asked)
{
    asked->name[0] = 0;
    if (address_parse_loose(host, strlen(host), &asked->address))
        return true;
    return read_name(host, strlen(host), asked->name);
}

static bool scheme_fits(const struct rule *rule, const char *scheme)
{
    return rule->scheme[0] == 0 || strcmp(rule->scheme, scheme) == 0;
}

static bool host_fits(const struct rule *rule, const struct asked *asked)
{
    size_t suffix = strlen(rule->host), bytes = strlen(asked->name);
    switch (rule->kind) {
    case HOST_ANY:
        return true;
    case HOST_SELF:
        return false;
    case HOST_NAME:
        return bytes > 0 && strcmp(rule->host, asked->name) == 0;
    case HOST_BELOW:
        return bytes > suffix && strcmp(asked->name + bytes - suffix, rule->host) == 0;
    case HOST_BLOCK:
        return bytes == 0 && address_in_block(&asked->address, &rule->block);
    }
    return false;
}

/* "id.spin.internal": the component, or APP_NONE. */
static uint32_t chained(const struct policy *policy, const char *name)
{
    size_t bytes = strlen(name), suffix = sizeof(chain_suffix) - 1;
    if (bytes <= suffix || strcmp(name + bytes - suffix, chain_suffix) != 0)
        return APP_NONE;
    for (uint32_t i = 0; i < policy->app->component_count; i++) {
        const char *id = policy->app->components[i].id;
        if (strlen(id) == bytes - suffix && strncmp(id, name, bytes - suffix) == 0)
            return i;
    }
    return APP_NONE;
}

static bool ends_chain(const char *name)
{
    size_t bytes = strlen(name), suffix = sizeof(chain_suffix) - 1;
    return bytes > suffix && strcmp(name + bytes - suffix, chain_suffix) == 0;
}

enum policy_answer policy_url(const struct policy *policy, const char *scheme, const char *host,
                              uint16_t port, uint32_t *ret_component)
{
    struct asked asked;
    bool is_self = host[0] == 0 || strcmp(host, "self") == 0 || strcmp(host, "self.alt") == 0;
    uint16_t number = port != 0 ? port : known_port(scheme);
    if (!is_self && !read_asked(host, &asked))
        return POLICY_REFUSED;
    for (uint32_t i = 0; i < policy->rule_count; i++) {
        const struct rule *rule = &policy->rules[i];
        if (!scheme_fits(rule, scheme))
            continue;
        if (is_self && (rule->kind == HOST_SELF || rule->kind == HOST_ANY))
            return POLICY_SELF;
        if (is_self || number < rule->port_first || number > rule->port_last ||
            !host_fits(rule, &asked))
            continue;
        if (!ends_chain(asked.name))
            return POLICY_ALLOWED;
        uint32_t component = chained(policy, asked.name);
        if (component == APP_NONE)
            return POLICY_REFUSED;
        if (ret_component != NULL)
            *ret_component = component;
        return POLICY_CHAIN;
    }
    return POLICY_REFUSED;
}

/* Whether a name is one that leads to private addresses by nature. */
static bool is_private_name(const char *name)
{
    static const char *const suffixes[] = {".localhost", ".local",     ".internal",
                                           ".lan",       ".home.arpa", ".test"};
    size_t bytes = strlen(name);
    if (bytes > 0 && strchr(name, '.') == NULL)
        return true;
    for (size_t i = 0; i < COUNT_OF(suffixes); i++) {
        size_t suffix = strlen(suffixes[i]);
        if (bytes > suffix && strcmp(name + bytes - suffix, suffixes[i]) == 0)
            return true;
    }
    return false;
}

bool policy_address(const struct policy *policy, const char *scheme, const char *host,
                    const struct inet_address *address)
{
    struct asked asked;
    if (address_in_blocks(address, policy->app->blocked))
        return false;
    if (!policy->app->block_private || !address_is_private(address))
        return true;
    if (!read_asked(host, &asked))
        return false;
    bool is_private = is_private_name(asked.name);
    for (uint32_t i = 0; i < policy->rule_count; i++) {
        const struct rule *rule = &policy->rules[i];
        if (!scheme_fits(rule, scheme) || address->port < rule->port_first ||
            address->port > rule->port_last)
            continue;
        if (rule->kind == HOST_BLOCK && address_in_block(address, &rule->block))
            return true;
        if (is_private && rule->kind == HOST_NAME && strcmp(rule->host, asked.name) == 0)
            return true;
    }
    return false;
}

bool policy_socket(const struct policy *policy, bool is_udp, const struct inet_address *address)
{
    const char *scheme = is_udp ? "udp" : "tcp";
    char text[ADDRESS_TEXT_BYTES];
    struct asked asked = {.address = *address};
    bool is_allowed = false;
    for (uint32_t i = 0; i < policy->rule_count && !is_allowed; i++) {
        const struct rule *rule = &policy->rules[i];
        is_allowed = scheme_fits(rule, scheme) && address->port >= rule->port_first &&
                     address->port <= rule->port_last && host_fits(rule, &asked);
    }
    address_print(address, text);
    return is_allowed && policy_address(policy, scheme, text, address);
}

const struct app_client_tls *policy_tls(const struct policy *policy, const char *host, uint16_t port)
{
    return client_tls_find(policy->app, policy->component, host, port);
}

/* ---- Rules for sockets ------------------------------------------------------------------- */

static const char *socket_rule(struct arena *arena, const struct rule *rule)
{
    char host[HOST_BYTES_MAX + 8], ports[24], text[HOST_BYTES_MAX + 40];
    if (rule->kind == HOST_BLOCK) {
        struct inet_address address = {.is_v6 = rule->block.is_v6};
        char ip[ADDRESS_TEXT_BYTES];
        memcpy(address.ip, rule->block.ip, sizeof(address.ip));
        address_print(&address, ip);
        snprintf(host, sizeof(host), "[%s/%u]", ip, rule->block.bits);
    } else {
        snprintf(host, sizeof(host), "%s", rule->kind == HOST_ANY ? "*" : rule->host);
    }
    if (rule->port_first == 0 && rule->port_last == UINT16_MAX)
        snprintf(ports, sizeof(ports), "*");
    else
        snprintf(ports, sizeof(ports), "%u-%u", rule->port_first, rule->port_last);
    int length = snprintf(text, sizeof(text), "%s:%s", host, ports);
    return length < 0 ? NULL : arena_copy_string(arena, text, (size_t)length);
}

struct app_texts policy_socket_rules(struct arena *arena, const struct policy *policy)
{
    struct app_texts texts = {0};
    const char **items =
        arena_get_zeroed(arena, policy->rule_count + (size_t)1, sizeof(*items));
    if (items == NULL)
        return texts;
    for (uint32_t i = 0; i < policy->rule_count; i++) {
        const struct rule *rule = &policy->rules[i];
        bool is_socket = scheme_fits(rule, "tcp") || scheme_fits(rule, "udp");
        bool is_sayable = rule->kind == HOST_ANY || rule->kind == HOST_NAME ||
                          rule->kind == HOST_BLOCK;
        if (!is_socket || !is_sayable || rule->port_first > rule->port_last)
            continue;
        items[texts.count] = socket_rule(arena, rule);
        if (items[texts.count] == NULL)
            break;
        texts.count++;
    }
    texts.items = items;
    return texts;
}
