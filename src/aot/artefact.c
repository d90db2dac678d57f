/* SPDX-License-Identifier: Apache-2.0 */
#include "aot/artefact.h"

#include <string.h>

#include "base/leb128.h"

enum { MAGIC_BYTES = 8, NAME_BYTES = sizeof(IMAGE_SECTION_NAME) - 1, CUSTOM_ID = 0 };

_Static_assert(sizeof(struct artefact_signature) ==
                   16 + 32 + 8 + ARTEFACT_IMAGES_SIGNED_MAX * 32 + 32 + 64,
               "what is signed has no padding");

/* Whether a custom section's content is ours; it then begins at `*at` after its name. */
static bool is_ours(const uint8_t **at, const uint8_t *end)
{
    static const uint8_t head[] = "\x09" IMAGE_SECTION_NAME;
    if ((size_t)(end - *at) < sizeof(head) - 1 || memcmp(*at, head, sizeof(head) - 1) != 0)
        return false;
    *at += sizeof(head) - 1;
    return true;
}

_Static_assert(NAME_BYTES == 9, "the length in `head`");

static enum stint_status unusable(struct artefact *artefact, struct stint_error *error,
                                  const char *why)
{
    artefact->image_count = artefact->signature_count = 0;
    return error_set(error, STINT_MALFORMED, STINT_NO_OFFSET, "%s", why);
}

static bool add_part(struct artefact *artefact, const uint8_t *file, const uint8_t *at,
                     const uint8_t *end)
{
    bool is_signature =
        (size_t)(end - at) >= MAGIC_BYTES && memcmp(at, ARTEFACT_SIGNATURE_MAGIC, MAGIC_BYTES) == 0;
    uint32_t *count = is_signature ? &artefact->signature_count : &artefact->image_count;
    struct artefact_part *parts = is_signature ? artefact->signatures : artefact->images;
    if (*count == ARTEFACT_PARTS_MAX)
        return false;
    parts[(*count)++] = (struct artefact_part){(size_t)(at - file), (size_t)(end - at)};
    return true;
}

enum stint_status artefact_find(const uint8_t *bytes, size_t size_bytes, struct artefact *artefact,
                                struct stint_error *error)
{
    const uint8_t *end = bytes + size_bytes, *at;
    bool has_ours = false;
    *artefact = (struct artefact){.wasm_bytes = size_bytes};
    /* A component has other sections, but they have the same headers. */
    if (size_bytes < MAGIC_BYTES || (memcmp(bytes, "\0asm\1\0\0\0", MAGIC_BYTES) != 0 &&
                                     memcmp(bytes, "\0asm\x0d\0\1\0", MAGIC_BYTES) != 0))
        return STINT_OK;
    for (at = bytes + MAGIC_BYTES; at < end;) {
        const uint8_t *start = at;
        uint8_t id = *at++;
        uint32_t section_bytes = 0;
        bool is_cut =
            leb_read_u32(&at, end, &section_bytes) != LEB_OK || section_bytes > (size_t)(end - at);
        const uint8_t *content = at;
        at = is_cut ? end : at + section_bytes;
        if (id == CUSTOM_ID && ((is_cut && has_ours) || is_ours(&content, at))) {
            if (!has_ours)
                artefact->wasm_bytes = (size_t)(start - bytes);
            has_ours = true;
            if (is_cut)
                return unusable(artefact, error, "the file is cut off");
            if (!add_part(artefact, bytes, content, at))
                return unusable(artefact, error, "the file has too many sections 'stint.aot'");
        } else if (has_ours) {
            artefact->wasm_bytes = size_bytes;
            return unusable(artefact, error, "another tool added sections behind it");
        }
    }
    return STINT_OK;
}

static bool append_section(struct buf *out, const void *content, size_t bytes)
{
    uint8_t size[5];
    size_t total = 1 + NAME_BYTES + bytes, rest = total;
    if (total > UINT32_MAX)
        return false;
    /* Always five bytes: none of the readers minds, and images of equal size lie equally. */
    for (unsigned i = 0; i < sizeof(size); i++, rest >>= 7)
        size[i] = (uint8_t)((rest & 0x7f) | (i + 1 < sizeof(size) ? 0x80 : 0));
    return buf_append_byte(out, CUSTOM_ID) && buf_append(out, size, sizeof(size)) &&
           buf_append_byte(out, NAME_BYTES) && buf_append(out, IMAGE_SECTION_NAME, NAME_BYTES) &&
           buf_append(out, content, bytes);
}

enum stint_status artefact_write(struct buf *out, const uint8_t *wasm, size_t wasm_bytes,
                                 const struct artefact_piece *images, size_t image_count,
                                 const struct artefact_signature *signatures,
                                 size_t signature_count, struct stint_error *error)
{
    struct artefact old;
    struct stint_error ignored = {0};
    size_t total = 0;
    /* What cannot be used is left out as well. */
    (void)!artefact_find(wasm, wasm_bytes, &old, &ignored);
    wasm_bytes = old.wasm_bytes;
    if (image_count > ARTEFACT_PARTS_MAX || signature_count > ARTEFACT_PARTS_MAX)
        return error_set(error, STINT_LIMIT, STINT_NO_OFFSET, "more than %d images in one file",
                         ARTEFACT_PARTS_MAX);
    for (size_t i = 0; i < image_count; i++)
        total += images[i].size_bytes;
    bool ok = buf_reserve(out, wasm_bytes + total + 4096) && buf_append(out, wasm, wasm_bytes);
    for (size_t i = 0; i < image_count; i++)
        ok = ok && append_section(out, images[i].bytes, images[i].size_bytes);
    for (size_t i = 0; i < signature_count; i++)
        ok = ok && append_section(out, &signatures[i], sizeof(signatures[i]));
    if (!ok)
        return error_set(error, out->failed ? STINT_NOMEM : STINT_LIMIT, STINT_NO_OFFSET,
                         "no room for a file of %zu bytes", wasm_bytes + total);
    return STINT_OK;
}

enum stint_status artefact_prepare(const uint8_t wasm_sha256[IMAGE_DIGEST_BYTES],
                                   uint64_t wasm_bytes, const struct image_header *headers,
                                   size_t count, struct artefact_signature *ret_signature,
                                   struct stint_error *error)
{
    struct artefact_signature signature = {.version = ARTEFACT_SIGNATURE_VERSION,
                                           .image_count = (uint32_t)count,
                                           .wasm_bytes = wasm_bytes};
    if (count > ARTEFACT_IMAGES_SIGNED_MAX)
        return error_set(error, STINT_LIMIT, STINT_NO_OFFSET, "more than %d images to be signed",
                         ARTEFACT_IMAGES_SIGNED_MAX);
    memcpy(signature.magic, ARTEFACT_SIGNATURE_MAGIC, sizeof(signature.magic));
    memcpy(signature.wasm_sha256, wasm_sha256, IMAGE_DIGEST_BYTES);
    for (size_t i = 0; i < count; i++)
        memcpy(signature.image_sha256[i], headers[i].header_sha256, IMAGE_DIGEST_BYTES);
    *ret_signature = signature;
    return STINT_OK;
}

bool artefact_covers(const struct artefact_signature *signature, const struct image_header *header)
{
    if (!sha256_equal(signature->wasm_sha256, header->wasm_sha256) ||
        signature->wasm_bytes != header->wasm_bytes)
        return false;
    for (uint32_t i = 0; i < signature->image_count && i < ARTEFACT_IMAGES_SIGNED_MAX; i++) {
        if (sha256_equal(signature->image_sha256[i], header->header_sha256))
            return true;
    }
    return false;
}
