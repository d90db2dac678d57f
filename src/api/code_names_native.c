/* SPDX-License-Identifier: Apache-2.0 */
#include "api/code_names.h"

#include "aot/image.h"
#include "os/lock.h"
#include "os/perf_map.h"
#include "wasm/names.h"

static struct lock map_lock = LOCK_INIT;

void code_names_for_perf(const struct stint_module *module, const struct native_image *image)
{
    const struct image_header *header = image->header;
    const struct image_range *ranges =
        (const struct image_range *)(const void *)(image->meta + header->ranges.offset -
                                                   header->sections[IMAGE_META].offset);
    struct perf_map *map = NULL;
    lock_take(&map_lock);
    if (perf_map_open(&map, NULL) == STINT_OK) {
        for (uint32_t i = 0; i < header->ranges.count; i++) {
            char name[256] = "wasm:entry";
            if (ranges[i].func_index < module->wasm->func_count)
                names_format_function(module->wasm, ranges[i].func_index, name, sizeof(name));
            perf_map_add(map, image->text + ranges[i].text_offset, ranges[i].bytes, name);
        }
    }
    /* A map that the disk has no room for misses names, no more. */
    (void)perf_map_close(map);
    lock_give(&map_lock);
}
