/* SPDX-License-Identifier: Apache-2.0 */
#include "app/dotenv.h"

#include <string.h>

struct dotenv {
    struct arena *arena;
    const char *at, *end;
    uint32_t line;
    struct stint_error *error;
    enum stint_status status;
};

static bool fail(struct dotenv *d, const char *message)
{
    d->status = error_set_at(d->error, STINT_SYNTAX, d->line, 1, "%s", message);
    return false;
}

static bool nomem(struct dotenv *d)
{
    d->status = error_set(d->error, STINT_NOMEM, STINT_NO_OFFSET, "out of memory");
    return false;
}

static char peek(const struct dotenv *d)
{
    return d->at < d->end ? *d->at : '\n';
}

static void skip_blanks(struct dotenv *d)
{
    while (peek(d) == ' ' || peek(d) == '\t')
        d->at++;
}

static void skip_line(struct dotenv *d)
{
    while (d->at < d->end && *d->at != '\n')
        d->at++;
}

static bool is_name(char c)
{
    char low = c | 0x20;
    return (c >= '0' && c <= '9') || (low >= 'a' && low <= 'z') || c == '_' || c == '.';
}

/* Behind the opening quote; `out` has room for all that is left. */
static bool read_quoted(struct dotenv *d, char quote, char *out, size_t *ret_bytes)
{
    static const char from[] = "nrt\"\\$'", to[] = "\n\r\t\"\\$'";
    size_t bytes = 0;
    for (; d->at < d->end && *d->at != quote; d->at++) {
        char c = *d->at;
        d->line += c == '\n';
        if (c == 0)
            return fail(d, "a NUL stands in a value");
        if (c == '\\' && quote == '"' && d->at + 1 < d->end) {
            const char *found = strchr(from, d->at[1]);
            if (found == NULL || *found == 0)
                return fail(d, "unknown escape in a value: there are \\n \\r \\t \\\" \\\\ \\$");
            c = to[found - from];
            d->at++;
        }
        out[bytes++] = c;
    }
    if (d->at == d->end)
        return fail(d, "a quote is not closed");
    d->at++;
    skip_blanks(d);
    if (peek(d) == '\r')
        d->at++;
    if (peek(d) != '\n' && peek(d) != '#')
        return fail(d, "something follows behind a quoted value");
    *ret_bytes = bytes;
    return true;
}

/* Up to the line's end or a comment, without blanks around it. */
static bool read_bare(struct dotenv *d, char *out, size_t *ret_bytes)
{
    size_t bytes = 0;
    for (; peek(d) != '\n'; d->at++) {
        bool was_blank = bytes == 0 || out[bytes - 1] == ' ' || out[bytes - 1] == '\t';
        if (*d->at == 0)
            return fail(d, "a NUL stands in a value");
        if (*d->at == '#' && was_blank)
            break;
        out[bytes++] = *d->at;
    }
    while (bytes > 0 && strchr(" \t\r", out[bytes - 1]) != NULL)
        bytes--;
    *ret_bytes = bytes;
    return true;
}

/* How long the value is at most. */
static size_t measure(const struct dotenv *d, char quote, bool is_quoted)
{
    const char *at = d->at + is_quoted;
    for (; at < d->end && *at != (is_quoted ? quote : '\n'); at++)
        at += *at == '\\' && quote == '"' && at + 1 < d->end;
    return (size_t)(at - d->at);
}

static bool read_line(struct dotenv *d, struct app_pair *pair)
{
    if (d->end - d->at > 7 && (memcmp(d->at, "export ", 7) == 0)) {
        d->at += 7;
        skip_blanks(d);
    }
    const char *name = d->at;
    while (is_name(peek(d)))
        d->at++;
    size_t name_bytes = (size_t)(d->at - name);
    skip_blanks(d);
    if (name_bytes == 0 || peek(d) != '=')
        return fail(d, "expected NAME=value");
    d->at++;
    skip_blanks(d);
    char quote = peek(d);
    bool is_quoted = quote == '"' || quote == '\'';
    char *value = arena_get(d->arena, measure(d, quote, is_quoted) + 1);
    size_t bytes;
    if (value == NULL)
        return nomem(d);
    d->at += is_quoted;
    if (!(is_quoted ? read_quoted(d, quote, value, &bytes) : read_bare(d, value, &bytes)))
        return false;
    skip_line(d);
    value[bytes] = 0;
    pair->name = arena_copy_string(d->arena, name, name_bytes);
    pair->value = value;
    return pair->name != NULL || nomem(d);
}

enum stint_status dotenv_parse(struct arena *arena, const char *text, size_t bytes,
                               struct app_pairs *ret_pairs, struct stint_error *error)
{
    struct dotenv d = {
        .arena = arena, .at = text, .end = text + bytes, .line = 1, .error = error};
    size_t lines = 1;
    for (size_t i = 0; i < bytes; i++)
        lines += text[i] == '\n';
    struct app_pair *items = arena_get_zeroed(arena, lines, sizeof(*items));
    uint32_t count = 0;
    if (items == NULL) {
        nomem(&d);
        return d.status;
    }
    while (d.at < d.end) {
        skip_blanks(&d);
        if (peek(&d) == '\r')
            d.at++;
        if (d.at < d.end && peek(&d) != '\n' && peek(&d) != '#' && !read_line(&d, &items[count++]))
            return d.status;
        skip_line(&d);
        d.at++;
        d.line++;
    }
    *ret_pairs = (struct app_pairs){.items = items, .count = count};
    return STINT_OK;
}
