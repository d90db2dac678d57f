/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a file with machine code. The first byte says how much the fuzzer is helped: 0, the bytes
 * are a file as they are; else they are an image that follows a small module, with digests that fit, so
 * that what lies behind the digests is reached. Nothing may become executable, since nothing is signed,
 * and what passes every check has to bear being read through its tables.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aot/image_abi.h"
#include "aot/image_check.h"
#include "aot/load.h"
#include "os/code_pages.h"
#include "os/cpu.h"
#include "wasm/module.h"

enum { IMAGE_BYTES_MAX = 1 << 20 };

static const uint8_t wasm[] = {0, 'a', 's', 'm', 1, 0, 0, 0};
static _Alignas(16) uint8_t image[IMAGE_BYTES_MAX];

static void require(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

/* Fills in what only a compiler would get right. */
static void help(size_t size)
{
    struct image_header *header = (struct image_header *)(void *)image;
    memcpy(header->magic, IMAGE_MAGIC, sizeof(header->magic));
    header->version = IMAGE_VERSION;
    header->abi_version = NATIVE_ABI_VERSION;
    header->import_count = NATIVE_IMPORT_COUNT;
    image_abi_hash(header->abi_hash);
    header->image_bytes = size;
    header->arch = (uint8_t)cpu_arch();
    header->cpu_features = 0;
    header->flags |= IMAGE_METERED;
    header->wasm_features = FEATURES_DEFAULT;
    header->wasm_bytes = sizeof(wasm);
    if (header->page_shift < IMAGE_PAGE_SHIFT_MIN || header->page_shift > IMAGE_PAGE_SHIFT_MAX)
        header->page_shift = IMAGE_PAGE_SHIFT_MAX;
    header->reserved1 = 0;
    header->cpu_name[31] = '\0';
    sha256_of(wasm, sizeof(wasm), header->wasm_sha256);
    for (unsigned i = 0; i < IMAGE_SECTION_COUNT; i++) {
        struct image_section *section = &header->sections[i];
        if (section->offset <= size && section->bytes <= size - section->offset)
            sha256_of(image + section->offset, section->bytes, section->sha256);
    }
    image_seal(header);
}

static void read_tables(const struct image_header *header)
{
    uint64_t sum = 0;
    const struct image_func *funcs = IMAGE_ARRAY(image, header, funcs, struct image_func);
    for (uint32_t i = 0; i < header->funcs.count; i++)
        sum += image[header->sections[IMAGE_TEXT].offset + funcs[i].text_offset];
    const struct wasm_body *bodies = IMAGE_ARRAY(image, header, bodies, struct wasm_body);
    for (uint32_t i = 0; i < header->bodies.count; i++)
        require((uint64_t)bodies[i].offset_bytes + bodies[i].size_bytes <= header->wasm_bytes,
                "a body outside");
    require(sum <= (uint64_t)255 * header->funcs.count, "a sum of bytes");
}

static void check_file(const uint8_t *bytes, size_t size)
{
    const struct cache_params params = {.is_metered = true, .features = FEATURES_DEFAULT};
    struct loaded loaded;
    load_bytes(NULL, bytes, size, NULL, &params, &loaded);
    require(loaded.wasm == bytes && loaded.wasm_bytes <= size, "the module lies elsewhere");
    require(loaded.known.image_count == 0, "unsigned code was used");
    load_clear(&loaded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct stint_error error = {0};
    struct image_header header;
    if (size == 0)
        return 0;
    cpu_use_sha256();
    if (data[0] == 0) {
        check_file(data + 1, size - 1);
    } else {
        /* Sections begin at pages, so a short input is stretched: a byte of it each 256. */
        size_t head = size - 1 < sizeof(header) ? size - 1 : sizeof(header);
        size_t whole = (size_t)data[0] * 4096;
        memset(image, 0, sizeof(image));
        memcpy(image, data + 1, head);
        for (size_t i = 1 + head, at = IMAGE_PAGE_BYTES_MAX; i < size && at < whole; i++, at++) {
            image[at] = data[i];
            at += (i - head) % 64 == 63 ? IMAGE_PAGE_BYTES_MAX - 64 : 0;
        }
        if (whole >= sizeof(header)) {
            help(whole);
            if (image_check_header(image, whole, &header, &error) == STINT_OK &&
                image_check_machine(&header, &error) == STINT_OK &&
                image_check_content(image, &header, &error) == STINT_OK)
                read_tables(&header);
            require((error.status == STINT_OK) == (error.message[0] == '\0'), "no reason");
            check_file(image, whole);
        }
    }
    require(code_pages_execute_count() == 0, "something became executable");
    return 0;
}
