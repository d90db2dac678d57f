/* SPDX-License-Identifier: Apache-2.0 */
#include "app/region_route.h"

#include "app_check.h"

static const char manifest[] = MANIFEST_HEAD
    "[[trigger.http]]\nroute = \"/...\"\ncomponent = \"a\"\n"
    "[component.a]\nsource = \"a\"\n"
    "[component.b]\nsource = \"b\"\ntool.stint.regions = [\"eu\", \"us\"]\n"
    "[application.tool.stint.regions]\nhere = \"asia\"\nfallback = \"us\"\n"
    "secret_file = \"secret\"\n"
    "[application.tool.stint.regions.asia]\nurl = \"https://asia.test\"\n"
    "countries = [\"KR\"]\ncontinents = [\"AS\"]\nlatitude = 37.5\nlongitude = 127\n"
    "[application.tool.stint.regions.eu]\nurl = \"https://eu.test\"\nrule = \"redirect\"\n"
    "continents = [\"EU\", \"AF\"]\nlatitude = 50.1\nlongitude = 8.7\nnear = [\"us\"]\n"
    "[application.tool.stint.regions.us]\nurl = \"https://us.test\"\ncontinents = [\"NA\"]\n"
    "latitude = 39\nlongitude = -77\n"
    "[application.tool.stint.regions.pilot]\nurl = \"https://pilot.test\"\n"
    "countries = [\"JP\"]\nweight = 30\nnear = [\"asia\"]\n";

static struct region_decision decide(const struct app *app, const char *country,
                                     const char *component, const bool *healthy, uint32_t number)
{
    struct region_request request = {.country = country, .continent = "", .authority = ""};
    uint32_t index = app_find_component(app, component);
    request.component = index == APP_NONE ? NULL : &app->components[index];
    memcpy(request.client.bytes, &number, sizeof(number));
    return region_decide(app, &request, healthy, NULL);
}

enum { ASIA, EU, US, PILOT };

TEST(places)
{
    struct app *app = app_of(manifest, NULL, NULL);
    REQUIRE(app != NULL);
    struct region_decision d = decide(app, "KR", "a", NULL, 1);
    CHECK(d.action == REGION_SERVE && d.region == ASIA && d.home == ASIA);
    d = decide(app, "CN", "a", NULL, 1);
    CHECK(d.action == REGION_SERVE && d.home == ASIA);
    d = decide(app, "DE", "a", NULL, 1);
    CHECK(d.action == REGION_REDIRECT && d.region == EU);
    d = decide(app, "US", "a", NULL, 1);
    CHECK(d.action == REGION_PROXY && d.region == US);
    d = decide(app, "", "a", NULL, 1); /* unknown: the fallback */
    CHECK(d.action == REGION_PROXY && d.region == US);
    d = decide(app, "BR", "a", NULL, 1);
    CHECK(d.region == US);
    app_free(app);
}

TEST(failover)
{
    struct app *app = app_of(manifest, NULL, NULL);
    bool healthy[4] = {true, false, true, true};
    REQUIRE(app != NULL);
    struct region_decision d = decide(app, "DE", "a", healthy, 1);
    CHECK(d.action == REGION_PROXY && d.region == US && d.home == EU);
    healthy[US] = false; /* what is left is nearest by distance */
    d = decide(app, "DE", "a", healthy, 1);
    CHECK(d.action == REGION_SERVE && d.region == ASIA);
    d = decide(app, "US", "a", healthy, 1);
    CHECK(d.region == ASIA || d.region == PILOT);
    app_free(app);
}

TEST(pins_hold)
{
    struct app *app = app_of(manifest, NULL, NULL);
    bool healthy[4] = {true, false, false, true};
    REQUIRE(app != NULL);
    struct region_decision d = decide(app, "KR", "b", NULL, 1);
    CHECK(d.action != REGION_SERVE && (d.region == EU || d.region == US));
    d = decide(app, "KR", "b", healthy, 1);
    CHECK(d.action == REGION_REFUSE && d.region == APP_NONE);
    struct region_request hop = {.country = "KR", .continent = "", .authority = "", .is_hop = true};
    CHECK(region_decide(app, &hop, NULL, NULL).action == REGION_SERVE);
    hop.country = "DE";
    CHECK(region_decide(app, &hop, NULL, NULL).action == REGION_SERVE);
    hop.component = &app->components[1];
    CHECK(region_decide(app, &hop, NULL, NULL).action == REGION_REFUSE);
    app_free(app);
}

TEST(weights_take_a_steady_share)
{
    struct app *app = app_of(manifest, NULL, NULL);
    uint32_t pilot = 0;
    REQUIRE(app != NULL);
    for (uint32_t i = 0; i < 10000; i++) {
        struct region_decision d = decide(app, "JP", "a", NULL, i);
        CHECK(d.region == PILOT || d.region == ASIA);
        CHECK(decide(app, "JP", "a", NULL, i).region == d.region);
        pilot += d.region == PILOT;
    }
    CHECK(pilot > 2700 && pilot < 3300);
    app_free(app);
}

TEST(a_redirected_client_is_not_sent_on)
{
    struct app *app = app_of(manifest, NULL, NULL);
    struct buf why;
    REQUIRE(app != NULL);
    buf_init(&why, &alloc_root, SIZE_MAX);
    struct region_request request = {
        .country = "DE", .continent = "", .authority = "asia.test"};
    CHECK(region_decide(app, &request, NULL, &why).action == REGION_SERVE);
    CHECK(why.bytes > 0 && why.data[why.bytes - 1] == '\n');
    buf_free(&why);
    app_free(app);
}

TEST(continents)
{
    CHECK_STR(region_continent("KR"), "AS");
    CHECK_STR(region_continent("DE"), "EU");
    CHECK_STR(region_continent("ZZ"), "");
    CHECK_STR(region_continent(""), "");
}

CHECK_MAIN
