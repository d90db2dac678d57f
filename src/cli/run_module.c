/* SPDX-License-Identifier: Apache-2.0 */
/* A run from file to exit code; shared by `stint run` and stint-device. */
#include <stdio.h>
#include <string.h>

#include "cli/cmd_run.h"
#include "cli/run_component.h"
#include "cli/run_wasi.h"
#include "cli/run_wasi_p2.h"
#include "interp/interp.h"
#include "os/clock.h"
#include "runtime/trace.h"
#include "stint_config.h"

/* A stack overflow has thousands of frames; the innermost ones tell. */
enum { BACKTRACE_FRAMES = 24 };

static void mark(struct run *run, enum run_mark which)
{
    if (run->options->stats != NULL)
        run->marks_ns[which] = clock_now_ns(OS_CLOCK_MONOTONIC);
}

static enum stint_status load(struct run *run, struct stint_error *error)
{
    const struct run_options *options = run->options;
    struct module_known known = {.is_valid = false};
    struct engine_config config = engine_config_default();
    config.features = features_apply(&options->features);
    config.is_metered =
        options->fuel.is_given || options->timeout.is_given || options->stats != NULL;
    config.gc_stress = options->gc_stress;
    config.is_timed = options->stats != NULL;
    if (!STINT_DEVICE && run->set_tier != NULL)
        run->set_tier(run, &config);
    enum stint_status status = !STINT_DEVICE && run->open != NULL
                                   ? run->open(run, &config, &known, error)
                                   : module_file_open(run->path, &run->file, error);
    mark(run, MARK_READ);
    if (status != STINT_OK)
        return status;
    status = engine_create(&config, &interp_ops, &run->engine);
    if (status != STINT_OK)
        return error_set(error, status, STINT_NO_OFFSET, "out of memory");
    /* The device program knows nothing beforehand, and counts its bytes. */
    if (STINT_DEVICE)
        status = rt_module_create(run->engine, run->file.bytes, run->file.size_bytes, true,
                                  &run->module, error);
    else if (run->file.is_component)
        status = run_component_load(run, error);
    else
        status = rt_module_create_known(run->engine, run->file.bytes, run->file.size_bytes, &known,
                                        &run->module, error);
    mark(run, MARK_COMPILED);
    return status;
}

static enum stint_status create_store(struct run *run, struct stint_error *error)
{
    const struct run_options *options = run->options;
    struct store_limits limits = store_limits_default();
    if (options->max_memory.is_given)
        limits.memory_bytes_max = options->max_memory.value;
    if (options->max_table.is_given)
        limits.table_elements_max = options->max_table.value;
    if (options->max_gc_heap.is_given)
        limits.gc_heap_bytes_max = options->max_gc_heap.value;
    if (options->max_stack.is_given) {
        uint64_t bytes = options->max_stack.value;
        limits.stack_bytes_max = bytes < UINT32_MAX ? (uint32_t)bytes : UINT32_MAX;
    }
    enum stint_status status = store_create(run->engine, &limits, &run->store);
    if (status != STINT_OK)
        return error_set(error, status, STINT_NO_OFFSET, "out of memory");
    if (options->fuel.is_given)
        rt_fuel_set(run->store, options->fuel.value);
    return STINT_OK;
}

/* Calls an export without parameters and results; STINT_NOT_FOUND when there is none. */
static enum stint_status call_export(struct run *run, const char *name, struct stint_error *error)
{
    struct extern_value value;
    if (!instance_export(run->instance, name, strlen(name), &value) || value.kind != EXTERN_FUNC)
        return STINT_NOT_FOUND;
    const struct type_def *type = value.func->type;
    if (type->param_count != 0 || type->result_count != 0)
        return error_set(error, STINT_INVALID, STINT_NO_OFFSET,
                         "'%s' has parameters or results; WASI's has none", name);
    uint64_t slot = 0;
    return rt_call(run->store, value.func, &slot, error);
}

