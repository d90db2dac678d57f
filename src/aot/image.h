/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images: machine code of (some) functions of a module for one kind of CPU, linked, without
 * relocations. The compiler writes them, aot/ checks and maps them. All numbers little-endian, all
 * offsets from the image's start, every section a multiple of the image's pages from it:
 *
 *   header    struct image_header
 *   text      machine code; mapped read and execute
 *   rodata    constants; follows text at the distance the code expects (relative addresses)
 *   imports   one page, zero in the file: the table of runtime/native_abi.h; after it is filled it is
 *             mapped read-only
 *   meta      the arrays below, mapped read-only, never written
 *
 * text, rodata and imports lie in this order and are mapped as one piece; meta where it suits.
 * An artefact is a wasm module with custom sections "stint.aot", each one image; its SHA-256 is
 * over the module without any such section. See artefact.h for signatures.
 */
#ifndef AOT_IMAGE_H
#define AOT_IMAGE_H

#include <stdint.h>

#define IMAGE_MAGIC "stintaot"
#define IMAGE_SECTION_NAME "stint.aot"
/* An image has the largest pages that a kernel for its processors may have: 4 KiB on x86-64, 64 KiB on
 * aarch64. Smaller ones make smaller files. */
enum { IMAGE_PAGE_SHIFT_MIN = 12, IMAGE_PAGE_SHIFT_MAX = 16 };
enum { IMAGE_PAGE_BYTES_MAX = 1 << IMAGE_PAGE_SHIFT_MAX };
enum { IMAGE_VERSION = 3, IMAGE_DIGEST_BYTES = 32 };

enum image_arch { IMAGE_X86_64 = 1, IMAGE_AARCH64 = 2 };

/* CPU features that the code uses; bits of image_header.cpu_features. x86-64-v2 and -v3 as in the
 * psABI; `native` code lists what it uses beyond them. aarch64: the base needs none. */
enum image_cpu {
    IMAGE_CPU_X86_V2 = 1 << 0, /* CMPXCHG16B LAHF POPCNT SSE3 SSSE3 SSE4.1 SSE4.2 */
    IMAGE_CPU_X86_V3 = 1 << 1, /* AVX AVX2 BMI1 BMI2 F16C FMA LZCNT MOVBE */
    IMAGE_CPU_X86_V4 = 1 << 2, /* AVX512 F BW CD DQ VL */
    IMAGE_CPU_OTHER = 1 << 31, /* made with --target native: cpu_name must be this machine's */
};

enum image_flag {
    IMAGE_STRICT = 1 << 0,   /* explicit bounds checks: fits every memory */
    IMAGE_METERED = 1 << 1,  /* charges fuel */
    IMAGE_PARTIAL = 1 << 2,  /* only some functions */
    IMAGE_GUARD_8G = 1 << 3, /* 32-bit memories need 8 GiB of reservation and a guard */
};

enum image_section_id { IMAGE_TEXT, IMAGE_RODATA, IMAGE_IMPORTS, IMAGE_META, IMAGE_SECTION_COUNT };

struct image_section {
    uint64_t offset, bytes;
    uint8_t sha256[IMAGE_DIGEST_BYTES];
};

/* An array in the meta section. */
struct image_array {
    uint64_t offset; /* from the image's start */
    uint32_t count;
    uint32_t reserved;
};

struct image_header {
    char magic[8];
    uint32_t version;     /* IMAGE_VERSION */
    uint32_t abi_version; /* NATIVE_ABI_VERSION */
    uint8_t abi_hash[16]; /* of helpers, offsets and features; see image_abi_hash */
    uint64_t image_bytes; /* of the whole image */
    uint8_t wasm_sha256[IMAGE_DIGEST_BYTES];
    uint64_t wasm_bytes;
    uint8_t arch;       /* enum image_arch */
    uint8_t code_class; /* NATIVE_CLASS_… */
    uint8_t opt_level;
    uint8_t page_shift; /* its pages have 1 << page_shift bytes */
    uint32_t flags;     /* enum image_flag */
    uint32_t cpu_features;
    uint32_t wasm_features; /* FEATURE_… that the module was compiled with */
    uint32_t import_count;  /* NATIVE_IMPORT_COUNT */
    uint32_t reserved1;
    char cpu_name[32];
    struct image_section sections[IMAGE_SECTION_COUNT];
    struct image_array funcs;   /* struct image_func, by own_index */
    struct image_array entries; /* struct image_entry, by type_index */
    struct image_array osrs;    /* struct image_osr, by own_index, then loop_offset */
    struct image_array ranges;  /* struct image_range, by text_offset, not overlapping */
    struct image_array frames;  /* struct image_frame, by text_offset */
    struct image_array places;  /* struct image_place, by text_offset */
    /* What decoding the module gives; empty, or all of it: */
    struct image_array bodies;         /* struct wasm_body: where all function bodies lie */
    struct image_array func_types;     /* uint32_t: type indices of all functions, imports first */
    struct image_array elem_functions; /* uint32_t: of all segments of function indices, in order */
    uint8_t header_sha256[IMAGE_DIGEST_BYTES]; /* of all fields before this one */
};

static inline uint64_t image_page_bytes(const struct image_header *header)
{
    return (uint64_t)1 << header->page_shift;
}

struct image_func {
    uint32_t own_index;
    uint32_t text_offset; /* from the start of text */
};

/* The entry for functions of this type (the module's type index; see native_abi.h). */
struct image_entry {
    uint32_t type_index;
    uint32_t text_offset;
};

struct image_osr {
    uint32_t own_index;
    uint32_t loop_offset; /* of the `loop` operator in the module's binary */
    uint32_t text_offset;
};

/* To which function code belongs, for names and frames. */
struct image_range {
    uint32_t text_offset, bytes;
    uint32_t func_index; /* the module's, or IMAGE_NO_FUNCTION for entries and stubs */
};
enum { IMAGE_NO_FUNCTION = 0xffffffff };

/*
 * Frames without frame pointers: from this address on, up to the next row's, the caller's stack
 * pointer is sp + cfa_bytes and the return address is at that minus ra_below_bytes (x86-64: 8), or in
 * the link register when ra_below_bytes is 0. Rows also mark the end of what is known:
 * cfa_bytes IMAGE_FRAME_UNKNOWN.
 */
struct image_frame {
    uint32_t text_offset;
    uint32_t cfa_bytes;
    uint32_t ra_below_bytes;
};
enum { IMAGE_FRAME_UNKNOWN = 0xffffffff };

/* The operator in the module's binary that code from here on, up to the next row, came from;
 * 0: unknown. */
struct image_place {
    uint32_t text_offset;
    uint32_t wasm_offset;
};

#endif
