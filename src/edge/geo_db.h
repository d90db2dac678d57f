/* SPDX-License-Identifier: Apache-2.0 */
/* One MaxMind DB file. It is copied into memory that nobody else can write or cut short, so whatever
 * happens to the file later does not matter. Thread-safe once it is open. */
#ifndef EDGE_GEO_DB_H
#define EDGE_GEO_DB_H

#include "edge/geo.h"

struct geo_db;

/* With one reference. Errors name the file. */
MUST_CHECK enum stint_status geo_db_open(const char *path, struct geo_db **ret_db,
                                         struct stint_error *error);
struct geo_db *geo_db_retain(struct geo_db *db);
void geo_db_release(struct geo_db *db); /* accepts NULL */
/* Fills what `place` does not have yet. */
void geo_db_find(const struct geo_db *db, const struct inet_address *address,
                 struct geo_place *place);
uint64_t geo_db_built_s(const struct geo_db *db); /* since 1970 */

#endif
