/* SPDX-License-Identifier: Apache-2.0 */
/* Traps and frames of the standard C API. */
#include <string.h>

#include "api/wasm_c_int.h"

/* Of a stack overflow the innermost frames tell enough. */
enum { FRAMES_MAX = 64 };

struct wasm_frame_t {
    wasm_store_t *store; /* a handle */
    struct stint_frame frame;
};

/* A trap with this text, without frames; or NULL. */
static struct wasm_ref_t *trap_new(wasm_store_t *store, const char *text, size_t bytes)
{
    struct trap_info *info = alloc_get_zeroed(&alloc_root, 1, sizeof(*info));
    struct wasm_ref_t *ref = info != NULL ? ref_new(store, REF_TRAP) : NULL;
    if (ref == NULL) {
        alloc_put(&alloc_root, info, sizeof(*info));
        return NULL;
    }
    if (bytes >= sizeof(info->message))
        bytes = sizeof(info->message) - 1;
    if (bytes != 0)
        memcpy(info->message, text, bytes);
    ref->of.trap = info;
    return ref;
}

wasm_trap_t *wasm_trap_new(wasm_store_t *store, const wasm_message_t *message)
{
    size_t bytes = message->size;
    if (bytes > 0 && message->data[bytes - 1] == '\0')
        bytes--;
    return (wasm_trap_t *)trap_new(store, message->data, bytes);
}

void trap_keep(wasm_trap_t *trap)
{
    struct wasm_ref_t *ref = ref_of(trap);
    wasm_store_t *store = ref->store;
    if (store->trap != NULL) {
        store->handles++;
        ref_release(store->trap);
    }
    store->trap = ref;
    store->handles--; /* others are there: a call runs */
}

static void add_frames(struct wasm_ref_t *trap)
{
    struct stint_frame frames[FRAMES_MAX];
    size_t count = stint_store_backtrace(trap->store->store, frames, FRAMES_MAX);
    if (count > FRAMES_MAX)
        count = FRAMES_MAX;
    struct stint_frame *copy = alloc_get(&alloc_root, count * sizeof(*copy));
    if (copy == NULL)
        return;
    memcpy(copy, frames, count * sizeof(*copy));
    trap->of.trap->frames = copy;
    trap->of.trap->frame_count = count;
}

wasm_trap_t *trap_from(wasm_store_t *store, enum stint_status status,
                       const struct stint_error *error)
{
    struct wasm_ref_t *trap = store->trap;
    if (trap != NULL && status == STINT_TRAP && error->trap == STINT_TRAP_HOST) {
        store->trap = NULL;
        store->handles++;
        return (wasm_trap_t *)trap;
    }
    const char *text = error->message[0] != '\0' ? error->message : status_text(status);
    if (status == STINT_EXCEPTION) {
        stint_ref_release(store->store, stint_store_take_exception(store->store));
        text = status_text(status);
    }
    trap = trap_new(store, text, strlen(text));
    if (trap != NULL && status == STINT_TRAP)
        add_frames(trap);
    return (wasm_trap_t *)trap;
}

void wasm_trap_message(const wasm_trap_t *trap, wasm_message_t *out)
{
    wasm_name_new_from_string_nt(out, ref_of(trap)->of.trap->message);
}

/* ---- Frames ------------------------------------------------------------------------------ */

static wasm_frame_t *frame_new(wasm_store_t *store, const struct stint_frame *from)
{
    wasm_frame_t *frame = alloc_get(&alloc_root, sizeof(*frame));
    if (frame == NULL)
        return NULL;
    frame->store = store;
    frame->frame = *from;
    store_retain(store);
    return frame;
}

wasm_frame_t *wasm_trap_origin(const wasm_trap_t *trap)
{
    const struct wasm_ref_t *ref = ref_of(trap);
    const struct trap_info *info = ref->of.trap;
    return info->frame_count > 0 ? frame_new(ref->store, &info->frames[0]) : NULL;
}

void wasm_trap_trace(const wasm_trap_t *trap, wasm_frame_vec_t *out)
{
    const struct wasm_ref_t *ref = ref_of(trap);
    const struct trap_info *info = ref->of.trap;
    wasm_frame_vec_new_uninitialized(out, info->frame_count);
    for (size_t i = 0; i < out->size; i++)
        out->data[i] = frame_new(ref->store, &info->frames[i]);
}

void wasm_frame_delete(wasm_frame_t *frame)
{
    if (frame == NULL)
        return;
    wasm_store_t *store = frame->store;
    alloc_put(&alloc_root, frame, sizeof(*frame));
    store_release(store);
}

wasm_frame_t *wasm_frame_copy(const wasm_frame_t *frame)
{
    return frame_new(frame->store, &frame->frame);
}

struct wasm_instance_t *wasm_frame_instance(const wasm_frame_t *frame)
{
    return (struct wasm_instance_t *)ref_borrow(frame->store, NULL, frame->frame.instance);
}

uint32_t wasm_frame_func_index(const wasm_frame_t *frame)
{
    return frame->frame.func_index;
}

size_t wasm_frame_func_offset(const wasm_frame_t *frame)
{
    const struct stint_frame *f = &frame->frame;
    const struct stint_module *module = f->instance->module;
    uint32_t own = f->func_index - module->wasm->import_func_count;
    return f->offset_bytes - module->wasm->bodies[own].offset_bytes;
}

size_t wasm_frame_module_offset(const wasm_frame_t *frame)
{
    return frame->frame.offset_bytes;
}
