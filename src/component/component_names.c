/* SPDX-License-Identifier: Apache-2.0 */
#include "component/component_names.h"

#include <string.h>

/* What is left of a name while it is taken apart. */
struct cursor {
    const char *at, *end;
};

static struct cursor cursor_of(struct wasm_name name)
{
    return (struct cursor){name.text, name.text + name.bytes};
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool eat(struct cursor *cursor, const char *word)
{
    size_t bytes = strlen(word);
    if ((size_t)(cursor->end - cursor->at) < bytes || memcmp(cursor->at, word, bytes) != 0)
        return false;
    cursor->at += bytes;
    return true;
}

/* ---- Labels ------------------------------------------------------------------------------ */

/*
 * label: fragments with '-' between them, each in lower case or in upper case, with digits; the first
 * begins with a letter. `words_only`: lower case only, as in namespaces and packages.
 */
static bool eat_label(struct cursor *cursor, bool words_only)
{
    bool is_first = true;
    for (;;) {
        const char *start = cursor->at;
        bool lower = false, upper = false;
        for (; cursor->at < cursor->end; cursor->at++) {
            if (is_lower(*cursor->at))
                lower = true;
            else if (is_upper(*cursor->at))
                upper = true;
            else if (!is_digit(*cursor->at))
                break;
        }
        if (cursor->at == start || (lower && upper) || (upper && words_only) ||
            (is_first && is_digit(*start)))
            return false;
        if (cursor->at == cursor->end || *cursor->at != '-')
            return true;
        cursor->at++;
        is_first = false;
    }
}

bool name_is_label(struct wasm_name name)
{
    struct cursor cursor = cursor_of(name);
    return eat_label(&cursor, false) && cursor.at == cursor.end;
}

/* ---- Names of imports and exports -------------------------------------------------------- */

static const char not_kebab[] = "it is not in kebab case";

/* "a.b" behind "[method]" and "[static]". */
static const char *parse_member(struct cursor cursor, struct extern_name *name)
{
    const char *dot = memchr(cursor.at, '.', (size_t)(cursor.end - cursor.at));
    if (dot == NULL)
        return "a resource's name and '.' are expected before the function's name";
    name->resource = (struct wasm_name){cursor.at, (uint32_t)(dot - cursor.at)};
    name->member = (struct wasm_name){dot + 1, (uint32_t)(cursor.end - dot - 1)};
    return name_is_label(name->resource) && name_is_label(name->member) ? NULL : not_kebab;
}

static const char *parse_interface(struct cursor cursor, struct extern_name *name)
{
    if (!eat_label(&cursor, true) || !eat(&cursor, ":") || !eat_label(&cursor, true))
        return "the namespace or package is not in lower kebab case";
    if (!eat(&cursor, "/"))
        return "'/' is expected after the package name";
    if (!eat_label(&cursor, false))
        return not_kebab;
    if (eat(&cursor, "@"))
        name->version = (struct wasm_name){cursor.at, (uint32_t)(cursor.end - cursor.at)};
    else if (cursor.at != cursor.end)
        return "something follows the interface's name";
    return NULL;
}

const char *extern_name_parse(struct wasm_name name, struct extern_name *ret_name)
{
    struct cursor cursor = cursor_of(name);
    struct extern_name parsed = {.kind = NAME_LABEL};
    const char *problem;
    if (eat(&cursor, "[constructor]")) {
        parsed.kind = NAME_CONSTRUCTOR;
        parsed.resource = (struct wasm_name){cursor.at, (uint32_t)(cursor.end - cursor.at)};
        problem = name_is_label(parsed.resource) ? NULL : not_kebab;
    } else if (eat(&cursor, "[method]")) {
        parsed.kind = NAME_METHOD;
        problem = parse_member(cursor, &parsed);
    } else if (eat(&cursor, "[static]")) {
        parsed.kind = NAME_STATIC;
        problem = parse_member(cursor, &parsed);
    } else if (name.bytes != 0 && memchr(name.text, ':', name.bytes) != NULL) {
        parsed.kind = NAME_INTERFACE;
        problem = parse_interface(cursor, &parsed);
    } else {
        problem = name_is_label(name) ? NULL : not_kebab;
    }
    if (problem == NULL)
        *ret_name = parsed;
    return problem;
}

/* ---- Versions ---------------------------------------------------------------------------- */

/* A number without leading zeros that fits 64 bits, as versions have them. */
static bool eat_number(struct cursor *cursor)
{
    const char *start = cursor->at;
    while (cursor->at < cursor->end && is_digit(*cursor->at))
        cursor->at++;
    size_t digits = (size_t)(cursor->at - start);
    if (digits > 1 && *start == '0')
        return false;
    return digits != 0 && digits < 20;
}

/* Identifiers with '.' between them; of pre-releases, numbers have no leading zeros. */
static bool eat_identifiers(struct cursor *cursor, bool is_prerelease)
{
    for (;;) {
        const char *start = cursor->at;
        bool is_number = true;
        for (; cursor->at < cursor->end; cursor->at++) {
            char c = *cursor->at;
            if (!is_digit(c) && !is_lower(c) && !is_upper(c) && c != '-')
                break;
            is_number &= is_digit(c);
        }
        bool has_zero = is_number && cursor->at - start > 1 && *start == '0';
        if (cursor->at == start || (is_prerelease && has_zero))
            return false;
        if (!eat(cursor, "."))
            return true;
    }
}

bool version_is_valid(struct wasm_name version)
{
    struct cursor cursor = cursor_of(version);
    if (!eat_number(&cursor) || !eat(&cursor, ".") || !eat_number(&cursor) || !eat(&cursor, ".") ||
        !eat_number(&cursor))
        return false;
    if (eat(&cursor, "-") && !eat_identifiers(&cursor, true))
        return false;
    if (eat(&cursor, "+") && !eat_identifiers(&cursor, false))
        return false;
    return cursor.at == cursor.end;
}

bool version_is_canonical(struct wasm_name version)
{
    struct cursor cursor = cursor_of(version);
    if (version.bytes == 5 && memcmp(version.text, "0.0.0", 5) == 0)
        return true;
    if (!eat(&cursor, "0.0."))
        (void)eat(&cursor, "0.");
    return cursor.at < cursor.end && *cursor.at != '0' && eat_number(&cursor) &&
           cursor.at == cursor.end;
}

/* ---- Uniqueness -------------------------------------------------------------------------- */

struct wasm_name name_canonical(struct arena *arena, struct wasm_name name)
{
    struct cursor cursor = cursor_of(name);
    bool is_member = eat(&cursor, "[method]") || eat(&cursor, "[static]");
    size_t bytes = (size_t)(cursor.end - cursor.at);
    char *text = arena_get(arena, bytes + 1);
    if (text == NULL)
        return (struct wasm_name){NULL, 0};
    bool is_version = false;
    for (size_t i = 0; i < bytes; i++) {
        is_version |= cursor.at[i] == '@';
        text[i] =
            is_upper(cursor.at[i]) && !is_version ? (char)(cursor.at[i] - 'A' + 'a') : cursor.at[i];
    }
    /* "[method]a.a" takes the place of "a". */
    const char *dot = is_member ? memchr(text, '.', bytes) : NULL;
    if (dot != NULL && bytes == 2 * (size_t)(dot - text) + 1 &&
        memcmp(text, dot + 1, (size_t)(dot - text)) == 0)
        bytes = (size_t)(dot - text);
    return (struct wasm_name){text, (uint32_t)bytes};
}
