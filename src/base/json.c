/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <string.h>

#include "base/utf8.h"

struct parser {
    struct arena *arena;
    const char *text;
    size_t at, bytes;
    uint32_t depth, depth_max;
    struct stint_error *error;
    enum stint_status status;
};

static bool fail_status(struct parser *p, enum stint_status status, const char *message)
{
    uint32_t line = 1, column = 1;
    for (size_t i = 0; i < p->at && i < p->bytes; i++) {
        column = p->text[i] == '\n' ? 1 : column + 1;
        line += p->text[i] == '\n';
    }
    p->status = error_set_at(p->error, status, line, column, "%s", message);
    return false;
}

static bool fail(struct parser *p, const char *message)
{
    return fail_status(p, STINT_SYNTAX, message);
}

static bool nomem(struct parser *p)
{
    return fail_status(p, STINT_NOMEM, "out of memory while reading JSON");
}

/* The next byte, 0 at the end. */
static char peek(const struct parser *p)
{
    return p->at < p->bytes ? p->text[p->at] : 0;
}

static void skip_space(struct parser *p)
{
    while (peek(p) == ' ' || peek(p) == '\t' || peek(p) == '\n' || peek(p) == '\r')
        p->at++;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool expect(struct parser *p, char c, const char *message)
{
    if (peek(p) != c)
        return fail(p, message);
    p->at++;
    return true;
}

/* ---- Strings ----------------------------------------------------------------------------- */

static bool read_hex(struct parser *p, uint32_t *ret_value)
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++, p->at++) {
        char c = peek(p), low = c | 0x20;
        int digit = is_digit(c) ? c - '0' : low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
        if (digit < 0)
            return fail(p, "four hexadecimal digits are expected behind \\u");
        value = value << 4 | (uint32_t)digit;
    }
    *ret_value = value;
    return true;
}

/* Behind "\u": one code point, of which a pair of surrogates is one too. */
static bool read_code_point(struct parser *p, uint32_t *ret_value)
{
    uint32_t high, low;
    if (!read_hex(p, &high))
        return false;
    *ret_value = high;
    if (high < 0xd800 || high >= 0xe000)
        return true;
    if (high >= 0xdc00 || p->bytes - p->at < 2 || memcmp(p->text + p->at, "\\u", 2) != 0)
        return fail(p, "a surrogate stands alone");
    p->at += 2;
    if (!read_hex(p, &low))
        return false;
    if (low < 0xdc00 || low >= 0xe000)
        return fail(p, "a surrogate stands alone");
    *ret_value = 0x10000 + ((high - 0xd800) << 10 | (low - 0xdc00));
    return true;
}

/* One escape, behind its backslash, to `out`; the new end goes to `ret_out`. */
static bool read_escape(struct parser *p, char *out, char **ret_out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    char c = peek(p);
    const char *found = c == 0 ? NULL : strchr(from, c);
    p->at++;
    if (found != NULL) {
        *out = to[found - from];
        *ret_out = out + 1;
        return true;
    }
    uint32_t code_point;
    uint8_t encoded[4];
    if (c != 'u')
        return fail(p, "malformed escape in a string");
    if (!read_code_point(p, &code_point))
        return false;
    size_t length = utf8_encode(code_point, encoded);
    memcpy(out, encoded, length);
    *ret_out = out + length;
    return true;
}

/* The string again with its escapes replaced, which never makes it longer. */
static bool read_escaped(struct parser *p, size_t start, size_t size, const char **ret_text,
                         uint32_t *ret_bytes)
{
    char *copy = arena_get(p->arena, size), *out = copy;
    if (copy == NULL)
        return nomem(p);
    p->at = start;
    while (peek(p) != '"') {
        if (peek(p) != '\\') {
            *out++ = p->text[p->at++];
            continue;
        }
        p->at++;
        if (!read_escape(p, out, &out))
            return false;
    }
    *ret_text = copy;
    *ret_bytes = (uint32_t)(out - copy);
    return true;
}

/* Stands on the quote. */
static bool read_string(struct parser *p, const char **ret_text, uint32_t *ret_bytes)
{
    size_t start = ++p->at;
    bool has_escape = false;
    while (peek(p) != '"') {
        if (p->at >= p->bytes)
            return fail(p, "a string is not closed");
        if ((uint8_t)peek(p) < 0x20)
            return fail(p, "a control character in a string must be escaped");
        if (peek(p) == '\\') {
            has_escape = true;
            p->at++;
        }
        p->at++;
    }
    size_t size = p->at - start;
    if (has_escape) {
        if (!read_escaped(p, start, size, ret_text, ret_bytes))
            return false;
    } else {
        *ret_text = p->text + start;
        *ret_bytes = (uint32_t)size;
    }
    p->at++;
    return true;
}

/* ---- Values ------------------------------------------------------------------------------ */

static bool read_digits(struct parser *p)
{
    if (!is_digit(peek(p)))
        return fail(p, "a digit is expected here");
    while (is_digit(peek(p)))
        p->at++;
    return true;
}

static bool read_number(struct parser *p, struct json_value *value)
{
    size_t start = p->at;
    p->at += peek(p) == '-';
    if (peek(p) == '0')
        p->at++;
    else if (!read_digits(p))
        return false;
    if (peek(p) == '.') {
        p->at++;
        if (!read_digits(p))
            return false;
    }
    if ((peek(p) | 0x20) == 'e') {
        p->at++;
        p->at += peek(p) == '-' || peek(p) == '+';
        if (!read_digits(p))
            return false;
    }
    value->kind = JSON_NUMBER;
    value->text = p->text + start;
    value->text_bytes = (uint32_t)(p->at - start);
    return true;
}

