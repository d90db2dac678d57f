/* SPDX-License-Identifier: Apache-2.0 */
/* What is in the cache, and what has to go. */
#include <stdlib.h>
#include <string.h>

#include "aot/cache_int.h"
#include "base/buf.h"
#include "os/clock.h"

/* Nobody is still at work on a file that is older; nobody has used a file that long. */
#define PASSING_NS ((uint64_t)3600 * 1000000000)
#define STAMP_NS (720 * PASSING_NS)

enum { WASM_DIGITS = 64, ENTRY_DIGITS = 64 + 1 + 16 };

struct listed_file {
    char name[CACHE_NAME_BYTES];
    uint64_t bytes, modified_ns;
    bool is_gone;
};

struct listing {
    struct alloc *alloc;
    struct listed_file *files;
    size_t capacity, count;
};

static bool ends_with(const char *name, const char *end)
{
    size_t length = strlen(name), end_length = strlen(end);
    return length >= end_length && strcmp(name + length - end_length, end) == 0;
}

/* Names that the cache gives. Anything else in the directory is not ours to touch. */
static bool is_cache_name(const char *name)
{
    static const char *const ends[] = {".wasm", ".image", ".index", ".stamp", ".tmp"};
    size_t digits = strspn(name, "0123456789abcdef-");
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        if (digits >= 16 && strcmp(name + digits, ends[i]) == 0)
            return true;
    }
    return false;
}

static bool add_file(const struct cache *cache, struct listing *listing,
                     const struct file_entry *entry)
{
    struct file_stat stat;
    if (entry->name_bytes >= CACHE_NAME_BYTES || !is_cache_name(entry->name) ||
        listing->count == CACHE_ENTRIES_MAX ||
        file_stat_at(cache->dir_fd, entry->name, &stat) != OS_OK)
        return true;
    if (!vec_reserve(listing->alloc, &listing->files, &listing->capacity, listing->count + 1,
                     sizeof(listing->files[0])))
        return false;
    struct listed_file *file = &listing->files[listing->count++];
    memcpy(file->name, entry->name, entry->name_bytes + 1);
    file->bytes = stat.size_bytes;
    file->modified_ns = stat.modified_ns;
    file->is_gone = false;
    return true;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct listed_file *)a)->name, ((const struct listed_file *)b)->name);
}

static void listing_free(struct listing *listing)
{
    alloc_put(listing->alloc, listing->files, listing->capacity * sizeof(listing->files[0]));
}

/* All files, by name. The directory is opened again: its position belongs to this reader alone. */
static enum os_error listing_make(const struct cache *cache, struct listing *ret_listing)
{
    _Alignas(8) char buffer[8192];
    struct listing listing = {.alloc = cache->alloc};
    struct file_entry entry;
    size_t bytes = 0;
    int fd;
    enum os_error reason = file_open_at(cache->dir_fd, ".", FILE_READ | FILE_IS_DIRECTORY, &fd);
    if (reason != OS_OK)
        return reason;
    do {
        size_t at = 0;
        reason = file_entries_read(fd, buffer, sizeof(buffer), &bytes);
        while (reason == OS_OK && file_entries_next(buffer, bytes, &at, &entry)) {
            if (!add_file(cache, &listing, &entry))
                reason = OS_NOMEM;
        }
    } while (reason == OS_OK && bytes > 0);
    file_close(fd);
    if (reason != OS_OK) {
        listing_free(&listing);
        return reason;
    }
    if (listing.count > 1)
        qsort(listing.files, listing.count, sizeof(listing.files[0]), by_name);
    *ret_listing = listing;
    return OS_OK;
}

static void remove_file(const struct cache *cache, struct listed_file *file)
{
    if (!file->is_gone)
        (void)!file_unlink_at(cache->dir_fd, file->name);
    file->is_gone = true;
    file->bytes = 0;
}

