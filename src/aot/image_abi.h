/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an image's abi_hash is made of: everything in runtime/native_abi.h that code depends on, and
 * the features' bits. The compiler and aot/ each have their own copy of this function, which is the
 * point: a plug-in of another build gives another hash.
 */
#ifndef AOT_IMAGE_ABI_H
#define AOT_IMAGE_ABI_H

#include <string.h>

#include "aot/image.h"
#include "base/sha256.h"
#include "runtime/native_abi.h"
#include "wasm/op.h"

enum { IMAGE_ABI_HASH_BYTES = 16 };

static inline void image_abi_hash(uint8_t ret_hash[IMAGE_ABI_HASH_BYTES])
{
    static const char names[] = "leave memcpy memmove memset call_words "
#define HELPER(id, signature) #id "(" signature ") "
#include "runtime/native_helpers.def"
#undef HELPER
#define X(id, name, on) #id " "
        FEATURE_MAP(X)
#undef X
        ;
    static const uint32_t numbers[] = {
        NATIVE_ABI_VERSION,
        IMAGE_VERSION,
        IMAGE_PAGE_BYTES_MAX,
        sizeof(struct image_header),
        NATIVE_CLASS_PENDING,
        NATIVE_CLASS_TAILCC,
        NATIVE_CLASS_METERED,
        NATIVE_VALUES_MAX,
        NATIVE_CONTEXT_RUN,
        NATIVE_CONTEXT_MEMORY0_BASE,
        NATIVE_CONTEXT_MEMORY0,
        NATIVE_CONTEXT_MEMORIES,
        NATIVE_CONTEXT_TABLES,
        NATIVE_CONTEXT_GLOBALS,
        NATIVE_CONTEXT_OWN_GLOBALS,
        NATIVE_CONTEXT_TAGS,
        NATIVE_CONTEXT_IMPORT_FUNCS,
        NATIVE_CONTEXT_OWN_FUNCS,
        NATIVE_CONTEXT_TYPES,
        NATIVE_RUN_FUEL,
        NATIVE_RUN_PENDING,
        NATIVE_RUN_EXCEPTION,
        NATIVE_RUN_SHADOW_TOP,
        NATIVE_RUN_SHADOW_LIMIT,
        NATIVE_RUN_GC,
        NATIVE_RUN_TAIL_CALLEE,
        NATIVE_RUN_VALUES,
        NATIVE_MEMORY_BASE,
        NATIVE_MEMORY_BYTES,
        NATIVE_TABLE_ELEMENTS,
        NATIVE_TABLE_COUNT,
        NATIVE_GLOBAL_CELL,
        NATIVE_GLOBAL_BYTES,
        NATIVE_FUNC_TYPE,
        NATIVE_FUNC_INSTANCE,
        NATIVE_FUNC_KEY,
        NATIVE_FUNC_CODE,
        NATIVE_FUNC_BYTES,
        NATIVE_TYPE_ID,
        NATIVE_TYPE_DEPTH,
        NATIVE_TYPE_DISPLAY,
        NATIVE_GC_BASE,
        NATIVE_GC_NEXT,
        NATIVE_GC_END,
        NATIVE_TRAP_BASE,
        NATIVE_IMPORT_COUNT,
        FEATURE_BIT_COUNT,
    };
    uint8_t digest[SHA256_BYTES];
    struct sha256 sha;
    sha256_begin(&sha);
    sha256_add(&sha, names, sizeof(names));
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        const uint8_t little[4] = {(uint8_t)numbers[i], (uint8_t)(numbers[i] >> 8),
                                   (uint8_t)(numbers[i] >> 16), (uint8_t)(numbers[i] >> 24)};
        sha256_add(&sha, little, sizeof(little));
    }
    sha256_end(&sha, digest);
    memcpy(ret_hash, digest, IMAGE_ABI_HASH_BYTES);
}

/* Fills header_sha256 from the other fields: the compiler's last step. */
static inline void image_seal(struct image_header *header)
{
    sha256_of(header, offsetof(struct image_header, header_sha256), header->header_sha256);
}

#endif
