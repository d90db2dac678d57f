/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The name section, for identifiers, and branch hints, for annotations. Either is used as a whole
 * or, where it is not as it should be, shown as bytes like other custom sections.
 */
#include <string.h>

#include "base/map.h"
#include "wasm/print_int.h"

/* Longer names are shown where they are defined, but not at each use: output stays linear in the
 * input. */
enum { ID_BYTES_MAX = 512 };

/* A name is an identifier when it is the first of its kind in its space, and not empty. */
static bool is_new(struct map *seen, struct wasm_name name, uint64_t scope, bool *ret_is_id)
{
    const uint64_t *found = map_find(seen, name.text, name.bytes);
    *ret_is_id =
        name.bytes != 0 && name.bytes <= ID_BYTES_MAX && (found == NULL || *found != scope);
    return map_put(seen, name.text, name.bytes, scope);
}

/* Names of an index space, in rising order. */
static bool scan_map(struct printer *p, struct reader *r, enum print_space space)
{
    uint32_t count = read_count(r, UINT32_MAX, 2, "names"), next = 0;
    struct map seen;
    bool ok = true;
    if (p->names[space] == NULL)
        p->names[space] = arena_get_zeroed(&p->arena, p->counts[space], sizeof(*p->names[space]));
    if (p->names[space] == NULL)
        return false;
    map_init(&seen, p->alloc);
    for (uint32_t i = 0; i < count && ok; i++) {
        uint32_t index = read_u32(r);
        struct wasm_name name = read_name(r, "name");
        ok = !reader_failed(r) && index >= next && index < p->counts[space];
        if (ok) {
            struct print_name *entry = &p->names[space][index];
            entry->name = name;
            ok = is_new(&seen, name, 1, &entry->is_id);
            next = index + 1;
        }
    }
    map_free(&seen);
    return ok && !reader_failed(r);
}

static bool add_subname(struct printer *p, struct print_subnames *names, uint32_t outer,
                        uint32_t inner, struct wasm_name name, struct map *seen)
{
    if (!vec_reserve(p->alloc, &names->items, &names->capacity, names->count + 1,
                     sizeof(*names->items)))
        return false;
    struct print_subname *item = &names->items[names->count++];
    *item = (struct print_subname){outer, inner, {name, false}};
    return is_new(seen, name, (uint64_t)outer + 1, &item->name.is_id);
}

/* Names of locals in functions, or of fields in types, in rising order. */
static bool scan_indirect_map(struct printer *p, struct reader *r, struct print_subnames *names)
{
    uint32_t outer_count = read_count(r, UINT32_MAX, 2, "names"), outer_next = 0;
    struct map seen;
    bool ok = true;
    map_init(&seen, p->alloc);
    for (uint32_t i = 0; i < outer_count && ok; i++) {
        uint32_t outer = read_u32(r), next = 0;
        uint32_t count = read_count(r, UINT32_MAX, 2, "names");
        ok = !reader_failed(r) && outer >= outer_next && outer != UINT32_MAX;
        outer_next = outer + 1;
        for (uint32_t k = 0; k < count && ok; k++) {
            uint32_t inner = read_u32(r);
            struct wasm_name name = read_name(r, "name");
            ok = !reader_failed(r) && inner >= next && inner != UINT32_MAX &&
                 add_subname(p, names, outer, inner, name, &seen);
            next = inner + 1;
        }
    }
    map_free(&seen);
    return ok && !reader_failed(r);
}

static bool scan_subsection(struct printer *p, struct reader *r, uint8_t id)
{
    switch (id) {
    case NAMES_MODULE:
        p->module_name.name = read_name(r, "name");
        p->module_name.is_id =
            p->module_name.name.bytes != 0 && p->module_name.name.bytes <= ID_BYTES_MAX;
        return !reader_failed(r);
    case NAMES_FUNC:
        return scan_map(p, r, PRINT_FUNC);
    case NAMES_LOCAL:
        return scan_indirect_map(p, r, &p->local_names);
    case NAMES_TYPE:
        return scan_map(p, r, PRINT_TYPE);
    case NAMES_TABLE:
        return scan_map(p, r, PRINT_TABLE);
    case NAMES_MEMORY:
        return scan_map(p, r, PRINT_MEMORY);
    case NAMES_GLOBAL:
        return scan_map(p, r, PRINT_GLOBAL);
    case NAMES_ELEM:
        return scan_map(p, r, PRINT_ELEM);
    case NAMES_DATA:
        return scan_map(p, r, PRINT_DATA);
    case NAMES_FIELD:
        return scan_indirect_map(p, r, &p->field_names);
    case NAMES_TAG:
        return scan_map(p, r, PRINT_TAG);
    default:
        return true; /* labels, and what is yet to be invented */
    }
}

void print_scan_names(struct printer *p, const struct print_section *section)
{
    struct reader r;
    bool ok = true;
    int last = -1;
    if (p->names_from != NULL)
        return; /* a second one: the first counts */
    reader_init(&r, &p->stub, section->at, section->end, NULL);
    while (ok && r.at < r.end) {
        uint8_t id = read_byte(&r);
        uint32_t bytes = read_u32(&r);
        const uint8_t *content = read_bytes(&r, bytes);
        ok = content != NULL && !reader_failed(&r) && (int)id > last;
        last = id;
        if (ok) {
            struct reader inner;
            reader_init(&inner, &p->stub, content, content + bytes, NULL);
            ok = scan_subsection(p, &inner, id);
        }
    }
    if (ok) {
        p->names_from = section;
        return;
    }
    memset(p->names, 0, sizeof(p->names));
    p->local_names.count = p->field_names.count = 0;
    p->module_name = (struct print_name){0};
}

static bool scan_function_hints(struct printer *p, struct reader *r, uint32_t function)
{
    uint32_t count = read_count(r, UINT32_MAX, 2, "hints"), next = 0;
    for (uint32_t i = 0; i < count && !reader_failed(r); i++) {
        struct print_hint hint = {.function = function, .offset = read_u32(r)};
        uint32_t size = read_u32(r);
        hint.value = read_byte(r);
        if (reader_failed(r) || size != 1 || hint.value > 1 || hint.offset < next ||
            !vec_reserve(p->alloc, &p->hints, &p->hint_capacity, p->hint_count + 1,
                         sizeof(*p->hints)))
            return false;
        p->hints[p->hint_count++] = hint;
        next = hint.offset + 1;
    }
    return !reader_failed(r);
}

void print_scan_hints(struct printer *p, const struct print_section *section)
{
    struct reader r;
    if (p->hints_from != NULL)
        return;
    reader_init(&r, &p->stub, section->at, section->end, NULL);
    uint32_t count = read_count(&r, UINT32_MAX, 2, "functions"), next = 0;
    bool ok = !reader_failed(&r);
    for (uint32_t i = 0; i < count && ok; i++) {
        uint32_t function = read_u32(&r);
        ok = !reader_failed(&r) && function >= next && function != UINT32_MAX &&
             scan_function_hints(p, &r, function);
        next = function + 1;
    }
    if (ok && r.at == r.end)
        p->hints_from = section;
    else
        p->hint_count = 0;
}
