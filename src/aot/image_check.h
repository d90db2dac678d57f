/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks of an image's bytes (aot/image.h) before anything is done with them. Failures are
 * STINT_MALFORMED or STINT_UNSUPPORTED, each with a reason that goes after "the machine code was not
 * used: ".
 */
#ifndef AOT_IMAGE_CHECK_H
#define AOT_IMAGE_CHECK_H

#include "aot/image.h"
#include "wasm/module.h"

/* Arrays of the meta section, for reading. */
#define IMAGE_ARRAY(image_bytes, header, field, type)                                              \
    ((const type *)(const void *)((image_bytes) + (header)->field.offset))

/*
 * The header alone, of `size_bytes` bytes that begin with it: who made it, its own digest, sizes and
 * places. Copies it, since images inside a wasm file are not aligned. Reads no other byte.
 */
MUST_CHECK enum stint_status image_check_header(const uint8_t *bytes, size_t size_bytes,
                                                struct image_header *ret_header,
                                                struct stint_error *error);

/* Whether code with this header runs here: version of the interface, processor. STINT_UNSUPPORTED
 * says what is missing. */
MUST_CHECK enum stint_status image_check_machine(const struct image_header *header,
                                                 struct stint_error *error);

/*
 * Everything else of an image whose header passed: digests of all sections, nothing but zeros
 * between them, arrays sorted and in range. `bytes` are aligned to 16. What the caller does after
 * that is on what was read here, so nobody else may be able to change the bytes.
 */
MUST_CHECK enum stint_status image_check_content(const uint8_t *bytes,
                                                 const struct image_header *header,
                                                 struct stint_error *error);

/* What a checked image says of its module; zeros where it says nothing. Points into `bytes`. */
struct module_tables image_tables(const uint8_t *bytes, const struct image_header *header);
/* A module, decoded for a look at what an image says of it; empty where the image says nothing. */
struct image_module {
    struct type_registry *types;
    struct wasm_module *wasm;
};

/* Decodes it: bytes with the digest that the header says. To be freed, also after a failure. */
MUST_CHECK enum stint_status image_module_decode(const struct image_header *header,
                                                 const uint8_t *wasm,
                                                 struct image_module *ret_module,
                                                 struct stint_error *error);
/* Whether what the image says is true of the module: module_decode_known does not look again. The
 * image as image_check_content leaves it. */
MUST_CHECK enum stint_status image_module_compare(const uint8_t *bytes,
                                                  const struct image_header *header,
                                                  const struct image_module *decoded,
                                                  struct stint_error *error);
void image_module_free(struct image_module *module);
/* Both in one. */
MUST_CHECK enum stint_status image_check_module(const uint8_t *bytes,
                                                const struct image_header *header,
                                                const uint8_t *wasm, struct stint_error *error);

#endif
