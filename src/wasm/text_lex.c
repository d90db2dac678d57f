/* SPDX-License-Identifier: Apache-2.0 */
#include "wasm/text_lex.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

enum {
    CLASS_ID = 1, /* may stand in identifiers, keywords and numbers */
    CLASS_SPACE = 2,
    CLASS_SYMBOL = 4, /* , ; [ ] { }: tokens only inside annotations */
};

static const uint8_t classes[256] = {
    ['\t'] = CLASS_SPACE,     ['\n'] = CLASS_SPACE,     ['\r'] = CLASS_SPACE,
    [' '] = CLASS_SPACE,      [','] = CLASS_SYMBOL,     [';'] = CLASS_SYMBOL,
    ['['] = CLASS_SYMBOL,     [']'] = CLASS_SYMBOL,     ['{'] = CLASS_SYMBOL,
    ['}'] = CLASS_SYMBOL,     ['0' ... '9'] = CLASS_ID, ['A' ... 'Z'] = CLASS_ID,
    ['a' ... 'z'] = CLASS_ID, ['!'] = CLASS_ID,         ['#'] = CLASS_ID,
    ['$'] = CLASS_ID,         ['%'] = CLASS_ID,         ['&'] = CLASS_ID,
    ['\''] = CLASS_ID,        ['*'] = CLASS_ID,         ['+'] = CLASS_ID,
    ['-'] = CLASS_ID,         ['.'] = CLASS_ID,         ['/'] = CLASS_ID,
    [':'] = CLASS_ID,         ['<'] = CLASS_ID,         ['='] = CLASS_ID,
    ['>'] = CLASS_ID,         ['?'] = CLASS_ID,         ['@'] = CLASS_ID,
    ['\\'] = CLASS_ID,        ['^'] = CLASS_ID,         ['_'] = CLASS_ID,
    ['`'] = CLASS_ID,         ['|'] = CLASS_ID,         ['~'] = CLASS_ID,
};

struct lexer {
    struct text_source *source;
    uint32_t at;
    uint32_t open;      /* the innermost open parenthesis, or TOKEN_NONE */
    bool in_annotation; /* where any token may stand */
    struct stint_error *error;
    enum stint_status status;
};

void text_position(const struct text_source *source, uint32_t offset, uint32_t *ret_line,
                   uint32_t *ret_column)
{
    uint32_t line = 1, start = 0;
    for (uint32_t i = 0; i < offset && i < source->bytes; i++) {
        if (source->text[i] == '\n') {
            line++;
            start = i + 1;
        }
    }
    *ret_line = line;
    *ret_column = offset - start + 1;
}

enum stint_status text_error_at(const struct text_source *source, uint32_t offset,
                                struct stint_error *error, enum stint_status status,
                                const char *format, ...)
{
    /* A failure may be tried and forgotten many times over one text (scripts): the search for the
     * line is spared where nobody listens. */
    if (error == NULL || error->status != STINT_OK)
        return status;
    char message[STINT_ERROR_MESSAGE_BYTES];
    uint32_t line, column;
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    text_position(source, offset, &line, &column);
    return error_set_at(error, status, line, column, "%s", message);
}

static bool fail(struct lexer *lexer, uint32_t offset, const char *message)
{
    lexer->status = text_error_at(lexer->source, offset, lexer->error, STINT_SYNTAX, "%s", message);
    return false;
}

static bool fail_memory(struct lexer *lexer)
{
    lexer->status = text_error_at(lexer->source, lexer->at, lexer->error, STINT_NOMEM,
                                  "out of memory for the tokens of the text");
    return false;
}

static unsigned byte_at(const struct lexer *lexer, uint32_t at)
{
    return at < lexer->source->bytes ? (uint8_t)lexer->source->text[at] : 0;
}

/* Nested block comments; a count stands for the nesting. */
static bool skip_block_comment(struct lexer *lexer)
{
    uint32_t start = lexer->at, depth = 0, end = lexer->source->bytes;
    uint32_t at = start;
    do {
        const char *text = lexer->source->text;
        if (end - at < 2) {
            return fail(lexer, start, "this comment is not closed");
        } else if (text[at] == '(' && text[at + 1] == ';') {
            depth++;
            at += 2;
        } else if (text[at] == ';' && text[at + 1] == ')') {
            depth--;
            at += 2;
        } else {
            at++;
        }
    } while (depth != 0);
    lexer->at = at;
    return true;
}

