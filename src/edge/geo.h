/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where clients are, from MaxMind DB files. Files that change are read again; a broken one is said in
 * the log, and what was read before stays.
 *
 *     status = geo_create(paths, count, log, &geo);        NULL without files
 *     geo_reader_init(&reader, geo);                       one a thread
 *     geo_find(&reader, &address, &place);
 *     geo_refresh(geo, log);                               now and then, in one thread
 *     geo_reader_free(&reader); geo_free(geo);
 */
#ifndef EDGE_GEO_H
#define EDGE_GEO_H

#include "edge/log.h"
#include "os/inet.h"

enum { GEO_CITY_BYTES = 64 };

/* Texts are terminated, and "" where unknown; 0 is an unknown ASN. */
struct geo_place {
    char country[3];   /* "KR" */
    char continent[3]; /* "AS" */
    char region[4];    /* the part of ISO 3166-2 behind the country: "11" */
    char city[GEO_CITY_BYTES]; /* its English name, UTF-8 */
    uint32_t asn;
};

struct geo;
struct geo_set;
struct geo_cached;

/* A thread's own way to it. */
struct geo_reader {
    struct geo *geo; /* NULL: nothing is known of anyone */
    struct geo_set *set;
    uint32_t version;
    struct geo_cached *cache;
};

/* All files that cannot be used are said in the log; then STINT_IO or STINT_INVALID. */
MUST_CHECK enum stint_status geo_create(const char *const *paths, size_t count,
                                        struct log_buffer *log, struct geo **ret_geo);
struct geo *geo_retain(struct geo *geo); /* accepts NULL, as geo_free */
void geo_free(struct geo *geo);          /* once for each reference, after its readers */
/* Reads files again that have changed. */
void geo_refresh(struct geo *geo, struct log_buffer *log);

void geo_reader_init(struct geo_reader *reader, struct geo *geo);
void geo_reader_free(struct geo_reader *reader);
void geo_find(struct geo_reader *reader, const struct inet_address *address,
              struct geo_place *ret_place);

struct geo_file_state {
    const char *path;
    uint64_t built_s, reloads, failures;
};
/* Of the file with this number; false: there is none. */
bool geo_file_state(struct geo *geo, size_t number, struct geo_file_state *ret_state);

#endif
