/* SPDX-License-Identifier: Apache-2.0 */
/* Single tokens of a component's text: looking at them, stepping over them, saying what is wrong. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "base/utf8.h"
#include "component/text_component_int.h"

enum { QUOTED_BYTES_MAX = 40 }; /* of a token in a message */

bool ctext_fail_at(struct ctext *p, uint32_t token, const char *format, ...)
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

bool ctext_nomem(struct ctext *p)
{
    p->status = error_set(p->error, STINT_NOMEM, STINT_NO_OFFSET,
                          "out of memory while reading the text of a component");
    return false;
}

bool ctext_expected(struct ctext *p, const char *what)
{
    const struct text_token *token = ctext_peek(p);
    unsigned size = token->size;
    const char *more = "";
    if (token->kind == TOKEN_END)
        return ctext_fail_at(p, p->at, "%s is expected, the text ends here", what);
    if (token->kind == TOKEN_OPEN || token->kind == TOKEN_CLOSE)
        size = 1;
    if (size > QUOTED_BYTES_MAX) {
        /* Not in the middle of a character. */
        size = QUOTED_BYTES_MAX;
        while (((uint8_t)p->source->text[token->offset + size] & 0xc0) == 0x80)
            size--;
        more = "…";
    }
    return ctext_fail_at(p, p->at, "%s is expected here, not %.*s%s", what, (int)size,
                         p->source->text + token->offset, more);
}

bool ctext_at_keyword(const struct ctext *p, const char *keyword)
{
    return text_token_is(p->source, ctext_peek(p), keyword);
}

bool ctext_at_form(const struct ctext *p, const char *keyword)
{
    return ctext_at(p, TOKEN_OPEN) && text_token_is(p->source, ctext_peek(p) + 1, keyword);
}

bool ctext_at_core_form(const struct ctext *p, const char *keyword)
{
    return ctext_at_form(p, "core") && text_token_is(p->source, ctext_peek(p) + 2, keyword);
}

static bool is_id(const struct text_token *token)
{
    return token->kind == TOKEN_ID || token->kind == TOKEN_ID_QUOTED;
}

bool ctext_at_id(const struct ctext *p)
{
    return is_id(ctext_peek(p));
}

bool ctext_at_index(const struct ctext *p)
{
    char c = p->source->text[ctext_peek(p)->offset];
    return ctext_at_id(p) || (ctext_at(p, TOKEN_ATOM) && c >= '0' && c <= '9');
}

bool ctext_accept_keyword(struct ctext *p, const char *keyword)
{
    bool found = ctext_at_keyword(p, keyword);
    p->at += found;
    return found;
}

bool ctext_accept_form(struct ctext *p, const char *keyword)
{
    bool found = ctext_at_form(p, keyword);
    p->at += found ? 2 : 0;
    return found;
}

bool ctext_accept_core_form(struct ctext *p, const char *keyword)
{
    bool found = ctext_at_core_form(p, keyword);
    p->at += found ? 3 : 0;
    return found;
}

bool ctext_expect_form(struct ctext *p, const char *keyword)
{
    char what[40];
    if (ctext_accept_form(p, keyword))
        return true;
    snprintf(what, sizeof(what), "(%s …)", keyword);
    return ctext_expected(p, what);
}

bool ctext_expect_close(struct ctext *p)
{
    if (!ctext_at(p, TOKEN_CLOSE))
        return ctext_expected(p, ")");
    p->at++;
    return true;
}

bool ctext_u32(struct ctext *p, uint32_t *ret_value)
{
    const struct text_token *token = ctext_peek(p);
    uint64_t value = 0;
    enum number_result result = token->kind != TOKEN_ATOM
                                    ? NUMBER_NONE
                                    : number_unsigned(p->source->text + token->offset, token->size,
                                                      UINT32_MAX, &value);
    if (result == NUMBER_NONE)
        return ctext_expected(p, "an unsigned number");
    if (result != NUMBER_OK)
        return ctext_fail_at(p, p->at, "constant out of range: the largest is %u", UINT32_MAX);
    p->at++;
    *ret_value = (uint32_t)value;
    return true;
}

bool ctext_bytes(struct ctext *p, const struct text_token *token)
{
    return text_append_string(p->source, token, &p->work) || ctext_nomem(p);
}

