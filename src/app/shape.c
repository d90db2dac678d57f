/* SPDX-License-Identifier: Apache-2.0 */
#include "app/shape.h"

#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "base/units.h"

enum { WHERE_BYTES_MAX = 240 };

struct walk {
    const char *file;
    struct app_problems *problems;
    /* Where the walk is: "component 'x': limits." */
    char where[WHERE_BYTES_MAX];
    size_t where_bytes;
};

static void check_value(struct walk *w, const struct shape *shape, const struct toml_value *value);

/* ---- What is said ------------------------------------------------------------------------ */

static const char *choice_list(const char *choices, char *room, size_t size)
{
    size_t at = 0;
    for (const char *word = choices; at + 1 < size;) {
        size_t bytes = strcspn(word, "|");
        const char *before = word == choices ? "" : word[bytes] == 0 ? " or " : ", ";
        int length = snprintf(room + at, size - at, "%s\"%.*s\"", before, (int)bytes, word);
        at += length < 0 ? 0 : (size_t)length;
        if (word[bytes] == 0)
            break;
        word += bytes + 1;
    }
    return room;
}

const char *shape_expected(const struct shape *shape, char *room, size_t size)
{
    char first[100], second[100];
    switch (shape->type) {
    case SHAPE_TEXT:
        return shape->format == FORMAT_CHOICE ? choice_list(shape->choices, room, size)
                                              : shape_format_expected(shape->format);
    case SHAPE_BOOLEAN:
        return "true or false";
    case SHAPE_INTEGER:
        snprintf(room, size, "an integer from %.0f to %.0f", shape->min, shape->max);
        return room;
    case SHAPE_NUMBER:
        snprintf(room, size, "a number from %g to %g", shape->min, shape->max);
        return room;
    case SHAPE_COUNT:
        return "an integer of at least 0, or \"unlimited\"";
    case SHAPE_SIZE:
        return "a size such as \"64M\", in bytes, K, M or G";
    case SHAPE_DURATION:
        return "a duration such as \"250ms\", \"30s\" or \"2m\"";
    case SHAPE_TABLE:
    case SHAPE_MAP:
        return "a table";
    case SHAPE_ARRAY:
        return "an array";
    case SHAPE_MANY:
        snprintf(room, size, "%s, or an array of those",
                 shape_expected(shape->element, first, sizeof(first)));
        return room;
    case SHAPE_EITHER:
        snprintf(room, size, "%s or %s", shape_expected(shape->either[0], first, sizeof(first)),
                 shape_expected(shape->either[1], second, sizeof(second)));
        return room;
    case SHAPE_ANY:
        break;
    }
    return "anything";
}

static void found_wrong(struct walk *w, const struct shape *shape, const struct toml_value *value)
{
    char room[240];
    const char *separator = w->where_bytes == 0 ? "" : ": ";
    size_t bytes = w->where_bytes;
    if (bytes >= 2 && w->where[bytes - 1] == ' ')
        separator = ""; /* "component 'x': " has one of its own */
    const char *expected = shape_expected(shape, room, sizeof(room));
    if (value->kind == TOML_STRING)
        app_problem_add(w->problems, false, w->file, value->line, value->column,
                        "%.*s%sexpected %s, found \"%.100s\"", (int)bytes, w->where, separator,
                        expected, value->text);
    else if (value->kind == TOML_INTEGER)
        app_problem_add(w->problems, false, w->file, value->line, value->column,
                        "%.*s%sexpected %s, found %lld", (int)bytes, w->where, separator, expected,
                        (long long)value->integer);
    else
        app_problem_add(w->problems, false, w->file, value->line, value->column,
                        "%.*s%sexpected %s, found %s", (int)bytes, w->where, separator, expected,
                        toml_kind_text(value->kind));
}

static void PRINTF_LIKE(2, 3) add_where(struct walk *w, const char *format, ...)
{
    size_t room = sizeof(w->where) - w->where_bytes;
    va_list args;
    va_start(args, format);
    int length = vsnprintf(w->where + w->where_bytes, room, format, args);
    va_end(args);
    if (length > 0)
        w->where_bytes += (size_t)length < room ? (size_t)length : room - 1;
}

/* "key", or ".key" behind another. */
static size_t enter_key(struct walk *w, const char *key)
{
    size_t before = w->where_bytes;
    bool is_first = before == 0 || w->where[before - 1] == ' ';
    add_where(w, "%s%s", is_first ? "" : ".", key);
    return before;
}

