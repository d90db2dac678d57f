/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Before a request is served: whether this server answers for its host, by https alone, for another
 * region's server, or not at all because it belongs to another region. app/region_route.h decides the
 * latter; here it is done.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "app/address.h"
#include "edge/request_region.h"
#include "os/clock.h"

enum { LOCATION_BYTES_MAX = 1 << 17 };

static const char challenge_path[] = "/.well-known/acme-challenge/";
static const uint64_t second_ns = 1000000000;

static const struct http_header *find(const struct http_request *http, const char *name)
{
    const struct http_header *found = NULL;
    for (size_t i = 0; i < http->header_count; i++) {
        if (strcmp(http->headers[i].name, name) == 0)
            found = &http->headers[i];
    }
    return found;
}

/* What other regions ask here. */
static bool is_health_check(const struct request *request)
{
    const struct app_regions *all = &request->app->app->regions;
    const char *path = http_exchange_request(request->exchange)->path;
    if (all->here == APP_NONE || all->count == 0)
        return false;
    const char *health = all->items[all->here].health_path;
    return health[0] != '\0' && strcspn(path, "?") == strlen(health) &&
           strncmp(path, health, strlen(health)) == 0;
}

/* ---- From another server ----------------------------------------------------------------- */

bool request_region_make(struct request *request)
{
    if (request->region == NULL)
        request->region = alloc_get_zeroed(&alloc_root, 1, sizeof(*request->region));
    return request->region != NULL;
}

static uint32_t find_region(const struct app_regions *all, const char *name)
{
    for (uint32_t i = 0; i < all->count; i++) {
        if (strcmp(all->items[i].name, name) == 0)
            return i;
    }
    return APP_NONE;
}

static void copy(char *to, size_t room, const char *from)
{
    (void)snprintf(to, room, "%s", from);
}

/* What the first server knew goes before, where the databases of the two differ. */
static void take_place(struct request *request, const struct hop *hop)
{
    struct geo_place *place = &request->geo;
    request->client = hop->client;
    geo_find(&request->worker->geo, &request->client, place);
    if (hop->country[0] == '\0' || strcmp(hop->country, place->country) == 0)
        return;
    *place = (struct geo_place){.asn = hop->asn};
    copy(place->country, sizeof(place->country), hop->country);
    copy(place->continent, sizeof(place->continent), hop->continent);
    copy(place->region, sizeof(place->region), hop->region);
}

/* False: it was answered. A header that is not right is never passed over: two servers that do not know
 * each other's secret would send the request to and fro. */
static bool take_hop(struct request *request)
{
    const struct http_request *http = http_exchange_request(request->exchange);
    const struct app_regions *all = &request->app->app->regions;
    const struct http_header *header = find(http, HOP_HEADER);
    if (header == NULL || all->count == 0 || all->here == APP_NONE)
        return true;
    if (!request_region_make(request)) {
        request_answer(request, 503, "Out of memory");
        return false;
    }
    struct request_region *region = request->region;
    const struct hop_message message = {all->hop_secret, http->method, http->path};
    uint64_t now_s = clock_now_ns(OS_CLOCK_REALTIME) / second_ns;
    enum hop_verdict verdict =
        all->hop_secret[0] == '\0'
            ? HOP_FORGED
            : hop_read(header->value, header->value_bytes, &message, now_s, region->hop_room,
                       &region->hop);
    if (verdict != HOP_GOOD) {
        char peer[ADDRESS_TEXT_BYTES];
        address_print(&http->peer, peer);
        log_line(&request->worker->log, LOG_WARN, NULL, request->id,
                 "refused a request that %s has proxied here: %s", peer,
                 all->hop_secret[0] == '\0' ? "this server has no secret_file"
                                            : hop_verdict_text(verdict));
        request_answer(request, 403, "This server does not know who has proxied the request");
        return false;
    }
    region->is_hop = true;
    take_place(request, &region->hop);
    if (region->hop.host[0] != '\0')
        request->authority = region->hop.host;
    if (region->hop.scheme[0] != '\0')
        request->scheme = region->hop.scheme;
    uint32_t from = find_region(all, region->hop.from);
    if (from != APP_NONE)
        request_region_note(request, from, REGION_HOW_RECEIVED);
    return true;
}

/* ---- Hosts and https --------------------------------------------------------------------- */

