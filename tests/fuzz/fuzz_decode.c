/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a binary module: decoded, validated, and asked for names. Beyond the sanitizers it
 * holds the decoder and validator to memory in proportion to the input, the validator's fast loop to
 * the result of its slow one, and modules without a feature to those with it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wasm/names.h"
#include "wasm/validate_int.h"
#include "wasm/validate_rules.h"

enum { BYTES_PER_BYTE_MAX = 256, BYTES_MIN = 4 << 20 };

static void require(bool ok, const char *what, const struct stint_error *error)
{
    if (ok)
        return;
    fprintf(stderr, "%s: %s\n", what, error->message);
    abort();
}

static void read_names(const struct wasm_module *module)
{
    char text[40];
    names_module(module);
    module_find_export(module, "f", 1);
    for (uint32_t i = 0; i < module->func_count && i < 16; i++)
        names_format_function(module, i, text, sizeof(text));
}

static enum stint_status check(struct alloc *alloc, struct type_registry *types,
                               const uint8_t *data, size_t size, uint32_t features)
{
    static struct body_rules slow_rules;
    struct wasm_module *module = NULL;
    struct stint_error error = {0}, slow_error = {0};
    enum stint_status status = module_decode(alloc, types, data, size, features, &module, &error);
    if (status == STINT_OK) {
        read_names(module);
        status = module_validate(module, &error);
        require(validate_bodies(module, &slow_rules, &slow_error) == status,
                "the slow loop disagrees", status == STINT_OK ? &slow_error : &error);
        require(strcmp(error.message, slow_error.message) == 0, "another message", &error);
        require(error.offset_bytes == slow_error.offset_bytes, "another offset", &error);
    }
    require(error.status == status, "the error does not match", &error);
    require(status == STINT_OK || error.offset_bytes <= size, "an offset outside", &error);
    require(status != STINT_NOMEM, "out of memory", &error);
    module_free(module);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct alloc root;
    struct type_registry *types;
    struct stint_error none = {0};
    alloc_init(&root, NULL, NULL, SIZE_MAX);
    if (types_create(&root, &types) != STINT_OK)
        abort();
    enum stint_status all = check(&root, types, data, size, FEATURES_DEFAULT);
    require(atomic_load(&root.peak_bytes) <= BYTES_MIN + BYTES_PER_BYTE_MAX * size,
            "too much memory", &none);
    enum stint_status few = check(&root, types, data, size, FEATURE_MVP);
    require(few != STINT_OK || all == STINT_OK, "a feature makes it invalid", &none);
    types_free(types);
    require(atomic_load(&root.used_bytes) == 0, "a leak", &none);
    return 0;
}
