/* SPDX-License-Identifier: Apache-2.0 */
/* Builds without libmaxminddb. */
#include "edge/geo_db.h"

enum stint_status geo_db_open(const char *path, struct geo_db **ret_db, struct stint_error *error)
{
    (void)ret_db;
    return error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                     "%s: this build reads no MaxMind DB files: libmaxminddb was missing", path);
}

struct geo_db *geo_db_retain(struct geo_db *db)
{
    return db;
}

void geo_db_release(struct geo_db *db)
{
    (void)db;
}

void geo_db_find(const struct geo_db *db, const struct inet_address *address,
                 struct geo_place *place)
{
    (void)db;
    (void)address;
    (void)place;
}

uint64_t geo_db_built_s(const struct geo_db *db)
{
    (void)db;
    return 0;
}
