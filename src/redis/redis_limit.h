/* SPDX-License-Identifier: Apache-2.0 */
/* A server may announce lists of any length; hiredis would make room for them at once. */
#ifndef REDIS_REDIS_LIMIT_H
#define REDIS_REDIS_LIMIT_H

#include <hiredis/hiredis.h>

/* Lists of more than REDIS_ITEMS_MAX items are errors of this reader from now on. */
void redis_limit_reader(redisReader *reader);

#endif
