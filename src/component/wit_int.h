/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A component's types with the names that they have for its users. In a binary types are numbered, and
 * an export gives a type its name; WIT has the names only. So each scope's type indices are walked
 * (wit_model.c), and what a name stands for is kept: a definition, another name of the same interface,
 * or a name of another interface, which becomes a `use`.
 */
#ifndef COMPONENT_WIT_INT_H
#define COMPONENT_WIT_INT_H

#include <string.h>

#include "component/wit.h"

struct wit_scope;
struct wit_interface;

struct wit_type {
    struct wasm_name name;       /* text NULL: it has none and is written out where it is used */
    struct wit_interface *owner; /* whose name it is */
    const struct wit_type *same; /* it is another name for this one … */
    const struct comp_type *def; /* … or this, its indices being the scope's … */
    struct wit_scope *scope;     /* … or neither: a resource */
};

struct wit_func {
    const struct comp_type *def;
    struct wit_scope *scope;
};

/* What an index stands for, by its sort. All empty where the text needs to know nothing of it. */
struct wit_entity {
    struct wit_type *type;
    struct wit_func func;
    struct wit_interface *interface;
    const struct component *component;
    struct wit_scope *scope; /* that the component stands in */
};

struct wit_item {
    uint8_t sort;   /* SORT_TYPE, SORT_FUNC or SORT_INSTANCE */
    bool is_export; /* of a world */
    struct wasm_name name;
    struct wit_entity entity;
};

struct wit_interface {
    struct wasm_name name; /* "wasi:io/streams@0.2.0"; text NULL until something names it */
    struct wit_item *items;
    size_t count, capacity;
    bool is_world;
    bool is_printed;
};

struct wit_scope {
    struct wit_scope *parent;
    struct {
        struct wit_entity *items;
        uint32_t count, capacity;
    } spaces[SORT_COUNT];
};

struct wit {
    struct alloc *alloc;
    struct arena arena;
    struct wit_interface world;
    struct wit_interface **interfaces; /* all, in the order of appearance */
    size_t interface_count, interface_capacity;
    uint32_t walked, depth;
    enum stint_status status;
    struct stint_error *error;
};

/* Fills in `wit->world` and the interfaces; false when wit->status says why not. */
bool wit_model(struct wit *wit, const struct component *component);
/* The same for the world that a `component-type` section of a core module describes: its items are
 * added to those of the worlds before. */
bool wit_model_world(struct wit *wit, const struct component *component);
/* Frees what is not in the arena, and the arena. */
void wit_free(struct wit *wit);
/* The type behind an index, or NULL. */
const struct wit_type *wit_type_at(const struct wit_scope *scope, uint32_t index);

static inline bool wit_same_name(struct wasm_name a, struct wasm_name b)
{
    return a.bytes == b.bytes && (a.bytes == 0 || memcmp(a.text, b.text, a.bytes) == 0);
}

#endif
