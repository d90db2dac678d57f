/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the interpreter to machine code. A function that has some is one cell here, call_native, in
 * place of its translated ones; so calls find it without looking. Nothing else of the function is
 * changed, since other threads may be entering it: the cell undoes what entering has charged, and an
 * instance that machine code does not fit goes on to the translated cells.
 *
 * A loop is left for machine code at a slice, when its head is reached: the frame's slots are what an
 * OSR entry takes, and the results are at their start afterwards.
 */
#include <string.h>

#include "interp/exec_int.h"
#include "interp/handler_ids.h"
#include "runtime/native.h"

struct native_body {
    struct cell cell; /* call_native */
    const struct cell *translated;
    uint32_t func_index, fuel;
    struct native_body *next;
};

static struct cell done_cells[1], tail_cells[1], failed_cells[1];
static struct once cells_once = ONCE_INIT;

static void make_cells(void)
{
    done_cells[0].handler = interp_handler(H_native_done);
    tail_cells[0].handler = interp_handler(H_native_tail);
    failed_cells[0].handler = interp_handler(H_native_failed);
}

/* ---- Calls that go to machine code -------------------------------------------------------------- */

void interp_divert(struct module_code *code, struct interp_func *func, uint32_t own_index)
{
    struct alloc *alloc = &code->module->engine->alloc;
    struct native_code_ref found;
    if (atomic_load_explicit(&code->module->native, memory_order_acquire) == NULL)
        return;
    if (func->code != FUNC_CELLS(func) || !native_find(code->module, own_index, &found))
        return;
    once_do(&cells_once, make_cells);
    struct native_body *body = alloc_get_zeroed(alloc, 1, sizeof(*body));
    if (body == NULL)
        return; /* it stays interpreted */
    body->cell.handler = interp_handler(H_call_native);
    body->translated = func->code;
    body->func_index = func->extra->index;
    body->fuel = func->fuel;
    body->next = code->bodies;
    code->bodies = body;
    __atomic_store_n(&func->code, &body->cell, __ATOMIC_RELEASE);
}

void interp_code_added(struct module_code *code)
{
    uint32_t imports = code->module->wasm->import_func_count;
    lock_take(&code->lock);
    for (struct func_extra *extra = code->translated; extra != NULL; extra = extra->next) {
        uint32_t own_index = extra->index - imports;
        interp_divert(code, &code->funcs[own_index], own_index);
    }
    lock_give(&code->lock);
}

void interp_native_end(struct module_code *code)
{
    struct alloc *alloc = &code->module->engine->alloc;
    for (struct native_body *body = code->bodies; body != NULL;) {
        struct native_body *next = body->next;
        alloc_put(alloc, body, sizeof(*body));
        body = next;
    }
}

/* ---- Entering ----------------------------------------------------------------------------------- */

/* The cell that goes on with ctx->callee, whose arguments are in run->values. */
static const struct cell *tail_call(struct exec *ctx, uint64_t *slots)
{
    struct native_run *run = ctx->store->run;
    struct func *callee = run->tail_callee;
    uint32_t count = callee->type->param_slots;
    run->pending = NATIVE_PENDING_NONE;
    if ((uint8_t *)(slots + count) > ctx->stack_limit) {
        ctx->status = error_set_trap(ctx->store->call_error, STINT_TRAP_STACK_OVERFLOW);
        return failed_cells;
    }
    if (count > 0)
        memcpy(slots, run->values, count * sizeof(*slots));
    ctx->callee = callee;
    return tail_cells;
}

/* Runs machine code on the frame at ctx->sp, of which it may write `slot_count` slots. */
static const struct cell *enter(struct exec *ctx, const void *entry, const void *code,
                                uint32_t slot_count)
{
    struct exec_state saved = save_state(ctx);
    struct native_run *run = ctx->store->run;
    uint64_t *slots = ctx->sp;
    ctx->frame_base = slots + slot_count;
    run->fuel = ctx->fuel;
    ctx->is_native = true;
    enum stint_status status =
        native_enter(ctx->store, entry, code, ctx->instance, slots, ctx->store->call_error);
    ctx->is_native = false;
    ctx->fuel = run->fuel;
    restore_state(ctx, &saved);
    if (status == STINT_OK)
        return run->pending == NATIVE_PENDING_TAIL ? tail_call(ctx, slots) : done_cells;
    ctx->status = status;
    if (status == STINT_EXCEPTION) {
        ctx->pending_exception = run->exception;
        run->exception = 0;
    } else {
        exec_keep_native_frames(ctx);
    }
    return failed_cells;
}

const struct cell *interp_call_native(struct exec *ctx)
{
    const struct native_body *body = (const struct native_body *)(const void *)ctx->ip;
    struct func *func = instance_func(ctx->instance, body->func_index);
    bool is_interpreted = func == ctx->interpreted;
    ctx->interpreted = NULL;
    if (is_interpreted || !native_refresh(func))
        return body->translated;
    const struct type_def *type = func->type;
    /* The code charges its entry itself. */
    if (ctx->is_metered)
        ctx->fuel += body->fuel;
    return enter(ctx, func->native_entry, func->native_code,
                 type->param_slots > type->result_slots ? type->param_slots : type->result_slots);
}

/* ---- For tiers ----------------------------------------------------------------------------------- */

bool interp_has_run(struct module_code *code, uint32_t own_index)
{
    return __atomic_load_n(&code->funcs[own_index].frame_inverse, __ATOMIC_ACQUIRE) != 0;
}

/* In metered code the cell before a loop's head charges its first pass, and comes from the `loop`. */
bool interp_loop_offset(struct module_code *code, uint32_t own_index, uint32_t cell,
                        uint32_t *ret_offset_bytes)
{
    const struct interp_func *func = &code->funcs[own_index];
    if (cell == 0 || FUNC_CELLS(func)[cell - 1].handler != interp_handler(H_fuel))
        return false;
    lock_take(&code->lock);
    enum stint_status status =
        interp_cell_offset(code, own_index, true, cell - 1, ret_offset_bytes);
    lock_give(&code->lock);
    return status == STINT_OK;
}

/* ---- At a slice ----------------------------------------------------------------------------------- */

const struct cell *interp_look_around(struct exec *ctx)
{
    struct tier_spot spots[TIER_SPOTS_MAX];
    const struct interp_func *innermost = NULL;
    struct frame_walk walk;
    size_t count = 0, wanted = tier_spots_wanted(&ctx->store->tier_steps);
    walk_begin(&walk, ctx);
    for (bool more = walk.is_valid; more && count < wanted; more = walk_next(&walk, true)) {
        uint32_t own_index;
        const struct interp_func *func = interp_find(walk.instance->code, walk.ip, &own_index);
        if (func == NULL)
            continue;
        struct tier_spot *spot = &spots[count];
        *spot = (struct tier_spot){walk.instance->module, own_index, TIER_NO_LOOP};
        if (count++ == 0 && walk.ip == ctx->ip) {
            innermost = func;
            spot->cell = (uint32_t)(ctx->ip - FUNC_CELLS(func));
        }
    }
    const void *entry = tier_sample(&ctx->store->tier_steps, spots, count);
    /* At its first cell a function is as good as called. */
    if (innermost != NULL && ctx->ip == FUNC_CELLS(innermost))
        return innermost->code;
    if (entry == NULL || innermost == NULL)
        return ctx->ip;
    if (!native_can_enter(ctx->instance))
        return ctx->ip;
    once_do(&cells_once, make_cells);
    return enter(ctx, entry, NULL, FRAME_BYTES(innermost) / CELL_SLOT_BYTES);
}
