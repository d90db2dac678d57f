/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a manifest: an application, which can be described, routed and asked for its regions,
 * or problems; nothing stays behind.
 */
#include <stdlib.h>
#include <string.h>

#include "app/app_describe.h"
#include "app/policy.h"
#include "app/region_route.h"
#include "app/routes.h"

static void use(struct alloc *root, const struct app *app)
{
    static const char *const paths[] = {"/", "/a/b", "/a.b/c/", "//", "/x/y/z"};
    struct routes *routes;
    struct route_match match;
    struct buf text;
    struct arena arena;
    buf_init(&text, root, (size_t)16 << 20);
    (void)!app_describe(app, NULL, &text);
    if (routes_create(root, app, &routes, NULL) == STINT_OK) {
        for (size_t i = 0; i < COUNT_OF(paths); i++) {
            if (routes_find(routes, "example.com:80", 14, paths[i], strlen(paths[i]), &match) &&
                match.http >= app->http_count)
                abort();
        }
        routes_free(routes);
    }
    struct region_request request = {.country = "KR", .continent = "", .authority = "x"};
    struct region_decision decision = region_decide(app, &request, NULL, &text);
    if (decision.region != APP_NONE && decision.region >= app->regions.count)
        abort();
    buf_free(&text);
    arena_init(&arena, root);
    for (uint32_t i = 0; i < app->component_count; i++) {
        struct policy *policy = policy_create(&arena, app, &app->components[i]);
        if (policy != NULL)
            (void)policy_url(policy, "http", "example.com", 80, NULL);
    }
    arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const environment[] = {"SPIN_VARIABLE_A=b", NULL};
    struct alloc root;
    struct app_problems problems;
    struct app *app = NULL;
    alloc_init(&root, NULL, NULL, (size_t)64 << 20);
    struct app_config config = {
        .alloc = &root, .path = "a/spin.toml", .environment = environment};
    app_problems_init(&problems, &root);
    enum stint_status status =
        app_read_text(&config, (const char *)data, size, &app, &problems);
    if ((status == STINT_OK) != (problems.errors == 0) || (status == STINT_OK) != (app != NULL))
        abort();
    if (app != NULL)
        use(&root, app);
    app_free(app);
    app_problems_free(&problems);
    if (atomic_load(&root.used_bytes) != 0)
        abort();
    return 0;
}
