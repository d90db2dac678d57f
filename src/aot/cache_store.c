/* SPDX-License-Identifier: Apache-2.0 */
/* Putting code into the cache. */
#include <string.h>

#include "aot/cache_int.h"
#include "aot/image_check.h"
#include "os/clock.h"
#include "os/code_pages.h"
#include "os/cpu.h"
#include "os/thread.h"

/* Files that changed so lately may change again without a new time: clocks of file systems tick up to
 * every 10 ms, and some only every second or two. */
#define RECENT_NS ((uint64_t)50 * 1000000)
#define RECENT_COARSE_NS ((uint64_t)2500 * 1000000)
#define NS_PER_SECOND ((uint64_t)1000000000)

enum stint_status cache_remember(struct cache *cache, const struct file_stat *file, uint32_t part,
                                 const uint8_t wasm_sha256[IMAGE_DIGEST_BYTES], uint64_t wasm_bytes,
                                 struct stint_error *error)
{
    struct cache_stamp stamp;
    char name[CACHE_NAME_BYTES];
    uint64_t now_ns = clock_now_ns(OS_CLOCK_REALTIME);
    uint64_t changed_ns =
        file->changed_ns > file->modified_ns ? file->changed_ns : file->modified_ns;
    bool is_coarse = file->changed_ns % NS_PER_SECOND == 0;
    if (changed_ns + (is_coarse ? RECENT_COARSE_NS : RECENT_NS) > now_ns)
        return STINT_OK;
    memset(&stamp, 0, sizeof(stamp));
    memcpy(stamp.magic, CACHE_STAMP_MAGIC, sizeof(stamp.magic));
    stamp.version = CACHE_VERSION;
    stamp.part = part;
    stamp.file = cache_file_of(file);
    memcpy(stamp.wasm_sha256, wasm_sha256, sizeof(stamp.wasm_sha256));
    stamp.wasm_bytes = wasm_bytes;
    cache_mac(cache, &stamp, offsetof(struct cache_stamp, mac), stamp.mac);
    cache_stamp_name(file, part, name);
    enum os_error reason = cache_put_small(cache, name, &stamp, sizeof(stamp));
    return reason == OS_OK ? STINT_OK : cache_failed(cache, "write to", reason, error);
}

/* ---- The module's copy --------------------------------------------------------------------- */

/* Copying the module, hashing the copy, and decoding it where a foreign image's tables are to be
 * compared: beside the image, in a thread of its own. */
struct wasm_job {
    const struct cache *cache;
    const uint8_t *wasm;
    const struct image_header *foreign; /* NULL: nothing to compare */
    uint64_t wasm_bytes;
    const uint8_t *wasm_sha256;
    struct cache_file file;
    void *mapped;         /* the copy; NULL after a failure */
    enum os_error reason; /* OS_BADMSG: the bytes have another digest */
    struct image_module decoded;
    enum stint_status status; /* of decoding */
    struct stint_error error;
};

/* Maps the copy; `is_known`: its digest need not be looked at. */
static enum os_error map_copy(struct wasm_job *job, int fd, bool is_known)
{
    uint8_t digest[SHA256_BYTES];
    void *start;
    enum os_error reason = code_pages_map(fd, 0, job->wasm_bytes, &start);
    if (reason != OS_OK)
        return reason;
    if (!is_known) {
        sha256_of(start, job->wasm_bytes, digest);
        if (!sha256_equal(digest, job->wasm_sha256)) {
            code_pages_release(start, job->wasm_bytes);
            return OS_BADMSG;
        }
    }
    job->mapped = start;
    return OS_OK;
}

/* A copy that another entry made: OS_NOENT when there is none that is good. */
static enum os_error use_copy(struct wasm_job *job, const char *name)
{
    struct file_stat stat;
    int fd;
    enum os_error reason = private_open_at(job->cache->dir_fd, name, false, &fd);
    if (reason != OS_OK)
        return OS_NOENT;
    reason = file_stat_of(fd, &stat);
    if (reason == OS_OK && cache_file_of(&stat).size_bytes != job->wasm_bytes)
        reason = OS_NOENT;
    /* As an index has recorded it: no need to look. */
    struct cache_file now = cache_file_of(&stat);
    if (reason == OS_OK)
        reason = map_copy(job, fd, cache_file_equal(&now, &job->file));
    file_close(fd);
    if (reason == OS_OK)
        job->file = now;
    return reason == OS_OK ? OS_OK : OS_NOENT;
}

static void copy_wasm(struct wasm_job *job)
{
    struct cache_draft draft;
    char name[CACHE_NAME_BYTES];
    cache_wasm_name(job->wasm_sha256, name);
    job->reason = use_copy(job, name);
    if (job->reason == OS_OK)
        return;
    job->reason = cache_draft_begin(job->cache, &draft);
    if (job->reason != OS_OK)
        return;
    job->reason = private_write_all(draft.fd, job->wasm, job->wasm_bytes, 0);
    if (job->reason == OS_OK)
        job->reason = map_copy(job, draft.fd, false);
    if (job->reason == OS_OK)
        job->reason = cache_draft_keep(job->cache, &draft, name, &job->file);
    else
        cache_draft_drop(job->cache, &draft);
    if (job->reason != OS_OK && job->mapped != NULL) {
        code_pages_release(job->mapped, job->wasm_bytes);
        job->mapped = NULL;
    }
}