void cache_remove_entry(const struct cache *cache, const struct cache_name *name)
{
    struct cache_index index;
    char text[CACHE_NAME_BYTES];
    cache_index_name(name, text);
    enum os_error reason = cache_read_index(cache, text, &index);
    (void)!file_unlink_at(cache->dir_fd, text);
    for (uint32_t i = 0; reason == OS_OK && i < index.image_count; i++) {
        cache_image_name(name, index.images[i].header_sha256, text);
        (void)!file_unlink_at(cache->dir_fd, text);
    }
}

/* ---- Eviction ------------------------------------------------------------------------------ */

/* Whether an index begins with the same digits as this file: it is next to it, by name. */
static bool has_index(const struct listing *listing, size_t which, size_t digits)
{
    const char *name = listing->files[which].name;
    size_t first = which;
    while (first > 0 && strncmp(name, listing->files[first - 1].name, digits) == 0)
        first--;
    for (size_t i = first; i < listing->count && strncmp(name, listing->files[i].name, digits) == 0;
         i++) {
        if (!listing->files[i].is_gone && ends_with(listing->files[i].name, ".index"))
            return true;
    }
    return false;
}

/* Removes what belongs to nothing: leftovers of crashes and of full disks, old stamps. Entries are
 * written under the lock, so what has no index now will not get one. */
static void drop_orphans(const struct cache *cache, struct listing *listing)
{
    uint64_t now_ns = clock_now_ns(OS_CLOCK_REALTIME);
    for (size_t i = 0; i < listing->count; i++) {
        struct listed_file *file = &listing->files[i];
        uint64_t age_ns = now_ns > file->modified_ns ? now_ns - file->modified_ns : 0;
        if ((ends_with(file->name, ".tmp") && age_ns > PASSING_NS) ||
            (ends_with(file->name, ".stamp") && age_ns > STAMP_NS) ||
            (ends_with(file->name, ".image") && !has_index(listing, i, ENTRY_DIGITS)) ||
            (ends_with(file->name, ".wasm") && !has_index(listing, i, WASM_DIGITS)))
            remove_file(cache, file);
    }
}

static uint64_t total_of(const struct listing *listing)
{
    uint64_t total = 0;
    for (size_t i = 0; i < listing->count; i++)
        total += listing->files[i].bytes;
    return total;
}

/* The index that was used longest ago, but for the one to keep; or NULL. */
static struct listed_file *oldest_index(const struct listing *listing, const char *keep)
{
    struct listed_file *oldest = NULL;
    for (size_t i = 0; i < listing->count; i++) {
        struct listed_file *file = &listing->files[i];
        if (!file->is_gone && ends_with(file->name, ".index") && strcmp(file->name, keep) != 0 &&
            (oldest == NULL || file->modified_ns < oldest->modified_ns))
            oldest = file;
    }
    return oldest;
}

static void evict(const struct cache *cache, struct listing *listing, struct listed_file *index)
{
    char name[CACHE_NAME_BYTES];
    memcpy(name, index->name, sizeof(name));
    remove_file(cache, index);
    for (size_t i = 0; i < listing->count; i++) {
        struct listed_file *file = &listing->files[i];
        if (ends_with(file->name, ".image") && strncmp(file->name, name, ENTRY_DIGITS) == 0)
            remove_file(cache, file);
    }
    drop_orphans(cache, listing);
}

void cache_trim(struct cache *cache, const struct cache_name *keep)
{
    struct listing listing;
    char keep_name[CACHE_NAME_BYTES] = "";
    struct listed_file *oldest;
    if (keep != NULL)
        cache_index_name(keep, keep_name);
    if (listing_make(cache, &listing) != OS_OK)
        return;
    drop_orphans(cache, &listing);
    while (total_of(&listing) > cache->limit_bytes &&
           (oldest = oldest_index(&listing, keep_name)) != NULL)
        evict(cache, &listing, oldest);
    listing_free(&listing);
}

/* ---- For people ---------------------------------------------------------------------------- */

