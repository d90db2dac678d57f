/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens of WIT text (WIT.md, "Lexical structure"). */
#include <stdio.h>

#include "component/wit_parse_int.h"

/* ---- Failures ----------------------------------------------------------------------------- */

static bool PRINTF_LIKE(3, 0)
    fail(struct wit_parser *p, const struct wit_cursor *at, const char *format, va_list args)
{
    char text[160];
    uint32_t line = 1, column = 1;
    struct wit *wit = p->wit;
    if (wit->status != STINT_OK)
        return false;
    for (size_t i = 0; at->file != NULL && i < at->start && i < at->file->bytes; i++) {
        bool is_end = at->file->text[i] == '\n';
        line += is_end;
        /* Columns count characters: what continues one in UTF-8 does not. */
        column = is_end ? 1 : column + (((uint8_t)at->file->text[i] & 0xc0) != 0x80);
    }
    (void)vsnprintf(text, sizeof(text), format, args);
    wit->status = error_set_at(wit->error, STINT_SYNTAX, line, column, "%.80s:%u:%u: %s",
                               at->file != NULL ? at->file->path : "", (unsigned)line,
                               (unsigned)column, text);
    return false;
}

bool wit_fail(struct wit_parser *p, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)fail(p, &p->now, format, args);
    va_end(args);
    return false;
}

bool wit_fail_at(struct wit_parser *p, const struct wit_cursor *at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)fail(p, at, format, args);
    va_end(args);
    return false;
}

bool wit_fail_nomem(struct wit_parser *p)
{
    if (p->wit->status == STINT_OK)
        p->wit->status = error_set(p->wit->error, STINT_NOMEM, STINT_NO_OFFSET, "out of memory");
    return false;
}

bool wit_expected(struct wit_parser *p, const char *what)
{
    const struct wit_cursor *now = &p->now;
    if (now->kind == WIT_END)
        return wit_fail(p, "expected %s, found the end of the file", what);
    size_t bytes = now->at - now->start;
    return wit_fail(p, "expected %s, found '%.*s'", what, (int)(bytes < 40 ? bytes : 40),
                    now->file->text + now->start);
}

/* ---- Tokens ------------------------------------------------------------------------------- */

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

void wit_open(struct wit_parser *p, const struct wit_file *file)
{
    p->now = (struct wit_cursor){.file = file};
    wit_next(p);
}

static char peek(const struct wit_parser *p, size_t ahead)
{
    size_t at = p->now.at + ahead;
    return at < p->now.file->bytes ? p->now.file->text[at] : '\0';
}

/* To behind a block comment, which may have others in it. */
static bool skip_block(struct wit_parser *p)
{
    size_t depth = 0;
    p->now.start = p->now.at;
    do {
        if (p->now.at >= p->now.file->bytes)
            return wit_fail(p, "the comment that begins here has no end");
        if (peek(p, 0) == '/' && peek(p, 1) == '*') {
            depth++;
            p->now.at++;
        } else if (peek(p, 0) == '*' && peek(p, 1) == '/') {
            depth--;
            p->now.at++;
        }
        p->now.at++;
    } while (depth > 0);
    return true;
}

static bool skip_space(struct wit_parser *p)
{
    for (;;) {
        char c = peek(p, 0);
        if (p->now.at >= p->now.file->bytes)
            return true;
        if (c == ' ' || c == '\n' || c == '\r' || c == '\t') {
            p->now.at++;
        } else if (c == '/' && peek(p, 1) == '/') {
            while (p->now.at < p->now.file->bytes && peek(p, 0) != '\n')
                p->now.at++;
        } else if (c == '/' && peek(p, 1) == '*') {
            if (!skip_block(p))
                return false;
        } else {
            return true;
        }
    }
}

static void end_token(struct wit_parser *p, uint8_t kind, size_t start)
{
    p->now.kind = kind;
    p->now.text = (struct wasm_name){p->now.file->text + start, (uint32_t)(p->now.at - start)};
}

