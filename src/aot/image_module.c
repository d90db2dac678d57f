/* SPDX-License-Identifier: Apache-2.0 */
/* Whether an image's tables are those of its module. */
#include <string.h>

#include "aot/image_check.h"

struct module_tables image_tables(const uint8_t *bytes, const struct image_header *header)
{
    if (header->bodies.count == 0)
        return (struct module_tables){0};
    return (struct module_tables){
        .bodies = IMAGE_ARRAY(bytes, header, bodies, struct wasm_body),
        .func_types = IMAGE_ARRAY(bytes, header, func_types, uint32_t),
        .elem_functions = IMAGE_ARRAY(bytes, header, elem_functions, uint32_t),
        .body_count = header->bodies.count,
        .func_type_count = header->func_types.count,
        .elem_function_count = header->elem_functions.count,
    };
}

static bool equal(const void *a, uint32_t a_count, const void *b, uint32_t b_count,
                  size_t each_bytes)
{
    return a_count == b_count && (a_count == 0 || memcmp(a, b, a_count * each_bytes) == 0);
}

/* The segments' functions lie in one array, with nothing behind the last one. */
static bool elems_equal(const struct wasm_module *module, const struct module_tables *tables)
{
    const uint32_t *at = tables->elem_functions;
    uint32_t left = tables->elem_function_count;
    for (uint32_t i = 0; i < module->elem_count; i++) {
        const struct wasm_elem *elem = &module->elems[i];
        if (elem->functions == NULL)
            continue;
        if (elem->count > left ||
            !equal(elem->functions, elem->count, at, elem->count, sizeof(*at)))
            return false;
        at += elem->count;
        left -= elem->count;
    }
    return left == 0;
}

enum stint_status image_module_decode(const struct image_header *header, const uint8_t *wasm,
                                      struct image_module *ret_module, struct stint_error *error)
{
    *ret_module = (struct image_module){0};
    if (header->bodies.count == 0 && header->func_types.count == 0 &&
        header->elem_functions.count == 0)
        return STINT_OK;
    enum stint_status status = types_create(&alloc_root, &ret_module->types);
    if (status != STINT_OK)
        return error_set(error, status, STINT_NO_OFFSET, "out of memory");
    return module_decode(&alloc_root, ret_module->types, wasm, header->wasm_bytes,
                         header->wasm_features, &ret_module->wasm, error);
}

void image_module_free(struct image_module *module)
{
    module_free(module->wasm);
    types_free(module->types);
    *module = (struct image_module){0};
}

enum stint_status image_module_compare(const uint8_t *bytes, const struct image_header *header,
                                       const struct image_module *decoded,
                                       struct stint_error *error)
{
    struct module_tables tables = image_tables(bytes, header);
    const struct wasm_module *module = decoded->wasm;
    if (module == NULL)
        return STINT_OK;
    if (equal(module->bodies, module->func_count - module->import_func_count, tables.bodies,
              tables.body_count, sizeof(*tables.bodies)) &&
        equal(module->func_types, module->func_count, tables.func_types, tables.func_type_count,
              sizeof(*tables.func_types)) &&
        elems_equal(module, &tables))
        return STINT_OK;
    return error_set(error, STINT_MALFORMED, STINT_NO_OFFSET,
                     "its tables are not those of the module");
}

enum stint_status image_check_module(const uint8_t *bytes, const struct image_header *header,
                                     const uint8_t *wasm, struct stint_error *error)
{
    struct image_module decoded;
    enum stint_status status = image_module_decode(header, wasm, &decoded, error);
    if (status == STINT_OK)
        status = image_module_compare(bytes, header, &decoded, error);
    image_module_free(&decoded);
    return status;
}
