/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What lifting and lowering do to a guest's memory (CanonicalABI.md: Loading, Storing). Private to
 * src/component.
 *
 * The guest of an operation is given as struct host_guest: memory, realloc, encoding, handles. Whatever
 * the specification traps for is STINT_TRAP with `error` filled. Pointers into a guest's memory stay
 * valid while guests run, since a memory's base never moves, but not every byte behind them need be
 * there for longer than a check says.
 */
#ifndef COMPONENT_CANON_H
#define COMPONENT_CANON_H

#include "component/host.h"

/* CanonicalABI.md: MAX_STRING_BYTE_LENGTH, MAX_LIST_BYTE_LENGTH. */
enum { CANON_BYTES_MAX = (1 << 28) - 1 };

/* Messages differ by who is at the other end, a host or a guest; the test suite knows both. */
struct canon_words {
    const char *unaligned, *string_bounds, *list_bounds;        /* of a pointer that is read */
    const char *result_unaligned, *result_string, *result_list; /* of what realloc returns */
};
extern const struct canon_words canon_words_host, canon_words_guest;

enum stint_status canon_trap(struct stint_error *error, const char *message);

/* Whether `bytes` at `pointer` are all in memory. */
static inline bool canon_in_bounds(const struct memory *memory, uint32_t pointer, uint64_t bytes)
{
    return memory->bytes >= bytes && pointer <= memory->bytes - bytes;
}

/* Calls the guest's realloc, which may not leave meanwhile, and checks what it returns; `bounds` is
 * what is said where that is not inside. */
MUST_CHECK enum stint_status canon_realloc(const struct host_guest *guest, uint32_t old,
                                           uint32_t old_bytes, uint32_t align, uint32_t bytes,
                                           const struct canon_words *words, const char *bounds,
                                           uint32_t *ret_pointer, struct stint_error *error);

/* Runs a core function of a guest; what it throws is a trap. */
MUST_CHECK enum stint_status canon_call_core(struct stint_store *store, struct func *func,
                                             uint64_t *slots, struct stint_error *error);

/* ---- Strings: canon_string.c --------------------------------------------------------------- */

enum canon_form {
    FORM_UTF8,
    FORM_LATIN1,
    FORM_UTF16,
    FORM_PROBABLY_UTF16, /* by the tag of latin1+utf16: may well be all latin1 */
};

/* A string where it lies; well-formed once canon_string_check says so. */
struct canon_string {
    const uint8_t *bytes;
    uint32_t code_units;
    uint8_t form; /* enum canon_form */
};

/* Finds a string of a guest; checks size, alignment and bounds. */
MUST_CHECK enum stint_status canon_string_find(const struct host_guest *guest, uint32_t pointer,
                                               uint32_t tagged_code_units,
                                               const struct canon_words *words,
                                               struct canon_string *ret_string,
                                               struct stint_error *error);
MUST_CHECK enum stint_status canon_string_check(const struct canon_string *string,
                                                struct stint_error *error);
/* Copies a well-formed string into a guest, in its encoding; at most CANON_BYTES_MAX code units. */
MUST_CHECK enum stint_status canon_string_store(const struct host_guest *guest,
                                                const struct canon_string *string,
                                                const struct canon_words *words,
                                                uint32_t *ret_pointer,
                                                uint32_t *ret_tagged_code_units,
                                                struct stint_error *error);
/* A well-formed string as UTF-8 in `arena`, NUL-terminated. */
MUST_CHECK enum stint_status canon_string_utf8(const struct canon_string *string,
                                               struct arena *arena, struct wasm_name *ret_text,
                                               struct stint_error *error);

#endif
