/* SPDX-License-Identifier: Apache-2.0 */
#include "aot/load.h"

#include <stdio.h>
#include <string.h>

#include "aot/image_check.h"
#include "aot/image_map.h"
#include "aot/trust.h"
#include "os/cpu.h"
#include "os/pages.h"

static const char compile_here[] = "'stint compile' on this machine makes code that fits";
static const char compile_again[] = "'stint compile' makes it anew";
static const char get_trust[] =
    "'stint compile' it yourself, or have it signed: 'stint key --help'";
static const char free_room[] = "make room for the cache, or set STINT_CACHE_SIZE";

/* From this size on a module's digest is remembered even when there is no code yet. */
enum { REMEMBER_BYTES = 1 << 20 };

bool load_identify(const char *path, struct file_stat *ret_file)
{
    struct file_stat stat;
    if (strcmp(path, "-") == 0 || file_stat_host(path, &stat) != OS_OK ||
        stat.type != FILE_REGULAR)
        return false;
    *ret_file = stat;
    return true;
}

bool load_is_same(const struct file_stat *a, const struct file_stat *b)
{
    return a->device == b->device && a->inode == b->inode && a->size_bytes == b->size_bytes &&
           a->modified_ns == b->modified_ns && a->changed_ns == b->changed_ns;
}

void load_remember(struct cache *cache, const struct module_origin *origin,
                   const uint8_t wasm_sha256[IMAGE_DIGEST_BYTES], uint64_t wasm_bytes)
{
    const struct file_stat *before = &origin->file;
    struct file_stat now;
    struct stint_error ignored = {0};
    /* The digest is of bytes that were read between the two looks. */
    if (load_identify(origin->path, &now) && load_is_same(before, &now))
        (void)!cache_remember(cache, before, origin->part, wasm_sha256, wasm_bytes, &ignored);
}

struct load {
    struct cache *cache;
    const uint8_t *bytes; /* of the file, to which the artefact's offsets are */
    const uint8_t *wasm;
    const struct file_stat *file;
    uint32_t part;
    const struct cache_params *params;
    const struct artefact *artefact;
    bool is_part; /* the images of other modules are there, too */
    struct loaded *loaded;
};

/* The image that was chosen. */
struct choice {
    struct image_header header;
    struct artefact_part part;
    bool is_made;
};

static void refuse(struct loaded *loaded, const struct stint_error *error, const char *remedy)
{
    if (loaded->reason[0] == '\0') {
        snprintf(loaded->reason, sizeof(loaded->reason), "%s", error->message);
        loaded->remedy = remedy;
    }
}

/* Takes over what the cache found: its copy of the module is what runs. */
static void use_found(struct loaded *loaded)
{
    const struct cache_found *found = &loaded->found;
    memcpy(loaded->wasm_sha256, found->wasm_sha256, sizeof(loaded->wasm_sha256));
    loaded->wasm = found->wasm;
    loaded->wasm_bytes = found->wasm_bytes;
    loaded->known.is_valid = true;
    cache_found_tables(found, &loaded->known.tables);
    loaded->known.wasm_sha256 = loaded->wasm_sha256;
    loaded->known.images = loaded->found.images;
    loaded->known.image_count = found->image_count;
}

/* Code with exact traps serves those as well who did not ask for it. */
static enum stint_status find_either(struct cache *cache, const uint8_t *wasm_sha256,
                                     const struct cache_params *params,
                                     struct cache_found *ret_found)
{
    struct cache_params strict = *params;
    struct stint_error ignored = {0};
    enum stint_status status = cache_find(cache, wasm_sha256, params, true, ret_found, &ignored);
    strict.is_strict = true;
    if (status == STINT_NOT_FOUND && !params->is_strict)
        status = cache_find(cache, wasm_sha256, &strict, true, ret_found, &ignored);
    return status;
}

