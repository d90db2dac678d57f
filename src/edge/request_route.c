/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/request.h"

#include <string.h>

bool request_route(struct request *request)
{
    const struct edge_app *app = request->app;
    const struct http_request *http = http_exchange_request(request->exchange);
    size_t path_bytes = strcspn(http->path, "?");
    if (!routes_find(app->routes, request->authority, strlen(request->authority), http->path, path_bytes,
                     &request->match))
        return false;
    request->route = &app->app->http[request->match.http];
    if (request->route->component != APP_NONE)
        request->component = &app->components[request->route->component];
    return true;
}

void request_route_to(struct request *request, uint32_t component)
{
    const struct http_request *http = http_exchange_request(request->exchange);
    routes_chain(http->path, strcspn(http->path, "?"), &request->match);
    request->component = &request->app->components[component];
}
