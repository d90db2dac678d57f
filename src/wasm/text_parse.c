/* SPDX-License-Identifier: Apache-2.0 */
/* Single tokens: looking at them, stepping over them, and saying what is wrong with them. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "wasm/text_int.h"

enum { QUOTED_BYTES_MAX = 40 }; /* of a token in a message */

bool text_fail_at(struct text_parser *p, uint32_t token, const char *format, ...)
{
    char message[STINT_ERROR_MESSAGE_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    p->status = text_error_at(p->source, p->source->tokens[token].offset, p->error, STINT_SYNTAX,
                              "%s", message);
    return false;
}

bool text_fail(struct text_parser *p, const char *format, ...)
{
    char message[STINT_ERROR_MESSAGE_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    return text_fail_at(p, p->at, "%s", message);
}

bool text_nomem(struct text_parser *p)
{
    p->status = error_set(p->error, STINT_NOMEM, STINT_NO_OFFSET,
                          "out of memory while reading the text of a module");
    return false;
}

bool text_expected(struct text_parser *p, const char *what)
{
    const struct text_token *token = text_peek(p);
    unsigned size = token->size;
    const char *more = "";
    if (token->kind == TOKEN_END)
        return text_fail(p, "%s is expected, the text ends here", what);
    if (token->kind == TOKEN_OPEN || token->kind == TOKEN_CLOSE)
        size = 1;
    if (size > QUOTED_BYTES_MAX) {
        /* Not in the middle of a character. */
        size = QUOTED_BYTES_MAX;
        while (((uint8_t)p->source->text[token->offset + size] & 0xc0) == 0x80)
            size--;
        more = "…";
    }
    return text_fail(p, "%s is expected here, not %.*s%s", what, (int)size,
                     p->source->text + token->offset, more);
}

bool text_at_digit(const struct text_parser *p)
{
    char c = p->source->text[text_peek(p)->offset];
    return text_at(p, TOKEN_ATOM) && c >= '0' && c <= '9';
}

bool text_at_keyword(const struct text_parser *p, const char *keyword)
{
    return text_token_is(p->source, text_peek(p), keyword);
}

bool text_at_form(const struct text_parser *p, const char *keyword)
{
    return text_at(p, TOKEN_OPEN) && text_token_is(p->source, text_peek(p) + 1, keyword);
}

bool text_accept_keyword(struct text_parser *p, const char *keyword)
{
    bool found = text_at_keyword(p, keyword);
    p->at += found;
    return found;
}

bool text_accept_form(struct text_parser *p, const char *keyword)
{
    bool found = text_at_form(p, keyword);
    p->at += found ? 2 : 0;
    return found;
}

bool text_expect_form(struct text_parser *p, const char *keyword)
{
    char what[32];
    if (text_accept_form(p, keyword))
        return true;
    snprintf(what, sizeof(what), "(%s …)", keyword);
    return text_expected(p, what);
}

bool text_expect_open(struct text_parser *p)
{
    if (!text_at(p, TOKEN_OPEN))
        return text_expected(p, "(");
    p->at++;
    return true;
}

bool text_expect_close(struct text_parser *p)
{
    if (!text_at(p, TOKEN_CLOSE))
        return text_expected(p, ")");
    p->at++;
    return true;
}

bool text_string(struct text_parser *p, struct buf *buf)
{
    if (!text_at(p, TOKEN_STRING))
        return text_expected(p, "a string");
    if (!text_append_string(p->source, text_peek(p), buf))
        return text_nomem(p);
    p->at++;
    return true;
}

bool text_name(struct text_parser *p, struct buf *buf)
{
    buf_clear(&p->scratch);
    uint32_t token = p->at;
    if (!text_string(p, &p->scratch))
        return false;
    if (!utf8_is_valid(p->scratch.data, p->scratch.bytes))
        return text_fail_at(p, token, "malformed UTF-8 encoding in a name");
    buf_append_uleb(buf, p->scratch.bytes);
    buf_append(buf, p->scratch.data, p->scratch.bytes);
    return true;
}

bool text_id(struct text_parser *p, uint32_t token_index, struct wasm_name *ret_name)
{
    const struct text_token *token = &p->source->tokens[token_index];
    const char *text = p->source->text + token->offset;
    if (token->kind == TOKEN_ID) {
        *ret_name = (struct wasm_name){text + 1, token->size - 1};
        return true;
    }
    buf_clear(&p->scratch);
    if (!text_append_string(p->source, token, &p->scratch))
        return text_nomem(p);
    char *copy = arena_copy(&p->arena, p->scratch.data, p->scratch.bytes);
    if (copy == NULL)
        return text_nomem(p);
    *ret_name = (struct wasm_name){copy, (uint32_t)p->scratch.bytes};
    return true;
}

bool text_unsigned(struct text_parser *p, uint64_t max, uint64_t *ret_value)
{
    const struct text_token *token = text_peek(p);
    enum number_result result =
        token->kind != TOKEN_ATOM
            ? NUMBER_NONE
            : number_unsigned(p->source->text + token->offset, token->size, max, ret_value);
    if (result == NUMBER_NONE)
        return text_expected(p, "an unsigned number");
    if (result != NUMBER_OK)
        return text_fail(p, "constant out of range: the largest is %llu", (unsigned long long)max);
    p->at++;
    return true;
}

bool text_u32(struct text_parser *p, uint32_t *ret_value)
{
    uint64_t value;
    if (!text_unsigned(p, UINT32_MAX, &value))
        return false;
    *ret_value = (uint32_t)value;
    return true;
}
