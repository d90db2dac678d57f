/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Execution state of a store: calls from the host, translation on demand, frames for backtraces
 * and for the collector.
 *
 * The records of one call from the host, from the bottom:
 *
 *   the frame that is waiting for the host (when the call is nested), as {ip, sp}
 *   {restore cells, its instance}
 *   {halt cells, base frame}      where the called function returns to
 *   … one for each guest call, with {restore cells, instance} above those that change the instance
 */
#include "interp/cell.h"

#include <string.h>

#include "base/buf.h"
#include "interp/exec_int.h"
#include "interp/handler_ids.h"
#include "os/fiber.h"
#include "os/pages.h"
#include "runtime/gc.h"
#include "runtime/native.h"
#include "stint_config.h"

enum {
    NESTED_CALLS_MAX = 200,
    STACK_SLACK_BYTES = 512,
    HEADROOM_BYTES = 64 << 10, /* of a fiber's stack, for host functions */
};

struct cell interp_restore_cells[2];
/* Before `halt`: returns go on at the cell after the one a record names. */
static struct cell halt_cells[2];
static struct cell start_cells[1];
static struct once cells_once = ONCE_INIT;

static void make_cells(void)
{
    interp_restore_cells[0].handler = interp_handler(H_nop);
    interp_restore_cells[1].handler = interp_handler(H_restore_instance);
    halt_cells[0].handler = interp_handler(H_nop);
    halt_cells[1].handler = interp_handler(H_halt);
    start_cells[0].handler = interp_handler(H_start_far);
}

enum stint_status exec_create(struct stint_store *store, struct exec **ret_exec)
{
    struct exec *ctx = alloc_get_zeroed(&store->alloc, 1, sizeof(*ctx));
    if (ctx == NULL)
        return STINT_NOMEM;
    once_do(&cells_once, make_cells);
    ctx->store = store;
    ctx->is_metered = store->engine->config.is_metered;
    ctx->is_sampled = STINT_WITH_NATIVE && tier_is_sampled(store->engine);
    ctx->fuel = ctx->is_metered ? 0 : INT64_MAX;
    ctx->stack_bytes = store->limits.stack_bytes_max;
    /* Each call takes a slot of stack and at most two records. */
    ctx->records_bytes = (ctx->stack_bytes / CELL_SLOT_BYTES * 2 + 64) * sizeof(struct record);
    ctx->records_at_bytes = ctx->stack_bytes + STACK_SLACK_BYTES;
    /* One mapping for both: each costs a start some microseconds. */
    ctx->stack = pages_get(ctx->records_at_bytes + ctx->records_bytes);
    if (ctx->stack == NULL) {
        exec_free(ctx);
        return STINT_NOMEM;
    }
    ctx->records = (struct record *)(void *)((uint8_t *)ctx->stack + ctx->records_at_bytes);
    ctx->stack_limit = (uint8_t *)ctx->stack + ctx->stack_bytes;
    ctx->record_limit = ctx->records + ctx->records_bytes / sizeof(struct record) - 8;
    ctx->frame_base = ctx->stack;
    ctx->rs = ctx->records;
    *ret_exec = ctx;
    return STINT_OK;
}

void exec_free(struct exec *ctx)
{
    if (ctx == NULL)
        return;
    pages_release(ctx->stack, ctx->records_at_bytes + ctx->records_bytes);
    alloc_put(&ctx->store->alloc, ctx, sizeof(*ctx));
}

void interp_enter_instance(struct exec *ctx, struct stint_instance *instance)
{
    ctx->instance = instance;
    ctx->globals = instance->globals;
    ctx->code = instance->code;
}

/* ---- Translation --------------------------------------------------------------------------------- */

/* Keeps the ranges sorted by address; translation is rare, lookups are rarer. */
static bool add_range(struct module_code *code, const struct cell *from, const struct cell *to,
                      uint32_t own_index)
{
    struct alloc *alloc = &code->module->engine->alloc;
    if (!vec_reserve(alloc, &code->ranges, &code->range_capacity, code->range_count + 1,
                     sizeof(*code->ranges)))
        return false;
    size_t at = code->range_count++;
    while (at > 0 && code->ranges[at - 1].from > from) {
        code->ranges[at] = code->ranges[at - 1];
        at--;
    }
    code->ranges[at] = (struct code_range){from, to, own_index};
    return true;
}

/* Translates and publishes; the frame's size comes last and alone: other threads read it meanwhile, and
 * the rest only once it is there. */
