/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line: what the verbs share. A verb is one file cmd_<verb>.c that defines
 * `const struct verb verb_<verb>`, and one row in verbs.def. Parsing, --help, man pages and shell
 * completions all come from its table of flags (flags.h).
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "base/nearest.h"
#include "cli/flags.h"

/* Exit codes, as a shell expects them: name, code, meaning. One row a code. */
#define CLI_EXIT_MAP(X)                                                                            \
    X(OK, 0, "Success, or the guest exited with 0.")                                               \
    X(FAILED, 1, "A file could not be read or written, or the module is malformed or invalid.")    \
    X(USAGE, 2, "The command line is wrong.")                                                      \
    X(TIMEOUT, 124, "The guest ran longer than --timeout allows.")                                 \
    X(FUEL, 125, "The guest used up its --fuel.")                                                  \
    X(SIGNAL, 128, "128 + N: the guest or stint was ended by signal N.")                           \
    X(TRAP, 134, "The guest trapped, or threw an exception that nothing caught.")

enum cli_exit {
#define X(name, code, text) CLI_EXIT_##name = code,
    CLI_EXIT_MAP(X)
#undef X
};

/* What to do instead of a flag that another program has. */
struct flag_hint {
    const char *name, *hint;
};

struct verb {
    const char *name;
    const char *synopsis;    /* what follows the verb: "[options] FILE [args...]" */
    const char *summary;     /* one line, no period at the end */
    const char *description; /* paragraphs; lines that begin with a blank are kept as they are */
    const char *examples;    /* one a line; or NULL */
    const struct flag *flags;
    size_t flag_count;
    const struct flag_hint *hints; /* until a name is NULL; or NULL */
    enum flag_complete complete;   /* what the operands are */
    bool is_hidden;
    bool stops_at_operand; /* what follows the first operand is not ours to read */
    bool has_guest_exit;   /* the exit code can be a guest's: help says so */
    /* argv[0] is the verb. Returns the exit code. */
    int (*run)(const struct verb *verb, int argc, char **argv);
};

#define VERB(id) extern const struct verb verb_##id;
#include "cli/verbs.def"
#undef VERB

extern const struct verb *const verbs[];
extern const size_t verb_count;

/* The verb of this name, or NULL. */
const struct verb *verb_find(const char *name);

/* The whole program. */
int cli_main(int argc, char **argv);
/* To be called first by a program: sees to standard files and signals. */
void process_begin(void);
/* To be called last: whether what was printed has arrived is known only now. Returns the exit code,
 * `code` unless that was success and stdout failed. */
int process_end(int code);
/*
 * Ends the process at once, with process_end, where nothing but memory is left to be given back: the
 * kernel takes it all together sooner than we could piece by piece. Returns in builds that look for
 * leaks.
 */
void process_leave(int code);

/*
 * Messages go to stderr, as one line "stint: …". The hint is a second, indented line; it says what
 * to do.
 */
void cli_error(const char *format, ...) PRINTF_LIKE(1, 2);
void cli_hint(const char *format, ...) PRINTF_LIKE(1, 2);
/* "stint: app.wasm: offset 0x1f3 in function #12 ($name): type mismatch: …"; `path` may be NULL. */
void cli_report(const char *path, const struct stint_error *error);
/* Says "Try 'stint run --help' …" and returns CLI_EXIT_USAGE. `verb` may be NULL. */
int cli_try_help(const struct verb *verb);
/*
 * flags_parse for a verb's own use. False: the verb is to end with `*ret_code`, since help was asked
 * for and shown, or a flag was wrong, which has been said.
 */
bool cli_read_flags(const struct verb *verb, int argc, char **argv, void *options,
                    int *ret_operands, int *ret_code);

/* Writes the help of a verb, or of the program with NULL, to stdout. */
void help_print(const struct verb *verb);

#endif
