/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stack and its fiber are one mapping, from the bottom: guard, stack, struct fiber. Stacks that
 * are kept keep the pages next to the fiber, which each use touches.
 */
#include "os/fiber.h"

#include <assert.h>
#include <pthread.h>

#include "base/alloc.h"
#include "os/fiber_asm.h"
#include "os/pages.h"

enum {
    /* Wider than a page: code that is not ours need not touch each page it skips. */
    GUARD_BYTES = 64 << 10,
    RESIDENT_BYTES = 16 << 10, /* what a kept stack keeps of its pages */
    STACK_BYTES_MIN = 32 << 10,
    COLOURS = 8,
    COLOUR_BYTES = 192,
};

struct fiber {
    void *sp;      /* where it stands while it does not run */
    void *back_sp; /* where its caller stands while it runs */
    struct fiber_pool *pool;
    uint8_t *low; /* end of the guard */
    fiber_fn run;
    void *arg;
    void *local; /* fiber_local, while it does not run */
    bool has_ended;
    struct fiber *next; /* of those that are kept */

    /* What sanitizers want to know of the stack that it stands on. */
    void *fake;
    const void *asan_low, *asan_back_low;
    size_t asan_bytes, asan_back_bytes;
    void *tsan, *tsan_back;
};

struct fiber_pool {
    struct fiber_config config;
    size_t mapping_bytes;
    struct fiber *kept;
    uint32_t kept_count, used_count;
    uint32_t colour; /* of the next stack that is made */
};

_Thread_local void *fiber_local;
static _Thread_local struct fiber *current __attribute__((tls_model("initial-exec")));

/* ---- Sanitizers -------------------------------------------------------------------------------- */

/* They want to hear of every change of stacks; in other builds these are not there. */
void __sanitizer_start_switch_fiber(void **ret_fake, const void *bottom, size_t bytes)
    __attribute__((weak));
void __sanitizer_finish_switch_fiber(void *fake, const void **ret_bottom, size_t *ret_bytes)
    __attribute__((weak));
void __asan_unpoison_memory_region(const volatile void *start, size_t bytes) __attribute__((weak));
void *__tsan_get_current_fiber(void) __attribute__((weak));
void *__tsan_create_fiber(unsigned flags) __attribute__((weak));
void __tsan_destroy_fiber(void *fiber) __attribute__((weak));
void __tsan_switch_to_fiber(void *fiber, unsigned flags) __attribute__((weak));

/* ThreadSanitizer counts entries into functions and returns, in what it is told runs: a function that
 * changes that must not count. */
#define UNCOUNTED __attribute__((no_sanitize("thread")))

/* In the caller, before the fiber runs. `ret_fake` is the caller's. */
static inline __attribute__((always_inline)) UNCOUNTED void tell_going_in(struct fiber *fiber,
                                                                          void **ret_fake)
{
    if (__sanitizer_start_switch_fiber != NULL)
        __sanitizer_start_switch_fiber(ret_fake, fiber->asan_low, fiber->asan_bytes);
    if (__tsan_switch_to_fiber != NULL) {
        fiber->tsan_back = __tsan_get_current_fiber();
        __tsan_switch_to_fiber(fiber->tsan, 0);
    }
}

/* In the fiber, which runs now. */
static inline __attribute__((always_inline)) UNCOUNTED void tell_is_in(struct fiber *fiber)
{
    if (__sanitizer_finish_switch_fiber != NULL)
        __sanitizer_finish_switch_fiber(fiber->fake, &fiber->asan_back_low,
                                        &fiber->asan_back_bytes);
}

/* In the fiber, before its caller runs. */
static inline __attribute__((always_inline)) UNCOUNTED void tell_going_out(struct fiber *fiber)
{
    if (__sanitizer_start_switch_fiber != NULL)
        __sanitizer_start_switch_fiber(fiber->has_ended ? NULL : &fiber->fake, fiber->asan_back_low,
                                       fiber->asan_back_bytes);
    if (__tsan_switch_to_fiber != NULL)
        __tsan_switch_to_fiber(fiber->tsan_back, 0);
}

