/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libstint-compiler.so: WebAssembly to images of machine code (aot/image.h), through LLVM. The
 * program loads it with dlopen when it first compiles, and finds this one symbol:
 *
 *   const void *stint_compiler_api(void);   a struct compiler_api
 *
 * Thread-safe: several compilations may run at once. It decodes the module itself; the module has
 * been validated by the caller with the same features.
 */
#ifndef COMPILER_COMPILER_H
#define COMPILER_COMPILER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COMPILER_SYMBOL "stint_compiler_api"
enum { COMPILER_API_VERSION = 1 };

enum compiler_target { COMPILER_NATIVE, COMPILER_X86_64_V2, COMPILER_X86_64_V3, COMPILER_AARCH64 };

/* An OSR entry to make: the `loop` at this offset of the module, in this own function. A function that
 * is not compiled itself gets entries as well. Ascending by function, then offset. */
struct compiler_osr {
    uint32_t own_index;
    uint32_t loop_offset;
};

struct compiler_options {
    enum compiler_target target;
    uint8_t opt_level; /* 0 … 3 */
    bool for_size;     /* -Os */
    bool strict;       /* exact traps: explicit bounds, nothing moved or dropped */
    bool metered;      /* charge fuel */
    bool debug_info;   /* keep DWARF: compiler_result.object is filled */
    uint32_t features; /* FEATURE_… the module was validated with */
    uint32_t jobs;     /* threads; 0: as many as the machine has cores */
    /* Own indices to compile, ascending; NULL: all. Others are called through the runtime. */
    const uint32_t *functions;
    uint32_t function_count;
    const struct compiler_osr *osrs;
    uint32_t osr_count;
    const char *dump_dir; /* NULL, or where LLVM IR of each partition goes, for debugging */
    /* May be NULL. Called from any thread, one call at a time; functions done of all. Not 0: stop. */
    int (*progress)(void *context, uint32_t done, uint32_t total);
    void *progress_context;
};

struct compiler_result {
    uint8_t *image; /* image_bytes; page aligned in memory */
    size_t image_bytes;
    /* Figures for reports. */
    uint64_t frontend_ns, optimise_ns, codegen_ns, link_ns; /* CPU time summed over threads */
    uint64_t text_bytes, rodata_bytes, meta_bytes;
    uint32_t function_count, partition_count;
    uint8_t *object; /* an ELF object with DWARF at the addresses of text, for gdb; or NULL */
    size_t object_bytes;
};

enum compiler_status { COMPILER_OK, COMPILER_FAILED, COMPILER_NOMEM, COMPILER_STOPPED };

struct compiler_api {
    uint32_t version; /* COMPILER_API_VERSION */
    uint32_t abi_version; /* NATIVE_ABI_VERSION it was built with */
    const char *description; /* "LLVM 19.1.7" */
    /* On failure `message` (of message_bytes) says why. */
    enum compiler_status (*compile)(const uint8_t *wasm, size_t wasm_bytes,
                                    const struct compiler_options *options,
                                    struct compiler_result *ret_result, char *message,
                                    size_t message_bytes);
    void (*result_clear)(struct compiler_result *result);
};

#endif
