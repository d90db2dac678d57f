/* SPDX-License-Identifier: Apache-2.0 */
/* Identifiers (core specification 6.1.1, 6.3.5): what each stands for, and where. */
#include <stdio.h>
#include <string.h>

#include "wasm/text_int.h"

static const char *const space_names[SPACE_COUNT] = {
    [SPACE_TYPE] = "type",
    [SPACE_FUNC] = "function",
    [SPACE_TABLE] = "table",
    [SPACE_MEMORY] = "memory",
    [SPACE_GLOBAL] = "global",
    [SPACE_TAG] = "tag",
    [SPACE_ELEM] = "element segment",
    [SPACE_DATA] = "data segment",
};

void text_symbols_init(struct text_parser *p)
{
    for (int i = 0; i < SPACE_COUNT; i++)
        map_init(&p->spaces[i].indices, p->alloc);
    map_init(&p->field_indices, p->alloc);
    map_init(&p->local_indices, p->alloc);
    map_init(&p->label_depths, p->alloc);
}

static void free_subnames(struct text_parser *p, struct text_subnames *names)
{
    alloc_put(p->alloc, names->items, names->capacity * sizeof(*names->items));
}

void text_symbols_free(struct text_parser *p)
{
    for (int i = 0; i < SPACE_COUNT; i++) {
        struct text_symbols *symbols = &p->spaces[i];
        map_free(&symbols->indices);
        alloc_put(p->alloc, symbols->names, symbols->name_capacity * sizeof(*symbols->names));
    }
    map_free(&p->field_indices);
    map_free(&p->local_indices);
    map_free(&p->label_depths);
    free_subnames(p, &p->field_names);
    free_subnames(p, &p->local_names);
    alloc_put(p->alloc, p->labels, p->label_capacity * sizeof(*p->labels));
}

static bool fail_duplicate(struct text_parser *p, uint32_t token, const char *what,
                           struct wasm_name name)
{
    return text_fail_at(p, token, "duplicate %s: $%.*s is bound already", what, (int)name.bytes,
                        name.text);
}

static bool fail_unknown(struct text_parser *p, const char *what, struct wasm_name name)
{
    return text_fail_at(p, p->at, "unknown %s $%.*s", what, (int)name.bytes, name.text);
}

static bool add_subname(struct text_parser *p, struct text_subnames *names, uint32_t outer,
                        uint32_t inner, struct wasm_name name)
{
    if (!p->options->names)
        return true;
    if (!vec_reserve(p->alloc, &names->items, &names->capacity, (size_t)names->count + 1,
                     sizeof(*names->items)))
        return text_nomem(p);
    names->items[names->count++] = (struct text_subname){outer, inner, name};
    return true;
}

void text_skip_id(struct text_parser *p)
{
    p->at += text_at_id(p);
}

bool text_bind(struct text_parser *p, enum text_space space)
{
    struct text_symbols *symbols = &p->spaces[space];
    uint32_t index = symbols->count;
    struct wasm_name name = {NULL, 0};
    if (text_at_id(p)) {
        if (!text_id(p, p->at, &name))
            return false;
        if (map_find(&symbols->indices, name.text, name.bytes) != NULL)
            return fail_duplicate(p, p->at, space_names[space], name);
        if (!map_put(&symbols->indices, name.text, name.bytes, index))
            return text_nomem(p);
        p->at++;
    }
    if (!text_name_annotation(p, &name))
        return false;
    symbols->count++;
    if (!p->options->names)
        return true;
    if (!vec_reserve(p->alloc, &symbols->names, &symbols->name_capacity, symbols->count,
                     sizeof(*symbols->names)))
        return text_nomem(p);
    symbols->names[index] = name;
    return true;
}

bool text_at_index(const struct text_parser *p)
{
    return text_at_id(p) || text_at_digit(p);
}

bool text_index(struct text_parser *p, enum text_space space, uint32_t *ret_index)
{
    struct wasm_name name;
    if (!text_at_index(p)) {
        char what[40];
        snprintf(what, sizeof(what), "an index of a %s", space_names[space]);
        return text_expected(p, what);
    }
    if (!text_at_id(p))
        return text_u32(p, ret_index);
    if (!text_id(p, p->at, &name))
        return false;
    const uint64_t *found = map_find(&p->spaces[space].indices, name.text, name.bytes);
    if (found != NULL)
        *ret_index = (uint32_t)*found;
    else if (space != SPACE_TYPE || p->core_scope == NULL ||
             !p->core_scope->find(p->core_scope->context, name, ret_index))
        return fail_unknown(p, space_names[space], name);
    p->at++;
    return true;
}

/* ---- Fields ------------------------------------------------------------------------------ */

/* The key of a field: its type's index and its name, in p->scratch. */
static bool make_field_key(struct text_parser *p, uint32_t type, struct wasm_name name)
{
    buf_clear(&p->scratch);
    buf_append(&p->scratch, &type, sizeof(type));
    buf_append(&p->scratch, name.text, name.bytes);
    return !p->scratch.failed || text_nomem(p);
}

