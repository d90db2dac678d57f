/* SPDX-License-Identifier: Apache-2.0 */
/* Component files: making and releasing them, sections, nested components and modules. */
#include <string.h>

#include "base/buf.h"
#include "component/component_decode_int.h"
#include "component/component_validate.h"

enum { PREAMBLE_BYTES = 8 };
static const uint8_t preamble[PREAMBLE_BYTES] = {0, 'a', 's', 'm', 0x0d, 0, 1, 0};

bool component_is_binary(const uint8_t *bytes, size_t size_bytes)
{
    return size_bytes >= PREAMBLE_BYTES && memcmp(bytes, preamble, PREAMBLE_BYTES) == 0;
}

/* ---- What the decoder's parts share ------------------------------------------------------ */

void *comp_array(struct comp_decoder *d, size_t count, size_t each_bytes)
{
    void *array = arena_get_zeroed(&d->file->arena, count, each_bytes);
    if (array == NULL)
        reader_fail_nomem(&d->r);
    return array;
}

struct comp_def comp_begin_def(struct comp_decoder *d, enum comp_def_kind kind, enum comp_sort sort)
{
    return (struct comp_def){.kind = (uint8_t)kind,
                             .sort = (uint8_t)sort,
                             .offset_bytes = (uint32_t)(d->r.at - d->file->bytes)};
}

void comp_fail_byte(struct comp_decoder *d, const uint8_t *at, uint8_t byte, const char *what)
{
    reader_fail(&d->r, STINT_MALFORMED, at, "malformed %s: 0x%02x", what, byte);
}

bool comp_enter(struct comp_decoder *d)
{
    if (d->depth == LIMIT_COMP_NESTING) {
        reader_fail(&d->r, STINT_LIMIT, NULL,
                    "components and types are nested too deeply: the limit is %d",
                    LIMIT_COMP_NESTING);
        return false;
    }
    d->depth++;
    return true;
}

bool comp_read_flag(struct comp_decoder *d, const char *what)
{
    const uint8_t *at = d->r.at;
    uint8_t flag = read_byte(&d->r);
    if (flag > 1)
        comp_fail_byte(d, at, flag, what);
    return flag == 1;
}

static uint32_t sort_limit(uint8_t sort)
{
    switch (sort) {
    case SORT_CORE_MODULE:
        return LIMIT_COMP_MODULES;
    case SORT_COMPONENT:
        return LIMIT_COMP_COMPONENTS;
    case SORT_INSTANCE:
    case SORT_CORE_INSTANCE:
        return LIMIT_COMP_INSTANCES;
    case SORT_VALUE:
        return LIMIT_COMP_VALUES;
    default:
        return LIMIT_COMP_ITEMS;
    }
}

void comp_add_def(struct comp_decoder *d, struct def_list *list, const struct comp_def *def)
{
    static const char *const names[] = {
        "core functions", "core tables",  "core memories",  "core globals", "core tags",
        "core types",     "core modules", "core instances", "functions",    "values",
        "types",          "components",   "instances"};
    uint32_t more = def->kind == DEF_START ? def->result_count : 1;
    if (reader_failed(&d->r))
        return;
    uint32_t limit = sort_limit(def->sort);
    if (more > limit || list->counts[def->sort] > limit - more) {
        reader_fail(&d->r, STINT_LIMIT, d->file->bytes + def->offset_bytes,
                    "too many %s: the limit is %u", names[def->sort], limit);
        return;
    }
    if (!vec_reserve(d->file->alloc, &list->items, &list->capacity, (size_t)list->count + 1,
                     sizeof(*list->items))) {
        reader_fail_nomem(&d->r);
        return;
    }
    list->items[list->count++] = *def;
    list->counts[def->sort] += more;
}

void comp_finish_defs(struct comp_decoder *d, struct def_list *list, struct comp_defs *ret_defs)
{
    if (!reader_failed(&d->r) && list->count != 0) {
        ret_defs->items = comp_array(d, list->count, sizeof(*list->items));
        if (ret_defs->items != NULL) {
            memcpy(ret_defs->items, list->items, list->count * sizeof(*list->items));
            ret_defs->count = list->count;
        }
    }
    alloc_put(d->file->alloc, list->items, list->capacity * sizeof(*list->items));
    *list = (struct def_list){0};
}

