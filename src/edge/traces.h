/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Spans on their way to a collector: OTLP over HTTP, in JSON. Whoever has a span puts it into a queue; a
 * thread of its own sends what is there in batches. What finds the queue full is dropped and counted, so
 * nobody waits for the collector.
 *
 *     status = traces_config_create(app, &log, &config);   what the environment and the manifest say
 *     status = traces_create(&server->log, config, &traces);
 *     … if (traces_samples(traces, id, parent)) … traces_add(traces, json, bytes);
 *     traces_configure(traces, other_config);              from then on
 *     traces_free(traces);                                 sends what is there, for a while
 */
#ifndef EDGE_TRACES_H
#define EDGE_TRACES_H

#include <stdatomic.h>

#include "app/app.h"
#include "edge/log.h"
#include "http/http_client.h"

struct traces;

enum { TRACES_ID_BITS = 56 }; /* of a trace's id, its last ones: those that are random */

struct traces_config {
    atomic_uint references;
    struct arena arena;
    const char *endpoint; /* "": nothing is sent */
    bool ignores_parents;
    uint64_t threshold; /* ids from here on are sampled; 1 << TRACES_ID_BITS: none is */
    struct http_client_header *headers;
    size_t header_count;
    const char *resource; /* its attributes in JSON, with commas between */
    size_t resource_bytes;
    uint64_t batch, queue; /* spans */
    uint64_t interval_ns, timeout_ns;
};

/* The environment (OTEL_*) goes before the manifest. What is wrong is said in the log: in the environment
 * it is left out, as its specification wants it; elsewhere it is STINT_INVALID or STINT_IO. */
MUST_CHECK enum stint_status traces_config_create(const struct app *app, struct log_buffer *log,
                                                  struct traces_config **ret_config);
void traces_config_release(struct traces_config *config); /* accepts NULL */

/* Takes `config` over, also on failure: that there is no plug-in to send by. */
MUST_CHECK enum stint_status traces_create(struct log *log, struct traces_config *config,
                                           struct traces **ret_traces, struct stint_error *error);
/* Whether traces_configure will work. */
MUST_CHECK enum stint_status traces_prepare(struct traces *traces,
                                            const struct traces_config *config,
                                            struct stint_error *error);
MUST_CHECK enum stint_status traces_configure(struct traces *traces, struct traces_config *config,
                                              struct stint_error *error);
void traces_free(struct traces *traces); /* accepts NULL */

enum traces_parent { TRACES_NO_PARENT, TRACES_PARENT_DROPPED, TRACES_PARENT_SAMPLED };
/* Whether the trace whose id ends with these bits is recorded here. */
bool traces_samples(const struct traces *traces, uint64_t id, enum traces_parent parent);

/* A span as an object of JSON. */
void traces_add(struct traces *traces, const void *json, size_t bytes);

/* Appends metrics in Prometheus' text format. */
void traces_print(struct traces *traces, struct buf *out);

#endif
