/* SPDX-License-Identifier: Apache-2.0 */
#include "app/problems.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_BYTES_MAX = 1000 }; /* of one problem */

void app_problems_init(struct app_problems *problems, struct alloc *alloc)
{
    memset(problems, 0, sizeof(*problems));
    arena_init(&problems->arena, alloc);
}

void app_problems_free(struct app_problems *problems)
{
    if (problems->items != NULL)
        alloc_put(problems->arena.alloc, problems->items,
                  problems->capacity * sizeof(*problems->items));
    arena_free(&problems->arena);
    problems->items = NULL;
    problems->count = problems->capacity = 0;
}

void app_problem_add(struct app_problems *problems, bool is_warning, const char *file,
                     uint32_t line, uint32_t column, const char *format, ...)
{
    char text[TEXT_BYTES_MAX];
    va_list args;
    *(is_warning ? &problems->warnings : &problems->errors) += 1;
    if (problems->count == APP_PROBLEMS_MAX)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    /* What a file says is shown to a terminal. */
    for (char *at = text; *at != 0; at++) {
        if ((uint8_t)*at < 0x20 || *at == 0x7f)
            *at = '?';
    }
    char *copy = arena_copy_string(&problems->arena, text, strlen(text));
    if (copy == NULL ||
        !vec_reserve(problems->arena.alloc, &problems->items, &problems->capacity,
                     problems->count + 1, sizeof(*problems->items))) {
        problems->is_out_of_memory = true;
        return;
    }
    problems->items[problems->count++] = (struct app_problem){
        .file = file, .line = line, .column = column, .is_warning = is_warning, .text = copy};
}

/* By place; equal ones, and those of different files, stay in their order: `text` is from one arena,
 * but not in order, so the order is kept by sorting places only. */
static bool is_before(const struct app_problem *a, const struct app_problem *b)
{
    if (a->file == NULL || b->file == NULL || strcmp(a->file, b->file) != 0)
        return false;
    return a->line != b->line ? a->line < b->line : a->column < b->column;
}

bool app_problems_print(struct app_problems *problems, struct buf *text)
{
    for (size_t i = 1; i < problems->count; i++) {
        struct app_problem moved = problems->items[i];
        size_t at = i;
        for (; at > 0 && is_before(&moved, &problems->items[at - 1]); at--)
            problems->items[at] = problems->items[at - 1];
        problems->items[at] = moved;
    }
    for (size_t i = 0; i < problems->count; i++) {
        const struct app_problem *problem = &problems->items[i];
        if (problem->file != NULL)
            buf_append_format(text, "%s:", problem->file);
        if (problem->file != NULL && problem->line != 0)
            buf_append_format(text, "%u:%u:", problem->line, problem->column);
        buf_append_format(text, "%s%s%s\n", problem->file != NULL ? " " : "",
                          problem->is_warning ? "warning: " : "", problem->text);
    }
    size_t hidden = problems->errors + problems->warnings - problems->count;
    if (hidden > 0)
        buf_append_format(text, "… and %zu more\n", hidden);
    return !text->failed;
}
