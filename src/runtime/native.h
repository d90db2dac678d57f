/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running machine code: images of a module, entering and leaving them. It knows nothing of where
 * images come from (aot/, or the compiler in this process) and nothing of the interpreter but
 * runtime/engine.h. In builds without it (no_native.c) no module has images.
 *
 * Machine code runs on a stack of the store's own, with a guard; the first entry switches to it and
 * what it calls, host functions and the interpreter included, stays there.
 */
#ifndef RUNTIME_NATIVE_H
#define RUNTIME_NATIVE_H

#include "runtime/native_abi.h"
#include "runtime/store.h"
#include "stint_config.h"

struct image_header;

/* The part of a store that machine code works on; see native_abi.h. The first fields are its. */
struct native_run {
    int64_t fuel;
    uint32_t pending;
    uint32_t exception;
    uint64_t *shadow_top, *shadow_limit;
    struct gc_heap *gc;
    struct func *tail_callee;
    const struct type_def *const *types; /* NULL, or types_chunks of the engine's registry */
    uint64_t values[NATIVE_VALUES_MAX];

    /* Private to native*. */
    const uint8_t *soft_limit; /* helpers need this much of the stack */
    struct native_state *state;
};

/*
 * A mapped image. Immutable; shared by the modules of one process that use it. `header`, `meta` and
 * `text` stay mapped until `release` (may be NULL) is called with the image.
 */
struct native_image {
    const struct image_header *header;
    const uint8_t *meta; /* address that offset header->sections[IMAGE_META].offset has */
    const uint8_t *text;
    size_t text_bytes;
    void (*release)(struct native_image *image);
    void *owner; /* of `release` */
};

/* The addresses that an image's import table is filled with, by enum native_import. */
extern const void *const native_imports[NATIVE_IMPORT_COUNT];

/*
 * Gives a module an image; thread-safe, also while the module runs: stores find it at their next
 * slow call or slice. The image belongs to the module from then on, on failure too. Fails when the
 * image is not of this module's shape (STINT_INVALID) or there is no memory. The caller has verified
 * digests, trust and CPU.
 */
MUST_CHECK enum stint_status native_add_image(struct stint_module *module,
                                              struct native_image *image,
                                              struct stint_error *error);
/* Ends what the module has; for rt_module_release. */
void native_detach(struct stint_module *module);

/* Code for an own function, or NULL. When several images hold it, the newest. */
struct native_code_ref {
    const void *code, *entry;
    uint32_t code_class;
};
bool native_find(const struct stint_module *module, uint32_t own_index,
                 struct native_code_ref *ret_code);
/* The OSR entry for a loop of an own function, or NULL. */
const void *native_find_osr(const struct stint_module *module, uint32_t own_index,
                            uint32_t loop_offset);
/* Whether the instance's memories fit the images' bounds mode; false: it must interpret. */
bool native_fits(const struct stint_instance *instance);
/* The same of all images, for an OSR entry of any; makes the instance ready for it. */
bool native_can_enter(struct stint_instance *instance);
/* Fills native_key and native_code of a function from the module's images, where there is code and
 * the instance fits; sets instance->run then. */
void native_fill_func(struct func *func);
/* Whether a module-defined function has machine code, images added lately included. */
static inline bool native_refresh(struct func *func)
{
    if (!STINT_WITH_NATIVE)
        return false;
    const struct native_code *newest =
        atomic_load_explicit(&func->instance->module->native, memory_order_acquire);
    if (UNLIKELY(newest != func->native_seen))
        native_fill_func(func);
    return func->native_key != 0;
}

/*
 * Runs `code` through its entry, or an OSR entry (code NULL), with slots as in native_abi.h.
 * store->run->fuel is the slice's rest on both sides. STINT_OK, STINT_EXCEPTION (the exnref is in
 * run.exception), STINT_TRAP and the others with `error` filled. Guests that tail-call out of code
 * return STINT_OK with run.pending == NATIVE_PENDING_TAIL, which the caller carries on.
 */
MUST_CHECK enum stint_status native_enter(struct stint_store *store, const void *entry,
                                          const void *code, struct stint_instance *instance,
                                          uint64_t *slots, struct stint_error *error);
/* The same for a function that native_refresh says has code. */
static inline enum stint_status native_enter_func(struct func *func, uint64_t *slots,
                                                  struct stint_error *error)
{
    return native_enter(func->instance->store, func->native_entry, func->native_code,
                        func->instance, slots, error);
}

/* Whether at least 64 KiB are left of the stack that this thread is on now, as host functions and
 * the interpreter need. True when that is not the store's native stack. */
bool native_has_headroom(const struct stint_store *store);
/* Whether this thread is on a native stack: native_has_headroom then says how deep calls may nest. */
bool native_is_on_stack(void);

void native_visit_roots(struct stint_store *store, void (*visit)(void *context, uint64_t *slot),
                        void *context);
/* Forgets what the last calls left, a poisoned state included: for a store whose memories are as they
 * were at the start. With `trim` gives back memory that deep calls took. No call runs. */
void native_store_reset(struct stint_store *store, bool trim);
void native_store_end(struct stint_store *store);

/*
 * The frames of the segments of machine code that the last native_enter ended in failure, innermost
 * first; for its caller, which appends them to those of its own. They are forgotten then.
 */
size_t native_frames(struct stint_store *store, struct frame_info *ret_frames, size_t limit,
                     size_t *ret_total);

#endif
