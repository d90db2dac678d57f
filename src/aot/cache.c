/* SPDX-License-Identifier: Apache-2.0 */
/* The cache's directory, key and names. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aot/cache_int.h"
#include "aot/image_abi.h"
#include "os/cpu.h"
#include "os/random.h"

_Static_assert(sizeof(struct cache_index) == 88 + 40 + CACHE_IMAGES_MAX * 112 + 32,
               "what the MAC covers has no padding");
_Static_assert(sizeof(struct cache_stamp) == 16 + 40 + 32 + 8 + 32, "nor here");

enum stint_status cache_failed(const struct cache *cache, const char *what, enum os_error reason,
                               struct stint_error *error)
{
    return error_set(error, reason == OS_NOMEM ? STINT_NOMEM : STINT_IO, STINT_NO_OFFSET,
                     "cannot %s the cache '%.120s': %s", what, cache->path, os_error_text(reason));
}

/* ---- Opening ------------------------------------------------------------------------------- */

/* Makes a key where there is none. Of two processes that do so at once, one wins: both read its. */
static enum os_error make_key(const struct cache *cache)
{
    struct cache_draft draft;
    uint8_t key[CACHE_KEY_BYTES];
    enum os_error reason = random_fill(key, sizeof(key));
    if (reason == OS_OK)
        reason = cache_draft_begin(cache, &draft);
    if (reason != OS_OK)
        return reason;
    reason = private_write_all(draft.fd, key, sizeof(key), 0);
    /* A link fails where the name is taken; a rename would replace the other's key. */
    if (reason == OS_OK)
        reason = file_link_at(cache->dir_fd, draft.name, cache->dir_fd, "key");
    cache_draft_drop(cache, &draft);
    return reason == OS_EXIST ? OS_OK : reason;
}

static enum stint_status read_key(struct cache *cache, struct stint_error *error)
{
    int fd;
    enum os_error reason = private_open_at(cache->dir_fd, "key", true, &fd);
    if (reason == OS_NOENT) {
        reason = make_key(cache);
        if (reason == OS_OK)
            reason = private_open_at(cache->dir_fd, "key", true, &fd);
    }
    if (reason == OS_PERM)
        return error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                         "others can read or write the cache's key '%s/key': remove the cache",
                         cache->path);
    if (reason != OS_OK)
        return cache_failed(cache, "open", reason, error);
    reason = private_read_all(fd, cache->key, sizeof(cache->key));
    file_close(fd);
    return reason == OS_OK ? STINT_OK : cache_failed(cache, "read", reason, error);
}

enum stint_status cache_open_at(struct alloc *alloc, const char *path, uint64_t limit_bytes,
                                struct cache **ret_cache, struct stint_error *error)
{
    if (strlen(path) >= PRIVATE_PATH_BYTES)
        return error_set(error, STINT_LIMIT, STINT_NO_OFFSET, "the cache's path is too long");
    struct cache *cache = alloc_get_zeroed(alloc, 1, sizeof(*cache));
    if (cache == NULL)
        return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "out of memory");
    cache->alloc = alloc;
    cache->dir_fd = -1;
    cache->limit_bytes = limit_bytes;
    memcpy(cache->path, path, strlen(path) + 1);
    private_boot_id(cache->boot_id);
    enum stint_status status = private_open_directory(path, true, &cache->dir_fd, error);
    if (status == STINT_OK)
        status = read_key(cache, error);
    if (status != STINT_OK) {
        cache_close(cache);
        return status;
    }
    *ret_cache = cache;
    return STINT_OK;
}

