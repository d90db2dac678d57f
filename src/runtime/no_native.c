/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for native*.c in builds without machine code: no module has any. */
#include "runtime/native.h"

enum stint_status native_add_image(struct stint_module *module, struct native_image *image,
                                   struct stint_error *error)
{
    if (image->release != NULL)
        image->release(image);
    return error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                     "this build does not run machine code");
}

const void *const native_imports[NATIVE_IMPORT_COUNT];

void native_detach(struct stint_module *module) {}

bool native_find(const struct stint_module *module, uint32_t own_index,
                 struct native_code_ref *ret_code)
{
    return false;
}

const void *native_find_osr(const struct stint_module *module, uint32_t own_index,
                            uint32_t loop_offset)
{
    return NULL;
}

bool native_fits(const struct stint_instance *instance)
{
    return false;
}

void native_fill_func(struct func *func) {}

enum stint_status native_enter(struct stint_store *store, const void *entry, const void *code,
                               struct stint_instance *instance, uint64_t *slots,
                               struct stint_error *error)
{
    return error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                     "this build does not run machine code");
}

bool native_is_on_stack(void)
{
    return false;
}

bool native_has_headroom(const struct stint_store *store)
{
    return true;
}

void native_visit_roots(struct stint_store *store, void (*visit)(void *context, uint64_t *slot),
                        void *context)
{
}

void native_store_reset(struct stint_store *store, bool trim)
{
}

void native_store_end(struct stint_store *store) {}

size_t native_frames(struct stint_store *store, struct frame_info *ret_frames, size_t limit,
                     size_t *ret_total)
{
    *ret_total = 0;
    return 0;
}
