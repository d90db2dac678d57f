/* SPDX-License-Identifier: Apache-2.0 */
#include "wasm/names.h"

#include <stdio.h>
#include <string.h>

#include "base/leb128.h"
#include "wasm/section.h"

static const struct wasm_name no_name = {NULL, 0};

/* A name at `*at`; false where the bytes do not hold one. It is not checked to be UTF-8. */
static bool next_name(const uint8_t **at, const uint8_t *end, struct wasm_name *ret_name)
{
    uint32_t bytes;
    if (leb_read_u32(at, end, &bytes) != LEB_OK || bytes > (size_t)(end - *at))
        return false;
    *ret_name = (struct wasm_name){(const char *)*at, bytes};
    *at += bytes;
    return true;
}

static const struct wasm_custom *name_section(const struct wasm_module *module)
{
    for (uint32_t i = 0; i < module->custom_count; i++) {
        const struct wasm_custom *custom = &module->customs[i];
        if (custom->name.bytes == 4 && memcmp(custom->name.text, "name", 4) == 0)
            return custom;
    }
    return NULL;
}

/* The content of a subsection; false where there is none. */
static bool find_subsection(const struct wasm_module *module, uint8_t wanted,
                            const uint8_t **ret_at, const uint8_t **ret_end)
{
    const struct wasm_custom *custom = name_section(module);
    if (custom == NULL)
        return false;
    const uint8_t *at = module->bytes + custom->offset_bytes;
    const uint8_t *end = at + custom->size_bytes;
    while (at < end) {
        uint8_t id = *at++;
        uint32_t bytes;
        if (leb_read_u32(&at, end, &bytes) != LEB_OK || bytes > (size_t)(end - at))
            return false;
        if (id == wanted) {
            *ret_at = at;
            *ret_end = at + bytes;
            return true;
        }
        at += bytes;
    }
    return false;
}

static struct wasm_name name_of_export(const struct wasm_module *module, uint32_t function)
{
    for (uint32_t i = 0; i < module->export_count; i++) {
        const struct wasm_export *given = &module->exports[i];
        if (given->kind == EXTERN_FUNC && given->index == function)
            return given->name;
    }
    return no_name;
}

static struct wasm_name name_of_import(const struct wasm_module *module, uint32_t function)
{
    if (function >= module->import_func_count)
        return no_name;
    for (uint32_t i = 0; i < module->import_count; i++) {
        const struct wasm_import *wanted = &module->imports[i];
        if (wanted->kind == EXTERN_FUNC && wanted->index == function)
            return wanted->field;
    }
    return no_name;
}

struct wasm_name names_function(const struct wasm_module *module, uint32_t function)
{
    const uint8_t *at, *end;
    uint32_t count = 0;
    if (find_subsection(module, NAMES_FUNC, &at, &end) &&
        leb_read_u32(&at, end, &count) == LEB_OK) {
        for (uint32_t i = 0; i < count; i++) {
            uint32_t index;
            struct wasm_name name;
            if (leb_read_u32(&at, end, &index) != LEB_OK || !next_name(&at, end, &name))
                break;
            if (index == function)
                return name;
        }
    }
    struct wasm_name name = name_of_export(module, function);
    return name.text != NULL ? name : name_of_import(module, function);
}

struct wasm_name names_module(const struct wasm_module *module)
{
    const uint8_t *at, *end;
    struct wasm_name name;
    if (!find_subsection(module, NAMES_MODULE, &at, &end) || !next_name(&at, end, &name))
        return no_name;
    return name;
}

char *names_format_function(const struct wasm_module *module, uint32_t function, char *text,
                            size_t size)
{
    struct wasm_name name = names_function(module, function);
    if (name.text == NULL) {
        snprintf(text, size, "#%u", function);
        return text;
    }
    if (size == 0)
        return text;
    size_t used = 0;
    if (used + 1 < size)
        text[used++] = '$';
    for (uint32_t i = 0; i < name.bytes && used + 1 < size; i++) {
        uint8_t byte = (uint8_t)name.text[i];
        text[used++] = byte < 0x20 || byte >= 0x7f ? '?' : (char)byte;
    }
    text[used] = '\0';
    return text;
}
