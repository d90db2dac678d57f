/* SPDX-License-Identifier: Apache-2.0 */
/* wasi:http/outgoing-handler. */
#include "wasi/p2_http_int.h"

void p2_future_response_end(struct wasi_p2 *wasi, struct p2_object *object)
{
    (void)wasi;
    (void)object;
}