static enum stint_status translate_locked(struct module_code *code, struct interp_func *func,
                                          bool is_metered)
{
    struct func_extra *extra = NULL;
    struct interp_func made;
    uint32_t own_index = (uint32_t)(func - code->funcs);
    enum stint_status status = interp_translate_func(code, own_index, is_metered, &extra, &made);
    if (status != STINT_OK)
        return status;
    if (!add_range(code, made.code, made.code + extra->cell_count, own_index)) {
        alloc_put(&code->module->engine->alloc, extra, extra->size_bytes);
        return STINT_NOMEM;
    }
    extra->next = code->translated;
    code->translated = extra;
    func->code = made.code;
    func->zero_from = made.zero_from;
    func->zero_to = made.zero_to;
    func->pins = made.pins;
    func->fuel = made.fuel;
    func->extra = made.extra;
    interp_divert(code, func, own_index);
    __atomic_store_n(&func->frame_inverse, made.frame_inverse, __ATOMIC_RELEASE);
    return STINT_OK;
}

bool interp_translate(struct exec *ctx, struct module_code *code, struct interp_func *func)
{
    enum stint_status status = STINT_OK;
    tier_first_call(code->module, (uint32_t)(func - code->funcs));
    lock_take(&code->lock);
    if (!IS_TRANSLATED(func))
        status = translate_locked(code, func, ctx->is_metered);
    lock_give(&code->lock);
    if (status != STINT_OK)
        ctx->status =
            error_set(ctx->store->call_error, status, STINT_NO_OFFSET, "no memory to translate a function");
    return status == STINT_OK;
}

const struct interp_func *interp_find(struct module_code *code, const struct cell *ip,
                                      uint32_t *ret_own_index)
{
    const struct interp_func *found = NULL;
    lock_take(&code->lock);
    size_t low = 0, high = code->range_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct code_range *range = &code->ranges[middle];
        if (ip < range->from) {
            high = middle;
        } else if (ip >= range->to) {
            low = middle + 1;
        } else {
            found = &code->funcs[range->own_index];
            *ret_own_index = range->own_index;
            break;
        }
    }
    lock_give(&code->lock);
    return found;
}

/* ---- Walking frames -------------------------------------------------------------------------------- */

void walk_begin(struct frame_walk *walk, const struct exec *ctx)
{
    *walk = (struct frame_walk){.ctx = ctx,
                                .instance = ctx->instance,
                                .ip = ctx->ip,
                                .sp = ctx->sp,
                                .rs = ctx->rs,
                                .is_valid = ctx->is_running};
}

bool walk_next(struct frame_walk *walk, bool stop_at_host)
{
    while (walk->rs > walk->ctx->records) {
        const struct record *record = --walk->rs;
        if (record->ip == halt_cells) {
            if (stop_at_host)
                return false;
        } else if (record->ip == interp_restore_cells) {
            walk->instance = (struct stint_instance *)record->sp;
        } else {
            walk->ip = record->ip;
            walk->sp = record->sp;
            return true;
        }
    }
    return false;
}

void exec_visit_roots(struct exec *ctx, void (*visit)(void *context, uint64_t *slot), void *context)
{
    struct frame_walk walk;
    if (ctx->pending_exception != 0) {
        uint64_t slot = ctx->pending_exception;
        visit(context, &slot);
        ctx->pending_exception = (uint32_t)slot;
    }
    walk_begin(&walk, ctx);
    for (bool more = walk.is_valid; more; more = walk_next(&walk, false)) {
        uint32_t own_index;
        const struct interp_func *func = interp_find(walk.instance->code, walk.ip, &own_index);
        if (func == NULL)
            continue;
        uint32_t cell = (uint32_t)(walk.ip - FUNC_CELLS(func));
        const struct func_extra *extra = func->extra;
        uint32_t low = 0, high = extra->root_map_count;
        while (low < high) {
            uint32_t middle = low + (high - low) / 2;
            if (extra->root_maps[middle].cell < cell)
                low = middle + 1;
            else
                high = middle;
        }
        if (low == extra->root_map_count || extra->root_maps[low].cell != cell)
            continue;
        const struct root_map *map = &extra->root_maps[low];
        for (uint32_t i = 0; i < map->count; i++)
            visit(context, &walk.sp[extra->root_slots[map->first + i]]);
    }
}

/* Notes the frames of a failure up to the call from the host or from machine code, while they are
 * still there. */
static void keep_backtrace(struct exec *ctx)
{
    struct frame_walk walk;
    walk_begin(&walk, ctx);
    exec_begin_failure(ctx);
    for (bool more = walk.is_valid; more; more = walk_next(&walk, true)) {
        if (ctx->trap_frame_count < TRAP_FRAMES_KEPT) {
            uint32_t own_index;
            const struct interp_func *func = interp_find(walk.instance->code, walk.ip, &own_index);
            if (func == NULL)
                continue;
            ctx->trap_frames[ctx->trap_frame_count++] = (struct trap_frame){
                walk.instance, own_index, (uint32_t)(walk.ip - FUNC_CELLS(func))};
        }
        ctx->trap_frame_total++;
    }
}

