/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads TOML files that are named on stdin, one a line, and prints one line of JSON for each: the
 * tagged form of the public suite, or {"error":"line:column: message"}.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/toml.h"

static char file[1 << 20];

static void print_text(const char *text, size_t bytes)
{
    putchar('"');
    for (size_t i = 0; i < bytes; i++) {
        uint8_t c = (uint8_t)text[i];
        if (c < 0x20 || c == '"' || c == '\\' || c == 0x7f)
            printf("\\u%04x", c);
        else
            putchar(c);
    }
    putchar('"');
}

static void print_value(const struct toml_value *value);

static void print_members(const struct toml_value *value, char open, char close)
{
    putchar(open);
    for (const struct toml_value *member = value->first; member != NULL; member = member->next) {
        if (value->kind == TOML_TABLE) {
            print_text(member->key, member->key_bytes);
            putchar(':');
        }
        print_value(member);
        if (member->next != NULL)
            putchar(',');
    }
    putchar(close);
}

static void print_value(const struct toml_value *value)
{
    static const char *const tags[] = {
        [TOML_STRING] = "string",
        [TOML_INTEGER] = "integer",
        [TOML_FLOAT] = "float",
        [TOML_BOOLEAN] = "bool",
        [TOML_OFFSET_DATETIME] = "datetime",
        [TOML_LOCAL_DATETIME] = "datetime-local",
        [TOML_LOCAL_DATE] = "date-local",
        [TOML_LOCAL_TIME] = "time-local",
    };
    if (value->kind == TOML_TABLE) {
        print_members(value, '{', '}');
        return;
    }
    if (value->kind == TOML_ARRAY) {
        print_members(value, '[', ']');
        return;
    }
    printf("{\"type\":\"%s\",\"value\":", tags[value->kind]);
    if (value->kind == TOML_INTEGER)
        printf("\"%" PRId64 "\"", value->integer);
    else if (value->kind == TOML_FLOAT)
        printf("\"%.17g\"", value->real);
    else if (value->kind == TOML_BOOLEAN)
        printf("\"%s\"", value->boolean ? "true" : "false");
    else
        print_text(value->text, value->text_bytes);
    putchar('}');
}

static void read_one(const char *path)
{
    const struct toml_value *root = NULL;
    struct stint_error error = {0};
    struct arena arena;
    FILE *in = fopen(path, "rb");
    if (in == NULL) {
        printf("{\"error\":\"cannot be opened\"}\n");
        return;
    }
    size_t bytes = fread(file, 1, sizeof(file), in);
    fclose(in);
    arena_init(&arena, &alloc_root);
    if (toml_parse(&arena, file, bytes, 100, &root, &error) == STINT_OK) {
        print_value(root);
    } else {
        char text[STINT_ERROR_MESSAGE_BYTES + 40];
        int length = snprintf(text, sizeof(text), "%u:%u: %s", error.line, error.column,
                              error.message);
        printf("{\"error\":");
        print_text(text, (size_t)length);
        putchar('}');
    }
    putchar('\n');
    arena_free(&arena);
}

int main(void)
{
    char path[4096];
    while (fgets(path, sizeof(path), stdin) != NULL) {
        path[strcspn(path, "\n")] = 0;
        read_one(path);
    }
    return 0;
}
