/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/run_component.h"

#include <stdio.h>
#include <string.h>

#include "api/component_code.h"
#include "base/buf.h"
#include "component/compose.h"
#include "component/plan.h"
#include "component/wave.h"
#include "wasi/p2.h"

struct run_component {
    struct component_file *file; /* with those of --with, where there are such */
    struct arena arena;
    struct module_file *with_files;
    struct compose_part *parts; /* the component that is run, then those */
    struct compose_link *links;
    uint32_t with_count;
    struct plan *plan;
    struct component_instance *instance;
};

/* ---- Loading ----------------------------------------------------------------------------- */

/* Says once why machine code in the file is not used. */
static enum stint_status create(struct run *run, const char *path, const struct module_file *file,
                                const struct module_origin *origin,
                                struct component_file **ret_file, struct stint_error *error)
{
    struct component_refusal refusal;
    enum stint_status status =
        component_code_create(run->engine, file->bytes, file->size_bytes, true,
                              origin->path != NULL ? origin : NULL, ret_file, &refusal, error);
    if (refusal.reason[0] != '\0')
        cli_error("%s: its machine code is not used: %s; %s", path, refusal.reason,
                  refusal.remedy);
    return status;
}

static enum stint_status no_memory(struct stint_error *error)
{
    return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "out of memory");
}

/* "wasi:logging/logging=logger.wasm", or "logger.wasm" for all that it exports. */
static enum stint_status load_with(struct run *run, const char *text, uint32_t number,
                                   struct stint_error *error)
{
    struct run_component *component = run->component;
    const char *equals = strchr(text, '=');
    const char *path = equals != NULL ? equals + 1 : text;
    struct module_file *file = &component->with_files[number];
    struct compose_part *part = &component->parts[number + 1];
    struct compose_link *link = &component->links[number];
    struct module_origin origin = {.path = NULL};
    if (run->engine->config.tier.uses_cache && load_identify(path, &origin.file))
        origin.path = path;
    enum stint_status status = module_file_open_any(path, file, error);
    if (status == STINT_OK && !file->is_component)
        status = error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                           "--with takes components; this is a core module");
    if (status == STINT_OK)
        status = create(run, path, file, &origin, &part->file, error);
    part->title = path;
    link->part = number + 1;
    if (status == STINT_OK && equals != NULL) {
        /* Without its version: a compatible one does. */
        link->name = arena_copy_string(&component->arena, text, strcspn(text, "@="));
        if (link->name == NULL)
            return no_memory(error);
    }
    if (status != STINT_OK) {
        cli_report(path, error);
        error_clear(error);
        return STINT_ARGUMENT;
    }
    return STINT_OK;
}

/* The whole takes the component's place, so that all of it is one component that was checked. */
static enum stint_status compose(struct run *run, struct stint_error *error)
{
    const struct text_list *list = &run->options->with;
    struct run_component *component = run->component;
    size_t count = list->count;
    struct component_file *whole;
    struct compose_notes notes;
    enum stint_status status = STINT_OK;
    component->with_files = arena_get_zeroed(&component->arena, count, sizeof(struct module_file));
    component->parts = arena_get_zeroed(&component->arena, count + 1, sizeof(struct compose_part));
    component->links = arena_get_zeroed(&component->arena, count, sizeof(struct compose_link));
    if (component->with_files == NULL || component->parts == NULL || component->links == NULL)
        return no_memory(error);
    component->with_count = (uint32_t)count;
    component->parts[0] = (struct compose_part){.file = component->file, .title = run->path};
    for (uint32_t i = 0; i < count && status == STINT_OK; i++)
        status = load_with(run, list->items[i], i, error);
    if (status != STINT_OK)
        return status;
    const struct composition composition = {.parts = component->parts,
                                            .part_count = (uint32_t)count + 1,
                                            .links = component->links,
                                            .link_count = (uint32_t)count,
                                            .is_chained = true};
    status = component_composed_create(&composition, &component->arena, &whole, &notes, error);
    if (status != STINT_OK)
        return status;
    component_release(component->file);
    component->file = whole;
    return STINT_OK;
}

enum stint_status run_component_load(struct run *run, struct stint_error *error)
{
    struct run_component *component = alloc_get_zeroed(&alloc_root, 1, sizeof(*component));
    run->component = component;
    if (component == NULL)
        return no_memory(error);
    arena_init(&component->arena, &alloc_root);
    enum stint_status status =
        create(run, run->path, &run->file, &run->origin, &component->file, error);
    if (status == STINT_OK && run->options->with.count > 0)
        status = compose(run, error);
    return status == STINT_OK ? plan_create(component->file, &component->plan, error) : status;
}

const struct stint_module *run_component_module(const struct run *run, uint32_t number)
{
    const struct component_file *file = run->component->file;
    return file != NULL && number < file->module_count ? file->modules[number] : NULL;
}

void run_component_end(struct run *run)
{
    if (run->component == NULL)
        return;
    component_instance_free(run->component->instance);
    run->component->instance = NULL;
}

void run_component_free(struct run *run)
{
    struct run_component *component = run->component;
    if (component == NULL)
        return;
    plan_release(component->plan);
    component_release(component->file);
    for (uint32_t i = 0; i < component->with_count; i++) {
        component_release(component->parts[i + 1].file);
        module_file_close(&component->with_files[i]);
    }
    arena_free(&component->arena);
    alloc_put(&alloc_root, component, sizeof(*component));
    run->component = NULL;
}

/* ---- Linking ----------------------------------------------------------------------------- */

