/* SPDX-License-Identifier: Apache-2.0 */
/* What the listeners of the monitor's thread share: answers that are there at once, and bearer tokens. */
#ifndef EDGE_MONITOR_HTTP_H
#define EDGE_MONITOR_HTTP_H

#include "base/buf.h"
#include "edge/log.h"
#include "http/http_server.h"

enum { MONITOR_TOKEN_BYTES_MAX = 4096, MONITOR_TEXT_BYTES_MAX = 64 << 20 };

/* ---- Tokens ------------------------------------------------------------------------------ */

struct monitor_token {
    char text[MONITOR_TOKEN_BYTES_MAX];
    size_t bytes; /* 0: none is asked for */
};

/* The text of the file without white space at its end; "" for `path` is no token. False: it was said in
 * the log, where `what` is what the token is of. */
MUST_CHECK bool monitor_token_read(struct monitor_token *token, const char *path, const char *what,
                                   struct log_buffer *log);
/* Whether the request has it, or none is asked for. */
bool monitor_token_is_given(const struct monitor_token *token, const struct http_request *http);

/* ---- Answers ----------------------------------------------------------------------------- */

/* An answer on its way, which the exchange's `user` is. */
struct monitor_answer {
    struct buf text;      /* its body … */
    const uint8_t *fixed; /* … unless this is: it stays */
    size_t fixed_bytes, sent;
};

/* NULL: memory is out, and the exchange was broken off. */
struct monitor_answer *monitor_answer_begin(struct http_exchange *exchange);
/* Sends it. */
void monitor_answer_send(struct http_exchange *exchange, unsigned status,
                         const struct http_header *headers, size_t header_count);

/* For struct http_handler. */
void monitor_on_readable(void *env, struct http_exchange *exchange);
void monitor_on_writable(void *env, struct http_exchange *exchange);
void monitor_on_answered(void *env, struct http_exchange *exchange);

#endif
