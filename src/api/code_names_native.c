/* SPDX-License-Identifier: Apache-2.0 */
#include "api/code_names.h"

#include <elf.h>

#include "aot/image.h"
#include "api/code_debug.h"
#include "api/code_lines.h"
#include "os/jit_dump.h"
#include "os/lock.h"
#include "os/perf_map.h"
#include "wasm/names.h"

enum { NAME_BYTES = 256 };

static struct lock perf_lock = LOCK_INIT;
static struct jit_dump *dump; /* once it is open; under the lock, as is the rest */
static bool has_no_dump;

static const struct image_range *ranges_of(const struct native_image *image)
{
    const struct image_header *header = image->header;
    return (const struct image_range *)(const void *)(image->meta + header->ranges.offset -
                                                      header->sections[IMAGE_META].offset);
}

static const char *name_of(const struct stint_module *module, const struct image_range *range,
                           char name[NAME_BYTES])
{
    if (range->func_index >= module->wasm->func_count)
        return "wasm:entry";
    names_format_function(module->wasm, range->func_index, name, NAME_BYTES);
    return name[0] == '$' ? name + 1 : name;
}

static void write_map(const struct stint_module *module, const struct native_image *image)
{
    const struct image_range *ranges = ranges_of(image);
    struct perf_map *map = NULL;
    char name[NAME_BYTES];
    if (perf_map_open(&map, NULL) != STINT_OK)
        return;
    for (uint32_t i = 0; i < image->header->ranges.count; i++)
        perf_map_add(map, image->text + ranges[i].text_offset, ranges[i].bytes,
                     name_of(module, &ranges[i], name));
    /* A map that the disk has no room for misses names, no more. */
    (void)perf_map_close(map);
}

/* ---- The dump -------------------------------------------------------------------------------------- */

/* The rows of a function, which begins at `start`; `*next` is the first row behind the last function.
 * Rows without a line belong to none. */
static size_t rows_of(const struct native_image *image, const struct code_lines *lines,
                      uint32_t start, uint32_t stop, size_t *next, struct jit_dump_line *ret_rows)
{
    size_t count = 0;
    while (*next + 1 < lines->count && lines->rows[*next + 1].text_offset <= start)
        ++*next;
    for (; *next < lines->count && lines->rows[*next].text_offset < stop; ++*next) {
        const struct code_line *row = &lines->rows[*next];
        uint32_t at = row->text_offset > start ? row->text_offset : start;
        if (row->line != 0)
            ret_rows[count++] =
                (struct jit_dump_line){image->text + at, row->line, lines->files[row->file]};
    }
    /* The last row may hold for the next function, too. */
    if (*next > 0)
        --*next;
    return count;
}

static void write_dump(const struct stint_module *module, const struct native_image *image)
{
    const struct image_range *ranges = ranges_of(image);
    struct code_lines lines;
    char name[NAME_BYTES];
    size_t next = 0;
    uint16_t machine = image->header->arch == IMAGE_AARCH64 ? EM_AARCH64 : EM_X86_64;
    if (dump == NULL && !has_no_dump)
        has_no_dump = jit_dump_open(machine, &dump, NULL) != STINT_OK;
    if (dump == NULL)
        return;
    code_lines_read(module, image, &lines);
    size_t rows_bytes = lines.count * sizeof(struct jit_dump_line);
    struct jit_dump_line *rows = alloc_get(&alloc_root, rows_bytes);
    for (uint32_t i = 0; i < image->header->ranges.count; i++) {
        const struct image_range *range = &ranges[i];
        size_t count = rows == NULL ? 0
                                    : rows_of(image, &lines, range->text_offset,
                                              range->text_offset + range->bytes, &next, rows);
        jit_dump_add(dump, name_of(module, range, name), image->text + range->text_offset,
                     range->bytes, rows, count);
    }
    jit_dump_flush(dump);
    alloc_put(&alloc_root, rows, rows_bytes);
    code_lines_clear(&lines);
}

void code_names_announce(const struct stint_module *module, const struct native_image *image)
{
    const struct tier_config *config = &module->engine->config.tier;
    if (config->has_perf_map) {
        lock_take(&perf_lock);
        write_map(module, image);
        write_dump(module, image);
        lock_give(&perf_lock);
    }
    if (config->has_debug_info)
        code_debug_add(module, image);
}

void code_names_forget(const struct stint_module *module, const struct native_image *image)
{
    if (module->engine->config.tier.has_debug_info)
        code_debug_remove(image);
}
