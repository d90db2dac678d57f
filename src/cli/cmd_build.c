/* SPDX-License-Identifier: Apache-2.0 */
/* `stint build`: runs the commands of a manifest, and compiles what they made. */
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/source_fetch.h"
#include "cli/app_file.h"
#include "cli/cli.h"
#include "os/files.h"

struct build_options {
#define FLAG(kind, field, ...) flag_##kind field;
#include "cli/build_flags.def"
#undef FLAG
};

static const struct flag build_flags[] = {
#define FLAG(kind, field, ...) FLAG_ROW(struct build_options, kind, field, __VA_ARGS__)
#include "cli/build_flags.def"
#undef FLAG
};

enum {
    PATH_BYTES = 4096,
    ENVIRONMENT_MAX = 4096,
    CODE_NOT_FOUND = 127 /* of a shell, for what it cannot start */
};

/* ---- Commands ---------------------------------------------------------------------------- */

/* What commands see beside our own environment: the program; the guest kit, which is beside it where
 * it was installed, or in the source tree that it was built in; and the newest clang, which some
 * systems have only under a name with its version. */
struct extras {
    char program[PATH_BYTES + 16], kit[PATH_BYTES + 64], clang[32];
};

static bool is_in_path(const char *name)
{
    char file[PATH_BYTES];
    const char *path = getenv("PATH");
    while (path != NULL && *path != 0) {
        int bytes = (int)strcspn(path, ":");
        snprintf(file, sizeof(file), "%.*s/%s", bytes, path, name);
        if (access(file, X_OK) == 0)
            return true;
        path += bytes + (path[bytes] == ':');
    }
    return false;
}

static void find_clang(struct extras *extras)
{
    const size_t head = strlen("CLANG=");
    snprintf(extras->clang, sizeof(extras->clang), "CLANG=clang");
    for (unsigned version = 40; version >= 14 && !is_in_path(extras->clang + head); version--)
        snprintf(extras->clang, sizeof(extras->clang), "CLANG=clang-%u", version);
    if (!is_in_path(extras->clang + head)) /* it is the plain name that one would install */
        snprintf(extras->clang, sizeof(extras->clang), "CLANG=clang");
}

static void find_extras(struct extras *extras)
{
    static const char *const places[] = {"/../share/stint/guest/c", "/../../guest/c"};
    char self[PATH_BYTES];
    struct file_stat stat;
    find_clang(extras);
    ssize_t bytes = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (bytes <= 0)
        return;
    self[bytes] = 0;
    snprintf(extras->program, sizeof(extras->program), "STINT=%s", self);
    *strrchr(self, '/') = 0;
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        snprintf(extras->kit, sizeof(extras->kit), "STINT_KIT=%s%s", self, places[i]);
        if (file_stat_host(extras->kit + strlen("STINT_KIT="), &stat) == OS_OK)
            return;
    }
    extras->kit[0] = 0;
}

/* Our environment, with the extras where it does not say otherwise. */
static void fill_environment(const struct extras *extras, const char *list[ENVIRONMENT_MAX])
{
    size_t count = 0;
    for (; environ[count] != NULL && count < ENVIRONMENT_MAX - 4; count++)
        list[count] = environ[count];
    if (extras->program[0] != 0 && getenv("STINT") == NULL)
        list[count++] = extras->program;
    if (extras->kit[0] != 0 && getenv("STINT_KIT") == NULL)
        list[count++] = extras->kit;
    if (getenv("CLANG") == NULL)
        list[count++] = extras->clang;
    list[count] = NULL;
}

/* 0, or what the shell ended with; said. */
static int run_command(const char *component, const char *folder, const char *command)
{
    static struct extras extras;
    static const char *environment[ENVIRONMENT_MAX];
    pid_t child;
    int ended, code;
    if (environment[0] == NULL) {
        find_extras(&extras);
        fill_environment(&extras, environment);
    }
    fprintf(stderr, "%s: %s\n", component, command);
    const char *argv[] = {"sh", "-c", "cd \"$1\" && eval \"$2\"", "sh", folder, command, NULL};
    int failed = posix_spawn(&child, "/bin/sh", NULL, NULL, (char *const *)argv,
                             (char *const *)environment);
    if (failed != 0) {
        cli_error("the shell could not be started: %s", strerror(failed));
        return CLI_EXIT_FAILED;
    }
    while (waitpid(child, &ended, 0) < 0) {
        if (errno != EINTR)
            return CLI_EXIT_FAILED;
    }
    code = WIFEXITED(ended) ? WEXITSTATUS(ended) : CLI_EXIT_SIGNAL + WTERMSIG(ended);
    if (code != 0)
        cli_error("component '%s': the command ended with %d: %s", component, code, command);
    if (code == CODE_NOT_FOUND)
        cli_hint("The shell did not find a program: install it, or add its folder to PATH.");
    return code;
}

/* ---- Components -------------------------------------------------------------------------- */

