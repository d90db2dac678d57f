/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as WIT text: a world is read or refused, and nothing of it stays behind. */
#include <stdio.h>
#include <stdlib.h>

#include "component/wit_parse_int.h"

static void read_world(const struct wit_source *source, const struct wit_wanted *wanted)
{
    struct alloc root;
    struct stint_error error = {0};
    struct wit wit = {.alloc = &root, .status = STINT_OK, .error = &error};
    alloc_init(&root, NULL, NULL, (size_t)64 << 20);
    arena_init(&wit.arena, &root);
    bool ok = wanted != NULL ? wit_parse_wanted(&wit, source, wanted, 1)
                             : wit_parse_world(&wit, source, NULL);
    if (ok != (wit.status == STINT_OK) || (!ok && error.message[0] == '\0'))
        abort();
    wit_free(&wit);
    if (atomic_load(&root.used_bytes) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct wit_wanted wanted = {{"test:a/api@1.2.3", 16}, true};
    struct wit_file file = {.path = "fuzz.wit", .text = (const char *)data, .bytes = size};
    const struct wit_source source = {&file, 1};
    read_world(&source, NULL);
    read_world(&source, &wanted);
    return 0;
}
