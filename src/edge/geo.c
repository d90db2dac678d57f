/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of one moment are a set, which nobody changes. A thread keeps the set that it last saw, and
 * looks for a newer one by the version, so that a lookup takes no lock.
 */
#include "edge/geo.h"

#include <string.h>

#include "app/region_route.h"
#include "base/arena.h"
#include "edge/geo_db.h"
#include "os/files.h"
#include "os/lock.h"

enum { CACHE_ENTRIES = 512 }; /* a power of two */

struct geo_set {
    atomic_uint references;
    struct geo_db **dbs;
    size_t count;
};

struct geo_file {
    const char *path;
    struct file_stat stat;
    uint64_t reloads, failures;
};

struct geo {
    atomic_uint references;
    struct lock lock;    /* of `set` and of the files' counts */
    struct geo_set *set; /* the newest */
    atomic_uint version; /* of it */
    struct arena arena;  /* the files */
    struct geo_file *files;
    size_t count;
};

struct geo_cached {
    bool is_used;
    struct inet_address address;
    struct geo_place place;
};

/* ---- Sets -------------------------------------------------------------------------------- */

static struct geo_set *set_create(size_t count)
{
    struct geo_set *set = alloc_get_zeroed(&alloc_root, 1, sizeof(*set));
    if (set == NULL)
        return NULL;
    set->dbs = alloc_get_zeroed(&alloc_root, count, sizeof(struct geo_db *));
    set->count = count;
    atomic_init(&set->references, 1);
    if (set->dbs != NULL)
        return set;
    alloc_put(&alloc_root, set, sizeof(*set));
    return NULL;
}