static bool read_word(struct parser *p, struct json_value *value)
{
    static const struct {
        const char *word;
        enum json_kind kind;
    } words[] = {{"null", JSON_NULL}, {"false", JSON_FALSE}, {"true", JSON_TRUE}};
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        size_t length = strlen(words[i].word);
        if (p->bytes - p->at >= length && memcmp(p->text + p->at, words[i].word, length) == 0) {
            value->kind = (uint8_t)words[i].kind;
            p->at += length;
            return true;
        }
    }
    return fail(p, "a value is expected here");
}

/* A value, of an array or object only its opening bracket. */
static bool read_value(struct parser *p, struct json_value *value)
{
    char c = peek(p);
    if (c == '"') {
        value->kind = JSON_STRING;
        return read_string(p, &value->text, &value->text_bytes);
    }
    if (c == '[' || c == '{') {
        if (++p->depth > p->depth_max)
            return fail_status(p, STINT_LIMIT, "the text is nested too deep");
        value->kind = c == '[' ? JSON_ARRAY : JSON_OBJECT;
        p->at++;
        return true;
    }
    if (c == '-' || is_digit(c))
        return read_number(p, value);
    return read_word(p, value);
}

static bool read_key(struct parser *p, struct json_value *value)
{
    if (peek(p) != '"')
        return fail(p, "a name in quotes is expected here");
    if (!read_string(p, &value->key, &value->key_bytes))
        return false;
    skip_space(p);
    if (!expect(p, ':', "a colon is expected here"))
        return false;
    skip_space(p);
    return true;
}

/* What has been opened and not closed. `last` is the last element or member so far. */
static bool close_or_continue(struct parser *p, struct json_value **inner, struct json_value **last)
{
    for (;;) {
        struct json_value *open = *inner;
        skip_space(p);
        if (open == NULL)
            return true;
        char close = open->kind == JSON_ARRAY ? ']' : '}';
        if (peek(p) != close) {
            if (*last == NULL)
                return true; /* the first one follows without a comma */
            if (!expect(p, ',',
                        close == ']' ? ", or ] is expected here" : ", or } is expected here"))
                return false;
            skip_space(p);
            return true;
        }
        p->at++;
        p->depth--;
        *last = open;
        *inner = open->parent;
    }
}

static bool parse_all(struct parser *p, struct json_value **ret_root)
{
    struct json_value *root = NULL, *inner = NULL, *last = NULL;
    do {
        struct json_value *value = arena_get_zeroed(p->arena, 1, sizeof(*value));
        if (value == NULL)
            return nomem(p);
        if (inner == NULL)
            root = value;
        else if (last == NULL)
            inner->first = value;
        else
            last->next = value;
        if (inner != NULL) {
            inner->count++;
            if (inner->kind == JSON_OBJECT && !read_key(p, value))
                return false;
        }
        value->parent = inner;
        if (!read_value(p, value))
            return false;
        last = value;
        if (value->kind == JSON_ARRAY || value->kind == JSON_OBJECT) {
            inner = value;
            last = NULL;
        }
        if (!close_or_continue(p, &inner, &last))
            return false;
    } while (inner != NULL);
    *ret_root = root;
    return p->at == p->bytes || fail(p, "the text should end behind its value");
}

enum stint_status json_parse(struct arena *arena, const char *text, size_t bytes,
                             uint32_t depth_max, const struct json_value **ret_value,
                             struct stint_error *error)
{
    struct parser p = {.arena = arena, .text = text, .depth_max = depth_max, .error = error};
    struct json_value *root = NULL;
    if (bytes > UINT32_MAX)
        return error_set(error, STINT_LIMIT, STINT_NO_OFFSET,
                         "the text has %zu bytes; at most %u are read", bytes, UINT32_MAX);
    p.bytes = bytes;
    if (!utf8_is_valid((const uint8_t *)text, bytes)) {
        fail(&p, "the text is not valid UTF-8");
        return p.status;
    }
    skip_space(&p);
    if (!parse_all(&p, &root))
        return p.status;
    *ret_value = root;
    return STINT_OK;
}

/* ---- Looking at the tree ----------------------------------------------------------------- */

const struct json_value *json_member(const struct json_value *object, const char *name)
{
    size_t length = strlen(name);
    if (object == NULL || object->kind != JSON_OBJECT)
        return NULL;
    for (const struct json_value *member = object->first; member != NULL; member = member->next) {
        if (member->key_bytes == length && memcmp(member->key, name, length) == 0)
            return member;
    }
    return NULL;
}

bool json_is(const struct json_value *value, const char *text)
{
    return value != NULL && value->kind == JSON_STRING && value->text_bytes == strlen(text) &&
           memcmp(value->text, text, value->text_bytes) == 0;
}

bool json_u64(const struct json_value *value, uint64_t *ret_number)
{
    uint64_t number = 0;
    if (value == NULL || value->kind != JSON_NUMBER)
        return false;
    for (uint32_t i = 0; i < value->text_bytes; i++) {
        if (!is_digit(value->text[i]) || __builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, (uint64_t)(value->text[i] - '0'), &number))
            return false;
    }
    *ret_number = number;
    return true;
}
