/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Binaries made readable: a dump of the sections, a disassembly, or the text format.
 *
 * Works on the bytes alone, so that modules that are malformed or use what Stint does not know are
 * shown as far as they can be read. Output comes in chunks; its size is not limited by memory.
 */
#ifndef WASM_PRINT_H
#define WASM_PRINT_H

#include "base/buf.h"

/* Takes a chunk of output; false ends the printing (the output is full or closed). */
typedef bool (*print_fn)(void *context, const char *text, size_t bytes);

struct print_sink {
    print_fn write;
    void *context;
};

struct print_options {
    bool headers;     /* one line a section and nothing else */
    bool disassembly; /* function bodies and constant expressions too, by instruction */
};

/*
 * Lists the sections with their offsets and, unless only headers are wanted, what is in them.
 * STINT_MALFORMED where a section cannot be read, which is also the last line of the output;
 * STINT_IO when the sink gave up.
 */
MUST_CHECK enum stint_status print_sections(struct alloc *alloc, const uint8_t *bytes,
                                            size_t size_bytes, const struct print_options *options,
                                            const struct print_sink *sink,
                                            struct stint_error *error);

/*
 * Prints a module in the text format, such that text_to_binary gives an equivalent binary. Names
 * come from the name section, where they are unique. Failures as above; what came out until then
 * is not a whole text.
 */
MUST_CHECK enum stint_status print_text(struct alloc *alloc, const uint8_t *bytes,
                                        size_t size_bytes, const struct print_sink *sink,
                                        struct stint_error *error);

#endif
