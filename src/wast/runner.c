/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "component/text_component.h"
#include "os/pages.h"
#include "runtime/link.h"
#include "wasm/limits.h"
#include "wast/runner_int.h"

enum { NAME_SHOWN_BYTES = 60 };

/* ---- Reports ----------------------------------------------------------------------------- */

void runner_report(struct runner *r, uint32_t line, const char *format, ...)
{
    va_list args;
    r->counts->failed++;
    fprintf(r->options->out, "%s:%u: ", r->path, line);
    va_start(args, format);
    vfprintf(r->options->out, format, args);
    va_end(args);
    fputc('\n', r->options->out);
}

/* "invalid module: type mismatch: …": how a step ended. */
static const char *outcome(enum stint_status status, const struct stint_error *error, char *text,
                           size_t size)
{
    if (status == STINT_OK)
        snprintf(text, size, "success");
    else if (error->message[0] == 0)
        snprintf(text, size, "%s", status_text(status));
    else
        snprintf(text, size, "%s: %s", status_text(status), error->message);
    return text;
}

enum { OUTCOME_BYTES = STINT_ERROR_MESSAGE_BYTES + 40 };

static void pass(struct runner *r)
{
    r->counts->passed++;
}

/* Reports that a command should have ended in another way. */
static void report_outcome(struct runner *r, const struct script_command *command,
                           const char *wanted, enum stint_status status,
                           const struct stint_error *error)
{
    char text[OUTCOME_BYTES];
    if (status == STINT_UNSUPPORTED) {
        r->counts->skipped++;
        fprintf(r->options->out, "SKIP: %s:%u: %s\n", r->path, command->line,
                outcome(status, error, text, sizeof(text)));
        return;
    }
    runner_report(r, command->line, "%s was expected, this came instead: %s", wanted,
                  outcome(status, error, text, sizeof(text)));
}

/* ---- Modules ----------------------------------------------------------------------------- */

/* The path of a file beside the script; NULL when memory is out. */
static char *path_beside(struct runner *r, const char *name, size_t *ret_bytes)
{
    const char *slash = strrchr(r->path, '/');
    size_t folder = slash == NULL ? 0 : (size_t)(slash - r->path) + 1, bytes = strlen(name) + 1;
    char *path = alloc_get(r->alloc, folder + bytes);
    if (path != NULL) {
        memcpy(path, r->path, folder);
        memcpy(path + folder, name, bytes);
        *ret_bytes = folder + bytes;
    }
    return path;
}

static enum stint_status file_binary(struct runner *r, const struct script_module *module,
                                     const struct text_options *options, struct buf *binary,
                                     struct stint_error *error)
{
    const uint8_t *data;
    size_t bytes, path_bytes;
    char *path = path_beside(r, module->path, &path_bytes);
    if (path == NULL)
        return STINT_NOMEM;
    enum stint_status status = pages_map_file(path, LIMIT_MODULE_BYTES, &data, &bytes, error);
    alloc_put(r->alloc, path, path_bytes);
    if (status != STINT_OK)
        return status;
    if (module->form == FORM_FILE_TEXT)
        status = text_to_any_binary(r->alloc, (const char *)data, bytes, options, binary, error);
    else if (!buf_append(binary, data, bytes))
        status = STINT_NOMEM;
    pages_unmap_file(data, bytes);
    return status;
}

/* The binary of a module, appended to `binary`. */
static enum stint_status module_binary(struct runner *r, const struct script_module *module,
                                       struct buf *binary, struct stint_error *error)
{
    static const struct text_options options = {.names = true};
    struct text_module_head head;
    if (module->form != FORM_SOURCE)
        return file_binary(r, module, &options, binary, error);
    if (module->is_whole)
        return text_to_binary(r->alloc, r->text, r->text_bytes, &options, binary, error);
    enum stint_status status = text_module_head(&r->script->source, module->open, &head, error);
    if (status == STINT_OK)
        status = (head.is_component ? text_encode_component : text_encode_form)(
            r->alloc, &r->script->source, &head, &options, binary, error);
    return status;
}

/* Whether a binary means to be a component: by the layer that its header names (Binary.md). */
static bool is_component(const struct buf *binary)
{
    return binary->bytes >= 8 && binary->data[6] == 1 && binary->data[7] == 0;
}

