/* SPDX-License-Identifier: Apache-2.0 */
/* `stint run --invoke`: words in, results out. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "cli/cmd_run.h"
#include "cli/value_text.h"

/* An exported function by name, or NULL after saying which there are. */
static struct func *find_function(struct run *run, const char *name)
{
    struct extern_value found;
    if (instance_export(run->instance, name, strlen(name), &found) && found.kind == EXTERN_FUNC)
        return found.func;
    const struct wasm_module *wasm = run->module->wasm;
    struct nearest nearest = {.wanted = name, .wanted_bytes = strlen(name)};
    char list[512];
    size_t used = 0;
    uint32_t functions = 0;
    for (uint32_t i = 0; i < wasm->export_count; i++) {
        const struct wasm_export *export = &wasm->exports[i];
        if (export->kind != EXTERN_FUNC)
            continue;
        nearest_offer(&nearest, export->name.text, export->name.bytes);
        functions++;
        if (used + export->name.bytes + 3 < sizeof(list))
            used +=
                (size_t)snprintf(list + used, sizeof(list) - used, "%s%.*s", used == 0 ? "" : ", ",
                                 (int)export->name.bytes, export->name.text);
    }
    cli_error("%s: no function is exported as '%s'", run->path, name);
    if (nearest.best != NULL)
        cli_hint("Did you mean '%.*s'?", (int)nearest.best_bytes, nearest.best);
    else if (functions == 0)
        cli_hint("The module exports no functions.");
    else
        cli_hint("Exported functions: %s", list);
    return NULL;
}

static enum stint_status parse_arguments(struct run *run, const struct type_def *type,
                                         uint64_t *slots)
{
    const char *name = run->options->invoke;
    if ((uint32_t)run->guest_argc != type->param_count) {
        cli_error("%s: '%s' takes %u argument%s, %d given", run->path, name, type->param_count,
                  type->param_count == 1 ? "" : "s", run->guest_argc);
        return STINT_ARGUMENT;
    }
    for (uint32_t i = 0; i < type->param_count; i++) {
        char text[64];
        if (!value_parse(run->guest_argv[i], type->params[i], slots)) {
            cli_error("%s: argument %u of '%s': '%s' is not of type %s", run->path, i + 1, name,
                      run->guest_argv[i], valtype_format(type->params[i], text, sizeof(text)));
            cli_hint("What it takes: %s", value_example(type->params[i]));
            return STINT_ARGUMENT;
        }
        slots += vt_slots(type->params[i]);
    }
    return STINT_OK;
}

static void print_results(const struct type_def *type, const uint64_t *slots, bool json)
{
    char text[VALUE_TEXT_BYTES];
    if (json)
        fputs("{\"results\": [", stdout);
    for (uint32_t i = 0; i < type->result_count; i++) {
        value_format(slots, type->results[i], json, text);
        printf(json ? "%s%s" : "%s%s\n", json && i > 0 ? ", " : "", text);
        slots += vt_slots(type->results[i]);
    }
    if (json)
        puts("]}");
}

enum stint_status run_invoke(struct run *run, struct stint_error *error)
{
    struct func *func = find_function(run, run->options->invoke);
    if (func == NULL)
        return STINT_ARGUMENT;
    const struct type_def *type = func->type;
    uint32_t count =
        type->param_slots > type->result_slots ? type->param_slots : type->result_slots;
    struct arena arena;
    arena_init(&arena, &alloc_root);
    uint64_t *slots = arena_get_zeroed(&arena, count, sizeof(*slots));
    enum stint_status status;
    if (slots == NULL) {
        status = error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "out of memory");
    } else {
        status = parse_arguments(run, type, slots);
        if (status == STINT_OK)
            status = rt_call(run->store, func, slots, error);
        if (status == STINT_OK)
            print_results(type, slots, run->options->json);
    }
    arena_free(&arena);
    return status;
}
