/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens of the text format (core specification 6.3), for modules and for scripts.
 *
 * The whole text is split into tokens first. Each parenthesis knows its partner, so that a parser
 * can step over a form without reading it and several passes over a module cost one of the lexer.
 * Annotations (`(@id …)`) are checked and left out, except those that mean something to Stint:
 * they are listed aside, by the token they stand in front of.
 *
 * The text is not copied: it must outlive what is read from it.
 */
#ifndef WASM_TEXT_LEX_H
#define WASM_TEXT_LEX_H

#include "base/buf.h"

enum token_kind {
    TOKEN_END,       /* one, behind the last */
    TOKEN_OPEN,      /* ( ; `size` is the index of its partner */
    TOKEN_CLOSE,     /* ) ; likewise */
    TOKEN_ATOM,      /* a keyword or a number */
    TOKEN_ID,        /* $name */
    TOKEN_ID_QUOTED, /* $"name" */
    TOKEN_STRING,    /* "…" */
    TOKEN_RESERVED,  /* what no rule allows anywhere */
};

enum {
    TOKEN_NONE = (1 << 28) - 1,
    LIMIT_TEXT_BYTES = TOKEN_NONE, /* so that a token's offset, and an index, fit its fields */
};

struct text_token {
    uint32_t offset;    /* of its first byte in the text */
    uint32_t kind : 4;  /* enum token_kind */
    uint32_t size : 28; /* in bytes; of parentheses the partner's index */
};

enum annotation_kind { ANNOTATION_NAME, ANNOTATION_CUSTOM, ANNOTATION_BRANCH_HINT };

struct text_annotation {
    uint8_t kind;    /* enum annotation_kind */
    uint32_t offset; /* of its parenthesis */
    uint32_t token;  /* the token it stands in front of */
    uint32_t first;  /* its content in `annotation_tokens`, which ends with a TOKEN_END */
};

struct text_source {
    struct alloc *alloc;
    const char *text;
    uint32_t bytes;
    struct text_token *tokens; /* token_count of them, and a TOKEN_END */
    uint32_t token_count;
    struct text_annotation *annotations; /* in the order of the text */
    uint32_t annotation_count;
    struct text_token *annotation_tokens;
    size_t token_capacity, annotation_capacity, annotation_token_capacity;
    uint32_t annotation_token_count;
};

/* Splits a text into tokens. STINT_SYNTAX with the place where it is malformed. */
MUST_CHECK enum stint_status text_lex(struct alloc *alloc, const char *text, size_t bytes,
                                      struct text_source *ret_source, struct stint_error *error);
/* Accepts a zeroed source. */
void text_source_free(struct text_source *source);

/* Line and column of a byte, from 1. Linear in `offset`: for errors. */
void text_position(const struct text_source *source, uint32_t offset, uint32_t *ret_line,
                   uint32_t *ret_column);
/* Records `status` at a byte of the text, and returns it. */
enum stint_status text_error_at(const struct text_source *source, uint32_t offset,
                                struct stint_error *error, enum stint_status status,
                                const char *format, ...) PRINTF_LIKE(5, 6);

/* Whether the token is this keyword. */
bool text_token_is(const struct text_source *source, const struct text_token *token,
                   const char *keyword);
/* Appends the bytes that a TOKEN_STRING, or the string of a TOKEN_ID_QUOTED, stands for. */
bool text_append_string(const struct text_source *source, const struct text_token *token,
                        struct buf *buf);

#endif