/* Reads, decodes and validates. */
static enum stint_status load(struct runner *r, const struct script_module *module,
                              struct runner_loaded *ret_loaded, struct stint_error *error)
{
    struct buf binary;
    struct runner_loaded loaded = {0};
    buf_init(&binary, r->alloc, LIMIT_MODULE_BYTES);
    enum stint_status status = module_binary(r, module, &binary, error);
    if (status == STINT_OK && is_component(&binary))
        status =
            component_create(r->engine, binary.data, binary.bytes, false, &loaded.component, error);
    else if (status == STINT_OK)
        status =
            rt_module_create(r->engine, binary.data, binary.bytes, false, &loaded.module, error);
    buf_free(&binary);
    if (status == STINT_OK)
        *ret_loaded = loaded;
    return status;
}

static void unload(struct runner_loaded *loaded)
{
    rt_module_release(loaded->module);
    component_release(loaded->component);
    *loaded = (struct runner_loaded){0};
}

/* What stands for an import: of spectest, or of a registered instance. */
static bool resolve(struct runner *r, const struct wasm_import *import,
                    struct extern_value *ret_value)
{
    static const char spectest[] = "spectest";
    const uint64_t *found = map_find(&r->registered, import->module.text, import->module.bytes);
    const struct runner_instance *instance =
        found != NULL ? (struct runner_instance *)(uintptr_t)*found : NULL;
    if (instance != NULL)
        return instance->core != NULL &&
               instance_export(instance->core, import->field.text, import->field.bytes, ret_value);
    return import->module.bytes == sizeof(spectest) - 1 &&
           memcmp(import->module.text, spectest, sizeof(spectest) - 1) == 0 &&
           spectest_export(&r->spectest, import->field, ret_value);
}

static enum stint_status instantiate_module(struct runner *r, struct stint_module *module,
                                            struct stint_instance **ret_instance,
                                            struct stint_error *error)
{
    const struct wasm_module *wasm = module->wasm;
    size_t count = wasm->import_count, each = sizeof(struct extern_value);
    struct extern_value *imports = alloc_get_zeroed(r->alloc, count, each);
    enum stint_status status = imports == NULL && count != 0 ? STINT_NOMEM : STINT_OK;
    for (size_t i = 0; i < count && status == STINT_OK; i++) {
        if (!resolve(r, &wasm->imports[i], &imports[i]))
            status = import_unknown(wasm, &wasm->imports[i], error);
    }
    if (status == STINT_OK)
        status = instance_create(r->store, module, imports, ret_instance, error);
    alloc_put(r->alloc, imports, count * each);
    return status;
}

/* What comes of it is in `*ret_instance`, also where it is nothing that is supported. */
static enum stint_status instantiate(struct runner *r, const struct runner_loaded *loaded,
                                     struct runner_instance **ret_instance,
                                     struct stint_error *error)
{
    struct runner_instance *instance = arena_get_zeroed(&r->arena, 1, sizeof(*instance));
    if (instance == NULL)
        return STINT_NOMEM;
    enum stint_status status;
    if (loaded->component != NULL)
        status = runner_component_create(r, loaded->component, &instance->component, error);
    else
        status = instantiate_module(r, loaded->module, &instance->core, error);
    instance->is_skipped = status == STINT_UNSUPPORTED;
    if (status != STINT_OK && !instance->is_skipped)
        return status;
    instance->next = r->all_instances;
    r->all_instances = instance;
    *ret_instance = instance;
    return status;
}

/* Loads and instantiates; what it is for is the caller's business. */
static enum stint_status load_instance(struct runner *r, const struct script_module *module,
                                       struct runner_instance **ret_instance,
                                       struct stint_error *error)
{
    struct runner_loaded loaded;
    enum stint_status status = load(r, module, &loaded, error);
    if (status != STINT_OK)
        return status;
    status = instantiate(r, &loaded, ret_instance, error);
    unload(&loaded);
    return status;
}

/* ---- Commands about modules -------------------------------------------------------------- */

static bool put_pointer(struct map *map, struct wasm_name name, void *pointer)
{
    return name.text == NULL || map_put(map, name.text, name.bytes, (uintptr_t)pointer);
}

