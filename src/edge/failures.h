/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last guests that did not end well, for people who look at the admin page. Any thread adds to it;
 * texts are copied, and cut where they are too long.
 */
#ifndef EDGE_FAILURES_H
#define EDGE_FAILURES_H

#include "edge/edge_int.h"

enum { FAILURES_MAX = 50, FAILURE_NAME_BYTES = 128, FAILURE_BACKTRACE_BYTES = 4096 };

struct failure {
    uint64_t number;  /* from 1 */
    uint64_t unix_ns;
    const char *kind; /* "trap", …: of metrics_failure_name; stays */
    char component[FAILURE_NAME_BYTES], route[FAILURE_NAME_BYTES];
    char request[24]; /* its id */
    char message[STINT_ERROR_MESSAGE_BYTES];
    char backtrace[FAILURE_BACKTRACE_BYTES]; /* lines; "": there is none */
};

struct failures;

bool failures_create(struct failures **ret_failures);
void failures_free(struct failures *failures); /* accepts NULL */
struct request;
/* `backtrace` may be NULL. */
void failures_add(struct failures *failures, const struct request *request, const char *message,
                  const struct buf *backtrace);
/* How many there were ever. */
uint64_t failures_count(struct failures *failures);
/* A copy of the one with this number; false: it is too long ago, or was not yet. */
bool failures_get(struct failures *failures, uint64_t number, struct failure *ret_failure);

#endif
