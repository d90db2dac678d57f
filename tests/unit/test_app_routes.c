/* SPDX-License-Identifier: Apache-2.0 */
#include "app/routes.h"

#include "app_check.h"

struct row {
    const char *routes; /* with | between them; each is its own component c0, c1, … */
    const char *path;
    int want; /* which route; -1: none */
    const char *path_info;
};

/* Those with a comment are where one might think otherwise. */
static const struct row rows[] = {
    {"/foo|/foo/bar", "/foo", 0, ""},
    {"/foo|/foo/bar", "/foo/bar", 1, ""},
    {"/foo|/foo/bar", "/foo/bar/", 1, ""}, /* a slash at the end is no other path */
    {"/foo|/foo/bar", "//foo", 0, ""},
    {"/foo|/foo/bar", "/foo//bar", -1, NULL}, /* but in between it is */
    {"/foo|/foo/bar", "/fo", -1, NULL},
    {"/...", "/foo/bar", 0, "/foo/bar"},
    {"/...", "/abc/", 0, "/abc/"},
    {"/...", "/", 0, "/"},
    {"/...", "", 0, ""},
    {"/*", "/x", 0, "/x"},
    {"/one/...|/one/two/...|/one/two/three/...", "/one/two/three/four", 2, "/four"},
    {"/one/two/three/...|/one/two/...|/one/...", "/one/two/three/four", 0, "/four"},
    {"/one|/...", "/one", 0, ""},
    {"/...|/one", "/one", 1, ""},
    {"/test/...", "/test", 0, ""},
    {"/test/...", "/test/", 0, "/"},
    {"/test/...", "/test/hello/", 0, "/hello/"},
    {"/test/...", "/testing", -1, NULL},
    {"/1/:two/3", "/1/2/3", 0, ""},
    {"/1/:two/3", "/1/2/4", -1, NULL},
    {"/1/:two/...", "/1/2/3", 0, "/3"},
    {"/1/:two", "/1/", -1, NULL},
    {"/:a/x|/b/:c", "/b/x", 1, ""}, /* from the left: an exact step goes first */
    {"/:a|/...", "/b", 0, ""},
    {"/:a|/...", "/b/c", 1, "/b/c"},
    {"/a/:b|/a/...", "/a/b", 0, ""},
    {"/:x.json|/:x", "/a.json", 0, ""},
    {"/:x.json|/:x", "/a.xml", 1, ""},
    {"/:x.json", "/a/b.json", -1, NULL},
    {"/v1.2/:x", "/v1.2/y", 0, ""},
    {"/a/.well-known/x", "/a/.well-known/x", 0, ""},
    {"/.well-known/acme/...|/...", "/.well-known/acme/1", 0, "/1"},
    {"/|/...", "/", 0, ""},
    {"/|/...", "/x", 1, "/x"},
    {"/a|/a", "/a", 1, ""},       /* of the same route the last */
    {"/:a|/:b", "/x", 0, ""},     /* of equal ones the first */
    {"/a/", "/a", 0, ""},
    {"a", "/a", 0, ""},
    {"/A", "/a", -1, NULL},
};

static struct app *app_of_routes(const char *routes, const char *extra)
{
    struct buf text;
    unsigned count = 0;
    buf_init(&text, &alloc_root, SIZE_MAX);
    buf_append_string(&text, MANIFEST_HEAD);
    buf_append_string(&text, extra);
    for (const char *at = routes;; count++) {
        size_t bytes = strcspn(at, "|");
        buf_append_format(&text, "[[trigger.http]]\nroute = \"%.*s\"\ncomponent = \"c%c\"\n",
                          (int)bytes, at, 'a' + count);
        buf_append_format(&text, "[component.c%c]\nsource = \"a.wasm\"\n", 'a' + count);
        if (at[bytes] == 0)
            break;
        at += bytes + 1;
    }
    buf_append_byte(&text, 0);
    struct app *app = app_of((const char *)text.data, NULL, NULL);
    buf_free(&text);
    return app;
}

static const struct route_header *find(const struct route_header *headers, uint32_t count,
                                       const char *name)
{
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(headers[i].name, name) == 0)
            return &headers[i];
    }
    return NULL;
}

static bool is(const struct route_header *header, const char *value)
{
    return header != NULL && header->value_bytes == strlen(value) &&
           memcmp(header->value, value, header->value_bytes) == 0;
}

static void check_row(const struct row *row)
{
    struct app *app = app_of_routes(row->routes, "");
    struct routes *routes;
    struct route_match match;
    if (!CHECK(app != NULL) || !CHECK(routes_create(&alloc_root, app, &routes, NULL) == STINT_OK))
        return;
    bool found = routes_find(routes, "", 0, row->path, strlen(row->path), &match);
    if (!CHECK_INT(found ? (int)app->http[match.http].component : -1, row->want))
        printf("    routes %s, path %s\n", row->routes, row->path);
    if (found && row->path_info != NULL) {
        struct route_header headers[ROUTE_HEADERS_MAX];
        struct route_request request = {.scheme = "http", .authority = "", .target = row->path};
        char room[1000];
        uint32_t count = routes_headers(routes, &match, &request, headers, room, sizeof(room));
        if (!CHECK(is(find(headers, count, "spin-path-info"), row->path_info)))
            printf("    routes %s, path %s\n", row->routes, row->path);
    }
    routes_free(routes);
    app_free(app);
}

TEST(table)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        check_row(&rows[i]);
}

