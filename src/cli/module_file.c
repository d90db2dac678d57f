/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/module_file.h"

#include <string.h>

#include "cli/text_file.h"
#include "os/pages.h"
#include "wasm/limits.h"
#include "wasm/module.h"

/* Whether the file is meant as text: by its name, or because no binary begins like this. */
static bool is_text(const char *path, const uint8_t *bytes, size_t size_bytes)
{
    size_t length = strlen(path);
    if (size_bytes >= 4 && memcmp(bytes, "\0asm", 4) == 0)
        return false;
    if (length > 4 && strcmp(path + length - 4, ".wat") == 0)
        return true;
    size_t at = 0;
    while (at < size_bytes && memchr(" \t\r\n", bytes[at], 4) != NULL)
        at++;
    return at + 1 < size_bytes && (bytes[at] == '(' || (bytes[at] == ';' && bytes[at + 1] == ';'));
}

static enum stint_status encode_text(struct module_file *file, struct stint_error *error)
{
    buf_init(&file->encoded, &alloc_root, LIMIT_MODULE_BYTES);
    enum stint_status status =
        text_file_encode((const char *)file->mapped, file->mapped_bytes, &file->encoded, error);
    if (status != STINT_OK)
        return status;
    file->bytes = file->encoded.data;
    file->size_bytes = file->encoded.bytes;
    file->is_text = true;
    return STINT_OK;
}

/* What else people hand over by mistake deserves its own words. */
static enum stint_status check_kind(const uint8_t *bytes, size_t size_bytes,
                                    struct stint_error *error)
{
    if (size_bytes == 0)
        return error_set(error, STINT_MALFORMED, STINT_NO_OFFSET, "the file is empty");
    if (size_bytes < 4 || memcmp(bytes, "\0asm", 4) != 0)
        return error_set(error, STINT_MALFORMED, 0,
                         "neither a WebAssembly binary, which begins with \"\\0asm\", nor text");
    return STINT_OK;
}

static bool is_component(const uint8_t *bytes, size_t size_bytes)
{
    static const uint8_t begin[8] = {0, 'a', 's', 'm', 0x0d, 0, 1, 0};
    return size_bytes >= sizeof(begin) && memcmp(bytes, begin, sizeof(begin)) == 0;
}

enum stint_status module_file_open(const char *path, struct module_file *ret_file,
                                   struct stint_error *error)
{
    struct module_file file;
    enum stint_status status = module_file_open_any(path, &file, error);
    if (status != STINT_OK)
        return status;
    if (file.is_component) {
        module_file_close(&file);
        return error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                         "this is a component; a core module is wanted here");
    }
    *ret_file = file;
    return STINT_OK;
}

enum stint_status module_file_open_any(const char *path, struct module_file *ret_file,
                                       struct stint_error *error)
{
    struct module_file file = {0};
    const char *from = strcmp(path, "-") == 0 ? "/dev/stdin" : path;
    enum stint_status status =
        pages_map_file(from, LIMIT_MODULE_BYTES, &file.mapped, &file.mapped_bytes, error);
    if (status != STINT_OK)
        return status;
    file.bytes = file.mapped;
    file.size_bytes = file.mapped_bytes;
    status = is_text(path, file.bytes, file.size_bytes)
                 ? encode_text(&file, error)
                 : check_kind(file.bytes, file.size_bytes, error);
    if (status != STINT_OK) {
        module_file_close(&file);
        return status;
    }
    file.is_component = is_component(file.bytes, file.size_bytes);
    *ret_file = file;
    return STINT_OK;
}

void module_file_close(struct module_file *file)
{
    if (file->mapped != NULL)
        pages_unmap_file(file->mapped, file->mapped_bytes);
    buf_free(&file->encoded);
    memset(file, 0, sizeof(*file));
}
