/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as TOML: a tree whose places are in the text, or an error with one; nothing stays behind. */
#include <stdlib.h>

#include "base/toml.h"

static void check(const struct toml_value *value, uint32_t lines)
{
    uint32_t count = 0;
    if (value->line == 0 || value->line > lines || value->column == 0)
        abort();
    if (value->kind != TOML_ARRAY && value->kind != TOML_TABLE)
        return;
    for (const struct toml_value *member = value->first; member != NULL; member = member->next) {
        if ((value->kind == TOML_TABLE) != (member->key != NULL))
            abort();
        check(member, lines);
        count++;
    }
    if (count != value->count)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct alloc root;
    struct arena arena;
    struct stint_error error = {0};
    const struct toml_value *tree = NULL;
    uint32_t lines = 1;
    for (size_t i = 0; i < size; i++)
        lines += data[i] == '\n';
    alloc_init(&root, NULL, NULL, (size_t)64 << 20);
    arena_init(&arena, &root);
    if (toml_parse(&arena, (const char *)data, size, 50, &tree, &error) == STINT_OK)
        check(tree, lines);
    else if (error.message[0] == '\0' || error.line == 0 || error.line > lines || error.column == 0)
        abort();
    arena_free(&arena);
    if (atomic_load(&root.used_bytes) != 0)
        abort();
    return 0;
}
