/* SPDX-License-Identifier: Apache-2.0 */
#include "app/region_route.h"

#include <stdio.h>
#include <string.h>

#include "base/map.h"

enum { HASH_SEED = 0x5eed };

struct decider {
    const struct app_regions *all;
    const struct region_request *request;
    const bool *healthy;
    struct buf *why;
    uint32_t order[APP_REGIONS_MAX]; /* home first */
    uint32_t count;
};

static void PRINTF_LIKE(2, 3) say(const struct decider *d, const char *format, ...)
{
    char line[400];
    va_list args;
    if (d->why == NULL)
        return;
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    buf_append_string(d->why, line);
    buf_append_byte(d->why, '\n');
}

static bool has_text(struct app_texts texts, const char *text)
{
    for (uint32_t i = 0; i < texts.count; i++) {
        if (strcmp(texts.items[i], text) == 0)
            return true;
    }
    return false;
}

static const char *name_of(const struct decider *d, uint32_t region)
{
    return d->all->items[region].name;
}

/* ---- Where the client is ----------------------------------------------------------------- */

/* Each country with its continent: ISO 3166-1 and the seven of GeoNames. */
static const char countries[] =
    "AFASALEUDZAFASOCADEUAOAFAINAAQANAGNAARSAAMASAWNAAUOCATEUAZASBSNABHASBDASBBNABYEUBEEUBZNABJAF"
    "BMNABTASBOSABQNABAEUBWAFBVANBRSAIOASBNASBGEUBFAFBIAFCVAFKHASCMAFCANAKYNACFAFTDAFCLSACNASCXAS"
    "CCASCOSAKMAFCGAFCDAFCKOCCRNACIAFHREUCUNACWNACYEUCZEUDKEUDJAFDMNADONAECSAEGAFSVNAGQAFERAFEEEU"
    "SZAFETAFFKSAFOEUFJOCFIEUFREUGFSAPFOCTFANGAAFGMAFGEASDEEUGHAFGIEUGREUGLNAGDNAGPNAGUOCGTNAGGEU"
    "GNAFGWAFGYSAHTNAHMANVAEUHNNAHKASHUEUISEUINASIDASIRASIQASIEEUIMEUILASITEUJMNAJPASJEEUJOASKZAS"
    "KEAFKIOCKPASKRASKWASKGASLAASLVEULBASLSAFLRAFLYAFLIEULTEULUEUMOASMGAFMWAFMYASMVASMLAFMTEUMHOC"
    "MQNAMRAFMUAFYTAFMXNAFMOCMDEUMCEUMNASMEEUMSNAMAAFMZAFMMASNAAFNROCNPASNLEUNCOCNZOCNINANEAFNGAF"
    "NUOCNFOCMKEUMPOCNOEUOMASPKASPWOCPSASPANAPGOCPYSAPESAPHASPNOCPLEUPTEUPRNAQAASREAFROEURUEURWAF"
    "BLNASHAFKNNALCNAMFNAPMNAVCNAWSOCSMEUSTAFSAASSNAFRSEUSCAFSLAFSGASSXNASKEUSIEUSBOCSOAFZAAFGSAN"
    "SSAFESEULKASSDAFSRSASJEUSEEUCHEUSYASTWASTJASTZAFTHASTLASTGAFTKOCTOOCTTNATNAFTRASTMASTCNATVOC"
    "UGAFUAEUAEASGBEUUSNAUMOCUYSAUZASVUOCVESAVNASVGNAVINAWFOCEHAFYEASZMAFZWAFXKEUAXEU";

const char *region_continent(const char *country)
{
    static const char *const names[] = {"AF", "AN", "AS", "EU", "NA", "OC", "SA"};
    if (strlen(country) != 2)
        return "";
    for (const char *at = countries; *at != 0; at += 4) {
        if (memcmp(at, country, 2) != 0)
            continue;
        for (size_t i = 0; i < COUNT_OF(names); i++) {
            if (memcmp(at + 2, names[i], 2) == 0)
                return names[i];
        }
    }
    return "";
}