static int fetch(const struct app_component *component, const struct app_source *source)
{
    struct stint_error error = {0};
    struct arena arena;
    const char *path;
    arena_init(&arena, &alloc_root);
    enum stint_status status = source_fetch(&arena, source, &path, &error);
    if (status == STINT_OK)
        fprintf(stderr, "%s: %s is in %s\n", component->id, source->url, path);
    else
        cli_error("component '%s': %s: %s", component->id,
                  source->kind == APP_SOURCE_URL ? source->url : source->package, error.message);
    arena_free(&arena);
    return status == STINT_OK ? CLI_EXIT_OK : CLI_EXIT_FAILED;
}

static int compile(const struct app_component *component, const struct app_source *source)
{
    struct file_stat stat;
    const char *argv[] = {"compile", "--quiet", source->path, NULL};
    if (source->kind != APP_SOURCE_FILE)
        return fetch(component, source); /* its machine code is made, and kept, when it is served */
    if (file_stat_host(source->path, &stat) != OS_OK) {
        cli_error("component '%s': there is no %s%s", component->id, source->path,
                  component->build_commands.count > 0 ? ", although its commands succeeded" : "");
        return CLI_EXIT_FAILED;
    }
    fprintf(stderr, "%s: machine code of %s\n", component->id, source->path);
    return verb_compile.run(&verb_compile, 3, (char **)argv);
}

/* The component's own file, and those of its dependencies which no component of the application builds. */
static int compile_all(const struct app *app, const struct app_component *component)
{
    int worst = compile(component, &component->source);
    for (uint32_t i = 0; i < component->dependency_count; i++) {
        const struct app_source *source = &component->dependencies[i].source;
        bool is_done = false;
        for (uint32_t k = 0; k < app->component_count && source->kind == APP_SOURCE_FILE; k++)
            is_done |= strcmp(app->components[k].source.path, source->path) == 0;
        for (uint32_t k = 0; k < i; k++)
            is_done |= strcmp(component->dependencies[k].source.path, source->path) == 0 &&
                       source->kind == APP_SOURCE_FILE;
        if (!is_done && compile(component, source) != CLI_EXIT_OK)
            worst = CLI_EXIT_FAILED;
    }
    return worst;
}

static bool is_wanted(const char *id, int count, char **names)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(names[i], id) == 0)
            return true;
    }
    return count == 0;
}

static int build(const struct app *app, const struct build_options *options, int count,
                 char **names)
{
    int worst = CLI_EXIT_OK;
    for (int i = 0; i < count; i++) {
        if (app_find_component(app, names[i]) == APP_NONE) {
            cli_error("there is no component '%s'", names[i]);
            return CLI_EXIT_USAGE;
        }
    }
    for (uint32_t i = 0; i < app->component_count; i++) {
        const struct app_component *component = &app->components[i];
        int code = CLI_EXIT_OK;
        if (!is_wanted(component->id, count, names))
            continue;
        for (uint32_t j = 0; j < component->build_commands.count && code == CLI_EXIT_OK; j++) {
            if (!options->compile_only)
                code = run_command(component->id, component->build_folder,
                                   component->build_commands.items[j]);
        }
        if (code == CLI_EXIT_OK && !options->no_compile)
            code = compile_all(app, component);
        if (code != CLI_EXIT_OK)
            worst = CLI_EXIT_FAILED;
    }
    return worst;
}

static int cmd_build(const struct verb *verb, int argc, char **argv)
{
    struct build_options options;
    struct app_problems problems;
    struct app *app = NULL;
    int operands, code;
    memset(&options, 0, sizeof(options));
    if (!cli_read_flags(verb, argc, argv, &options, &operands, &code))
        return code;
    struct app_file_options how = {.path = options.manifest,
                                   .profile = options.profile,
                                   .allow_unset = true,
                                   .is_quiet = true};
    app_problems_init(&problems, &alloc_root);
    code = CLI_EXIT_FAILED;
    if (app_file_read(&how, &app, &problems) == STINT_OK)
        code = build(app, &options, argc - operands, argv + operands);
    app_free(app);
    app_problems_free(&problems);
    flags_free(verb, &options);
    return code;
}

const struct verb verb_build = {
    .name = "build",
    .synopsis = "[options] [COMPONENT...]",
    .summary = "Build the components of an application",
    .description = "Runs the build commands of the manifest, of all components or of those that are "
                   "named, each in its folder, and then compiles each component's file to machine "
                   "code, as 'stint compile' does, for 'stint up'. Commands see STINT, this "
                   "program, STINT_KIT, the folder of the guest kit for C, and CLANG. A component "
                   "that fails keeps no other from being built.",
    .examples = "stint build\n"
                "stint build -f shop/spin.toml cart",
    .flags = build_flags,
    .flag_count = COUNT_OF(build_flags),
    .complete = COMPLETE_NOTHING,
    .run = cmd_build,
};