bool ctext_name(struct ctext *p)
{
    if (!ctext_at(p, TOKEN_STRING))
        return ctext_expected(p, "a string");
    buf_clear(&p->scratch);
    if (!text_append_string(p->source, ctext_peek(p), &p->scratch))
        return ctext_nomem(p);
    if (!utf8_is_valid(p->scratch.data, p->scratch.bytes))
        return ctext_fail_at(p, p->at, "malformed UTF-8 encoding in a name");
    p->at++;
    ctext_uleb(p, p->scratch.bytes);
    buf_append(&p->work, p->scratch.data, p->scratch.bytes);
    return true;
}

/* The bytes of a string token, copied to the arena. */
static bool copy_string(struct ctext *p, const struct text_token *token, struct wasm_name *ret_name)
{
    buf_clear(&p->scratch);
    if (!text_append_string(p->source, token, &p->scratch))
        return ctext_nomem(p);
    char *copy = arena_copy(&p->arena, p->scratch.data, p->scratch.bytes);
    if (copy == NULL)
        return ctext_nomem(p);
    *ret_name = (struct wasm_name){copy, (uint32_t)p->scratch.bytes};
    return true;
}

bool ctext_id_text(struct ctext *p, uint32_t token_index, struct wasm_name *ret_name)
{
    const struct text_token *token = &p->source->tokens[token_index];
    if (token->kind == TOKEN_ID) {
        *ret_name = (struct wasm_name){p->source->text + token->offset + 1, token->size - 1};
        return true;
    }
    return copy_string(p, token, ret_name);
}

const struct text_annotation *ctext_annotation(const struct ctext *p, enum annotation_kind kind,
                                               uint32_t number)
{
    const struct text_source *source = p->source;
    uint32_t low = 0, high = source->annotation_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (source->annotations[middle].token < p->at)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < source->annotation_count && source->annotations[low].token == p->at; low++) {
        if (source->annotations[low].kind == kind && number-- == 0)
            return &source->annotations[low];
    }
    return NULL;
}

/* The @name in front of the next token, if there is one, replaces `name`. */
static bool name_annotation(struct ctext *p, struct wasm_name *name)
{
    const struct text_source *source = p->source;
    const struct text_annotation *annotation = ctext_annotation(p, ANNOTATION_NAME, 0);
    if (annotation != NULL) {
        const struct text_token *tokens = source->annotation_tokens + annotation->first;
        if (tokens[0].kind != TOKEN_STRING || tokens[1].kind != TOKEN_END)
            return ctext_fail_at(p, p->at, "@name annotation: one string is expected");
        if (!copy_string(p, &tokens[0], name))
            return false;
        if (!utf8_is_valid((const uint8_t *)name->text, name->bytes))
            return ctext_fail_at(p, p->at, "malformed UTF-8 encoding in an annotation");
    }
    return true;
}

bool ctext_optional_id(struct ctext *p, struct ctext_id *ret_id)
{
    struct ctext_id id = {.token = p->at};
    if (ctext_at_id(p)) {
        if (!ctext_id_text(p, p->at, &id.id))
            return false;
        id.name = id.id;
        p->at++;
    }
    if (!name_annotation(p, &id.name))
        return false;
    *ret_id = id;
    return true;
}

bool ctext_enter(struct ctext *p)
{
    if (p->depth == LIMIT_COMP_TEXT_NESTING) {
        p->status = text_error_at(p->source, ctext_peek(p)->offset, p->error, STINT_LIMIT,
                                  "components and types are nested too deeply: the limit is %d",
                                  LIMIT_COMP_TEXT_NESTING);
        return false;
    }
    p->depth++;
    return true;
}

void ctext_leave(struct ctext *p)
{
    p->depth--;
}

void ctext_insert_count(struct ctext *p, size_t mark, uint32_t count)
{
    uint8_t bytes[5];
    size_t size = 0;
    do {
        bytes[size++] = (uint8_t)((count & 0x7f) | (count > 0x7f ? 0x80 : 0));
        count >>= 7;
    } while (count != 0);
    if (!p->work.failed)
        buf_insert(&p->work, mark, bytes, size);
}