static uint32_t find_home(const struct decider *d)
{
    const char *country = d->request->country, *continent = d->request->continent;
    if (continent[0] == 0)
        continent = region_continent(country);
    for (uint32_t i = 0; country[0] != 0 && i < d->all->count; i++) {
        if (has_text(d->all->items[i].countries, country)) {
            say(d, "country %s belongs to region %s", country, name_of(d, i));
            return i;
        }
    }
    for (uint32_t i = 0; continent[0] != 0 && i < d->all->count; i++) {
        if (has_text(d->all->items[i].continents, continent)) {
            say(d, "%s%s%scontinent %s belongs to region %s", country[0] ? "country " : "", country,
                country[0] ? " is in no region's countries; " : "", continent, name_of(d, i));
            return i;
        }
    }
    uint32_t home = d->all->fallback != APP_NONE ? d->all->fallback : d->all->here;
    say(d, "%s%s; %s is region %s",
        country[0] ? "no region has country " : "the country is unknown", country,
        d->all->fallback != APP_NONE ? "the fallback" : "this server's", name_of(d, home));
    return home;
}

/* ---- What is near it --------------------------------------------------------------------- */

#define PI 3.14159265358979323846

/* Of an angle of at most two turns either way, to ten digits. The program links no libm: that alone
 * would make each start longer (cmake/flags.cmake). */
static double sine(double x)
{
    while (x > PI)
        x -= 2 * PI;
    while (x < -PI)
        x += 2 * PI;
    if (x > PI / 2)
        x = PI - x;
    else if (x < -PI / 2)
        x = -PI - x;
    double term = x, sum = x;
    for (int i = 2; i <= 16; i += 2) {
        term *= -x * x / (i * (i + 1));
        sum += term;
    }
    return sum;
}

static double cosine(double x)
{
    return sine(x + PI / 2);
}

/* An angle that grows with the distance on the globe. */
static double distance(const struct app_region *a, const struct app_region *b)
{
    const double radian = PI / 180;
    double u = a->latitude * radian, v = b->latitude * radian;
    double w = (a->longitude - b->longitude) * radian;
    /* 1 - cos of the angle, which orders as the angle does. */
    return 1 - (sine(u) * sine(v) + cosine(u) * cosine(v) * cosine(w));
}

static void add_candidate(struct decider *d, uint32_t region)
{
    for (uint32_t i = 0; i < d->count; i++) {
        if (d->order[i] == region)
            return;
    }
    if (d->count < APP_REGIONS_MAX)
        d->order[d->count++] = region;
}

static void list_candidates(struct decider *d, uint32_t home)
{
    const struct app_region *from = &d->all->items[home];
    add_candidate(d, home);
    for (uint32_t i = 0; i < from->near.count; i++) {
        for (uint32_t j = 0; j < d->all->count; j++) {
            if (strcmp(from->near.items[i], name_of(d, j)) == 0)
                add_candidate(d, j);
        }
    }
    uint32_t named = d->count;
    for (uint32_t j = 0; j < d->all->count; j++) {
        const struct app_region *region = &d->all->items[j];
        uint32_t at = d->count;
        add_candidate(d, j);
        if (at == d->count || !from->has_location || !region->has_location)
            continue;
        for (; at > named; at--) {
            const struct app_region *before = &d->all->items[d->order[at - 1]];
            if (before->has_location && distance(from, before) <= distance(from, region))
                break;
            d->order[at] = d->order[at - 1];
        }
        d->order[at] = j;
    }
}

/* From 0 to 99, the same on every server. */
static uint32_t share_of(const struct decider *d, const char *region)
{
    uint64_t seed = hash_bytes(region, strlen(region), HASH_SEED);
    return (uint32_t)(hash_bytes(&d->request->client, sizeof(d->request->client), seed) % 100);
}

static bool is_pinned_away(const struct decider *d, uint32_t region)
{
    const struct app_component *component = d->request->component;
    return component != NULL && component->regions.count > 0 &&
           !has_text(component->regions, name_of(d, region));
}