TEST(headers)
{
    struct app *app =
        app_of_routes("/foo/:user_id/...", "[application.trigger.http]\nbase = \"/base\"\n");
    struct routes *routes;
    struct route_match match;
    struct route_header headers[ROUTE_HEADERS_MAX];
    char room[1000];
    const char *path = "/base/foo/42/bar";
    struct route_request request = {
        .scheme = "https", .authority = "h:1", .target = "/base/foo/42/bar?a=b"};
    REQUIRE(app != NULL);
    REQUIRE(routes_create(&alloc_root, app, &routes, NULL) == STINT_OK);
    REQUIRE(routes_find(routes, "", 0, path, strlen(path), &match));
    inet_parse("::1", &request.client);
    request.client.port = 80;
    uint32_t count = routes_headers(routes, &match, &request, headers, room, sizeof(room));
    CHECK_INT(count, 8);
    CHECK(is(find(headers, count, "spin-path-info"), "/bar"));
    CHECK(is(find(headers, count, "spin-full-url"), "https://h:1/base/foo/42/bar?a=b"));
    CHECK(is(find(headers, count, "spin-matched-route"), "/base/foo/:user_id/..."));
    CHECK(is(find(headers, count, "spin-base-path"), "/"));
    CHECK(is(find(headers, count, "spin-raw-component-route"), "/foo/:user_id/..."));
    CHECK(is(find(headers, count, "spin-component-route"), "/foo/:user_id"));
    CHECK(is(find(headers, count, "spin-client-addr"), "[::1]:80"));
    CHECK(is(find(headers, count, "spin-path-match-user-id"), "42"));
    CHECK_INT(routes_headers(routes, &match, &request, headers, room, 20), 0);
    routes_free(routes);
    app_free(app);
    CHECK(route_header_is_own("spin-full-url", 13));
    CHECK(route_header_is_own("x-geo-city", 10));
    CHECK(route_header_is_own("cf-ipcountry", 12));
    CHECK(!route_header_is_own("spinner", 7));
}

TEST(chained_requests_look_like_a_wildcard)
{
    struct route_match match;
    struct route_header headers[ROUTE_HEADERS_MAX];
    struct route_request request = {.scheme = "http", .authority = "c.spin.internal", .target = "/"};
    static const char *const paths[] = {"/", "/a", "/a/b/"};
    char room[200];
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        routes_chain(paths[i], strlen(paths[i]), &match);
        uint32_t count = routes_headers(NULL, &match, &request, headers, room, sizeof(room));
        CHECK(is(find(headers, count, "spin-path-info"), paths[i]));
        CHECK(is(find(headers, count, "spin-matched-route"), "/..."));
    }
}

TEST(hosts)
{
    static const char text[] =
        MANIFEST_HEAD "[[trigger.http]]\nroute = \"/...\"\ncomponent = \"a\"\n"
                      "[[trigger.http]]\nroute = \"/x\"\ncomponent = \"b\"\n"
                      "[[trigger.http]]\nroute = \"/x\"\ncomponent = \"c\"\n"
                      "[component.a]\nsource = \"a\"\n"
                      "[component.b]\nsource = \"a\"\ntool.stint.hosts = [\"b.example.com\"]\n"
                      "[component.c]\nsource = \"a\"\ntool.stint.hosts = [\"*.example.com\"]\n";
    static const struct {
        const char *host, *path;
        uint32_t want;
    } asked[] = {
        {"other", "/x", 0},          {"b.example.com", "/x", 1}, {"B.Example.com:80", "/x", 1},
        {"z.example.com", "/x", 2},  {"y.z.example.com", "/x", 2}, {"example.com", "/x", 0},
        {"b.example.com", "/y", 0},  {"b.example.com.", "/x", 1}, {"[::1]:80", "/x", 0},
    };
    struct app *app = app_of(text, NULL, NULL);
    struct routes *routes;
    struct route_match match;
    REQUIRE(app != NULL);
    REQUIRE(routes_create(&alloc_root, app, &routes, NULL) == STINT_OK);
    for (size_t i = 0; i < COUNT_OF(asked); i++) {
        const char *host = asked[i].host, *path = asked[i].path;
        REQUIRE(routes_find(routes, host, strlen(host), path, strlen(path), &match));
        CHECK_INT(app->http[match.http].component, asked[i].want);
    }
    routes_free(routes);
    app_free(app);
}

TEST(wrong_routes)
{
    static const char *const wrong[] = {"/.../a", "/*/a", "/*name", "/:", "/a?b", "/:a b",
                                        "/:1/:2/:3/:4/:5/:6/:7/:8/:9/:a/:b/:c/:d/:e/:f/:g/:h"};
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        CHECK(route_problem(wrong[i]) != NULL);
    CHECK(route_problem("/:1/:2/:3/:4/:5/:6/:7/:8/:9/:a/:b/:c/:d/:e/:f/:g") == NULL);
    CHECK(route_problem("") == NULL);
}

TEST(out_of_memory)
{
    struct app *app = app_of_routes("/a|/b/:c|/d/...|/...", "");
    REQUIRE(app != NULL);
    for (size_t fail = 1; fail < 200; fail++) {
        struct alloc alloc;
        struct routes *routes = NULL;
        alloc_init(&alloc, NULL, NULL, SIZE_MAX);
        alloc.fail_at = fail;
        enum stint_status status = routes_create(&alloc, app, &routes, NULL);
        routes_free(routes);
        CHECK_INT(alloc.used_bytes, 0);
        if (status == STINT_OK)
            break;
        CHECK_INT(status, STINT_NOMEM);
    }
    app_free(app);
}

CHECK_MAIN