size_t exec_backtrace(struct exec *ctx, struct frame_info *ret_frames, size_t limit)
{
    for (size_t i = 0; i < ctx->trap_frame_count && i < limit; i++) {
        const struct trap_frame *frame = &ctx->trap_frames[i];
        struct module_code *code = frame->instance->code;
        const struct wasm_module *module = code->module->wasm;
        uint32_t index = module->import_func_count + frame->own_index;
        if (STINT_WITH_NATIVE && (frame->cell & CELL_IS_OFFSET) != 0) {
            ret_frames[i] =
                (struct frame_info){frame->instance, index, frame->cell & ~CELL_IS_OFFSET};
            continue;
        }
        uint32_t offset = module->bodies[frame->own_index].offset_bytes;
        lock_take(&code->lock);
        enum stint_status status =
            interp_cell_offset(code, frame->own_index, ctx->is_metered, frame->cell, &offset);
        lock_give(&code->lock);
        /* Without memory the function's own offset has to do. */
        (void)status;
        ret_frames[i] = (struct frame_info){frame->instance, index, offset};
    }
    return ctx->trap_frame_total;
}

void exec_reset(struct exec *ctx, bool trim)
{
    ctx->trap_frame_count = ctx->trap_frame_total = 0;
    ctx->pending_exception = 0;
    /* Frames are written before they are read, so what is left in the stack is nobody's. */
    if (trim)
        pages_discard(ctx->stack, ctx->records_at_bytes + ctx->records_bytes);
}

/* ---- Fuel ------------------------------------------------------------------------------------------- */

bool interp_fuel_slice(struct exec *ctx)
{
    int64_t slice = 0;
    uint64_t overdraft = ctx->fuel < 0 ? (uint64_t)-ctx->fuel : 0;
    ctx->status = rt_fuel_next_slice(ctx->store, overdraft, &slice, ctx->store->call_error);
    ctx->fuel = ctx->status == STINT_OK ? slice : 0;
    return ctx->status == STINT_OK;
}

/* What is left of the slice, wherever it is kept just now. */
static int64_t fuel_left(const struct exec *ctx)
{
    return STINT_WITH_NATIVE && ctx->is_native ? ctx->store->run->fuel : ctx->fuel;
}

uint64_t exec_fuel_pending(const struct exec *ctx)
{
    int64_t fuel = fuel_left(ctx);
    if (!ctx->is_metered || fuel < 0)
        return ctx->is_metered ? ctx->store->fuel_slice + (uint64_t)-fuel : 0;
    uint64_t left = (uint64_t)fuel;
    return ctx->store->fuel_slice > left ? ctx->store->fuel_slice - left : 0;
}

/* ---- Calls from and to the host -------------------------------------------------------------------- */

/* What ends the guest's call is known to the handlers' slow paths then. */
static __attribute__((noinline)) void host_failed(struct exec *ctx, enum stint_status status)
{
    if (status == STINT_EXCEPTION && ctx->store->gc != NULL)
        ctx->pending_exception = gc_take_exception(ctx->store->gc);
    else
        error_set(ctx->store->call_error, status, STINT_NO_OFFSET, "%s", status_text(status));
}

/* By the function's first way. */
static __attribute__((noinline)) struct host_result
call_host_slots(struct exec *ctx, struct func *func, uint64_t *slots)
{
    struct host_call call = {.store = ctx->store,
                             .caller = ctx->instance,
                             .env = func->host_env,
                             .type = func->type,
                             .error = ctx->store->call_error};
    enum stint_status status = func->host(&call, slots);
    if (LIKELY(status == STINT_OK)) {
        ctx->store->is_failing = false;
        /* What a host function makes of a fatal trap of its guest's own is not up to it. */
        if (STINT_WITH_NATIVE && ctx->store->is_poisoned)
            status = STINT_POISONED;
    }
    return (struct host_result){slots[0], status};
}

struct host_result interp_call_host(struct exec *ctx, struct func *func, uint64_t *slots)
{
    /* What else a call back into the guest changes, exec_call puts back. */
    uint64_t *frame_base = ctx->frame_base;
    struct host_result result;
    if (STINT_WITH_NATIVE && func->words != NULL) {
        ctx->frame_base = slots + TYPE_WORDS_MAX;
        result = func->words(ctx->instance, func, slots[0], slots[1], slots[2], slots[3]);
        slots[0] = result.word;
    } else {
        ctx->frame_base = slots + exec_slot_count(func->type);
        result = call_host_slots(ctx, func, slots);
    }
    ctx->frame_base = frame_base;
    if (UNLIKELY(result.status != STINT_OK))
        host_failed(ctx, (enum stint_status)result.status);
    return result;
}

