/* SPDX-License-Identifier: Apache-2.0 */
/* Single values of TOML: strings, numbers, booleans, dates and times. */
#include <string.h>

#include "base/number.h"
#include "base/toml_int.h"
#include "base/utf8.h"

/* ---- Strings ----------------------------------------------------------------------------- */

struct string {
    char quote;
    bool is_multi;
};

/* \u and four hexadecimal digits, \U and eight, behind the letter. */
static bool read_code_point(struct toml_parser *p, int digits, char **out)
{
    uint32_t value = 0;
    size_t start = p->at - 2;
    for (int i = 0; i < digits; i++, p->at++) {
        char c = toml_peek(p, 0), low = c | 0x20;
        int digit = toml_is_digit(c) ? c - '0' : low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
        if (digit < 0)
            return toml_fail(p, digits == 4 ? "four hexadecimal digits are expected behind \\u"
                                            : "eight hexadecimal digits are expected behind \\U");
        value = value << 4 | (uint32_t)digit;
    }
    if (value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
        return toml_fail_at(p, start, "this escape is no character");
    uint8_t encoded[4];
    size_t length = utf8_encode(value, encoded);
    memcpy(*out, encoded, length);
    *out += length;
    return true;
}

/* "\" at the end of a line: it, and all space behind it, is left out. */
static bool skip_continuation(struct toml_parser *p)
{
    size_t start = p->at;
    while (toml_peek(p, 0) == ' ' || toml_peek(p, 0) == '\t')
        p->at++;
    if (toml_newline(p) == 0)
        return toml_fail_at(p, start - 1, "unknown escape in a string");
    for (;;) {
        if (toml_newline(p) != 0)
            toml_next_line(p);
        else if (toml_peek(p, 0) == ' ' || toml_peek(p, 0) == '\t')
            p->at++;
        else
            return true;
    }
}

/* One escape, behind its backslash, which never makes the string longer. */
static bool read_escape(struct toml_parser *p, struct string kind, char **out)
{
    static const char from[] = "\"\\bfnrt", to[] = "\"\\\b\f\n\r\t";
    char c = toml_peek(p, 0);
    const char *found = c == 0 ? NULL : strchr(from, c);
    if (found != NULL) {
        *(*out)++ = to[found - from];
        p->at++;
        return true;
    }
    if (c == 'u' || c == 'U') {
        p->at++;
        return read_code_point(p, c == 'u' ? 4 : 8, out);
    }
    if (kind.is_multi && (c == ' ' || c == '\t' || toml_newline(p) != 0))
        return skip_continuation(p);
    return toml_fail_at(p, p->at - 1,
                        "unknown escape in a string: there are \\b \\t \\n \\f \\r \\\" \\\\ "
                        "\\u1234 \\U00012345, and no escapes between single quotes");
}

/* How many quotes stand here, at most five: that many can end a multi-line string. */
static size_t count_quotes(const struct toml_parser *p, char quote)
{
    size_t count = 0;
    while (count < 5 && toml_peek(p, count) == quote)
        count++;
    return count;
}

/* One character, or an escape, to `out`. */
static bool read_char(struct toml_parser *p, struct string kind, char **out)
{
    uint8_t c = (uint8_t)p->text[p->at];
    if (c == '\\' && kind.quote == '"') {
        p->at++;
        return read_escape(p, kind, out);
    }
    if (toml_newline(p) != 0) {
        if (!kind.is_multi)
            return toml_fail(p, "a string is not closed on its line; one of more lines stands "
                                "between three quotes");
        /* Ends of lines are as they are in the file. */
        size_t length = toml_newline(p);
        memcpy(*out, p->text + p->at, length);
        *out += length;
        toml_next_line(p);
        return true;
    }
    if ((c < 0x20 && c != '\t') || c == 0x7f)
        return toml_fail(p, "a control character in a string must be escaped");
    *(*out)++ = (char)c;
    p->at++;
    return true;
}

/* How long the text between the quotes is at most. */
static size_t measure(const struct toml_parser *p, struct string kind)
{
    size_t at = p->at;
    for (; at < p->bytes; at++) {
        char c = p->text[at];
        if (c == '\\' && kind.quote == '"')
            at++;
        else if (c == '\n' && !kind.is_multi)
            break;
        else if (c == kind.quote && (!kind.is_multi || (p->bytes - at >= 3 && p->text[at + 1] == c &&
                                                        p->text[at + 2] == c)))
            break;
    }
    /* Two quotes more may belong to it. */
    return (at < p->bytes ? at : p->bytes) - p->at + 2;
}

bool toml_read_string(struct toml_parser *p, bool is_key, const char **ret_text,
                      uint32_t *ret_bytes)
{
    struct string kind = {.quote = toml_peek(p, 0)};
    size_t start = p->at;
    uint32_t line = p->line, column = toml_column(p, start);
    kind.is_multi = toml_peek(p, 1) == kind.quote && toml_peek(p, 2) == kind.quote;
    if (kind.is_multi && is_key)
        return toml_fail(p, "a key stands on one line, between single or double quotes");
    p->at += kind.is_multi ? 3 : 1;
    if (kind.is_multi && toml_newline(p) != 0)
        toml_next_line(p); /* the first one does not count */
    char *text = arena_get(p->arena, measure(p, kind) + 1), *out = text;
    if (text == NULL)
        return toml_nomem(p);
    for (;;) {
        if (p->at == p->bytes) {
            p->status = error_set_at(p->error, STINT_SYNTAX, line, column,
                                     "a string is not closed");
            return false;
        }
        size_t quotes = count_quotes(p, kind.quote);
        if (quotes >= (kind.is_multi ? 3 : 1)) {
            size_t within = kind.is_multi ? quotes - 3 : 0;
            memcpy(out, p->text + p->at, within);
            out += within;
            p->at += within + (kind.is_multi ? 3 : 1);
            break;
        }
        if (!read_char(p, kind, &out))
            return false;
    }
    *out = 0;
    *ret_text = text;
    *ret_bytes = (uint32_t)(out - text);
    return true;
}

/* ---- Dates and times --------------------------------------------------------------------- */

/* Digits of a fixed number, as a number; false when they are not all there. */
static bool take_digits(const char **at, const char *end, int count, unsigned *ret_value)
{
    unsigned value = 0;
    if (end - *at < count)
        return false;
    for (int i = 0; i < count; i++, (*at)++) {
        if (!toml_is_digit(**at))
            return false;
        value = value * 10 + (unsigned)(**at - '0');
    }
    *ret_value = value;
    return true;
}

static bool take_char(const char **at, const char *end, char wanted)
{
    if (*at == end || **at != wanted)
        return false;
    (*at)++;
    return true;
}

static bool take_date(const char **at, const char *end)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    unsigned year, month, day;
    if (!take_digits(at, end, 4, &year) || !take_char(at, end, '-') ||
        !take_digits(at, end, 2, &month) || !take_char(at, end, '-') ||
        !take_digits(at, end, 2, &day) || month < 1 || month > 12 || day < 1)
        return false;
    bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return day <= days[month - 1] + (unsigned)(month == 2 && is_leap);
}

