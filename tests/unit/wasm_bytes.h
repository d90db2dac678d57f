/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of the decoder and validator: modules put together from bytes, and what became of them. */
#ifndef WASM_BYTES_H
#define WASM_BYTES_H

#include "base/buf.h"
#include "check.h"
#include "wasm/module.h"

/* A string literal as bytes without its NUL: two arguments. */
#define BYTES(literal) literal, sizeof(literal) - 1

struct bytes_test {
    struct alloc root;
    struct type_registry *types;
    struct buf buf; /* the module, begun with its header */
    struct wasm_module *module;
    struct stint_error error;
};

static inline void bytes_begin(struct bytes_test *t)
{
    memset(t, 0, sizeof(*t));
    alloc_init(&t->root, NULL, NULL, SIZE_MAX);
    buf_init(&t->buf, &t->root, SIZE_MAX);
    buf_append(&t->buf, BYTES("\0asm\1\0\0\0"));
    CHECK(types_create(&t->root, &t->types) == STINT_OK);
}

/* Frees everything and checks that nothing leaked. */
static inline void bytes_end(struct bytes_test *t)
{
    module_free(t->module);
    types_free(t->types);
    buf_free(&t->buf);
    CHECK_INT(atomic_load(&t->root.used_bytes), 0);
}

static inline void bytes_section(struct bytes_test *t, uint8_t id, const char *content, size_t size)
{
    buf_append_byte(&t->buf, id);
    buf_append_uleb(&t->buf, size);
    buf_append(&t->buf, content, size);
}

/* Decodes and validates what was put together. */
static inline enum stint_status bytes_load(struct bytes_test *t, uint32_t features)
{
    module_free(t->module);
    t->module = NULL;
    error_clear(&t->error);
    enum stint_status status = module_decode(&t->root, t->types, t->buf.data, t->buf.bytes,
                                             features, &t->module, &t->error);
    return status == STINT_OK ? module_validate(t->module, &t->error) : status;
}

/* Whether loading ends like this; `message` is how the error's begins. */
static inline bool bytes_check(struct bytes_test *t, uint32_t features, enum stint_status want,
                               const char *message, const char *file, int line)
{
    enum stint_status status = bytes_load(t, features);
    bool ok = status == want && strncmp(t->error.message, message, strlen(message)) == 0;
    if (!check_report(ok, file, line, message))
        printf("    got %s \"%s\" at %#llx\n", status_text(status), t->error.message,
               (unsigned long long)t->error.offset_bytes);
    return ok;
}

#define CHECK_LOAD(t, want, message)                                                               \
    bytes_check((t), FEATURES_DEFAULT, (want), (message), __FILE__, __LINE__)

#endif
