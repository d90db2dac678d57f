/* SPDX-License-Identifier: Apache-2.0 */
/* The assembly of native_<processor>.S, and the state of a store that runs machine code. */
#ifndef RUNTIME_NATIVE_ENTRY_H
#define RUNTIME_NATIVE_ENTRY_H

#include "aot/image.h"
#include "os/fiber.h"
#include "runtime/native_int.h"

enum {
    /* Below this much of its stack machine code gets no help: helpers, and what they call, host
     * functions included, need room that no guard page of theirs protects. */
    NATIVE_HELPER_BYTES = 128 << 10,
    NATIVE_HEADROOM_BYTES = 64 << 10,
    NATIVE_GUARD_BYTES = 256 << 10,
    NATIVE_FRAMES_KEPT = 64,
};

/* One entry into machine code; they nest. It lies on the stack of the C code that entered. */
struct native_activation {
    void *exit_sp; /* native_*.S: where native_exit finds the caller's registers */
    struct native_activation *outer;
    struct stint_instance *instance;
    const void *entry; /* an address in the image entered */
    uint64_t *shadow_top;
    enum stint_status status; /* why native_exit was gone through */
    enum stint_trap trap;
};

/* A frame of machine code. */
struct native_place {
    struct stint_module *module;
    uint32_t func_index, offset_bytes;
};

struct native_state {
    struct stint_store *store;
    struct native_activation *top; /* the innermost, or NULL */
    uint8_t *mapping;              /* guard, stack, shadow stack */
    size_t mapping_bytes;
    uint8_t *stack_low, *stack_top;
    uint64_t *shadow_low;
    bool is_entered;            /* this store's stack is in use … */
    void *away_sp;              /* … down to here, while that of another store is used on top */
    struct native_state *below; /* whose stack the thread was on before */
    void *outer_sp;             /* where the stack was left for this one, when `below` is NULL */

    /* Frames of the failure that is under way, innermost first, until native_frames takes them. */
    struct native_place frames[NATIVE_FRAMES_KEPT];
    size_t frame_count, frame_total;
};

/* ---- native_<processor>.S ------------------------------------------------------------------- */

/* Runs fn(arg) on another stack, which begins at `stack`; `ret_sp` gets where this one was left. */
void native_on_stack(void (*fn)(void *), void *arg, void *stack, void **ret_sp);
/* Calls fn(a, b, c). False when it returned, true when native_exit ended it. */
bool native_call(struct native_activation *activation, const void *fn, const void *a, const void *b,
                 const void *c);
_Noreturn void native_exit(struct native_activation *activation);
/* Where machine code called by native_call returns to. */
extern const uint8_t native_call_return[];
/* Raises a fault: a helper was called with too little of the stack left. */
void native_overflow(void);
/* Code between these may fault on behalf of machine code. */
extern const uint8_t native_library_begin[], native_library_end[];
/* Plain memmove and memset, between those two. */
void *native_plain_memmove(void *to, const void *from, size_t bytes);
void *native_plain_memset(void *to, int value, size_t bytes);
extern void *(*native_library_memcpy)(void *, const void *, size_t);
extern void *(*native_library_memmove)(void *, const void *, size_t);
extern void *(*native_library_memset)(void *, int, size_t);

/* Called by native_import_leave: the activation to exit to. */
struct native_activation *native_left(struct stint_instance *context, uintptr_t pc, uintptr_t sp);

/* What an image's table of imports holds, by enum native_import. */
void native_import_leave(void);
void native_import_memcpy(void);
void native_import_memmove(void);
void native_import_memset(void);
void native_import_call_words(void);
#define HELPER(id, signature) void native_import_##id(void);
#include "runtime/native_helpers.def"
#undef HELPER

/* ---- native_fault.c -------------------------------------------------------------------------- */

/* The state whose stack this thread is on, or NULL: each fiber has its own. */
static inline struct native_state *native_current(void)
{
    return fiber_local;
}
static inline void native_set_current(struct native_state *state)
{
    fiber_local = state;
}
/* Makes store->run; false when that is not possible: guests are interpreted then. */
MUST_CHECK bool native_prepare_store(struct stint_store *store);
/* Makes traps of machine code those of guests. */
MUST_CHECK bool native_faults_begin(void);

/* ---- native_image.c -------------------------------------------------------------------------- */

/* One image of a module; immutable once it can be found. */
struct native_code {
    struct native_code *older;
    struct stint_module *module;
    struct native_image *image;
    const struct image_header *header;
};

/* The rows of a table of the image. */
const void *native_array(const struct native_code *code, const struct image_array *array);
/* The code that holds this address. Safe in signal handlers, for code that the thread is in. */
const struct native_code *native_code_at(uintptr_t pc);

/* ---- native_frames.c ------------------------------------------------------------------------- */

/* Adds the frames from (pc, sp) up to the innermost entry. Safe in signal handlers. `link` is the
 * link register, when pc is not a return address; `is_return` says that it is one. */
void native_collect_frames(struct native_state *state, uintptr_t pc, uintptr_t sp, uintptr_t link,
                           bool is_return);

#endif