static void run_wasm_job(void *context)
{
    struct wasm_job *job = context;
    copy_wasm(job);
    if (job->reason == OS_OK && job->foreign != NULL)
        job->status = image_module_decode(job->foreign, job->mapped, &job->decoded, &job->error);
}

/* ---- Images -------------------------------------------------------------------------------- */

struct image_job {
    const struct cache *cache;
    const uint8_t *bytes;
    const struct image_header *header;
    struct cache_name name;
    bool is_foreign;
    struct cache_file file;
    struct cache_draft draft; /* where there is no failure */
    void *mapped;             /* a foreign image's copy, where there is no failure */
};

/* Everything about the copy: it is what will be mapped. */
static enum stint_status check_copy(struct image_job *job, struct stint_error *error)
{
    size_t bytes = job->header->image_bytes;
    struct image_header header;
    void *start;
    enum os_error reason = code_pages_map(job->draft.fd, 0, bytes, &start);
    if (reason != OS_OK)
        return cache_failed(job->cache, "read", reason, error);
    enum stint_status status = image_check_header(start, bytes, &header, error);
    if (status == STINT_OK && memcmp(&header, job->header, sizeof(header)) != 0)
        status = error_set(error, STINT_MALFORMED, STINT_NO_OFFSET,
                           "the file changed while it was read");
    if (status == STINT_OK)
        status = image_check_content(start, &header, error);
    if (status == STINT_OK)
        job->mapped = start;
    else
        code_pages_release(start, bytes);
    return status;
}

static enum stint_status draft_image(struct image_job *job, struct stint_error *error)
{
    size_t bytes = job->header->image_bytes;
    size_t whole = (bytes + IMAGE_PAGE_BYTES_MAX - 1) & ~((size_t)IMAGE_PAGE_BYTES_MAX - 1);
    enum os_error reason = cache_draft_begin(job->cache, &job->draft);
    if (reason != OS_OK)
        return cache_failed(job->cache, "write to", reason, error);
    reason = private_write_all(job->draft.fd, job->bytes, bytes, 0);
    if (reason == OS_OK)
        reason = file_set_size(job->draft.fd, whole);
    enum stint_status status =
        reason == OS_OK ? STINT_OK : cache_failed(job->cache, "write to", reason, error);
    if (status == STINT_OK && job->is_foreign)
        status = check_copy(job, error);
    if (status != STINT_OK)
        cache_draft_drop(job->cache, &job->draft);
    return status;
}

static void drop_oldest(const struct cache *cache, const struct cache_name *name,
                        struct cache_index *index, uint32_t which)
{
    char text[CACHE_NAME_BYTES];
    cache_image_name(name, index->images[which].header_sha256, text);
    (void)!file_unlink_at(cache->dir_fd, text);
    index->image_count--;
    memmove(&index->images[which], &index->images[which + 1],
            (index->image_count - which) * sizeof(index->images[0]));
    memset(&index->images[index->image_count], 0, sizeof(index->images[0]));
}

/* Puts the drafted image in its place and into the index. */
static enum stint_status keep_image(struct image_job *job, const struct cache_params *params,
                                    const struct wasm_job *wasm,
                                    const uint8_t signer[ARTEFACT_KEY_BYTES],
                                    struct cache_index *index, struct stint_error *error)
{
    char name[CACHE_NAME_BYTES];
    for (uint32_t i = 0; i < index->image_count; i++) {
        if (sha256_equal(index->images[i].header_sha256, job->header->header_sha256))
            drop_oldest(job->cache, &job->name, index, i--);
    }
    /* An image of all functions makes the others superfluous. */
    while (index->image_count == CACHE_IMAGES_MAX ||
           (index->image_count > 0 && !(job->header->flags & IMAGE_PARTIAL)))
        drop_oldest(job->cache, &job->name, index, 0);
    cache_image_name(&job->name, job->header->header_sha256, name);
    enum os_error reason = cache_draft_keep(job->cache, &job->draft, name, &job->file);
    if (reason != OS_OK)
        return cache_failed(job->cache, "write to", reason, error);
    struct cache_image *image = &index->images[index->image_count++];
    memcpy(image->header_sha256, job->header->header_sha256, sizeof(image->header_sha256));
    memcpy(image->signer, signer, sizeof(image->signer));
    image->image_bytes = job->header->image_bytes;
    image->file = job->file;
    memcpy(index->wasm_sha256, job->name.wasm_sha256, sizeof(index->wasm_sha256));
    memcpy(index->params, job->name.params, sizeof(index->params));
    index->wasm_bytes = wasm->wasm_bytes;
    index->wasm = wasm->file;
    index->flags = (params->is_strict ? (uint32_t)IMAGE_STRICT : 0) |
                   (params->is_metered ? (uint32_t)IMAGE_METERED : 0);
    index->features = params->features;
    reason = cache_write_index(job->cache, index);
    if (reason == OS_OK)
        return STINT_OK;
    (void)!file_unlink_at(job->cache->dir_fd, name);
    return cache_failed(job->cache, "write to", reason, error);
}

