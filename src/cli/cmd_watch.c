/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `stint watch`: a server in a process of its own, and builds in others. What has changed is asked a few
 * times a second, and acted upon once it stays the same from one time to the next.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/app_file.h"
#include "cli/cli.h"
#include "cli/watch_files.h"

struct watch_options {
#define FLAG(kind, field, ...) flag_##kind field;
#include "cli/watch_flags.def"
#undef FLAG
};

static const struct flag watch_flags[] = {
#define FLAG(kind, field, ...) FLAG_ROW(struct watch_options, kind, field, __VA_ARGS__)
#include "cli/watch_flags.def"
#undef FLAG
};

enum { TURN_MS = 150, PATH_BYTES = 4096 };

/* Something that may change: what it was when it was last acted upon, and when last asked. */
struct watched {
    uint64_t done, seen;
};

struct watch {
    const struct watch_options *options;
    const char *path; /* of the application */
    char manifest_path[PATH_BYTES];
    char **up_arguments;
    int up_count;
    struct app_problems problems;
    struct app *app;          /* NULL: the manifest is wrong */
    struct watched manifest, served;
    struct watched *sources;  /* of each component, what it is built from */
    pid_t server;             /* 0: it does not run */
};

static volatile sig_atomic_t ending;

static void on_signal(int number)
{
    ending = number;
}

/* ---- Processes --------------------------------------------------------------------------- */

/* With a group of its own, Ctrl-C does not reach it. */
static pid_t start(const char *const *arguments, bool has_group)
{
    pid_t child;
    posix_spawnattr_t attributes;
    int failed = posix_spawnattr_init(&attributes);
    if (failed == 0 && has_group)
        failed = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    if (failed == 0)
        failed = posix_spawn(&child, "/proc/self/exe", NULL, &attributes, (char *const *)arguments,
                             environ);
    (void)posix_spawnattr_destroy(&attributes);
    if (failed == 0)
        return child;
    cli_error("stint %s could not be started: %s", arguments[1], strerror(failed));
    return 0;
}

static void start_server(struct watch *watch)
{
    const char **arguments =
        alloc_get_zeroed(&alloc_root, (size_t)watch->up_count + 4, sizeof(*arguments));
    if (arguments == NULL)
        return;
    arguments[0] = "stint";
    arguments[1] = "up";
    arguments[2] = watch->path;
    for (int i = 0; i < watch->up_count; i++)
        arguments[3 + i] = watch->up_arguments[i];
    /* It gets one signal to end, from here: a second one would cut off what is on its way. */
    watch->server = start(arguments, true);
    alloc_put(&alloc_root, arguments, ((size_t)watch->up_count + 4) * sizeof(*arguments));
}

static void look_at_server(struct watch *watch)
{
    int ended;
    if (watch->server == 0 || waitpid(watch->server, &ended, WNOHANG) != watch->server)
        return;
    watch->server = 0;
    cli_error("the server has ended; it is started again after the next change");
}

/* False: it was interrupted, or failed, which was said. */
static bool build(struct watch *watch, const char *component)
{
    const char *arguments[] = {"stint",      "build",   "--no-compile", "--file",
                               watch->path, component, NULL};
    int ended = 0;
    pid_t child = start(arguments, false);
    while (child != 0 && waitpid(child, &ended, 0) < 0) {
        if (errno != EINTR)
            return false;
    }
    return child != 0 && WIFEXITED(ended) && WEXITSTATUS(ended) == 0;
}

/* ---- What changes ------------------------------------------------------------------------ */

static uint64_t number_of_sources(const struct app_component *component)
{
    return watch_patterns(0, component->build_folder, &component->build_watch);
}

static uint64_t number_of_served(const struct app *app)
{
    uint64_t number = 0;
    for (uint32_t i = 0; app != NULL && i < app->component_count; i++) {
        if (app->components[i].source.kind == APP_SOURCE_FILE)
            number = watch_file(number, app->components[i].source.path);
        for (uint32_t k = 0; k < app->components[i].dependency_count; k++) {
            const struct app_source *source = &app->components[i].dependencies[k].source;
            if (source->kind == APP_SOURCE_FILE)
                number = watch_file(number, source->path);
        }
    }
    return number;
}

/* Whether it is other than when it was acted upon, and has been so for a turn. */
static bool has_changed(struct watched *watched, uint64_t now)
{
    bool is_still = now == watched->seen;
    watched->seen = now;
    if (!is_still || now == watched->done)
        return false;
    watched->done = now;
    return true;
}

