/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "compiler/compile_int.h"
#include "os/clock.h"
#include "os/thread.h"

enum { THREADS_MAX = 64 };

/* What a thread has while it works on one partition. */
struct worker {
    struct compilation *c;
    LLVMTargetMachineRef target;
    struct unit unit;
    struct arena arena;
    struct stint_error error;
    bool has_diagnosed; /* LLVM reported an error */
    uint64_t lap_ns;
    uint64_t frontend_ns, optimise_ns, codegen_ns;
};

/* The thread's CPU time since the last lap. */
static uint64_t lap(struct worker *w)
{
    uint64_t now = clock_now_ns(OS_CLOCK_THREAD_CPU), spent = now - w->lap_ns;
    w->lap_ns = now;
    return spent;
}

/* ---- Lowering ---------------------------------------------------------------------------------- */

static void on_diagnostic(LLVMDiagnosticInfoRef info, void *context)
{
    struct worker *w = context;
    if (LLVMGetDiagInfoSeverity(info) != LLVMDSError)
        return;
    char *text = LLVMGetDiagInfoDescription(info);
    error_set(&w->error, STINT_UNSUPPORTED, STINT_NO_OFFSET, "%s", text);
    LLVMDisposeMessage(text);
    w->has_diagnosed = true;
}

static bool begin_unit(struct worker *w)
{
    struct compilation *c = w->c;
    w->unit = (struct unit){
        .arena = &w->arena,
        .is_compiled = c->is_compiled,
        .type_of_func = c->type_of_func,
        .fixed_tables = c->fixed_tables,
        .is_aarch64 = c->machine.arch == IMAGE_AARCH64,
    };
    if (!unit_begin(&w->unit, c->wasm, c->options, c->code_class))
        return false;
    LLVMContextSetDiagnosticHandler(w->unit.context, on_diagnostic, w);
    LLVMSetTarget(w->unit.module, c->machine.triple);
    LLVMTargetDataRef layout = LLVMCreateTargetDataLayout(w->target);
    LLVMSetModuleDataLayout(w->unit.module, layout);
    LLVMDisposeTargetData(layout);
    return true;
}

/* Bodies of small functions that this partition calls and does not hold. They may call others. */
static bool lower_inlined(struct worker *w, const struct partition *partition)
{
    struct compilation *c = w->c;
    uint32_t imports = c->wasm->import_func_count;
    for (unsigned round = 0; round < 2; round++) {
        for (uint32_t i = imports; i < c->wasm->func_count; i++) {
            LLVMValueRef fn = w->unit.funcs[i];
            if (fn == NULL || !LLVMIsDeclaration(fn) || LLVMGetFirstUse(fn) == NULL ||
                !c->is_compiled[i - imports] || !partition_is_inlined(c, i - imports))
                continue;
            if (!lower_function(&w->unit, i - imports, true))
                return false;
        }
    }
    (void)partition;
    return true;
}

static bool lower_osrs(struct worker *w, const uint8_t *is_here)
{
    const struct compiler_options *options = w->c->options;
    for (uint32_t i = 0; i < options->osr_count; i++) {
        const struct compiler_osr *osr = &options->osrs[i];
        if (is_here[osr->own_index] && !lower_osr(&w->unit, osr->own_index, osr->loop_offset))
            return false;
    }
    return true;
}

/* OSR entries stand with their function: such images are small. */
static bool lower_loops(struct worker *w, const struct partition *partition)
{
    struct compilation *c = w->c;
    if (c->options->osr_count == 0)
        return true;
    uint32_t own_count = c->wasm->func_count - c->wasm->import_func_count;
    uint8_t *is_here = arena_get_zeroed(&w->arena, own_count, 1);
    if (is_here == NULL)
        return false;
    for (uint32_t i = partition->first; i < partition->end; i++)
        is_here[c->order[i]] = 1;
    return lower_osrs(w, is_here);
}

static bool lower_entries(struct worker *w)
{
    for (uint32_t i = 0; i < w->c->wasm->type_count; i++) {
        if (w->c->has_entry[i] && !lower_entry(&w->unit, i))
            return false;
    }
    return true;
}

static enum stint_status lower_partition(struct worker *w, const struct partition *partition)
{
    struct compilation *c = w->c;
    bool ok = begin_unit(w);
    for (uint32_t i = partition->first; ok && i < partition->end; i++) {
        if (c->is_compiled[c->order[i]]) /* else only its loops are wanted */
            ok = lower_function(&w->unit, c->order[i], false);
        ok = ok && !atomic_load(&c->is_stopped);
    }
    ok = ok && lower_loops(w, partition) && lower_inlined(w, partition);
    if (ok && partition == c->partitions)
        ok = lower_entries(w);
    if (ok) {
        unit_fill_fixed_tables(&w->unit);
        ok = !w->unit.failed;
    }
    if (atomic_load(&c->is_stopped))
        return STINT_INTERRUPTED;
    if (!ok || w->unit.failed)
        return error_set(&w->error, STINT_NOMEM, STINT_NO_OFFSET, "out of memory");
    unit_finish(&w->unit);
    optimise_prepare(&w->unit, c->options);
    return STINT_OK;
}