/* The first candidate that may answer; with `by_weight`, that takes this client. */
static uint32_t choose(const struct decider *d, bool by_weight)
{
    for (uint32_t i = 0; i < d->count; i++) {
        uint32_t region = d->order[i], weight = d->all->items[region].weight;
        const char *name = name_of(d, region);
        if (is_pinned_away(d, region)) {
            if (by_weight)
                say(d, "%s: component '%s' is not to run there", name, d->request->component->id);
        } else if (d->healthy != NULL && !d->healthy[region] && region != d->all->here) {
            if (by_weight)
                say(d, "%s: not healthy", name);
        } else if (by_weight && share_of(d, name) >= weight) {
            say(d, "%s: takes %u of 100 clients; this one is number %u", name, weight,
                share_of(d, name));
        } else {
            say(d, "%s: takes the request%s", name, by_weight ? "" : ", since no other does");
            return region;
        }
    }
    return APP_NONE;
}

/* ---- How --------------------------------------------------------------------------------- */

static bool is_own_authority(const struct decider *d)
{
    const char *url = d->all->items[d->all->here].url, *host = strstr(url, "://");
    return host != NULL && d->request->authority[0] != 0 &&
           strcmp(host + 3, d->request->authority) == 0;
}

static enum region_action act(const struct decider *d, uint32_t region)
{
    const struct app_region *there = &d->all->items[region];
    bool may_serve = !is_pinned_away(d, d->all->here);
    if (region == d->all->here) {
        say(d, "served here: this server is in %s", there->name);
        return REGION_SERVE;
    }
    if (may_serve && there->rule == APP_REGION_SERVE) {
        say(d, "served here: the rule of %s is serve", there->name);
        return REGION_SERVE;
    }
    if (may_serve && there->rule == APP_REGION_REDIRECT && is_own_authority(d)) {
        say(d, "served here: the client asked for this server by its own name");
        return REGION_SERVE;
    }
    if (there->url[0] == 0) {
        say(d, "refused: %s has no url", there->name);
        return REGION_REFUSE;
    }
    bool is_redirect = there->rule == APP_REGION_REDIRECT && !is_own_authority(d);
    say(d, "%s to %s", is_redirect ? "redirected" : "proxied", there->url);
    return is_redirect ? REGION_REDIRECT : REGION_PROXY;
}

static bool is_health_check(const struct decider *d)
{
    const char *path = d->request->path, *health = d->all->items[d->all->here].health_path;
    return path != NULL && health[0] != '\0' && strcspn(path, "?") == strlen(health) &&
           strncmp(path, health, strlen(health)) == 0;
}

struct region_decision region_decide(const struct app *app, const struct region_request *request,
                                     const bool *healthy, struct buf *why)
{
    struct decider d = {
        .all = &app->regions, .request = request, .healthy = healthy, .why = why};
    struct region_decision decision = {
        .action = REGION_SERVE, .region = app->regions.here, .home = APP_NONE};
    if (app->regions.count == 0 || app->regions.here == APP_NONE) {
        say(&d, "served here: there are no regions");
        return decision;
    }
    if (is_health_check(&d)) {
        say(&d, "served here: this is what other regions ask to see whether this one is healthy");
        return decision;
    }
    decision.home = find_home(&d);
    if (request->is_hop) {
        /* Whoever proxied it has decided; it is never passed on again. */
        bool is_refused = is_pinned_away(&d, app->regions.here);
        say(&d, is_refused ? "refused: it was proxied here, where the component is not to run"
                           : "served here: another region has proxied it");
        decision.action = is_refused ? REGION_REFUSE : REGION_SERVE;
        return decision;
    }
    list_candidates(&d, decision.home);
    decision.region = choose(&d, true);
    if (decision.region == APP_NONE)
        decision.region = choose(&d, false);
    if (decision.region == APP_NONE) {
        say(&d, "refused: no region where it may run is healthy");
        decision.action = REGION_REFUSE;
        return decision;
    }
    decision.action = act(&d, decision.region);
    return decision;
}

const char *region_action_text(enum region_action action)
{
    static const char *const texts[] = {"serve", "proxy", "redirect", "refuse"};
    return texts[action];
}