/* In the caller, which runs now. The fiber may have been left on another stack than its own. */
static inline __attribute__((always_inline)) UNCOUNTED void tell_is_out(struct fiber *fiber,
                                                                        void *fake)
{
    if (__sanitizer_finish_switch_fiber != NULL)
        __sanitizer_finish_switch_fiber(fake, &fiber->asan_low, &fiber->asan_bytes);
}

static inline void tell_begins(struct fiber *fiber)
{
    fiber->fake = NULL;
    fiber->asan_low = fiber->low;
    fiber->asan_bytes = fiber->pool->config.stack_bytes;
    if (__tsan_create_fiber != NULL)
        fiber->tsan = __tsan_create_fiber(0);
}

static inline void tell_is_over(struct fiber *fiber)
{
    /* Marks around the variables of frames that nobody returns from any more. */
    if (__asan_unpoison_memory_region != NULL)
        __asan_unpoison_memory_region(fiber->low, (size_t)((uint8_t *)fiber - fiber->low));
    if (__tsan_destroy_fiber != NULL)
        __tsan_destroy_fiber(fiber->tsan);
}

/* ---- Stacks ------------------------------------------------------------------------------------- */

struct fiber_config fiber_config_default(void)
{
    return (struct fiber_config){.stack_bytes = 256 << 10, .stacks_keep = 64, .stacks_max = 65536};
}

enum stint_status fiber_pool_create(const struct fiber_config *config, struct fiber_pool **ret_pool)
{
    size_t mask = pages_size() - 1;
    if (config->stack_bytes < STACK_BYTES_MIN || config->stack_bytes > SIZE_MAX / 4)
        return STINT_LIMIT;
    struct fiber_pool *pool = alloc_get_zeroed(&alloc_root, 1, sizeof(*pool));
    if (pool == NULL)
        return STINT_NOMEM;
    pool->config = *config;
    pool->config.stack_bytes = (config->stack_bytes + mask) & ~mask;
    pool->mapping_bytes = GUARD_BYTES + pool->config.stack_bytes;
    *ret_pool = pool;
    return STINT_OK;
}

/* Stacks of the same layout would fight for the same lines of the processor's caches, so each begins
 * elsewhere in its last page. */
static struct fiber *make_stack(struct fiber_pool *pool)
{
    size_t bytes = pool->config.stack_bytes;
    uint8_t *mapping = pages_reserve(pool->mapping_bytes);
    if (mapping == NULL)
        return NULL;
    if (!pages_commit(mapping + GUARD_BYTES, bytes)) {
        pages_release(mapping, pool->mapping_bytes);
        return NULL;
    }
    uint8_t *top = mapping + pool->mapping_bytes - sizeof(struct fiber);
    top -= (uintptr_t)top % 64 + (size_t)(pool->colour++ % COLOURS) * COLOUR_BYTES;
    struct fiber *fiber = (struct fiber *)(void *)top;
    fiber->pool = pool;
    fiber->low = mapping + GUARD_BYTES;
    return fiber;
}

static void free_stack(struct fiber *fiber)
{
    pages_release(fiber->low - GUARD_BYTES, fiber->pool->mapping_bytes);
}

/*
 * What a deep call has touched below the pages that stay is given back. Whether one went there is
 * seen by the next page: it is zero unless a call went through it. A frame may hide a page that it
 * skips; that costs memory until a later call goes deep.
 */
static void trim(struct fiber *fiber)
{
    const size_t page_bytes = pages_size();
    uint8_t *end = fiber->low + fiber->pool->config.stack_bytes;
    size_t keep = RESIDENT_BYTES > page_bytes ? RESIDENT_BYTES : page_bytes;
    const uint64_t *words = (const uint64_t *)(const void *)(end - keep - page_bytes);
    uint64_t any = 0;
    for (size_t i = 0; i < page_bytes / sizeof(*words); i++)
        any |= words[i];
    if (any != 0)
        pages_discard(fiber->low, fiber->pool->config.stack_bytes - keep);
}