enum stint_status load_recalled(struct cache *cache, const struct file_stat *file, uint32_t part,
                                const struct cache_params *params, struct loaded *ret_loaded)
{
    uint8_t wasm_sha256[IMAGE_DIGEST_BYTES];
    uint64_t wasm_bytes;
    if (cache_recall(cache, file, part, wasm_sha256, &wasm_bytes) != STINT_OK)
        return STINT_NOT_FOUND;
    memset(ret_loaded, 0, sizeof(*ret_loaded));
    if (find_either(cache, wasm_sha256, params, &ret_loaded->found) != STINT_OK)
        return STINT_NOT_FOUND;
    use_found(ret_loaded);
    return STINT_OK;
}

/* ---- Choosing an image --------------------------------------------------------------------- */

static enum stint_status check_params(const struct image_header *header,
                                      const struct cache_params *params, struct stint_error *error)
{
    if (params->is_metered && !(header->flags & IMAGE_METERED))
        return error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET, "it does not count fuel");
    if (params->is_strict && !(header->flags & IMAGE_STRICT))
        return error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                         "its traps are not exact, as --strict-traps wants them");
    if (header->wasm_features != params->features)
        return error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                         "it was compiled with other --wasm features");
    return STINT_OK;
}

/* Whether `a` is to be preferred: more functions, then more of the processor, then first come. */
static bool is_better(const struct image_header *a, const struct image_header *b)
{
    bool a_whole = !(a->flags & IMAGE_PARTIAL), b_whole = !(b->flags & IMAGE_PARTIAL);
    return a_whole != b_whole ? a_whole : a->cpu_features > b->cpu_features;
}

static bool is_for(const struct load *load, const struct image_header *header)
{
    return sha256_equal(header->wasm_sha256, load->loaded->wasm_sha256);
}

static void choose(const struct load *load, struct choice *ret_choice)
{
    const struct artefact *artefact = load->artefact;
    struct choice best = {.is_made = false};
    struct stint_error error = {0};
    for (uint32_t i = 0; i < artefact->image_count; i++) {
        const struct artefact_part *part = &artefact->images[i];
        struct image_header header;
        /* The first reason is told, unless another image fits. */
        if (image_check_header(load->bytes + part->offset, part->bytes, &header, &error) ==
                STINT_OK &&
            (!load->is_part || is_for(load, &header)) &&
            image_check_machine(&header, &error) == STINT_OK &&
            check_params(&header, load->params, &error) == STINT_OK &&
            (!best.is_made || is_better(&header, &best.header)))
            best = (struct choice){header, *part, true};
    }
    if (!best.is_made && error.status == STINT_OK)
        error_set(&error, STINT_MALFORMED, STINT_NO_OFFSET,
                  "it has none for one of the core modules, or that module was changed");
    if (!best.is_made)
        refuse(load->loaded, &error,
               error.status == STINT_UNSUPPORTED ? compile_here : compile_again);
    *ret_choice = best;
}

/* ---- Trust --------------------------------------------------------------------------------- */

/* Whether a trusted key signed the image; the last reason why not is the most telling one. */
static bool is_trusted(const struct load *load, const struct image_header *header,
                       struct trust_key *ret_key)
{
    struct stint_error reason = {0};
    bool is_covered = false;
    error_set(&reason, STINT_INVALID, STINT_NO_OFFSET, "nobody signed it, nor did you compile it");
    for (uint32_t i = 0; i < load->artefact->signature_count; i++) {
        const struct artefact_part *part = &load->artefact->signatures[i];
        struct artefact_signature signature;
        struct stint_error error = {0};
        if (part->bytes != sizeof(signature)) {
            error_set(&error, STINT_INVALID, STINT_NO_OFFSET, "its signature is cut off");
        } else {
            memcpy(&signature, load->bytes + part->offset, sizeof(signature));
            if (!artefact_covers(&signature, header))
                error_set(&error, STINT_INVALID, STINT_NO_OFFSET,
                          "its signature is for other code");
            else if (trust_check(&signature, ret_key, &error) == STINT_OK)
                return true;
            else
                is_covered = true;
        }
        if (is_covered || i == 0)
            reason = error;
    }
    refuse(load->loaded, &reason, get_trust);
    return false;
}