static bool skip_space(struct lexer *lexer)
{
    for (;;) {
        unsigned c = byte_at(lexer, lexer->at);
        if ((classes[c] & CLASS_SPACE) != 0) {
            lexer->at++;
        } else if (c == ';' && byte_at(lexer, lexer->at + 1) == ';') {
            while (lexer->at < lexer->source->bytes && byte_at(lexer, lexer->at) != '\n' &&
                   byte_at(lexer, lexer->at) != '\r')
                lexer->at++;
        } else if (c == '(' && byte_at(lexer, lexer->at + 1) == ';') {
            if (!skip_block_comment(lexer))
                return false;
        } else {
            return true;
        }
    }
}

static int hex_value(unsigned c)
{
    if (c >= '0' && c <= '9')
        return (int)c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? (int)c - 'a' + 10 : -1;
}

/* `\u{…}` with its braces; the lexer stands on the u. */
static bool skip_code_point(struct lexer *lexer)
{
    uint32_t start = lexer->at, value = 0, at = lexer->at + 2;
    bool digit_before = false;
    if (byte_at(lexer, lexer->at + 1) != '{')
        return fail(lexer, start, "malformed escape: \\u{…} is expected");
    for (;; at++) {
        unsigned c = byte_at(lexer, at);
        int digit = hex_value(c);
        if (digit < 0 && (c != '_' || !digit_before))
            break;
        digit_before = digit >= 0;
        if (digit_before)
            value = value << 4 | (uint32_t)digit;
        if (value > 0x10ffff)
            return fail(lexer, start, "malformed escape: the code point is above U+10FFFF");
    }
    if (!digit_before || byte_at(lexer, at) != '}')
        return fail(lexer, start, "malformed escape: hexadecimal digits and } are expected");
    if (value >= 0xd800 && value < 0xe000)
        return fail(lexer, start, "malformed escape: the code point is a surrogate");
    lexer->at = at + 1;
    return true;
}

/* The lexer stands on the opening quote. */
static bool skip_string(struct lexer *lexer)
{
    uint32_t start = lexer->at++;
    for (;;) {
        unsigned c = byte_at(lexer, lexer->at);
        if (lexer->at >= lexer->source->bytes || c == '\n')
            return fail(lexer, start, "this string is not closed");
        if (c < 0x20 || c == 0x7f)
            return fail(lexer, lexer->at, "illegal character in a string");
        lexer->at++;
        if (c == '"')
            return true;
        if (c != '\\')
            continue;
        c = byte_at(lexer, lexer->at);
        if (c == 'u') {
            if (!skip_code_point(lexer))
                return false;
        } else if (hex_value(c) >= 0) {
            if (hex_value(byte_at(lexer, lexer->at + 1)) < 0)
                return fail(lexer, lexer->at, "malformed escape: two digits are expected");
            lexer->at += 2;
        } else if (c != 0 && strchr("tnr\"'\\", (int)c) != NULL) {
            lexer->at++;
        } else {
            return fail(lexer, lexer->at, "malformed escape in a string");
        }
    }
}

/* Checks what `$"…"` names: something, in UTF-8. */
static bool check_quoted_id(struct lexer *lexer, const struct text_token *token)
{
    struct buf name;
    buf_init(&name, lexer->source->alloc, SIZE_MAX);
    bool ok = text_append_string(lexer->source, token, &name);
    if (!ok)
        fail_memory(lexer);
    else if (name.bytes == 0)
        ok = fail(lexer, token->offset, "empty identifier");
    else if (!utf8_is_valid(name.data, name.bytes))
        ok = fail(lexer, token->offset, "malformed UTF-8 in an identifier");
    buf_free(&name);
    return ok;
}

/*
 * A run of identifier characters and strings without a gap. Only four shapes of it are tokens that
 * the grammar knows: a plain run, a string, $run and $string.
 */
static bool lex_word(struct lexer *lexer, struct text_token *ret_token)
{
    uint32_t start = lexer->at, strings = 0, string_at = 0;
    for (;;) {
        unsigned c = byte_at(lexer, lexer->at);
        if ((classes[c] & CLASS_ID) != 0) {
            lexer->at++;
        } else if (c == '"') {
            strings++;
            string_at = lexer->at;
            if (!skip_string(lexer))
                return false;
        } else {
            break;
        }
    }
    uint32_t size = lexer->at - start;
    bool is_id = lexer->source->text[start] == '$';
    struct text_token token = {start, TOKEN_ATOM, size};
    bool is_checked = !lexer->in_annotation;
    if (is_id && size == 1 && is_checked)
        return fail(lexer, start, "empty identifier");
    if (strings == 0)
        token.kind = is_id ? TOKEN_ID : TOKEN_ATOM;
    else if (strings == 1 && string_at == start && lexer->source->text[lexer->at - 1] == '"')
        token.kind = TOKEN_STRING;
    else if (strings == 1 && is_id && string_at == start + 1 &&
             lexer->source->text[lexer->at - 1] == '"')
        token.kind = TOKEN_ID_QUOTED;
    else
        token.kind = TOKEN_RESERVED;
    if (token.kind == TOKEN_ID_QUOTED && is_checked && !check_quoted_id(lexer, &token))
        return false;
    *ret_token = token;
    return true;
}

