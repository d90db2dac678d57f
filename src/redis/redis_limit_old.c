/* SPDX-License-Identifier: Apache-2.0 */
/* For hiredis 0.14, which has no limit, but lets others make its lists. */
#include <stddef.h>

#include "redis/redis_api.h"
#include "redis/redis_limit.h"

static void *create_array(const redisReadTask *task, int elements);

/* Whether it was filled does not matter: everybody fills in the same. */
static redisReplyObjectFunctions limited;
static void *(*create_any)(const redisReadTask *, int);

static void *create_array(const redisReadTask *task, int elements)
{
    return elements <= REDIS_ITEMS_MAX ? create_any(task, elements) : NULL;
}

void redis_limit_reader(redisReader *reader)
{
    if (create_any == NULL) {
        limited = *reader->fn;
        limited.createArray = create_array;
        create_any = reader->fn->createArray;
    }
    reader->fn = &limited;
}
