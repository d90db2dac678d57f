/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

static void *libc_resize(void *context, void *block, size_t old_bytes, size_t new_bytes)
{
    (void)context;
    (void)old_bytes;
    if (new_bytes == 0) {
        free(block);
        return NULL;
    }
    return realloc(block, new_bytes);
}

struct alloc alloc_root = {.resize = libc_resize, .budget_bytes = SIZE_MAX};

void alloc_init(struct alloc *alloc, alloc_fn resize, void *context, size_t budget_bytes)
{
    memset(alloc, 0, sizeof(*alloc));
    alloc->resize = resize != NULL ? resize : libc_resize;
    alloc->context = context;
    alloc->budget_bytes = budget_bytes;
}

void alloc_init_child(struct alloc *alloc, struct alloc *parent, size_t budget_bytes)
{
    memset(alloc, 0, sizeof(*alloc));
    alloc->parent = parent;
    alloc->resize = parent->resize;
    alloc->context = parent->context;
    alloc->budget_bytes = budget_bytes;
}

bool alloc_charge(struct alloc *alloc, size_t bytes)
{
    for (struct alloc *a = alloc; a != NULL; a = a->parent) {
        size_t used = atomic_fetch_add_explicit(&a->used_bytes, bytes, memory_order_relaxed);
        size_t now = used + bytes;
        size_t peak = atomic_load_explicit(&a->peak_bytes, memory_order_relaxed);
        if (now < used || now > a->budget_bytes) {
            /* Take back what was counted here and below. */
            for (struct alloc *b = alloc;; b = b->parent) {
                atomic_fetch_sub_explicit(&b->used_bytes, bytes, memory_order_relaxed);
                if (b == a)
                    return false;
            }
        }
        while (now > peak && !atomic_compare_exchange_weak_explicit(
                                 &a->peak_bytes, &peak, now, memory_order_relaxed,
                                 memory_order_relaxed))
            continue;
    }
    return true;
}

void alloc_discharge(struct alloc *alloc, size_t bytes)
{
    for (struct alloc *a = alloc; a != NULL; a = a->parent)
        atomic_fetch_sub_explicit(&a->used_bytes, bytes, memory_order_relaxed);
}

/* Whether this call is the one that a test wants to fail; asks the whole chain. */
static bool injected_failure(struct alloc *alloc)
{
    bool fail = false;
    for (struct alloc *a = alloc; a != NULL; a = a->parent) {
        size_t at = atomic_load_explicit(&a->fail_at, memory_order_relaxed);
        if (at != 0 && atomic_fetch_add_explicit(&a->calls, 1, memory_order_relaxed) + 1 == at)
            fail = true;
    }
    return fail;
}

void *alloc_resize(struct alloc *alloc, void *block, size_t old_bytes, size_t new_bytes)
{
    if (new_bytes == 0) {
        alloc_put(alloc, block, old_bytes);
        return NULL;
    }
    if (injected_failure(alloc))
        return NULL;
    if (new_bytes > old_bytes && !alloc_charge(alloc, new_bytes - old_bytes))
        return NULL;
    void *result = alloc->resize(alloc->context, block, old_bytes, new_bytes);
    if (result == NULL) {
        if (new_bytes > old_bytes)
            alloc_discharge(alloc, new_bytes - old_bytes);
        return NULL;
    }
    if (new_bytes < old_bytes)
        alloc_discharge(alloc, old_bytes - new_bytes);
    return result;
}

void *alloc_get(struct alloc *alloc, size_t bytes)
{
    return bytes == 0 ? NULL : alloc_resize(alloc, NULL, 0, bytes);
}

void *alloc_get_zeroed(struct alloc *alloc, size_t count, size_t bytes_each)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, bytes_each, &bytes))
        return NULL;
    void *block = alloc_get(alloc, bytes);
    if (block != NULL)
        memset(block, 0, bytes);
    return block;
}

void alloc_put(struct alloc *alloc, void *block, size_t bytes)
{
    if (block == NULL)
        return;
    alloc->resize(alloc->context, block, bytes, 0);
    alloc_discharge(alloc, bytes);
}
