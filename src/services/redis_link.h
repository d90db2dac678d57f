/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections to Redis servers, for the fiber of a guest or of a trigger:
 *
 *     why = redis_url_parse("redis://user:password@host:6379/0", &url);      NULL: it is right
 *     url.tls = …                                                            where url.has_tls says so
 *     end = redis_link_open(&task, &url, &link);
 *     end = redis_link_ask(&task, link, &command, &reply);                   errors are replies
 *     redis_api()->reply_free(reply);
 *     redis_link_free(link);
 *
 * After anything but NET_DONE a link is only to be freed. Messages never hold passwords.
 */
#ifndef SERVICES_REDIS_LINK_H
#define SERVICES_REDIS_LINK_H

#include "redis/redis_api.h"
#include "services/link_pool.h"
#include "services/service_net.h"

enum { REDIS_COMMAND_BYTES_MAX = 128 << 20, REDIS_REPLY_BYTES_MAX = 128 << 20 };

/* Zeroed where nothing is, so that equal ones have equal bytes. */
struct redis_url {
    struct net_place place;
    char user[128], password[512]; /* "": none */
    uint32_t database;
    bool has_tls;         /* rediss:// */
    struct http_tls *tls; /* then: what it goes by (service_tls.h), which is whose opens it to say */
};

/* NULL, or what is wrong with it, in words without its parts. */
const char *redis_url_parse(const char *text, struct redis_url *ret_url);

/* NULL: this server has no Redis. */
const struct redis_api *redis_api(void);

struct redis_link;

struct redis_command {
    const char *const *words;
    const size_t *bytes;
    size_t count;
};

/* Connected, known to the server by user and password, and at its database. */
MUST_CHECK enum net_end redis_link_open(struct net_task *task, const struct redis_url *url,
                                        struct redis_link **ret_link);
void redis_link_free(struct redis_link *link); /* accepts NULL */

MUST_CHECK enum net_end redis_link_send(struct net_task *task, struct redis_link *link,
                                        const struct redis_command *command);
/* The next reply, which is the caller's. */
MUST_CHECK enum net_end redis_link_receive(struct net_task *task, struct redis_link *link,
                                           struct redis_reply **ret_reply);
/* Both. */
MUST_CHECK enum net_end redis_link_ask(struct net_task *task, struct redis_link *link,
                                       const struct redis_command *command,
                                       struct redis_reply **ret_reply);
/* The same for words of text; the last is NULL. */
MUST_CHECK enum net_end redis_link_say(struct net_task *task, struct redis_link *link,
                                       const char *const *words, struct redis_reply **ret_reply);

/* ---- Links that wait for who needs one next ---------------------------------------------- */

extern const struct link_kind redis_links;
/* One that is open and fine, to this URL and of this owner; NULL: there is none. */
struct redis_link *redis_link_take(struct link_pool *pool, const struct redis_url *url,
                                   const void *owner);
/* A link on which no reply is awaited and which is as it was when it was opened. */
void redis_link_give(struct link_pool *pool, struct redis_link *link, const void *owner);

#endif
