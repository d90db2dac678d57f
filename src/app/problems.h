/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All that is wrong with a configuration, in the order of the text: it is said at once, not one by one.
 */
#ifndef APP_PROBLEMS_H
#define APP_PROBLEMS_H

#include "base/arena.h"
#include "base/buf.h"

enum { APP_PROBLEMS_MAX = 100 }; /* further ones are only counted */

struct app_problem {
    const char *file;      /* "spin.toml"; NULL: none in particular */
    uint32_t line, column; /* from 1; 0: none in particular */
    bool is_warning;
    const char *text;      /* what, where in the structure, what was expected */
};

struct app_problems {
    struct arena arena;
    struct app_problem *items;
    size_t count, capacity;
    size_t errors, warnings; /* all, also those beyond the limit */
    bool is_out_of_memory;
};

void app_problems_init(struct app_problems *problems, struct alloc *alloc);
void app_problems_free(struct app_problems *problems);
/* `file` must live as long as the problems do. */
void app_problem_add(struct app_problems *problems, bool is_warning, const char *file,
                     uint32_t line, uint32_t column, const char *format, ...) PRINTF_LIKE(6, 7);
/* Sorts them, and appends "spin.toml:12:5: component 'x': unknown key …\n" each; warnings say so. */
bool app_problems_print(struct app_problems *problems, struct buf *text);

#endif
