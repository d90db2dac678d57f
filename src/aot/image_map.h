/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes images (aot/image.h) executable. Both functions take what image_check.h has passed, and
 * give what native_add_image (runtime/native.h) wants: text is readable and executable, the rest
 * readable; no page is ever writable and executable at once. `imports` are the addresses for the
 * import table, `native_imports` but in tests. The image ends with image->release.
 */
#ifndef AOT_IMAGE_MAP_H
#define AOT_IMAGE_MAP_H

#include "aot/image.h"
#include "base/alloc.h"
#include "runtime/native.h"

/* From a copy of the bytes, for code that was compiled in this process. */
MUST_CHECK enum stint_status image_map_memory(const uint8_t *bytes, size_t image_bytes,
                                              const void *const imports[NATIVE_IMPORT_COUNT],
                                              struct native_image **ret_image,
                                              struct stint_error *error);
/*
 * From a file that nobody else can change, at an offset that is a multiple of IMAGE_PAGE_BYTES_MAX. All
 * processes that map it share its pages, but for the one of the import table.
 */
MUST_CHECK enum stint_status image_map_file(int fd, uint64_t offset_bytes, size_t image_bytes,
                                            const void *const imports[NATIVE_IMPORT_COUNT],
                                            struct native_image **ret_image,
                                            struct stint_error *error);

#endif
