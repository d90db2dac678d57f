/* SPDX-License-Identifier: Apache-2.0 */
/* Private to wasi:http: tells who watches (wasi_p2_config.watch) of a guest's requests. */
#ifndef WASI_P2_HTTP_WATCH_H
#define WASI_P2_HTTP_WATCH_H

#include "wasi/host_http.h"
#include "wasi/p2_http_int.h"

struct p2_watched;

/* What watches a request from here on; NULL: nobody does, or memory is out. p2_watch_end ends it. */
struct p2_watched *p2_watch_begin(struct wasi_p2 *wasi, const struct wasi_p2_call *call,
                                  const struct p2_field_list *headers);
/* The headers that go out, in `to`, which has room for two more than `from` has; their number. They stay
 * as long as both. `watched` may be NULL. */
size_t p2_watch_headers(const struct p2_watched *watched, const struct p2_field_list *from,
                        struct http_client_header *to);
/* As host_http_request.ended; `env` is the struct p2_watched. */
void p2_watch_end(void *env, const struct host_http_end *end);
/* Of a request that did not begin. `code`: 1 + the case of error-code. */
void p2_watch_refused(struct wasi_p2 *wasi, const struct wasi_p2_call *call, uint8_t code);

#endif
