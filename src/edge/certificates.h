/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates and ticket keys of listeners with TLS, for all workers. The plug-in libstint-tls.so is
 * loaded with the first. Belongs to the main thread; what certificates_tls gives is for all.
 *
 *     status = certificates_create(server, &log, &certificates);
 *     … once a second: certificates_tick(certificates, &log);  on SIGHUP: certificates_reload(…)
 *     certificates_free(certificates);                         once all workers are freed
 */
#ifndef EDGE_CERTIFICATES_H
#define EDGE_CERTIFICATES_H

#include "edge/edge_int.h"
#include "http/http_tls.h"

struct certificates;

/* Of the command line, else of the manifest. All files that are wrong are said in the log. */
MUST_CHECK enum stint_status certificates_create(const struct edge_server *server,
                                                 struct log_buffer *log,
                                                 struct certificates **ret_certificates);
struct http_tls *certificates_tls(struct certificates *certificates); /* NULL for NULL */
/* Reads files again that have changed, makes a new ticket key when it is due, and warns of
 * certificates that end soon. Accepts NULL, as those below. */
void certificates_tick(struct certificates *certificates, struct log_buffer *log);
/* Reads the files again; on a mistake in them what was there stays. */
void certificates_reload(struct certificates *certificates, struct log_buffer *log);
/* Appends a gauge of when they end, in Prometheus' text format; from any thread. */
void certificates_print(struct certificates *certificates, struct buf *out);
void certificates_free(struct certificates *certificates);

#endif
