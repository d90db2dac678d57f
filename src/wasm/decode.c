/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "wasm/decode_int.h"
#include "wasm/section.h"

static const uint8_t magic[8] = {0x00, 'a', 's', 'm', 0x01, 0x00, 0x00, 0x00};

bool module_is_binary(const uint8_t *bytes, size_t size_bytes)
{
    return size_bytes >= sizeof(magic) && memcmp(bytes, magic, sizeof(magic)) == 0;
}

/* By id; custom sections, which may come anywhere, have no place in the order. */
static const struct section_row {
    void (*decode)(struct decoder *d);
    uint8_t place; /* from 1 */
    uint32_t feature;
    const char *name;
} section_rows[] = {
#define ROW(id, decode, feature, name)                                                             \
    [SECTION_ID_##id] = {decode, SECTION_##id + 1, FEATURE_##feature, name}
    [SECTION_ID_CUSTOM] = {decode_custom, 0, FEATURE_MVP, "a custom section"},
    ROW(TYPE, decode_types, MVP, "the type section"),
    ROW(IMPORT, decode_imports, MVP, "the import section"),
    ROW(FUNC, decode_functions, MVP, "the function section"),
    ROW(TABLE, decode_tables, MVP, "the table section"),
    ROW(MEMORY, decode_memories, MVP, "the memory section"),
    ROW(TAG, decode_tags, EXCEPTIONS, "the tag section"),
    ROW(GLOBAL, decode_globals, MVP, "the global section"),
    ROW(EXPORT, decode_exports, MVP, "the export section"),
    ROW(START, decode_start, MVP, "the start section"),
    ROW(ELEM, decode_elems, MVP, "the element section"),
    ROW(DATA_COUNT, decode_data_count, BULK, "the data count section"),
    ROW(CODE, decode_code, MVP, "the code section"),
    ROW(DATA, decode_datas, MVP, "the data section"),
#undef ROW
};

bool decode_grow(struct decoder *d, void *items, size_t *capacity, size_t used, size_t count,
                 size_t each_bytes)
{
    if (count <= *capacity)
        return true;
    /* Exact at first, as most arrays are sized once; doubled where they grow one by one. */
    size_t larger = *capacity * 2 > count ? *capacity * 2 : count;
    void *grown = decode_array(d, larger, each_bytes);
    if (grown == NULL)
        return false;
    void *old;
    memcpy(&old, items, sizeof(old));
    if (used != 0)
        memcpy(grown, old, used * each_bytes);
    memcpy(items, &grown, sizeof(grown));
    *capacity = larger;
    return true;
}

void *decode_array(struct decoder *d, size_t count, size_t each_bytes)
{
    void *array = arena_get_zeroed(&d->module->arena, count, each_bytes);
    if (array == NULL)
        reader_fail_nomem(&d->v.r);
    return array;
}

bool decode_check_index(struct decoder *d, uint32_t index, uint32_t count, const char *what,
                        const uint8_t *at)
{
    if (LIKELY(index < count))
        return true;
    reader_fail(&d->v.r, STINT_INVALID, at, "unknown %s %u: the module has %u", what, index, count);
    return false;
}

void decode_custom(struct decoder *d)
{
    struct reader *r = &d->v.r;
    struct wasm_module *module = d->module;
    struct wasm_custom custom = {.name = read_name(r, "custom section's name")};
    custom.offset_bytes = (uint32_t)(r->at - module->bytes);
    custom.size_bytes = (uint32_t)(r->end - r->at);
    if (reader_failed(r) ||
        !decode_grow(d, &module->customs, &d->custom_capacity, module->custom_count,
                     module->custom_count + 1, sizeof(custom)))
        return;
    module->customs[module->custom_count++] = custom;
    r->at = r->end;
}

static void decode_magic(struct decoder *d)
{
    struct reader *r = &d->v.r;
    const uint8_t *start = r->at;
    size_t left = (size_t)(r->end - start);
    if (left < 4)
        reader_fail(r, STINT_MALFORMED, NULL, "unexpected end: %zu bytes are no WebAssembly module",
                    left);
    else if (memcmp(start, magic, 4) != 0)
        reader_fail(r, STINT_MALFORMED, NULL,
                    "magic header not detected: a binary module begins with \"\\0asm\"");
    else if (left < 8)
        reader_fail(r, STINT_MALFORMED, r->end, "unexpected end: the version is missing");
    else if (memcmp(start + 4, magic + 4, 4) != 0)
        reader_fail(r, STINT_MALFORMED, start + 4, "unknown binary version %u: 1 was expected",
                    start[4] | (unsigned)start[5] << 8 | (unsigned)start[6] << 16 |
                        (unsigned)start[7] << 24);
    else
        r->at += sizeof(magic);
}

/* Reads one section; `*place` is that of the last one. */
static void decode_section(struct decoder *d, unsigned *place)
{
    struct reader *r = &d->v.r;
    const uint8_t *start = r->at, *file_end = r->end;
    uint8_t id = read_byte(r);
    if (id >= COUNT_OF(section_rows)) {
        reader_fail(r, STINT_MALFORMED, start, "malformed section id %u", id);
        return;
    }
    uint32_t bytes = read_u32(r);
    const struct section_row *section = &section_rows[id];
    if (bytes > (size_t)(r->end - r->at)) {
        reader_fail(r, STINT_MALFORMED, start,
                    "length out of bounds: %s claims %u bytes, %zu follow", section->name, bytes,
                    (size_t)(r->end - r->at));
        return;
    }
    if (reader_failed(r) || !reader_need_feature(r, section->feature, start, section->name))
        return;
    if (id != SECTION_ID_CUSTOM) {
        if (section->place <= *place)
            reader_fail(r, STINT_MALFORMED, start,
                        "unexpected content after last section: %s comes twice or too late",
                        section->name);
        *place = section->place;
    }
    if (reader_failed(r))
        return;
    r->end = r->at + bytes;
    section->decode(d);
    if (!reader_failed(r) && r->at != r->end)
        reader_fail(r, STINT_MALFORMED, NULL,
                    "section size mismatch: %zu bytes are left over in %s",
                    (size_t)(r->end - r->at), section->name);
    r->end = file_end;
}

/* What can be said only after the last section. */
static void decode_finish(struct decoder *d)
{
    struct reader *r = &d->v.r;
    struct wasm_module *module = d->module;
    if (reader_failed(r))
        return;
    uint32_t functions = module->func_count - module->import_func_count;
    if (d->body_count != functions)
        reader_fail(r, STINT_MALFORMED, NULL,
                    "function and code section have inconsistent lengths: %u and %u", functions,
                    d->body_count);
    if (module->has_data_count && module->data_count != d->data_count_promised)
        reader_fail(r, STINT_MALFORMED, NULL,
                    "data count and data section have inconsistent lengths: %u and %u",
                    d->data_count_promised, module->data_count);
    if (module->func_declared == NULL && module->func_count != 0 && !reader_failed(r))
        module->func_declared = decode_array(d, (module->func_count + 7) / 8, 1);
}

static enum stint_status decode_all(struct wasm_module *module, const struct module_tables *known,
                                    struct stint_error *error)
{
    struct decoder d = {.module = module};
    const uint8_t *end = module->bytes + module->size_bytes;
    unsigned place = 0;
    if (!STINT_DEVICE && known != NULL)
        d.known = *known;
    validator_init(&d.v, module, module->bytes, end, error);
    decode_magic(&d);
    while (!reader_failed(&d.v.r) && d.v.r.at < end)
        decode_section(&d, &place);
    decode_finish(&d);
    enum stint_status status = d.v.r.status;
    validator_free(&d.v);
    return status;
}

enum stint_status module_decode(struct alloc *alloc, struct type_registry *types,
                                const uint8_t *bytes, size_t size_bytes, uint32_t features,
                                struct wasm_module **ret_module, struct stint_error *error)
{
    return module_decode_known(alloc, types, bytes, size_bytes, features, NULL, ret_module, error);
}

enum stint_status module_decode_known(struct alloc *alloc, struct type_registry *types,
                                      const uint8_t *bytes, size_t size_bytes, uint32_t features,
                                      const struct module_tables *known,
                                      struct wasm_module **ret_module, struct stint_error *error)
{
    if (size_bytes > LIMIT_MODULE_BYTES)
        return error_set(error, STINT_LIMIT, 0,
                         "the module is too large: %zu bytes, the limit is %d", size_bytes,
                         LIMIT_MODULE_BYTES);
    struct wasm_module *module = alloc_get_zeroed(alloc, 1, sizeof(*module));
    if (module == NULL)
        return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "out of memory for the module");
    /* An empty input may have no address. */
    static const uint8_t nothing[1];
    module->alloc = alloc;
    module->types_registry = types;
    module->bytes = size_bytes == 0 ? nothing : bytes;
    module->size_bytes = size_bytes;
    module->features = features;
    arena_init(&module->arena, alloc);
    enum stint_status status = decode_all(module, known, error);
    if (status != STINT_OK) {
        module_free(module);
        return status;
    }
    *ret_module = module;
    return STINT_OK;
}

void module_free(struct wasm_module *module)
{
    if (module == NULL)
        return;
    arena_free(&module->arena);
    alloc_put(module->alloc, module, sizeof(*module));
}

const struct wasm_export *module_find_export(const struct wasm_module *module, const char *name,
                                             size_t name_bytes)
{
    for (uint32_t i = 0; i < module->export_count; i++) {
        const struct wasm_name *given = &module->exports[i].name;
        if (given->bytes == name_bytes &&
            (name_bytes == 0 || memcmp(given->text, name, name_bytes) == 0))
            return &module->exports[i];
    }
    return NULL;
}

bool limits_match(const struct wasm_limits *given, uint64_t given_now,
                  const struct wasm_limits *wanted)
{
    if (given->is_64 != wanted->is_64 || given->is_shared != wanted->is_shared)
        return false;
    if (given_now < wanted->min)
        return false;
    return !wanted->has_max || (given->has_max && given->max <= wanted->max);
}
