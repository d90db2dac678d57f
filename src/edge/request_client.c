/* SPDX-License-Identifier: Apache-2.0 */
/* Who asks, and where that is. */
#include <stdio.h>
#include <string.h>

#include "app/address.h"
#include "app/client.h"
#include "edge/request.h"

enum { VALUES_MAX = 16 }; /* of a header that comes more than once; the last ones count */

/* The values of a header, terminated, in `out`, which has room for all headers. */
static uint32_t find_values(const struct http_request *http, const char *name, struct buf *out,
                            const char *ret_values[VALUES_MAX])
{
    size_t name_bytes = strlen(name);
    uint32_t count = 0;
    for (size_t i = 0; i < http->header_count; i++) {
        const struct http_header *header = &http->headers[i];
        if (header->name_bytes != name_bytes || memcmp(header->name, name, name_bytes) != 0)
            continue;
        if (count == VALUES_MAX)
            memmove(ret_values, ret_values + 1, --count * sizeof(*ret_values));
        ret_values[count++] = (const char *)out->data + out->bytes;
        (void)buf_append(out, header->value, header->value_bytes);
        (void)buf_append_byte(out, '\0');
    }
    return count;
}

static void tell_dispute(struct request *request)
{
    if (atomic_exchange(&request->app->has_told_dispute, true))
        return;
    log_line(
        &request->worker->log, LOG_WARN, NULL, request->id,
        "a trusted proxy sends Forwarded and X-Forwarded-For that name different clients, so neither "
        "is believed: say in client_header of [application.tool.stint] which of them the proxies "
        "write, or have them remove the other");
}

static struct inet_address find_client(struct request *request, const struct http_request *http)
{
    const char *forwarded[VALUES_MAX], *x_forwarded_for[VALUES_MAX];
    struct app_blocks trusted = request->app->trusted;
    struct buf *scratch = &request->worker->scratch;
    struct inet_address client;
    size_t bytes = 0;
    if (trusted.count == 0 || !address_in_blocks(&http->peer, trusted))
        return address_unmapped(&http->peer);
    for (size_t i = 0; i < http->header_count; i++)
        bytes += http->headers[i].value_bytes + 1;
    buf_clear(scratch);
    if (!buf_reserve(scratch, bytes + 1))
        return address_unmapped(&http->peer);
    const struct client_headers headers = {
        .forwarded = forwarded,
        .forwarded_count = find_values(http, "forwarded", scratch, forwarded),
        .x_forwarded_for = x_forwarded_for,
        .x_forwarded_for_count = find_values(http, "x-forwarded-for", scratch, x_forwarded_for),
    };
    if (!client_find(&http->peer, trusted, request->app->app->server.client_header, &headers,
                     &client))
        tell_dispute(request);
    return client;
}

void request_locate(struct request *request)
{
    struct worker *worker = request->worker;
    request->client = find_client(request, http_exchange_request(request->exchange));
    geo_find(&worker->geo, &request->client, &request->geo);
}

void request_geo_headers(struct request *request,
                         void (*add)(struct request *, const char *, const char *))
{
    const struct geo_place *place = &request->geo;
    if (!request->component->app->has_geo_headers)
        return;
    if (place->country[0] != '\0') {
        add(request, "cf-ipcountry", place->country);
        add(request, "x-geo-country", place->country);
    }
    if (place->continent[0] != '\0')
        add(request, "x-geo-continent", place->continent);
    if (place->region[0] != '\0')
        add(request, "x-geo-region", place->region);
    if (place->city[0] != '\0')
        add(request, "x-geo-city", place->city);
    if (place->asn != 0) {
        (void)snprintf(request->asn, sizeof(request->asn), "%u", place->asn);
        add(request, "x-geo-asn", request->asn);
    }
}
