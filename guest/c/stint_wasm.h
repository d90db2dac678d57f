/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ground that the guest kit stands on: names for imports and exports, texts, and memory for what
 * the host hands in, for C programs that run as WebAssembly, beside a C library or without one.
 *
 * What host calls return (strings, lists) is put into blocks of malloc, the C library's or that of
 * stint_alloc.c. They stay until guest_free_given, which the kit calls when a handler has ended.
 */
#ifndef STINT_WASM_H
#define STINT_WASM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GUEST_IMPORT(interface, name)                                                              \
    __attribute__((__import_module__(interface), __import_name__(name)))
#define GUEST_EXPORT(name) __attribute__((__export_name__(name)))

/* Text with its length: not NUL-terminated. */
struct guest_text {
    const char *text; /* NULL: there is none */
    size_t bytes;
};

/* A struct guest_text of a string literal, as a value and for the tables of static storage. */
#define GUEST_TEXT(literal) ((struct guest_text)GUEST_TEXT_INIT(literal))
#define GUEST_TEXT_INIT(literal) {(literal), sizeof(literal) - 1}

bool guest_text_equal(struct guest_text a, struct guest_text b);

/* Frees everything that host calls have put into the guest's memory so far. */
void guest_free_given(void);

#endif
