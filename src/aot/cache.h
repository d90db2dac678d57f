/* SPDX-License-Identifier: Apache-2.0 */
/*
 * This user's private cache of machine code: $XDG_CACHE_HOME/stint, else ~/.cache/stint. It holds
 * verified code only, and what is mapped executable is mapped from here, so that nobody else can
 * change it between check and use. docs/aot.md says what lies in it and what it promises.
 *
 * A module is named by the SHA-256 of its binary without sections "stint.aot". For a module and the
 * parameters of an engine on this machine there is an entry of up to CACHE_IMAGES_MAX images; entries
 * unused for longest go first when the cache is full.
 *
 * A struct cache may be used by several threads at once, and its directory by several processes.
 * Failures never leave half a file behind.
 */
#ifndef AOT_CACHE_H
#define AOT_CACHE_H

#include "aot/artefact.h"
#include "base/alloc.h"
#include "os/files.h"
#include "runtime/native.h"

struct cache;

enum { CACHE_IMAGES_MAX = 8 };

/* The default place and size; STINT_CACHE_SIZE (bytes, or with K, M, G) changes the size. Makes the
 * directory. STINT_UNSUPPORTED, with the remedy, when others could change what lies in it. */
MUST_CHECK enum stint_status cache_open(struct alloc *alloc, struct cache **ret_cache,
                                        struct stint_error *error);
/* The same at a place and with a size of the caller's. */
MUST_CHECK enum stint_status cache_open_at(struct alloc *alloc, const char *path,
                                           uint64_t limit_bytes, struct cache **ret_cache,
                                           struct stint_error *error);
void cache_close(struct cache *cache); /* accepts NULL */
/* The default one of this process, which stays open; opened at the first call. NULL, and `error` says
 * why, when that failed. Thread-safe. */
struct cache *cache_shared(struct stint_error *error);
/* The directory. */
const char *cache_path(const struct cache *cache);

/* What an image must have been made for, beside this machine and this version of Stint. */
struct cache_params {
    bool is_strict;
    bool is_metered;
    uint32_t features; /* FEATURE_… of the engine */
};

/* An entry, found. Images are mapped, with native_imports filled in, and belong to the caller. */
struct cache_found {
    uint8_t wasm_sha256[IMAGE_DIGEST_BYTES];
    uint64_t wasm_bytes;
    /* The cache's own copy of the module, mapped; NULL unless it was asked for. Its bytes have been
     * validated with the features of the parameters, by this Stint or by who signed. */
    const uint8_t *wasm;
    uint32_t image_count;
    struct native_image *images[CACHE_IMAGES_MAX]; /* oldest first */
};
/* Unmaps the copy and releases the images that are left (image_count). Accepts a zeroed one. */
void cache_found_clear(struct cache_found *found);
/* The module's large arrays, if one of the images has them; else zeros. */
void cache_found_tables(const struct cache_found *found, struct module_tables *ret_tables);

/* The entry of a module. STINT_NOT_FOUND: there is none, or it was damaged and is gone now. */
MUST_CHECK enum stint_status cache_find(struct cache *cache,
                                        const uint8_t wasm_sha256[IMAGE_DIGEST_BYTES],
                                        const struct cache_params *params, bool with_wasm,
                                        struct cache_found *ret_found, struct stint_error *error);

/*
 * Whether the default cache may know the file: STINT_OK when it has a stamp, which cache_recall has to
 * check; STINT_NOT_FOUND when not. Makes nothing, checks nothing, and costs little. Other results: there
 * is no default place.
 */
MUST_CHECK enum stint_status cache_probe(const struct file_stat *file, uint32_t part,
                                         struct stint_error *error);

/*
 * The digest of the module in a file that cache_remember saw, if its device, inode, size and times are
 * still the same. STINT_NOT_FOUND otherwise. A file may have several parts, each with its own digest:
 * the core modules of a component, by their offset. 0: the file is the module.
 */
MUST_CHECK enum stint_status cache_recall(struct cache *cache, const struct file_stat *file,
                                          uint32_t part, uint8_t ret_wasm_sha256[IMAGE_DIGEST_BYTES],
                                          uint64_t *ret_wasm_bytes);
/* `file` is of before its bytes were read. Files that changed in the last moments are not remembered,
 * since a further change might not show. */
MUST_CHECK enum stint_status cache_remember(struct cache *cache, const struct file_stat *file,
                                            uint32_t part, const uint8_t wasm_sha256[IMAGE_DIGEST_BYTES],
                                            uint64_t wasm_bytes, struct stint_error *error);

/*
 * Adds an image that was made in this process, from a module of it that has been validated with
 * params->features, to the entry. The module is copied when the cache has no copy yet. When the
 * entry is full, its oldest image goes. Then evicts what is over the limit.
 */
MUST_CHECK enum stint_status cache_store(struct cache *cache, const uint8_t *wasm,
                                         size_t wasm_bytes,
                                         const uint8_t wasm_sha256[IMAGE_DIGEST_BYTES],
                                         const struct cache_params *params, const uint8_t *image,
                                         size_t image_bytes, struct stint_error *error);

/*
 * The same for an image from outside whose signature is that of `signer` (a public key): the header
 * has been checked and is covered by the signature. Both are copied first and checked in the copy,
 * so that it does not matter if the bytes change meanwhile; everything that image_check.h says is
 * checked here.
 */
MUST_CHECK enum stint_status cache_import(struct cache *cache, const uint8_t *wasm,
                                          const struct image_header *header, const uint8_t *image,
                                          const struct cache_params *params,
                                          const uint8_t signer[ARTEFACT_KEY_BYTES],
                                          struct stint_error *error);

/* ---- For `stint cache` and `stint key` --------------------------------------------------- */

struct cache_row {
    char wasm_sha256[SHA256_HEX_BYTES];
    uint64_t wasm_bytes, image_bytes;
    uint32_t image_count;
    uint64_t used_ns; /* since 1970 */
    bool is_strict, is_metered, is_signed;
};

/* Calls `show` for every entry, in no order. */
MUST_CHECK enum stint_status cache_list(struct cache *cache,
                                        void (*show)(void *context, const struct cache_row *row),
                                        void *context, struct stint_error *error);
/* Removes everything but the key; says how many bytes that were. */
MUST_CHECK enum stint_status cache_clean(struct cache *cache, uint64_t *ret_bytes,
                                         struct stint_error *error);
/* Removes the entries that have an image by this signer, since the key is trusted no longer. */
MUST_CHECK enum stint_status cache_forget_signer(struct cache *cache,
                                                 const uint8_t signer[ARTEFACT_KEY_BYTES],
                                                 struct stint_error *error);
/* The sum of all files, and the limit. */
MUST_CHECK enum stint_status cache_size(struct cache *cache, uint64_t *ret_bytes,
                                        uint64_t *ret_limit_bytes, struct stint_error *error);

#endif
