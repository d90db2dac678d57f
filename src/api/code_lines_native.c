/* SPDX-License-Identifier: Apache-2.0 */
#include "api/code_lines.h"

#include <string.h>

#include "aot/image.h"
#include "wasm/dwarf.h"

/* Each chunk is one pass over the line tables, which rejects most rows by the range of the chunk;
 * debuggers of larger images do without the rest. */
enum { CHUNK = 256, PLACES_MAX = 1 << 16, FILES_MAX = 4096 };

static char *copy_text(const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = alloc_get(&alloc_root, bytes);
    if (copy != NULL)
        memcpy(copy, text, bytes);
    return copy;
}

/* The index of a file, most often that of the last row; false when there is no room. */
static bool intern(struct code_lines *lines, const char *file, uint32_t *ret_index)
{
    for (size_t i = lines->file_count; i > 0; i--) {
        if (strcmp(lines->files[i - 1], file) == 0) {
            *ret_index = (uint32_t)(i - 1);
            return true;
        }
    }
    if (lines->file_count == FILES_MAX ||
        !vec_reserve(&alloc_root, &lines->files, &lines->file_capacity, lines->file_count + 1,
                     sizeof(*lines->files)))
        return false;
    char *copy = copy_text(file);
    if (copy == NULL)
        return false;
    *ret_index = (uint32_t)lines->file_count;
    lines->files[lines->file_count++] = copy;
    return true;
}

/* What reading carries along. */
struct reading {
    const struct image_range *range, *range_end; /* those behind the last row */
    struct code_lines *lines;
};

static bool add(struct code_lines *lines, uint32_t text_offset, const struct dwarf_line *line)
{
    const struct code_line *last = lines->count > 0 ? &lines->rows[lines->count - 1] : NULL;
    struct code_line row = {.text_offset = text_offset, .line = line->line};
    if (line->line != 0 && !intern(lines, line->file, &row.file))
        return false;
    if (last != NULL && last->line == row.line && last->file == row.file)
        return true;
    if (!vec_reserve(&alloc_root, &lines->rows, &lines->capacity, lines->count + 1,
                     sizeof(*lines->rows)))
        return false;
    lines->rows[lines->count++] = row;
    return true;
}

/* Entries and stubs have no places: the line of the function before them ends there. Up to `stop`. */
static bool add_gaps(struct reading *reading, uint32_t stop)
{
    static const struct dwarf_line none;
    bool ok = true;
    for (; ok && reading->range < reading->range_end && reading->range->text_offset < stop;
         reading->range++) {
        if (reading->range->func_index == IMAGE_NO_FUNCTION)
            ok = add(reading->lines, reading->range->text_offset, &none);
    }
    return ok;
}

static bool read_chunk(const struct stint_module *module, const struct image_place *places,
                       uint32_t count, struct dwarf_line *found, struct reading *reading)
{
    uint32_t offsets[CHUNK];
    bool ok = true;
    for (uint32_t i = 0; i < count; i++)
        offsets[i] = places[i].wasm_offset;
    dwarf_find_lines(module->wasm, offsets, count, found);
    for (uint32_t i = 0; ok && i < count; i++)
        ok = add_gaps(reading, places[i].text_offset) &&
             add(reading->lines, places[i].text_offset, &found[i]);
    return ok;
}

static const void *array_of(const struct native_image *image, const struct image_array *array)
{
    return image->meta + array->offset - image->header->sections[IMAGE_META].offset;
}

void code_lines_read(const struct stint_module *module, const struct native_image *image,
                     struct code_lines *ret_lines)
{
    const struct image_header *header = image->header;
    const struct image_place *places = array_of(image, &header->places);
    const struct image_range *ranges = array_of(image, &header->ranges);
    struct reading reading = {ranges, ranges + header->ranges.count, ret_lines};
    uint32_t total = header->places.count < PLACES_MAX ? header->places.count : PLACES_MAX;
    memset(ret_lines, 0, sizeof(*ret_lines));
    if (!dwarf_is_present(module->wasm))
        return;
    struct dwarf_line *found = alloc_get_zeroed(&alloc_root, CHUNK, sizeof(*found));
    bool ok = found != NULL;
    for (uint32_t at = 0; ok && at < total; at += CHUNK)
        ok = read_chunk(module, places + at, total - at < CHUNK ? total - at : CHUNK, found,
                        &reading);
    if (ok && total == header->places.count)
        (void)add_gaps(&reading, UINT32_MAX);
    alloc_put(&alloc_root, found, CHUNK * sizeof(*found));
}

void code_lines_clear(struct code_lines *lines)
{
    for (size_t i = 0; i < lines->file_count; i++)
        alloc_put(&alloc_root, lines->files[i], strlen(lines->files[i]) + 1);
    alloc_put(&alloc_root, lines->files, lines->file_capacity * sizeof(*lines->files));
    alloc_put(&alloc_root, lines->rows, lines->capacity * sizeof(*lines->rows));
    memset(lines, 0, sizeof(*lines));
}
