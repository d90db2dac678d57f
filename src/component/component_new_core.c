/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The core modules of a new component: the user's own, and the two that tie the knot between it and
 * lowered functions, which need its memory before it is there.
 */
#include <stdio.h>

#include "base/leb128.h"
#include "component/component_new_int.h"
#include "wasm/section.h"

enum {
    HEADER_BYTES = 8,
    CODE_END = 0x0b,
    CODE_CALL_INDIRECT = 0x11,
    CODE_LOCAL_GET = 0x20,
    CODE_I32_CONST = 0x41,
    CODE_FUNC_TYPE = 0x60,
    CODE_FUNCREF = 0x70,
    TABLE_MAX = 1, /* limits with a maximum */
};

static const uint8_t header[HEADER_BYTES] = {0, 'a', 's', 'm', 1, 0, 0, 0};
static const char custom_prefix[] = "component-type";

/* A custom section's content that begins with a name like component-type: its use ends here. */
static bool is_component_type(const uint8_t *content, size_t bytes)
{
    size_t name_bytes = sizeof(custom_prefix) - 1;
    /* A name of at least that length, and below 128 bytes: one byte says how long. */
    return bytes > name_bytes && content[0] >= name_bytes && content[0] < 0x80 &&
           memcmp(content + 1, custom_prefix, name_bytes) == 0;
}

bool new_put_module(struct component_new *n)
{
    const uint8_t *at = n->core->bytes, *end = at + n->core->size_bytes;
    struct buf module;
    buf_init(&module, n->alloc, SIZE_MAX);
    (void)buf_append(&module, at, HEADER_BYTES);
    for (at += HEADER_BYTES; at < end;) {
        const uint8_t *start = at++;
        uint64_t bytes = leb_next_unsigned(&at); /* the module was decoded: it is right */
        if (start[0] != 0 || !is_component_type(at, (size_t)bytes))
            (void)buf_append(&module, start, (size_t)(at - start) + (size_t)bytes);
        at += bytes;
    }
    bool ok = new_put_section(n, n->out, SECTION_COMP_CORE_MODULE, &module);
    buf_free(&module);
    n->core_modules++;
    return ok;
}

static void put_types(struct component_new *n, struct buf *module, uint32_t more)
{
    struct buf types;
    buf_init(&types, n->alloc, SIZE_MAX);
    (void)buf_append_uleb(&types, (uint64_t)n->shim_count + more);
    for (uint32_t i = 0; i < n->shim_count; i++) {
        const struct type_def *type = n->shim_types[i];
        (void)buf_append_byte(&types, CODE_FUNC_TYPE);
        (void)buf_append_uleb(&types, type->param_count);
        for (uint32_t k = 0; k < type->param_count; k++)
            (void)buf_append_byte(&types, (uint8_t)type->params[k]);
        (void)buf_append_uleb(&types, type->result_count);
        for (uint32_t k = 0; k < type->result_count; k++)
            (void)buf_append_byte(&types, (uint8_t)type->results[k]);
    }
    static const uint8_t plain[] = {CODE_FUNC_TYPE, 0, 0};
    if (more > 0)
        (void)buf_append(&types, plain, sizeof(plain));
    (void)new_put_section(n, module, SECTION_ID_TYPE, &types);
    buf_free(&types);
}

static void put_table_type(struct component_new *n, struct buf *out)
{
    (void)buf_append_byte(out, CODE_FUNCREF);
    (void)buf_append_byte(out, TABLE_MAX);
    (void)buf_append_uleb(out, n->shim_count);
    (void)buf_append_uleb(out, n->shim_count);
}

static void put_number_name(struct buf *out, uint32_t number)
{
    char text[12];
    int bytes = snprintf(text, sizeof(text), "%u", (unsigned)number);
    new_put_name(out, text, (size_t)bytes);
}