static void *find_pointer(const struct map *map, struct wasm_name name)
{
    const uint64_t *found = map_find(map, name.text, name.bytes);
    return found == NULL ? NULL : (void *)(uintptr_t)*found;
}

static enum stint_status define(struct runner *r, const struct script_module *module,
                                struct stint_error *error)
{
    struct runner_definition *definition = arena_get_zeroed(&r->arena, 1, sizeof(*definition));
    r->definition = NULL;
    if (definition == NULL)
        return STINT_NOMEM;
    enum stint_status status = load(r, module, &definition->loaded, error);
    definition->is_skipped = status == STINT_UNSUPPORTED;
    if (status != STINT_OK && !definition->is_skipped)
        return status;
    definition->next = r->all_definitions;
    r->all_definitions = definition;
    r->definition = definition;
    return put_pointer(&r->definitions, module->id, definition) ? status : STINT_NOMEM;
}

static void run_module(struct runner *r, const struct script_command *command)
{
    struct stint_error error = {0};
    enum stint_status status;
    if (command->module.is_definition) {
        status = define(r, &command->module, &error);
    } else {
        struct runner_instance *instance = NULL;
        status = load_instance(r, &command->module, &instance, &error);
        r->current = instance;
        if (instance != NULL && !put_pointer(&r->instances, command->module.id, instance))
            status = STINT_NOMEM;
    }
    if (status == STINT_OK)
        pass(r);
    else
        report_outcome(r, command, "a module", status, &error);
}

static void run_instance(struct runner *r, const struct script_command *command)
{
    struct stint_error error = {0};
    struct runner_instance *instance = NULL;
    struct runner_definition *definition =
        command->of.text == NULL ? r->definition : find_pointer(&r->definitions, command->of);
    enum stint_status status = STINT_NOT_FOUND;
    if (definition != NULL && definition->is_skipped) {
        instance = arena_get_zeroed(&r->arena, 1, sizeof(*instance));
        if (instance != NULL)
            instance->is_skipped = true;
        status = STINT_UNSUPPORTED;
    } else if (definition != NULL) {
        status = instantiate(r, &definition->loaded, &instance, &error);
    }
    r->current = instance;
    if (instance != NULL && !put_pointer(&r->instances, command->id, instance))
        status = STINT_NOMEM;
    if (status == STINT_OK)
        pass(r);
    else
        report_outcome(r, command, "an instance", status, &error);
}

/* The instance with this identifier; without one the last. Reports where there is none. */
static struct runner_instance *find_instance(struct runner *r, uint32_t line, struct wasm_name id)
{
    struct runner_instance *instance =
        id.text == NULL ? r->current : find_pointer(&r->instances, id);
    if (instance == NULL)
        runner_report(r, line, "there is no instance%s%.*s to use here",
                      id.text == NULL ? "" : " $",
                      (int)(id.bytes < NAME_SHOWN_BYTES ? id.bytes : NAME_SHOWN_BYTES),
                      id.text == NULL ? "" : id.text);
    return instance;
}

static void run_register(struct runner *r, const struct script_command *command)
{
    struct runner_instance *instance = find_instance(r, command->line, command->id);
    if (instance == NULL)
        return;
    if (put_pointer(&r->registered, command->of, instance))
        pass(r);
    else
        runner_report(r, command->line, "out of memory");
}

/* Assertions that a module is not accepted. */
static void run_rejection(struct runner *r, const struct script_command *command)
{
    struct stint_error error = {0};
    struct runner_loaded loaded = {0};
    enum stint_status status = load(r, &command->module, &loaded, &error);
    bool is_custom_valid = loaded.module != NULL && custom_sections_are_valid(loaded.module->wasm);
    unload(&loaded);
    bool is_malformed = status == STINT_MALFORMED || status == STINT_SYNTAX;
    switch (command->kind) {
    case ASSERT_MALFORMED:
        if (is_malformed)
            pass(r);
        else
            report_outcome(r, command, "a malformed module", status, &error);
        break;
    case ASSERT_INVALID:
        /* What the text leaves undefined, such as an unknown identifier, is found by its parser. */
        if (status == STINT_INVALID || status == STINT_SYNTAX)
            pass(r);
        else
            report_outcome(r, command, "an invalid module", status, &error);
        break;
    default:
        if (is_malformed || !is_custom_valid)
            pass(r);
        else
            report_outcome(r, command, "a module with a bad custom section", status, &error);
    }
}

