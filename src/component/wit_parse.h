/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WIT text (component-model WIT.md): packages of interfaces and worlds. What is `@unstable` is left
 * out; the other gates say nothing to us.
 */
#ifndef COMPONENT_WIT_PARSE_H
#define COMPONENT_WIT_PARSE_H

#include "base/status.h"

/*
 * Files of one or more packages, those of the main one first. Files of the same folder number are of
 * one package. They must outlive what is made of them.
 */
struct wit_file {
    const char *path; /* in messages */
    const char *text;
    size_t bytes;
    uint32_t folder;
};
struct wit_source {
    const struct wit_file *files;
    size_t count;
};

enum {
    LIMIT_WIT_FILES = 10000,
    LIMIT_WIT_FILE_BYTES = 16 << 20,
    LIMIT_WIT_NESTING = 100, /* types in types, worlds that include worlds, comments in comments */
};

#endif