static bool host_fits(const char *pattern, const char *host, size_t bytes)
{
    if (strncmp(pattern, "*.", 2) == 0) {
        const char *dot = memchr(host, '.', bytes);
        if (dot == NULL || dot == host)
            return false;
        bytes -= (size_t)(dot - host);
        host = dot;
        pattern++;
    }
    return strlen(pattern) == bytes && strncasecmp(pattern, host, bytes) == 0;
}

static size_t host_bytes(const char *authority)
{
    const char *end = strchr(authority, ']');
    const char *colon = strchr(end != NULL ? end : authority, ':');
    return colon != NULL ? (size_t)(colon - authority) : strlen(authority);
}

static bool answers_for_host(const struct request *request)
{
    const struct app_texts *hosts = &request->app->app->server.hosts;
    size_t bytes = host_bytes(request->authority);
    for (uint32_t i = 0; i < hosts->count; i++) {
        if (host_fits(hosts->items[i], request->authority, bytes))
            return true;
    }
    return hosts->count == 0;
}

/* As a browser asks on a connection that it has, because its certificate looked like one for this host. */
static bool is_misdirected(const struct request *request)
{
    char host[256];
    size_t bytes = host_bytes(request->authority);
    if (bytes == 0 || bytes >= sizeof(host))
        return false;
    memcpy(host, request->authority, bytes);
    host[bytes] = '\0';
    return http_is_misdirected(request->exchange, host);
}

/* Also where a trusted proxy says that the client came to it by https. */
static bool is_secure(const struct request *request, const struct http_request *http)
{
    if (strcmp(request->scheme, "https") == 0)
        return true;
    const struct http_header *proto = find(http, "x-forwarded-proto");
    return proto != NULL && address_in_blocks(&http->peer, request->app->trusted) &&
           proto->value_bytes == 5 && strncasecmp(proto->value, "https", 5) == 0;
}

static void redirect(struct request *request, unsigned status, const char *origin,
                     size_t origin_bytes, const char *port)
{
    const char *path = http_exchange_request(request->exchange)->path;
    static const char text[] = "It is over there.\n";
    struct buf location;
    buf_init(&location, &alloc_root, LOCATION_BYTES_MAX);
    (void)buf_append(&location, origin, origin_bytes);
    (void)buf_append_string(&location, port);
    if (!buf_append_string(&location, path) || location.failed) {
        request_answer(request, 503, "Out of memory");
    } else {
        const struct http_header headers[] = {
            {"location", (const char *)location.data, 8, (uint32_t)location.bytes},
            {"content-type", "text/plain; charset=utf-8", 12, 25},
            {"cache-control", "no-store", 13, 8},
        };
        request->is_responded = request->is_finished = true;
        request->answer = status;
        http_respond(request->exchange, status, headers, COUNT_OF(headers), sizeof(text) - 1);
        (void)http_write(request->exchange, text, sizeof(text) - 1);
        http_finish(request->exchange, NULL, 0);
    }
    buf_free(&location);
}

/* Whether the client was sent to https. */
static bool to_https(struct request *request)
{
    const struct edge_server *server = request->worker->server;
    const struct http_request *http = http_exchange_request(request->exchange);
    char port[8] = "", origin[300];
    if (!request->app->app->server.redirect_to_https || server->https_port == 0 ||
        is_secure(request, http) || request->authority[0] == '\0' || http->path[0] != '/' ||
        strncmp(http->path, challenge_path, strlen(challenge_path)) == 0)
        return false;
    int bytes = snprintf(origin, sizeof(origin), "https://%.*s",
                         (int)host_bytes(request->authority), request->authority);
    if (bytes < 0 || (size_t)bytes >= sizeof(origin))
        return false;
    if (server->https_port != 443)
        (void)snprintf(port, sizeof(port), ":%u", server->https_port);
    redirect(request, 308, origin, (size_t)bytes, port);
    return true;
}

bool request_region_enter(struct request *request)
{
    if (!take_hop(request))
        return false;
    bool is_hop = request->region != NULL && request->region->is_hop;
    if (is_hop || is_health_check(request))
        return true;
    if (!answers_for_host(request)) {
        request_answer(request, 421, "This server does not answer for that host");
        return false;
    }
    if (is_misdirected(request)) {
        request_answer(request, 421, "Another certificate is for that host: connect anew");
        return false;
    }
    return !to_https(request);
}

/* ---- To another region ------------------------------------------------------------------- */