/* The next token; at the end a TOKEN_END. Does not know of annotations. */
static bool lex_token(struct lexer *lexer, struct text_token *ret_token)
{
    if (!skip_space(lexer))
        return false;
    struct text_token token = {lexer->at, TOKEN_END, 0};
    if (lexer->at < lexer->source->bytes) {
        unsigned c = byte_at(lexer, lexer->at);
        if (c == '"' || (classes[c] & CLASS_ID) != 0)
            return lex_word(lexer, ret_token);
        if (c != '(' && c != ')' && (classes[c] & CLASS_SYMBOL) == 0)
            return fail(lexer, lexer->at, "illegal character");
        token.kind = c == '(' ? TOKEN_OPEN : c == ')' ? TOKEN_CLOSE : TOKEN_RESERVED;
        token.size = 1;
        lexer->at++;
    }
    *ret_token = token;
    return true;
}

static bool push_token(struct lexer *lexer, struct text_token token)
{
    struct text_source *source = lexer->source;
    if (!vec_reserve(source->alloc, &source->tokens, &source->token_capacity,
                     (size_t)source->token_count + 1, sizeof(*source->tokens)))
        return fail_memory(lexer);
    uint32_t index = source->token_count++;
    if (token.kind == TOKEN_OPEN) {
        token.size = lexer->open;
        lexer->open = index;
    } else if (token.kind == TOKEN_CLOSE) {
        if (lexer->open == TOKEN_NONE)
            return fail(lexer, token.offset, "unexpected token: this ) closes nothing");
        struct text_token *open = &source->tokens[lexer->open];
        token.size = lexer->open;
        lexer->open = open->size;
        open->size = index;
    }
    source->tokens[index] = token;
    return true;
}

static bool push_annotation_token(struct lexer *lexer, struct text_token token)
{
    struct text_source *source = lexer->source;
    if (!vec_reserve(source->alloc, &source->annotation_tokens, &source->annotation_token_capacity,
                     (size_t)source->annotation_token_count + 1,
                     sizeof(*source->annotation_tokens)))
        return fail_memory(lexer);
    source->annotation_tokens[source->annotation_token_count++] = token;
    return true;
}

/* Lists the annotation at `offset` when its name, `id`, means something here. */
static bool push_annotation(struct lexer *lexer, uint32_t offset, const struct text_token *id,
                            bool *ret_is_known)
{
    static const char *const names[] = {
        [ANNOTATION_NAME] = "@name",
        [ANNOTATION_CUSTOM] = "@custom",
        [ANNOTATION_BRANCH_HINT] = "@metadata.code.branch_hint",
    };
    struct text_source *source = lexer->source;
    *ret_is_known = false;
    for (size_t kind = 0; kind < COUNT_OF(names); kind++) {
        if (!text_token_is(source, id, names[kind]))
            continue;
        if (!vec_reserve(source->alloc, &source->annotations, &source->annotation_capacity,
                         (size_t)source->annotation_count + 1, sizeof(*source->annotations)))
            return fail_memory(lexer);
        source->annotations[source->annotation_count++] = (struct text_annotation){
            (uint8_t)kind, offset, source->token_count, source->annotation_token_count};
        *ret_is_known = true;
    }
    return true;
}

/* The lexer stands on the @ behind the parenthesis at `offset`. */
static bool lex_annotation(struct lexer *lexer, uint32_t offset)
{
    struct text_token token = {lexer->at, TOKEN_ATOM, 1};
    uint32_t depth = 1;
    bool is_known = false;
    if (byte_at(lexer, lexer->at + 1) == '"') {
        lexer->at++;
        struct text_token id = {lexer->at - 1, TOKEN_ID_QUOTED, 0};
        if (!skip_string(lexer))
            return false;
        id.size = lexer->at - id.offset;
        if (!check_quoted_id(lexer, &id))
            return false;
    } else {
        if (!lex_word(lexer, &token))
            return false;
        if (token.size == 1)
            return fail(lexer, offset, "empty annotation id");
        if (!push_annotation(lexer, offset, &token, &is_known))
            return false;
    }
    lexer->in_annotation = true;
    while (depth != 0) {
        if (!lex_token(lexer, &token))
            return false;
        if (token.kind == TOKEN_END)
            return fail(lexer, offset, "unclosed annotation");
        depth += token.kind == TOKEN_OPEN;
        depth -= token.kind == TOKEN_CLOSE;
        if (depth == 0)
            token = (struct text_token){token.offset, TOKEN_END, 0};
        if (is_known && !push_annotation_token(lexer, token))
            return false;
    }
    lexer->in_annotation = false;
    return true;
}

