/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images of modules: adding them, finding functions in them, and finding them by address.
 *
 * The code that images hold cannot be checked, so who adds one has verified where it comes from; its
 * tables are looked at only through bounds all the same.
 */
#include <assert.h>
#include <string.h>

#include "aot/image.h"
#include "os/lock.h"
#include "os/pages.h"
#include "runtime/native_entry.h"

/* What a 32-bit index, a 32-bit offset and the access itself can reach (memory.c reserves this). */
#define GUARDED_BYTES (((uint64_t)8 << 30) + ((uint64_t)64 << 10))

/* ---- By address ------------------------------------------------------------------------------------ */

enum { PLACES = 127 };

/*
 * Readers are signal handlers: no locks. A place is changed only while no thread runs its code; its
 * counter is odd meanwhile, so that handlers of other threads do not take half of it. Blocks of
 * places are never freed.
 */
struct text_place {
    atomic_uint changes;
    _Atomic(const uint8_t *) text;
    atomic_size_t bytes;
    _Atomic(const struct native_code *) code;
};
struct text_block {
    _Atomic(struct text_block *) next;
    struct text_place places[PLACES];
};

static struct text_block first_block;
static struct lock blocks_lock;
static struct once blocks_once = ONCE_INIT;

static void make_lock(void)
{
    lock_init(&blocks_lock);
}

static void write_place(struct text_place *place, const struct native_code *code)
{
    atomic_fetch_add(&place->changes, 1);
    atomic_store(&place->code, code);
    atomic_store(&place->text, code == NULL ? NULL : code->image->text);
    atomic_store(&place->bytes, code == NULL ? 0 : code->image->text_bytes);
    atomic_fetch_add(&place->changes, 1);
}

/* Puts `to` in the place of `from`; a free place has NULL. */
static bool replace_place(const struct native_code *from, const struct native_code *to)
{
    bool done = false;
    once_do(&blocks_once, make_lock);
    lock_take(&blocks_lock);
    for (struct text_block *block = &first_block; !done;) {
        for (size_t i = 0; i < PLACES && !done; i++) {
            if (atomic_load(&block->places[i].code) != from)
                continue;
            write_place(&block->places[i], to);
            done = true;
        }
        struct text_block *next = atomic_load(&block->next);
        if (!done && next == NULL) {
            next = to == NULL ? NULL : pages_get(sizeof(*next));
            if (next == NULL)
                break;
            atomic_store(&block->next, next);
        }
        block = next;
    }
    lock_give(&blocks_lock);
    return done;
}

const struct native_code *native_code_at(uintptr_t pc)
{
    for (struct text_block *block = &first_block; block != NULL;
         block = atomic_load(&block->next)) {
        for (size_t i = 0; i < PLACES; i++) {
            struct text_place *place = &block->places[i];
            unsigned before = atomic_load(&place->changes);
            uintptr_t text = (uintptr_t)atomic_load(&place->text);
            size_t bytes = atomic_load(&place->bytes);
            const struct native_code *code = atomic_load(&place->code);
            if (text != 0 && pc - text < bytes && before % 2 == 0 &&
                atomic_load(&place->changes) == before)
                return code;
        }
    }
    return NULL;
}

/* ---- Adding ----------------------------------------------------------------------------------------- */

static enum stint_status misshaped(struct stint_error *error, const char *what)
{
    return error_set(error, STINT_INVALID, STINT_NO_OFFSET, "machine code does not fit: %s", what);
}

static bool array_fits(const struct image_header *header, const struct image_array *array,
                       size_t row_bytes)
{
    const struct image_section *meta = &header->sections[IMAGE_META];
    return array->offset % sizeof(uint32_t) == 0 && array->offset >= meta->offset &&
           array->offset - meta->offset <= meta->bytes &&
           array->count <= (meta->bytes - (array->offset - meta->offset)) / row_bytes;
}

