/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Artefacts: wasm modules, and components, that carry machine code. At the end stand custom sections named
 * "stint.aot", each of which is an image (aot/image.h) or a signature:
 *
 *   wasm module   as any engine reads it; its SHA-256 is what images and signatures name
 *   section       IMAGE_MAGIC …
 *   section       ARTEFACT_SIGNATURE_MAGIC …, struct artefact_signature
 *
 * A component carries images and signatures of its core modules, each of which names the one it is for.
 *
 * Nothing but such sections may follow the first of them: offsets in images are the module's, and the
 * module is what lies before.
 */
#ifndef AOT_ARTEFACT_H
#define AOT_ARTEFACT_H

#include "aot/image.h"
#include "base/buf.h"
#include "base/sha256.h"

#define ARTEFACT_SIGNATURE_MAGIC "stintsig"
enum { ARTEFACT_PARTS_MAX = 128, ARTEFACT_IMAGES_SIGNED_MAX = 16, ARTEFACT_SIGNATURE_VERSION = 1 };
enum { ARTEFACT_KEY_BYTES = 32, ARTEFACT_SIGNED_BYTES = 64 }; /* Ed25519 */

/*
 * A signature of a module and of images for it. `signature` is over all fields before it. Images that
 * it does not list may be in the file too; they are not trusted by it.
 */
struct artefact_signature {
    char magic[8];
    uint32_t version;
    uint32_t image_count;
    uint8_t wasm_sha256[IMAGE_DIGEST_BYTES];
    uint64_t wasm_bytes;
    uint8_t image_sha256[ARTEFACT_IMAGES_SIGNED_MAX]
                        [IMAGE_DIGEST_BYTES]; /* header_sha256; rest 0 */
    uint8_t public_key[ARTEFACT_KEY_BYTES];
    uint8_t signature[ARTEFACT_SIGNED_BYTES];
};

/* How much of it is signed. */
enum { ARTEFACT_TO_SIGN_BYTES = offsetof(struct artefact_signature, signature) };

/* A part of the file. */
struct artefact_part {
    size_t offset, bytes;
};

struct artefact {
    size_t wasm_bytes; /* the module is the file's first bytes */
    uint32_t image_count, signature_count;
    struct artefact_part images[ARTEFACT_PARTS_MAX];
    struct artefact_part signatures[ARTEFACT_PARTS_MAX];
};

/*
 * Looks for sections "stint.aot" by the sizes of sections, so in the time that a walk over the
 * headers takes. Reads any bytes: what is neither a binary module nor a component, or one without such sections, has no
 * image and no signature. When the sections cannot be used (they are cut off, too many, or others
 * stand behind them) the result is not STINT_OK, with the reason, and there are no images; `wasm_bytes`
 * is set even then to what is to be run.
 */
MUST_CHECK enum stint_status artefact_find(const uint8_t *bytes, size_t size_bytes,
                                           struct artefact *artefact, struct stint_error *error);

/* Bytes of a new part; the image is as the compiler made it. */
struct artefact_piece {
    const uint8_t *bytes;
    size_t size_bytes;
};

/*
 * Writes a module (what it carries of ours is left out) followed by images and signatures to `out`,
 * which is empty.
 */
MUST_CHECK enum stint_status artefact_write(struct buf *out, const uint8_t *wasm, size_t wasm_bytes,
                                            const struct artefact_piece *images, size_t image_count,
                                            const struct artefact_signature *signatures,
                                            size_t signature_count, struct stint_error *error);

/*
 * Everything of a signature but the last two fields, for a module of this digest and images whose
 * headers have been checked.
 */
MUST_CHECK enum stint_status artefact_prepare(const uint8_t wasm_sha256[IMAGE_DIGEST_BYTES],
                                              uint64_t wasm_bytes,
                                              const struct image_header *headers, size_t count,
                                              struct artefact_signature *ret_signature,
                                              struct stint_error *error);
/* Whether a signature, once it was found genuine, is for this image. */
bool artefact_covers(const struct artefact_signature *signature, const struct image_header *header);

#endif