/* A host function called by the host itself. */
enum stint_status exec_call_host(struct exec *ctx, struct func *func, uint64_t *slots,
                                 struct stint_error *error)
{
    struct host_call call = {
        .store = ctx->store, .env = func->host_env, .type = func->type, .error = error};
    ctx->host_depth++;
    enum stint_status status = func->host(&call, slots);
    ctx->host_depth--;
    if (status != STINT_OK && status != STINT_EXCEPTION)
        error_set(error, status, STINT_NO_OFFSET, "%s", status_text(status));
    return status;
}

/* Makes the failure of a run that of the call. */
static enum stint_status report(struct exec *ctx, enum stint_status status)
{
    if (status == STINT_OK)
        return status;
    if (status == STINT_EXCEPTION) {
        gc_set_exception(ctx->store->gc, ctx->pending_exception);
        ctx->pending_exception = 0;
        return error_set(ctx->store->call_error, status, STINT_NO_OFFSET, "uncaught exception");
    }
    keep_backtrace(ctx);
    if (status == STINT_TRAP)
        error_set_trap(ctx->store->call_error, ctx->trap);
    return status;
}

enum stint_status exec_call_cells(struct exec *ctx, struct func *func, uint64_t *slots,
                                  struct stint_error *error)
{
    const struct type_def *type = func->type;
    struct exec_state saved = save_state(ctx);
    uint64_t *frame = ctx->frame_base;
    struct record *rs = ctx->rs;
    bool was_native = STINT_WITH_NATIVE && ctx->is_native;
    if ((uint8_t *)(frame + exec_slot_count(type)) > ctx->stack_limit || rs + 8 > ctx->record_limit)
        return error_set_trap(error, STINT_TRAP_STACK_OVERFLOW);

    if (type->param_slots > 0)
        memcpy(frame, slots, type->param_slots * sizeof(*slots));
    if (ctx->is_running) {
        *rs++ = (struct record){ctx->ip, ctx->sp};
        *rs++ = (struct record){interp_restore_cells, (uint64_t *)ctx->instance};
    }
    *rs++ = (struct record){halt_cells, frame};
    ctx->is_running = true;
    ctx->trap = STINT_TRAP_NONE;
    ctx->status = STINT_OK;
    ctx->entering = func->code;
    /* Until the function is entered, a walk finds no frame of its own. */
    ctx->ip = start_cells;
    interp_enter_instance(ctx, func->instance);
    if (was_native) {
        ctx->fuel = fuel_left(ctx);
        ctx->is_native = false;
    }

    enum stint_status status = report(ctx, interp_run(ctx, start_cells, frame, rs));
    if (status == STINT_OK && type->result_slots > 0)
        memcpy(slots, frame, type->result_slots * sizeof(*slots));
    restore_state(ctx, &saved);
    if (was_native) {
        ctx->store->run->fuel = ctx->fuel;
        ctx->is_native = true;
    }
    return status;
}

/* How deep the host and guests may call each other: on a native stack or a fiber's, as deep as it
 * goes. */
static bool may_nest(const struct exec *ctx)
{
    if (STINT_WITH_NATIVE && native_is_on_stack())
        return native_has_headroom(ctx->store);
    if (STINT_WITH_FIBER && fiber_current() != NULL && fiber_stack_left() < HEADROOM_BYTES)
        return false;
    return ctx->native_depth + ctx->host_depth < NESTED_CALLS_MAX;
}

enum stint_status exec_call(struct exec *ctx, struct func *func, uint64_t *slots,
                            struct stint_error *error)
{
    struct stint_error ignored; /* large: only cleared where it is used */
    struct stint_error *detail = error != NULL ? error : &ignored;
    if (error == NULL)
        ignored = (struct stint_error){0};
    /* Such a function may call itself too, where it calls what the guest has put into a table. */
    if (func->host != NULL)
        return may_nest(ctx) ? exec_call_host(ctx, func, slots, detail)
                             : error_set_trap(detail, STINT_TRAP_STACK_OVERFLOW);
    if (ctx->native_depth == 0) {
        ctx->trap_frame_count = ctx->trap_frame_total = 0;
        ctx->store->is_failing = false;
    } else if (!may_nest(ctx)) {
        return error_set_trap(detail, STINT_TRAP_STACK_OVERFLOW);
    }
    struct stint_error *outer_error = ctx->store->call_error;
    ctx->store->call_error = detail;
    ctx->native_depth++;
    enum stint_status status = native_refresh(func) ? exec_call_code(ctx, func, slots, detail)
                                                    : exec_call_cells(ctx, func, slots, detail);
    ctx->native_depth--;
    ctx->store->call_error = outer_error;
    if (ctx->native_depth == 0 && ctx->is_metered) {
        rt_fuel_return(ctx->store, ctx->fuel);
        ctx->fuel = 0;
    }
    return status;
}
