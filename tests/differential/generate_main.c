/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes random modules: generate FOLDER FIRST COUNT FEATURES. Seed N gives FOLDER/N.wasm; FEATURES
 * is the sum of GENERATE_… that modules may use, and each uses a part of them that N decides.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "generate.h"

/* A third of all modules uses everything; the others leave some out, so that what is common to all
 * is not crowded out. */
static uint32_t choose_features(uint64_t seed, uint32_t allowed)
{
    uint32_t features = seed % 3 == 0 ? allowed : allowed & (uint32_t)(seed * 2654435761u >> 11);
    if ((features & GENERATE_REFS) == 0)
        features &= ~(uint32_t)(GENERATE_GC);
    if ((features & GENERATE_SIMD) == 0)
        features &= ~(uint32_t)GENERATE_RELAXED;
    return features;
}

static bool write_module(struct alloc *alloc, const char *folder, uint64_t seed, uint32_t allowed)
{
    struct generate_source source = {.state = seed * UINT64_C(0x2545f4914f6cdd1d)};
    struct buf out;
    char path[1024];
    buf_init(&out, alloc, SIZE_MAX);
    bool ok = generate_module(alloc, &source, choose_features(seed, allowed), &out);
    snprintf(path, sizeof(path), "%s/%" PRIu64 ".wasm", folder, seed);
    FILE *f = ok ? fopen(path, "wb") : NULL;
    if (!ok)
        fprintf(stderr, "seed %" PRIu64 " gives no module\n", seed);
    else if (f == NULL || fwrite(out.data, 1, out.bytes, f) != out.bytes)
        fprintf(stderr, "%s: cannot be written\n", path);
    buf_free(&out);
    return f != NULL && fclose(f) == 0;
}

int main(int argc, char **argv)
{
    struct alloc alloc;
    if (argc != 5) {
        fprintf(stderr, "usage: generate FOLDER FIRST COUNT FEATURES\n");
        return 2;
    }
    uint64_t first = strtoull(argv[2], NULL, 10), count = strtoull(argv[3], NULL, 10);
    uint32_t features = (uint32_t)strtoul(argv[4], NULL, 10);
    alloc_init(&alloc, NULL, NULL, SIZE_MAX);
    for (uint64_t i = 0; i < count; i++)
        if (!write_module(&alloc, argv[1], first + i, features))
            return 1;
    return 0;
}