static enum stint_status check_shape(const struct stint_module *module,
                                     const struct native_image *image, struct stint_error *error)
{
    const struct image_header *header = image->header;
    const struct wasm_module *wasm = module->wasm;
    if (header->abi_version != NATIVE_ABI_VERSION || header->import_count != NATIVE_IMPORT_COUNT)
        return misshaped(error, "it was made for another version");
    if (header->code_class > NATIVE_CLASS_MASK)
        return misshaped(error, "unknown class of code");
    if (image->text_bytes > UINT32_MAX || (uintptr_t)image->meta % sizeof(uint32_t) != 0)
        return misshaped(error, "text or tables lie wrong");
    if (!array_fits(header, &header->funcs, sizeof(struct image_func)) ||
        !array_fits(header, &header->entries, sizeof(struct image_entry)) ||
        !array_fits(header, &header->osrs, sizeof(struct image_osr)) ||
        !array_fits(header, &header->ranges, sizeof(struct image_range)) ||
        !array_fits(header, &header->frames, sizeof(struct image_frame)) ||
        !array_fits(header, &header->places, sizeof(struct image_place)))
        return misshaped(error, "a table lies outside");
    if (header->funcs.count > wasm->func_count - wasm->import_func_count)
        return misshaped(error, "it has more functions than the module");
    if (module->engine->config.is_metered && (header->flags & IMAGE_METERED) == 0)
        return misshaped(error, "it does not count fuel");
    return STINT_OK;
}

/* Whether perf or a debugger is to know of images. */
static bool is_announced(const struct stint_module *module)
{
    const struct tier_config *config = &module->engine->config.tier;
    return (config->has_debug_info || config->has_perf_map) && config->source != NULL;
}

enum stint_status native_add_image(struct stint_module *module, struct native_image *image,
                                   struct stint_error *error)
{
    enum stint_status status = check_shape(module, image, error);
    struct native_code *code = NULL;
    if (status == STINT_OK) {
        code = alloc_get_zeroed(&module->engine->alloc, 1, sizeof(*code));
        if (code == NULL)
            status = error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "no memory for machine code");
    }
    if (status == STINT_OK) {
        *code = (struct native_code){.module = module, .image = image, .header = image->header};
        if (!replace_place(NULL, code))
            status = error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "no memory for machine code");
    }
    if (status != STINT_OK) {
        alloc_put(&module->engine->alloc, code, sizeof(*code));
        if (image->release != NULL)
            image->release(image);
        return status;
    }
    if (is_announced(module)) /* before it runs, so that breakpoints are in time */
        module->engine->config.tier.source->announce(module, image);
    code->older = atomic_load_explicit(&module->native, memory_order_relaxed);
    while (!atomic_compare_exchange_weak(&module->native, &code->older, code))
        ;
    if (module->engine->ops->code_added != NULL)
        module->engine->ops->code_added(module->code);
    return STINT_OK;
}

void native_detach(struct stint_module *module)
{
    struct native_code *code = atomic_exchange(&module->native, NULL);
    while (code != NULL) {
        struct native_code *older = code->older;
        if (is_announced(module))
            module->engine->config.tier.source->forget(module, code->image);
        (void)replace_place(code, NULL);
        if (code->image->release != NULL)
            code->image->release(code->image);
        alloc_put(&module->engine->alloc, code, sizeof(*code));
        code = older;
    }
}

/* ---- Finding functions ------------------------------------------------------------------------------ */

const void *native_array(const struct native_code *code, const struct image_array *array)
{
    return code->image->meta + (array->offset - code->header->sections[IMAGE_META].offset);
}

static const void *text_at(const struct native_code *code, uint32_t offset)
{
    return offset < code->image->text_bytes ? code->image->text + offset : NULL;
}

static const void *find_func(const struct native_code *code, uint32_t own_index)
{
    const struct image_func *funcs = native_array(code, &code->header->funcs);
    uint32_t low = 0, high = code->header->funcs.count;
    /* Where all functions are there the index is the place. */
    if (own_index < high && funcs[own_index].own_index == own_index)
        return text_at(code, funcs[own_index].text_offset);
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (funcs[middle].own_index < own_index)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == code->header->funcs.count || funcs[low].own_index != own_index)
        return NULL;
    return text_at(code, funcs[low].text_offset);
}

/* The module may declare a type more than once, and one entry serves them all. */
static const void *find_entry(const struct native_code *code, const struct type_def *type)
{
    const struct image_entry *entries = native_array(code, &code->header->entries);
    const struct wasm_module *wasm = code->module->wasm;
    for (uint32_t i = 0; i < code->header->entries.count; i++) {
        if (entries[i].type_index < wasm->type_count && wasm->types[entries[i].type_index] == type)
            return text_at(code, entries[i].text_offset);
    }
    return NULL;
}

