/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WIT text (component-model WIT.md): packages of interfaces and worlds.
 *
 * Feature gates are read and what they guard is taken, `@unstable` apart, which is left out.
 */
#ifndef COMPONENT_WIT_PARSE_H
#define COMPONENT_WIT_PARSE_H

#include "base/status.h"

/* Files of one or more packages, the main one's first. They must outlive what is made of them. */
struct wit_file {
    const char *path; /* in messages */
    const char *text;
    size_t bytes;
    uint32_t folder; /* files of the same folder are of one package */
};
struct wit_source {
    const struct wit_file *files;
    size_t count;
};

enum {
    LIMIT_WIT_FILES = 10000,
    LIMIT_WIT_BYTES = 64 << 20, /* of all files together */
    LIMIT_WIT_NESTING = 100,    /* types in types, worlds that include worlds */
    LIMIT_WIT_ITEMS = 1000000,  /* of a world, after its includes */
};

#endif
