/* SPDX-License-Identifier: Apache-2.0 */
#include "services/redis_link.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "os/clock.h"
#include "os/plugin.h"

enum { PIECE_BYTES = 1 << 14, WORDS_MAX = 8 };
#define IDLE_NS UINT64_C(60000000000)

struct redis_link {
    struct idle_link idle;
    struct redis_url url;
    struct redis_reader *reader;
    struct net_stream stream;
};

const struct redis_api *redis_api(void)
{
    static _Atomic(const struct redis_api *) loaded;
    struct stint_error ignored = {0};
    const void *table;
    const struct redis_api *api = atomic_load_explicit(&loaded, memory_order_acquire);
    if (api != NULL)
        return api;
    if (plugin_table(REDIS_PLUGIN, REDIS_SYMBOL, REDIS_API_LEVEL, &table, &ignored) != STINT_OK)
        return NULL;
    atomic_store_explicit(&loaded, table, memory_order_release);
    return table;
}

/* ---- URLs -------------------------------------------------------------------------------- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent-encoded text, which may not hold NUL. */
static bool decode(const char *at, size_t bytes, char *to, size_t size)
{
    size_t count = 0;
    for (size_t i = 0; i < bytes; i++) {
        char c = at[i];
        if (c == '%') {
            int high = i + 2 < bytes ? hex_digit(at[i + 1]) : -1;
            int low = i + 2 < bytes ? hex_digit(at[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (char)(high * 16 + low);
            i += 2;
        }
        if (c == '\0' || count + 1 >= size)
            return false;
        to[count++] = c;
    }
    to[count] = '\0';
    return true;
}

static bool parse_user(const char *at, size_t bytes, struct redis_url *url)
{
    const char *colon = memchr(at, ':', bytes);
    size_t user = colon != NULL ? (size_t)(colon - at) : bytes;
    return decode(at, user, url->user, sizeof(url->user)) &&
           (colon == NULL ||
            decode(colon + 1, bytes - user - 1, url->password, sizeof(url->password)));
}

const char *redis_url_parse(const char *text, struct redis_url *ret_url)
{
    struct redis_url url;
    memset(&url, 0, sizeof(url)); /* its padding too: URLs are compared as bytes */
    url.has_tls = strncmp(text, "rediss://", 9) == 0;
    if (!url.has_tls && strncmp(text, "redis://", 8) != 0)
        return "it begins neither with redis:// nor with rediss://";
    text += url.has_tls ? 9 : 8;
    size_t authority = strcspn(text, "/?#"), start = 0;
    for (size_t i = 0; i < authority; i++) {
        if (text[i] == '@')
            start = i + 1; /* the last one: passwords hold others */
    }
    if (start > 0 && !parse_user(text, start - 1, &url))
        return "its user or password is not right";
    struct net_place place;
    memset(&place, 0, sizeof(place));
    if (!net_place_parse(text + start, authority - start, 6379, &place))
        return "its host or port is not right";
    snprintf(url.place.host, sizeof(url.place.host), "%s", place.host);
    url.place.port = place.port;
    text += authority;
    if (*text == '/')
        text++;
    for (; *text >= '0' && *text <= '9' && url.database < 100000; text++)
        url.database = url.database * 10 + (uint32_t)(*text - '0');
    if (strcmp(text, "#insecure") == 0)
        return "it says #insecure, and certificates are always checked: [[client_tls]] says by whom";
    if (*text != '\0' && *text != '?')
        return "what follows the host is no number of a database";
    *ret_url = url;
    return NULL;
}

/* ---- Words and replies ------------------------------------------------------------------- */

enum net_end redis_link_send(struct net_task *task, struct redis_link *link,
                             const struct redis_command *command)
{
    const struct redis_api *api = redis_api();
    size_t bytes = 0, total = 0;
    for (size_t i = 0; i < command->count && total <= REDIS_COMMAND_BYTES_MAX; i++)
        total += command->bytes[i] + 16;
    if (total > REDIS_COMMAND_BYTES_MAX)
        return net_fail(task, "the command is too large");
    char *text = api->format(command->count, command->words, command->bytes, &bytes);
    if (text == NULL)
        return net_fail(task, "out of memory for a command");
    enum net_end end = net_send(task, &link->url.place, &link->stream, text, bytes);
    api->format_free(text);
    return end;
}

enum net_end redis_link_receive(struct net_task *task, struct redis_link *link,
                                struct redis_reply **ret_reply)
{
    const struct redis_api *api = redis_api();
    uint8_t piece[PIECE_BYTES];
    size_t total = 0;
    for (;;) {
        struct redis_reply *reply = NULL;
        const char *why = "";
        size_t bytes = 0;
        if (!api->next(link->reader, &reply, &why))
            return net_fail(task, "%.64s:%u: this is not how Redis answers: %.64s",
                            link->url.place.host, link->url.place.port, why);
        if (reply != NULL) {
            *ret_reply = reply;
            return NET_DONE;
        }
        if (total > REDIS_REPLY_BYTES_MAX)
            return net_fail(task, "the result is too large");
        enum net_end end =
            net_receive(task, &link->url.place, &link->stream, piece, sizeof(piece), &bytes);
        if (end != NET_DONE)
            return end;
        total += bytes;
        if (!api->feed(link->reader, piece, bytes))
            return net_fail(task, "out of memory for a reply");
    }
}

enum net_end redis_link_ask(struct net_task *task, struct redis_link *link,
                            const struct redis_command *command, struct redis_reply **ret_reply)
{
    enum net_end end = redis_link_send(task, link, command);
    return end == NET_DONE ? redis_link_receive(task, link, ret_reply) : end;
}

enum net_end redis_link_say(struct net_task *task, struct redis_link *link,
                            const char *const *words, struct redis_reply **ret_reply)
{
    size_t bytes[WORDS_MAX];
    struct redis_command command = {words, bytes, 0};
    for (; command.count < WORDS_MAX && words[command.count] != NULL; command.count++)
        bytes[command.count] = strlen(words[command.count]);
    return redis_link_ask(task, link, &command, ret_reply);
}

/* ---- Opening ----------------------------------------------------------------------------- */

/* A command of the greeting; errors of the server end it. */
static enum net_end greet(struct net_task *task, struct redis_link *link, const char *const *words)
{
    struct redis_reply *reply;
    enum net_end end = redis_link_say(task, link, words, &reply);
    if (end != NET_DONE)
        return end;
    struct redis_view view = redis_api()->view(reply);
    if (view.kind == REDIS_KIND_ERROR)
        end = net_fail(task, "%.64s:%u: %.*s", link->url.place.host, link->url.place.port,
                       (int)(view.bytes < 96 ? view.bytes : 96), view.text);
    redis_api()->reply_free(reply);
    return end;
}

static enum net_end greet_all(struct net_task *task, struct redis_link *link)
{
    const struct redis_url *url = &link->url;
    char database[12];
    enum net_end end = NET_DONE;
    snprintf(database, sizeof(database), "%u", url->database);
    if (url->password[0] != '\0')
        end = greet(task, link,
                    url->user[0] != '\0'
                        ? (const char *const[]){"AUTH", url->user, url->password, NULL}
                        : (const char *const[]){"AUTH", url->password, NULL});
    if (end == NET_DONE && url->database != 0)
        end = greet(task, link, (const char *const[]){"SELECT", database, NULL});
    /* Says at once where a password is missing, and that Redis is who answers. */
    if (end == NET_DONE && url->password[0] == '\0' && url->database == 0)
        end = greet(task, link, (const char *const[]){"PING", NULL});
    return end;
}

enum net_end redis_link_open(struct net_task *task, const struct redis_url *url,
                             struct redis_link **ret_link)
{
    const struct redis_api *api = redis_api();
    if (api == NULL)
        return net_fail(task, "this server has no Redis");
    if (url->has_tls && url->tls == NULL)
        return net_fail(task, "this server has no TLS");
    struct redis_link *link = alloc_get_zeroed(&alloc_root, 1, sizeof(*link));
    if (link == NULL)
        return net_fail(task, "out of memory for a connection");
    link->url = *url;
    link->stream = NET_CLOSED;
    link->reader = api->reader_create();
    enum net_end end = link->reader == NULL
                           ? net_fail(task, "out of memory for a connection")
                           : net_connect(task, &url->place, url->tls, &link->stream);
    if (end == NET_DONE)
        end = greet_all(task, link);
    if (end == NET_DONE)
        *ret_link = link;
    else
        redis_link_free(link);
    return end;
}

void redis_link_free(struct redis_link *link)
{
    if (link == NULL)
        return;
    net_close(&link->stream);
    redis_api()->reader_free(link->reader);
    alloc_put(&alloc_root, link, sizeof(*link));
}

/* ---- The pool ---------------------------------------------------------------------------- */

static bool fits(const struct idle_link *link, const void *wanted)
{
    return memcmp(&((const struct redis_link *)link)->url, wanted, sizeof(struct redis_url)) == 0;
}

static bool is_quiet(const struct idle_link *link)
{
    return net_is_quiet(&((const struct redis_link *)link)->stream);
}

static void free_idle(struct idle_link *link)
{
    redis_link_free((struct redis_link *)link);
}

const struct link_kind redis_links = {fits, is_quiet, free_idle};

struct redis_link *redis_link_take(struct link_pool *pool, const struct redis_url *url,
                                   const void *owner)
{
    return (struct redis_link *)link_pool_take(pool, url, owner);
}

void redis_link_give(struct link_pool *pool, struct redis_link *link, const void *owner)
{
    link_pool_give(pool, &link->idle, owner, clock_now_ns(OS_CLOCK_MONOTONIC) + IDLE_NS);
}
