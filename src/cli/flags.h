/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flags of a verb, from one table. The table is a file <verb>_flags.def of rows
 *
 *   SECTION(TITLE)
 *   FLAG(KIND, FIELD, NAME, LETTER, ARGUMENT, COMPLETE, HELP)
 *
 * KIND        one of FLAG_KINDS below; it decides the type of FIELD.
 * NAME        the long name without dashes. LETTER: the short one, or 0.
 * ARGUMENT    as help shows it; "[=A]" for an optional one; NULL for switches.
 * COMPLETE    COMPLETE_…: what a shell offers for the argument.
 * HELP        one or more sentences; a leading "!" hides the flag.
 *
 * from which a verb makes the struct that holds what was given, and the rows:
 *
 *   struct run_options {
 *   #define SECTION(title)
 *   #define FLAG(kind, field, ...) flag_##kind field;
 *   #include "cli/run_flags.def"
 *   };
 *
 *   static const struct flag flags[] = {
 *   #define SECTION(title) FLAG_SECTION_ROW(title)
 *   #define FLAG(kind, field, ...) FLAG_ROW(struct run_options, kind, field, __VA_ARGS__)
 *   #include "cli/run_flags.def"
 *   };
 */
#ifndef CLI_FLAGS_H
#define CLI_FLAGS_H

#include <stddef.h>

#include "base/units.h"

struct verb;

/* One that may be given several times. The items are argv's strings; flags_free frees the array. */
struct text_list {
    const char **items;
    size_t count, capacity;
};

/* Switched proposals (FEATURE_… of wasm/op.h): those to take from, and to add to, the default. */
struct feature_switches {
    uint32_t off, on;
    bool is_help; /* a list was asked for */
};

typedef bool flag_SWITCH;
typedef const char *flag_TEXT;
typedef struct text_list flag_LIST;
typedef struct {
    uint64_t value;
    bool is_given;
} flag_COUNT;
typedef flag_COUNT flag_SIZE;     /* bytes; suffixes K, M, G count in 1024 */
typedef flag_COUNT flag_DURATION; /* nanoseconds; seconds unless ms, s, m or h is said */
typedef const char *flag_CHOICE;  /* of the argument's alternatives; with "[=…]" the first is "" */
typedef struct feature_switches flag_FEATURES;

enum flag_kind {
    FLAG_SECTION, /* a heading: `name` is the title */
    FLAG_SWITCH,
    FLAG_TEXT,
    FLAG_LIST,
    FLAG_COUNT,
    FLAG_SIZE,
    FLAG_DURATION,
    FLAG_CHOICE,
    FLAG_FEATURES,
};

enum flag_complete {
    COMPLETE_NOTHING,
    COMPLETE_FILE,
    COMPLETE_MODULE, /* *.wasm and *.wat first */
    COMPLETE_DIRECTORY,
    COMPLETE_VALUES, /* the alternatives of the argument: "A|B" */
    COMPLETE_FEATURE,
    COMPLETE_VERB,
};

struct flag {
    const char *name;
    const char *argument;
    const char *help;
    uint16_t offset_bytes; /* of the field in the verb's options */
    uint8_t kind;          /* enum flag_kind */
    uint8_t complete;      /* enum flag_complete */
    char letter;
};

#define FLAG_SECTION_ROW(title) {.name = (title), .kind = FLAG_SECTION},
#define FLAG_ROW(options, kind_, field, name_, letter_, argument_, complete_, help_)               \
    {.name = (name_),                                                                              \
     .argument = (argument_),                                                                      \
     .help = (help_),                                                                              \
     .offset_bytes = offsetof(options, field),                                                     \
     .kind = FLAG_##kind_,                                                                         \
     .complete = COMPLETE_##complete_,                                                             \
     .letter = (letter_)},

static inline bool flag_is_hidden(const struct flag *flag)
{
    return flag->kind != FLAG_SECTION && flag->help[0] == '!';
}
/* Whether the argument may be left out; it is then given as --name=argument only. */
static inline bool flag_is_optional(const struct flag *flag)
{
    return flag->argument != NULL && flag->argument[0] == '[';
}

enum flags_result {
    FLAGS_OK,
    FLAGS_HELP,  /* --help was given; nothing else was looked at */
    FLAGS_WRONG, /* said so on stderr */
};

/*
 * Reads the flags of argv[1…] into `options`, which is the verb's struct, zeroed. Operands are
 * moved behind the flags, unless the verb stops at its first one; `ret_operands` is the index of
 * the first. GNU conventions: --name=value, --name value, -xvalue, -x value, -xyz, --.
 */
enum flags_result flags_parse(const struct verb *verb, int argc, char **argv, void *options,
                              int *ret_operands);
/* Frees what flags_parse allocated in `options`, also after it failed. */
void flags_free(const struct verb *verb, void *options);

/*
 * Adds "simd", "no-simd", "simd=y", "simd=n", "all", "none" or "help", or several of them with
 * commas between, to `switches`. False when one is unknown: it goes to `ret_unknown`.
 */
bool parse_features(const char *text, struct feature_switches *switches, const char **ret_unknown);
/* The features that a set of switches leaves on. */
uint32_t features_apply(const struct feature_switches *switches);

#endif