/* ---- Core modules ------------------------------------------------------------------------ */

static void decode_module(struct comp_decoder *d, struct def_list *list)
{
    struct component_file *file = d->file;
    struct comp_def def = comp_begin_def(d, DEF_CORE_MODULE, SORT_CORE_MODULE);
    struct stint_error error = {0};
    struct stint_module *module;
    const uint8_t *at = d->r.at;
    size_t count = (size_t)file->module_count + 1;
    if (count > LIMIT_COMP_ALL_MODULES) {
        reader_fail(&d->r, STINT_LIMIT, at, "too many core modules in a component: the limit is %d",
                    LIMIT_COMP_ALL_MODULES);
        return;
    }
    if (!vec_reserve(file->alloc, &file->modules, &d->module_capacity, count, sizeof(module)) ||
        !vec_reserve(file->alloc, &file->module_offsets, &d->offset_capacity, count,
                     sizeof(*file->module_offsets))) {
        reader_fail_nomem(&d->r);
        return;
    }
    enum stint_status status =
        d->maker->make(d->maker->context, file->engine, at, (size_t)(d->r.end - at),
                       (uint32_t)(at - file->bytes), &module, &error);
    if (status != STINT_OK) {
        if (error.offset_bytes != STINT_NO_OFFSET && error.message[0] != '\0')
            at += error.offset_bytes;
        reader_fail(&d->r, status, at, "%s (in core module %u)",
                    error.message[0] != '\0' ? error.message : status_text(status),
                    list->counts[SORT_CORE_MODULE]);
        return;
    }
    def.module = file->module_count;
    file->module_offsets[file->module_count] = (uint32_t)(at - file->bytes);
    file->modules[file->module_count++] = module;
    d->r.at = d->r.end;
    comp_add_def(d, list, &def);
}

/* ---- Sections ---------------------------------------------------------------------------- */

static void decode_component(struct comp_decoder *d, const struct component *parent,
                             struct component **ret_component);

static void decode_nested(struct comp_decoder *d, const struct component *parent,
                          struct def_list *list)
{
    struct comp_def def = comp_begin_def(d, DEF_COMPONENT, SORT_COMPONENT);
    struct component *component = NULL;
    decode_component(d, parent, &component);
    def.component = component;
    comp_add_def(d, list, &def);
}

static void skip_custom(struct comp_decoder *d)
{
    (void)read_name(&d->r, "name of a custom section");
    d->r.at = d->r.end;
}

/* Sections that are a list of definitions of one kind. */
static const struct {
    void (*decode)(struct comp_decoder *d, struct def_list *list);
    const char *what;
} list_sections[] = {
    [2] = {comp_decode_core_instance, "core instances"},
    [3] = {comp_decode_core_type, "core types"},
    [5] = {comp_decode_instance, "instances"},
    [6] = {comp_decode_alias, "aliases"},
    [7] = {comp_decode_type, "types"},
    [8] = {comp_decode_canon, "canonical definitions"},
    [10] = {comp_decode_import, "imports"},
    [11] = {comp_decode_export, "exports"},
    [12] = {comp_decode_value, "values"},
};

static void decode_content(struct comp_decoder *d, uint8_t id, const uint8_t *at,
                           const struct component *component, struct def_list *list)
{
    switch (id) {
    case 0:
        skip_custom(d);
        return;
    case 1:
        decode_module(d, list);
        return;
    case 4:
        decode_nested(d, component, list);
        return;
    case 9:
        comp_decode_start(d, list);
        return;
    default:
        break;
    }
    if (id >= COUNT_OF(list_sections)) {
        reader_fail(&d->r, STINT_MALFORMED, at, "malformed section id %u", id);
        return;
    }
    uint32_t count = read_count(&d->r, LIMIT_COMP_ITEMS, 1, list_sections[id].what);
    for (uint32_t i = 0; i < count && !reader_failed(&d->r); i++)
        list_sections[id].decode(d, list);
}

