/* SPDX-License-Identifier: Apache-2.0 */
/* `stint up`: the server is a plug-in (edge/edge.h). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/app_describe.h"
#include "cli/app_file.h"
#include "cli/cli.h"
#include "edge/edge.h"
#include "os/plugin.h"

struct up_options {
#define SECTION(title)
#define FLAG(kind, field, ...) flag_##kind field;
#include "cli/up_flags.def"
#undef SECTION
#undef FLAG
};

static const struct flag up_flags[] = {
#define SECTION(title) FLAG_SECTION_ROW(title)
#define FLAG(kind, field, ...) FLAG_ROW(struct up_options, kind, field, __VA_ARGS__)
#include "cli/up_flags.def"
#undef SECTION
#undef FLAG
};

/* Flags of `spin up`, for those who come from there. */
static const struct flag_hint up_hints[] = {
    {"from", "it is -f or --file, or no option at all"},
    {"from-file", "it is -f or --file, or no option at all"},
    {"from-registry", "applications come from files; components may come from a 'url'"},
    {"build", "'stint build' builds, 'stint watch' builds and serves"},
    {"state-dir", "'state_dir' of [application.tool.stint], or of the runtime configuration"},
    {"key-value", "what is in a store is the application's; other stores are defined in "
                  "--runtime-config-file"},
    {"sqlite", "'sqlite3 .stint/sqlite_db.db' runs statements; other databases are defined in "
               "--runtime-config-file"},
    {"temp", "files of components are in 'files' of the state folder"},
    {"allow-transient-write", "files of components are for reading only"},
    {"direct-mounts", "whole folders are seen as they are; see 'Files' in docs/edge.md"},
    {"log-dir", "'guests' of [application.tool.stint.log] is a file for what guests print"},
    {"follow", "what guests print goes to stderr, all of it"},
    {"component-id", "all components of the manifest are served"},
    {"disable-cache", "it is --no-cache"},
    {"find-free-port", "--listen 127.0.0.1:0 does, and the address is printed"},
    {NULL, NULL},
};

/* NULL: it is not there, or another one's. */
static const struct edge_api *load_server(struct stint_error *error)
{
    void *symbol;
    if (plugin_load(EDGE_PLUGIN, EDGE_SYMBOL, &symbol, error) != STINT_OK)
        return NULL;
    const struct edge_api *api = symbol;
    if (api->version == EDGE_VERSION)
        return api;
    (void)error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                    EDGE_PLUGIN " belongs to another version");
    return NULL;
}

static bool are_pairs(const struct text_list *list, const char *flag)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strchr(list->items[i], '=') == NULL) {
            cli_error("--%s '%s' is not NAME=VALUE", flag, list->items[i]);
            return false;
        }
    }
    return true;
}

static int run_server(const struct edge_api *api, const struct up_options *options,
                      const char *path)
{
    const char *no_cache = getenv("STINT_NO_CACHE");
    const struct edge_options edge = {
        .path = path,
        .listen = options->listen.items,
        .listen_count = options->listen.count,
        .tls_cert = options->tls_cert,
        .tls_key = options->tls_key,
        .runtime_config = options->runtime_config,
        .profile = options->profile,
        .region = options->region != NULL ? options->region : getenv("STINT_REGION"),
        .variables = options->variables.items,
        .variable_count = options->variables.count,
        .env = options->env.items,
        .env_count = options->env.count,
        .trust = options->trust_proxy.items,
        .trust_count = options->trust_proxy.count,
        .geo = options->geo.items,
        .geo_count = options->geo.count,
        .metrics = options->metrics,
        .admin = options->admin,
        .admin_token_file = options->admin_token_file,
        .workers = options->workers.is_given ? (uint32_t)options->workers.value : 0,
        .drain_ns = options->drain.value,
        .tier = options->tier,
        .user = options->user,
        .fence = options->fence,
        .control = options->control,
        .replace = options->replace,
        .check = options->check,
        .log_level = options->log_level,
        .access_log = options->access_log,
        .quiet = options->quiet,
        .no_cache = options->no_cache || (no_cache != NULL && strcmp(no_cache, "1") == 0),
    };
    return api->up(&edge);
}

