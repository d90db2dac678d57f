/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a file to what is to be run: its module, and machine code for it, where there is some that is
 * trusted and fits this machine. Nothing here fails for want of machine code: the module runs
 * without, and there is a reason to be told.
 */
#ifndef AOT_LOAD_H
#define AOT_LOAD_H

#include "aot/cache.h"

/* Where a module was read from. */
struct module_origin {
    const char *path;
    struct file_stat file; /* of before that */
    uint32_t part;         /* where in it: of a component's core modules; else 0 */
};
/* The identity of a regular file; false for everything else, "-" included. */
bool load_identify(const char *path, struct file_stat *ret_file);
/* Whether it is still the same file, unchanged. */
bool load_is_same(const struct file_stat *a, const struct file_stat *b);
/* Has the cache remember which module the file is, if it is still the same. */
void load_remember(struct cache *cache, const struct module_origin *origin,
                   const uint8_t wasm_sha256[IMAGE_DIGEST_BYTES], uint64_t wasm_bytes);

struct loaded {
    /* The module. Lies in the bytes that were given, or in a copy of ours. */
    const uint8_t *wasm;
    size_t wasm_bytes;
    struct module_known known; /* for rt_module_create_known, with the images */
    /* Why machine code that the file carries is not used, and what helps; "" when all is well. */
    char reason[STINT_ERROR_MESSAGE_BYTES];
    const char *remedy;
    /* Private: what is behind the above. */
    struct cache_found found;
    uint8_t wasm_sha256[IMAGE_DIGEST_BYTES];
    uint8_t *copy;
    size_t copy_bytes;
};

/*
 * The file of this identity by the cache's memory of it, without reading it. STINT_NOT_FOUND when that
 * says nothing, or there is no entry. `part` is as in struct module_origin.
 */
MUST_CHECK enum stint_status load_recalled(struct cache *cache, const struct file_stat *file,
                                           uint32_t part, const struct cache_params *params,
                                           struct loaded *ret_loaded);
/*
 * From a file's bytes, a binary; they have to stay until load_clear. `cache` may be NULL: then only
 * signed code is used, from memory of this process. `file` is what the bytes were read from, of before
 * that, or NULL.
 */
void load_bytes(struct cache *cache, const uint8_t *bytes, size_t size_bytes,
                const struct file_stat *file, const struct cache_params *params,
                struct loaded *ret_loaded);
/*
 * The same for a core module, `wasm`, in a component: `carried` says what images and signatures stand
 * at the end of the file's `bytes`, NULL: none. Those that name the module's digest are for it.
 */
void load_part(struct cache *cache, const uint8_t *bytes, const struct artefact *carried,
               const uint8_t *wasm, size_t wasm_bytes, const struct module_origin *origin,
               const struct cache_params *params, struct loaded *ret_loaded);
/* To be called when rt_module_create_known has taken the images. */
void load_images_taken(struct loaded *loaded);
/* After the module's end. Accepts a zeroed one. */
void load_clear(struct loaded *loaded);

#endif
