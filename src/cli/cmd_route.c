/* SPDX-License-Identifier: Apache-2.0 */
/* `stint route`: which component, and which region, a request is for, and why. */
#include <stdio.h>
#include <string.h>

#include "app/address.h"
#include "app/app_describe.h"
#include "app/region_route.h"
#include "app/routes.h"
#include "base/nearest.h"
#include "cli/app_file.h"
#include "cli/cli.h"

struct route_options {
#define FLAG(kind, field, ...) flag_##kind field;
#include "cli/route_flags.def"
#undef FLAG
};

static const struct flag route_flags[] = {
#define FLAG(kind, field, ...) FLAG_ROW(struct route_options, kind, field, __VA_ARGS__)
#include "cli/route_flags.def"
#undef FLAG
};

/* What is to be printed. */
struct answer {
    const struct app *app;
    const char *path;
    const struct app_http *http; /* NULL: no route */
    struct region_decision decision;
    struct buf why;
};

/* ---- Printing ---------------------------------------------------------------------------- */

static void put_json(const char *text, size_t bytes)
{
    putchar('"');
    for (size_t i = 0; i < bytes; i++) {
        uint8_t c = (uint8_t)text[i];
        if (c == '"' || c == '\\')
            putchar('\\');
        if (c < 0x20)
            printf("\\u%04x", c);
        else
            putchar(c);
    }
    putchar('"');
}

static const char *region_name(const struct app *app, uint32_t region)
{
    return region == APP_NONE ? NULL : app->regions.items[region].name;
}

static void put_member(const char *name, const char *text)
{
    printf(",\"%s\":", name);
    if (text == NULL)
        printf("null");
    else
        put_json(text, strlen(text));
}

static void print_json(const struct answer *answer)
{
    const struct app_http *http = answer->http;
    const char *why = (const char *)answer->why.data, *end = why + answer->why.bytes;
    printf("{\"path\":");
    put_json(answer->path, strlen(answer->path));
    put_member("route", http == NULL ? NULL : http->route);
    put_member("trigger", http == NULL ? NULL : http->id);
    put_member("component", http == NULL || http->component == APP_NONE
                                ? NULL
                                : answer->app->components[http->component].id);
    put_member("action", http == NULL ? NULL : region_action_text(answer->decision.action));
    put_member("region", region_name(answer->app, answer->decision.region));
    put_member("home", region_name(answer->app, answer->decision.home));
    printf(",\"why\":[");
    for (const char *line = why; line < end;) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        if (line > why)
            putchar(',');
        put_json(line, (size_t)(stop - line));
        line = stop + 1;
    }
    printf("]}\n");
}

static void print_text(const struct answer *answer)
{
    const struct app_http *http = answer->http;
    if (http == NULL) {
        printf("%s: no route: 404\n", answer->path);
        return;
    }
    printf("%s: route %s, ", answer->path, http->route);
    if (http->component == APP_NONE)
        printf("answered %u by the server\n", http->response == NULL ? 0 : http->response->status);
    else
        printf("component '%s'\n", answer->app->components[http->component].id);
    const char *why = (const char *)answer->why.data, *end = why + answer->why.bytes;
    for (const char *line = why; line < end;) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        printf("  %.*s\n", (int)(stop - line), line);
        line = stop + 1;
    }
}

/* ---- Deciding ---------------------------------------------------------------------------- */

static bool read_down(const struct app *app, const struct text_list *down,
                      bool healthy[APP_REGIONS_MAX])
{
    for (uint32_t i = 0; i < app->regions.count; i++)
        healthy[i] = true;
    for (size_t i = 0; i < down->count; i++) {
        struct nearest nearest = {.wanted = down->items[i],
                                  .wanted_bytes = strlen(down->items[i])};
        bool is_found = false;
        for (uint32_t j = 0; j < app->regions.count; j++) {
            const char *name = app->regions.items[j].name;
            nearest_offer(&nearest, name, strlen(name));
            if (strcmp(name, down->items[i]) == 0) {
                healthy[j] = false;
                is_found = true;
            }
        }
        if (!is_found) {
            cli_error("--down: there is no region '%s'", down->items[i]);
            if (nearest.best != NULL)
                cli_hint("Did you mean '%s'?", nearest.best);
            return false;
        }
    }
    return true;
}

