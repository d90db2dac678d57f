/* SPDX-License-Identifier: Apache-2.0 */
/* `stint version`, also as --version. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "stint_config.h"
#include "wasm/op.h"

struct version_options {
#define FLAG(kind, field, ...) flag_##kind field;
#include "cli/version_flags.def"
#undef FLAG
};

static const struct flag version_flags[] = {
#define FLAG(kind, field, ...) FLAG_ROW(struct version_options, kind, field, __VA_ARGS__)
#include "cli/version_flags.def"
#undef FLAG
};

/* Parts that a build may leave out (cmake/features.cmake). */
static const struct {
    const char *name;
    bool is_in;
} parts[] = {
    {"simd", STINT_WITH_SIMD},
    {"gc", STINT_WITH_GC},
    {"exceptions", STINT_WITH_EXCEPTIONS},
    {"text", STINT_WITH_TEXT},
};

static void print_text(void)
{
    printf("stint %s\n", STINT_VERSION);
    printf("build:     %s, %s, %s\n", STINT_BUILD_FLAVOUR, STINT_BUILD_COMPILER,
           STINT_BUILD_TARGET);
    printf("engine:    interpreter\n");
    printf("wasi:      preview 1\n");
    printf("parts:    ");
    for (size_t i = 0; i < COUNT_OF(parts); i++)
        printf(" %s%s", parts[i].is_in ? "" : "no-", parts[i].name);
    printf("\nproposals:");
    int column = 10;
    for (unsigned bit = FEATURE_BIT_MVP + 1; bit < FEATURE_BIT_COUNT; bit++) {
        const char *name = feature_name((enum feature_bit)bit);
        if (column + 1 + (int)strlen(name) > 80)
            column = printf("\n%10s", "") - 1;
        column += printf(" %s", name);
    }
    putchar('\n');
}

static void print_json(void)
{
    printf("{\"version\": \"%s\", \"flavour\": \"%s\", \"compiler\": \"%s\", \"target\": \"%s\", "
           "\"engines\": [\"interpreter\"], \"wasi\": [\"preview1\"], \"parts\": {",
           STINT_VERSION, STINT_BUILD_FLAVOUR, STINT_BUILD_COMPILER, STINT_BUILD_TARGET);
    for (size_t i = 0; i < COUNT_OF(parts); i++)
        printf("%s\"%s\": %s", i > 0 ? ", " : "", parts[i].name, parts[i].is_in ? "true" : "false");
    printf("}, \"proposals\": [");
    for (unsigned bit = FEATURE_BIT_MVP + 1; bit < FEATURE_BIT_COUNT; bit++)
        printf("%s\"%s\"", bit > FEATURE_BIT_MVP + 1 ? ", " : "",
               feature_name((enum feature_bit)bit));
    puts("]}");
}

static int cmd_version(const struct verb *verb, int argc, char **argv)
{
    struct version_options options;
    int operands, code;
    memset(&options, 0, sizeof(options));
    if (!cli_read_flags(verb, argc, argv, &options, &operands, &code))
        return code;
    if (operands != argc) {
        cli_error("version takes no operands");
        return cli_try_help(verb);
    }
    if (options.json)
        print_json();
    else
        print_text();
    return CLI_EXIT_OK;
}

const struct verb verb_version = {
    .name = "version",
    .synopsis = "[options]",
    .summary = "Show the version, how it was built and what is in it",
    .flags = version_flags,
    .flag_count = COUNT_OF(version_flags),
    .run = cmd_version,
};
