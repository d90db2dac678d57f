/* SPDX-License-Identifier: Apache-2.0 */
/* Looking entries up, without reading what is known to be as it was. */
#include <string.h>

#include "aot/cache_int.h"
#include "aot/image_check.h"
#include "aot/image_map.h"
#include "os/clock.h"
#include "os/code_pages.h"
#include "os/cpu.h"

/* How old the record of an entry's use may be. */
#define USED_AGAIN_NS ((uint64_t)60 * 1000000000)

/* A file of the cache: is it as the index says, and if not (or if nobody knows since a restart of the
 * system), is its content? */
struct held_file {
    int fd;
    struct cache_file now;
    bool is_known;
};

static bool hold(const struct cache *cache, const char *name, const struct cache_index *index,
                 const struct cache_file *was, struct held_file *ret_held)
{
    static const uint8_t no_boot_id[16];
    struct held_file held;
    struct file_stat stat;
    if (private_open_at(cache->dir_fd, name, false, &held.fd) != OS_OK)
        return false;
    if (file_stat_of(held.fd, &stat) != OS_OK) {
        file_close(held.fd);
        return false;
    }
    held.now = cache_file_of(&stat);
    held.is_known = cache_file_equal(&held.now, was) &&
                    memcmp(index->boot_id, cache->boot_id, sizeof(cache->boot_id)) == 0 &&
                    memcmp(index->boot_id, no_boot_id, sizeof(no_boot_id)) != 0;
    *ret_held = held;
    return true;
}

/* Maps the module's copy into `found`; `*is_stale` when the index must be written again. */
static bool take_wasm(const struct cache *cache, struct cache_index *index,
                      struct cache_found *found, bool *is_stale)
{
    char name[CACHE_NAME_BYTES];
    struct held_file held;
    void *start;
    cache_wasm_name(index->wasm_sha256, name);
    if (!hold(cache, name, index, &index->wasm, &held))
        return false;
    bool ok = held.now.size_bytes == index->wasm_bytes &&
              code_pages_map(held.fd, 0, index->wasm_bytes, &start) == OS_OK;
    file_close(held.fd);
    if (!ok)
        return false;
    found->wasm = start;
    if (held.is_known)
        return true;
    uint8_t digest[SHA256_BYTES];
    cpu_use_sha256();
    sha256_of(found->wasm, index->wasm_bytes, digest);
    index->wasm = held.now;
    *is_stale = true;
    return sha256_equal(digest, index->wasm_sha256);
}

/* Whether an image's bytes are those that were put there. */
static bool is_intact(const uint8_t *bytes, const struct cache_image *image)
{
    struct image_header header;
    struct stint_error ignored = {0};
    cpu_use_sha256();
    return image_check_header(bytes, image->image_bytes, &header, &ignored) == STINT_OK &&
           sha256_equal(header.header_sha256, image->header_sha256) &&
           image_check_content(bytes, &header, &ignored) == STINT_OK;
}

/* Where files cannot be mapped executable (a mount with noexec), a copy in memory still can be. */
static enum stint_status map_image(const struct held_file *held, const struct cache_image *image,
                                   struct native_image **ret_image, struct stint_error *error)
{
    struct stint_error first = {0};
    void *start;
    enum stint_status status =
        image_map_file(held->fd, 0, image->image_bytes, native_imports, ret_image, &first);
    if (status != STINT_IO)
        return status == STINT_OK ? status
                                  : error_set(error, status, STINT_NO_OFFSET, "%s", first.message);
    if (code_pages_map(held->fd, 0, held->now.size_bytes, &start) != OS_OK)
        return error_set(error, status, STINT_NO_OFFSET, "%s", first.message);
    status = image_map_memory(start, image->image_bytes, native_imports, ret_image, error);
    code_pages_release(start, held->now.size_bytes);
    return status;
}

/* STINT_NOT_FOUND when the image is not there as it should be. */
static enum stint_status take_image(const struct cache *cache, const struct cache_name *name,
                                    struct cache_index *index, struct cache_image *image,
                                    struct cache_found *found, bool *is_stale,
                                    struct stint_error *error)
{
    char text[CACHE_NAME_BYTES];
    struct held_file held;
    cache_image_name(name, image->header_sha256, text);
    if (!hold(cache, text, index, &image->file, &held))
        return STINT_NOT_FOUND;
    bool ok = held.now.size_bytes >= image->image_bytes &&
              held.now.size_bytes % IMAGE_PAGE_BYTES_MAX == 0;
    if (ok && !held.is_known) {
        void *start;
        ok = code_pages_map(held.fd, 0, held.now.size_bytes, &start) == OS_OK;
        if (ok) {
            ok = is_intact(start, image);
            code_pages_release(start, held.now.size_bytes);
        }
        image->file = held.now;
        *is_stale = true;
    }
    enum stint_status status = STINT_NOT_FOUND;
    if (ok)
        status = map_image(&held, image, &found->images[found->image_count], error);
    if (status == STINT_OK)
        found->image_count++;
    file_close(held.fd);
    return status;
}