/* ---- Loading ------------------------------------------------------------------------------- */

static void remember(const struct load *load, const uint8_t wasm_sha256[IMAGE_DIGEST_BYTES],
                     uint64_t wasm_bytes)
{
    struct stint_error ignored = {0};
    if (load->cache != NULL && load->file != NULL)
        (void)!cache_remember(load->cache, load->file, load->part, wasm_sha256, wasm_bytes,
                               &ignored);
}

/* Without a cache: checks and runs copies in this process's memory. */
static enum stint_status use_memory(const struct load *load, const struct choice *choice,
                                    struct stint_error *error)
{
    struct loaded *loaded = load->loaded;
    size_t wasm_bytes = choice->header.wasm_bytes, image_bytes = choice->part.bytes;
    uint8_t digest[SHA256_BYTES];
    struct image_header header;
    uint8_t *wasm = pages_get(wasm_bytes), *image = pages_get(image_bytes);
    enum stint_status status = STINT_NOMEM;
    if (wasm == NULL || image == NULL) {
        error_set(error, status, STINT_NO_OFFSET, "there is no memory for a copy of it");
        goto done;
    }
    memcpy(wasm, load->wasm, wasm_bytes);
    memcpy(image, load->bytes + choice->part.offset, image_bytes);
    sha256_of(wasm, wasm_bytes, digest);
    if (!sha256_equal(digest, choice->header.wasm_sha256))
        status = error_set(error, STINT_MALFORMED, STINT_NO_OFFSET,
                           "it belongs to another module, or the module was changed");
    else
        status = image_check_header(image, image_bytes, &header, error);
    if (status == STINT_OK && memcmp(&header, &choice->header, sizeof(header)) != 0)
        status = error_set(error, STINT_MALFORMED, STINT_NO_OFFSET,
                           "the file changed while it was read");
    if (status == STINT_OK)
        status = image_check_content(image, &header, error);
    if (status == STINT_OK)
        status = image_check_module(image, &header, wasm, error);
    if (status == STINT_OK)
        status =
            image_map_memory(image, image_bytes, native_imports, &loaded->found.images[0], error);
    if (status == STINT_OK) {
        loaded->found.image_count = 1;
        loaded->found.wasm_bytes = wasm_bytes;
        memcpy(loaded->found.wasm_sha256, digest, sizeof(digest));
        loaded->found.wasm = wasm;
        use_found(loaded);
        loaded->found.wasm = NULL;
        loaded->copy = wasm;
        loaded->copy_bytes = wasm_bytes;
        wasm = NULL;
    }
done:
    pages_release(wasm, wasm_bytes);
    pages_release(image, image_bytes);
    return status;
}

/* An entry for the module that was hashed; it becomes what runs. */
static bool find_entry(const struct load *load)
{
    struct loaded *loaded = load->loaded;
    if (load->cache == NULL ||
        find_either(load->cache, loaded->wasm_sha256, load->params, &loaded->found) != STINT_OK)
        return false;
    use_found(loaded);
    return true;
}

static void hash(const struct load *load)
{
    struct loaded *loaded = load->loaded;
    sha256_of(loaded->wasm, loaded->wasm_bytes, loaded->wasm_sha256);
    loaded->known.wasm_sha256 = loaded->wasm_sha256;
}

static void use_signed(const struct load *load, const struct choice *choice,
                       const struct trust_key *signer)
{
    struct loaded *loaded = load->loaded;
    struct stint_error error = {0}, why_not_cache = {0};
    const struct image_header *header = &choice->header;
    const char *remedy = compile_again;
    enum stint_status status = STINT_NOT_FOUND;
    if (load->cache != NULL) {
        status = cache_import(load->cache, load->wasm, header, load->bytes + choice->part.offset,
                              load->params, signer->public_key, &why_not_cache);
        if (status == STINT_OK) {
            memcpy(loaded->wasm_sha256, header->wasm_sha256, sizeof(loaded->wasm_sha256));
            if (find_entry(load)) {
                remember(load, loaded->wasm_sha256, loaded->wasm_bytes);
                return;
            }
            status = STINT_IO;
        }
    }
    /* A cache that cannot take it is no reason to go without. */
    if (status != STINT_MALFORMED) {
        status = use_memory(load, choice, &error);
        remedy = status == STINT_MALFORMED ? compile_again : free_room;
    }
    if (status != STINT_OK)
        refuse(loaded, error.status != STINT_OK ? &error : &why_not_cache, remedy);
}

