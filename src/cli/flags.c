/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/flags.h"

#include <string.h>

#include "base/buf.h"
#include "cli/cli.h"
#include "stint_config.h"
#include "wasm/op.h"

/* Fields are reached by offset; the .def files pair each kind with its type. */
static void *field_of(const struct flag *flag, void *options)
{
    return (char *)options + flag->offset_bytes;
}

static const struct flag *find_long(const struct verb *verb, const char *name, size_t bytes)
{
    for (size_t i = 0; i < verb->flag_count; i++) {
        const struct flag *flag = &verb->flags[i];
        if (flag->kind != FLAG_SECTION && strncmp(flag->name, name, bytes) == 0 &&
            flag->name[bytes] == '\0')
            return flag;
    }
    return NULL;
}

static const struct flag *find_short(const struct verb *verb, char letter)
{
    for (size_t i = 0; i < verb->flag_count; i++) {
        if (verb->flags[i].kind != FLAG_SECTION && verb->flags[i].letter == letter)
            return &verb->flags[i];
    }
    return NULL;
}

/* Of a flag that others have; NULL for all the rest. */
static const char *find_hint(const struct verb *verb, const char *name, size_t bytes)
{
    if (STINT_DEVICE || verb->hints == NULL)
        return NULL;
    for (const struct flag_hint *hint = verb->hints; hint->name != NULL; hint++) {
        if (strlen(hint->name) == bytes && memcmp(hint->name, name, bytes) == 0)
            return hint->hint;
    }
    return NULL;
}

static enum flags_result unknown_long(const struct verb *verb, const char *name, size_t bytes)
{
    const char *hint = find_hint(verb, name, bytes);
    if (hint != NULL) {
        cli_error("unknown option '--%.*s': %s", (int)bytes, name, hint);
        return FLAGS_WRONG;
    }
    struct nearest nearest = {.wanted = name, .wanted_bytes = bytes};
    nearest_offer(&nearest, "help", 4);
    for (size_t i = 0; i < verb->flag_count; i++) {
        const struct flag *flag = &verb->flags[i];
        if (flag->kind != FLAG_SECTION && !flag_is_hidden(flag))
            nearest_offer(&nearest, flag->name, strlen(flag->name));
    }
    if (nearest.best != NULL)
        cli_error("unknown option '--%.*s'; did you mean '--%s'?", (int)bytes, name, nearest.best);
    else
        cli_error("unknown option '--%.*s'", (int)bytes, name);
    return FLAGS_WRONG;
}

static bool add_to_list(struct text_list *list, const char *value)
{
    if (!vec_reserve(&alloc_root, &list->items, &list->capacity, list->count + 1,
                     sizeof(*list->items)))
        return false;
    list->items[list->count++] = value;
    return true;
}

/* Whether `value` is one of the alternatives "A|B" of the argument. */
static bool is_choice(const struct flag *flag, const char *value)
{
    size_t bytes = strlen(value);
    const char *at = flag->argument + strspn(flag->argument, "[=");
    while (*at != '\0') {
        size_t each = strcspn(at, "|]");
        if (each == bytes && memcmp(at, value, bytes) == 0)
            return true;
        at += each;
        at += strspn(at, "|]");
    }
    return false;
}

static enum flags_result wrong_value(const struct flag *flag, const char *value, const char *wanted)
{
    cli_error("--%s: '%s' is not %s", flag->name, value, wanted);
    return FLAGS_WRONG;
}

static enum flags_result wrong_choice(const struct flag *flag, const char *value)
{
    const char *choices = flag->argument + strspn(flag->argument, "[=");
    cli_error("--%s: '%s' is not one of %.*s", flag->name, value, (int)strcspn(choices, "]"),
              choices);
    return FLAGS_WRONG;
}

static enum flags_result set_features(const struct flag *flag, void *field, const char *value)
{
    const char *unknown;
    if (parse_features(value, field, &unknown))
        return FLAGS_OK;
    size_t bytes = strcspn(unknown, ",");
    size_t skip = bytes > 3 && memcmp(unknown, "no-", 3) == 0 ? 3 : 0;
    struct nearest nearest = {.wanted = unknown + skip,
                              .wanted_bytes = strcspn(unknown + skip, ",=")};
    for (unsigned bit = FEATURE_BIT_MVP + 1; bit < FEATURE_BIT_COUNT; bit++) {
        const char *name = feature_name((enum feature_bit)bit);
        nearest_offer(&nearest, name, strlen(name));
    }
    if (nearest.best != NULL)
        cli_error("-%c: unknown feature '%.*s'; did you mean '%s'?", flag->letter, (int)bytes,
                  unknown, nearest.best);
    else
        cli_error("-%c: unknown feature '%.*s'", flag->letter, (int)bytes, unknown);
    cli_hint("'-%c help' lists them; switch one off with '-%c no-NAME'", flag->letter,
             flag->letter);
    return FLAGS_WRONG;
}