static void record_use(const struct cache *cache, const char *index_name)
{
    struct file_stat stat;
    uint64_t now_ns = clock_now_ns(OS_CLOCK_REALTIME);
    if (file_stat_at(cache->dir_fd, index_name, &stat) == OS_OK &&
        (stat.modified_ns + USED_AGAIN_NS < now_ns || stat.modified_ns > now_ns))
        (void)!file_set_times_at(cache->dir_fd, index_name,
                                 (struct file_time){.kind = FILE_TIME_KEEP},
                                 (struct file_time){.kind = FILE_TIME_NOW});
}

/* One attempt. STINT_NOT_FOUND with `*ret_was` set: the index was good, but not what it names. */
static enum stint_status find_once(struct cache *cache, const struct cache_name *name,
                                   const char *index_name, bool with_wasm,
                                   struct cache_found *ret_found, struct cache_index *ret_was,
                                   struct stint_error *error)
{
    struct cache_found found = {0};
    struct cache_index index;
    bool is_stale = false;
    enum os_error reason = cache_read_index(cache, index_name, &index);
    if (reason == OS_BADMSG || reason == OS_IO)
        (void)!file_unlink_at(cache->dir_fd, index_name);
    if (reason != OS_OK || !sha256_equal(index.wasm_sha256, name->wasm_sha256))
        return STINT_NOT_FOUND;
    *ret_was = index;
    memcpy(found.wasm_sha256, name->wasm_sha256, sizeof(found.wasm_sha256));
    found.wasm_bytes = index.wasm_bytes;
    enum stint_status status = STINT_OK;
    if (with_wasm && !take_wasm(cache, &index, &found, &is_stale))
        status = STINT_NOT_FOUND;
    for (uint32_t i = 0; i < index.image_count && status == STINT_OK; i++)
        status = take_image(cache, name, &index, &index.images[i], &found, &is_stale, error);
    if (status != STINT_OK) {
        cache_found_clear(&found);
        return status;
    }
    /* A copy that was not looked at now keeps the boot at which it was. */
    if (is_stale && with_wasm)
        (void)!cache_write_index(cache, &index);
    record_use(cache, index_name);
    *ret_found = found;
    return STINT_OK;
}

enum stint_status cache_find(struct cache *cache, const uint8_t wasm_sha256[IMAGE_DIGEST_BYTES],
                             const struct cache_params *params, bool with_wasm,
                             struct cache_found *ret_found, struct stint_error *error)
{
    struct cache_name name = cache_name_of(wasm_sha256, params);
    struct cache_index first = {0}, second = {0};
    char text[CACHE_NAME_BYTES];
    cache_index_name(&name, text);
    enum stint_status status = find_once(cache, &name, text, with_wasm, ret_found, &first, error);
    /* Another process may have put a new index in its place meanwhile. */
    if (status == STINT_NOT_FOUND && first.version != 0)
        status = find_once(cache, &name, text, with_wasm, ret_found, &second, error);
    if (status != STINT_NOT_FOUND)
        return status;
    if (second.version != 0 && sha256_equal(first.mac, second.mac)) {
        /* Someone tampered with it, or a crash left it half written: it is made anew. */
        cache_remove_entry(cache, &name);
        cache_wasm_name(wasm_sha256, text);
        if (with_wasm)
            (void)!file_unlink_at(cache->dir_fd, text);
    }
    return error_set(error, STINT_NOT_FOUND, STINT_NO_OFFSET, "the cache has no code for it");
}

void cache_found_clear(struct cache_found *found)
{
    if (found->wasm != NULL)
        code_pages_release((void *)(uintptr_t)found->wasm, found->wasm_bytes);
    for (uint32_t i = 0; i < found->image_count; i++)
        found->images[i]->release(found->images[i]);
    found->wasm = NULL;
    found->image_count = 0;
}

void cache_found_tables(const struct cache_found *found, struct module_tables *ret_tables)
{
    memset(ret_tables, 0, sizeof(*ret_tables));
    for (uint32_t i = 0; i < found->image_count; i++) {
        const struct image_header *header = found->images[i]->header;
        if (header->bodies.count == 0 || header->wasm_bytes != found->wasm_bytes)
            continue;
        *ret_tables = image_tables((const uint8_t *)header, header);
        return;
    }
}
