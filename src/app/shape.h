/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a TOML file may hold, as data: which keys a table has, and what their values are. One set of
 * shapes serves the reader (shape_check says all that is wrong), the schema for editors
 * (shape_schema) and the reference in docs/manifest.md.
 */
#ifndef APP_SHAPE_H
#define APP_SHAPE_H

#include "app/problems.h"
#include "base/toml.h"

enum shape_type {
    SHAPE_TEXT,     /* a string, of `format` */
    SHAPE_BOOLEAN,
    SHAPE_INTEGER,  /* from min to max */
    SHAPE_NUMBER,   /* likewise, integer or not */
    SHAPE_COUNT,    /* an integer of at least 0; or "unlimited" */
    SHAPE_SIZE,     /* "64M", or bytes; or "unlimited" */
    SHAPE_DURATION, /* "250ms", or seconds; or "unlimited" */
    SHAPE_TABLE,    /* of `keys`; others are errors, unless `element` says what they are */
    SHAPE_MAP,      /* a table of any keys, of key_format; values are of `element` */
    SHAPE_ARRAY,    /* of `element` */
    SHAPE_MANY,     /* of `element`; one may stand without an array around it */
    SHAPE_EITHER,   /* what fits the kind of value: one of `either` */
    SHAPE_ANY,      /* not looked into */
};

/* name, what is expected, a pattern for editors or NULL. One row a format of strings. */
#define SHAPE_FORMATS(X)                                                                           \
    X(ANY, "a string", NULL)                                                                       \
    X(NAME, "a string that is not empty", "^.+$")                                                  \
    X(KEBAB, "words of letters and digits with \"-\" between them, such as \"my-part\"",           \
      "^[a-zA-Z][a-zA-Z0-9]*(-[a-zA-Z][a-zA-Z0-9]*)*$")                                            \
    X(SNAKE, "lower-case words with \"_\" between them, such as \"api_key\"",                      \
      "^[a-z][a-z0-9]*(_[a-z0-9]+)*$")                                                             \
    X(LABEL, "words with \"-\" or \"_\" between them, such as \"default\"",                        \
      "^[a-zA-Z][a-zA-Z0-9]*([_-][a-zA-Z][a-zA-Z0-9]*)*$")                                         \
    X(DIGEST, "\"sha256:\" and 64 hexadecimal digits", "^sha256:[0-9a-fA-F]{64}$")                 \
    X(URL, "a URL: \"http://\" or \"https://\", a host and a path", "^https?://[^/ ]+.*$")         \
    X(ORIGIN, "a URL without a path, such as \"https://eu.example.com\"", "^https?://[^/ ]+/?$")   \
    X(PATH, "a path that begins with /", "^/")                                                     \
    X(ADDRESS, "an address and a port, such as \"127.0.0.1:3000\" or \"[::1]:3000\"",              \
      "^.+:[0-9]+$")                                                                               \
    X(BLOCK, "an address or a block of addresses, such as \"10.0.0.0/8\" or \"fd00::/8\"",         \
      "^[0-9a-fA-F.:]+(/[0-9]+)?$")                                                                \
    X(BLOCKED, "a block of addresses such as \"10.0.0.0/8\", or \"private\"",                      \
      "^([0-9a-fA-F.:]+(/[0-9]+)?|private)$")                                                      \
    X(COUNTRY, "a country's code of two capital letters, such as \"KR\"", "^[A-Z]{2}$")            \
    X(CONTINENT, "a continent's code: AF, AN, AS, EU, NA, OC or SA", "^(AF|AN|AS|EU|NA|OC|SA)$")   \
    X(HOST, "a host name such as \"example.com\" or \"*.example.com\"",                            \
      "^(\\\\*\\\\.)?[a-zA-Z0-9.-]+$")                                                             \
    X(RATE, "a rate such as \"100/s\" or \"20/m\", or \"unlimited\"",                              \
      "^([0-9]+/(s|m|h)|unlimited)$")                                                              \
    X(FIELD_NAME, "a header's name, such as \"x-frame-options\"", "^[!#$%&'*+.^_`|~0-9a-zA-Z-]+$") \
    X(FIELD_VALUE, "a header's value, without line breaks",                                        \
      "^[^\\\\u0000-\\\\u0008\\\\u000a-\\\\u001f\\\\u007f]*$")                                     \
    X(CHOICE, "one of the alternatives", NULL)

enum shape_format {
#define X(name, expected, pattern) FORMAT_##name,
    SHAPE_FORMATS(X)
#undef X
};

struct shape_key;

struct shape {
    enum shape_type type;
    enum shape_format format;     /* TEXT */
    enum shape_format key_format; /* MAP; TABLE with `element` */
    const struct shape_key *keys; /* TABLE: until a name is NULL */
    const struct shape *element;  /* MAP, ARRAY, MANY; TABLE: of keys that are not listed */
    const struct shape *either[3];
    const char *choices; /* CHOICE: "fresh|instance" */
    const char *noun;    /* MAP, ARRAY: what an element is called in messages: "component" */
    double min, max;     /* INTEGER, NUMBER */
};

struct shape_key {
    const char *name;
    const struct shape *shape;
    bool is_required;
    const char *standard; /* the default, as it would be written; NULL: none */
    const char *doc;      /* one or two sentences */
};

/* The shapes of files; app/shape_*.c. */
extern const struct shape shape_manifest; /* version 2 */
extern const struct shape shape_manifest_1;
extern const struct shape shape_runtime;
extern const struct shape shape_stint_application; /* [application.tool.stint] */
extern const struct shape shape_stint_component;   /* [component.ID.tool.stint] */

/* What is expected of a value: "a string or a table". */
const char *shape_expected(const struct shape *shape, char *room, size_t size);
/* Reports all that is wrong; whether nothing is. */
bool shape_check(const struct shape *shape, const struct toml_value *root, const char *file,
                 struct app_problems *problems);
/* Whether a string has a format; CHOICE by `choices`. It is NUL-terminated. */
bool shape_format_fits(enum shape_format format, const char *text, const char *choices);
const char *shape_format_expected(enum shape_format format);
const char *shape_format_pattern(enum shape_format format);

/* A JSON schema (draft 7) of `shape`, as the file of this title. */
bool shape_schema(const struct shape *shape, const char *title, struct buf *text);
/* Rows of Markdown tables for everything below `shape`, each table under its TOML header. */
bool shape_reference(const struct shape *shape, const char *header, struct buf *text);

#endif
