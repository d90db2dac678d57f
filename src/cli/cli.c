/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <string.h>
#include <sys/stat.h>

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
    process_begin();
    return process_end(dispatch(argc, argv));
}