/* "512M"; false for anything else. */
static bool parse_limit(const char *text, uint64_t *ret_bytes)
{
    static const char suffixes[] = "KMG";
    uint64_t value = 0;
    unsigned shift = 0;
    if (*text < '0' || *text > '9')
        return false;
    for (; *text >= '0' && *text <= '9'; text++) {
        if (value > ((uint64_t)1 << 50))
            return false;
        value = value * 10 + (uint64_t)(*text - '0');
    }
    if (*text != '\0') {
        const char *found = strchr(suffixes, *text);
        if (found == NULL || text[1] != '\0')
            return false;
        shift = 10 * (unsigned)(found - suffixes + 1);
    }
    if (value > UINT64_MAX >> shift)
        return false;
    *ret_bytes = value << shift;
    return true;
}

/* Where the default cache is, and how large it may be. */
static enum stint_status find_default(char ret_path[PRIVATE_PATH_BYTES], uint64_t *ret_limit_bytes,
                                      struct stint_error *error)
{
    const char *size = getenv("STINT_CACHE_SIZE");
    *ret_limit_bytes = CACHE_LIMIT_BYTES_DEFAULT;
    if (size != NULL && size[0] != '\0' && !parse_limit(size, ret_limit_bytes))
        return error_set(error, STINT_ARGUMENT, STINT_NO_OFFSET,
                         "STINT_CACHE_SIZE is '%.40s', which is no size like 512M", size);
    return private_default_path("XDG_CACHE_HOME", ".cache", ret_path, error);
}

enum stint_status cache_open(struct alloc *alloc, struct cache **ret_cache,
                             struct stint_error *error)
{
    char path[PRIVATE_PATH_BYTES];
    uint64_t limit_bytes;
    enum stint_status status = find_default(path, &limit_bytes, error);
    return status != STINT_OK ? status : cache_open_at(alloc, path, limit_bytes, ret_cache, error);
}

enum stint_status cache_probe(const struct file_stat *file, uint32_t part,
                              struct stint_error *error)
{
    char path[PRIVATE_PATH_BYTES + CACHE_NAME_BYTES];
    struct file_stat stat;
    uint64_t limit_bytes;
    enum stint_status status = find_default(path, &limit_bytes, error);
    if (status != STINT_OK)
        return status;
    /* One look by path: whose directory it is matters only to who believes what lies there. */
    size_t length = strlen(path);
    path[length] = '/';
    cache_stamp_name(file, part, path + length + 1);
    return file_stat_host(path, &stat) == OS_OK ? STINT_OK : STINT_NOT_FOUND;
}

void cache_close(struct cache *cache)
{
    if (cache == NULL)
        return;
    if (cache->dir_fd >= 0)
        file_close(cache->dir_fd);
    alloc_put(cache->alloc, cache, sizeof(*cache));
}

const char *cache_path(const struct cache *cache)
{
    return cache->path;
}

int cache_lock(const struct cache *cache)
{
    int fd;
    if (private_open_at(cache->dir_fd, "key", true, &fd) != OS_OK)
        return -1;
    if (private_lock(fd) == OS_OK)
        return fd;
    file_close(fd);
    return -1;
}

/* ---- Names --------------------------------------------------------------------------------- */