static void lex_id(struct wit_parser *p)
{
    p->now.is_plain = peek(p, 0) != '%';
    if (!p->now.is_plain)
        p->now.at++;
    size_t start = p->now.at;
    while (is_letter(peek(p, 0)) || is_digit(peek(p, 0)) || peek(p, 0) == '-')
        p->now.at++;
    end_token(p, WIT_ID, start);
    if (p->now.at == start || p->now.file->text[p->now.at - 1] == '-')
        (void)wit_fail(p, "this is no name: words of letters and digits with '-' between them");
}

static void lex_string(struct wit_parser *p)
{
    size_t start = ++p->now.at;
    while (p->now.at < p->now.file->bytes && peek(p, 0) != '"' && peek(p, 0) != '\n')
        p->now.at += peek(p, 0) == '\\' ? 2 : 1;
    if (p->now.at >= p->now.file->bytes || peek(p, 0) != '"') {
        p->now.at = p->now.start + 1;
        (void)wit_fail(p, "the string that begins here has no end");
        return;
    }
    end_token(p, WIT_STRING, start);
    p->now.at++;
}

void wit_next(struct wit_parser *p)
{
    p->now.kind = WIT_END;
    p->now.is_arrow = p->now.is_plain = false;
    if (p->wit->status != STINT_OK || !skip_space(p))
        return;
    p->now.start = p->now.at;
    char c = peek(p, 0);
    if (p->now.at >= p->now.file->bytes)
        return;
    if (is_letter(c) || c == '%') {
        lex_id(p);
    } else if (is_digit(c)) {
        size_t start = p->now.at;
        while (is_digit(peek(p, 0)))
            p->now.at++;
        end_token(p, WIT_NUMBER, start);
    } else if (c == '"') {
        lex_string(p);
    } else if (c == '-' && peek(p, 1) == '>') {
        p->now.at += 2;
        p->now.kind = WIT_SIGN;
        p->now.sign = '>';
        p->now.is_arrow = true;
    } else if (c != '\0' && strchr("=,:;(){}<>*/.@_", c) != NULL) {
        p->now.at++;
        p->now.kind = WIT_SIGN;
        p->now.sign = c;
    } else {
        (void)wit_fail(p, "a character that WIT has no use for");
    }
    if (p->wit->status != STINT_OK)
        p->now.kind = WIT_END;
}

/* 1.2.3, with what may follow: the dot before `{` is no part of it. */
void wit_next_version(struct wit_parser *p)
{
    if (p->wit->status != STINT_OK || !skip_space(p))
        return;
    p->now.start = p->now.at;
    for (;; p->now.at++) {
        char c = peek(p, 0), next = peek(p, 1);
        bool is_part = is_letter(c) || is_digit(c) || c == '-' || c == '+';
        if (!is_part && (c != '.' || (!is_letter(next) && !is_digit(next))))
            break;
    }
    end_token(p, WIT_NUMBER, p->now.start);
    if (p->now.text.bytes == 0)
        (void)wit_fail(p, "expected a version, such as 1.2.3");
}

bool wit_take_sign(struct wit_parser *p, char sign)
{
    if (!wit_is_sign(p, sign))
        return false;
    wit_next(p);
    return true;
}

bool wit_take_word(struct wit_parser *p, const char *word)
{
    if (!wit_is_word(p, word))
        return false;
    wit_next(p);
    return true;
}

bool wit_need_sign(struct wit_parser *p, char sign)
{
    char what[] = {'\'', sign, '\'', '\0'};
    return wit_take_sign(p, sign) || wit_expected(p, what);
}

bool wit_need_id(struct wit_parser *p, const char *what, struct wasm_name *ret_name)
{
    if (p->now.kind != WIT_ID)
        return wit_expected(p, what);
    *ret_name = p->now.text;
    wit_next(p);
    return true;
}