/* What has a noun of its own is known by that, and by whose it is: "component 'x': ". */
static void PRINTF_LIKE(2, 3) enter_noun(struct walk *w, const char *format, ...)
{
    char text[WHERE_BYTES_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    while (w->where_bytes > 0 && w->where[w->where_bytes - 1] != ' ')
        w->where_bytes--;
    add_where(w, "%s", text);
}

/* ---- Single values ----------------------------------------------------------------------- */

static bool text_fits(const struct shape *shape, const struct toml_value *value)
{
    if (value->kind != TOML_STRING || memchr(value->text, 0, value->text_bytes) != NULL)
        return false;
    return shape_format_fits(shape->format, value->text, shape->choices);
}

static bool number_fits(const struct shape *shape, const struct toml_value *value)
{
    double number = value->kind == TOML_INTEGER ? (double)value->integer : value->real;
    if (value->kind != TOML_INTEGER && (value->kind != TOML_FLOAT || shape->type == SHAPE_INTEGER))
        return false;
    return number >= shape->min && number <= shape->max;
}

static bool scalar_fits(const struct shape *shape, const struct toml_value *value)
{
    uint64_t number;
    switch (shape->type) {
    case SHAPE_TEXT:
        return text_fits(shape, value);
    case SHAPE_BOOLEAN:
        return value->kind == TOML_BOOLEAN;
    case SHAPE_INTEGER:
    case SHAPE_NUMBER:
        return number_fits(shape, value);
    case SHAPE_COUNT:
    case SHAPE_SIZE:
    case SHAPE_DURATION:
        if (value->kind == TOML_INTEGER)
            return value->integer >= 0 &&
                   (shape->type != SHAPE_DURATION || value->integer <= 1000000000);
        if (value->kind == TOML_FLOAT)
            return shape->type == SHAPE_DURATION && value->real >= 0 && value->real <= 1e9;
        if (value->kind != TOML_STRING || memchr(value->text, 0, value->text_bytes) != NULL)
            return false;
        if (strcmp(value->text, "unlimited") == 0)
            return true;
        if (shape->type == SHAPE_COUNT)
            return false;
        return (shape->type == SHAPE_SIZE ? parse_size : parse_duration)(value->text, &number);
    default:
        return true;
    }
}

/* ---- Tables ------------------------------------------------------------------------------ */

static const struct shape_key *find_key(const struct shape *shape, const struct toml_value *member)
{
    for (const struct shape_key *key = shape->keys; key->name != NULL; key++) {
        if (strlen(key->name) == member->key_bytes &&
            memcmp(key->name, member->key, member->key_bytes) == 0)
            return key;
    }
    return NULL;
}

static const char *nearest_key(const struct shape *shape, const struct toml_value *member)
{
    struct nearest nearest = {.wanted = member->key, .wanted_bytes = member->key_bytes};
    for (const struct shape_key *key = shape->keys; key->name != NULL; key++)
        nearest_offer(&nearest, key->name, strlen(key->name));
    return nearest.best;
}

/* Whether a key that is not listed stands for an `element`. */
static bool is_element(const struct shape *shape, const struct toml_value *member)
{
    return shape->element != NULL &&
           (shape->element->type != SHAPE_TABLE || member->kind == TOML_TABLE);
}

/* Whether a key that is not there is named by the message about another one. */
static bool is_misspelt(const struct shape *shape, const struct toml_value *table,
                        const struct shape_key *wanted)
{
    for (const struct toml_value *member = table->first; member != NULL; member = member->next) {
        if (find_key(shape, member) == NULL && !is_element(shape, member) &&
            nearest_key(shape, member) == wanted->name)
            return true;
    }
    return false;
}

static void unknown_key(struct walk *w, const struct shape *shape, const struct toml_value *member)
{
    size_t bytes = w->where_bytes;
    bool has_own = bytes == 0 || w->where[bytes - 1] == ' ';
    const char *nearest = nearest_key(shape, member);
    if (nearest != NULL) {
        app_problem_add(w->problems, false, w->file, member->key_line, member->key_column,
                        "%.*s%sunknown key '%.80s' (nearest: '%s')", (int)bytes, w->where,
                        has_own ? "" : ": ", member->key, nearest);
        return;
    }
    char list[400];
    size_t at = 0;
    list[0] = 0;
    for (const struct shape_key *key = shape->keys; key->name != NULL && at < sizeof(list); key++) {
        int length = snprintf(list + at, sizeof(list) - at, "%s%s", at == 0 ? "" : ", ", key->name);
        at += length < 0 ? 0 : (size_t)length;
    }
    app_problem_add(w->problems, false, w->file, member->key_line, member->key_column,
                    "%.*s%sunknown key '%.80s'; expected one of: %s", (int)bytes, w->where,
                    has_own ? "" : ": ", member->key, list);
}

/* One member of a map: its key has a format of its own. */
static void check_member(struct walk *w, const struct shape *shape,
                         const struct toml_value *member)
{
    size_t before = w->where_bytes;
    if (memchr(member->key, 0, member->key_bytes) != NULL ||
        !shape_format_fits(shape->key_format, member->key, NULL)) {
        bool has_own = before == 0 || w->where[before - 1] == ' ';
        app_problem_add(w->problems, false, w->file, member->key_line, member->key_column,
                        "%.*s%sthe name '%.80s' should be %s", (int)before, w->where,
                        has_own ? "" : ": ", member->key,
                        shape_format_expected(shape->key_format));
    }
    struct walk own = *w; /* a noun is written over what was there */
    if (shape->noun != NULL)
        enter_noun(&own, "%s '%.60s': ", shape->noun, member->key);
    else
        enter_key(&own, member->key);
    check_value(&own, shape->element, member);
}

static void check_table(struct walk *w, const struct shape *shape, const struct toml_value *table)
{
    for (const struct toml_value *member = table->first; member != NULL; member = member->next) {
        const struct shape_key *key = find_key(shape, member);
        if (key != NULL) {
            size_t before = enter_key(w, key->name);
            /* A map whose members are named by a noun needs not be named itself. */
            if (key->shape->noun != NULL && key->shape->type != SHAPE_TABLE)
                w->where_bytes = before;
            check_value(w, key->shape, member);
            w->where_bytes = before;
        } else if (is_element(shape, member)) {
            check_member(w, shape, member);
        } else {
            unknown_key(w, shape, member);
        }
    }
    for (const struct shape_key *key = shape->keys; key->name != NULL; key++) {
        if (!key->is_required || toml_member(table, key->name) != NULL ||
            is_misspelt(shape, table, key))
            continue;
        bool has_own = w->where_bytes == 0 || w->where[w->where_bytes - 1] == ' ';
        app_problem_add(w->problems, false, w->file, table->line, table->column,
                        "%.*s%sthe key '%s' is missing", (int)w->where_bytes, w->where,
                        has_own ? "" : ": ", key->name);
    }
}

static void check_elements(struct walk *w, const struct shape *shape,
                           const struct toml_value *array)
{
    uint32_t number = 0;
    for (const struct toml_value *value = array->first; value != NULL; value = value->next) {
        struct walk own = *w;
        number++;
        if (shape->noun != NULL)
            enter_noun(&own, "%s %u: ", shape->noun, number);
        check_value(&own, shape->element, value);
    }
}

/* Of several shapes the one that the kind of value is for. */
static const struct shape *pick_either(const struct shape *shape, const struct toml_value *value)
{
    for (size_t i = 0; i < COUNT_OF(shape->either) && shape->either[i] != NULL; i++) {
        enum shape_type type = shape->either[i]->type;
        bool is_table = type == SHAPE_TABLE || type == SHAPE_MAP;
        bool is_array = type == SHAPE_ARRAY || type == SHAPE_MANY;
        if (is_table == (value->kind == TOML_TABLE) && is_array == (value->kind == TOML_ARRAY) &&
            (type == SHAPE_BOOLEAN) == (value->kind == TOML_BOOLEAN) &&
            (type != SHAPE_TEXT || value->kind == TOML_STRING))
            return shape->either[i];
    }
    return NULL;
}

static void check_value(struct walk *w, const struct shape *shape, const struct toml_value *value)
{
    const struct shape *picked;
    switch (shape->type) {
    case SHAPE_ANY:
        break;
    case SHAPE_TABLE:
        if (value->kind == TOML_TABLE)
            check_table(w, shape, value);
        else
            found_wrong(w, shape, value);
        break;
    case SHAPE_MAP:
        if (value->kind != TOML_TABLE) {
            found_wrong(w, shape, value);
            break;
        }
        for (const struct toml_value *member = value->first; member != NULL; member = member->next)
            check_member(w, shape, member);
        break;
    case SHAPE_ARRAY:
    case SHAPE_MANY:
        if (value->kind == TOML_ARRAY)
            check_elements(w, shape, value);
        else if (shape->type == SHAPE_MANY)
            check_value(w, shape->element, value);
        else
            found_wrong(w, shape, value);
        break;
    case SHAPE_EITHER:
        picked = pick_either(shape, value);
        if (picked != NULL)
            check_value(w, picked, value);
        else
            found_wrong(w, shape, value);
        break;
    default:
        if (!scalar_fits(shape, value))
            found_wrong(w, shape, value);
        break;
    }
}

bool shape_check(const struct shape *shape, const struct toml_value *root, const char *file,
                 struct app_problems *problems)
{
    struct walk w = {.file = file, .problems = problems};
    size_t before = problems->errors;
    check_value(&w, shape, root);
    return problems->errors == before;
}