static void report_missing(const struct run *run, const struct host_resolver *resolver)
{
    struct buf lines;
    buf_init(&lines, &alloc_root, 1 << 20);
    cli_error("%s: imports that 'stint run' does not offer:", run->path);
    if (plan_missing(run->component->plan, resolver, 1, &lines) == STINT_OK && lines.bytes > 0) {
        char *at = (char *)lines.data, *end = at + lines.bytes;
        while (at < end) {
            char *newline = memchr(at, '\n', (size_t)(end - at));
            char *stop = newline != NULL ? newline : end;
            cli_hint("%.*s", (int)(stop - at), at);
            at = stop + 1;
        }
    }
    buf_free(&lines);
    cli_hint("--with NAME=FILE takes an interface from another component.");
}

enum stint_status run_component_instantiate(struct run *run, struct stint_error *error)
{
    struct run_component *component = run->component;
    struct host_resolver resolver = wasi_p2_resolver(run->wasi2);
    enum stint_status status = component_instantiate(run->store, component->plan, &resolver, 1,
                                                     &component->instance, error);
    if (status == STINT_UNLINKABLE) {
        report_missing(run, &resolver);
        error_clear(error);
    }
    return status;
}

/* ---- Calling ----------------------------------------------------------------------------- */

static void put_export(const struct plan_export *export, char *text, size_t size)
{
    (void)snprintf(text, size, "%.*s%s%.*s", (int)export->interface.bytes,
                   export->interface.bytes > 0 ? export->interface.text : "",
                   export->interface.bytes > 0 ? "#" : "", (int)export->name.bytes,
                   export->name.text);
}

static void list_exports(const struct run *run)
{
    enum { SHOWN_MAX = 40 };
    uint32_t count;
    const struct plan_export *exports = plan_exports(run->component->plan, &count);
    if (count == 0)
        cli_hint("The component exports no functions.");
    for (uint32_t i = 0; i < count && i < SHOWN_MAX; i++) {
        char text[200];
        put_export(&exports[i], text, sizeof(text));
        cli_hint("%s%s", i == 0 ? "It exports " : "           ", text);
    }
    if (count > SHOWN_MAX)
        cli_hint("… and %u more", count - SHOWN_MAX);
}

/* The function that "interface#name" or "name" stands for; a name alone is enough where only one
 * function has it. */
static const struct plan_export *find(const struct run *run, const char *text, size_t bytes)
{
    uint32_t count;
    const struct plan_export *exports = plan_exports(run->component->plan, &count), *found = NULL;
    char interface[256], name[256];
    const char *hash = memchr(text, '#', bytes);
    size_t interface_bytes = hash != NULL ? (size_t)(hash - text) : 0;
    size_t name_bytes = hash != NULL ? bytes - interface_bytes - 1 : bytes;
    if (interface_bytes >= sizeof(interface) || name_bytes >= sizeof(name))
        return NULL;
    memcpy(interface, text, interface_bytes);
    interface[interface_bytes] = '\0';
    memcpy(name, text + bytes - name_bytes, name_bytes);
    name[name_bytes] = '\0';
    found = plan_find(run->component->plan, hash != NULL ? interface : NULL, name);
    for (uint32_t i = 0; found == NULL && hash == NULL && i < count; i++) {
        if (exports[i].name.bytes != name_bytes ||
            memcmp(exports[i].name.text, name, name_bytes) != 0)
            continue;
        for (uint32_t k = i + 1; k < count; k++) {
            if (exports[k].name.bytes == name_bytes &&
                memcmp(exports[k].name.text, name, name_bytes) == 0)
                return NULL;
        }
        found = &exports[i];
    }
    return found;
}

static void print_result(const struct cvalue *value)
{
    struct buf text;
    buf_init(&text, &alloc_root, SIZE_MAX);
    wave_print(value, &text);
    if (!text.failed)
        (void)fwrite(text.data, 1, text.bytes, stdout);
    putchar('\n');
    buf_free(&text);
}

static enum stint_status invoke(struct run *run, struct arena *arena, struct stint_error *error)
{
    const char *text = run->options->invoke;
    size_t name_bytes = strcspn(text, "(");
    const struct plan_export *export = find(run, text, name_bytes);
    struct cvalue *args, result = {0};
    if (export == NULL) {
        cli_error("%s: no function is exported as '%.*s'", run->path, (int)name_bytes, text);
        list_exports(run);
        return STINT_ARGUMENT;
    }
    enum stint_status status = wave_parse_args(arena, export->func, text + name_bytes,
                                               strlen(text + name_bytes), &args, error);
    if (status != STINT_OK) {
        cli_error("--invoke '%s': %s", text, error->message);
        cli_hint("Arguments are in brackets, in WAVE: 'name(1, \"text\", {field: true})'");
        error_clear(error);
        return status;
    }
    status = component_call(run->component->instance, export, args, arena, &result, error);
    if (status == STINT_OK && export->func->result != NULL)
        print_result(&result);
    return status;
}

static enum stint_status run_command(struct run *run, struct arena *arena,
                                     struct stint_error *error)
{
    struct cvalue result = {0};
    const struct plan_export *export = plan_find(run->component->plan, "wasi:cli/run@0.2.0", "run");
    if (export == NULL) {
        cli_error("%s: the component does not export wasi:cli/run; name a function with --invoke",
                  run->path);
        list_exports(run);
        return STINT_ARGUMENT;
    }
    enum stint_status status =
        component_call(run->component->instance, export, NULL, arena, &result, error);
    if (status == STINT_OK && result.type != NULL && result.variant.index != 0) {
        error->exit_code = 1;
        return STINT_EXIT;
    }
    return status;
}

enum stint_status run_component_call(struct run *run, struct stint_error *error)
{
    struct arena arena;
    arena_init(&arena, &alloc_root);
    enum stint_status status =
        run->options->invoke != NULL ? invoke(run, &arena, error) : run_command(run, &arena, error);
    arena_free(&arena);
    return status;
}
