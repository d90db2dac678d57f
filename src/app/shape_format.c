/* SPDX-License-Identifier: Apache-2.0 */
/* The formats of strings. */
#include <string.h>

#include "app/address.h"
#include "app/shape.h"
#include "app/token.h"
#include "base/units.h"

static bool is_letter(char c)
{
    char low = c | 0x20;
    return low >= 'a' && low <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Words with `delimiter` between them, each of letters (in one case) and digits, a letter first. */
static bool fits_words(const char *text, char delimiter, bool is_lower)
{
    for (;;) {
        char first = *text;
        if (!is_letter(first) || (is_lower && !(first & 0x20)))
            return false;
        for (; *text != 0 && *text != delimiter; text++) {
            if (!is_digit(*text) && (!is_letter(*text) || ((*text ^ first) & 0x20) != 0))
                return false;
        }
        if (*text == 0)
            return true;
        text++;
    }
}

/* Names of variables: as Spin has them, words may begin with digits. */
static bool fits_snake(const char *text)
{
    bool was_letter = false;
    if (!is_letter(*text))
        return false;
    for (; *text != 0; text++) {
        if (*text == '_' ? !was_letter : !is_digit(*text) && !(is_letter(*text) && (*text & 0x20)))
            return false;
        was_letter = *text != '_';
    }
    return was_letter;
}

static bool fits_digest(const char *text)
{
    if (strncmp(text, "sha256:", 7) != 0 || strlen(text) != 7 + 64)
        return false;
    for (text += 7; *text != 0; text++) {
        char low = *text | 0x20;
        if (!is_digit(*text) && !(low >= 'a' && low <= 'f'))
            return false;
    }
    return true;
}

static bool fits_url(const char *text, bool is_origin)
{
    size_t scheme = strncmp(text, "http://", 7) == 0 ? 7 : strncmp(text, "https://", 8) == 0 ? 8 : 0;
    size_t host = strcspn(text + scheme, "/?#");
    if (scheme == 0 || host == 0 || strpbrk(text, " \t\r\n@") != NULL)
        return false;
    const char *rest = text + scheme + host;
    return !is_origin || *rest == 0 || strcmp(rest, "/") == 0;
}

static bool fits_host(const char *text)
{
    if (strncmp(text, "*.", 2) == 0)
        text += 2;
    if (*text == 0 || *text == '.' || *text == '-')
        return false;
    for (char before = 0; *text != 0; before = *text++) {
        if (!is_letter(*text) && !is_digit(*text) && *text != '-' && *text != '.')
            return false;
        if (*text == '.' && before == '.')
            return false;
    }
    return true;
}

static bool fits_address(const char *text)
{
    const char *colon = strrchr(text, ':');
    uint64_t port;
    return colon != NULL && colon != text && parse_count(colon + 1, &port) && port <= UINT16_MAX;
}

static bool fits_rate(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    return strcmp(text, "unlimited") == 0 ||
           (digits > 0 && digits < 10 && text[digits] == '/' && text[digits + 1] != 0 &&
            strchr("smh", text[digits + 1]) != NULL && text[digits + 2] == 0);
}

static bool fits_field_name(const char *text)
{
    return *text != 0 && text[strspn(text, TOKEN_CHARACTERS)] == 0;
}

static bool fits_field_value(const char *text)
{
    while ((uint8_t)*text >= ' ' ? *text != 0x7f : *text == '\t')
        text++;
    return *text == 0;
}

static bool fits_choice(const char *text, const char *choices)
{
    size_t bytes = strlen(text);
    for (const char *word = choices;;) {
        size_t length = strcspn(word, "|");
        if (length == bytes && memcmp(word, text, bytes) == 0)
            return true;
        if (word[length] == 0)
            return false;
        word += length + 1;
    }
}

bool shape_format_fits(enum shape_format format, const char *text, const char *choices)
{
    struct app_block block;
    switch (format) {
    case FORMAT_ANY:
        return true;
    case FORMAT_NAME:
        return *text != 0;
    case FORMAT_KEBAB:
        return fits_words(text, '-', false);
    case FORMAT_SNAKE:
        return fits_snake(text);
    case FORMAT_LABEL:
        return fits_words(text, '-', false) || fits_words(text, '_', false);
    case FORMAT_DIGEST:
        return fits_digest(text);
    case FORMAT_URL:
    case FORMAT_ORIGIN:
        return fits_url(text, format == FORMAT_ORIGIN);
    case FORMAT_PATH:
        return *text == '/';
    case FORMAT_ADDRESS:
        return fits_address(text);
    case FORMAT_BLOCK:
        return address_parse_block(text, &block);
    case FORMAT_BLOCKED:
        return strcmp(text, "private") == 0 || address_parse_block(text, &block);
    case FORMAT_COUNTRY:
        return strlen(text) == 2 && text[0] >= 'A' && text[0] <= 'Z' && text[1] >= 'A' &&
               text[1] <= 'Z';
    case FORMAT_CONTINENT:
        return fits_choice(text, "AF|AN|AS|EU|NA|OC|SA");
    case FORMAT_HOST:
        return fits_host(text);
    case FORMAT_RATE:
        return fits_rate(text);
    case FORMAT_FIELD_NAME:
        return fits_field_name(text);
    case FORMAT_FIELD_VALUE:
        return fits_field_value(text);
    case FORMAT_CHOICE:
        return fits_choice(text, choices);
    }
    return false;
}

const char *shape_format_expected(enum shape_format format)
{
    static const char *const texts[] = {
#define X(name, expected, pattern) expected,
        SHAPE_FORMATS(X)
#undef X
    };
    return texts[format];
}

const char *shape_format_pattern(enum shape_format format)
{
    static const char *const patterns[] = {
#define X(name, expected, pattern) pattern,
        SHAPE_FORMATS(X)
#undef X
    };
    return patterns[format];
}
