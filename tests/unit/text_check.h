/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of the text format: a text, the binary it gives, and the text that this gives. */
#ifndef TEXT_CHECK_H
#define TEXT_CHECK_H

#include "check.h"
#include "wasm/print.h"
#include "wasm/text.h"

struct text_test {
    struct alloc root;
    struct buf binary, text;
    struct stint_error error;
};

static inline void text_begin(struct text_test *t)
{
    memset(t, 0, sizeof(*t));
    alloc_init(&t->root, NULL, NULL, SIZE_MAX);
    buf_init(&t->binary, &t->root, SIZE_MAX);
    buf_init(&t->text, &t->root, SIZE_MAX);
}

/* Frees everything and checks that nothing leaked. */
static inline void text_end(struct text_test *t)
{
    buf_free(&t->binary);
    buf_free(&t->text);
    CHECK_INT(atomic_load(&t->root.used_bytes), 0);
}

static inline enum stint_status text_encode_it(struct text_test *t, const char *text, bool names)
{
    const struct text_options options = {.names = names};
    buf_clear(&t->binary);
    error_clear(&t->error);
    return text_to_binary(&t->root, text, strlen(text), &options, &t->binary, &t->error);
}

static inline bool text_write(void *context, const char *text, size_t bytes)
{
    return buf_append(context, text, bytes);
}

/* Prints t->binary to t->text, with a NUL behind it. */
static inline enum stint_status text_print_it(struct text_test *t)
{
    const struct print_sink sink = {text_write, &t->text};
    buf_clear(&t->text);
    error_clear(&t->error);
    enum stint_status status =
        print_text(&t->root, t->binary.data, t->binary.bytes, &sink, &t->error);
    buf_append_byte(&t->text, 0);
    return status;
}

#endif