static enum stint_status execute(struct run *run, struct stint_error *error)
{
    enum stint_status status;
    if (run->options->invoke == NULL) {
        status = call_export(run, "_start", error);
        if (!STINT_DEVICE && status == STINT_NOT_FOUND)
            status = run_wasi_p2_call(run, error);
        if (status != STINT_NOT_FOUND)
            return status;
        error_set(error, STINT_NOT_FOUND, STINT_NO_OFFSET, "%s: the module exports no _start",
                  run->path);
        return STINT_NOT_FOUND;
    }
    status = call_export(run, "_initialize", error);
    if (status != STINT_OK && status != STINT_NOT_FOUND)
        return status;
    return run->invoke(run, error);
}

enum stint_status run_module(struct run *run, struct stint_error *error)
{
    mark(run, MARK_START);
    enum stint_status status = load(run, error);
    if (status == STINT_OK)
        status = create_store(run, error);
    if (status == STINT_OK)
        status = run->module != NULL ? run_link(run, error) : run_wasi_open(run, error);
    if (status != STINT_OK)
        return status;
    run_watch_start(run);
    if (!STINT_DEVICE && run->component != NULL)
        status = run_component_instantiate(run, error);
    else
        status = instance_create(run->store, run->module, run->imports, &run->instance, error);
    mark(run, MARK_INSTANTIATED);
    if (!STINT_DEVICE && status == STINT_OK && run->component != NULL)
        status = run_component_call(run, error);
    else if (status == STINT_OK)
        status = execute(run, error);
    run_watch_stop(run);
    mark(run, MARK_END);
    return status;
}

static void print_backtrace(const struct run *run)
{
    struct frame_info frames[BACKTRACE_FRAMES];
    struct buf text;
    if (run->store == NULL)
        return;
    size_t total = rt_backtrace(run->store, frames, COUNT_OF(frames));
    size_t count = total < COUNT_OF(frames) ? total : COUNT_OF(frames);
    buf_init(&text, &alloc_root, 1 << 20);
    if (trace_format(&text, frames, count, total, run->path, run->options->lines) && text.bytes > 0)
        fwrite(text.data, 1, text.bytes, stderr);
    buf_free(&text);
}

int run_conclude(const struct run *run, enum stint_status status, struct stint_error *error)
{
    switch (status) {
    case STINT_OK:
        return CLI_EXIT_OK;
    case STINT_EXIT:
        /* The kernel keeps eight bits of a code; a failure must not become a success by that. */
        return error->exit_code > 255 ? 255 : (int)error->exit_code;
    case STINT_TRAP:
    case STINT_EXCEPTION:
        cli_error("%s: %s: %s", run->path, status == STINT_TRAP ? "trap" : "uncaught exception",
                  error->message);
        print_backtrace(run);
        if (error->trap == STINT_TRAP_STACK_OVERFLOW)
            cli_hint("--max-stack SIZE allows deeper calls");
        return CLI_EXIT_TRAP;
    case STINT_TIMEOUT:
    case STINT_INTERRUPTED:
        cli_error("%s: time is up (--timeout)", run->path);
        return CLI_EXIT_TIMEOUT;
    case STINT_FUEL:
        cli_error("%s: fuel used up (--fuel %llu)", run->path,
                  (unsigned long long)run->options->fuel.value);
        return CLI_EXIT_FUEL;
    default:
        break;
    }
    if (error->status != STINT_OK) {
        if (run->file.is_text)
            error->offset_bytes = STINT_NO_OFFSET;
        cli_report(run->path, error);
    }
    if (run->instance != NULL && status == STINT_NOT_FOUND)
        cli_hint("It may be a library: call one of its functions with --invoke.");
    return status == STINT_ARGUMENT ? CLI_EXIT_USAGE : CLI_EXIT_FAILED;
}

void run_free(struct run *run)
{
    if (!STINT_DEVICE)
        run_component_end(run);
    store_free(run->store);
    run_wasi_close(run);
    if (!STINT_DEVICE)
        run_component_free(run);
    if (run->imports != NULL)
        alloc_put(&alloc_root, run->imports,
                  run->module->wasm->import_count * sizeof(*run->imports));
    rt_module_release(run->module);
    engine_release(run->engine);
    module_file_close(&run->file);
    if (!STINT_DEVICE && run->close != NULL)
        run->close(run);
}
