/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "redis/redis_api.h"
#include "redis/redis_limit.h"

static char *format(size_t count, const char *const *words, const size_t *bytes, size_t *ret_bytes)
{
    char *command = NULL;
    const char **argv = (const char **)(uintptr_t)words;
    long long length = count <= REDIS_ITEMS_MAX
                           ? (long long)redisFormatCommandArgv(&command, (int)count, argv, bytes)
                           : -1;
    if (length < 0)
        return NULL;
    *ret_bytes = (size_t)length;
    return command;
}

static void format_free(char *command)
{
    if (command != NULL)
        redisFreeCommand(command);
}

static struct redis_reader *reader_create(void)
{
    redisReader *reader = redisReaderCreate();
    if (reader != NULL)
        redis_limit_reader(reader);
    return (struct redis_reader *)reader;
}

static void reader_free(struct redis_reader *reader)
{
    if (reader != NULL)
        redisReaderFree((redisReader *)reader);
}

static bool feed(struct redis_reader *reader, const void *data, size_t bytes)
{
    return redisReaderFeed((redisReader *)reader, data, bytes) == REDIS_OK;
}

static bool next(struct redis_reader *reader, struct redis_reply **ret_reply, const char **ret_why)
{
    redisReader *from = (redisReader *)reader;
    void *reply = NULL;
    if (redisReaderGetReply(from, &reply) != REDIS_OK) {
        *ret_why = from->errstr;
        return false;
    }
    *ret_reply = reply;
    return true;
}

static void reply_free(struct redis_reply *reply)
{
    if (reply != NULL)
        freeReplyObject(reply);
}

static struct redis_view view(const struct redis_reply *reply)
{
    const redisReply *from = (const redisReply *)reply;
    struct redis_view to = {.kind = REDIS_KIND_NIL};
    switch (from != NULL ? from->type : REDIS_REPLY_NIL) {
    case REDIS_REPLY_INTEGER:
        to.kind = REDIS_KIND_INTEGER;
        to.integer = from->integer;
        return to;
    case REDIS_REPLY_ARRAY:
        to.kind = REDIS_KIND_LIST;
        to.bytes = from->elements;
        return to;
    case REDIS_REPLY_STRING:
        to.kind = REDIS_KIND_BYTES;
        break;
    case REDIS_REPLY_STATUS:
        to.kind = REDIS_KIND_STATUS;
        break;
    case REDIS_REPLY_ERROR:
        to.kind = REDIS_KIND_ERROR;
        break;
    default:
        return to;
    }
    to.text = from->str;
    to.bytes = (size_t)from->len;
    return to;
}

static const struct redis_reply *item(const struct redis_reply *reply, size_t index)
{
    return (const struct redis_reply *)((const redisReply *)reply)->element[index];
}

#define TEXT_OF(number) #number
#define VERSION_TEXT(major, minor) "hiredis " TEXT_OF(major) "." TEXT_OF(minor)

__attribute__((visibility("default"))) const void *stint_redis_api(void);

const void *stint_redis_api(void)
{
    static const struct redis_api api = {
        .version = REDIS_API_LEVEL,
        .description = VERSION_TEXT(HIREDIS_MAJOR, HIREDIS_MINOR),
        .format = format,
        .format_free = format_free,
        .reader_create = reader_create,
        .reader_free = reader_free,
        .feed = feed,
        .next = next,
        .reply_free = reply_free,
        .view = view,
        .item = item,
    };
    /* Before other threads make readers. */
    reader_free(reader_create());
    return &api;
}
