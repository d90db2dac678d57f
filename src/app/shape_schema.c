/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes as a JSON schema for editors, and as tables for people. */
#include <stdio.h>
#include <string.h>

#include "app/shape.h"

enum { TABLES_MAX = 100 };

struct schema {
    struct buf *text;
    const struct shape *tables[TABLES_MAX]; /* those that are written as definitions */
    size_t table_count;
    unsigned depth;
};

static void put_shape(struct schema *s, const struct shape *shape, const struct shape_key *key);

static void put_line(struct schema *s)
{
    buf_append_byte(s->text, '\n');
    for (unsigned i = 0; i < s->depth; i++)
        buf_append_string(s->text, "  ");
}

static void put_string(struct schema *s, const char *text)
{
    buf_append_byte(s->text, '"');
    for (; *text != 0; text++) {
        if (*text == '"' || *text == '\\')
            buf_append_byte(s->text, '\\');
        buf_append_byte(s->text, (uint8_t)*text);
    }
    buf_append_byte(s->text, '"');
}

static size_t table_number(struct schema *s, const struct shape *shape)
{
    for (size_t i = 0; i < s->table_count; i++) {
        if (s->tables[i] == shape)
            return i;
    }
    if (s->table_count == TABLES_MAX) {
        s->text->failed = true;
        return 0;
    }
    s->tables[s->table_count] = shape;
    return s->table_count++;
}

/* A default that is a JSON value too: TOML's strings, numbers and booleans are. */
static void put_key_facts(struct schema *s, const struct shape_key *key)
{
    if (key == NULL)
        return;
    if (key->doc != NULL) {
        buf_append_string(s->text, ", \"description\": ");
        put_string(s, key->doc);
    }
    if (key->standard != NULL)
        buf_append_format(s->text, ", \"default\": %s", key->standard);
}

static void put_text_shape(struct schema *s, const struct shape *shape)
{
    const char *pattern = shape_format_pattern(shape->format);
    buf_append_string(s->text, "\"type\": \"string\"");
    if (pattern != NULL) {
        /* The patterns are written for this file. */
        buf_append_format(s->text, ", \"pattern\": \"%s\"", pattern);
    }
    if (shape->format != FORMAT_CHOICE)
        return;
    buf_append_string(s->text, ", \"enum\": [");
    for (const char *word = shape->choices;;) {
        size_t bytes = strcspn(word, "|");
        buf_append_format(s->text, "\"%.*s\"", (int)bytes, word);
        if (word[bytes] == 0)
            break;
        buf_append_string(s->text, ", ");
        word += bytes + 1;
    }
    buf_append_byte(s->text, ']');
}

static void put_either(struct schema *s, const struct shape *shape)
{
    buf_append_string(s->text, "\"anyOf\": [");
    for (size_t i = 0; i < COUNT_OF(shape->either) && shape->either[i] != NULL; i++) {
        if (i > 0)
            buf_append_string(s->text, ", ");
        put_shape(s, shape->either[i], NULL);
    }
    buf_append_byte(s->text, ']');
}

static void put_shape(struct schema *s, const struct shape *shape, const struct shape_key *key)
{
    struct buf *text = s->text;
    buf_append_byte(text, '{');
    switch (shape->type) {
    case SHAPE_TEXT:
        put_text_shape(s, shape);
        break;
    case SHAPE_BOOLEAN:
        buf_append_string(text, "\"type\": \"boolean\"");
        break;
    case SHAPE_INTEGER:
    case SHAPE_NUMBER:
        buf_append_format(text, "\"type\": \"%s\", \"minimum\": %.0f, \"maximum\": %.0f",
                          shape->type == SHAPE_INTEGER ? "integer" : "number", shape->min,
                          shape->max);
        break;
    case SHAPE_COUNT:
        buf_append_string(text, "\"anyOf\": [{\"type\": \"integer\", \"minimum\": 0}, "
                                "{\"enum\": [\"unlimited\"]}]");
        break;
    case SHAPE_SIZE:
        buf_append_string(text, "\"anyOf\": [{\"type\": \"integer\", \"minimum\": 0}, {\"type\": "
                                "\"string\", \"pattern\": \"^([0-9]+[KMGTkmgt]?i?B?|unlimited)$\"}]");
        break;
    case SHAPE_DURATION:
        buf_append_string(text, "\"anyOf\": [{\"type\": \"number\", \"minimum\": 0}, {\"type\": "
                                "\"string\", \"pattern\": "
                                "\"^([0-9]+(\\\\.[0-9]+)?(us|ms|s|m|h)?|unlimited)$\"}]");
        break;
    case SHAPE_TABLE:
        /* Nothing may stand beside $ref in draft 7, so it is one of all. */
        buf_append_format(text, "\"allOf\": [{\"$ref\": \"#/definitions/table%zu\"}]",
                          table_number(s, shape));
        break;
    case SHAPE_MAP:
        buf_append_string(text, "\"type\": \"object\", \"additionalProperties\": ");
        put_shape(s, shape->element, NULL);
        break;
    case SHAPE_ARRAY:
        buf_append_string(text, "\"type\": \"array\", \"items\": ");
        put_shape(s, shape->element, NULL);
        break;
    case SHAPE_MANY:
        buf_append_string(text, "\"anyOf\": [");
        put_shape(s, shape->element, NULL);
        buf_append_string(text, ", {\"type\": \"array\", \"items\": ");
        put_shape(s, shape->element, NULL);
        buf_append_string(text, "}]");
        break;
    case SHAPE_EITHER:
        put_either(s, shape);
        break;
    case SHAPE_ANY:
        buf_append_string(text, "\"$comment\": \"anything\"");
        break;
    }
    put_key_facts(s, key);
    buf_append_byte(text, '}');
}