static void decode_section(struct comp_decoder *d, const struct component *component,
                           struct def_list *list)
{
    struct reader *r = &d->r;
    const uint8_t *at = r->at;
    uint8_t id = read_byte(r);
    if (id >= COUNT_OF(list_sections))
        reader_fail(r, STINT_MALFORMED, at, "malformed section id %u", id);
    const uint8_t *size_at = r->at;
    uint32_t bytes = read_u32(r);
    if (reader_failed(r))
        return;
    if (bytes > (size_t)(r->end - r->at)) {
        reader_fail(r, STINT_MALFORMED, size_at,
                    "length out of bounds: section %u has %u bytes, %zu follow", id, bytes,
                    (size_t)(r->end - r->at));
        return;
    }
    const uint8_t *end = r->end;
    r->end = r->at + bytes;
    decode_content(d, id, at, component, list);
    if (!reader_failed(r) && r->at != r->end)
        reader_fail(r, STINT_MALFORMED, NULL,
                    "section size mismatch: %zu bytes follow the content of section %u",
                    (size_t)(r->end - r->at), id);
    r->end = end;
    if (reader_failed(r))
        r->at = end;
}

static void check_preamble(struct comp_decoder *d)
{
    struct reader *r = &d->r;
    size_t bytes = (size_t)(r->end - r->at);
    size_t shared = bytes < PREAMBLE_BYTES ? bytes : PREAMBLE_BYTES;
    if (shared < 4 || memcmp(r->at, preamble, 4) != 0)
        reader_fail(r, STINT_MALFORMED, NULL, "magic header not detected: this is no component");
    else if (shared < PREAMBLE_BYTES)
        reader_fail(r, STINT_MALFORMED, NULL, "unexpected end of the component's header");
    else if (memcmp(r->at + 6, preamble + 6, 2) != 0)
        reader_fail(r, STINT_MALFORMED, r->at + 6,
                    "a component was expected, this is another kind of file");
    else if (memcmp(r->at + 4, preamble + 4, 2) != 0)
        reader_fail(r, STINT_MALFORMED, r->at + 4, "unknown binary version of a component");
    else
        r->at += PREAMBLE_BYTES;
}

/* From the reader's place to its end. */
static void decode_component(struct comp_decoder *d, const struct component *parent,
                             struct component **ret_component)
{
    struct def_list list = {0};
    struct core_scope scope;
    if (!comp_enter(d))
        return;
    core_scope_open(d, &scope);
    struct component *component = comp_array(d, 1, sizeof(*component));
    if (component != NULL) {
        component->parent = parent;
        component->file = d->file;
        component->offset_bytes = (uint32_t)(d->r.at - d->file->bytes);
        component->size_bytes = (uint32_t)(d->r.end - d->r.at);
        check_preamble(d);
        while (d->r.at < d->r.end && !reader_failed(&d->r))
            decode_section(d, component, &list);
        memcpy(component->counts, list.counts, sizeof(list.counts));
        comp_finish_defs(d, &list, &component->defs);
    }
    core_scope_close(d, &scope);
    d->depth--;
    *ret_component = component;
}

/* ---- Files ------------------------------------------------------------------------------- */

static void file_free(struct component_file *file, const struct comp_decoder *d)
{
    struct stint_engine *engine = file->engine;
    struct alloc *alloc = file->alloc;
    size_t modules = d != NULL ? d->module_capacity : file->module_count;
    size_t offsets = d != NULL ? d->offset_capacity : file->module_count;
    for (uint32_t i = 0; i < file->module_count; i++)
        rt_module_release(file->modules[i]);
    alloc_put(alloc, file->modules, modules * sizeof(*file->modules));
    alloc_put(alloc, file->module_offsets, offsets * sizeof(*file->module_offsets));
    arena_free(&file->arena);
    for (uint32_t i = 0; i < file->part_count; i++)
        component_release(file->parts[i]);
    alloc_put(alloc, file->parts, file->part_count * sizeof(*file->parts));
    alloc_put(alloc, file->owned_bytes, file->size_bytes);
    alloc_put(alloc, file, sizeof(*file));
    engine_release(engine);
}