/* ---- One partition ----------------------------------------------------------------------------- */

/* For debugging the compiler: DIR/NUMBER.WHAT.ll. */
static void dump(struct worker *w, size_t number, const char *what)
{
    char path[512], *message = NULL;
    if (w->c->options->dump_dir == NULL)
        return;
    snprintf(path, sizeof(path), "%s/%zu.%s.ll", w->c->options->dump_dir, number, what);
    if (LLVMPrintModuleToFile(w->unit.module, path, &message))
        LLVMDisposeMessage(message);
}

static enum stint_status emit(struct worker *w, struct link_object *ret_object)
{
    char *message = NULL;
    LLVMMemoryBufferRef object = NULL;
    if (LLVMTargetMachineEmitToMemoryBuffer(w->target, w->unit.module, LLVMObjectFile, &message,
                                            &object)) {
        error_set(&w->error, STINT_UNSUPPORTED, STINT_NO_OFFSET, "%s", message);
        LLVMDisposeMessage(message);
        return STINT_UNSUPPORTED;
    }
    if (w->has_diagnosed) {
        LLVMDisposeMemoryBuffer(object);
        return STINT_UNSUPPORTED;
    }
    enum stint_status status = link_object_make(
        w->c->alloc, w->c->machine.arch, (const uint8_t *)LLVMGetBufferStart(object),
        LLVMGetBufferSize(object), ret_object, &w->error);
    LLVMDisposeMemoryBuffer(object);
    return status;
}

static enum stint_status compile_unit(struct worker *w, size_t number,
                                      const struct compiler_options *options)
{
    struct compilation *c = w->c;
    arena_init(&w->arena, c->alloc);
    lap(w);
    enum stint_status status = lower_partition(w, &c->partitions[number]);
    w->frontend_ns += lap(w);
    if (status == STINT_OK) {
        dump(w, number, "lowered");
        status = optimise_run(&w->unit, w->target, options, &w->error);
        w->optimise_ns += lap(w);
    }
    if (status == STINT_OK) {
        dump(w, number, "optimised");
        status = emit(w, &c->objects[number]);
    }
    unit_end(&w->unit);
    arena_free(&w->arena);
    w->codegen_ns += lap(w);
    return status;
}

static enum stint_status compile_partition(struct worker *w, size_t number)
{
    struct compilation *c = w->c;
    if (!c->partitions[number].is_quick)
        return compile_unit(w, number, c->options);
    struct compiler_options options = *c->options;
    LLVMTargetMachineRef usual = w->target;
    options.opt_level = 0;
    options.for_size = false;
    enum stint_status status = machine_open(&c->machine, &options, &w->target, &w->error);
    if (status == STINT_OK) {
        status = compile_unit(w, number, &options);
        LLVMDisposeTargetMachine(w->target);
    }
    w->target = usual;
    return status;
}

/* ---- Threads ------------------------------------------------------------------------------------ */

/* Counts and tells what is done, and takes the first failure. */
static void report(struct worker *w, enum stint_status status, uint32_t functions)
{
    struct compilation *c = w->c;
    const struct compiler_options *options = c->options;
    lock_take(&c->lock);
    if (status != STINT_OK && c->status == STINT_OK) {
        c->status = status;
        if (status != STINT_INTERRUPTED && c->error != NULL)
            *c->error = w->error;
    }
    c->done += functions;
    if (c->status == STINT_OK && options->progress != NULL &&
        options->progress(options->progress_context, c->done, c->order_count) != 0)
        c->status = STINT_INTERRUPTED;
    if (c->status != STINT_OK)
        atomic_store(&c->is_stopped, true);
    lock_give(&c->lock);
}

static void work(void *context)
{
    struct worker w = {.c = context};
    struct compilation *c = w.c;
    enum stint_status status = machine_open(&c->machine, c->options, &w.target, &w.error);
    if (status != STINT_OK)
        report(&w, status, 0);
    while (!atomic_load(&c->is_stopped)) {
        size_t number = atomic_fetch_add(&c->next, 1);
        if (number >= c->partition_count)
            break;
        const struct partition *partition = &c->partitions[number];
        status = compile_partition(&w, number);
        report(&w, status, status == STINT_OK ? partition->end - partition->first : 0);
    }
    if (w.target != NULL)
        LLVMDisposeTargetMachine(w.target);
    lock_take(&c->lock);
    c->frontend_ns += w.frontend_ns;
    c->optimise_ns += w.optimise_ns;
    c->codegen_ns += w.codegen_ns;
    lock_give(&c->lock);
}

enum stint_status compile_partitions(struct compilation *c, unsigned threads)
{
    struct thread started[THREADS_MAX];
    unsigned count = 0;
    if (threads > THREADS_MAX)
        threads = THREADS_MAX;
    if (threads > c->partition_count)
        threads = (unsigned)c->partition_count;
    /* Even a single one runs on a thread of its own, whose stack is large. */
    while (count < threads && thread_start(&started[count], work, c, false))
        count++;
    if (count == 0)
        return error_set(c->error, STINT_NOMEM, STINT_NO_OFFSET, "no thread could be started");
    for (unsigned i = 0; i < count; i++)
        thread_join(&started[i]);
    return c->status;
}