static bool find_in(const struct native_code *code, uint32_t own_index,
                    struct native_code_ref *ret_code)
{
    const struct wasm_module *wasm = code->module->wasm;
    const void *found = find_func(code, own_index);
    if (found == NULL)
        return false;
    const void *entry =
        find_entry(code, module_func_type(wasm, wasm->import_func_count + own_index));
    if (entry == NULL)
        return false;
    *ret_code = (struct native_code_ref){found, entry, code->header->code_class};
    return true;
}

bool native_find(const struct stint_module *module, uint32_t own_index,
                 struct native_code_ref *ret_code)
{
    const struct native_code *code = atomic_load_explicit(&module->native, memory_order_acquire);
    for (; code != NULL; code = code->older) {
        if (find_in(code, own_index, ret_code))
            return true;
    }
    return false;
}

const void *native_find_osr(const struct stint_module *module, uint32_t own_index,
                            uint32_t loop_offset)
{
    const struct native_code *code = atomic_load_explicit(&module->native, memory_order_acquire);
    for (; code != NULL; code = code->older) {
        const struct image_osr *osrs = native_array(code, &code->header->osrs);
        uint32_t low = 0, high = code->header->osrs.count;
        while (low < high) {
            uint32_t middle = low + (high - low) / 2;
            const struct image_osr *row = &osrs[middle];
            if (row->own_index < own_index ||
                (row->own_index == own_index && row->loop_offset < loop_offset))
                low = middle + 1;
            else
                high = middle;
        }
        if (low < code->header->osrs.count && osrs[low].own_index == own_index &&
            osrs[low].loop_offset == loop_offset)
            return text_at(code, osrs[low].text_offset);
    }
    return NULL;
}

static bool is_guarded(const struct stint_instance *instance)
{
    for (uint32_t i = 0; i < instance->module->wasm->memory_count; i++) {
        const struct memory *memory = instance->memories[i];
        if (!memory->type.limits.is_64 && memory->reserved_bytes < GUARDED_BYTES)
            return false;
    }
    return true;
}

static bool fits(const struct native_code *code, const struct stint_instance *instance)
{
    return (code->header->flags & IMAGE_GUARD_8G) == 0 || is_guarded(instance);
}

bool native_fits(const struct stint_instance *instance)
{
    const struct native_code *code =
        atomic_load_explicit(&instance->module->native, memory_order_acquire);
    for (; code != NULL; code = code->older) {
        if (fits(code, instance))
            return true;
    }
    return false;
}

/* Gives an instance what its code works on. */
static bool prepare(struct stint_instance *instance)
{
    if (instance->run != NULL)
        return true;
    if (!native_prepare_store(instance->store))
        return false;
    instance->run = instance->store->run;
    if (native_prepare_objects(instance))
        return true;
    instance->run = NULL;
    return false;
}

bool native_can_enter(struct stint_instance *instance)
{
    const struct native_code *code =
        atomic_load_explicit(&instance->module->native, memory_order_acquire);
    bool fits_all = code != NULL;
    for (; code != NULL && fits_all; code = code->older)
        fits_all = fits(code, instance);
    return fits_all && prepare(instance);
}

void native_fill_func(struct func *func)
{
    struct stint_instance *instance = func->instance;
    const struct wasm_module *wasm = instance->module->wasm;
    const struct native_code *code =
        atomic_load_explicit(&instance->module->native, memory_order_acquire);
    struct native_code_ref found;
    assert(func->index >= wasm->import_func_count);
    if (func->native_seen == code)
        return;
    func->native_seen = code;
    for (; code != NULL; code = code->older) {
        if (fits(code, instance) && find_in(code, func->index - wasm->import_func_count, &found))
            break;
    }
    if (code == NULL || !prepare(instance))
        return;
    func->native_code = found.code;
    func->native_entry = found.entry;
    func->native_key = (uintptr_t)func->type | found.code_class;
}

const void *const native_imports[NATIVE_IMPORT_COUNT] = {
    [NATIVE_IMPORT_leave] = (const void *)native_import_leave,
    [NATIVE_IMPORT_memcpy] = (const void *)native_import_memcpy,
    [NATIVE_IMPORT_memmove] = (const void *)native_import_memmove,
    [NATIVE_IMPORT_memset] = (const void *)native_import_memset,
    [NATIVE_IMPORT_call_words] = (const void *)native_import_call_words,
#define HELPER(id, signature) [NATIVE_IMPORT_##id] = (const void *)native_import_##id,
#include "runtime/native_helpers.def"
#undef HELPER
};