static void load_artefact(const struct load *load)
{
    struct loaded *loaded = load->loaded;
    struct choice choice;
    struct trust_key signer;
    choose(load, &choice);
    if (!choice.is_made)
        return;
    if (choice.header.wasm_bytes != loaded->wasm_bytes) {
        struct stint_error error = {0};
        error_set(&error, STINT_MALFORMED, STINT_NO_OFFSET,
                  "it belongs to another module, or the module was changed");
        refuse(loaded, &error, compile_again);
        return;
    }
    if (is_trusted(load, &choice.header, &signer)) {
        use_signed(load, &choice, &signer);
        return;
    }
    /* Code of this module that this user has made before is as good. */
    hash(load);
    if (find_entry(load)) {
        loaded->reason[0] = '\0';
        remember(load, loaded->wasm_sha256, loaded->wasm_bytes);
    }
}

static void load_plain(const struct load *load)
{
    struct loaded *loaded = load->loaded;
    if (load->cache == NULL)
        return;
    hash(load);
    if (find_entry(load) || loaded->wasm_bytes >= REMEMBER_BYTES)
        remember(load, loaded->wasm_sha256, loaded->wasm_bytes);
}

void load_bytes(struct cache *cache, const uint8_t *bytes, size_t size_bytes,
                const struct file_stat *file, const struct cache_params *params,
                struct loaded *ret_loaded)
{
    struct artefact artefact;
    struct load load = {.cache = cache,
                        .bytes = bytes,
                        .wasm = bytes,
                        .file = file,
                        .params = params,
                        .artefact = &artefact,
                        .loaded = ret_loaded};
    struct stint_error error = {0};
    memset(ret_loaded, 0, sizeof(*ret_loaded));
    cpu_use_sha256();
    enum stint_status status = artefact_find(bytes, size_bytes, &artefact, &error);
    ret_loaded->wasm = bytes;
    ret_loaded->wasm_bytes = artefact.wasm_bytes;
    if (status != STINT_OK)
        refuse(ret_loaded, &error, compile_again);
    if (artefact.image_count != 0)
        load_artefact(&load);
    else
        load_plain(&load);
}

void load_part(struct cache *cache, const uint8_t *bytes, const struct artefact *carried,
               const uint8_t *wasm, size_t wasm_bytes, const struct module_origin *origin,
               const struct cache_params *params, struct loaded *ret_loaded)
{
    struct load load = {.cache = cache,
                        .bytes = bytes,
                        .wasm = wasm,
                        .file = origin != NULL ? &origin->file : NULL,
                        .part = origin != NULL ? origin->part : 0,
                        .params = params,
                        .artefact = carried,
                        .is_part = true,
                        .loaded = ret_loaded};
    memset(ret_loaded, 0, sizeof(*ret_loaded));
    cpu_use_sha256();
    ret_loaded->wasm = wasm;
    ret_loaded->wasm_bytes = wasm_bytes;
    if (carried == NULL || carried->image_count == 0) {
        load_plain(&load);
        return;
    }
    hash(&load);
    load_artefact(&load);
}

void load_images_taken(struct loaded *loaded)
{
    loaded->found.image_count = 0;
    loaded->known.images = NULL;
    loaded->known.image_count = 0;
}

void load_clear(struct loaded *loaded)
{
    cache_found_clear(&loaded->found);
    pages_release(loaded->copy, loaded->copy_bytes);
    memset(loaded, 0, sizeof(*loaded));
}
