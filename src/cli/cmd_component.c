/* SPDX-License-Identifier: Apache-2.0 */
/* `stint component`: components out of core modules, and one component out of several. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/compose_files.h"
#include "cli/module_file.h"
#include "cli/output_file.h"
#include "cli/wit_files.h"
#include "component/component_new.h"
#include "interp/interp.h"

struct component_options {
#define FLAG(kind, field, ...) flag_##kind field;
#include "cli/component_flags.def"
#undef FLAG
};

static const struct flag component_flags[] = {
#define FLAG(kind, field, ...) FLAG_ROW(struct component_options, kind, field, __VA_ARGS__)
#include "cli/component_flags.def"
#undef FLAG
};

/* What the module imports and its world lacks, and what may help. */
static void explain(struct buf *details)
{
    static const char preview1[] = "wasi_snapshot_preview1";
    bool is_preview1 = false;
    if (details->bytes == 0)
        return;
    char *line = (char *)details->data, *end = line + details->bytes;
    while (line < end) {
        char *line_end = memchr(line, '\n', (size_t)(end - line));
        *line_end = '\0';
        cli_error("  %s", line);
        is_preview1 |= strstr(line, preview1) != NULL;
        line = line_end + 1;
    }
    if (is_preview1)
        cli_hint("the functions of %s are the C library's: link without it (guest/c has what "
                 "takes its place), or wrap the module with an adapter for preview 1, which "
                 "'jco new' brings along; 'stint run' needs no component for it",
                 preview1);
}

static enum stint_status wrap(const struct module_file *module,
                              const struct component_new_world *world, struct buf *out,
                              struct buf *details, struct stint_error *error)
{
    struct engine_config config = engine_config_default();
    struct stint_engine *engine;
    enum stint_status status = engine_create(&config, &interp_ops, &engine);
    if (status != STINT_OK)
        return error_set(error, status, STINT_NO_OFFSET, "out of memory");
    status = component_new(engine, module->bytes, module->size_bytes, world, out, details, error);
    engine_release(engine);
    return status;
}

static int make_of(const struct component_options *options, const char *path,
                   const struct component_new_world *world)
{
    struct stint_error error = {0};
    struct module_file module;
    struct buf out, details;
    enum stint_status status = module_file_open_any(path, &module, &error);
    if (status != STINT_OK) {
        cli_error("%s: %s", path, error.message);
        return CLI_EXIT_FAILED;
    }
    buf_init(&out, &alloc_root, SIZE_MAX);
    buf_init(&details, &alloc_root, SIZE_MAX);
    status = wrap(&module, world, &out, &details, &error);
    if (status == STINT_SYNTAX) {
        cli_error("%s", error.message);
    } else if (status != STINT_OK) {
        cli_error("%s: %s", path, error.message);
        explain(&details);
    } else {
        status = output_file_write(options->output, out.data, out.bytes, &error);
        if (status != STINT_OK)
            cli_error("%s", error.message);
    }
    buf_free(&out);
    buf_free(&details);
    module_file_close(&module);
    return status == STINT_OK ? CLI_EXIT_OK : CLI_EXIT_FAILED;
}

static int make(const struct verb *verb, const struct component_options *options, const char *path)
{
    struct component_new_world world = {.world = options->world};
    struct stint_error error = {0};
    struct wit_files files = {0};
    if (options->world != NULL && options->wit == NULL) {
        cli_error("--world names a world of the WIT that --wit gives");
        return cli_try_help(verb);
    }
    if (options->wit != NULL) {
        if (wit_files_open(options->wit, &files, &error) != STINT_OK) {
            cli_error("%s: %s", options->wit, error.message);
            return CLI_EXIT_FAILED;
        }
        world.source = &files.source;
    }
    int code = make_of(options, path, &world);
    wit_files_close(&files);
    return code;
}

/* ---- Compositions ------------------------------------------------------------------------- */

/* "a:b/c@1.0.0=FILE" or "FILE"; the name is copied. */
static enum stint_status add_with(struct compose_files *files, struct arena *arena, const char *text,
                                  const char **ret_path, struct stint_error *error)
{
    const char *equals = strchr(text, '='), *name = NULL;
    uint32_t part;
    *ret_path = equals != NULL ? equals + 1 : text;
    if (equals != NULL) {
        name = arena_copy_string(arena, text, (size_t)(equals - text));
        if (name == NULL)
            return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "out of memory");
    }
    for (part = 1; part < files->composition.part_count; part++) {
        if (strcmp(files->paths[part], *ret_path) == 0)
            return compose_files_link(files, name, NULL, part, error);
    }
    enum stint_status status = compose_files_add(files, *ret_path, &part, error);
    return status == STINT_OK ? compose_files_link(files, name, NULL, part, error) : status;
}