static bool take_time(const char **at, const char *end)
{
    unsigned hour, minute, second;
    if (!take_digits(at, end, 2, &hour) || !take_char(at, end, ':') ||
        !take_digits(at, end, 2, &minute) || !take_char(at, end, ':') ||
        !take_digits(at, end, 2, &second) || hour > 23 || minute > 59 || second > 60)
        return false;
    if (!take_char(at, end, '.'))
        return true;
    const char *start = *at;
    while (*at < end && toml_is_digit(**at))
        (*at)++;
    return *at > start;
}

static bool take_offset(const char **at, const char *end)
{
    unsigned hour, minute;
    if (take_char(at, end, 'Z') || take_char(at, end, 'z'))
        return true;
    if (!take_char(at, end, '+') && !take_char(at, end, '-'))
        return false;
    return take_digits(at, end, 2, &hour) && take_char(at, end, ':') &&
           take_digits(at, end, 2, &minute) && hour <= 23 && minute <= 59;
}

/* Which kind of date or time the token is; false: none that is right. */
static bool classify_time(const char *text, size_t bytes, uint8_t *ret_kind)
{
    const char *at = text, *end = text + bytes;
    if (bytes > 2 && text[2] == ':') {
        *ret_kind = TOML_LOCAL_TIME;
        return take_time(&at, end) && at == end;
    }
    if (!take_date(&at, end))
        return false;
    *ret_kind = TOML_LOCAL_DATE;
    if (at == end)
        return true;
    if (!take_char(&at, end, 'T') && !take_char(&at, end, 't') && !take_char(&at, end, ' '))
        return false;
    if (!take_time(&at, end))
        return false;
    *ret_kind = TOML_LOCAL_DATETIME;
    if (at == end)
        return true;
    *ret_kind = TOML_OFFSET_DATETIME;
    return take_offset(&at, end) && at == end;
}