/* The entry as it is, or an empty one. After a restart of the system old images are not vouched for by
 * a new index, so they go. */
static void read_entry(const struct cache *cache, const struct cache_name *name,
                       struct cache_index *ret_index)
{
    char text[CACHE_NAME_BYTES];
    cache_index_name(name, text);
    enum os_error reason = cache_read_index(cache, text, ret_index);
    if (reason == OS_OK &&
        memcmp(ret_index->boot_id, cache->boot_id, sizeof(cache->boot_id)) != 0) {
        cache_remove_entry(cache, name);
        reason = OS_NOENT;
    }
    if (reason != OS_OK)
        memset(ret_index, 0, sizeof(*ret_index));
}

/* Both copies are there: is the module good, and what a foreign image says of it? */
static enum stint_status check_pair(const struct image_job *job, const struct wasm_job *wasm,
                                    struct stint_error *error)
{
    if (wasm->reason == OS_BADMSG)
        return error_set(error, STINT_MALFORMED, STINT_NO_OFFSET,
                         "it belongs to another module, or the module was changed");
    if (wasm->reason != OS_OK)
        return cache_failed(job->cache, "write to", wasm->reason, error);
    if (wasm->status != STINT_OK) {
        *error = wasm->error;
        return wasm->status;
    }
    return job->is_foreign ? image_module_compare(job->mapped, job->header, &wasm->decoded, error)
                           : STINT_OK;
}

static enum stint_status store(struct cache *cache, const uint8_t *wasm, struct image_job *job,
                               const struct cache_params *params,
                               const uint8_t signer[ARTEFACT_KEY_BYTES], struct stint_error *error)
{
    struct cache_index index;
    struct thread thread;
    if (job->header->wasm_bytes + job->header->image_bytes > cache->limit_bytes)
        return error_set(error, STINT_LIMIT, STINT_NO_OFFSET,
                         "it is larger than the cache may be (%llu bytes)",
                         (unsigned long long)cache->limit_bytes);
    cpu_use_sha256();
    int lock_fd = cache_lock(cache);
    if (lock_fd < 0)
        return cache_failed(cache, "lock", OS_NOLCK, error);
    read_entry(cache, &job->name, &index);
    struct wasm_job wasm_job = {.cache = cache,
                                .wasm = wasm,
                                .foreign = job->is_foreign ? job->header : NULL,
                                .wasm_bytes = job->header->wasm_bytes,
                                .wasm_sha256 = job->name.wasm_sha256,
                                .file = index.wasm};
    bool has_thread = job->is_foreign && thread_start(&thread, run_wasm_job, &wasm_job, false);
    enum stint_status status = draft_image(job, error);
    if (has_thread)
        thread_join(&thread);
    else
        run_wasm_job(&wasm_job);
    if (status == STINT_OK) {
        status = check_pair(job, &wasm_job, error);
        if (status != STINT_OK)
            cache_draft_drop(cache, &job->draft);
    }
    image_module_free(&wasm_job.decoded);
    code_pages_release(job->mapped, job->header->image_bytes);
    code_pages_release(wasm_job.mapped, wasm_job.wasm_bytes);
    if (status == STINT_OK)
        status = keep_image(job, params, &wasm_job, signer, &index, error);
    /* Also after a failure: a full disk may have room again. */
    cache_trim(cache, status == STINT_OK ? &job->name : NULL);
    file_close(lock_fd);
    return status;
}

enum stint_status cache_store(struct cache *cache, const uint8_t *wasm, size_t wasm_bytes,
                              const uint8_t wasm_sha256[IMAGE_DIGEST_BYTES],
                              const struct cache_params *params, const uint8_t *image,
                              size_t image_bytes, struct stint_error *error)
{
    static const uint8_t nobody[ARTEFACT_KEY_BYTES];
    struct image_header header;
    enum stint_status status = image_check_header(image, image_bytes, &header, error);
    if (status != STINT_OK)
        return status;
    if (!sha256_equal(header.wasm_sha256, wasm_sha256) || header.wasm_bytes != wasm_bytes)
        return error_set(error, STINT_MALFORMED, STINT_NO_OFFSET, "it belongs to another module");
    struct image_job job = {.cache = cache,
                            .bytes = image,
                            .header = &header,
                            .name = cache_name_of(wasm_sha256, params)};
    return store(cache, wasm, &job, params, nobody, error);
}

enum stint_status cache_import(struct cache *cache, const uint8_t *wasm,
                               const struct image_header *header, const uint8_t *image,
                               const struct cache_params *params,
                               const uint8_t signer[ARTEFACT_KEY_BYTES], struct stint_error *error)
{
    struct image_job job = {.cache = cache,
                            .bytes = image,
                            .header = header,
                            .name = cache_name_of(header->wasm_sha256, params),
                            .is_foreign = true};
    return store(cache, wasm, &job, params, signer, error);
}