static int decide(const struct app *app, const struct route_options *options, const char *path)
{
    struct answer answer = {.app = app, .path = path};
    struct stint_error error = {0};
    struct inet_address client = {0};
    struct route_match match;
    struct routes *routes;
    bool healthy[APP_REGIONS_MAX];
    const char *host = options->host == NULL ? "" : options->host;
    if (options->client != NULL &&
        !address_parse_loose(options->client, strlen(options->client), &client)) {
        cli_error("--client: '%s' is no address", options->client);
        return CLI_EXIT_USAGE;
    }
    if (!read_down(app, &options->down, healthy))
        return CLI_EXIT_USAGE;
    if (routes_create(&alloc_root, app, &routes, &error) != STINT_OK) {
        cli_report(NULL, &error);
        return CLI_EXIT_FAILED;
    }
    buf_init(&answer.why, &alloc_root, SIZE_MAX);
    answer.decision = (struct region_decision){.region = APP_NONE, .home = APP_NONE};
    if (routes_find(routes, host, strlen(host), path, strcspn(path, "?#"), &match)) {
        answer.http = &app->http[match.http];
        struct region_request request = {
            .country = options->country == NULL ? "" : options->country,
            .continent = options->continent == NULL ? "" : options->continent,
            .client = client_key(&client),
            .component = answer.http->component == APP_NONE
                             ? NULL
                             : &app->components[answer.http->component],
            .authority = host,
            .path = path,
        };
        answer.decision = region_decide(app, &request, healthy, &answer.why);
    }
    (options->json ? print_json : print_text)(&answer);
    buf_free(&answer.why);
    routes_free(routes);
    return answer.http == NULL ? CLI_EXIT_FAILED : CLI_EXIT_OK;
}

/* All routes, and what is behind them. */
static int describe(const struct app *app)
{
    struct buf text;
    buf_init(&text, &alloc_root, SIZE_MAX);
    bool is_good = app_describe(app, NULL, &text);
    if (is_good)
        fwrite(text.data, 1, text.bytes, stdout);
    else
        cli_error("out of memory");
    buf_free(&text);
    return is_good ? CLI_EXIT_OK : CLI_EXIT_FAILED;
}

static int read_and_route(const struct route_options *options, const char *path)
{
    struct app_problems problems;
    struct app *app = NULL;
    int code = CLI_EXIT_FAILED;
    struct app_file_options how = {
        .path = options->manifest,
        .runtime_config = options->runtime_config,
        .region = options->region,
        .variables = &options->variables,
        .allow_unset = path != NULL,
        .is_quiet = path != NULL,
    };
    app_problems_init(&problems, &alloc_root);
    if (app_file_read(&how, &app, &problems) == STINT_OK)
        code = path == NULL ? describe(app) : decide(app, options, path);
    app_free(app);
    app_problems_free(&problems);
    return code;
}

static int cmd_route(const struct verb *verb, int argc, char **argv)
{
    struct route_options options;
    int operands, code;
    memset(&options, 0, sizeof(options));
    if (!cli_read_flags(verb, argc, argv, &options, &operands, &code))
        return code;
    const char *path = operands < argc ? argv[operands] : NULL;
    if (argc - operands > 1 || (path != NULL && path[0] != '/')) {
        if (argc - operands > 1)
            cli_error("one PATH at a time, please");
        else
            cli_error("'%s' is no path: it should begin with /", path);
        code = cli_try_help(verb);
    } else {
        code = read_and_route(&options, path);
    }
    flags_free(verb, &options);
    return code;
}

const struct verb verb_route = {
    .name = "route",
    .synopsis = "[options] [PATH]",
    .summary = "Show which component and region a request is for, and why",
    .description = "Reads a manifest, and tells for a request of PATH which route it takes, which "
                   "component answers, and, where there are regions, which of them, step by step. "
                   "Nothing is started, and nothing is asked over the network: regions are healthy "
                   "unless --down says otherwise.\n\n"
                   "Without PATH it checks the manifest, and shows all routes, the components, what "
                   "they may reach and their limits.",
    .examples = "stint route\n"
                "stint route /hello\n"
                "stint route --country KR --down asia /hello\n"
                "stint route -f shop/spin.toml --client 192.0.2.7 --json /cart",
    .flags = route_flags,
    .flag_count = COUNT_OF(route_flags),
    .complete = COMPLETE_NOTHING,
    .run = cmd_route,
};
