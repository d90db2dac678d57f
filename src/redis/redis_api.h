/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libstint-redis.so: the protocol of Redis, by hiredis, behind a narrow table. The server loads it with
 * dlopen when something first needs Redis, and finds this one symbol:
 *
 *   const void *stint_redis_api(void);   a struct redis_api
 *
 * It reads and writes bytes in memory only: sockets are whose who uses it, so that nothing here waits.
 */
#ifndef REDIS_REDIS_API_H
#define REDIS_REDIS_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REDIS_PLUGIN "libstint-redis.so"
#define REDIS_SYMBOL "stint_redis_api"
enum { REDIS_API_LEVEL = 1 };
enum { REDIS_ITEMS_MAX = 1 << 20 }; /* of one list in a reply; more are a failure */

struct redis_reader;
struct redis_reply;

enum redis_kind {
    REDIS_KIND_NIL,
    REDIS_KIND_INTEGER,
    REDIS_KIND_BYTES,
    REDIS_KIND_STATUS, /* "OK" */
    REDIS_KIND_ERROR,  /* "ERR …" */
    REDIS_KIND_LIST,
};

struct redis_view {
    enum redis_kind kind;
    int64_t integer;
    const char *text; /* BYTES, STATUS, ERROR; valid as long as the reply */
    size_t bytes;     /* … or of LIST the number of items */
};

struct redis_api {
    uint32_t version; /* REDIS_API_LEVEL */
    const char *description;

    /* A command as it goes over the wire; NULL: no memory. */
    char *(*format)(size_t count, const char *const *words, const size_t *bytes,
                    size_t *ret_bytes);
    void (*format_free)(char *command); /* accepts NULL */

    struct redis_reader *(*reader_create)(void); /* NULL: no memory */
    void (*reader_free)(struct redis_reader *reader); /* accepts NULL */
    /* Bytes that came from the server. False: no memory. */
    bool (*feed)(struct redis_reader *reader, const void *data, size_t bytes);
    /* The next reply, or NULL: it is not whole yet. False: `ret_why` says what is wrong with it. */
    bool (*next)(struct redis_reader *reader, struct redis_reply **ret_reply,
                 const char **ret_why);
    void (*reply_free)(struct redis_reply *reply); /* accepts NULL */
    struct redis_view (*view)(const struct redis_reply *reply);
    const struct redis_reply *(*item)(const struct redis_reply *reply, size_t index);
};

#endif
