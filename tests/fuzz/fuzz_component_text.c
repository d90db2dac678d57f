/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as the text of a component, and as a script. What is read is decoded and validated; it
 * takes memory in proportion to the input, and a failure has its place.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "component/component.h"
#include "component/text_component.h"
#include "interp/interp.h"
#include "wast/script.h"

enum { BYTES_PER_BYTE_MAX = 2048, BYTES_MIN = 4 << 20, BUDGET_BYTES = 512 << 20 };

static void require(bool ok, const char *what, const struct stint_error *error)
{
    if (ok)
        return;
    fprintf(stderr, "%s: %u:%u %s\n", what, error->line, error->column, error->message);
    abort();
}

static void validate(const struct buf *binary)
{
    struct engine_config config = engine_config_default();
    struct stint_engine *engine;
    struct component_file *file = NULL;
    struct stint_error error = {0};
    config.budget_bytes = BUDGET_BYTES;
    if (engine_create(&config, &interp_ops, &engine) != STINT_OK)
        abort();
    enum stint_status status =
        component_create(engine, binary->data, binary->bytes, true, &file, &error);
    require(error.status == status, "the error does not match", &error);
    require(status != STINT_MALFORMED, "what was written is malformed", &error);
    component_release(file);
    engine_release(engine);
}

static void read_text(struct alloc *alloc, const char *text, size_t size)
{
    static const struct text_options options = {.names = true};
    struct stint_error error = {0};
    struct buf binary;
    buf_init(&binary, alloc, SIZE_MAX);
    enum stint_status status = text_to_any_binary(alloc, text, size, &options, &binary, &error);
    require(error.status == status, "the error does not match", &error);
    require(status == STINT_OK || status == STINT_SYNTAX || status == STINT_LIMIT, "another status",
            &error);
    require(status == STINT_OK || binary.bytes == 0, "output of a failure", &error);
    require(status != STINT_SYNTAX || (error.line != 0 && error.column != 0), "no place", &error);
    require(atomic_load(&alloc->peak_bytes) <= BYTES_MIN + BYTES_PER_BYTE_MAX * size,
            "too much memory", &error);
    /* What (component binary …) holds need not be a component. */
    if (status == STINT_OK && component_is_binary(binary.data, binary.bytes) &&
        memmem(text, size, "binary", 6) == NULL)
        validate(&binary);
    buf_free(&binary);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct alloc root;
    struct stint_error error = {0};
    struct script script;
    alloc_init(&root, NULL, NULL, SIZE_MAX);
    read_text(&root, (const char *)data, size);
    if (script_read_text(&root, (const char *)data, size, &script, &error) == STINT_OK)
        script_free(&script);
    require(atomic_load(&root.used_bytes) == 0, "a leak", &error);
    return 0;
}
