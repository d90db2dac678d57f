/* SPDX-License-Identifier: Apache-2.0 */
/* For hiredis 1, which has a limit of its own. */
#include "redis/redis_limit.h"

#include "redis/redis_api.h"

void redis_limit_reader(redisReader *reader)
{
    reader->maxelements = REDIS_ITEMS_MAX;
}