bool text_bind_field(struct text_parser *p, uint32_t type, uint32_t field)
{
    struct wasm_name name;
    if (!text_id(p, p->at, &name) || !make_field_key(p, type, name))
        return false;
    if (map_find(&p->field_indices, p->scratch.data, p->scratch.bytes) != NULL)
        return fail_duplicate(p, p->at, "field", name);
    void *key = arena_copy(&p->arena, p->scratch.data, p->scratch.bytes);
    if (key == NULL || !map_put(&p->field_indices, key, p->scratch.bytes, field))
        return text_nomem(p);
    p->at++;
    return add_subname(p, &p->field_names, type, field, name);
}

bool text_field_index(struct text_parser *p, uint32_t type, uint32_t *ret_index)
{
    struct wasm_name name;
    if (!text_at_id(p))
        return text_u32(p, ret_index);
    if (!text_id(p, p->at, &name) || !make_field_key(p, type, name))
        return false;
    const uint64_t *found = map_find(&p->field_indices, p->scratch.data, p->scratch.bytes);
    if (found == NULL)
        return fail_unknown(p, "field", name);
    *ret_index = (uint32_t)*found;
    p->at++;
    return true;
}

/* ---- Locals ------------------------------------------------------------------------------ */

/* One map serves all functions: an entry counts only when it carries the function's serial. */
bool text_bind_local(struct text_parser *p, uint32_t id)
{
    uint32_t index = p->local_count;
    struct wasm_name name = {NULL, 0};
    if (index == UINT32_MAX)
        return text_fail(p, "too many locals");
    if (id != TOKEN_NONE) {
        if (!text_id(p, id, &name))
            return false;
        const uint64_t *found = map_find(&p->local_indices, name.text, name.bytes);
        if (found != NULL && *found >> 32 == p->function_serial)
            return fail_duplicate(p, id, "local", name);
        uint64_t value = (uint64_t)p->function_serial << 32 | index;
        if (!map_put(&p->local_indices, name.text, name.bytes, value))
            return text_nomem(p);
    }
    if (!text_name_annotation(p, &name))
        return false;
    p->local_count++;
    return name.text == NULL || add_subname(p, &p->local_names, p->function, index, name);
}

bool text_local_index(struct text_parser *p, uint32_t *ret_index)
{
    struct wasm_name name;
    if (!text_at_index(p))
        return text_expected(p, "an index of a local");
    if (!text_at_id(p))
        return text_u32(p, ret_index);
    if (!text_id(p, p->at, &name))
        return false;
    const uint64_t *found = map_find(&p->local_indices, name.text, name.bytes);
    if (found == NULL || *found >> 32 != p->function_serial)
        return fail_unknown(p, "local", name);
    *ret_index = (uint32_t)*found;
    p->at++;
    return true;
}

/* ---- Labels ------------------------------------------------------------------------------ */

bool text_label_id(struct text_parser *p, struct wasm_name *ret_name)
{
    *ret_name = (struct wasm_name){NULL, 0};
    if (!text_at_id(p))
        return true;
    if (!text_id(p, p->at, ret_name))
        return false;
    p->at++;
    return true;
}

/*
 * A label hides outer ones of its name: the map holds the innermost, each label what it hides, so
 * that a look-up does not depend on the depth.
 */
bool text_push_label(struct text_parser *p, struct wasm_name name)
{
    if (!vec_reserve(p->alloc, &p->labels, &p->label_capacity, p->label_count + 1,
                     sizeof(*p->labels)))
        return text_nomem(p);
    struct text_label *label = &p->labels[p->label_count++];
    *label = (struct text_label){name, 0};
    if (name.text == NULL)
        return true;
    const uint64_t *found = map_find(&p->label_depths, name.text, name.bytes);
    label->shadowed = found == NULL ? 0 : *found;
    return map_put(&p->label_depths, name.text, name.bytes, p->label_count) || text_nomem(p);
}

void text_pop_label(struct text_parser *p)
{
    const struct text_label *label = &p->labels[--p->label_count];
    if (label->name.text != NULL)
        *map_find(&p->label_depths, label->name.text, label->name.bytes) = label->shadowed;
}

bool text_label_index(struct text_parser *p, uint32_t *ret_index)
{
    struct wasm_name name;
    if (!text_at_index(p))
        return text_expected(p, "a label");
    if (!text_at_id(p))
        return text_u32(p, ret_index);
    if (!text_id(p, p->at, &name))
        return false;
    const uint64_t *found = map_find(&p->label_depths, name.text, name.bytes);
    if (found == NULL || *found == 0)
        return fail_unknown(p, "label", name);
    *ret_index = (uint32_t)(p->label_count - *found);
    p->at++;
    return true;
}
