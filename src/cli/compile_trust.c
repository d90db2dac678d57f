/* SPDX-License-Identifier: Apache-2.0 */
/* Why others may run what `stint compile` made: a signature, and an entry of this user's cache. */
#include <stdlib.h>
#include <string.h>

#include "aot/cache.h"
#include "aot/image_check.h"
#include "aot/trust.h"
#include "cli/cli.h"
#include "cli/cmd_compile.h"
#include "os/cpu.h"

enum stint_status compile_check_key(const char *key, struct stint_error *error)
{
    uint8_t seed[TRUST_SEED_BYTES];
    enum stint_status status = trust_load_private(key, seed, error);
    memset(seed, 0, sizeof(seed));
    return status;
}

enum stint_status compile_sign(const char *key, const uint8_t *wasm, size_t wasm_bytes,
                               const struct artefact_piece *images, size_t image_count,
                               struct artefact_signature *ret_signature, struct stint_error *error)
{
    struct image_header headers[ARTEFACT_IMAGES_SIGNED_MAX];
    uint8_t seed[TRUST_SEED_BYTES], digest[SHA256_BYTES];
    enum stint_status status = STINT_OK;
    if (image_count > COUNT_OF(headers))
        return error_set(error, STINT_LIMIT, STINT_NO_OFFSET, "there are too many images to sign");
    cpu_use_sha256();
    sha256_of(wasm, wasm_bytes, digest);
    for (size_t i = 0; status == STINT_OK && i < image_count; i++) {
        status = image_check_header(images[i].bytes, images[i].size_bytes, &headers[i], error);
        if (status == STINT_OK &&
            (!sha256_equal(headers[i].wasm_sha256, digest) || headers[i].wasm_bytes != wasm_bytes))
            status = error_set(error, STINT_INVALID, STINT_NO_OFFSET,
                               "its machine code belongs to another module");
    }
    if (status == STINT_OK)
        status = artefact_prepare(digest, wasm_bytes, headers, image_count, ret_signature, error);
    if (status == STINT_OK)
        status = trust_load_private(key, seed, error);
    if (status == STINT_OK)
        status = trust_sign(ret_signature, seed, error);
    memset(seed, 0, sizeof(seed));
    return status;
}

/* The image that this machine runs best; its header goes to `header`. */
static const struct artefact_piece *best_here(const struct artefact_piece *images, size_t count,
                                              struct image_header *header)
{
    const struct artefact_piece *best = NULL;
    for (size_t i = 0; i < count; i++) {
        struct image_header other;
        struct stint_error ignored = {0};
        if (image_check_header(images[i].bytes, images[i].size_bytes, &other, &ignored) ==
                STINT_OK &&
            image_check_machine(&other, &ignored) == STINT_OK &&
            (best == NULL || other.cpu_features > header->cpu_features)) {
            best = &images[i];
            *header = other;
        }
    }
    return best;
}

void compile_adopt(const uint8_t *wasm, size_t wasm_bytes, const struct artefact_piece *images,
                   size_t image_count, bool is_signed)
{
    struct image_header header;
    struct stint_error error = {0};
    const char *no_cache = getenv("STINT_NO_CACHE");
    const struct artefact_piece *image = best_here(images, image_count, &header);
    if (image == NULL || (no_cache != NULL && strcmp(no_cache, "1") == 0))
        return;
    const struct cache_params params = {.is_strict = (header.flags & IMAGE_STRICT) != 0,
                                        .is_metered = (header.flags & IMAGE_METERED) != 0,
                                        .features = header.wasm_features};
    struct cache *cache = cache_shared(&error);
    if (cache != NULL && cache_store(cache, wasm, wasm_bytes, header.wasm_sha256, &params,
                                     image->bytes, image->size_bytes, &error) == STINT_OK)
        return;
    if (!is_signed) {
        cli_error("the machine code is not in the cache: %s", error.message);
        cli_hint("'stint run' uses it only where it is signed: 'stint sign --help'");
    }
}
