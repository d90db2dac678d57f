/* SPDX-License-Identifier: Apache-2.0 */
/* What the two halves of the TOML parser share: structure (toml.c) and single values (toml_scalar.c). */
#ifndef BASE_TOML_INT_H
#define BASE_TOML_INT_H

#include "base/map.h"
#include "base/toml.h"

struct toml_parser {
    struct arena *arena;
    const char *text;
    size_t at, bytes;
    uint32_t line;
    size_t line_start;
    /* Columns are counted on from the last place that was asked for: places are asked for in the order
     * of the text, and lines can be long. */
    size_t mark_at;
    uint32_t mark_column;
    uint32_t depth, depth_max, tables;
    struct map members; /* table's id and key, to the value: keys stay unique at any number */
    struct stint_error *error;
    enum stint_status status;
};

/* All record the first failure, at the place where the parser stands, and return false. */
bool toml_fail(struct toml_parser *p, const char *message);
bool toml_fail_at(struct toml_parser *p, size_t at, const char *message);
bool toml_nomem(struct toml_parser *p);
uint32_t toml_column(struct toml_parser *p, size_t at);

/* The byte `ahead` of the parser, 0 at the end. */
static inline char toml_peek(const struct toml_parser *p, size_t ahead)
{
    return ahead < p->bytes - p->at ? p->text[p->at + ahead] : 0;
}

static inline bool toml_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Whether a line ends here, and how many bytes that takes: 0, 1 or 2. */
static inline size_t toml_newline(const struct toml_parser *p)
{
    if (toml_peek(p, 0) == '\n')
        return 1;
    return toml_peek(p, 0) == '\r' && toml_peek(p, 1) == '\n' ? 2 : 0;
}

static inline void toml_next_line(struct toml_parser *p)
{
    p->at += toml_newline(p);
    p->line++;
    p->line_start = p->mark_at = p->at;
    p->mark_column = 1;
}

/* Any string; `is_key`: no multi-line one. The text is NUL-terminated. */
bool toml_read_string(struct toml_parser *p, bool is_key, const char **ret_text,
                      uint32_t *ret_bytes);
/* A value that is no string, array or table. */
bool toml_read_scalar(struct toml_parser *p, struct toml_value *value);

#endif