/* ---- Numbers ----------------------------------------------------------------------------- */

enum { NUMBER_BYTES_MAX = 400 }; /* of a number's text: more digits mean nothing */

/*
 * Digits of a base, with single underscores between them, to `out` without them. Whether that is
 * all there is; `ret_end` is behind them.
 */
static bool copy_digits(const char *text, const char *end, unsigned base, char *out,
                        size_t *ret_count, const char **ret_end)
{
    size_t count = 0;
    bool was_digit = false;
    for (; text < end; text++) {
        char c = *text, low = c | 0x20;
        unsigned digit = toml_is_digit(c)              ? (unsigned)(c - '0')
                         : low >= 'a' && low <= 'f'    ? (unsigned)(low - 'a' + 10)
                                                       : 99;
        if (c == '_') {
            if (!was_digit)
                return false;
            was_digit = false;
            continue;
        }
        if (digit >= base)
            break;
        out[count++] = c;
        was_digit = true;
    }
    *ret_count = count;
    *ret_end = text;
    return was_digit;
}

/* 0x…, 0o…, 0b…: from 0 up. */
static bool read_based(struct toml_parser *p, struct toml_value *value, const char *text,
                       size_t bytes)
{
    char digits[NUMBER_BYTES_MAX];
    const char *end;
    size_t count;
    unsigned base = text[1] == 'x' ? 16 : text[1] == 'o' ? 8 : 2;
    if (!copy_digits(text + 2, text + bytes, base, digits, &count, &end) || end != text + bytes)
        return toml_fail(p, "malformed number");
    uint64_t number = 0;
    for (size_t i = 0; i < count; i++) {
        char low = digits[i] | 0x20;
        uint64_t digit = toml_is_digit(digits[i]) ? (uint64_t)(digits[i] - '0')
                                                  : (uint64_t)(low - 'a' + 10);
        if (__builtin_mul_overflow(number, base, &number) ||
            __builtin_add_overflow(number, digit, &number) || number > INT64_MAX)
            return toml_fail(p, "the number does not fit into 64 bits");
    }
    value->kind = TOML_INTEGER;
    value->integer = (int64_t)number;
    return true;
}

static bool finish_integer(struct toml_parser *p, struct toml_value *value, const char *digits,
                           size_t count)
{
    bool is_negative = digits[0] == '-';
    uint64_t number = 0;
    for (size_t i = digits[0] == '-' || digits[0] == '+'; i < count; i++) {
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, (uint64_t)(digits[i] - '0'), &number) ||
            number > (uint64_t)INT64_MAX + is_negative)
            return toml_fail(p, "the number does not fit into 64 bits");
    }
    value->kind = TOML_INTEGER;
    value->integer = (int64_t)(is_negative ? 0 - number : number);
    return true;
}

static bool finish_float(struct toml_parser *p, struct toml_value *value, const char *digits,
                         size_t count)
{
    struct buf scratch;
    uint64_t bits;
    buf_init(&scratch, p->arena->alloc, SIZE_MAX);
    enum number_result result = number_float(digits, count, 64, &scratch, &bits);
    buf_free(&scratch);
    if (result == NUMBER_MEMORY)
        return toml_nomem(p);
    if (result == NUMBER_RANGE)
        return toml_fail(p, "the number is out of range");
    if (result != NUMBER_OK)
        return toml_fail(p, "malformed number");
    value->kind = TOML_FLOAT;
    memcpy(&value->real, &bits, sizeof(bits));
    return true;
}