static void run_unlinkable(struct runner *r, const struct script_command *command)
{
    struct stint_error error = {0};
    struct runner_instance *instance;
    enum stint_status status = load_instance(r, &command->module, &instance, &error);
    if (status == STINT_UNLINKABLE)
        pass(r);
    else
        report_outcome(r, command, "a module whose imports do not match", status, &error);
}

/* ---- Commands about actions -------------------------------------------------------------- */

/* The results of an action. */
struct results {
    const valtype *types;
    uint32_t count;
    uint64_t *slots;
    size_t slot_count;
    valtype global_type;
    bool is_component; /* then `value` is the result, and its type NULL where there is none */
    struct cvalue value;
    struct arena arena;
};

static void results_free(struct runner *r, struct results *results)
{
    alloc_put(r->alloc, results->slots, results->slot_count * sizeof(*results->slots));
    arena_free(&results->arena);
}

static enum stint_status get_global(struct runner *r, const struct global *global,
                                    struct results *ret_results)
{
    ret_results->slot_count = 2;
    ret_results->slots = alloc_get_zeroed(r->alloc, 2, sizeof(uint64_t));
    if (ret_results->slots == NULL)
        return STINT_NOMEM;
    memcpy(ret_results->slots, global->cell, sizeof(global->cell));
    ret_results->global_type = global->type.type;
    ret_results->types = &ret_results->global_type;
    ret_results->count = 1;
    return STINT_OK;
}

static enum stint_status invoke(struct runner *r, const struct script_action *action,
                                struct func *func, struct results *ret_results,
                                struct stint_error *error)
{
    const struct type_def *type = func->type;
    size_t slots = type->param_slots > type->result_slots ? type->param_slots : type->result_slots;
    ret_results->types = type->results;
    ret_results->count = type->result_count;
    ret_results->slot_count = slots + 1; /* never nothing */
    ret_results->slots = alloc_get_zeroed(r->alloc, slots + 1, sizeof(uint64_t));
    if (ret_results->slots == NULL)
        return STINT_NOMEM;
    enum stint_status status = values_to_slots(r, type, action, ret_results->slots, error);
    if (status == STINT_OK)
        status = rt_call(r->store, func, ret_results->slots, error);
    return status;
}

/* Free the results in any case. */
static enum stint_status act(struct runner *r, struct stint_instance *instance,
                             const struct script_action *action, struct results *ret_results,
                             struct stint_error *error)
{
    struct extern_value value;
    int shown =
        (int)(action->name.bytes < NAME_SHOWN_BYTES ? action->name.bytes : NAME_SHOWN_BYTES);
    if (!instance_export(instance, action->name.text, action->name.bytes, &value))
        return error_set(error, STINT_NOT_FOUND, STINT_NO_OFFSET, "there is no export \"%.*s\"",
                         shown, action->name.text);
    if (value.kind != (action->is_get ? EXTERN_GLOBAL : EXTERN_FUNC))
        return error_set(error, STINT_ARGUMENT, STINT_NO_OFFSET, "export \"%.*s\" is no %s", shown,
                         action->name.text, action->is_get ? "global" : "function");
    return action->is_get ? get_global(r, value.global, ret_results)
                          : invoke(r, action, value.func, ret_results, error);
}

static bool check_component_result(struct runner *r, const struct script_command *command,
                                   const struct cvalue *value)
{
    char wanted[VALUE_TEXT_BYTES * 2], came[VALUE_TEXT_BYTES * 2];
    uint32_t count = value->type != NULL ? 1 : 0;
    if (command->result_count != count) {
        runner_report(r, command->line, "%u results were expected, %u came", command->result_count,
                      count);
        return false;
    }
    if (count == 0 || runner_component_matches(command->results[0].options, value))
        return true;
    runner_report(
        r, command->line, "%s was expected, this came instead: %s",
        runner_component_format_wanted(command->results[0].options, wanted, sizeof(wanted)),
        runner_component_format(value, came, sizeof(came)));
    return false;
}

