/* SPDX-License-Identifier: Apache-2.0 */
/* A request that is another region's, or comes from one. Private to the files request*.c and worker.c. */
#ifndef EDGE_REQUEST_REGION_H
#define EDGE_REQUEST_REGION_H

#include "app/hop.h"
#include "app/region_route.h"
#include "edge/regions.h"
#include "edge/request.h"

struct http_call;
struct hop_peer;

/* Only of requests that are proxied, or were. */
struct request_region {
    bool is_hop; /* another server has proxied it here, and `hop` says for whom */
    struct hop hop;
    char hop_room[HOP_BYTES_MAX];
    /* Of one that is proxied from here: */
    uint32_t region;
    struct hop_peer *peer; /* NULL: it is not on its way (any more) */
    struct http_call *call;
    bool is_upload_done;
    bool has_failed[APP_REGIONS_MAX]; /* no connection could be made */
};

/* request_region.c: */

/* Makes request->region; false: memory is out. */
bool request_region_make(struct request *request);
/* Counts it, and keeps for the log what was done. */
void request_region_note(struct request *request, uint32_t region, enum region_how how);

/* request_hop.c: proxies it to the region, or answers why not. */
void request_hop_begin(struct request *request, uint32_t region);

#endif