static int serve(const struct up_options *options, const char *path)
{
    struct stint_error error = {0};
    const struct edge_api *api = load_server(&error);
    if (api != NULL)
        return run_server(api, options, path);
    cli_error("%s", error.message);
    return CLI_EXIT_FAILED;
}

/* What the manifest says, for people; then the server looks at the files that it names. */
static int check(const struct up_options *options, const char *path)
{
    struct stint_error error = {0};
    const struct edge_api *api = load_server(&error);
    struct app_file_options how = {.path = path,
                                   .runtime_config = options->runtime_config,
                                   .profile = options->profile,
                                   .region = options->region,
                                   .variables = &options->variables,
                                   .is_quiet = api != NULL}; /* it warns */
    struct app_problems problems;
    struct app *app = NULL;
    struct buf text;
    buf_init(&text, &alloc_root, SIZE_MAX);
    app_problems_init(&problems, &alloc_root);
    enum stint_status status = app_file_read(&how, &app, &problems);
    if (status == STINT_OK && app_describe(app, NULL, &text))
        (void)fwrite(text.data, 1, text.bytes, stdout);
    bool is_written = fflush(stdout) == 0;
    if (!is_written)
        cli_error("cannot write to stdout: %s", strerror(errno));
    buf_free(&text);
    app_free(app);
    app_problems_free(&problems);
    if (status != STINT_OK)
        return CLI_EXIT_FAILED;
    int code = CLI_EXIT_OK;
    if (api != NULL)
        code = run_server(api, options, path);
    else
        cli_hint("Components and certificates were not looked at: %s", error.message);
    return is_written ? code : CLI_EXIT_FAILED;
}

static int cmd_up(const struct verb *verb, int argc, char **argv)
{
    struct up_options options;
    int operands, code;
    memset(&options, 0, sizeof(options));
    if (!cli_read_flags(verb, argc, argv, &options, &operands, &code))
        return code;
    const char *path = options.file;
    if ((options.tls_cert != NULL) != (options.tls_key != NULL)) {
        cli_error("--tls-cert and --tls-key go together");
        code = cli_try_help(verb);
    } else if (options.replace && options.control == NULL) {
        cli_error("--replace needs --control SOCKET, as the server was started that it replaces");
        code = cli_try_help(verb);
    } else if (argc - operands > 1 || (argc - operands == 1 && path != NULL)) {
        cli_error("one application at a time");
        code = cli_try_help(verb);
    } else if (!are_pairs(&options.env, "env") || !are_pairs(&options.variables, "variable")) {
        code = cli_try_help(verb);
    } else {
        if (argc - operands == 1)
            path = argv[operands];
        path = path != NULL ? path : ".";
        code = options.check ? check(&options, path) : serve(&options, path);
    }
    flags_free(verb, &options);
    return code;
}

const struct verb verb_up = {
    .name = "up",
    .synopsis = "[options] [FILE]",
    .summary = "Serve an application over HTTP",
    .description =
        "Serves an application until it is interrupted. FILE is its manifest, spin.toml as Spin has "
        "it, the folder that it is in, or a component that handles wasi:http; the working directory "
        "unless said. Each request gets a fresh instance of its component.\n\n"
        "SIGHUP reads the application again, and serves the new one if it is right. SIGTERM and "
        "Ctrl-C let the requests that are on their way end first; a second signal ends "
        "everything at once.\n\n"
        "A server started with --control is replaced without losing a connection by one started with "
        "--replace besides: another program, other options, another application.",
    .examples = "stint up\n"
                "stint up greet.wasm --listen 127.0.0.1:8080\n"
                "stint up -f shop/spin.toml --access-log /var/log/shop.jsonl",
    .flags = up_flags,
    .hints = up_hints,
    .flag_count = COUNT_OF(up_flags),
    .complete = COMPLETE_FILE,
    .run = cmd_up,
};