/* Whether the results are those that the command wants; reports the first that is not. */
static bool check_results(struct runner *r, const struct script_command *command,
                          const struct results *results)
{
    char wanted[VALUE_TEXT_BYTES * 2], came[VALUE_TEXT_BYTES];
    const uint64_t *slot = results->slots;
    if (results->is_component)
        return check_component_result(r, command, &results->value);
    if (results->count != command->result_count) {
        runner_report(r, command->line, "%u results were expected, %u came", command->result_count,
                      results->count);
        return false;
    }
    for (uint32_t i = 0; i < results->count; i++) {
        valtype type = results->types[i];
        if (!value_matches(r, &command->results[i], type, slot)) {
            runner_report(r, command->line, "result %u: %s was expected, this came instead: %s", i,
                          result_format(&command->results[i], wanted, sizeof(wanted)),
                          runner_value_format(r, type, slot, came, sizeof(came)));
            return false;
        }
        slot += vt_slots(type);
    }
    return true;
}

/* Whether a trap's text is the one that is wanted; one may go on where the other ends. */
static bool is_trap_text(enum stint_trap trap, struct wasm_name wanted)
{
    const char *text = trap_text(trap);
    size_t bytes = strlen(text) < wanted.bytes ? strlen(text) : wanted.bytes;
    return memcmp(text, wanted.text, bytes) == 0;
}

/*
 * Traps of core code have texts that the suites agree upon; the component suite has them inside of
 * longer ones. Those of the canonical ABI have none (the suite's are one implementation's), so any of
 * them will do.
 */
static bool is_component_trap(enum stint_trap trap, struct wasm_name wanted)
{
    const char *text = trap_text(trap);
    return trap == STINT_TRAP_NONE || trap == STINT_TRAP_HOST ||
           memmem(wanted.text, wanted.bytes, text, strlen(text)) != NULL;
}

static bool is_trap_wanted(bool is_component, enum stint_trap trap, struct wasm_name wanted)
{
    return is_component ? is_component_trap(trap, wanted) : is_trap_text(trap, wanted);
}

static void check_trap(struct runner *r, const struct script_command *command, bool is_component,
                       enum stint_status status, const struct stint_error *error)
{
    char wanted[100];
    if (status == STINT_TRAP && is_trap_wanted(is_component, error->trap, command->message)) {
        pass(r);
        return;
    }
    snprintf(wanted, sizeof(wanted), "the trap \"%.*s\"",
             (int)(command->message.bytes < NAME_SHOWN_BYTES ? command->message.bytes
                                                             : NAME_SHOWN_BYTES),
             command->message.text);
    report_outcome(r, command, wanted, status, error);
}

static void run_action(struct runner *r, const struct script_command *command)
{
    struct stint_error error = {0};
    struct results results = {.arena.alloc = r->alloc};
    struct runner_instance *instance = find_instance(r, command->line, command->action.module);
    if (instance == NULL)
        return;
    if (instance->is_skipped) {
        r->counts->skipped++;
        return;
    }
    results.is_component = instance->component != NULL;
    enum stint_status status;
    if (results.is_component) {
        status = runner_component_invoke(r, instance->component, &command->action, &results.arena,
                                         &results.value, &error);
        /* After half a call the instance is in no state that later commands could count on. */
        instance->is_skipped = status == STINT_UNSUPPORTED;
    } else {
        status = act(r, instance->core, &command->action, &results, &error);
    }
    switch (command->kind) {
    case ASSERT_TRAP:
    case ASSERT_EXHAUSTION:
        check_trap(r, command, results.is_component, status, &error);
        break;
    case ASSERT_EXCEPTION:
        if (status == STINT_EXCEPTION)
            pass(r);
        else
            report_outcome(r, command, "an exception", status, &error);
        break;
    default:
        if (status != STINT_OK)
            report_outcome(r, command, "success", status, &error);
        else if (command->kind == SCRIPT_ACTION || check_results(r, command, &results))
            pass(r);
    }
    results_free(r, &results);
}

static void run_trap(struct runner *r, const struct script_command *command)
{
    struct stint_error error = {0};
    struct runner_instance *instance;
    struct runner_loaded loaded = {0};
    if (!command->has_module) {
        run_action(r, command);
        return;
    }
    enum stint_status status = load(r, &command->module, &loaded, &error);
    if (status == STINT_OK)
        status = instantiate(r, &loaded, &instance, &error);
    check_trap(r, command, loaded.component != NULL, status, &error);
    unload(&loaded);
}

