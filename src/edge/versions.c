/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/versions.h"

#include <stdio.h>
#include <string.h>

#include "base/sha256.h"
#include "os/clock.h"

/* What a component was in the version before. */
struct known {
    const char *id;
    char digest[SHA256_HEX_BYTES]; /* "": it was not loaded, or nobody wanted to know */
};

struct versions {
    struct lock lock;
    uint64_t attempts, numbers;
    struct arena arena; /* of `known` */
    struct known *known;
    uint32_t known_count;
    struct version items[VERSIONS_MAX]; /* attempt n is at n % VERSIONS_MAX */
};

bool versions_create(struct versions **ret_versions)
{
    struct versions *versions = alloc_get_zeroed(&alloc_root, 1, sizeof(*versions));
    if (versions == NULL)
        return false;
    lock_init(&versions->lock);
    arena_init(&versions->arena, &alloc_root);
    *ret_versions = versions;
    return true;
}

void versions_free(struct versions *versions)
{
    if (versions == NULL)
        return;
    arena_free(&versions->arena);
    lock_free(&versions->lock);
    alloc_put(&alloc_root, versions, sizeof(*versions));
}

static struct version *add(struct versions *versions)
{
    uint64_t attempt = ++versions->attempts;
    struct version *version = &versions->items[attempt % VERSIONS_MAX];
    *version = (struct version){.attempt = attempt, .unix_ns = clock_now_ns(OS_CLOCK_REALTIME)};
    return version;
}

/* ---- Differences ------------------------------------------------------------------------- */

static const char *digest_of(const struct edge_component *component)
{
    return component->guest != NULL ? guest_digest_of_all(component->guest) : "";
}

static void put(struct version *version, const char *what, const char *id)
{
    size_t used = strlen(version->text);
    (void)snprintf(version->text + used, sizeof(version->text) - used, "%s%s %s",
                   used > 0 ? ", " : "", id, what);
}

/* "greet changed, shop is new, old is gone". */
static void put_differences(const struct versions *versions, const struct edge_app *app,
                            struct version *version)
{
    for (uint32_t i = 0; i < app->app->component_count; i++) {
        const struct edge_component *component = &app->components[i];
        const struct known *before = NULL;
        for (uint32_t k = 0; k < versions->known_count && before == NULL; k++) {
            if (strcmp(versions->known[k].id, component->app->id) == 0)
                before = &versions->known[k];
        }
        if (component->guest == NULL)
            put(version, "is down", component->app->id);
        else if (before == NULL)
            put(version, "is new", component->app->id);
        else if (strcmp(before->digest, digest_of(component)) != 0)
            put(version, "changed", component->app->id);
    }
    for (uint32_t k = 0; k < versions->known_count; k++) {
        if (app_find_component(app->app, versions->known[k].id) == APP_NONE)
            put(version, "is gone", versions->known[k].id);
    }
}

static void remember(struct versions *versions, const struct edge_app *app)
{
    uint32_t count = app->app->component_count;
    versions->known_count = 0;
    arena_free(&versions->arena);
    arena_init(&versions->arena, &alloc_root);
    versions->known = arena_get_zeroed(&versions->arena, count + 1, sizeof(*versions->known));
    for (uint32_t i = 0; versions->known != NULL && i < count; i++) {
        struct known *known = &versions->known[versions->known_count];
        const char *id = app->components[i].app->id;
        known->id = arena_copy_string(&versions->arena, id, strlen(id));
        (void)snprintf(known->digest, sizeof(known->digest), "%s", digest_of(&app->components[i]));
        versions->known_count += known->id != NULL;
    }
}

void versions_loaded(struct versions *versions, const struct edge_app *app)
{
    lock_take(&versions->lock);
    struct version *version = add(versions);
    version->number = ++versions->numbers;
    version->components = app->app->component_count;
    for (uint32_t i = 0; i < version->components; i++)
        version->down += app->components[i].guest == NULL;
    if (version->number > 1)
        put_differences(versions, app, version);
    remember(versions, app);
    lock_give(&versions->lock);
}

void versions_failed(struct versions *versions, const struct buf *why)
{
    lock_take(&versions->lock);
    struct version *version = add(versions);
    size_t bytes = why->bytes < sizeof(version->text) ? why->bytes : sizeof(version->text) - 1;
    if (bytes > 0)
        memcpy(version->text, why->data, bytes);
    lock_give(&versions->lock);
}

/* ---- Reading ----------------------------------------------------------------------------- */

uint64_t versions_count(struct versions *versions)
{
    lock_take(&versions->lock);
    uint64_t attempts = versions->attempts;
    lock_give(&versions->lock);
    return attempts;
}

bool versions_get(struct versions *versions, uint64_t attempt, struct version *ret_version)
{
    lock_take(&versions->lock);
    const struct version *version = &versions->items[attempt % VERSIONS_MAX];
    bool is_there = attempt > 0 && version->attempt == attempt;
    if (is_there)
        *ret_version = *version;
    lock_give(&versions->lock);
    return is_there;
}
