/* SPDX-License-Identifier: Apache-2.0 */
#include "aot/image_map.h"

#include <string.h>

#include "os/code_pages.h"
#include "os/pages.h"

struct mapped_image {
    struct native_image image; /* first: release gets its address */
    uint8_t *start;
    size_t bytes;
};

static size_t round_up(size_t bytes, uint64_t page_bytes)
{
    const size_t mask = (size_t)page_bytes - 1;
    return (bytes + mask) & ~mask;
}

/* What is mapped for an image. */
static size_t whole_pages(size_t image_bytes)
{
    return round_up(image_bytes, IMAGE_PAGE_BYTES_MAX);
}

static void release(struct native_image *image)
{
    struct mapped_image *mapped = (struct mapped_image *)image;
    code_pages_release(mapped->start, mapped->bytes);
    alloc_put(&alloc_root, mapped, sizeof(*mapped));
}

static enum stint_status failed(const char *what, enum os_error reason, struct stint_error *error)
{
    return error_set(error, reason == OS_NOMEM ? STINT_NOMEM : STINT_IO, STINT_NO_OFFSET, "%s: %s",
                     what, os_error_text(reason));
}

/* Fills the import table, which is writable, and gives all sections their rights. */
static enum stint_status protect(struct mapped_image *mapped,
                                 const void *const imports[NATIVE_IMPORT_COUNT],
                                 struct stint_error *error)
{
    const struct image_header *header = (const void *)mapped->start;
    const struct image_section *text = &header->sections[IMAGE_TEXT];
    uint8_t *table = mapped->start + header->sections[IMAGE_IMPORTS].offset;
    size_t page_bytes = (size_t)image_page_bytes(header);
    size_t text_bytes = round_up(text->bytes, page_bytes);
    memcpy(table, imports, NATIVE_IMPORT_COUNT * sizeof(imports[0]));
    enum os_error reason = code_pages_read_only(table, page_bytes);
    if (reason == OS_OK)
        reason = code_pages_execute(mapped->start + text->offset, text_bytes);
    if (reason == OS_PERM || reason == OS_ACCES)
        return failed("this system does not allow it to be made executable", reason, error);
    if (reason != OS_OK)
        return failed("it could not be made executable", reason, error);
    mapped->image = (struct native_image){
        .header = header,
        .meta = mapped->start + header->sections[IMAGE_META].offset,
        .text = mapped->start + text->offset,
        .text_bytes = text->bytes,
        .release = release,
    };
    return STINT_OK;
}

/* Takes over a read-only mapping of an image's bytes; it is gone on failure. */
static enum stint_status adopt(uint8_t *start, size_t bytes,
                               const void *const imports[NATIVE_IMPORT_COUNT],
                               struct native_image **ret_image, struct stint_error *error)
{
    const struct image_header *header = (const void *)start;
    struct mapped_image *mapped = alloc_get_zeroed(&alloc_root, 1, sizeof(*mapped));
    if (mapped == NULL) {
        code_pages_release(start, bytes);
        return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "out of memory");
    }
    mapped->start = start;
    mapped->bytes = bytes;
    enum os_error reason = code_pages_renew(start + header->sections[IMAGE_IMPORTS].offset,
                                            (size_t)image_page_bytes(header));
    enum stint_status status = reason == OS_OK ? protect(mapped, imports, error)
                                               : failed("it could not be mapped", reason, error);
    if (status != STINT_OK) {
        release(&mapped->image);
        return status;
    }
    *ret_image = &mapped->image;
    return STINT_OK;
}

enum stint_status image_map_memory(const uint8_t *bytes, size_t image_bytes,
                                   const void *const imports[NATIVE_IMPORT_COUNT],
                                   struct native_image **ret_image, struct stint_error *error)
{
    size_t mapped_bytes = whole_pages(image_bytes);
    /* The machine's pages may be smaller than the image's, never larger. */
    uint8_t *start = pages_get(mapped_bytes);
    if (start == NULL)
        return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "no memory for %zu bytes of code",
                         image_bytes);
    memcpy(start, bytes, image_bytes);
    enum os_error reason = code_pages_read_only(start, mapped_bytes);
    if (reason != OS_OK) {
        code_pages_release(start, mapped_bytes);
        return failed("it could not be mapped", reason, error);
    }
    return adopt(start, mapped_bytes, imports, ret_image, error);
}

enum stint_status image_map_file(int fd, uint64_t offset_bytes, size_t image_bytes,
                                 const void *const imports[NATIVE_IMPORT_COUNT],
                                 struct native_image **ret_image, struct stint_error *error)
{
    void *start;
    enum os_error reason = code_pages_map(fd, offset_bytes, whole_pages(image_bytes), &start);
    if (reason != OS_OK)
        return failed("it could not be mapped", reason, error);
    return adopt(start, whole_pages(image_bytes), imports, ret_image, error);
}
