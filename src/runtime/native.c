/* SPDX-License-Identifier: Apache-2.0 */
/* Entering and leaving machine code; a store's part of it. */
#include "runtime/native.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "os/faults.h"
#include "os/pages.h"
#include "runtime/gc.h"
#include "runtime/native_asm.h"
#include "runtime/native_entry.h"
#include "runtime/runtime_int.h"

#define SAME(constant, type, field)                                                                \
    _Static_assert((constant) == offsetof(struct type, field), #type "." #field)

SAME(NATIVE_CONTEXT_RUN, stint_instance, run);
SAME(NATIVE_CONTEXT_MEMORY0_BASE, stint_instance, memory0_base);
SAME(NATIVE_CONTEXT_MEMORY0, stint_instance, memory0);
SAME(NATIVE_CONTEXT_MEMORIES, stint_instance, memories);
SAME(NATIVE_CONTEXT_TABLES, stint_instance, tables);
SAME(NATIVE_CONTEXT_GLOBALS, stint_instance, globals);
SAME(NATIVE_CONTEXT_OWN_GLOBALS, stint_instance, own_globals);
SAME(NATIVE_CONTEXT_TAGS, stint_instance, tags);
SAME(NATIVE_CONTEXT_IMPORT_FUNCS, stint_instance, import_funcs);
SAME(NATIVE_CONTEXT_OWN_FUNCS, stint_instance, own_funcs);
SAME(NATIVE_CONTEXT_TYPES, stint_instance, types);
SAME(NATIVE_RUN_FUEL, native_run, fuel);
SAME(NATIVE_RUN_PENDING, native_run, pending);
SAME(NATIVE_RUN_EXCEPTION, native_run, exception);
SAME(NATIVE_RUN_SHADOW_TOP, native_run, shadow_top);
SAME(NATIVE_RUN_SHADOW_LIMIT, native_run, shadow_limit);
SAME(NATIVE_RUN_GC, native_run, gc);
SAME(NATIVE_RUN_TAIL_CALLEE, native_run, tail_callee);
SAME(NATIVE_RUN_VALUES, native_run, values);
SAME(NATIVE_MEMORY_BASE, memory, base);
SAME(NATIVE_MEMORY_BYTES, memory, bytes);
SAME(NATIVE_TABLE_ELEMENTS, table, elements);
SAME(NATIVE_TABLE_COUNT, table, count);
SAME(NATIVE_GLOBAL_CELL, global, cell);
SAME(NATIVE_FUNC_TYPE, func, type);
SAME(NATIVE_FUNC_INSTANCE, func, instance);
SAME(NATIVE_FUNC_KEY, func, native_key);
SAME(NATIVE_FUNC_CODE, func, native_code);
SAME(NATIVE_TYPE_ID, type_def, id);
SAME(NATIVE_TYPE_DEPTH, type_def, depth);
SAME(NATIVE_TYPE_DISPLAY, type_def, display);
SAME(NATIVE_GC_BASE, gc_heap, base);
SAME(NATIVE_GC_NEXT, gc_heap, next);
SAME(NATIVE_GC_END, gc_heap, end);
SAME(NATIVE_ASM_CONTEXT_RUN, stint_instance, run);
SAME(NATIVE_ASM_RUN_SOFT_LIMIT, native_run, soft_limit);
SAME(NATIVE_ASM_ACTIVATION_EXIT_SP, native_activation, exit_sp);
SAME(NATIVE_ASM_FUNC_INSTANCE, func, instance);
SAME(NATIVE_ASM_FUNC_WORDS, func, words);
_Static_assert(sizeof(struct global) == NATIVE_GLOBAL_BYTES, "stride of own_globals");
_Static_assert(sizeof(struct func) == NATIVE_FUNC_BYTES, "stride of own_funcs");

/* ---- Sanitizers -------------------------------------------------------------------------------- */

/* AddressSanitizer wants to hear of every change of stacks; in other builds these are not there. */
void __asan_init(void) __attribute__((weak));
void __sanitizer_start_switch_fiber(void **ret_fake, const void *bottom, size_t bytes)
    __attribute__((weak));
void __sanitizer_finish_switch_fiber(void *fake, const void **ret_bottom, size_t *ret_bytes)
    __attribute__((weak));

void *(*native_library_memcpy)(void *, const void *, size_t) = memcpy;
void *(*native_library_memmove)(void *, const void *, size_t) = memmove;
void *(*native_library_memset)(void *, int, size_t) = memset;

static void use_plain_library(void)
{
    if (__asan_init != NULL) {
        native_library_memcpy = native_library_memmove = native_plain_memmove;
        native_library_memset = native_plain_memset;
    }
}

/* ---- A store's state ------------------------------------------------------------------------------ */

enum { STACK_ALIGNMENT_BYTES = 64 << 10 }; /* the largest pages there are */

static size_t round_up(size_t bytes)
{
    return (bytes + STACK_ALIGNMENT_BYTES - 1) & ~(size_t)(STACK_ALIGNMENT_BYTES - 1);
}

/* One mapping, from the bottom: guard, stack, shadow stack. */
static bool map_stacks(struct native_state *state, struct native_run *run)
{
    size_t bytes = round_up(state->store->limits.stack_bytes_max);
    size_t stack_bytes = bytes + 2 * NATIVE_HELPER_BYTES;
    state->mapping_bytes = NATIVE_GUARD_BYTES + stack_bytes + bytes;
    state->mapping = pages_reserve(state->mapping_bytes);
    if (state->mapping == NULL)
        return false;
    state->stack_low = state->mapping + NATIVE_GUARD_BYTES;
    state->stack_top = state->stack_low + stack_bytes;
    state->shadow_low = (uint64_t *)(void *)state->stack_top;
    run->soft_limit = state->stack_low + NATIVE_HELPER_BYTES;
    run->shadow_top = state->shadow_low;
    run->shadow_limit = state->shadow_low + bytes / sizeof(uint64_t);
    return pages_commit(state->stack_low, stack_bytes + bytes);
}

bool native_prepare_store(struct stint_store *store)
{
    if (store->run != NULL)
        return true;
    use_plain_library();
    if (!native_faults_begin())
        return false;
    struct native_run *run = block_get(&store->alloc, sizeof(*run));
    struct native_state *state = alloc_get_zeroed(&store->alloc, 1, sizeof(*state));
    if (run != NULL && state != NULL) {
        state->store = store;
        run->state = state;
        run->gc = store->gc;
        if (map_stacks(state, run)) {
            store->run = run;
            return true;
        }
        pages_release(state->mapping, state->mapping_bytes);
    }
    alloc_put(&store->alloc, state, sizeof(*state));
    block_put(&store->alloc, run, sizeof(*run));
    return false;
}

void native_store_reset(struct stint_store *store, bool trim)
{
    struct native_run *run = store->run;
    store->is_poisoned = false;
    if (run == NULL)
        return;
    run->fuel = 0;
    run->pending = NATIVE_PENDING_NONE;
    run->exception = 0;
    run->shadow_top = run->state->shadow_low;
    run->state->frame_count = run->state->frame_total = 0;
    if (trim)
        pages_discard(run->state->stack_low,
                      (size_t)((const uint8_t *)run->shadow_limit - run->state->stack_low));
}

void native_store_end(struct stint_store *store)
{
    struct native_run *run = store->run;
    if (run == NULL)
        return;
    store->run = NULL;
    pages_release(run->state->mapping, run->state->mapping_bytes);
    alloc_put(&store->alloc, run->state, sizeof(*run->state));
    block_put(&store->alloc, run, sizeof(*run));
}

bool native_is_on_stack(void)
{
    return native_current() != NULL;
}

bool native_has_headroom(const struct stint_store *store)
{
    const struct native_state *state = native_current();
    (void)store;
    if (state == NULL)
        return true;
    /* Another stack than ours, an embedder's fiber, gives a large difference. */
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    return here - (uintptr_t)state->stack_low >= NATIVE_HEADROOM_BYTES;
}

void native_visit_roots(struct stint_store *store, void (*visit)(void *context, uint64_t *slot),
                        void *context)
{
    struct native_run *run = store->run;
    if (run == NULL)
        return;
    for (uint64_t *slot = run->state->shadow_low; slot < run->shadow_top; slot++)
        visit(context, slot);
    if (run->exception != 0) {
        uint64_t slot = run->exception;
        visit(context, &slot);
        run->exception = (uint32_t)slot;
    }
}

/* ---- Entering -------------------------------------------------------------------------------------- */

struct entering {
    struct native_activation *activation;
    const void *fn, *a, *b, *c;
    bool is_exit;
    struct native_state *state, *left; /* whose stack is entered, and left (may be NULL) */
    void *fake;                        /* AddressSanitizer's */
    const void *left_low;
    size_t left_bytes;
};

/* The first function on the native stack. */
static void run_on_stack(void *argument)
{
    struct entering *e = argument;
    if (__sanitizer_finish_switch_fiber != NULL)
        __sanitizer_finish_switch_fiber(NULL, &e->left_low, &e->left_bytes);
    e->is_exit = native_call(e->activation, e->fn, e->a, e->b, e->c);
    if (__sanitizer_start_switch_fiber != NULL)
        __sanitizer_start_switch_fiber(NULL, e->left_low, e->left_bytes);
}

static __attribute__((noinline)) void switch_and_run(struct entering *e)
{
    struct native_state *state = e->state;
    bool was_entered = state->is_entered;
    struct native_state *below = state->below;
    /* Deeper in this store's stack, when a call came back to it through another store's. */
    uint8_t *stack = was_entered ? (uint8_t *)state->away_sp - 256 : state->stack_top;
    stack -= (uintptr_t)stack % 16;
    e->left = native_current();
    state->below = e->left;
    state->is_entered = true;
    native_set_current(state);
    if (__sanitizer_start_switch_fiber != NULL)
        __sanitizer_start_switch_fiber(&e->fake, state->stack_low,
                                       (size_t)(state->stack_top - state->stack_low));
    native_on_stack(run_on_stack, e, stack, e->left != NULL ? &e->left->away_sp : &state->outer_sp);
    if (__sanitizer_finish_switch_fiber != NULL)
        __sanitizer_finish_switch_fiber(e->fake, NULL, NULL);
    native_set_current(e->left);
    state->below = below;
    state->is_entered = was_entered;
}

/* What the end of an entry means for its caller. */
static enum stint_status ended(struct native_run *run, struct native_activation *activation,
                               bool is_exit)
{
    run->state->top = activation->outer;
    if (is_exit) {
        run->shadow_top = activation->shadow_top;
        run->pending = NATIVE_PENDING_NONE;
        if (activation->status == STINT_TRAP)
            return error_set_trap(run->state->store->call_error, activation->trap);
        return activation->status;
    }
    if (UNLIKELY(run->pending == NATIVE_PENDING_EXCEPTION)) {
        run->pending = NATIVE_PENDING_NONE;
        return STINT_EXCEPTION;
    }
    return STINT_OK;
}

enum stint_status native_enter(struct stint_store *store, const void *entry, const void *code,
                               struct stint_instance *instance, uint64_t *slots,
                               struct stint_error *error)
{
    struct native_run *run = store->run;
    struct native_state *state = run->state;
    assert(error != NULL && instance->run == run);
    struct native_activation activation = {.outer = state->top,
                                           .instance = instance,
                                           .entry = entry,
                                           .shadow_top = run->shadow_top};
    struct entering e = {.activation = &activation,
                         .fn = entry,
                         .a = code,
                         .b = instance,
                         .c = slots,
                         .state = state};
    if (code == NULL) { /* an OSR entry takes no code */
        e.a = instance;
        e.b = slots;
    }
    if (LIKELY(native_current() == state)) {
        state->top = &activation;
        e.is_exit = native_call(&activation, e.fn, e.a, e.b, e.c);
    } else {
        if (!faults_prepare_thread())
            return error_set(error, STINT_NOMEM, STINT_NO_OFFSET,
                             "no memory for the thread's signal stack");
        state->top = &activation;
        switch_and_run(&e);
    }
    return ended(run, &activation, e.is_exit);
}

/* ---- Leaving ------------------------------------------------------------------------------------- */

struct native_activation *native_left(struct stint_instance *context, uintptr_t pc, uintptr_t sp)
{
    struct native_state *state = context->run->state;
    if (state->top->status != STINT_EXCEPTION)
        native_collect_frames(state, pc, sp, 0, true);
    return state->top;
}

enum native_result native_trap(struct stint_instance *context, enum stint_trap trap)
{
    struct native_activation *top = context->run->state->top;
    top->status = STINT_TRAP;
    top->trap = trap;
    return NATIVE_EXIT;
}

enum native_result native_fail(struct stint_instance *context, enum stint_status status,
                               const struct stint_error *error)
{
    struct native_activation *top = context->run->state->top;
    struct stint_error *call_error = context->store->call_error;
    if (error != NULL && call_error != error && call_error->status == STINT_OK)
        *call_error = *error;
    error_set(call_error, status, STINT_NO_OFFSET, "%s", status_text(status));
    top->status = status;
    top->trap = call_error->trap;
    return NATIVE_EXIT;
}

enum native_result native_raise(struct stint_instance *context, uint32_t exception)
{
    struct native_run *run = context->run;
    struct native_activation *top = run->state->top;
    run->exception = exception;
    const struct native_code *code = native_code_at((uintptr_t)top->entry);
    if (code == NULL || (code->header->code_class & NATIVE_CLASS_PENDING) == 0) {
        top->status = STINT_EXCEPTION;
        return NATIVE_EXIT;
    }
    run->pending = NATIVE_PENDING_EXCEPTION;
    return NATIVE_PENDING;
}
