/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cache's files, private to cache_*.c. All of mode 0600 in a directory of mode 0700:
 *
 *   key                        32 random bytes, the MAC's key
 *   WASM.wasm                  a copy of a module; WASM: 64 digits, its SHA-256
 *   WASM-PARAMS-IMAGE.image    an image, in whole pages of it; PARAMS: 16 digits, a hash of what it is
 *                              for; IMAGE: 16 digits, of its header's digest
 *   WASM-PARAMS.index          struct cache_index: the entry
 *   FILE.stamp                 struct cache_stamp; FILE: 32 digits, a hash of device and inode
 *                              (and of the place in the file, for a part of a component)
 *   *.tmp                      being written
 *
 * An index records each file's inode, size and times under the MAC. As long as they are the same and
 * the system has not been restarted since (which might have lost pages that were never written back),
 * nothing is hashed again. Otherwise the digests decide, and a new index is written.
 */
#ifndef AOT_CACHE_INT_H
#define AOT_CACHE_INT_H

#include "aot/cache.h"
#include "os/private_files.h"

enum {
    CACHE_KEY_BYTES = 32,
    CACHE_PARAMS_BYTES = 8,
    CACHE_VERSION = 1,
    CACHE_NAME_BYTES = 64 + 1 + 16 + 1 + 16 + 16, /* the longest name, and room for .tmp */
    CACHE_ENTRIES_MAX = 1 << 16,
};
#define CACHE_LIMIT_BYTES_DEFAULT ((uint64_t)1 << 30)

struct cache {
    struct alloc *alloc;
    int dir_fd;
    uint64_t limit_bytes;
    uint8_t key[CACHE_KEY_BYTES];
    uint8_t boot_id[16];
    char path[PRIVATE_PATH_BYTES];
};

struct cache_file {
    uint64_t device, inode, size_bytes, modified_ns, changed_ns;
};

struct cache_image {
    uint8_t header_sha256[IMAGE_DIGEST_BYTES];
    uint8_t signer[ARTEFACT_KEY_BYTES]; /* zeros: made by this user */
    uint64_t image_bytes;
    struct cache_file file;
};

struct cache_index {
    char magic[8]; /* "stintidx" */
    uint32_t version, image_count;
    uint8_t wasm_sha256[IMAGE_DIGEST_BYTES];
    uint64_t wasm_bytes;
    uint8_t params[CACHE_PARAMS_BYTES];
    uint32_t flags; /* IMAGE_STRICT, IMAGE_METERED */
    uint32_t features;
    uint8_t boot_id[16];
    struct cache_file wasm;
    struct cache_image images[CACHE_IMAGES_MAX]; /* oldest first */
    uint8_t mac[SHA256_BYTES];                   /* of all before it */
};

struct cache_stamp {
    char magic[8]; /* "stintstm" */
    uint32_t version, part;
    struct cache_file file;
    uint8_t wasm_sha256[IMAGE_DIGEST_BYTES];
    uint64_t wasm_bytes;
    uint8_t mac[SHA256_BYTES];
};

#define CACHE_INDEX_MAGIC "stintidx"
#define CACHE_STAMP_MAGIC "stintstm"

/* Which entry: a name's common part. */
struct cache_name {
    uint8_t wasm_sha256[IMAGE_DIGEST_BYTES];
    uint8_t params[CACHE_PARAMS_BYTES];
};

struct cache_name cache_name_of(const uint8_t wasm_sha256[IMAGE_DIGEST_BYTES],
                                const struct cache_params *params);
void cache_wasm_name(const uint8_t wasm_sha256[IMAGE_DIGEST_BYTES],
                     char ret_name[CACHE_NAME_BYTES]);
void cache_index_name(const struct cache_name *name, char ret_text[CACHE_NAME_BYTES]);
void cache_image_name(const struct cache_name *name, const uint8_t header_sha256[SHA256_BYTES],
                      char ret_text[CACHE_NAME_BYTES]);
void cache_stamp_name(const struct file_stat *file, uint32_t part,
                      char ret_name[CACHE_NAME_BYTES]);

/* The MAC of `bytes` bytes. */
void cache_mac(const struct cache *cache, const void *data, size_t bytes,
               uint8_t ret_mac[SHA256_BYTES]);
struct cache_file cache_file_of(const struct file_stat *stat);
bool cache_file_equal(const struct cache_file *a, const struct cache_file *b);

/* Reads and checks an index: OS_NOENT when there is none, OS_BADMSG when it is not genuine. */
MUST_CHECK enum os_error cache_read_index(const struct cache *cache, const char *name,
                                          struct cache_index *ret_index);
/* Fills in boot and MAC, and puts it in its place. */
MUST_CHECK enum os_error cache_write_index(const struct cache *cache, struct cache_index *index);

/* A new file under a passing name, which cache_draft_keep renames and cache_draft_drop removes. Both
 * close it. */
struct cache_draft {
    int fd;
    char name[CACHE_NAME_BYTES];
};
MUST_CHECK enum os_error cache_draft_begin(const struct cache *cache, struct cache_draft *draft);
MUST_CHECK enum os_error cache_draft_keep(const struct cache *cache, struct cache_draft *draft,
                                          const char *name, struct cache_file *ret_file);
void cache_draft_drop(const struct cache *cache, struct cache_draft *draft);
/* A whole small file. */
MUST_CHECK enum os_error cache_put_small(const struct cache *cache, const char *name,
                                         const void *data, size_t bytes);

/* Holds off other processes that write entries; -1 where it cannot. Ends with file_close. */
int cache_lock(const struct cache *cache);
/* Removes an entry with its images; the module's copy goes with the last one, at cache_trim. */
void cache_remove_entry(const struct cache *cache, const struct cache_name *name);
/* Evicts until the limit is kept; `keep` is not evicted (may be NULL). Under the lock. */
void cache_trim(struct cache *cache, const struct cache_name *keep);

enum stint_status cache_failed(const struct cache *cache, const char *what, enum os_error reason,
                               struct stint_error *error);

#endif