static void row_of(const struct cache_index *index, uint64_t used_ns, struct cache_row *ret_row)
{
    memset(ret_row, 0, sizeof(*ret_row));
    sha256_hex(index->wasm_sha256, ret_row->wasm_sha256);
    ret_row->wasm_bytes = index->wasm_bytes;
    ret_row->image_count = index->image_count;
    ret_row->used_ns = used_ns;
    ret_row->is_strict = (index->flags & IMAGE_STRICT) != 0;
    ret_row->is_metered = (index->flags & IMAGE_METERED) != 0;
    for (uint32_t i = 0; i < index->image_count; i++) {
        static const uint8_t nobody[ARTEFACT_KEY_BYTES];
        ret_row->image_bytes += index->images[i].image_bytes;
        ret_row->is_signed |= memcmp(index->images[i].signer, nobody, sizeof(nobody)) != 0;
    }
}

enum stint_status cache_list(struct cache *cache,
                             void (*show)(void *context, const struct cache_row *row),
                             void *context, struct stint_error *error)
{
    struct listing listing;
    struct cache_index index;
    struct cache_row row;
    enum os_error reason = listing_make(cache, &listing);
    if (reason != OS_OK)
        return cache_failed(cache, "list", reason, error);
    for (size_t i = 0; i < listing.count; i++) {
        const struct listed_file *file = &listing.files[i];
        if (!ends_with(file->name, ".index") ||
            cache_read_index(cache, file->name, &index) != OS_OK)
            continue;
        row_of(&index, file->modified_ns, &row);
        show(context, &row);
    }
    listing_free(&listing);
    return STINT_OK;
}

enum stint_status cache_size(struct cache *cache, uint64_t *ret_bytes, uint64_t *ret_limit_bytes,
                             struct stint_error *error)
{
    struct listing listing;
    enum os_error reason = listing_make(cache, &listing);
    if (reason != OS_OK)
        return cache_failed(cache, "list", reason, error);
    *ret_bytes = total_of(&listing);
    *ret_limit_bytes = cache->limit_bytes;
    listing_free(&listing);
    return STINT_OK;
}

enum stint_status cache_clean(struct cache *cache, uint64_t *ret_bytes, struct stint_error *error)
{
    struct listing listing;
    int lock_fd = cache_lock(cache);
    enum os_error reason = listing_make(cache, &listing);
    if (reason == OS_OK) {
        *ret_bytes = total_of(&listing);
        for (size_t i = 0; i < listing.count; i++)
            remove_file(cache, &listing.files[i]);
        listing_free(&listing);
    }
    if (lock_fd >= 0)
        file_close(lock_fd);
    return reason == OS_OK ? STINT_OK : cache_failed(cache, "list", reason, error);
}

static bool is_signed_by(const struct cache_index *index, const uint8_t signer[ARTEFACT_KEY_BYTES])
{
    for (uint32_t i = 0; i < index->image_count; i++) {
        if (sha256_equal(index->images[i].signer, signer))
            return true;
    }
    return false;
}

enum stint_status cache_forget_signer(struct cache *cache, const uint8_t signer[ARTEFACT_KEY_BYTES],
                                      struct stint_error *error)
{
    struct listing listing;
    struct cache_index index;
    int lock_fd = cache_lock(cache);
    enum os_error reason = listing_make(cache, &listing);
    for (size_t i = 0; reason == OS_OK && i < listing.count; i++) {
        struct cache_name name;
        if (!ends_with(listing.files[i].name, ".index") ||
            cache_read_index(cache, listing.files[i].name, &index) != OS_OK ||
            !is_signed_by(&index, signer))
            continue;
        memcpy(name.wasm_sha256, index.wasm_sha256, sizeof(name.wasm_sha256));
        memcpy(name.params, index.params, sizeof(name.params));
        cache_remove_entry(cache, &name);
    }
    if (reason == OS_OK)
        listing_free(&listing);
    if (lock_fd >= 0)
        file_close(lock_fd);
    return reason == OS_OK ? STINT_OK : cache_failed(cache, "list", reason, error);
}