/* Stores what was given. `value` is NULL where the flag takes none or it was left out. */
static enum flags_result set_field(const struct flag *flag, void *options, const char *value)
{
    void *field = field_of(flag, options);
    flag_COUNT *number = field;
    uint64_t parsed;
    switch ((enum flag_kind)flag->kind) {
    case FLAG_SWITCH:
        *(flag_SWITCH *)field = true;
        return FLAGS_OK;
    case FLAG_TEXT:
        *(flag_TEXT *)field = value;
        return FLAGS_OK;
    case FLAG_LIST:
        if (!add_to_list(field, value)) {
            cli_error("out of memory");
            return FLAGS_WRONG;
        }
        return FLAGS_OK;
    case FLAG_CHOICE:
        if (value != NULL && !is_choice(flag, value))
            return wrong_choice(flag, value);
        *(flag_CHOICE *)field = value != NULL ? value : "";
        return FLAGS_OK;
    case FLAG_FEATURES:
        return set_features(flag, field, value);
    case FLAG_COUNT:
        if (!parse_count(value, &parsed))
            return wrong_value(flag, value, "a whole number");
        break;
    case FLAG_SIZE:
        if (!parse_size(value, &parsed))
            return wrong_value(flag, value, "a size such as 65536, 512K, 64M or 1G");
        break;
    case FLAG_DURATION:
        if (!parse_duration(value, &parsed))
            return wrong_value(flag, value, "a duration such as 5, 1.5s, 250ms or 2m");
        break;
    case FLAG_SECTION:
        return FLAGS_WRONG;
    }
    number->value = parsed;
    number->is_given = true;
    return FLAGS_OK;
}

/* Of an argument of two words, as in "--net allow HOST:PORT", the first is only said. */
static bool is_first_word(const struct flag *flag, const char *value)
{
    size_t bytes = strcspn(flag->argument, " ");
    return flag->argument[bytes] == ' ' && strlen(value) == bytes &&
           memcmp(flag->argument, value, bytes) == 0;
}

/* --name, --name=value or --name value at argv[*at]. */
static enum flags_result parse_long(const struct verb *verb, int argc, char **argv, int *at,
                                    void *options)
{
    const char *name = argv[*at] + 2;
    size_t bytes = strcspn(name, "=");
    const char *value = name[bytes] == '=' ? name + bytes + 1 : NULL;
    if (bytes == 4 && memcmp(name, "help", 4) == 0 && value == NULL)
        return FLAGS_HELP;
    const struct flag *flag = find_long(verb, name, bytes);
    if (flag == NULL)
        return unknown_long(verb, name, bytes);
    if (flag->argument == NULL && value != NULL) {
        cli_error("--%s takes no argument", flag->name);
        return FLAGS_WRONG;
    }
    if (flag->argument != NULL && value == NULL && !flag_is_optional(flag)) {
        if (*at + 1 >= argc) {
            cli_error("--%s needs an argument: %s", flag->name, flag->argument);
            return FLAGS_WRONG;
        }
        value = argv[++*at];
        if (!STINT_DEVICE && is_first_word(flag, value)) {
            if (*at + 1 >= argc) {
                cli_error("--%s needs an argument: %s", flag->name, flag->argument);
                return FLAGS_WRONG;
            }
            value = argv[++*at];
        }
    }
    return set_field(flag, options, value);
}

/* -xyz, -xvalue or -x value at argv[*at]. */
static enum flags_result parse_short(const struct verb *verb, int argc, char **argv, int *at,
                                     void *options)
{
    for (const char *letter = argv[*at] + 1; *letter != '\0'; letter++) {
        const struct flag *flag = find_short(verb, *letter);
        if (flag == NULL && *letter == 'h')
            return FLAGS_HELP;
        if (flag == NULL) {
            cli_error("unknown option '-%c'", *letter);
            return FLAGS_WRONG;
        }
        const char *value = NULL;
        bool ends_word = flag->argument != NULL && !flag_is_optional(flag);
        if (ends_word) {
            value = letter + 1;
            if (*value == '\0' && *at + 1 >= argc) {
                cli_error("-%c needs an argument: %s", *letter, flag->argument);
                return FLAGS_WRONG;
            }
            if (*value == '\0')
                value = argv[++*at];
        }
        enum flags_result result = set_field(flag, options, value);
        if (result != FLAGS_OK || ends_word)
            return result;
    }
    return FLAGS_OK;
}

/* Moves argv[from … to) behind argv[to … end), so that operands come after the flags. */
static void rotate(char **argv, int from, int to, int end)
{
    for (; to < end; to++, from++) {
        char *word = argv[to];
        memmove(&argv[from + 1], &argv[from], (size_t)(to - from) * sizeof(*argv));
        argv[from] = word;
    }
}

enum flags_result flags_parse(const struct verb *verb, int argc, char **argv, void *options,
                              int *ret_operands)
{
    /* argv[operands … at) are the operands met so far. */
    int operands = 1, at = 1;
    while (at < argc) {
        const char *word = argv[at];
        int start = at;
        enum flags_result result = FLAGS_OK;
        bool is_last = false;
        if (word[0] != '-' || word[1] == '\0') {
            at++;
            if (verb->stops_at_operand)
                break;
            continue;
        }
        if (word[1] == '-' && word[2] == '\0')
            is_last = true;
        else if (word[1] == '-')
            result = parse_long(verb, argc, argv, &at, options);
        else
            result = parse_short(verb, argc, argv, &at, options);
        if (result != FLAGS_OK)
            return result;
        at++;
        rotate(argv, operands, start, at);
        operands += at - start;
        if (is_last)
            break;
    }
    *ret_operands = operands;
    return FLAGS_OK;
}

void flags_free(const struct verb *verb, void *options)
{
    for (size_t i = 0; i < verb->flag_count; i++) {
        const struct flag *flag = &verb->flags[i];
        if (flag->kind != FLAG_LIST)
            continue;
        struct text_list *list = field_of(flag, options);
        alloc_put(&alloc_root, list->items, list->capacity * sizeof(*list->items));
        memset(list, 0, sizeof(*list));
    }
}
