/* SPDX-License-Identifier: Apache-2.0 */
/* `stint key`: whose machine code may run here. */
#include <stdio.h>
#include <string.h>

#include "aot/cache.h"
#include "aot/trust.h"
#include "cli/cli.h"
#include "os/pages.h"

struct key_options {
#define FLAG(kind, field, ...) flag_##kind field;
#include "cli/key_flags.def"
#undef FLAG
};

static const struct flag key_flags[] = {
#define FLAG(kind, field, ...) FLAG_ROW(struct key_options, kind, field, __VA_ARGS__)
#include "cli/key_flags.def"
#undef FLAG
};

enum { KEY_FILE_BYTES = 4096 };

static int report(enum stint_status status, const struct stint_error *error)
{
    if (status == STINT_OK)
        return CLI_EXIT_OK;
    cli_error("%s", error->message);
    return status == STINT_ARGUMENT ? CLI_EXIT_USAGE : CLI_EXIT_FAILED;
}

static int generate(const char *name)
{
    struct stint_error error = {0};
    uint8_t public_key[ARTEFACT_KEY_BYTES];
    char text[TRUST_TEXT_BYTES];
    enum stint_status status = trust_generate(name, public_key, &error);
    if (status == STINT_OK) {
        trust_format_public(public_key, text);
        printf("%s\n", text);
    }
    return report(status, &error);
}

/* A key as it is printed by 'generate', or the file that has it. */
static enum stint_status read_public(const char *given, uint8_t ret_public[ARTEFACT_KEY_BYTES],
                                     struct stint_error *error)
{
    const uint8_t *data;
    size_t bytes;
    if (trust_parse_public(given, strlen(given), ret_public))
        return STINT_OK;
    enum stint_status status = pages_map_file(strcmp(given, "-") == 0 ? "/dev/stdin" : given,
                                              KEY_FILE_BYTES, &data, &bytes, error);
    if (status != STINT_OK)
        return status;
    bool ok = trust_parse_public((const char *)data, bytes, ret_public);
    pages_unmap_file(data, bytes);
    if (ok)
        return STINT_OK;
    return error_set(error, STINT_ARGUMENT, STINT_NO_OFFSET,
                     "'%.120s' is no public key (\"stint-ed25519-public …\")", given);
}

static int trust(const char *name, const char *given)
{
    struct stint_error error = {0};
    uint8_t public_key[ARTEFACT_KEY_BYTES];
    enum stint_status status = read_public(given, public_key, &error);
    if (status == STINT_OK)
        status = trust_add(name, public_key, &error);
    return report(status, &error);
}

/* Code that was trusted by the key goes with it. */
static int remove_key(const char *name)
{
    struct stint_error error = {0}, cache_error = {0};
    uint8_t public_key[ARTEFACT_KEY_BYTES];
    enum stint_status status = trust_remove(name, public_key, &error);
    if (status != STINT_OK)
        return report(status, &error);
    struct cache *cache = cache_shared(&cache_error);
    if (cache != NULL)
        status = cache_forget_signer(cache, public_key, &cache_error);
    else if (cache_error.status != STINT_NOT_FOUND)
        status = cache_error.status;
    if (status != STINT_OK) {
        cli_error("the key is removed, but what it signed may still be in the cache: %s",
                  cache_error.message);
        cli_hint("'stint cache clean' empties it");
    }
    return status == STINT_OK ? CLI_EXIT_OK : CLI_EXIT_FAILED;
}

struct listing {
    bool is_json;
    size_t count;
};

static void show(void *context, const struct trust_key *key, bool has_private)
{
    struct listing *listing = context;
    char text[TRUST_TEXT_BYTES];
    trust_format_public(key->public_key, text);
    if (listing->is_json)
        printf("%s{\"name\": \"%s\", \"public_key\": \"%s\", \"has_private\": %s}",
               listing->count > 0 ? ", " : "", key->name, text, has_private ? "true" : "false");
    else
        printf("%-20s %s%s\n", key->name, text, has_private ? "  (the private key is here)" : "");
    listing->count++;
}

static int list(const struct key_options *options)
{
    struct listing listing = {.is_json = options->json};
    struct stint_error error = {0};
    if (listing.is_json)
        printf("[");
    enum stint_status status = trust_list(show, &listing, &error);
    if (listing.is_json)
        printf("]\n");
    /* No directory: no key was ever trusted. */
    return status == STINT_NOT_FOUND ? CLI_EXIT_OK : report(status, &error);
}

static int run_action(const struct verb *verb, int count, char **operands,
                      const struct key_options *options)
{
    const char *action = count > 0 ? operands[0] : "";
    if (strcmp(action, "generate") == 0 && count == 2)
        return generate(operands[1]);
    if (strcmp(action, "trust") == 0 && count == 3)
        return trust(operands[1], operands[2]);
    if (strcmp(action, "list") == 0 && count == 1)
        return list(options);
    if (strcmp(action, "remove") == 0 && count == 2)
        return remove_key(operands[1]);
    cli_error("'generate NAME', 'trust NAME KEY', 'list' or 'remove NAME' was expected");
    return cli_try_help(verb);
}

static int cmd_key(const struct verb *verb, int argc, char **argv)
{
    struct key_options options;
    int operands, code;
    memset(&options, 0, sizeof(options));
    if (!cli_read_flags(verb, argc, argv, &options, &operands, &code))
        return code;
    return run_action(verb, argc - operands, argv + operands, &options);
}

const struct verb verb_key = {
    .name = "key",
    .synopsis = "generate NAME | trust NAME KEY | list | remove NAME",
    .summary = "Say whose machine code may run here",
    .description =
        "Machine code cannot be checked for what it does, so it runs only when it was compiled by "
        "this user or signed by a key that this user trusts.\n\n"
        "generate makes a key pair, trusts it and prints the public key; trust adds a public key, "
        "given as printed by generate or as a file that holds it; remove trusts a key no longer, "
        "and drops from the cache what it signed. Keys lie in $XDG_CONFIG_HOME/stint, else "
        "~/.config/stint.",
    .examples = "stint key generate release\n"
                "stint key trust vendor vendor.pub\n"
                "stint key list",
    .flags = key_flags,
    .flag_count = COUNT_OF(key_flags),
    .complete = COMPLETE_FILE,
    .run = cmd_key,
};