/* Whether each component that was given meets something; says which does not. */
static bool all_meet(const struct compose_files *files, const struct compose_notes *notes)
{
    for (uint32_t part = 1; part < files->composition.part_count; part++) {
        bool meets = false;
        for (uint32_t i = 0; i < notes->met_count && !meets; i++)
            meets = files->links[notes->met[i].link].part == part;
        if (!meets) {
            cli_error("%s: it exports nothing that %s imports", files->parts[part].title,
                      files->parts[0].title);
            return false;
        }
    }
    return true;
}

static int write_whole(const struct component_options *options, struct compose_files *files,
                       struct arena *arena)
{
    struct stint_error error = {0};
    struct compose_notes notes;
    struct buf out;
    files->composition.is_chained = true;
    buf_init(&out, &alloc_root, SIZE_MAX);
    enum stint_status status =
        component_compose(&files->composition, arena, &out, &notes, &error);
    if (status != STINT_OK)
        cli_error("%s", error.message);
    else if (!all_meet(files, &notes))
        status = STINT_UNLINKABLE;
    else if ((status = output_file_write(options->output, out.data, out.bytes, &error)) != STINT_OK)
        cli_error("%s", error.message);
    buf_free(&out);
    return status == STINT_OK ? CLI_EXIT_OK : CLI_EXIT_FAILED;
}

static int compose(const struct verb *verb, const struct component_options *options,
                   const char *path)
{
    struct stint_error error = {0};
    struct arena arena;
    uint32_t part;
    if (options->with.count == 0 || options->wit != NULL || options->world != NULL) {
        cli_error("compose needs --with, and no world");
        return cli_try_help(verb);
    }
    struct compose_files *files = alloc_get_zeroed(&alloc_root, 1, sizeof(*files));
    if (files == NULL)
        return CLI_EXIT_FAILED;
    arena_init(&arena, &alloc_root);
    enum stint_status status = compose_files_add(files, path, &part, &error);
    for (size_t i = 0; i < options->with.count && status == STINT_OK; i++)
        status = add_with(files, &arena, options->with.items[i], &path, &error);
    int code = CLI_EXIT_FAILED;
    if (status != STINT_OK)
        cli_report(path, &error);
    else
        code = write_whole(options, files, &arena);
    compose_files_close(files);
    arena_free(&arena);
    alloc_put(&alloc_root, files, sizeof(*files));
    return code;
}

static int cmd_component(const struct verb *verb, int argc, char **argv)
{
    struct component_options options;
    int operands, code;
    memset(&options, 0, sizeof(options));
    if (!cli_read_flags(verb, argc, argv, &options, &operands, &code))
        return code;
    const char *what = argc - operands == 2 ? argv[operands] : "";
    if (strcmp(what, "new") == 0 && options.with.count == 0) {
        code = make(verb, &options, argv[operands + 1]);
    } else if (strcmp(what, "compose") == 0) {
        code = compose(verb, &options, argv[operands + 1]);
    } else {
        cli_error("'new FILE' or 'compose FILE --with FILE' was expected");
        code = cli_try_help(verb);
    }
    flags_free(verb, &options);
    return code;
}

const struct verb verb_component = {
    .name = "component",
    .synopsis = "new|compose [options] FILE",
    .summary = "Make a component of a core module, or of several components",
    .description =
        "new wraps FILE, a core module, in a component, so that hosts of components run it. The "
        "module imports and exports the functions of a world under their canonical names, as C "
        "programs with the guest kit (guest/c) and modules of binding generators do. Which world "
        "that is, component-type sections in the module tell, or --wit; with the guest kit nothing "
        "needs to be told. '-' reads stdin.\n\n"
        "compose makes one component of FILE and those of --with, whose exports meet its imports. What "
        "none of them exports is imported still; what FILE exports is exported.",
    .examples = "stint component new greet.wasm -o app.wasm\n"
                "stint component new core.wasm --wit wit/ --world proxy -o app.wasm\n"
                "stint component compose app.wasm --with a:b/log@1.0.0=log.wasm -o whole.wasm",
    .flags = component_flags,
    .flag_count = COUNT_OF(component_flags),
    .complete = COMPLETE_FILE,
    .run = cmd_component,
};