static bool lex_all(struct lexer *lexer)
{
    struct text_token token;
    do {
        if (!lex_token(lexer, &token))
            return false;
        bool ok = token.kind == TOKEN_OPEN && byte_at(lexer, lexer->at) == '@'
                      ? lex_annotation(lexer, token.offset)
                      : push_token(lexer, token);
        if (!ok)
            return false;
    } while (token.kind != TOKEN_END);
    lexer->source->token_count--;
    if (lexer->open != TOKEN_NONE)
        return fail(lexer, lexer->source->tokens[lexer->open].offset,
                    "unexpected end of the text: this ( is not closed");
    return true;
}

static bool check_encoding(struct lexer *lexer)
{
    const uint8_t *text = (const uint8_t *)lexer->source->text;
    uint32_t bytes = lexer->source->bytes, at = 0;
    if (utf8_is_valid(text, bytes))
        return true;
    for (size_t length; (length = utf8_decode(text + at, bytes - at, NULL)) != 0;)
        at += (uint32_t)length;
    return fail(lexer, at, "malformed UTF-8 encoding");
}

enum stint_status text_lex(struct alloc *alloc, const char *text, size_t bytes,
                           struct text_source *ret_source, struct stint_error *error)
{
    if (bytes >= LIMIT_TEXT_BYTES)
        return error_set(error, STINT_LIMIT, STINT_NO_OFFSET,
                         "the text has %zu bytes; at most %d are read", bytes,
                         LIMIT_TEXT_BYTES - 1);
    struct text_source source = {.alloc = alloc, .text = text, .bytes = (uint32_t)bytes};
    struct lexer lexer = {.source = &source, .open = TOKEN_NONE, .error = error};
    if (!check_encoding(&lexer) || !lex_all(&lexer)) {
        text_source_free(&source);
        return lexer.status;
    }
    *ret_source = source;
    return STINT_OK;
}

void text_source_free(struct text_source *source)
{
    struct alloc *alloc = source->alloc;
    if (alloc == NULL)
        return;
    alloc_put(alloc, source->tokens, source->token_capacity * sizeof(*source->tokens));
    alloc_put(alloc, source->annotations,
              source->annotation_capacity * sizeof(*source->annotations));
    alloc_put(alloc, source->annotation_tokens,
              source->annotation_token_capacity * sizeof(*source->annotation_tokens));
    *source = (struct text_source){.alloc = alloc};
}

bool text_token_is(const struct text_source *source, const struct text_token *token,
                   const char *keyword)
{
    return token->kind == TOKEN_ATOM && strlen(keyword) == token->size &&
           memcmp(source->text + token->offset, keyword, token->size) == 0;
}

/* Code points and bytes of an escape; `at` stands behind the backslash. Returns what follows. */
static const char *append_escape(const char *at, struct buf *buf)
{
    static const char from[] = "tnr\"'\\", to[] = "\t\n\r\"'\\";
    const char *found = strchr(from, *at);
    if (*at == 'u') {
        uint32_t value = 0;
        uint8_t bytes[4];
        for (at += 2; *at != '}'; at++) {
            if (*at != '_')
                value = value << 4 | (uint32_t)hex_value((uint8_t)*at);
        }
        buf_append(buf, bytes, utf8_encode(value, bytes));
        return at + 1;
    }
    if (found != NULL) {
        buf_append_byte(buf, (uint8_t)to[found - from]);
        return at + 1;
    }
    int high = hex_value((uint8_t)at[0]), low = hex_value((uint8_t)at[1]);
    buf_append_byte(buf, (uint8_t)(high << 4 | low));
    return at + 2;
}

bool text_append_string(const struct text_source *source, const struct text_token *token,
                        struct buf *buf)
{
    uint32_t prefix = token->kind == TOKEN_ID_QUOTED ? 2 : 1; /* $" or " */
    const char *at = source->text + token->offset + prefix;
    const char *end = source->text + token->offset + token->size - 1;
    /* No escape makes a string longer: one reservation serves all appends. */
    if (!buf_reserve(buf, (size_t)(end - at)))
        return false;
    while (at < end) {
        const char *escape = memchr(at, '\\', (size_t)(end - at));
        const char *plain_end = escape != NULL ? escape : end;
        buf_append(buf, at, (size_t)(plain_end - at));
        at = escape != NULL ? append_escape(escape + 1, buf) : end;
    }
    return !buf->failed;
}
