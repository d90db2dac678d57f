/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes component binaries, a section for each definition (component-model Binary.md). Indices are the
 * caller's to count. A failure shows when the bytes are decoded.
 */
#ifndef COMPONENT_MAKE_H
#define COMPONENT_MAKE_H

#include <string.h>

#include "base/buf.h"
#include "wasm/text.h"

enum {
    MAKE_CORE_MODULE = 1,
    MAKE_CORE_INSTANCE = 2,
    MAKE_COMPONENT = 4,
    MAKE_INSTANCE = 5,
    MAKE_ALIAS = 6,
    MAKE_TYPE = 7,
    MAKE_CANON = 8,
    MAKE_IMPORT = 10,
    MAKE_EXPORT = 11,
};

/* Sorts of core items and of component items. */
enum { CORE_SORT_FUNC = 0x00, CORE_SORT_MEMORY = 0x02 };
enum { MAKE_SORT_FUNC = 0x01, MAKE_SORT_TYPE = 0x03, MAKE_SORT_INSTANCE = 0x05 };

static inline void make_begin(struct buf *out, struct alloc *alloc)
{
    buf_init(out, alloc, SIZE_MAX);
    buf_append(out, "\0asm\x0d\0\x01\0", 8);
}

static inline void make_section(struct buf *out, uint8_t id, const struct buf *body)
{
    buf_append_byte(out, id);
    buf_append_uleb(out, body->bytes);
    buf_append(out, body->data, body->bytes);
}

static inline void make_name(struct buf *out, const char *name)
{
    buf_append_uleb(out, strlen(name));
    buf_append_string(out, name);
}

/* A section with one definition, `head` bytes (a count of 1 goes before them), then `rest`. */
static inline struct buf make_one(struct buf *out)
{
    struct buf body;
    buf_init(&body, out->alloc, SIZE_MAX);
    buf_append_byte(&body, 1);
    return body;
}

static inline void make_end(struct buf *out, uint8_t id, struct buf *body)
{
    make_section(out, id, body);
    buf_free(body);
}

/* Any definition, as its bytes; `bytes` is a string literal. */
#define MAKE_RAW(out, id, literal) make_raw(out, id, literal, sizeof(literal) - 1)
static inline void make_raw(struct buf *out, uint8_t id, const char *bytes, size_t count)
{
    struct buf body = make_one(out);
    buf_append(&body, bytes, count);
    make_end(out, id, &body);
}

static inline void make_module(struct buf *out, const char *text)
{
    struct buf binary;
    struct text_options options = {0};
    struct stint_error error = {0};
    buf_init(&binary, out->alloc, SIZE_MAX);
    if (text_to_binary(out->alloc, text, strlen(text), &options, &binary, &error) == STINT_OK)
        make_section(out, MAKE_CORE_MODULE, &binary);
    buf_free(&binary);
}

/* Frees `inner`. */
static inline void make_component(struct buf *out, struct buf *inner)
{
    make_section(out, MAKE_COMPONENT, inner);
    buf_free(inner);
}

/* Instantiates a core module with at most one argument (name NULL: none). */
static inline void make_core_instance(struct buf *out, uint8_t module, const char *name,
                                      uint8_t instance)
{
    struct buf body = make_one(out);
    buf_append_byte(&body, 0x00);
    buf_append_byte(&body, module);
    buf_append_byte(&body, name != NULL);
    if (name != NULL) {
        make_name(&body, name);
        buf_append_byte(&body, 0x12);
        buf_append_byte(&body, instance);
    }
    make_end(out, MAKE_CORE_INSTANCE, &body);
}

/* A core instance of core functions 0 … count - 1 from `first` on. */
static inline void make_core_exports(struct buf *out, const char *const *names, uint8_t first,
                                     uint8_t count)
{
    struct buf body = make_one(out);
    buf_append_byte(&body, 0x01);
    buf_append_byte(&body, count);
    for (uint8_t i = 0; i < count; i++) {
        make_name(&body, names[i]);
        buf_append_byte(&body, CORE_SORT_FUNC);
        buf_append_byte(&body, first + i);
    }
    make_end(out, MAKE_CORE_INSTANCE, &body);
}

static inline void make_core_alias(struct buf *out, uint8_t core_sort, uint8_t instance,
                                   const char *name)
{
    struct buf body = make_one(out);
    buf_append(&body, (uint8_t[]){0x00, core_sort, 0x01, instance}, 4);
    make_name(&body, name);
    make_end(out, MAKE_ALIAS, &body);
}

static inline void make_alias(struct buf *out, uint8_t sort, uint8_t instance, const char *name)
{
    struct buf body = make_one(out);
    buf_append(&body, (uint8_t[]){sort, 0x00, instance}, 3);
    make_name(&body, name);
    make_end(out, MAKE_ALIAS, &body);
}

/* A function type of parameters a, b, … with these bytes (a byte each), and a result or 0. */
static inline void make_func_type(struct buf *out, const char *params, uint8_t result)
{
    struct buf body = make_one(out);
    buf_append_byte(&body, 0x40);
    buf_append_byte(&body, (uint8_t)strlen(params));
    for (uint8_t i = 0; params[i] != '\0'; i++)
        buf_append(&body, (uint8_t[]){1, (uint8_t)('a' + i), (uint8_t)params[i]}, 3);
    if (result != 0)
        buf_append(&body, (uint8_t[]){0x00, result}, 2);
    else
        buf_append(&body, "\x01\x00", 2);
    make_end(out, MAKE_TYPE, &body);
}

/* `options`: how many and what, such as "\x02\x03\x00\x04\x01" for memory 0 and realloc 1. */
#define MAKE_LIFT(out, func, options, type)                                                        \
    make_canon(out, "\x00\x00", func, options, sizeof(options) - 1, type)
#define MAKE_LOWER(out, func, options)                                                             \
    make_canon(out, "\x01\x00", func, options, sizeof(options) - 1, -1)
static inline void make_canon(struct buf *out, const char *op, uint8_t func, const char *options,
                              size_t option_bytes, int type)
{
    struct buf body = make_one(out);
    buf_append(&body, op, 2);
    buf_append_byte(&body, func);
    buf_append(&body, options, option_bytes);
    if (type >= 0)
        buf_append_byte(&body, (uint8_t)type);
    make_end(out, MAKE_CANON, &body);
}

static inline void make_import_func(struct buf *out, const char *name, uint8_t type)
{
    struct buf body = make_one(out);
    buf_append_byte(&body, 0x00);
    make_name(&body, name);
    buf_append(&body, (uint8_t[]){0x01, type}, 2);
    make_end(out, MAKE_IMPORT, &body);
}

static inline void make_export(struct buf *out, const char *name, uint8_t sort, uint8_t index)
{
    struct buf body = make_one(out);
    buf_append_byte(&body, 0x00);
    make_name(&body, name);
    buf_append(&body, (uint8_t[]){sort, index, 0x00}, 3);
    make_end(out, MAKE_EXPORT, &body);
}

/* Instantiates a component with at most one argument of this sort (name NULL: none). */
static inline void make_instance(struct buf *out, uint8_t component, const char *name, uint8_t sort,
                                 uint8_t index)
{
    struct buf body = make_one(out);
    buf_append(&body, (uint8_t[]){0x00, component, name != NULL}, 3);
    if (name != NULL) {
        make_name(&body, name);
        buf_append(&body, (uint8_t[]){sort, index}, 2);
    }
    make_end(out, MAKE_INSTANCE, &body);
}

#endif
