/* SPDX-License-Identifier: Apache-2.0 */
/* The last times that the application was loaded, or could not be: what was deployed when. Thread-safe. */
#ifndef EDGE_VERSIONS_H
#define EDGE_VERSIONS_H

#include "edge/edge_int.h"

enum { VERSIONS_MAX = 30, VERSION_TEXT_BYTES = 2048 };

struct version {
    uint64_t attempt; /* its number, from 1 */
    uint64_t number;  /* of the version, from 1; 0: it could not be loaded */
    uint64_t unix_ns;
    uint32_t components, down; /* how many; of those, not loaded */
    char text[VERSION_TEXT_BYTES]; /* which components changed; or why it could not be loaded */
};

struct versions;

bool versions_create(struct versions **ret_versions);
void versions_free(struct versions *versions); /* accepts NULL */
/* This is served from now on. */
void versions_loaded(struct versions *versions, const struct edge_app *app);
/* What was said of a version that is not served. */
void versions_failed(struct versions *versions, const struct buf *why);
/* How many attempts there were. */
uint64_t versions_count(struct versions *versions);
/* False: it is too long ago. */
bool versions_get(struct versions *versions, uint64_t attempt, struct version *ret_version);

#endif