/* ---- Files ------------------------------------------------------------------------------- */

static void run_command(struct runner *r, const struct script_command *command)
{
    switch ((enum script_kind)command->kind) {
    case SCRIPT_MODULE:
        run_module(r, command);
        break;
    case SCRIPT_INSTANCE:
        run_instance(r, command);
        break;
    case SCRIPT_REGISTER:
        run_register(r, command);
        break;
    case ASSERT_TRAP:
        run_trap(r, command);
        break;
    case SCRIPT_ACTION:
    case ASSERT_RETURN:
    case ASSERT_EXHAUSTION:
    case ASSERT_EXCEPTION:
        run_action(r, command);
        break;
    case ASSERT_UNLINKABLE:
        run_unlinkable(r, command);
        break;
    case ASSERT_MALFORMED:
    case ASSERT_INVALID:
    case ASSERT_MALFORMED_CUSTOM:
    case ASSERT_INVALID_CUSTOM:
        run_rejection(r, command);
        break;
    }
}

static enum stint_status run_script(struct runner *r, struct stint_error *error)
{
    const struct store_limits limits = store_limits_default();
    enum stint_status status = store_create(r->engine, &limits, &r->store);
    if (status == STINT_OK)
        status = spectest_create(r, error);
    for (uint32_t i = 0; i < r->script->command_count && status == STINT_OK; i++)
        run_command(r, &r->script->commands[i]);
    for (struct runner_instance *i = r->all_instances; i != NULL; i = i->next)
        runner_component_free(i->component);
    store_free(r->store);
    for (struct runner_definition *i = r->all_definitions; i != NULL; i = i->next)
        unload(&i->loaded);
    arena_free(&r->arena);
    return status;
}

static bool has_suffix(const char *path, const char *suffix)
{
    size_t path_bytes = strlen(path), bytes = strlen(suffix);
    return path_bytes >= bytes && strcmp(path + path_bytes - bytes, suffix) == 0;
}

static void run_file(struct stint_engine *engine, const char *path,
                     const struct wast_options *options, struct wast_counts *counts)
{
    struct runner r = {.engine = engine,
                       .alloc = &engine->alloc,
                       .options = options,
                       .counts = counts,
                       .path = path};
    struct script script = {0};
    struct stint_error error = {0};
    const uint8_t *text;
    enum stint_status status =
        pages_map_file(path, LIMIT_MODULE_BYTES, &text, &r.text_bytes, &error);
    if (status != STINT_OK) {
        counts->failed++;
        fprintf(options->out, "%s: %s\n", path, error.message);
        return;
    }
    r.text = (const char *)text;
    map_init(&r.instances, r.alloc);
    map_init(&r.definitions, r.alloc);
    arena_init(&r.arena, r.alloc);
    map_init(&r.registered, r.alloc);
    r.script = &script;
    status = (has_suffix(path, ".json") ? script_read_json : script_read_text)(
        r.alloc, r.text, r.text_bytes, &script, &error);
    if (status == STINT_OK) {
        status = run_script(&r, &error);
        script_free(&script);
    }
    map_free(&r.instances);
    map_free(&r.definitions);
    map_free(&r.registered);
    pages_unmap_file(text, r.text_bytes);
    if (status != STINT_OK) {
        counts->failed++;
        fprintf(options->out, "%s:%u:%u: %s\n", path, error.line, error.column,
                error.message[0] != 0 ? error.message : status_text(status));
    }
}

void wast_run_files(struct stint_engine *engine, const char *const *paths, size_t path_count,
                    const struct wast_options *options, struct wast_counts *counts)
{
    for (size_t i = 0; i < path_count; i++) {
        struct wast_counts file = {0};
        run_file(engine, paths[i], options, &file);
        if (options->verbose)
            fprintf(options->out,
                    "%s: %" PRIu64 " passed, %" PRIu64 " failed, %" PRIu64 " skipped\n", paths[i],
                    file.passed, file.failed, file.skipped);
        counts->passed += file.passed;
        counts->failed += file.failed;
        counts->skipped += file.skipped;
    }
    fprintf(options->out, "%" PRIu64 " passed, %" PRIu64 " failed, %" PRIu64 " skipped\n",
            counts->passed, counts->failed, counts->skipped);
}