static bool read_number(struct toml_parser *p, struct toml_value *value, const char *text,
                        size_t bytes)
{
    char digits[NUMBER_BYTES_MAX];
    const char *at = text, *end = text + bytes;
    size_t total = 0, count;
    bool is_float = false;
    if (bytes >= NUMBER_BYTES_MAX)
        return toml_fail(p, "the number has too many digits");
    if (bytes > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'o' || text[1] == 'b'))
        return read_based(p, value, text, bytes);
    if (*at == '+' || *at == '-')
        digits[total++] = *at++;
    if (end - at == 3 && (memcmp(at, "inf", 3) == 0 || memcmp(at, "nan", 3) == 0)) {
        memcpy(digits + total, at, 3);
        return finish_float(p, value, digits, total + 3);
    }
    if (!copy_digits(at, end, 10, digits + total, &count, &at))
        return toml_fail(p, "a value is expected here: a string stands between quotes");
    if (count > 1 && digits[total] == '0')
        return toml_fail(p, "a number does not begin with 0");
    total += count;
    if (at < end && *at == '.') {
        is_float = true;
        digits[total++] = *at++;
        if (!copy_digits(at, end, 10, digits + total, &count, &at))
            return toml_fail(p, "a digit is expected on both sides of the point");
        total += count;
    }
    if (at < end && (*at | 0x20) == 'e') {
        is_float = true;
        digits[total++] = *at++;
        if (at < end && (*at == '+' || *at == '-'))
            digits[total++] = *at++;
        if (!copy_digits(at, end, 10, digits + total, &count, &at))
            return toml_fail(p, "an exponent has digits");
        total += count;
    }
    if (at != end)
        return toml_fail(p, "malformed number");
    return is_float ? finish_float(p, value, digits, total)
                    : finish_integer(p, value, digits, total);
}

/* ---- All of them ------------------------------------------------------------------------- */

/* Up to what cannot belong to a number, date or word. One blank may stand in a date and time. */
static size_t token_bytes(const struct toml_parser *p)
{
    const char *text = p->text + p->at;
    size_t room = p->bytes - p->at, bytes = 0;
    while (bytes < room) {
        char c = text[bytes], low = c | 0x20;
        bool is_part = toml_is_digit(c) || (low >= 'a' && low <= 'z') || c == '+' || c == '-' ||
                       c == '_' || c == '.' || c == ':';
        bool is_gap = c == ' ' && bytes == 10 && text[4] == '-' && room > 11 &&
                      toml_is_digit(text[11]);
        if (!is_part && !is_gap)
            break;
        bytes++;
    }
    return bytes;
}

bool toml_read_scalar(struct toml_parser *p, struct toml_value *value)
{
    const char *text = p->text + p->at;
    size_t bytes = token_bytes(p);
    if (bytes == 0)
        return toml_fail(p, "a value is expected here");
    if ((bytes == 4 && memcmp(text, "true", 4) == 0) ||
        (bytes == 5 && memcmp(text, "false", 5) == 0)) {
        value->kind = TOML_BOOLEAN;
        value->boolean = bytes == 4;
    } else if (bytes > 4 && toml_is_digit(text[0]) && toml_is_digit(text[1]) &&
               (text[2] == ':' ||
                (toml_is_digit(text[2]) && toml_is_digit(text[3]) && text[4] == '-'))) {
        if (!classify_time(text, bytes, &value->kind))
            return toml_fail(p, "this is no date or time that there is");
        value->text_bytes = (uint32_t)bytes;
        value->text = arena_copy_string(p->arena, text, bytes);
        if (value->text == NULL)
            return toml_nomem(p);
    } else if (!read_number(p, value, text, bytes)) {
        return false;
    }
    p->at += bytes;
    return true;
}