static struct fiber *take_stack(struct fiber_pool *pool)
{
    struct fiber *fiber = pool->kept;
    if (fiber != NULL) {
        pool->kept = fiber->next;
        pool->kept_count--;
    } else {
        fiber = make_stack(pool);
    }
    if (fiber != NULL)
        pool->used_count++;
    return fiber;
}

static void give_stack(struct fiber *fiber)
{
    struct fiber_pool *pool = fiber->pool;
    tell_is_over(fiber);
    pool->used_count--;
    if (pool->kept_count >= pool->config.stacks_keep) {
        free_stack(fiber);
        return;
    }
    trim(fiber);
    fiber->next = pool->kept;
    pool->kept = fiber;
    pool->kept_count++;
}

void fiber_pool_free(struct fiber_pool *pool)
{
    if (pool == NULL)
        return;
    assert(pool->used_count == 0);
    while (pool->kept != NULL) {
        struct fiber *fiber = pool->kept;
        pool->kept = fiber->next;
        free_stack(fiber);
    }
    alloc_put(&alloc_root, pool, sizeof(*pool));
}

/* ---- Switching ---------------------------------------------------------------------------------- */

/* The first function on a fiber's stack. */
static UNCOUNTED void run_fiber(void *arg)
{
    struct fiber *fiber = arg;
    tell_is_in(fiber);
    fiber->run(fiber->arg);
    fiber->has_ended = true;
    tell_going_out(fiber);
    fiber_switch(&fiber->sp, fiber->back_sp);
    __builtin_trap();
}

/* Lets the fiber run until it suspends or ends. False when it has ended. */
static __attribute__((noinline)) UNCOUNTED bool run_on(struct fiber *fiber, bool is_new)
{
    void *fake = NULL;
    void *local = fiber_local;
    assert(current == NULL);
    fiber_local = fiber->local;
    current = fiber;
    tell_going_in(fiber, &fake);
    if (is_new)
        fiber_enter(&fiber->back_sp, fiber, run_fiber, fiber);
    else
        fiber_switch(&fiber->back_sp, fiber->sp);
    tell_is_out(fiber, fake);
    current = NULL;
    fiber->local = fiber_local;
    fiber_local = local;
    if (!fiber->has_ended)
        return true;
    give_stack(fiber);
    return false;
}

enum stint_status fiber_start(struct fiber_pool *pool, fiber_fn run, void *arg,
                              struct fiber **ret_fiber)
{
    if (pool->used_count >= pool->config.stacks_max)
        return STINT_LIMIT;
    struct fiber *fiber = take_stack(pool);
    if (fiber == NULL)
        return STINT_NOMEM;
    fiber->run = run;
    fiber->arg = arg;
    fiber->local = NULL;
    fiber->has_ended = false;
    tell_begins(fiber);
    *ret_fiber = run_on(fiber, true) ? fiber : NULL;
    return STINT_OK;
}

bool fiber_resume(struct fiber *fiber)
{
    return run_on(fiber, false);
}

struct fiber *fiber_current(void)
{
    return current;
}

UNCOUNTED void fiber_suspend(void)
{
    struct fiber *fiber = current;
    assert(fiber != NULL);
    tell_going_out(fiber);
    fiber_switch(&fiber->sp, fiber->back_sp);
    tell_is_in(fiber);
}

/* ---- How deep the stack is ---------------------------------------------------------------------- */

/* Of the thread's own stack; asked for once, as the C library reads a file for the first thread's. */
static _Thread_local struct {
    uintptr_t low, high;
    bool is_known;
} own;

static void find_own(void)
{
    pthread_attr_t attributes;
    void *low;
    size_t bytes;
    own.is_known = true;
    own.high = UINTPTR_MAX;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0)
        return;
    if (pthread_attr_getstack(&attributes, &low, &bytes) == 0) {
        own.low = (uintptr_t)low;
        own.high = own.low + bytes;
    }
    pthread_attr_destroy(&attributes);
}

size_t fiber_stack_left(void)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0), low, high;
    if (current != NULL) {
        low = (uintptr_t)current->low;
        high = (uintptr_t)current;
    } else {
        if (!own.is_known)
            find_own();
        low = own.low;
        high = own.high;
    }
    return here >= low && here < high ? here - low : SIZE_MAX;
}
