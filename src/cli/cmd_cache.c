/* SPDX-License-Identifier: Apache-2.0 */
/* `stint cache`: the machine code that was kept. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "aot/cache.h"
#include "cli/cli.h"

struct cache_options {
#define FLAG(kind, field, ...) flag_##kind field;
#include "cli/cache_flags.def"
#undef FLAG
};

static const struct flag cache_flags[] = {
#define FLAG(kind, field, ...) FLAG_ROW(struct cache_options, kind, field, __VA_ARGS__)
#include "cli/cache_flags.def"
#undef FLAG
};

struct listing {
    bool is_json;
    size_t count;
};

static void show(void *context, const struct cache_row *row)
{
    struct listing *listing = context;
    time_t seconds = (time_t)(row->used_ns / 1000000000);
    struct tm date;
    char used[32] = "";
    if (gmtime_r(&seconds, &date) != NULL)
        strftime(used, sizeof(used), "%Y-%m-%dT%H:%M:%SZ", &date);
    if (listing->is_json)
        printf("%s{\"wasm_sha256\": \"%s\", \"wasm_bytes\": %llu, \"images\": %u, "
               "\"image_bytes\": %llu, \"strict\": %s, \"metered\": %s, \"signed\": %s, "
               "\"used\": \"%s\"}",
               listing->count > 0 ? ", " : "", row->wasm_sha256,
               (unsigned long long)row->wasm_bytes, row->image_count,
               (unsigned long long)row->image_bytes, row->is_strict ? "true" : "false",
               row->is_metered ? "true" : "false", row->is_signed ? "true" : "false", used);
    else
        printf("%.16s…  %s  %8.2f MB of wasm, %8.2f MB of code%s%s\n", row->wasm_sha256, used,
               (double)row->wasm_bytes / 1e6, (double)row->image_bytes / 1e6,
               row->is_strict ? ", strict traps" : "", row->is_signed ? ", signed" : "");
    listing->count++;
}

/* A path may hold any byte but NUL. */
static void print_json_text(const char *text)
{
    putchar('"');
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            printf("\\%c", *text);
        else if ((unsigned char)*text < 0x20)
            printf("\\u%04x", (unsigned char)*text);
        else
            putchar(*text);
    }
    putchar('"');
}

static enum stint_status list(struct cache *cache, bool is_json, struct stint_error *error)
{
    struct listing listing = {.is_json = is_json};
    uint64_t bytes = 0, limit_bytes = 0;
    if (is_json) {
        printf("{\"path\": ");
        print_json_text(cache_path(cache));
        printf(", \"entries\": [");
    }
    enum stint_status status = cache_list(cache, show, &listing, error);
    if (status == STINT_OK)
        status = cache_size(cache, &bytes, &limit_bytes, error);
    if (is_json)
        printf("], \"bytes\": %llu, \"limit_bytes\": %llu}\n", (unsigned long long)bytes,
               (unsigned long long)limit_bytes);
    else if (status == STINT_OK)
        printf("%zu entries, %.2f of %.2f MB in %s\n", listing.count, (double)bytes / 1e6,
               (double)limit_bytes / 1e6, cache_path(cache));
    return status;
}

static enum stint_status clean(struct cache *cache, bool is_json, struct stint_error *error)
{
    uint64_t bytes = 0;
    enum stint_status status = cache_clean(cache, &bytes, error);
    if (status == STINT_OK && is_json)
        printf("{\"removed_bytes\": %llu}\n", (unsigned long long)bytes);
    else if (status == STINT_OK)
        printf("removed %.2f MB\n", (double)bytes / 1e6);
    return status;
}

static int run_action(const struct verb *verb, int count, char **operands,
                      const struct cache_options *options)
{
    const char *action = count > 0 ? operands[0] : "";
    struct stint_error error = {0};
    enum stint_status status = STINT_OK;
    if (count != 1 || (strcmp(action, "ls") != 0 && strcmp(action, "clean") != 0 &&
                       strcmp(action, "path") != 0)) {
        cli_error("'ls', 'clean' or 'path' was expected");
        return cli_try_help(verb);
    }
    struct cache *cache = cache_shared(&error);
    if (cache == NULL)
        status = error.status;
    else if (strcmp(action, "ls") == 0)
        status = list(cache, options->json, &error);
    else if (strcmp(action, "clean") == 0)
        status = clean(cache, options->json, &error);
    else if (options->json) {
        printf("{\"path\": ");
        print_json_text(cache_path(cache));
        printf("}\n");
    } else
        printf("%s\n", cache_path(cache));
    if (status != STINT_OK)
        cli_error("%s", error.message);
    return status == STINT_OK ? CLI_EXIT_OK : CLI_EXIT_FAILED;
}

static int cmd_cache(const struct verb *verb, int argc, char **argv)
{
    struct cache_options options;
    int operands, code;
    memset(&options, 0, sizeof(options));
    if (!cli_read_flags(verb, argc, argv, &options, &operands, &code))
        return code;
    return run_action(verb, argc - operands, argv + operands, &options);
}

const struct verb verb_cache = {
    .name = "cache",
    .synopsis = "ls | clean | path [--json]",
    .summary = "Show or empty the cache of machine code",
    .description =
        "The cache holds machine code that was compiled here, or that a trusted key signed, so that "
        "the next run starts with it. It lies in $XDG_CACHE_HOME/stint, else ~/.cache/stint, and "
        "belongs to this user alone. The environment variable STINT_CACHE_SIZE (as 512M or 4G; 1G "
        "unless set) bounds it: what was unused for longest goes first.",
    .examples = "stint cache ls\n"
                "stint cache clean",
    .flags = cache_flags,
    .flag_count = COUNT_OF(cache_flags),
    .run = cmd_cache,
};
