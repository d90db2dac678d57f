/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TOML 1.0 texts as a tree, strictly: nothing that the grammar does not allow is accepted. Every value
 * and key knows where it stands, so that a reader can say what is wrong with it.
 *
 * The tree lives in an arena and refers to nothing outside of it. A value takes about 100 bytes.
 */
#ifndef BASE_TOML_H
#define BASE_TOML_H

#include "base/arena.h"

enum toml_kind {
    TOML_STRING,
    TOML_INTEGER,
    TOML_FLOAT,
    TOML_BOOLEAN,
    TOML_OFFSET_DATETIME, /* dates and times are kept as they were written, checked */
    TOML_LOCAL_DATETIME,
    TOML_LOCAL_DATE,
    TOML_LOCAL_TIME,
    TOML_ARRAY,
    TOML_TABLE,
};

struct toml_value {
    uint8_t kind;  /* enum toml_kind */
    uint8_t state; /* of a table or array while the text is read; for the parser */
    uint32_t count; /* of elements or members */
    uint32_t line, column;         /* where the value begins, from 1; columns are characters */
    uint32_t key_line, key_column; /* of a member's key */
    uint32_t key_bytes, text_bytes;
    uint32_t id;      /* of a table */
    const char *key;  /* of a member, NUL-terminated (and may hold NULs); else NULL */
    const char *text; /* of a string, date or time, likewise */
    union {
        int64_t integer;
        double real;
        bool boolean;
    };
    struct toml_value *first, *last; /* of an array or table */
    struct toml_value *next;         /* behind this one in its array or table */
};

/*
 * Parses a text whose arrays and inline tables are nested at most `depth_max` deep; the root is a
 * table. STINT_SYNTAX with line and column, STINT_LIMIT when it is nested deeper, STINT_NOMEM.
 */
MUST_CHECK enum stint_status toml_parse(struct arena *arena, const char *text, size_t bytes,
                                        uint32_t depth_max, const struct toml_value **ret_root,
                                        struct stint_error *error);

/* The member of this name; NULL where there is none, or `table` is NULL or no table. */
const struct toml_value *toml_member(const struct toml_value *table, const char *name);
/* Whether a value (may be NULL) is this string. */
bool toml_is(const struct toml_value *value, const char *text);
/* "a string", "an integer", …, "a table", for messages. */
const char *toml_kind_text(uint8_t kind);

#endif