static void put_shim_code(struct component_new *n, struct buf *module)
{
    struct buf section, body;
    buf_init(&section, n->alloc, SIZE_MAX);
    buf_init(&body, n->alloc, SIZE_MAX);
    (void)buf_append_uleb(&section, n->shim_count);
    for (uint32_t i = 0; i < n->shim_count; i++) {
        buf_clear(&body);
        (void)buf_append_byte(&body, 0);
        for (uint32_t k = 0; k < n->shim_types[i]->param_count; k++) {
            (void)buf_append_byte(&body, CODE_LOCAL_GET);
            (void)buf_append_uleb(&body, k);
        }
        (void)buf_append_byte(&body, CODE_I32_CONST);
        (void)buf_append_sleb(&body, i);
        (void)buf_append_byte(&body, CODE_CALL_INDIRECT);
        (void)buf_append_uleb(&body, i);
        (void)buf_append_byte(&body, 0);
        (void)buf_append_byte(&body, CODE_END);
        (void)buf_append_uleb(&section, body.bytes);
        (void)buf_append(&section, body.data, body.bytes);
    }
    if (body.failed)
        (void)new_fail_nomem(n);
    (void)new_put_section(n, module, SECTION_ID_CODE, &section);
    buf_free(&body);
    buf_free(&section);
}

/* Exports a function for each slot, "0", "1" …, and the table "t" that they call through. */
bool new_put_shim(struct component_new *n)
{
    struct buf module, section;
    buf_init(&module, n->alloc, SIZE_MAX);
    buf_init(&section, n->alloc, SIZE_MAX);
    (void)buf_append(&module, header, sizeof(header));
    put_types(n, &module, 0);
    (void)buf_append_uleb(&section, n->shim_count);
    for (uint32_t i = 0; i < n->shim_count; i++)
        (void)buf_append_uleb(&section, i);
    (void)new_put_section(n, &module, SECTION_ID_FUNC, &section);
    (void)buf_append_byte(&section, 1);
    put_table_type(n, &section);
    (void)new_put_section(n, &module, SECTION_ID_TABLE, &section);
    (void)buf_append_uleb(&section, (uint64_t)n->shim_count + 1);
    for (uint32_t i = 0; i < n->shim_count; i++) {
        put_number_name(&section, i);
        (void)buf_append_byte(&section, EXTERN_FUNC);
        (void)buf_append_uleb(&section, i);
    }
    new_put_name(&section, "t", 1);
    (void)buf_append_byte(&section, EXTERN_TABLE);
    (void)buf_append_byte(&section, 0);
    (void)new_put_section(n, &module, SECTION_ID_EXPORT, &section);
    put_shim_code(n, &module);
    bool ok = new_put_section(n, n->out, SECTION_COMP_CORE_MODULE, &module);
    buf_free(&section);
    buf_free(&module);
    n->core_modules++;
    return ok;
}

/* Imports "" "0", "1" …, the functions for the slots; "" "t", the table; and "" "i", _initialize. */
bool new_put_fixup(struct component_new *n)
{
    uint32_t has_start = n->initialize != NULL, has_table = n->shim_count > 0;
    struct buf module, section;
    buf_init(&module, n->alloc, SIZE_MAX);
    buf_init(&section, n->alloc, SIZE_MAX);
    (void)buf_append(&module, header, sizeof(header));
    put_types(n, &module, has_start);
    (void)buf_append_uleb(&section, (uint64_t)n->shim_count + has_start + has_table);
    for (uint32_t i = 0; i < n->shim_count + has_start; i++) {
        new_put_name(&section, "", 0);
        if (i < n->shim_count)
            put_number_name(&section, i);
        else
            new_put_name(&section, "i", 1);
        (void)buf_append_byte(&section, EXTERN_FUNC);
        (void)buf_append_uleb(&section, i);
    }
    if (has_table) {
        new_put_name(&section, "", 0);
        new_put_name(&section, "t", 1);
        (void)buf_append_byte(&section, EXTERN_TABLE);
        put_table_type(n, &section);
    }
    (void)new_put_section(n, &module, SECTION_ID_IMPORT, &section);
    if (has_start) {
        (void)buf_append_uleb(&section, n->shim_count);
        (void)new_put_section(n, &module, SECTION_ID_START, &section);
    }
    if (has_table) {
        static const uint8_t active[] = {1, 0, CODE_I32_CONST, 0, CODE_END};
        (void)buf_append(&section, active, sizeof(active));
        (void)buf_append_uleb(&section, n->shim_count);
        for (uint32_t i = 0; i < n->shim_count; i++)
            (void)buf_append_uleb(&section, i);
        (void)new_put_section(n, &module, SECTION_ID_ELEM, &section);
    }
    bool ok = new_put_section(n, n->out, SECTION_COMP_CORE_MODULE, &module);
    buf_free(&section);
    buf_free(&module);
    n->core_modules++;
    return ok;
}
