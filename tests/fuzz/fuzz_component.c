/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a component: decoded and validated. Beyond the sanitizers it holds both to memory in
 * proportion to the input, to bounded work, and to messages that fit their status.
 */
#include <stdio.h>
#include <stdlib.h>

#include "component/component.h"
#include "interp/interp.h"

enum { BUDGET_BYTES = 512 << 20 };

static void require(bool ok, const char *what, const struct stint_error *error)
{
    if (ok)
        return;
    fprintf(stderr, "%s: %s\n", what, error->message);
    abort();
}

/* What later parts rely on: every definition is inside of the file, nested ones inside of theirs. */
static void walk(const struct component *component)
{
    struct stint_error none = {0};
    uint32_t end = component->offset_bytes + component->size_bytes;
    require(end <= component->file->size_bytes, "a component outside of its file", &none);
    for (uint32_t i = 0; i < component->defs.count; i++) {
        const struct comp_def *def = &component->defs.items[i];
        require(def->offset_bytes >= component->offset_bytes && def->offset_bytes <= end,
                "a definition outside of its component", &none);
        if (def->kind == DEF_COMPONENT)
            walk(def->component);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct engine_config config = engine_config_default();
    struct stint_engine *engine;
    struct component_file *file = NULL;
    struct stint_error error = {0};
    config.budget_bytes = BUDGET_BYTES;
    if (engine_create(&config, &interp_ops, &engine) != STINT_OK)
        abort();
    enum stint_status status = component_create(engine, data, size, true, &file, &error);
    if (status == STINT_OK)
        walk(file->root);
    require(error.status == status, "the error does not match", &error);
    require(status == STINT_OK || error.message[0] != '\0', "no message", &error);
    require(status == STINT_OK || error.offset_bytes <= size ||
                error.offset_bytes == STINT_NO_OFFSET,
            "an offset outside", &error);
    require(status != STINT_NOMEM, "out of memory", &error);
    component_release(file);
    engine_release(engine);
    return 0;
}
