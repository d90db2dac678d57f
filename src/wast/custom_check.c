/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Custom sections that assertions are about. Stint runs modules without a look at them; what makes
 * one wrong is decided here, for the test scripts alone.
 */
#include <string.h>

#include "base/leb128.h"
#include "wast/runner_int.h"

static bool next_u32(const uint8_t **at, const uint8_t *end, uint32_t *ret_value)
{
    return leb_read_u32(at, end, ret_value) == LEB_OK;
}

/* The hints of one function: each stands for an `if` or a `br_if` of it. */
static bool check_function_hints(const struct wasm_module *module, uint32_t function,
                                 const uint8_t **at, const uint8_t *end)
{
    uint32_t count, offset, size;
    if (function < module->import_func_count || function >= module->func_count ||
        !next_u32(at, end, &count))
        return false;
    const struct wasm_body *body = &module->bodies[function - module->import_func_count];
    for (uint32_t i = 0; i < count; i++) {
        if (!next_u32(at, end, &offset) || !next_u32(at, end, &size) || size != 1 || *at == end ||
            *(*at)++ > 1 || offset >= body->size_bytes)
            return false;
        uint8_t code = module->bytes[body->offset_bytes + offset];
        if (code != op_infos[OP_IF].code && code != op_infos[OP_BR_IF].code)
            return false;
    }
    return true;
}

static bool check_branch_hints(const struct wasm_module *module, const struct wasm_custom *custom)
{
    const uint8_t *at = module->bytes + custom->offset_bytes, *end = at + custom->size_bytes;
    uint32_t count, function;
    if (!next_u32(&at, end, &count))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (!next_u32(&at, end, &function) || !check_function_hints(module, function, &at, end))
            return false;
    }
    return at == end;
}

bool custom_sections_are_valid(const struct wasm_module *module)
{
    static const char hints[] = "metadata.code.branch_hint";
    for (uint32_t i = 0; i < module->custom_count; i++) {
        const struct wasm_custom *custom = &module->customs[i];
        if (custom->name.bytes == sizeof(hints) - 1 &&
            memcmp(custom->name.text, hints, sizeof(hints) - 1) == 0 &&
            !check_branch_hints(module, custom))
            return false;
    }
    return true;
}
