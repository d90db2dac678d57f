/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The linker: objects that LLVM made, one a partition, become an image (aot/image.h) that needs no
 * relocation when it is mapped. It knows nothing of LLVM but its objects.
 *
 * link_object_make takes what is needed out of one object, on the thread that made it: its code and
 * constants, what refers where, rows of frames and places. link_image lays them out behind each
 * other, makes references relative, and writes the image.
 */
#ifndef COMPILER_LINKER_H
#define COMPILER_LINKER_H

#include "aot/image.h"
#include "base/alloc.h"

enum link_part { LINK_NOWHERE, LINK_TEXT, LINK_RODATA };

/* What the name of a symbol says (lower.h). */
enum link_name {
    LINK_NAME_LOCAL,
    LINK_NAME_FUNC,    /* a: function index */
    LINK_NAME_ENTRY,   /* a: type index */
    LINK_NAME_OSR,     /* a: own index, b: loop offset */
    LINK_NAME_IMPORTS, /* the table */
    LINK_NAME_LIBRARY, /* a: NATIVE_IMPORT_memcpy, … */
};

struct link_symbol {
    uint8_t name; /* enum link_name */
    uint8_t part; /* enum link_part; LINK_NOWHERE: of another object, or ours */
    uint32_t a, b;
    uint32_t offset, bytes; /* in the object's part */
};

/* A reference that can be settled once everything has its place. */
struct link_reloc {
    uint32_t at; /* in the object's part */
    uint8_t part;
    uint16_t type; /* the machine's ELF relocation type */
    uint32_t symbol; /* of symbols */
    int64_t addend;
};

/* What one object gives. Offsets count from the start of its text or rodata. */
struct link_object {
    struct alloc *alloc;
    uint8_t *parts[LINK_RODATA + 1];
    uint32_t part_bytes[LINK_RODATA + 1];
    uint32_t part_align[LINK_RODATA + 1];
    struct link_symbol *symbols;
    size_t symbol_count, symbol_capacity;
    struct link_reloc *relocs;
    size_t reloc_count, reloc_capacity;
    struct image_frame *frames; /* by text_offset */
    size_t frame_count, frame_capacity;
    struct image_place *places; /* by text_offset */
    size_t place_count, place_capacity;
};

/*
 * Reads an ELF object for `arch`; the bytes are not needed afterwards. STINT_MALFORMED where it is
 * not one, STINT_UNSUPPORTED with a message where it needs what images do not have (a library
 * function, an address in data, a writable section).
 */
MUST_CHECK enum stint_status link_object_make(struct alloc *alloc, enum image_arch arch,
                                              const uint8_t *bytes, size_t size_bytes,
                                              struct link_object *ret_object,
                                              struct stint_error *error);
/* Accepts a zeroed object. */
void link_object_free(struct link_object *object);

/* A function body, as the array `bodies` of images has it. */
struct link_body {
    uint32_t offset_bytes, size_bytes;
};

struct link_request {
    struct alloc *alloc;
    struct link_object *objects; /* emptied one by one as their parts are copied */
    size_t object_count;
    uint32_t import_func_count, func_count, type_count;
    /* What becomes of the module's arrays of these names in image.h; bodies NULL: none of them. */
    const struct link_body *bodies; /* func_count - import_func_count */
    const uint32_t *func_types;     /* func_count */
    const uint32_t *elem_functions;
    uint32_t elem_function_count;
    uint64_t branch_reach; /* of aarch64's branches; 0: the real one. Tests lower it. */
    /* The header, filled but for image_bytes, sections, arrays and digests. */
    struct image_header header;
};

struct link_result {
    uint8_t *image; /* image_bytes; of pages_get: end with pages_release */
    size_t image_bytes;
};

/* Links. The objects' memory is given back as it goes, on failure too. */
MUST_CHECK enum stint_status link_image(struct link_request *request,
                                        struct link_result *ret_result,
                                        struct stint_error *error);

#endif
