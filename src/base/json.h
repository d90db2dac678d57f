/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON texts (RFC 8259) as a tree, strictly: nothing that the grammar does not allow is accepted,
 * strings are valid UTF-8 without lone surrogates, and the text ends behind its value.
 *
 * The tree lives in an arena. Strings without escapes, and numbers, point into the text, which
 * must outlive the tree. A tree takes about 64 bytes a value.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/arena.h"

enum json_kind {
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER, /* kept as text: its meaning is for the reader to choose */
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT,
};

struct json_value {
    uint8_t kind;   /* enum json_kind */
    uint32_t count; /* of elements or members */
    uint32_t key_bytes;
    uint32_t text_bytes;
    const char *key;          /* of a member, not NUL-terminated; else NULL */
    const char *text;         /* of a string or number, likewise */
    struct json_value *first; /* of an array or object */
    struct json_value *next;  /* behind this one in its array or object */
    struct json_value *parent;
};

/*
 * Parses a text whose arrays and objects are nested at most `depth_max` deep. STINT_SYNTAX with
 * line and column, STINT_LIMIT when it is nested deeper, STINT_NOMEM.
 */
MUST_CHECK enum stint_status json_parse(struct arena *arena, const char *text, size_t bytes,
                                        uint32_t depth_max, const struct json_value **ret_value,
                                        struct stint_error *error);

/* The first member of this name; NULL where there is none, or `object` is NULL or no object. */
const struct json_value *json_member(const struct json_value *object, const char *name);
/* Whether a value (may be NULL) is this string. */
bool json_is(const struct json_value *value, const char *text);
/* A number that is an unsigned integer; false for everything else. */
bool json_u64(const struct json_value *value, uint64_t *ret_number);

#endif