void request_region_note(struct request *request, uint32_t region, enum region_how how)
{
    request->region_name = request->app->app->regions.items[region].name;
    request->region_how = region_how_text(how);
    atomic_fetch_add_explicit(&request->app->regions[region]->requests[how], 1,
                              memory_order_relaxed);
}

/* A request that was here before, although its header is lost: a proxy in between took it away. */
static bool was_here(const struct request *request)
{
    const struct http_request *http = http_exchange_request(request->exchange);
    const struct app_regions *all = &request->app->app->regions;
    char own[128];
    int bytes = snprintf(own, sizeof(own), "1.1 stint-%s", all->items[all->here].name);
    for (size_t i = 0; i < http->header_count; i++) {
        const struct http_header *header = &http->headers[i];
        if (strcmp(header->name, "via") == 0 && bytes > 0 &&
            memmem(header->value, header->value_bytes, own, (size_t)bytes) != NULL)
            return true;
    }
    return false;
}

static void refuse(struct request *request, const struct region_decision *decision)
{
    const struct app_regions *all = &request->app->app->regions;
    uint32_t home = decision->home != APP_NONE ? decision->home : all->here;
    uint64_t interval_s = all->items[home].health_interval_ns / second_ns;
    request->retry_after_s = interval_s < 1 ? 1 : interval_s > 3600 ? 3600 : (uint32_t)interval_s;
    request_region_note(request, home, REGION_HOW_REFUSED);
    request_answer(request, 503, "No region that may answer this is available");
}

static void proxy(struct request *request, uint32_t region)
{
    if (was_here(request)) {
        log_line(&request->worker->log, LOG_ERROR, NULL, request->id,
                 "refused a request that this server has proxied before: something between the "
                 "regions takes the header " HOP_HEADER " away");
        request_answer(request, 508, "The request goes in a circle");
        return;
    }
    request_hop_begin(request, region);
}

bool request_region_elsewhere(struct request *request)
{
    const struct app *app = request->app->app;
    bool healthy[APP_REGIONS_MAX];
    if (app->regions.count == 0 || app->regions.here == APP_NONE)
        return false;
    const struct region_request asked = {
        .country = request->geo.country,
        .continent = request->geo.continent,
        .client = client_key(&request->client),
        .component = request->component != NULL ? request->component->app : NULL,
        .authority = request->authority,
        .path = http_exchange_request(request->exchange)->path,
        .is_hop = (request->region != NULL && request->region->is_hop) || request->depth > 0};
    regions_healthy(request->app, healthy);
    for (uint32_t i = 0; request->region != NULL && i < app->regions.count; i++)
        healthy[i] &= !request->region->has_failed[i];
    const struct region_decision decision = region_decide(app, &asked, healthy, NULL);
    switch (decision.action) {
    case REGION_SERVE:
        if (!asked.is_hop && !is_health_check(request))
            request_region_note(request, decision.region, REGION_HOW_SERVED);
        return false;
    case REGION_PROXY:
        proxy(request, decision.region);
        break;
    case REGION_REDIRECT: {
        const char *url = app->regions.items[decision.region].url;
        request_region_note(request, decision.region, REGION_HOW_REDIRECTED);
        redirect(request, 307, url, strlen(url), "");
        break;
    }
    case REGION_REFUSE:
        refuse(request, &decision);
        break;
    }
    return true;
}

bool request_region_health(struct request *request)
{
    const struct edge_app *app = request->app;
    bool is_ready = true;
    if (!is_health_check(request))
        return false;
    for (uint32_t i = 0; i < app->app->component_count; i++)
        is_ready &= app->components[i].guest != NULL;
    request_answer(request, is_ready ? 200 : 503,
                   is_ready ? "This region is ready" : "Some components are not available");
    return true;
}

void request_region_log(struct request *request, struct buf *out)
{
    if (request->region_name == NULL)
        return;
    (void)buf_append_string(out, ",\"region\":\"");
    (void)buf_append_string(out, request->region_name);
    (void)buf_append_string(out, "\",\"how\":\"");
    (void)buf_append_string(out, request->region_how);
    (void)buf_append_byte(out, '"');
    if (request->region != NULL && request->region->is_hop) {
        const char *id = request->region->hop.id;
        (void)buf_append_string(out, ",\"hop_id\":\"");
        (void)log_json_text(out, id, strlen(id));
        (void)buf_append_byte(out, '"');
    }
}