static void forget(struct watch *watch)
{
    if (watch->app != NULL)
        alloc_put(&alloc_root, watch->sources,
                  (watch->app->component_count + 1) * sizeof(*watch->sources));
    watch->sources = NULL;
    app_free(watch->app);
    watch->app = NULL;
    app_problems_free(&watch->problems);
}

/* Reads the manifest; says what is wrong with it. */
static void read_manifest(struct watch *watch)
{
    const struct app_file_options how = {
        .path = watch->path, .allow_unset = true, .is_quiet = true};
    forget(watch);
    app_problems_init(&watch->problems, &alloc_root);
    if (app_file_read(&how, &watch->app, &watch->problems) != STINT_OK) {
        watch->app = NULL;
        return;
    }
    watch->sources = alloc_get_zeroed(&alloc_root, watch->app->component_count + 1,
                                      sizeof(*watch->sources));
    if (watch->sources == NULL) {
        app_free(watch->app);
        watch->app = NULL;
        return;
    }
    for (uint32_t i = 0; i < watch->app->component_count; i++) /* built at once: before it is served */
        watch->sources[i].seen = number_of_sources(&watch->app->components[i]);
}

static void build_changed(struct watch *watch)
{
    for (uint32_t i = 0; watch->app != NULL && i < watch->app->component_count && !ending; i++) {
        const struct app_component *component = &watch->app->components[i];
        if (component->build_commands.count > 0 &&
            has_changed(&watch->sources[i], number_of_sources(component)) &&
            !build(watch, component->id) && !ending && watch->server != 0)
            cli_hint("'%s' is served as it was", component->id);
    }
}

/* ---- The loop ---------------------------------------------------------------------------- */

static void turn(struct watch *watch)
{
    bool is_new = has_changed(&watch->manifest, watch_file(0, watch->manifest_path));
    if (is_new)
        read_manifest(watch);
    if (!watch->options->skip_build)
        build_changed(watch);
    if (has_changed(&watch->served, number_of_served(watch->app)))
        is_new = true;
    if (ending || watch->app == NULL || !is_new)
        return;
    if (watch->server == 0) {
        watch->served.done = watch->served.seen; /* it reads what is there now */
        start_server(watch);
    } else {
        kill(watch->server, SIGHUP);
    }
}

static int run(struct watch *watch)
{
    struct sigaction action, old;
    int ended = 0;
    memset(&action, 0, sizeof(action));
    action.sa_handler = on_signal;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, NULL, &old);
    if (old.sa_handler != SIG_IGN) /* as nohup has it */
        sigaction(SIGHUP, &action, NULL);
    read_manifest(watch);
    if (watch->app == NULL)
        return CLI_EXIT_FAILED;
    (void)snprintf(watch->manifest_path, PATH_BYTES, "%s", watch->app->manifest);
    watch->manifest.seen = watch_file(0, watch->manifest_path); /* the first turn acts upon it */
    while (!ending) {
        turn(watch);
        look_at_server(watch);
        (void)poll(NULL, 0, TURN_MS);
    }
    if (watch->server == 0)
        return CLI_EXIT_OK;
    kill(watch->server, SIGTERM);
    while (waitpid(watch->server, &ended, 0) < 0 && errno == EINTR)
        kill(watch->server, SIGTERM);
    return WIFEXITED(ended) ? WEXITSTATUS(ended) : CLI_EXIT_SIGNAL + WTERMSIG(ended);
}

static int cmd_watch(const struct verb *verb, int argc, char **argv)
{
    struct watch_options options;
    int operands, code;
    memset(&options, 0, sizeof(options));
    if (!cli_read_flags(verb, argc, argv, &options, &operands, &code))
        return code;
    struct watch watch = {.options = &options,
                          .path = options.manifest != NULL ? options.manifest : ".",
                          .up_arguments = argv + operands,
                          .up_count = argc - operands};
    app_problems_init(&watch.problems, &alloc_root);
    code = run(&watch);
    forget(&watch);
    flags_free(verb, &options);
    return code;
}

const struct verb verb_watch = {
    .name = "watch",
    .synopsis = "[options] [-- OPTIONS-OF-UP...]",
    .summary = "Serve an application, and build it again as it changes",
    .description =
        "Builds an application, serves it as 'stint up' does, and goes on watching: after a change of "
        "a file that a component's build.watch matches, that component is built again; after a change "
        "of a component's file or of the manifest the server takes the new one, without losing a "
        "request. While a build fails or the manifest is wrong, what worked last is served.\n\n"
        "What follows -- goes to 'stint up'.",
    .examples = "stint watch\n"
                "stint watch -f shop -- --listen 127.0.0.1:8080",
    .flags = watch_flags,
    .flag_count = COUNT_OF(watch_flags),
    .complete = COMPLETE_NOTHING,
    .run = cmd_watch,
};
