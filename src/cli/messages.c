/* SPDX-License-Identifier: Apache-2.0 */
/* Messages to the person at the terminal. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

/*
 * A message is built first and written with one call, so that those of several processes on one
 * terminal do not mix; and stdio stays out of programs that print nothing.
 */
static void write_line(const char *prefix, const char *format, va_list args) PRINTF_LIKE(2, 0);

static void write_line(const char *prefix, const char *format, va_list args)
{
    char line[4096 + 300];
    int start = snprintf(line, sizeof(line), "%s", prefix);
    int length = vsnprintf(line + start, sizeof(line) - (size_t)start - 1, format, args);
    if (length < 0)
        return;
    size_t bytes = strlen(line);
    /* Names out of a module are in here too: none of them steers the terminal. */
    for (size_t i = 0; i < bytes; i++) {
        if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
            line[i] = '?';
    }
    line[bytes++] = '\n';
    /* stderr is the last resort: there is nobody to tell when it fails. */
    if (write(STDERR_FILENO, line, bytes) < 0)
        return;
}

void cli_error(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    write_line("stint: ", format, args);
    va_end(args);
}

void cli_hint(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    write_line("  ", format, args);
    va_end(args);
}

/*
 * Validation says where at the end of its message, "… in function #3 ($f)", so that messages begin
 * as the specification words them. People look for the place first.
 */
static const char *find_function(const char *message)
{
    static const char words[] = " in function #";
    const char *end = message + strlen(message), *found = end;
    for (const char *at = message; at < end; at++) {
        if (strncmp(at, words, sizeof(words) - 1) == 0)
            found = at;
    }
    return end[-1] == ')' || (end[-1] >= '0' && end[-1] <= '9') ? found : end;
}

void cli_report(const char *path, const struct stint_error *error)
{
    const char *message = error->message[0] != '\0' ? error->message : "failed without a reason";
    const char *function = find_function(message);
    int bytes = (int)(function - message);
    /* Errors of the file system, and of what was asked for, name what they are about. */
    bool is_complete = path == NULL || error->status == STINT_IO ||
                       error->status == STINT_NOT_FOUND || error->status == STINT_ARGUMENT;
    if (is_complete)
        cli_error("%s", message);
    else if (error->line != 0)
        cli_error("%s:%u:%u: %s", path, error->line, error->column, message);
    else if (error->offset_bytes != STINT_NO_OFFSET)
        cli_error("%s: offset 0x%llx%s: %.*s", path, (unsigned long long)error->offset_bytes,
                  function, bytes, message);
    else
        cli_error("%s:%s%s %.*s", path, function, *function != '\0' ? ":" : "", bytes, message);
}

int cli_try_help(const struct verb *verb)
{
    if (verb != NULL)
        cli_hint("Try 'stint %s --help' for more information.", verb->name);
    else
        cli_hint("Try 'stint --help' for more information.");
    return CLI_EXIT_USAGE;
}