static void hex_of(const uint8_t *bytes, size_t count, char *ret_text)
{
    for (size_t i = 0; i < count; i++) {
        ret_text[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
        ret_text[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
    }
    ret_text[2 * count] = '\0';
}

struct cache_name cache_name_of(const uint8_t wasm_sha256[IMAGE_DIGEST_BYTES],
                                const struct cache_params *params)
{
    struct {
        uint8_t abi_hash[IMAGE_ABI_HASH_BYTES];
        char cpu[CPU_NAME_BYTES];
        uint32_t flags, features;
    } made_for;
    uint8_t digest[SHA256_BYTES];
    struct cache_name name;
    memset(&made_for, 0, sizeof(made_for));
    image_abi_hash(made_for.abi_hash);
    cpu_name(made_for.cpu);
    made_for.flags = (params->is_strict ? (uint32_t)IMAGE_STRICT : 0) |
                     (params->is_metered ? (uint32_t)IMAGE_METERED : 0);
    made_for.features = params->features;
    sha256_of(&made_for, sizeof(made_for), digest);
    memcpy(name.wasm_sha256, wasm_sha256, sizeof(name.wasm_sha256));
    memcpy(name.params, digest, sizeof(name.params));
    return name;
}

void cache_wasm_name(const uint8_t wasm_sha256[IMAGE_DIGEST_BYTES], char ret_name[CACHE_NAME_BYTES])
{
    char wasm[SHA256_HEX_BYTES];
    sha256_hex(wasm_sha256, wasm);
    snprintf(ret_name, CACHE_NAME_BYTES, "%s.wasm", wasm);
}

void cache_index_name(const struct cache_name *name, char ret_text[CACHE_NAME_BYTES])
{
    char wasm[SHA256_HEX_BYTES], params[2 * CACHE_PARAMS_BYTES + 1];
    sha256_hex(name->wasm_sha256, wasm);
    hex_of(name->params, CACHE_PARAMS_BYTES, params);
    snprintf(ret_text, CACHE_NAME_BYTES, "%s-%s.index", wasm, params);
}

void cache_image_name(const struct cache_name *name, const uint8_t header_sha256[SHA256_BYTES],
                      char ret_text[CACHE_NAME_BYTES])
{
    char wasm[SHA256_HEX_BYTES], params[2 * CACHE_PARAMS_BYTES + 1], image[17];
    sha256_hex(name->wasm_sha256, wasm);
    hex_of(name->params, CACHE_PARAMS_BYTES, params);
    hex_of(header_sha256, 8, image);
    snprintf(ret_text, CACHE_NAME_BYTES, "%s-%s-%s.image", wasm, params, image);
}

void cache_stamp_name(const struct file_stat *file, uint32_t part,
                      char ret_name[CACHE_NAME_BYTES])
{
    const uint64_t place[3] = {file->device, file->inode, part};
    uint8_t digest[SHA256_BYTES];
    sha256_of(place, part == 0 ? 2 * sizeof(place[0]) : sizeof(place), digest);
    hex_of(digest, 16, ret_name);
    memcpy(ret_name + 32, ".stamp", sizeof(".stamp"));
}

/* ---- Small files --------------------------------------------------------------------------- */

void cache_mac(const struct cache *cache, const void *data, size_t bytes,
               uint8_t ret_mac[SHA256_BYTES])
{
    struct hmac_sha256 hmac;
    hmac_sha256_begin(&hmac, cache->key, sizeof(cache->key));
    hmac_sha256_add(&hmac, data, bytes);
    hmac_sha256_end(&hmac, ret_mac);
}

struct cache_file cache_file_of(const struct file_stat *stat)
{
    return (struct cache_file){stat->device, stat->inode, stat->size_bytes, stat->modified_ns,
                               stat->changed_ns};
}

bool cache_file_equal(const struct cache_file *a, const struct cache_file *b)
{
    return a->device == b->device && a->inode == b->inode && a->size_bytes == b->size_bytes &&
           a->modified_ns == b->modified_ns && a->changed_ns == b->changed_ns;
}

enum os_error cache_draft_begin(const struct cache *cache, struct cache_draft *draft)
{
    uint64_t random;
    enum os_error reason = random_fill(&random, sizeof(random));
    if (reason != OS_OK)
        return reason;
    snprintf(draft->name, sizeof(draft->name), "%016" PRIx64 ".tmp", random);
    return private_create_at(cache->dir_fd, draft->name, &draft->fd);
}

void cache_draft_drop(const struct cache *cache, struct cache_draft *draft)
{
    file_close(draft->fd);
    (void)!file_unlink_at(cache->dir_fd, draft->name);
}

enum os_error cache_draft_keep(const struct cache *cache, struct cache_draft *draft,
                               const char *name, struct cache_file *ret_file)
{
    struct file_stat stat;
    enum os_error reason = file_rename_at(cache->dir_fd, draft->name, cache->dir_fd, name);
    if (reason != OS_OK) {
        cache_draft_drop(cache, draft);
        return reason;
    }
    /* After the rename, which counts as a change of the file. */
    reason = file_stat_of(draft->fd, &stat);
    file_close(draft->fd);
    if (reason == OS_OK && ret_file != NULL)
        *ret_file = cache_file_of(&stat);
    return reason;
}

enum os_error cache_put_small(const struct cache *cache, const char *name, const void *data,
                              size_t bytes)
{
    struct cache_draft draft;
    enum os_error reason = cache_draft_begin(cache, &draft);
    if (reason != OS_OK)
        return reason;
    reason = private_write_all(draft.fd, data, bytes, 0);
    if (reason == OS_OK)
        return cache_draft_keep(cache, &draft, name, NULL);
    cache_draft_drop(cache, &draft);
    return reason;
}

enum os_error cache_read_index(const struct cache *cache, const char *name,
                               struct cache_index *ret_index)
{
    struct cache_index index;
    uint8_t mac[SHA256_BYTES];
    int fd;
    enum os_error reason = private_open_at(cache->dir_fd, name, false, &fd);
    if (reason != OS_OK)
        return reason;
    reason = private_read_all(fd, &index, sizeof(index));
    file_close(fd);
    if (reason != OS_OK)
        return reason;
    cache_mac(cache, &index, offsetof(struct cache_index, mac), mac);
    if (!sha256_equal(mac, index.mac) ||
        memcmp(index.magic, CACHE_INDEX_MAGIC, sizeof(index.magic)) != 0 ||
        index.version != CACHE_VERSION || index.image_count > CACHE_IMAGES_MAX)
        return OS_BADMSG;
    *ret_index = index;
    return OS_OK;
}

enum os_error cache_write_index(const struct cache *cache, struct cache_index *index)
{
    struct cache_name name;
    char text[CACHE_NAME_BYTES];
    memcpy(name.wasm_sha256, index->wasm_sha256, sizeof(name.wasm_sha256));
    memcpy(name.params, index->params, sizeof(name.params));
    cache_index_name(&name, text);
    memcpy(index->magic, CACHE_INDEX_MAGIC, sizeof(index->magic));
    index->version = CACHE_VERSION;
    memcpy(index->boot_id, cache->boot_id, sizeof(index->boot_id));
    cache_mac(cache, index, offsetof(struct cache_index, mac), index->mac);
    return cache_put_small(cache, text, index, sizeof(*index));
}

/* ---- Stamps -------------------------------------------------------------------------------- */

enum stint_status cache_recall(struct cache *cache, const struct file_stat *file,
                               uint32_t part, uint8_t ret_wasm_sha256[IMAGE_DIGEST_BYTES],
                               uint64_t *ret_wasm_bytes)
{
    struct cache_stamp stamp;
    struct cache_file now = cache_file_of(file);
    char name[CACHE_NAME_BYTES];
    uint8_t mac[SHA256_BYTES];
    int fd;
    cache_stamp_name(file, part, name);
    if (private_open_at(cache->dir_fd, name, false, &fd) != OS_OK)
        return STINT_NOT_FOUND;
    enum os_error reason = private_read_all(fd, &stamp, sizeof(stamp));
    file_close(fd);
    if (reason != OS_OK)
        return STINT_NOT_FOUND;
    cache_mac(cache, &stamp, offsetof(struct cache_stamp, mac), mac);
    if (!sha256_equal(mac, stamp.mac) || stamp.version != CACHE_VERSION ||
        stamp.part != part || memcmp(stamp.magic, CACHE_STAMP_MAGIC, sizeof(stamp.magic)) != 0 ||
        !cache_file_equal(&stamp.file, &now))
        return STINT_NOT_FOUND;
    memcpy(ret_wasm_sha256, stamp.wasm_sha256, sizeof(stamp.wasm_sha256));
    *ret_wasm_bytes = stamp.wasm_bytes;
    return STINT_OK;
}
