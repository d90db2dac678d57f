/* SPDX-License-Identifier: Apache-2.0 */
/* A small image of machine code for tests: well-formed, for this machine, with one row in each table. */
#ifndef IMAGE_MAKE_H
#define IMAGE_MAKE_H

#include <string.h>

#include "aot/image_abi.h"
#include "aot/image_check.h"
#include "os/cpu.h"
#include "wasm/module.h"

enum {
    MADE_PAGES = 5,
    MADE_BYTES = MADE_PAGES * IMAGE_PAGE_BYTES_MAX - 4096,
    MADE_TEXT_BYTES = 100
};

struct made_meta {
    struct image_func funcs[2];
    struct image_entry entries[2];
    struct image_osr osrs[2];
    struct image_range ranges[2];
    struct image_frame frames[2];
    struct image_place places[2];
    struct wasm_body bodies[2];
    uint32_t func_types[2];
};

/* (module (func) (func)) */
static const uint8_t made_wasm[] = {0, 'a', 's', 'm', 1, 0,  0, 0, 1, 4, 1,    0x60, 0, 0,
                                    3, 3,   2,   0,   0, 10, 7, 2, 2, 0, 0x0b, 2,    0, 0x0b};

static struct image_header *made_header(uint8_t *image)
{
    return (struct image_header *)(void *)image;
}

static struct made_meta *made_tables(uint8_t *image)
{
    return (struct made_meta *)(void *)(image + 4 * IMAGE_PAGE_BYTES_MAX);
}

/* Digests of the sections and of the header, after a test changed something on purpose. */
static void made_seal(uint8_t *image)
{
    struct image_header *header = made_header(image);
    for (unsigned i = 0; i < IMAGE_SECTION_COUNT; i++) {
        struct image_section *section = &header->sections[i];
        if (section->offset <= MADE_BYTES && section->bytes <= MADE_BYTES - section->offset)
            sha256_of(image + section->offset, section->bytes, section->sha256);
    }
    image_seal(header);
}

#define MADE_ARRAY(field)                                                                          \
    ((struct image_array){4 * IMAGE_PAGE_BYTES_MAX + offsetof(struct made_meta, field), 2, 0})

/* `image` has MADE_BYTES and is aligned to 16. */
static void made_fill(uint8_t *image)
{
    struct image_header *header = made_header(image);
    memset(image, 0, MADE_BYTES);
    memcpy(header->magic, IMAGE_MAGIC, 8);
    header->version = IMAGE_VERSION;
    header->abi_version = NATIVE_ABI_VERSION;
    image_abi_hash(header->abi_hash);
    header->image_bytes = MADE_BYTES;
    sha256_of(made_wasm, sizeof(made_wasm), header->wasm_sha256);
    header->wasm_bytes = sizeof(made_wasm);
    header->arch = (uint8_t)cpu_arch();
    header->page_shift = IMAGE_PAGE_SHIFT_MAX;
    header->flags = IMAGE_METERED;
    header->wasm_features = FEATURES_DEFAULT;
    header->import_count = NATIVE_IMPORT_COUNT;
    for (unsigned i = 0; i < IMAGE_SECTION_COUNT; i++)
        header->sections[i].offset = (uint64_t)(i + 1) * IMAGE_PAGE_BYTES_MAX;
    header->sections[IMAGE_TEXT].bytes = MADE_TEXT_BYTES;
    header->sections[IMAGE_RODATA].bytes = 64;
    header->sections[IMAGE_IMPORTS].bytes = IMAGE_PAGE_BYTES_MAX;
    header->sections[IMAGE_META].bytes = sizeof(struct made_meta);
    memset(image + IMAGE_PAGE_BYTES_MAX, 0x90, MADE_TEXT_BYTES);
    memset(image + 2 * IMAGE_PAGE_BYTES_MAX, 0x55, 64);
    *made_tables(image) = (struct made_meta){
        .funcs = {{0, 0}, {1, 32}},
        .entries = {{0, 64}, {1, 72}},
        .osrs = {{0, 22, 80}, {1, 25, 90}},
        .ranges = {{0, 32, 0}, {32, 32, 1}},
        .frames = {{0, 8, 8}, {MADE_TEXT_BYTES, IMAGE_FRAME_UNKNOWN, 0}},
        .places = {{0, 22}, {32, 25}},
        .bodies = {{23, 2}, {26, 2}},
        .func_types = {0, 0},
    };
    header->funcs = MADE_ARRAY(funcs);
    header->entries = MADE_ARRAY(entries);
    header->osrs = MADE_ARRAY(osrs);
    header->ranges = MADE_ARRAY(ranges);
    header->frames = MADE_ARRAY(frames);
    header->places = MADE_ARRAY(places);
    header->bodies = MADE_ARRAY(bodies);
    header->func_types = MADE_ARRAY(func_types);
    made_seal(image);
}

/* Everything that is checked of an image. */
static inline enum stint_status made_check(const uint8_t *image, size_t bytes,
                                           struct stint_error *error)
{
    struct image_header header;
    enum stint_status status = image_check_header(image, bytes, &header, error);
    if (status == STINT_OK)
        status = image_check_machine(&header, error);
    if (status == STINT_OK)
        status = image_check_content(image, &header, error);
    return status;
}

#endif
