/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const struct verb *const verbs[] = {
#define VERB(id) &verb_##id,
#include "cli/verbs.def"
#undef VERB
};
const size_t verb_count = COUNT_OF(verbs);

const struct verb *verb_find(const char *name)
{
    for (size_t i = 0; i < verb_count; i++) {
        if (strcmp(verbs[i]->name, name) == 0)
            return verbs[i];
    }
    return NULL;
}

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

void cli_report(const char *path, const struct stint_error *error)
{
    /* Errors of the file system name the file themselves. */
    bool names_file = path == NULL || error->status == STINT_IO || error->status == STINT_NOT_FOUND;
    const char *message = error->message[0] != '\0' ? error->message : "failed without a reason";
    if (names_file)
        cli_error("%s", message);
    else if (error->line != 0)
        cli_error("%s:%u:%u: %s", path, error->line, error->column, message);
    else if (error->offset_bytes != STINT_NO_OFFSET)
        cli_error("%s: offset 0x%llx%s%s", path, (unsigned long long)error->offset_bytes,
                  strncmp(message, "in ", 3) == 0 ? " " : ": ", message);
    else
        cli_error("%s: %s", path, message);
}

int cli_try_help(const struct verb *verb)
{
    if (verb != NULL)
        cli_hint("Try 'stint %s --help' for more information.", verb->name);
    else
        cli_hint("Try 'stint --help' for more information.");
    return CLI_EXIT_USAGE;
}

/*
 * A program that is started with stdin, stdout or stderr closed would give their numbers to the
 * next files it opens, and then read or write the wrong one. So they are opened the wrong way
 * round: reading or writing them still fails, as it should.
 */
static void hold_standard_files(void)
{
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) == -1 && errno == EBADF &&
            open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd)
            return;
    }
}

static int unknown_verb(const char *name)
{
    struct stat info;
    if (stat(name, &info) == 0 && S_ISREG(info.st_mode)) {
        cli_error("'%s' is a file, not a verb", name);
        cli_hint("To run it: stint run %s", name);
        return cli_try_help(NULL);
    }
    struct nearest nearest = {.wanted = name, .wanted_bytes = strlen(name)};
    for (size_t i = 0; i < verb_count; i++) {
        if (!verbs[i]->is_hidden)
            nearest_offer(&nearest, verbs[i]->name, strlen(verbs[i]->name));
    }
    const char *what = name[0] == '-' ? "option" : "verb";
    if (nearest.best != NULL)
        cli_error("unknown %s '%s'; did you mean '%s'?", what, name, nearest.best);
    else
        cli_error("unknown %s '%s'", what, name);
    return cli_try_help(NULL);
}

static int dispatch(int argc, char **argv)
{
    if (argc < 2) {
        cli_error("what should be done? Give a verb");
        return cli_try_help(NULL);
    }
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        help_print(NULL);
        return CLI_EXIT_OK;
    }
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
        name = "version";
    const struct verb *verb = verb_find(name);
    return verb != NULL ? verb->run(verb, argc - 1, argv + 1) : unknown_verb(name);
}

int cli_main(int argc, char **argv)
{
    hold_standard_files();
    signal(SIGPIPE, SIG_IGN);
    int code = dispatch(argc, argv);
    /* Only now is it known whether what was printed arrived. */
    if ((fflush(stdout) != 0 || ferror(stdout)) && code == CLI_EXIT_OK) {
        cli_error("cannot write to stdout: %s", strerror(errno));
        code = CLI_EXIT_FAILED;
    }
    return code;
}
