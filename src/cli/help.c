/* SPDX-License-Identifier: Apache-2.0 */
/* --help, from the tables of verbs and flags. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

enum { HELP_COLUMNS = 80, HELP_INDENT = 26 };

/* Prints `text` wrapped, where the cursor is at `column` already; ends the line. */
static void print_wrapped(const char *text, int column, int indent)
{
    bool is_first = true;
    while (*text != '\0') {
        int bytes = (int)strcspn(text, " ");
        if (!is_first && column + 1 + bytes > HELP_COLUMNS) {
            printf("\n%*s", indent, "");
            column = indent;
            is_first = true;
        }
        printf("%s%.*s", is_first ? "" : " ", bytes, text);
        column += bytes + (is_first ? 0 : 1);
        is_first = false;
        text += bytes;
        text += strspn(text, " ");
    }
    putchar('\n');
}

/* Paragraphs; lines that begin with a blank stay as they are. */
static void print_paragraphs(const char *text)
{
    while (*text != '\0') {
        char line[1024];
        size_t bytes = strcspn(text, "\n");
        snprintf(line, sizeof(line), "%.*s", (int)bytes, text);
        if (line[0] == ' ' || line[0] == '\0')
            printf("%s\n", line);
        else
            print_wrapped(line, 0, 0);
        text += bytes;
        if (*text == '\n')
            text++;
    }
}

static void print_row(const char *left, const char *help)
{
    int width = printf("  %s", left);
    if (width > HELP_INDENT - 2) {
        putchar('\n');
        width = 0;
    }
    printf("%*s", HELP_INDENT - width, "");
    print_wrapped(help, HELP_INDENT, HELP_INDENT);
}

static void print_flag(const struct flag *flag)
{
    char left[128], letter[8];
    snprintf(letter, sizeof(letter), flag->letter != 0 ? "-%c, " : "    ", flag->letter);
    const char *argument = flag->argument != NULL ? flag->argument : "";
    const char *joint = flag->argument == NULL || flag_is_optional(flag) ? "" : " ";
    snprintf(left, sizeof(left), "%s--%s%s%s", letter, flag->name, joint, argument);
    print_row(left, flag->help);
}

static void print_exit_codes(void)
{
    puts("\nExit code:");
#define X(name, code, text)                                                                        \
    printf("  %-5d", code);                                                                        \
    print_wrapped(text, 7, 7);
    CLI_EXIT_MAP(X)
#undef X
    puts("  Any other code is the guest's own.");
}

static void print_program(void)
{
    puts("Usage: stint VERB [options] ...\n\n"
         "Runs WebAssembly at the edge and on devices.\n\nVerbs:");
    for (size_t i = 0; i < verb_count; i++) {
        if (!verbs[i]->is_hidden)
            print_row(verbs[i]->name, verbs[i]->summary);
    }
    puts("\nOptions:");
    print_row("-h, --help", "Show this help and exit.");
    print_row("-V, --version", "Show the version, how it was built and what is in it, and exit.");
    puts("\n'stint VERB --help' shows the options of a verb.");
}

void help_print(const struct verb *verb)
{
    if (verb == NULL) {
        print_program();
        return;
    }
    printf("Usage: stint %s %s\n\n%s.\n", verb->name, verb->synopsis, verb->summary);
    if (verb->description != NULL) {
        putchar('\n');
        print_paragraphs(verb->description);
    }
    bool in_section = false;
    for (size_t i = 0; i < verb->flag_count; i++) {
        const struct flag *flag = &verb->flags[i];
        if (flag->kind == FLAG_SECTION) {
            printf("\n%s:\n", flag->name);
            in_section = true;
            continue;
        }
        if (flag_is_hidden(flag))
            continue;
        if (!in_section)
            puts("\nOptions:");
        in_section = true;
        print_flag(flag);
    }
    if (!in_section)
        puts("\nOptions:");
    print_row("-h, --help", "Show this help and exit.");
    if (verb->has_guest_exit)
        print_exit_codes();
    if (verb->examples != NULL) {
        puts("\nExamples:");
        for (const char *at = verb->examples; *at != '\0';) {
            int bytes = (int)strcspn(at, "\n");
            printf("  %.*s\n", bytes, at);
            at += bytes + (at[bytes] == '\n');
        }
    }
}

bool cli_read_flags(const struct verb *verb, int argc, char **argv, void *options,
                    int *ret_operands, int *ret_code)
{
    switch (flags_parse(verb, argc, argv, options, ret_operands)) {
    case FLAGS_OK:
        return true;
    case FLAGS_HELP:
        help_print(verb);
        *ret_code = CLI_EXIT_OK;
        return false;
    case FLAGS_WRONG:
        break;
    }
    *ret_code = cli_try_help(verb);
    return false;
}
