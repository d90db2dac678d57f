/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a text: read as a script, and as a module. What is read as a module must be
 * printable, and must come back from its text the same, and every input takes memory in proportion
 * to its size. The bytes are also printed as if they were a binary.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wasm/module.h"
#include "wasm/print.h"
#include "wast/script.h"

enum { BYTES_PER_BYTE_MAX = 512, BYTES_MIN = 4 << 20 };

static void require(bool ok, const char *what, const struct stint_error *error)
{
    if (ok)
        return;
    fprintf(stderr, "%s: %u:%u %s\n", what, error->line, error->column, error->message);
    abort();
}

static bool append(void *context, const char *text, size_t bytes)
{
    return buf_append(context, text, bytes);
}

/* Output is counted, not kept: a few bytes can stand for long output. */
static bool count(void *context, const char *text, size_t bytes)
{
    size_t *left = context;
    (void)text;
    bool fits = bytes <= *left;
    *left -= fits ? bytes : *left;
    return fits;
}

/* A module's text, read again, is the module again. */
static void round_trip(struct alloc *alloc, const struct buf *binary)
{
    static const struct text_options options = {.names = true};
    struct buf text, again;
    const struct print_sink sink = {append, &text};
    struct stint_error error = {0};
    buf_init(&text, alloc, (size_t)64 << 20);
    buf_init(&again, alloc, SIZE_MAX);
    enum stint_status status = print_text(alloc, binary->data, binary->bytes, &sink, &error);
    /* An output that is too long to keep, and more locals than are written down, end here. */
    if (status != STINT_IO && status != STINT_LIMIT) {
        require(status == STINT_OK, "our binary is not printed", &error);
        status =
            text_to_binary(alloc, (const char *)text.data, text.bytes, &options, &again, &error);
        require(status == STINT_OK, "our text is not read", &error);
        require(again.bytes == binary->bytes &&
                    memcmp(again.data, binary->data, binary->bytes) == 0,
                "a module changes on its way through the text", &error);
    }
    buf_free(&text);
    buf_free(&again);
}

static void read_module(struct alloc *alloc, const char *text, size_t size)
{
    static const struct text_options options = {.names = true};
    struct stint_error error = {0};
    struct buf binary;
    buf_init(&binary, alloc, SIZE_MAX);
    enum stint_status status = text_to_binary(alloc, text, size, &options, &binary, &error);
    require(error.status == status, "the error does not match", &error);
    require(status == STINT_OK || status == STINT_SYNTAX || status == STINT_LIMIT, "another status",
            &error);
    require(status == STINT_OK || binary.bytes == 0, "output of a failure", &error);
    require(status != STINT_SYNTAX || (error.line != 0 && error.column != 0), "no place", &error);
    require(atomic_load(&alloc->peak_bytes) <= BYTES_MIN + BYTES_PER_BYTE_MAX * size,
            "too much memory", &error);
    /* What (module binary …) holds need not be a module. */
    if (status == STINT_OK && memmem(text, size, "binary", 6) == NULL)
        round_trip(alloc, &binary);
    buf_free(&binary);
}

static void read_script(struct alloc *alloc, const char *text, size_t size)
{
    struct stint_error error = {0};
    struct script script;
    if (script_read_text(alloc, text, size, &script, &error) == STINT_OK)
        script_free(&script);
    if (script_read_json(alloc, text, size, &script, &error) == STINT_OK)
        script_free(&script);
}

static void print_bytes(struct alloc *alloc, const uint8_t *data, size_t size)
{
    static const struct print_options options = {.disassembly = true};
    size_t left = (size_t)64 << 20;
    const struct print_sink sink = {count, &left};
    struct stint_error error = {0};
    enum stint_status status = print_sections(alloc, data, size, &options, &sink, &error);
    require(status != STINT_NOMEM, "no memory for a dump", &error);
    left = (size_t)64 << 20;
    error = (struct stint_error){0};
    status = print_text(alloc, data, size, &sink, &error);
    require(status != STINT_NOMEM, "no memory for a text", &error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct alloc root;
    struct stint_error none = {0};
    alloc_init(&root, NULL, NULL, SIZE_MAX);
    if (module_is_binary(data, size)) {
        print_bytes(&root, data, size);
    } else {
        read_module(&root, (const char *)data, size);
        read_script(&root, (const char *)data, size);
    }
    require(atomic_load(&root.used_bytes) == 0, "a leak", &none);
    return 0;
}