/* Cuts the arrays of modules to what they hold, which is what file_free goes by later. */
static enum stint_status trim_modules(struct component_file *file, struct comp_decoder *d)
{
    size_t count = file->module_count;
    if (count == 0)
        return STINT_OK;
    void *modules =
        alloc_resize(file->alloc, file->modules, d->module_capacity * sizeof(*file->modules),
                     count * sizeof(*file->modules));
    if (modules == NULL)
        return STINT_NOMEM;
    file->modules = modules;
    d->module_capacity = count;
    void *offsets = alloc_resize(file->alloc, file->module_offsets,
                                 d->offset_capacity * sizeof(*file->module_offsets),
                                 count * sizeof(*file->module_offsets));
    if (offsets == NULL)
        return STINT_NOMEM;
    file->module_offsets = offsets;
    d->offset_capacity = count;
    return STINT_OK;
}

static enum stint_status file_create(struct stint_engine *engine, const uint8_t *bytes,
                                     size_t size_bytes, bool lend, struct component_file **ret_file,
                                     struct stint_error *error)
{
    if (size_bytes > LIMIT_COMP_FILE_BYTES)
        return error_set(error, STINT_LIMIT, STINT_NO_OFFSET,
                         "the component is too large: %zu bytes, the limit is %u", size_bytes,
                         LIMIT_COMP_FILE_BYTES);
    struct component_file *file = alloc_get_zeroed(&engine->alloc, 1, sizeof(*file));
    uint8_t *copy = NULL;
    if (file != NULL && !lend && size_bytes != 0) {
        copy = alloc_get(&engine->alloc, size_bytes);
        if (copy == NULL) {
            alloc_put(&engine->alloc, file, sizeof(*file));
            file = NULL;
        }
    }
    if (file == NULL)
        return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "out of memory for the component");
    if (copy != NULL)
        memcpy(copy, bytes, size_bytes);
    atomic_init(&file->references, 1);
    file->engine = engine_retain(engine);
    file->alloc = &engine->alloc;
    arena_init(&file->arena, file->alloc);
    file->bytes = copy != NULL ? copy : bytes;
    file->size_bytes = size_bytes;
    file->owned_bytes = copy;
    *ret_file = file;
    return STINT_OK;
}

static enum stint_status make_plain(void *context, struct stint_engine *engine,
                                    const uint8_t *wasm, size_t wasm_bytes, uint32_t offset_bytes,
                                    struct stint_module **ret_module, struct stint_error *error)
{
    (void)context;
    (void)offset_bytes;
    return rt_module_create(engine, wasm, wasm_bytes, true, ret_module, error);
}

enum stint_status component_create(struct stint_engine *engine, const uint8_t *bytes,
                                   size_t size_bytes, bool lend, struct component_file **ret_file,
                                   struct stint_error *error)
{
    static const struct component_maker plain = {make_plain, NULL};
    return component_create_made(engine, bytes, size_bytes, lend, &plain, ret_file, error);
}

enum stint_status component_create_made(struct stint_engine *engine, const uint8_t *bytes,
                                        size_t size_bytes, bool lend,
                                        const struct component_maker *maker,
                                        struct component_file **ret_file,
                                        struct stint_error *error)
{
    struct component_file *file;
    enum stint_status status = file_create(engine, bytes, size_bytes, lend, &file, error);
    if (status != STINT_OK)
        return status;
    struct comp_decoder d = {.file = file, .maker = maker};
    reader_init(&d.r, NULL, file->bytes, file->bytes + size_bytes, error);
    decode_component(&d, NULL, &file->root);
    status = d.r.status;
    if (status == STINT_OK)
        status = trim_modules(file, &d);
    if (status == STINT_OK)
        status = component_validate(file, error);
    if (status != STINT_OK) {
        file_free(file, &d);
        return status;
    }
    *ret_file = file;
    return STINT_OK;
}

bool component_keep_parts(struct component_file *file, uint32_t count)
{
    file->parts = alloc_get_zeroed(file->alloc, count, sizeof(*file->parts));
    file->part_count = file->parts != NULL ? count : 0;
    return file->parts != NULL;
}

struct component_file *component_retain(struct component_file *file)
{
    atomic_fetch_add_explicit(&file->references, 1, memory_order_relaxed);
    return file;
}

void component_release(struct component_file *file)
{
    if (file != NULL && atomic_fetch_sub_explicit(&file->references, 1, memory_order_acq_rel) == 1)
        file_free(file, NULL);
}
