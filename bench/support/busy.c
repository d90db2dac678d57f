/* SPDX-License-Identifier: Apache-2.0 */
/* A handler of wasi:http that computes for about a quarter of a millisecond. */
#include "stint_http.h"

enum { STEPS = 200000 };

void http_handle(struct http_request *request, struct http_response *response)
{
    volatile unsigned x = 1;
    (void)request;
    for (int i = 0; i < STEPS; i++)
        x = x * 1664525u + 1013904223u;
    http_respond(response, 200, GUEST_TEXT("text/plain"), GUEST_TEXT("done\n"));
}