static void set_release(struct geo_set *set)
{
    if (set == NULL || atomic_fetch_sub_explicit(&set->references, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < set->count; i++)
        geo_db_release(set->dbs[i]);
    alloc_put(&alloc_root, set->dbs, set->count * sizeof(struct geo_db *));
    alloc_put(&alloc_root, set, sizeof(*set));
}

/* ---- Files ------------------------------------------------------------------------------- */

enum stint_status geo_create(const char *const *paths, size_t count, struct log_buffer *log,
                             struct geo **ret_geo)
{
    enum stint_status worst = STINT_OK;
    *ret_geo = NULL;
    if (count == 0)
        return STINT_OK;
    struct geo *geo = alloc_get_zeroed(&alloc_root, 1, sizeof(*geo));
    if (geo == NULL)
        return STINT_NOMEM;
    atomic_init(&geo->references, 1);
    lock_init(&geo->lock);
    arena_init(&geo->arena, &alloc_root);
    geo->files = arena_get_zeroed(&geo->arena, count, sizeof(*geo->files));
    geo->set = set_create(count);
    geo->count = count;
    if (geo->files == NULL || geo->set == NULL)
        worst = STINT_NOMEM;
    for (size_t i = 0; i < count && worst != STINT_NOMEM; i++) {
        struct stint_error error = {0};
        geo->files[i].path = arena_copy_string(&geo->arena, paths[i], strlen(paths[i]));
        if (geo->files[i].path == NULL) {
            worst = STINT_NOMEM;
            break;
        }
        (void)!file_stat_host(paths[i], &geo->files[i].stat);
        enum stint_status status = geo_db_open(paths[i], &geo->set->dbs[i], &error);
        if (status == STINT_OK)
            continue;
        log_line(log, LOG_ERROR, NULL, NULL, "%s", error.message);
        worst = status;
    }
    if (worst == STINT_OK)
        *ret_geo = geo;
    else
        geo_free(geo);
    return worst;
}

struct geo *geo_retain(struct geo *geo)
{
    if (geo != NULL)
        atomic_fetch_add_explicit(&geo->references, 1, memory_order_relaxed);
    return geo;
}

void geo_free(struct geo *geo)
{
    if (geo == NULL ||
        atomic_fetch_sub_explicit(&geo->references, 1, memory_order_acq_rel) != 1)
        return;
    set_release(geo->set);
    arena_free(&geo->arena);
    lock_free(&geo->lock);
    alloc_put(&alloc_root, geo, sizeof(*geo));
}

/* A set with another file in place of one; that of all others stays. */
static bool replace(struct geo *geo, size_t number, struct geo_db *db)
{
    struct geo_set *old = geo->set, *set = set_create(geo->count);
    if (set == NULL)
        return false;
    for (size_t i = 0; i < geo->count; i++)
        set->dbs[i] = i == number ? db : geo_db_retain(old->dbs[i]);
    lock_take(&geo->lock);
    geo->set = set;
    geo->files[number].reloads++;
    atomic_fetch_add_explicit(&geo->version, 1, memory_order_release);
    lock_give(&geo->lock);
    set_release(old);
    return true;
}

void geo_refresh(struct geo *geo, struct log_buffer *log)
{
    for (size_t i = 0; geo != NULL && i < geo->count; i++) {
        struct geo_file *file = &geo->files[i];
        struct file_stat stat;
        struct stint_error error = {0};
        struct geo_db *db = NULL;
        if (file_stat_host(file->path, &stat) != OS_OK ||
            (stat.device == file->stat.device && stat.inode == file->stat.inode &&
             stat.size_bytes == file->stat.size_bytes &&
             stat.modified_ns == file->stat.modified_ns))
            continue; /* also while it is away: somebody is putting a new one there */
        file->stat = stat;
        if (geo_db_open(file->path, &db, &error) == STINT_OK && replace(geo, i, db)) {
            log_line(log, LOG_INFO, NULL, NULL, "read the geo database %s again", file->path);
            continue;
        }
        geo_db_release(db);
        lock_take(&geo->lock);
        file->failures++;
        lock_give(&geo->lock);
        log_line(log, LOG_ERROR, NULL, NULL, "%s; what was read before stays",
                 error.message[0] != '\0' ? error.message : "no memory for a geo database");
    }
}

bool geo_file_state(struct geo *geo, size_t number, struct geo_file_state *ret_state)
{
    if (geo == NULL || number >= geo->count)
        return false;
    lock_take(&geo->lock);
    *ret_state = (struct geo_file_state){.path = geo->files[number].path,
                                         .built_s = geo_db_built_s(geo->set->dbs[number]),
                                         .reloads = geo->files[number].reloads,
                                         .failures = geo->files[number].failures};
    lock_give(&geo->lock);
    return true;
}

/* ---- Readers ----------------------------------------------------------------------------- */

void geo_reader_init(struct geo_reader *reader, struct geo *geo)
{
    *reader = (struct geo_reader){.geo = geo};
}

void geo_reader_free(struct geo_reader *reader)
{
    set_release(reader->set);
    alloc_put(&alloc_root, reader->cache,
              reader->cache != NULL ? CACHE_ENTRIES * sizeof(*reader->cache) : 0);
    *reader = (struct geo_reader){0};
}

/* Takes the newest set; what the old one said is forgotten. */
static void renew(struct geo_reader *reader)
{
    struct geo *geo = reader->geo;
    set_release(reader->set);
    lock_take(&geo->lock);
    reader->set = geo->set;
    reader->version = atomic_load_explicit(&geo->version, memory_order_relaxed);
    atomic_fetch_add_explicit(&reader->set->references, 1, memory_order_relaxed);
    lock_give(&geo->lock);
    if (reader->cache == NULL)
        reader->cache = alloc_get_zeroed(&alloc_root, CACHE_ENTRIES, sizeof(*reader->cache));
    else
        memset(reader->cache, 0, CACHE_ENTRIES * sizeof(*reader->cache));
}

static size_t hash_of(const struct inet_address *address)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < (address->is_v6 ? 16 : 4); i++)
        hash = (hash ^ address->ip[i]) * 0x100000001b3u;
    return (size_t)(hash >> 32);
}

void geo_find(struct geo_reader *reader, const struct inet_address *address,
              struct geo_place *ret_place)
{
    memset(ret_place, 0, sizeof(*ret_place));
    if (reader->geo == NULL)
        return;
    if (reader->set == NULL ||
        atomic_load_explicit(&reader->geo->version, memory_order_acquire) != reader->version)
        renew(reader);
    struct geo_cached *cached =
        reader->cache != NULL ? &reader->cache[hash_of(address) & (CACHE_ENTRIES - 1)] : NULL;
    if (cached != NULL && cached->is_used && cached->address.is_v6 == address->is_v6 &&
        memcmp(cached->address.ip, address->ip, address->is_v6 ? 16 : 4) == 0) {
        *ret_place = cached->place;
        return;
    }
    for (size_t i = 0; i < reader->set->count; i++)
        geo_db_find(reader->set->dbs[i], address, ret_place);
    if (ret_place->continent[0] == '\0' && ret_place->country[0] != '\0') {
        const char *continent = region_continent(ret_place->country);
        memcpy(ret_place->continent, continent, strlen(continent) + 1);
    }
    if (cached != NULL)
        *cached = (struct geo_cached){true, *address, *ret_place};
}