/* The body of a table, behind its opening brace. */
static void put_table(struct schema *s, const struct shape *shape)
{
    bool is_first = true;
    s->depth++;
    put_line(s);
    buf_append_string(s->text, "\"type\": \"object\",");
    put_line(s);
    buf_append_string(s->text, "\"properties\": {");
    s->depth++;
    for (const struct shape_key *key = shape->keys; key->name != NULL; key++) {
        if (key != shape->keys)
            buf_append_byte(s->text, ',');
        put_line(s);
        put_string(s, key->name);
        buf_append_string(s->text, ": ");
        put_shape(s, key->shape, key);
    }
    s->depth--;
    put_line(s);
    buf_append_string(s->text, "},");
    for (const struct shape_key *key = shape->keys; key->name != NULL; key++) {
        if (!key->is_required)
            continue;
        if (is_first)
            put_line(s);
        buf_append_string(s->text, is_first ? "\"required\": [" : ", ");
        put_string(s, key->name);
        is_first = false;
    }
    if (!is_first)
        buf_append_string(s->text, "],");
    put_line(s);
    buf_append_string(s->text, "\"additionalProperties\": ");
    if (shape->element != NULL)
        put_shape(s, shape->element, NULL);
    else
        buf_append_string(s->text, "false");
    s->depth--;
    put_line(s);
}

bool shape_schema(const struct shape *shape, const char *title, struct buf *text)
{
    struct schema s = {.text = text};
    buf_append_string(text, "{\n  \"$schema\": \"http://json-schema.org/draft-07/schema#\",\n"
                            "  \"title\": ");
    put_string(&s, title);
    buf_append_format(text, ",\n  \"$ref\": \"#/definitions/table%zu\",\n  \"definitions\": {",
                      table_number(&s, shape));
    s.depth = 2;
    for (size_t i = 0; i < s.table_count && !text->failed; i++) {
        if (i > 0)
            buf_append_byte(text, ',');
        put_line(&s);
        buf_append_format(text, "\"table%zu\": {", i);
        put_table(&s, s.tables[i]);
        buf_append_byte(text, '}');
    }
    buf_append_string(text, "\n  }\n}\n");
    return !text->failed;
}

/* ---- Reference --------------------------------------------------------------------------- */

/* The table that a shape is, or holds. */
static const struct shape *inner_table(const struct shape *shape, const char **ret_suffix)
{
    *ret_suffix = "";
    if (shape->type == SHAPE_EITHER) {
        for (size_t i = 0; i < COUNT_OF(shape->either) && shape->either[i] != NULL; i++) {
            if (shape->either[i]->type == SHAPE_TABLE)
                return shape->either[i];
        }
    }
    if (shape->type == SHAPE_ARRAY || shape->type == SHAPE_MANY)
        return inner_table(shape->element, ret_suffix);
    if (shape->type == SHAPE_MAP) {
        const struct shape *inner = inner_table(shape->element, ret_suffix);
        *ret_suffix = ".NAME";
        return inner;
    }
    return shape->type == SHAPE_TABLE ? shape : NULL;
}

static void put_cell(struct buf *text, const char *cell)
{
    for (; *cell != 0; cell++) {
        if (*cell == '|')
            buf_append_byte(text, '\\');
        buf_append_byte(text, (uint8_t)*cell);
    }
}

static void put_reference(const struct shape *shape, const char *header, unsigned depth,
                          struct buf *text)
{
    char room[300], below[200];
    const char *suffix;
    buf_append_format(text, "### `[%s]`\n\n| key | value | default | what |\n|---|---|---|---|\n",
                      header);
    for (const struct shape_key *key = shape->keys; key->name != NULL; key++) {
        buf_append_format(text, "| `%s` | ", key->name);
        put_cell(text, shape_expected(key->shape, room, sizeof(room)));
        buf_append_format(text, " | %s%s%s | ", key->standard != NULL ? "`" : "",
                          key->standard != NULL ? key->standard : key->is_required ? "required" : "",
                          key->standard != NULL ? "`" : "");
        put_cell(text, key->doc);
        buf_append_string(text, " |\n");
    }
    buf_append_byte(text, '\n');
    if (depth == 0)
        return;
    for (const struct shape_key *key = shape->keys; key->name != NULL; key++) {
        const struct shape *inner = inner_table(key->shape, &suffix);
        if (inner == NULL)
            continue;
        snprintf(below, sizeof(below), "%s.%s%s", header, key->name, suffix);
        put_reference(inner, below, depth - 1, text);
    }
    if (shape->element != NULL && shape->element->type == SHAPE_TABLE) {
        snprintf(below, sizeof(below), "%s.NAME", header);
        put_reference(shape->element, below, depth - 1, text);
    }
}

bool shape_reference(const struct shape *shape, const char *header, struct buf *text)
{
    put_reference(shape, header, 4, text);
    return !text->failed;
}
