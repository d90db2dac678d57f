/* SPDX-License-Identifier: Apache-2.0 */
/* `stint new`: a small project. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "app/shape.h"
#include "cli/cli.h"
#include "cli/output_file.h"

struct new_options {
#define FLAG(kind, field, ...) flag_##kind field;
#include "cli/new_flags.def"
#undef FLAG
};

static const struct flag new_flags[] = {
#define FLAG(kind, field, ...) FLAG_ROW(struct new_options, kind, field, __VA_ARGS__)
#include "cli/new_flags.def"
#undef FLAG
};

/* A template's name with what it is, or a file's path with its text. */
struct template_row {
    const char *name, *text;
    bool is_file;
};

static const struct template_row rows[] = {
#define TEMPLATE(name_, what_) {.name = (name_), .text = (what_)},
#define FILE_OF(path_, text_) {.name = (path_), .text = (text_), .is_file = true},
#include "cli/new_templates.def"
#undef FILE_OF
#undef TEMPLATE
};

enum { TEXT_BYTES_MAX = 1 << 20 };

/* {name}, and {crate}, which Rust spells with underscores. */
static void put_text(struct buf *text, const char *from, const char *name)
{
    while (*from != 0) {
        bool is_crate = strncmp(from, "{crate}", 7) == 0;
        if (is_crate || strncmp(from, "{name}", 6) == 0) {
            for (const char *at = name; *at != 0; at++)
                buf_append_byte(text, (uint8_t)(is_crate && *at == '-' ? '_' : *at));
            from += is_crate ? 7 : 6;
        } else {
            buf_append_byte(text, (uint8_t)*from++);
        }
    }
}

static bool make_folder(const char *path)
{
    if (mkdir(path, 0777) == 0 || errno == EEXIST)
        return true;
    cli_error("cannot make the folder '%s': %s", path, strerror(errno));
    return false;
}

static bool write_file(const char *folder, const char *name, const struct template_row *row)
{
    struct buf path, text;
    struct stint_error error = {0};
    bool is_good = false;
    buf_init(&path, &alloc_root, TEXT_BYTES_MAX);
    buf_init(&text, &alloc_root, TEXT_BYTES_MAX);
    buf_append_format(&path, "%s/", folder);
    size_t folder_bytes = path.bytes;
    put_text(&path, row->name, name);
    buf_append_byte(&path, 0);
    put_text(&text, row->text, name);
    char *slash = path.failed ? NULL : strchr((char *)path.data + folder_bytes, '/');
    if (slash != NULL) {
        *slash = 0;
        is_good = make_folder((const char *)path.data);
        *slash = '/';
    } else {
        is_good = !path.failed && !text.failed;
    }
    if (is_good &&
        output_file_write((const char *)path.data, text.data, text.bytes, &error) != STINT_OK) {
        cli_report((const char *)path.data, &error);
        is_good = false;
    }
    buf_free(&path);
    buf_free(&text);
    return is_good;
}

static int make_project(const char *folder, const char *template_name)
{
    const char *slash = strrchr(folder, '/');
    const char *name = slash == NULL ? folder : slash + 1;
    bool is_wanted = false;
    if (!shape_format_fits(FORMAT_KEBAB, name, NULL)) {
        cli_error("'%s' is no name for a project: expected %s", name,
                  shape_format_expected(FORMAT_KEBAB));
        return CLI_EXIT_USAGE;
    }
    if (mkdir(folder, 0777) != 0) {
        if (errno == EEXIST) {
            cli_error("'%s' is there already, and is left as it is", folder);
            cli_hint("Give the project another name.");
        } else {
            cli_error("cannot make the folder '%s': %s", folder, strerror(errno));
        }
        return CLI_EXIT_FAILED;
    }
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (!rows[i].is_file) {
            is_wanted = strcmp(rows[i].name, template_name) == 0;
        } else if (is_wanted && !write_file(folder, name, &rows[i])) {
            cli_hint("The project is not complete: remove the folder '%s' before you try again.",
                     folder);
            return CLI_EXIT_FAILED;
        }
    }
    printf("%s: a project from the template %s. Next:\n\n  cd %s\n  stint build\n  stint up\n",
           folder, template_name, folder);
    return CLI_EXIT_OK;
}

static int cmd_new(const struct verb *verb, int argc, char **argv)
{
    struct new_options options;
    int operands, code;
    memset(&options, 0, sizeof(options));
    if (!cli_read_flags(verb, argc, argv, &options, &operands, &code))
        return code;
    if (argc - operands != 1) {
        cli_error(operands == argc ? "what is the project to be called? Give a NAME"
                                   : "one NAME at a time, please");
        return cli_try_help(verb);
    }
    return make_project(argv[operands],
                        options.template_name == NULL ? "http-c" : options.template_name);
}

const struct verb verb_new = {
    .name = "new",
    .synopsis = "[options] NAME",
    .summary = "Begin a project",
    .description = "Makes the folder NAME with a manifest (spin.toml) and a component's source, "
                   "which 'stint build' builds, for size, and 'stint up' serves.",
    .examples = "stint new hello\n"
                "stint new --template http-rust shop-cart",
    .flags = new_flags,
    .flag_count = COUNT_OF(new_flags),
    .complete = COMPLETE_NOTHING,
    .run = cmd_new,
};
